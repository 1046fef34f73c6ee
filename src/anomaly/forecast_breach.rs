//! A series is on its way to a limit: a damped linear trend reaches it within the horizon.
//!
//! Holt's two smoothings with a damped trend (Gardner and McKenzie 1985), in seconds, so that any spacing of points will do. This is the
//! alert "full in six hours", not the capacity forecast, which has intervals and back-tests.

use super::state_bytes::{StateError, StateReader, StateWriter};

/// First byte of a saved state, and the version of its layout.
const KIND: u8 = 0xD7;
const VERSION: u8 = 1;
/// The level follows within a twentieth of the horizon, the trend within a fifth: a trend that is to hold for the horizon has to have held
/// for a good part of it.
const LEVEL_SHARE: f64 = 0.05;
const TREND_SHARE: f64 = 0.2;
/// A trend counts when it brings five mean deviations over the horizon.
const CLEAR: f64 = 5.0;
/// Points in a row that have to foresee the breach, or not.
const IN_A_ROW: u8 = 3;

/// Level and trend of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForecastBreach {
    limit: f64,
    horizon_s: f64,
    first_s: i64,
    last_s: i64,
    seen: u32,
    level: f64,
    /// A second.
    trend: f64,
    deviation: f64,
    row: u8,
    announced: bool,
}

/// The limit will be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Breach {
    /// Seconds from the point on.
    pub in_s: f64,
    /// The smoothed value now.
    pub level: f64,
    /// The smoothed growth a second.
    pub trend: f64,
    /// The limit.
    pub limit: f64,
}

impl ForecastBreach {
    /// For a limit, reached from below by growth or from above by decline, and a horizon in seconds.
    pub fn new(limit: f64, horizon_s: u32) -> Self {
        let horizon_s = f64::from(horizon_s.max(1));
        let (first_s, last_s, seen, row) = (0, 0, 0, 0);
        Self { limit, horizon_s, first_s, last_s, seen, level: 0.0, trend: 0.0, deviation: 0.0, row, announced: false }
    }

    /// The limit.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// How far it looks ahead, in seconds.
    pub fn horizon_s(&self) -> u32 {
        self.horizon_s as u32
    }

    /// One more point; a breach ahead is said once, until it was clearly not ahead any more. Values that are no finite number and steps
    /// back in time are left out.
    pub fn update(&mut self, timestamp_s: i64, value: f64) -> Option<Breach> {
        if !value.is_finite() || !self.limit.is_finite() || (self.seen > 0 && timestamp_s <= self.last_s) {
            return None;
        }
        if self.seen == 0 {
            (self.first_s, self.level) = (timestamp_s, value);
        } else {
            self.follow(timestamp_s.saturating_sub(self.last_s) as f64, value);
        }
        self.last_s = timestamp_s;
        self.seen = self.seen.saturating_add(1);
        let ahead = self.ahead();
        let consistent = ahead.is_some() != self.announced;
        self.row = if consistent { self.row.saturating_add(1) } else { 0 };
        if self.row < IN_A_ROW {
            return None;
        }
        self.row = 0;
        self.announced = !self.announced;
        ahead
    }

    fn follow(&mut self, step_s: f64, value: f64) {
        let memory = |share: f64| 1.0 - (-step_s / (share * self.horizon_s)).exp();
        let (level_weight, trend_weight) = (memory(LEVEL_SHARE), memory(TREND_SHARE));
        let foreseen = self.level + self.trend * step_s;
        let miss = value - foreseen;
        let level = foreseen + level_weight * miss;
        self.trend += trend_weight * ((level - self.level) / step_s - self.trend);
        self.deviation += trend_weight * (miss.abs() - self.deviation);
        self.level = level;
    }

    fn ahead(&self) -> Option<Breach> {
        let distance = self.limit - self.level;
        let long_enough = self.last_s.saturating_sub(self.first_s) as f64 >= TREND_SHARE * self.horizon_s;
        let clear = (self.trend * self.horizon_s).abs() > CLEAR * self.deviation;
        if !long_enough || !clear || self.trend == 0.0 || self.trend.signum() != distance.signum() {
            return None;
        }
        // A trend that fades with the horizon as its time constant travels trend · horizon · (1 − e^(−t / horizon)) in the time t.
        let reach = distance / (self.trend * self.horizon_s);
        let in_s = -self.horizon_s * (1.0 - reach).ln();
        (reach < 1.0 && in_s <= self.horizon_s).then_some(Breach { in_s, level: self.level, trend: self.trend, limit: self.limit })
    }

    /// The state as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = StateWriter::new(KIND, VERSION);
        out.i64(self.first_s);
        out.i64(self.last_s);
        out.u32(self.seen);
        [self.level, self.trend, self.deviation].into_iter().for_each(|number| out.f64(number));
        out.u8(self.row);
        out.u8(u8::from(self.announced));
        out.into_bytes()
    }

    /// The state that [`ForecastBreach::to_bytes`] wrote, for the limit and horizon of today.
    pub fn from_bytes(bytes: &[u8], limit: f64, horizon_s: u32) -> Result<Self, StateError> {
        let mut from = StateReader::open(bytes, KIND, VERSION)?;
        let mut fresh = Self::new(limit, horizon_s);
        (fresh.first_s, fresh.last_s, fresh.seen) = (from.i64()?, from.i64()?, from.u32()?);
        (fresh.level, fresh.trend, fresh.deviation) = (from.f64()?, from.f64()?, from.f64()?);
        (fresh.row, fresh.announced) = (from.u8()?, from.u8()? != 0);
        from.close()?;
        Ok(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_growth_is_said_in_time_and_once() {
        let mut breach = ForecastBreach::new(100.0, 21_600);
        let mut said = Vec::new();
        for step in 0..288_i64 {
            let value = 20.0 + step as f64 * 0.25 + (step * 7_919 % 11) as f64 / 50.0;
            if let Some(found) = breach.update(step * 300, value) {
                said.push((step, found));
            }
        }
        assert_eq!(said.len(), 1, "{said:?}");
        let (step, found) = said[0];
        let truth_s = (320 - step) as f64 * 300.0;
        // The damped trend foresees the breach later than a straight line would.
        assert!(found.in_s >= truth_s * 0.9 && found.in_s <= 21_600.0, "{found:?} {truth_s}");
        assert_eq!(ForecastBreach::from_bytes(&breach.to_bytes(), 100.0, 21_600), Ok(breach));
    }

    #[test]
    fn noise_and_growth_away_from_the_limit_say_nothing() {
        let mut breach = ForecastBreach::new(100.0, 21_600);
        assert!((0..5_000_i64).all(|step| breach.update(step * 300, 80.0 + (step * 7_919 % 101) as f64 / 10.0).is_none()));
        let mut falling = ForecastBreach::new(100.0, 21_600);
        assert!((0..500_i64).all(|step| falling.update(step * 300, 90.0 - step as f64 * 0.1).is_none()));
    }

    #[test]
    fn odd_input_is_left_out() {
        let mut breach = ForecastBreach::new(f64::NAN, 0);
        assert_eq!(breach.update(0, 1.0), None);
        let mut breach = ForecastBreach::new(10.0, 0);
        for (time, value) in [(0, 1.0), (0, 2.0), (-5, 3.0), (i64::MAX, f64::INFINITY), (i64::MAX, 1e300), (i64::MIN, 0.0)] {
            assert_eq!(breach.update(time, value), None);
        }
    }
}
