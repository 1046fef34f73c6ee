//! When daily values reach a threshold.

use super::calibration::Calibration;
use super::daily::Daily;
use super::error::ForecastError;
use super::first_passage::{self, Goal, Surface};
use super::options::{USUAL_LEVEL, check_level};
use super::random::Random;
use super::reasons;

/// Days looked ahead if nothing is said: beyond a year nobody orders.
pub const YEAR_DAYS: usize = 365;
/// Days looked ahead at most: five years, the life of a machine.
const MOST_DAYS: usize = 1_826;

/// What is asked about a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdOptions {
    /// The value to be reached or passed, from below.
    pub threshold: f64,
    /// Days looked ahead, 1 to 1,826; what lies beyond is "later".
    pub days: usize,
    /// Share of futures that the interval is to hold, between 0.5 and 0.999.
    pub level: f64,
    /// How much wider errors of resources of the same class were ([`Calibration::factor`] of them pooled), for a resource that has few
    /// of its own.
    pub class: Option<f64>,
}

impl ThresholdOptions {
    /// The time to `threshold` within a year, at 95 %.
    pub fn new(threshold: f64) -> Self {
        Self { threshold, days: YEAR_DAYS, level: USUAL_LEVEL, class: None }
    }

    fn check(&self) -> Result<(), ForecastError> {
        if !self.threshold.is_finite() {
            let instead = "give a finite number in the unit of the values".to_owned();
            return Err(ForecastError::BadOption { what: "threshold", got: self.threshold.to_string(), instead });
        }
        if self.days == 0 || self.days > MOST_DAYS {
            let instead = format!("ask for 1 to {MOST_DAYS} days");
            return Err(ForecastError::BadOption { what: "days", got: self.days.to_string(), instead });
        }
        check_level(self.level)
    }
}

/// What the history looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Growth a day at the end of the history, in the caller's unit.
    pub growth_per_day: f64,
    /// Seasons found, in days.
    pub seasons: Vec<usize>,
    /// Index of the first value after the last level shift or resize.
    pub shifted_at: Option<usize>,
    /// Clean-ups: how many, and the usual days between them.
    pub clean_ups: Option<(usize, usize)>,
    /// Times that it was far higher for a few days, if that comes again and again; 0 if not.
    pub recurring_peaks: usize,
}

/// What would have been said at one moment of the past about a later one, and what came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastStatement {
    /// Index of the last value that was known.
    pub at: usize,
    /// Days from there to the value.
    pub days: usize,
    /// What would have been expected.
    pub mean: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
    /// What came.
    pub actual: f64,
}

/// When a threshold is reached, in days after the last slot of the history. `None` is later than was looked.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeToThreshold {
    /// Lower end of the interval.
    pub lower: Option<f64>,
    /// As likely sooner as later.
    pub median: Option<f64>,
    /// Upper end of the interval.
    pub upper: Option<f64>,
    /// The chance that it is reached within the days looked ahead, 0 to 1.
    pub chance: f64,
    /// The history, as it was understood.
    pub shape: Shape,
    /// What would have been said before.
    pub backtest: Vec<PastStatement>,
    /// The errors of the past, to be pooled with others of the class.
    pub calibration: Calibration,
    /// What a person should know about it, in sentences.
    pub why: Vec<String>,
}

/// What daily values will be on a day ahead, in their own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutlookDay {
    /// Days after the last slot of the history, from 1.
    pub ahead: usize,
    /// Lower end of the interval.
    pub lower: f64,
    /// As likely less as more.
    pub median: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

/// A resource's days, read once for everything that is asked about them.
#[derive(Debug)]
pub struct Futures<'a> {
    values: &'a [f64],
    options: &'a ThresholdOptions,
    daily: Daily,
    calibration: Calibration,
}

impl<'a> Futures<'a> {
    /// Reads daily `values`, oldest first, gaps as NaN.
    ///
    /// # Errors
    /// [`ForecastError`]: under 14 days of history, more than half of it missing, or an option that makes no sense.
    pub fn read(values: &'a [f64], options: &'a ThresholdOptions) -> Result<Self, ForecastError> {
        options.check()?;
        let daily = Daily::read(values, options.threshold)?;
        let calibration = daily.calibration();
        Ok(Self { values, options, daily, calibration })
    }

