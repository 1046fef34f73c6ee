//! Tests of the Parquet writer: what is read back, what the statistics say, what an error leaves behind.

use std::collections::HashMap;

use arrow::array::{AsArray, StringViewArray, TimestampMicrosecondArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use super::*;
use crate::clock::DAY_US;

const DAY: i32 = 20_779;
const NOON_US: i64 = DAY as i64 * DAY_US + DAY_US / 2;

fn rows(count: usize, host: impl Fn(usize) -> String, at: impl Fn(usize) -> i64) -> RecordBatch {
    let columns = LOGS.fields().iter().map(|field| -> ArrayRef {
        let time = |times: Vec<i64>| Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"));
        match field.name().as_str() {
            "timestamp" => time((0..count).map(&at).collect()),
            "received_at" => time((0..count).map(|n| NOON_US + n as i64).collect()),
            "host" => Arc::new((0..count).map(|n| Some(host(n))).collect::<StringViewArray>()),
            "message" => {
                Arc::new((0..count).map(|n| Some(format!("message number {n} of a long line of messages"))).collect::<StringViewArray>())
            }
            "source" => Arc::new(StringViewArray::from_iter_values((0..count).map(|_| "syslog_tcp"))),
            _ => new_null_array(field.data_type(), count),
        }
    });
    RecordBatch::try_new(LOGS.clone(), columns.collect()).unwrap()
}

fn samples(values: &[f64]) -> RecordBatch {
    let count = values.len() as i64;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(arrow::array::Int64Array::from_iter_values((0..count).map(|n| n % 3))),
        Arc::new(TimestampMicrosecondArray::from_iter_values((0..count).map(|n| NOON_US + n)).with_timezone("UTC")),
        Arc::new(Float64Array::from(values.to_vec())),
    ];
    RecordBatch::try_new(SAMPLES.clone(), columns).unwrap()
}

fn read(root: &Path, file: &WrittenFile) -> (RecordBatch, ParquetMetaData) {
    let file = File::open(root.join(&file.path)).unwrap();
    let options = parquet::arrow::arrow_reader::ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    let metadata = builder.metadata().as_ref().clone();
    let batches: Vec<RecordBatch> = builder.build().unwrap().collect::<Result<_, _>>().unwrap();
    (concat_batches(&batches[0].schema(), &batches).unwrap(), metadata)
}

fn names_below(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(names_below(&path));
        } else {
            names.push(path.display().to_string());
        }
    }
    names
}

#[test]
fn rows_come_back_sorted_and_every_day_has_its_file() {
    let root = tempfile::tempdir().unwrap();
    let batches = [
        rows(100, |n| format!("host-{}.with.a.long.name", n % 7), |n| NOON_US - n as i64),
        rows(50, |n| format!("h{n}"), |n| NOON_US - DAY_US + n as i64),
        rows(0, |_| String::new(), |_| 0),
    ];
    let files = write_parquet(root.path(), Layout::Logs, &batches).unwrap();
    assert_eq!(files.iter().map(|file| (file.day, file.rows)).collect::<Vec<_>>(), [(Some(DAY - 1), 50), (Some(DAY), 100)]);
    assert!(files[1].path.starts_with("date=2026-11-22/") && files[1].path.ends_with(".zstd.parquet"));
    assert_eq!(names_below(root.path()).len(), 2, "no temporary files are left");

    let (found, metadata) = read(root.path(), &files[1]);
    assert_eq!(metadata.file_metadata().schema_descr().num_columns(), 16, "every column, a map has two leaves");
    assert!(metadata.file_metadata().key_value_metadata().is_none_or(|pairs| pairs.iter().all(|pair| pair.key != "ARROW:schema")));
    let host = arrow::compute::cast(found.column_by_name("host").unwrap(), &DataType::Utf8View).unwrap();
    let time = found.column_by_name("timestamp").unwrap().as_primitive::<TimestampMicrosecondType>();
    let keys: Vec<(&str, i64)> = host.as_string_view().iter().flatten().zip(time.values().iter().copied()).collect();
    assert!(keys.is_sorted(), "the recipe's order");
    let messages = arrow::compute::cast(found.column_by_name("message").unwrap(), &DataType::Utf8View).unwrap();
    let by_time: HashMap<i64, &str> = time.values().iter().copied().zip(messages.as_string_view().iter().flatten()).collect();
    assert_eq!(by_time[&(NOON_US - 42)], "message number 42 of a long line of messages");
    assert_eq!(files[1].size_bytes, fs::metadata(root.path().join(&files[1].path)).unwrap().len());
}

