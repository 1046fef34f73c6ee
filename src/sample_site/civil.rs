//! Time stamps as the programs of the site write them. All in UTC.

use crate::clock::{DAY_US, SECOND_US, TimestampUs};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A moment taken apart in the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Civil {
    year: i64,
    month: usize,
    day: i64,
    /// 0 is Monday.
    pub(super) weekday: usize,
    pub(super) hour: i64,
    pub(super) minute: i64,
    second: i64,
    micros: i64,
}

impl Civil {
    pub(super) fn new(at_us: TimestampUs) -> Self {
        let days = at_us.div_euclid(DAY_US);
        let in_day = at_us.rem_euclid(DAY_US);
        let (year, month, day) = date(days);
        Self {
            year,
            month,
            day,
            // Day 0 was a Thursday.
            weekday: (days + 3).rem_euclid(7) as usize,
            hour: in_day / (3_600 * SECOND_US),
            minute: in_day / (60 * SECOND_US) % 60,
            second: in_day / SECOND_US % 60,
            micros: in_day % SECOND_US,
        }
    }

    fn clock(&self) -> String {
        format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second)
    }

    fn month_name(&self) -> &'static str {
        MONTHS[self.month - 1]
    }

    /// `Nov  2 08:29:36` (RFC 3164, section 4.1.2: the day is padded with a blank).
    pub(super) fn bsd(&self) -> String {
        format!("{} {:2} {}", self.month_name(), self.day, self.clock())
    }

    /// `Nov  2 2026 08:29:36`, as a Cisco ASA writes it.
    pub(super) fn bsd_with_year(&self) -> String {
        format!("{} {:2} {} {}", self.month_name(), self.day, self.year, self.clock())
    }

    /// `Nov  2 08:29:36.123`, as Cisco IOS writes it with milliseconds switched on.
    pub(super) fn bsd_ms(&self) -> String {
        format!("{}.{:03}", self.bsd(), self.micros / 1_000)
    }

    /// `2026-11-02T08:29:36.123456Z` (RFC 3339).
    pub(super) fn iso_us(&self) -> String {
        format!("{}T{}.{:06}Z", self.date(), self.clock(), self.micros)
    }

    /// `2026-11-02T08:29:36.123Z` (RFC 3339).
    pub(super) fn iso_ms(&self) -> String {
        format!("{}T{}.{:03}Z", self.date(), self.clock(), self.micros / 1_000)
    }

    /// `2026-11-02T08:29:36Z` (RFC 3339).
    pub(super) fn iso(&self) -> String {
        format!("{}T{}Z", self.date(), self.clock())
    }

    /// `2026-11-02`.
    pub(super) fn date(&self) -> String {
        format!("{}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// `08:29:36`.
    pub(super) fn time(&self) -> String {
        self.clock()
    }

    /// `02/Nov/2026:08:29:36`, as web servers write it.
    pub(super) fn web(&self) -> String {
        format!("{:02}/{}/{}:{}", self.day, self.month_name(), self.year, self.clock())
    }

    /// Months since January of the year 0.
    pub(super) fn months_since_year_0(&self) -> i64 {
        self.year * 12 + self.month as i64 - 1
    }

    /// 1 to 31.
    pub(super) fn day_of_month(&self) -> i64 {
        self.day
    }

    /// Milliseconds within the second.
    pub(super) fn millis(&self) -> i64 {
        self.micros / 1_000
    }

    /// `Mon Nov 02 08:29:36 2026`, as Snare writes it.
    pub(super) fn c_time(&self) -> String {
        format!("{} {} {:02} {} {}", WEEKDAYS[self.weekday], self.month_name(), self.day, self.clock(), self.year)
    }
}

/// Year, month and day of a day since the epoch. The year is counted from March, so that the leap day comes last and
/// the lengths of the months follow one rule (30.6 days).
fn date(days: i64) -> (i64, usize, i64) {
    const DAYS_IN_400_YEARS: i64 = 146_097;
    // Days since 1 March of the year 0.
    let days = days + 719_468;
    let era = days.div_euclid(DAYS_IN_400_YEARS);
    let in_era = days.rem_euclid(DAYS_IN_400_YEARS);
    let year_in_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_in_era + year_in_era / 4 - year_in_era / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_in_era + era * 400 + i64::from(month <= 2), month as usize, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_calendar_agrees_with_the_library(second in 0..4_102_444_800_i64, micros in 0..1_000_000_i64) {
            let at_us = second * SECOND_US + micros;
            let library = jiff::Timestamp::from_microsecond(at_us).unwrap();
            let civil = Civil::new(at_us);
            prop_assert_eq!(civil.iso_us(), library.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string());
            prop_assert_eq!(civil.bsd(), library.strftime("%b %e %H:%M:%S").to_string());
            prop_assert_eq!(civil.c_time(), library.strftime("%a %b %d %H:%M:%S %Y").to_string());
            prop_assert_eq!(civil.web(), library.strftime("%d/%b/%Y:%H:%M:%S").to_string());
        }
    }
}
