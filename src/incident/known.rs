//! Fingerprints that belong to an incident, with when they were seen, told, and came back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{IncidentId, Settings, Signal};
use crate::clock::TimestampUs;

/// Fingerprints remembered: five bursts of ten thousand at once. About 150 bytes each.
const MAX_KNOWN: usize = 50_000;

/// Returns remembered of one fingerprint; flapping is decided by far fewer.
const MAX_RETURNS: usize = 32;

/// What is known of one fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) incident: IncidentId,
    /// Latest end of a window that showed it.
    pub(super) last_us: TimestampUs,
    /// When a person last heard of it.
    pub(super) told_us: TimestampUs,
    /// Onsets at which it came back after a quiet time.
    returns: Vec<TimestampUs>,
}

impl Known {
    /// Takes in another finding; gives the number of returns lately if this one is a return. It is one if a whole run of the
    /// rule in between found nothing.
    pub(super) fn hear(&mut self, signal: &Signal, settings: &Settings) -> Option<usize> {
        let quiet_us = signal.onset_us.saturating_sub(self.last_us);
        let came_back = quiet_us > 0 && quiet_us >= signal.cadence_us;
        self.last_us = self.last_us.max(signal.window_end_us);
        came_back.then(|| {
            self.returns.retain(|at_us| *at_us > signal.onset_us.saturating_sub(settings.flap_within_us));
            self.returns.push(signal.onset_us);
            if self.returns.len() > MAX_RETURNS {
                self.returns.remove(0);
            }
            self.returns.len()
        })
    }
}

/// The known fingerprints, a bounded number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct KnownFingerprints {
    by_fingerprint: BTreeMap<String, Known>,
}

impl KnownFingerprints {
    pub(super) fn get(&self, fingerprint: &str) -> Option<&Known> {
        self.by_fingerprint.get(fingerprint)
    }

    pub(super) fn get_mut(&mut self, fingerprint: &str) -> Option<&mut Known> {
        self.by_fingerprint.get_mut(fingerprint)
    }

    /// Remembers where a fingerprint went. What is known of its returns stays.
    pub(super) fn put(&mut self, signal: &Signal, incident: IncidentId, now_us: TimestampUs, settings: &Settings) {
        if let Some(known) = self.by_fingerprint.get_mut(&signal.fingerprint) {
            known.hear(signal, settings);
            (known.incident, known.told_us) = (incident, now_us);
            return;
        }
        if self.by_fingerprint.len() >= MAX_KNOWN {
            self.forget_older_half();
        }
        let known = Known { incident, last_us: signal.window_end_us, told_us: now_us, returns: Vec::new() };
        self.by_fingerprint.insert(signal.fingerprint.clone(), known);
    }

    /// Half at a time, so that the sweep costs little for each new fingerprint.
    fn forget_older_half(&mut self) {
        let mut times: Vec<TimestampUs> = self.by_fingerprint.values().map(|known| known.last_us).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        let mut spare = MAX_KNOWN / 2;
        self.by_fingerprint.retain(|_, known| {
            // Equal times are common in a burst: of those only as many stay as there is room for.
            let stays = known.last_us >= median && spare > 0;
            spare -= usize::from(stays);
            stays
        });
    }

    pub(super) fn retain(&mut self, mut stays: impl FnMut(IncidentId) -> bool) {
        self.by_fingerprint.retain(|_, known| stays(known.incident));
    }

    /// Moves all fingerprints of one incident to another.
    pub(super) fn move_all(&mut self, from: IncidentId, to: IncidentId) {
        self.by_fingerprint.values_mut().filter(|known| known.incident == from).for_each(|known| known.incident = to);
    }
}
