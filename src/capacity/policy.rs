//! What a department decides about its resources: how sure a forecast is to be, other limits, other headroom, spares.

use serde::{Deserialize, Serialize};

use super::headroom::Headroom;
use super::resource::{ResourceKey, fits};
use crate::document::Complaint;
use crate::forecast::USUAL_LEVEL;

/// Levels that can be asked for: beyond, an end of the interval rests on under ten of the two thousand futures.
const LEVELS: std::ops::RangeInclusive<f64> = 0.5..=0.99;

/// Exceptions at most.
const MOST_EXCEPTIONS: usize = 1_000;

/// Exceptions from what the questions' headers say. Of those that fit a resource, the first that says something counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CapacityPolicy {
    /// Share of futures that the interval of a crossing is to hold. The last day to decide and what is needed rest on its ends.
    pub level: f64,
    /// The exceptions.
    pub exceptions: Vec<CapacityException>,
}

impl Default for CapacityPolicy {
    fn default() -> Self {
        Self { level: USUAL_LEVEL, exceptions: Vec::new() }
    }
}

/// An exception.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacityException {
    /// Questions by name; `*` stands for anything.
    #[serde(default = "any")]
    pub question: String,
    /// Resources by the values of their entity with blanks between, such as `db01 /var*`.
    #[serde(default = "any")]
    pub resources: String,
    /// A limit in the question's unit, whatever the metric says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// What is to stay free: `15%`, or an amount in the question's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headroom: Option<String>,
    /// So many of the resources that this exception fits may be lost, and the others must carry their load: of three web servers with
    /// one spare each may use two thirds of what it could alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spares: Option<u32>,
    /// What a day without it costs, in whole units of the purchase policy's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_cost_per_day: Option<u64>,
    /// Nobody wants to hear of these.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore: bool,
}

fn any() -> String {
    "*".to_owned()
}

/// What counts for one resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decided {
    /// A limit set by people.
    pub limit: Option<f64>,
    /// Other headroom than the question's.
    pub headroom: Option<Headroom>,
    /// Which exception shares the load among the resources it fits, by its place, and how many of them may be lost.
    pub spares: Option<(usize, u32)>,
    /// What a day without it costs, in whole units of the purchase policy's currency.
    pub outage_cost_per_day: Option<u64>,
    /// Not to be judged.
    pub ignore: bool,
}

impl CapacityPolicy {
    /// Everything that is wrong with it.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        if !LEVELS.contains(&self.level) {
            let why =
                format!("`{}` is no level; write a share from {} to {}, such as {USUAL_LEVEL}", self.level, LEVELS.start(), LEVELS.end());
            complaints.push(Complaint::new("level", why));
        }
        if self.exceptions.len() > MOST_EXCEPTIONS {
            complaints.push(Complaint::new("exceptions", format!("there are more than {MOST_EXCEPTIONS}; use patterns")));
        }
        for (at, exception) in self.exceptions.iter().enumerate() {
            let mut wrong = |field: &str, why: String| complaints.push(Complaint::new(format!("exceptions[{at}].{field}"), why));
            if let Some(limit) = exception.limit.filter(|limit| !limit.is_finite() || *limit <= 0.0) {
                wrong("limit", format!("`{limit}` is no limit; write a number above 0"));
            }
            match exception.headroom.as_deref().map(Headroom::parse) {
                Some(Err(why)) => wrong("headroom", why),
                Some(Ok(Headroom::Knee(_))) => wrong("headroom", "a knee needs a column; write it into the question's file".to_owned()),
                Some(Ok(_)) | None => {}
            }
            if exception.spares == Some(0) {
                wrong("spares", "with none to spare there is nothing to say; leave it out".to_owned());
            }
            if exception.question.is_empty() || exception.resources.is_empty() {
                wrong("question", "an empty pattern fits nothing; write `*`".to_owned());
            }
        }
        complaints
    }

    /// What counts for a resource.
    pub fn decided(&self, resource: &ResourceKey) -> Decided {
        let name = resource.name();
        let fitting =
            self.exceptions.iter().enumerate().filter(|(_, it)| fits(&it.question, &resource.question) && fits(&it.resources, &name));
        let mut decided = Decided::default();
        for (at, exception) in fitting {
            decided.limit = decided.limit.or(exception.limit);
            decided.headroom = decided.headroom.or_else(|| Headroom::parse(exception.headroom.as_deref()?).ok());
            decided.spares = decided.spares.or_else(|| Some((at, exception.spares?)));
            decided.outage_cost_per_day = decided.outage_cost_per_day.or(exception.outage_cost_per_day);
            decided.ignore |= exception.ignore;
        }
        decided
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_exception_that_says_something_counts() {
        let policy: CapacityPolicy = serde_json::from_value(json!({ "exceptions": [
            { "question": "filesystem*", "resources": "db01 *", "headroom": "20%" },
            { "question": "filesystem*", "headroom": "5%", "limit": 100.0 },
            { "resources": "test*", "ignore": true },
        ] }))
        .unwrap();
        assert!(policy.check().is_empty());
        let key = |host: &str| ResourceKey {
            question: "filesystem_space".into(),
            entity: vec![("host".into(), host.into()), ("m".into(), "/".into())],
        };
        let decided = policy.decided(&key("db01"));
        assert_eq!((decided.headroom, decided.limit, decided.ignore), (Some(Headroom::Share(0.2)), Some(100.0), false));
        assert!(policy.decided(&key("test02")).ignore);
    }

    #[test]
    fn slips_are_named_by_their_field() {
        let policy: CapacityPolicy = serde_json::from_value(json!({ "level": 95, "exceptions": [
            { "limit": -1.0, "headroom": "much", "spares": 0, "resources": "" },
            { "headroom": "knee cores" },
        ] }))
        .unwrap();
        let fields: Vec<String> = policy.check().into_iter().map(|complaint| complaint.field).collect();
        assert_eq!(
            fields,
            [
                "level",
                "exceptions[0].limit",
                "exceptions[0].headroom",
                "exceptions[0].spares",
                "exceptions[0].question",
                "exceptions[1].headroom"
            ]
        );
    }
}
