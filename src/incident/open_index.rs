//! Which open incidents have a member at a place or of a rule, so that a finding is compared with few.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::topology::{Reach, name_key};
use super::{Incident, IncidentId, Member, Memory};

/// Incidents compared with one finding, the newest first. More than a handful never fits.
const MAX_CANDIDATES: usize = 64;

/// Keys of different kinds are kept apart by these; any different numbers do.
const RULE: u64 = 0x9e37_79b9_7f4a_7c15;
const NEED: u64 = 0xc2b2_ae3d_27d4_eb4f;
const NEEDED: u64 = 0x27d4_eb2f_1656_67c5;
const RACK: u64 = 0x1656_67b1_9e37_79f9;

/// From a hashed place or rule to the incidents with a kept member there. It follows from the incidents and is not saved.
#[derive(Debug, Clone, Default)]
pub(super) struct OpenIndex {
    by_key: HashMap<u64, BTreeSet<IncidentId>>,
}

impl OpenIndex {
    /// The index of these incidents.
    pub(super) fn of<'a>(incidents: impl Iterator<Item = &'a Incident>) -> Self {
        let mut index = Self::default();
        for incident in incidents.filter(|incident| incident.is_open()) {
            index.add_all(incident);
        }
        index
    }

    pub(super) fn add(&mut self, id: IncidentId, member: &Member) {
        for key in keys(member) {
            self.by_key.entry(key).or_default().insert(id);
        }
    }

    /// Enters an incident with all its members and places.
    pub(super) fn add_all(&mut self, incident: &Incident) {
        incident.members.iter().for_each(|member| self.add(incident.id, member));
        for place in incident.more_places.keys() {
            self.by_key.entry(*place).or_default().insert(incident.id);
        }
    }

    /// Forgets a member that its incident no longer keeps; what other members share with it stays.
    pub(super) fn remove(&mut self, incident: &Incident, member: &Member) {
        for key in keys(member) {
            if !incident.more_places.contains_key(&key) && !incident.members.iter().any(|other| keys(other).any(|one| one == key)) {
                self.forget(incident.id, key);
            }
        }
    }

    pub(super) fn remove_all(&mut self, incident: &Incident) {
        for key in incident.members.iter().flat_map(keys).chain(incident.more_places.keys().copied()) {
            self.forget(incident.id, key);
        }
    }

    fn forget(&mut self, id: IncidentId, key: u64) {
        if let Some(ids) = self.by_key.get_mut(&key) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_key.remove(&key);
            }
        }
    }

    /// Open incidents that a finding could join: with a member at a related place, of the same rule, or of a rule that was
    /// taught to belong to it. What has none of these stays below the threshold.
    pub(super) fn candidates(&self, new: &Member, reach: &Reach, memory: &Memory) -> Vec<IncidentId> {
        let mut found = BTreeSet::new();
        let mut look = |key: u64| {
            let newest = self.by_key.get(&key).into_iter().flat_map(|ids| ids.iter().rev().take(MAX_CANDIDATES));
            found.extend(newest.copied());
        };
        keys(new).for_each(&mut look);
        reach.upstream.keys().chain(reach.dependents.keys()).copied().for_each(&mut look);
        memory.partners(&new.signal.rule).for_each(|rule| look(rule_key(rule)));
        found.into_iter().rev().take(MAX_CANDIDATES).collect()
    }
}

fn rule_key(rule: &str) -> u64 {
    name_key(rule) ^ RULE
}

fn keys(member: &Member) -> impl Iterator<Item = u64> + '_ {
    let place = &member.place;
    let rack = (place.rack != 0).then_some(place.rack ^ RACK);
    let neighbours = place.needs.iter().map(|need| need ^ NEED).chain(place.needed_by.iter().map(|one| one ^ NEEDED));
    place.nodes().chain(rack).chain(neighbours).chain(std::iter::once(rule_key(&member.signal.rule)))
}
