//! Medians, quantiles and the spread that outliers do not move.

/// A median absolute deviation times this is the standard deviation, where values are normal.
pub(super) const MAD_TO_SIGMA: f64 = 1.4826;

/// The quantile `q` (0 to 1) by linear interpolation between order statistics; 0 of nothing. Reorders `values`.
pub(super) fn quantile(values: &mut [f64], q: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let place = q.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let below = place.floor() as usize;
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    low + (high - low) * (place - below as f64)
}

/// The median; 0 of nothing. Reorders `values`.
pub(super) fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// Standard deviation as the median absolute deviation from the median says it; 0 of nothing.
pub(super) fn robust_sigma(values: &[f64]) -> f64 {
    let mut scratch = values.to_vec();
    let middle = median(&mut scratch);
    for value in &mut scratch {
        *value = (*value - middle).abs();
    }
    MAD_TO_SIGMA * median(&mut scratch)
}

/// Mean; 0 of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// The conformal quantile: the ⌈(n + 1) · level⌉-th smallest of `scores`, the largest where that is beyond them (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random
/// World", 2005). 0 of nothing. Reorders `scores`.
pub(super) fn conformal_quantile(scores: &mut [f64], level: f64) -> f64 {
    if scores.is_empty() {
        return 0.0;
    }
    let rank = ((scores.len() + 1) as f64 * level).ceil() as usize;
    let place = rank.clamp(1, scores.len()) - 1;
    *scores.select_nth_unstable_by(place, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 0.5), 2.5);
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 0.0), 1.0);
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 1.0), 4.0);
        assert_eq!(quantile(&mut [], 0.3), 0.0);
        assert_eq!(median(&mut [7.0]), 7.0);
    }

    #[test]
    fn one_outlier_in_ten_does_not_move_the_spread() {
        let mut values: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
        let clean = robust_sigma(&values);
        for place in (0..100).step_by(10) {
            values[place] = 1e9;
        }
        assert!((robust_sigma(&values) / clean - 1.0).abs() < 0.35);
    }

    #[test]
    fn the_conformal_quantile_of_few_scores_is_the_largest() {
        assert_eq!(conformal_quantile(&mut [3.0, 1.0, 2.0], 0.95), 3.0);
        let mut many: Vec<f64> = (1..=99).map(f64::from).collect();
        assert_eq!(conformal_quantile(&mut many, 0.95), 95.0);
    }
}
