//! A resource's days, understood: seasons, jumps, clean-ups, trend, and how well the trend did before.

use super::calibration::Calibration;
use super::error::ForecastError;
use super::excursion::{Standing, standings};
use super::history::History;
use super::kink::{Kink, find_kinks};
use super::level_shift::{Jump, find_jumps};
use super::local_trend::{Expected, Trends};
use super::order_statistics::{median, robust_sigma};
use super::reasons::Mending;
use super::recurring_peaks::RecurringPeaks;
use super::saw_tooth::SawTooth;
use super::season::{find_seasons, moving_average, seasonal_course};
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
    grows_from: Option<f64>,
    jumps: Vec<Jump>,
    kinks: Vec<Kink>,
    saw_tooth: Option<SawTooth>,
    noise: Vec<f64>,
    peaks: Option<RecurringPeaks>,
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
        let calm = bridged(values, &usual(&standings(values)));
        let steps: Vec<f64> = calm.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let unrest = robust_sigma(&steps);
        let saw_tooth = SawTooth::find(&calm, (CLEAN_UP * capacity).max(5.0 * unrest));
        let plain = saw_tooth.is_some();
        let jumps = |values: &[f64]| if plain { Vec::new() } else { find_jumps(values, SHIFT * capacity) };
        let season = |values: &[f64], jumps: &[Jump]| {
            if plain { Seasonal { profile: vec![0.0; values.len()], ..Seasonal::default() } } else { seasonal_part(values, jumps) }
        };
        // Seasons first, so that a weekly peak is no excursion; and again without the excursions, which are neither jumps nor seasons.
        let first_look = season(&calm, &jumps(&calm)).profile;
        let rest = flattened(values, &first_look, &[]);
        let standings = standings(&rest);
        seen.iter_mut().zip(usual(&standings)).for_each(|(seen, usual)| *seen &= usual);
        let values: &[f64] = &bridged(&rest, &seen).iter().zip(&first_look).map(|(rest, season)| rest + season).collect::<Vec<_>>();
        let jumps = jumps(values);
        let Seasonal { seasons, profile, grows_from } = season(values, &jumps);
        let level = moving_average(&flattened(values, &profile, &[]), 7);
        let noise = noise_pool(values, &profile, &level);
        let usual_height = profile.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let peaks = RecurringPeaks::find(&history.values, &level, usual_height, &standings).filter(|_| !plain);
        let floor = (robust_sigma(&noise_steps(values, &profile)) / std::f64::consts::SQRT_2).max(1e-6 * capacity);
        let kinks = if plain { Vec::new() } else { find_kinks(&flattened(values, &profile, &jumps)) };
        let trends = Trends::new(values[0] - profile[0], capacity / FASTEST_DAYS, floor, kinks.len());
        let mut daily =
            Self { history, seen, profile, seasons, grows_from, jumps, kinks, saw_tooth, noise, peaks, trends, statements: Vec::new() };
        daily.filter(capacity);
        Ok(daily)
    }

    /// Runs the trends over the days, noting on the way what they would have said.
    fn filter(&mut self, capacity: f64) {
        let n = self.history.values.len();
        let every = ((n.saturating_sub(14)) / ORIGINS).max(7);
        // Of what came before the first day that counts nothing is known.
        let begins = self.seen.iter().position(|&seen| seen).unwrap_or(0);
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
                let known = (place..n).find(|&at| self.seen[at]).unwrap_or(place);
                let level = self.history.values[known] - self.profile[known];
                self.trends.shift(level, typical * if jump.size < 0.0 { RESIZED } else { MOVED_IN });
            }
            if let Some(kink) = self.kinks.iter().find(|kink| kink.at == place) {
                self.trends.kink(kink.change);
            }
            if place >= peaks.map_or(Some(begins), |peaks| peaks.first().copied()).unwrap_or(n) {
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
            recurring_peaks: self.peaks.as_ref().map_or(0, RecurringPeaks::count),
        }
    }

    pub(super) fn mending(&self) -> Mending {
        let excursions = self.seen.iter().filter(|&&seen| !seen).count().saturating_sub(self.history.filled);
        Mending { filled: self.history.filled, calmed: excursions, trailing: self.history.trailing_gap }
    }

    /// Whether the last value that was seen is at the threshold already.
    pub(super) fn reached(&self, threshold: f64) -> bool {
        self.history.values.last().is_some_and(|&last| last >= threshold)
    }

    /// What the seasons add on each of the next days at the level of today; the longer season is a multiple of the shorter.
    pub(super) fn profile_ahead(&self, days: usize) -> Vec<f64> {
        let n = self.profile.len();
        let season = self.seasons.last().copied().unwrap_or(1);
        (0..days).map(|day| self.profile[n - season + (self.history.trailing_gap + day) % season]).collect()
    }

    /// The level of today, if the seasons grow in proportion to the level.
    pub(super) fn grows_from(&self) -> Option<f64> {
        self.grows_from
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

    /// What comes again and again, as it is on the last day of the history, the missing ones at the end counted.
    pub(super) fn peaks(&self) -> Option<RecurringPeaks> {
        self.peaks.as_ref().map(|peaks| peaks.after(self.history.trailing_gap))
    }

    /// Days since the last clean-up, the missing ones at the end counted.
    pub(super) fn phase(&self, saw: &SawTooth) -> usize {
        saw.phase + self.history.trailing_gap
    }
}

