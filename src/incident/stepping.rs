//! Time passes: incidents end, maintenance windows end, and what nobody needs any more is forgotten.

use super::{Grouper, Incident, IncidentId, Phase, Placement, Signal};
use crate::clock::TimestampUs;

/// Why an incident ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Its findings have stopped.
    Quiet {
        /// How long it had to be quiet.
        for_us: i64,
    },
    /// There were too many incidents, and it was heard of the longest ago. It can not reopen.
    CrowdedOut,
}

/// What the passing of time brought.
#[derive(Debug, Clone, PartialEq)]
pub enum Passing {
    /// An incident is over.
    Resolved {
        /// Which one.
        incident: IncidentId,
        /// Why.
        ending: Ending,
    },
    /// A maintenance window has ended.
    MaintenanceEnded {
        /// Its name.
        window: String,
        /// When it ended.
        until_us: TimestampUs,
        /// Findings it held back.
        findings: u64,
        /// Of those, findings whose fingerprint was not kept.
        not_kept: u64,
        /// What still goes on, as it was held, and where it was placed now.
        going_on: Vec<(Signal, Placement)>,
    },
}

impl Grouper {
    /// Lets time pass up to `now_us`. To be called every minute or so; what it returns is in a fixed order.
    pub fn step(&mut self, now_us: TimestampUs) -> Vec<Passing> {
        let mut passed = self.end_maintenance(now_us);
        let crowded_out = std::mem::take(&mut self.crowded_out).into_iter();
        passed.extend(crowded_out.map(|incident| Passing::Resolved { incident, ending: Ending::CrowdedOut }));
        for incident in self.incidents.values_mut().filter(|incident| incident.is_open()) {
            let for_us = incident.quiet_us(&self.settings);
            if now_us.saturating_sub(incident.heard_us) >= for_us {
                // It was over when its quiet time was, whenever somebody looks.
                incident.phase = Phase::Resolved { at_us: incident.heard_us.saturating_add(for_us) };
                self.index.remove_all(incident);
                passed.push(Passing::Resolved { incident: incident.id, ending: Ending::Quiet { for_us } });
            }
        }
        self.forget(now_us);
        passed
    }

    /// Takes in what is known of what the windows hold that have ended by `now_us`: `goes_on` says of each finding that it went
    /// on until the end, or that it was over before; where it says nothing, the time of the finding decides. To be called
    /// before the step that ends them.
    pub fn tell_held(&mut self, now_us: TimestampUs, goes_on: impl Fn(&Signal) -> Option<bool>) {
        self.held.iter_mut().filter(|held| held.until_us <= now_us).for_each(|held| held.tell(&goes_on));
    }

    fn end_maintenance(&mut self, now_us: TimestampUs) -> Vec<Passing> {
        let (ended, held) = std::mem::take(&mut self.held).into_iter().partition(|held| held.until_us <= now_us);
        self.held = held;
        let mut passed = Vec::new();
        for held in ended {
            let signals: Vec<_> = held.going_on().cloned().collect();
            let place = |signal: Signal| (signal.clone(), self.place_after_maintenance(signal, now_us));
            let going_on = signals.into_iter().map(place).collect();
            let super::Held { window, until_us, findings, not_kept, .. } = held;
            passed.push(Passing::MaintenanceEnded { window, until_us, findings, not_kept, going_on });
        }
        passed
    }

    /// What still goes on is judged as of the present moment, which the window that has ended no longer covers.
    fn place_after_maintenance(&mut self, mut signal: Signal, now_us: TimestampUs) -> Placement {
        signal.window_end_us = signal.window_end_us.max(now_us.saturating_add(1));
        // What was presumed is known now; less of it would lie in the window again.
        signal.holds_us = 0;
        self.place(signal, now_us)
    }

    /// Drops incidents that can no longer reopen, with their fingerprints, and changes that are too old to be a cause.
    fn forget(&mut self, now_us: TimestampUs) {
        let reopen_us = self.settings.reopen_us;
        let is_gone = |incident: &Incident| match incident.phase {
            Phase::Resolved { at_us } => now_us.saturating_sub(at_us) > reopen_us,
            Phase::Open => false,
        };
        let before = self.incidents.len();
        self.incidents.retain(|_, incident| !is_gone(incident));
        if self.incidents.len() < before {
            let incidents = &self.incidents;
            self.known.retain(|id| incidents.contains_key(&id));
        }
        let oldest_us = self.incidents.values().map(|incident| incident.onset_us).min().unwrap_or(now_us).min(now_us);
        self.changes.retain(|change| change.at_us >= oldest_us.saturating_sub(2 * super::CHANGE_WITHIN_US));
    }
}