#[test]
fn statistics_cover_the_file_over_several_row_groups() {
    let root = tempfile::tempdir().unwrap();
    let long = |n: usize| format!("{}{n:03}", "ä".repeat(60));
    let recipe = Recipe { row_group_rows: 10, ..Recipe::of(Layout::Logs) };
    let files = write_with(root.path(), &recipe, &[rows(35, long, |n| NOON_US + n as i64)]).unwrap();
    let (_, metadata) = read(root.path(), &files[0]);
    assert_eq!(metadata.num_row_groups(), 4);
    let columns = &files[0].statistics.columns;
    assert_eq!(columns["timestamp"].min, Some(Value::TimestampUs(NOON_US)));
    assert_eq!(columns["timestamp"].max, Some(Value::TimestampUs(NOON_US + 34)));
    assert_eq!((columns["app"].null_count, &columns["app"].min), (35, &None));
    assert_eq!(columns["message"], ColumnRange::default(), "free text has no range");
    let (Some(Value::Text(min)), Some(Value::Text(max))) = (&columns["host"].min, &columns["host"].max) else { panic!("no range") };
    assert!(min.len() <= TEXT_LIMIT && max.len() <= TEXT_LIMIT);
    assert!(*min <= long(0) && *max >= long(34), "cut outwards");
}

#[test]
fn the_page_index_covers_the_time_column() {
    let root = tempfile::tempdir().unwrap();
    let recipe = Recipe { page_rows: 1_000, ..Recipe::of(Layout::Logs) };
    let files = write_with(root.path(), &recipe, &[rows(5_000, |_| "h".into(), |n| NOON_US + n as i64)]).unwrap();
    let (_, metadata) = read(root.path(), &files[0]);
    let pages = metadata.offset_index().unwrap()[0][0].page_locations().len();
    assert!(pages >= 4, "{pages} pages of the time column");
}

#[test]
fn a_nan_takes_the_range_away() {
    let root = tempfile::tempdir().unwrap();
    let range = |values: &[f64]| {
        let files = write_parquet(root.path(), Layout::Samples, &[samples(values)]).unwrap();
        files[0].statistics.columns["value"].clone()
    };
    assert_eq!(range(&[3.0, -1.5, 2.0]), ColumnRange { min: Some(Value::Float(-1.5)), max: Some(Value::Float(3.0)), null_count: 0 });
    assert_eq!(range(&[3.0, f64::NAN]), ColumnRange::default());
    assert_eq!(range(&[f64::INFINITY]).max, Some(Value::Float(f64::INFINITY)));
}

#[test]
fn samples_keep_their_bits_and_are_sorted_by_series() {
    let root = tempfile::tempdir().unwrap();
    let stale = f64::from_bits(0x7ff0_0000_0000_0002);
    let files = write_parquet(root.path(), Layout::Samples, &[samples(&[1.0, 2.0, stale, 4.0])]).unwrap();
    let (found, _) = read(root.path(), &files[0]);
    assert_eq!(found.column(0).as_primitive::<Int64Type>().values().as_ref(), [0, 0, 1, 2]);
    let values = found.column(2).as_primitive::<arrow::datatypes::Float64Type>();
    assert_eq!(
        values.values().iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
        [1.0_f64.to_bits(), 4.0_f64.to_bits(), 2.0_f64.to_bits(), stale.to_bits()]
    );
}

#[test]
fn nothing_is_left_after_an_error() {
    let root = tempfile::tempdir().unwrap();
    let good = rows(10, |_| "h".into(), |_| NOON_US - DAY_US);
    let next_day = rows(10, |_| "h".into(), |_| NOON_US);
    // A file stands where the second day's folder would be made.
    fs::write(root.path().join("date=2026-11-22"), "").unwrap();
    let error = write_parquet(root.path(), Layout::Logs, &[good, next_day]).unwrap_err();
    assert!(matches!(error, WriteError::Io { .. }), "{error}");
    let left = names_below(root.path());
    assert_eq!(left.len(), 1, "the first day's file is gone as well: {left:?}");
}

#[test]
fn batches_of_another_table_are_refused() {
    let root = tempfile::tempdir().unwrap();
    assert!(matches!(write_parquet(root.path(), Layout::Series, &[samples(&[1.0])]), Err(WriteError::Rows(_))));
    assert!(write_parquet(root.path(), Layout::Samples, &[samples(&[])]).unwrap().is_empty());
}

#[test]
fn a_full_disk_is_told_apart() {
    let full = || io::Error::from(io::ErrorKind::StorageFull);
    assert!(matches!(WriteError::parquet(Path::new("f"), ParquetError::External(Box::new(full()))), WriteError::DiskFull { .. }));
    assert!(matches!(WriteError::io(Path::new("f"), full()), WriteError::DiskFull { .. }));
    assert!(matches!(WriteError::parquet(Path::new("f"), ParquetError::General("x".into())), WriteError::Encode(_)));
    // The real thing: every write to this device fails for lack of room.
    let device = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let batch = rows(10, |_| "h".into(), |_| NOON_US);
    let recipe = Recipe::of(Layout::Logs);
    let order: Vec<RowRef> = (0..10).map(|row| (0, row)).collect();
    let error = encode_file(&device, &recipe, &[batch], &order).unwrap_err();
    assert!(matches!(WriteError::parquet(Path::new("f"), error), WriteError::DiskFull { .. }));
}
