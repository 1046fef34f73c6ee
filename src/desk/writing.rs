//! Changes of tickets in one transaction: all of them or none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sqlx::{Row, SqliteConnection};
use tokio::sync::Notify;

use super::ticket_rows::{append_event, event_of, json_text, load_event, load_milestones, load_ticket, save_ticket, ticket_of};
use super::{Actor, Desk, DeskError, Event, Opening, Ticket, TicketEvent};
use crate::clock::TimestampUs;
use crate::store::{KnownRequest, RequestKey, StoreError, WriteTransaction, known_request, remember_request};

/// Comments of a ticket that the search knows, and their bytes: the newest.
const MAX_SEARCHED_COMMENTS: i64 = 1_000;
const MAX_SEARCHED_BYTES: i64 = 256 << 10;

/// A transaction over tickets. Dropped without [`Writing::commit`], it leaves nothing.
#[derive(Debug)]
pub struct Writing {
    write: WriteTransaction,
    now_us: TimestampUs,
    /// Those that were read or changed here, as they will be.
    tickets: BTreeMap<i64, Ticket>,
    changed: BTreeSet<i64>,
    /// Some of them are in the transaction already.
    has_saved: bool,
    /// Those whose words are new to the search.
    reworded: BTreeSet<i64>,
    committed: Arc<Notify>,
}

impl Desk {
    /// Begins a transaction; waits while another writes. It may share a commit with others and see what they wrote: nothing is
    /// answered to anybody before [`Writing::commit`], unless it is a refusal.
    pub async fn writing(&self) -> Result<Writing, DeskError> {
        let write = self.store.write_with_others().await?;
        Ok(Writing {
            write,
            now_us: self.clock.now_us(),
            tickets: BTreeMap::new(),
            changed: BTreeSet::new(),
            has_saved: false,
            reworded: BTreeSet::new(),
            committed: self.committed.clone(),
        })
    }

    /// Waits until something was written.
    pub async fn written(&self) {
        self.committed.notified().await;
    }
}

impl Writing {
    /// The moment that everything in this transaction happens at.
    pub fn now_us(&self) -> TimestampUs {
        self.now_us
    }

