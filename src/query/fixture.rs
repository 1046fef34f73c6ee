//! A small site for the tests of this room: real tables in a temporary folder, filled through their own door.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryViewArray, Float64Array, Int8Array, Int64Array, MapBuilder, MapFieldNames, RecordBatch, StringBuilder, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, SchemaRef};
use tempfile::TempDir;

use super::{Config, QueryEngine, QueryError, QueryRequest, Tables};
use crate::clock::{DAY_US, SECOND_US};
use crate::record::arrow_schema::{LOGS, SAMPLES, SERIES};
use crate::table;

/// 2026-11-20 00:00 UTC.
pub(super) const START_US: i64 = 20_777 * DAY_US;

/// Tables in a folder that goes when this is dropped.
pub(super) struct Site {
    pub(super) folder: TempDir,
    pub(super) tables: Tables,
}

impl Site {
    pub(super) async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tables = Tables::open(folder.path(), &table::Config::default()).await.unwrap();
        Self { folder, tables }
    }

    /// Three days of a thousand log events, the first two in files and the third in memory; ten series of a hundred
    /// samples a day, two days in files (two files a day) and one in memory.
    pub(super) async fn filled() -> Self {
        let site = Self::empty().await;
        site.tables.series.append(series(0..10), None);
        site.tables.series.flush().await.unwrap();
        for day in 0..3 {
            site.tables.logs.append(logs(day, 0..1_000), None);
            for half in [0..5, 5..10] {
                site.tables.samples.append(samples(day, half), None);
                if day < 2 {
                    site.tables.samples.flush().await.unwrap();
                }
            }
            if day < 2 {
                site.tables.logs.flush().await.unwrap();
            }
        }
        site
    }

    /// Limits that suit tests on a loaded machine.
    pub(super) fn config(&self) -> Config {
        Config { target_partitions: 2, timeout_ms: 60_000, spill_dir: Some(self.folder.path().join("spill")), ..Config::default() }
    }

    pub(super) fn engine(&self) -> QueryEngine {
        self.engine_with(self.config())
    }

    pub(super) fn engine_with(&self, config: Config) -> QueryEngine {
        QueryEngine::new(&config, self.tables.clone(), Vec::new()).unwrap()
    }
}

/// The whole result of a statement.
pub(super) async fn rows(engine: &QueryEngine, sql: &str) -> Result<Vec<RecordBatch>, QueryError> {
    engine.run(QueryRequest::new(sql)).await?.collect().await
}

/// The result as lines of cells joined by a bar.
pub(super) async fn lines(engine: &QueryEngine, sql: &str) -> Vec<String> {
    let batches = rows(engine, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let line = |batch: &RecordBatch, row: usize| {
        let cells = batch.columns().iter().map(|column| super::json_rows::cell_text(column, row).unwrap());
        cells.collect::<Vec<_>>().join("|")
    };
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| line(batch, row))).collect()
}

/// The one cell of a result.
pub(super) async fn cell(engine: &QueryEngine, sql: &str) -> String {
    let lines = lines(engine, sql).await;
    assert_eq!(lines.len(), 1, "{sql}");
    lines[0].clone()
}

/// Log events of a day, a minute apart; the number `n` is in `pid` and `message`, and turns up in every other column.
pub(super) fn logs(day: i64, numbers: std::ops::Range<i64>) -> RecordBatch {
    let all: Vec<i64> = numbers.collect();
    let times = all.iter().map(|n| START_US + day * DAY_US + n * 60 * SECOND_US);
    let received = all.iter().map(|n| START_US + day * DAY_US + n * 60 * SECOND_US + 1);
    let text = |of: &dyn Fn(i64) -> Option<String>| -> ArrayRef { Arc::new(all.iter().map(|n| of(*n)).collect::<StringViewArray>()) };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
        Arc::new(TimestampMicrosecondArray::from_iter_values(received).with_timezone("UTC")),
        text(&|n| Some(format!("host-{:02}", n % 20))),
        text(&|n| Some(["sshd", "cron", "kernel"][n as usize % 3].to_owned())),
        Arc::new(all.iter().map(|n| Some((n % 8) as i8)).collect::<Int8Array>()),
        Arc::new(all.iter().map(|n| Some((n % 24) as i8)).collect::<Int8Array>()),
        text(&|n| Some(n.to_string())),
        text(&|_| None),
        text(&|n| Some(format!("message {n} of day {day}: {}", "some words that fill the line ".repeat(3)))),
        map(&LOGS, "attributes", all.iter().map(|n| vec![("user", format!("user-{}", n % 5)), ("n", n.to_string())])),
        text(&|_| Some("test".to_owned())),
        text(&|_| None),
        Arc::new(all.iter().map(|_| None).collect::<Int64Array>()),
        text(&|_| None),
        Arc::new(all.iter().map(|n| (n % 100 == 7).then_some(b"raw \xff bytes")).collect::<BinaryViewArray>()),
    ];
    RecordBatch::try_new(LOGS.clone(), columns).unwrap()
}

/// Series with ids a thousand apart: the first half are `cpu`, the second `disk`.
pub(super) fn series(ids: std::ops::Range<i64>) -> RecordBatch {
    let all: Vec<i64> = ids.collect();
    let text = |of: &dyn Fn(i64) -> String| -> ArrayRef { Arc::new(StringViewArray::from_iter_values(all.iter().map(|n| of(*n)))) };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(all.iter().map(|n| n * 1_000))),
        text(&|n| if n < 5 { "cpu".into() } else { "disk".into() }),
        text(&|n| format!("host-{n:02}")),
        map(&SERIES, "labels", all.iter().map(|n| vec![("mode", if n % 2 == 0 { "user".into() } else { "idle".to_owned() })])),
        text(&|_| "gauge".into()),
        text(&|_| "percent".into()),
        Arc::new(TimestampMicrosecondArray::from_iter_values(all.iter().map(|_| START_US)).with_timezone("UTC")),
    ];
    RecordBatch::try_new(SERIES.clone(), columns).unwrap()
}

/// A hundred samples of a day for each series; the last of each is NaN.
pub(super) fn samples(day: i64, ids: std::ops::Range<i64>) -> RecordBatch {
    let all: Vec<(i64, i64)> = ids.flat_map(|id| (0..100).map(move |n| (id, n))).collect();
    let value = |(id, n): &(i64, i64)| if *n == 99 { f64::NAN } else { (*id * 100 + *n) as f64 };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(all.iter().map(|(id, _)| id * 1_000))),
        Arc::new(
            TimestampMicrosecondArray::from_iter_values(all.iter().map(|(_, n)| START_US + day * DAY_US + n * 60 * SECOND_US))
                .with_timezone("UTC"),
        ),
        Arc::new(Float64Array::from_iter_values(all.iter().map(value))),
    ];
    RecordBatch::try_new(SAMPLES.clone(), columns).unwrap()
}

fn map(schema: &SchemaRef, column: &str, rows: impl Iterator<Item = Vec<(&'static str, String)>>) -> ArrayRef {
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new())
        .with_keys_field(Field::new("key", DataType::Utf8, false))
        .with_values_field(Field::new("value", DataType::Utf8, true));
    for row in rows {
        for (key, value) in row {
            builder.keys().append_value(key);
            builder.values().append_value(value);
        }
        builder.append(true).unwrap();
    }
    let array: ArrayRef = Arc::new(builder.finish());
    assert_eq!(array.data_type(), schema.field_with_name(column).unwrap().data_type());
    array
}
