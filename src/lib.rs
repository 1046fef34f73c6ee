//! Watchroom: logs and metrics in, durable when acknowledged, in open tables, answered in SQL, and turned into tickets.
//!
//! ARCHITECTURE.md holds the map of the modules and the invariants they keep.

pub mod clock;
pub mod record;
pub mod self_metrics;
pub mod shutdown;
