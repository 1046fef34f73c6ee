//! When which report is made by itself, and for whom: a document of the setup.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::local_cron::LocalCron;
use crate::clock::{HOUR_US, TimestampUs};
use crate::document::Complaint;
use crate::report::{PeriodReportKind, ReportedPeriod};

/// People who get one report.
const MOST_PEOPLE: usize = 50;
/// Reports of one schedule that are kept: a year of weeks, or ten of months.
const MOST_KEPT: u32 = 120;
/// Occurrences in a row that are looked at to find the shortest time between two.
const LOOKED_AT: usize = 100;

/// A period at most: what a year was like.
const MOST_DAYS: u32 = 366;
/// What the first report of a schedule without a moment before is about.
const USUAL_DAYS: u32 = 30;

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledReport {
    /// What runs out, and what to do about it.
    Capacity,
    /// What the department has, and what of it comes to an end.
    Inventory,
    /// Promises that were kept, and how long tickets waited.
    Sla,
    /// Who was called how often, and whether somebody is always there.
    Oncall,
    /// Which rules cost attention.
    Noise,
    /// The backlog, how long tickets waited, and what came back.
    Desk,
}

impl ScheduledReport {
    /// Which it is of those about a period.
    pub fn of_period(self) -> Option<PeriodReportKind> {
        match self {
            Self::Capacity | Self::Inventory => None,
            Self::Sla => Some(PeriodReportKind::Sla),
            Self::Oncall => Some(PeriodReportKind::Oncall),
            Self::Noise => Some(PeriodReportKind::Noise),
            Self::Desk => Some(PeriodReportKind::Desk),
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Capacity => "capacity",
            Self::Inventory => "inventory",
            Self::Sla => "sla",
            Self::Oncall => "oncall",
            Self::Noise => "noise",
            Self::Desk => "desk",
        }
    }

    /// What stands above the message that brings it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Capacity => "Capacity report",
            Self::Inventory => "Inventory report",
            Self::Sla => "Service level report",
            Self::Oncall => "On-call report",
            Self::Noise => "Noise report",
            Self::Desk => "Desk report",
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
    /// Days that a report about a period looks back; the time since it was due before if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
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
        match self.days {
            Some(_) if self.report.of_period().is_none() => {
                wrong("days", format!("a report of {} is of one day; leave it out", self.report.word()));
            }
            Some(days) if !(1..=MOST_DAYS).contains(&days) => wrong("days", format!("look back 1 to {MOST_DAYS} days")),
            Some(_) | None => {}
        }
        complaints
    }

    /// What a report that is due at a moment is about: the days up to it by the clock of the zone, or the time since it was due before; and
    /// since one was made (`latest_us`), if the server or the schedule paused in between.
    pub(super) fn period(&self, due_us: TimestampUs, latest_us: Option<TimestampUs>) -> Option<ReportedPeriod> {
        let zone = TimeZone::get(&self.time_zone).ok()?;
        let to = Timestamp::from_microsecond(due_us).ok()?;
        let back = |days: u32| Some(to.to_zoned(zone.clone()).checked_sub(Span::new().days(days)).ok()?.timestamp());
        let from = match self.days {
            Some(days) => back(days)?,
            None => match self.latest_us(due_us - 1) {
                // A leap day comes every four years.
                Some(before_us) => {
                    let since_us = latest_us.map_or(before_us, |latest_us| latest_us.min(before_us));
                    Timestamp::from_microsecond(since_us).ok()?.max(back(MOST_DAYS)?)
                }
                None => back(USUAL_DAYS)?,
            },
        };
        Some(ReportedPeriod { from, to, zone })
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
        for (report, days) in [("capacity", 30), ("inventory", 30), ("sla", 0), ("noise", 367)] {
            assert_eq!(fields(json!({ "report": report, "cron": "0 7 * * *", "days": days })), ["days"], "{report} {days}");
        }
        for report in ["sla", "oncall", "noise", "desk"] {
            let document = json!({ "report": report, "cron": "0 7 * * *", "time_zone": "UTC", "days": 7, "to": [], "keep": 24 });
            assert!(fields(document.clone()).is_empty());
            let schedule: ReportSchedule = serde_json::from_value(document.clone()).unwrap();
            assert_eq!((schedule.report.word(), serde_json::to_value(&schedule).unwrap()), (report, document));
        }
        assert!(serde_json::from_value::<ReportSchedule>(json!({ "report": "weather", "cron": "0 7 * * *" })).is_err());
    }

    #[test]
    fn a_period_goes_back_to_the_moment_before_or_by_days_on_the_wall() {
        let about = |document: serde_json::Value, due: &str| {
            let schedule: ReportSchedule = serde_json::from_value(document).unwrap();
            schedule.period(us(due), None).unwrap().told()
        };
        let monthly = json!({ "report": "sla", "cron": "0 7 1 * *", "time_zone": "Europe/Vienna" });
        // The clock goes back within the month: it has an hour more.
        assert_eq!(about(monthly.clone(), "2026-11-01T06:00:00Z"), "2026-10-01 07:00 to 2026-11-01 07:00 (Europe/Vienna)");
        assert_eq!(about(monthly, "2026-11-03T11:30:00Z"), "2026-11-01 07:00 to 2026-11-03 12:30 (Europe/Vienna)", "asked for by hand");
        let weekly = json!({ "report": "noise", "cron": "0 7 * * 1", "time_zone": "Europe/Vienna", "days": 28 });
        assert_eq!(about(weekly, "2026-11-09T06:00:00Z"), "2026-10-12 07:00 to 2026-11-09 07:00 (Europe/Vienna)");
        // One that comes after a pause is about the pause as well; one after another cron expression about no less than its own time.
        let daily: ReportSchedule = serde_json::from_value(json!({ "report": "desk", "cron": "0 7 * * *" })).unwrap();
        for (latest, told) in [("2026-11-02T07:00:00Z", "2026-11-02 07:00"), ("2026-11-08T12:00:00Z", "2026-11-08 07:00")] {
            let period = daily.period(us("2026-11-09T07:00:00Z"), Some(us(latest))).unwrap();
            assert_eq!(period.told(), format!("{told} to 2026-11-09 07:00 (UTC)"));
        }
    }
}
