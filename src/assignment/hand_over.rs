//! What moves when somebody's shift ends.

use serde::{Deserialize, Serialize};

use super::choice::choose_among;
use super::fitness::ShiftNeeded;
use super::{AssignmentPolicy, Because, Candidate, Choice, Excluded, Fallbacks, Need};
use crate::clock::TimestampUs;

/// Tickets handed over at once; a person has a few dozen open, and each is held against all candidates. The rest stays, and
/// says so.
pub const MAX_HANDED_OVER: usize = 200;

/// An open ticket of the person whose shift ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldTicket {
    /// The ticket's number.
    pub number: i64,
    /// What it asks for.
    pub need: Need,
    /// It is on hold: nobody has to do anything now.
    pub waiting: bool,
}

/// A ticket that goes to somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The ticket's number.
    pub number: i64,
    /// Who had it.
    pub from: String,
    /// Who gets it.
    pub to: String,
    /// Why, for people.
    pub sentence: String,
    /// Whom else there was, with all reasons.
    pub choice: Choice,
}

/// A ticket that stays where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// The ticket's number.
    pub number: i64,
    /// Why, for people.
    pub sentence: String,
    /// It should have moved and there was nobody: somebody must be told.
    pub stranded: bool,
}

/// What a hand-over does. Every ticket given is in one of the two lists.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HandOver {
    /// What moves, in the order in which it was given out.
    pub moves: Vec<Move>,
    /// What stays.
    pub stays: Vec<Stay>,
}

/// Says which tickets of a person move to whom.
///
/// A ticket moves if the person is off shift, on leave or within `hand_over.before` of the end of their shift; its priority is
/// one of `hand_over.priorities`; it does not wait; and no person chose who has it. It goes to somebody who is on shift for
/// longer than that, also where the policy would let people off shift have new tickets. The most urgent goes first, and each
/// move counts as load for the next, so that not all go to one. Whom the team falls back on keeps what only another such person
/// could take.
pub fn hand_over(
    policy: &AssignmentPolicy,
    person: &str,
    tickets: &[HeldTicket],
    candidates: &[Candidate],
    fallbacks: &Fallbacks,
    now_us: TimestampUs,
) -> HandOver {
    let mut result = HandOver::default();
    let leaving = leaving(policy, person, candidates, now_us);
    let mut candidates = candidates.to_vec();
    let mut order: Vec<&HeldTicket> = tickets.iter().collect();
    order.sort_by_key(|ticket| (ticket.need.priority, ticket.number));
    for (at, ticket) in order.into_iter().enumerate() {
        let moved = match &leaving {
            Err(sentence) => Err(Stay { number: ticket.number, sentence: sentence.clone(), stranded: false }),
            Ok(_) if at >= MAX_HANDED_OVER => {
                let sentence = format!("only {MAX_HANDED_OVER} tickets are handed over at once; hand over again");
                Err(Stay { number: ticket.number, sentence, stranded: true })
            }
            Ok(leaving) => handed_on(policy, person, leaving, ticket, &candidates, fallbacks, now_us),
        };
        match moved {
            Ok(moved) => {
                let weight = policy.ticket_weights.of(ticket.need.priority, false);
                if let Some(taker) = candidates.iter_mut().find(|candidate| candidate.name == moved.to) {
                    taker.open_weight = taker.open_weight.saturating_add(weight);
                    taker.last_assigned_at_us = Some(now_us);
                }
                result.moves.push(moved);
            }
            Err(stay) => result.stays.push(stay),
        }
    }
    result
}

/// Where one ticket goes, or why it stays.
fn handed_on(
    policy: &AssignmentPolicy,
    person: &str,
    leaving: &str,
    ticket: &HeldTicket,
    candidates: &[Candidate],
    fallbacks: &Fallbacks,
    now_us: TimestampUs,
) -> Result<Move, Stay> {
    let number = ticket.number;
    if let Some(sentence) = why_it_stays(policy, ticket) {
        return Err(Stay { number, sentence, stranded: false });
    }
    let mut need = ticket.need.clone();
    // Whoever hands over is neither chosen nor fallen back on.
    need.excluded.push(Excluded { person: person.to_owned(), why: "hands it over".to_owned() });
    let longer_us = policy.hand_over_before_us();
    let choice = choose_among(policy, &need, candidates, fallbacks, ShiftNeeded::LongerThan(longer_us), now_us);
    let Some(to) = choice.person.clone() else {
        let sentence = format!("{leaving}, and a {} does not wait, but {}", need.priority, choice.sentence);
        return Err(Stay { number, sentence, stranded: true });
    };
    // Two people who are both only fallen back on would hand it to and fro.
    let falls_back = |because| matches!(because, Because::OnCall | Because::Lead);
    if falls_back(choice.because) && [&fallbacks.on_call, &fallbacks.lead].into_iter().flatten().any(|fallback| fallback == person) {
        let sentence = format!("{leaving}, and a {} does not wait, but nobody's shift has begun", need.priority);
        return Err(Stay { number, sentence, stranded: true });
    }
    let sentence = format!("{leaving}, and a {} does not wait; {}", need.priority, choice.sentence);
    Ok(Move { number, from: person.to_owned(), to, sentence, choice: choice.for_history() })
}

/// Why the person hands over, or why not yet.
fn leaving(policy: &AssignmentPolicy, person: &str, candidates: &[Candidate], now_us: TimestampUs) -> Result<String, String> {
    let Some(candidate) = candidates.iter().find(|candidate| candidate.name == person) else {
        return Ok(format!("{person} is not among those who work"));
    };
    if candidate.on_leave {
        return Ok(format!("{person} is on leave"));
    }
    if !candidate.is_on_shift(now_us) {
        return Ok(format!("the shift of {person} is over"));
    }
    match candidate.shift_left_us(now_us) {
        Some(left_us) if left_us <= policy.hand_over_before_us() => Ok(format!("the shift of {person} ends")),
        _ => Err(format!("{person} is on shift")),
    }
}

fn why_it_stays(policy: &AssignmentPolicy, ticket: &HeldTicket) -> Option<String> {
    let need = &ticket.need;
    if let Some(chosen) = &need.chosen_by_person {
        return Some(format!("a person chose {chosen}, which always wins"));
    }
    if ticket.waiting {
        return Some("it is on hold: nothing has to be done now".to_owned());
    }
    (!policy.hand_over.priorities.contains(&need.priority)).then(|| format!("a {} can wait for the next shift", need.priority))
}
