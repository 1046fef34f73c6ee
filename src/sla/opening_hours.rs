//! Business time: a calendar's hours laid out on the line of real time.
//!
//! A calendar is open whenever **the clock on its wall shows an opening hour** of a day that has it. From this one sentence
//! follows what happens where summer time begins or ends:
//!
//! * Hours that the wall's clock leaves out do not exist. Open from 1:00 to 2:30 on a night in which 2:00 becomes 3:00, it is
//!   open for one hour; open from 2:30 to 5:00, for two, from the jump on.
//! * An hour that the wall's clock shows twice is there twice. Open from 2:00 to 3:00 in the night in which 3:00 becomes 2:00,
//!   it is open for two hours; open from 1:00 to 2:30, it closes at the first 2:30 and opens again when the clock is set back.
//! * Around the clock, such days have 23 or 25 hours, or 24 and a half on Lord Howe Island; a day that a zone skipped has none.
//!
//! The open spans of 70 years are laid out once, with the business time before each. Every question is then a search in a sorted
//! list, and business time is the difference of two readings of one counter: additive and monotone by construction.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::day_plan::DayPlan;
use super::written_time::{day_number, day_of};
use crate::clock::{DAY_US, TimestampUs};

/// The first year that is laid out. No ticket that anybody imports waits since the last century; time before it counts nothing.
pub(super) const FIRST_YEAR: i16 = 2000;
/// The last year that is laid out: decades beyond every deadline of today. 70 years of a five-day week with a lunch break are
/// 37,000 spans, 0.9 MB.
pub(super) const LAST_YEAR: i16 = 2069;

/// How far ahead a deadline or an opening is looked for. No promise of days or weeks has a meaning beyond.
const LOOK_AHEAD_US: i64 = 10 * 366 * DAY_US;

/// A stretch without closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OpenSpan {
    from_us: TimestampUs,
    until_us: TimestampUs,
    /// Business time of all spans before.
    before_us: i64,
}

/// When a calendar is open, in real time. Made by [`Calendar::resolve`](super::Calendar::resolve).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningHours {
    /// In order, not touching.
    spans: Vec<OpenSpan>,
}

impl OpeningHours {
    pub(super) fn lay_out(plan: &DayPlan, zone: &TimeZone) -> Self {
        let mut hours = Self { spans: Vec::new() };
        for stretch in stretches(zone) {
            let (from_local_us, until_local_us) = (stretch.from_us + stretch.offset_us, stretch.until_us + stretch.offset_us);
            for day in day_of(from_local_us)..=day_of(until_local_us - 1) {
                for interval in plan.hours(day) {
                    let from_us = from_local_us.max(day * DAY_US + interval.from_us) - stretch.offset_us;
                    let until_us = until_local_us.min(day * DAY_US + interval.until_us) - stretch.offset_us;
                    hours.push(from_us, until_us);
                }
            }
        }
        debug_assert!(hours.spans.windows(2).all(|pair| pair[0].until_us < pair[1].from_us));
        hours
    }

    fn push(&mut self, from_us: TimestampUs, until_us: TimestampUs) {
        if from_us >= until_us {
            return;
        }
        match self.spans.last_mut() {
            Some(last) if last.until_us == from_us => last.until_us = until_us,
            last => {
                let before_us = last.map_or(0, |last| last.before_us + last.until_us - last.from_us);
                self.spans.push(OpenSpan { from_us, until_us, before_us });
            }
        }
    }

    /// Business time between two moments, in microseconds; 0 if the second is not after the first. Years before 2000 and after
    /// 2069 count as closed.
    pub fn business_between(&self, from_us: TimestampUs, until_us: TimestampUs) -> i64 {
        (self.counter(until_us) - self.counter(from_us)).max(0)
    }