/// What repeats.
#[derive(Debug, Default)]
struct Seasonal {
    /// Its lengths in days, the shorter first.
    seasons: Vec<usize>,
    /// What it adds on each day.
    profile: Vec<f64>,
    /// The level at the end, if what is added grows in proportion to the level.
    grows_from: Option<f64>,
}

fn seasonal_part(values: &[f64], jumps: &[Jump]) -> Seasonal {
    let mut rest = values.to_vec();
    for jump in jumps {
        rest[jump.at..].iter_mut().for_each(|value| *value -= jump.size);
    }
    let mut seasonal = Seasonal { seasons: find_seasons(&rest), profile: vec![0.0; values.len()], grows_from: None };
    for &season in &seasonal.seasons {
        let course = seasonal_course(&rest, season, values);
        seasonal.grows_from = seasonal.grows_from.or(course.grows_from);
        for (place, added) in course.added.into_iter().enumerate() {
            rest[place] -= added;
            seasonal.profile[place] += added;
        }
    }
    seasonal
}

/// Values less seasons and jumps.
fn flattened(values: &[f64], profile: &[f64], jumps: &[Jump]) -> Vec<f64> {
    let mut rest: Vec<f64> = values.iter().zip(profile).map(|(value, season)| value - season).collect();
    for jump in jumps {
        rest[jump.at..].iter_mut().for_each(|value| *value -= jump.size);
    }
    rest
}

/// Which days stand in no excursion.
fn usual(standings: &[Standing]) -> Vec<bool> {
    standings.iter().map(|standing| *standing == Standing::Usual).collect()
}

/// `values` with straight lines over what is not seen, and level ones at the ends.
fn bridged(values: &[f64], seen: &[bool]) -> Vec<f64> {
    let mut bridged: Vec<f64> = values.iter().zip(seen).map(|(&value, &seen)| if seen { value } else { f64::NAN }).collect();
    let (Some(first), Some(last)) = (seen.iter().position(|&seen| seen), seen.iter().rposition(|&seen| seen)) else {
        return values.to_vec();
    };
    bridged[..first].fill(values[first]);
    bridged[last + 1..].fill(values[last]);
    super::history::bridge(&mut bridged);
    bridged
}

fn noise_steps(values: &[f64], profile: &[f64]) -> Vec<f64> {
    let rest: Vec<f64> = values.iter().zip(profile).map(|(value, season)| value - season).collect();
    rest.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Deviations of days from a week's average, in standard deviations, cut at six.
fn noise_pool(values: &[f64], profile: &[f64], level: &[f64]) -> Vec<f64> {
    let deviations: Vec<f64> = values.iter().zip(profile).zip(level).map(|((value, season), level)| value - season - level).collect();
    let spread = robust_sigma(&deviations).max(1e-12);
    deviations.iter().map(|deviation| (deviation / spread).clamp(-6.0, 6.0)).collect()
}
