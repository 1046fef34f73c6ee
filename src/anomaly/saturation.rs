//! A series is near a known limit: a full disk, a busy processor, a pool without free connections.

use super::state_bytes::{StateError, StateReader, StateWriter};

/// First byte of a saved state, and the version of its layout.
const KIND: u8 = 0xD6;
const VERSION: u8 = 1;
/// Near is 95 % of the limit on three points in a row; it is over below 90 %, so that a value at the border is one finding.
const NEAR: f64 = 0.95;
const AWAY: f64 = 0.90;
const IN_A_ROW: u8 = 3;

/// How near one series is to its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Saturation {
    limit: f64,
    row: u8,
    announced: bool,
}

/// The series is near its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearLimit {
    /// The value.
    pub value: f64,
    /// The limit.
    pub limit: f64,
    /// The value as a share of the limit.
    pub share: f64,
}

impl Saturation {
    /// For a limit above zero, in the unit of the values; without such a limit nothing is ever said.
    pub fn new(limit: f64) -> Self {
        Self { limit, row: 0, announced: false }
    }

    /// The limit.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// One more value; nearness is said once, until the value was clearly away from the limit.
    pub fn update(&mut self, value: f64) -> Option<NearLimit> {
        let share = value / self.limit;
        if !share.is_finite() || self.limit <= 0.0 {
            return None;
        }
        self.announced &= share >= AWAY;
        self.row = if share >= NEAR { self.row.saturating_add(1) } else { 0 };
        if self.announced || self.row < IN_A_ROW {
            return None;
        }
        self.announced = true;
        Some(NearLimit { value, limit: self.limit, share })
    }

    /// The state as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = StateWriter::new(KIND, VERSION);
        out.u8(self.row);
        out.u8(u8::from(self.announced));
        out.into_bytes()
    }

    /// The state that [`Saturation::to_bytes`] wrote, for the limit of today.
    pub fn from_bytes(bytes: &[u8], limit: f64) -> Result<Self, StateError> {
        let mut from = StateReader::open(bytes, KIND, VERSION)?;
        let fresh = Self { limit, row: from.u8()?, announced: from.u8()? != 0 };
        from.close()?;
        Ok(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearness_is_said_once_until_clearly_away() {
        let mut saturation = Saturation::new(100.0);
        let said: Vec<usize> = [50.0, 96.0, 94.0, 96.0, 97.0, 98.0, 94.0, 99.0, 99.0, 99.0, 80.0, 95.0, f64::NAN, 95.0, 95.0]
            .into_iter()
            .enumerate()
            .filter_map(|(at, value)| saturation.update(value).map(|_| at))
            .collect();
        assert_eq!(said, vec![5, 14]);
        assert_eq!(Saturation::from_bytes(&saturation.to_bytes(), 100.0), Ok(saturation));
    }

    #[test]
    fn without_a_limit_nothing_is_near() {
        assert_eq!(Saturation::new(0.0).update(5.0), None);
        assert_eq!(Saturation::new(f64::NAN).update(5.0), None);
        assert_eq!(Saturation::new(-1.0).update(-5.0), None);
    }
}
