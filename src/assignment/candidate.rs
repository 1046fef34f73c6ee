//! Somebody who may be given work.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::TimestampUs;

/// Somebody who may be given work, as things stand now. Names are unique among the candidates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Candidate {
    /// User name.
    pub name: String,
    /// Teams that they are in.
    pub teams: Vec<String>,
    /// Skills with level, 1 (has seen it) to 5 (teaches it). Higher levels count as 5.
    pub skills: BTreeMap<String, u8>,
    /// Weight of open work that they can carry; 0: they take no tickets.
    pub capacity: u32,
    /// Weight of the open tickets that they have, by [`super::TicketWeights`].
    pub open_weight: u32,
    /// At work or on call now.
    pub on_shift: bool,
    /// On leave now.
    pub on_leave: bool,
    /// When the present shift ends; `None` if no end is known. A shift that ended is none.
    pub shift_ends_at_us: Option<TimestampUs>,
    /// When they were last assigned a ticket; `None`: never.
    pub last_assigned_at_us: Option<TimestampUs>,
}

/// Highest level of a skill.
pub(super) const TOP_LEVEL: u8 = 5;

impl Candidate {
    /// Level in a skill; `None` without the skill. Level 0 is not having it.
    pub(super) fn level(&self, skill: &str) -> Option<u8> {
        self.skills.get(skill).copied().filter(|level| *level > 0).map(|level| level.min(TOP_LEVEL))
    }

    /// Whether they are on shift at this moment.
    pub(super) fn is_on_shift(&self, now_us: TimestampUs) -> bool {
        self.on_shift && !self.on_leave && self.shift_ends_at_us.is_none_or(|end_us| end_us > now_us)
    }

    /// What is left of the shift, µs; `None` if they are not on shift or no end is known.
    pub(super) fn shift_left_us(&self, now_us: TimestampUs) -> Option<i64> {
        if !self.is_on_shift(now_us) {
            return None;
        }
        self.shift_ends_at_us.map(|end_us| end_us.saturating_sub(now_us))
    }

    /// Open work with one more ticket of this weight, in thousandths of the capacity.
    pub(super) fn load_milli_with(&self, weight: u32) -> i64 {
        let after = i64::from(self.open_weight) + i64::from(weight);
        after * 1_000 / i64::from(self.capacity.max(1))
    }
}
