//! One ticket was two: a new one is opened for a part of what was written and attached.
//!
//! The history of the old one stays as it is, with a last word about what went where. In the new one each comment and file is an event
//! that names the one that it is a copy of.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use super::attachments::{MAX_FILES, copy_attachment, load_attachments};
use super::relations::insert_link;
use super::{Actor, Asked, Attachment, Desk, DeskError, Event, Link, LinkKind, NewTicket, Ticket, TicketEvent, Writing};
use crate::clock::TimestampUs;
use crate::store::StoreError;

/// Comments that go to a new ticket at once: with 64 KiB each a few megabytes.
const MAX_COMMENTS: usize = 100;

/// Where a copied comment or file comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// The ticket.
    pub ticket: i64,
    /// The event there, from 1.
    pub event: i64,
    /// When it was written.
    pub at_us: TimestampUs,
    /// Who wrote it, by name.
    pub by: String,
}

impl Copied {
    /// Of a copy, who wrote it first and when.
    fn of(ticket: i64, event: &Event) -> Self {
        let first = match &event.event {
            TicketEvent::Commented { copied: Some(first), .. } | TicketEvent::Attached { copied: Some(first), .. } => Some(first),
            _ => None,
        };
        let (at_us, by) = first.map_or((event.at_us, &event.actor.name), |first| (first.at_us, &first.by));
        Self { ticket, event: event.seq, at_us, by: by.clone() }
    }
}

/// What of a ticket goes to a new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The comments, by the numbers of their events.
    #[serde(default)]
    pub comments: BTreeSet<i64>,
    /// The files, by their numbers.
    #[serde(default)]
    pub attachments: BTreeSet<i64>,
    /// The new ticket, as one that is opened by itself; without a requester it has that of the old one, and who watches that one.
    pub ticket: NewTicket,
}

impl Part {
    /// The new ticket with what it has of the old one. Whoever else asks for it decides who hears of it.
    fn new_ticket(&self, from: &Ticket) -> NewTicket {
        let mut new = self.ticket.clone();
        if new.requester.is_none() {
            new.requester.clone_from(&from.requester);
            new.watchers.extend(from.watchers.iter().cloned());
        }
        new
    }
}

impl Desk {
    /// Opens a ticket for a part of another, and links it to the other. With a key that came before, gives the ticket that was opened then.
    ///
    /// # Errors
    /// [`DeskError::Invalid`] names the field: nothing is chosen, or something that the ticket does not have.
    pub async fn split(&self, from: i64, part: &Part, asked: &Asked<'_>) -> Result<Ticket, DeskError> {
        let Asked { actor, expected_version, key } = *asked;
        let mut writing = self.writing().await?;
        if let Some(known) = writing.opened_before(actor, key).await? {
            return self.as_it_is(writing, known).await;
        }
        writing.refuse_stale(from, expected_version).await?;
        let new = part.new_ticket(writing.ticket(from).await?);
        let comments = chosen_comments(&mut writing, from, &part.comments).await?;
        let files = chosen_files(&mut writing, from, &part.attachments).await?;
        if comments.is_empty() && files.is_empty() {
            let why = "nothing is chosen; name comments by the numbers of their events, or attachments by theirs".to_owned();
            return Err(DeskError::Invalid { field: "comments", why });
        }
        let number = self.open_new(&mut writing, &new, actor).await?;
        self.link_to_whole(&mut writing, number, from, actor).await?;
        for event in &comments {
            if let TicketEvent::Commented { text, internal, .. } = &event.event {
                let copied = Some(Copied::of(from, event));
                writing.happen(number, actor, TicketEvent::Commented { text: text.clone(), internal: *internal, copied }).await?;
            }
        }
        for (file, event) in &files {
            copy_attachment(&mut writing, number, file, Copied::of(from, event), actor).await?;
        }
        let gone = TicketEvent::SplitOff {
            into: number,
            title: writing.ticket(number).await?.title.clone(),
            comments: part.comments.iter().copied().collect(),
            attachments: part.attachments.iter().copied().collect(),
        };
        writing.happen(from, actor, gone).await?;
        if let Some(key) = key {
            writing.remember(actor, key, number).await?;
        }
        writing.commit().await?.remove(&number).ok_or(DeskError::NotFound(number))
    }

    /// Says in a new ticket that it was a part of another.
    pub(super) async fn link_to_whole(&self, writing: &mut Writing, new: i64, whole: i64, actor: &Actor) -> Result<(), DeskError> {
        let link = Link { link: LinkKind::SplitFrom, ticket: whole };
        if insert_link(writing.connection(), new, link).await? {
            writing.happen(new, actor, TicketEvent::Linked { link: link.link, other: whole }).await?;
        }
        Ok(())
    }
}

/// The comments of these numbers, in order.
async fn chosen_comments(writing: &mut Writing, ticket: i64, chosen: &BTreeSet<i64>) -> Result<Vec<Event>, DeskError> {
    let invalid = |why: String| DeskError::Invalid { field: "comments", why };
    if chosen.len() > MAX_COMMENTS {
        return Err(invalid(format!("there are {}; name at most {MAX_COMMENTS}", chosen.len())));
    }
    let mut events = Vec::with_capacity(chosen.len());
    for seq in chosen {
        match writing.event(ticket, *seq).await? {
            Some(event) if matches!(event.event, TicketEvent::Commented { .. }) => events.push(event),
            Some(event) => {
                let why = format!("event {seq} of ticket {ticket} is no comment ({}); its history has the numbers", event.event.kind());
                return Err(invalid(why));
            }
            None => return Err(invalid(format!("ticket {ticket} has no event {seq}; its history has the numbers"))),
        }
    }
    Ok(events)
}

/// The files of these numbers with the events by which they came, in order.
async fn chosen_files(writing: &mut Writing, ticket: i64, chosen: &BTreeSet<i64>) -> Result<Vec<(Attachment, Event)>, DeskError> {
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    if chosen.len() as i64 > MAX_FILES {
        let why = format!("there are {}; a ticket has at most {MAX_FILES}", chosen.len());
        return Err(DeskError::Invalid { field: "attachments", why });
    }
    let mut known = load_attachments(writing.connection(), ticket).await?;
    let mut files = Vec::with_capacity(chosen.len());
    for id in chosen {
        let at = known.iter().position(|file| file.id == *id);
        let file = at.map(|at| known.swap_remove(at));
        let came = match &file {
            Some(file) => attached_by(writing.connection(), ticket, file.id).await?,
            None => None,
        };
        let seq = came.ok_or_else(|| DeskError::Invalid {
            field: "attachments",
            why: format!("ticket {ticket} has no file {id}; `GET /api/v1/tickets/{ticket}` lists those that it has"),
        })?;
        files.extend(file.zip(writing.event(ticket, seq).await?));
    }
    Ok(files)
}

/// The number of the event by which a file came.
async fn attached_by(read: &mut SqliteConnection, ticket: i64, file: i64) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT seq FROM ticket_events WHERE ticket = ?1 AND kind = 'attached' AND detail ->> '$.attachment' = ?2";
    Ok(sqlx::query_scalar(sql).bind(ticket).bind(file).fetch_optional(read).await?)
}
