//! Days on which the growth became another: binary segmentation with a straight line in each segment.
//!
//! Scott and Knott (1974). The gain of a split is judged against what is left, with autocorrelation counted: a random walk looks like many straight pieces and
//! must not be cut into them.

/// A segment shorter than two weeks has no slope to speak of.
const SHORTEST: usize = 14;
/// Kinks at most.
const MOST: usize = 3;
/// Gain of a split, in variances of what is left: three more parameters give 3 by chance, and the best of hundreds of days several times that.
const GAIN: f64 = 25.0;

/// A change of slope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Kink {
    /// Index of the first value of the new slope.
    pub(super) at: usize,
    /// New slope less old slope, a day.
    pub(super) change: f64,
}

/// Running sums from which the line through any stretch follows in constant time.
struct Sums {
    values: Vec<f64>,
    products: Vec<f64>,
    squares: Vec<f64>,
}

/// Slope and squared deviations of the line through a stretch.
#[derive(Clone, Copy)]
struct Line {
    slope: f64,
    squares: f64,
}

impl Sums {
    fn new(values: &[f64]) -> Self {
        let mut sums = Self { values: vec![0.0], products: vec![0.0], squares: vec![0.0] };
        let (mut sum, mut product, mut square) = (0.0, 0.0, 0.0);
        for (place, value) in values.iter().enumerate() {
            sum += value;
            product += place as f64 * value;
            square += value * value;
            sums.values.push(sum);
            sums.products.push(product);
            sums.squares.push(square);
        }
        sums
    }

    fn line(&self, from: usize, to: usize) -> Line {
        let n = (to - from) as f64;
        let middle = (from + to - 1) as f64 / 2.0;
        let sum = self.values[to] - self.values[from];
        let product = self.products[to] - self.products[from] - middle * sum;
        let spread = n * (n * n - 1.0) / 12.0;
        let slope = product / spread;
        let total = self.squares[to] - self.squares[from] - sum * sum / n;
        Line { slope, squares: (total - slope * product).max(1e-18) }
    }
}

/// The kinks in `values` (no gaps, no jumps), in the order of time.
pub(super) fn find_kinks(values: &[f64]) -> Vec<Kink> {
    let sums = Sums::new(values);
    let mut kinks: Vec<Kink> = Vec::new();
    let mut open = vec![(0, values.len())];
    while let Some((from, to)) = open.pop() {
        if kinks.len() == MOST || to - from < 2 * SHORTEST {
            continue;
        }
        let whole = sums.line(from, to);
        let best = (from + SHORTEST..=to - SHORTEST)
            .map(|at| (sums.line(from, at).squares + sums.line(at, to).squares, at))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((left, at)) = best else { continue };
        let (before, after) = (sums.line(from, at), sums.line(at, to));
        let memory = memory(&values[from..at], before.slope).max(memory(&values[at..to], after.slope));
        let unit = left / (to - from) as f64 * (1.0 + memory) / (1.0 - memory);
        if whole.squares - left > GAIN * unit {
            kinks.push(Kink { at, change: after.slope - before.slope });
            open.push((from, at));
            open.push((at, to));
        }
    }
    kinks.sort_by_key(|kink| kink.at);
    kinks
}

/// Autocorrelation at one day of the deviations from a line of this slope, 0 to 0.97.
fn memory(values: &[f64], slope: f64) -> f64 {
    let mean = super::order_statistics::mean(values);
    let middle = (values.len() - 1) as f64 / 2.0;
    let rest: Vec<f64> = values.iter().enumerate().map(|(place, value)| value - mean - slope * (place as f64 - middle)).collect();
    let squares: f64 = rest.iter().map(|value| value * value).sum();
    let products: f64 = rest.windows(2).map(|pair| pair[0] * pair[1]).sum();
    if squares > 0.0 { (products / squares).clamp(0.0, 0.97) } else { 0.0 }
}
