//! A series that always moved stands still: a frozen sensor or exporter.

use super::state_bytes::{StateError, StateReader, StateWriter};

/// First byte of a saved state, and the version of its layout.
const KIND: u8 = 0xD5;
const VERSION: u8 = 1;
/// Points before anything is said.
const KNOWN_AFTER: u32 = 200;
/// A standstill is a dozen points at least, and six times the longest run of equal values that was usual.
const FEWEST: f64 = 12.0;
const TIMES_USUAL: f64 = 6.0;
/// The longest usual run is forgotten by e in a thousand points.
const FORGET: f64 = 0.001;

/// Runs of equal values of one series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FlatLine {
    seen: u32,
    last: f64,
    run: u32,
    since_s: i64,
    longest: f64,
}

/// The series stands still.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standstill {
    /// The value it stands at.
    pub value: f64,
    /// Unix seconds of the first point of the run.
    pub since_s: i64,
    /// Points of the longest run that was usual.
    pub usual_run: f64,
}

impl FlatLine {
    /// Knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more point; a standstill is said once, when the run gets too long. Values that are no finite number are left out.
    pub fn update(&mut self, timestamp_s: i64, value: f64) -> Option<Standstill> {
        if !value.is_finite() {
            return None;
        }
        self.seen = self.seen.saturating_add(1);
        self.longest *= 1.0 - FORGET;
        if self.run == 0 || value != self.last {
            // A run ends: it is usual from now on, but one long standstill must not hide the next.
            let counted = f64::from(self.run).min((2.0 * self.longest).max(FEWEST));
            self.longest = self.longest.max(if self.seen > KNOWN_AFTER { counted } else { f64::from(self.run) });
            (self.last, self.run, self.since_s) = (value, 1, timestamp_s);
            return None;
        }
        self.run = self.run.saturating_add(1);
        let limit = (TIMES_USUAL * self.longest).max(FEWEST).ceil();
        let reached = f64::from(self.run) >= limit && f64::from(self.run) < limit + 1.0;
        (self.seen > KNOWN_AFTER && reached && self.moved_before()).then_some(Standstill {
            value,
            since_s: self.since_s,
            usual_run: self.longest,
        })
    }

    /// A series that was still for all of its life never moved.
    fn moved_before(&self) -> bool {
        self.run < self.seen
    }

    /// The state as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = StateWriter::new(KIND, VERSION);
        out.u32(self.seen);
        out.u32(self.run);
        out.i64(self.since_s);
        out.f64(self.last);
        out.f64(self.longest);
        out.into_bytes()
    }

    /// The state that [`FlatLine::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut from = StateReader::open(bytes, KIND, VERSION)?;
        let (seen, run) = (from.u32()?, from.u32()?);
        let fresh = Self { seen, run, since_s: from.i64()?, last: from.f64()?, longest: from.f64()? };
        from.close()?;
        Ok(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moving_series_that_stops_is_said_once() {
        let mut flat = FlatLine::new();
        let said: Vec<i64> = (0..2_000_i64)
            .filter(|step| flat.update(step * 60, if (1_000..1_500).contains(step) { 50.0 } else { (step % 7) as f64 }).is_some())
            .collect();
        assert_eq!(said, vec![1_011], "twelve equal points");
        assert_eq!(FlatLine::from_bytes(&flat.to_bytes()), Ok(flat));
    }

    #[test]
    fn series_that_often_stand_still_may() {
        let mut flat = FlatLine::new();
        assert!((0..5_000_i64).all(|step| flat.update(step, (step / 30) as f64).is_none()));
        let mut constant = FlatLine::new();
        assert!((0..5_000_i64).all(|step| constant.update(step, 1.0).is_none()));
    }
}
