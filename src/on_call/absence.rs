//! Leave: when people cannot be on call.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::clock::TimestampUs;

/// A time at which a person is away: leave, illness, training.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// The user's name.
    pub person: String,
    /// When it begins.
    pub from_us: TimestampUs,
    /// When it ends; the person is back at this moment.
    pub to_us: TimestampUs,
}

/// The absences of everybody, by person, in order and without overlaps.
#[derive(Debug)]
pub(super) struct Away<'a>(HashMap<&'a str, Vec<(TimestampUs, TimestampUs)>>);

impl<'a> Away<'a> {
    pub(super) fn of(absences: &'a [Absence]) -> Self {
        let mut by_person: HashMap<&str, Vec<(TimestampUs, TimestampUs)>> = HashMap::new();
        for absence in absences.iter().filter(|absence| absence.from_us < absence.to_us) {
            by_person.entry(&absence.person).or_default().push((absence.from_us, absence.to_us));
        }
        for times in by_person.values_mut() {
            times.sort_unstable();
            times.dedup_by(|next, kept| {
                let touches = next.0 <= kept.1;
                if touches {
                    kept.1 = kept.1.max(next.1);
                }
                touches
            });
        }
        Self(by_person)
    }

    /// Whether the person is away at a moment.
    pub(super) fn is_away(&self, person: &str, at_us: TimestampUs) -> bool {
        let Some(times) = self.0.get(person) else { return false };
        let begun = times.partition_point(|(from_us, _)| *from_us <= at_us);
        begun > 0 && at_us < times[begun - 1].1
    }

    /// Every moment at which the person leaves or comes back.
    pub(super) fn edges(&self, person: &str) -> impl Iterator<Item = TimestampUs> {
        self.0.get(person).into_iter().flatten().flat_map(|(from_us, to_us)| [*from_us, *to_us])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_and_empty_absences() {
        let absence = |from_us, to_us| Absence { person: "ines".into(), from_us, to_us };
        let absences = [absence(10, 20), absence(15, 30), absence(30, 31), absence(50, 40), absence(60, 60)];
        let away = Away::of(&absences);
        assert_eq!(away.edges("ines").collect::<Vec<_>>(), [10, 31]);
        assert!(!away.is_away("ines", 9) && away.is_away("ines", 10) && away.is_away("ines", 30) && !away.is_away("ines", 31));
        assert!(!away.is_away("tom", 10) && away.edges("tom").next().is_none());
    }
}
