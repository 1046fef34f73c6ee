//! What speaks for somebody, and how much.

use serde::{Deserialize, Serialize};

use super::candidate::TOP_LEVEL;
use super::{AssignmentPolicy, Candidate, Need};
use crate::clock::{SECOND_US, TimestampUs};

/// What a term is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermName {
    /// Level in the skills that are needed.
    Skill,
    /// Knowing the service.
    Service,
    /// Room for more work.
    Load,
    /// Being on shift.
    Shift,
    /// Having worked on the same asset.
    SameAsset,
}

/// One thing that speaks for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// What it is about.
    pub name: TermName,
    /// How well they do, in thousandths: 1000 is best, 0 says nothing for them; the load goes down to -1000, at twice the
    /// capacity.
    pub value_milli: i64,
    /// How much it counts.
    pub weight: u32,
    /// The same for people.
    pub sentence: String,
}

/// All terms for a candidate, always in the same order.
pub(super) fn terms(policy: &AssignmentPolicy, need: &Need, candidate: &Candidate, now_us: TimestampUs) -> Vec<Term> {
    let weights = &policy.weights;
    let term = |name, weight, (value_milli, sentence)| Term { name, value_milli, weight, sentence };
    vec![
        term(TermName::Skill, weights.skill, skill(need, candidate)),
        term(TermName::Service, weights.service, service(need, candidate)),
        term(TermName::Load, weights.load, load(policy, need, candidate)),
        term(TermName::Shift, weights.shift, shift(policy, candidate, now_us)),
        term(TermName::SameAsset, weights.same_asset, same_asset(policy, need, candidate, now_us)),
    ]
}

/// The mean of level / 5 over the skills needed; 1 for everybody if none is.
fn skill(need: &Need, candidate: &Candidate) -> (i64, String) {
    if need.skills.is_empty() {
        return (1_000, "no particular skill is needed".to_owned());
    }
    let levels: Vec<(&String, u8, u8)> =
        need.skills.iter().map(|(skill, needed)| (skill, candidate.level(skill).unwrap_or(0), *needed)).collect();
    let sum: i64 = levels.iter().map(|(_, level, _)| i64::from(*level)).sum();
    let told: Vec<String> = levels.iter().map(|(skill, level, needed)| format!("{skill} {level} (needed {needed})")).collect();
    (sum * 1_000 / (i64::from(TOP_LEVEL) * levels.len() as i64), format!("has {}", told.join(", ")))
}

/// Level / 5 in the skill that is called like the service.
fn service(need: &Need, candidate: &Candidate) -> (i64, String) {
    let Some(service) = &need.service else { return (0, "no service is named".to_owned()) };
    match candidate.level(service) {
        Some(level) => (i64::from(level) * 1_000 / i64::from(TOP_LEVEL), format!("knows {service} at level {level}")),
        None => (0, format!("has no skill called {service}")),
    }
}

/// The share of the capacity that stays free with this ticket; below 0 if there is too much already.
fn load(policy: &AssignmentPolicy, need: &Need, candidate: &Candidate) -> (i64, String) {
    let weight = policy.ticket_weights.of(need.priority, false);
    let after = u64::from(candidate.open_weight) + u64::from(weight);
    let sentence = format!("has {} of {} open work, {after} with this ticket", candidate.open_weight, candidate.capacity);
    ((1_000 - candidate.load_milli_with(weight)).max(-1_000), sentence)
}

/// 1 with as much of the shift left as the policy wishes, less in proportion, 0 off shift.
fn shift(policy: &AssignmentPolicy, candidate: &Candidate, now_us: TimestampUs) -> (i64, String) {
    if !candidate.is_on_shift(now_us) {
        return (0, "is off shift; it can wait until they come".to_owned());
    }
    let Some(left_us) = candidate.shift_left_us(now_us) else { return (1_000, "is on shift".to_owned()) };
    let wished_us = policy.shift_left_us().max(1);
    let value = if left_us >= wished_us { 1_000 } else { (i128::from(left_us) * 1_000 / i128::from(wished_us)) as i64 };
    (value, format!("is on shift for another {}", rough(left_us)))
}

fn same_asset(policy: &AssignmentPolicy, need: &Need, candidate: &Candidate, now_us: TimestampUs) -> (i64, String) {
    let asset = need.asset_name();
    let Some(history) = need.asset_history.get(&candidate.name) else { return (0, format!("never worked on {asset}")) };
    let sentence = match (history.open, history.handled) {
        (0, 0) => format!("never worked on {asset}"),
        (0, handled) => format!("resolved {} of {asset} before", tickets(handled)),
        (open, _) => format!("has {} of {asset} open", tickets(open)),
    };
    (history.value_milli(policy.same_asset_days, now_us), sentence)
}

fn tickets(number: u32) -> String {
    if number == 1 { "one ticket".to_owned() } else { format!("{number} tickets") }
}

/// A duration in hours and minutes, cut.
fn rough(duration_us: i64) -> String {
    let minutes = duration_us / (60 * SECOND_US);
    if minutes < 60 { format!("{minutes} min") } else { format!("{} h {} min", minutes / 60, minutes % 60) }
}
