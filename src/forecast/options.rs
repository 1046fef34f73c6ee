//! What a forecast is asked for.

use super::error::ForecastError;

/// Longest horizon: a year of 5-minute steps is the longest anybody has a use for.
pub const LONGEST_HORIZON: usize = 105_120;

/// Share of futures that an interval holds if nothing is said.
pub const USUAL_LEVEL: f64 = 0.95;

/// How many steps a season has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SeasonOption {
    /// Found in the data by autocorrelation.
    #[default]
    Auto,
    /// As the caller knows it; 0 and 1 mean none.
    Steps(usize),
}

/// What a forecast is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How many steps ahead, 1 to [`LONGEST_HORIZON`] and at most as many as the history has.
    pub horizon: usize,
    /// Share of futures that the interval is to hold, between 0.5 and 0.999; 0.95 if nothing is said.
    pub level: f64,
    /// The season.
    pub season: SeasonOption,
}

impl Options {
    /// `horizon` steps at 95 % with the season found in the data.
    pub fn new(horizon: usize) -> Self {
        Self { horizon, level: USUAL_LEVEL, season: SeasonOption::Auto }
    }

    /// Refuses what makes no sense.
    pub(super) fn check(&self, step_us: i64) -> Result<(), ForecastError> {
        if step_us <= 0 {
            let instead = "give the microseconds from value to value, such as 3600000000 for an hour".to_owned();
            return Err(ForecastError::BadOption { what: "step", got: step_us.to_string(), instead });
        }
        if self.horizon == 0 || self.horizon > LONGEST_HORIZON {
            let instead = format!("ask for 1 to {LONGEST_HORIZON} steps");
            return Err(ForecastError::BadOption { what: "horizon", got: self.horizon.to_string(), instead });
        }
        check_level(self.level)
    }
}

/// A level that an interval can have.
pub(super) fn check_level(level: f64) -> Result<(), ForecastError> {
    // Beyond 0.999 no history is long enough to say anything; below a half it is no interval but a point.
    if (0.5..=0.999).contains(&level) {
        return Ok(());
    }
    Err(ForecastError::BadOption {
        what: "level",
        got: level.to_string(),
        instead: "ask for a share between 0.5 and 0.999, such as 0.95".to_owned(),
    })
}
