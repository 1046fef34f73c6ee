//! What the write-ahead log does on this disk: throughput, latency, processor time, and the speed of replay.
//!
//! `cargo bench --bench wal` measures, in some 20 s, on the disk of the target folder (`WAL_BENCH_DIR` names another).
//! `-- --test` runs everything once on little data, as a check that it works. Every figure is printed for each of three
//! rounds, because a disk that is shared varies from one to the next.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and has nobody to report errors to"
)]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::{env, fs, thread};

use bytes::Bytes;
use hdrhistogram::Histogram;
use watchroom::clock::Stopwatch;
use watchroom::wal::{Config, Entry, Event, Observer, Replayed, Shard};

const BLOCK: usize = 256 << 10;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    // `cargo test --benches` passes neither flag, and expects to be done soon.
    let quick = given("--test") || !given("--bench");
    let place = env::var("WAL_BENCH_DIR").unwrap_or_else(|_| env!("CARGO_TARGET_TMPDIR").to_owned());
    fs::create_dir_all(&place).expect("the folder can be made");
    let (rounds, bytes, appends) = if quick { (1, 8 << 20, 10) } else { (3, 1 << 30, 400) };
    for round in 1..=rounds {
        println!("round {round}");
        for (name, spare_segments, delay) in [("fresh", 0, 0), ("recycled", 2, 0), ("recycled", 2, 2)] {
            throughput(Path::new(&place), name, &Config { spare_segments, group_delay_ms: delay, ..Config::default() }, bytes);
        }
        for group_delay_ms in [0, 1, 2, 5] {
            latency(Path::new(&place), &Config { group_delay_ms, ..Config::default() }, appends);
        }
    }
}

/// Processor time of this process so far, in seconds (user and system, `proc_pid_stat(5)`, fields 14 and 15).
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // The clock tick of Linux is 1/100 s on every platform that is in use.
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Four senders of blocks, each with 2 MiB on the way, and tables that follow at a distance of 128 MiB.
fn throughput(place: &Path, name: &str, config: &Config, bytes: usize) {
    let dir = tempfile::tempdir_in(place).expect("a folder can be made");
    let groups = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&groups);
    let observer: Observer = Box::new(move |event| {
        if matches!(event, Event::Committed { .. }) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let (shard, _) = Shard::open(dir.path(), config, 0, observer).expect("the log opens");
    let shard = Arc::new(shard);
    let block = Bytes::from(vec![0x5A; BLOCK]);
    if config.spare_segments > 0 {
        // So that there are segments to recycle, the log has been in use before.
        drive(&shard, &block, 320 << 20 >> 18);
    }
    groups.store(0, Ordering::Relaxed);
    let records = bytes / BLOCK;
    let (cpu, watch) = (cpu_seconds(), Stopwatch::start());
    drive(&shard, &block, records);
    let (seconds, cpu) = (watch.elapsed_seconds(), cpu_seconds() - cpu);
    let gigabytes = bytes as f64 / 1e9;
    println!(
        "  256 KiB x 4 senders, {name:8}, delay {} ms: {:6.0} MB/s {:6.0} records/s {:.2} CPU-s/GB {:.1} records/fdatasync",
        config.group_delay_ms,
        gigabytes * 1e3 / seconds,
        records as f64 / seconds,
        cpu / gigabytes,
        records as f64 / groups.load(Ordering::Relaxed) as f64,
    );
    shard.close();
    replay(dir.path(), config);
}

fn drive(shard: &Arc<Shard>, block: &Bytes, records: usize) {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let (permits, allowed) = mpsc::channel();
                let on_the_way = 8;
                for _ in 0..on_the_way {
                    permits.send(()).expect("the receiver is here");
                }
                for _ in 0..records / 4 {
                    allowed.recv().expect("a permit comes back");
                    let (permits, tables) = (permits.clone(), Arc::clone(shard));
                    let done = Box::new(move |stored: Result<u64, _>| {
                        tables.release(stored.expect("the block is stored").saturating_sub(512));
                        permits.send(()).expect("the receiver is here");
                    });
                    shard.submit(Entry { header: vec![1; 120], data: block.clone(), done });
                }
                for _ in 0..on_the_way {
                    allowed.recv().expect("a permit comes back");
                }
            });
        }
    });
}

/// Reads back what was left, from the page cache.
fn replay(dir: &Path, config: &Config) {
    let watch = Stopwatch::start();
    let (_shard, replay) = Shard::open(dir, config, 0, Box::new(|_| {})).expect("the log opens again");
    let opened = watch.elapsed_seconds();
    let mut bytes = 0;
    for found in replay {
        match found.expect("the log is read") {
            Replayed::Record { payload, .. } => bytes += payload.len(),
            Replayed::Damage(damage) => panic!("{damage}"),
        }
    }
    println!("    reopened in {:.3} s, replayed at {:.0} MB/s", opened, bytes as f64 / 1e6 / (watch.elapsed_seconds() - opened));
}

/// Sixteen senders that each wait for the answer before they send the next KiB.
fn latency(place: &Path, config: &Config, appends: usize) {
    let dir = tempfile::tempdir_in(place).expect("a folder can be made");
    let (shard, _) = Shard::open(dir.path(), config, 0, Box::new(|_| {})).expect("the log opens");
    let watch = Stopwatch::start();
    let mut all = Histogram::<u64>::new(3).expect("three digits are allowed");
    thread::scope(|scope| {
        let senders: Vec<_> = (0..16).map(|_| scope.spawn(|| one_sender(&shard, appends))).collect();
        for sender in senders {
            all.add(sender.join().expect("the sender ends")).expect("the range is the same");
        }
    });
    println!(
        "  1 KiB x 16 senders, delay {} ms: p50 {:5.2} ms p99 {:6.2} ms max {:6.2} ms {:6.0} records/s",
        config.group_delay_ms,
        all.value_at_quantile(0.5) as f64 / 1e3,
        all.value_at_quantile(0.99) as f64 / 1e3,
        all.max() as f64 / 1e3,
        all.len() as f64 / watch.elapsed_seconds(),
    );
}

fn one_sender(shard: &Shard, appends: usize) -> Histogram<u64> {
    let mut histogram = Histogram::new(3).expect("three digits are allowed");
    let data = Bytes::from(vec![0x5A; 1_024]);
    for _ in 0..appends {
        let (sent, answer) = mpsc::sync_channel(1);
        let watch = Stopwatch::start();
        let done = Box::new(move |stored: Result<u64, _>| sent.send(stored.is_ok()).expect("the sender waits"));
        shard.submit(Entry { header: vec![1; 120], data: data.clone(), done });
        assert!(answer.recv().expect("an answer comes"), "the entry is stored");
        histogram.record(watch.elapsed().as_micros() as u64).expect("the histogram grows");
    }
    histogram
}
