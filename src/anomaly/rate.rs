//! Counters to rates: what a detector sees of a metric that only grows.

use super::state_bytes::{StateError, StateReader, StateWriter};

/// First byte of a saved counter, and the version of its layout.
const KIND: u8 = 0xD2;
const VERSION: u8 = 1;

/// The last reading of one counter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CounterRate {
    last: Option<(i64, f64)>,
}

impl CounterRate {
    /// No reading yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Growth a second since the last reading, in the counter's unit.
    ///
    /// `None` for the first reading, for a repeat or a step back in time, for a value that is no finite number, and across a reset: how much
    /// was counted before the reset is lost, and a guess would look like a dip.
    pub fn update(&mut self, timestamp_s: i64, counter: f64) -> Option<f64> {
        if !counter.is_finite() {
            return None;
        }
        let Some((last_s, last)) = self.last else {
            self.last = Some((timestamp_s, counter));
            return None;
        };
        if timestamp_s <= last_s {
            return None;
        }
        self.last = Some((timestamp_s, counter));
        let rate = (counter - last) / timestamp_s.saturating_sub(last_s) as f64;
        (rate >= 0.0 && rate.is_finite()).then_some(rate)
    }

    /// The state as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = StateWriter::new(KIND, VERSION);
        if let Some((last_s, last)) = self.last {
            out.i64(last_s);
            out.f64(last);
        }
        out.into_bytes()
    }

    /// The state that [`CounterRate::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut from = StateReader::open(bytes, KIND, VERSION)?;
        let last = if from.is_empty() { None } else { Some((from.i64()?, from.f64()?)) };
        from.close()?;
        Ok(Self { last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_becomes_a_rate_and_a_reset_becomes_nothing() {
        let mut counter = CounterRate::new();
        assert_eq!(counter.update(0, 100.0), None);
        assert_eq!(counter.update(10, 150.0), Some(5.0));
        assert_eq!(counter.update(20, 3.0), None, "reset");
        assert_eq!(counter.update(30, 13.0), Some(1.0));
        assert_eq!(counter.update(30, 20.0), None, "repeat");
        assert_eq!(counter.update(25, 20.0), None, "step back");
        assert_eq!(counter.update(40, f64::NAN), None);
        assert_eq!(CounterRate::from_bytes(&counter.to_bytes()), Ok(counter));
        assert_eq!(counter.update(40, 13.0), Some(0.0));
    }
}
