//! The store's tables as SQL sees them: read-only, with documented columns, newest rows first.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringViewBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use futures::TryStreamExt;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::capacity_views::{CAPACITY_RESOURCES, PROPOSALS, SUPPLY_DELIVERIES};
use super::inventory_views::{ASSETS, BUDGET_ENTRIES, BUDGETS, CONTRACTS, OFFERS, SUPPLIERS};
use super::{Store, StoreError};

/// Rows that one view shows: the newest. Ten years of a department's tickets fit.
pub const MAX_VIEW_ROWS: usize = 100_000;

/// Bytes of one view; what does not fit are the oldest rows. A query takes a table of 64 MiB at most, as the columns lie in
/// memory, and a view that has grown must become shorter, not unreadable.
const MAX_VIEW_BYTES: usize = 52 << 20;

/// What a column of a view holds; every column may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewType {
    /// Text (a string view). JSON stands as its text.
    Text,
    /// A 64-bit integer.
    Integer,
    /// A 64-bit floating-point number.
    Float,
    /// True or false.
    Boolean,
    /// Microseconds, UTC.
    Timestamp,
}

/// A column of a view.
#[derive(Debug, Clone, Copy)]
pub struct ViewColumn {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ViewType,
    /// What it means.
    pub description: &'static str,
}

/// A table of the store that SQL may read.
#[derive(Debug, Clone, Copy)]
pub struct StoreView {
    /// Its name in SQL.
    pub name: &'static str,
    /// What a row is.
    pub description: &'static str,
    /// Its columns, in order.
    pub columns: &'static [ViewColumn],
    /// Selects the columns in that order, newest row first, at most `?1` rows.
    pub(super) sql: &'static str,
}

impl ViewColumn {
    /// A column of text.
    pub const fn text(name: &'static str, description: &'static str) -> Self {
        Self { name, kind: ViewType::Text, description }
    }

    /// A column of integers.
    pub const fn integer(name: &'static str, description: &'static str) -> Self {
        Self { name, kind: ViewType::Integer, description }
    }

    /// A column of numbers that need not be whole.
    pub const fn float(name: &'static str, description: &'static str) -> Self {
        Self { name, kind: ViewType::Float, description }
    }

    /// A column of truths.
    pub const fn boolean(name: &'static str, description: &'static str) -> Self {
        Self { name, kind: ViewType::Boolean, description }
    }

    /// A column of moments.
    pub const fn timestamp(name: &'static str, description: &'static str) -> Self {
        Self { name, kind: ViewType::Timestamp, description }
    }
}

