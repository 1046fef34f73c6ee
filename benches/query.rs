//! What questions cost over a million log events and two million samples, with filters evaluated after decoding (as
//! shipped) and while decoding (`pushdown_filters`).
//!
//! `cargo bench --bench query`; with `--test` a short run that only shows that everything works.

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

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use watchroom::batch::{LogColumns, SampleColumns};
use watchroom::clock::Stopwatch;
use watchroom::query::{Config, QueryEngine, QueryRequest, Tables};
use watchroom::record::Origin;
use watchroom::record::Zone;
use watchroom::table::{self, TableKind};

use cpu_time::cpu_time;
use metric_workload::MetricWorkload;
use syslog_workload::SyslogWorkload;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 08:00 on 22 November 2026, UTC.
const START_US: i64 = 1_795_334_400_000_000;
const FILES: usize = 4;
const SERIES: usize = 1_000;

/// Questions as people and rules ask them, from the most selective to none at all.
const QUESTIONS: [(&str, &str); 9] = [
    ("count of all", "SELECT count(*) FROM logs"),
    ("one host, one minute", "SELECT timestamp, message FROM logs WHERE host = $host AND timestamp < '2026-11-22T08:01:00Z'"),
    ("one host, all columns", "SELECT * FROM logs WHERE host = $host LIMIT 50000"),
    ("severe by host", "SELECT host, count(*) FROM logs WHERE severity <= 3 GROUP BY host"),
    ("rare word", "SELECT timestamp, host, message FROM logs WHERE message LIKE '%no such word%'"),
    ("newest hundred", "SELECT * FROM logs ORDER BY timestamp DESC LIMIT 100"),
    ("rate by minute and app", "SELECT date_trunc('minute', timestamp) AS minute, app, count(*) FROM logs GROUP BY 1, 2"),
    ("one series", "SELECT timestamp, value FROM metrics WHERE name = 'metric_7'"),
    ("mean of every series", "SELECT series_id, avg(value) FROM samples GROUP BY series_id"),
];

fn main() {
    let short = std::env::args().any(|argument| argument == "--test");
    let (log_rows, sample_rows, repeats) = if short { (2_000, 5_000, 1) } else { (250_000, 500_000, 7) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (tables, host) = filled(folder.path(), log_rows, sample_rows).await;
        println!("{} log events, {} samples, median of {repeats}", log_rows * FILES, sample_rows * FILES);
        println!("{:<24} {:>9} {:>12} {:>12} {:>12} {:>12}", "", "rows", "after: CPU", "wall", "while: CPU", "wall");
        let engine = |pushdown_filters: bool| {
            let config = Config { target_partitions: 2, pushdown_filters, max_rows: 10_000_000, ..Config::default() };
            QueryEngine::new(&config, tables.clone(), Vec::new()).expect("an engine")
        };
        let engines = [engine(false), engine(true)];
        for (name, sql) in QUESTIONS {
            let sql = sql.replace("$host", &format!("'{host}'"));
            let mut rows = 0;
            let mut costs = [Vec::new(), Vec::new()];
            // In turn, so that a load from elsewhere falls on both.
            for _ in 0..=repeats {
                for (engine, costs) in engines.iter().zip(&mut costs) {
                    let (cpu, wall) = (cpu_time(), Stopwatch::start());
                    let mut run = engine.run(QueryRequest::new(&sql)).await.expect("the question is planned");
                    rows = run.collect().await.expect("the question is answered").iter().map(RecordBatch::num_rows).sum();
                    // A thread that has ended in between takes its time with it; the median passes over such a run.
                    costs.push((cpu_time().saturating_sub(cpu).as_secs_f64() * 1e3, wall.elapsed_seconds() * 1e3));
                }
            }
            let [after, during] = costs.map(median);
            println!("{name:<24} {rows:>9} {:>9.1} ms {:>9.1} ms {:>9.1} ms {:>9.1} ms", after.0, after.1, during.0, during.1);
        }
    });
}

