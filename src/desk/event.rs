//! The history of a ticket: who did what, when, from where.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Priority, TicketKind, TicketState};
use crate::clock::TimestampUs;
use crate::store::FindingSeverity;

/// Who did something, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// `rule error_burst`, `token ops`, later a person.
    pub name: String,
    /// `scheduler`, or the client's address.
    pub origin: String,
}

impl Actor {
    /// Whoever groups findings and sees that they have stopped.
    pub fn analysis() -> Self {
        Self { name: "analysis".to_owned(), origin: "scheduler".to_owned() }
    }

    /// The rule's own hand.
    pub fn rule(name: &str) -> Self {
        Self { name: format!("rule {name}"), origin: "scheduler".to_owned() }
    }
}

/// What happened to a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TicketEvent {
    /// It was made.
    Opened(Box<Opening>),
    /// Further findings joined it: a new member of the incident, with the reason, or, at most every
    /// [`NOTE_JOINS_EVERY_US`](super::NOTE_JOINS_EVERY_US), those that go on. The findings themselves are all kept.
    Joined {
        /// Findings that the ticket had with the one that was noted.
        findings: i64,
        /// End of that finding's window.
        finding_at_us: TimestampUs,
        /// Title of a new member.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// Why it belongs here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
    },
    /// It changed state.
    Moved {
        /// The state before.
        from: TicketState,
        /// The state after.
        to: TicketState,
        /// Why, where a rule did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// It got another priority.
    Reprioritised {
        /// The priority before.
        from: Priority,
        /// The priority after.
        to: Priority,
    },
    /// It got another title.
    Retitled {
        /// The title before.
        from: String,
        /// The title after.
        to: String,
    },
    /// It was given to somebody, or taken away.
    Assigned {
        /// Who had it.
        from: Option<String>,
        /// Who has it.
        to: Option<String>,
    },
    /// Somebody wrote something.
    Commented {
        /// What they wrote.
        text: String,
    },
}

/// What a new ticket starts with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    /// What sort of ticket.
    pub ticket_kind: TicketKind,
    /// One line.
    pub title: String,
    /// What it is about and what to do, in Markdown.
    pub description: String,
    /// Order of work.
    pub priority: Priority,
    /// The finding's severity.
    pub severity: Option<FindingSeverity>,
    /// Identity of the problem.
    pub fingerprint: Option<String>,
    /// The rule that opened it.
    pub rule: Option<String>,
    /// What it is about.
    pub entity: BTreeMap<String, String>,
}

impl TicketEvent {
    /// The word that the database and SQL know it by; the same as the `kind` of its JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::Joined { .. } => "joined",
            Self::Moved { .. } => "moved",
            Self::Reprioritised { .. } => "reprioritised",
            Self::Retitled { .. } => "retitled",
            Self::Assigned { .. } => "assigned",
            Self::Commented { .. } => "commented",
        }
    }
}

/// An entry of a ticket's history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Its number in the ticket, from 1.
    pub seq: i64,
    /// When.
    pub at_us: TimestampUs,
    /// Who, from where.
    pub actor: Actor,
    /// What.
    pub event: TicketEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_kind_is_the_word_in_the_json() {
        let events = [
            TicketEvent::Joined { findings: 2, finding_at_us: 5, title: None, because: None },
            TicketEvent::Moved { from: TicketState::New, to: TicketState::OnHold, reason: None },
            TicketEvent::Commented { text: "on my way".into() },
        ];
        for event in events {
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json["kind"], event.kind());
            assert_eq!(serde_json::from_value::<TicketEvent>(json).unwrap(), event);
        }
    }
}
