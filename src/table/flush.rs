//! Moves the fresh rows of a table into files of its next version.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use tokio::sync::oneshot;

use super::commit::{Outcome, entry, put_entry, settle_entry};
use super::error::TableError;
use super::fresh_rows::Position;
use super::live_table::Shared;
use super::log_replay::load_newest;
use super::parquet_writer::{WrittenFile, write_parquet};
use super::snapshot::DataFile;
use super::synced_store::sync_folder;
use crate::clock::Stopwatch;

/// Commits by other programs that one flush follows before it gives up; each costs a reload of the file list.
const MAX_ATTEMPTS: u32 = 10;

/// What a flush did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FlushReport {
    /// Rows committed.
    pub rows: u64,
    /// Bytes of their Parquet files.
    pub bytes: u64,
    /// Parquet files.
    pub files: usize,
    /// Delta version of the table now.
    pub version: i64,
    /// Time to write and sync the files.
    pub write_seconds: f64,
    /// Time to write and sync the log entry.
    pub commit_seconds: f64,
    /// What is durable in Delta now: the WAL may be released up to these positions.
    pub positions: Vec<Position>,
}

/// What only the one flush at a time touches.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// A commit of which it is not known whether it landed; its rows are still frozen.
    in_doubt: Option<Pending>,
    /// Positions that are committed but were not reported, because their log entry could not be synced.
    owed: BTreeMap<Arc<str>, i64>,
}

/// A commit on its way.
#[derive(Debug)]
struct Pending {
    version: i64,
    entry: Bytes,
    files: Vec<WrittenFile>,
    positions: Vec<Position>,
    rows: usize,
    write_seconds: f64,
    commit_seconds: f64,
}

/// How an attempt ended that did not fail.
enum Attempt {
    Done(FlushReport),
    /// Another writer has committed some of the rows: they must be left out of new files.
    Again,
}

/// Flushes everything that was fresh when it began; `frozen` is told when that is settled, so that what is appended from
/// then on belongs to a later flush. Must not be cut off halfway: it runs in a task of its own.
pub(super) async fn flush(shared: Arc<Shared>, mut frozen: Option<oneshot::Sender<()>>) -> Result<FlushReport, TableError> {
    let mut writer = shared.writer.lock().await;
    if let Some(pending) = writer.in_doubt.take() {
        settle(&shared, &mut writer, pending).await?;
    }
    for _ in 0..MAX_ATTEMPTS {
        let (batches, positions) = freeze(&shared);
        if let Some(frozen) = frozen.take() {
            // The caller may have stopped waiting.
            let _ = frozen.send(());
        }
        if batches.is_empty() {
            shared.contents().swap_without_rows();
            return report_positions(&shared, &mut writer, positions).await;
        }
        if let Attempt::Done(report) = attempt(&shared, &mut writer, batches, positions).await? {
            return Ok(report);
        }
    }
    Err(TableError::Contended { table: shared.kind.name(), attempts: MAX_ATTEMPTS })
}

fn freeze(shared: &Shared) -> (Vec<RecordBatch>, Vec<Position>) {
    let mut contents = shared.contents();
    let frozen = contents.freeze();
    (frozen.batches().cloned().collect(), frozen.positions())
}

/// Positions that brought no rows need no commit: a replay of them brings none either.
async fn report_positions(shared: &Shared, writer: &mut Writer, positions: Vec<Position>) -> Result<FlushReport, TableError> {
    if !writer.owed.is_empty() {
        let folder = shared.root.join("_delta_log");
        let synced = tokio::task::spawn_blocking(move || sync_folder(&folder)).await;
        let synced = synced.map_err(|error| TableError::internal(shared.kind, "syncing the log", &error))?;
        if let Err(error) = synced {
            writer.owe(&positions);
            return Err(TableError::NotDurable { table: shared.kind.name(), detail: error.to_string() });
        }
    }
    Ok(FlushReport { version: shared.contents().version(), positions: writer.settle_debts(positions), ..FlushReport::default() })
}

async fn attempt(
    shared: &Arc<Shared>,
    writer: &mut Writer,
    batches: Vec<RecordBatch>,
    positions: Vec<Position>,
) -> Result<Attempt, TableError> {
    let watch = Stopwatch::start();
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let files = match write_files(shared, batches).await {
        Ok(files) => files,
        Err(error) => {
            shared.contents().thaw();
            return Err(error);
        }
    };
    let entry = match entry(shared.kind, &files, &positions) {
        Ok(entry) => entry,
        Err(error) => {
            give_up(shared, &files).await;
            return Err(error);
        }
    };
    let version = shared.contents().version() + 1;
    let write_seconds = watch.elapsed_seconds();
    let mut pending = Pending { version, entry, files, positions, rows, write_seconds, commit_seconds: 0.0 };
    for _ in 0..MAX_ATTEMPTS {
        let watch = Stopwatch::start();
        let outcome = put_entry(shared.kind, &shared.log, &shared.root, pending.version, &pending.entry).await;
        pending.commit_seconds += watch.elapsed_seconds();
        if !matches!(outcome, Outcome::Taken) {
            return conclude(shared, writer, pending, outcome).await.map(Attempt::Done);
        }
        if let Err(error) = reload(shared).await {
            give_up(shared, &pending.files).await;
            return Err(error);
        }
        if shared.contents().frozen_is_known() {
            give_up(shared, &pending.files).await;
            let rows = shared.contents().drop_committed();
            tracing::warn!(
                table = shared.kind.name(),
                rows,
                "another writer had committed these rows: do two processes use one data folder?"
            );
            return Ok(Attempt::Again);
        }
        pending.version = shared.contents().version() + 1;
    }
    give_up(shared, &pending.files).await;
    Err(TableError::Contended { table: shared.kind.name(), attempts: MAX_ATTEMPTS })
}

