//! What became of a finding, and why.

use super::{Flapping, IncidentId, Relation, Term};

/// What happened to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It opened an incident.
    Opened,
    /// It joined one as a new member.
    Joined,
    /// It is known there and was told a short while ago: count it, say nothing.
    Repeated,
    /// It is known there and has gone on for longer than repetitions are kept quiet.
    Continued,
    /// It came back a short while after its incident was resolved, which is open again.
    Reopened,
    /// It fell into a maintenance window.
    Held,
}

/// Where a finding went, with every reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// The incident it belongs to; none if it is held.
    pub incident: Option<IncidentId>,
    /// What happened.
    pub outcome: Outcome,
    /// The reasons, for the best member of the best incident there was, also if that was not enough. Empty if there was none or
    /// the fingerprint was known.
    pub terms: Vec<Term>,
    /// The sum of the terms' shares.
    pub total: f64,
    /// Fingerprint of the member that the terms speak of.
    pub with: Option<String>,
    /// How the places of the two are related.
    pub relation: Relation,
    /// Young incidents that this finding turned out to connect: they are gone, their findings are in `incident` now.
    pub merged: Vec<IncidentId>,
    /// Set if the incident comes and goes.
    pub flapping: Option<Flapping>,
    /// The incident, resolved a short while ago, that this finding was part of, if a new one was opened or joined instead.
    pub follows: Option<IncidentId>,
    /// Name of the maintenance window that holds it.
    pub held_by: Option<String>,
}

impl Placement {
    pub(super) fn plain(incident: IncidentId, outcome: Outcome) -> Self {
        Self {
            incident: Some(incident),
            outcome,
            terms: Vec::new(),
            total: 0.0,
            with: None,
            relation: Relation::None,
            merged: Vec::new(),
            flapping: None,
            follows: None,
            held_by: None,
        }
    }

    pub(super) fn held(window: &str) -> Self {
        Self { incident: None, outcome: Outcome::Held, held_by: Some(window.to_owned()), ..Self::plain(0, Outcome::Held) }
    }

    /// Whether an incident was opened for it.
    pub fn opened(&self) -> bool {
        self.outcome == Outcome::Opened
    }

    /// Whether a person should hear of it.
    pub fn is_news(&self) -> bool {
        !matches!(self.outcome, Outcome::Repeated | Outcome::Held)
    }
}
