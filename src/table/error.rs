//! What can go wrong with a table.

use std::io;

use deltalake_core::DeltaTableError;

use super::parquet_writer::WriteError;
use super::table_kind::TableKind;

/// Why a table could not be opened, flushed or read. Appended rows are never lost by it: they stay visible in memory, and
/// the write-ahead log keeps them until a flush succeeds.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file system has no room for a data file or log entry.
    #[error("the disk under table `{table}` is full ({detail}); free space on it: the rows are kept and the next flush tries again")]
    DiskFull {
        /// The table's name.
        table: &'static str,
        /// What could not be written.
        detail: String,
    },
    /// A folder or file could not be read or written.
    #[error("a file of table `{table}` failed ({detail}); check the data folder's permissions and the disk's health")]
    Io {
        /// The table's name.
        table: &'static str,
        /// The operation, the path and the operating system's message.
        detail: String,
    },
    /// The data files of a flush could not be made.
    #[error(
        "rows of table `{table}` could not be written as Parquet ({detail}); the rows are kept: look for the cause in the log and report it"
    )]
    Write {
        /// The table's name.
        table: &'static str,
        /// The writer's message.
        detail: String,
    },
    /// The Delta log could not be read or extended.
    #[error("the Delta log of table `{table}` failed ({detail}); check the folder `_delta_log` of the table")]
    Log {
        /// The table's name.
        table: &'static str,
        /// The message of the Delta library or the operating system.
        detail: String,
    },
    /// Somebody changed the table so that this version cannot write to it.
    #[error(
        "table `{table}` cannot be used as it is ({detail}); undo the change with the program that made it, or move the folder away and let a new table be made"
    )]
    Unsupported {
        /// The table's name.
        table: &'static str,
        /// What is different.
        detail: String,
    },
    /// A commit may or may not have landed: the log could not be read back. The next flush settles it first.
    #[error(
        "it is not known whether the last commit of table `{table}` landed ({detail}); the rows are kept and the next flush settles it: check the disk's health"
    )]
    InDoubt {
        /// The table's name.
        table: &'static str,
        /// The message of the failed commit.
        detail: String,
    },
    /// A commit landed, but the folder of the log could not be synced, so it might not survive a power cut.
    #[error("the last commit of table `{table}` is not safely on disk ({detail}); its write-ahead log is kept: check the disk's health")]
    NotDurable {
        /// The table's name.
        table: &'static str,
        /// The operating system's message.
        detail: String,
    },
    /// Other programs committed to the table at every attempt.
    #[error(
        "table `{table}` is being changed by other programs all the time (gave up after {attempts} attempts); run such jobs less often"
    )]
    Contended {
        /// The table's name.
        table: &'static str,
        /// Commits tried.
        attempts: u32,
    },
    /// The version asked for is not in the Delta log, or not any more.
    #[error("version {version} of table `{table}` cannot be read ({detail}); it is newer than the table or older than the log's retention")]
    Version {
        /// The table's name.
        table: &'static str,
        /// The version asked for.
        version: i64,
        /// The Delta library's message.
        detail: String,
    },
}

impl TableError {
    pub(super) fn io(kind: TableKind, what: &str, error: &io::Error) -> Self {
        let (table, detail) = (kind.name(), format!("{what}: {error}"));
        if is_disk_full(error) { Self::DiskFull { table, detail } } else { Self::Io { table, detail } }
    }

    pub(super) fn log(kind: TableKind, error: &DeltaTableError) -> Self {
        let (table, detail) = (kind.name(), error.to_string());
        if caused_by_full_disk(error) { Self::DiskFull { table, detail } } else { Self::Log { table, detail } }
    }

    pub(super) fn write(kind: TableKind, error: &WriteError) -> Self {
        let (table, detail) = (kind.name(), error.to_string());
        match error {
            WriteError::DiskFull { .. } => Self::DiskFull { table, detail },
            _ => Self::Write { table, detail },
        }
    }

    pub(super) fn internal(kind: TableKind, what: &str, error: &tokio::task::JoinError) -> Self {
        Self::Io { table: kind.name(), detail: format!("BUG: {what} ended without a result: {error}") }
    }
}

/// Whether the file system or the quota is used up.
fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Looks for a full disk behind the layers of libraries that wrapped it.
fn caused_by_full_disk(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if current.downcast_ref::<io::Error>().is_some_and(is_disk_full) {
            return true;
        }
        cause = current.source();
    }
    false
}
