//! The stretch of time that one run of a rule judges.

use std::collections::BTreeMap;

use crate::clock::TimestampUs;

/// The window of one run, and the names under which the query reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// `$window_start`: first moment, inclusive.
    pub start_us: TimestampUs,
    /// `$window_end`: end, exclusive. The rule's watermark after a good run.
    pub end_us: TimestampUs,
    /// `$watermark`: end of the window of the run before; what happened since then has not been judged. At a rule's first
    /// run it is the start of the window.
    pub watermark_us: TimestampUs,
}

/// The parameters that every rule may use.
pub(super) const PARAMETERS: [&str; 3] = ["window_start", "window_end", "watermark"];

impl Window {
    /// Name (without `$`) and value of each parameter; the query takes them as timestamps in µs UTC.
    pub fn parameters(&self) -> [(&'static str, TimestampUs); 3] {
        let [start, end, watermark] = PARAMETERS;
        [(start, self.start_us), (end, self.end_us), (watermark, self.watermark_us)]
    }

    /// The parameters as text, for evidence.
    pub fn parameter_texts(&self) -> BTreeMap<String, String> {
        let text = |at_us| jiff::Timestamp::from_microsecond(at_us).map_or_else(|_| format!("{at_us} µs"), |at| at.to_string());
        self.parameters().map(|(name, at_us)| (name.to_owned(), text(at_us))).into()
    }
}
