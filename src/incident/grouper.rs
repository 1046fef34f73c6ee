//! The state of grouping, and what it says of itself.

use std::collections::BTreeMap;

use super::cause::{Cause, rank, rank_members};
use super::known::KnownFingerprints;
use super::open_index::OpenIndex;
use super::storm::Openings;
use super::{ChangeEvent, Held, Incident, IncidentId, Maintenance, Memory, Settings, Topology};
use crate::clock::TimestampUs;

/// Changes remembered for the cause ranking.
const MAX_CHANGES: usize = 1_000;

/// Puts findings into incidents. See the module's page for what it promises.
#[derive(Debug, Clone, Default)]
pub struct Grouper {
    pub(super) settings: Settings,
    pub(super) topology: Topology,
    pub(super) windows: Vec<Maintenance>,
    pub(super) incidents: BTreeMap<IncidentId, Incident>,
    pub(super) known: KnownFingerprints,
    pub(super) memory: Memory,
    /// Incidents opened lately, by rule and subject.
    pub(super) openings: BTreeMap<String, Openings>,
    pub(super) held: Vec<Held>,
    pub(super) changes: Vec<ChangeEvent>,
    /// Incidents that had to end because there were too many; told by the next step.
    pub(super) crowded_out: Vec<IncidentId>,
    pub(super) last_id: IncidentId,
    pub(super) index: OpenIndex,
}

impl Grouper {
    /// A grouper without incidents.
    pub fn new(settings: Settings, topology: Topology) -> Self {
        Self { settings, topology, ..Self::default() }
    }

    /// Takes another topology; the places of all members are looked up again.
    pub fn set_topology(&mut self, topology: Topology) {
        self.topology = topology;
        self.refresh_places();
    }

    /// Looks up what is not saved: the places of members, and the index.
    pub(super) fn refresh_places(&mut self) {
        for member in self.incidents.values_mut().flat_map(|incident| &mut incident.members) {
            member.refresh(&self.topology);
        }
        self.index = OpenIndex::of(self.incidents.values());
    }

    /// Takes the maintenance windows as they stand at a moment. What one holds that was taken back, or ends sooner than it was to, is told now.
    pub fn set_maintenance(&mut self, windows: Vec<Maintenance>, now_us: TimestampUs) {
        let lasts = |name: &str| windows.iter().any(|window| window.name == name && window.times.interval_at(now_us - 1).is_some());
        for held in self.held.iter_mut().filter(|held| held.until_us > now_us && !lasts(&held.window)) {
            held.until_us = now_us;
        }
        self.windows = windows;
    }

    /// Goes by other numbers from now on.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Takes note of a deployment or a change of configuration; of more than a thousand the oldest is forgotten.
    pub fn note_change(&mut self, change: ChangeEvent) {
        self.changes.push(change);
        if self.changes.len() > MAX_CHANGES {
            let oldest = (0..self.changes.len()).min_by_key(|at| self.changes[*at].at_us);
            oldest.map(|at| self.changes.remove(at));
        }
    }

    /// An incident that is open or was resolved lately.
    pub fn incident(&self, id: IncidentId) -> Option<&Incident> {
        self.incidents.get(&id)
    }

    /// All incidents that are open or were resolved lately, oldest first.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values()
    }

    /// What is held back by maintenance windows that have not ended.
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// What people taught it by splitting and merging.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The numbers it works with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The places of an incident, the likeliest cause first; empty if there is no such incident.
    pub fn causes(&self, id: IncidentId) -> Vec<Cause> {
        self.incidents.get(&id).map(|incident| rank(incident, &self.topology, &self.changes, &self.settings.cause)).unwrap_or_default()
    }

    /// The findings of an incident, the likeliest cause first; empty if there is no such incident.
    pub fn member_causes(&self, id: IncidentId) -> Vec<Cause> {
        self.incidents
            .get(&id)
            .map(|incident| rank_members(incident, &self.topology, &self.changes, &self.settings.cause))
            .unwrap_or_default()
    }
}
