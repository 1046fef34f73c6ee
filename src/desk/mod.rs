//! The desk: from finding to ticket, and the ticket's life.
//!
//! [`Desk`] is the door. [`Desk::record`] takes what a round of the analysis found, each finding filed under a problem, and
//! opens tickets, joins findings to open ones or reopens what was resolved lately; [`Desk::change`] is the one way by which a person changes a ticket.
//!
//! Invariants:
//! * A ticket is the sum of two logs: its events (append-only) and its findings. Every change writes its event, the
//!   finding and the ticket's row in one transaction, so that the row always equals [`replay`].
//! * A problem (an incident, or a fingerprint that nothing groups) has at most one open ticket; the database enforces it too.
//! * A finding is recorded once: rule, fingerprint and end of the window are its identity. A rule's watermark moves in
//!   the transaction that records what it found, so a crash between the two cannot happen and a second run doubles nothing.
//! * Ticket numbers run from 1 without gaps.
//! * States change along [`ticket_state`]'s table only.
//! * `version` counts what people and rules decided about a ticket, not the findings that joined it: somebody who edits a
//!   ticket while findings pour in is not told of a conflict.

mod attachments;
mod change;
mod correction;
#[cfg(test)]
mod desk_properties;
#[cfg(test)]
mod desk_test;
mod error;
mod event;
mod filing;
mod histories;
mod opening;
mod priority;
mod problems;
mod reclassifying;
#[cfg(test)]
mod reclassifying_test;
mod recording;
#[cfg(test)]
mod recording_test;
mod relations;
mod rule_run;
mod rules;
#[cfg(test)]
mod schema_history_test;
mod search;
mod search_statement;
#[cfg(test)]
mod search_test;
mod splitting;
#[cfg(test)]
mod splitting_test;
mod ticket;
mod ticket_rows;
pub mod ticket_state;
mod ticket_words;
mod tickets;
mod writing;

pub use attachments::{Attachment, NewAttachment};
pub use change::Change;
pub use correction::Asked;
pub use error::DeskError;
pub use event::{Actor, Event, Opening, TicketEvent};
pub use filing::{AnalysisState, Ended, Filed, FiledAs, Round};
pub use opening::NewTicket;
pub use priority::{Impact, PriorityMatrix, Urgency, impact_and_urgency};
pub use reclassifying::Computed;
pub use recording::{NOTE_JOINS_EVERY_US, Recorded};
pub use relations::{Link, Relation};
pub use rule_run::{RuleRun, RuleState};
pub use rules::{DeskRules, ServiceFacts};
pub use search::{TicketFilter, TicketPage};
pub use splitting::{Copied, Part};
pub use ticket::{FindingNote, Ticket, replay};
pub use ticket_state::TicketState;
pub use ticket_words::{Field, LinkKind};
pub use tickets::{Desk, TicketDetail};
pub use writing::Writing;

pub use crate::record::{Hold, Priority, TicketKind};
