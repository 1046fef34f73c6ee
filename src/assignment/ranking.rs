//! Who fits, best first.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::fitness::{Refused, ShiftNeeded, refusals};
use super::term::terms;
use super::{AssignmentPolicy, Candidate, Need, Term};
use crate::clock::TimestampUs;

/// Somebody who can take a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    /// User name.
    pub name: String,
    /// The terms' values by their weights, in thousandths of the best there can be. Rounded: the order is made from the sum
    /// itself.
    pub score_milli: i64,
    /// Comes before all others because of an open ticket of the same asset.
    pub sticky: bool,
    /// What it is made of.
    pub terms: Vec<Term>,
}

/// Everybody who was looked at: who can take the ticket, best first, and who cannot, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ranking {
    /// Who can take it, best first.
    pub ranked: Vec<Ranked>,
    /// Who cannot, by name.
    pub refused: Vec<Refused>,
}

/// Ranks all candidates. Time grows with their number; nothing else is looked at.
///
/// Order: an open ticket of the same asset (if the policy wants it so), the score, least recently assigned, the name.
pub fn rank(policy: &AssignmentPolicy, need: &Need, candidates: &[Candidate], now_us: TimestampUs) -> Ranking {
    rank_among(policy, need, candidates, ShiftNeeded::ByPolicy, now_us)
}

pub(super) fn rank_among(
    policy: &AssignmentPolicy,
    need: &Need,
    candidates: &[Candidate],
    shift: ShiftNeeded,
    now_us: TimestampUs,
) -> Ranking {
    let (mut fitting, mut refused) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let reasons = refusals(policy, need, candidate, shift, now_us);
        if reasons.is_empty() {
            fitting.push(placed(policy, need, candidate, now_us));
        } else {
            refused.push(Refused { name: candidate.name.clone(), reasons });
        }
    }
    fitting.sort_by(|first, second| first.order().cmp(&second.order()));
    refused.sort_by(|first, second| first.name.cmp(&second.name));
    Ranking { ranked: fitting.into_iter().map(|placed| placed.ranked).collect(), refused }
}

/// A ranked person with what the order is made from.
#[derive(Debug)]
struct Placed {
    sum: i64,
    last_assigned_at_us: Option<TimestampUs>,
    ranked: Ranked,
}

impl Placed {
    /// Smallest comes first; `None` is before every time, so whoever was never assigned anything goes first among equals.
    fn order(&self) -> (Reverse<bool>, Reverse<i64>, Option<TimestampUs>, &str) {
        (Reverse(self.ranked.sticky), Reverse(self.sum), self.last_assigned_at_us, &self.ranked.name)
    }
}

fn placed(policy: &AssignmentPolicy, need: &Need, candidate: &Candidate, now_us: TimestampUs) -> Placed {
    let terms = terms(policy, need, candidate, now_us);
    let sum: i64 = terms.iter().map(|term| term.value_milli * i64::from(term.weight)).sum();
    let weights: i64 = terms.iter().map(|term| i64::from(term.weight)).sum();
    let has_open = need.asset_history.get(&candidate.name).is_some_and(|history| history.open > 0);
    let ranked =
        Ranked { name: candidate.name.clone(), score_milli: sum / weights.max(1), sticky: policy.sticky_same_asset && has_open, terms };
    Placed { sum, last_assigned_at_us: candidate.last_assigned_at_us, ranked }
}
