//! A running query: its rows as they come, within its limits.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::time::Sleep;
use tokio_util::task::AbortOnDropHandle;

use super::batch_bytes::batch_bytes;
use super::yielding::Over;
use super::{Config, LimitOverrides, QueryError};

/// Batches between the query's threads and its reader. Two: the next is computed while one is written out.
pub(super) const BATCHES_AHEAD: usize = 2;

/// How much longer than its limit the reader waits for the query's own report that the time is over. Only a query that is
/// stuck in one computation does not report.
const REPORT_GRACE: Duration = Duration::from_millis(250);

/// The limits of one query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) timeout_ms: u64,
    pub(super) max_rows: u64,
    pub(super) max_result_bytes: u64,
    pub(super) memory_bytes: usize,
    pub(super) truncate: bool,
}

impl Limits {
    /// The configured limits, lowered where the request asks for less.
    pub(super) fn new(config: &Config, asked: LimitOverrides, truncate: bool, background: bool) -> Self {
        if background {
            return Self {
                timeout_ms: config.background_timeout_ms,
                max_rows: u64::MAX,
                max_result_bytes: u64::MAX,
                memory_bytes: config.query_memory_bytes,
                truncate: false,
            };
        }
        Self {
            timeout_ms: asked.timeout_ms.unwrap_or(u64::MAX).min(config.timeout_ms),
            max_rows: asked.max_rows.unwrap_or(u64::MAX).min(config.max_rows),
            max_result_bytes: asked.max_result_bytes.unwrap_or(u64::MAX).min(config.max_result_bytes),
            memory_bytes: asked.memory_bytes.unwrap_or(usize::MAX).min(config.query_memory_bytes),
            truncate,
        }
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// The sleep after which a reader gives up waiting.
    pub(super) fn patience(&self) -> Pin<Box<Sleep>> {
        Box::pin(tokio::time::sleep(self.timeout().saturating_add(REPORT_GRACE)))
    }
}

/// Counts what has been sent, and cuts or ends at the limit.
#[derive(Debug)]
pub(super) struct ResultMeter {
    limits: Limits,
    rows: u64,
    bytes: u64,
    truncated: Arc<AtomicBool>,
}

/// What to do with a batch.
#[derive(Debug)]
pub(super) enum Metered {
    /// Send it and go on.
    Whole(RecordBatch),
    /// Send what fits and end.
    Last(RecordBatch),
}

impl ResultMeter {
    pub(super) fn new(limits: Limits, truncated: Arc<AtomicBool>) -> Self {
        Self { limits, rows: 0, bytes: 0, truncated }
    }

    pub(super) fn take(&mut self, batch: RecordBatch) -> Result<Metered, QueryError> {
        let (rows, bytes) = (batch.num_rows() as u64, batch_bytes(&batch));
        let (rows_left, bytes_left) = (self.limits.max_rows - self.rows, self.limits.max_result_bytes - self.bytes);
        if rows <= rows_left && bytes <= bytes_left {
            self.rows += rows;
            self.bytes += bytes;
            return Ok(Metered::Whole(batch));
        }
        if !self.limits.truncate {
            return Err(match rows > rows_left {
                true => QueryError::TooManyRows { limit: self.limits.max_rows },
                false => QueryError::TooLarge { limit_bytes: self.limits.max_result_bytes },
            });
        }
        self.truncated.store(true, Ordering::Relaxed);
        let mut fitting = batch.slice(0, rows.min(rows_left) as usize);
        while fitting.num_rows() > 0 && batch_bytes(&fitting) > bytes_left {
            fitting = fitting.slice(0, fitting.num_rows() / 2);
        }
        Ok(Metered::Last(fitting))
    }
}

/// The rows of a query, batch by batch. Dropping it ends the query's work.
pub struct QueryRun {
    pub(super) schema: SchemaRef,
    pub(super) versions: BTreeMap<String, i64>,
    pub(super) cut_tables: BTreeSet<String>,
    pub(super) batches: mpsc::Receiver<RecordBatch>,
    pub(super) truncated: Arc<AtomicBool>,
    pub(super) patience: Pin<Box<Sleep>>,
    pub(super) limits: Limits,
    pub(super) work: Option<Work>,
}

impl fmt::Debug for QueryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryRun").field("versions", &self.versions).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl QueryRun {
    /// The columns of every batch.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The Delta version of each table that the query reads.
    pub fn versions(&self) -> &BTreeMap<String, i64> {
        &self.versions
    }

    /// The desk's tables that showed only their newest rows, as they have more than a table may show: what is counted over them
    /// is counted over those.
    pub fn cut_tables(&self) -> &BTreeSet<String> {
        &self.cut_tables
    }

    /// Whether rows were left out at a limit; final once [`QueryRun::next`] has returned `None`.
    pub fn truncated(&self) -> bool {
        self.truncated.load(Ordering::Relaxed)
    }

    /// The next batch; `None` after the last. After an error there is nothing more.
    ///
    /// # Errors
    /// The limit that was reached, or why the query cannot go on.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, QueryError>> {
        self.work.as_ref()?;
        let received = tokio::select! {
            biased;
            received = self.batches.recv() => received,
            () = self.patience.as_mut() => {
                self.work = None;
                return Some(Err(QueryError::TimedOut { limit_ms: self.limits.timeout_ms }));
            }
        };
        match received {
            Some(batch) => Some(Ok(batch)),
            // The channel closes when the work ends; only the work knows how.
            None => end_of(self.work.take()?).await.err().map(Err),
        }
    }

    /// All batches.
    ///
    /// # Errors
    /// As [`QueryRun::next`].
    pub async fn collect(&mut self) -> Result<Vec<RecordBatch>, QueryError> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await {
            batches.push(batch?);
        }
        Ok(batches)
    }

    /// The batches as a stream, for those who need that shape.
    pub fn into_stream(self) -> impl Stream<Item = Result<RecordBatch, QueryError>> + Send {
        futures::stream::unfold(self, |mut run| async move { run.next().await.map(|item| (item, run)) }).fuse()
    }
}

/// The task that does the work. Dropping this ends it, wherever it is.
pub(super) struct Work {
    pub(super) task: AbortOnDropHandle<Result<(), QueryError>>,
    pub(super) over: Over,
}

impl Drop for Work {
    fn drop(&mut self) {
        self.over.set();
    }
}

/// How the work ended.
pub(super) async fn end_of(mut work: Work) -> Result<(), QueryError> {
    (&mut work.task).await.unwrap_or_else(|error| {
        let why = if error.is_panic() { "a part of it broke down" } else { "the engine is being closed" };
        Err(QueryError::internal(why))
    })
}
