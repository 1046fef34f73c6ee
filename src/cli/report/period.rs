//! The period that is reported on, as people write it.

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::document::duration_us;
use crate::report::ReportedPeriod;

/// Reads the words of the command line. A day begins at midnight of the zone.
pub(super) fn read(from: &str, to: Option<&str>, zone: &str, now: Timestamp) -> anyhow::Result<ReportedPeriod> {
    let zone = TimeZone::get(zone).with_context(|| format!("--time-zone `{zone}` is no time zone; write a name such as Europe/Vienna"))?;
    let to = match to {
        None => now,
        Some(text) => match moment(text, &zone) {
            Some(at) => at,
            None => bail!("--to `{text}` is no time; write 2026-12-01 or 2026-12-01T08:00:00Z"),
        },
    };
    let from = match (moment(from, &zone), duration_us(from)) {
        (Some(at), _) => at,
        (None, Ok(span_us)) => Timestamp::from_microsecond(to.as_microsecond().saturating_sub(span_us))
            .with_context(|| format!("--from `{from}` reaches back beyond all calendars; write a shorter span"))?,
        (None, Err(_)) => bail!("--from `{from}` is neither a time nor a span; write 2026-11-01, 2026-11-01T08:00:00Z or 30d"),
    };
    if from >= to {
        bail!("the period ends at {to}, which is not after its beginning {from}; write an earlier --from or a later --to");
    }
    Ok(ReportedPeriod { from, to, zone })
}

/// A day on the command line.
pub(super) fn day(text: &str) -> Result<Date, String> {
    // The parser of dates also takes times, and would silently drop them.
    let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
    date.ok_or_else(|| "it is no day of the calendar; write one such as 2026-11-21".to_owned())
}

/// A moment, or the beginning of a day.
fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    match day(text).ok() {
        Some(date) => zone.to_timestamp(date.at(0, 0, 0, 0)).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(from: &str, to: Option<&str>, zone: &str) -> Result<(String, String), String> {
        let now: Timestamp = "2026-11-22T16:00:00Z".parse().unwrap();
        let period = super::read(from, to, zone, now).map_err(|error| error.to_string())?;
        Ok((period.from.to_string(), period.to.to_string()))
    }

    #[test]
    fn a_period_is_two_moments_two_days_or_a_span() {
        let is = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));
        assert_eq!(read("30d", None, "UTC"), is("2026-10-23T16:00:00Z", "2026-11-22T16:00:00Z"));
        assert_eq!(read("2026-10-01", Some("2026-11-01"), "UTC"), is("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"));
        // Summer time ends within the month.
        assert_eq!(read("2026-10-01", Some("2026-11-01"), "Europe/Vienna"), is("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"));
        assert_eq!(read("2026-10-01T08:30:00+02:00", None, "UTC"), is("2026-10-01T06:30:00Z", "2026-11-22T16:00:00Z"));
        assert_eq!(read("7d", Some("2026-11-08"), "UTC"), is("2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z"));
    }

    #[test]
    fn what_is_no_period_is_refused_with_what_to_write() {
        assert!(read("lately", None, "UTC").unwrap_err().contains("write 2026-11-01"));
        assert!(read("7d", Some("soon"), "UTC").unwrap_err().contains("--to `soon`"));
        assert!(read("2026-11-02", Some("2026-11-02"), "UTC").unwrap_err().contains("not after its beginning"));
        assert!(read("7d", None, "Middle/Earth").unwrap_err().contains("Europe/Vienna"));
    }
}
