//! Finding tickets: filters and full-text search, a page at a time.

use serde::Serialize;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::ticket_rows::ticket_of;
use super::{Desk, DeskError, Priority, Ticket, TicketKind, TicketState};
use crate::clock::TimestampUs;

/// Tickets on a page at most.
const MAX_PAGE: u32 = 1_000;

/// Changed tickets that are sorted in a few milliseconds.
const FEW: i64 = 2_000;

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
        let mut read = self.store.read().await?;
        let mut way = Way::of(filter);
        if let (Way::All | Way::Index(_), None, Some(since_us)) = (way, &words, filter.updated_since_us)
            && few_since(&mut read, since_us).await?
        {
            way = Way::Index("tickets_by_update");
        }
        let mut statement = statement(filter, way, words.as_deref(), limit as i64 + 1);
        // One row more than asked for tells whether there is another page.
        let rows = statement.build().fetch_all(&mut *read).await?;
        let tickets = rows.iter().take(limit).map(ticket_of).collect::<Result<Vec<_>, _>>()?;
        let next_cursor = tickets.last().map(|ticket| ticket.number).filter(|_| rows.len() > limit);
        Ok(TicketPage { tickets, next_cursor })
    }
}

/// How the tickets are gone through, the newest first, before the other conditions are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By the index of open tickets, in which all filters stand.
    Open,
    /// Those that a person may see.
    Readers,
    /// By this index.
    Index(&'static str),
    /// All.
    All,
}

impl Way {
    /// The way that leads past the fewest tickets, as far as that is known without looking: a person or a machine has fewer
    /// than a service, and that fewer than a team.
    fn of(filter: &TicketFilter) -> Self {
        let named = |name: &Option<String>| name.as_ref().is_some_and(|name| !name.is_empty());
        if filter.only_open() {
            return Self::Open;
        }
        let indexes = [
            (filter.requester.is_some(), Self::Index("tickets_by_requester")),
            (filter.visible_to.is_some(), Self::Readers),
            (filter.host.is_some(), Self::Index("tickets_by_host")),
            (named(&filter.assignee), Self::Index("tickets_by_assignee")),
            (filter.service.is_some(), Self::Index("tickets_by_service")),
            (filter.team.as_ref().is_some_and(String::is_empty), Self::Index("tickets_of_no_team")),
            (filter.assignee.as_ref().is_some_and(String::is_empty), Self::Index("tickets_of_nobody")),
            (filter.state == Some(TicketState::Resolved), Self::Index("tickets_by_state")),
            (filter.team.is_some(), Self::Index("tickets_by_team")),
        ];
        indexes.into_iter().find(|(fits, _)| *fits).map_or(Self::All, |(_, way)| way)
    }

    /// Which index of the tickets is gone by, as the database is told.
    fn hint(self) -> String {
        match self {
            Self::Open => "INDEXED BY open_tickets".to_owned(),
            Self::Index(index) => format!("INDEXED BY {index}"),
            Self::Readers | Self::All => "NOT INDEXED".to_owned(),
        }
    }
}

impl TicketFilter {
    fn only_open(&self) -> bool {
        self.open_only || self.state.is_some_and(TicketState::is_open)
    }
}

/// Whether so few tickets have changed since that they are better sorted than found among all.
async fn few_since(read: &mut SqliteConnection, since_us: TimestampUs) -> Result<bool, DeskError> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM tickets INDEXED BY tickets_by_update WHERE updated_at_us >= ?1 LIMIT ?2)";
    let changed: i64 = sqlx::query_scalar(sql).bind(since_us).bind(FEW + 1).fetch_one(read).await?;
    Ok(changed <= FEW)
}

