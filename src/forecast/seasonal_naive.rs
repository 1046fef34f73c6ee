//! The same as a season ago: the forecast that every other must beat.

/// Repeats the last `season` values; a season of 1 repeats the last value.
pub(super) fn forecast(values: &[f64], season: usize, horizon: usize) -> Vec<f64> {
    let n = values.len();
    let season = season.clamp(1, n.max(1));
    (0..horizon).map(|step| values.get(n - season + step % season).copied().unwrap_or(0.0)).collect()
}

/// The mean of the last `cycles` seasons, place by place: less noise than one season, slower to follow.
pub(super) fn mean_of_seasons(values: &[f64], season: usize, cycles: usize, horizon: usize) -> Vec<f64> {
    let n = values.len();
    let season = season.clamp(1, n.max(1));
    let cycles = cycles.min(n / season).max(1);
    (0..horizon)
        .map(|step| {
            let place = n - season + step % season;
            (0..cycles).map(|cycle| values[place - cycle * season]).sum::<f64>() / cycles as f64
        })
        .collect()
}
