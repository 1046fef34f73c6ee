//! A level that wanders, a slope that wanders and fades: local linear trends, averaged over how much of each.
//!
//! Harvey, "Forecasting, Structural Time Series Models and the Kalman Filter" (1989). Nobody knows how much of a day's change is noise, how much stays and
//! how fast a slope fades; so every combination on a grid is filtered side by side, and each counts by its likelihood (Bayesian model averaging: Raftery, Madigan and Hoeting
//! 1997). One pass gives the present state and, on the way, what would have been said at every day before.

/// How much of the slope is left after a day, and what speaks against it beforehand (in natural logarithms of odds): lasting, halved in a year, in a half
/// and in a quarter; and growing by half in half a year, as what feeds on itself does.
const DAMPING: [(f64, f64); 5] = [(1.0, 0.0), (0.998_1, 0.7), (0.996_2, 1.4), (0.992_4, 2.1), (1.002_2, 1.4)];
/// Variance that stays in the level each day, in variances of the noise that does not: none to ten times.
const WANDER: [f64; 5] = [0.0, 0.003, 0.03, 0.3, 10.0];
/// Variance of the slope's own change each day, in the same unit.
const BEND: [f64; 6] = [0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2];
/// Each further entry of a grid is half as likely beforehand: most resources grow simply.
const AGAINST: f64 = 0.7;
/// What speaks beforehand against each kink: one fortnight of a year.
const KINK: f64 = 3.2;
/// Observations that the first guess of the noise counts for.
const PRIOR_COUNT: f64 = 2.0;
/// The first observations set level and slope and say nothing about the model.
const SETTLING: u32 = 3;

/// One combination and its state. Variances are in units of the noise's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trend {
    pub(super) damping: f64,
    pub(super) wander: f64,
    pub(super) bend: f64,
    pub(super) level: f64,
    pub(super) slope: f64,
    pub(super) level_variance: f64,
    pub(super) covariance: f64,
    pub(super) slope_variance: f64,
    squares: f64,
    log_likelihood: f64,
    count: u32,
    kinked: bool,
}

/// All combinations, filtered together.
#[derive(Debug, Clone)]
pub(super) struct Trends {
    pub(super) models: Vec<Trend>,
    noise: f64,
    seen: u32,
}

/// What is expected some days ahead: mean and standard deviation of an observation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Expected {
    pub(super) mean: f64,
    pub(super) sigma: f64,
}

impl Trend {
    /// A day passes.
    fn step(&mut self) {
        let fade = self.damping;
        self.level += fade * self.slope;
        self.slope *= fade;
        self.level_variance += 2.0 * fade * self.covariance + fade * fade * self.slope_variance + self.wander;
        self.covariance = fade * (self.covariance + fade * self.slope_variance);
        self.slope_variance = fade * fade * self.slope_variance + self.bend;
    }

    /// A value is seen.
    fn see(&mut self, value: f64) {
        let spread = self.level_variance + 1.0;
        let error = value - self.level;
        let (to_level, to_slope) = (self.level_variance / spread, self.covariance / spread);
        self.level += to_level * error;
        self.slope += to_slope * error;
        self.slope_variance -= to_slope * self.covariance;
        self.covariance -= to_level * self.covariance;
        self.level_variance -= to_level * self.level_variance;
        if self.count >= SETTLING {
            self.squares += error * error / spread;
            self.log_likelihood -= 0.5 * spread.ln();
        }
        self.count += 1;
    }

    /// Variance of the noise as seen so far.
    pub(super) fn noise_variance(&self, guess: f64) -> f64 {
        let counted = f64::from(self.count.saturating_sub(SETTLING));
        (PRIOR_COUNT * guess * guess + self.squares) / (PRIOR_COUNT + counted)
    }

    /// Logarithm of the likelihood with the noise's variance integrated out.
    fn evidence(&self, guess: f64) -> f64 {
        let counted = f64::from(self.count.saturating_sub(SETTLING));
        self.log_likelihood - 0.5 * (PRIOR_COUNT + counted) * (PRIOR_COUNT * guess * guess + self.squares).ln()
    }
}

