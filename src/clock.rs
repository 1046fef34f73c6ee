//! The only place that reads the time.
//!
//! Everything that decides by time takes it as an argument or through a [`Clock`], so that thirty minutes of a rule's
//! life are tested by moving a hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Microseconds since the Unix epoch, UTC: the one representation of a moment inside Watchroom.
pub type TimestampUs = i64;

/// A second in the unit of [`TimestampUs`].
pub const SECOND_US: i64 = 1_000_000;
/// An hour in the unit of [`TimestampUs`].
pub const HOUR_US: i64 = 3_600 * SECOND_US;
/// A day in the unit of [`TimestampUs`].
pub const DAY_US: i64 = 24 * HOUR_US;

/// A moment as RFC 3339 in UTC, as answers and evidence show it; one beyond the years that has, as its number.
pub fn rfc3339(at_us: TimestampUs) -> String {
    jiff::Timestamp::from_microsecond(at_us).map_or_else(|_| format!("{at_us} µs"), |at| at.to_string())
}

/// Wall-clock time: the system's, or one that a test moves by hand.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The operating system's clock.
    System,
    /// A clock that stands still until it is set.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `now_us` until [`Clock::set`] moves it.
    pub fn manual(now_us: TimestampUs) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now_us)))
    }

    /// The present moment.
    pub fn now_us(&self) -> TimestampUs {
        match self {
            // Times before 1970 do not happen on a working machine; they read as the epoch.
            #[allow(clippy::disallowed_methods, reason = "the one reader of the system clock")]
            Self::System => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64),
            Self::Manual(at) => at.load(Ordering::Relaxed),
        }
    }

    /// Moves a manual clock; the system's clock is left alone.
    pub fn set(&self, now_us: TimestampUs) {
        if let Self::Manual(at) = self {
            at.store(now_us, Ordering::Relaxed);
        }
    }
}

/// Measures how long something took, on the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[allow(clippy::disallowed_methods, reason = "the one reader of the monotonic clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Time since the start, in seconds.
    pub fn elapsed_seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_set() {
        let clock = Clock::manual(5);
        let other = clock.clone();
        assert_eq!(clock.now_us(), 5);
        clock.set(9);
        assert_eq!(other.now_us(), 9, "clones share the hand");
    }
}
