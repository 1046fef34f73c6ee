//! Reads a table version from the Delta log.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use deltalake_core::DeltaTable;
use deltalake_core::kernel::LogicalFileView;
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::table::state::DeltaTableState;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use super::app_versions::{self, AppVersions};
use super::delta_schema::{READER_VERSION, WRITER_VERSION, check_columns};
use super::error::TableError;
use super::snapshot::{Committed, DataFile};
use super::statistics::FileStatistics;
use super::table_kind::TableKind;
use crate::record::arrow_schema::DATE;

/// The newest version, its positions included, and the version of the newest checkpoint.
///
/// Fails if the table was changed so that we cannot write to it.
pub(super) async fn load_newest(kind: TableKind, root: &Path, log: &LogStoreRef) -> Result<(Committed, Option<i64>), TableError> {
    let mut table = DeltaTable::new(log.clone());
    table.load().await.map_err(|error| TableError::log(kind, &error))?;
    let state = table.snapshot().map_err(|error| TableError::log(kind, &error))?;
    check_writable(kind, state)?;
    let version = state.version() as i64;
    let folder = root.join("_delta_log");
    let read = tokio::task::spawn_blocking(move || app_versions::read(&folder, version)).await;
    let AppVersions { positions, checkpoint } = read
        .map_err(|error| TableError::internal(kind, "reading the log", &error))?
        .map_err(|error| TableError::io(kind, "reading the Delta log", &error))?;
    let files = data_files(kind, root, state)?;
    Ok((Committed { version, files, positions }, checkpoint))
}

/// The files of an older version.
pub(super) async fn load_files_at(kind: TableKind, root: &Path, log: &LogStoreRef, version: i64) -> Result<Vec<Arc<DataFile>>, TableError> {
    let unreadable = |detail: String| TableError::Version { table: kind.name(), version, detail };
    let delta_version = u64::try_from(version).map_err(|_| unreadable("versions start at 0".to_owned()))?;
    let mut table = DeltaTable::new(log.clone());
    table.load_version(delta_version).await.map_err(|error| unreadable(error.to_string()))?;
    let state = table.snapshot().map_err(|error| unreadable(error.to_string()))?;
    if state.version() != delta_version {
        return Err(unreadable(format!("the log ends at version {}", state.version())));
    }
    data_files(kind, root, state)
}

fn check_writable(kind: TableKind, state: &DeltaTableState) -> Result<(), TableError> {
    let (reader, writer) = (state.protocol().min_reader_version(), state.protocol().min_writer_version());
    if reader > READER_VERSION || writer > WRITER_VERSION {
        let detail =
            format!("its protocol was raised to reader {reader} and writer {writer}; {READER_VERSION} and {WRITER_VERSION} are known");
        return Err(TableError::Unsupported { table: kind.name(), detail });
    }
    check_columns(kind, state.schema().as_ref())
}

fn data_files(kind: TableKind, root: &Path, state: &DeltaTableState) -> Result<Vec<Arc<DataFile>>, TableError> {
    let files = state.snapshot().try_log_data().map_err(|error| TableError::log(kind, &error))?;
    files.iter().map(|file| data_file(kind, root, &file)).collect()
}

fn data_file(kind: TableKind, root: &Path, file: &LogicalFileView) -> Result<Arc<DataFile>, TableError> {
    let path = file.path().into_owned();
    let broken = |detail: &str| TableError::Unsupported { table: kind.name(), detail: format!("its file `{path}` {detail}") };
    let day = match file.partition_values_map().remove(DATE).flatten() {
        Some(date) => Some(parse_day(&date).ok_or_else(|| broken(&format!("is in partition `{date}`, which is no date")))?),
        None => None,
    };
    let statistics = match file.stats() {
        Some(json) => FileStatistics::from_delta_json(&json),
        None => FileStatistics::default(),
    };
    let rows = match file.num_records() {
        Some(rows) => rows as u64,
        None => footer_rows(&root.join(&path)).ok_or_else(|| broken("has no row count and cannot be read"))?,
    };
    Ok(Arc::new(DataFile { size_bytes: file.size().max(0) as u64, rows, day, statistics, path }))
}

/// Row count of a file that another program wrote without statistics.
fn footer_rows(path: &Path) -> Option<u64> {
    let reader = SerializedFileReader::new(File::open(path).ok()?).ok()?;
    u64::try_from(reader.metadata().file_metadata().num_rows()).ok()
}

/// A partition's day as Delta writes dates: `2026-11-22`.
pub(super) fn day_text(day: i32) -> Option<String> {
    let date = jiff::civil::Date::constant(1970, 1, 1).checked_add(jiff::Span::new().try_days(day).ok()?).ok()?;
    Some(date.to_string())
}

fn parse_day(text: &str) -> Option<i32> {
    let date: jiff::civil::Date = text.parse().ok()?;
    Some(date.since(jiff::civil::Date::constant(1970, 1, 1)).ok()?.get_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_read_back() {
        for day in [-719_162, -1, 0, 1, 20_779, 100_000] {
            assert_eq!(parse_day(&day_text(day).unwrap()), Some(day));
        }
        assert_eq!(day_text(20_779).unwrap(), "2026-11-22");
        assert_eq!(day_text(i32::MAX), None);
        assert_eq!(parse_day("yesterday"), None);
    }
}
