//! A history made fit for arithmetic: scaled, trimmed, gaps filled, wild outliers calmed.

use super::error::ForecastError;
use super::order_statistics::{median, robust_sigma};

/// The longest history that is looked at: five weeks of 5-minute values, or a year of hours. Older values say little about the next ones and cost time.
pub(super) const LONGEST_HISTORY: usize = 10_080;
/// Below two weeks of days nothing is said; the same number of other steps is the least that a spread can be read from.
pub(super) const SHORTEST_HISTORY: usize = 14;

/// A history that methods can work on: finite, without gaps, within ±1.
#[derive(Debug, Clone)]
pub(super) struct History {
    /// The values divided by `scale`, oldest first.
    pub(super) values: Vec<f64>,
    /// Largest absolute value of the original, so that squares neither overflow nor vanish.
    pub(super) scale: f64,
    /// Missing slots after the last value: the forecast begins that much earlier than the caller's future.
    pub(super) trailing_gap: usize,
    /// Slots that were filled.
    pub(super) filled: usize,
    /// Values so far off their neighbours that the methods see a calmed one.
    pub(super) calmed: usize,
    /// No value was ever negative: the future is not either.
    pub(super) non_negative: bool,
}

impl History {
    /// Reads the caller's values; what is not finite is a gap.
    ///
    /// # Errors
    /// [`ForecastError::NotEnoughHistory`] under [`SHORTEST_HISTORY`] values, [`ForecastError::TooManyGaps`] if more than half is missing.
    pub(super) fn read(raw: &[f64]) -> Result<Self, ForecastError> {
        let too_short = |have| ForecastError::NotEnoughHistory { have, need: SHORTEST_HISTORY };
        let end = raw.iter().rposition(|value| value.is_finite()).map_or(0, |last| last + 1);
        let tail = &raw[end.saturating_sub(LONGEST_HISTORY)..end];
        let start = tail.iter().position(|value| value.is_finite()).ok_or(too_short(0))?;
        let known = &tail[start..];
        let missing = known.iter().filter(|value| !value.is_finite()).count();
        if known.len() - missing < SHORTEST_HISTORY {
            return Err(too_short(known.len() - missing));
        }
        if missing * 2 > known.len() {
            return Err(ForecastError::TooManyGaps { missing, of: known.len() });
        }
        let largest = known.iter().filter(|value| value.is_finite()).fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let scale = if largest > 0.0 { largest } else { 1.0 };
        let mut values: Vec<f64> = known.iter().map(|value| value / scale).collect();
        let non_negative = values.iter().all(|value| value.is_nan() || *value >= 0.0);
        bridge(&mut values);
        Ok(Self { values, scale, trailing_gap: raw.len() - end, filled: missing, calmed: 0, non_negative })
    }

    /// Fills gaps again now that the season is known, and calms single values that stand far from their neighbours a season away.
    pub(super) fn calm(&mut self, raw: &[f64], season: usize) {
        let end = raw.len() - self.trailing_gap;
        let gaps: Vec<bool> = raw[end - self.values.len()..end].iter().map(|value| !value.is_finite()).collect();
        if self.filled > 0 && season > 1 {
            fill_by_season(&mut self.values, &gaps, season);
        }
        self.calmed = calm_spikes(&mut self.values, season.max(1));
    }

    /// A scaled value in the caller's unit, never infinite.
    pub(super) fn unscaled(&self, value: f64) -> f64 {
        (value * self.scale).clamp(f64::MIN, f64::MAX)
    }
}

/// Fills gaps by a straight line between the known ends.
pub(super) fn bridge(values: &mut [f64]) {
    let mut last: Option<usize> = None;
    for place in 0..values.len() {
        if !values[place].is_finite() {
            continue;
        }
        if let Some(from) = last.filter(|from| place - from > 1) {
            let (start, rise) = (values[from], (values[place] - values[from]) / (place - from) as f64);
            for (steps, value) in values[from + 1..place].iter_mut().enumerate() {
                *value = start + rise * (steps + 1) as f64;
            }
        }
        last = Some(place);
    }
}

/// Fills each gap by what stood there a season before, or after, lifted onto the line that [`bridge`] drew.
fn fill_by_season(values: &mut [f64], gaps: &[bool], season: usize) {
    let bridged = values.to_vec();
    for place in 0..values.len() {
        if !gaps[place] {
            continue;
        }
        let donor = [place.checked_sub(season), Some(place + season), place.checked_sub(2 * season)]
            .into_iter()
            .flatten()
            .find(|&donor| donor < gaps.len() && !gaps[donor]);
        if let Some(donor) = donor {
            values[place] = bridged[donor];
        }
    }
}

/// Replaces single values that stand further from both their seasonal and their direct neighbours than [`WILD`] spreads of such distances, by the nearer
/// edge of that band. A level shift is not calmed: its values have neighbours.
fn calm_spikes(values: &mut [f64], season: usize) -> usize {
    /// In spreads. Ordinary noise, heavy tails included, does not get there; a glitch of a counter does.
    const WILD: f64 = 12.0;
    if values.len() < 3 * season + 5 {
        return 0;
    }
    let original = values.to_vec();
    let expected = |place: usize| -> f64 {
        let near = [place.checked_sub(2), place.checked_sub(1), Some(place + 1), Some(place + 2)];
        let far = [place.checked_sub(2 * season), place.checked_sub(season), Some(place + season), Some(place + 2 * season)];
        let slots = if season > 2 { far } else { near };
        let mut around: Vec<f64> = slots.into_iter().flatten().filter_map(|slot| original.get(slot).copied()).collect();
        median(&mut around)
    };
    // At the ends there are neighbours on one side only, and a trend leads away from them: what lies on their line is not far.
    let on_line = |place: usize| -> Option<f64> {
        let step = if season > 2 { season } else { 1 };
        let pair = match place.checked_sub(2 * step) {
            Some(second) if place + step >= original.len() => [place - step, second],
            None if place < step => [place + step, place + 2 * step],
            _ => return None,
        };
        Some(2.0 * original.get(pair[0])? - original.get(pair[1])?)
    };
    let distance = |place: usize| {
        let (far, along) = (original[place] - expected(place), on_line(place).map(|line| original[place] - line));
        along.filter(|along| along.abs() < far.abs()).unwrap_or(far)
    };
    let distances: Vec<f64> = (0..values.len()).map(distance).collect();
    let spread = robust_sigma(&distances);
    if spread <= 0.0 {
        return 0;
    }
    let mut calmed = 0;
    // The last two values have no neighbours after them yet: a shift may have begun.
    for place in 1..values.len() - 2 {
        let lonely = |other: usize| (original[place] - original[other]).abs() > WILD * spread;
        if distances[place].abs() > WILD * spread && lonely(place - 1) && lonely(place + 1) {
            values[place] = original[place] - distances[place] + distances[place].signum() * WILD.sqrt() * spread;
            calmed += 1;
        }
    }
    calmed
}
