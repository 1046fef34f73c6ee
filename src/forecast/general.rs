//! The general forecast: any regular series, any horizon up to its own length.

use super::back_test::{self, Candidate, Rolling, Views};
use super::error::ForecastError;
use super::history::History;
use super::interval::{self, Yardstick};
use super::method::Method;
use super::options::{Options, SeasonOption};
use super::reasons::{self, Mending};
use super::{ensemble, season};

/// One method's part in a forecast.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The method.
    pub method: Method,
    /// Whether it worked on the logarithms of the values.
    pub logarithms: bool,
    /// Its weight; the weights of a forecast sum to 1.
    pub weight: f64,
}

/// What would have been said at one moment of the past, and what came.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Index of the first value that was not known yet.
    pub at: usize,
    /// What would have been said.
    pub mean: Vec<f64>,
    /// Lower ends of the intervals.
    pub lower: Vec<f64>,
    /// Upper ends of the intervals.
    pub upper: Vec<f64>,
    /// What came.
    pub actual: Vec<f64>,
}

/// How good the same procedure was on the same series before.
#[derive(Debug, Clone, PartialEq)]
pub struct BackTest {
    /// The moments from which it was tried, oldest first.
    pub origins: Vec<Origin>,
    /// Share of the values that came within the intervals, each judged by intervals from the other origins; 0 to 1.
    pub coverage: f64,
    /// Mean absolute error.
    pub error: f64,
    /// Mean absolute error of the value a season ago (or the last value), from the same origins.
    pub naive_error: f64,
}

/// A forecast, in the caller's unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The expected values of the steps after the last slot of the history.
    pub mean: Vec<f64>,
    /// Lower ends of the intervals.
    pub lower: Vec<f64>,
    /// Upper ends of the intervals.
    pub upper: Vec<f64>,
    /// The methods it is mixed from, heaviest first.
    pub method: Vec<Member>,
    /// Steps of the seasons that were found or given, shortest first.
    pub season: Vec<usize>,
    /// The same procedure on the past.
    pub backtest: BackTest,
    /// What a person should know about it, in sentences.
    pub why: Vec<String>,
}

/// Forecasts `values` (oldest first, regular steps of `step_us` microseconds, gaps as NaN).
///
/// # Errors
/// [`ForecastError`]: not enough history, too many gaps, or an option that makes no sense. Never a made-up number.
pub fn forecast(values: &[f64], step_us: i64, options: &Options) -> Result<Forecast, ForecastError> {
    options.check(step_us)?;
    let mut history = History::read(values)?;
    let seasons = match options.season {
        SeasonOption::Auto => season::find_seasons(&history.values),
        SeasonOption::Steps(season) if season < 2 => Vec::new(),
        SeasonOption::Steps(season) => vec![season],
    };
    let horizon = options.horizon.saturating_add(history.trailing_gap);
    let need = horizon.max(seasons.last().copied().unwrap_or(1).saturating_mul(2));
    if history.values.len() < need {
        return Err(ForecastError::NotEnoughHistory { have: history.values.len(), need });
    }
    history.calm(values, seasons.first().copied().unwrap_or(1));
    let work = Work::new(&history.values, &seasons, horizon, options.level);
    Ok(work.finish(&history, &seasons, options, step_us))
}

/// Everything between a history and its forecast, in scaled values.
struct Work {
    views: Views,
    candidates: Vec<Candidate>,
    rolling: Rolling,
    weights: Vec<f64>,
    /// The mix at each origin, by weights from the other origins.
    mixed: Vec<Vec<f64>>,
    spread: Spread,
    season: usize,
    horizon: usize,
}

impl Work {
    fn new(values: &[f64], seasons: &[usize], horizon: usize, level: f64) -> Self {
        let season = seasons.last().copied().unwrap_or(1);
        let views = Views::new(values);
        let candidates = ensemble::candidates(seasons, &views);
        let ends = back_test::origins(values.len(), horizon, seasons.first().copied().unwrap_or(1));
        let rolling = back_test::roll(&views, &candidates, ends, horizon, season);
        let losses = ensemble::losses(&rolling, values);
        let weights = ensemble::weights(&losses, None);
        let mixed: Vec<Vec<f64>> = (0..rolling.ends.len())
            .map(|origin| {
                let others = ensemble::weights(&losses, Some(origin));
                let reach = horizon.min(values.len() - rolling.ends[origin]);
                ensemble::mix(&others, |candidate| Some(&rolling.ahead[candidate][origin]), reach)
            })
            .collect();
        let spread = Spread::choose(values, &rolling.ends, &mixed, season, level);
        Self { views, candidates, rolling, weights, mixed, spread, season, horizon }
    }

