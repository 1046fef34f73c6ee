//! Wall-clock times and the moments that they mean.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::clock::{DAY_US, HOUR_US, SECOND_US, TimestampUs};

/// A reading of the wall clock in µs since it showed 1970-01-01 00:00. Days have 24 hours here, whatever the clocks do.
pub(super) type LocalUs = i64;

/// A minute on either clock, µs.
const MINUTE_US: i64 = 60 * SECOND_US;

/// The first year of a plan. Nothing here concerns the time before computers kept rotas.
const FIRST_YEAR: i16 = 1970;

/// The last year of a plan. Farther than any rota, and well inside what calendars and microseconds can express.
const LAST_YEAR: i16 = 2199;

/// The end of all plans: 2200-01-02 00:00 UTC, a day after the last year, so that no zone's last year is cut.
pub(super) const END_OF_PLANS_US: TimestampUs = 84_007 * DAY_US;

/// The wall clock of a place.
#[derive(Debug, Clone)]
pub(super) struct WallClock(TimeZone);

impl WallClock {
    /// A clock that shows UTC.
    pub(super) fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The clock of a zone of the tz database.
    pub(super) fn named(name: &str) -> Option<Self> {
        // A name is never longer in the database, and never a path.
        let plain = name.len() <= 64 && !name.starts_with('/') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-/".contains(&b));
        if !plain {
            return None;
        }
        TimeZone::get(name).ok().map(Self)
    }

    /// What the clock shows at a moment.
    pub(super) fn to_local(&self, at_us: TimestampUs) -> LocalUs {
        let Ok(at) = jiff::Timestamp::from_microsecond(at_us) else { return at_us };
        at_us.saturating_add(i64::from(self.0.to_offset(at).seconds()) * SECOND_US)
    }

    /// The moment at which the clock shows `local_us`: the first one if it shows it twice, that of the jump if it leaves it out.
    /// Never goes back when `local_us` goes on.
    pub(super) fn to_utc(&self, local_us: LocalUs) -> TimestampUs {
        let Ok(local) = jiff::Timestamp::from_microsecond(local_us) else { return local_us };
        let local = TimeZone::UTC.to_datetime(local);
        let minus = |offset: jiff::tz::Offset| local_us.saturating_sub(i64::from(offset.seconds()) * SECOND_US);
        match self.0.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => minus(offset),
            AmbiguousOffset::Fold { before, .. } => minus(before),
            AmbiguousOffset::Gap { before, after } => self.jump_after(minus(after)).unwrap_or_else(|| minus(before)),
        }
    }

    /// The first change of the clocks after a moment.
    fn jump_after(&self, at_us: TimestampUs) -> Option<TimestampUs> {
        let at = jiff::Timestamp::from_microsecond(at_us).ok()?;
        self.0.following(at).next().map(|change| change.timestamp().as_microsecond())
    }

    /// A moment as RFC 3339 text with this clock's offset, which reads back as the same moment.
    pub(super) fn rfc3339(&self, at_us: TimestampUs) -> String {
        let Ok(at) = jiff::Timestamp::from_microsecond(at_us) else { return at_us.to_string() };
        at.display_with_offset(self.0.to_offset(at)).to_string()
    }

    /// Reads `2026-12-24T09:00` as this clock shows it, or RFC 3339 text with an offset.
    pub(super) fn read_moment(&self, text: &str) -> Option<TimestampUs> {
        // Longer than any spelling of a time; shorter than a bare date and time of day cannot be.
        if !(16..=40).contains(&text.len()) || text.contains('[') {
            return None;
        }
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Some(at.as_microsecond()).filter(|at_us| (0..END_OF_PLANS_US).contains(at_us));
        }
        let local: DateTime = text.parse().ok()?;
        Some(self.to_utc(local_us(local)?))
    }
}

/// Reads `2026-12-24`, as the midnight at which the day begins on the wall clock.
pub(super) fn read_date(text: &str) -> Option<LocalUs> {
    let date: Date = if text.len() == 10 { text.parse().ok()? } else { return None };
    local_us(date.to_datetime(Time::midnight()))
}

/// Reads `08:00` as µs since midnight; `24:00` too.
pub(super) fn read_time_of_day(text: &str) -> Option<LocalUs> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |part: &str| -> Option<i64> {
        let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        if digits { part.parse().ok() } else { None }
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let us = hours * HOUR_US + minutes * MINUTE_US;
    (minutes < 60 && us <= DAY_US).then_some(us)
}

/// The reading of a date and time of day, in the years of plans.
fn local_us(local: DateTime) -> Option<LocalUs> {
    if !(FIRST_YEAR..=LAST_YEAR).contains(&local.year()) {
        return None;
    }
    TimeZone::UTC.to_timestamp(local).ok().map(|at| at.as_microsecond())
}

