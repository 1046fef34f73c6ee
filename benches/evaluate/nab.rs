//! Scoring by the rules of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015, arXiv:1510.03336; scorer version 1.1), with one fixed
//! threshold: the alarm column is taken as it is.

use crate::labelled_series::LabelledSeries;

/// Weights of a profile: true positive, false positive, false negative.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    true_positive: f64,
    false_positive: f64,
    false_negative: f64,
}

/// Standard, reward low false positives, reward low false negatives (NAB, `config/profiles.json`).
pub(crate) const PROFILES: [Profile; 3] = [
    Profile { true_positive: 1.0, false_positive: 0.11, false_negative: 1.0 },
    Profile { true_positive: 1.0, false_positive: 0.22, false_negative: 1.0 },
    Profile { true_positive: 1.0, false_positive: 0.11, false_negative: 2.0 },
];

/// What one series, or many, came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Raw score by profile.
    pub(crate) raw: [f64; 3],
    /// Labelled windows.
    pub(crate) windows: usize,
    /// Windows with at least one alarm.
    pub(crate) caught: usize,
    /// Alarms outside windows and after the probation.
    pub(crate) false_alarms: usize,
    /// Weeks of scored time outside windows.
    pub(crate) weeks: f64,
    /// Rows from a window's begin to its first alarm, as a share of the window.
    pub(crate) delays: Vec<f64>,
}

impl Outcome {
    /// Adds another series.
    pub(crate) fn add(&mut self, other: &Outcome) {
        for profile in 0..3 {
            self.raw[profile] += other.raw[profile];
        }
        self.windows += other.windows;
        self.caught += other.caught;
        self.false_alarms += other.false_alarms;
        self.weeks += other.weeks;
        self.delays.extend(&other.delays);
    }

    /// The three profile scores: 0 is a detector that never fires, 100 one that fires at the begin of each window only.
    pub(crate) fn scores(&self) -> [f64; 3] {
        std::array::from_fn(|profile| {
            let weights = PROFILES[profile];
            let null = -weights.false_negative * self.windows as f64;
            let perfect = weights.true_positive * self.windows as f64;
            100.0 * (self.raw[profile] - null) / (perfect - null)
        })
    }

    /// False alarms per series and week.
    pub(crate) fn false_alarms_a_week(&self) -> f64 {
        self.false_alarms as f64 / self.weeks.max(1e-9)
    }

    /// Median delay as a share of the window.
    pub(crate) fn median_delay(&self) -> f64 {
        let mut delays = self.delays.clone();
        delays.sort_by(f64::total_cmp);
        delays.get(delays.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

fn scaled_sigmoid(position: f64) -> f64 {
    if position > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * position).exp()) - 1.0 }
}

/// Rows that are not scored: 15 % of the file, at most 15 % of 5,000 rows.
pub(crate) fn probation(rows: usize) -> usize {
    ((0.15 * rows as f64).floor() as usize).min(750)
}

/// Scores one series by its alarm rows.
pub(crate) fn score(series: &LabelledSeries, alarms: &[bool]) -> Outcome {
    let probation = probation(alarms.len()).max(series.unlabelled_rows);
    let mut outcome = Outcome { windows: series.windows.len(), ..Outcome::default() };
    let best = scaled_sigmoid(-1.0);
    let mut best_in_window = vec![f64::NEG_INFINITY; series.windows.len()];
    let mut false_sum = 0.0;
    let mut free_rows = 0;
    for (row, alarm) in alarms.iter().enumerate().skip(probation) {
        let at = series.windows.partition_point(|window| window.1 < row);
        let inside = series.windows.get(at).filter(|window| window.0 <= row);
        free_rows += usize::from(inside.is_none());
        if !alarm {
            continue;
        }
        if let Some(&(first, last)) = inside {
            let width = (last - first + 1) as f64;
            let value = scaled_sigmoid(-((last - row + 1) as f64) / width) / best;
            if best_in_window[at] == f64::NEG_INFINITY {
                outcome.delays.push((row - first) as f64 / width);
            }
            best_in_window[at] = best_in_window[at].max(value);
        } else {
            outcome.false_alarms += 1;
            false_sum += match at.checked_sub(1).map(|before| series.windows[before]) {
                Some((first, last)) => scaled_sigmoid((row - last) as f64 / ((last - first) as f64).max(1.0)),
                None => -1.0,
            };
        }
    }
    outcome.caught = best_in_window.iter().filter(|value| value.is_finite()).count();
    for (profile, weights) in PROFILES.iter().enumerate() {
        let windows: f64 = best_in_window
            .iter()
            .map(|value| if value.is_finite() { weights.true_positive * value } else { -weights.false_negative })
            .sum();
        outcome.raw[profile] = windows + weights.false_positive * false_sum;
    }
    let span = series.points.last().map_or(0, |point| point.0) - series.points.get(probation).map_or(0, |point| point.0);
    let scored = alarms.len().saturating_sub(probation).max(1);
    outcome.weeks = span as f64 / 604_800.0 * free_rows as f64 / scored as f64;
    outcome
}