/// The middle of each, without the first run, which reads the footers.
fn median(mut costs: Vec<(f64, f64)>) -> (f64, f64) {
    costs.remove(0);
    let middle = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    (middle(costs.iter().map(|cost| cost.0).collect()), middle(costs.iter().map(|cost| cost.1).collect()))
}

/// Tables of four files each, and the name of a host in them.
async fn filled(folder: &Path, log_rows: usize, sample_rows: usize) -> (Tables, String) {
    let tables = Tables::open(folder, &table::Config::default()).await.expect("tables");
    let mut syslog = SyslogWorkload::new(1, 40, START_US, 2_000);
    let mut metrics = MetricWorkload::new(1, SERIES, START_US);
    let mut host = String::new();
    let mut ids = Vec::new();
    for _ in 0..FILES {
        for _ in 0..log_rows.div_ceil(8_192) {
            let batch = log_batch(&mut syslog, log_rows.min(8_192));
            let hosts = batch.column_by_name("host").expect("a column").as_string_view();
            if host.is_empty() && !hosts.is_null(0) {
                host = hosts.value(0).to_owned();
            }
            tables.logs.append(batch, None);
        }
        tables.logs.flush().await.expect("the logs are written");
        let mut samples = Vec::new();
        while samples.len() < sample_rows {
            metrics.scrape(&mut samples);
        }
        for part in samples.chunks(8_192) {
            let mut columns = SampleColumns::with_capacity(part.len());
            for (series, at_us, value) in part {
                columns.push(*series, *at_us, *value);
            }
            let batch = columns.finish().expect("three columns");
            if ids.len() < SERIES {
                ids.extend_from_slice(batch.column_by_name("series_id").expect("a column").as_primitive::<Int64Type>().values());
            }
            tables.samples.append(batch, None);
        }
        tables.samples.flush().await.expect("the samples are written");
    }
    ids.sort_unstable();
    ids.dedup();
    tables.series.append(series_batch(&ids), None);
    tables.series.flush().await.expect("the series are written");
    (tables, host)
}

fn log_batch(workload: &mut SyslogWorkload, rows: usize) -> RecordBatch {
    let origin = Origin { source: "syslog_tcp".into(), peer: "10.20.0.250".into(), zone: Zone::UTC, hints: "".into() };
    let mut columns = LogColumns::with_capacity(rows);
    let mut data = Vec::with_capacity(rows * 256);
    for _ in 0..rows {
        workload.write_line(&mut data);
        data.push(b'\n');
    }
    let data = Bytes::from(data);
    columns.begin_block(&data, &origin, workload.now_us() + 2_000);
    for line in std::str::from_utf8(&data).expect("the workload is ASCII").lines() {
        columns.push(&line_splitter::split(line, 2026), line.as_bytes());
    }
    columns.finish().expect("every record fits")
}

/// The series `metric_0`, `metric_1`, ... with the ids that the workload uses and no labels.
fn series_batch(ids: &[i64]) -> RecordBatch {
    let schema = TableKind::Series.schema();
    let text = |of: &dyn Fn(usize) -> String| Arc::new(StringViewArray::from_iter_values((0..ids.len()).map(of)));
    let labels = schema.field_with_name("labels").expect("a column").data_type();
    let empty = arrow::array::new_empty_array(labels);
    let entries = empty.as_map().entries().clone();
    let arrow::datatypes::DataType::Map(entry, _) = labels else { unreachable!("labels are a map") };
    let offsets = arrow::buffer::OffsetBuffer::<i32>::new_zeroed(ids.len());
    let labels = arrow::array::MapArray::new(entry.clone(), offsets, entries, None, false);
    let first_seen = TimestampMicrosecondArray::from_iter_values(ids.iter().map(|_| START_US)).with_timezone("UTC");
    let columns: Vec<arrow::array::ArrayRef> = vec![
        Arc::new(Int64Array::from(ids.to_vec())),
        text(&|n| format!("metric_{n}")),
        text(&|n| format!("host-{}", n % 40)),
        Arc::new(labels),
        text(&|_| "gauge".to_owned()),
        text(&|_| "1".to_owned()),
        Arc::new(first_seen),
    ];
    RecordBatch::try_new(schema, columns).expect("the series fit")
}
