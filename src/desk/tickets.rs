//! Reading and changing tickets.

use std::sync::{Arc, PoisonError, RwLock};

use sqlx::Row;
use tokio::sync::Notify;

use super::attachments::load_attachments;
use super::change::events_of;
use super::reclassifying::{consequences, refuse_kind};
use super::recording::open_twin;
use super::relations::load_relations;
use super::ticket_rows::{json, load_events, load_events_before, load_finding_notes, load_milestones, load_ticket};
use super::{Actor, Attachment, Change, DeskError, DeskRules, Event, Relation, Ticket, TicketEvent, TicketState, Writing, replay};
use crate::clock::{Clock, TimestampUs};
use crate::store::{Evidence, RequestKey, Store, StoreError};

/// Entries of a ticket's history that are shown: the latest.
const MAX_HISTORY: i64 = 1_000;

/// Tickets that one request may change.
const MAX_BULK: usize = 500;

/// The desk over a store. Clones share it.
#[derive(Debug, Clone)]
pub struct Desk {
    pub(super) store: Store,
    pub(super) clock: Clock,
    rules: Arc<RwLock<Arc<DeskRules>>>,
    /// Wakes whoever acts on events.
    pub(super) committed: Arc<Notify>,
}

/// A ticket with its history and evidence.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TicketDetail {
    /// The ticket.
    pub ticket: Ticket,
    /// Its latest 1,000 events, oldest first.
    pub history: Vec<Event>,
    /// How it belongs to others.
    pub links: Vec<Relation>,
    /// Its files.
    pub attachments: Vec<Attachment>,
    /// Evidence of its first finding.
    pub first_evidence: Option<Evidence>,
    /// Evidence of its latest finding; `None` while that is the first.
    pub latest_evidence: Option<Evidence>,
}