    fn finish(&self, history: &History, seasons: &[usize], options: &Options, step_us: i64) -> Forecast {
        let now: Vec<Option<Vec<f64>>> = self
            .candidates
            .iter()
            .zip(&self.weights)
            .map(|(candidate, &weight)| if weight > 0.0 { back_test::now(&self.views, candidate, self.horizon) } else { None })
            .collect();
        let mean = ensemble::mix(&self.weights, |candidate| now[candidate].as_deref(), self.horizon);
        let widths = interval::half_widths(&self.spread.scores, self.spread.span, None, self.horizon, options.level);
        let band = Band { mean: &mean, widths: &widths, scale: self.spread.now, non_negative: history.non_negative };
        let (mean, lower, upper) = band.unscaled(history, history.trailing_gap);
        let mut method: Vec<Member> = self
            .candidates
            .iter()
            .zip(&self.weights)
            .filter(|&(_, &weight)| weight > 0.0)
            .map(|(candidate, &weight)| Member { method: candidate.method.clone(), logarithms: candidate.logarithms, weight })
            .collect();
        method.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let backtest = self.back_test(history, options.level);
        let mending = Mending { filled: history.filled, calmed: history.calmed, trailing: history.trailing_gap };
        let why = reasons::of_forecast(seasons, step_us, &method, &backtest, mending, options.level);
        Forecast { mean, lower, upper, method, season: seasons.to_vec(), backtest, why }
    }

    fn back_test(&self, history: &History, level: f64) -> BackTest {
        let (mut inside, mut count, mut error, mut naive) = (0_usize, 0_usize, 0.0, 0.0);
        let mut origins = Vec::with_capacity(self.mixed.len());
        for (origin, mix) in self.mixed.iter().enumerate() {
            let end = self.rolling.ends[origin];
            let widths = interval::half_widths(&self.spread.scores, self.spread.span, Some(origin), mix.len(), level);
            let band = Band { mean: mix, widths: &widths, scale: self.spread.lengths[origin], non_negative: history.non_negative };
            let (mean, lower, upper) = band.unscaled(history, 0);
            let actual: Vec<f64> = self.views.plain[end..end + mix.len()].iter().map(|&value| history.unscaled(value)).collect();
            for (step, came) in actual.iter().enumerate() {
                count += 1;
                inside += usize::from((lower[step]..=upper[step]).contains(came));
                error += (mean[step] - came).abs();
                let season = self.season.min(end);
                let before = self.views.plain[end - season + step % season];
                naive += (history.unscaled(before) - came).abs();
            }
            origins.push(Origin { at: end, mean, lower, upper, actual });
        }
        let total = count.max(1) as f64;
        BackTest { origins, coverage: inside as f64 / total, error: error / total, naive_error: naive / total }
    }
}

/// Errors at the origins in the yardstick that served best.
struct Spread {
    scores: Vec<Vec<f64>>,
    lengths: Vec<f64>,
    now: f64,
    /// Steps from the first origin to the end.
    span: usize,
}

impl Spread {
    /// The yardstick with the least interval score over the origins.
    fn choose(values: &[f64], ends: &[usize], mixed: &[Vec<f64>], season: usize, level: f64) -> Self {
        let span = values.len() - ends.first().copied().unwrap_or(0);
        let measure = |yardstick: Yardstick| {
            let lengths: Vec<f64> = ends.iter().map(|&end| yardstick.length(&values[..end], season)).collect();
            let errors = |origin: usize| mixed[origin].iter().zip(&values[ends[origin]..]).map(|(said, came)| (said - came).abs());
            let scores: Vec<Vec<f64>> =
                (0..ends.len()).map(|origin| errors(origin).map(|error| error / lengths[origin]).collect()).collect();
            let cost = interval::interval_score(&scores, span, &lengths, level);
            (cost, Self { scores, lengths, span, now: yardstick.length(values, season) })
        };
        let mut best = measure(Yardstick::Even);
        for yardstick in Yardstick::ALL {
            let other = measure(yardstick);
            if other.0 < best.0 {
                best = other;
            }
        }
        best.1
    }
}

/// A mean and half widths, still scaled.
struct Band<'a> {
    mean: &'a [f64],
    widths: &'a [f64],
    scale: f64,
    non_negative: bool,
}

impl Band<'_> {
    /// Mean, lower and upper in the caller's unit, without the first `skip` steps.
    fn unscaled(&self, history: &History, skip: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let floor = if self.non_negative { 0.0 } else { f64::NEG_INFINITY };
        let steps = || self.mean.iter().zip(self.widths).skip(skip);
        let mean = steps().map(|(mean, _)| history.unscaled(mean.max(floor))).collect();
        let lower = steps().map(|(mean, width)| history.unscaled((mean - width * self.scale).max(floor))).collect();
        let upper = steps().map(|(mean, width)| history.unscaled((mean + width * self.scale).max(floor))).collect();
        (mean, lower, upper)
    }
}
