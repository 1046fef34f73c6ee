//! Intervals from errors that were really made: split-conformal prediction by horizon.
//!
//! An error at an origin is divided by how uneasy the series was there; the quantile of these scores times the present uneasiness is the half width (Vovk,
//! Gammerman and Shafer 2005; by horizon as in Stankevičiūtė, Alaa and van der Schaar, "Conformal time-series forecasting", 2021). What "uneasy" means is
//! chosen by the interval score (Gneiting and Raftery 2007) that each meaning would have had at the origins, each judged by the others.

use super::order_statistics::{conformal_quantile, mean, median};

/// Scores that a quantile should rest on: at 95 % the three largest of sixty lie beyond it.
const ENOUGH: usize = 60;

/// Widening for few futures: a quantile from ν errors is too small by about this share divided by ν. Of 0, 0.3, 0.6 and 1 the one with the best coverage on the
/// M4 development series, whole and cut to their last 30 to 400 values.
const FEW: f64 = 1.0;

/// What errors are measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Yardstick {
    /// Nothing: all errors are alike.
    Even,
    /// The mean change from step to step before the origin.
    Steps,
    /// The mean change over a season before the origin.
    Seasons,
    /// The mean absolute value before the origin: errors in percent.
    Level,
}

impl Yardstick {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Even, Self::Steps, Self::Seasons, Self::Level];

    /// The yardstick after `values`, never zero. `usual` is that of the whole history, which keeps a quiet stretch from making errors infinite.
    pub(super) fn length(self, values: &[f64], season: usize) -> f64 {
        let lengthened = |own: f64, usual: f64| (0.8 * own + 0.2 * usual).max(1e-9);
        match self {
            Self::Even => 1.0,
            Self::Steps => lengthened(uneasiness(values, 1, (3 * season).max(30)), uneasiness(values, 1, values.len())),
            Self::Seasons => lengthened(uneasiness(values, season, (3 * season).max(30)), uneasiness(values, season, values.len())),
            Self::Level => {
                let recent = &values[values.len().saturating_sub(season.max(10))..];
                let size: Vec<f64> = recent.iter().map(|value| value.abs()).collect();
                let all: Vec<f64> = values.iter().map(|value| value.abs()).collect();
                lengthened(mean(&size), mean(&all))
            }
        }
    }
}

/// The change over `lag` steps in the last `window` values: the middle between mean and median, so that one jump does not make all intervals wide.
pub(super) fn uneasiness(values: &[f64], lag: usize, window: usize) -> f64 {
    let n = values.len();
    let lag = lag.clamp(1, (n / 2).max(1));
    let window = window.min(n.saturating_sub(lag));
    let mut changes: Vec<f64> = (n - window..n).map(|place| (values[place] - values[place - lag]).abs()).collect();
    0.5 * (mean(&changes) + median(&mut changes))
}

/// Half widths, in yardsticks, for each of `horizon` steps at `level`, from absolute errors `scores[origin][step]`, leaving one origin out if asked. Steps
/// that no origin reached get what the longest reached one has, growing with the square root of the horizon.
pub(super) fn half_widths(scores: &[Vec<f64>], span: usize, left_out: Option<usize>, horizon: usize, level: f64) -> Vec<f64> {
    let kept = || scores.iter().enumerate().filter(|&(origin, _)| Some(origin) != left_out || scores.len() == 1).map(|(_, scores)| scores);
    let reached = kept().map(Vec::len).max().unwrap_or(0);
    let mut widths: Vec<f64> = Vec::with_capacity(horizon);
    let mut pool: Vec<f64> = Vec::new();
    for step in 0..horizon {
        if step >= reached {
            let last = widths.get(reached.wrapping_sub(1)).copied().unwrap_or(0.0);
            widths.push(last * ((step + 1) as f64 / reached.max(1) as f64).sqrt());
            continue;
        }
        for reach in 1..=horizon / 8 + 1 {
            pool.clear();
            for of_origin in kept() {
                let from = step.saturating_sub(reach).min(of_origin.len());
                let to = (step + reach + 1).min(of_origin.len());
                pool.extend_from_slice(&of_origin[from..to]);
            }
            if pool.len() >= ENOUGH {
                break;
            }
        }
        // The origins' futures overlap: what counts is how many futures of this length fit between the first and the last of them.
        let apart = span as f64 / (step + 1) as f64;
        widths.push(conformal_quantile(&mut pool, level) * (1.0 + FEW / apart.max(1.0)));
    }
    widths
}

/// The mean interval score that `scores` (absolute errors in yardsticks) would have had, each origin judged by the others; `lengths` are the yardsticks.
pub(super) fn interval_score(scores: &[Vec<f64>], span: usize, lengths: &[f64], level: f64) -> f64 {
    let penalty = 2.0 / (1.0 - level);
    let (mut sum, mut count) = (0.0, 0.0);
    for (origin, errors) in scores.iter().enumerate() {
        let widths = half_widths(scores, span, Some(origin), errors.len(), level);
        for (error, width) in errors.iter().zip(&widths) {
            sum += lengths[origin] * (2.0 * width + penalty * (error - width).max(0.0));
            count += 1.0;
        }
    }
    sum / f64::max(count, 1.0)
}
