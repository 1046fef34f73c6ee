//! The columns of the tables, as Arrow batches carry them in memory and as SQL sees them.
//!
//! Text columns are string views: a parsed message is a view into the bytes it arrived in, and sorting a batch moves
//! 16-byte views instead of text. On disk the same columns are plain Parquet strings. The column `date` is the Delta
//! partition: it stands in the path, not in the files, and so not in the batches either.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::clock::{DAY_US, TimestampUs};

/// Name of the partition column of `logs` and `samples`: the UTC day of the event.
pub const DATE: &str = "date";

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// A map from text to text, laid out as Delta and Parquet expect it.
pub fn text_map() -> DataType {
    let entry = Field::new(
        "key_value",
        DataType::Struct(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)].into()),
        false,
    );
    DataType::Map(Arc::new(entry), false)
}

/// Columns of the table `logs`, one row a log event.
pub static LOGS: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("timestamp", timestamp(), false),
        Field::new("received_at", timestamp(), false),
        Field::new("host", DataType::Utf8View, true),
        Field::new("app", DataType::Utf8View, true),
        Field::new("severity", DataType::Int8, true),
        Field::new("facility", DataType::Int8, true),
        Field::new("pid", DataType::Utf8View, true),
        Field::new("msgid", DataType::Utf8View, true),
        Field::new("message", DataType::Utf8View, false),
        Field::new("attributes", text_map(), true),
        Field::new("source", DataType::Utf8View, false),
        Field::new("peer", DataType::Utf8View, true),
        Field::new("template_id", DataType::Int64, true),
        Field::new("parse_error", DataType::Utf8View, true),
        Field::new("raw", DataType::BinaryView, true),
    ]))
});

/// Columns of the table `series`, one row a metric series, written when it is first seen.
pub static SERIES: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("series_id", DataType::Int64, false),
        Field::new("name", DataType::Utf8View, false),
        Field::new("host", DataType::Utf8View, true),
        Field::new("labels", text_map(), false),
        Field::new("kind", DataType::Utf8View, true),
        Field::new("unit", DataType::Utf8View, true),
        Field::new("first_seen", timestamp(), false),
    ]))
});

/// Columns of the table `samples`, one row a measurement.
pub static SAMPLES: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("series_id", DataType::Int64, false),
        Field::new("timestamp", timestamp(), false),
        Field::new("value", DataType::Float64, false),
    ]))
});

/// Columns of the table `capacity_days`, one row a UTC day of a resource: what a question of `queries/capacity/` said of it.
pub static CAPACITY_DAYS: LazyLock<SchemaRef> = LazyLock::new(|| {
    let value = |name: &str| Field::new(name, DataType::Float64, true);
    Arc::new(Schema::new(vec![
        Field::new("question", DataType::Utf8View, false),
        Field::new("resource", DataType::Utf8View, false),
        Field::new("entity", text_map(), false),
        Field::new("day", timestamp(), false),
        value("p50"),
        value("p95"),
        value("max"),
        value("last"),
        value("busy_hour"),
        value("limit_value"),
        value("servers"),
        Field::new("samples", DataType::Int64, false),
    ]))
});

/// Days since the epoch of the UTC day that `timestamp_us` falls on: the value of the partition column.
pub fn partition_day(timestamp_us: TimestampUs) -> i32 {
    // An i64 of microseconds spans 292,000 years: the days fit an i32.
    timestamp_us.div_euclid(DAY_US) as i32
}
