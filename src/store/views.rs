//! The store's tables as SQL sees them: read-only, with documented columns, newest rows first.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringViewBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use futures::TryStreamExt;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError};

/// Rows that one view shows: the newest. Ten years of a department's tickets fit.
pub const MAX_VIEW_ROWS: usize = 100_000;

/// Bytes that loading one view may take; the rows that fit are the newest.
const MAX_VIEW_BYTES: usize = 64 << 20;

/// What a column of a view holds; every column may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewType {
    /// Text (a string view). JSON stands as its text.
    Text,
    /// A 64-bit integer.
    Integer,
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
    sql: &'static str,
}

const fn text(name: &'static str, description: &'static str) -> ViewColumn {
    ViewColumn { name, kind: ViewType::Text, description }
}

const fn integer(name: &'static str, description: &'static str) -> ViewColumn {
    ViewColumn { name, kind: ViewType::Integer, description }
}

const fn timestamp(name: &'static str, description: &'static str) -> ViewColumn {
    ViewColumn { name, kind: ViewType::Timestamp, description }
}

/// Every view of the store.
pub static VIEWS: [StoreView; 5] = [TICKETS, FINDINGS, TICKET_EVENTS, INGEST_LEDGER, RULE_RUNS];

/// The view of that name.
pub fn view(name: &str) -> Option<&'static StoreView> {
    VIEWS.iter().find(|view| view.name == name)
}

const TICKETS: StoreView = StoreView {
    name: "tickets",
    description: "one row a ticket, as it stands now",
    columns: &[
        integer("number", "the ticket's number, from 1 without gaps"),
        text("kind", "incident"),
        text("title", "one line"),
        text("state", "new, assigned, in_progress, on_hold, resolved, closed or reopened"),
        text("priority", "P1 (highest) to P5"),
        text("severity", "the finding's severity: critical, high, medium, low or info"),
        text("assignee", "who works on it"),
        text("rule", "the rule that opened it"),
        text("fingerprint", "identity of the problem: hash of rule and entity"),
        text("host", "the entity's host, if it has one"),
        text("entity", "what it is about, as a JSON object"),
        timestamp("opened_at", "when it was opened"),
        timestamp("updated_at", "its last event or finding"),
        timestamp("resolved_at", "when it was resolved; null while it is open"),
        timestamp("last_finding_at", "end of the latest finding's window"),
        integer("findings", "number of findings that it collects"),
    ],
    sql: "SELECT number, kind, title, state, priority, severity, assignee, rule, fingerprint, entity ->> '$.host', entity, opened_at_us, updated_at_us,
        resolved_at_us, last_finding_at_us, findings FROM tickets ORDER BY number DESC LIMIT ?1",
};

const FINDINGS: StoreView = StoreView {
    name: "findings",
    description: "one row a finding: a rule's result row in one window",
    columns: &[
        integer("id", "number of the finding, in the order of recording"),
        integer("ticket", "number of the ticket that it opened or joined; null if it was held back"),
        text("rule", "the rule"),
        text("fingerprint", "identity of the problem: hash of rule and entity"),
        text("host", "the entity's host, if it has one"),
        text("entity", "what it is about, as a JSON object"),
        text("title", "one line"),
        text("severity", "critical, high, medium, low or info"),
        text("result", "the rule's result row, as a JSON object"),
        timestamp("window_start", "start of the window, inclusive"),
        timestamp("window_end", "end of the window, exclusive"),
        timestamp("recorded_at", "when it was recorded"),
        text("outcome", "how it came into its ticket: opened, joined, repeated, continued, reopened; held if a maintenance window kept it back"),
        text("reasons", "why it was filed there: the terms of the score, as JSON"),
        text("verdict", "what a person said of it: noise or right"),
    ],
    sql: "SELECT id, ticket, rule, fingerprint, entity ->> '$.host', entity, title, severity, result, window_start_us, window_end_us, recorded_at_us,
        outcome, reasons, verdict FROM findings ORDER BY id DESC LIMIT ?1",
};

