//! What the document means: a rota read once, with nothing left to go wrong.

use super::hours::{DayHours, Span};
use super::local_time::{LocalUs, WallClock};
use crate::clock::TimestampUs;

/// A rota that has been read and checked; [`super::Rota::plan`] makes it.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) clock: WallClock,
    pub(super) layers: Vec<LayerPlan>,
    pub(super) overrides: Vec<OverridePlan>,
}

#[derive(Debug, Clone)]
pub(super) struct LayerPlan {
    /// Never empty.
    pub(super) people: Vec<String>,
    /// Length of a turn on the wall clock, at least an hour.
    pub(super) turn_us: LocalUs,
    /// When the first turn begins, on the wall clock.
    pub(super) starts_us: LocalUs,
    /// When the layer ends.
    pub(super) ends_us: TimestampUs,
    /// The only times at which it covers; `None` for always.
    pub(super) hours: Option<Vec<DayHours>>,
}

#[derive(Debug, Clone)]
pub(super) struct OverridePlan {
    pub(super) span: Span,
    pub(super) person: String,
    pub(super) in_place_of: Option<String>,
}

impl Plan {
    /// Everybody who is named in a layer or takes an override, in that order, each once.
    pub fn people(&self) -> Vec<&str> {
        let layers = self.layers.iter().flat_map(|layer| &layer.people);
        let mut people: Vec<&str> = Vec::new();
        for person in layers.chain(self.overrides.iter().map(|one| &one.person)) {
            if !people.contains(&person.as_str()) {
                people.push(person);
            }
        }
        people
    }
}
