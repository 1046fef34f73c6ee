//! Where the states of many series are kept between two runs over their points.

use std::fmt::Debug;

/// States of series by name. A run loads what a series was before, takes the new points in, and saves what it is then.
pub trait SeriesStates: Debug + Send + Sync {
    /// The state of a series and the Unix second up to which its points are in it; `None` if it was never seen.
    fn load(&self, series: &str) -> Option<(Vec<u8>, i64)>;

    /// Keeps the state of a series with all points before `until_s`.
    fn save(&self, series: String, state: Vec<u8>, until_s: i64);

    /// Points at this Unix second or later may still change; the state to save is the one before them.
    fn settled_until_s(&self) -> i64;
}
