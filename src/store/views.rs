//! The store's tables as SQL sees them: read-only, with documented columns, newest rows first.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, RecordBatchOptions, StringViewBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use futures::TryStreamExt;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::capacity_views::{CAPACITY_RESOURCES, PROPOSALS, SUPPLY_DELIVERIES};
use super::inventory_views::{ASSETS, BUDGET_ENTRIES, BUDGETS, CONTRACTS, OFFERS, SUPPLIERS};
use super::view_scan::{ViewScan, WrittenConditions};
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
    /// Statements that select the columns in that order: the rows of the first come before those of the second.
    pub(super) selects: &'static [&'static str],
    /// In which order the rows of each come, by the names of columns: the newest first.
    pub(super) order: &'static str,
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

/// What is acknowledged, taken up or answered has had its first response, as promises count it (a ticket that ends without has none).
macro_rules! ticket_columns {
    () => {
        "SELECT number, kind, title, state, hold, priority, severity, impact, urgency, requester, team, service, assignee, acknowledged_by,
            rule, fingerprint, entity ->> '$.host', entity, opened_at_us, updated_at_us, resolved_at_us, last_finding_at_us, findings,
            merged_into, (SELECT min(answer.at_us) FROM ticket_events AS answer WHERE answer.ticket = tickets.number
                AND (answer.kind = 'acknowledged'
                    OR (answer.kind = 'moved' AND answer.detail ->> '$.to' = 'in_progress')
                    OR (answer.kind = 'commented' AND coalesce(answer.detail ->> '$.internal', 0) = 0 AND answer.detail ->> '$.copied' IS NULL
                        AND answer.origin <> 'scheduler' AND answer.actor NOT LIKE 'requester %'))),
            CASE WHEN state IN ('resolved', 'closed') THEN (SELECT move.origin = 'scheduler' FROM ticket_events AS move
                WHERE move.ticket = tickets.number AND move.kind = 'moved' AND move.detail ->> '$.to' = 'resolved'
                ORDER BY move.seq DESC LIMIT 1) END
        FROM tickets"
    };
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
        ViewColumn::timestamp(
            "answered_at",
            "the first response: when it was first acknowledged, taken up, or answered in public by somebody of the desk",
        ),
        ViewColumn::boolean("resolved_by_itself", "the desk or the sender resolved it because the trouble was over; null while it is open"),
    ],
    // The open ones come first, so that a bound never hides an old ticket that somebody still has to work on. The plus
    // sign keeps the second half on the order of numbers, where it can stop early, instead of an index over states.
    selects: &[
        concat!(ticket_columns!(), " WHERE state NOT IN ('resolved', 'closed')"),
        concat!(ticket_columns!(), " WHERE +state IN ('resolved', 'closed')"),
    ],
    order: "number DESC",
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
        ViewColumn::text(
            "source",
            "of what another program reports: the alert's name (Alertmanager), the integration (PagerDuty) or the heartbeat",
        ),
    ],
    selects: &["SELECT id, ticket, rule, fingerprint, entity ->> '$.host', entity, title, severity, result, window_start_us, window_end_us, recorded_at_us,
        outcome, reasons, verdict, CASE rule WHEN 'alertmanager' THEN result ->> '$.alertname' WHEN 'pagerduty' THEN result ->> '$.integration'
            WHEN 'heartbeat' THEN result ->> '$.heartbeat' END FROM findings"],
    order: "id DESC",
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
    selects: &["SELECT ticket, seq, at_us, actor, origin, kind,
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
        FROM ticket_events"],
    order: "at DESC, ticket DESC, seq DESC",
};

const TICKET_LINKS: StoreView = StoreView {
    name: "ticket_links",
    description: "one row a link from one ticket to another",
    columns: &[
        ViewColumn::integer("ticket", "number of the ticket"),
        ViewColumn::text("kind", "how it belongs to the other: duplicate_of, caused_by, relates_to, child_of or split_from"),
        ViewColumn::integer("other", "number of the other ticket"),
    ],
    selects: &["SELECT ticket, kind, other FROM ticket_links"],
    order: "ticket DESC, kind, other",
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
    selects: &[
        "SELECT ticket, policy, state ->> '$.status.kind', state ->> '$.status.by', state ->> '$.level', state ->> '$.cycle', next_at_us
        FROM escalations",
    ],
    order: "ticket DESC",
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
    selects: &["SELECT id, created_at_us, ticket, person, channel, event, urgency, subject, state, due_at_us, sent_at_us, attempts
        FROM outbox"],
    order: "created_at DESC, id",
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
    selects: &["SELECT id, at_us, actor, origin, action, object, substr(detail, 1, 4000) FROM audit"],
    order: "id DESC",
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
    selects: &["SELECT hour_us, source, reason, items, bytes FROM ingest_ledger"],
    order: "hour DESC, source, reason",
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
    selects: &["SELECT rule, watermark_us, last_run_at_us, duration_us, result_rows, runs, failures, last_error, last_error_at_us
        FROM rule_runs"],
    order: "last_run_at DESC, rule",
};

impl StoreView {
    /// The Arrow columns.
    pub fn schema(&self) -> SchemaRef {
        view_schema(self.columns)
    }

    /// The newest `limit` rows that a query wants, at most [`MAX_VIEW_ROWS`] and 52 MiB, newest first; and whether there are older ones, which
    /// are left out.
    pub async fn load(&self, store: &Store, scan: &ViewScan, limit: usize) -> Result<(RecordBatch, bool), StoreError> {
        let limit = limit.min(MAX_VIEW_ROWS);
        let places: Vec<usize> = scan.columns.clone().unwrap_or_else(|| (0..self.columns.len()).collect());
        let wanted: Vec<ViewColumn> = places.iter().filter_map(|place| self.columns.get(*place).copied()).collect();
        let mut builders: Vec<Column> = wanted.iter().map(|column| Column::new(column.kind)).collect();
        let (mut shown, mut bytes, mut is_cut) = (0, 0, false);
        let conditions = scan.written(1, |place| self.columns.get(place).map(|column| column.name));
        let mut read = store.read().await?;
        for select in self.selects {
            let sql = self.statement(select, &wanted, &conditions);
            // One row more than is shown tells whether there are more.
            let query = conditions.bind(sqlx::query(sqlx::AssertSqlSafe(sql))).bind((limit - shown) as i64 + 1);
            let mut rows = query.fetch(&mut *read);
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
            if is_cut {
                break;
            }
        }
        let columns = builders.into_iter().map(Column::finish).collect();
        let rows = RecordBatch::try_new_with_options(view_schema(&wanted), columns, &RecordBatchOptions::new().with_row_count(Some(shown)));
        Ok((rows.map_err(|error| StoreError::Unreadable(error.to_string()))?, is_cut))
    }

    /// Names the columns of a select, takes those that are wanted, and filters before it cuts. SQLite leaves out what none of that asks for.
    fn statement(&self, select: &str, wanted: &[ViewColumn], conditions: &WrittenConditions) -> String {
        let names = |columns: &[ViewColumn]| columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
        let taken = if wanted.is_empty() { "1".to_owned() } else { names(wanted) };
        let (all, order) = (names(self.columns), self.order);
        let (holds, limit) = (&conditions.sql, conditions.next_parameter());
        format!("WITH shown ({all}) AS ({select}) SELECT {taken} FROM shown WHERE {holds} ORDER BY {order} LIMIT ?{limit}")
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
    use crate::store::{Comparison, DESK_FILE, LedgerEntry, ViewCondition, ViewValue, add_to_ledger};

    #[tokio::test]
    async fn every_view_loads_with_its_columns_from_an_empty_store() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        for view in &VIEWS {
            let batch = view.load(&store, &ViewScan::default(), 10).await.unwrap().0;
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
        let batch = view("ingest_ledger").unwrap().load(&store, &ViewScan::default(), 2).await.unwrap().0;
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
        let tickets = view("tickets").unwrap();
        let (batch, is_cut) = tickets.load(&store, &ViewScan::default(), MAX_VIEW_ROWS).await.unwrap();
        assert!(is_cut);
        let bytes = batch.get_array_memory_size();
        assert!(bytes <= 64 << 20, "{bytes} bytes are more than a query takes");
        assert!((60_000..MAX_VIEW_ROWS).contains(&batch.num_rows()), "{} rows", batch.num_rows());
        let numbers = batch.column_by_name("number").unwrap().as_primitive::<Int64Type>();
        assert_eq!(numbers.values()[..3], [1, 101_000, 100_999]);
        // What a query asks for is cut only if there is too much of that.
        let at = |name: &str| tickets.columns.iter().position(|column| column.name == name).unwrap();
        let before = |us| ViewCondition::Compare { column: at("opened_at"), comparison: Comparison::Less, value: ViewValue::Integer(us) };
        let scan = ViewScan { columns: Some(vec![at("assignee"), at("number")]), conditions: vec![before(4)] };
        let (batch, is_cut) = tickets.load(&store, &scan, MAX_VIEW_ROWS).await.unwrap();
        assert_eq!((batch.num_columns(), is_cut), (2, false));
        assert_eq!(batch.column(1).as_primitive::<Int64Type>().values(), &[1, 3, 2]);
        let count = ViewScan { columns: Some(Vec::new()), conditions: vec![before(50_001)] };
        let (batch, is_cut) = tickets.load(&store, &count, MAX_VIEW_ROWS).await.unwrap();
        assert_eq!((batch.num_columns(), batch.num_rows(), is_cut), (0, 50_000, false));
        let (batch, is_cut) = tickets.load(&store, &scan, 2).await.unwrap();
        assert_eq!((batch.num_rows(), is_cut), (2, true));
    }
}
