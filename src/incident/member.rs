//! One finding's fingerprint inside an incident, and the few that an incident keeps.

use serde::{Deserialize, Serialize};

use super::memory::side_key;
use super::words::Words;
use super::{Place, Signal, Topology};
use crate::clock::TimestampUs;
use crate::store::FindingSeverity;

/// Members an incident keeps whole. The rest is counted: nobody reads the forty-ninth, and a new finding of the same cause is
/// near to one of these.
pub const MAX_MEMBERS: usize = 48;

/// Members that stay because they began first: the cause is most likely among them.
const KEEP_EARLIEST: usize = 16;

/// Members that stay because they are the most unlikely.
const KEEP_SURPRISING: usize = 8;

/// A fingerprint that belongs to an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The finding that was placed, with its onset; its end moves on with every repetition.
    pub signal: Signal,
    /// Findings of this fingerprint so far.
    pub findings: u64,
    /// When it began, or if its incident was reopened since, when it came back.
    pub(super) since_us: TimestampUs,
    pub(super) words: Words,
    /// Filled from the topology, which is not saved with the incidents.
    #[serde(skip)]
    pub(super) place: Place,
    /// Rule and kind of entity, for the memory. Follows from the signal.
    #[serde(skip)]
    pub(super) side: u64,
}

impl Member {
    pub(super) fn new(signal: Signal, topology: &Topology) -> Self {
        let words = Words::of(&signal);
        let mut member = Self { since_us: signal.onset_us, signal, findings: 1, words, place: Place::default(), side: 0 };
        member.refresh(topology);
        member
    }

    /// Looks up what is not saved.
    pub(super) fn refresh(&mut self, topology: &Topology) {
        self.place = topology.place_of(&self.signal);
        self.side = side_key(&self.signal);
    }

    /// Takes in another finding of the same fingerprint.
    pub(super) fn repeat(&mut self, signal: &Signal) {
        self.findings += 1;
        self.since_us = self.since_us.min(signal.onset_us);
        self.signal.onset_us = self.signal.onset_us.min(signal.onset_us);
        self.signal.window_end_us = self.signal.window_end_us.max(signal.window_end_us);
        self.signal.surprise_milli = self.signal.surprise_milli.max(signal.surprise_milli);
        self.signal.severity = worse(self.signal.severity, signal.severity);
    }
}

/// The worse of two severities.
pub(super) fn worse(a: FindingSeverity, b: FindingSeverity) -> FindingSeverity {
    let rank = |severity| FindingSeverity::ALL.iter().position(|one| *one == severity);
    if rank(a) <= rank(b) { a } else { b }
}

/// The member to let go when there is one too many: never one of the earliest or the most surprising; of the others the one
/// that was heard of the longest ago.
pub(super) fn least_telling(members: &[Member]) -> Option<usize> {
    let mut kept = vec![false; members.len()];
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|at| (members[*at].signal.onset_us, *at));
    order.iter().take(KEEP_EARLIEST).for_each(|at| kept[*at] = true);
    order.sort_by_key(|at| (std::cmp::Reverse(members[*at].signal.surprise_milli), *at));
    order.iter().take(KEEP_SURPRISING).for_each(|at| kept[*at] = true);
    let heard = |at: &usize| -> (TimestampUs, usize) { (members[*at].signal.window_end_us, *at) };
    (0..members.len()).filter(|at| !kept[*at]).min_by_key(heard)
}
