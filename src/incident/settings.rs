//! The numbers that grouping works with: one set for everybody.

use serde::{Deserialize, Serialize};

use crate::clock::{HOUR_US, SECOND_US};
use crate::store::FindingSeverity;

pub(super) const MINUTE_US: i64 = 60 * SECOND_US;

/// How findings become incidents. The defaults are meant for everybody; times are microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Weight of nearness in time.
    pub time_weight: f64,
    /// Weight of the relation between the places.
    pub topology_weight: f64,
    /// Weight of shared words.
    pub words_weight: f64,
    /// Weight of what people taught by splitting and merging.
    pub learned_weight: f64,
    /// A finding joins at this total or above.
    pub join_at: f64,
    /// Nearness in time falls by a factor e in this time.
    pub time_scale_us: i64,
    /// An incident older than `life_us` takes new members only this long after its last finding.
    pub gap_us: i64,
    /// An incident has to be quiet for so long, at the least, to be over.
    pub quiet_time_us: i64,
    /// A young incident takes members without regard to gaps.
    pub life_us: i64,
    /// No incident takes new members after this, so that one that never ends does not swallow the site.
    pub longest_us: i64,
    /// The same fingerprint within this time of being told is a repetition.
    pub dedup_us: i64,
    /// A problem that comes back this soon after its incident was resolved reopens it, or is said to follow it.
    pub reopen_us: i64,
    /// Returns of one fingerprint within `flap_within_us` that make it a flapping one.
    pub flap_returns: usize,
    /// See `flap_returns`.
    pub flap_within_us: i64,
    /// What the ranking of causes goes by.
    pub cause: CauseWeights,
    /// So many incidents opened within `gap_us` by the same rule for the same subject are one, even without any known relation.
    pub storm_openings: usize,
}

/// Weights of the terms of the cause ranking.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CauseWeights {
    /// It began early.
    pub onset: f64,
    /// Others need it, and it needs none of them.
    pub upstream: f64,
    /// What is seen there is unlikely.
    pub surprise: f64,
    /// It was changed shortly before.
    pub change: f64,
}

impl Default for CauseWeights {
    fn default() -> Self {
        Self { onset: 0.30, upstream: 0.30, surprise: 0.25, change: 0.15 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time_weight: 0.35,
            topology_weight: 0.30,
            words_weight: 0.20,
            learned_weight: 0.15,
            // Above time and words together (0.55): without a relation between the places, or a lesson, nothing joins. Below
            // time and a direct dependency (0.56): what breaks in the same minute as what it needs does, in any words.
            join_at: 0.555,
            time_scale_us: 5 * MINUTE_US,
            gap_us: 10 * MINUTE_US,
            quiet_time_us: 10 * MINUTE_US,
            life_us: 30 * MINUTE_US,
            longest_us: 4 * HOUR_US,
            dedup_us: 30 * MINUTE_US,
            // A day, as for a ticket that a person resolved, would be a trap here: by then it is another fault.
            reopen_us: 60 * MINUTE_US,
            // Nagios calls a service flapping when a fifth to a half of its last 21 states are changes; five returns are ten.
            flap_returns: 5,
            flap_within_us: HOUR_US,
            cause: CauseWeights::default(),
            // Two or three hosts with the same trouble within minutes happen by chance, ten do not.
            storm_openings: 10,
        }
    }
}

impl Settings {
    /// How long an incident of this severity has to be quiet before it counts as over, at the least: an hour for slow troubles, which
    /// come and go by nature.
    pub fn quiet_us(&self, severity: FindingSeverity) -> i64 {
        match severity {
            FindingSeverity::Critical | FindingSeverity::High | FindingSeverity::Medium => self.quiet_time_us,
            FindingSeverity::Low | FindingSeverity::Info => self.quiet_time_us.max(60 * MINUTE_US),
        }
    }
}
