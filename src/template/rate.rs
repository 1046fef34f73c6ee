//! Counts as the metric detector wants them.

/// A count of lines in a minute as a value whose noise does not grow with it: 2·√(count + 3/8), with standard deviation
/// about 1 for counts that come by chance (F. J. Anscombe, "The transformation of Poisson, binomial and
/// negative-binomial data", Biometrika 35, 1948).
#[must_use]
pub fn rate_value(count: u64) -> f64 {
    2.0 * (count as f64 + 0.375).sqrt()
}

/// The count that a value of [`rate_value`] stands for, for findings that people read.
#[must_use]
pub fn rate_count(value: f64) -> f64 {
    (value * value / 4.0 - 0.375).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for count in [0, 1, 60, 1_000_000] {
            assert!((rate_count(rate_value(count)) - count as f64).abs() < 1e-6 * (1.0 + count as f64));
        }
    }
}
