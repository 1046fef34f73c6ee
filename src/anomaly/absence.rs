//! A series that came regularly is missing.

use super::state_bytes::{StateError, StateReader, StateWriter};

/// First byte of a saved state, and the version of its layout.
const KIND: u8 = 0xD3;
const VERSION: u8 = 1;
/// Intervals after which a rhythm is known.
const KNOWN_AFTER: u32 = 20;
/// Weight of the newest interval: a memory of twenty.
const SHARE: f64 = 0.05;
/// Missing is three intervals (two lost points are a network's business) and five mean deviations of the interval.
const INTERVALS: f64 = 3.0;
const DEVIATIONS: f64 = 5.0;
/// Nothing is missed within a minute: batches and clocks are not finer than that.
const SHORTEST_S: f64 = 60.0;

/// Rhythm of one series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Absence {
    last_s: i64,
    intervals: u32,
    interval_s: f64,
    deviation_s: f64,
    announced: bool,
}

/// A series is missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Missing {
    /// Unix seconds of the last point.
    pub last_s: i64,
    /// Seconds between points as learned.
    pub interval_s: f64,
    /// Seconds without a point after which it counts as missing.
    pub patience_s: f64,
}

impl Absence {
    /// Knows no rhythm.
    pub fn new() -> Self {
        Self::default()
    }

    /// A point came.
    pub fn arrive(&mut self, timestamp_s: i64) {
        let interval = timestamp_s.saturating_sub(self.last_s) as f64;
        if self.intervals > 0 && interval <= 0.0 {
            return;
        }
        if self.intervals > 1 {
            let usual = if self.intervals > KNOWN_AFTER { interval.min(self.patience_s()) } else { interval };
            let share = SHARE.max(1.0 / f64::from(self.intervals));
            self.deviation_s += share * ((usual - self.interval_s).abs() - self.deviation_s);
            self.interval_s += share * (usual - self.interval_s);
        } else if self.intervals == 1 {
            self.interval_s = interval;
        }
        self.intervals = self.intervals.saturating_add(1);
        self.last_s = timestamp_s;
        self.announced = false;
    }

    /// How long a silence is borne, in seconds.
    pub fn patience_s(&self) -> f64 {
        (INTERVALS * self.interval_s + DEVIATIONS * self.deviation_s).max(SHORTEST_S)
    }

    /// Whether the series is missing at `now_s`; said once for each silence.
    pub fn check(&mut self, now_s: i64) -> Option<Missing> {
        let silent = now_s.saturating_sub(self.last_s) as f64;
        if self.announced || self.intervals <= KNOWN_AFTER || silent <= self.patience_s() {
            return None;
        }
        self.announced = true;
        Some(Missing { last_s: self.last_s, interval_s: self.interval_s, patience_s: self.patience_s() })
    }

    /// The state as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = StateWriter::new(KIND, VERSION);
        out.i64(self.last_s);
        out.u32(self.intervals);
        out.f64(self.interval_s);
        out.f64(self.deviation_s);
        out.u8(u8::from(self.announced));
        out.into_bytes()
    }

    /// The state that [`Absence::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut from = StateReader::open(bytes, KIND, VERSION)?;
        let fresh = Self {
            last_s: from.i64()?,
            intervals: from.u32()?,
            interval_s: from.f64()?,
            deviation_s: from.f64()?,
            announced: from.u8()? != 0,
        };
        from.close()?;
        Ok(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_series_is_missed_after_three_intervals_once() {
        let mut absence = Absence::new();
        (0..50).for_each(|step| absence.arrive(1_000 + step * 60));
        let last = 1_000 + 49 * 60;
        assert_eq!(absence.check(last + 180), None);
        assert!(absence.check(last + 200).is_some());
        assert_eq!(absence.check(last + 400), None, "said once");
        absence.arrive(last + 500);
        assert_eq!(absence.check(last + 560), None);
        assert_eq!(Absence::from_bytes(&absence.to_bytes()), Ok(absence));
        assert!(absence.check(last + 5_000).is_some(), "said again for the next silence");
    }

    #[test]
    fn an_irregular_series_is_given_more_time() {
        let mut absence = Absence::new();
        let mut time = 0;
        for step in 0..200_i64 {
            time += if step % 5 == 0 { 900 } else { 60 };
            absence.arrive(time);
        }
        assert_eq!(absence.check(time + 1_000), None);
        assert!(absence.check(time + 10_000).is_some());
    }

    #[test]
    fn no_rhythm_no_absence() {
        let mut absence = Absence::new();
        (0..10).for_each(|step| absence.arrive(step * 60));
        assert_eq!(absence.check(i64::MAX), None);
    }
}
