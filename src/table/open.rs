//! Opens a table: makes it where it is missing, and clears away what an ended process left behind.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use deltalake_core::logstore::{LogStoreRef, StorageConfig, logstore_with};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::SaveMode;
use url::Url;

use super::config::Config;
use super::delta_schema::delta_fields;
use super::error::TableError;
use super::log_replay::load_newest;
use super::snapshot::{Committed, DataFile};
use super::synced_store::{SyncedStore, is_temporary, sync_folder};
use super::table_kind::TableKind;
use crate::record::arrow_schema::DATE;

/// End of the names of our data files, after a UUID of 36 characters.
const DATA_FILE_SUFFIX: &str = ".zstd.parquet";
const UUID_LENGTH: usize = 36;

/// What is needed to work with an open table.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) root: PathBuf,
    pub(super) log: LogStoreRef,
    #[cfg(test)]
    pub(super) store: Arc<SyncedStore>,
    pub(super) committed: Committed,
    pub(super) checkpoint: Option<i64>,
}

pub(super) async fn open(kind: TableKind, root: &Path, config: &Config) -> Result<Opened, TableError> {
    let folder = root.to_owned();
    let root = blocking(kind, "preparing the table's folder", move || prepare_folder(&folder)).await?;
    let url = Url::from_directory_path(&root)
        .map_err(|()| TableError::Io { table: kind.name(), detail: format!("{} cannot be written as a URL", root.display()) })?;
    let store = Arc::new(SyncedStore::new());
    let log = logstore_with(store.clone(), &url, StorageConfig::default()).map_err(|error| TableError::log(kind, &error))?;
    if !log.is_delta_table_location().await.map_err(|error| TableError::log(kind, &error))? {
        create(kind, config, &log).await?;
    }
    let (committed, checkpoint) = load_newest(kind, &root, &log).await?;
    let (folder, files) = (root.clone(), committed.files.clone());
    let removed = blocking(kind, "removing orphaned files", move || remove_orphans(&folder, &files)).await?;
    if removed > 0 {
        tracing::info!(
            table = kind.name(),
            files = removed,
            "removed data files whose commit never came: their rows come again from the write-ahead log"
        );
    }
    Ok(Opened {
        root,
        log,
        #[cfg(test)]
        store,
        committed,
        checkpoint,
    })
}

async fn blocking<T: Send + 'static>(
    kind: TableKind,
    what: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, TableError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| TableError::internal(kind, what, &error))?;
    done.map_err(|error| TableError::io(kind, what, &error))
}

/// Makes the folders, removes temporary files of the log, and returns the root as an absolute path.
fn prepare_folder(root: &Path) -> io::Result<PathBuf> {
    let log = root.join("_delta_log");
    fs::create_dir_all(&log)?;
    for folder in log.ancestors().skip(1).take(3) {
        // A folder above that may be entered but not read needs no sync by us: it is not new.
        if let Err(error) = sync_folder(folder)
            && folder.starts_with(root)
        {
            return Err(error);
        }
    }
    for entry in fs::read_dir(&log)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_temporary) {
            fs::remove_file(entry.path())?;
        }
    }
    fs::canonicalize(root)
}

async fn create(kind: TableKind, config: &Config, log: &LogStoreRef) -> Result<(), TableError> {
    let properties = [
        ("delta.dataSkippingStatsColumns", kind.statistics_columns().to_owned()),
        ("delta.checkpointInterval", config.checkpoint_interval.max(1).to_string()),
        ("delta.logRetentionDuration", format!("interval {} days", config.log_retention_days)),
    ];
    let builder = CreateBuilder::new()
        .with_log_store(log.clone())
        .with_table_name(kind.name())
        .with_comment(kind.description())
        .with_columns(delta_fields(kind)?)
        .with_configuration(properties.map(|(key, value)| (key, Some(value))))
        .with_save_mode(SaveMode::Ignore);
    let builder = if kind.partitioned() { builder.with_partition_columns([DATE]) } else { builder };
    builder.await.map_err(|error| TableError::log(kind, &error))?;
    Ok(())
}

/// Removes data files of ours that were begun, or written after the last commit, and so never became part of the table.
///
/// Three conditions keep this away from everything else: the name is one of ours (other programs that optimise the table
/// at this moment name theirs differently), the table does not hold the file, and it is newer than the newest log entry
/// (a file that was part of an older version is older than the entry that took it out).
fn remove_orphans(root: &Path, files: &[Arc<DataFile>]) -> io::Result<usize> {
    let Some(last_commit) = newest_entry(&root.join("_delta_log"))? else { return Ok(0) };
    let live: HashSet<PathBuf> = files.iter().map(|file| root.join(&file.path)).collect();
    let mut removed = 0;
    for folder in data_folders(root)? {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_str().unwrap_or_default();
            let begun = is_unfinished_data_file(name);
            let finished = is_data_file(name) && !live.contains(&entry.path()) && entry.metadata()?.modified()? > last_commit;
            if begun || finished {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

fn newest_entry(log: &Path) -> io::Result<Option<SystemTime>> {
    let mut newest = None;
    for entry in fs::read_dir(log)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") && newest.as_ref().is_none_or(|n| *n < path) {
            newest = Some(path);
        }
    }
    newest.map(|path| fs::metadata(path)?.modified()).transpose()
}

/// The root and its partitions.
fn data_folders(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = vec![root.to_owned()];
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let partition = entry.file_name().to_str().is_some_and(|name| name.starts_with("date="));
        if partition && entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

/// The Parquet writer gives a file its name when it is complete.
fn is_unfinished_data_file(name: &str) -> bool {
    name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp")).is_some_and(is_data_file)
}

fn is_data_file(name: &str) -> bool {
    name.strip_suffix(DATA_FILE_SUFFIX).is_some_and(|stem| stem.len() == UUID_LENGTH && uuid::Uuid::try_parse(stem).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_orphans() {
        assert!(is_data_file("6d1f2a34-0b1c-4d5e-8f90-123456789abc.zstd.parquet"));
        assert!(!is_data_file("part-00000-6d1f2a34-0b1c-4d5e-8f90-123456789abc-c000.zstd.parquet"));
        assert!(!is_data_file("6d1f2a34-0b1c-4d5e-8f90-123456789abc.snappy.parquet"));
        assert!(!is_data_file("notes.zstd.parquet"));
        assert!(is_unfinished_data_file(".6d1f2a34-0b1c-4d5e-8f90-123456789abc.zstd.parquet.tmp"));
        assert!(!is_unfinished_data_file(".notes.tmp"));
    }
}
