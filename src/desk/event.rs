//! The history of a ticket: who did what, when, from where.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Computed, Copied, Field, Hold, Impact, LinkKind, Priority, TicketKind, TicketState, Urgency};
use crate::clock::TimestampUs;
use crate::store::FindingSeverity;

/// Who did something, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// `user ines`, `rule error_burst`, `token ops`, `local` (somebody on this machine), `desk` (what the desk does by itself).
    pub name: String,
    /// `scheduler`, or the client's address.
    pub origin: String,
}

impl Actor {
    /// Whoever groups findings and sees that they have stopped.
    pub fn analysis() -> Self {
        Self { name: "analysis".to_owned(), origin: "scheduler".to_owned() }
    }

    /// What the desk does by itself: it assigns, escalates, warns.
    pub fn desk() -> Self {
        Self { name: "desk".to_owned(), origin: "scheduler".to_owned() }
    }

    /// Whether a human being or a program of theirs acted, not the desk or a rule.
    pub fn is_person(&self) -> bool {
        self.origin != "scheduler"
    }

    /// The user, if one is known.
    pub fn user(&self) -> Option<&str> {
        self.name.strip_prefix("user ").or_else(|| self.name.strip_prefix("requester "))
    }

    /// Whether it is a person who may only ask, not work on tickets: `requester uma`.
    pub fn is_requester(&self) -> bool {
        self.name.starts_with("requester ")
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
        /// It came back after it had been quiet: from here on this problem belongs to the ticket too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        problem: Option<String>,
        /// It is worse than all before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        severity: Option<FindingSeverity>,
    },
    /// It changed state.
    Moved {
        /// The state before.
        from: TicketState,
        /// The state after.
        to: TicketState,
        /// Whom it waits for, if it is on hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold: Option<Hold>,
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
        /// Why, where nobody chose it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
    },
    /// It is of another kind than was thought.
    KindCorrected {
        /// The kind before.
        from: TicketKind,
        /// The kind after.
        to: TicketKind,
        /// Why.
        reason: String,
    },
    /// It is about something else than was thought.
    EntityCorrected {
        /// What it was about.
        from: BTreeMap<String, String>,
        /// What it is about.
        to: BTreeMap<String, String>,
        /// Why.
        reason: String,
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
        /// Why it was them, where the desk chose.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        because: Vec<String>,
    },
    /// Somebody wrote something.
    Commented {
        /// What they wrote.
        text: String,
        /// Only for those who work on it, not for who asked.
        #[serde(default)]
        internal: bool,
        /// It was written in another ticket, of which this one was a part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        copied: Option<Copied>,
    },
    /// A field got another text.
    Set {
        /// The field.
        field: Field,
        /// What it was.
        from: Option<String>,
        /// What it is.
        to: Option<String>,
        /// Why, where nobody chose it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
    },
    /// Somebody wants to hear of it.
    Watched {
        /// Who.
        person: String,
    },
    /// Somebody no longer wants to.
    Unwatched {
        /// Who.
        person: String,
    },
    /// It belongs to another ticket.
    Linked {
        /// How.
        link: LinkKind,
        /// The other's number.
        other: i64,
    },
    /// It no longer belongs to it.
    Unlinked {
        /// How it did.
        link: LinkKind,
        /// The other's number.
        other: i64,
    },
    /// A file came to it.
    Attached {
        /// The file's number.
        attachment: i64,
        /// Its name.
        name: String,
        /// Its size.
        bytes: i64,
        /// Only for those who work on it.
        #[serde(default)]
        internal: bool,
        /// It came to another ticket, of which this one was a part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        copied: Option<Copied>,
    },
    /// A part of it goes on in a ticket of its own.
    SplitOff {
        /// The other's number.
        into: i64,
        /// The other's title.
        title: String,
        /// The comments that were copied, by the numbers of their events.
        comments: Vec<i64>,
        /// The files that were copied, by their numbers.
        attachments: Vec<i64>,
    },
    /// It goes on in another ticket.
    Merged {
        /// The other's number.
        into: i64,
    },
    /// Somebody has seen it and takes care: nobody else is woken.
    Acknowledged {
        /// How: `api`, `link`, `taken up`.
        via: String,
        /// The user; the actor where none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Somebody was called.
    Paged {
        /// Who.
        person: String,
        /// Step of the escalation policy, from 1.
        level: u32,
        /// Identity of the call; the message carries it.
        page: String,
        /// Why this person, and whether it comes late.
        because: String,
    },
    /// A promise is in danger, or broken.
    Warned {
        /// Which: `response`, `update`, `resolution`, `supplier`.
        promise: String,
        /// When it is due.
        due_at_us: TimestampUs,
        /// It is broken.
        breached: bool,
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
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// The team that answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The service that is hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How much of the business is hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<Impact>,
    /// How soon it hurts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// Who hears of it from the beginning.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub watchers: BTreeSet<String>,
    /// What of it nobody chose, where a person opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed: Option<Computed>,
}

impl Opening {
    /// A ticket of this kind, title and priority, with nothing else known.
    pub fn new(ticket_kind: TicketKind, title: String, priority: Priority) -> Self {
        Self {
            ticket_kind,
            title,
            description: String::new(),
            priority,
            severity: None,
            fingerprint: None,
            rule: None,
            entity: BTreeMap::new(),
            requester: None,
            team: None,
            service: None,
            impact: None,
            urgency: None,
            watchers: BTreeSet::new(),
            computed: None,
        }
    }
}

impl TicketEvent {
    /// Something to say to those who work on it.
    pub fn note(text: impl Into<String>) -> Self {
        Self::Commented { text: text.into(), internal: true, copied: None }
    }

    /// Whether it is a decision about the ticket, which somebody who edits it must know of; the others only note what went on.
    pub fn is_decision(&self) -> bool {
        !matches!(self, Self::Joined { .. } | Self::Paged { .. } | Self::Warned { .. })
    }

    /// Whether it is kept from the person who asked.
    pub fn is_internal(&self) -> bool {
        match self {
            Self::Commented { internal, .. } | Self::Attached { internal, .. } => *internal,
            Self::Joined { .. }
            | Self::Paged { .. }
            | Self::Warned { .. }
            | Self::Acknowledged { .. }
            | Self::SplitOff { .. }
            | Self::Linked { .. }
            | Self::Unlinked { .. } => true,
            _ => false,
        }
    }

    /// The word that the database and SQL know it by; the same as the `kind` of its JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::Joined { .. } => "joined",
            Self::Moved { .. } => "moved",
            Self::Reprioritised { .. } => "reprioritised",
            Self::KindCorrected { .. } => "kind_corrected",
            Self::EntityCorrected { .. } => "entity_corrected",
            Self::Retitled { .. } => "retitled",
            Self::Assigned { .. } => "assigned",
            Self::Commented { .. } => "commented",
            Self::Set { .. } => "set",
            Self::Watched { .. } => "watched",
            Self::Unwatched { .. } => "unwatched",
            Self::Linked { .. } => "linked",
            Self::Unlinked { .. } => "unlinked",
            Self::Attached { .. } => "attached",
            Self::SplitOff { .. } => "split_off",
            Self::Merged { .. } => "merged",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Paged { .. } => "paged",
            Self::Warned { .. } => "warned",
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

impl Event {
    /// Takes out what is for those who work on the ticket: where somebody sat, why it was them who got it, and of which other ticket a
    /// comment or file is a copy.
    pub fn hide_what_is_internal(&mut self) {
        self.actor.origin.clear();
        match &mut self.event {
            TicketEvent::Assigned { because, .. } => because.clear(),
            TicketEvent::Commented { copied, .. } | TicketEvent::Attached { copied, .. } => *copied = None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_kind_is_the_word_in_the_json() {
        let events = [
            TicketEvent::Joined { findings: 2, finding_at_us: 5, title: None, because: None, problem: None, severity: None },
            TicketEvent::Moved { from: TicketState::New, to: TicketState::OnHold, hold: Some(Hold::Part), reason: None },
            TicketEvent::Commented { text: "on my way".into(), internal: false, copied: None },
            TicketEvent::SplitOff { into: 7, title: "no sound".into(), comments: vec![3], attachments: vec![] },
            TicketEvent::Linked { link: LinkKind::CausedBy, other: 3 },
            TicketEvent::Set { field: Field::Team, from: None, to: Some("network".into()), because: None },
            TicketEvent::Reprioritised { from: Priority::P3, to: Priority::P1, because: Some("follows".into()) },
            TicketEvent::KindCorrected { from: TicketKind::Incident, to: TicketKind::Problem, reason: "it comes back".into() },
            TicketEvent::EntityCorrected { from: BTreeMap::new(), to: BTreeMap::new(), reason: "another host".into() },
        ];
        for event in events {
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json["kind"], event.kind());
            assert_eq!(serde_json::from_value::<TicketEvent>(json).unwrap(), event);
        }
    }

    #[test]
    fn what_was_written_before_there_were_notes_still_reads() {
        let old = r#"{"kind":"commented","text":"x"}"#;
        let plain = TicketEvent::Commented { text: "x".into(), internal: false, copied: None };
        assert_eq!(serde_json::from_str::<TicketEvent>(old).unwrap(), plain);
        let old = r#"{"kind":"assigned","from":null,"to":"ines"}"#;
        assert!(matches!(serde_json::from_str::<TicketEvent>(old).unwrap(), TicketEvent::Assigned { because, .. } if because.is_empty()));
    }
}
