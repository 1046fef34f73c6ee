//! From a decompressed remote-write request to the columns of `samples`, on one thread: what the parser's pool does.
//!
//! `cargo bench --bench remote_write`; `-- --test` runs it once over a little.

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark prints")]

#[path = "support/cpu_time.rs"]
mod cpu_time;
#[path = "support/protobuf.rs"]
mod protobuf;

use std::collections::HashSet;

use protobuf::{field, varint};
use watchroom::batch::SampleColumns;
use watchroom::parse::remote_write::{WriteVisitor, decode_write_request};
use watchroom::record::{Label, SeriesId, series_id};

struct Batch {
    samples: SampleColumns,
    known: HashSet<SeriesId>,
}

impl WriteVisitor for Batch {
    fn series(&mut self, labels: &[Label<'_>], samples: &[(i64, f64)]) {
        let id = series_id(labels);
        self.known.insert(id);
        for (timestamp_ms, value) in samples {
            self.samples.push(id, timestamp_ms * 1000, *value);
        }
    }
}

fn main() {
    let short = !std::env::args().any(|argument| argument == "--bench");
    let (series, rounds) = if short { (100, 2) } else { (5_000, 400) };
    let request = request(series);
    for _ in 0..3 {
        let mut batch = Batch { samples: SampleColumns::default(), known: HashSet::new() };
        let before = cpu_time::cpu_time();
        for _ in 0..rounds {
            let summary = decode_write_request(&request, &mut batch);
            assert_eq!(summary.map(|summary| summary.samples), Ok(series as u64));
            assert!(batch.samples.finish().is_ok_and(|rows| rows.num_rows() == series));
        }
        let seconds = (cpu_time::cpu_time() - before).as_secs_f64();
        let samples = (series * rounds) as f64;
        println!(
            "{:.2} million samples a CPU-second ({:.0} ns each), ten labels a series",
            samples / seconds / 1e6,
            seconds * 1e9 / samples
        );
    }
}

/// A request with one sample of each series.
fn request(series: usize) -> Vec<u8> {
    let mut request = Vec::new();
    for number in 0..series {
        let labels = [
            ("__name__", format!("node_metric_{}_total", number % 250)),
            ("cluster", "main".into()),
            ("cpu", (number % 8).to_string()),
            ("datacenter", "fra-1".into()),
            ("device", format!("nvme{}n1", number % 3)),
            ("env", "production".into()),
            ("id", number.to_string()),
            ("instance", format!("host{:03}.example.net:9100", number / 250)),
            ("job", "node".into()),
            ("mode", "idle".into()),
        ];
        let mut one = Vec::new();
        for (name, value) in labels {
            let mut label = Vec::new();
            field(&mut label, 0x0A, name.as_bytes());
            field(&mut label, 0x12, value.as_bytes());
            field(&mut one, 0x0A, &label);
        }
        let mut sample = vec![0x09];
        sample.extend_from_slice(&(number as f64 * 1.5).to_le_bytes());
        sample.push(0x10);
        varint(&mut sample, 1_767_600_000_000);
        field(&mut one, 0x12, &sample);
        field(&mut request, 0x0A, &one);
    }
    request
}
