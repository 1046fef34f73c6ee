//! Finding tickets: filters and full-text search, a page at a time.

use serde::Serialize;
use sqlx::{QueryBuilder, Sqlite};

use super::ticket_rows::ticket_of;
use super::{Desk, DeskError, Priority, Ticket, TicketKind, TicketState};
use crate::clock::TimestampUs;

/// Tickets on a page at most.
const MAX_PAGE: u32 = 1_000;

/// Words of a search that count: nobody types more, and each costs a lookup.
const MAX_WORDS: usize = 16;

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
        let limit = if filter.limit == 0 { 100 } else { filter.limit.min(MAX_PAGE) } as usize;
        let words = filter.text.as_deref().map(|text| match_expression(text, filter.visible_to.is_some()));
        if words.as_deref().is_some_and(str::is_empty) {
            return Ok(TicketPage { tickets: Vec::new(), next_cursor: None });
        }
        let mut statement = statement(filter, words.as_deref(), limit as i64 + 1);
        let mut read = self.store.read().await?;
        // One row more than asked for tells whether there is another page.
        let rows = statement.build().fetch_all(&mut *read).await?;
        let tickets = rows.iter().take(limit).map(ticket_of).collect::<Result<Vec<_>, _>>()?;
        let next_cursor = tickets.last().map(|ticket| ticket.number).filter(|_| rows.len() > limit);
        Ok(TicketPage { tickets, next_cursor })
    }
}

/// Only the conditions that are asked for stand in the statement, so that it can go by the index that fits them.
fn statement(filter: &TicketFilter, words: Option<&str>, rows: i64) -> QueryBuilder<Sqlite> {
    let mut sql = QueryBuilder::new("");
    let number = if words.is_some() { "w.rowid" } else { "t.number" };
    if let Some(words) = words {
        // The words are looked up first, and come in the order of the numbers: the newest are found without sorting.
        sql.push("SELECT t.* FROM ticket_words w CROSS JOIN tickets t ON t.number = w.rowid WHERE w.ticket_words MATCH ");
        sql.push_bind(words.to_owned());
    } else {
        sql.push("SELECT t.* FROM tickets t WHERE 1");
    }
    let texts = [
        ("t.kind", filter.kind.map(|kind| kind.word().to_owned())),
        ("t.state", filter.state.map(|state| state.word().to_owned())),
        ("t.priority", filter.priority.map(|priority| priority.word().to_owned())),
        ("coalesce(t.team, '')", filter.team.clone().filter(String::is_empty)),
        ("t.team", filter.team.clone().filter(|name| !name.is_empty())),
        ("coalesce(t.assignee, '')", filter.assignee.clone().filter(String::is_empty)),
        ("t.assignee", filter.assignee.clone().filter(|name| !name.is_empty())),
        ("t.service", filter.service.clone()),
        ("t.requester", filter.requester.clone()),
        ("t.entity ->> '$.host'", filter.host.clone()),
    ];
    for (column, value) in texts {
        if let Some(value) = value {
            sql.push(" AND ").push(column).push(" = ").push_bind(value);
        }
    }
    if filter.open_only {
        sql.push(" AND t.state NOT IN ('resolved', 'closed')");
    }
    if let Some(since_us) = filter.updated_since_us {
        sql.push(" AND t.updated_at_us >= ").push_bind(since_us);
    }
    if let Some(person) = &filter.visible_to {
        sql.push(" AND (t.requester = ").push_bind(person.clone());
        sql.push(" OR EXISTS (SELECT 1 FROM json_each(t.watchers) WHERE value = ").push_bind(person.clone()).push("))");
    }
    if let Some(cursor) = filter.cursor {
        sql.push(" AND ").push(number).push(" < ").push_bind(cursor);
    }
    sql.push(" ORDER BY ").push(number).push(" DESC LIMIT ").push_bind(rows);
    sql
}

/// What the search engine is asked: every word as the beginning of one. What a person typed is never read as its operators.
fn match_expression(text: &str, public_only: bool) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(MAX_WORDS)
        .map(|word| format!("\"{}\"*", word.replace(['"', '\0'], " ")))
        .collect();
    match (words.is_empty(), public_only) {
        (true, _) => String::new(),
        (false, true) => format!("{{title body entity comments}} : ({})", words.join(" AND ")),
        (false, false) => words.join(" AND "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_never_an_operator() {
        assert_eq!(match_expression("disk OR full*", false), "\"disk\"* AND \"OR\"* AND \"full*\"*");
        assert_eq!(match_expression("a\"b", true), "{title body entity comments} : (\"a b\"*)");
        assert_eq!(match_expression(" - * \" ", false), "");
    }
}
