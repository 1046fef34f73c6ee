//! The whole way: another process sends, the server stores, until everything is committed to Delta.
//!
//! `cargo bench --bench end_to_end` sends 5 million syslog messages (about 200 bytes each) over four TCP connections, two
//! counting octets and two ending lines; then measures acknowledgements of small HTTP requests; then remote write.
//! `-- templates` sends the syslog messages six times with the rules off, every other time without templates.
//! `-- --test` does it with a fiftieth of the data. `WATCHROOM_BENCH_MESSAGES` and `WATCHROOM_BENCH_DIR` (default: the
//! target folder) change size and disk. The sender's own CPU time is not in the figures, but it takes its share of the
//! cores.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and has nobody to report errors to"
)]

#[path = "support/http.rs"]
mod http;
#[path = "support/metric_workload.rs"]
mod metric_workload;
#[path = "support/protobuf.rs"]
mod protobuf;
#[path = "support/server.rs"]
mod server;
#[path = "support/syslog_workload.rs"]
mod syslog_workload;

use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use hdrhistogram::Histogram;
use http::Http;
use metric_workload::MetricWorkload;
use protobuf::{field, varint};
use server::Server;
use syslog_workload::SyslogWorkload;
use watchroom::clock::{Clock, HOUR_US, Stopwatch};

const CONNECTIONS: usize = 4;
/// Lines a second of the site that is played: 5 million lines are six hours of it.
const SITE_EVENTS_A_SECOND: u32 = 231;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let quick = arguments.iter().any(|argument| argument == "--test") || !arguments.iter().any(|argument| argument == "--bench");
    let messages = std::env::var("WATCHROOM_BENCH_MESSAGES").ok().and_then(|text| text.parse().ok());
    let messages = messages.unwrap_or(if quick { 100_000 } else { 5_000_000 });
    let place = PathBuf::from(std::env::var("WATCHROOM_BENCH_DIR").unwrap_or_else(|_| env!("CARGO_TARGET_TMPDIR").to_owned()));
    if arguments.iter().any(|argument| argument == "templates") {
        return templates(&place, messages);
    }
    syslog(&place, messages, &[]);
    acknowledgements(&place, if quick { 1 } else { 10 });
    remote_write(&place, if quick { 200_000 } else { 10_000_000 });
}

/// The workload, cut into one framed stream a connection.
fn streams(messages: usize) -> (Vec<Vec<u8>>, usize) {
    // The past six hours: lines without a year are taken as this year's only near the present.
    let start_us = Clock::System.now_us() - 6 * HOUR_US;
    let mut workload = SyslogWorkload::new(1, 40, start_us, SITE_EVENTS_A_SECOND);
    let mut streams: Vec<Vec<u8>> = (0..CONNECTIONS).map(|_| Vec::with_capacity(messages / CONNECTIONS * 220)).collect();
    let (mut line, mut bytes) = (Vec::new(), 0);
    for index in 0..messages {
        line.clear();
        workload.write_line(&mut line);
        bytes += line.len();
        let stream = &mut streams[index % CONNECTIONS];
        if index % CONNECTIONS < CONNECTIONS / 2 {
            stream.extend_from_slice(&line);
            stream.push(b'\n');
        } else {
            stream.extend_from_slice(format!("{} ", line.len()).as_bytes());
            stream.extend_from_slice(&line);
        }
    }
    (streams, bytes)
}

/// What templates cost: the same messages with and without them in turn.
fn templates(place: &std::path::Path, messages: usize) {
    let mut seconds = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        for (with, setting) in ["false", "true"].into_iter().enumerate() {
            println!("templates {setting}");
            seconds[with].push(syslog(place, messages, &[("WATCHROOM_DETECT_ENABLED", "false"), ("WATCHROOM_DETECT_TEMPLATES", setting)]));
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let [without, with] = seconds.each_mut().map(median);
    println!("with templates {:.1} % less a second than without (medians of three)", 100.0 * (1.0 - without / with));
}

/// The result is the seconds until all is committed.
fn syslog(place: &std::path::Path, messages: usize, settings: &[(&str, &str)]) -> f64 {
    let (streams, bytes) = streams(messages);
    let server = Server::start_with(place, settings);
    let before = server.usage();
    let watch = Stopwatch::start();
    let senders: Vec<_> = streams
        .into_iter()
        .map(|stream| {
            let address = server.syslog.clone();
            std::thread::spawn(move || {
                let mut connection = TcpStream::connect(address).expect("the listener accepts");
                connection.write_all(&stream).expect("the server reads");
            })
        })
        .collect();
    for sender in senders {
        sender.join().expect("a sender ends well");
    }
    let sent_seconds = watch.elapsed_seconds();
    // What stands in socket buffers and queues is not there yet; then the rest of the fresh rows is committed.
    while server.count("SELECT count(*) FROM logs") < messages as u64 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let visible_seconds = watch.elapsed_seconds();
    server.flush();
    let seconds = watch.elapsed_seconds();
    let after = server.usage();
    let stored = server.count("SELECT count(*) FROM logs");
    assert_eq!(stored, messages as u64, "every line once");
    let errors = server.count("SELECT count(*) FROM logs WHERE parse_error IS NOT NULL");
    let cpu = after.cpu_seconds - before.cpu_seconds;
    println!(
        "syslog TCP     {messages} messages of {:.0} bytes over {CONNECTIONS} connections, until committed to Delta: {seconds:.2} s \
         (sent {sent_seconds:.2}, visible {visible_seconds:.2})",
        bytes as f64 / messages as f64
    );
    println!("               {:.0} events/s  {:.0} MB/s", messages as f64 / seconds, bytes as f64 / 1e6 / seconds);
    println!("               {:.2} CPU-s a million  {:.0} MiB peak memory", cpu * 1e6 / messages as f64, after.peak_memory_mib);
    println!("               {:.2} bytes an event on disk  {errors} not understood", server.table_bytes("logs") as f64 / messages as f64);
    seconds
}

/// Latency of `POST /insert/jsonline` with ten lines each, from eight clients at once.
fn acknowledgements(place: &std::path::Path, seconds: u64) {
    let server = Server::start(place);
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let address = server.http.clone();
            std::thread::spawn(move || {
                let mut http = Http::connect(&address).expect("the server accepts");
                let mut latencies = latency_histogram();
                let body: String = (0..10)
                    .map(|line| format!("{{\"host\":\"web{client:02}\",\"app\":\"shop\",\"severity\":\"info\",\"message\":\"order {line} was placed\"}}\n"))
                    .collect();
                let watch = Stopwatch::start();
                while watch.elapsed() < Duration::from_secs(seconds) {
                    let one = Stopwatch::start();
                    let (status, _) = http.post("/insert/jsonline", "", body.as_bytes()).expect("the server answers");
                    assert_eq!(status, 200);
                    latencies.saturating_record(u64::try_from(one.elapsed().as_micros()).unwrap_or(u64::MAX));
                }
                latencies
            })
        })
        .collect();
    let mut all = latency_histogram();
    for client in clients {
        all.add(client.join().expect("a client ends well")).expect("the same bounds");
    }
    let ms = |quantile: f64| all.value_at_quantile(quantile) as f64 / 1e3;
    println!(
        "HTTP           {:.0} requests/s of 10 lines from 8 clients; acknowledged after p50 {:.1} ms  p99 {:.1} ms  p999 {:.1} ms",
        all.len() as f64 / seconds as f64,
        ms(0.5),
        ms(0.99),
        ms(0.999)
    );
}

