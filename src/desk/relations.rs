//! How tickets belong together, and who hears of them.

use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteConnection};

use super::change::checked_name;
use super::opening::MAX_WATCHERS;
use super::recording::save_state;
use super::{Actor, AnalysisState, Asked, Desk, DeskError, LinkKind, Ticket, TicketEvent, TicketState};
use crate::store::StoreError;

/// Links that one ticket may have.
const MAX_LINKS: i64 = 500;

/// A link as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// How it belongs to the other.
    pub link: LinkKind,
    /// The other's number.
    pub ticket: i64,
}

/// A link as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Relation {
    /// How this one belongs to the other, or the other to this one.
    pub link: LinkKind,
    /// The link goes out from this ticket.
    pub outgoing: bool,
    /// The other's number.
    pub ticket: i64,
    /// The other's title.
    pub title: String,
    /// Where the other stands.
    pub state: TicketState,
}

impl Desk {
    /// Links a ticket to another; a link that is there already changes nothing.
    pub async fn link(&self, number: i64, link: Link, actor: &Actor) -> Result<Ticket, DeskError> {
        if number == link.ticket {
            return Err(DeskError::Invalid { field: "ticket", why: "a ticket cannot be linked to itself; name another".to_owned() });
        }
        let mut writing = self.writing().await?;
        writing.ticket(link.ticket).await?;
        writing.ticket(number).await?;
        let links: i64 =
            sqlx::query_scalar("SELECT count(*) FROM ticket_links WHERE ticket = ?1").bind(number).fetch_one(writing.connection()).await?;
        if links >= MAX_LINKS {
            let why = format!("the ticket has {MAX_LINKS} links already; take one away, or make a problem of it");
            return Err(DeskError::Invalid { field: "link", why });
        }
        if insert_link(writing.connection(), number, link).await? {
            writing.happen(number, actor, TicketEvent::Linked { link: link.link, other: link.ticket }).await?;
        }
        writing.commit().await?.remove(&number).ok_or(DeskError::NotFound(number))
    }

    /// Takes a link away; one that is not there changes nothing.
    pub async fn unlink(&self, number: i64, link: Link, actor: &Actor) -> Result<Ticket, DeskError> {
        let mut writing = self.writing().await?;
        writing.ticket(number).await?;
        let done = sqlx::query("DELETE FROM ticket_links WHERE ticket = ?1 AND kind = ?2 AND other = ?3")
            .bind(number)
            .bind(link.link.word())
            .bind(link.ticket)
            .execute(writing.connection())
            .await?;
        if done.rows_affected() > 0 {
            writing.happen(number, actor, TicketEvent::Unlinked { link: link.link, other: link.ticket }).await?;
        }
        writing.commit().await?.remove(&number).ok_or(DeskError::NotFound(number))
    }

    /// Lets somebody hear of a ticket, or no longer.
    pub async fn watch(&self, number: i64, person: &str, watches: bool, actor: &Actor) -> Result<Ticket, DeskError> {
        let invalid = |why: String| DeskError::Invalid { field: "person", why };
        let person = checked_name("person", person)?.ok_or_else(|| invalid("it is empty; name somebody".to_owned()))?;
        let mut writing = self.writing().await?;
        let ticket = writing.ticket(number).await?;
        if watches && ticket.watchers.len() >= MAX_WATCHERS {
            return Err(invalid(format!("{MAX_WATCHERS} people watch it already; write to a team instead")));
        }
        if ticket.watchers.contains(&person) != watches {
            let event = if watches { TicketEvent::Watched { person } } else { TicketEvent::Unwatched { person } };
            writing.happen(number, actor, event).await?;
        }
        writing.commit().await?.remove(&number).ok_or(DeskError::NotFound(number))
    }

    /// Lets a ticket go on in another: it is resolved, its people hear of the other from now on. `state` is the state of the
    /// analysis that comes of it, where both are incidents that it found.
    ///
    /// # Errors
    /// [`DeskError::NotOpen`] if one of them is not open, [`DeskError::Invalid`] if both are the same; then nothing was changed.
    pub async fn merge(&self, into: i64, other: i64, state: Option<AnalysisState>, asked: &Asked<'_>) -> Result<Ticket, DeskError> {
        let Asked { actor, expected_version, key } = *asked;
        if into == other {
            return Err(DeskError::Invalid { field: "ticket", why: "a ticket cannot go on in itself; name another".to_owned() });
        }
        let mut writing = self.writing().await?;
        if let Some(known) = writing.opened_before(actor, key).await? {
            return self.as_it_is(writing, known).await;
        }
        writing.refuse_stale(into, expected_version).await?;
        for number in [into, other] {
            let state = writing.ticket(number).await?.state;
            if !state.is_open() {
                return Err(DeskError::NotOpen { number, state });
            }
        }
        let gone = writing.ticket(other).await?.clone();
        let people: Vec<String> = gone.watchers.iter().chain(&gone.requester).cloned().collect();
        let (from, reason) = (gone.state, Some(format!("it goes on in ticket {into}")));
        writing.happen(other, actor, TicketEvent::Merged { into }).await?;
        writing.happen(other, actor, TicketEvent::Moved { from, to: TicketState::Resolved, hold: None, reason }).await?;
        let link = Link { link: LinkKind::DuplicateOf, ticket: into };
        if insert_link(writing.connection(), other, link).await? {
            writing.happen(other, actor, TicketEvent::Linked { link: link.link, other: into }).await?;
        }
        writing.happen(into, actor, TicketEvent::note(format!("ticket {other} goes on here: {}", gone.title))).await?;
        for person in people {
            let ticket = writing.ticket(into).await?;
            let knows = ticket.watchers.contains(&person) || ticket.requester.as_ref() == Some(&person);
            if !knows && ticket.watchers.len() < MAX_WATCHERS {
                writing.happen(into, actor, TicketEvent::Watched { person }).await?;
            }
        }
        let now_us = writing.now_us();
        if let Some((name, state)) = state {
            save_state(writing.connection(), name, &state, now_us).await?;
        }
        if let Some(key) = key {
            writing.remember(actor, key, into).await?;
        }
        writing.commit().await?.remove(&into).ok_or(DeskError::NotFound(into))
    }
}

pub(super) async fn insert_link(write: &mut SqliteConnection, number: i64, link: Link) -> Result<bool, StoreError> {
    let done = sqlx::query("INSERT INTO ticket_links (ticket, kind, other) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
        .bind(number)
        .bind(link.link.word())
        .bind(link.ticket)
        .execute(write)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// The links of a ticket, in both directions.
pub(super) async fn load_relations(read: &mut SqliteConnection, number: i64) -> Result<Vec<Relation>, StoreError> {
    let rows = sqlx::query(
        "SELECT l.kind, 1 AS outgoing, t.number, t.title, t.state FROM ticket_links l JOIN tickets t ON t.number = l.other WHERE l.ticket = ?1
         UNION ALL
         SELECT l.kind, 0, t.number, t.title, t.state FROM ticket_links l JOIN tickets t ON t.number = l.ticket WHERE l.other = ?1
         ORDER BY 3 LIMIT ?2",
    )
    .bind(number)
    .bind(2 * MAX_LINKS)
    .fetch_all(read)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Relation {
                link: row.try_get::<&str, _>(0)?.parse().map_err(StoreError::Unreadable)?,
                outgoing: row.try_get(1)?,
                ticket: row.try_get(2)?,
                title: row.try_get(3)?,
                state: row.try_get::<&str, _>(4)?.parse().map_err(StoreError::Unreadable)?,
            })
        })
        .collect()
}
