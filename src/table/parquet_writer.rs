//! From record batches to sorted Parquet files.
//!
//! Rows are sorted into one file a day ([`super::sort`]), every column is gathered in that order and encoded on its own,
//! and the chunks are put together. The files are ordinary Parquet: version 1 data pages, strings, UTC time stamps in µs,
//! maps as `key_value`, no Arrow schema in the metadata.
//!
//! # Why these encodings
//!
//! Chosen by size, on 600,000 lines of the benchmark's workload (202 bytes a line; `gzip -6` 39.3, `zstd -3` 34.2 over the
//! raw text), 10,000 events a second, and on a million samples of 1,000 series. Sizes repeat exactly. CPU time does not:
//! the machine was shared and the same code differed by a third between runs, so no choice below rests on a smaller
//! difference in time. Each row changes one thing of a first recipe (host-app-time, zstd 1, pages of 1 MiB or 16,384 rows,
//! one row group, dictionaries for all text but the message), in bytes a row:
//!
//! | sorted by | zstd 1 | zstd 3 | zstd 6 | at 231 events a second, zstd 1 |
//! |---|---|---|---|---|
//! | host, app, time (chosen) | 23.54 | 23.78 | 21.53 | 24.61 |
//! | app, host, time | 23.14 | 23.37 | 21.16 | 24.22 |
//! | host, time | 26.03 | | | |
//! | time | 31.68 | 30.20 | 27.99 | 32.44 |
//!
//! The program first saves 1.7 %, but scatters a host over the whole file, and the last events of one host are asked for
//! all day. Level 6 costs 2.2 to 2.6 CPU seconds a million rows and is for compaction; level 3 is larger than 1 here.
//!
//! | message, zstd 1 | bytes | | page size, zstd 1, no limit of rows | bytes |
//! |---|---|---|---|---|
//! | plain (chosen) | 23.54 | | 256 KiB, 512 KiB | 23.78, 23.58 |
//! | delta length | 23.57 | | 1 MiB (chosen) | 23.55 |
//! | delta bytes | 24.02 | | 2 MiB, 4 MiB | 23.50, 23.46 |
//!
//! | column alone | dictionary | plain | delta | byte stream split |
//! |---|---|---|---|---|
//! | `pid` | 1.550 | 1.244 | 1.021 (length, chosen) | |
//! | `attributes` value | 0.590 | 0.476 | 0.441 (length, chosen) | |
//! | `timestamp` | 1.881 | 1.425 | 1.193 (binary packed, chosen) | 1.381 |
//! | `received_at` | 0.068 (chosen) | 0.099 | 0.144 | 0.187 |
//! | `severity` | 0.080 (chosen) | 0.127 | 0.118 | |
//!
//! Pages of 8,192 rows cost 0.05 bytes against 16,384, and row groups of 2^18 rows 0.06 against one: both are taken, for
//! finer pruning and so that two cores can read one file. Altogether 22.87 bytes, of which the message has 19.94,
//! `timestamp` 1.20, `pid` 1.02 and `attributes` 0.46.
//!
//! | samples, zstd 1, pages of 16,384 rows | bytes a sample |
//! |---|---|
//! | `value` plain (chosen), byte stream split, dictionary | 2.05, 2.37, 2.40 |
//! | `timestamp` dictionary (chosen), delta, byte stream split, plain | 0.41, 0.74, 0.62, 1.16 |
//! | all, chosen; with pages of 8,192 and 32,768 rows | 2.47; 2.76, 2.27 |
//!
//! `interleave` against concatenate-and-take was not decided: three of six paired rounds each. The former needs no
//! second copy of the columns.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, RecordBatch, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;
use uuid::Uuid;

use super::sort::{FileRows, RowRef, SortOrder, sort_into_files};
use super::statistics::{ColumnRange, FileStatistics, TEXT_LIMIT, Value};
use crate::record::arrow_schema::{CAPACITY_DAYS, DATE, LOGS, SAMPLES, SERIES};

/// How a table's files are sorted and encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// The table `logs`: one file a day.
    Logs,
    /// The table `series`: one file.
    Series,
    /// The table `samples`: one file a day.
    Samples,
    /// The table `capacity_days`: one file.
    CapacityDays,
}

