//! A resource's days, understood: seasons, jumps, clean-ups, trend, and how well the trend did before.

use super::calibration::Calibration;
use super::error::ForecastError;
use super::history::History;
use super::kink::{Kink, find_kinks};
use super::level_shift::{Jump, find_jumps};
use super::local_trend::{Expected, Trends};
use super::order_statistics::{median, robust_sigma};
use super::reasons::Mending;
use super::saw_tooth::SawTooth;
use super::season::{find_seasons, moving_average, seasonal_profile};
use super::threshold::{PastStatement, Shape};

/// Days looked at: two years hold a season of a year twice, and older days are another machine's.
const MOST_DAYS: usize = 730;
/// A clean-up takes away more than this share of the capacity.
const CLEAN_UP: f64 = 0.05;
/// A level shift is more than this share of the capacity.
const SHIFT: f64 = 0.02;
/// Days ahead at which the past is judged.
const AHEAD: [usize; 5] = [7, 14, 28, 56, 112];
/// Errors of statements this far ahead tell how wide a statement about months must be; those of a week only tell the noise.
const FAR_ENOUGH: usize = 28;
/// Origins at most.
const ORIGINS: usize = 20;
/// The slope is unknown at first: filling all capacity within this many days is possible.
const FASTEST_DAYS: f64 = 60.0;

/// A spike, in spreads of such distances: ordinary noise does not get there.
const SPIKE: f64 = 5.0;
/// A volume that became larger fills more slowly in percent: the slope may change by this share of itself...
const RESIZED: f64 = 0.5;
/// ... and by this where something was moved in, which says little about what comes after.
const MOVED_IN: f64 = 0.2;

/// What a statement would have been, in scaled values.
#[derive(Debug, Clone, Copy)]
struct Statement {
    at: usize,
    days: usize,
    expected: Expected,
    actual: f64,
}

/// A resource's days, understood.
#[derive(Debug)]
pub(super) struct Daily {
    history: History,
    seen: Vec<bool>,
    profile: Vec<f64>,
    seasons: Vec<usize>,
    jumps: Vec<Jump>,
    kinks: Vec<Kink>,
    saw_tooth: Option<SawTooth>,
    noise: Vec<f64>,
    trends: Trends,
    statements: Vec<Statement>,
}

impl Daily {
    /// Reads `raw` with a threshold in the same unit, which stands for the capacity.
    pub(super) fn read(raw: &[f64], threshold: f64) -> Result<Self, ForecastError> {
        let recent = &raw[raw.len().saturating_sub(MOST_DAYS)..];
        let history = History::read(recent)?;
        let end = recent.len() - history.trailing_gap;
        let mut seen: Vec<bool> = recent[end - history.values.len()..end].iter().map(|value| value.is_finite()).collect();
        let capacity = (threshold / history.scale).abs().clamp(1e-3, 1e3);
        let values = &history.values;
        let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let unrest = robust_sigma(&steps);
        let saw_tooth = SawTooth::find(values, (CLEAN_UP * capacity).max(5.0 * unrest));
        let jumps = if saw_tooth.is_some() { Vec::new() } else { find_jumps(values, SHIFT * capacity) };
        let plain = saw_tooth.is_some();
        let season = |values: &[f64]| if plain { (Vec::new(), vec![0.0; values.len()]) } else { seasonal_part(values, &jumps) };
        // Seasons first, so that a weekly peak is no spike; and again without the spikes.
        let (_, first_look) = season(values);
        let rest = flattened(values, &first_look, &[]);
        for place in spikes(&rest) {
            seen[place] = false;
        }
        let values: &[f64] = &bridged(&rest, &seen).iter().zip(&first_look).map(|(rest, season)| rest + season).collect::<Vec<_>>();
        let (seasons, profile) = season(values);
        let noise = noise_pool(values, &profile);
        let floor = (robust_sigma(&noise_steps(values, &profile)) / std::f64::consts::SQRT_2).max(1e-6 * capacity);
        let kinks = if saw_tooth.is_some() { Vec::new() } else { find_kinks(&flattened(values, &profile, &jumps)) };
        let trends = Trends::new(values[0] - profile[0], capacity / FASTEST_DAYS, floor, kinks.len());
        let mut daily = Self { history, seen, profile, seasons, jumps, kinks, saw_tooth, noise, trends, statements: Vec::new() };
        daily.filter(capacity);
        Ok(daily)
    }

