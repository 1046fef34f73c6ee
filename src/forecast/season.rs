//! Seasons, found by autocorrelation.
//!
//! The autocorrelation of the first differences (levels and trends do not blur those) is tested against Bartlett's bound: under no season, r(L) has the
//! variance (1 + 2 Σ r(i)²) / n over the lags before L (Bartlett, "On the theoretical specification and sampling properties of autocorrelated time-series",
//! 1946; the test of Naive2 in the M4 competition is the same). A season is a local peak of the autocorrelation beyond it.

use super::order_statistics::mean;

/// Longest season looked for: a week of 5-minute steps, and a little.
const LONGEST_SEASON: usize = 2_100;
/// A season shows itself in the difference of seasons: this many must be there, or the peak may be chance.
const CYCLES: f64 = 2.4;
/// One-sided quantile of the normal distribution at 99.9 %: hundreds of lags are looked at, and one in a thousand may err.
const SURE: f64 = 3.09;
/// Below this the season explains under a tenth of the variance of the steps and is not worth its parameters.
const LEAST_CORRELATION: f64 = 0.1;
/// Blocks that a long history is cut into: a week of hours, six times, is as many.
const COARSE: usize = 1_000;
/// Steps of a block from which on that is worth while.
const FINE_STEPS: usize = 4;
/// A shorter lag is the season if it correlates nearly as well: multiples are echoes.
const ECHO: f64 = 0.9;

/// Autocorrelation of `values` at lags 0 to `longest`; all zero for a constant.
pub(super) fn autocorrelation(values: &[f64], longest: usize) -> Vec<f64> {
    let middle = mean(values);
    let centred: Vec<f64> = values.iter().map(|value| value - middle).collect();
    let variance: f64 = centred.iter().map(|value| value * value).sum();
    if variance <= 0.0 {
        return vec![0.0; longest + 1];
    }
    (0..=longest).map(|lag| centred.iter().zip(&centred[lag.min(centred.len())..]).map(|(a, b)| a * b).sum::<f64>() / variance).collect()
}

/// Steps that differ by less than this share of the values differ by their rounding: a straight line has no season.
const ROUNDING: f64 = 1e-9;

/// The seasons of `values`, shortest first, at most two; empty if there is none.
pub(super) fn find_seasons(values: &[f64]) -> Vec<usize> {
    let block = values.len() / COARSE;
    if block >= FINE_STEPS {
        // Steps this fine are mostly noise, and what the clock does every few of them hides the day: the day is looked for in means of blocks.
        let means: Vec<f64> = values.chunks_exact(block).map(mean).collect();
        let coarse = seasons_at_this_step(&means);
        if !coarse.is_empty() {
            return coarse.iter().map(|season| sharpened(values, season * block, block)).collect();
        }
    }
    seasons_at_this_step(values)
}

fn seasons_at_this_step(values: &[f64]) -> Vec<usize> {
    let Some(first) = dominant_season(values, None) else {
        return Vec::new();
    };
    let mut seasons = vec![first];
    let rest = without_profile(values, first);
    if let Some(second) = dominant_season(&rest, Some(first)) {
        seasons.push(second);
    }
    seasons.sort_unstable();
    seasons
}

/// The lag within `reach` of `near` at which the values themselves, less their trend, correlate best.
fn sharpened(values: &[f64], near: usize, reach: usize) -> usize {
    let trend = moving_average(values, 2 * near);
    let rest: Vec<f64> = values.iter().zip(&trend).map(|(value, level)| value - level).collect();
    let alike = |lag: usize| rest.iter().zip(&rest[lag..]).map(|(a, b)| a * b).sum::<f64>() / (rest.len() - lag) as f64;
    let last = (near + reach).min(values.len() / 2);
    (near.saturating_sub(reach).max(2)..=last).max_by(|&a, &b| alike(a).total_cmp(&alike(b))).unwrap_or(near)
}

/// The strongest season; beside a known one, only a multiple or a divisor of it counts, as a week is of a day.
fn dominant_season(values: &[f64], beside: Option<usize>) -> Option<usize> {
    let longest = ((values.len() as f64 / CYCLES) as usize).min(LONGEST_SEASON);
    if longest < 4 {
        return None;
    }
    let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let (least, most) = steps.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), step| (least.min(*step), most.max(*step)));
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    if most - least <= ROUNDING * largest {
        return None;
    }
    let r = autocorrelation(&calmed(&steps), longest + 1);
    let mut squares = 0.0;
    let mut peaks: Vec<(usize, f64)> = Vec::new();
    for lag in 1..=longest {
        let bound = SURE * ((1.0 + 2.0 * squares) / steps.len() as f64).sqrt();
        squares += r[lag] * r[lag];
        let fits = beside.is_none_or(|known| lag != known && (lag % known == 0 || known % lag == 0));
        // Two steps are an oscillation, no season that anybody plans with.
        if lag >= 3 && fits && r[lag] > bound.max(LEAST_CORRELATION) && r[lag] >= r[lag - 1] && r[lag] >= r[lag + 1] {
            peaks.push((lag, r[lag]));
        }
    }
    let strongest = peaks.iter().map(|&(_, height)| height).fold(0.0, f64::max);
    // Beside a known season the strongest counts, and not the first: what a season of a day leaves of a week stands at every day, a little.
    let enough = if beside.is_some() { strongest } else { ECHO * strongest };
    let (first, _) = *peaks.iter().find(|&&(_, height)| height >= enough)?;
    // Noise puts several small peaks on one broad one: the highest of them is meant.
    let broad = peaks.iter().filter(|&&(lag, _)| lag >= first && lag - first <= first / 10);
    broad.max_by(|a, b| a.1.total_cmp(&b.1)).map(|&(lag, _)| lag)
}

