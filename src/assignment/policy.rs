//! How a department gives out its work.

use serde::{Deserialize, Serialize};

use super::{TermWeights, TicketWeights};
use crate::clock::{DAY_US, HOUR_US, SECOND_US};
use crate::document::{Complaint, duration_us_within};
use crate::record::Priority;

/// Largest load that may be allowed, percent: ten times one's capacity is no limit any more.
const MAX_LOAD_PERCENT: u16 = 1_000;

/// Longest memory for who worked on an asset, days: ten years.
const MAX_ASSET_DAYS: u16 = 3_650;

/// Used where `shift_left` does not read, which [`AssignmentPolicy::check`] tells.
const SHIFT_LEFT_US: i64 = HOUR_US;

/// Used where `hand_over.before` does not read, which [`AssignmentPolicy::check`] tells.
const HAND_OVER_BEFORE_US: i64 = 15 * 60 * SECOND_US;

/// How work is given out. A document; everything has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AssignmentPolicy {
    /// Priorities for which people off shift may be chosen: what can wait until they come. Default P4 and P5.
    pub off_shift_for: Vec<Priority>,
    /// How full a person may be with the new ticket, in percent of the capacity. Default 100.
    pub max_load_percent: u16,
    /// Priorities that go even to people who are full. Default P1.
    pub overload_for: Vec<Priority>,
    /// Whether somebody with an open ticket of the same asset comes before everybody else who fits. Default yes: two people on
    /// one machine stand in each other's way.
    pub sticky_same_asset: bool,
    /// Days after which having worked on an asset counts nothing. Default 90.
    pub same_asset_days: u16,
    /// How much should be left of the shift to begin something. Default `1h`.
    pub shift_left: String,
    /// Whom to take when nobody fits, in this order. Default the person on call, then the team's lead.
    pub when_nobody_fits: Vec<Fallback>,
    /// What moves when a shift ends.
    pub hand_over: HandOverPolicy,
    /// How much each term counts.
    pub weights: TermWeights,
    /// How much work each ticket is taken to be.
    pub ticket_weights: TicketWeights,
}

/// Whom to take when nobody fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// The person on call.
    OnCall,
    /// The team's lead.
    Lead,
}

/// What moves when a shift ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HandOverPolicy {
    /// Priorities that cannot wait for the next shift. Default P1 and P2; an empty list: nothing moves.
    pub priorities: Vec<Priority>,
    /// How long before the end of the shift the tickets move, so that the two can still talk. Default `15m`.
    pub before: String,
}

impl Default for AssignmentPolicy {
    fn default() -> Self {
        Self {
            off_shift_for: vec![Priority::P4, Priority::P5],
            max_load_percent: 100,
            overload_for: vec![Priority::P1],
            sticky_same_asset: true,
            same_asset_days: 90,
            shift_left: "1h".to_owned(),
            when_nobody_fits: vec![Fallback::OnCall, Fallback::Lead],
            hand_over: HandOverPolicy::default(),
            weights: TermWeights::default(),
            ticket_weights: TicketWeights::default(),
        }
    }
}

impl Default for HandOverPolicy {
    fn default() -> Self {
        Self { priorities: vec![Priority::P1, Priority::P2], before: "15m".to_owned() }
    }
}

impl AssignmentPolicy {
    /// Everything that is wrong with it; empty if it can be used.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        if !(1..=MAX_LOAD_PERCENT).contains(&self.max_load_percent) {
            let why = format!("{} is out of range; write 1 to {MAX_LOAD_PERCENT} percent", self.max_load_percent);
            complaints.push(Complaint::new("max_load_percent", why));
        }
        if self.same_asset_days > MAX_ASSET_DAYS {
            let why = format!("{} is too long; write 0 to {MAX_ASSET_DAYS} days", self.same_asset_days);
            complaints.push(Complaint::new("same_asset_days", why));
        }
        for (field, text) in [("shift_left", &self.shift_left), ("hand_over.before", &self.hand_over.before)] {
            if let Err(why) = up_to_a_year_us(text) {
                complaints.push(Complaint::new(field, why));
            }
        }
        check_once("off_shift_for", &self.off_shift_for, &mut complaints);
        check_once("overload_for", &self.overload_for, &mut complaints);
        check_once("when_nobody_fits", &self.when_nobody_fits, &mut complaints);
        check_once("hand_over.priorities", &self.hand_over.priorities, &mut complaints);
        self.weights.check("weights", &mut complaints);
        self.ticket_weights.check("ticket_weights", &mut complaints);
        complaints
    }

    pub(super) fn shift_left_us(&self) -> i64 {
        up_to_a_year_us(&self.shift_left).unwrap_or(SHIFT_LEFT_US)
    }

    pub(super) fn hand_over_before_us(&self) -> i64 {
        up_to_a_year_us(&self.hand_over.before).unwrap_or(HAND_OVER_BEFORE_US)
    }
}

/// Nothing here is about more than a year.
fn up_to_a_year_us(text: &str) -> Result<i64, String> {
    duration_us_within(text, 0..=366 * DAY_US)
}

fn check_once<T: PartialEq>(field: &str, list: &[T], complaints: &mut Vec<Complaint>) {
    if let Some(at) = (1..list.len()).find(|at| list[..*at].contains(&list[*at])) {
        complaints.push(Complaint::new(format!("{field}[{at}]"), "it stands in the list twice; take one out"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_sound_and_round_trips() {
        let policy = AssignmentPolicy::default();
        assert_eq!(policy.check(), []);
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<AssignmentPolicy>(&json).unwrap(), policy);
        let toml = toml::to_string(&policy).unwrap();
        assert_eq!(toml::from_str::<AssignmentPolicy>(&toml).unwrap(), policy);
        assert_eq!(toml::from_str::<AssignmentPolicy>("").unwrap(), policy, "an empty document is the default");
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(toml::from_str::<AssignmentPolicy>("max_load = 3").unwrap_err().to_string().contains("max_load"));
        assert!(toml::from_str::<AssignmentPolicy>("[weights]\nluck = 3").is_err());
        assert!(toml::from_str::<AssignmentPolicy>("off_shift_for = [\"P6\"]").is_err());
    }

    #[test]
    fn every_fault_is_named_with_its_field() {
        let text = "max_load_percent = 0\nsame_asset_days = 9999\nshift_left = \"soon\"\noff_shift_for = [\"P1\", \"P2\", \"P1\"]\n\
                    [hand_over]\nbefore = \"-1h\"\n[weights]\nskill = 101\n[ticket_weights]\np5 = 50\n";
        let policy: AssignmentPolicy = toml::from_str(text).unwrap();
        let fields: Vec<String> = policy.check().into_iter().map(|complaint| complaint.field).collect();
        let expected = [
            "max_load_percent",
            "same_asset_days",
            "shift_left",
            "hand_over.before",
            "off_shift_for[2]",
            "weights.skill",
            "ticket_weights",
        ];
        assert_eq!(fields, expected);
        let none = TermWeights { skill: 0, service: 0, load: 0, shift: 0, same_asset: 0 };
        assert_eq!(AssignmentPolicy { weights: none, ..AssignmentPolicy::default() }.check().len(), 1);
    }
}