/// A file that was written and synced to disk.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenFile {
    /// Path relative to the table's root: `date=2026-11-22/<uuid>.zstd.parquet`.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Number of rows.
    pub rows: u64,
    /// The partition, in days since 1970-01-01 UTC; `None` in tables that are not partitioned.
    pub day: Option<i32>,
    /// Range of each column.
    pub statistics: FileStatistics,
}

/// Why no files were written. What was begun has been removed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file system has no room.
    #[error("the disk is full ({path}: {source}); free space on it, then write again")]
    DiskFull {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's message.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("a data file could not be written ({path}: {source}); check the folder's permissions and the disk's health")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's message.
        source: io::Error,
    },
    /// The batches do not have the table's columns, or hold more than a file can.
    #[error("the rows do not fit the table ({0}); they were made for another table or by another version")]
    Rows(#[from] ArrowError),
    /// The Parquet encoder failed.
    #[error("the rows could not be encoded as Parquet ({0}); report this with the log of the time")]
    Encode(ParquetError),
}

impl WriteError {
    fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path, source },
            _ => Self::Io { path, source },
        }
    }

    /// An error of the Parquet writer while it wrote to `path`.
    fn parquet(path: &Path, error: ParquetError) -> Self {
        match error {
            ParquetError::External(cause) => match cause.downcast::<io::Error>() {
                Ok(source) => Self::io(path, *source),
                Err(cause) => Self::Encode(ParquetError::External(cause)),
            },
            other => Self::Encode(other),
        }
    }
}

/// How a column is encoded.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ColumnRecipe {
    /// Path of the leaf in the file.
    leaf: &'static str,
    /// Values as numbers of a dictionary, until that outgrows its page.
    dictionary: bool,
    /// Encoding without or after the dictionary.
    encoding: Encoding,
    statistics: EnabledStatistics,
}

/// How a table's files are made.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    schema: SchemaRef,
    order: SortOrder,
    partitioned: bool,
    columns: Vec<ColumnRecipe>,
    zstd_level: i32,
    /// A data page is closed at this many encoded bytes...
    page_bytes: usize,
    /// ... or this many rows.
    page_rows: usize,
    row_group_rows: usize,
}

const fn dictionary(leaf: &'static str, statistics: EnabledStatistics) -> ColumnRecipe {
    ColumnRecipe { leaf, dictionary: true, encoding: Encoding::PLAIN, statistics }
}

const fn direct(leaf: &'static str, encoding: Encoding, statistics: EnabledStatistics) -> ColumnRecipe {
    ColumnRecipe { leaf, dictionary: false, encoding, statistics }
}

/// Time stamps that many rows share, until there are too many for a dictionary.
const fn few_times(leaf: &'static str, statistics: EnabledStatistics) -> ColumnRecipe {
    ColumnRecipe { leaf, dictionary: true, encoding: Encoding::DELTA_BINARY_PACKED, statistics }
}

