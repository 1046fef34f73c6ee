//! The live path of a metric rule: a batch of points in, findings out, on one thread.
//!
//! Three steps of the same work in one run: the detector alone, the query with a plain window function in its place (what
//! sorting and windowing cost), and the query with the detector. With `--test` a small run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench prints, and ends where it cannot go on")]
#![allow(clippy::disallowed_methods, reason = "a bench measures by the real clock")]

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use watchroom::anomaly::{DEFAULT_THRESHOLD, Detector};
use watchroom::query::{Config, QueryEngine, QueryRequest, RelationalView, Tables, ViewError};
use watchroom::table;

/// A point every five minutes.
const PERIOD_S: i64 = 300;

#[derive(Debug)]
struct Points {
    series: i64,
    points: i64,
}

/// A daily wave with noise, and now and then a jump.
fn value(series: i64, point: i64) -> f64 {
    let noise = ((series * 31 + point) * 7_919 % 1_009) as f64 / 1_009.0;
    let jump = if (series * 97 + point) % 20_011 == 0 { 30.0 } else { 0.0 };
    (point as f64 / 288.0 * std::f64::consts::TAU).sin() * 5.0 + noise + jump + series as f64
}

impl Points {
    fn rows(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        (0..self.series).flat_map(|series| (0..self.points).map(move |point| (series, point)))
    }
}

#[async_trait]
impl RelationalView for Points {
    fn name(&self) -> &str {
        "points"
    }

    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("series", DataType::Int64, true),
            Field::new("timestamp", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
            Field::new("value", DataType::Float64, true),
        ]))
    }

    async fn load(&self) -> Result<(RecordBatch, bool), ViewError> {
        let times = self.rows().map(|(_, point)| point * PERIOD_S * 1_000_000);
        let columns: Vec<arrow::array::ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(self.rows().map(|(series, _)| series))),
            Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
            Arc::new(Float64Array::from_iter_values(self.rows().map(|(series, point)| value(series, point)))),
        ];
        let rows = RecordBatch::try_new(self.schema(), columns).map_err(|error| ViewError(error.to_string()))?;
        Ok((rows, false))
    }
}

async fn engine(folder: &std::path::Path, series: i64, points: i64) -> QueryEngine {
    let tables = Tables::open(folder, &table::Config::default()).await.unwrap();
    let config = Config {
        target_partitions: 1,
        max_view_bytes: 1 << 30,
        memory_bytes: 4 << 30,
        query_memory_bytes: 4 << 30,
        timeout_ms: 600_000,
        spill_dir: Some(folder.join("spill")),
        ..Config::default()
    };
    QueryEngine::new(&config, tables, vec![Arc::new(Points { series, points })]).unwrap()
}

async fn timed(engine: &QueryEngine, sql: &str) -> (f64, usize) {
    let started = Instant::now();
    let batches = engine.run(QueryRequest::new(sql)).await.unwrap().collect().await.unwrap();
    (started.elapsed().as_secs_f64(), batches.iter().map(RecordBatch::num_rows).sum())
}

fn detector_alone(series: i64, points: i64) -> f64 {
    let started = Instant::now();
    let mut alarms = 0;
    for series in 0..series {
        let mut detector = Detector::new(PERIOD_S as u32);
        for point in 0..points {
            let reading = detector.update(point * PERIOD_S, value(series, point));
            alarms += u64::from(detector.alarm(&reading, DEFAULT_THRESHOLD));
        }
    }
    std::hint::black_box(alarms);
    started.elapsed().as_secs_f64()
}

fn main() {
    let small = std::env::args().any(|argument| argument == "--test");
    let (series, points) = if small { (10, 300) } else { (1_000, 2_016) };
    let count = (series * points) as f64;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let engine = engine(folder.path(), series, points).await;
        let load = "SELECT max(value) FROM points";
        let plain = "SELECT series, timestamp FROM (SELECT *, lag(value) OVER (PARTITION BY series ORDER BY timestamp) AS before FROM points) WHERE value > before + 25";
        let live = format!(
            "SELECT series, timestamp, value, reading['score'] AS score, reading['expected'] AS expected
             FROM (SELECT *, anomaly(value, {DEFAULT_THRESHOLD}) OVER (PARTITION BY series ORDER BY timestamp) AS reading FROM points)
             WHERE reading['alarm']"
        );
        for round in 0..if small { 1 } else { 3 } {
            let alone = detector_alone(series, points);
            let (loaded, _) = timed(&engine, load).await;
            let (lag, _) = timed(&engine, plain).await;
            let (detected, findings) = timed(&engine, &live).await;
            let rate = |seconds: f64| count / (seconds - loaded).max(1e-9) / 1e6;
            println!(
                "round {round}: {count:.0} points; detector alone {:.2} M/s; query with lag() {:.2} M/s; query with anomaly() {:.2} M/s \
                 ({findings} findings; making the points, {loaded:.2} s, left out)",
                count / alone / 1e6,
                rate(lag),
                rate(detected)
            );
        }
    });
}
