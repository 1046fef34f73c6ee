//! What people taught by splitting and merging: which rules belong together on which relation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{Member, Relation, Signal};
use crate::clock::{DAY_US, TimestampUs};

/// Pairs remembered. A site has some hundred rules, of which few pairs are ever corrected by hand.
const MAX_PAIRS: usize = 4_096;

/// A lesson counts half as much after this time: sites change within seasons, and one bad click must not last.
const HALF_LIFE_US: i64 = 180 * DAY_US;

/// How far one pair can be taught either way, in thousandths. Three times the weight of the term overrules any other two terms.
const MAX_STRENGTH_MILLI: i64 = 3_000;

/// What was taught about two rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// The rules, with the kinds of entity that they are about.
    pub rules: [(String, String); 2],
    /// How the places of the two findings were related.
    pub relation: String,
    /// Thousandths, −3,000 to 3,000; above zero they belong together. As of `at_us`; it fades.
    pub strength_milli: i64,
    /// When it was taught last, in microseconds UTC.
    pub at_us: TimestampUs,
}

impl Lesson {
    fn strength(&self, now_us: TimestampUs) -> f64 {
        let age = now_us.saturating_sub(self.at_us).max(0) as f64;
        self.strength_milli as f64 / 1_000.0 * (-age / HALF_LIFE_US as f64 * std::f64::consts::LN_2).exp()
    }
}

/// The lessons, by pair of rules with their kinds of entity, and the relation between the two places.
///
/// A correction moves a pair by just as much as makes the same pair group the other way the next time, with a margin: the
/// passive-aggressive update of Crammer et al., Journal of Machine Learning Research 7 (2006).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    lessons: BTreeMap<u64, Lesson>,
}

impl Memory {
    /// All lessons.
    pub fn lessons(&self) -> impl Iterator<Item = &Lesson> {
        self.lessons.values()
    }

    /// What is known about the pair, −3 to 3; 0 if nothing. Judged at the later onset of the two.
    pub(super) fn strength(&self, a: &Member, b: &Member, relation: Relation) -> f64 {
        if self.lessons.is_empty() {
            return 0.0;
        }
        let now_us = a.signal.onset_us.max(b.signal.onset_us);
        self.lessons.get(&pair_key(a.side, b.side, relation)).map_or(0.0, |lesson| lesson.strength(now_us))
    }

    /// Moves the pair by `change`, within bounds. Beyond the most pairs that are kept the oldest lesson goes.
    pub(super) fn teach(&mut self, a: &Member, b: &Member, relation: Relation, change: f64, now_us: TimestampUs) {
        let key = pair_key(a.side, b.side, relation);
        let before = self.lessons.get(&key).map_or(0.0, |lesson| lesson.strength(now_us));
        let strength_milli = ((before + change) * 1_000.0).round() as i64;
        let strength_milli = strength_milli.clamp(-MAX_STRENGTH_MILLI, MAX_STRENGTH_MILLI);
        let rules = [a, b].map(|member| (member.signal.rule.clone(), member.signal.entity_kind()));
        self.lessons.insert(key, Lesson { rules, relation: relation.word().to_owned(), strength_milli, at_us: now_us });
        if self.lessons.len() > MAX_PAIRS {
            let oldest = self.lessons.iter().min_by_key(|(key, lesson)| (lesson.at_us, **key)).map(|(key, _)| *key);
            oldest.map(|key| self.lessons.remove(&key));
        }
    }

    /// Whether `rule` was taught apart from any other.
    pub(super) fn has_apart(&self, rule: &str) -> bool {
        self.lessons.values().any(|lesson| lesson.strength_milli < 0 && lesson.rules.iter().any(|(one, _)| one == rule))
    }

    /// Rules that were taught to belong together with `rule`.
    pub(super) fn partners<'a>(&'a self, rule: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.lessons.values().filter(|lesson| lesson.strength_milli > 0).filter_map(move |lesson| {
            let [(first, _), (second, _)] = &lesson.rules;
            if first == rule { Some(second.as_str()) } else { (second == rule).then_some(first.as_str()) }
        })
    }
}

/// One side of a pair: the rule and the kind of entity.
pub(super) fn side_key(signal: &Signal) -> u64 {
    xxh3_64(format!("{}\n{}", signal.rule, signal.entity_kind()).as_bytes())
}

/// The same for both orders.
fn pair_key(a: u64, b: u64, relation: Relation) -> u64 {
    let mut bytes = [0; 17];
    bytes[..8].copy_from_slice(&a.min(b).to_le_bytes());
    bytes[8..16].copy_from_slice(&a.max(b).to_le_bytes());
    bytes[16] = match relation {
        Relation::SameHost => 1,
        Relation::DependsOn { .. } => 2,
        Relation::SameService => 3,
        Relation::SameUpstream => 4,
        Relation::SameDependent => 5,
        Relation::SameRack => 6,
        Relation::None => 0,
    };
    xxh3_64(&bytes)
}
