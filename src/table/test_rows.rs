//! Rows for the tests of this module, and how to count them again.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::config::Config;
use super::fresh_rows::Position;
use super::live_table::Table;
use super::snapshot::TableSnapshot;
use super::table_kind::TableKind;
use crate::clock::SECOND_US;

/// 2026-11-22 12:00 UTC.
pub(super) const NOON_US: i64 = 1_795_348_800 * SECOND_US;

/// Rows of `samples` with the ids `start..end`, a second apart.
pub(super) fn samples(start: i64, end: i64) -> RecordBatch {
    let times = TimestampMicrosecondArray::from_iter_values((start..end).map(|n| NOON_US + n * SECOND_US)).with_timezone("UTC");
    let values = Float64Array::from_iter_values((start..end).map(|n| n as f64));
    let ids = Int64Array::from_iter_values(start..end);
    RecordBatch::try_new(TableKind::Samples.schema(), vec![Arc::new(ids), Arc::new(times), Arc::new(values)]).unwrap()
}

pub(super) fn at(sequence: i64) -> Position {
    Position { app_id: "wal-0".into(), sequence }
}

pub(super) async fn open(root: &Path) -> Table {
    Table::open(TableKind::Samples, root, &Config::default()).await.unwrap()
}

/// The ids in a snapshot, files and memory, sorted.
pub(super) fn ids(snapshot: &TableSnapshot) -> Vec<i64> {
    let column = |batch: &RecordBatch| batch.column(0).as_primitive::<Int64Type>().values().to_vec();
    let mut ids: Vec<i64> = snapshot.fresh.iter().flat_map(column).collect();
    for file in snapshot.files.iter() {
        let opened = File::open(snapshot.root.join(&file.path)).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(opened).unwrap().build().unwrap();
        let before = ids.len();
        for batch in reader {
            ids.extend(column(&batch.unwrap()));
        }
        assert_eq!((ids.len() - before) as u64, file.rows, "the row count of {}", file.path);
    }
    ids.sort_unstable();
    ids
}

/// Number of Parquet files below a table's folder, part of the table or not.
pub(super) fn parquet_files(root: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("_delta_log") {
            count += parquet_files(&path);
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            count += 1;
        }
    }
    count
}
