//! Who carries how much: hours, nights, weekends and holidays.

use std::collections::{BTreeSet, HashMap};

use jiff::civil::Date;
use serde::Serialize;

use super::hours::Span;
use super::local_time::{WallClock, day_of, weekday_of};
use crate::clock::{DAY_US, HOUR_US};

/// The night ends at 06:00 on the wall clock: with 22:00 the hours that European and most other labour law call night work
/// at least in part, and those in which a page wakes people up.
const NIGHT_ENDS_US: i64 = 6 * HOUR_US;
/// The night begins at 22:00.
const NIGHT_BEGINS_US: i64 = 22 * HOUR_US;

/// What a person has of a period. Hours are real ones: the night of a change of the clocks has one more or less.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PersonLoad {
    /// The user's name.
    pub person: String,
    /// Shifts that touch the period.
    pub shifts: u32,
    /// Hours on call.
    pub hours: f64,
    /// Of these, between 22:00 and 06:00.
    pub night_hours: f64,
    /// Of these, on a Saturday or Sunday.
    pub weekend_hours: f64,
    /// Of these, on a holiday.
    pub holiday_hours: f64,
}

/// How unequal the load is: the difference between who has most and who has least, as a part of the mean. 0 means equal,
/// 0.2 that they are a fifth of the mean apart, and with everything on one of three people it is 3.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Spread {
    /// Of all hours.
    pub hours: f64,
    /// Of hours at night.
    pub night_hours: f64,
    /// Of hours on weekends.
    pub weekend_hours: f64,
    /// Of hours on holidays.
    pub holiday_hours: f64,
}

/// A part of a local day: before 06:00, the day, or after 22:00.
#[derive(Debug, Clone, Copy)]
pub(super) struct DayPart {
    pub(super) span: Span,
    night: bool,
    weekend: bool,
    holiday: bool,
}

/// The parts of all local days that touch the period, in order.
pub(super) fn day_parts(clock: &WallClock, holidays: &[Date], period: Span) -> Vec<DayPart> {
    let mut parts = Vec::new();
    if period.is_empty() {
        return parts;
    }
    let epoch = Date::constant(1970, 1, 1);
    let holidays: BTreeSet<i64> = holidays.iter().map(|date| date.duration_since(epoch).as_hours() / 24).collect();
    for day in day_of(clock.to_local(period.from_us)) - 1..=day_of(clock.to_local(period.to_us)) + 1 {
        let weekend = weekday_of(day) >= 5;
        for (from_us, to_us, night) in [(0, NIGHT_ENDS_US, true), (NIGHT_ENDS_US, NIGHT_BEGINS_US, false), (NIGHT_BEGINS_US, DAY_US, true)]
        {
            let span = Span { from_us: clock.to_utc(day * DAY_US + from_us), to_us: clock.to_utc(day * DAY_US + to_us) };
            if span.overlaps(period) {
                parts.push(DayPart { span, night, weekend, holiday: holidays.contains(&day) });
            }
        }
    }
    parts
}

/// The load of everybody, in µs, while it is added up.
pub(super) struct Loads<'a> {
    people: Vec<&'a str>,
    by_name: HashMap<&'a str, usize>,
    sums: Vec<Sum>,
}

#[derive(Clone, Default)]
struct Sum {
    shifts: u32,
    /// All, night, weekend, holiday.
    us: [i64; 4],
}

impl<'a> Loads<'a> {
    pub(super) fn of(people: Vec<&'a str>) -> Self {
        let by_name = people.iter().enumerate().map(|(number, person)| (*person, number)).collect();
        Self { sums: vec![Sum::default(); people.len()], people, by_name }
    }

    fn sum(&mut self, person: &str) -> Option<&mut Sum> {
        self.by_name.get(person).and_then(|number| self.sums.get_mut(*number))
    }

    pub(super) fn count_shift(&mut self, person: &str) {
        if let Some(sum) = self.sum(person) {
            sum.shifts += 1;
        }
    }

    pub(super) fn add(&mut self, person: &str, length_us: i64, part: Option<&DayPart>) {
        let counts = [true, part.is_some_and(|p| p.night), part.is_some_and(|p| p.weekend), part.is_some_and(|p| p.holiday)];
        if let Some(sum) = self.sum(person) {
            for (us, counts) in sum.us.iter_mut().zip(counts) {
                *us += if counts { length_us } else { 0 };
            }
        }
    }

    pub(super) fn finish(self) -> (Vec<PersonLoad>, Spread) {
        let hours = |us: i64| us as f64 / HOUR_US as f64;
        let [all, night, weekend, holiday] = [0, 1, 2, 3].map(|kind| spread(self.sums.iter().map(|sum| sum.us[kind])));
        let loads = self.people.iter().zip(&self.sums).map(|(person, sum)| PersonLoad {
            person: (*person).to_owned(),
            shifts: sum.shifts,
            hours: hours(sum.us[0]),
            night_hours: hours(sum.us[1]),
            weekend_hours: hours(sum.us[2]),
            holiday_hours: hours(sum.us[3]),
        });
        (loads.collect(), Spread { hours: all, night_hours: night, weekend_hours: weekend, holiday_hours: holiday })
    }
}

/// (most − least) ÷ mean; 0 if there is nothing to share.
fn spread(us: impl Iterator<Item = i64> + Clone) -> f64 {
    let (sum, count) = (us.clone().sum::<i64>(), us.clone().count());
    let (Some(most), Some(least)) = (us.clone().max(), us.min()) else { return 0.0 };
    if sum == 0 { 0.0 } else { (most - least) as f64 * count as f64 / sum as f64 }
}
