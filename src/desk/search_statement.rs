//! The statement that finds tickets.
//!
//! It names the way through the tickets itself: without a look at how often each name occurs, the database guesses, and a wrong
//! guess reads a million rows. Every way leads past the tickets in the order of their numbers, the newest first, so that nothing
//! is sorted and a page that is full ends it. With words, the numbers of the tickets that have them, which the index of words
//! keeps in that order too, are merged with those of the indexes of the other filters: what a step costs is a number, not a row.

use sqlx::{QueryBuilder, Sqlite};

use super::{Priority, TicketFilter, TicketState};
use crate::clock::TimestampUs;

/// Words of a search that count: nobody types more, and each costs a lookup.
const MAX_WORDS: usize = 16;

/// More than there are tickets. The database keeps the order of a list only if that is cut off somewhere.
const ALL: &str = "1000000000";

/// An index of tickets by their numbers within one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Index {
    name: &'static str,
    /// The other columns that it holds.
    holds: &'static [&'static str],
}

const fn index(name: &'static str, holds: &'static [&'static str]) -> Index {
    Index { name, holds }
}

/// What is known of open tickets without their rows: all that a filter asks.
const OPEN: Index = index("open_tickets", &["t.kind", "t.state", "t.priority", "t.team", "t.assignee", "t.service", "t.requester", HOST]);
const HOST: &str = "t.entity ->> '$.host'";

/// The ways that lead past the fewest tickets, as far as that is known without looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ways {
    /// What the index of words is asked; `None`: no words.
    pub(super) words: Option<String>,
    /// Past what a person may see.
    by_reader: bool,
    /// By these indexes; without words, one at most.
    indexes: Vec<Index>,
    /// Past those that have changed since, few enough to be sorted.
    by_update: Option<TimestampUs>,
}

impl Ways {
    /// A person or a machine has fewer tickets than a service, and that fewer than a team.
    pub(super) fn of(filter: &TicketFilter) -> Self {
        let named = |name: &Option<String>| name.as_ref().is_some_and(|name| !name.is_empty());
        let empty = |name: &Option<String>| name.as_ref().is_some_and(String::is_empty);
        let urgent = matches!(filter.priority, Some(Priority::P1 | Priority::P2));
        let few = [
            (filter.requester.is_some(), index("tickets_by_requester", &["t.requester", "t.state", "t.priority", "t.kind"])),
            (filter.host.is_some(), index("tickets_by_host", &[HOST, "t.state", "t.priority", "t.kind"])),
        ];
        let many = [
            (named(&filter.assignee), index("tickets_by_assignee", &["t.assignee", "t.state", "t.priority", "t.kind"])),
            (filter.service.is_some(), index("tickets_by_service", &["t.service", "t.state", "t.priority", "t.kind", "t.team"])),
            (empty(&filter.team), index("tickets_of_no_team", &["t.team"])),
            (empty(&filter.assignee), index("tickets_of_nobody", &["t.assignee"])),
            (filter.state == Some(TicketState::Resolved), index("tickets_by_state", &["t.state"])),
            (named(&filter.team), index("tickets_by_team", &["t.team", "t.state", "t.priority", "t.kind", "t.service"])),
        ];
        let most = [
            (urgent, index("tickets_by_priority", &["t.priority", "t.kind"])),
            (filter.kind.is_some(), index("tickets_by_kind", &["t.kind", "t.priority"])),
            (filter.priority.is_some(), index("tickets_by_priority", &["t.priority", "t.kind"])),
        ];
        let of = |ways: &[(bool, Index)]| ways.iter().filter(|(fits, _)| *fits).map(|(_, index)| *index).collect::<Vec<_>>();
        let words = filter.text.as_deref().map(|text| match_expression(text, filter.visible_to.is_some()));
        let mut by_reader = filter.visible_to.is_some();
        let mut indexes = if filter.only_open() { vec![OPEN] } else { of(&few) };
        if indexes.is_empty() && !by_reader {
            indexes = of(&many);
        }
        if indexes.is_empty() && !by_reader {
            indexes = of(&most);
            indexes.truncate(1);
        }
        if words.is_none() {
            indexes.truncate(1);
            by_reader &= indexes.is_empty();
        }
        Self { words, by_reader, indexes, by_update: None }
    }

