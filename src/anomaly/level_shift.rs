//! The level of a series has moved and stays: said once, after a whole day on one side of the expectation.
//!
//! It stands beside the detector and is fed with its expectation, which knows the day's shape, weekends and holidays. The detector alarms
//! at the begin of a shift; this says the next day that it was one. The caller then moves the detector's baseline (`Detector::rebase`).

use super::state_bytes::{StateError, StateReader, StateWriter};

/// First byte of a saved state, and the version of its layout.
const KIND: u8 = 0xD4;
const VERSION: u8 = 1;
/// Seconds of a season.
const SEASON_S: i64 = 86_400;
/// Days after which the usual daily deviation is known: a week, with its weekend.
const KNOWN_DAYS: u32 = 7;
/// Points that a day needs to count.
const FEWEST_POINTS: u32 = 12;
/// A shifted day deviates five times as much as a day usually does, and nine points in ten deviate to the same side.
const TIMES_USUAL: f64 = 5.0;
const SAME_SIDE: f64 = 0.9;
/// Weight of the newest day in the usual deviation: about two weeks.
const SHARE: f64 = 0.07;

/// Daily deviations of one series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LevelShift {
    day: i64,
    points: u32,
    above: u32,
    deviations: f64,
    expectations: f64,
    days: u32,
    usual: f64,
}

/// The level moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// Mean expectation of the day.
    pub from: f64,
    /// Mean value of the day.
    pub to: f64,
    /// Unix seconds of the day's begin.
    pub since_s: i64,
}

impl LevelShift {
    /// Knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more point with what was expected (`Reading::expected`; a point without expectation is left out). The answer comes with the first
    /// point of the next day.
    pub fn update(&mut self, timestamp_s: i64, value: f64, expected: f64) -> Option<Shift> {
        let deviation = value - expected;
        if !deviation.is_finite() {
            return None;
        }
        let day = timestamp_s.div_euclid(SEASON_S);
        let shift = if day > self.day { self.close_day() } else { None };
        if day > self.day {
            self.day = day;
        }
        self.points = self.points.saturating_add(1);
        self.above = self.above.saturating_add(u32::from(deviation > 0.0));
        self.deviations += deviation;
        self.expectations += expected;
        shift
    }

    fn close_day(&mut self) -> Option<Shift> {
        let points = f64::from(self.points);
        let (mean, expected) = (self.deviations / points, self.expectations / points);
        let side = f64::from(self.above.max(self.points - self.above)) / points;
        let counts = self.points >= FEWEST_POINTS && mean.is_finite() && expected.is_finite();
        (self.points, self.above, self.deviations, self.expectations) = (0, 0, 0.0, 0.0);
        if !counts {
            return None;
        }
        let shifted = self.days >= KNOWN_DAYS && side >= SAME_SIDE && mean.abs() > TIMES_USUAL * self.usual && mean != 0.0;
        // A shifted day is no usual day, but if all days are such, they are usual: it counts as far as the limit.
        let usual = if self.days >= KNOWN_DAYS { mean.abs().min(TIMES_USUAL * self.usual) } else { mean.abs() };
        self.days = self.days.saturating_add(1);
        self.usual += SHARE.max(1.0 / f64::from(self.days)) * (usual - self.usual);
        shifted.then(|| Shift { from: expected, to: expected + mean, since_s: self.day.saturating_mul(SEASON_S) })
    }

    /// The state as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = StateWriter::new(KIND, VERSION);
        out.i64(self.day);
        [self.points, self.above, self.days].into_iter().for_each(|count| out.u32(count));
        [self.deviations, self.expectations, self.usual].into_iter().for_each(|number| out.f64(number));
        out.into_bytes()
    }

    /// The state that [`LevelShift::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut from = StateReader::open(bytes, KIND, VERSION)?;
        let day = from.i64()?;
        let (points, above, days) = (from.u32()?, from.u32()?, from.u32()?);
        let (deviations, expectations, usual) = (from.f64()?, from.f64()?, from.f64()?);
        from.close()?;
        if above > points {
            return Err(StateError::Damaged("points of the day"));
        }
        Ok(Self { day, points, above, deviations, expectations, days, usual })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Detector;
    use super::*;

    fn value(step: i64) -> f64 {
        let level = if step >= 288 * 20 { 30.0 } else { 0.0 };
        100.0 + 10.0 * (step as f64 / 288.0 * std::f64::consts::TAU).sin() + (step * 7_919 % 101) as f64 / 25.0 + level
    }

    #[test]
    fn a_shift_is_said_once_and_rebasing_ends_it() {
        let (mut detector, mut shift) = (Detector::new(300), LevelShift::new());
        let mut said = Vec::new();
        for step in 0..288 * 30 {
            let reading = detector.update(step * 300, value(step));
            if let Some(found) = shift.update(step * 300, value(step), reading.expected) {
                detector.rebase(found.to - found.from);
                said.push((step / 288, found));
            }
        }
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].0, 21);
        assert!((said[0].1.to - said[0].1.from) > 15.0, "{said:?}");
        assert_eq!(LevelShift::from_bytes(&shift.to_bytes()), Ok(shift));
    }

    #[test]
    fn numbers_that_are_none_change_nothing() {
        let mut shift = LevelShift::new();
        assert_eq!(shift.update(0, f64::NAN, 1.0), None);
        assert_eq!(shift.update(i64::MAX, 1.0, f64::INFINITY), None);
        assert_eq!(shift, LevelShift::new());
    }
}