/// The number of the day, 0 for 1970-01-01.
pub(super) fn day_of(local_us: LocalUs) -> i64 {
    local_us.div_euclid(DAY_US)
}

/// The day of the week of a day's number, 0 for Monday.
pub(super) fn weekday_of(day: i64) -> usize {
    // 1970-01-01 was a Thursday.
    (day + 3).rem_euclid(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> TimestampUs {
        text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
    }

    #[test]
    fn what_the_clocks_leave_out_is_the_jump_and_what_they_repeat_is_the_first() {
        // Zone, wall clock, moment; the changes of 2026 from the tz database, the arithmetic by hand.
        let table = [
            ("Europe/Berlin", "2026-03-29T01:59:00Z", "2026-03-29T00:59:00Z"),
            ("Europe/Berlin", "2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-03-29T02:30:00Z", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"),
            ("America/New_York", "2026-03-08T02:30:00Z", "2026-03-08T07:00:00Z"),
            ("America/New_York", "2026-11-01T01:30:00Z", "2026-11-01T05:30:00Z"),
            ("Australia/Lord_Howe", "2026-10-04T02:15:00Z", "2026-10-03T15:30:00Z"),
            ("Australia/Lord_Howe", "2026-04-05T01:45:00Z", "2026-04-04T14:45:00Z"),
            ("America/St_Johns", "2026-03-08T02:30:00Z", "2026-03-08T05:30:00Z"),
            ("America/St_Johns", "2026-11-01T01:30:00Z", "2026-11-01T04:00:00Z"),
            ("Asia/Kolkata", "2026-03-29T02:30:00Z", "2026-03-28T21:00:00Z"),
            // The day that Samoa left out when it changed the side of the date line.
            ("Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-30T10:00:00Z"),
        ];
        for (zone, local, utc) in table {
            assert_eq!(WallClock::named(zone).unwrap().to_utc(at(local)), at(utc), "{zone} {local}");
        }
    }

    #[test]
    fn moments_never_go_back_when_the_wall_clock_goes_on() {
        for zone in ["Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia"] {
            let clock = WallClock::named(zone).unwrap();
            let year = at("2011-01-01T00:00:00Z")..at("2012-01-01T00:00:00Z");
            let moments: Vec<_> = year.step_by((15 * MINUTE_US) as usize).map(|local| clock.to_utc(local)).collect();
            assert!(moments.is_sorted(), "{zone}");
        }
    }

    #[test]
    fn texts_read_strictly() {
        assert_eq!(read_time_of_day("08:05"), Some(8 * HOUR_US + 5 * MINUTE_US));
        assert_eq!(read_time_of_day("24:00"), Some(DAY_US));
        for wrong in ["8:00", "08:60", "24:01", "-1:00", "0800", "+8:00", "08:00:00", "", "é8:00"] {
            assert_eq!(read_time_of_day(wrong), None, "{wrong}");
        }
        assert_eq!(read_date("1970-01-02"), Some(DAY_US));
        for wrong in ["2026-02-30", "20260101", "1969-12-31", "2200-01-01", "2026-1-1", ""] {
            assert_eq!(read_date(wrong), None, "{wrong}");
        }
        let berlin = WallClock::named("Europe/Berlin").unwrap();
        for text in ["2026-12-24T09:00", "2026-12-24 09:00:00", "2026-12-24T08:00:00Z", "2026-12-24T03:00:00-05:00"] {
            assert_eq!(berlin.read_moment(text), Some(at("2026-12-24T08:00:00Z")), "{text}");
        }
        for wrong in [
            "2026-12-24",
            "2026-12-24T25:00",
            "1960-01-01T00:00:00Z",
            "9999-01-01T00:00:00Z",
            "tomorrow at nine o'clock",
            "2026-12-24T09:00+01:00[Asia/Kolkata]",
        ] {
            assert_eq!(berlin.read_moment(wrong), None, "{wrong}");
        }
        assert_eq!(berlin.rfc3339(at("2026-12-24T08:00:00Z")), "2026-12-24T09:00:00+01:00");
        assert_eq!(END_OF_PLANS_US, at("2200-01-02T00:00:00Z"));
    }

    #[test]
    fn zones_are_names_and_not_paths() {
        for wrong in ["", "Europe/Wien", "../etc/passwd", "/etc/localtime", "Europe/Berlin\n", "+02:00"] {
            assert!(WallClock::named(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn weekdays() {
        assert_eq!(weekday_of(day_of(read_date("2026-01-05").unwrap())), 0);
        assert_eq!(weekday_of(day_of(read_date("2026-11-22").unwrap())), 6);
        assert_eq!(weekday_of(-1), 2, "1969-12-31 was a Wednesday");
    }
}
