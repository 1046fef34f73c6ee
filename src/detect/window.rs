//! The stretch of time that one run of a rule judges.

use std::collections::BTreeMap;

use crate::clock::{TimestampUs, rfc3339};

/// The window of one run, and the names under which the query reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// `$read_start`: from here on the query may read, to compare with; no finding begins before `$window_start`.
    pub read_start_us: TimestampUs,
    /// `$window_start`: first moment judged, inclusive.
    pub start_us: TimestampUs,
    /// `$window_end`: end, exclusive.
    pub end_us: TimestampUs,
}

/// The parameters that every rule may use.
pub(super) const PARAMETERS: [&str; 3] = ["read_start", "window_start", "window_end"];

impl Window {
    /// Name (without `$`) and value of each parameter; the query takes them as timestamps in µs UTC.
    pub fn parameters(&self) -> [(&'static str, TimestampUs); 3] {
        let [read_start, start, end] = PARAMETERS;
        [(read_start, self.read_start_us), (start, self.start_us), (end, self.end_us)]
    }

    /// The parameters as text, for evidence.
    pub fn parameter_texts(&self) -> BTreeMap<String, String> {
        self.parameters().map(|(name, at_us)| (name.to_owned(), rfc3339(at_us))).into()
    }

    /// Whether a moment is judged, not only read.
    pub fn judges(&self, at_us: TimestampUs) -> bool {
        (self.start_us..self.end_us).contains(&at_us)
    }
}
