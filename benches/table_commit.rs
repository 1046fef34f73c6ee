//! What a table costs beside the Parquet encoding: commits at growing history, appends, snapshots, opening, checkpoints.
//!
//! `cargo bench --bench table_commit` prints one line a measurement. Commits are wall-clock medians and contain two fsyncs
//! (log entry and folder), so the same two on a plain file are measured beside them for comparison. Appends and snapshots
//! are CPU time of the calling thread (Linux: `/proc/thread-self/schedstat`).

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and has nobody to report errors to"
)]

use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Int8Array, Int64Array, MapBuilder, RecordBatch, StringBuilder, StringViewArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::datatypes::DataType;
use watchroom::clock::{SECOND_US, Stopwatch};
use watchroom::record::arrow_schema::LOGS;
use watchroom::table::{Config, Position, Table, TableKind};

/// 2026-11-22 12:00 UTC.
const NOON_US: i64 = 1_795_348_800 * SECOND_US;

fn samples(start: i64, rows: i64) -> RecordBatch {
    let times = TimestampMicrosecondArray::from_iter_values((start..start + rows).map(|n| NOON_US + n * 1_000)).with_timezone("UTC");
    let values = Float64Array::from_iter_values((start..start + rows).map(|n| n as f64));
    let ids = Int64Array::from_iter_values((start..start + rows).map(|n| n % 1_000));
    RecordBatch::try_new(TableKind::Samples.schema(), vec![Arc::new(ids), Arc::new(times), Arc::new(values)]).expect("columns of samples")
}

fn logs(start: i64, rows: i64) -> RecordBatch {
    let length = rows as usize;
    let text = |f: &dyn Fn(i64) -> String| Arc::new(StringViewArray::from_iter_values((start..start + rows).map(f))) as ArrayRef;
    let time = || {
        let times = TimestampMicrosecondArray::from_iter_values((start..start + rows).map(|n| NOON_US + n * 1_000));
        Arc::new(times.with_timezone("UTC")) as ArrayRef
    };
    let mut attributes = MapBuilder::new(
        Some(arrow::array::MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() }),
        StringBuilder::new(),
        StringBuilder::new(),
    );
    for _ in 0..rows {
        attributes.keys().append_value("interface");
        attributes.values().append_value("GigabitEthernet0/1");
        attributes.append(true).expect("a pair was appended");
    }
    let columns = LOGS.fields().iter().map(|field| match field.name().as_str() {
        "timestamp" | "received_at" => time(),
        "host" => text(&|n| format!("core-sw-{:02}", n % 40)),
        "app" => text(&|_| "sshd".to_owned()),
        "severity" | "facility" => Arc::new(Int8Array::from_iter_values((0..rows).map(|n| (n % 8) as i8))) as ArrayRef,
        "message" => {
            text(&|n| format!("Failed password for invalid user admin{n} from 10.1.{}.{} port {} ssh2", n % 200, n % 251, n % 60_000))
        }
        "attributes" => Arc::new(attributes.finish()) as ArrayRef,
        "source" => text(&|_| "syslog_tcp".to_owned()),
        "peer" => text(&|n| format!("10.0.0.{}", n % 250)),
        _ => new_null_array(field.data_type(), length),
    });
    let columns = columns.collect::<Vec<_>>();
    let columns = columns.into_iter().zip(LOGS.fields()).map(|(column, field)| match field.data_type() {
        DataType::Map(_, _) => arrow::compute::cast(&column, field.data_type()).expect("a map of text"),
        _ => column,
    });
    RecordBatch::try_new(LOGS.clone(), columns.collect()).expect("columns of logs")
}

fn at(sequence: i64) -> Position {
    Position { app_id: "wal-0".into(), sequence }
}

/// CPU time that this thread has used, in seconds.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|first| first.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(seconds: Vec<f64>) -> String {
    format!("{:.3} ms", median(seconds) * 1_000.0)
}

/// The two fsyncs of a commit without anything else: a small file and its folder.
fn bare_fsyncs(folder: &Path) -> Vec<f64> {
    let entry = vec![b'x'; 2_000];
    let once = |n: usize| {
        let path = folder.join(format!("bare-{n}"));
        let watch = Stopwatch::start();
        let mut file = File::create_new(path).expect("a new file");
        file.write_all(&entry).and_then(|()| file.sync_all()).expect("a synced file");
        File::open(folder).and_then(|folder| folder.sync_all()).expect("a synced folder");
        watch.elapsed_seconds()
    };
    (0..50).map(once).collect()
}

