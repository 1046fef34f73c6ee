//! Which hours a day has: the week's, a holiday's, or none.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::holiday_feed::Closure;
use super::opening_hours::{FIRST_YEAR, LAST_YEAR};
use super::weekly_hours::Week;
use super::written_time::{Interval, day_number};

/// Days that are looked through for holidays: more than any plan is looked at ahead.
const MOST_DAYS: usize = 800;

/// The hours of every day that matters, by day number since 1970.
#[derive(Debug, Clone)]
pub(super) struct DayPlan {
    week: Week,
    first_day: i64,
    /// Closed by the feed, for each day from `first_day` to the last of [`LAST_YEAR`].
    closed: Vec<bool>,
    /// Holidays of the list, which win over the feed: closed, or with hours of their own.
    listed: BTreeMap<i64, Vec<Interval>>,
}

impl DayPlan {
    pub(super) fn new(week: Week) -> Self {
        let (first_day, last_day) = (day_number(Date::constant(FIRST_YEAR, 1, 1)), day_number(Date::constant(LAST_YEAR, 12, 31)));
        let days = usize::try_from(last_day - first_day + 1).unwrap_or_default();
        Self { week, first_day, closed: vec![false; days], listed: BTreeMap::new() }
    }

    /// Closes the days of a feed's event, in each year in which it comes.
    pub(super) fn close(&mut self, closure: &Closure) {
        let Some(yearly) = &closure.yearly else { return self.close_days(closure.first, closure.days) };
        // Most feeds that repeat start in 1970; the count runs from there.
        let mut left = yearly.count.unwrap_or(u32::MAX);
        for year in closure.first.year()..=LAST_YEAR {
            let Some(first) = in_year(closure.first, year) else { continue };
            if left == 0 || yearly.until.is_some_and(|until| first > until) {
                return;
            }
            left -= 1;
            self.close_days(first, closure.days);
        }
    }

    fn close_days(&mut self, first: Date, days: i64) {
        let from = day_number(first) - self.first_day;
        for day in from..from + days {
            // Days before or after the years that count close nothing.
            if let Some(closed) = usize::try_from(day).ok().and_then(|day| self.closed.get_mut(day)) {
                *closed = true;
            }
        }
    }

    /// Gives a day hours of its own, or none.
    pub(super) fn list(&mut self, date: Date, hours: Vec<Interval>) {
        self.listed.insert(day_number(date), hours);
    }

    /// The same in each year.
    pub(super) fn list_yearly(&mut self, date: Date, hours: &[Interval]) {
        for date in (FIRST_YEAR..=LAST_YEAR).filter_map(|year| in_year(date, year)) {
            self.list(date, hours.to_vec());
        }
    }

    /// The days from one to another, both among them, that are not as the week has them.
    pub(super) fn special_days(&self, first: Date, last: Date) -> Vec<Date> {
        let is_closed =
            |day: i64| usize::try_from(day - self.first_day).ok().and_then(|index| self.closed.get(index).copied()).unwrap_or(false);
        let days = first.series(jiff::Span::new().days(1)).take_while(|day| *day <= last);
        days.take(MOST_DAYS).filter(|day| self.listed.contains_key(&day_number(*day)) || is_closed(day_number(*day))).collect()
    }

    /// The hours of a day, in order.
    pub(super) fn hours(&self, day: i64) -> &[Interval] {
        if let Some(hours) = self.listed.get(&day) {
            return hours;
        }
        let closed = usize::try_from(day - self.first_day).ok().and_then(|index| self.closed.get(index));
        if closed.copied().unwrap_or(false) {
            return &[];
        }
        // 1 January 1970 was a Thursday; the week begins on Monday.
        let weekday = usize::try_from((day + 3).rem_euclid(7)).unwrap_or_default();
        self.week.get(weekday).map_or(&[], Vec::as_slice)
    }
}

/// The same day of another year; 29 February is in leap years only.
fn in_year(date: Date, year: i16) -> Option<Date> {
    Date::new(year, date.month(), date.day()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::HOUR_US;
    use crate::sla::holiday_feed::Yearly;

    const MORNING: Interval = Interval { from_us: 8 * HOUR_US, until_us: 12 * HOUR_US };

    fn open_on_weekdays() -> DayPlan {
        DayPlan::new(std::array::from_fn(|weekday| if weekday < 5 { vec![MORNING] } else { Vec::new() }))
    }

    fn is_open(plan: &DayPlan, year: i16, month: i8, day: i8) -> bool {
        !plan.hours(day_number(Date::constant(year, month, day))).is_empty()
    }

    #[test]
    fn weekdays_fall_where_they_do() {
        let plan = open_on_weekdays();
        // 23 and 24 October 2026 are a Friday and a Saturday; 31 December 1969 was a Wednesday.
        assert!(is_open(&plan, 2026, 10, 23) && !is_open(&plan, 2026, 10, 24) && is_open(&plan, 1969, 12, 31));
    }

    #[test]
    fn a_feed_closes_ranges_and_years() {
        let mut plan = open_on_weekdays();
        plan.close(&Closure { first: Date::constant(2026, 12, 29), days: 4, yearly: None });
        let open: Vec<bool> =
            [(2026, 12, 28), (2026, 12, 29), (2026, 12, 31), (2027, 1, 1), (2027, 1, 4)].map(|(y, m, d)| is_open(&plan, y, m, d)).into();
        assert_eq!(open, [true, false, false, false, true]);
        // Christmas Day from 1999, three times: 1999, 2000 and 2001.
        plan.close(&Closure { first: Date::constant(1999, 12, 25), days: 1, yearly: Some(Yearly { count: Some(3), until: None }) });
        assert!(!is_open(&plan, 2000, 12, 25) && !is_open(&plan, 2001, 12, 25) && is_open(&plan, 2002, 12, 25));
        let until = Some(Date::constant(2028, 5, 1));
        plan.close(&Closure { first: Date::constant(2026, 5, 1), days: 1, yearly: Some(Yearly { count: None, until }) });
        assert!(!is_open(&plan, 2026, 5, 1) && !is_open(&plan, 2028, 5, 1) && is_open(&plan, 2029, 5, 1));
    }

    #[test]
    fn the_29th_of_february_comes_in_leap_years() {
        let mut plan = open_on_weekdays();
        plan.close(&Closure { first: Date::constant(2024, 2, 29), days: 1, yearly: Some(Yearly { count: Some(2), until: None }) });
        // 2024 and 2028 are the two; 2029 has 28 February (Wednesday) and 1 March (Thursday) open; 2032 is a Sunday anyway.
        assert!(!is_open(&plan, 2024, 2, 29) && !is_open(&plan, 2028, 2, 29) && is_open(&plan, 2029, 2, 28) && is_open(&plan, 2029, 3, 1));
    }

    #[test]
    fn the_list_wins_over_the_feed() {
        let mut plan = open_on_weekdays();
        plan.close(&Closure { first: Date::constant(2026, 12, 24), days: 1, yearly: None });
        plan.list(Date::constant(2026, 12, 24), vec![MORNING]);
        plan.list_yearly(Date::constant(2026, 5, 1), &[]);
        assert!(is_open(&plan, 2026, 12, 24) && !is_open(&plan, 2026, 5, 1) && !is_open(&plan, 2031, 5, 1));
    }
}
