//! Whether somebody can take a ticket at all.

use serde::{Deserialize, Serialize};

use super::{AssignmentPolicy, Candidate, Need};
use crate::clock::TimestampUs;

/// Why somebody cannot take a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// The ticket's list of people who shall not get it names them.
    Excluded,
    /// They are on leave.
    OnLeave,
    /// Their capacity is 0.
    TakesNone,
    /// They are in another team.
    OtherTeam,
    /// They lack a skill or its level.
    Skill,
    /// They are off shift, and it cannot wait until they come.
    OffShift,
    /// They would have too much.
    TooMuchWork,
}

/// One reason why somebody cannot take a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The reason, for programs.
    pub reason: RefusalReason,
    /// The reason, for people.
    pub sentence: String,
}

/// Somebody who cannot take a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// User name.
    pub name: String,
    /// All reasons, at least one, the hardest first.
    pub reasons: Vec<Refusal>,
}

/// How long people must still be on shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShiftNeeded {
    /// As the policy says for the ticket's priority.
    ByPolicy,
    /// Longer than this, µs: the ticket moves because it cannot wait, and must not move again at once.
    LongerThan(i64),
}

/// Everything that speaks against giving this ticket to them; empty if they can take it.
pub(super) fn refusals(
    policy: &AssignmentPolicy,
    need: &Need,
    candidate: &Candidate,
    shift: ShiftNeeded,
    now_us: TimestampUs,
) -> Vec<Refusal> {
    let mut found = Vec::new();
    let mut refuse = |reason, sentence: String| found.push(Refusal { reason, sentence });
    if let Some(excluded) = need.excluded.iter().find(|excluded| excluded.person == candidate.name) {
        refuse(RefusalReason::Excluded, format!("shall not get it: {}", excluded.why));
    }
    if candidate.on_leave {
        refuse(RefusalReason::OnLeave, "is on leave".to_owned());
    }
    if candidate.capacity == 0 {
        refuse(RefusalReason::TakesNone, "takes no tickets: the capacity is 0".to_owned());
    }
    if let Some(team) = need.team.as_ref().filter(|team| !candidate.teams.contains(team)) {
        refuse(RefusalReason::OtherTeam, format!("is not in team {team}"));
    }
    for (skill, needed) in &need.skills {
        match candidate.level(skill) {
            None => refuse(RefusalReason::Skill, format!("has no skill {skill}, level {needed} is needed")),
            Some(level) if level < *needed => refuse(RefusalReason::Skill, format!("has {skill} {level}, level {needed} is needed")),
            Some(_) => {}
        }
    }
    if let Some(sentence) = shift_refusal(policy, need, candidate, shift, now_us) {
        refuse(RefusalReason::OffShift, sentence);
    }
    if let Some(sentence) = too_much_work(policy, need, candidate) {
        refuse(RefusalReason::TooMuchWork, sentence);
    }
    found
}

fn shift_refusal(policy: &AssignmentPolicy, need: &Need, candidate: &Candidate, shift: ShiftNeeded, now_us: TimestampUs) -> Option<String> {
    if candidate.on_leave {
        // That was said already.
        return None;
    }
    let off_shift = || format!("is off shift, and a {} does not wait", need.priority);
    match (candidate.is_on_shift(now_us), shift) {
        (false, ShiftNeeded::ByPolicy) => (!policy.off_shift_for.contains(&need.priority)).then(off_shift),
        (false, ShiftNeeded::LongerThan(_)) => Some(off_shift()),
        (true, ShiftNeeded::ByPolicy) => None,
        (true, ShiftNeeded::LongerThan(least_us)) => {
            let leaves = candidate.shift_left_us(now_us).is_some_and(|left_us| left_us <= least_us);
            leaves.then(|| "is about to leave too".to_owned())
        }
    }
}

fn too_much_work(policy: &AssignmentPolicy, need: &Need, candidate: &Candidate) -> Option<String> {
    let weight = policy.ticket_weights.of(need.priority, false);
    let limit_milli = i64::from(policy.max_load_percent) * 10;
    if candidate.capacity == 0 || policy.overload_for.contains(&need.priority) || candidate.load_milli_with(weight) <= limit_milli {
        return None;
    }
    let after = u64::from(candidate.open_weight) + u64::from(weight);
    Some(format!("would have {after} of {} open work, more than {} %", candidate.capacity, policy.max_load_percent))
}
