//! What writing Parquet costs: CPU time a million rows, bytes a row in every column, peak memory of a flush.
//!
//! `cargo bench --bench parquet`; `-- logs` or `-- samples` measures one table, in a process of its own as the peak
//! memory needs it; with `--test` a short run that only shows that everything works.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and has nobody to report errors to"
)]

#[path = "support/cpu_time.rs"]
mod cpu_time;
#[path = "support/line_splitter.rs"]
mod line_splitter;
#[path = "support/metric_workload.rs"]
mod metric_workload;
#[path = "support/syslog_workload.rs"]
mod syslog_workload;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use arrow::array::RecordBatch;
use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use watchroom::batch::{LogColumns, SampleColumns};
use watchroom::record::Origin;
use watchroom::record::Zone;
use watchroom::table::{Layout, write_parquet};

use cpu_time::{cpu_time, memory_mib_now, peak_memory_mib, reset_peak_memory};
use metric_workload::MetricWorkload;
use syslog_workload::SyslogWorkload;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 08:00 on 22 November 2026, UTC.
const START_US: i64 = 1_795_334_400_000_000;
const BATCH_ROWS: usize = 8_192;

fn main() {
    let short = std::env::args().any(|argument| argument == "--test");
    let wanted = |name: &str| !std::env::args().any(|argument| ["logs", "samples"].contains(&argument.as_str()) && argument != name);
    let (rows, repeats) = if short { (3_000, 1) } else { (600_000, 5) };
    if wanted("logs") {
        measure("logs", Layout::Logs, &log_batches(rows), repeats);
    }
    let (rows, repeats) = if short { (3_000, 1) } else { (1_000_000, 5) };
    if wanted("samples") {
        measure("samples", Layout::Samples, &sample_batches(rows), repeats);
    }
}

fn measure(name: &str, layout: Layout, batches: &[RecordBatch], repeats: usize) {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let before = memory_mib_now();
    reset_peak_memory();
    let mut seconds = Vec::new();
    let mut files = Vec::new();
    let mut peak = None;
    for _ in 0..repeats {
        let start = cpu_time();
        files = write_parquet(folder.path(), layout, batches).expect("the batches are written");
        seconds.push((cpu_time() - start).as_secs_f64() * 1e6 / rows as f64);
        // The first flush only: later ones use memory that the allocator kept.
        peak.get_or_insert_with(peak_memory_mib);
    }
    assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), rows as u64);
    let bytes: u64 = files.iter().map(|file| file.size_bytes).sum();
    println!("{name}: {rows} rows, {} files, {:.2} bytes a row", files.len(), bytes as f64 / rows as f64);
    println!("  CPU seconds a million rows: {seconds:.2?}");
    println!("  memory: {before:.0} MiB before, {:.0} MiB more at the peak", peak.unwrap_or(before) - before);
    for (column, (bytes, encodings)) in bytes_by_column(folder.path(), &files) {
        println!("  {column:<28} {:>7.3} bytes a row  {encodings}", bytes as f64 / rows as f64);
    }
}

fn bytes_by_column(root: &Path, files: &[watchroom::table::WrittenFile]) -> BTreeMap<String, (i64, String)> {
    let mut columns = BTreeMap::<String, (i64, String)>::new();
    for file in files {
        let file = File::open(root.join(&file.path)).expect("the file is there");
        let reader = SerializedFileReader::new(file).expect("the file is Parquet");
        for group in reader.metadata().row_groups() {
            for column in group.columns() {
                let entry = columns.entry(column.column_path().string()).or_default();
                entry.0 += column.compressed_size();
                entry.1 = column.encodings().map(|encoding| encoding.to_string()).collect::<Vec<_>>().join(" ");
            }
        }
    }
    columns
}

/// The rows of a flush: lines of forty hosts that arrive a little after they were written.
fn log_batches(rows: usize) -> Vec<RecordBatch> {
    let mut workload = SyslogWorkload::new(1, 40, START_US, 10_000);
    let origin = Origin { source: "syslog_tcp".into(), peer: "10.20.0.250".into(), zone: Zone::UTC, hints: "".into() };
    let mut batches = Vec::new();
    let mut left = rows;
    while left > 0 {
        let take = left.min(BATCH_ROWS);
        let mut columns = LogColumns::with_capacity(take);
        let mut data = Vec::with_capacity(take * 256);
        for _ in 0..take {
            workload.write_line(&mut data);
            data.push(b'\n');
        }
        let data = Bytes::from(data);
        columns.begin_block(&data, &origin, workload.now_us() + 2_000);
        let text = std::str::from_utf8(&data).expect("the workload is ASCII");
        for line in text.lines() {
            columns.push(&line_splitter::split(line, 2026), line.as_bytes());
        }
        batches.push(columns.finish().expect("every record fits"));
        left -= take;
    }
    batches
}

/// The rows of a flush: a thousand series, scraped in turn.
fn sample_batches(rows: usize) -> Vec<RecordBatch> {
    let mut workload = MetricWorkload::new(1, 1_000, START_US);
    let mut samples = Vec::with_capacity(rows);
    while samples.len() < rows {
        workload.scrape(&mut samples);
    }
    let batch = |part: &[metric_workload::Sample]| {
        let mut columns = SampleColumns::with_capacity(part.len());
        for (series, at_us, value) in part {
            columns.push(*series, *at_us, *value);
        }
        columns.finish().expect("three columns")
    };
    samples.chunks(BATCH_ROWS).map(batch).collect()
}