impl Recipe {
    pub(super) fn of(layout: Layout) -> Self {
        use EnabledStatistics::{Chunk, None as Unmeasured, Page};
        match layout {
            Layout::Logs => Self {
                schema: LOGS.clone(),
                order: SortOrder { groups: &["host", "app"], time: "timestamp" },
                partitioned: true,
                columns: vec![
                    direct("timestamp", Encoding::DELTA_BINARY_PACKED, Page),
                    few_times("received_at", Chunk),
                    dictionary("host", Page),
                    dictionary("app", Page),
                    dictionary("severity", Page),
                    dictionary("facility", Chunk),
                    direct("pid", Encoding::DELTA_LENGTH_BYTE_ARRAY, Unmeasured),
                    dictionary("msgid", Page),
                    direct("message", Encoding::PLAIN, Unmeasured),
                    dictionary("attributes.key_value.key", Unmeasured),
                    direct("attributes.key_value.value", Encoding::DELTA_LENGTH_BYTE_ARRAY, Unmeasured),
                    dictionary("source", Chunk),
                    dictionary("peer", Chunk),
                    dictionary("template_id", Chunk),
                    dictionary("parse_error", Chunk),
                    direct("raw", Encoding::PLAIN, Unmeasured),
                ],
                // See the tables at the top of this file for each of these numbers.
                zstd_level: 1,
                page_bytes: 1 << 20,
                page_rows: 8_192,
                row_group_rows: 1 << 18,
            },
            Layout::Series => Self {
                schema: SERIES.clone(),
                order: SortOrder { groups: &["name", "host"], time: "first_seen" },
                partitioned: false,
                columns: vec![
                    direct("series_id", Encoding::PLAIN, Chunk),
                    dictionary("name", Page),
                    dictionary("host", Page),
                    dictionary("labels.key_value.key", Unmeasured),
                    dictionary("labels.key_value.value", Unmeasured),
                    dictionary("kind", Chunk),
                    dictionary("unit", Chunk),
                    direct("first_seen", Encoding::DELTA_BINARY_PACKED, Chunk),
                ],
                zstd_level: 3,
                page_bytes: 1 << 20,
                page_rows: 16_384,
                row_group_rows: 1 << 20,
            },
            Layout::Samples => Self {
                schema: SAMPLES.clone(),
                order: SortOrder { groups: &["series_id"], time: "timestamp" },
                partitioned: true,
                columns: vec![dictionary("series_id", Page), few_times("timestamp", Page), direct("value", Encoding::PLAIN, Unmeasured)],
                zstd_level: 1,
                page_bytes: 1 << 20,
                page_rows: 16_384,
                row_group_rows: 1 << 20,
            },
            Layout::CapacityDays => Self::capacity_days(),
        }
    }

    fn capacity_days() -> Self {
        use EnabledStatistics::{None as Unmeasured, Page};
        Self {
            schema: CAPACITY_DAYS.clone(),
            order: SortOrder { groups: &["question", "resource"], time: "day" },
            partitioned: false,
            columns: vec![
                dictionary("question", Page),
                dictionary("resource", Page),
                dictionary("entity.key_value.key", Unmeasured),
                dictionary("entity.key_value.value", Unmeasured),
                few_times("day", Page),
                direct("p50", Encoding::PLAIN, Unmeasured),
                direct("p95", Encoding::PLAIN, Unmeasured),
                direct("max", Encoding::PLAIN, Unmeasured),
                direct("last", Encoding::PLAIN, Unmeasured),
                direct("busy_hour", Encoding::PLAIN, Unmeasured),
                dictionary("limit_value", Unmeasured),
                dictionary("servers", Unmeasured),
                dictionary("samples", Unmeasured),
            ],
            // Written once a day and read for years.
            zstd_level: 3,
            page_bytes: 1 << 20,
            page_rows: 16_384,
            row_group_rows: 1 << 20,
        }
    }

    fn properties(&self) -> Result<WriterProperties, ParquetError> {
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("watchroom version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(self.zstd_level)?))
            .set_data_page_size_limit(self.page_bytes)
            .set_data_page_row_count_limit(self.page_rows)
            .set_max_row_group_row_count(Some(self.row_group_rows))
            .set_statistics_truncate_length(Some(TEXT_LIMIT))
            .set_column_index_truncate_length(Some(TEXT_LIMIT))
            .set_sorting_columns(Some(self.sorting_columns()));
        for column in &self.columns {
            let path = ColumnPath::from(column.leaf.split('.').map(String::from).collect::<Vec<_>>());
            properties = properties
                .set_column_dictionary_enabled(path.clone(), column.dictionary)
                .set_column_encoding(path.clone(), column.encoding)
                .set_column_statistics_enabled(path, column.statistics);
        }
        Ok(properties.build())
    }

    /// The order of the rows, as numbers of leaf columns, for readers that make use of it.
    fn sorting_columns(&self) -> Vec<SortingColumn> {
        let names = self.order.groups.iter().chain([&self.order.time]);
        let leaf = |name: &str| self.columns.iter().position(|column| column.leaf == name);
        names
            .filter_map(|name| leaf(name))
            .map(|leaf| SortingColumn { column_idx: leaf as i32, descending: false, nulls_first: true })
            .collect()
    }
}

/// Writes the rows of `batches` as Parquet files below `root`, one for each day they fall on, each sorted in itself.
///
/// Blocks the thread; columns are encoded on the current rayon pool. When it returns, the files and the folders they
/// stand in are synced to disk. On an error nothing is left behind. No rows, no files.
///
/// # Errors
/// See [`WriteError`]; a full disk is told apart.
pub fn write_parquet(root: &Path, layout: Layout, batches: &[RecordBatch]) -> Result<Vec<WrittenFile>, WriteError> {
    write_with(root, &Recipe::of(layout), batches)
}

pub(super) fn write_with(root: &Path, recipe: &Recipe, batches: &[RecordBatch]) -> Result<Vec<WrittenFile>, WriteError> {
    for batch in batches {
        if batch.schema_ref().fields() != recipe.schema.fields() {
            return Err(ArrowError::SchemaError("its columns are not those of the table".into()).into());
        }
    }
    let batches: Vec<RecordBatch> = batches.iter().filter(|batch| batch.num_rows() > 0).cloned().collect();
    if batches.is_empty() {
        return Ok(Vec::new());
    }
    let mut unfinished = Unfinished::default();
    let mut written = Vec::new();
    for file in sort_into_files(&batches, recipe.order, recipe.partitioned)? {
        written.push(write_file(root, recipe, &batches, &file, &mut unfinished)?);
    }
    unfinished.files.clear();
    Ok(written)
}

/// Files that are removed again unless the whole write succeeds.
#[derive(Debug, Default)]
struct Unfinished {
    files: Vec<PathBuf>,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for file in &self.files {
            // What cannot be removed is no part of the table and is swept with other orphans.
            let _ = fs::remove_file(file);
        }
    }
}

