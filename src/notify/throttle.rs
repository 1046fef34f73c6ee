//! Keeps a flood of notices from burying somebody: what is too much becomes a digest. Pure.
//!
//! A token bucket for each person and channel. Nothing is thrown away, and pages are never held back.

use std::collections::HashMap;

use super::{Channel, Planned, Urgency};
use crate::clock::{SECOND_US, TimestampUs};

/// Within this time a bucket fills, and this long a digest gathers.
pub const THROTTLE_WINDOW_US: i64 = 600 * SECOND_US;

/// Notices in a window if nothing else is said: more than one a minute nobody reads.
pub const DEFAULT_NOTICES: u32 = 10;

/// Buckets kept. Those that are full again are forgotten first, because a new one is full too.
const MAX_BUCKETS: usize = 10_000;

/// The buckets. They are lost with the process: then everybody starts with a full one.
#[derive(Debug, Clone)]
pub struct Throttle {
    cost_us: i64,
    buckets: HashMap<(String, Channel), Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// What is in it, as the time that it takes to flow in: a full one holds [`THROTTLE_WINDOW_US`].
    level_us: i64,
    filled_at_us: TimestampUs,
    /// When the digest that gathers now goes out; in the past: none does.
    digest_at_us: TimestampUs,
}

impl Bucket {
    fn fill(&mut self, now_us: TimestampUs) {
        // A clock that was put back adds nothing and takes nothing away.
        let gained_us = now_us.saturating_sub(self.filled_at_us).clamp(0, THROTTLE_WINDOW_US);
        self.level_us = (self.level_us + gained_us).min(THROTTLE_WINDOW_US);
        self.filled_at_us = now_us;
    }
}

impl Throttle {
    /// Lets through `notices` (1 to 1,000) at once, and as many within [`THROTTLE_WINDOW_US`] after that.
    pub fn new(notices: u32) -> Self {
        Self { cost_us: THROTTLE_WINDOW_US / i64::from(notices.clamp(1, 1_000)), buckets: HashMap::new() }
    }

    /// Counts a notice that goes to `person` now. If it is one too many, it is planned anew: into the digest that gathers
    /// since the first one too many, and that goes out 10 minutes after that one.
    ///
    /// Pages, and what waits for a digest anyway, stay as they are and are not counted. Who calls this in a transaction that
    /// is then rolled back has counted a notice that was not sent; the worst of it is a digest.
    pub fn apply(&mut self, person: &str, urgency: Urgency, planned: &mut Planned, now_us: TimestampUs) {
        if urgency == Urgency::Page || planned.digest_key.is_some() {
            return;
        }
        let cost_us = self.cost_us;
        let bucket = self.bucket(person, planned.channel, now_us);
        bucket.fill(now_us);
        if bucket.level_us >= cost_us && bucket.digest_at_us <= now_us {
            bucket.level_us -= cost_us;
            return;
        }
        if bucket.digest_at_us <= now_us {
            bucket.digest_at_us = now_us.saturating_add(THROTTLE_WINDOW_US);
        }
        planned.due_at_us = bucket.digest_at_us;
        planned.digest_key = Some(format!("throttled {}", bucket.digest_at_us));
    }

    fn bucket(&mut self, person: &str, channel: Channel, now_us: TimestampUs) -> &mut Bucket {
        let key = (person.to_owned(), channel);
        if self.buckets.len() >= MAX_BUCKETS && !self.buckets.contains_key(&key) {
            self.forget(now_us);
        }
        self.buckets.entry(key).or_insert(Bucket { level_us: THROTTLE_WINDOW_US, filled_at_us: now_us, digest_at_us: i64::MIN })
    }

    /// Makes room: those that would be full by now go, or, if there are none, the one that was used longest ago.
    fn forget(&mut self, now_us: TimestampUs) {
        self.buckets.retain(|_, bucket| now_us.saturating_sub(bucket.filled_at_us) < THROTTLE_WINDOW_US || bucket.digest_at_us > now_us);
        if self.buckets.len() >= MAX_BUCKETS {
            let oldest = self.buckets.iter().min_by_key(|(_, bucket)| bucket.filled_at_us).map(|(key, _)| key.clone());
            if let Some(key) = oldest {
                self.buckets.remove(&key);
            }
        }
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new(DEFAULT_NOTICES)
    }
}

#[cfg(test)]
#[path = "throttle_tests.rs"]
mod tests;
