//! What a table holds at a moment: committed files and rows in memory, in one consistent view.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::fresh_rows::{FreshRows, Position};
use super::parquet_writer::WrittenFile;
use super::statistics::FileStatistics;
use super::table_kind::TableKind;

/// A Parquet file that is part of a table version.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// Path relative to the table's root, such as `date=2026-11-22/6d1f….zstd.parquet`.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Number of rows.
    pub rows: u64,
    /// The partition, in days since 1970-01-01 UTC; `None` in tables that are not partitioned.
    pub day: Option<i32>,
    /// Range of the columns; empty where the program that wrote the file gave none.
    pub statistics: FileStatistics,
}

impl From<WrittenFile> for DataFile {
    fn from(file: WrittenFile) -> Self {
        Self { path: file.path, size_bytes: file.size_bytes, rows: file.rows, day: file.day, statistics: file.statistics }
    }
}

/// A consistent view of a table: every row once, in a file or in a batch.
#[derive(Debug, Clone)]
pub struct TableSnapshot {
    /// The table.
    pub kind: TableKind,
    /// Its folder, below which the files' paths lie.
    pub root: PathBuf,
    /// Delta version of the files.
    pub version: i64,
    /// Files of that version, in no particular order.
    pub files: Arc<Vec<Arc<DataFile>>>,
    /// Rows that are not committed yet, with the table's columns but the partition column.
    pub fresh: Vec<RecordBatch>,
}

/// Everything that changes while a table is open. It is guarded by one lock, so that rows move from memory to files in
/// one step for every reader.
#[derive(Debug)]
pub(super) struct Contents {
    kind: TableKind,
    root: PathBuf,
    version: i64,
    files: Arc<Vec<Arc<DataFile>>>,
    committed: BTreeMap<Arc<str>, i64>,
    /// Highest sequence ever handed over, by app id.
    seen: BTreeMap<Arc<str>, i64>,
    /// Rows that a flush is writing; empty when none runs.
    frozen: FreshRows,
    fresh: FreshRows,
    snapshot: Option<Arc<TableSnapshot>>,
}

/// A table version as it was read from the log.
#[derive(Debug)]
pub(super) struct Committed {
    pub(super) version: i64,
    pub(super) files: Vec<Arc<DataFile>>,
    pub(super) positions: BTreeMap<Arc<str>, i64>,
}

impl Contents {
    pub(super) fn new(kind: TableKind, root: PathBuf, loaded: Committed) -> Self {
        Self {
            kind,
            root,
            version: loaded.version,
            files: Arc::new(loaded.files),
            seen: loaded.positions.clone(),
            committed: loaded.positions,
            frozen: FreshRows::default(),
            fresh: FreshRows::default(),
            snapshot: None,
        }
    }

    pub(super) fn version(&self) -> i64 {
        self.version
    }

    pub(super) fn files(&self) -> Arc<Vec<Arc<DataFile>>> {
        self.files.clone()
    }

    pub(super) fn committed(&self, app_id: &str) -> Option<i64> {
        self.committed.get(app_id).copied()
    }

    pub(super) fn uncommitted_rows(&self) -> usize {
        self.frozen.rows() + self.fresh.rows()
    }

    pub(super) fn uncommitted_bytes(&self) -> usize {
        self.frozen.bytes() + self.fresh.bytes()
    }

    /// Takes rows in; `false` if their position was seen before, in which case nothing is taken.
    pub(super) fn append(&mut self, batches: Vec<RecordBatch>, position: Option<&Position>) -> bool {
        if let Some(position) = position {
            if self.seen.get(&position.app_id).is_some_and(|seen| *seen >= position.sequence) {
                return false;
            }
            self.seen.insert(position.app_id.clone(), position.sequence);
        }
        self.fresh.append(batches, position);
        self.snapshot = None;
        true
    }

    pub(super) fn snapshot(&mut self) -> Arc<TableSnapshot> {
        let build = || {
            Arc::new(TableSnapshot {
                kind: self.kind,
                root: self.root.clone(),
                version: self.version,
                files: self.files.clone(),
                fresh: self.frozen.batches().chain(self.fresh.batches()).cloned().collect(),
            })
        };
        self.snapshot.get_or_insert_with(build).clone()
    }

    /// Sets the fresh rows apart for a flush; they stay visible.
    pub(super) fn freeze(&mut self) -> &FreshRows {
        debug_assert!(self.frozen.is_empty(), "BUG: the rows of an earlier flush are still there");
        self.frozen = std::mem::take(&mut self.fresh);
        self.snapshot = None;
        &self.frozen
    }

    /// Gives up a flush: its rows are the oldest fresh ones again.
    pub(super) fn thaw(&mut self) {
        let frozen = std::mem::take(&mut self.frozen);
        self.fresh.put_back(frozen);
        self.snapshot = None;
    }

    /// A flush has landed: `files`, which hold the frozen rows, take their place.
    pub(super) fn swap(&mut self, version: i64, files: Vec<Arc<DataFile>>, positions: &[Position]) {
        self.version = version;
        self.files = Arc::new(files);
        self.committed.extend(positions.iter().map(|p| (p.app_id.clone(), p.sequence)));
        self.frozen = FreshRows::default();
        self.snapshot = None;
    }

    /// Ends a flush that found positions but no rows.
    pub(super) fn swap_without_rows(&mut self) {
        debug_assert_eq!(self.frozen.rows(), 0, "BUG: rows would be lost");
        self.frozen = FreshRows::default();
    }

    /// Whether committing the frozen rows would repeat positions that the log has.
    pub(super) fn frozen_is_known(&self) -> bool {
        self.frozen.overlaps(&self.committed)
    }

    /// Another program has committed: takes over the version it made. Rows in memory stay as they are.
    pub(super) fn reload(&mut self, loaded: Committed) {
        self.version = loaded.version;
        self.files = Arc::new(loaded.files);
        for (app_id, sequence) in &loaded.positions {
            let seen = self.seen.entry(app_id.clone()).or_insert(*sequence);
            *seen = (*seen).max(*sequence);
        }
        self.committed = loaded.positions;
        self.snapshot = None;
    }

    /// Drops fresh rows whose position the log has already; returns how many.
    pub(super) fn drop_committed(&mut self) -> usize {
        self.snapshot = None;
        self.fresh.drop_committed(&self.committed)
    }
}
