//! Finding tickets: filters and full-text search, a page at a time.

use serde::Serialize;
use sqlx::SqliteConnection;

use super::search_statement::{Ways, statement};
use super::ticket_rows::ticket_of;
use super::{Desk, DeskError, Priority, Ticket, TicketKind, TicketState};
use crate::clock::TimestampUs;

/// Tickets on a page at most.
const MAX_PAGE: u32 = 1_000;

/// Changed tickets that are sorted, and their rows read, in a few milliseconds.
const FEW: i64 = 2_000;

/// Of changed tickets that are first compared with those that have the words, only numbers are sorted: twenty times as many
/// take as long.
const FEW_NUMBERS: i64 = 20 * FEW;

/// Which tickets to list. What is absent lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketFilter {
    /// Only those of this kind.
    pub kind: Option<TicketKind>,
    /// Only those in this state.
    pub state: Option<TicketState>,
    /// Only those of this priority.
    pub priority: Option<Priority>,
    /// Only those of this person; an empty name: of nobody.
    pub assignee: Option<String>,
    /// Only those of this team; an empty name: of none.
    pub team: Option<String>,
    /// Only those about this service.
    pub service: Option<String>,
    /// Only those that this person asked for.
    pub requester: Option<String>,
    /// Only those about this host.
    pub host: Option<String>,
    /// Only those that somebody still has to do something about.
    pub open_only: bool,
    /// Only those with all of these words (or beginnings of words) in title, description, entity or comments.
    pub text: Option<String>,
    /// Only those with an event or finding at or after this moment.
    pub updated_since_us: Option<TimestampUs>,
    /// Only what this person may see who is no technician: what they asked for or watch, without the notes.
    pub visible_to: Option<String>,
    /// Tickets on the page: 1 to 1,000; 0 means 100.
    pub limit: u32,
    /// The page before's [`TicketPage::next_cursor`].
    pub cursor: Option<i64>,
}

/// A page of tickets, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TicketPage {
    /// The tickets.
    pub tickets: Vec<Ticket>,
    /// Where the next page begins; `None` on the last.
    pub next_cursor: Option<i64>,
}

impl Desk {
    /// The tickets that the filter lets through, the newest first.
    pub async fn list(&self, filter: &TicketFilter) -> Result<TicketPage, DeskError> {
        self.list_by(filter, if filter.text.is_some() { FEW_NUMBERS } else { FEW }).await
    }

    /// The same: up to `few` changed tickets are better sorted than found among all.
    pub(super) async fn list_by(&self, filter: &TicketFilter, few: i64) -> Result<TicketPage, DeskError> {
        let limit = if filter.limit == 0 { 100 } else { filter.limit.min(MAX_PAGE) } as usize;
        let mut ways = Ways::of(filter);
        if ways.words.as_deref().is_some_and(str::is_empty) {
            return Ok(TicketPage { tickets: Vec::new(), next_cursor: None });
        }
        let mut read = self.store.read().await?;
        if let Some(since_us) = filter.updated_since_us.filter(|_| ways.may_go_by_update())
            && are_few_since(&mut read, since_us, few).await?
        {
            ways.go_by_update(since_us);
        }
        let mut statement = statement(filter, &ways, limit as i64 + 1);
        // One row more than asked for tells whether there is another page.
        let rows = statement.build().fetch_all(&mut *read).await?;
        let tickets = rows.iter().take(limit).map(ticket_of).collect::<Result<Vec<_>, _>>()?;
        let next_cursor = tickets.last().map(|ticket| ticket.number).filter(|_| rows.len() > limit);
        Ok(TicketPage { tickets, next_cursor })
    }
}

impl TicketFilter {
    pub(super) fn only_open(&self) -> bool {
        self.open_only || self.state.is_some_and(TicketState::is_open)
    }
}

/// Whether no more than a few tickets have changed since.
async fn are_few_since(read: &mut SqliteConnection, since_us: TimestampUs, few: i64) -> Result<bool, DeskError> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM tickets INDEXED BY tickets_by_update WHERE updated_at_us >= ?1 LIMIT ?2)";
    let changed: i64 = sqlx::query_scalar(sql).bind(since_us).bind(few.saturating_add(1)).fetch_one(read).await?;
    Ok(changed <= few)
}