fn write_file(
    root: &Path,
    recipe: &Recipe,
    batches: &[RecordBatch],
    file: &FileRows,
    unfinished: &mut Unfinished,
) -> Result<WrittenFile, WriteError> {
    let (folder_name, folder) = match file.day {
        Some(day) => {
            let name = format!("{DATE}={}", day_text(day)?);
            let folder = root.join(&name);
            (Some(name), folder)
        }
        None => (None, root.to_path_buf()),
    };
    make_folder(root, &folder)?;
    let name = format!("{}.zstd.parquet", Uuid::new_v4());
    // Readers of Delta tables and data lakes pass over names that begin with a point.
    let temporary = folder.join(format!(".{name}.tmp"));
    unfinished.files.push(temporary.clone());
    let target = File::create_new(&temporary).map_err(|error| WriteError::io(&temporary, error))?;
    let statistics = encode_file(&target, recipe, batches, &file.rows).map_err(|error| WriteError::parquet(&temporary, error))?;
    target.sync_all().map_err(|error| WriteError::io(&temporary, error))?;
    let size_bytes = target.metadata().map_err(|error| WriteError::io(&temporary, error))?.len();

    let path = folder.join(&name);
    fs::rename(&temporary, &path).map_err(|error| WriteError::io(&path, error))?;
    unfinished.files.push(path);
    sync_folder(&folder)?;
    let path = folder_name.map_or_else(|| name.clone(), |folder| format!("{folder}/{name}"));
    Ok(WrittenFile { path, size_bytes, rows: file.rows.len() as u64, day: file.day, statistics })
}

/// The text of a partition value, `2026-11-22`.
fn day_text(day: i32) -> Result<String, ArrowError> {
    let out_of_range = |_| ArrowError::InvalidArgumentError(format!("day {day} after 1970 has no date"));
    let date = jiff::civil::Date::constant(1970, 1, 1).checked_add(jiff::Span::new().try_days(day).map_err(out_of_range)?);
    Ok(date.map_err(out_of_range)?.to_string())
}

fn make_folder(root: &Path, folder: &Path) -> Result<(), WriteError> {
    match fs::create_dir(folder) {
        Ok(()) => sync_folder(root),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(WriteError::io(folder, error)),
    }
}

fn sync_folder(folder: &Path) -> Result<(), WriteError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| WriteError::io(folder, error))
}

/// A column's share of a row group, encoded and compressed.
struct EncodedColumn {
    /// One chunk a leaf: a map has two.
    chunks: Vec<ArrowColumnChunk>,
    range: ColumnRange,
}

