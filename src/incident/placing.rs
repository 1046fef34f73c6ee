//! A finding arrives: is it held, known, near to something, or new?

use super::nearest::Nearest;
use super::{Flapping, Grouper, Held, Incident, IncidentId, Maintenance, Member, Outcome, Phase, Placement, Signal, Term};
use crate::clock::TimestampUs;
use crate::store::FindingSeverity;

/// Incidents at the same time, resolved ones that may reopen among them. Far more than people can look at; only a bound.
const MAX_INCIDENTS: usize = 4_096;

impl Grouper {
    /// Places a finding. `now_us` is the present moment, or in a back-test the moment that is played.
    pub fn place(&mut self, signal: Signal, now_us: TimestampUs) -> Placement {
        let signal = signal.bounded();
        if let Some(placement) = self.place_known(&signal, now_us) {
            return placement;
        }
        if let Some(placement) = self.hold(&signal) {
            return placement;
        }
        if let Some(placement) = self.reopen(&signal, now_us) {
            return placement;
        }
        if let Some(id) = self.same_entity(&signal).or_else(|| self.symptom_at(&signal)) {
            return self.join(id, Member::new(signal, &self.topology), now_us);
        }
        let follows = self.known.get(&signal.fingerprint).map(|known| known.incident).filter(|id| self.incidents.contains_key(id));
        let member = Member::new(signal, &self.topology);
        let nearest = self.nearest(&member);
        let near_enough = nearest.as_ref().filter(|nearest| nearest.total >= self.settings.join_at).map(|nearest| nearest.incident);
        let ongoing_storm = self.ongoing_storm(&member.signal);
        let storm = if near_enough.is_none() { self.storm(&member.signal, now_us) } else { None };
        let mut placement = match near_enough.or(storm.as_ref().map(|(id, _)| *id)) {
            Some(id) => self.join(id, member, now_us),
            None => self.open(member, now_us),
        };
        placement.follows = follows;
        if let Some(Nearest { fingerprint, affinity, mut joinable, total, .. }) = nearest {
            joinable.extend(ongoing_storm.filter(|id| !joinable.contains(id)));
            joinable.sort_unstable();
            (placement.incident, placement.merged) = self.connect(placement.incident, &joinable);
            placement.total = total;
            placement.terms.extend(affinity.terms);
            (placement.with, placement.relation) = (fingerprint, affinity.relation);
        }
        if let Some((_, merged)) = storm {
            placement.merged = merged;
            placement.terms.push(Term { name: "storm", weight: 1.0, value: 1.0 });
            placement.total += 1.0;
        }
        placement
    }

    /// The open incident that is about the very same part of a host (a file system, an interface) and goes on: what is in
    /// trouble, and gets into another, is one trouble, however long it lasts. A whole host is too much to say that of.
    fn same_entity(&self, signal: &Signal) -> Option<IncidentId> {
        let goes_on = |incident: &&Incident| {
            incident.is_open()
                && signal.onset_us <= incident.last_us.saturating_add(self.settings.gap_us)
                && signal.window_end_us >= incident.onset_us
        };
        let same =
            |incident: &&Incident| signal.entity.len() > 1 && incident.members.iter().any(|member| member.signal.entity == signal.entity);
        self.incidents.values().filter(goes_on).find(same).map(|incident| incident.id)
    }

    /// The open incident at the signal's host that goes on and is worse: a lesser finding there is a symptom of it, however
    /// old it is. One that is as bad or worse speaks for itself.
    fn symptom_at(&self, signal: &Signal) -> Option<IncidentId> {
        let host = signal.host()?;
        let rank = |severity| FindingSeverity::ALL.iter().position(|one| *one == severity);
        let goes_on = |incident: &&Incident| {
            incident.is_open()
                && signal.onset_us <= incident.last_us
                && signal.onset_us >= incident.onset_us
                && rank(incident.severity) < rank(signal.severity)
        };
        let at_host = |incident: &&Incident| incident.members.iter().any(|member| member.signal.host() == Some(host));
        self.incidents.values().filter(goes_on).find(at_host).map(|incident| incident.id)
    }