const TICKET_EVENTS: StoreView = StoreView {
    name: "ticket_events",
    description: "one row a change of a ticket: who did what, when, from where",
    columns: &[
        integer("ticket", "number of the ticket"),
        integer("seq", "number of the event in the ticket, from 1"),
        timestamp("at", "when"),
        text("actor", "who: a rule, a token's name or a person"),
        text("origin", "from where: scheduler, or the client's address"),
        text("kind", "opened, joined, moved, reprioritised, retitled, assigned or commented"),
        text("detail", "the event as a JSON object; cut after 4,000 characters"),
    ],
    sql: "SELECT ticket, seq, at_us, actor, origin, kind, substr(detail, 1, 4000) FROM ticket_events ORDER BY at_us DESC, ticket DESC, seq DESC LIMIT ?1",
};

const INGEST_LEDGER: StoreView = StoreView {
    name: "ingest_ledger",
    description: "what was taken, refused, cut, late or dropped: one row an hour, source and reason",
    columns: &[
        timestamp("hour", "start of the hour"),
        text("source", "the source's name"),
        text("reason", "what became of the items"),
        integer("items", "lines or samples"),
        integer("bytes", "their bytes as they came"),
    ],
    sql: "SELECT hour_us, source, reason, items, bytes FROM ingest_ledger ORDER BY hour_us DESC, source, reason LIMIT ?1",
};

const RULE_RUNS: StoreView = StoreView {
    name: "rule_runs",
    description: "one row a rule: how far it has read and how its last run went",
    columns: &[
        text("rule", "the rule"),
        timestamp("watermark", "everything before this moment has been judged"),
        timestamp("last_run_at", "when it last ran"),
        integer("duration_us", "how long that took, in microseconds"),
        integer("result_rows", "rows that the last good run returned"),
        integer("runs", "good runs since the rule is known"),
        integer("failures", "failed runs since the rule is known"),
        text("last_error", "why the last run failed; null if it did not"),
        timestamp("last_error_at", "when a run last failed"),
    ],
    sql: "SELECT rule, watermark_us, last_run_at_us, duration_us, result_rows, runs, failures, last_error, last_error_at_us
        FROM rule_runs ORDER BY last_run_at_us DESC, rule LIMIT ?1",
};

impl StoreView {
    /// The Arrow columns.
    pub fn schema(&self) -> SchemaRef {
        let fields = self.columns.iter().map(|column| {
            let kind = match column.kind {
                ViewType::Text => DataType::Utf8View,
                ViewType::Integer => DataType::Int64,
                ViewType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            };
            Field::new(column.name, kind, true)
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The newest `limit` rows, at most [`MAX_VIEW_ROWS`] and 64 MiB, newest first.
    pub async fn load(&self, store: &Store, limit: usize) -> Result<RecordBatch, StoreError> {
        let mut read = store.read().await?;
        let mut builders: Vec<Column> = self.columns.iter().map(|column| Column::new(column.kind)).collect();
        {
            let mut rows = sqlx::query(self.sql).bind(limit.min(MAX_VIEW_ROWS) as i64).fetch(&mut *read);
            let mut bytes = 0;
            while let Some(row) = rows.try_next().await? {
                for (index, builder) in builders.iter_mut().enumerate() {
                    bytes += builder.append(&row, index)?;
                }
                if bytes > MAX_VIEW_BYTES {
                    tracing::warn!(view = self.name, "the view shows only its newest rows: it is over 64 MiB");
                    break;
                }
            }
        }
        let columns = builders.into_iter().map(Column::finish).collect();
        RecordBatch::try_new(self.schema(), columns).map_err(|error| StoreError::Unreadable(error.to_string()))
    }
}

/// A column being filled.
enum Column {
    Text(StringViewBuilder),
    Integer(Int64Builder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl Column {
    fn new(kind: ViewType) -> Self {
        match kind {
            ViewType::Text => Self::Text(StringViewBuilder::new()),
            ViewType::Integer => Self::Integer(Int64Builder::new()),
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
            Self::Timestamp(builder) => {
                builder.append_option(row.try_get::<Option<i64>, _>(index)?);
                Ok(8)
            }
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Integer(mut builder) => Arc::new(builder.finish()),
            Self::Timestamp(mut builder) => Arc::new(builder.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
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
}
