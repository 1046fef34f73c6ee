//! Which methods, and how much of each: by their own errors on this series.

use super::back_test::{Candidate, Rolling, Views};
use super::method::Method;

/// Weights fall with this power of the error: 1 would average everything, a large one would bet on the winner of a short race.
const SHARPNESS: f64 = 4.0;
/// A method whose error is this many times the best one's has no say.
const HOPELESS: f64 = 1.5;

/// The candidates for a series with these seasons.
pub(super) fn candidates(seasons: &[usize], views: &Views) -> Vec<Candidate> {
    let mut methods =
        vec![Method::SeasonalNaive(1), Method::Smoothing(Vec::new()), Method::Regression { difference: 1, seasons: seasons.to_vec() }];
    if let Some(&shortest) = seasons.first() {
        methods.push(Method::Smoothing(seasons.to_vec()));
        methods.push(Method::Analogue(shortest));
    } else {
        methods.push(Method::Analogue(13));
    }
    for &season in seasons {
        methods.push(Method::SeasonalNaive(season));
        methods.push(Method::SeasonalMean(season));
        methods.push(Method::Regression { difference: season, seasons: seasons.to_vec() });
    }
    let mut list = Vec::new();
    for method in methods {
        if !views.logarithms.is_empty() && matches!(method, Method::Smoothing(_) | Method::Regression { .. }) {
            list.push(Candidate { method: method.clone(), logarithms: true });
        }
        list.push(Candidate { method, logarithms: false });
    }
    list
}

/// Mean scaled absolute error of each candidate at each origin; NaN where it had nothing to say.
pub(super) fn losses(rolling: &Rolling, actual: &[f64]) -> Vec<Vec<f64>> {
    let loss = |ahead: &Vec<f64>, origin: usize| {
        let end = rolling.ends[origin];
        let sum: f64 = ahead.iter().zip(&actual[end..]).map(|(said, came)| (said - came).abs()).sum();
        sum / ahead.len().max(1) as f64 / rolling.scales[origin]
    };
    rolling
        .ahead
        .iter()
        .map(|origins| {
            origins.iter().enumerate().map(|(origin, ahead)| if ahead.is_empty() { f64::NAN } else { loss(ahead, origin) }).collect()
        })
        .collect()
}

/// The weight of each candidate, summing to 1, by its mean loss over the origins except `left_out`; zero for those that failed at any origin.
pub(super) fn weights(losses: &[Vec<f64>], left_out: Option<usize>) -> Vec<f64> {
    let means: Vec<f64> = losses
        .iter()
        .map(|of_candidate| {
            let (mut sum, mut count) = (0.0, 0.0);
            for (origin, loss) in of_candidate.iter().enumerate() {
                if Some(origin) != left_out || of_candidate.len() == 1 {
                    sum += loss;
                    count += 1.0;
                }
            }
            sum / count
        })
        .collect();
    let best = means.iter().copied().filter(|mean| mean.is_finite()).fold(f64::INFINITY, f64::min);
    let raw: Vec<f64> = means
        .iter()
        .map(|&mean| if mean.is_nan() || mean > HOPELESS * best + 1e-12 { 0.0 } else { ((best + 1e-12) / (mean + 1e-12)).powf(SHARPNESS) })
        .collect();
    let total: f64 = raw.iter().sum();
    if total > 0.0 { raw.iter().map(|weight| weight / total).collect() } else { vec![0.0; raw.len()] }
}

/// The weighted mean of what the candidates say; those without a say may be missing.
pub(super) fn mix<'a>(weights: &[f64], says: impl Fn(usize) -> Option<&'a [f64]>, horizon: usize) -> Vec<f64> {
    let mut mixed = vec![0.0; horizon];
    let mut total = 0.0;
    for (candidate, &weight) in weights.iter().enumerate() {
        let Some(ahead) = says(candidate).filter(|ahead| weight > 0.0 && ahead.len() >= horizon) else {
            continue;
        };
        total += weight;
        for (sum, value) in mixed.iter_mut().zip(ahead) {
            *sum += weight * value;
        }
    }
    if total > 0.0 {
        mixed.iter_mut().for_each(|sum| *sum /= total);
    }
    mixed
}