    /// When they reach the threshold.
    pub fn time_to_threshold(&self) -> TimeToThreshold {
        let Self { values, options, daily, calibration } = self;
        let threshold = options.threshold / daily.scale();
        let trends = daily.trends();
        let widening = calibration.factor_beside(options.class);
        let goal = Goal { threshold, days: options.days, widening };
        let mut random = Random::from_values(values);
        let days = if daily.reached(threshold) {
            vec![0.0]
        } else if let Some(saw) = daily.saw_tooth() {
            first_passage::saw_tooth_passages(trends, &saw.cycles, daily.phase(saw), saw.rise, goal, &mut random)
        } else {
            let (profile, peaks) = (daily.profile_ahead(options.days), daily.peaks());
            let surface = Surface { profile: &profile, grows_from: daily.grows_from(), noise: daily.noise(), peaks: peaks.as_ref() };
            first_passage::passages(trends, &surface, goal, &mut random)
        };
        let tail = 0.5 * (1.0 - options.level);
        let [lower, median, upper] = [tail, 0.5, 1.0 - tail].map(|share| first_passage::quantile(&days, share));
        let chance = days.iter().filter(|day| day.is_finite()).count() as f64 / days.len() as f64;
        let (shape, backtest) = (daily.shape(), daily.back_test(widening));
        let why = reasons::of_threshold(&shape, &backtest, widening, daily.mending(), daily.reached(threshold));
        let calibration = calibration.clone();
        TimeToThreshold { lower, median, upper, chance, shape, backtest, calibration, why }
    }

    /// What they will be, every `step` days up to `options.days` and on that day itself: the futures that
    /// [`time_to_threshold`](Self::time_to_threshold) counts. Of what is cleaned up now and then, these are the peaks.
    pub fn outlook(&self, step: usize) -> Vec<OutlookDay> {
        let last = self.options.days;
        let mut days: Vec<usize> = (1..=last).step_by(step.max(1)).collect();
        if days.last() != Some(&last) {
            days.push(last);
        }
        self.on(&days)
    }

    /// What they will be on the last day that is looked at.
    pub fn at_the_end(&self) -> Option<OutlookDay> {
        self.on(&[self.options.days]).pop()
    }

    fn on(&self, days: &[usize]) -> Vec<OutlookDay> {
        let Self { values, options, daily, calibration } = self;
        let profile = if daily.saw_tooth().is_some() { vec![0.0] } else { daily.profile_ahead(options.days) };
        let peaks = daily.peaks();
        let surface = Surface { profile: &profile, grows_from: daily.grows_from(), noise: daily.noise(), peaks: peaks.as_ref() };
        let widening = calibration.factor_beside(options.class);
        let on_days = first_passage::values_on(days, daily.trends(), &surface, widening, &mut Random::from_values(values));
        let never_negative = values.iter().all(|value| value.is_nan() || *value >= 0.0);
        let tail = 0.5 * (1.0 - options.level);
        let told = |ahead: usize, mut on_day: Vec<f64>| {
            let mut at = |share: f64| {
                let place = (share * (on_day.len() - 1) as f64) as usize;
                let value = *on_day.select_nth_unstable_by(place, f64::total_cmp).1 * daily.scale();
                if never_negative { value.max(0.0) } else { value }
            };
            OutlookDay { ahead, lower: at(tail), median: at(0.5), upper: at(1.0 - tail) }
        };
        days.iter().zip(on_days).map(|(&ahead, on_day)| told(ahead, on_day)).collect()
    }
}

/// Days until daily `values` (oldest first, gaps as NaN) reach a threshold.
///
/// # Errors
/// As [`Futures::read`].
pub fn time_to_threshold(values: &[f64], options: &ThresholdOptions) -> Result<TimeToThreshold, ForecastError> {
    Ok(Futures::read(values, options)?.time_to_threshold())
}
