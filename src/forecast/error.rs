//! Why there is no forecast.

use thiserror::Error;

/// A forecast was refused. Nothing is ever made up in its place.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ForecastError {
    /// Fewer values than a statement about the future needs.
    #[error("not enough history: {have} of the {need} values that it takes; ask again when more has been measured")]
    NotEnoughHistory {
        /// Values that are there and finite.
        have: usize,
        /// How many it takes.
        need: usize,
    },
    /// More was missing than there was.
    #[error("too many gaps: {missing} of {of} values are missing, at most half may be; fill them, or forecast a coarser step")]
    TooManyGaps {
        /// Slots without a finite value.
        missing: usize,
        /// All slots from the first value to the last.
        of: usize,
    },
    /// No two moments.
    #[error("not enough history: {points} points, and no two different moments among them; a forecast needs the values of several")]
    NoSteps {
        /// Points there are.
        points: usize,
    },
    /// Longer, at its step, than anybody forecasts from.
    #[error("it has {steps} steps of {step_s} s from its first moment to its last; give at most {most}, or coarser ones")]
    TooManySteps {
        /// Steps there would be.
        steps: i64,
        /// Their length in seconds.
        step_s: i64,
        /// Steps at most.
        most: i64,
    },
    /// What was asked for makes no sense.
    #[error("{what} is {got}: {instead}")]
    BadOption {
        /// Name of the option.
        what: &'static str,
        /// What it was.
        got: String,
        /// What to write instead.
        instead: String,
    },
}