/// Writes the rows as a Parquet file into `target`.
///
/// All columns of all row groups are encoded in parallel and kept, compressed, until the file is put together.
fn encode_file(target: &File, recipe: &Recipe, batches: &[RecordBatch], rows: &[RowRef]) -> Result<FileStatistics, ParquetError> {
    let parquet_schema = ArrowSchemaConverter::new().convert(&recipe.schema)?;
    let properties = Arc::new(recipe.properties()?);
    let mut writer = SerializedFileWriter::new(target, parquet_schema.root_schema_ptr(), properties)?;
    let factory = ArrowRowGroupWriterFactory::new(&writer, recipe.schema.clone());

    let groups: Vec<&[RowRef]> = rows.chunks(recipe.row_group_rows).collect();
    let mut tasks = Vec::new();
    for (number, rows) in groups.iter().enumerate() {
        let mut leaves = factory.create_column_writers(number)?.into_iter();
        for (column, field) in recipe.schema.fields().iter().enumerate() {
            let writers: Vec<ArrowColumnWriter> = leaves.by_ref().take(leaf_count(field.data_type())).collect();
            tasks.push((*rows, column, writers));
        }
    }
    let encoded: Vec<EncodedColumn> = tasks
        .into_par_iter()
        .with_max_len(1)
        .map(|(rows, column, writers)| encode_column(recipe, batches, rows, column, writers))
        .collect::<Result<_, _>>()?;

    let mut statistics = FileStatistics::default();
    let mut encoded = encoded.into_iter();
    let mut rows_so_far = 0;
    for rows in groups {
        let mut group = writer.next_row_group()?;
        for (field, column) in recipe.schema.fields().iter().zip(encoded.by_ref()) {
            let range = statistics.columns.entry(field.name().clone()).or_default();
            range.merge(rows_so_far, column.range, rows.len() as u64);
            for chunk in column.chunks {
                chunk.append_to_row_group(&mut group)?;
            }
        }
        group.close()?;
        rows_so_far += rows.len() as u64;
    }
    // Not `into_inner`: it would turn a full disk into a text.
    writer.close()?;
    Ok(statistics)
}

/// Leaves of a column in the file.
fn leaf_count(data_type: &DataType) -> usize {
    match data_type {
        DataType::Map(..) => 2,
        _ => 1,
    }
}

fn encode_column(
    recipe: &Recipe,
    batches: &[RecordBatch],
    rows: &[RowRef],
    column: usize,
    writers: Vec<ArrowColumnWriter>,
) -> Result<EncodedColumn, ParquetError> {
    let field = recipe.schema.field(column);
    let values = gather(field, batches, rows, column)?;
    let mut chunks = Vec::with_capacity(writers.len());
    for (leaf, mut writer) in compute_leaves(field, &values)?.iter().zip(writers) {
        writer.write(leaf)?;
        chunks.push(writer.close()?);
    }
    let statistics = chunks.first().and_then(|chunk| chunk.close().metadata.statistics());
    let mut range = ColumnRange::of_chunk(field.data_type(), statistics, values.null_count() as u64);
    if let Some(floats) = values.as_any().downcast_ref::<Float64Array>() {
        (range.min, range.max) = float_range(floats.values());
    }
    Ok(EncodedColumn { chunks, range })
}

/// The column's values in the order of `rows`. Text is not copied: views are.
fn gather(field: &Field, batches: &[RecordBatch], rows: &[RowRef], column: usize) -> Result<ArrayRef, ArrowError> {
    let sources: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(column).as_ref()).collect();
    if sources.iter().all(|source| source.null_count() == source.len()) {
        return Ok(new_null_array(field.data_type(), rows.len()));
    }
    interleave(&sources, rows)
}

/// Least and greatest value; none if there is a NaN among them.
fn float_range(values: &[f64]) -> (Option<Value>, Option<Value>) {
    let (mut min, mut max, mut nan) = (f64::INFINITY, f64::NEG_INFINITY, values.is_empty());
    for value in values {
        min = min.min(*value);
        max = max.max(*value);
        nan |= value.is_nan();
    }
    if nan { (None, None) } else { (Some(Value::Float(min)), Some(Value::Float(max))) }
}

#[cfg(test)]
#[path = "parquet_writer_tests.rs"]
mod tests;
