//! What building columns costs: log lines and metric samples, in CPU time a row.
//!
//! `cargo bench --bench batch`; with `--test` a short run that only shows that everything works.

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

use bytes::Bytes;
use watchroom::batch::{LogColumns, SampleColumns};
use watchroom::clock::Stopwatch;
use watchroom::record::{LogRecord, Origin, Zone};

use cpu_time::cpu_time;
use metric_workload::MetricWorkload;
use syslog_workload::SyslogWorkload;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 08:00 on 22 November 2026, UTC.
const START_US: i64 = 1_795_334_400_000_000;
const BLOCK_BYTES: usize = 256 << 10;

fn main() {
    let short = std::env::args().any(|argument| argument == "--test");
    let (rows, repeats) = if short { (2_000, 1) } else { (600_000, 5) };
    logs(rows, repeats);
    samples(rows, repeats);
}

/// Records are split block by block, as the pipeline does it, so that they are in the cache when they are pushed; the
/// splitting is not counted. A block takes less than a time slice, so the median block says what a line costs even where
/// other programs use the machine.
fn logs(rows: usize, repeats: usize) {
    let blocks = blocks(rows);
    let origin = Origin { source: "syslog_tcp".into(), peer: "10.20.0.250".into(), zone: Zone::UTC, hints: "".into() };
    for batch_rows in [8_192, 65_536] {
        let (mut pushing, mut finishing) = (Vec::new(), Vec::new());
        let mut built = 0;
        for _ in 0..repeats {
            let mut columns = LogColumns::with_capacity(batch_rows);
            for block in &blocks {
                let text = std::str::from_utf8(block).expect("the workload is ASCII");
                let records: Vec<(&str, LogRecord<'_>)> = text.lines().map(|line| (line, line_splitter::split(line, 2026))).collect();
                let watch = Stopwatch::start();
                columns.begin_block(block, &origin, START_US + 7_200_000_000);
                for (line, record) in &records {
                    columns.push(record, line.as_bytes());
                }
                pushing.push(watch.elapsed().as_nanos() as f64 / records.len().max(1) as f64);
                if columns.len() >= batch_rows {
                    let watch = Stopwatch::start();
                    let batch = columns.finish().expect("every record fits");
                    finishing.push(watch.elapsed().as_nanos() as f64 / batch.num_rows() as f64);
                    built += batch.num_rows();
                    columns = LogColumns::with_capacity(batch_rows);
                }
            }
            built += columns.finish().expect("every record fits").num_rows();
        }
        assert_eq!(built, rows * repeats);
        println!(
            "log columns, batches of {batch_rows} rows: {:.0} ns a line to push (median block), {:.0} ns to finish (median batch)",
            median(&mut pushing),
            median(&mut finishing)
        );
    }
}

/// NaN where nothing was measured.
fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn samples(rows: usize, repeats: usize) {
    let mut workload = MetricWorkload::new(1, 1_000, START_US);
    let mut samples = Vec::with_capacity(rows);
    while samples.len() < rows {
        workload.scrape(&mut samples);
    }
    let mut nanoseconds = Vec::new();
    for _ in 0..repeats {
        let start = cpu_time();
        let mut columns = SampleColumns::with_capacity(65_536);
        for part in samples.chunks(65_536) {
            for (series, at_us, value) in part {
                columns.push(*series, *at_us, *value);
            }
            assert_eq!(columns.finish().expect("three columns").num_rows(), part.len());
            columns = SampleColumns::with_capacity(65_536);
        }
        nanoseconds.push((cpu_time() - start).as_nanos() as f64 / samples.len() as f64);
    }
    nanoseconds.sort_unstable_by(f64::total_cmp);
    println!("sample columns: {nanoseconds:.1?} ns of CPU a sample");
}

/// The workload's lines in blocks as a listener makes them.
fn blocks(rows: usize) -> Vec<Bytes> {
    let mut workload = SyslogWorkload::new(1, 40, START_US, 1_000);
    let mut blocks = Vec::new();
    let mut block = Vec::with_capacity(BLOCK_BYTES + 2_048);
    for _ in 0..rows {
        workload.write_line(&mut block);
        block.push(b'\n');
        if block.len() >= BLOCK_BYTES {
            blocks.push(Bytes::from(std::mem::replace(&mut block, Vec::with_capacity(BLOCK_BYTES + 2_048))));
        }
    }
    blocks.push(Bytes::from(block));
    blocks
}