    /// Runs the trends over the days, noting on the way what they would have said.
    fn filter(&mut self, capacity: f64) {
        let n = self.history.values.len();
        let every = ((n.saturating_sub(14)) / ORIGINS).max(7);
        let own_peaks = self.saw_tooth.as_ref().map(|saw| saw.peaks.clone());
        let peaks = own_peaks.as_deref();
        if let Some(&first) = peaks.and_then(<[usize]>::first) {
            self.trends = Trends::new(self.history.values[first], capacity / FASTEST_DAYS, self.peak_noise(capacity), 0);
        }
        for place in 0..n {
            let value = self.history.values[place] - self.profile[place];
            let shown = peaks.map_or(self.seen[place], |peaks| peaks.binary_search(&place).is_ok());
            if let Some(jump) = self.jumps.iter().find(|jump| jump.at == place) {
                let typical = median(&mut noise_steps(&self.history.values[..place], &self.profile[..place])).abs();
                self.trends.shift(value, typical * if jump.size < 0.0 { RESIZED } else { MOVED_IN });
            }
            if let Some(kink) = self.kinks.iter().find(|kink| kink.at == place) {
                self.trends.kink(kink.change);
            }
            if peaks.is_none_or(|peaks| peaks.first().is_some_and(|&first| place >= first)) {
                self.trends.day(shown.then_some(value));
            }
            if (n - 1 - place).is_multiple_of(every) && place + 1 < n && self.trends.seen() >= 3 && place >= 13 {
                self.state(place, peaks.is_some());
            }
        }
        for _ in 0..self.history.trailing_gap.min(MOST_DAYS) {
            self.trends.day(None);
        }
    }

    /// Notes what is expected at `place` of later days.
    fn state(&mut self, place: usize, peaks_only: bool) {
        let n = self.history.values.len();
        let days: Vec<usize> = AHEAD
            .iter()
            .filter_map(|&ahead| {
                if !peaks_only {
                    return Some(ahead);
                }
                let saw = self.saw_tooth.as_ref()?;
                saw.peaks.iter().find(|&&peak| peak >= place + ahead).map(|peak| peak - place)
            })
            .filter(|&ahead| place + ahead < n)
            .collect();
        for (&days, expected) in days.iter().zip(self.trends.expected(&days)) {
            let to = place + days;
            // What nobody could foresee, somebody moving data in or a larger volume, is no error of the trend.
            let jumped = self.jumps.iter().any(|jump| place < jump.at && jump.at <= to);
            if self.seen[to] && !jumped {
                let actual = self.history.values[to] - self.profile[to];
                self.statements.push(Statement { at: place, days, expected, actual });
            }
        }
    }

    fn peak_noise(&self, capacity: f64) -> f64 {
        let heights: Vec<f64> = self.saw_tooth.iter().flat_map(|saw| saw.peaks.iter().map(|&peak| self.history.values[peak])).collect();
        let steps: Vec<f64> = heights.windows(2).map(|pair| pair[1] - pair[0]).collect();
        robust_sigma(&steps).max(1e-3 * capacity)
    }

    /// Errors in standard deviations; one independent origin for each stretch as long as the statement.
    pub(super) fn calibration(&self) -> Calibration {
        let scores: Vec<f64> = self
            .statements
            .iter()
            .filter(|s| s.days >= FAR_ENOUGH)
            .map(|s| (s.actual - s.expected.mean).abs() / s.expected.sigma)
            .collect();
        let origins =
            self.statements.iter().map(|s| (s.days as f64).min(28.0) / 28.0).sum::<f64>().min(self.history.values.len() as f64 / 28.0);
        Calibration::new(scores, origins)
    }

    /// The statements in the caller's unit, with intervals of two standard deviations widened as the calibration says.
    pub(super) fn back_test(&self, widening: f64) -> Vec<PastStatement> {
        self.statements
            .iter()
            .map(|statement| {
                let season = self.profile[statement.at + statement.days];
                let unscaled = |value: f64| self.history.unscaled(value + season);
                let half = 1.96 * widening * statement.expected.sigma;
                PastStatement {
                    at: statement.at,
                    days: statement.days,
                    mean: unscaled(statement.expected.mean),
                    lower: unscaled(statement.expected.mean - half),
                    upper: unscaled(statement.expected.mean + half),
                    actual: unscaled(statement.actual),
                }
            })
            .collect()
    }

    pub(super) fn shape(&self) -> Shape {
        let growth = self.trends.models.iter().zip(self.trends.weights()).map(|(model, weight)| weight * model.slope).sum();
        let clean_ups = self.saw_tooth.as_ref().map(|saw| {
            let mut cycles: Vec<f64> = saw.cycles.iter().map(|&days| days as f64).collect();
            (saw.peaks.len(), median(&mut cycles).round() as usize)
        });
        Shape {
            growth_per_day: self.history.unscaled(growth),
            seasons: self.seasons.clone(),
            shifted_at: self.jumps.last().map(|jump| jump.at),
            clean_ups,
        }
    }

