//! How the promises of tickets stand, computed from their events.

use serde::Serialize;

use super::OperationsError;
use super::setup::Setup;
use super::timeline::timeline_of;
use crate::clock::TimestampUs;
use crate::desk::{Desk, Event};
use crate::sla::{Difference, Promises, SlaClock, clocks};

/// Open tickets that a question about all of them looks at: five times as many as a large department has, some seconds' work.
const MAX_OPEN: i64 = 50_000;

/// A promise of a ticket, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StandingPromise {
    /// The clock.
    #[serde(flatten)]
    pub clock: SlaClock,
    /// It is still running and past its warning.
    pub in_danger: bool,
}

/// How a ticket's promises stand at a moment.
pub async fn promises_of(desk: &Desk, setup: &Setup, number: i64, now_us: TimestampUs) -> Result<Vec<StandingPromise>, OperationsError> {
    let Some(timeline) = timeline_of(&desk.milestones(number).await?) else { return Ok(Vec::new()) };
    let standing = |clock: SlaClock| StandingPromise { in_danger: clock.is_warning(now_us), clock };
    Ok(clocks(&timeline, &setup.promises, now_us).into_iter().map(standing).collect())
}

/// Which promises of open tickets, the newest 50,000 of them, would stand differently under another policy. Takes a fraction of
/// a second for ten thousand, mostly of computing: not on a thread that serves others.
pub async fn what_if(desk: &Desk, setup: &Setup, other: &Promises, now_us: TimestampUs) -> Result<Vec<Difference>, OperationsError> {
    let mut differences = Vec::new();
    let take = |number: i64, history: &[Event]| {
        if let Some(timeline) = timeline_of(history) {
            differences.extend(crate::sla::what_if([(number, &timeline)], &setup.promises, other, now_us));
        }
    };
    desk.each_open_history(MAX_OPEN, take).await?;
    // The newest tickets first, as in every list.
    differences.sort_by_key(|difference| std::cmp::Reverse(difference.ticket));
    Ok(differences)
}
