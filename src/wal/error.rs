//! What can go wrong with the log.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why an entry was not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// No space for the log; nothing of the entry was kept.
    #[error("the write-ahead log cannot grow: its disk is full; free space on the disk of the data folder, then send again")]
    DiskFull,
    /// The log holds as much as it may that the tables do not have yet.
    #[error(
        "the write-ahead log holds {max_bytes} bytes that are not in the tables yet, its limit; \
         see why the tables fall behind, or raise wal.max_bytes"
    )]
    LogFull {
        /// The limit, in bytes.
        max_bytes: u64,
    },
    /// The entry does not fit a segment.
    #[error(
        "an entry of {bytes} bytes does not fit the write-ahead log, whose limit is {limit}; send less at a time or raise wal.segment_bytes"
    )]
    TooLarge {
        /// Size of the entry, in bytes.
        bytes: u64,
        /// The largest that fits, in bytes.
        limit: u64,
    },
    /// The shard was closed before the entry came.
    #[error("the write-ahead log is closed because the server is stopping; send again when it is back")]
    Closed,
    /// The log cannot say any more what is on disk; the entry may or may not come back at the next start.
    #[error("the write-ahead log failed and the server must be restarted: {0}; check the disk before that")]
    Fatal(Arc<str>),
}

/// Why a shard could not be opened. Its records are as they were, so that it can be tried again.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting is out of its range.
    #[error("the setting wal.{setting} is out of its range ({rule}); correct it in the configuration")]
    Config {
        /// Name of the setting.
        setting: &'static str,
        /// What is allowed.
        rule: &'static str,
    },
    /// Another process holds the folder.
    #[error("the write-ahead log in {} is in use by another process; stop that one, or give this one its own data folder", path.display())]
    InUse {
        /// Folder of the shard.
        path: PathBuf,
    },
    /// A segment is of a format that this version does not know.
    #[error(
        "the write-ahead log file {} has format {version}, which this version of Watchroom cannot read; \
         start the version that wrote it once to drain the log, then change versions",
        path.display()
    )]
    Version {
        /// The segment.
        path: PathBuf,
        /// Its format version.
        version: u32,
    },
    /// The file system refused.
    #[error("the write-ahead log in {} cannot be opened: {error}; check the folder's permissions and the disk", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

/// Why replay ended early. The records after this point were not read: do not release them.
#[derive(Debug, thiserror::Error)]
#[error(
    "the write-ahead log file {} cannot be read: {error}; check the disk; if it is beyond repair, move the file away to go on without it",
    path.display()
)]
pub struct ReplayError {
    /// The segment.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub error: io::Error,
}

/// Whether the error says that there is no room, which passes, rather than that something is broken.
pub(super) fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}