impl Desk {
    /// A desk over the store.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock, rules: Arc::default(), committed: Arc::default() }
    }

    /// What the department has set up.
    pub fn rules(&self) -> Arc<DeskRules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes by other rules from now on.
    pub fn set_rules(&self, rules: DeskRules) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    /// A ticket with its history and evidence, all of one moment.
    pub async fn get(&self, number: i64) -> Result<TicketDetail, DeskError> {
        let mut read = self.store.read().await?;
        let ticket = load_ticket(&mut read, number).await?.ok_or(DeskError::NotFound(number))?;
        let history = load_events(&mut read, number, MAX_HISTORY).await?;
        let links = load_relations(&mut read, number).await?;
        let attachments = load_attachments(&mut read, number).await?;
        let mut evidence = Vec::new();
        let latest_id = ticket.last_finding_id.filter(|id| Some(*id) != ticket.first_finding_id);
        for id in [ticket.first_finding_id, latest_id] {
            let Some(id) = id else {
                evidence.push(None);
                continue;
            };
            let row = sqlx::query("SELECT evidence FROM findings WHERE id = ?1 AND evidence IS NOT NULL")
                .bind(id)
                .fetch_optional(&mut *read)
                .await?;
            let one = row.map(|row| -> Result<Evidence, StoreError> { json(row.try_get(0)?) }).transpose()?;
            evidence.push(one);
        }
        let latest_evidence = evidence.pop().flatten();
        let first_evidence = evidence.pop().flatten();
        Ok(TicketDetail { ticket, history, links, attachments, first_evidence, latest_evidence })
    }

    /// The whole history of a ticket, oldest first.
    pub async fn history(&self, number: i64) -> Result<Vec<Event>, DeskError> {
        let mut read = self.store.read().await?;
        Ok(load_events(&mut read, number, i64::MAX).await?)
    }

    /// Entries of a ticket's history before one (`None`: the last), oldest first; at most a thousand.
    ///
    /// # Errors
    /// [`DeskError::NotFound`].
    pub async fn history_before(&self, number: i64, before: Option<i64>, limit: i64) -> Result<Vec<Event>, DeskError> {
        let mut read = self.store.read().await?;
        let events = load_events_before(&mut read, number, before.unwrap_or(i64::MAX), limit.clamp(1, MAX_HISTORY)).await?;
        if events.is_empty() && load_ticket(&mut read, number).await?.is_none() {
            return Err(DeskError::NotFound(number));
        }
        Ok(events)
    }

    /// What of the history of a ticket promises are computed from, oldest first, without the texts.
    pub async fn milestones(&self, number: i64) -> Result<Vec<Event>, DeskError> {
        let mut read = self.store.read().await?;
        Ok(load_milestones(&mut read, number).await?)
    }

    /// The open ticket of a problem.
    pub async fn open_ticket_of(&self, problem: &str) -> Result<Option<i64>, DeskError> {
        let mut read = self.store.read().await?;
        let sql = "SELECT number FROM tickets WHERE fingerprint = ?1 AND state NOT IN ('resolved', 'closed')";
        Ok(sqlx::query_scalar(sql).bind(problem).fetch_optional(&mut *read).await?)
    }

    /// Tickets that are resolved since before `at_us`, the oldest first.
    pub async fn resolved_before(&self, at_us: TimestampUs, limit: i64) -> Result<Vec<i64>, DeskError> {
        let mut read = self.store.read().await?;
        let sql = "SELECT number FROM tickets INDEXED BY resolved_tickets WHERE state = 'resolved' AND resolved_at_us < ?1 ORDER BY resolved_at_us LIMIT ?2";
        Ok(sqlx::query_scalar(sql).bind(at_us).bind(limit).fetch_all(&mut *read).await?)
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
        self.change_once(number, expected_version, change, actor, None).await
    }

    /// The same, once: with a key that came before it changes nothing and gives the ticket as it is.
    pub async fn change_once(
        &self,
        number: i64,
        expected_version: Option<i64>,
        change: &Change,
        actor: &Actor,
        key: Option<&RequestKey>,
    ) -> Result<Ticket, DeskError> {
        let mut writing = self.writing().await?;
        if let Some(key) = key {
            if writing.made_before(actor, key).await?.is_some() {
                return self.as_it_is(writing, number).await;
            }
            writing.remember(actor, key, number).await?;
        }
        writing.refuse_stale(number, expected_version).await?;
        self.apply(&mut writing, number, change, actor).await?;
        writing.commit().await?.remove(&number).ok_or(DeskError::NotFound(number))
    }

    /// The ticket as it is. What made it so may be in this very transaction: nothing is answered before that is durable.
    pub(super) async fn as_it_is(&self, mut writing: Writing, number: i64) -> Result<Ticket, DeskError> {
        writing.ticket(number).await?;
        writing.commit().await?.remove(&number).ok_or(DeskError::NotFound(number))
    }

    /// Changes several tickets in the same way: all of them, or, if one cannot be changed so, none.
    ///
    /// # Errors
    /// That of the first ticket that cannot be changed, with its number.
    pub async fn change_all(
        &self,
        numbers: &[i64],
        change: &Change,
        actor: &Actor,
        key: Option<&RequestKey>,
    ) -> Result<Vec<Ticket>, DeskError> {
        if numbers.is_empty() || numbers.len() > MAX_BULK {
            let why = format!("there are {}; name 1 to {MAX_BULK} tickets", numbers.len());
            return Err(DeskError::Invalid { field: "numbers", why });
        }
        let mut writing = self.writing().await?;
        if let Some(key) = key {
            if writing.made_before(actor, key).await?.is_some() {
                for number in numbers {
                    writing.ticket(*number).await?;
                }
                return Ok(writing.commit().await?.into_values().collect());
            }
            writing.remember(actor, key, 0).await?;
        }
        for number in numbers {
            let error = |error| DeskError::InBulk { number: *number, error: Box::new(error) };
            self.apply(&mut writing, *number, change, actor).await.map_err(error)?;
        }
        Ok(writing.commit().await?.into_values().collect())
    }

    /// Notes that somebody has seen the ticket and takes care. To say so twice in a row changes nothing; after anything else has
    /// happened it is news again, as who is called may have changed.
    pub async fn acknowledge(&self, number: i64, via: &str, actor: &Actor) -> Result<Ticket, DeskError> {
        let writing = self.writing().await?;
        self.acknowledge_in(writing, number, via, actor).await
    }

    /// The same in a transaction in which something was looked at before.
    pub async fn acknowledge_in(&self, mut writing: Writing, number: i64, via: &str, actor: &Actor) -> Result<Ticket, DeskError> {
        let ticket = writing.ticket(number).await?;
        if !ticket.state.is_open() {
            let why = format!("ticket {number} is {}; only an open one can be acknowledged", ticket.state);
            return Err(DeskError::Invalid { field: "state", why });
        }
        let (last, by) = (ticket.events, actor.user().map(str::to_owned));
        let said = |event: Event| event.actor.name == actor.name && matches!(event.event, TicketEvent::Acknowledged { .. });
        if !writing.event(number, last).await?.is_some_and(said) {
            writing.happen(number, actor, TicketEvent::Acknowledged { via: via.to_owned(), by }).await?;
        }
        writing.commit().await?.remove(&number).ok_or(DeskError::NotFound(number))
    }

    /// Lets the change's events happen; the caller commits.
    pub(super) async fn apply(&self, writing: &mut Writing, number: i64, change: &Change, actor: &Actor) -> Result<(), DeskError> {
        let ticket = writing.ticket(number).await?.clone();
        let rules = self.rules();
        if let Some(kind) = change.kind.filter(|kind| *kind != ticket.kind) {
            refuse_kind(writing, &ticket, kind, &rules).await?;
        }
        let consequences = consequences(writing, &ticket, change, &rules).await?;
        let events = events_of(&ticket, change, &rules.matrix, consequences.as_ref())?;
        if events.iter().any(|event| matches!(event, TicketEvent::Moved { to: TicketState::Reopened, .. }))
            && let Some(twin) = open_twin(writing.connection(), &ticket).await?
        {
            let why = format!("ticket {} is already open for the same problem; work on that one", twin.number);
            return Err(DeskError::Invalid { field: "state", why });
        }
        for event in events {
            writing.happen(number, actor, event).await?;
        }
        Ok(())
    }

    /// The ticket as its history and findings alone make it: what [`Desk::get`] must show, for a check of the store.
    pub async fn replayed(&self, number: i64) -> Result<Ticket, DeskError> {
        let mut read = self.store.read().await?;
        let history = load_events(&mut read, number, i64::MAX).await?;
        let findings = load_finding_notes(&mut read, number).await?;
        replay(number, &history, &findings).ok_or(DeskError::NotFound(number))
    }

    /// The numbers of those of the newest `limit` tickets whose row is not what their history and findings make.
    pub async fn differing(&self, limit: i64) -> Result<Vec<i64>, DeskError> {
        let mut read = self.store.read().await?;
        let numbers: Vec<i64> =
            sqlx::query_scalar("SELECT number FROM tickets ORDER BY number DESC LIMIT ?1").bind(limit).fetch_all(&mut *read).await?;
        let mut differing = Vec::new();
        for number in numbers {
            let ticket = load_ticket(&mut read, number).await?;
            let history = load_events(&mut read, number, i64::MAX).await?;
            let findings = load_finding_notes(&mut read, number).await?;
            if ticket != replay(number, &history, &findings) {
                differing.push(number);
            }
        }
        Ok(differing)
    }
}
