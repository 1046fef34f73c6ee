//! How a statement about the time to a threshold is scored, and what `predict_linear` would have said. Also read by the tests of `forecast`.

use super::truth::Resource;

/// Later than a year counts as this day.
pub(crate) const LATER: f64 = 366.0;

/// Quantiles .025, .5 and .975 of the time, days; infinite when later than a year.
pub(crate) type Quantiles = [f64; 3];

/// Least squares over all days, as Prometheus' `predict_linear` draws it; with an interval of two standard deviations of its residuals, or as a point.
pub(crate) fn predict_linear(resource: &Resource, interval: bool) -> Quantiles {
    let n = resource.past.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mean = resource.past.iter().sum::<f64>() / n;
    let (mut products, mut squares) = (0.0, 0.0);
    for (t, value) in resource.past.iter().enumerate() {
        products += (t as f64 - middle) * (value - mean);
        squares += (t as f64 - middle).powi(2);
    }
    let slope = products / squares;
    let residuals: f64 = resource.past.iter().enumerate().map(|(t, v)| (v - mean - slope * (t as f64 - middle)).powi(2)).sum();
    let sigma = (residuals / (n - 2.0)).sqrt();
    let now = mean + slope * (n - 1.0 - middle);
    [1.96, 0.0, -1.96].map(|z| {
        let up = now + if interval { z * sigma } else { 0.0 };
        let days = if up >= resource.threshold {
            1.0
        } else if slope > 0.0 {
            (resource.threshold - up) / slope
        } else {
            f64::INFINITY
        };
        if days > 365.0 { f64::INFINITY } else { days.max(1.0) }
    })
}

/// Pinball loss of the three quantiles on the logarithm of the time, mean of the three.
pub(crate) fn pinball(quantiles: &Quantiles, truth: f64) -> f64 {
    let log = |day: f64| day.clamp(1.0, LATER).ln();
    [0.025, 0.5, 0.975]
        .iter()
        .zip(quantiles)
        .map(|(q, &said)| {
            let miss = log(truth) - log(said);
            if miss >= 0.0 { q * miss } else { (q - 1.0) * miss }
        })
        .sum::<f64>()
        / 3.0
}
