//! Who should work on a ticket, and why. Pure.
//!
//! [`derive_needs`] says from a list of rules which skills and which team a ticket needs. [`choose`] ranks the people who can
//! take it and gives the best one; [`hand_over`] says which tickets move when somebody's shift ends. Each answer carries its
//! reasons: every term with value, weight and a sentence, and everybody who was refused with the sentences why. The caller
//! stores them with the ticket.
//!
//! The load of a person is the weight of their open tickets ([`TicketWeights`]: a P1 weighs 8, a P5 1, a ticket that waits 1)
//! against their capacity.
//!
//! Invariants:
//! * A person's choice always wins: with [`Need::chosen_by_person`] nothing is chosen anew and nothing moves.
//! * The answer follows from the arguments alone. All arithmetic is in whole thousandths; equal scores go to whoever was
//!   assigned something least recently, then by name, so the order of the candidates does not matter.
//! * More load, a skill less or a lower level never puts a person further up.
//! * Nobody is left out in silence: a candidate is ranked or refused with at least one reason.

mod asset_history;
mod candidate;
mod choice;
mod fitness;
mod hand_over;
mod need;
mod policy;
mod ranking;
mod skill_rule;
mod term;
mod weight;

#[cfg(test)]
mod assignment_tests;
#[cfg(test)]
mod hand_over_tests;

pub use asset_history::AssetHistory;
pub use candidate::Candidate;
pub use choice::{Because, Choice, Fallbacks, MAX_STORED_RANKED, MAX_STORED_REFUSED, choose};
pub use fitness::{Refusal, RefusalReason, Refused};
pub use hand_over::{HandOver, HeldTicket, MAX_HANDED_OVER, Move, Stay, hand_over};
pub use need::{Excluded, Need};
pub use policy::{AssignmentPolicy, Fallback, HandOverPolicy};
pub use ranking::{Ranked, Ranking, rank};
pub use skill_rule::{About, MatchMode, Needs, SkillRule, SkillRules, derive_needs};
pub use term::{Term, TermName};
pub use weight::{TermWeights, TicketWeights};
