//! Where an incident comes from: its places and findings in the order of suspicion, with every reason.
//!
//! Four things speak for a cause: it began early, what else is affected needs it (and it needs nothing that is affected), it is
//! the most unlikely, and something was changed there shortly before.

use serde::{Deserialize, Serialize};

use super::affected::{Affected, weighed_surprise};
use super::topology::name_key;
use super::{CauseWeights, Incident, Member, Term, Topology};
use crate::clock::TimestampUs;

/// A change this long before the onset is suspicious.
pub const CHANGE_WITHIN_US: i64 = 30 * super::settings::MINUTE_US;

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Another version was rolled out.
    Deployment,
    /// A setting was changed.
    Configuration,
}

/// A change somewhere, that findings may follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeEvent {
    /// When, in microseconds UTC.
    pub at_us: TimestampUs,
    /// Host or service that it was made to.
    pub place: String,
    /// What was changed.
    pub kind: ChangeKind,
    /// In words.
    pub title: String,
}

/// A suspect, with the reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// Host or service.
    pub place: String,
    /// The finding that says most about it.
    pub fingerprint: String,
    /// Sum of the terms' shares, 0 to 1.
    pub score: f64,
    /// The reasons: `onset`, `upstream`, `surprise`, `change`.
    pub terms: [Term; 4],
    /// The change that counts, if there is one.
    pub change: Option<String>,
}

/// The places of an incident, the likeliest cause first; of equal ones the earlier. A place is judged by all its findings: its
/// onset is the earliest, its surprise the root of the sum of squares.
pub fn rank(incident: &Incident, topology: &Topology, changes: &[ChangeEvent], weights: &CauseWeights) -> Vec<Cause> {
    let affected = Affected::of(incident, topology);
    let mut causes: Vec<(TimestampUs, Cause)> = Vec::new();
    for place in affected.places() {
        let telling = place.most_surprising;
        let change = changes.iter().filter_map(|change| suspicion(telling, place.onset_us, change)).max_by(|a, b| a.0.total_cmp(&b.0));
        let values = [affected.earliness(place.onset_us, telling), place.upstream(), affected.share_of_surprise(place)];
        causes.push((place.onset_us, cause(telling, values, change, weights)));
    }
    sorted(causes)
}

/// The findings of an incident, the likeliest cause first; of equal ones the earlier. Each is judged by its own onset and
/// surprise, and by where its place stands.
pub fn rank_members(incident: &Incident, topology: &Topology, changes: &[ChangeEvent], weights: &CauseWeights) -> Vec<Cause> {
    let affected = Affected::of(incident, topology);
    let most = incident.members.iter().map(|member| weighed_surprise(&member.signal)).fold(1.0, f64::max);
    let mut causes: Vec<(TimestampUs, Cause)> = Vec::with_capacity(incident.members.len());
    for place in affected.places() {
        for member in &place.members {
            let onset_us = member.signal.onset_us;
            let change = changes.iter().filter_map(|change| suspicion(member, onset_us, change)).max_by(|a, b| a.0.total_cmp(&b.0));
            let surprise = weighed_surprise(&member.signal) / most;
            let values = [affected.earliness(onset_us, member), place.upstream(), surprise];
            causes.push((onset_us, cause(member, values, change, weights)));
        }
    }
    sorted(causes)
}

fn cause(member: &Member, [onset, upstream, surprise]: [f64; 3], change: Option<(f64, &ChangeEvent)>, weights: &CauseWeights) -> Cause {
    let terms = [
        Term { name: "onset", weight: weights.onset, value: onset },
        Term { name: "upstream", weight: weights.upstream, value: upstream },
        Term { name: "surprise", weight: weights.surprise, value: surprise },
        Term { name: "change", weight: weights.change, value: change.map_or(0.0, |(value, _)| value) },
    ];
    Cause {
        place: member.signal.place(),
        fingerprint: member.signal.fingerprint.clone(),
        score: terms.iter().map(Term::share).sum(),
        terms,
        change: change.map(|(_, change)| change.title.clone()),
    }
}

fn sorted(mut causes: Vec<(TimestampUs, Cause)>) -> Vec<Cause> {
    causes.sort_by(|(a_us, a), (b_us, b)| b.score.total_cmp(&a.score).then(a_us.cmp(b_us)).then_with(|| a.fingerprint.cmp(&b.fingerprint)));
    causes.into_iter().map(|(_, cause)| cause).collect()
}

/// How suspicious a change is: 1 just before the onset, falling to 0 at [`CHANGE_WITHIN_US`]; none if it was made elsewhere or
/// at another time.
fn suspicion<'a>(member: &Member, onset_us: TimestampUs, change: &'a ChangeEvent) -> Option<(f64, &'a ChangeEvent)> {
    // A rule that looks every five minutes may date an onset that much too early.
    let before_us = onset_us.saturating_add(member.signal.cadence_us).saturating_sub(change.at_us);
    let node = name_key(&change.place);
    let is_near = (0..=CHANGE_WITHIN_US).contains(&before_us) && member.place.nodes().any(|one| one == node);
    is_near.then(|| (1.0 - before_us as f64 / CHANGE_WITHIN_US as f64, change))
}
