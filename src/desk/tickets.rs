//! Reading and changing tickets.

use sqlx::Row;

use super::change::events_of;
use super::recording::open_twin;
use super::ticket_rows::{append_event, json, load_events, load_finding_notes, load_ticket, save_ticket, ticket_of};
use super::{Actor, Change, DeskError, Event, Priority, Ticket, TicketEvent, TicketState, replay};
use crate::clock::{Clock, TimestampUs};
use crate::store::{Evidence, Store, StoreError};

/// Tickets on a page at most.
const MAX_PAGE: u32 = 1_000;
/// Entries of a ticket's history that are shown: the latest.
const MAX_HISTORY: i64 = 1_000;

/// The desk over a store. Clones share it.
#[derive(Debug, Clone)]
pub struct Desk {
    pub(super) store: Store,
    pub(super) clock: Clock,
}

/// Which tickets to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketFilter {
    /// Only those in this state.
    pub state: Option<TicketState>,
    /// Only those of this priority.
    pub priority: Option<Priority>,
    /// Only those that somebody still has to do something about.
    pub open_only: bool,
    /// Only those that hold this text in title, description or entity, in either case of ASCII letters.
    pub text: Option<String>,
    /// Tickets on the page: 1 to 1,000; 0 means 100.
    pub limit: u32,
    /// The page before's [`TicketPage::next_cursor`].
    pub cursor: Option<i64>,
}

/// A page of tickets, the newest first.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TicketPage {
    /// The tickets.
    pub tickets: Vec<Ticket>,
    /// Where the next page begins; `None` on the last.
    pub next_cursor: Option<i64>,
}

/// A ticket with its history and evidence.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TicketDetail {
    /// The ticket.
    pub ticket: Ticket,
    /// Its latest 1,000 events, oldest first.
    pub history: Vec<Event>,
    /// Evidence of its first finding.
    pub first_evidence: Option<Evidence>,
    /// Evidence of its latest finding; `None` while that is the first.
    pub latest_evidence: Option<Evidence>,
}

impl Desk {
    /// A desk over the store.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// The tickets that the filter lets through, the newest first.
    pub async fn list(&self, filter: &TicketFilter) -> Result<TicketPage, DeskError> {
        let limit = if filter.limit == 0 { 100 } else { filter.limit.min(MAX_PAGE) } as usize;
        let mut read = self.store.read().await?;
        // One row more than asked for tells whether there is another page.
        let rows = sqlx::query(
            "SELECT * FROM tickets
             WHERE (?1 IS NULL OR number < ?1) AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR priority = ?3)
                 AND (NOT ?4 OR state NOT IN ('resolved', 'closed'))
                 AND (?5 IS NULL OR title LIKE ?5 ESCAPE '\\' OR description LIKE ?5 ESCAPE '\\' OR entity LIKE ?5 ESCAPE '\\')
             ORDER BY number DESC LIMIT ?6",
        )
        .bind(filter.cursor)
        .bind(filter.state.map(TicketState::word))
        .bind(filter.priority.map(Priority::word))
        .bind(filter.open_only)
        .bind(filter.text.as_deref().map(contains_pattern))
        .bind(limit as i64 + 1)
        .fetch_all(&mut *read)
        .await?;
        let tickets = rows.iter().take(limit).map(ticket_of).collect::<Result<Vec<_>, _>>()?;
        let next_cursor = tickets.last().map(|ticket| ticket.number).filter(|_| rows.len() > limit);
        Ok(TicketPage { tickets, next_cursor })
    }

    /// A ticket with its history and evidence, all of one moment.
    pub async fn get(&self, number: i64) -> Result<TicketDetail, DeskError> {
        let mut read = self.store.read().await?;
        let ticket = load_ticket(&mut read, number).await?.ok_or(DeskError::NotFound(number))?;
        let history = load_events(&mut read, number, MAX_HISTORY).await?;
        let mut evidence = Vec::new();
        let latest_id = ticket.last_finding_id.filter(|id| Some(*id) != ticket.first_finding_id);
        for id in [ticket.first_finding_id, latest_id] {
            let row = sqlx::query("SELECT evidence FROM findings WHERE id = ?1 AND evidence IS NOT NULL")
                .bind(id)
                .fetch_optional(&mut *read)
                .await?;
            let one = row.map(|row| -> Result<Evidence, StoreError> { json(row.try_get(0)?) }).transpose()?;
            evidence.push(one);
        }
        let latest_evidence = evidence.pop().flatten();
        let first_evidence = evidence.pop().flatten();
        Ok(TicketDetail { ticket, history, first_evidence, latest_evidence })
    }

    /// The first finding of a ticket whose window ended in `[from_us, to_us)`: the end of that window.
    pub async fn first_finding_between(
        &self,
        number: i64,
        from_us: TimestampUs,
        to_us: TimestampUs,
    ) -> Result<Option<TimestampUs>, DeskError> {
        let mut read = self.store.read().await?;
        let row = sqlx::query("SELECT min(window_end_us) FROM findings WHERE ticket = ?1 AND window_end_us >= ?2 AND window_end_us < ?3")
            .bind(number)
            .bind(from_us)
            .bind(to_us)
            .fetch_one(&mut *read)
            .await?;
        Ok(row.try_get(0)?)
    }

    /// Changes a ticket, if it is still at `expected_version` (`None`: whatever it is at). Each difference is an event by
    /// `actor`; a change that differs in nothing writes nothing.
    pub async fn change(&self, number: i64, expected_version: Option<i64>, change: &Change, actor: &Actor) -> Result<Ticket, DeskError> {
        let now_us = self.clock.now_us();
        let mut write = self.store.write().await?;
        let mut ticket = load_ticket(&mut write, number).await?.ok_or(DeskError::NotFound(number))?;
        if let Some(expected) = expected_version.filter(|expected| *expected != ticket.version) {
            return Err(DeskError::Conflict { number, expected, current: ticket.version });
        }
        let events = events_of(&ticket, change)?;
        if events.is_empty() {
            return Ok(ticket);
        }
        if events.iter().any(|event| matches!(event, TicketEvent::Moved { to: TicketState::Reopened, .. }))
            && let Some(twin) = open_twin(&mut write, &ticket).await?
        {
            let why = format!("ticket {} is already open for the same problem; work on that one", twin.number);
            return Err(DeskError::Invalid { field: "state", why });
        }
        for event in events {
            let event = Event { seq: ticket.events + 1, at_us: now_us, actor: actor.clone(), event };
            append_event(&mut write, number, &event).await?;
            ticket.apply(&event);
        }
        save_ticket(&mut write, &ticket).await?;
        write.commit().await?;
        Ok(ticket)
    }

    /// The ticket as its history and findings alone make it: what [`Desk::get`] must show, for a check of the store.
    pub async fn replayed(&self, number: i64) -> Result<Ticket, DeskError> {
        let mut read = self.store.read().await?;
        let history = load_events(&mut read, number, i64::MAX).await?;
        let findings = load_finding_notes(&mut read, number).await?;
        replay(number, &history, &findings).ok_or(DeskError::NotFound(number))
    }
}

/// A LIKE pattern for "holds this text", in which the text's own `%` and `_` stand for themselves.
fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
