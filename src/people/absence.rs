//! When a person is away, and whether they are at work. Pure; by the calendar and clock of the person's own time zone.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::field::{Complaints, check_remark};
use super::{User, working_hours};
use crate::clock::TimestampUs;
use crate::document::excerpt;

/// Longest note on a leave, in characters: a remark, not a letter.
const MAX_NOTE_CHARS: usize = 200;

/// Days on which a person is away, by the calendar of their own time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leave {
    /// The first day, such as `2026-12-24`.
    pub from: String,
    /// The last day, which is still leave.
    pub to: String,
    /// Why, if it is to be said.
    #[serde(default)]
    pub note: String,
}

impl Leave {
    fn days(&self) -> Result<(Date, Date), String> {
        let (from, to) = (day("the first day", &self.from)?, day("the last day", &self.to)?);
        if to < from {
            return Err(format!("it ends on {to}, before it begins on {from}; exchange the two days"));
        }
        Ok((from, to))
    }

    pub(super) fn check(&self, field: &str, complaints: &mut Complaints) {
        complaints.note(field, self.days());
        complaints.note(format!("{field}.note"), check_remark(&self.note, MAX_NOTE_CHARS));
    }
}

/// Reads `YYYY-MM-DD` and nothing else: the calendar's own parser also takes times and zones, which would silently be dropped.
fn day(which: &str, text: &str) -> Result<Date, String> {
    let shape =
        text.len() == 10 && text.bytes().enumerate().all(|(at, b)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    let date = if shape { text.parse().ok() } else { None };
    date.ok_or_else(|| format!("{which}, `{}`, is no day of the calendar; write one such as 2026-12-24", excerpt(text)))
}

/// Whether a person is there to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Within their working hours.
    AtWork,
    /// No working hours are known, and they are not on leave.
    HoursUnknown,
    /// Outside their working hours.
    OffHours,
    /// On leave.
    OnLeave,
    /// Their account is disabled.
    Disabled,
}

impl User {
    /// When the person is on leave: half-open intervals from local midnight to local midnight, in order, those that touch
    /// made one. Where summer time begins at midnight the day begins with its first moment. Leave that cannot be read is left
    /// out, and an unknown time zone counts as UTC: [`User::check`] refuses both.
    pub fn absences(&self) -> Vec<Range<TimestampUs>> {
        let zone = self.zone();
        let mut spans: Vec<_> = self.leave.iter().filter_map(|leave| leave.days().ok()).map(|days| moments(days, &zone)).collect();
        spans.retain(|span| !span.is_empty());
        spans.sort_by_key(|span| span.start);
        let mut merged: Vec<Range<TimestampUs>> = Vec::with_capacity(spans.len());
        for span in spans {
            match merged.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => merged.push(span),
            }
        }
        merged
    }

    /// Whether the person is there to work at that moment.
    pub fn presence(&self, at_us: TimestampUs) -> Presence {
        if self.disabled {
            return Presence::Disabled;
        }
        let zone = self.zone();
        let on_leave = |leave: &Leave| leave.days().is_ok_and(|days| moments(days, &zone).contains(&at_us));
        if self.leave.iter().any(on_leave) {
            return Presence::OnLeave;
        }
        if self.working_hours.values().all(Vec::is_empty) {
            return Presence::HoursUnknown;
        }
        // A moment that the calendar does not know lies in nobody's hours.
        let working = Timestamp::from_microsecond(at_us).is_ok_and(|at| working_hours::cover(&self.working_hours, zone.to_datetime(at)));
        if working { Presence::AtWork } else { Presence::OffHours }
    }

    /// Whether work may be given to the person at that moment: they are at work, or nothing is known of their hours and they
    /// are not on leave. A small department that keeps no hours can then still be assigned to.
    pub fn at_work(&self, at_us: TimestampUs) -> bool {
        matches!(self.presence(at_us), Presence::AtWork | Presence::HoursUnknown)
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }
}

/// From the first moment of the first day to the first moment after the last.
fn moments((from, to): (Date, Date), zone: &TimeZone) -> Range<TimestampUs> {
    let first_moment = |date: Date| zone.to_timestamp(date.at(0, 0, 0, 0)).map(Timestamp::as_microsecond).ok();
    let start = first_moment(from).unwrap_or(TimestampUs::MIN);
    // The calendar ends in the year 9999; leave up to its last day has no end.
    let end = to.tomorrow().ok().and_then(first_moment).unwrap_or(TimestampUs::MAX);
    start..end
}
