//! What one core parses: lines a second of each grammar, samples a second of remote write.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and has nobody to report errors to"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use watchroom::parse::remote_write::{WriteVisitor, decode_write_request};
use watchroom::parse::{Context, JsonFields, parse_json_line, parse_syslog};
use watchroom::record::Label;
use watchroom::record::Zone;

/// 2026-01-01T00:00:00Z.
const CONTEXT: Context = Context { received_at_us: 1_767_225_600_000_000, zone: Zone::UTC };

/// About 200 bytes each: the length of the median line of the public syslog collections.
const SYSLOG: [(&str, &str); 5] = [
    (
        "rfc5424",
        "<165>1 2026-01-02T03:04:05.678901Z db01.example.net postgres 81172 LOG [origin ip=\"192.0.2.17\" software=\"pg\"] duration: 1204.551 ms  statement: SELECT id, total FROM orders WHERE customer = 4711 ORDER BY id",
    ),
    (
        "rfc3164",
        "<38>Jan  2 03:04:05 gate1.example.net sshd[411172]: Failed password for invalid user backup from 198.51.100.23 port 51522 ssh2: too many attempts on this address during the last ten minutes, closing it",
    ),
    (
        "cisco_ios",
        "<189>148094: sw-attic-3: *Jan  2 03:04:05.716 CET: %LINEPROTO-5-UPDOWN: Line protocol on Interface GigabitEthernet1/0/15, changed state to down after 14 transitions within the last sixty seconds",
    ),
    (
        "fortinet",
        "<189>date=2026-01-02 time=03:04:05 devname=fg-attic devid=FGT61E0000000001 logid=0000000013 type=traffic subtype=forward level=notice vd=root srcip=192.0.2.17 srcport=51522 dstip=198.51.100.23 dstport=443 action=close",
    ),
    (
        "plain",
        "<13>hello from a device that knows neither time nor name, but has much to say about the state of its fans, its power supplies and its temperature sensors, all of which are within their limits",
    ),
];

const JSON: &str = r#"{"timestamp":"2026-01-02T03:04:05.678Z","level":"info","host.name":"web3","service.name":"shop","message":"order placed","order":{"id":4711,"total":19.5},"customer":"c-812","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#;

fn syslog(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("syslog");
    group.throughput(Throughput::Elements(1));
    for (name, line) in SYSLOG {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut scratch = String::new();
                black_box(parse_syslog(black_box(line.as_bytes()), &CONTEXT, &mut scratch).severity)
            });
        });
    }
    group.finish();
}

fn json(criterion: &mut Criterion) {
    let fields = JsonFields::default();
    let mut group = criterion.benchmark_group("json_line");
    group.throughput(Throughput::Elements(1));
    group.bench_function("eight_fields", |bencher| {
        bencher.iter(|| black_box(parse_json_line(black_box(JSON.as_bytes()), &CONTEXT, &fields).severity))
    });
    group.finish();
}

/// Sums up, so that nothing is optimised away.
#[derive(Default)]
struct Sum {
    labels: usize,
    value: f64,
}

impl WriteVisitor for Sum {
    fn series(&mut self, labels: &[Label<'_>], samples: &[(i64, f64)]) {
        self.labels += labels.iter().map(|label| label.value.len()).sum::<usize>();
        self.value += samples.iter().map(|(_, value)| value).sum::<f64>();
    }
}

/// A length-delimited protobuf field; all lengths here are below 16,384.
fn field(number: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    if body.len() < 0x80 {
        out.push(body.len() as u8);
    } else {
        out.extend([body.len() as u8 | 0x80, (body.len() >> 7) as u8]);
    }
    out.extend_from_slice(body);
    out
}

/// A request of `series` series with ten labels and one sample each, as node_exporter's look behind an agent.
fn write_request(series: usize) -> Vec<u8> {
    let names = ["__name__", "cluster", "cpu", "device", "env", "instance", "job", "mode", "region", "team"];
    let mut request = Vec::new();
    for number in 0..series {
        let mut body = Vec::new();
        for name in names {
            let value = if name == "__name__" { "node_cpu_seconds_total".to_owned() } else { format!("{name}-{:05}", number % 700) };
            body.extend(field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat()));
        }
        // 1767225600000 ms as a varint.
        let sample = [&[0x09][..], &(number as f64).to_le_bytes(), &[0x10, 0x80, 0xb0, 0xa4, 0xcd, 0xb7, 0x33]].concat();
        body.extend(field(2, &sample));
        request.extend(field(1, &body));
    }
    request
}

fn remote_write(criterion: &mut Criterion) {
    const SERIES: usize = 2_000;
    let request = write_request(SERIES);
    let mut group = criterion.benchmark_group("remote_write");
    group.throughput(Throughput::Elements(SERIES as u64));
    group.bench_function("ten_labels_one_sample", |bencher| {
        bencher.iter(|| {
            let mut sum = Sum::default();
            let summary = decode_write_request(black_box(&request), &mut sum);
            assert!(summary.is_ok_and(|summary| summary.samples == SERIES as u64));
            black_box((sum.labels, sum.value))
        });
    });
    group.finish();
}

criterion_group!(benches, syslog, json, remote_write);
criterion_main!(benches);
