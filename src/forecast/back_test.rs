//! What the methods would have said before, and what came.

use super::interval;
use super::method::{Fitted, Method};

/// Origins at most: more say little more, and each costs a forecast by every method.
const MOST_ORIGINS: usize = 24;
/// Parameters are fitted anew at this many of the origins, always from values before them; in between only the state moves on.
const FITS: usize = 4;

/// Origins lie in the last so many horizons (or seasons): older errors were made by another series, as it were. Of 10, 20 and 40 the M4 development series
/// wanted the fewest (weekly MSIS 16.9, 18.9, 19.3).
const RECENT: usize = 12;

/// A method, in plain values or in their logarithms.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) method: Method,
    pub(super) logarithms: bool,
}

/// Values and, where all are positive, their logarithms.
#[derive(Debug)]
pub(super) struct Views {
    pub(super) plain: Vec<f64>,
    pub(super) logarithms: Vec<f64>,
    lowest: f64,
    highest: f64,
}

impl Views {
    /// Both views of `values`; logarithms only where every value is well above zero, as a ratio means something there.
    pub(super) fn new(values: &[f64]) -> Self {
        let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // A thousandth of the largest value: below it, logarithms would make noise near zero the main thing.
        let logarithms = if lowest > 1e-3 * highest.abs() { values.iter().map(|value| value.ln()).collect() } else { Vec::new() };
        Self { plain: values.to_vec(), logarithms, lowest, highest }
    }

    fn of(&self, candidate: &Candidate) -> &[f64] {
        if candidate.logarithms { &self.logarithms } else { &self.plain }
    }

    /// What `fitted` says after the first `end` values, in plain values and within what the history makes thinkable.
    fn forecast(&self, candidate: &Candidate, fitted: &Fitted, end: usize, horizon: usize) -> Vec<f64> {
        let mut ahead = fitted.forecast(&self.of(candidate)[..end], horizon);
        // No method may leave the range of the past by more than the range itself.
        let room = self.highest - self.lowest;
        for value in &mut ahead {
            let plain = if candidate.logarithms { value.min(700.0).exp() } else { *value };
            *value = plain.clamp(self.lowest - room, self.highest + room);
        }
        // What broke down has nothing to say.
        if ahead.iter().any(|value| value.is_nan()) {
            ahead.clear();
        }
        ahead
    }
}

/// Forecasts of every candidate at every origin.
#[derive(Debug)]
pub(super) struct Rolling {
    /// Number of values before each origin, oldest first.
    pub(super) ends: Vec<usize>,
    /// How uneasy the series was before each origin: the mean absolute step over the season.
    pub(super) scales: Vec<f64>,
    /// `ahead[candidate][origin]`; shorter than the horizon where the history ends; empty where the candidate had nothing to say.
    pub(super) ahead: Vec<Vec<Vec<f64>>>,
}

/// Where the origins stand: a season apart, so that the forecast begins at the same time of day as it does now, or closer or wider where that gives too
/// few or too many.
pub(super) fn origins(n: usize, horizon: usize, season: usize) -> Vec<usize> {
    let earliest = (n / 2).max(n.saturating_sub(RECENT * horizon.max(season))).max(10);
    let latest = n.saturating_sub(horizon.min(n / 4).max(1));
    if latest <= earliest {
        return vec![latest.max(1)];
    }
    let span = latest - earliest;
    let mut stride = season.max(1);
    while stride > 1 && span / stride < 8 {
        stride = (stride / 2).max(1);
    }
    let stride = stride * (span / stride / MOST_ORIGINS + 1);
    let mut ends: Vec<usize> = (0..=span / stride).map(|back| latest - back * stride).collect();
    ends.reverse();
    ends
}

/// Runs every candidate from every origin.
pub(super) fn roll(views: &Views, candidates: &[Candidate], ends: Vec<usize>, horizon: usize, season: usize) -> Rolling {
    let n = views.plain.len();
    let every = ends.len().div_ceil(FITS);
    let ahead = candidates
        .iter()
        .map(|candidate| {
            let mut fitted = None;
            ends.iter()
                .enumerate()
                .map(|(turn, &end)| {
                    if turn % every == 0 {
                        fitted = candidate.method.fit(&views.of(candidate)[..end]).or(fitted.take());
                    }
                    fitted.as_ref().map_or_else(Vec::new, |fitted| views.forecast(candidate, fitted, end, horizon.min(n - end)))
                })
                .collect()
        })
        .collect();
    let scales = ends.iter().map(|&end| interval::uneasiness(&views.plain[..end], season, (3 * season).max(30)).max(1e-9)).collect();
    Rolling { ends, scales, ahead }
}

/// What a candidate says now, or nothing.
pub(super) fn now(views: &Views, candidate: &Candidate, horizon: usize) -> Option<Vec<f64>> {
    let fitted = candidate.method.fit(views.of(candidate))?;
    let ahead = views.forecast(candidate, &fitted, views.plain.len(), horizon);
    ahead.iter().all(|value| value.is_finite()).then_some(ahead)
}
