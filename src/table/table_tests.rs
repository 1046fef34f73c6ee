//! A table from opening to reopening.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use deltalake_core::open_table;
use url::Url;

use super::checkpoint::upkeep;
use super::config::Config;
use super::error::TableError;
use super::live_table::Table;
use super::parquet_writer::write_parquet;
use super::statistics::Value;
use super::table_kind::TableKind;
use super::test_rows::{at, ids, open, parquet_files, samples};
use crate::clock::DAY_US;
use crate::record::arrow_schema::partition_day;

#[tokio::test]
async fn rows_and_positions_are_back_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("tables").join("samples");
    let table = open(&root).await;
    assert!(table.append(samples(0, 10), Some(at(3))));
    assert_eq!((table.fresh_rows(), ids(&table.snapshot()).len()), (10, 10), "rows are seen before a flush");
    let report = table.flush().await.unwrap();
    assert_eq!((report.rows, report.files, report.version), (10, 1, 1));
    assert_eq!(report.positions, [at(3)]);
    assert_eq!((table.fresh_rows(), table.fresh_bytes()), (0, 0));
    drop(table);

    let table = open(&root).await;
    let snapshot = table.snapshot();
    assert_eq!(ids(&snapshot), (0..10).collect::<Vec<_>>());
    assert_eq!(snapshot.files[0].day, Some(partition_day(super::test_rows::NOON_US)));
    assert_eq!((snapshot.version, table.committed("wal-0"), table.committed("wal-1")), (1, Some(3), None));
}

#[tokio::test]
async fn statistics_are_back_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    table.append(samples(5, 9), None);
    table.flush().await.unwrap();
    let written = table.snapshot().files[0].clone();
    let read = open(folder.path()).await.snapshot().files[0].clone();
    assert_eq!(read.statistics.columns["series_id"], written.statistics.columns["series_id"]);
    assert_eq!(read.statistics.columns["series_id"].min, Some(Value::Int(5)));
    assert_eq!((&read.path, read.rows, read.size_bytes, read.day), (&written.path, 4, written.size_bytes, written.day));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_every_row_once_while_flushes_run() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    let appended = Arc::new(AtomicI64::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for _ in 0..2 {
        let (table, appended, done) = (table.clone(), appended.clone(), done.clone());
        readers.push(tokio::task::spawn_blocking(move || {
            let mut looks = 0;
            while !done.load(Ordering::Acquire) || looks == 0 {
                let at_least = appended.load(Ordering::Acquire);
                let snapshot = table.snapshot();
                let seen = ids(&snapshot);
                assert_eq!(seen, (0..seen.len() as i64).collect::<Vec<_>>(), "each row once");
                assert!(seen.len() as i64 >= at_least, "{} rows of {at_least}", seen.len());
                looks += 1;
            }
            looks
        }));
    }
    let writer = {
        let (table, appended, done) = (table.clone(), appended.clone(), done.clone());
        tokio::task::spawn_blocking(move || {
            let mut next = 0;
            while !done.load(Ordering::Acquire) {
                table.append(samples(next, next + 3), Some(at(next)));
                next += 3;
                appended.store(next, Ordering::Release);
                std::thread::sleep(std::time::Duration::from_micros(300));
            }
        })
    };
    for _ in 0..100 {
        table.flush().await.unwrap();
    }
    done.store(true, Ordering::Release);
    writer.await.unwrap();
    for reader in readers {
        assert!(reader.await.unwrap() > 1, "the readers looked meanwhile");
    }
    table.flush().await.unwrap();
    drop(table);
    let table = open(folder.path()).await;
    assert_eq!(ids(&table.snapshot()), (0..appended.load(Ordering::Acquire)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_position_is_taken_once() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    assert!(table.append(samples(0, 2), Some(at(1))));
    assert!(!table.append(samples(0, 2), Some(at(1))), "fresh already");
    table.flush().await.unwrap();
    assert!(!table.append(samples(0, 2), Some(at(1))), "committed");
    let table = open(folder.path()).await;
    assert!(!table.append(samples(0, 2), Some(at(1))), "committed in an earlier run");
    assert!(!table.append(samples(0, 2), Some(at(0))));
    assert!(table.append(samples(2, 4), Some(at(2))));
    table.flush().await.unwrap();
    assert_eq!(ids(&table.snapshot()), [0, 1, 2, 3]);
}

#[tokio::test]
async fn positions_without_rows_are_reported_without_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    assert!(table.append_all(vec![], Some(at(4))));
    let report = table.flush().await.unwrap();
    assert_eq!((report.version, report.rows, report.positions), (0, 0, vec![at(4)]));
    table.append(samples(0, 1), Some(at(5)));
    table.append_all(vec![], Some(at(8)));
    assert_eq!(table.flush().await.unwrap().positions, [at(8)]);
    assert_eq!(open(folder.path()).await.committed("wal-0"), Some(8));
    assert_eq!(table.flush().await.unwrap().positions, [], "nothing is reported twice");
}

#[tokio::test]
async fn files_whose_commit_never_came_are_removed_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    table.append(samples(0, 4), Some(at(1)));
    table.flush().await.unwrap();
    drop(table);
    // What a process leaves behind that is killed between the files and the log entry, or within the entry.
    std::thread::sleep(std::time::Duration::from_millis(20));
    write_parquet(folder.path(), TableKind::Samples.layout(), &[samples(4, 9)]).unwrap();
    let torn = folder.path().join("_delta_log").join("_watchroom-6d1f2a34.tmp");
    std::fs::write(&torn, "{\"commitIn").unwrap();
    let begun = folder.path().join("date=2026-11-22").join(".6d1f2a34-0b1c-4d5e-8f90-123456789abc.zstd.parquet.tmp");
    std::fs::write(&begun, "PAR1").unwrap();
    let foreign = folder.path().join("date=2026-11-22").join("part-00000-x.zstd.parquet");
    std::fs::write(&foreign, "being written by an optimiser").unwrap();
    assert_eq!(parquet_files(folder.path()), 3);

    let table = open(folder.path()).await;
    assert_eq!(ids(&table.snapshot()), [0, 1, 2, 3]);
    assert_eq!(parquet_files(folder.path()), 2);
    assert!(!torn.is_file() && !begun.is_file() && foreign.is_file());
    assert!(table.append(samples(4, 9), Some(at(2))), "the rows come again from the write-ahead log");
    table.flush().await.unwrap();
    assert_eq!(ids(&table.snapshot()), (0..9).collect::<Vec<_>>());
}

