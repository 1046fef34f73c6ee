//! The table `sla_clocks`: how every promise of every ticket stands.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;

use super::Register;
use super::computed_views::{integers, moments, narrowed, texts, truths};
use super::timeline::timeline_of;
use crate::clock::{Clock, TimestampUs};
use crate::desk::Desk;
use crate::query::{RelationalView, ViewError};
use crate::sla::{SlaClock, Verdict, clocks};
use crate::store::{ViewColumn, ViewScan, view_schema};

/// Open tickets whose promises are computed, and others as many, of those that a query asks for: a year of a department of 500. A second
/// for some ten thousand.
const MAX_TICKETS: i64 = 50_000;

const COLUMNS: &[ViewColumn] = &[
    ViewColumn::integer("ticket", "number of the ticket"),
    ViewColumn::text("promise", "what is promised: response, update, resolution or supplier"),
    ViewColumn::text("rule", "name of the rule that promises it"),
    ViewColumn::integer("target_us", "promised business time, in microseconds"),
    ViewColumn::timestamp("started_at", "when it began to count; for an update, the last word to the user"),
    ViewColumn::timestamp("stopped_at", "when it stopped for good, or until the ticket is reopened; null while it can still go on"),
    ViewColumn::timestamp("due_at", "when the time is used up, or was; null while it is paused in time"),
    ViewColumn::integer("elapsed_us", "business time used, in microseconds"),
    ViewColumn::boolean("paused", "it stands still because the ticket waits for somebody"),
    ViewColumn::text("verdict", "running, met or breached"),
    ViewColumn::timestamp("breached_at", "when the time was used up; null unless breached"),
    ViewColumn::timestamp("opened_at", "when the ticket was opened"),
    ViewColumn::timestamp("resolved_at", "when the ticket was resolved; null while it is open"),
];

/// What of it stands in the tickets themselves, so that the tickets are looked for by it.
fn in_tickets(column: usize) -> Option<&'static str> {
    match COLUMNS.get(column)?.name {
        "ticket" => Some("number"),
        "opened_at" => Some("opened_at_us"),
        "resolved_at" => Some("resolved_at_us"),
        _ => None,
    }
}

/// The promises of all open tickets and of the newest others, as they stand when a query asks. Of the silences between words
/// to a user, those that were too long and the last one each have a row.
#[derive(Debug)]
pub(super) struct SlaClocksView {
    pub(super) desk: Desk,
    pub(super) register: Arc<Register>,
    pub(super) clock: Clock,
}

struct Row {
    ticket: i64,
    opened_at_us: TimestampUs,
    resolved_at_us: Option<TimestampUs>,
    clock: SlaClock,
}

#[async_trait]
impl RelationalView for SlaClocksView {
    fn name(&self) -> &str {
        "sla_clocks"
    }

    fn schema(&self) -> SchemaRef {
        view_schema(COLUMNS)
    }

    async fn load(&self) -> Result<(RecordBatch, bool), ViewError> {
        self.rows(&ViewScan::default()).await
    }

    async fn load_scan(&self, scan: &ViewScan) -> Result<Option<(RecordBatch, bool)>, ViewError> {
        narrowed(self.rows(scan).await?, scan)
    }
}

impl SlaClocksView {
    /// All columns of the promises of the tickets that a query asks for.
    async fn rows(&self, scan: &ViewScan) -> Result<(RecordBatch, bool), ViewError> {
        let (setup, now_us) = (self.register.setup(), self.clock.now_us());
        let (mut rows, mut is_cut) = (Vec::new(), false);
        if !setup.promises.is_empty() {
            let take = |ticket, history: &[_]| {
                let Some(timeline) = timeline_of(history) else { return };
                let (opened_at_us, resolved_at_us) = (timeline.opened_at_us, timeline.resolved_at_us());
                let clocks = clocks(&timeline, &setup.promises, now_us).into_iter();
                rows.extend(clocks.map(|clock| Row { ticket, opened_at_us, resolved_at_us, clock }));
            };
            let which = scan.written(1, in_tickets);
            is_cut = self.desk.each_history(&which, MAX_TICKETS, take).await.map_err(|error| ViewError(error.to_string()))?;
        }
        let breached_at_us = |clock: &SlaClock| match clock.verdict {
            Verdict::Breached { at_us } => Some(at_us),
            Verdict::Running | Verdict::Met { .. } => None,
        };
        let columns = vec![
            integers(&rows, |row| Some(row.ticket)),
            texts(&rows, |row| Some(row.clock.promise.word())),
            texts(&rows, |row| Some(&row.clock.rule)),
            integers(&rows, |row| Some(row.clock.target_us)),
            moments(&rows, |row| Some(row.clock.started_at_us)),
            moments(&rows, |row| row.clock.stopped_at_us),
            moments(&rows, |row| row.clock.due_at_us),
            integers(&rows, |row| Some(row.clock.elapsed_us)),
            truths(&rows, |row| row.clock.paused),
            texts(&rows, |row| Some(word(row.clock.verdict))),
            moments(&rows, |row| breached_at_us(&row.clock)),
            moments(&rows, |row| Some(row.opened_at_us)),
            moments(&rows, |row| row.resolved_at_us),
        ];
        let batch = RecordBatch::try_new(self.schema(), columns).map_err(|error| ViewError(error.to_string()))?;
        Ok((batch, is_cut))
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Running => "running",
        Verdict::Met { .. } => "met",
        Verdict::Breached { .. } => "breached",
    }
}