async fn commits_at_growing_history() {
    let folder = tempfile::tempdir().expect("a folder");
    println!("two fsyncs alone: {}", milliseconds(bare_fsyncs(folder.path())));
    let root = folder.path().join("samples");
    let config = Config { checkpoint_interval: 1_000_000, ..Config::default() };
    let table = Table::open(TableKind::Samples, &root, &config).await.expect("a new table");
    let mut sequence = 0;
    for history in [1_i64, 100, 1_000, 5_000] {
        while table.snapshot().version < history {
            table.append(samples(sequence, 10), Some(at(sequence)));
            table.flush().await.expect("a flush");
            sequence += 1;
        }
        let mut commits = Vec::new();
        for _ in 0..30 {
            table.append(samples(sequence, 10), Some(at(sequence)));
            commits.push(table.flush().await.expect("a flush").commit_seconds);
            sequence += 1;
        }
        println!("commit at version {history}, no checkpoint: {}", milliseconds(commits));
    }
    let watch = Stopwatch::start();
    let files = Table::open(TableKind::Samples, &root, &config).await.expect("the same table").snapshot().files.len();
    println!("opening {files} files, no checkpoint: {:.0} ms", watch.elapsed_seconds() * 1_000.0);
    checkpoint_and_reopen(&root).await;
}

async fn checkpoint_and_reopen(root: &Path) {
    let config = Config { checkpoint_interval: 1, ..Config::default() };
    let table = Table::open(TableKind::Samples, root, &config).await.expect("the same table");
    let watch = Stopwatch::start();
    table.maintain();
    while !root.join("_delta_log").join("_last_checkpoint").is_file() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    println!("checkpoint in the background: {:.0} ms", watch.elapsed_seconds() * 1_000.0);
    let watch = Stopwatch::start();
    let files = Table::open(TableKind::Samples, root, &config).await.expect("the same table").snapshot().files.len();
    println!("opening {files} files from the checkpoint: {:.0} ms", watch.elapsed_seconds() * 1_000.0);
    for _ in 0..3 {
        let watch = Stopwatch::start();
        black_box(table.append(samples(0, 1), None));
        let snapshot = table.snapshot();
        println!("append of one row and snapshot of {} files: {:.1} µs", snapshot.files.len(), watch.elapsed_seconds() * 1e6);
    }
}

async fn appends(kind: TableKind, batch: fn(i64, i64) -> RecordBatch) {
    let folder = tempfile::tempdir().expect("a folder");
    for (rows, count) in [(1, 100_000), (100, 5_000), (8_192, 100)] {
        let table = Table::open(kind, &folder.path().join(rows.to_string()), &Config::default()).await.expect("a new table");
        let batches: Vec<_> = (0..count).map(|n| batch(n * rows, rows)).collect();
        let before = cpu_seconds();
        for (sequence, batch) in batches.into_iter().enumerate() {
            table.append(batch, Some(at(sequence as i64)));
        }
        let appends = cpu_seconds() - before;
        let held = table.snapshot().fresh.len();
        let before = cpu_seconds();
        for _ in 0..100_000 {
            black_box(table.snapshot());
        }
        let repeated = cpu_seconds() - before;
        let before = cpu_seconds();
        for _ in 0..10_000 {
            table.append_all(vec![], None);
            black_box(table.snapshot());
        }
        let rebuilt = cpu_seconds() - before;
        println!(
            "{}: append of a {rows}-row batch {:.2} µs ({:.0} ns a row); {held} batches for {} rows; snapshot {:.0} ns, {:.1} µs after an append",
            kind.name(),
            appends * 1e6 / count as f64,
            appends * 1e9 / (count * rows) as f64,
            table.fresh_rows(),
            repeated * 1e9 / 100_000.0,
            rebuilt * 1e6 / 10_000.0,
        );
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        appends(TableKind::Samples, samples).await;
        appends(TableKind::Logs, logs).await;
        commits_at_growing_history().await;
    });
}