    pub(super) fn mending(&self) -> Mending {
        let spikes = self.seen.iter().filter(|&&seen| !seen).count().saturating_sub(self.history.filled);
        Mending { filled: self.history.filled, calmed: spikes, trailing: self.history.trailing_gap }
    }

    /// Whether the last value that was seen is at the threshold already.
    pub(super) fn reached(&self, threshold: f64) -> bool {
        self.history.values.last().is_some_and(|&last| last >= threshold)
    }

    /// What the seasons add on each of the next days; the longer season is a multiple of the shorter.
    pub(super) fn profile_ahead(&self, days: usize) -> Vec<f64> {
        let n = self.profile.len();
        let season = self.seasons.last().copied().unwrap_or(1);
        (0..days).map(|day| self.profile[n - season + (self.history.trailing_gap + day) % season]).collect()
    }

    pub(super) fn scale(&self) -> f64 {
        self.history.scale
    }

    pub(super) fn trends(&self) -> &Trends {
        &self.trends
    }

    pub(super) fn saw_tooth(&self) -> Option<&SawTooth> {
        self.saw_tooth.as_ref()
    }

    pub(super) fn noise(&self) -> &[f64] {
        &self.noise
    }

    /// Days since the last clean-up, the missing ones at the end counted.
    pub(super) fn phase(&self, saw: &SawTooth) -> usize {
        saw.phase + self.history.trailing_gap
    }
}

/// The seasons, and what they add on each day.
fn seasonal_part(values: &[f64], jumps: &[Jump]) -> (Vec<usize>, Vec<f64>) {
    let mut rest = values.to_vec();
    for jump in jumps {
        rest[jump.at..].iter_mut().for_each(|value| *value -= jump.size);
    }
    let seasons = find_seasons(&rest);
    let mut sum = vec![0.0; values.len()];
    for &season in &seasons {
        let profile = seasonal_profile(&rest, season);
        for place in 0..rest.len() {
            rest[place] -= profile[place % season];
            sum[place] += profile[place % season];
        }
    }
    (seasons, sum)
}

/// Values less seasons and jumps.
fn flattened(values: &[f64], profile: &[f64], jumps: &[Jump]) -> Vec<f64> {
    let mut rest: Vec<f64> = values.iter().zip(profile).map(|(value, season)| value - season).collect();
    for jump in jumps {
        rest[jump.at..].iter_mut().for_each(|value| *value -= jump.size);
    }
    rest
}

/// Days that stand far from the two before and the two after, which agree: holidays, glitches. They say nothing about the trend.
fn spikes(values: &[f64]) -> Vec<usize> {
    let distance = |place: usize| {
        let mut around = [values[place - 2], values[place - 1], values[place + 1], values[place + 2]];
        values[place] - median(&mut around)
    };
    if values.len() < 7 {
        return Vec::new();
    }
    let distances: Vec<f64> = (2..values.len() - 2).map(distance).collect();
    let edge = SPIKE * robust_sigma(&distances);
    let far = |place: usize| distances[place - 2].abs() > edge;
    let alone = |place: usize| {
        let (before, after) = (values[place] - values[place - 1], values[place] - values[place + 1]);
        before * after > 0.0 && before.abs().min(after.abs()) > 0.5 * distances[place - 2].abs()
    };
    (2..values.len() - 2).filter(|&place| edge > 0.0 && far(place) && alone(place)).collect()
}

/// `values` with straight lines over what is not seen.
fn bridged(values: &[f64], seen: &[bool]) -> Vec<f64> {
    let mut bridged: Vec<f64> = values.iter().zip(seen).map(|(&value, &seen)| if seen { value } else { f64::NAN }).collect();
    super::history::bridge(&mut bridged);
    bridged.iter().zip(values).map(|(&bridged, &value)| if bridged.is_finite() { bridged } else { value }).collect()
}

fn noise_steps(values: &[f64], profile: &[f64]) -> Vec<f64> {
    let rest: Vec<f64> = values.iter().zip(profile).map(|(value, season)| value - season).collect();
    rest.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Deviations of days from a week's average, in standard deviations, cut at six.
fn noise_pool(values: &[f64], profile: &[f64]) -> Vec<f64> {
    let rest: Vec<f64> = values.iter().zip(profile).map(|(value, season)| value - season).collect();
    let level = moving_average(&rest, 7);
    let deviations: Vec<f64> = rest.iter().zip(&level).map(|(value, level)| value - level).collect();
    let spread = robust_sigma(&deviations).max(1e-12);
    deviations.iter().map(|deviation| (deviation / spread).clamp(-6.0, 6.0)).collect()
}
