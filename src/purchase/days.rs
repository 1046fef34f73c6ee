//! Days of the calendar that end with it instead of overflowing.

use jiff::ToSpan;
use jiff::civil::Date;

/// Days of a mean year of the Gregorian calendar.
pub(super) const DAYS_A_YEAR: f64 = 365.2425;
/// Days of a mean month.
pub(super) const DAYS_A_MONTH: f64 = DAYS_A_YEAR / 12.0;
/// More days than the calendar has, in either direction: nothing is lost by stopping here.
const MOST_DAYS: i64 = 7_000_000;

/// The date so many days later; the calendar's last or first day where it would lie beyond.
pub(super) fn plus_days(date: Date, days: i64) -> Date {
    date.saturating_add(days.clamp(-MOST_DAYS, MOST_DAYS).days())
}

/// The date so many days later, the fraction cut off; `None` for what is no number or lies beyond the calendar.
pub(super) fn plus_fraction(date: Date, days: f64) -> Option<Date> {
    let countable = days.is_finite() && days.abs() < MOST_DAYS as f64;
    countable.then(|| date.checked_add((days as i64).days()).ok()).flatten()
}

/// Days from one date to another; negative if the other is earlier.
pub(super) fn days_between(from: Date, to: Date) -> i64 {
    i64::from((to - from).get_days())
}

/// Whole months from one date to another, 0 if the other is earlier.
pub(super) fn months_between(from: Date, to: Date) -> u32 {
    let months = (i64::from(to.year()) - i64::from(from.year())) * 12 + i64::from(to.month()) - i64::from(from.month());
    let unfinished = i64::from(to.day() < from.day());
    u32::try_from(months - unfinished).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_end_with_the_calendar() {
        assert_eq!(plus_days(date(2026, 11, 22), 40), date(2027, 1, 1));
        assert_eq!(plus_days(date(2026, 11, 22), i64::MAX), Date::MAX);
        assert_eq!(plus_days(date(2026, 11, 22), i64::MIN), Date::MIN);
        assert_eq!(plus_fraction(date(2026, 11, 22), 1.9), Some(date(2026, 11, 23)));
        for days in [f64::NAN, f64::INFINITY, -1e300, 6_900_000.0] {
            assert_eq!(plus_fraction(date(2026, 11, 22), days), None, "{days}");
        }
        assert_eq!(days_between(date(2027, 2, 2), date(2027, 1, 3)), -30);
        assert!(days_between(Date::MIN, Date::MAX) > 7_000_000);
    }

    #[test]
    fn a_month_is_over_on_its_day() {
        assert_eq!(months_between(date(2026, 1, 31), date(2026, 2, 28)), 0);
        assert_eq!(months_between(date(2026, 1, 15), date(2027, 3, 15)), 14);
        assert_eq!(months_between(date(2027, 1, 15), date(2026, 3, 15)), 0);
    }
}
