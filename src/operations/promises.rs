//! How the promises of tickets stand, computed from their events.

use serde::Serialize;

use super::OperationsError;
use super::setup::Setup;
use super::timeline::timeline_of;
use crate::clock::TimestampUs;
use crate::desk::{Desk, TicketFilter};
use crate::sla::{Difference, Promises, SlaClock, clocks};

/// Open tickets that a question about all of them looks at.
const MAX_OPEN: u32 = 1_000;

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

/// Which promises of open tickets would stand differently under another policy.
pub async fn what_if(desk: &Desk, setup: &Setup, other: &Promises, now_us: TimestampUs) -> Result<Vec<Difference>, OperationsError> {
    let mut timelines = Vec::new();
    let mut cursor = None;
    loop {
        let page = desk.list(&TicketFilter { open_only: true, limit: MAX_OPEN, cursor, ..TicketFilter::default() }).await?;
        for ticket in &page.tickets {
            timelines.extend(timeline_of(&desk.milestones(ticket.number).await?).map(|timeline| (ticket.number, timeline)));
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let tickets = timelines.iter().map(|(number, timeline)| (*number, timeline));
    Ok(crate::sla::what_if(tickets, &setup.promises, other, now_us))
}