/// The statement names the way through the tickets itself: without a look at how often each name occurs, the database guesses,
/// and a wrong guess reads a million rows. Words are looked up first, and come in the order of the numbers.
fn statement(filter: &TicketFilter, way: Way, words: Option<&str>, rows: i64) -> QueryBuilder<Sqlite> {
    let by_readers = way == Way::Readers && words.is_none();
    let mut sql = QueryBuilder::new("SELECT t.* FROM ");
    let number = match words {
        Some(words) => {
            sql.push("ticket_words w CROSS JOIN tickets t ").push(way.hint());
            sql.push(" ON t.number = w.rowid WHERE w.ticket_words MATCH ").push_bind(words.to_owned());
            "w.rowid"
        }
        None if by_readers => {
            sql.push("ticket_readers r CROSS JOIN tickets t ON t.number = r.ticket WHERE r.person = ").push_bind(filter.visible_to.clone());
            "r.ticket"
        }
        None => {
            sql.push("tickets t ").push(way.hint()).push(" WHERE true");
            "t.number"
        }
    };
    if way == Way::Open {
        sql.push(" AND t.state NOT IN ('resolved', 'closed')");
    }
    let texts = [
        ("t.kind", filter.kind.map(|kind| kind.word().to_owned())),
        ("t.state", filter.state.map(|state| state.word().to_owned())),
        ("t.priority", filter.priority.map(|priority| priority.word().to_owned())),
        ("t.team", filter.team.clone()),
        ("t.assignee", filter.assignee.clone()),
        ("t.service", filter.service.clone()),
        ("t.requester", filter.requester.clone()),
        ("t.entity ->> '$.host'", filter.host.clone()),
    ];
    for (column, value) in texts.into_iter().filter_map(|(column, value)| Some((column, value?))) {
        sql.push(" AND ").push(column);
        if value.is_empty() && matches!(column, "t.team" | "t.assignee") {
            sql.push(" IS NULL");
        } else {
            sql.push(" = ").push_bind(value);
        }
    }
    if let Some(since_us) = filter.updated_since_us {
        sql.push(" AND t.updated_at_us >= ").push_bind(since_us);
    }
    if let Some(person) = filter.visible_to.as_ref().filter(|_| !by_readers) {
        sql.push(" AND EXISTS (SELECT 1 FROM ticket_readers r WHERE r.person = ").push_bind(person.clone());
        sql.push(" AND r.ticket = ").push(number).push(")");
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

    /// A plan that sorts, or goes through all tickets where an index is named, is as slow as the desk is old.
    #[tokio::test]
    async fn every_combination_of_filters_has_a_plan_that_sorts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(&folder.path().join(crate::store::DESK_FILE)).await.unwrap();
        let mut read = store.read().await.unwrap();
        for bits in 0_u32..1 << 11 {
            let with = |bit: u32| bits & 1 << bit != 0;
            let name = |bit: u32, empty: u32| with(bit).then(|| if with(empty) { String::new() } else { "x".to_owned() });
            let filter = TicketFilter {
                kind: with(0).then_some(TicketKind::Incident),
                state: with(1).then_some(if with(9) { TicketState::Resolved } else { TicketState::OnHold }),
                priority: with(0).then_some(Priority::P1),
                assignee: name(2, 9),
                team: name(3, 10),
                service: name(4, 4),
                requester: name(5, 5),
                host: name(6, 6),
                open_only: with(10),
                text: with(7).then(|| "x".to_owned()),
                updated_since_us: with(9).then_some(1),
                visible_to: name(8, 8),
                limit: 0,
                cursor: with(10).then_some(7),
            };
            let words = filter.text.as_ref().map(|_| "\"x\"*");
            let sql = format!("EXPLAIN QUERY PLAN {}", statement(&filter, Way::of(&filter), words, 101).sql().as_str());
            let plan: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *read).await.unwrap_or_else(|error| panic!("{filter:?}: {error}"));
            let plan: Vec<String> = plan.into_iter().map(|row| row.3).collect();
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{filter:?}: {plan:#?}");
            if let Way::Index(index) = Way::of(&filter) {
                assert!(plan.iter().any(|step| step.contains(index)), "{filter:?}: {plan:#?}");
            }
        }
    }

    #[test]
    fn what_is_typed_is_never_an_operator() {
        assert_eq!(match_expression("disk OR full*", false), "\"disk\"* AND \"OR\"* AND \"full*\"*");
        assert_eq!(match_expression("a\"b", true), "{title body entity comments} : (\"a b\"*)");
        assert_eq!(match_expression(" - * \" ", false), "");
    }
}
