//! Who gets the ticket.

use serde::{Deserialize, Serialize};

use super::fitness::{Refused, ShiftNeeded};
use super::ranking::rank_among;
use super::{AssignmentPolicy, Candidate, Fallback, Need, Ranked};
use crate::clock::TimestampUs;

/// Ranked people that a stored choice keeps: more than are ever compared.
pub const MAX_STORED_RANKED: usize = 10;

/// Refused people that a stored choice keeps. A department of 500 must not write 500 refusals into each ticket.
pub const MAX_STORED_REFUSED: usize = 20;

/// Why it is this person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// A person chose them.
    ChosenByPerson,
    /// They are the best of those who fit.
    Best,
    /// Nobody fits, and they are on call.
    OnCall,
    /// Nobody fits, and they lead the team.
    Lead,
    /// Nobody fits, and there is nobody to fall back on.
    Nobody,
}

/// Whom to take when nobody fits, as things stand now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fallbacks {
    /// The person on call.
    pub on_call: Option<String>,
    /// The team's lead.
    pub lead: Option<String>,
}

/// Who gets the ticket, and all reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// User name; `None` if there is nobody.
    pub person: Option<String>,
    /// Why.
    pub because: Because,
    /// Why, for people.
    pub sentence: String,
    /// Who can take it, best first. Also made when a person chose, so that they see whom the policy would have taken.
    pub ranked: Vec<Ranked>,
    /// Who cannot, by name.
    pub refused: Vec<Refused>,
    /// Ranked people left out by [`Choice::for_history`].
    pub ranked_not_shown: usize,
    /// Refused people left out by [`Choice::for_history`].
    pub refused_not_shown: usize,
}

impl Choice {
    /// The same choice, short enough to be stored with the ticket: the best [`MAX_STORED_RANKED`] and the first
    /// [`MAX_STORED_REFUSED`], and how many more there were.
    #[must_use]
    pub fn for_history(mut self) -> Self {
        self.ranked_not_shown += self.ranked.len().saturating_sub(MAX_STORED_RANKED);
        self.refused_not_shown += self.refused.len().saturating_sub(MAX_STORED_REFUSED);
        self.ranked.truncate(MAX_STORED_RANKED);
        self.refused.truncate(MAX_STORED_REFUSED);
        self
    }
}

/// Who gets the ticket: whom a person chose, else the best who fits, else whom the policy falls back on.
///
/// Nobody is fallen back on who is excluded from the ticket or on leave. A fallback need not be among the candidates.
pub fn choose(policy: &AssignmentPolicy, need: &Need, candidates: &[Candidate], fallbacks: &Fallbacks, now_us: TimestampUs) -> Choice {
    choose_among(policy, need, candidates, fallbacks, ShiftNeeded::ByPolicy, now_us)
}

pub(super) fn choose_among(
    policy: &AssignmentPolicy,
    need: &Need,
    candidates: &[Candidate],
    fallbacks: &Fallbacks,
    shift: ShiftNeeded,
    now_us: TimestampUs,
) -> Choice {
    let ranking = rank_among(policy, need, candidates, shift, now_us);
    let (person, because, sentence) = if let Some(person) = &need.chosen_by_person {
        (Some(person.clone()), Because::ChosenByPerson, format!("{person} was chosen by a person, which always wins"))
    } else if let Some(best) = ranking.ranked.first() {
        (Some(best.name.clone()), Because::Best, best_sentence(need, best, ranking.ranked.len()))
    } else {
        fall_back(policy, need, candidates, fallbacks)
    };
    Choice { person, because, sentence, ranked: ranking.ranked, refused: ranking.refused, ranked_not_shown: 0, refused_not_shown: 0 }
}

fn best_sentence(need: &Need, best: &Ranked, fitting: usize) -> String {
    let name = &best.name;
    if best.sticky {
        return format!("{name} has {} in hand already", need.asset_name());
    }
    // What counts most for them; of equal terms the first.
    let counts = |at: &usize| (best.terms[*at].value_milli * i64::from(best.terms[*at].weight), usize::MAX - at);
    let strongest = (0..best.terms.len()).max_by_key(counts).map_or("", |at| &best.terms[at].sentence);
    match fitting {
        1 => format!("{name} is the only one who fits: {strongest}"),
        _ => format!("{name} is the best of {fitting} who fit: {strongest}"),
    }
}

fn fall_back(policy: &AssignmentPolicy, need: &Need, candidates: &[Candidate], fallbacks: &Fallbacks) -> (Option<String>, Because, String) {
    for fallback in &policy.when_nobody_fits {
        let (person, because, role) = match fallback {
            Fallback::OnCall => (&fallbacks.on_call, Because::OnCall, "is on call"),
            Fallback::Lead => (&fallbacks.lead, Because::Lead, "leads the team"),
        };
        if let Some(person) = person.as_ref().filter(|person| may_stand_in(need, candidates, person)) {
            return (Some(person.clone()), because, format!("nobody fits; {person} {role}"));
        }
    }
    let sentence = match candidates.len() {
        0 => "there is nobody to choose from; add people to the team, or name its lead or a rota",
        _ => "nobody fits, and nobody is on call or leads the team who could stand in; see the reasons, and choose somebody by hand",
    };
    (None, Because::Nobody, sentence.to_owned())
}

fn may_stand_in(need: &Need, candidates: &[Candidate], person: &str) -> bool {
    let excluded = need.excluded.iter().any(|excluded| excluded.person == person);
    let on_leave = candidates.iter().any(|candidate| candidate.name == person && candidate.on_leave);
    !excluded && !on_leave
}
