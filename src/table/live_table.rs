//! The handle of an open table.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use deltalake_core::logstore::LogStoreRef;
use tokio::sync::oneshot;

use super::checkpoint;
use super::config::Config;
use super::error::TableError;
use super::flush::{self, FlushReport, Writer};
use super::fresh_rows::Position;
use super::log_replay::load_files_at;
use super::open;
use super::snapshot::{Contents, TableSnapshot};
#[cfg(test)]
use super::synced_store::SyncedStore;
use super::table_kind::TableKind;

/// One Delta table and the rows that are not committed yet. Clones share it.
#[derive(Debug, Clone)]
pub struct Table {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) kind: TableKind,
    pub(super) root: PathBuf,
    pub(super) config: Config,
    pub(super) log: LogStoreRef,
    /// The store behind `log`: tests order faults from it.
    #[cfg(test)]
    pub(super) store: Arc<SyncedStore>,
    contents: Mutex<Contents>,
    /// Held by the one flush at a time.
    pub(super) writer: tokio::sync::Mutex<Writer>,
    /// Version of the newest checkpoint; -1 if there is none.
    pub(super) checkpointed: AtomicI64,
    pub(super) maintaining: AtomicBool,
    pub(super) cleaned: AtomicBool,
}

impl Shared {
    /// Nothing panics while it holds the lock, and no step leaves the contents half changed: a poisoned lock is taken on.
    pub(super) fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Opens the table in folder `root` (`<data>/tables/<name>`), and makes it if there is none.
    ///
    /// Files of an ended process that are no part of the table are removed. One process at a time may hold a table open
    /// for writing; other programs may read it, and may compact it.
    pub async fn open(kind: TableKind, root: &Path, config: &Config) -> Result<Self, TableError> {
        let opened = open::open(kind, root, config).await?;
        let shared = Shared {
            kind,
            contents: Mutex::new(Contents::new(kind, opened.root.clone(), opened.committed)),
            root: opened.root,
            config: config.clone(),
            log: opened.log,
            #[cfg(test)]
            store: opened.store,
            writer: tokio::sync::Mutex::default(),
            checkpointed: AtomicI64::new(opened.checkpoint.unwrap_or(-1)),
            maintaining: AtomicBool::new(false),
            cleaned: AtomicBool::new(false),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Which table it is.
    pub fn kind(&self) -> TableKind {
        self.shared.kind
    }

    /// Everything the table holds now, each row once. Cheap: nothing is copied but references.
    pub fn snapshot(&self) -> Arc<TableSnapshot> {
        self.shared.contents().snapshot()
    }

    /// The position up to which an app id's rows are committed, as the Delta log has it; replay starts after it.
    pub fn committed(&self, app_id: &str) -> Option<i64> {
        self.shared.contents().committed(app_id)
    }

    /// Adds rows, which every later snapshot holds. See [`Table::append_all`].
    pub fn append(&self, batch: RecordBatch, position: Option<Position>) -> bool {
        self.append_all(vec![batch], position)
    }

    /// Adds all rows of a position at once; there may be none. The batches have the columns of [`TableKind::schema`].
    ///
    /// Returns `false`, and takes nothing, if the position or a later one of its app id was seen before. The pipeline
    /// skips what is at or below [`Table::committed`] when it replays; this is the guard behind it.
    pub fn append_all(&self, batches: Vec<RecordBatch>, position: Option<Position>) -> bool {
        debug_assert!(
            batches.iter().all(|batch| batch.schema().fields() == self.shared.kind.schema().fields()),
            "BUG: a batch with other columns than the table"
        );
        self.shared.contents().append(batches, position.as_ref())
    }

    /// Size of the values that are not committed yet, those of a running flush included, in bytes.
    pub fn fresh_bytes(&self) -> usize {
        self.shared.contents().uncommitted_bytes()
    }

    /// Number of rows that are not committed yet, those of a running flush included.
    pub fn fresh_rows(&self) -> usize {
        self.shared.contents().uncommitted_rows()
    }

    /// Writes and commits all rows that are fresh now. One flush runs at a time; a second call waits for the first.
    ///
    /// On an error the rows are still there and visible, and a later flush tries again. The work goes on to its end if the
    /// caller stops waiting.
    pub async fn flush(&self) -> Result<FlushReport, TableError> {
        self.flush_and_tell(None).await
    }

    /// The same, and `frozen` is told (or dropped, on an error before) as soon as it is settled which rows are flushed.
    pub async fn flush_and_tell(&self, frozen: Option<oneshot::Sender<()>>) -> Result<FlushReport, TableError> {
        #[allow(clippy::disallowed_methods, reason = "a commit must not be cut off halfway when its caller goes away")]
        let work = tokio::spawn(flush::flush(self.shared.clone(), frozen));
        work.await.map_err(|error| TableError::internal(self.shared.kind, "a flush", &error))?
    }

    /// Looks after the Delta log in the background: takes over what other programs committed, writes a checkpoint when
    /// one is due, and removes log entries past their retention. Returns at once; errors are logged. Needs a runtime.
    pub fn maintain(&self) {
        checkpoint::maintain(self.shared.clone());
    }

    /// Resolves when no upkeep runs. The runtime may end after that, if [`Table::maintain`] is not called again.
    pub async fn upkeep_ended(&self) {
        while self.shared.maintaining.load(Ordering::Acquire) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The files of an older version, without fresh rows: evidence is run again on it.
    pub async fn snapshot_at(&self, version: i64) -> Result<TableSnapshot, TableError> {
        let shared = &self.shared;
        let files = load_files_at(shared.kind, &shared.root, &shared.log, version).await?;
        Ok(TableSnapshot { kind: shared.kind, root: shared.root.clone(), version, files: Arc::new(files), fresh: Vec::new() })
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}