/// Steps beyond five times the mean absolute step are cut there, so that one jump does not decide.
fn calmed(steps: &[f64]) -> Vec<f64> {
    let usual = 5.0 * steps.iter().map(|step| step.abs()).sum::<f64>() / steps.len().max(1) as f64;
    steps.iter().map(|step| step.clamp(-usual, usual)).collect()
}

/// `values` less the mean profile of a season.
fn without_profile(values: &[f64], season: usize) -> Vec<f64> {
    let profile = seasonal_profile(values, season);
    values.iter().enumerate().map(|(place, value)| value - profile[place % season]).collect()
}

/// The mean deviation from a moving average of one season, for each place in the season; sums to zero. The place of `values[t]` is t mod `season`.
pub(super) fn seasonal_profile(values: &[f64], season: usize) -> Vec<f64> {
    let trend = moving_average(values, season);
    let mut sums = vec![(0.0, 0_u32); season];
    for (place, (value, level)) in values.iter().zip(&trend).enumerate() {
        let slot = &mut sums[place % season];
        *slot = (slot.0 + value - level, slot.1 + 1);
    }
    let mut profile: Vec<f64> = sums.iter().map(|&(sum, count)| sum / f64::from(count.max(1))).collect();
    let middle = mean(&profile);
    profile.iter_mut().for_each(|value| *value -= middle);
    profile
}

/// Squares of what is left, in those that a season of one size leaves, from which on it grows with the level.
const GROWS: f64 = 0.9;

/// Below this share of the usual level nothing is in proportion.
const LEAST_LEVEL: f64 = 0.1;

/// What a season adds.
#[derive(Debug)]
pub(super) struct Course {
    /// To each value.
    pub(super) added: Vec<f64>,
    /// The level at the end, if what is added grows in proportion to the level.
    pub(super) grows_from: Option<f64>,
}

/// What a season adds to each of `rest`: as much in each cycle or, where that fits better, in proportion to the level of `whole`: twice
/// the visitors make twice the difference between Monday and Sunday.
pub(super) fn seasonal_course(rest: &[f64], season: usize, whole: &[f64]) -> Course {
    let profile = seasonal_profile(rest, season);
    let steady: Vec<f64> = (0..rest.len()).map(|place| profile[place % season]).collect();
    let level = moving_average(whole, season);
    let usual = mean(&level);
    let now = level.last().copied().filter(|now| *now > 0.0);
    if usual <= 0.0 || now.is_none() || level.iter().any(|level| *level < LEAST_LEVEL * usual) {
        return Course { added: steady, grows_from: None };
    }
    let trend = moving_average(rest, season);
    let deviations: Vec<f64> = rest.iter().zip(&trend).map(|(value, level)| value - level).collect();
    let mut sums = vec![(0.0, 0.0); season];
    for (place, (deviation, level)) in deviations.iter().zip(&level).enumerate() {
        let (size, slot) = (level / usual, &mut sums[place % season]);
        *slot = (slot.0 + size * deviation, slot.1 + size * size);
    }
    let shape: Vec<f64> = sums.iter().map(|&(products, squares)| if squares > 0.0 { products / squares } else { 0.0 }).collect();
    let middle = mean(&shape);
    let growing: Vec<f64> = level.iter().enumerate().map(|(place, level)| (shape[place % season] - middle) * level / usual).collect();
    let left = |course: &[f64]| deviations.iter().zip(course).map(|(deviation, added)| (deviation - added).powi(2)).sum::<f64>();
    if left(&growing) < GROWS * left(&steady) {
        Course { added: growing, grows_from: now }
    } else {
        Course { added: steady, grows_from: None }
    }
}

/// Centred moving average over `window` values; at the ends the window is moved inside, and the average follows the slope there.
pub(super) fn moving_average(values: &[f64], window: usize) -> Vec<f64> {
    let n = values.len();
    let window = window.clamp(1, n.max(1));
    let mut sums = Vec::with_capacity(n + 1);
    sums.push(0.0);
    for value in values {
        sums.push(sums[sums.len() - 1] + value);
    }
    let half = window / 2;
    (0..n)
        .map(|place| {
            let start = place.saturating_sub(half).min(n - window);
            (sums[start + window] - sums[start]) / window as f64
        })
        .collect()
}
