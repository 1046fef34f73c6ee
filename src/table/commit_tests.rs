//! The promises of `commit.rs`, each by its name there.

use std::collections::HashMap;

use deltalake_core::kernel::transaction::CommitData;
use deltalake_core::kernel::{Action, Remove};
use deltalake_core::logstore::CommitOrBytes;
use deltalake_core::protocol::{DeltaOperation, SaveMode};

use super::commit;
use super::error::TableError;
use super::live_table::Table;
use super::parquet_writer::write_parquet;
use super::synced_store::faults::Fault;
use super::table_kind::TableKind;
use super::test_rows::{at, ids, open, parquet_files, samples};

fn write() -> DeltaOperation {
    DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None }
}

/// Commits as another program would: straight to the log.
async fn commit_elsewhere(table: &Table, version: u64, actions: Vec<Action>) {
    let entry = CommitData::new(actions, write(), HashMap::new(), vec![]).get_bytes().unwrap();
    let log = &table.shared().log;
    log.write_commit_entry(version, CommitOrBytes::LogBytes(entry), uuid::Uuid::nil()).await.unwrap();
}

#[tokio::test]
async fn files_and_positions_land_together() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    table.append(samples(0, 2), Some(at(1)));
    table.append(samples(2, 4), Some(super::Position { app_id: "wal-1".into(), sequence: 9 }));
    table.append(samples(4, 5), None);
    let report = table.flush().await.unwrap();
    assert_eq!(report.positions.len(), 2);
    let entry = std::fs::read_to_string(folder.path().join("_delta_log").join("00000000000000000001.json")).unwrap();
    assert_eq!(entry.lines().filter(|line| line.starts_with("{\"txn\"")).count(), 2);
    assert_eq!(entry.lines().filter(|line| line.starts_with("{\"add\"")).count(), 1);
    assert!(entry.contains("\"partitionValues\":{\"date\":\"2026-11-22\"}"), "{entry}");
    let again = open(folder.path()).await;
    assert_eq!((again.committed("wal-0"), again.committed("wal-1")), (Some(1), Some(9)));
}

