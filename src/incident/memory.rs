//! What people taught by splitting and merging: which rules belong together on which relation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Member, Relation};
use crate::clock::{DAY_US, TimestampUs};

/// Pairs remembered. A site has some hundred rules, of which few pairs are ever corrected by hand.
const MAX_PAIRS: usize = 4_096;

/// A lesson counts half as much after this time: sites change within seasons, and one bad click must not last.
const HALF_LIFE_US: i64 = 180 * DAY_US;

/// How far one pair can be taught either way, in thousandths. Three times the weight of the term overrules any other two terms.
const MAX_STRENGTH_MILLI: i64 = 3_000;

/// What is learned about one pair of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Lesson {
    /// Thousandths; above zero they belong together.
    strength_milli: i64,
    at_us: TimestampUs,
}

impl Lesson {
    fn strength(self, now_us: TimestampUs) -> f64 {
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
    pairs: BTreeMap<String, Lesson>,
}

impl Memory {
    /// What is known about the pair, −3 to 3; 0 if nothing. Judged at the later onset of the two.
    pub(super) fn strength(&self, a: &Member, b: &Member, relation: Relation) -> f64 {
        if self.pairs.is_empty() {
            return 0.0;
        }
        let now_us = a.signal.onset_us.max(b.signal.onset_us);
        self.pairs.get(&pair_key(a, b, relation)).map_or(0.0, |lesson| lesson.strength(now_us))
    }

    /// Moves the pair by `change`, within bounds. Beyond the most pairs that are kept the oldest lesson goes.
    pub(super) fn teach(&mut self, a: &Member, b: &Member, relation: Relation, change: f64, now_us: TimestampUs) {
        let key = pair_key(a, b, relation);
        let before = self.pairs.get(&key).map_or(0.0, |lesson| lesson.strength(now_us));
        let strength_milli = ((before + change) * 1_000.0).round() as i64;
        let strength_milli = strength_milli.clamp(-MAX_STRENGTH_MILLI, MAX_STRENGTH_MILLI);
        self.pairs.insert(key, Lesson { strength_milli, at_us: now_us });
        if self.pairs.len() > MAX_PAIRS {
            let oldest = self.pairs.iter().min_by_key(|(_, lesson)| lesson.at_us).map(|(key, _)| key.clone());
            oldest.map(|key| self.pairs.remove(&key));
        }
    }

    /// Whether any pair was taught apart.
    pub(super) fn has_apart(&self) -> bool {
        self.pairs.values().any(|lesson| lesson.strength_milli < 0)
    }

    /// Rules that were taught to belong together with `rule`.
    pub(super) fn partners<'a>(&'a self, rule: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.pairs.iter().filter(|(_, lesson)| lesson.strength_milli > 0).filter_map(move |(key, _)| {
            let mut parts = key.split('\n');
            let (first, second) = (parts.next()?, parts.nth(1)?);
            if first == rule { Some(second) } else { (second == rule).then_some(first) }
        })
    }
}

/// `rule, kind, rule, kind, relation`, a line each; the two sides in the order of the alphabet.
fn pair_key(a: &Member, b: &Member, relation: Relation) -> String {
    let side = |member: &Member| format!("{}\n{}", member.signal.rule.replace('\n', " "), member.signal.entity_kind().replace('\n', " "));
    let (first, second) = (side(a), side(b));
    let (first, second) = if first <= second { (first, second) } else { (second, first) };
    format!("{first}\n{second}\n{}", relation.word())
}
