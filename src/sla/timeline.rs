//! What happened to a ticket, as far as promises go.

use crate::clock::TimestampUs;
use crate::record::{Hold, Priority, TicketKind};

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nobody has looked at it.
    New,
    /// It has somebody, who has not begun.
    Assigned,
    /// Somebody works on it.
    InProgress,
    /// It waits; without a reason, no clock stops.
    OnHold(Option<Hold>),
    /// The fault is gone.
    Resolved,
    /// Done for good.
    Closed,
    /// It came back.
    Reopened,
}

impl Phase {
    /// Whether somebody still has to do something about it.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Resolved | Self::Closed)
    }
}

/// A change that promises have to do with; all others are left out of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It moved to another state.
    Moved(Phase),
    /// It got another priority.
    Prioritised(Priority),
    /// It is of another kind than was thought.
    Kind(TicketKind),
    /// It was filed under another service, or none.
    Service(Option<String>),
    /// A technician wrote to the user: a response, and an update.
    Replied,
    /// Somebody answered the call and takes care: a response, but no word to the user.
    Acknowledged,
    /// It was given to somebody. Promises are made to the user, who does not care by whom they are kept: nothing changes.
    Assigned,
}

/// When something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When; one that is earlier than the entry before it counts as of the same time.
    pub at_us: TimestampUs,
    /// What.
    pub change: Change,
}

/// The history of a ticket: how it was opened, and what changed, in order. It begins in [`Phase::New`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// When it was opened.
    pub opened_at_us: TimestampUs,
    /// As what sort of ticket it was opened.
    pub kind: TicketKind,
    /// The priority that it was opened with.
    pub priority: Priority,
    /// The service that it was opened for.
    pub service: Option<String>,
    /// What changed since.
    pub entries: Vec<Entry>,
}

impl Timeline {
    /// Where it stands at a moment.
    pub fn phase_at(&self, now_us: TimestampUs) -> Phase {
        let moved = |entry: &Entry| match entry.change {
            Change::Moved(phase) => Some(phase),
            _ => None,
        };
        self.entries.iter().take_while(|entry| entry.at_us <= now_us).filter_map(moved).last().unwrap_or(Phase::New)
    }

    /// When it was resolved; `None` while it is open. Closing changes nothing of that.
    pub fn resolved_at_us(&self) -> Option<TimestampUs> {
        self.entries.iter().fold(None, |resolved, entry| match entry.change {
            Change::Moved(Phase::Resolved) => Some(entry.at_us),
            Change::Moved(phase) if phase.is_open() => None,
            _ => resolved,
        })
    }
}