/// Acts on what became of a log entry. [`Outcome::Taken`] is for the caller: it depends on whether a retry makes sense.
async fn conclude(shared: &Arc<Shared>, writer: &mut Writer, pending: Pending, outcome: Outcome) -> Result<FlushReport, TableError> {
    let table = shared.kind.name();
    match outcome {
        Outcome::Landed => Ok(take_over(shared, writer, pending)),
        Outcome::LandedUnsynced(error) => {
            let report = take_over(shared, writer, pending);
            writer.owe(&report.positions);
            Err(TableError::NotDurable { table, detail: error.to_string() })
        }
        Outcome::Failed(error) => {
            give_up(shared, &pending.files).await;
            Err(error)
        }
        Outcome::Unknown(error) => {
            writer.in_doubt = Some(pending);
            Err(TableError::InDoubt { table, detail: error.to_string() })
        }
        Outcome::Taken => {
            give_up(shared, &pending.files).await;
            Err(TableError::Contended { table, attempts: 1 })
        }
    }
}

/// Decides about a commit that an earlier flush had to leave open.
async fn settle(shared: &Arc<Shared>, writer: &mut Writer, pending: Pending) -> Result<(), TableError> {
    let unread = TableError::Log { table: shared.kind.name(), detail: "the log still cannot be read".to_owned() };
    match settle_entry(&shared.log, &shared.root, pending.version, &pending.entry, unread).await {
        Outcome::Taken => {
            give_up(shared, &pending.files).await;
            reload(shared).await?;
            shared.contents().drop_committed();
        }
        Outcome::Failed(_) => give_up(shared, &pending.files).await,
        outcome => {
            let report = conclude(shared, writer, pending, outcome).await?;
            writer.owe(&report.positions);
        }
    }
    Ok(())
}

/// The frozen rows leave, their files enter, in one step.
fn take_over(shared: &Shared, writer: &mut Writer, pending: Pending) -> FlushReport {
    let report = FlushReport {
        rows: pending.rows as u64,
        bytes: pending.files.iter().map(|file| file.size_bytes).sum(),
        files: pending.files.len(),
        version: pending.version,
        write_seconds: pending.write_seconds,
        commit_seconds: pending.commit_seconds,
        positions: writer.settle_debts(pending.positions.clone()),
    };
    // The list is copied outside the lock; only a flush changes it, and there is one at a time.
    let before = shared.contents().files();
    let mut files = Vec::with_capacity(before.len() + pending.files.len());
    files.extend_from_slice(&before);
    files.extend(pending.files.into_iter().map(|file| Arc::new(DataFile::from(file))));
    shared.contents().swap(pending.version, files, &pending.positions);
    report
}

/// The rows are fresh again, and their files are removed.
async fn give_up(shared: &Shared, files: &[WrittenFile]) {
    shared.contents().thaw();
    let paths: Vec<_> = files.iter().map(|file| shared.root.join(&file.path)).collect();
    let removed = tokio::task::spawn_blocking(move || paths.iter().try_for_each(std::fs::remove_file)).await;
    if !matches!(removed, Ok(Ok(()))) {
        tracing::warn!(table = shared.kind.name(), "files of a failed flush could not be removed; they are no part of the table");
    }
}

async fn write_files(shared: &Shared, batches: Vec<RecordBatch>) -> Result<Vec<WrittenFile>, TableError> {
    let (kind, root) = (shared.kind, shared.root.clone());
    let write = move || write_parquet(&root, kind.layout(), &batches);
    let written = tokio::task::spawn_blocking(write).await.map_err(|error| TableError::internal(kind, "writing Parquet", &error))?;
    written.map_err(|error| TableError::write(kind, &error))
}

/// Takes over what another program has committed.
pub(super) async fn reload(shared: &Shared) -> Result<(), TableError> {
    let (committed, _) = load_newest(shared.kind, &shared.root, &shared.log).await?;
    tracing::info!(table = shared.kind.name(), version = committed.version, "another program has committed to the table");
    shared.contents().reload(committed);
    Ok(())
}

/// Whether the log goes on after the version that is known, so that another program must have written there.
pub(super) async fn is_outdated(shared: &Shared) -> Result<bool, TableError> {
    let next = shared.contents().version() + 1;
    let path = entry_path(&shared.root, next);
    tokio::fs::try_exists(path).await.map_err(|error| TableError::io(shared.kind, "looking for the next log entry", &error))
}

fn entry_path(root: &Path, version: i64) -> std::path::PathBuf {
    root.join("_delta_log").join(format!("{version:020}.json"))
}

impl Writer {
    /// Whether a reload would lose track of a commit that may have landed.
    pub(super) fn has_doubts(&self) -> bool {
        self.in_doubt.is_some()
    }

    fn owe(&mut self, positions: &[Position]) {
        for position in positions {
            self.owed.insert(position.app_id.clone(), position.sequence);
        }
    }

    /// These positions and all that were owed; a later position of an app id covers an earlier one.
    fn settle_debts(&mut self, positions: Vec<Position>) -> Vec<Position> {
        self.owe(&positions);
        std::mem::take(&mut self.owed).into_iter().map(|(app_id, sequence)| Position { app_id, sequence }).collect()
    }
}
