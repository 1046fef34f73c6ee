//! A person splits or merges; the memory learns from it.

use std::fmt;

use super::affinity::affinity;
use super::{Grouper, Incident, IncidentId, Member};
use crate::clock::TimestampUs;

/// How far beyond the threshold a correction goes, so that fading does not undo it within weeks.
const MARGIN: f64 = 0.05;

/// Why a correction was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorrectionError {
    /// There is no such incident, or it was resolved too long ago.
    NoSuchIncident(IncidentId),
    /// An incident can not be merged with itself.
    SameIncident,
    /// None of the named findings is among those that the incident keeps.
    NoSuchMember,
    /// All findings were named: nothing would stay.
    NothingLeft,
}

impl fmt::Display for CorrectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchIncident(id) => write!(f, "there is no incident {id}, or it ended too long ago"),
            Self::SameIncident => f.write_str("an incident can not be merged with itself; name two"),
            Self::NoSuchMember => f.write_str("none of these findings is listed in the incident; name some that are"),
            Self::NothingLeft => f.write_str("these are all findings of the incident; leave at least one"),
        }
    }
}

impl std::error::Error for CorrectionError {}

impl Grouper {
    /// Puts the findings of `other` into `into`; `other` is gone then. The pair of findings that was nearest to joining is
    /// taught to join the next time.
    pub fn merge(&mut self, into: IncidentId, other: IncidentId, now_us: TimestampUs) -> Result<(), CorrectionError> {
        if into == other {
            return Err(CorrectionError::SameIncident);
        }
        if !self.incidents.contains_key(&into) {
            return Err(CorrectionError::NoSuchIncident(into));
        }
        let gone = self.incidents.remove(&other).ok_or(CorrectionError::NoSuchIncident(other))?;
        self.teach_to_join(into, &gone, now_us);
        self.take_in(into, gone);
        Ok(())
    }

    fn teach_to_join(&mut self, into: IncidentId, gone: &Incident, now_us: TimestampUs) {
        let Some(incident) = self.incidents.get(&into) else { return };
        let mut best: Option<(f64, &Member, &Member, super::Relation)> = None;
        for a in &gone.members {
            let reach = self.topology.reach(&a.place, super::MAX_HOPS);
            for b in &incident.members {
                let affinity = affinity(a, &reach, b, &self.memory, &self.settings);
                if best.as_ref().is_none_or(|(total, ..)| affinity.total() > *total) {
                    best = Some((affinity.total(), a, b, affinity.relation));
                }
            }
        }
        if let Some((total, a, b, relation)) = best {
            let change = (self.settings.join_at + MARGIN - total).max(0.0) / self.settings.learned_weight.max(f64::EPSILON);
            self.memory.teach(a, b, relation, change, now_us);
        }
    }

    /// Puts the named findings into an incident of their own and gives its number. Every pair that would join them again is
    /// taught not to.
    pub fn split(&mut self, id: IncidentId, fingerprints: &[String], now_us: TimestampUs) -> Result<IncidentId, CorrectionError> {
        let incident = self.incidents.get_mut(&id).ok_or(CorrectionError::NoSuchIncident(id))?;
        let is_named = |member: &Member| fingerprints.contains(&member.signal.fingerprint);
        if !incident.members.iter().any(is_named) {
            return Err(CorrectionError::NoSuchMember);
        }
        if incident.members.iter().all(is_named) {
            return Err(CorrectionError::NothingLeft);
        }
        self.index.remove_all(incident);
        let (moved, stay): (Vec<_>, Vec<_>) = std::mem::take(&mut incident.members).into_iter().partition(is_named);
        incident.members = stay;
        incident.findings = incident.findings.saturating_sub(moved.iter().map(|member| member.findings).sum());
        self.last_id += 1;
        let Some(part) = split_off(incident, self.last_id, moved) else { return Err(CorrectionError::NoSuchMember) };
        for member in &part.members {
            if let Some(known) = self.known.get_mut(&member.signal.fingerprint) {
                known.incident = part.id;
            }
        }
        self.teach_apart(id, &part, now_us);
        let new_id = part.id;
        self.incidents.insert(new_id, part);
        for incident in [id, new_id].iter().filter_map(|id| self.incidents.get(id)).filter(|incident| incident.is_open()) {
            self.index.add_all(incident);
        }
        Ok(new_id)
    }

    fn teach_apart(&mut self, id: IncidentId, part: &Incident, now_us: TimestampUs) {
        let Some(incident) = self.incidents.get(&id) else { return };
        for a in &part.members {
            let reach = self.topology.reach(&a.place, super::MAX_HOPS);
            for b in &incident.members {
                let affinity = affinity(a, &reach, b, &self.memory, &self.settings);
                let over = affinity.total() - (self.settings.join_at - MARGIN);
                if over > 0.0 {
                    let change = -over / self.settings.learned_weight.max(f64::EPSILON);
                    self.memory.teach(a, b, affinity.relation, change, now_us);
                }
            }
        }
    }
}

/// A new incident of some members of another, in the same phase.
fn split_off(incident: &Incident, id: IncidentId, members: Vec<Member>) -> Option<Incident> {
    let mut rest = members.into_iter();
    let mut part = Incident::open(id, rest.next()?, incident.heard_us);
    for member in rest {
        part.hear(&member.signal, incident.heard_us);
        part.findings += member.findings.saturating_sub(1);
        part.members.push(member);
    }
    part.phase = incident.phase;
    Some(part)
}
