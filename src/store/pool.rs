//! Connections to the SQLite file: one that writes, a few that read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};

use super::checkpoint::Commits;
use super::group_commit::{With, WriteLine};
use super::{StoreError, WriteTransaction, migrations};

/// Name of the database in the data folder.
pub const DESK_FILE: &str = "desk.sqlite";

/// How long a statement waits for a lock that another process holds, and a task for the writer: longer than any
/// transaction of ours, shorter than a person's patience.
pub(super) const WAIT: Duration = Duration::from_secs(10);

/// Readers at a time. A read takes well under a millisecond; more connections would only cost memory.
const READERS: u32 = 4;

/// Memory that a connection keeps pages in, KiB, as SQLite takes it (negative: not a number of pages). Without it, 2 MiB: the
/// words of a search over a million tickets alone are as many.
const CACHE_KIB: &str = "-16384";

/// The same of the one connection that writes: each change touches a dozen indexes, each at a place of its own.
const WRITER_CACHE_KIB: &str = "-65536";

/// Pages of the write-ahead file (128 MiB) after which a commit moves it into the database: where nobody does it beside the
/// writers (`checkpoint`), or they are faster.
const WAL_PAGES: &str = "32768";

/// What stays of the file when it is begun anew after it was longer.
const WAL_BYTES: &str = "134217728";

/// The open database. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    line: Arc<WriteLine>,
    readers: SqlitePool,
    /// How a connection that writes is made.
    writing: SqliteConnectOptions,
    path: PathBuf,
}

impl Store {
    /// Opens the file at `path`, makes it (mode 0600) if it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Open`] if the file cannot be made, [`StoreError::NewerSchema`] if a later program wrote it,
    /// [`StoreError::Corrupt`] if it is no database.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        make_private(path).map_err(|error| StoreError::Open { path: path.to_owned(), detail: error.to_string() })?;
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(WAIT).foreign_keys(true).pragma("cache_size", CACHE_KIB);
        let writing = options
            .clone()
            .pragma("cache_size", WRITER_CACHE_KIB)
            .pragma("wal_autocheckpoint", WAL_PAGES)
            .pragma("journal_size_limit", WAL_BYTES)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(3 * WAIT)
            .idle_timeout(None)
            // A file does not go away as a server does: asking before every use would only cost a turn of the connection's thread.
            .test_before_acquire(false)
            .max_lifetime(None)
            .connect_with(writing.clone())
            .await?;
        migrations::migrate(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(WAIT)
            .idle_timeout(None)
            // A file does not go away as a server does: asking before every use would only cost a turn of the connection's thread.
            .test_before_acquire(false)
            .max_lifetime(None)
            .connect_with(options.read_only(true))
            .await?;
        let line = WriteLine::new(writer.clone());
        Ok(Self { writer, line, readers, writing, path: path.to_owned() })
    }

    /// Takes the one place of a writer; waits while others have it. Dropped without `commit`, it leaves nothing.
    pub async fn write(&self) -> Result<WriteTransaction, StoreError> {
        self.line.begin(With::Nobody).await
    }

    /// The same for those who write often: several share a transaction, and with it the wait for the disk. Each sees what those
    /// before it wrote, so that nothing may be answered before `commit`, also if nothing was written.
    pub async fn write_with_others(&self) -> Result<WriteTransaction, StoreError> {
        self.line.begin(With::Others).await
    }