    /// The moment at which `business_us` of business time after `from_us` are over: the first with
    /// `business_between(from_us, moment) >= business_us`. At the end of the day that is closing time, not the next opening.
    /// Without business time to wait for, it is `from_us` itself. `None` if it is more than ten years away.
    pub fn deadline(&self, from_us: TimestampUs, business_us: i64) -> Option<TimestampUs> {
        if business_us <= 0 {
            return Some(from_us);
        }
        let goal_us = self.counter(from_us).saturating_add(business_us);
        // The last span that begins below the goal reaches it, or nothing does.
        let index = self.spans.partition_point(|span| span.before_us < goal_us).checked_sub(1)?;
        let span = self.spans.get(index)?;
        let at_us = span.from_us.saturating_add(goal_us - span.before_us);
        (at_us <= span.until_us && at_us <= from_us.saturating_add(LOOK_AHEAD_US)).then_some(at_us)
    }

    /// Whether it is open at a moment. Closing time itself is closed.
    pub fn is_open_at(&self, at_us: TimestampUs) -> bool {
        self.span_begun(at_us).is_some_and(|span| at_us < span.until_us)
    }

    /// When it is open next: the moment itself if it is open then. `None` if it stays closed for ten years.
    pub fn next_opening(&self, at_us: TimestampUs) -> Option<TimestampUs> {
        if self.is_open_at(at_us) {
            return Some(at_us);
        }
        let next = self.spans.get(self.spans.partition_point(|span| span.from_us <= at_us))?;
        (next.from_us <= at_us.saturating_add(LOOK_AHEAD_US)).then_some(next.from_us)
    }

    /// The first moment from which it stays closed for longer than anything is looked for; `None` if there is none.
    pub(super) fn long_closure(&self) -> Option<TimestampUs> {
        let edges = self.spans.iter().map(|span| (span.from_us, span.until_us));
        let mut open_until_us = window_us().0;
        for (from_us, until_us) in edges.chain([(window_us().1, window_us().1)]) {
            if from_us - open_until_us > LOOK_AHEAD_US {
                return Some(open_until_us);
            }
            open_until_us = until_us;
        }
        None
    }

    /// Business time since the beginning of the layout.
    fn counter(&self, at_us: TimestampUs) -> i64 {
        self.span_begun(at_us).map_or(0, |span| span.before_us + at_us.min(span.until_us) - span.from_us)
    }

    /// The last span that has begun.
    fn span_begun(&self, at_us: TimestampUs) -> Option<&OpenSpan> {
        self.spans.get(self.spans.partition_point(|span| span.from_us <= at_us).checked_sub(1)?)
    }
}

/// A stretch of real time in which a zone's clocks stand at one distance from UTC.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from_us: TimestampUs,
    until_us: TimestampUs,
    offset_us: i64,
}

/// Real time from and until, for the years that are laid out.
fn window_us() -> (TimestampUs, TimestampUs) {
    (day_number(Date::constant(FIRST_YEAR, 1, 1)) * DAY_US, day_number(Date::constant(LAST_YEAR + 1, 1, 1)) * DAY_US)
}

/// The zone's stretches, one after the other, over the years that are laid out.
fn stretches(zone: &TimeZone) -> Vec<Stretch> {
    let (mut from_us, end_us) = window_us();
    let Ok(start) = Timestamp::from_microsecond(from_us) else { return Vec::new() };
    let offset_us = |offset: jiff::tz::Offset| i64::from(offset.seconds()) * crate::clock::SECOND_US;
    let mut offset = offset_us(zone.to_offset(start));
    let mut found = Vec::new();
    // Morocco changes four times a year; a list without an end would be a fault of the time zone database.
    for transition in zone.following(start).take(1_000) {
        let at_us = transition.timestamp().as_microsecond().min(end_us);
        found.push(Stretch { from_us, until_us: at_us, offset_us: offset });
        (from_us, offset) = (at_us, offset_us(transition.offset()));
        if at_us == end_us {
            return found;
        }
    }
    found.push(Stretch { from_us, until_us: end_us, offset_us: offset });
    found
}