    /// A finding whose fingerprint belongs to an open incident stays there, also in a maintenance window: it opens nothing.
    /// One about a time before its incident was resolved (a rule that lags, late rows) says nothing new.
    fn place_known(&mut self, signal: &Signal, now_us: TimestampUs) -> Option<Placement> {
        let known = self.known.get_mut(&signal.fingerprint)?;
        let incident = self.incidents.get_mut(&known.incident)?;
        if let Phase::Resolved { at_us } = incident.phase {
            let is_late = signal.window_end_us <= at_us;
            return is_late.then(|| Placement::plain(incident.id, Outcome::Repeated));
        }
        if signal.window_end_us <= known.last_us {
            // Told again after a restart, or late: it counts once.
            return Some(Placement { flapping: incident.flapping, ..Placement::plain(incident.id, Outcome::Repeated) });
        }
        let returns = known.hear(signal, &self.settings);
        let is_repetition = now_us.saturating_sub(known.told_us) < self.settings.dedup_us;
        if !is_repetition {
            known.told_us = now_us;
        }
        note_returns(incident, returns, &self.settings);
        incident.hear(signal, now_us);
        if let Some(member) = incident.member_mut(&signal.fingerprint) {
            member.repeat(signal);
        }
        let outcome = if is_repetition { Outcome::Repeated } else { Outcome::Continued };
        Some(Placement { flapping: incident.flapping, ..Placement::plain(incident.id, outcome) })
    }

    fn hold(&mut self, signal: &Signal) -> Option<Placement> {
        // The last moment that was judged decides: the end itself is no longer part of the window.
        let at_us = signal.window_end_us.saturating_sub(signal.holds_us).saturating_sub(1);
        let (name, until_us) = Maintenance::holding(&self.windows, signal, at_us)?;
        let at = self.held.iter().position(|held| held.window == name && held.until_us == until_us);
        let at = at.unwrap_or_else(|| {
            self.held.push(Held::new(name, until_us));
            self.held.len() - 1
        });
        self.held.get_mut(at)?.hold(signal.clone());
        Some(Placement::held(name))
    }

    /// A fingerprint whose incident was resolved lately opens that again, if it says enough about it; else it is as good as new.
    fn reopen(&mut self, signal: &Signal, now_us: TimestampUs) -> Option<Placement> {
        let known = self.known.get_mut(&signal.fingerprint)?;
        let incident = self.incidents.get_mut(&known.incident)?;
        let Phase::Resolved { at_us } = incident.phase else { return None };
        if signal.onset_us.saturating_sub(at_us) > self.settings.reopen_us || !incident.is_back_with_one() {
            return None;
        }
        incident.phase = Phase::Open;
        let returns = known.hear(signal, &self.settings);
        known.told_us = now_us;
        note_returns(incident, returns, &self.settings);
        incident.hear(signal, now_us);
        if let Some(member) = incident.member_mut(&signal.fingerprint) {
            member.repeat(signal);
            member.since_us = signal.onset_us;
        }
        let placement = Placement { flapping: incident.flapping, ..Placement::plain(incident.id, Outcome::Reopened) };
        self.index.add_all(incident);
        Some(placement)
    }

    fn join(&mut self, id: IncidentId, member: Member, now_us: TimestampUs) -> Placement {
        self.known.put(&member.signal, id, now_us, &self.settings);
        self.index.add(id, &member);
        let mut placement = Placement::plain(id, Outcome::Joined);
        if let Some(incident) = self.incidents.get_mut(&id) {
            incident.hear(&member.signal, now_us);
            if let Some(gone) = incident.keep(member) {
                self.index.remove(incident, &gone);
            }
            placement.flapping = incident.flapping;
        }
        placement
    }

    fn open(&mut self, member: Member, now_us: TimestampUs) -> Placement {
        self.make_room();
        self.last_id += 1;
        let id = self.last_id;
        self.known.put(&member.signal, id, now_us, &self.settings);
        self.note_opening(&member.signal, id, now_us);
        self.index.add(id, &member);
        self.incidents.insert(id, Incident::open(id, member, now_us));
        Placement::plain(id, Outcome::Opened)
    }

    /// With too many incidents those go that were heard of the longest ago, resolved ones first: some at a time, so that it
    /// costs little for each that opens.
    fn make_room(&mut self) {
        if self.incidents.len() < MAX_INCIDENTS {
            return;
        }
        let mut oldest: Vec<_> = self.incidents.values().map(|one| (one.is_open(), one.heard_us, one.id)).collect();
        oldest.sort_unstable();
        for (is_open, _, id) in oldest.into_iter().take(MAX_INCIDENTS / 16) {
            if let Some(incident) = self.incidents.remove(&id) {
                self.index.remove_all(&incident);
                self.crowded_out.extend(is_open.then_some(id));
            }
        }
    }
}

fn note_returns(incident: &mut Incident, returns: Option<usize>, settings: &super::Settings) {
    if let Some(returns) = returns.filter(|returns| *returns >= settings.flap_returns) {
        incident.flapping = Some(Flapping { returns, within_us: settings.flap_within_us });
    }
}
