//! How much each thing weighs.

use serde::{Deserialize, Serialize};

use crate::document::Complaint;
use crate::record::Priority;

/// Largest weight: a hundred times the smallest is as good as only that one counting.
const MAX_WEIGHT: u32 = 100;

/// How much work a ticket is taken to be. The steps grow as those of estimates do (1, 2, 3, 5, 8): with the usual capacity
/// of 20 a person carries two P1, or four P2, or a week's small things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TicketWeights {
    /// A P1: nearly half a person.
    pub p1: u32,
    /// A P2.
    pub p2: u32,
    /// A P3.
    pub p3: u32,
    /// A P4.
    pub p4: u32,
    /// A P5.
    pub p5: u32,
    /// A ticket on hold, whatever its priority: it asks for a look now and then.
    pub waiting: u32,
}

impl Default for TicketWeights {
    fn default() -> Self {
        Self { p1: 8, p2: 5, p3: 3, p4: 2, p5: 1, waiting: 1 }
    }
}

impl TicketWeights {
    /// Weight of an open ticket; `waiting`: it is on hold.
    pub fn of(&self, priority: Priority, waiting: bool) -> u32 {
        match priority {
            _ if waiting => self.waiting,
            Priority::P1 => self.p1,
            Priority::P2 => self.p2,
            Priority::P3 => self.p3,
            Priority::P4 => self.p4,
            Priority::P5 => self.p5,
        }
    }

    pub(super) fn check(&self, field: &str, complaints: &mut Vec<Complaint>) {
        let named = [("p1", self.p1), ("p2", self.p2), ("p3", self.p3), ("p4", self.p4), ("p5", self.p5), ("waiting", self.waiting)];
        check_weights(field, &named, complaints);
        if named[..5].windows(2).any(|pair| pair[0].1 < pair[1].1) {
            complaints.push(Complaint::new(field, "a less urgent ticket weighs more than an urgent one; write p1 ≥ p2 ≥ p3 ≥ p4 ≥ p5"));
        }
    }
}

/// How much each term counts, 0 (not at all) to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TermWeights {
    /// Level in the skills that are needed.
    pub skill: u32,
    /// Knowing the service.
    pub service: u32,
    /// Room for more work. Weighs most: a free good hand is better than a busy excellent one.
    pub load: u32,
    /// Being on shift, with enough of it left.
    pub shift: u32,
    /// Having worked on the same asset.
    pub same_asset: u32,
}

impl Default for TermWeights {
    fn default() -> Self {
        Self { skill: 3, service: 1, load: 4, shift: 2, same_asset: 2 }
    }
}

impl TermWeights {
    pub(super) fn check(&self, field: &str, complaints: &mut Vec<Complaint>) {
        let named =
            [("skill", self.skill), ("service", self.service), ("load", self.load), ("shift", self.shift), ("same_asset", self.same_asset)];
        check_weights(field, &named, complaints);
        if named.iter().all(|(_, weight)| *weight == 0) {
            complaints.push(Complaint::new(field, "all weights are 0, so nobody is better than anybody; give at least one a weight"));
        }
    }
}

fn check_weights(field: &str, named: &[(&str, u32)], complaints: &mut Vec<Complaint>) {
    for (name, weight) in named.iter().filter(|(_, weight)| *weight > MAX_WEIGHT) {
        complaints.push(Complaint::new(format!("{field}.{name}"), format!("{weight} is too large; write 0 to {MAX_WEIGHT}")));
    }
}