impl Trends {
    /// Starts at `level` with a slope that is anywhere within `slope` a day, and noise of about `noise`; all positive but `level`.
    pub(super) fn new(level: f64, slope: f64, noise: f64, kinks: usize) -> Self {
        let mut models = Vec::with_capacity(128);
        for (fading, (damping, against)) in DAMPING.into_iter().enumerate() {
            for (wandering, wander) in WANDER.into_iter().enumerate() {
                for (bending, bend) in BEND.into_iter().enumerate() {
                    // A slope that bends by itself needs no fine grid of fading nor of wandering.
                    if bending > 0 && (fading == 1 || fading > 2 || wandering == 1) {
                        continue;
                    }
                    models.push(Trend {
                        damping,
                        wander,
                        bend,
                        level,
                        slope: 0.0,
                        level_variance: 1.0,
                        covariance: 0.0,
                        slope_variance: (slope / noise).powi(2).min(1e12),
                        squares: 0.0,
                        log_likelihood: -against - AGAINST * (wandering + bending) as f64,
                        count: 0,
                        kinked: false,
                    });
                }
            }
        }
        if kinks > 0 {
            // Where a kink might be is a choice among as many fortnights as there are, and it is paid for.
            let again: Vec<Trend> = models
                .iter()
                .map(|model| Trend { kinked: true, log_likelihood: model.log_likelihood - KINK * kinks as f64, ..*model })
                .collect();
            models.extend(again);
        }
        Self { models, noise, seen: 0 }
    }

    /// A day passes, with a value or without.
    pub(super) fn day(&mut self, value: Option<f64>) {
        for model in &mut self.models {
            model.step();
            if let Some(value) = value {
                model.see(value);
            }
        }
        self.seen += u32::from(value.is_some());
    }

    /// The level moved at once by an unknown amount, and the slope may have become another within `slope` a day.
    pub(super) fn shift(&mut self, level: f64, slope: f64) {
        for model in &mut self.models {
            let variance = model.noise_variance(self.noise);
            model.level = level;
            model.level_variance = 1.0;
            model.covariance = 0.0;
            model.slope_variance += slope * slope / variance;
        }
    }

    /// The slope may have changed by about `change` a day, say those combinations that believe in kinks.
    pub(super) fn kink(&mut self, change: f64) {
        for model in self.models.iter_mut().filter(|model| model.kinked) {
            let variance = model.noise_variance(self.noise);
            model.slope_variance += change * change / variance;
        }
    }

    /// Weight of each combination, summing to 1.
    pub(super) fn weights(&self) -> Vec<f64> {
        let evidence: Vec<f64> = self.models.iter().map(|model| model.evidence(self.noise)).collect();
        let best = evidence.iter().copied().filter(|value| !value.is_nan()).fold(f64::NEG_INFINITY, f64::max);
        let raw: Vec<f64> = evidence.iter().map(|value| if value.is_nan() { 0.0 } else { (value - best).exp() }).collect();
        let total: f64 = raw.iter().sum();
        raw.iter().map(|weight| weight / total.max(f64::MIN_POSITIVE)).collect()
    }

    /// Standard deviation of a model's noise.
    pub(super) fn noise_of(&self, model: &Trend) -> f64 {
        model.noise_variance(self.noise).sqrt()
    }

    /// Values seen so far.
    pub(super) fn seen(&self) -> u32 {
        self.seen
    }

    /// What is expected at each of `days` ahead (ascending), averaged over the combinations.
    pub(super) fn expected(&self, days: &[usize]) -> Vec<Expected> {
        let mut sums = vec![(0.0, 0.0); days.len()];
        for (model, weight) in self.models.iter().zip(self.weights()) {
            // A combination with less weight than this moves no figure that anybody reads.
            if weight < 1e-4 {
                continue;
            }
            let variance = model.noise_variance(self.noise);
            for (sum, &day) in sums.iter_mut().zip(days) {
                let (mean, spread) = model.ahead(day as f64);
                sum.0 += weight * mean;
                sum.1 += weight * (mean * mean + (spread + 1.0) * variance);
            }
        }
        sums.iter().map(|&(mean, square)| Expected { mean, sigma: (square - mean * mean).max(1e-24).sqrt() }).collect()
    }
}

impl Trend {
    /// Mean of the level `days` ahead, and its variance.
    fn ahead(&self, days: f64) -> (f64, f64) {
        let reach = self.reach(days);
        let variance = self.level_variance
            + 2.0 * reach * self.covariance
            + reach * reach * self.slope_variance
            + self.wander * days
            // The slope's changes add up twice: the integral of (days − t)² over the days, without fading, which is near enough.
            + self.bend * days.powi(3) / 3.0;
        (self.level + reach * self.slope, variance)
    }

    /// How many days of the present slope the next `days` bring, fading counted.
    pub(super) fn reach(&self, days: f64) -> f64 {
        if self.damping >= 1.0 { days } else { self.damping * (1.0 - self.damping.powf(days)) / (1.0 - self.damping) }
    }
}