#[tokio::test]
async fn every_table_is_plain_delta_of_protocol_1_2() {
    for kind in TableKind::ALL {
        let folder = tempfile::tempdir().unwrap();
        let table = Table::open(kind, folder.path(), &Config::default()).await.unwrap();
        assert_eq!(table.kind(), kind);
        let other = open_table(Url::from_directory_path(folder.path()).unwrap()).await.unwrap();
        let state = other.snapshot().unwrap();
        assert_eq!((state.protocol().min_reader_version(), state.protocol().min_writer_version()), (1, 2));
        assert_eq!(state.metadata().name(), Some(kind.name()));
        let partitions: &[String] = if kind.partitioned() { &["date".to_owned()] } else { &[] };
        assert_eq!(state.metadata().partition_columns(), partitions);
        let columns: Vec<String> = state.schema().fields().map(|field| field.name().clone()).collect();
        let own: Vec<String> = kind.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(columns[..own.len()], own);
    }
}

#[tokio::test]
async fn an_older_version_gives_the_rows_of_then() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    for n in 0..4 {
        table.append(samples(n * 2, n * 2 + 2), Some(at(n)));
        table.flush().await.unwrap();
    }
    table.append(samples(100, 101), Some(at(100)));
    let then = table.snapshot_at(2).await.unwrap();
    assert_eq!((then.version, ids(&then)), (2, vec![0, 1, 2, 3]));
    assert!(table.snapshot_at(0).await.unwrap().files.is_empty());
    for missing in [-1, 5] {
        let error = table.snapshot_at(missing).await.unwrap_err();
        assert!(matches!(error, TableError::Version { .. }), "{error}");
    }
    assert_eq!(table.snapshot().version, 4, "the table itself stands where it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_carries_files_and_positions() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { checkpoint_interval: 5, ..Config::default() };
    let table = Table::open(TableKind::Samples, folder.path(), &config).await.unwrap();
    for n in 0..12 {
        table.append(samples(n, n + 1), Some(at(n)));
        table.flush().await.unwrap();
        upkeep(table.shared()).await.unwrap();
    }
    let log = folder.path().join("_delta_log");
    assert!(log.join("00000000000000000009.checkpoint.parquet").is_file());
    for covered in 0..9 {
        std::fs::remove_file(log.join(format!("{covered:020}.json"))).unwrap();
    }
    let again = Table::open(TableKind::Samples, folder.path(), &config).await.unwrap();
    assert_eq!(ids(&again.snapshot()), (0..12).collect::<Vec<_>>());
    assert_eq!(again.committed("wal-0"), Some(11));
    assert_eq!(again.snapshot().files.iter().map(|file| file.rows).sum::<u64>(), 12);
    assert_eq!(again.shared().checkpointed.load(Ordering::Acquire), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_fails_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { checkpoint_interval: 2, ..Config::default() };
    let table = Table::open(TableKind::Samples, folder.path(), &config).await.unwrap();
    for n in 0..4 {
        table.append(samples(n, n + 1), Some(at(n)));
        table.flush().await.unwrap();
    }
    let hint = folder.path().join("_delta_log").join("_last_checkpoint");
    for (fails, written) in [(true, false), (false, true)] {
        table.shared().store.faults.fail_checkpoints(fails);
        table.maintain();
        while table.shared().maintaining.load(Ordering::Acquire) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        assert_eq!(hint.is_file(), written);
    }
    assert_eq!(ids(&open(folder.path()).await.snapshot()), [0, 1, 2, 3]);
}

#[tokio::test]
async fn days_become_partitions() {
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path()).await;
    let days = 3 * (DAY_US / crate::clock::SECOND_US);
    table.append(samples(0, 1), None);
    table.append(samples(days, days + 1), None);
    assert_eq!(table.flush().await.unwrap().files, 2);
    let mut partitions: Vec<_> = open(folder.path()).await.snapshot().files.iter().map(|file| file.day).collect();
    partitions.sort_unstable();
    let first = partition_day(super::test_rows::NOON_US);
    assert_eq!(partitions, [Some(first), Some(first + 3)]);
}