    /// For what else belongs to the change: a message to be sent, a state to be kept.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.write
    }

    /// The ticket as it stands in this transaction.
    ///
    /// # Errors
    /// [`DeskError::NotFound`].
    pub async fn ticket(&mut self, number: i64) -> Result<&Ticket, DeskError> {
        if !self.tickets.contains_key(&number) {
            let ticket = load_ticket(&mut self.write, number).await?.ok_or(DeskError::NotFound(number))?;
            self.tickets.insert(number, ticket);
        }
        self.tickets.get(&number).ok_or(DeskError::NotFound(number))
    }

    /// Events of tickets, named by ticket and number, in that order; one that is not there is left out. Their tickets are read
    /// with them, for what is done next.
    pub async fn read_ahead(&mut self, named: &[(i64, i64)]) -> Result<Vec<(i64, Event)>, DeskError> {
        let numbers: BTreeSet<i64> = named.iter().map(|(ticket, _)| *ticket).filter(|number| !self.tickets.contains_key(number)).collect();
        let tickets = sqlx::query("SELECT t.* FROM json_each(?1) CROSS JOIN tickets t ON t.number = value");
        for row in tickets.bind(json_text(&numbers)?).fetch_all(&mut *self.write).await? {
            let ticket = ticket_of(&row)?;
            self.tickets.insert(ticket.number, ticket);
        }
        let events = sqlx::query(
            "SELECT ticket, seq, at_us, actor, origin, detail FROM json_each(?1)
             CROSS JOIN ticket_events ON ticket = value ->> 0 AND seq = value ->> 1 ORDER BY key",
        );
        let rows = events.bind(json_text(&named)?).fetch_all(&mut *self.write).await?;
        rows.iter().map(|row| Ok((row.try_get(0).map_err(StoreError::from)?, event_of(row)?))).collect()
    }

    /// What of the ticket's history promises are computed from, oldest first, with what happened in this transaction. Texts are
    /// left out.
    pub async fn milestones(&mut self, number: i64) -> Result<Vec<Event>, DeskError> {
        Ok(load_milestones(&mut self.write, number).await?)
    }

    /// One event of a ticket; `None` if there is none of that number.
    pub async fn event(&mut self, number: i64, seq: i64) -> Result<Option<Event>, DeskError> {
        Ok(load_event(&mut self.write, number, seq).await?)
    }

    /// The number of what a request made that came before under this key.
    ///
    /// # Errors
    /// [`DeskError::Invalid`] if it was another request.
    pub(super) async fn made_before(&mut self, actor: &Actor, key: &RequestKey) -> Result<Option<i64>, DeskError> {
        match known_request(&mut self.write, &actor.name, key).await? {
            KnownRequest::New => Ok(None),
            KnownRequest::Made(number) => Ok(Some(number)),
            KnownRequest::Another => Err(DeskError::Invalid { field: "Idempotency-Key", why: RequestKey::REUSED.to_owned() }),
        }
    }

    /// The ticket that a request made that came before under this key, if it names itself.
    pub(super) async fn opened_before(&mut self, actor: &Actor, key: Option<&RequestKey>) -> Result<Option<i64>, DeskError> {
        match key {
            Some(key) => self.made_before(actor, key).await,
            None => Ok(None),
        }
    }

    /// Refuses what was meant for another version of a ticket.
    pub(super) async fn refuse_stale(&mut self, number: i64, expected: Option<i64>) -> Result<(), DeskError> {
        let current = self.ticket(number).await?.version;
        match expected {
            Some(expected) if expected != current => Err(DeskError::Conflict { number, expected, current }),
            _ => Ok(()),
        }
    }

    /// Remembers a request with the number of what it made.
    pub(super) async fn remember(&mut self, actor: &Actor, key: &RequestKey, made: i64) -> Result<(), DeskError> {
        Ok(remember_request(&mut self.write, &actor.name, key, made, self.now_us).await?)
    }

    /// The tickets that were read or changed here.
    pub(super) fn known(&self) -> impl DoubleEndedIterator<Item = &Ticket> {
        self.tickets.values()
    }

    /// Opens a ticket under the next number.
    pub async fn open(&mut self, opening: Opening, actor: &Actor) -> Result<i64, DeskError> {
        let row =
            sqlx::query("UPDATE counters SET value = value + 1 WHERE name = 'ticket' RETURNING value").fetch_one(&mut *self.write).await?;
        let number: i64 = row.try_get(0)?;
        let event = Event { seq: 1, at_us: self.now_us, actor: actor.clone(), event: TicketEvent::Opened(Box::new(opening)) };
        append_event(&mut self.write, number, &event).await?;
        let ticket = Ticket::open(number, &event).ok_or_else(|| StoreError::Other("BUG: an opening event opened nothing".to_owned()))?;
        // Findings, links and files refer to the row.
        save_ticket(&mut self.write, &ticket).await?;
        self.tickets.insert(number, ticket);
        self.reworded.insert(number);
        Ok(number)
    }

    /// Lets something happen to a ticket.
    pub async fn happen(&mut self, number: i64, actor: &Actor, event: TicketEvent) -> Result<(), DeskError> {
        let seq = self.ticket(number).await?.events + 1;
        let is_text = matches!(
            event,
            TicketEvent::Commented { .. } | TicketEvent::Retitled { .. } | TicketEvent::Set { .. } | TicketEvent::EntityCorrected { .. }
        );
        let event = Event { seq, at_us: self.now_us, actor: actor.clone(), event };
        append_event(&mut self.write, number, &event).await?;
        self.update(number, |ticket| ticket.apply(&event));
        if is_text {
            self.reworded.insert(number);
        }
        Ok(())
    }

    /// Changes what follows from findings, not from events.
    pub(super) fn update(&mut self, number: i64, change: impl FnOnce(&mut Ticket)) {
        if let Some(ticket) = self.tickets.get_mut(&number) {
            change(ticket);
            self.changed.insert(number);
        }
    }

    /// Whether any ticket is not as it was.
    pub fn has_changes(&self) -> bool {
        self.has_saved || !self.changed.is_empty() || !self.reworded.is_empty()
    }

    /// Writes the tickets that were changed so far into the transaction, for whoever asks the table about them.
    pub async fn save_changed(&mut self) -> Result<(), DeskError> {
        for number in std::mem::take(&mut self.changed) {
            if let Some(ticket) = self.tickets.get(&number) {
                save_ticket(&mut self.write, ticket).await?;
                self.has_saved = true;
            }
        }
        Ok(())
    }

    /// Makes everything durable and gives the tickets as they now are.
    pub async fn commit(mut self) -> Result<BTreeMap<i64, Ticket>, DeskError> {
        self.save_changed().await?;
        for number in &self.reworded {
            if let Some(ticket) = self.tickets.get(number) {
                save_words(&mut self.write, ticket).await?;
            }
        }
        self.write.commit().await?;
        self.committed.notify_one();
        Ok(self.tickets)
    }
}

/// What was written about the ticket `?1`, public or internal.
macro_rules! comments {
    ($internal:literal) => {
        concat!(
            "coalesce((SELECT substr(group_concat(text, char(10)), 1, ?5) FROM (
                SELECT detail ->> '$.text' AS text FROM ticket_events
                WHERE ticket = ?1 AND kind = 'commented' AND coalesce(detail ->> '$.internal', 0) = ",
            $internal,
            " ORDER BY seq DESC LIMIT ?6)), '')"
        )
    };
}

/// Tells the search what the ticket says now.
async fn save_words(write: &mut SqliteConnection, ticket: &Ticket) -> Result<(), StoreError> {
    let entity: Vec<&str> = ticket.entity.values().map(String::as_str).collect();
    sqlx::query(concat!(
        "INSERT OR REPLACE INTO ticket_words (rowid, title, body, entity, comments, notes) VALUES (?1, ?2, ?3, ?4, ",
        comments!(0),
        ", ",
        comments!(1),
        ")"
    ))
    .bind(ticket.number)
    .bind(&ticket.title)
    .bind(&ticket.description)
    .bind(entity.join("\n"))
    .bind(MAX_SEARCHED_BYTES)
    .bind(MAX_SEARCHED_COMMENTS)
    .execute(write)
    .await?;
    Ok(())
}