#[tokio::test]
async fn a_full_disk_keeps_the_rows_until_a_later_flush() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    table.append(samples(0, 3), Some(at(1)));
    table.shared().store.faults.fail_put(0, Fault::DiskFull);
    let error = table.flush().await.unwrap_err();
    assert!(matches!(error, TableError::DiskFull { .. }), "{error}");
    assert_eq!((table.fresh_rows(), ids(&table.snapshot())), (3, vec![0, 1, 2]));
    assert_eq!(parquet_files(folder.path()), 0, "the files without a commit are gone");
    table.append(samples(3, 4), Some(at(2)));
    let report = table.flush().await.unwrap();
    assert_eq!((report.rows, report.positions), (4, vec![at(2)]));
    assert_eq!(ids(&open(folder.path()).await.snapshot()), [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_commit_that_lands_with_an_error_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    table.append(samples(0, 3), Some(at(1)));
    table.shared().store.faults.fail_put(0, Fault::AfterWriting);
    let report = table.flush().await.unwrap();
    assert_eq!((report.rows, report.version, report.positions), (3, 1, vec![at(1)]));
    table.append(samples(3, 4), Some(at(2)));
    assert_eq!(table.flush().await.unwrap().version, 2);
    assert_eq!(ids(&table.snapshot()), [0, 1, 2, 3]);
    assert_eq!(ids(&open(folder.path()).await.snapshot()), [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_commit_in_doubt_is_settled_by_the_next_flush() {
    for fault in [Fault::AfterWriting, Fault::DiskFull] {
        let folder = tempfile::tempdir().unwrap();
        let table = open(folder.path()).await;
        table.append(samples(0, 3), Some(at(1)));
        table.shared().store.faults.fail_put(0, fault);
        table.shared().store.faults.fail_gets(2);
        let error = table.flush().await.unwrap_err();
        assert!(matches!(error, TableError::InDoubt { .. }), "{error}");
        table.append(samples(3, 5), Some(at(2)));
        assert_eq!(ids(&table.snapshot()), [0, 1, 2, 3, 4], "all rows are seen meanwhile");
        let error = table.flush().await.unwrap_err();
        assert!(matches!(error, TableError::InDoubt { .. }), "the log still cannot be read: {error}");
        assert_eq!(ids(&table.snapshot()), [0, 1, 2, 3, 4]);

        let report = table.flush().await.unwrap();
        assert_eq!(report.positions, [at(2)]);
        assert_eq!((table.fresh_rows(), ids(&table.snapshot())), (0, vec![0, 1, 2, 3, 4]));
        let again = open(folder.path()).await;
        assert_eq!((ids(&again.snapshot()), again.committed("wal-0")), (vec![0, 1, 2, 3, 4], Some(2)));
        assert_eq!(parquet_files(folder.path()), again.snapshot().files.len());
    }
}

#[tokio::test]
async fn positions_of_a_settled_commit_are_reported_even_without_new_rows() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    table.append(samples(0, 3), Some(at(1)));
    table.shared().store.faults.fail_put(0, Fault::AfterWriting);
    table.shared().store.faults.fail_gets(1);
    table.flush().await.unwrap_err();
    let report = table.flush().await.unwrap();
    assert_eq!((report.rows, report.version, report.positions), (0, 1, vec![at(1)]));
}

#[tokio::test]
async fn a_commit_by_another_program_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    table.append(samples(0, 2), Some(at(1)));
    table.flush().await.unwrap();
    table.append(samples(2, 4), Some(at(2)));
    table.flush().await.unwrap();
    // An optimiser makes one file of two, while we have rows in memory.
    table.append(samples(4, 5), Some(at(3)));
    let merged = write_parquet(folder.path(), TableKind::Samples.layout(), &[samples(0, 4)]).unwrap();
    let add = commit::entry(TableKind::Samples, &merged, &[]).unwrap();
    let mut actions = deltalake_core::logstore::get_actions(3, &add).unwrap();
    actions.retain(|action| matches!(action, Action::Add(_)));
    for file in table.snapshot().files.iter() {
        actions.push(Action::Remove(Remove { path: file.path.clone(), deletion_timestamp: Some(0), ..Remove::default() }));
    }
    commit_elsewhere(&table, 3, actions).await;

    let report = table.flush().await.unwrap();
    assert_eq!((report.version, report.rows, report.positions), (4, 1, vec![at(3)]));
    let snapshot = table.snapshot();
    assert_eq!((snapshot.files.len(), ids(&snapshot)), (2, vec![0, 1, 2, 3, 4]));
    assert_eq!(ids(&open(folder.path()).await.snapshot()), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn upkeep_follows_another_program_without_a_flush() {
    let folder = tempfile::tempdir().unwrap();
    let (table, other) = (open(folder.path()).await, open(folder.path()).await);
    other.append(samples(0, 2), None);
    other.flush().await.unwrap();
    assert_eq!(table.snapshot().version, 0);
    super::checkpoint::upkeep(table.shared()).await.unwrap();
    assert_eq!((table.snapshot().version, ids(&table.snapshot())), (1, vec![0, 1]));
}

#[tokio::test]
async fn rows_another_writer_has_committed_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);
    for sequence in 0..5 {
        one.append(samples(sequence, sequence + 1), Some(at(sequence)));
    }
    for sequence in 0..8 {
        two.append(samples(sequence, sequence + 1), Some(at(sequence)));
    }
    one.flush().await.unwrap();
    let report = two.flush().await.unwrap();
    assert_eq!((report.rows, report.positions), (3, vec![at(7)]), "only the rows that the other one lacked");
    assert_eq!(ids(&two.snapshot()), (0..8).collect::<Vec<_>>());
    assert_eq!(parquet_files(folder.path()), 2);
    one.append(samples(5, 6), Some(at(5)));
    assert_eq!(one.flush().await.unwrap().rows, 0, "an app id never goes back");
    assert_eq!(one.committed("wal-0"), Some(7));
    assert_eq!(ids(&open(folder.path()).await.snapshot()), (0..8).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_raised_protocol_stops_the_writing_and_keeps_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    table.append(samples(0, 2), Some(at(1)));
    let raised = "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"deletionVectors\"],\"writerFeatures\":[\"deletionVectors\"]}}";
    std::fs::write(folder.path().join("_delta_log").join("00000000000000000001.json"), raised).unwrap();
    let error = table.flush().await.unwrap_err();
    assert!(matches!(error, TableError::Unsupported { .. }), "{error}");
    assert_eq!((table.fresh_rows(), ids(&table.snapshot()), parquet_files(folder.path())), (2, vec![0, 1], 0));
}

#[tokio::test]
async fn a_flush_goes_on_when_its_caller_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    table.append(samples(0, 2), Some(at(1)));
    let gone = tokio::time::timeout(std::time::Duration::ZERO, table.flush()).await;
    assert!(gone.is_err(), "the caller did not wait");
    // The second flush queues behind the first.
    assert_eq!(table.flush().await.unwrap().rows, 0);
    assert_eq!((table.snapshot().version, ids(&table.snapshot())), (1, vec![0, 1]));
}
