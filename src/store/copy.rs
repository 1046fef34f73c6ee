//! A copy of the database as of one moment, and whether a database is whole.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use super::pool::make_private;
use super::{Store, StoreError};

/// Complaints of SQLite about a database that are kept: the first ones say what is to be known.
const MAX_COMPLAINTS: i64 = 20;

/// Writes a copy of the database at `from` into the new file `to` (mode 0600) and gives the version of its schema.
///
/// The copy is of one moment and holds every transaction that was committed before it, whether or not programs have the file
/// open, also one that was killed. The source is only read: it may be of another version of this program. The copy is not
/// synced.
///
/// # Errors
/// [`StoreError::Open`] if either file cannot be opened, [`StoreError::DiskFull`] if the copy does not fit.
pub async fn copy_database(from: &Path, to: &Path) -> Result<i64, StoreError> {
    let cannot_write = |error: std::io::Error| StoreError::Open { path: to.to_owned(), detail: error.to_string() };
    let target = to.to_str().ok_or_else(|| cannot_write(std::io::Error::other("its name is not UTF-8")))?;
    let mut source = open_to_read(from).await?;
    let version = schema_of(&mut source).await?;
    // SQLite would make the file readable by everybody; it takes an empty one that is there.
    make_private(to).map_err(cannot_write)?;
    sqlx::query("VACUUM INTO ?1").bind(target).execute(&mut source).await?;
    source.close().await?;
    Ok(version)
}

/// SHA-256 and size of every attached file that the database at `path` names, in the order of the hashes.
///
/// # Errors
/// Those of reading; a schema from before attachments has none.
pub async fn attached_files(path: &Path) -> Result<Vec<(String, u64)>, StoreError> {
    let mut read = open_to_read(path).await?;
    let mut files = Vec::new();
    if sqlx::query("SELECT 1 FROM sqlite_master WHERE name = 'attachments'").fetch_optional(&mut read).await?.is_some() {
        for row in sqlx::query("SELECT sha256, max(bytes) FROM attachments GROUP BY sha256 ORDER BY sha256").fetch_all(&mut read).await? {
            files.push((row.try_get(0)?, u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or(0)));
        }
    }
    read.close().await?;
    Ok(files)
}

impl Store {
    /// What SQLite finds wrong with the database: its pages, its indexes, rows that refer to nothing. Empty if it is whole.
    pub async fn complaints(&self) -> Result<Vec<String>, StoreError> {
        let mut read = self.read().await?;
        let pages: Vec<String> = sqlx::query_scalar("SELECT integrity_check FROM pragma_integrity_check LIMIT ?1")
            .bind(MAX_COMPLAINTS)
            .fetch_all(&mut *read)
            .await?;
        let dangling: Vec<String> = sqlx::query_scalar(
            "SELECT 'a row of ' || \"table\" || ' refers to a row of ' || parent || ' that is not there' FROM pragma_foreign_key_check LIMIT ?1",
        )
        .bind(MAX_COMPLAINTS)
        .fetch_all(&mut *read)
        .await?;
        Ok(pages.into_iter().filter(|line| line != "ok").chain(dangling).collect())
    }
}

async fn open_to_read(path: &Path) -> Result<SqliteConnection, StoreError> {
    let cannot = |error: &dyn std::fmt::Display| StoreError::Open { path: path.to_owned(), detail: error.to_string() };
    // SQLite says of a missing file only that it cannot be opened.
    std::fs::metadata(path).map_err(|error| cannot(&error))?;
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(super::pool::WAIT);
    options.connect().await.map_err(|error| match StoreError::from(error) {
        StoreError::Other(detail) => cannot(&detail),
        known => known,
    })
}

/// 0 for a database that no migration has touched.
async fn schema_of(read: &mut SqliteConnection) -> Result<i64, StoreError> {
    let marked = sqlx::query("SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations'").fetch_optional(&mut *read).await?;
    if marked.is_none() {
        return Ok(0);
    }
    Ok(sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations").fetch_one(read).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DESK_FILE, LATEST_SCHEMA};

    async fn raise_counter(store: &Store) {
        let mut write = store.write().await.unwrap();
        sqlx::query("UPDATE counters SET value = value + 1").execute(&mut *write).await.unwrap();
        write.commit().await.unwrap();
    }

    async fn counter(store: &Store) -> i64 {
        let mut read = store.read().await.unwrap();
        sqlx::query_scalar("SELECT value FROM counters").fetch_one(&mut *read).await.unwrap()
    }

    #[tokio::test]
    async fn a_copy_has_what_was_committed_and_nothing_of_an_open_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join(DESK_FILE), folder.path().join("copy.sqlite"));
        let store = Store::open(&path).await.unwrap();
        raise_counter(&store).await;
        let mut open = store.write().await.unwrap();
        sqlx::query("UPDATE counters SET value = 99").execute(&mut *open).await.unwrap();
        assert_eq!(copy_database(&path, &copy).await.unwrap(), LATEST_SCHEMA);
        drop(open);
        raise_counter(&store).await;
        let copied = Store::open(&copy).await.unwrap();
        assert_eq!((counter(&copied).await, counter(&store).await), (1, 2));
        assert_eq!(copied.complaints().await.unwrap(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_copy_is_private_and_takes_nobodys_place() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join(DESK_FILE), folder.path().join("copy.sqlite"));
        Store::open(&path).await.unwrap().close().await;
        copy_database(&path, &copy).await.unwrap();
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(copy_database(&path, &copy).await.is_err(), "a second copy went into the first");
        let absent = copy_database(&folder.path().join("absent.sqlite"), &folder.path().join("another.sqlite")).await.unwrap_err();
        assert!(matches!(absent, StoreError::Open { .. }), "{absent}");
        assert!(!folder.path().join("absent.sqlite").try_exists().unwrap(), "reading made a file");
    }

    #[tokio::test]
    async fn rows_that_refer_to_nothing_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DESK_FILE);
        let store = Store::open(&path).await.unwrap();
        let mut careless = SqliteConnectOptions::new().filename(&path).foreign_keys(false).connect().await.unwrap();
        sqlx::query("INSERT INTO promises (ticket, next_at_us) VALUES (7, 1)").execute(&mut careless).await.unwrap();
        careless.close().await.unwrap();
        assert_eq!(store.complaints().await.unwrap(), ["a row of promises refers to a row of tickets that is not there"]);
    }
}