    /// Begins a read: every statement in it sees the same state of the database.
    pub async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.readers.begin().await?)
    }

    pub(super) fn line(&self) -> &Arc<WriteLine> {
        &self.line
    }

    pub(super) fn commits(&self) -> &Commits {
        self.line.commits()
    }

    pub(super) fn options(&self) -> &SqliteConnectOptions {
        &self.writing
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the connections; the last one moves the write-ahead file into the database.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

pub(super) fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::*;
    use crate::store::LATEST_SCHEMA;

    async fn count(store: &Store, sql: &'static str) -> i64 {
        let mut read = store.read().await.unwrap();
        sqlx::query(sql).fetch_one(&mut *read).await.unwrap().try_get(0).unwrap()
    }

    #[tokio::test]
    async fn opening_again_changes_nothing_and_keeps_what_was_committed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DESK_FILE);
        for _ in 0..3 {
            let store = Store::open(&path).await.unwrap();
            let mut write = store.write().await.unwrap();
            sqlx::query("UPDATE counters SET value = value + 1 WHERE name = 'ticket'").execute(&mut *write).await.unwrap();
            write.commit().await.unwrap();
            store.close().await;
        }
        let store = Store::open(&path).await.unwrap();
        assert_eq!(count(&store, "SELECT count(*) FROM _sqlx_migrations").await, LATEST_SCHEMA);
        assert_eq!(count(&store, "SELECT value FROM counters").await, 3);
        assert_eq!(count(&store, "SELECT count(*) FROM pragma_foreign_key_check").await, 0);
    }

    #[tokio::test]
    async fn the_settings_that_make_a_commit_durable_are_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        let mut write = store.write().await.unwrap();
        let synchronous: i64 = sqlx::query("PRAGMA synchronous").fetch_one(&mut *write).await.unwrap().try_get(0).unwrap();
        let journal: String = sqlx::query("PRAGMA journal_mode").fetch_one(&mut *write).await.unwrap().try_get(0).unwrap();
        let keys: i64 = sqlx::query("PRAGMA foreign_keys").fetch_one(&mut *write).await.unwrap().try_get(0).unwrap();
        assert_eq!((synchronous, journal.as_str(), keys), (2, "wal", 1));
    }

    #[tokio::test]
    async fn an_uncommitted_transaction_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        let mut write = store.write().await.unwrap();
        sqlx::query("UPDATE counters SET value = 99").execute(&mut *write).await.unwrap();
        drop(write);
        // The next writer waits for the rollback, so it sees the state before.
        let mut write = store.write().await.unwrap();
        let value: i64 = sqlx::query("SELECT value FROM counters").fetch_one(&mut *write).await.unwrap().try_get(0).unwrap();
        assert_eq!(value, 0);
    }

    #[tokio::test]
    async fn a_file_of_a_newer_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DESK_FILE);
        let store = Store::open(&path).await.unwrap();
        let mut write = store.write().await.unwrap();
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', 1, x'00', 0)",
        )
        .execute(&mut *write)
        .await
        .unwrap();
        write.commit().await.unwrap();
        store.close().await;
        let refused = Store::open(&path).await.unwrap_err();
        assert!(matches!(refused, StoreError::NewerSchema { found: 99, known: LATEST_SCHEMA }), "{refused}");
    }

    #[tokio::test]
    async fn damage_and_missing_folders_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DESK_FILE);
        std::fs::write(&path, b"This is no database at all, but it is long enough to look at. ".repeat(100)).unwrap();
        let damaged = Store::open(&path).await.unwrap_err();
        assert!(matches!(damaged, StoreError::Corrupt(_)), "{damaged}");
        let absent = Store::open(&folder.path().join("no/such/folder/desk.sqlite")).await.unwrap_err();
        assert!(matches!(absent, StoreError::Open { .. }), "{absent}");
    }

    #[tokio::test]
    async fn a_full_disk_is_said_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        let mut write = store.write().await.unwrap();
        // A page limit makes SQLite report SQLITE_FULL exactly as a full disk does.
        sqlx::query("PRAGMA max_page_count = 1").fetch_all(&mut *write).await.unwrap();
        let error =
            sqlx::query("INSERT INTO counters (name, value) VALUES (hex(zeroblob(200000)), 1)").execute(&mut *write).await.unwrap_err();
        assert!(matches!(StoreError::from(error), StoreError::DiskFull(_)));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DESK_FILE);
        Store::open(&path).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