    /// Whether to go past what has changed lately may be shorter: open tickets, and those of a reader, are few.
    pub(super) fn may_go_by_update(&self) -> bool {
        !self.indexes.contains(&OPEN) && (self.words.is_some() || !self.by_reader)
    }

    /// Goes past what has changed since.
    pub(super) fn go_by_update(&mut self, since_us: TimestampUs) {
        self.by_update = Some(since_us);
        if self.words.is_none() {
            self.indexes.clear();
        }
    }
}

/// A condition on one column; `None`: it is empty.
type Condition = (&'static str, Option<String>);

fn conditions(filter: &TicketFilter) -> Vec<Condition> {
    let texts = [
        ("t.kind", filter.kind.map(|kind| kind.word().to_owned())),
        ("t.state", filter.state.map(|state| state.word().to_owned())),
        ("t.priority", filter.priority.map(|priority| priority.word().to_owned())),
        ("t.team", filter.team.clone()),
        ("t.assignee", filter.assignee.clone()),
        ("t.service", filter.service.clone()),
        ("t.requester", filter.requester.clone()),
        (HOST, filter.host.clone()),
    ];
    let may_be_empty = |column: &str| matches!(column, "t.team" | "t.assignee");
    let with_value = texts.into_iter().filter_map(|(column, value)| Some((column, value?)));
    with_value.map(|(column, value)| (column, Some(value).filter(|value| !(value.is_empty() && may_be_empty(column))))).collect()
}

fn push_condition(sql: &mut QueryBuilder<Sqlite>, (column, value): &Condition) {
    sql.push(" AND ").push(*column);
    match value {
        Some(value) => sql.push(" = ").push_bind(value.clone()),
        None => sql.push(" IS NULL"),
    };
}

/// The statement for a page of so many rows.
pub(super) fn statement(filter: &TicketFilter, ways: &Ways, rows: i64) -> QueryBuilder<Sqlite> {
    let conditions = conditions(filter);
    let mut sql = QueryBuilder::new("SELECT t.* FROM ");
    let order = if let Some(words) = &ways.words {
        push_numbers(&mut sql, words, filter, ways, &conditions);
        // The numbers come in order; to ask for it again would have them sorted.
        ""
    } else if ways.by_reader {
        sql.push("ticket_readers r CROSS JOIN tickets t NOT INDEXED ON t.number = r.ticket WHERE r.person = ");
        sql.push_bind(filter.visible_to.clone());
        " ORDER BY r.ticket DESC"
    } else {
        sql.push("tickets t ").push(hint(ways)).push(" WHERE true");
        " ORDER BY t.number DESC"
    };
    if ways.words.is_none() && ways.indexes.contains(&OPEN) {
        sql.push(" AND t.state NOT IN ('resolved', 'closed')");
    }
    for condition in &conditions {
        push_condition(&mut sql, condition);
    }
    if let Some(since_us) = filter.updated_since_us {
        sql.push(" AND t.updated_at_us >= ").push_bind(since_us);
    }
    let number = if ways.by_reader && ways.words.is_none() { "r.ticket" } else { "t.number" };
    if let Some(person) = filter.visible_to.as_ref().filter(|_| !ways.by_reader) {
        sql.push(" AND EXISTS (SELECT 1 FROM ticket_readers r WHERE r.person = ").push_bind(person.clone());
        sql.push(" AND r.ticket = t.number)");
    }
    if let Some(cursor) = filter.cursor.filter(|_| ways.words.is_none()) {
        sql.push(" AND ").push(number).push(" < ").push_bind(cursor);
    }
    sql.push(order).push(" LIMIT ").push_bind(rows);
    sql
}

fn hint(ways: &Ways) -> String {
    match (ways.by_update, ways.indexes.first()) {
        (Some(_), _) => "INDEXED BY tickets_by_update".to_owned(),
        (None, Some(index)) => format!("INDEXED BY {}", index.name),
        (None, None) => "NOT INDEXED".to_owned(),
    }
}

/// The numbers of the tickets that have the words and stand in all of the lists of the ways, and the tickets of those numbers.
fn push_numbers(sql: &mut QueryBuilder<Sqlite>, words: &str, filter: &TicketFilter, ways: &Ways, conditions: &[Condition]) {
    let before = |sql: &mut QueryBuilder<Sqlite>, number: &str| {
        if let Some(cursor) = filter.cursor {
            sql.push(" AND ").push(number).push(" < ").push_bind(cursor);
        }
    };
    sql.push("(SELECT w.rowid AS number FROM ticket_words w WHERE w.ticket_words MATCH ").push_bind(words.to_owned());
    before(sql, "w.rowid");
    if ways.by_reader {
        sql.push(" INTERSECT SELECT r.ticket FROM ticket_readers r WHERE r.person = ").push_bind(filter.visible_to.clone());
        before(sql, "r.ticket");
    }
    for index in &ways.indexes {
        sql.push(" INTERSECT SELECT t.number FROM tickets t INDEXED BY ").push(index.name).push(" WHERE true");
        if *index == OPEN {
            sql.push(" AND t.state NOT IN ('resolved', 'closed')");
        }
        for condition in conditions.iter().filter(|(column, _)| index.holds.contains(column)) {
            push_condition(sql, condition);
        }
        before(sql, "t.number");
    }
    if let Some(since_us) = ways.by_update {
        sql.push(" INTERSECT SELECT number FROM (SELECT t.number FROM tickets t INDEXED BY tickets_by_update WHERE t.updated_at_us >= ");
        sql.push_bind(since_us).push(")");
    }
    sql.push(" ORDER BY 1 DESC LIMIT ").push(ALL).push(") n CROSS JOIN tickets t NOT INDEXED ON t.number = n.number WHERE true");
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
    use crate::desk::TicketKind;

    /// A plan that sorts, or goes through all tickets where an index is named, is as slow as the desk is old.
    #[tokio::test]
    async fn every_combination_of_filters_has_a_plan_that_sorts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(&folder.path().join(crate::store::DESK_FILE)).await.unwrap();
        let mut read = store.read().await.unwrap();
        for bits in 0_u32..1 << 12 {
            let with = |bit: u32| bits & 1 << bit != 0;
            let name = |bit: u32, empty: u32| with(bit).then(|| if with(empty) { String::new() } else { "x".to_owned() });
            let filter = TicketFilter {
                kind: with(0).then_some(TicketKind::Incident),
                state: with(1).then_some(if with(9) { TicketState::Resolved } else { TicketState::OnHold }),
                priority: with(11).then_some(if with(9) { Priority::P1 } else { Priority::P3 }),
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
            let ways = Ways::of(&filter);
            let sql = format!("EXPLAIN QUERY PLAN {}", statement(&filter, &ways, 101).sql().as_str());
            let plan: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *read).await.unwrap_or_else(|error| panic!("{filter:?}: {error}"));
            let plan: Vec<String> = plan.into_iter().map(|row| row.3).collect();
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{filter:?}: {plan:#?}");
            for index in &ways.indexes {
                let steps: Vec<_> = plan.iter().filter(|step| step.contains(index.name)).collect();
                // What is merged costs no row, but for the few that were never anybody's.
                let fits = |step: &&String| !with(7) || step.contains("COVERING") || index.name.starts_with("tickets_of_no");
                assert!(!steps.is_empty() && steps.iter().all(fits), "{filter:?}: {plan:#?}");
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
