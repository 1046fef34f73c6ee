//! The tables as the pipeline writes them, and the order that keeps samples and their series together.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use tokio::sync::{Mutex, oneshot};

use super::templates::Templates;
use crate::query;
use crate::record::SeriesId;
use crate::self_metrics::SERIES;
use crate::table::{FlushReport, Position, Table, TableError};
use crate::wal;

/// Series that are in the table or among its fresh rows.
pub(super) type KnownSeries = Arc<RwLock<HashSet<SeriesId>>>;

/// All tables, and what is known of their rows.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) logs: Arc<Table>,
    pub(super) series: Arc<Table>,
    pub(super) samples: Arc<Table>,
    /// Written by the capacity run, and by nobody here.
    pub(super) capacity_days: Arc<Table>,
    pub(super) known_series: KnownSeries,
    /// Templates of the log lines.
    pub(super) templates: Arc<Templates>,
    /// New lines get one.
    mines: bool,
    /// Held while metrics are appended and while a flush begins: a sample is never frozen without its series.
    metrics_gate: Mutex<()>,
}

impl Tables {
    pub(super) fn new(opened: query::Tables, known_series: KnownSeries, templates: Arc<Templates>, mines: bool) -> Self {
        let query::Tables { logs, series, samples, capacity_days } = opened;
        Self { logs, series, samples, capacity_days, known_series, templates, mines, metrics_gate: Mutex::new(()) }
    }

    /// The templates that new lines are given; `None` if they are given none.
    pub(super) fn mined(&self) -> Option<&Templates> {
        self.mines.then_some(&self.templates)
    }

    /// Adds the rows of the blocks up to `sequence` of the shard `app_id`.
    pub(super) async fn append(
        &self,
        logs: Option<RecordBatch>,
        samples: Option<RecordBatch>,
        series: Option<RecordBatch>,
        app_id: &Arc<str>,
        sequence: wal::Sequence,
    ) {
        // Sequences count blocks of a shard; i64 is Delta's type for them and lasts as long.
        let position = || Some(Position { app_id: app_id.clone(), sequence: sequence as i64 });
        let mut taken = true;
        if let Some(logs) = logs {
            taken &= self.logs.append(logs, position());
        }
        if let Some(samples) = samples {
            let _gate = self.metrics_gate.lock().await;
            if let Some(series) = series.and_then(|series| self.not_known_yet(&series)) {
                self.series.append(series, None);
            }
            taken &= self.samples.append(samples, position());
        }
        if !taken {
            tracing::warn!(shard = %app_id, sequence, "rows were refused because the table has them already");
        }
    }

    /// The series that no append before this one had, which are known from now on. Jobs parse side by side, so several may
    /// have met a series first; here they come one after the other, in the order of the log.
    fn not_known_yet(&self, series: &RecordBatch) -> Option<RecordBatch> {
        let mut known = self.known_series.write().unwrap_or_else(PoisonError::into_inner);
        let ids = series.column_by_name("series_id")?.as_primitive_opt::<Int64Type>()?;
        let new: BooleanArray = ids.values().iter().map(|id| Some(known.insert(*id))).collect();
        SERIES.set(known.len() as u64);
        match filter_record_batch(series, &new) {
            Ok(series) => Some(series).filter(|series| series.num_rows() > 0),
            Err(error) => unreachable!("BUG: a mask as long as the batch does not fit it: {error}"),
        }
    }

    /// Resolves when no table's upkeep runs.
    pub(super) async fn upkeep_ended(&self) {
        futures::join!(self.logs.upkeep_ended(), self.series.upkeep_ended(), self.samples.upkeep_ended());
    }

    /// Memory of all rows that are not committed.
    pub(super) fn fresh_bytes(&self) -> usize {
        self.logs.fresh_bytes() + self.series.fresh_bytes() + self.samples.fresh_bytes()
    }

    /// Commits the samples, and before them every series that they belong to. A crash between the two commits leaves series
    /// without samples, which the replay of the log completes; never the other way round.
    pub(super) async fn flush_metrics(&self) -> Result<FlushReport, TableError> {
        let gate = self.metrics_gate.lock().await;
        if self.series.fresh_rows() > 0 {
            self.series.flush().await?;
        }
        let (tell, frozen) = oneshot::channel();
        let flush = self.samples.flush_and_tell(Some(tell));
        let open_gate = async {
            // Also when the flush failed before it froze anything.
            let _ = frozen.await;
            drop(gate);
        };
        futures::join!(flush, open_gate).0
    }
}
