//! Times of day on days of the week, laid out on the time line.

use super::local_time::{LocalUs, WallClock, day_of, weekday_of};
use crate::clock::{DAY_US, TimestampUs};

/// A stretch of time, its end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from_us: TimestampUs,
    pub(super) to_us: TimestampUs,
}

impl Span {
    pub(super) fn is_empty(self) -> bool {
        self.from_us >= self.to_us
    }

    /// What both have.
    pub(super) fn within(self, other: Self) -> Self {
        Self { from_us: self.from_us.max(other.from_us), to_us: self.to_us.min(other.to_us) }
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        !self.within(other).is_empty()
    }
}

/// Hours of the document, read.
#[derive(Debug, Clone)]
pub(super) struct DayHours {
    /// Whether it begins on a weekday, Monday first.
    pub(super) days: [bool; 7],
    /// Beginning, counted from midnight.
    pub(super) from_us: LocalUs,
    /// End, counted from the same midnight: more than a day if it is on the following one.
    pub(super) to_us: LocalUs,
}

/// All spans of the hours that touch the period, in order, joined where they meet or overlap. Those at the edges of the
/// period may be cut there, or go beyond it.
pub(super) fn spans(hours: &[DayHours], clock: &WallClock, period: Span) -> Vec<Span> {
    let mut found = Vec::new();
    if period.is_empty() {
        return found;
    }
    // Hours that began the day before may reach into the period. After the last of the local days nothing can begin in it.
    let (first, last) = (day_of(clock.to_local(period.from_us)) - 1, day_of(clock.to_local(period.to_us)) + 1);
    for day in first..=last {
        for one in hours.iter().filter(|one| one.days[weekday_of(day)]) {
            let span = Span { from_us: clock.to_utc(day * DAY_US + one.from_us), to_us: clock.to_utc(day * DAY_US + one.to_us) };
            if span.overlaps(period) {
                found.push(span);
            }
        }
    }
    found.sort_unstable_by_key(|span| (span.from_us, span.to_us));
    found.dedup_by(|next, kept| {
        let touches = next.from_us <= kept.to_us;
        if touches {
            kept.to_us = kept.to_us.max(next.to_us);
        }
        touches
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::HOUR_US;

    fn at(text: &str) -> TimestampUs {
        text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
    }

    fn lengths_h(days: [bool; 7], from_h: i64, to_h: i64, from: &str, to: &str) -> Vec<i64> {
        let clock = WallClock::named("Europe/Berlin").unwrap();
        let hours = [DayHours { days, from_us: from_h * HOUR_US, to_us: to_h * HOUR_US }];
        spans(&hours, &clock, Span { from_us: at(from), to_us: at(to) }).iter().map(|span| (span.to_us - span.from_us) / HOUR_US).collect()
    }

    #[test]
    fn nights_over_both_changes_of_the_clocks() {
        let nights = |from: &str, to: &str| lengths_h([true; 7], 22, 30, from, to);
        assert_eq!(nights("2026-03-27T21:00:00Z", "2026-03-30T04:00:00Z"), [8, 7, 8]);
        assert_eq!(nights("2026-10-23T20:00:00Z", "2026-10-26T05:00:00Z"), [8, 9, 8]);
    }

    #[test]
    fn days_that_meet_are_joined_and_weekends_have_their_real_length() {
        let weekend = [false, false, false, false, false, true, true];
        assert_eq!(lengths_h(weekend, 0, 24, "2026-10-20T00:00:00Z", "2026-11-02T12:00:00Z"), [49, 48]);
        assert_eq!(lengths_h([false; 7], 0, 24, "2026-10-20T00:00:00Z", "2026-11-02T12:00:00Z"), [0_i64; 0]);
    }
}
