//! Exponential smoothing with a damped trend, up to two additive seasons and autocorrelated errors.
//!
//! The error-correction form of Hyndman, Koehler, Ord and Snyder, "Forecasting with Exponential Smoothing" (2008), with two seasons and an AR(1) error as
//! in Taylor, "Short-term electricity demand forecasting using double seasonal exponential smoothing" (2003) and De Livera, Hyndman and Snyder's BATS (2011).

use super::season::seasonal_profile;
use super::simplex::minimise;

/// The last values that parameters are fitted to: more do not make them better, only slower.
const FITTED: usize = 1_500;
/// Evaluations of the simplex: about 35 for each of six parameters; it bounds the time of the dearest method.
const EVALUATIONS: usize = 220;

/// Smoothing parameters, each in its range.
#[derive(Debug, Clone, Copy)]
struct Parameters {
    level: f64,
    trend: f64,
    damping: f64,
    seasonal: [f64; 2],
    error: f64,
}

/// A fitted smoother; [`Smoothing::forecast`] runs it over any history of the same series.
#[derive(Debug, Clone)]
pub(super) struct Smoothing {
    parameters: Parameters,
    seasons: Vec<usize>,
}

/// What has been learned when the last value has been seen.
#[derive(Debug)]
struct State {
    level: f64,
    slope: f64,
    seasonal: Vec<Vec<f64>>,
    error: f64,
    place: usize,
}

/// Squeezes any number into `low..high`.
fn between(low: f64, high: f64, free: f64) -> f64 {
    low + (high - low) / (1.0 + (-free).exp())
}

impl Parameters {
    fn from_free(free: &[f64; 6]) -> Self {
        let level = between(0.0, 1.0, free[0]);
        Self {
            level,
            trend: level * between(0.0, 0.5, free[1]),
            // Under 0.8 a trend is gone within a few steps and is better called error; 1 would never end.
            damping: between(0.8, 0.998, free[2]),
            seasonal: [between(0.0, 0.6, free[3]), between(0.0, 0.6, free[4])],
            error: between(-0.5, 0.95, free[5]),
        }
    }
}

impl Smoothing {
    /// Fits the parameters to the errors of one step. `None` if the history is shorter than two of the longest season and ten values.
    pub(super) fn fit(values: &[f64], seasons: &[usize]) -> Option<Self> {
        let longest = seasons.iter().copied().max().unwrap_or(1);
        if values.len() < 2 * longest + 10 {
            return None;
        }
        let tail = fitted_part(values, longest);
        let start = State::begin(tail, seasons);
        let warm = longest.min(tail.len() / 3);
        let free = minimise([-1.0, -3.0, 1.5, -2.0, -2.0, 0.0], 1.0, EVALUATIONS, |free| {
            let parameters = Parameters::from_free(free);
            start.again().run(&parameters, tail, warm)
        });
        Some(Self { parameters: Parameters::from_free(&free), seasons: seasons.to_vec() })
    }

    /// The next `horizon` values after `values`.
    pub(super) fn forecast(&self, values: &[f64], horizon: usize) -> Vec<f64> {
        let longest = self.seasons.iter().copied().max().unwrap_or(1);
        let tail = fitted_part(values, longest);
        let mut state = State::begin(tail, &self.seasons);
        state.run(&self.parameters, tail, 0);
        state.ahead(&self.parameters, horizon)
    }
}

/// The part of the history that is smoothed.
fn fitted_part(values: &[f64], longest: usize) -> &[f64] {
    &values[values.len().saturating_sub(FITTED.max(5 * longest))..]
}

impl State {
    /// Level and seasonal profiles of the first cycles.
    fn begin(values: &[f64], seasons: &[usize]) -> Self {
        let longest = seasons.iter().copied().max().unwrap_or(1);
        // Three cycles average the noise out; later ones are for the smoothing to learn.
        let head = &values[..values.len().min((3 * longest).max(10))];
        let mut rest = head.to_vec();
        let mut seasonal = Vec::with_capacity(seasons.len());
        for &season in seasons {
            let profile = seasonal_profile(&rest, season);
            for (place, value) in rest.iter_mut().enumerate() {
                *value -= profile[place % season];
            }
            seasonal.push(profile);
        }
        let few = rest.len().min(longest.max(4));
        let level = rest[..few].iter().sum::<f64>() / few.max(1) as f64;
        Self { level, slope: 0.0, seasonal, error: 0.0, place: 0 }
    }

    /// The same beginning, for another run.
    fn again(&self) -> Self {
        Self { level: self.level, slope: self.slope, seasonal: self.seasonal.clone(), error: self.error, place: self.place }
    }

    /// Smooths over `values`; returns the mean squared error of one step after the first `warm`.
    fn run(&mut self, parameters: &Parameters, values: &[f64], warm: usize) -> f64 {
        let mut cost = 0.0;
        for (step, &value) in values.iter().enumerate() {
            let season: f64 = self.seasonal.iter().map(|profile| profile[self.place % profile.len()]).sum();
            let structural = self.level + parameters.damping * self.slope + season;
            let deviation = value - structural;
            let error = deviation - parameters.error * self.error;
            if step >= warm {
                cost += error * error;
            }
            self.level += parameters.damping * self.slope + parameters.level * error;
            self.slope = parameters.damping * self.slope + parameters.trend * error;
            for (profile, rate) in self.seasonal.iter_mut().zip(parameters.seasonal) {
                let slot = self.place % profile.len();
                profile[slot] += rate * error;
            }
            self.error = deviation;
            self.place += 1;
        }
        cost / values.len().saturating_sub(warm).max(1) as f64
    }

    /// The next values from here.
    fn ahead(&self, parameters: &Parameters, horizon: usize) -> Vec<f64> {
        let (mut level, mut slope, mut error) = (self.level, self.slope, self.error);
        (0..horizon)
            .map(|step| {
                slope *= parameters.damping;
                level += slope;
                error *= parameters.error;
                let season: f64 = self.seasonal.iter().map(|profile| profile[(self.place + step) % profile.len()]).sum();
                level + season + error
            })
            .collect()
    }
}
