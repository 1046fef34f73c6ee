//! Why the desk refused.

use super::{TicketKind, TicketState};
use crate::store::StoreError;

/// Why a ticket was not read or changed. Whatever failed, nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// There is no ticket of that number.
    #[error("there is no ticket {0}; `GET /api/v1/tickets` lists those that exist")]
    NotFound(i64),
    /// There is no finding of that number.
    #[error("there is no finding {0}; the column `id` of the table `findings` has their numbers")]
    NoFinding(i64),
    /// The ticket has no file of that number.
    #[error("ticket {ticket} has no file {id}; `GET /api/v1/tickets/{ticket}` lists those that it has")]
    NoAttachment {
        /// The ticket.
        ticket: i64,
        /// The number that was asked for.
        id: i64,
    },
    /// The state cannot follow the present one.
    #[error("a ticket cannot go from {from} to {to}; from {from} it can go to: {}", words(.allowed))]
    IllegalMove {
        /// The state it is in.
        from: TicketState,
        /// The state that was asked for.
        to: TicketState,
        /// The states that it can go to.
        allowed: &'static [TicketState],
    },
    /// Something goes by the kind that the ticket has.
    #[error("ticket {number} stays {kind} and cannot become {to}: {why}")]
    KindStays {
        /// The ticket.
        number: i64,
        /// What it is.
        kind: TicketKind,
        /// What it was to be.
        to: TicketKind,
        /// What goes by it, and what to do instead.
        why: String,
    },
    /// Only open tickets can be merged.
    #[error("ticket {number} is {state}, and only open tickets can be merged; reopen it first, or name another")]
    NotOpen {
        /// The ticket.
        number: i64,
        /// The state it is in.
        state: TicketState,
    },
    /// Somebody else changed the ticket since it was read.
    #[error(
        "ticket {number} was changed in the meantime (it is at version {current}, the change was meant for {expected}); read it again, then send the change"
    )]
    Conflict {
        /// The ticket.
        number: i64,
        /// The version that the change was made for.
        expected: i64,
        /// The version that the ticket is at.
        current: i64,
    },
    /// One of several tickets cannot be changed so; none was changed.
    #[error("ticket {number}: {error}. No ticket was changed: leave this one out, or change it by itself")]
    InBulk {
        /// The ticket.
        number: i64,
        /// Why not.
        error: Box<DeskError>,
    },
    /// A field holds what it may not hold.
    #[error("`{field}` cannot be set: {why}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it and what to write instead.
        why: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for DeskError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

fn words(states: &[TicketState]) -> String {
    if states.is_empty() {
        return "nowhere, it is final; open a new ticket".to_owned();
    }
    states.iter().map(|state| state.word()).collect::<Vec<_>>().join(", ")
}
