//! What can go wrong with the store, told apart by what to do about it.

use std::path::PathBuf;

/// Why the store could not do what was asked. A transaction that failed left nothing behind.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The disk has no room for the change.
    #[error("the desk's database cannot take the change: its disk is full ({0}); free space there, then try again")]
    DiskFull(String),
    /// Another program holds the database, or the writer did not come free in time.
    #[error("the desk's database is busy ({0}); try again, and see that no other program holds desk.sqlite open for writing")]
    Busy(String),
    /// The file is damaged or is not a database.
    #[error(
        "the desk's database is damaged ({0}); stop Watchroom, keep a copy of desk.sqlite and its -wal file, and restore the last backup"
    )]
    Corrupt(String),
    /// The file was written by a later version of this program.
    #[error(
        "the desk's database has schema version {found}, and this program knows versions up to {known}; start the newer program that wrote it, or restore a backup from before the upgrade"
    )]
    NewerSchema {
        /// The highest version found in the file.
        found: i64,
        /// The highest version that this program knows.
        known: i64,
    },
    /// A migration that was applied is not the one that this program carries.
    #[error(
        "the desk's database was set up with another text of schema version {version}; start the program that made it, or restore a backup made by this one"
    )]
    ChangedMigration {
        /// The version whose checksum differs.
        version: i64,
    },
    /// The file cannot be opened or made.
    #[error("the desk's database {path} cannot be opened ({detail}); see that the folder exists and that this user may write in it")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// A stored value cannot be read as what its column holds.
    #[error("the desk's database holds a value that cannot be read ({0}); another program has changed the file: restore the last backup")]
    Unreadable(String),
    /// Anything else that SQLite reports.
    #[error("the desk's database reported an error ({0}); nothing was changed: try again, and report it if it stays")]
    Other(String),
}

/// SQLite's primary result codes that a person can do something about (<https://www.sqlite.org/rescode.html>).
mod code {
    pub(super) const BUSY: i64 = 5;
    pub(super) const LOCKED: i64 = 6;
    pub(super) const CORRUPT: i64 = 11;
    pub(super) const FULL: i64 = 13;
    pub(super) const CANTOPEN: i64 = 14;
    pub(super) const NOTADB: i64 = 26;
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let detail = error.to_string();
        match &error {
            sqlx::Error::PoolTimedOut => Self::Busy(detail),
            sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => Self::DiskFull(detail),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Unreadable(detail),
            sqlx::Error::Database(reported) => {
                let extended = reported.code().and_then(|code| code.parse::<i64>().ok()).unwrap_or(0);
                // The low byte of an extended code is the primary one.
                match extended & 0xff {
                    code::BUSY | code::LOCKED => Self::Busy(detail),
                    code::FULL => Self::DiskFull(detail),
                    code::CORRUPT | code::NOTADB => Self::Corrupt(detail),
                    code::CANTOPEN => Self::Other(format!("the file cannot be opened: {detail}")),
                    _ => Self::Other(detail),
                }
            }
            _ => Self::Other(detail),
        }
    }
}
