//! What followed when the past looked as now: nearest neighbours in the series itself.
//!
//! Each past stretch is compared with the last one after both are moved to the same mean and weighed towards the end (Yakowitz, "Nearest-neighbour methods for
//! time series analysis", 1987).

/// How many stretches are averaged: few, because a series of a thousand values has few good ones.
const NEIGHBOURS: usize = 5;

/// The mean of what followed the stretches of `length` most like the last one, moved to the last one's level.
pub(super) fn forecast(values: &[f64], length: usize, horizon: usize) -> Vec<f64> {
    let n = values.len();
    if length == 0 || n < 3 * length + horizon {
        return vec![f64::NAN; horizon];
    }
    let last = &values[n - length..];
    let own = super::order_statistics::mean(last);
    let mut found: Vec<(f64, usize)> = (length..=n - horizon)
        .map(|end| {
            let stretch = &values[end - length..end];
            let level = super::order_statistics::mean(stretch);
            let distance = stretch.iter().zip(last).enumerate().map(|(place, (a, b))| {
                let weight = (place + 1) as f64;
                weight * ((a - level) - (b - own)).powi(2)
            });
            (distance.sum::<f64>(), end)
        })
        .collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut chosen: Vec<(f64, usize)> = Vec::with_capacity(NEIGHBOURS);
    for (distance, end) in found {
        if chosen.iter().all(|&(_, other)| other.abs_diff(end) > length / 4) {
            chosen.push((distance, end));
            if chosen.len() == NEIGHBOURS {
                break;
            }
        }
    }
    let floor = chosen.first().map_or(0.0, |&(distance, _)| distance) + 1e-12;
    let weights: Vec<f64> = chosen.iter().map(|&(distance, _)| floor / (distance + floor)).collect();
    let total: f64 = weights.iter().sum();
    (0..horizon)
        .map(|step| {
            let sum = chosen.iter().zip(&weights).map(|(&(_, end), weight)| {
                let level = super::order_statistics::mean(&values[end - length..end]);
                weight * (values[end + step] - level)
            });
            own + sum.sum::<f64>() / total
        })
        .collect()
}