/// The Arrow columns of a view.
pub fn view_schema(columns: &[ViewColumn]) -> SchemaRef {
    let fields = columns.iter().map(|column| {
        let kind = match column.kind {
            ViewType::Text => DataType::Utf8View,
            ViewType::Integer => DataType::Int64,
            ViewType::Float => DataType::Float64,
            ViewType::Boolean => DataType::Boolean,
            ViewType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        };
        Field::new(column.name, kind, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Every view of the store.
pub static VIEWS: [StoreView; 18] = [
    TICKETS,
    FINDINGS,
    TICKET_EVENTS,
    TICKET_LINKS,
    ESCALATIONS,
    NOTICES,
    ASSETS,
    SUPPLIERS,
    CONTRACTS,
    OFFERS,
    BUDGETS,
    BUDGET_ENTRIES,
    AUDIT,
    INGEST_LEDGER,
    RULE_RUNS,
    CAPACITY_RESOURCES,
    PROPOSALS,
    SUPPLY_DELIVERIES,
];

/// The view of that name.
pub fn view(name: &str) -> Option<&'static StoreView> {
    VIEWS.iter().find(|view| view.name == name)
}

const TICKETS: StoreView = StoreView {
    name: "tickets",
    description: "one row a ticket, as it stands now: all that are open, and the newest of the others",
    columns: &[
        ViewColumn::integer("number", "the ticket's number, from 1 without gaps"),
        ViewColumn::text("kind", "incident, request, problem or change"),
        ViewColumn::text("title", "one line"),
        ViewColumn::text("state", "new, assigned, in_progress, on_hold, resolved, closed or reopened"),
        ViewColumn::text("hold", "whom it waits for, if it is on hold: user, supplier or part"),
        ViewColumn::text("priority", "P1 (highest) to P5"),
        ViewColumn::text("severity", "the finding's severity: critical, high, medium, low or info"),
        ViewColumn::text("impact", "how much of the business is hit: high, medium or low"),
        ViewColumn::text("urgency", "how soon it hurts: high, medium or low"),
        ViewColumn::text("requester", "who asked"),
        ViewColumn::text("team", "the team that answers for it"),
        ViewColumn::text("service", "the service that is hit"),
        ViewColumn::text("assignee", "who works on it"),
        ViewColumn::text("acknowledged_by", "who has seen it and takes care"),
        ViewColumn::text("rule", "the rule that opened it"),
        ViewColumn::text("fingerprint", "identity of the problem: hash of rule and entity"),
        ViewColumn::text("host", "the entity's host, if it has one"),
        ViewColumn::text("entity", "what it is about, as a JSON object"),
        ViewColumn::timestamp("opened_at", "when it was opened"),
        ViewColumn::timestamp("updated_at", "its last event or finding"),
        ViewColumn::timestamp("resolved_at", "when it was resolved; null while it is open"),
        ViewColumn::timestamp("last_finding_at", "end of the latest finding's window"),
        ViewColumn::integer("findings", "number of findings that it collects"),
        ViewColumn::integer("merged_into", "number of the ticket that it goes on in, if it was merged"),
    ],
    // The open ones come first, so that a bound never hides an old ticket that somebody still has to work on. The plus
    // sign keeps the second half on the order of numbers, where it can stop early, instead of an index over states.
    sql: "WITH shown AS (
            SELECT * FROM (SELECT * FROM tickets WHERE state NOT IN ('resolved', 'closed') ORDER BY number DESC LIMIT ?1)
            UNION ALL
            SELECT * FROM (SELECT * FROM tickets WHERE +state IN ('resolved', 'closed') ORDER BY number DESC LIMIT ?1)
            LIMIT ?1)
        SELECT number, kind, title, state, hold, priority, severity, impact, urgency, requester, team, service, assignee, acknowledged_by,
            rule, fingerprint, entity ->> '$.host', entity, opened_at_us, updated_at_us, resolved_at_us, last_finding_at_us, findings,
            merged_into FROM shown",
};

const FINDINGS: StoreView = StoreView {
    name: "findings",
    description: "one row a finding: a rule's result row in one window",
    columns: &[
        ViewColumn::integer("id", "number of the finding, in the order of recording"),
        ViewColumn::integer("ticket", "number of the ticket that it opened or joined; null if it was held back"),
        ViewColumn::text("rule", "the rule"),
        ViewColumn::text("fingerprint", "identity of the problem: hash of rule and entity"),
        ViewColumn::text("host", "the entity's host, if it has one"),
        ViewColumn::text("entity", "what it is about, as a JSON object"),
        ViewColumn::text("title", "one line"),
        ViewColumn::text("severity", "critical, high, medium, low or info"),
        ViewColumn::text("result", "the rule's result row, as a JSON object"),
        ViewColumn::timestamp("window_start", "start of the window, inclusive"),
        ViewColumn::timestamp("window_end", "end of the window, exclusive"),
        ViewColumn::timestamp("recorded_at", "when it was recorded"),
        ViewColumn::text("outcome", "how it came into its ticket: opened, joined, repeated, continued, reopened; held if a maintenance window kept it back"),
        ViewColumn::text("reasons", "why it was filed there: the terms of the score, as JSON"),
        ViewColumn::text("verdict", "what a person said of it: noise or right"),
    ],
    sql: "SELECT id, ticket, rule, fingerprint, entity ->> '$.host', entity, title, severity, result, window_start_us, window_end_us, recorded_at_us,
        outcome, reasons, verdict FROM findings ORDER BY id DESC LIMIT ?1",
};

const TICKET_EVENTS: StoreView = StoreView {
    name: "ticket_events",
    description: "one row a change of a ticket: who did what, when, from where",
    columns: &[
        ViewColumn::integer("ticket", "number of the ticket"),
        ViewColumn::integer("seq", "number of the event in the ticket, from 1"),
        ViewColumn::timestamp("at", "when"),
        ViewColumn::text("actor", "who: a rule, a token's name or a person"),
        ViewColumn::text("origin", "from where: scheduler, or the client's address"),
        ViewColumn::text(
            "kind",
            "opened, joined, moved, reprioritised, retitled, assigned, commented, set, watched, unwatched, linked, unlinked, attached, \
             merged, acknowledged, paged, warned, kind_corrected, entity_corrected or split_off",
        ),
        ViewColumn::text("from_state", "the state before, if it moved"),
        ViewColumn::text("to_state", "the state after, if it moved"),
        ViewColumn::text("person", "whom it is about: who was called, acknowledged, got the ticket or watches it"),
        ViewColumn::text("detail", "the event as a JSON object; cut after 4,000 characters"),
    ],
    sql: "SELECT ticket, seq, at_us, actor, origin, kind,
            CASE kind WHEN 'moved' THEN detail ->> '$.from' END,
            CASE kind WHEN 'moved' THEN detail ->> '$.to' END,
            CASE kind
                WHEN 'paged' THEN detail ->> '$.person'
                WHEN 'watched' THEN detail ->> '$.person'
                WHEN 'unwatched' THEN detail ->> '$.person'
                WHEN 'assigned' THEN detail ->> '$.to'
                WHEN 'acknowledged' THEN coalesce(detail ->> '$.by', actor)
            END,
            substr(detail, 1, 4000)
        FROM ticket_events ORDER BY at_us DESC, ticket DESC, seq DESC LIMIT ?1",
};

const TICKET_LINKS: StoreView = StoreView {
    name: "ticket_links",
    description: "one row a link from one ticket to another",
    columns: &[
        ViewColumn::integer("ticket", "number of the ticket"),
        ViewColumn::text("kind", "how it belongs to the other: duplicate_of, caused_by, relates_to, child_of or split_from"),
        ViewColumn::integer("other", "number of the other ticket"),
    ],
    sql: "SELECT ticket, kind, other FROM ticket_links ORDER BY ticket DESC, kind, other LIMIT ?1",
};

const ESCALATIONS: StoreView = StoreView {
    name: "escalations",
    description: "one row a ticket about which people are called: where it stands on the ladder",
    columns: &[
        ViewColumn::integer("ticket", "number of the ticket"),
        ViewColumn::text("policy", "the escalation policy"),
        ViewColumn::text("status", "escalating, acknowledged, taken_up, exhausted or resolved"),
        ViewColumn::text("answered_by", "who acknowledged it or took it up"),
        ViewColumn::integer("level", "the level that is due next, from 1"),
        ViewColumn::integer("cycle", "run of the ladder in the ticket's life, from 1"),
        ViewColumn::timestamp("next_at", "when something happens next by itself; null if nothing will"),
    ],
    sql: "SELECT ticket, policy, state ->> '$.status.kind', state ->> '$.status.by', state ->> '$.level', state ->> '$.cycle', next_at_us
        FROM escalations ORDER BY ticket DESC LIMIT ?1",
};

// Addresses, texts and errors stay out: the address of a webhook is a secret, and a receiver's answer may repeat it.
const NOTICES: StoreView = StoreView {
    name: "notices",
    description: "one row a message to somebody, and what became of it",
    columns: &[
        ViewColumn::text("id", "its identity; every delivery carries it"),
        ViewColumn::timestamp("created_at", "when it was put into the outbox"),
        ViewColumn::integer("ticket", "number of the ticket that it is about, if any"),
        ViewColumn::text("person", "whom it is for"),
        ViewColumn::text("channel", "email or webhook"),
        ViewColumn::text("event", "what happened"),
        ViewColumn::text("urgency", "page, normal or low"),
        ViewColumn::text("subject", "one line"),
        ViewColumn::text("state", "waiting, sent, failed or cancelled"),
        ViewColumn::timestamp("due_at", "when it goes out, or is tried again"),
        ViewColumn::timestamp("sent_at", "when its receiver took it"),
        ViewColumn::integer("attempts", "attempts that failed"),
    ],
    sql: "SELECT id, created_at_us, ticket, person, channel, event, urgency, subject, state, due_at_us, sent_at_us, attempts
        FROM outbox ORDER BY created_at_us DESC, id LIMIT ?1",
};

const AUDIT: StoreView = StoreView {
    name: "audit",
    description: "who did what, when, from where, beside what the history of the tickets says",
    columns: &[
        ViewColumn::integer("id", "number of the entry, in the order of recording"),
        ViewColumn::timestamp("at", "when"),
        ViewColumn::text("actor", "who: a person, a token's name or the desk"),
        ViewColumn::text("origin", "from where: scheduler, or the client's address"),
        ViewColumn::text("action", "what, such as user.create"),
        ViewColumn::text("object", "to what, such as user/ines"),
        ViewColumn::text("detail", "more about it, as JSON; never a secret; cut after 4,000 characters"),
    ],
    sql: "SELECT id, at_us, actor, origin, action, object, substr(detail, 1, 4000) FROM audit ORDER BY id DESC LIMIT ?1",
};

const INGEST_LEDGER: StoreView = StoreView {
    name: "ingest_ledger",
    description: "what was taken, refused, cut, late or dropped: one row an hour, source and reason",
    columns: &[
        ViewColumn::timestamp("hour", "start of the hour"),
        ViewColumn::text("source", "the source's name"),
        ViewColumn::text("reason", "what became of the items"),
        ViewColumn::integer("items", "lines or samples"),
        ViewColumn::integer("bytes", "their bytes as they came"),
    ],
    sql: "SELECT hour_us, source, reason, items, bytes FROM ingest_ledger ORDER BY hour_us DESC, source, reason LIMIT ?1",
};

const RULE_RUNS: StoreView = StoreView {
    name: "rule_runs",
    description: "one row a rule: how far it has read and how its last run went",
    columns: &[
        ViewColumn::text("rule", "the rule"),
        ViewColumn::timestamp("watermark", "everything before this moment has been judged"),
        ViewColumn::timestamp("last_run_at", "when it last ran"),
        ViewColumn::integer("duration_us", "how long that took, in microseconds"),
        ViewColumn::integer("result_rows", "rows that the last good run returned"),
        ViewColumn::integer("runs", "good runs since the rule is known"),
        ViewColumn::integer("failures", "failed runs since the rule is known"),
        ViewColumn::text("last_error", "why the last run failed; null if it did not"),
        ViewColumn::timestamp("last_error_at", "when a run last failed"),
    ],
    sql: "SELECT rule, watermark_us, last_run_at_us, duration_us, result_rows, runs, failures, last_error, last_error_at_us
        FROM rule_runs ORDER BY last_run_at_us DESC, rule LIMIT ?1",
};

impl StoreView {
    /// The Arrow columns.
    pub fn schema(&self) -> SchemaRef {
        view_schema(self.columns)
    }

    /// The newest `limit` rows, at most [`MAX_VIEW_ROWS`] and 52 MiB, newest first.
    pub async fn load(&self, store: &Store, limit: usize) -> Result<RecordBatch, StoreError> {
        Ok(self.load_cut(store, limit).await?.0)
    }

    /// The same, and whether there are older rows, which are left out.
    pub async fn load_cut(&self, store: &Store, limit: usize) -> Result<(RecordBatch, bool), StoreError> {
        let limit = limit.min(MAX_VIEW_ROWS);
        let mut read = store.read().await?;
        let mut builders: Vec<Column> = self.columns.iter().map(|column| Column::new(column.kind)).collect();
        let mut is_cut = false;
        {
            // One row more than is shown tells whether there are more.
            let mut rows = sqlx::query(self.sql).bind(limit as i64 + 1).fetch(&mut *read);
            let (mut shown, mut bytes) = (0, 0);
            while let Some(row) = rows.try_next().await? {
                if shown == limit || bytes > MAX_VIEW_BYTES {
                    is_cut = true;
                    break;
                }
                for (index, builder) in builders.iter_mut().enumerate() {
                    bytes += builder.append(&row, index)?;
                }
                shown += 1;
            }
        }
        let columns = builders.into_iter().map(Column::finish).collect();
        let rows = RecordBatch::try_new(self.schema(), columns).map_err(|error| StoreError::Unreadable(error.to_string()))?;
        Ok((rows, is_cut))
    }
}

/// A column being filled.
enum Column {
    Text(StringViewBuilder),
    Integer(Int64Builder),
    Float(Float64Builder),
    Boolean(BooleanBuilder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl Column {
    fn new(kind: ViewType) -> Self {
        match kind {
            ViewType::Text => Self::Text(StringViewBuilder::new()),
            ViewType::Integer => Self::Integer(Int64Builder::new()),
            ViewType::Float => Self::Float(Float64Builder::new()),
            ViewType::Boolean => Self::Boolean(BooleanBuilder::new()),
            ViewType::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        }
    }

    /// Takes the row's value; gives the bytes that it costs.
    fn append(&mut self, row: &SqliteRow, index: usize) -> Result<usize, StoreError> {
        match self {
            Self::Text(builder) => {
                let value: Option<&str> = row.try_get(index)?;
                builder.append_option(value);
                Ok(16 + value.map_or(0, str::len))
            }
            Self::Integer(builder) => {
                builder.append_option(row.try_get::<Option<i64>, _>(index)?);
                Ok(8)
            }
            Self::Float(builder) => {
                builder.append_option(row.try_get::<Option<f64>, _>(index)?);
                Ok(8)
            }
            Self::Boolean(builder) => {
                builder.append_option(row.try_get::<Option<bool>, _>(index)?);
                Ok(1)
            }
            Self::Timestamp(builder) => {
                builder.append_option(row.try_get::<Option<i64>, _>(index)?);
                Ok(8)
            }
        }
    }

    /// The column, without the room that the builders keep for more.
    fn finish(self) -> ArrayRef {
        let mut column: ArrayRef = match self {
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Integer(mut builder) => Arc::new(builder.finish()),
            Self::Float(mut builder) => Arc::new(builder.finish()),
            Self::Boolean(mut builder) => Arc::new(builder.finish()),
            Self::Timestamp(mut builder) => Arc::new(builder.finish()),
        };
        column.shrink_to_fit();
        column
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::store::{DESK_FILE, LedgerEntry, add_to_ledger};

    #[tokio::test]
    async fn every_view_loads_with_its_columns_from_an_empty_store() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        for view in &VIEWS {
            let batch = view.load(&store, 10).await.unwrap();
            assert_eq!((batch.num_rows(), batch.schema()), (0, view.schema()), "{}", view.name);
            assert!(view.columns.iter().all(|column| !column.description.is_empty()));
        }
        assert!(view("tokens").is_none(), "token hashes are not for SQL");
    }

    #[tokio::test]
    async fn the_newest_rows_come_first_and_the_limit_holds() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        let hour = |n: i64| LedgerEntry {
            hour_us: n * crate::clock::HOUR_US,
            source: "s".into(),
            reason: "late".into(),
            items: n as u64,
            bytes: 0,
        };
        add_to_ledger(&store, &[hour(1), hour(2), hour(3)]).await.unwrap();
        let batch = view("ingest_ledger").unwrap().load(&store, 2).await.unwrap();
        let items = batch.column_by_name("items").unwrap().as_primitive::<Int64Type>();
        assert_eq!(items.values(), &[3, 2]);
        assert_eq!(batch.column_by_name("source").unwrap().as_string_view().value(0), "s");
        assert_eq!(batch.column(0).null_count(), 0);
    }

    #[tokio::test]
    async fn a_view_that_has_grown_becomes_shorter_and_keeps_what_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        let mut write = store.write().await.unwrap();
        let sql = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 101000)
            INSERT INTO tickets (number, kind, title, description, state, priority, assignee, fingerprint, entity, opened_at_us, updated_at_us,
                findings, noted_at_us, events, version)
            SELECT n, 'incident', hex(zeroblob(100)), '', CASE n WHEN 1 THEN 'new' ELSE 'closed' END, 'P3', 'ines', hex(zeroblob(32)),
                '{\"host\":\"web01.example.org\"}', n, n, 0, n, 1, 1 FROM numbers";
        sqlx::query(sql).execute(&mut *write).await.unwrap();
        write.commit().await.unwrap();
        let batch = view("tickets").unwrap().load(&store, MAX_VIEW_ROWS).await.unwrap();
        let bytes = batch.get_array_memory_size();
        assert!(bytes <= 64 << 20, "{bytes} bytes are more than a query takes");
        assert!((60_000..MAX_VIEW_ROWS).contains(&batch.num_rows()), "{} rows", batch.num_rows());
        let numbers = batch.column_by_name("number").unwrap().as_primitive::<Int64Type>();
        assert_eq!(numbers.values()[..3], [1, 101_000, 100_999]);
    }
}
