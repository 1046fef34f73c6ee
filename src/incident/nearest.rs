//! The search for what a finding is near to.

use super::affinity::{Affinity, affinity, at_known_place};
use super::topology::Reach;
use super::{Grouper, Incident, IncidentId, Member};

/// The nearest that was found for a finding.
#[derive(Debug)]
pub(super) struct Nearest {
    pub(super) incident: IncidentId,
    /// The member it is near to; none if only the place of a member is remembered.
    pub(super) fingerprint: Option<String>,
    pub(super) affinity: Affinity,
    pub(super) total: f64,
    /// All incidents near enough to join, the oldest first.
    pub(super) joinable: Vec<IncidentId>,
}

impl Grouper {
    /// The member with the highest affinity among all candidates; of equal ones that of the oldest incident.
    pub(super) fn nearest(&self, new: &Member) -> Option<Nearest> {
        let reach = self.topology.reach(&new.place, super::MAX_HOPS);
        let mut joinable = Vec::new();
        let mut best: Option<Nearest> = None;
        for id in self.index.candidates(new, &reach, &self.memory) {
            let Some(incident) = self.incidents.get(&id).filter(|one| one.takes(new.signal.onset_us, &self.settings)) else { continue };
            let Some(nearest) = self.nearest_in(incident, new, &reach) else { continue };
            if nearest.total >= self.settings.join_at {
                joinable.push(id);
            }
            if best.as_ref().is_none_or(|best| nearest.total > best.total || (nearest.total == best.total && id < best.incident)) {
                best = Some(nearest);
            }
        }
        joinable.sort_unstable();
        best.map(|best| Nearest { joinable, ..best })
    }

    fn nearest_in(&self, incident: &Incident, new: &Member, reach: &Reach) -> Option<Nearest> {
        let with_member = |member: &Member| affinity(new, reach, member, &self.memory, &self.settings);
        let affinities = incident.members.iter().map(|member| (Some(member), with_member(member)));
        let place = new.place.key();
        let remembered = incident.more_places.get(&place).map(|seen_us| (None, at_known_place(new, *seen_us, &self.settings)));
        let mut best: Option<(f64, Option<&Member>, Affinity)> = None;
        for (member, affinity) in affinities.chain(remembered) {
            let total = affinity.total();
            if best.as_ref().is_none_or(|(most, ..)| total > *most) {
                best = Some((total, member, affinity));
            }
        }
        best.map(|(total, member, affinity)| Nearest {
            incident: incident.id,
            fingerprint: member.map(|member| member.signal.fingerprint.clone()),
            affinity,
            total,
            joinable: Vec::new(),
        })
    }
}
