//! Extends the Delta log by one entry: files and the positions they stand for.
//!
//! What a commit promises, each with a test of its name in `commit_tests.rs`:
//!
//! 1. *Together or not at all.* Files and positions stand in one log entry (`files_and_positions_land_together`).
//! 2. *Compare and swap.* The entry of version n+1 is put only if it is absent, by a writer whose view is version n.
//!    Success proves that nobody committed between, so the positions known of n are the newest there are
//!    (`a_commit_by_another_program_is_taken_over`).
//! 3. *Errors are not believed.* After an error the entry is read back: our bytes mean that the commit landed, no entry
//!    means that it did not (`a_commit_that_lands_with_an_error_counts_once`). If it cannot be read, nothing is decided
//!    until it can (`a_commit_in_doubt_is_settled_by_the_next_flush`).
//! 4. *Each position once.* Rows whose position another writer has committed are dropped, not committed again
//!    (`rows_another_writer_has_committed_are_dropped`).
//! 5. *Reported means durable.* The entry is synced before it gets its name and the folder after it; an entry that landed
//!    with an error reports its positions only after the folder could be synced.
//!
//! The entry is written directly and not through the Delta library's commit builder: that one replays the log since the
//! last checkpoint and rebuilds its list of files after every commit. Our appends read nothing, so the only conflicts are
//! changes of protocol and columns, which a reload checks; and a commit costs no more at version 5,000 than at version 1
//! (`benches/table_commit.rs`).

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use deltalake_core::kernel::transaction::{CommitData, TransactionError};
use deltalake_core::kernel::{Action, Add, Transaction};
use deltalake_core::logstore::{CommitOrBytes, LogStoreRef};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use serde_json::Value as Json;

use super::error::TableError;
use super::fresh_rows::Position;
use super::log_replay::day_text;
use super::parquet_writer::WrittenFile;
use super::synced_store::sync_folder;
use super::table_kind::TableKind;
use crate::clock::Clock;
use crate::record::arrow_schema::DATE;

/// What became of a log entry that was put.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is the entry of its version, on disk.
    Landed,
    /// It is the entry of its version, but the folder could not be synced.
    LandedUnsynced(std::io::Error),
    /// Another program's entry has the version.
    Taken,
    /// There is no entry of the version.
    Failed(TableError),
    /// Whether there is one could not be found out.
    Unknown(TableError),
}

/// The log entry that adds `files` and moves the app ids to `positions`.
pub(super) fn entry(kind: TableKind, files: &[WrittenFile], positions: &[Position]) -> Result<Bytes, TableError> {
    let now_ms = Clock::System.now_us() / 1_000;
    let adds = files.iter().map(|file| Ok(Action::Add(add(kind, file, now_ms)?))).collect::<Result<_, TableError>>()?;
    let transactions = positions.iter().map(|p| Transaction::new_with_last_update(&p.app_id, p.sequence, Some(now_ms))).collect::<Vec<_>>();
    let partition_by = kind.partitioned().then(|| vec![DATE.to_owned()]);
    let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by, predicate: None };
    let about = HashMap::from([
        ("clientVersion".to_owned(), Json::from(concat!("watchroom.", env!("CARGO_PKG_VERSION")))),
        // Lets the conflict checks of other programs see that we read nothing.
        ("isBlindAppend".to_owned(), Json::from(true)),
    ]);
    let data = CommitData::new(adds, operation, about, transactions);
    data.get_bytes().map_err(|error| TableError::log(kind, &error.into()))
}

fn add(kind: TableKind, file: &WrittenFile, now_ms: i64) -> Result<Add, TableError> {
    let mut partition_values = HashMap::new();
    if let Some(day) = file.day {
        let date = day_text(day).ok_or_else(|| TableError::Write { table: kind.name(), detail: format!("day {day} is no date") })?;
        partition_values.insert(DATE.to_owned(), Some(date));
    }
    Ok(Add {
        path: file.path.clone(),
        partition_values,
        size: i64::try_from(file.size_bytes).unwrap_or(i64::MAX),
        modification_time: now_ms,
        data_change: true,
        stats: Some(file.statistics.to_delta_json(file.rows)),
        ..Add::default()
    })
}

/// Puts the entry of `version`, and finds out what became of it whatever comes back.
pub(super) async fn put_entry(kind: TableKind, log: &LogStoreRef, root: &Path, version: i64, entry: &Bytes) -> Outcome {
    let put = log.write_commit_entry(version as u64, CommitOrBytes::LogBytes(entry.clone()), uuid::Uuid::nil()).await;
    match put {
        Ok(()) => Outcome::Landed,
        Err(TransactionError::VersionAlreadyExists(_)) => Outcome::Taken,
        Err(error) => settle_entry(log, root, version, entry, TableError::log(kind, &error.into())).await,
    }
}

/// Finds out what became of an entry whose put ended with `error`.
pub(super) async fn settle_entry(log: &LogStoreRef, root: &Path, version: i64, entry: &Bytes, error: TableError) -> Outcome {
    match log.read_commit_entry(version as u64).await {
        // File names carry UUIDs, so nobody else writes the same bytes.
        Ok(Some(found)) if found == *entry => {
            let folder = root.join("_delta_log");
            let synced = tokio::task::spawn_blocking(move || sync_folder(&folder)).await;
            match synced.unwrap_or_else(|ended| Err(std::io::Error::other(ended))) {
                Ok(()) => Outcome::Landed,
                Err(unsynced) => Outcome::LandedUnsynced(unsynced),
            }
        }
        Ok(Some(_)) => Outcome::Taken,
        Ok(None) => Outcome::Failed(error),
        Err(_) => Outcome::Unknown(error),
    }
}
