//! How much wider the errors were than the model says: a factor from rolling origins, pooled with other resources where a series has few of its own.

use super::order_statistics::conformal_quantile;

/// Independent origins at which a series' own errors and its class's count alike.
const HALFWAY: f64 = 3.0;
/// The share of errors that is compared with what is normal. Further out, a year of days has too few errors to tell.
const SHARE: f64 = 0.9;
/// The same share of a normal distribution's absolute values lies below this.
const NORMAL: f64 = 1.645;
/// Without a class: averaging over models makes spreads wider than the errors of ordinary resources are. Chosen, with [`HALFWAY`], on seeds 1 to 3 of the
/// generated truth in `benches/evaluate`, between 0.5 and 1, so that intervals of 95 % hold about 97 % there and not more.
const USUAL: f64 = 0.7;
/// A factor beyond these is more likely a fault of the few errors than of the model.
const LEAST: f64 = 0.5;
const MOST: f64 = 3.0;
/// Scores kept at most: far more than a quantile needs.
const MOST_SCORES: usize = 100_000;

/// Errors of the past, in standard deviations as the model saw them, of one resource or of a class of resources.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Calibration {
    scores: Vec<f64>,
    origins: f64,
}

impl Calibration {
    /// From absolute errors in standard deviations, worth `origins` independent ones.
    pub(super) fn new(mut scores: Vec<f64>, origins: f64) -> Self {
        scores.retain(|score| score.is_finite());
        scores.truncate(MOST_SCORES);
        Self { scores, origins: origins.max(0.0) }
    }

    /// The errors of a class of resources together, for those that have few of their own.
    pub fn pooled<'a>(resources: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for resource in resources {
            let room = MOST_SCORES - all.scores.len().min(MOST_SCORES);
            all.scores.extend(resource.scores.iter().take(room));
            all.origins += resource.origins;
        }
        all
    }

    /// How many independent origins stand behind it.
    pub fn origins(&self) -> f64 {
        self.origins
    }

    /// The factor by which spreads are to be widened, as these errors alone say it; 1 where there are none.
    pub fn factor(&self) -> f64 {
        if self.scores.is_empty() {
            return 1.0;
        }
        (conformal_quantile(&mut self.scores.clone(), SHARE) / NORMAL).clamp(LEAST, MOST)
    }

    /// The factor, drawn towards the class's as far as the own origins are few.
    pub(super) fn factor_beside(&self, class: Option<f64>) -> f64 {
        let own = self.origins / (self.origins + HALFWAY);
        let other = class.filter(|factor| factor.is_finite()).unwrap_or(USUAL).clamp(LEAST, MOST);
        (own * self.factor().ln() + (1.0 - own) * other.ln()).exp()
    }
}
