//! Incidents that turn out to be one.

use super::topology::relate;
use super::{Grouper, Incident, IncidentId, Member};

impl Grouper {
    /// Puts all of an incident that was removed into another.
    pub(super) fn take_in(&mut self, into: IncidentId, gone: Incident) {
        self.index.remove_all(&gone);
        self.known.move_all(gone.id, into);
        self.redirect_storms(gone.id, into);
        let Some(incident) = self.incidents.get_mut(&into) else { return };
        self.index.remove_all(incident);
        absorb(incident, gone);
        // What came back since and went elsewhere is no longer of this incident.
        let is_here = |member: &Member| self.known.get(&member.signal.fingerprint).is_none_or(|known| known.incident == into);
        incident.members.retain(is_here);
        if incident.is_open() {
            self.index.add_all(incident);
        }
    }

    /// Makes one of the young incidents that a finding is near to: whether findings belong together must not hang on the order
    /// in which they come. The oldest takes the others in, unless a person has taught any two of their findings apart. Older
    /// incidents stay as they are: people work on them.
    pub(super) fn connect(&mut self, joined: Option<IncidentId>, near: &[IncidentId]) -> (Option<IncidentId>, Vec<IncidentId>) {
        let Some(joined_id) = joined.filter(|_| near.len() > 1) else { return (joined, Vec::new()) };
        let Some(home) = near.iter().copied().find(|id| *id == joined_id || self.may_connect(*id, joined_id)) else {
            return (joined, Vec::new());
        };
        let mut merged = Vec::new();
        for id in near.iter().copied().filter(|id| *id != home) {
            if self.may_connect(home, id)
                && let Some(gone) = self.incidents.remove(&id)
            {
                self.take_in(home, gone);
                merged.push(id);
            }
        }
        (Some(if merged.contains(&joined_id) { home } else { joined_id }), merged)
    }

    fn may_connect(&self, one: IncidentId, other: IncidentId) -> bool {
        let (Some(one), Some(other)) = (self.incidents.get(&one), self.incidents.get(&other)) else { return false };
        let newest_us = one.last_us.max(other.last_us);
        let is_young = |incident: &Incident| newest_us.saturating_sub(incident.onset_us) <= self.settings.life_us;
        is_young(one) && is_young(other) && !self.taught_apart(one, other)
    }

    fn taught_apart(&self, one: &Incident, other: &Incident) -> bool {
        let corrected = one.members.iter().filter(|member| self.memory.has_apart(&member.signal.rule));
        corrected.into_iter().any(|a| {
            let reach = self.topology.reach(&a.place, super::MAX_HOPS);
            other.members.iter().any(|b| self.memory.strength(a, b, relate(&reach, &a.place, &b.place)) < 0.0)
        })
    }
}

/// Takes all of `gone` into `incident`.
fn absorb(incident: &mut Incident, gone: Incident) {
    incident.findings += gone.findings;
    incident.more_members += gone.more_members;
    incident.onset_us = incident.onset_us.min(gone.onset_us);
    incident.last_us = incident.last_us.max(gone.last_us);
    incident.heard_us = incident.heard_us.max(gone.heard_us);
    incident.severity = super::member::worse(incident.severity, gone.severity);
    incident.cadence_us = incident.cadence_us.max(gone.cadence_us);
    incident.flapping = incident.flapping.or(gone.flapping);
    if gone.is_open() {
        incident.phase = gone.phase;
    }
    for (place, onset_us) in gone.more_places {
        incident.remember_place(place, onset_us);
    }
    for member in gone.members {
        if let Some(same) = incident.member_mut(&member.signal.fingerprint) {
            let findings = same.findings + member.findings;
            same.repeat(&member.signal);
            same.findings = findings;
            continue;
        }
        incident.keep(member);
    }
}
