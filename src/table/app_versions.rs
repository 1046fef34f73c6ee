//! Reads the application transactions of a Delta log: which position of which app id is part of the table.
//!
//! The Delta library tells the version of an app id by name, but not which app ids there are. So the actions are read
//! here: the column `txn` of the newest checkpoint, then the log entries after it (Delta protocol, sections "Transaction
//! Identifiers" and "Checkpoints").

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;

/// Positions as of a version, and the checkpoint they were read from.
#[derive(Debug, Default)]
pub(super) struct AppVersions {
    pub(super) positions: BTreeMap<Arc<str>, i64>,
    pub(super) checkpoint: Option<i64>,
}

#[derive(Deserialize)]
struct Action<'a> {
    #[serde(borrow)]
    txn: Option<Txn<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Txn<'a> {
    #[serde(borrow)]
    app_id: std::borrow::Cow<'a, str>,
    version: i64,
}

/// Reads the app versions as of `version` from the folder `_delta_log`.
pub(super) fn read(log: &Path, version: i64) -> io::Result<AppVersions> {
    let mut found = AppVersions::default();
    let first = match newest_checkpoint(log, version)? {
        Some((checkpoint, parts)) => {
            for part in parts {
                read_checkpoint(&part, &mut found.positions)?;
            }
            found.checkpoint = Some(checkpoint);
            checkpoint + 1
        }
        None => 0,
    };
    for entry in first..=version {
        read_entry(&log.join(format!("{entry:020}.json")), &mut found.positions)?;
    }
    Ok(found)
}

/// The files of the newest complete checkpoint up to `version`.
fn newest_checkpoint(log: &Path, version: i64) -> io::Result<Option<(i64, Vec<PathBuf>)>> {
    let mut complete = BTreeMap::<(i64, u32), Vec<PathBuf>>::new();
    for entry in std::fs::read_dir(log)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some((checkpoint, parts)) = checkpoint_name(name)
            && checkpoint <= version
        {
            complete.entry((checkpoint, parts)).or_default().push(path);
        }
    }
    complete.retain(|(_, parts), paths| paths.len() == *parts as usize);
    Ok(complete.pop_last().map(|((checkpoint, _), paths)| (checkpoint, paths)))
}

/// Version and number of parts of `<version>.checkpoint.parquet` and `<version>.checkpoint.<part>.<parts>.parquet`.
fn checkpoint_name(name: &str) -> Option<(i64, u32)> {
    let (version, rest) = name.strip_suffix(".parquet")?.split_once(".checkpoint")?;
    let version = version.parse().ok()?;
    let parts = match rest.strip_prefix('.') {
        None => 1,
        Some(numbers) => numbers.split_once('.')?.1.parse().ok()?,
    };
    Some((version, parts))
}

fn read_checkpoint(path: &Path, positions: &mut BTreeMap<Arc<str>, i64>) -> io::Result<()> {
    let invalid = |detail: String| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {detail}", path.display()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?).map_err(|e| invalid(e.to_string()))?;
    let columns = ProjectionMask::columns(builder.parquet_schema(), ["txn.appId", "txn.version"]);
    let reader = builder.with_projection(columns).build().map_err(|e| invalid(e.to_string()))?;
    for batch in reader {
        let batch = batch.map_err(|e| invalid(e.to_string()))?;
        take_transactions(&batch, positions).ok_or_else(|| invalid("its column `txn` is not as the protocol has it".to_owned()))?;
    }
    Ok(())
}

fn take_transactions(batch: &RecordBatch, positions: &mut BTreeMap<Arc<str>, i64>) -> Option<()> {
    // A checkpoint of a table without transactions may lack the column.
    let Some(column) = batch.column_by_name("txn") else { return Some(()) };
    let txn = column.as_struct_opt()?;
    let app_ids = cast(txn.column_by_name("appId")?, &DataType::Utf8).ok()?;
    let app_ids = app_ids.as_string_opt::<i32>()?;
    let versions = txn.column_by_name("version")?.as_primitive_opt::<Int64Type>()?;
    for row in (0..txn.len()).filter(|row| txn.is_valid(*row) && app_ids.is_valid(*row) && versions.is_valid(*row)) {
        positions.insert(app_ids.value(row).into(), versions.value(row));
    }
    Some(())
}

fn read_entry(path: &Path, positions: &mut BTreeMap<Arc<str>, i64>) -> io::Result<()> {
    let located = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    for line in BufReader::new(File::open(path).map_err(located)?).lines() {
        let line = line.map_err(located)?;
        // Most lines are files with long statistics; only those that can hold a transaction are parsed.
        if !line.contains("\"txn\"") {
            continue;
        }
        let action: Action<'_> = serde_json::from_str(&line).map_err(|error| located(error.into()))?;
        if let Some(txn) = action.txn {
            positions.insert(txn.app_id.as_ref().into(), txn.version);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_checkpoints() {
        assert_eq!(checkpoint_name("00000000000000000050.checkpoint.parquet"), Some((50, 1)));
        assert_eq!(checkpoint_name("00000000000000000050.checkpoint.0000000001.0000000002.parquet"), Some((50, 2)));
        assert_eq!(checkpoint_name("00000000000000000050.json"), None);
        assert_eq!(checkpoint_name("_last_checkpoint"), None);
    }

    #[test]
    fn the_last_entry_wins_and_other_actions_are_passed_over() {
        let log = tempfile::tempdir().unwrap();
        let entry = |version: i64, text: &str| std::fs::write(log.path().join(format!("{version:020}.json")), text).unwrap();
        entry(0, "{\"commitInfo\":{\"operation\":\"CREATE TABLE\",\"note\":\"\\\"txn\\\"\"}}\n");
        entry(1, "{\"txn\":{\"appId\":\"wal-0\",\"version\":4}}\n{\"txn\":{\"appId\":\"wal \\\"1\\\"\",\"version\":9,\"lastUpdated\":1}}");
        entry(2, "{\"txn\":{\"appId\":\"wal-0\",\"version\":7}}");
        let found = read(log.path(), 2).unwrap();
        assert_eq!(found.positions, BTreeMap::from([("wal-0".into(), 7), ("wal \"1\"".into(), 9)]));
        assert_eq!(found.checkpoint, None);
        assert_eq!(read(log.path(), 1).unwrap().positions["wal-0"], 4);
        assert!(read(log.path(), 3).is_err(), "an entry that should be there is missing");
    }
}
