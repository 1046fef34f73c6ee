//! Storms: the same trouble at many places at once that nothing known relates.

use serde::{Deserialize, Serialize};

use super::{Grouper, IncidentId, Settings, Signal};
use crate::clock::TimestampUs;

/// Rules with their subjects whose openings are remembered.
const MAX_TROUBLES: usize = 4_096;

/// Openings remembered of one trouble; a storm begins far sooner.
const MAX_OPENINGS: usize = 32;

/// Incidents that one trouble opened lately, with the time; after a storm began the one that is left of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Openings {
    opened: Vec<(TimestampUs, IncidentId)>,
    storm: Option<IncidentId>,
}

impl Openings {
    fn drop_older(&mut self, now_us: TimestampUs, settings: &Settings) {
        let since_us = now_us.saturating_sub(settings.gap_us);
        self.opened.retain(|(at_us, _)| *at_us > since_us);
        if self.opened.len() > MAX_OPENINGS {
            self.opened.remove(0);
        }
    }
}

impl Grouper {
    /// The incident of a storm that this finding is part of, and the incidents that were put into it because the storm begins
    /// with this finding.
    pub(super) fn storm(&mut self, signal: &Signal, now_us: TimestampUs) -> Option<(IncidentId, Vec<IncidentId>)> {
        if let Some(id) = self.ongoing_storm(signal) {
            return Some((id, Vec::new()));
        }
        let openings = self.openings.get_mut(&trouble(signal))?;
        let takes = |id: IncidentId| self.incidents.get(&id).is_some_and(|one| one.takes(signal.onset_us, &self.settings));
        openings.storm = None;
        openings.drop_older(now_us, &self.settings);
        let mut open: Vec<IncidentId> = openings.opened.iter().map(|(_, id)| *id).filter(|id| takes(*id)).collect();
        open.sort_unstable();
        open.dedup();
        if open.len() < self.settings.storm_openings {
            return None;
        }
        let home = *open.first()?;
        openings.storm = Some(home);
        openings.opened.clear();
        let (_, merged) = self.connect(Some(home), &open);
        Some((home, merged))
    }

    /// The incident of a storm of this trouble that goes on.
    pub(super) fn ongoing_storm(&self, signal: &Signal) -> Option<IncidentId> {
        let id = self.openings.get(&trouble(signal))?.storm?;
        self.incidents.get(&id).filter(|one| one.takes(signal.onset_us, &self.settings)).map(|one| one.id)
    }

    /// After a merge, what was told of the incident that is gone holds for the other.
    pub(super) fn redirect_storms(&mut self, from: IncidentId, to: IncidentId) {
        for openings in self.openings.values_mut() {
            openings.storm.iter_mut().chain(openings.opened.iter_mut().map(|(_, id)| id)).filter(|id| **id == from).for_each(|id| *id = to);
        }
    }

    /// Takes note that a finding opened an incident.
    pub(super) fn note_opening(&mut self, signal: &Signal, id: IncidentId, now_us: TimestampUs) {
        let key = trouble(signal);
        if self.openings.len() >= MAX_TROUBLES && !self.openings.contains_key(&key) {
            for openings in self.openings.values_mut() {
                openings.drop_older(now_us, &self.settings);
            }
            self.openings.retain(|_, openings| !openings.opened.is_empty());
        }
        if self.openings.len() < MAX_TROUBLES || self.openings.contains_key(&key) {
            let openings = self.openings.entry(key).or_default();
            openings.opened.push((now_us, id));
            openings.drop_older(now_us, &self.settings);
        }
    }
}

/// What makes two findings the same trouble wherever they are.
fn trouble(signal: &Signal) -> String {
    format!("{}\n{}", signal.rule, signal.subject)
}
