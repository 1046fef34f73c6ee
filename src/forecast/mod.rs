//! What will be, and how sure: forecasts of regular series, and the day on which a resource is full.
//!
//! **A general forecast** ([`forecast`]). The history is read (`history`: gaps, wild values, scale), its seasons are found (`season`), and a handful of
//! methods (`method`) forecast from a dozen or two earlier moments of the same series (`back_test`). Their errors there decide how much of each is in the mix
//! (`ensemble`), and the mix's errors there, each judged by weights from the other moments, are the interval (`interval`). So the interval needs no belief about
//! distributions, and the back-test that a person sees is the one that decided.
//!
//! **A time to a threshold** ([`time_to_threshold`]). A year of days is taken apart (`daily`): seasons, jumps of the level (`level_shift`), days on which the growth
//! became another (`kink`), clean-ups (`saw_tooth`). What is left is followed by local linear trends, side by side and weighted by evidence
//! (`local_trend`). Two thousand paths from there say when the threshold is first reached (`first_passage`), with spreads that are wider or narrower as the
//! trends' own errors were before (`calibration`).
//!
//! # Contract
//! * Pure and deterministic: the same values give the same answer, on every machine. No clock, no input or output.
//! * Not enough history is an error ([`ForecastError`]), never a number.
//! * Any values are borne: gaps (NaN, infinities), constants, zeros, the largest and smallest numbers there are.
//! * Work is bounded: the last 10,080 values of a series, 730 days of a resource; about a tenth of a second and a millisecond on one core.
//!
//! # Invariants
//! * lower ≤ mean ≤ upper, all finite; lower ≤ median ≤ upper of a time (tests `any_values_are_borne`, `any_days_are_borne`).
//! * A series that was never negative is never forecast to be.
//! * Scaling the values scales the forecast (test `the_unit_does_not_matter`).
//!
//! # Tried and left out
//! * Theta with an optimised θ: the mix was better without it (M4 development series, OWA with and without: weekly .681 and .660, hourly .420 and .420).
//! * Seasons by the calendar: hourly series with a season of 23 exist, and 5-minute files with lost rows have days of 284 steps.
//!
//! How good it is: `benches/evaluate`.

mod analogue;
mod back_test;
mod calibration;
mod daily;
mod ensemble;
mod error;
mod excursion;
mod first_passage;
#[cfg(test)]
mod forecast_tests;
mod general;
mod grid;
mod history;
mod interval;
mod kink;
mod level_shift;
mod local_trend;
mod method;
mod options;
mod order_statistics;
#[cfg(test)]
mod quality_tests;
mod random;
mod reasons;
mod recurring_peaks;
mod regression;
mod saw_tooth;
mod season;
mod seasonal_naive;
mod simplex;
mod smoothing;
mod tails;
mod threshold;
#[cfg(test)]
mod threshold_tests;

pub use calibration::Calibration;
pub use error::ForecastError;
pub use general::{BackTest, Forecast, Member, Origin, forecast};
pub use grid::Grid;
pub use method::Method;
pub use options::{LONGEST_HORIZON, Options, SeasonOption, USUAL_LEVEL};
pub use tails::{lower_tail, upper_tail};
pub use threshold::{Futures, OutlookDay, PastStatement, Shape, ThresholdOptions, TimeToThreshold, YEAR_DAYS, time_to_threshold};
