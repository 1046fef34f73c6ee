//! Anomalies in metrics.
mod absence;
mod alarm;
mod baseline;
mod calibration;
mod detector;
mod flat_line;
mod forecast_breach;
mod level_shift;
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
