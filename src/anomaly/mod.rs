//! Anomalies in metrics: what a good operator would notice on a graph, from one series' own past.
//!
//! **The story of a point.** A counter first becomes a rate ([`CounterRate`]). The [`Detector`] compares the value with what is expected at
//! this time of day (`baseline`: working days and weekends apart), with the last few points, and the series' state with the states it has
//! been in (`novelty`). Each comparison is a *stream* of non-negative numbers, and each stream is calibrated against its own past
//! (`calibration`): how rare is this much? The surprises, −log₁₀ of a chance, are joined ([`Reading`]): into the evidence, which counts
//! deviations that persist and grows stricter with the series' age, and into the score, which ranks the points of a series. The two are apart:
//! what lasts makes an alarm sure, and it lags, which ranks worse. A long mean and a lasting deviation are evidence only when they break
//! their own record. An alarm is evidence above the threshold and above the bar that the last alarm left behind (`alarm`).
//!
//! **What was tried and left out**, chosen on one half of each data set. Surprising points in a row that count a third in the past: the score ranks
//! a little better, false alarms on server metrics rise by half and more. The lasting deviation without a record to break: half as many false
//! alarms again on NAB's files. Measured from the last few points too: no gain. Never below the mean deviation in its past: more false alarms on
//! server metrics. Records for the short mean: a third fewer false alarms there, and two or three of NAB's windows lost. Dependence between
//! points measured instead of set: no difference.
//!
//! Beside it, each a file: a series that no longer comes ([`Absence`]), a level that moved and stays ([`LevelShift`]), a series that stands
//! still ([`FlatLine`]), a value near a known limit ([`Saturation`]), a trend that will reach one ([`ForecastBreach`]).
//!
//! # Contract
//! * Pure: state and a point in, a reading out. No clock, no input or output, no allocation after construction.
//! * Causal: a reading depends on its point and the ones before.
//! * The same defaults for every series, one threshold ([`DEFAULT_THRESHOLD`]), sensitivity in words by [`threshold_for`].
//! * Constant time a point. Any spacing, repeats and steps back in time are borne; a value that is no finite number changes nothing.
//!
//! # Invariants
//! * State of a series is at most 2,560 bytes, in memory and saved (test `the_state_is_small`).
//! * A restored state goes on bit for bit as the old one (test `a_restored_detector_goes_on_exactly_as_the_old_one`).
//! * Scores are finite, 0 to 20, on any input (test `scores_are_finite_and_in_range_on_any_input`).
//!
//! # Time
//! The detector sees UTC seconds. A daylight-saving change moves the day by an hour: the smoothed streams take the nearest of the
//! expectations an hour around. The first weekend counts half and teaches no surprises, later ones have a profile of their own, and a holiday
//! may look like either. Measured by `benches/evaluate/anomaly.rs`.

mod absence;
mod alarm;
mod baseline;
mod calibration;
mod detector;
#[cfg(test)]
mod detector_tests;
mod flat_line;
mod forecast_breach;
mod level_shift;
mod logarithm;
mod novelty;
mod rate;
mod saturation;
mod series;
mod state_bytes;
mod states;

pub use absence::{Absence, Missing};
pub use alarm::{DEFAULT_THRESHOLD, threshold_for};
pub use detector::{Detector, Reading, Stream};
pub use flat_line::{FlatLine, Standstill};
pub use forecast_breach::{Breach, ForecastBreach};
pub use level_shift::{LevelShift, Shift};
pub use rate::CounterRate;
pub use saturation::{NearLimit, Saturation};
pub use series::{detect_series, infer_period};
pub use state_bytes::StateError;
pub use states::SeriesStates;
