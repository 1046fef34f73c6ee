//! When which report is made by itself, and for whom: a document of the setup.

use serde::{Deserialize, Serialize};

use super::local_cron::LocalCron;
use crate::clock::{HOUR_US, TimestampUs};
use crate::document::Complaint;

/// People who get one report.
const MOST_PEOPLE: usize = 50;
/// Reports of one schedule that are kept: a year of weeks, or ten of months.
const MOST_KEPT: u32 = 120;
/// Occurrences in a row that are looked at to find the shortest time between two.
const LOOKED_AT: usize = 100;

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledReport {
    /// What runs out, and what to do about it.
    Capacity,
    /// What the department has, and what of it comes to an end.
    Inventory,
}

impl ScheduledReport {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Capacity => "capacity",
            Self::Inventory => "inventory",
        }
    }
}

/// A report that is made by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportSchedule {
    /// Which.
    pub report: ScheduledReport,
    /// When: a cron expression of five fields (minute, hour, day, month, day of the week), such as `0 7 1 * *`.
    pub cron: String,
    /// The zone whose clock it goes by.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// Users who get it, each in the ways in which they are told of things.
    #[serde(default)]
    pub to: Vec<String>,
    /// How many of them are kept.
    #[serde(default = "two_years_of_months")]
    pub keep: u32,
    /// Not just now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn two_years_of_months() -> u32 {
    24
}

impl ReportSchedule {
    /// Everything that is wrong with it.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = self.check_cron();
        let mut wrong = |field: &str, why: String| complaints.push(Complaint::new(field, why));
        if self.to.len() > MOST_PEOPLE {
            wrong("to", format!("more than {MOST_PEOPLE} people; tell one of them, who passes it on"));
        }
        if !(1..=MOST_KEPT).contains(&self.keep) {
            wrong("keep", format!("keep 1 to {MOST_KEPT} of them"));
        }
        complaints
    }

    /// The last moment up to `now_us` at which it was due; `None` if there was none, or it is not to be read.
    pub(super) fn latest_us(&self, now_us: TimestampUs) -> Option<TimestampUs> {
        LocalCron::parse(&self.cron, &self.time_zone).ok()?.latest_us(now_us)
    }

    fn check_cron(&self) -> Vec<Complaint> {
        let cron = match LocalCron::parse(&self.cron, &self.time_zone) {
            Ok(cron) => cron,
            Err(complaints) => return complaints,
        };
        let mut at = 0;
        for _ in 0..LOOKED_AT {
            let next = cron.schedule().next_after(at);
            if next == TimestampUs::MAX {
                break;
            }
            if at > 0 && next - at < HOUR_US {
                let why = format!("`{}` comes more than once an hour; nobody reads so many reports", self.cron);
                return vec![Complaint::new("cron", why)];
            }
            at = next;
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn schedule(cron: &str, zone: &str) -> ReportSchedule {
        serde_json::from_value(json!({ "report": "capacity", "cron": cron, "time_zone": zone })).unwrap()
    }

    fn us(text: &str) -> TimestampUs {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    #[test]
    fn it_is_due_by_the_clock_on_the_wall() {
        let mondays = schedule("0 7 * * 1", "Europe/Vienna");
        assert!(mondays.check().is_empty());
        // The clock goes back on 25 October 2026: seven in the morning is 5:00 before and 6:00 after it, UTC.
        assert_eq!(mondays.latest_us(us("2026-10-23T12:00:00Z")), Some(us("2026-10-19T05:00:00Z")));
        assert_eq!(mondays.latest_us(us("2026-10-26T05:59:59Z")), Some(us("2026-10-19T05:00:00Z")));
        assert_eq!(mondays.latest_us(us("2026-10-26T06:00:00Z")), Some(us("2026-10-26T06:00:00Z")));
        // Half past two comes twice on that day and counts the first time; in March it does not come, and counts an hour later.
        let nights = schedule("30 2 * * *", "Europe/Vienna");
        assert_eq!(nights.latest_us(us("2026-10-25T00:45:00Z")), Some(us("2026-10-25T00:30:00Z")));
        assert_eq!(nights.latest_us(us("2026-10-25T01:45:00Z")), Some(us("2026-10-25T00:30:00Z")));
        assert_eq!(nights.latest_us(us("2026-03-29T01:29:00Z")), Some(us("2026-03-28T01:30:00Z")));
        assert_eq!(nights.latest_us(us("2026-03-29T01:31:00Z")), Some(us("2026-03-29T01:30:00Z")));
    }

    #[test]
    fn what_is_wrong_is_said_by_field() {
        let fields = |document: serde_json::Value| -> Vec<String> {
            let schedule: ReportSchedule = serde_json::from_value(document).unwrap();
            schedule.check().into_iter().map(|complaint| complaint.field).collect()
        };
        let wrong = json!({ "report": "capacity", "cron": "every 5m", "time_zone": "Mars/Olympus", "keep": 0, "to": vec!["a"; 51] });
        assert_eq!(fields(wrong), ["cron", "time_zone", "to", "keep"]);
        for cron in ["* * * * *", "0,30 7 * * *", "0 0 30 2 *", "soon", "* 7 * * *"] {
            assert_eq!(fields(json!({ "report": "capacity", "cron": cron })), ["cron"], "{cron}");
        }
        assert!(fields(json!({ "report": "inventory", "cron": "0 * * * *" })).is_empty());
    }
}
