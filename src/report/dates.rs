//! Days for people, and the months of an axis.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::clock::{TimestampUs, rfc3339};

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// Letters of a month on an axis and in a table.
const SHORT: usize = 3;

/// Months between two marks of an axis, and after them years.
const MONTH_STEPS: [i32; 4] = [1, 2, 3, 6];

/// Days between two marks of an axis.
const DAY_STEPS: [i64; 4] = [1, 2, 7, 14];

fn month(day: Date) -> &'static str {
    usize::try_from(day.month() - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default()
}

/// As tables have it: `14 Feb 2027`, which no line tears apart.
pub(super) fn short(day: Date) -> String {
    format!("{}\u{a0}{}\u{a0}{}", day.day(), &month(day)[..SHORT], day.year())
}

/// As a sentence has it: `14 February`, with the year where it is not clear which is meant on the day `seen_from`.
pub(super) fn spoken(day: Date, seen_from: Date) -> String {
    let clear = (-180..=330).contains(&days_between(seen_from, day));
    if clear { format!("{}\u{a0}{}", day.day(), month(day)) } else { format!("{}\u{a0}{} {}", day.day(), month(day), day.year()) }
}

/// A moment in a time zone, as the foot of a page has it; in UTC if nobody knows the zone.
pub(super) fn made(at_us: TimestampUs, time_zone: &str) -> String {
    let zone = TimeZone::get(time_zone).unwrap_or(TimeZone::UTC);
    let at = jiff::Timestamp::from_microsecond(at_us).map(|at| at.to_zoned(zone));
    at.map_or_else(|_| rfc3339(at_us), |at| format!("{} at {}", short(at.date()), at.strftime("%H:%M (%Z)")))
}

/// Days from the one to the other.
pub(super) fn days_between(from: Date, to: Date) -> i64 {
    // Dates lie within 20,000 years, whose hours fit.
    from.duration_until(to).as_hours() / 24
}

/// So many days later; the last day of the calendar if there is none.
pub(super) fn later(day: Date, days: i64) -> Date {
    jiff::Span::new().try_days(days).ok().and_then(|span| day.checked_add(span).ok()).unwrap_or(Date::MAX)
}

/// The days between two that an axis names, with their names, at most `most` of them.
pub(super) fn ticks(from: Date, to: Date, most: usize) -> Vec<(Date, String)> {
    let most = most.max(2) as i64;
    let days = days_between(from, to);
    if let Some(step) = DAY_STEPS.into_iter().find(|step| days / step < most && days < 70) {
        return (0..=days / step)
            .map(|at| later(from, at * step))
            .map(|day| (day, format!("{} {}", day.day(), &month(day)[..SHORT])))
            .collect();
    }
    let months = days / 30 + 1;
    let step = MONTH_STEPS.into_iter().find(|step| months / i64::from(*step) < most);
    // Beyond half-years: whole years, as many as needed.
    let step = step.map_or_else(|| 12 * (months / 12 / most + 1), i64::from);
    // Months since the year 0; marks lie on multiples, so that a year begins at one.
    let first = i64::from(from.year()) * 12 + i64::from(from.month()) - 1;
    let mut at = first.div_euclid(step) * step;
    let mut found = Vec::new();
    while let Some(day) = month_begin(at).filter(|day| *day <= to) {
        if day >= from {
            let name = &month(day)[..SHORT];
            found.push((day, if day.month() == 1 { format!("{name} {}", day.year()) } else { name.to_owned() }));
        }
        at += step;
    }
    found
}

fn month_begin(months: i64) -> Option<Date> {
    let year = i16::try_from(months.div_euclid(12)).ok()?;
    Date::new(year, i8::try_from(months.rem_euclid(12) + 1).ok()?, 1).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_year_is_said_where_it_is_not_clear() {
        let today = date(2026, 11, 22);
        assert_eq!(spoken(date(2027, 2, 14), today), "14\u{a0}February");
        assert_eq!(spoken(date(2026, 11, 1), today), "1\u{a0}November");
        assert_eq!(spoken(date(2027, 11, 22), today), "22\u{a0}November 2027");
        assert_eq!(short(date(2027, 5, 3)), "3\u{a0}May\u{a0}2027");
    }

    #[test]
    fn a_moment_is_told_in_its_zone() {
        assert_eq!(made(1_795_392_000_000_000, "Europe/Vienna"), "23\u{a0}Nov\u{a0}2026 at 01:00 (CET)");
        assert_eq!(made(1_795_392_000_000_000, "Atlantis"), "23\u{a0}Nov\u{a0}2026 at 00:00 (UTC)");
        assert_eq!(made(i64::MAX, "UTC"), rfc3339(i64::MAX));
    }

    #[test]
    fn marks_are_few_and_lie_on_months() {
        let names = |from, to| ticks(from, to, 10).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(names(date(2025, 11, 22), date(2027, 11, 22)), ["Jan 2026", "Apr", "Jul", "Oct", "Jan 2027", "Apr", "Jul", "Oct"]);
        assert_eq!(names(date(2026, 11, 1), date(2026, 11, 5)), ["1 Nov", "2 Nov", "3 Nov", "4 Nov", "5 Nov"]);
        assert_eq!(names(date(2026, 11, 1), date(2026, 11, 1)), ["1 Nov"]);
        for (from, to) in [
            (Date::MIN, Date::MAX),
            (date(2026, 1, 1), Date::MAX),
            (date(2026, 1, 1), date(2026, 4, 1)),
            (date(2027, 1, 1), date(2026, 1, 1)),
        ] {
            assert!(ticks(from, to, 10).len() <= 13, "{from} {to}");
        }
    }

    #[test]
    fn days_are_counted_over_the_whole_calendar() {
        assert_eq!(days_between(date(2026, 3, 1), date(2026, 2, 1)), -28);
        assert_eq!(later(date(2026, 2, 1), 28), date(2026, 3, 1));
        assert_eq!(later(Date::MAX, 1), Date::MAX);
        assert!(days_between(Date::MIN, Date::MAX) > 7_000_000);
    }
}