/// Microseconds, up to a minute.
fn latency_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are right")
}

/// Remote write of 1,000 series, 5,000 samples a request, from two clients.
fn remote_write(place: &std::path::Path, samples: usize) {
    let requests = remote_write_requests(samples);
    let server = Server::start(place);
    let before = server.usage();
    let watch = Stopwatch::start();
    let clients: Vec<_> = (0..2)
        .map(|client| {
            let (address, own) = (server.http.clone(), requests.iter().skip(client).step_by(2).cloned().collect::<Vec<_>>());
            std::thread::spawn(move || {
                let mut http = Http::connect(&address).expect("the server accepts");
                for request in own {
                    let headers = "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n";
                    let (status, answer) = http.post("/api/v1/write", headers, &request).expect("the server answers");
                    assert_eq!(status, 204, "{}", String::from_utf8_lossy(&answer));
                }
            })
        })
        .collect();
    for client in clients {
        client.join().expect("a client ends well");
    }
    server.flush();
    let seconds = watch.elapsed_seconds();
    let cpu = server.usage().cpu_seconds - before.cpu_seconds;
    let stored = server.count("SELECT count(*) FROM samples");
    println!(
        "remote write   {stored} samples of {} series until committed to Delta: {:.0} samples/s  {:.2} CPU-s a million  {:.2} bytes a sample on disk",
        server.count("SELECT count(*) FROM series"),
        stored as f64 / seconds,
        cpu * 1e6 / stored as f64,
        server.table_bytes("samples") as f64 / stored as f64
    );
}

/// Compressed requests of about 5,000 samples each, as Prometheus sends them: one sample a series and request.
fn remote_write_requests(samples: usize) -> Vec<Vec<u8>> {
    let mut workload = MetricWorkload::new(1, 1_000, 1_767_600_000_000_000);
    let (mut requests, mut request, mut scrape, mut held, mut made) = (Vec::new(), Vec::new(), Vec::new(), 0, 0);
    while made < samples {
        scrape.clear();
        workload.scrape(&mut scrape);
        for (id, at_us, value) in &scrape {
            add_series(&mut request, *id, at_us / 1_000, *value);
        }
        made += scrape.len();
        held += scrape.len();
        if held >= 5_000 || made >= samples {
            requests.push(snap::raw::Encoder::new().compress_vec(&request).expect("snappy takes anything"));
            request.clear();
            held = 0;
        }
    }
    requests
}

/// One `TimeSeries` of the protobuf message `WriteRequest`, with eight labels.
fn add_series(request: &mut Vec<u8>, id: i64, timestamp_ms: i64, value: f64) {
    let mut series = Vec::new();
    let number = id.unsigned_abs();
    for (name, text) in [
        ("__name__", format!("node_metric_{}_total", number % 250)),
        ("cluster", "main".to_owned()),
        ("cpu", (number % 8).to_string()),
        ("device", format!("nvme{}n1", number % 3)),
        ("env", "production".to_owned()),
        ("id", id.to_string()),
        ("instance", format!("host{:02}.example.net:9100", number % 4)),
        ("job", "node".to_owned()),
    ] {
        let mut label = Vec::new();
        field(&mut label, 0x0A, name.as_bytes());
        field(&mut label, 0x12, text.as_bytes());
        field(&mut series, 0x0A, &label);
    }
    let mut sample = vec![0x09];
    sample.extend_from_slice(&value.to_le_bytes());
    sample.push(0x10);
    varint(&mut sample, timestamp_ms.unsigned_abs());
    field(&mut series, 0x12, &sample);
    field(request, 0x0A, &series);
}
