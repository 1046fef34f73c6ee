//! The document of a calendar: when a promise's clock runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::day_plan::DayPlan;
use super::holiday_feed;
use super::opening_hours::{FIRST_YEAR, LAST_YEAR, OpeningHours};
use super::weekly_hours::{Hours, day_hours};
use super::written_time::date;
use crate::document::{Complaint, excerpt};

/// Three sites with a dozen teams' hours each; a laid-out calendar has about a megabyte.
const MAX_CALENDARS: usize = 64;

/// Ten years of the longest list of public holidays, and bridge days.
const MAX_HOLIDAYS: usize = 1_000;

/// When it is open, as somebody wrote it:
///
/// ```toml
/// time_zone = "Europe/Berlin"
/// [hours]
/// mon = ["08:00-12:00", "13:00-17:00"]
/// fri = ["08:00-14:00"]
/// [[holidays]]
/// date = "2026-12-24"
/// text = "Christmas Eve"
/// hours = ["08:00-12:00"]
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// A zone of the tz database, such as `Europe/Berlin` or `UTC`. The hours are those of its clocks.
    pub time_zone: String,
    /// The text of an iCalendar file of public holidays, if there is one; `holiday_feed.rs` says what is understood.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ical: String,
    /// `"24x7"`, or hours for each weekday.
    pub hours: Hours,
    /// Days that differ. They win over `ical`, and one of a single year over one of every year.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<Holiday>,
}

/// A day that is closed, or has hours of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// Such as `2026-12-24`.
    pub date: String,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// On the same date of every year.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yearly: bool,
    /// Its hours, instead of the weekday's; closed if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<String>,
}

impl Calendar {
    /// What is wrong with it; empty if nothing is.
    pub fn check(&self) -> Vec<Complaint> {
        self.resolve().err().unwrap_or_default()
    }

    /// Lays it out in real time; takes one or two milliseconds.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn resolve(&self) -> Result<OpeningHours, Vec<Complaint>> {
        let mut complaints = Vec::new();
        let zone = TimeZone::get(&self.time_zone);
        if zone.is_err() {
            let why = format!("`{}` is no time zone; write a name of the tz database, such as Europe/Berlin", excerpt(&self.time_zone));
            complaints.push(Complaint::new("time_zone", why));
        }
        let mut plan = DayPlan::new(self.hours.resolve(&mut complaints));
        for closure in holiday_feed::read(&self.ical, &mut complaints) {
            plan.close(&closure);
        }
        self.list_holidays(&mut plan, &mut complaints);
        let Ok(zone) = zone else { return Err(complaints) };
        if !complaints.is_empty() {
            return Err(complaints);
        }
        let laid_out = OpeningHours::lay_out(&plan, &zone);
        if let Some(at_us) = laid_out.long_closure() {
            let day = Timestamp::from_microsecond(at_us).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
            let why = format!("the holidays close it for more than ten years from {day} on; leave days on which it is open");
            return Err(vec![Complaint::new("holidays", why)]);
        }
        Ok(laid_out)
    }

    /// The holidays from one day to another, both among them: those of the feed and those of the list, also where they have hours.
    pub fn holidays_between(&self, first: Date, last: Date) -> Vec<Date> {
        // A calendar that is set up has been checked.
        let mut complaints = Vec::new();
        let mut plan = DayPlan::new(self.hours.resolve(&mut complaints));
        for closure in holiday_feed::read(&self.ical, &mut complaints) {
            plan.close(&closure);
        }
        self.list_holidays(&mut plan, &mut complaints);
        plan.special_days(first, last)
    }

    fn list_holidays(&self, plan: &mut DayPlan, complaints: &mut Vec<Complaint>) {
        if self.holidays.len() > MAX_HOLIDAYS {
            complaints.push(Complaint::new("holidays", format!("{} of them; give at most {MAX_HOLIDAYS}", self.holidays.len())));
            return;
        }
        let mut seen = BTreeSet::new();
        // The days of every year first, so that those of one year win.
        for (yearly, (index, holiday)) in
            [true, false].into_iter().flat_map(|yearly| self.holidays.iter().enumerate().map(move |entry| (yearly, entry)))
        {
            if holiday.yearly != yearly {
                continue;
            }
            let hours = day_hours(&format!("holidays[{index}].hours"), &holiday.hours, complaints);
            let field = format!("holidays[{index}].date");
            match date(&holiday.date) {
                Err(why) => complaints.push(Complaint::new(field, why)),
                Ok(date) if !(FIRST_YEAR..=LAST_YEAR).contains(&date.year()) => {
                    complaints.push(Complaint::new(
                        field,
                        format!("the year {} is not one from {FIRST_YEAR} to {LAST_YEAR}; correct it", date.year()),
                    ));
                }
                Ok(date) if !seen.insert((yearly, date)) => {
                    complaints.push(Complaint::new(field, format!("{date} stands twice; leave one")));
                }
                Ok(date) if yearly => plan.list_yearly(date, &hours),
                Ok(date) => plan.list(date, hours),
            }
        }
    }
}

/// All calendars by name, laid out.
#[derive(Debug, Clone, Default)]
pub struct Calendars(BTreeMap<String, Arc<OpeningHours>>);

impl Calendars {
    /// Lays out every calendar.
    ///
    /// # Errors
    /// Everything that is wrong with any of them, each under its name.
    pub fn resolve(documents: &BTreeMap<String, Calendar>) -> Result<Self, Vec<Complaint>> {
        if documents.len() > MAX_CALENDARS {
            return Err(vec![Complaint::new("calendar", format!("{} of them; give at most {MAX_CALENDARS}", documents.len()))]);
        }
        let (mut laid_out, mut complaints) = (BTreeMap::new(), Vec::new());
        for (name, document) in documents {
            match document.resolve() {
                Ok(hours) => drop(laid_out.insert(name.clone(), Arc::new(hours))),
                Err(wrong) => complaints.extend(wrong.into_iter().map(|complaint| complaint.below(&format!("calendar/{}", excerpt(name))))),
            }
        }
        if complaints.is_empty() { Ok(Self(laid_out)) } else { Err(complaints) }
    }

    /// The calendar of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<OpeningHours>> {
        self.0.get(name)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
