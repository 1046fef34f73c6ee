//! How much two findings speak for one cause: four terms, each shown.

use std::fmt;

use serde::Serialize;

use super::topology::{Reach, relate};
use super::{Member, Memory, Relation, Settings};
use crate::clock::TimestampUs;

/// One reason, with its share in the total: `weight × value`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Term {
    /// What it is about: `time`, `topology`, `words`, `learned`, or a term of the cause ranking.
    pub name: &'static str,
    /// How much it counts.
    pub weight: f64,
    /// How true it is: 0 to 1, for `learned` −3 to 3.
    pub value: f64,
}

impl Term {
    /// Its share in the total.
    pub fn share(&self) -> f64 {
        self.weight * self.value
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:.2} × {:.2}", self.name, self.weight, self.value)
    }
}

/// What speaks for putting two findings together.
#[derive(Debug, Clone, PartialEq)]
pub struct Affinity {
    /// The reasons.
    pub terms: [Term; 4],
    /// How their places are related.
    pub relation: Relation,
}

impl Affinity {
    /// The sum of the shares.
    pub fn total(&self) -> f64 {
        self.terms.iter().map(Term::share).sum()
    }
}

/// The affinity of a finding, whose surroundings are `reach`, with a member of an incident.
pub(super) fn affinity(new: &Member, reach: &Reach, member: &Member, memory: &Memory, settings: &Settings) -> Affinity {
    let relation = relate(reach, &new.place, &member.place);
    let terms = [
        Term { name: "time", weight: settings.time_weight, value: nearness(new, member, relation, settings) },
        Term { name: "topology", weight: settings.topology_weight, value: relation.strength() },
        Term { name: "words", weight: settings.words_weight, value: new.words.cosine(&member.words) },
        Term { name: "learned", weight: settings.learned_weight, value: memory.strength(new, member, relation) },
    ];
    Affinity { terms, relation }
}

/// The affinity with a member at the same host that is not kept whole: nothing is known of its words.
pub(super) fn at_known_place(new: &Member, seen_us: TimestampUs, settings: &Settings) -> Affinity {
    let apart = new.since_us.abs_diff(seen_us);
    let terms = [
        Term { name: "time", weight: settings.time_weight, value: decay(apart, new.signal.cadence_us, settings) },
        Term { name: "topology", weight: settings.topology_weight, value: Relation::SameHost.strength() },
        Term { name: "words", weight: settings.words_weight, value: 0.0 },
        Term { name: "learned", weight: settings.learned_weight, value: 0.0 },
    ];
    Affinity { terms, relation: Relation::SameHost }
}

/// exp(−Δt / scale), where Δt is the distance of the beginnings less what the coarser of the two rules leaves open: a rule that
/// looks every five minutes knows a beginning no better than that. What still goes on at the same host is near however long ago
/// it began: people look at a host once, not once for each of its troubles.
fn nearness(new: &Member, member: &Member, relation: Relation, settings: &Settings) -> f64 {
    let signal = &member.signal;
    let goes_on = new.since_us <= signal.window_end_us.saturating_add(signal.cadence_us);
    if relation == Relation::SameHost && goes_on && new.since_us >= member.since_us {
        return 1.0;
    }
    decay(new.since_us.abs_diff(member.since_us), new.signal.cadence_us.max(signal.cadence_us), settings)
}

fn decay(apart_us: u64, open_us: i64, settings: &Settings) -> f64 {
    (-(apart_us as f64 - open_us as f64).max(0.0) / settings.time_scale_us.max(1) as f64).exp()
}
