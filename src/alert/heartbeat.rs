//! What must report in time and again that it still runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::{DAY_US, SECOND_US};
use crate::document::{Complaint, duration_us_within};
use crate::store::FindingSeverity;

/// Shortest period: beats come by HTTP, and below this its delays would look like misses.
const MIN_PERIOD_US: i64 = 10 * SECOND_US;

/// Longest period, and longest grace: a year. What comes more rarely belongs into a calendar.
const MAX_PERIOD_US: i64 = 366 * DAY_US;

/// Entity columns at most; our own rules have three.
const MAX_ENTITY_COLUMNS: usize = 16;

/// Characters of a text at most.
const MAX_TEXT_CHARS: usize = 4_000;

/// Something that must report: a backup that says when it is done, a job that says that it ran. A document; its name comes
/// from outside. It knows no calendar: what rests at the weekend has a period that spans it, or a maintenance window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// How far apart two beats may be: `24h`; 10 seconds to 366 days.
    pub every: String,
    /// How much later than that it may come: `30m`. Default `5m`.
    #[serde(default = "five_minutes")]
    pub grace: String,
    /// How bad it is when it is missed. Default high.
    #[serde(default = "high")]
    pub severity: FindingSeverity,
    /// What it is and what to do when it is missed, as text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The team that it belongs to; becomes the label `team`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// What it is about: `host = "backup01"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub entity: BTreeMap<String, String>,
}

fn five_minutes() -> String {
    "5m".to_owned()
}

fn high() -> FindingSeverity {
    FindingSeverity::High
}

impl Heartbeat {
    /// A heartbeat with this period and the defaults for everything else.
    pub fn every(period: &str) -> Self {
        Self {
            every: period.to_owned(),
            grace: five_minutes(),
            severity: high(),
            description: String::new(),
            team: None,
            entity: BTreeMap::new(),
        }
    }

    /// Everything that is wrong with it; empty if it can be used.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for (field, read) in [("every", self.period_us()), ("grace", self.grace_us())] {
            if let Err(why) = read {
                complaints.push(Complaint::new(field, why));
            }
        }
        if self.description.chars().nth(MAX_TEXT_CHARS).is_some() {
            complaints.push(Complaint::new("description", format!("is too long; write at most {MAX_TEXT_CHARS} characters")));
        }
        if self.team.as_ref().is_some_and(|team| team.trim().is_empty()) {
            complaints.push(Complaint::new("team", "is blank; write a team's name, or leave it out"));
        }
        if self.entity.len() > MAX_ENTITY_COLUMNS {
            complaints.push(Complaint::new("entity", format!("has too many columns; write at most {MAX_ENTITY_COLUMNS}")));
        }
        for (column, value) in self.entity.iter().filter(|(column, value)| column.trim().is_empty() || value.trim().is_empty()) {
            complaints
                .push(Complaint::new(format!("entity.{column}"), format!("is `{value}`; write a column with a value, as host = \"db01\"")));
        }
        complaints
    }

    /// Period and grace, µs; `None` if one of them does not read or the period is too short, which [`Heartbeat::check`] tells.
    pub(super) fn times_us(&self) -> Option<(i64, i64)> {
        Some((self.period_us().ok()?, self.grace_us().ok()?))
    }

    fn period_us(&self) -> Result<i64, String> {
        duration_us_within(&self.every, MIN_PERIOD_US..=MAX_PERIOD_US)
    }

    fn grace_us(&self) -> Result<i64, String> {
        duration_us_within(&self.grace, 0..=MAX_PERIOD_US)
    }
}
