//! What somebody had to do with the same asset before.

use serde::{Deserialize, Serialize};

use crate::clock::{DAY_US, TimestampUs};

/// What somebody had to do with the asset of a ticket before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AssetHistory {
    /// Tickets of the asset that they have resolved.
    pub handled: u32,
    /// When they resolved the last of them; without it those tickets are taken to be long ago and count nothing.
    pub last_at_us: Option<TimestampUs>,
    /// Tickets of the asset that they have open now.
    pub open: u32,
}

impl AssetHistory {
    /// How much it says for giving them the next one, 0 to 1000: 1000 with an open ticket; else handled / (handled + 1),
    /// falling in a straight line to 0 over `days` since the last one. The second time teaches less than the first.
    pub(super) fn value_milli(&self, days: u16, now_us: TimestampUs) -> i64 {
        if self.open > 0 {
            return 1_000;
        }
        let Some(last_at_us) = self.last_at_us else { return 0 };
        let window_us = i64::from(days) * DAY_US;
        let age_us = now_us.saturating_sub(last_at_us).max(0);
        if age_us >= window_us {
            return 0;
        }
        // In whole thousandths of the window: at most 65,535 days, so nothing overflows.
        let fresh_milli = (window_us - age_us) / (window_us / 1_000).max(1);
        let handled = i64::from(self.handled);
        fresh_milli.min(1_000) * handled / (handled + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(handled: u32, age_days: i64, open: u32) -> i64 {
        AssetHistory { handled, last_at_us: Some(100 * DAY_US - age_days * DAY_US), open }.value_milli(90, 100 * DAY_US)
    }

    #[test]
    fn it_fades_with_time_and_grows_with_practice() {
        assert_eq!(value(1, 0, 0), 500);
        assert_eq!(value(3, 0, 0), 750);
        assert_eq!(value(3, 45, 0), 375);
        assert_eq!(value(3, 90, 0), 0);
        assert_eq!(value(0, 0, 0), 0);
        assert_eq!(value(0, 400, 1), 1_000);
    }

    #[test]
    fn extreme_times_are_survived() {
        for last in [i64::MIN, 0, i64::MAX] {
            for now in [i64::MIN, 0, i64::MAX] {
                let history = AssetHistory { handled: u32::MAX, last_at_us: Some(last), open: 0 };
                for days in [0, 1, u16::MAX] {
                    assert!((0..=1_000).contains(&history.value_milli(days, now)));
                }
            }
        }
        assert_eq!(AssetHistory { handled: 9, last_at_us: None, open: 0 }.value_milli(90, 0), 0);
    }
}
