//! A parcel in words: what stands in a message, whichever way it goes. Pure.

use serde::Serialize;
use serde_json::Value;

use super::plain_text::shortened;
use super::{EventKind, Notice, Parcel, Urgency};
use crate::clock::TimestampUs;

/// Notices that a digest lists; the rest is told as a number. Some screens full.
const MAX_LISTED: usize = 50;

/// How much of a notice's text stands in a digest: a line or two.
const EXCERPT_CHARS: usize = 160;

/// Where a message leads. It is made when the message is sent, so that no link and no signature is kept in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// The beginning of a ticket's address; its number is put behind it, as in `https://watch.example.org/tickets/`.
    pub tickets: Option<String>,
    /// The address that acknowledges the page; see [`acknowledge_link`](super::acknowledge_link).
    pub acknowledge: Option<String>,
}

impl Links {
    fn ticket(&self, ticket: Option<i64>) -> Option<String> {
        Some(format!("{}{}", self.tickets.as_deref()?, ticket?))
    }
}

/// A message to one person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// The id of the parcel: the same in every attempt.
    pub id: String,
    /// When the newest notice in it was made.
    pub created_at_us: TimestampUs,
    /// Whom it is for.
    pub person: String,
    /// The highest urgency of what is in it.
    pub urgency: Urgency,
    /// What happened; none: this is a digest.
    pub event: Option<EventKind>,
    /// The ticket that it is about, if it is one.
    pub ticket: Option<i64>,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The ticket's address.
    pub link: Option<String>,
    /// The address that acknowledges the page.
    pub acknowledge: Option<String>,
    /// What is in a digest; one entry for a single notice.
    pub notices: Vec<Item>,
    /// How many notices it tells of; `notices` may list fewer.
    pub count: usize,
    /// For programs; of a single notice.
    pub payload: Value,
    /// A file that goes with it by mail.
    #[serde(skip)]
    pub file: Option<MessageFile>,
}

/// A file that goes with a message by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageFile {
    /// Its name: letters, digits, dots and dashes.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A notice in a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// The notice.
    pub id: String,
    /// When it was made.
    pub created_at_us: TimestampUs,
    /// Its ticket.
    pub ticket: Option<i64>,
    /// What happened.
    pub event: EventKind,
    /// How urgent it was.
    pub urgency: Urgency,
    /// One line.
    pub subject: String,
    /// The ticket's address.
    pub link: Option<String>,
}

impl Message {
    /// Puts a parcel into words.
    pub fn of(parcel: &Parcel, links: &Links) -> Self {
        let first = parcel.first();
        let single = parcel.count() == 1;
        let ticket = first.ticket.filter(|_| parcel.notices().all(|notice| notice.ticket == first.ticket));
        Self {
            id: parcel.id.clone(),
            created_at_us: parcel.notices().map(|notice| notice.created_at_us).max().unwrap_or(first.created_at_us),
            person: first.person.clone(),
            urgency: parcel.urgency(),
            event: single.then_some(first.event),
            ticket,
            subject: if single { first.subject.clone() } else { digest_subject(parcel, ticket) },
            text: if single { first.body.clone() } else { digest_text(parcel) },
            link: links.ticket(ticket),
            acknowledge: links.acknowledge.clone().filter(|_| first.urgency == Urgency::Page),
            notices: parcel.notices().take(MAX_LISTED).map(|notice| item(notice, links)).collect(),
            count: parcel.count(),
            payload: if single { first.payload.clone() } else { Value::Null },
            file: None,
        }
    }
}

fn item(notice: &Notice, links: &Links) -> Item {
    Item {
        id: notice.id.clone(),
        created_at_us: notice.created_at_us,
        ticket: notice.ticket,
        event: notice.event,
        urgency: notice.urgency,
        subject: notice.subject.clone(),
        link: links.ticket(notice.ticket),
    }
}

fn digest_subject(parcel: &Parcel, ticket: Option<i64>) -> String {
    let count = parcel.count();
    let mut tickets: Vec<i64> = parcel.notices().filter_map(|notice| notice.ticket).collect();
    tickets.sort_unstable();
    tickets.dedup();
    match (ticket, tickets.len()) {
        (Some(ticket), _) => format!("[#{ticket}] {count} notices"),
        (None, 0) => format!("{count} notices"),
        (None, 1) => format!("{count} notices, of 1 ticket"),
        (None, several) => format!("{count} notices, of {several} tickets"),
    }
}

fn digest_text(parcel: &Parcel) -> String {
    let mut text = format!("{} notices since the last message:\n", parcel.count());
    for notice in parcel.notices().take(MAX_LISTED) {
        text.push_str("\n* ");
        text.push_str(&notice.subject);
        if let Some(line) = notice.body.lines().find(|line| !line.trim().is_empty()) {
            text.push_str("\n  ");
            text.push_str(&shortened(line.trim(), EXCERPT_CHARS));
        }
    }
    if parcel.count() > MAX_LISTED {
        text.push_str(&format!("\n\nand {} more", parcel.count() - MAX_LISTED));
    }
    text
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
