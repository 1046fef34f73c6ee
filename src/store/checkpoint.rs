//! Moves the write-ahead file into the database beside those who write.
//!
//! Left to itself, SQLite does it within the commit that finds the file long: somebody's change, and all that share its commit, wait for
//! thousands of pages to be written all over the database. Here a connection of its own moves them, which stops nobody. What came in
//! meanwhile is little; it is moved between two transactions, so that the next one begins the file anew.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{ConnectOptions, Row, SqliteConnection};

use super::{Store, StoreError};
use crate::clock::Stopwatch;
use crate::shutdown::Shutdown;

/// How often it is looked whether there is something to move.
const TICK: Duration = Duration::from_millis(250);

/// Commits that are worth a pass: what many changes touch is moved once.
const MANY_COMMITS: u64 = 100;

/// However few they are, nothing stays in the write-ahead file for longer.
const LONGEST: Duration = Duration::from_secs(30);

/// Pages (64 MiB) from which on the file is begun anew. Until then a pass leaves it as long as it is.
const LONG_PAGES: i64 = 16_384;

/// Passes beside the writers before one between them: each has less to do than the one before.
const PASSES: usize = 2;

/// Commits that no pass has seen.
#[derive(Debug, Default)]
pub(super) struct Commits(AtomicU64);

impl Commits {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Store {
    /// Keeps the write-ahead file short until the stop.
    pub async fn keep_wal_short(self, shutdown: Shutdown) {
        let (mut mover, mut since, mut seen) = (None, Stopwatch::start(), self.commits().so_far());
        loop {
            tokio::select! {
                () = shutdown.all_stopping() => return,
                () = tokio::time::sleep(TICK) => {}
            }
            let commits = self.commits().so_far();
            if commits == seen || (commits - seen < MANY_COMMITS && since.elapsed() < LONGEST) {
                continue;
            }
            if let Err(error) = self.move_wal(&mut mover).await {
                // The writer's own limit holds until it works again.
                tracing::warn!(%error, "the desk's write-ahead file could not be moved into its database; it is tried again");
                mover = None;
            }
            (since, seen) = (Stopwatch::start(), commits);
        }
    }

    /// Moves what there is; `mover` is the connection that does it, made when it is first needed.
    pub(super) async fn move_wal(&self, mover: &mut Option<SqliteConnection>) -> Result<(), StoreError> {
        if mover.is_none() {
            *mover = Some(self.options().connect().await?);
        }
        let Some(connection) = mover.as_mut() else { return Ok(()) };
        for _ in 0..PASSES {
            if checkpoint(connection).await? < LONG_PAGES {
                return Ok(());
            }
        }
        self.line().between_transactions(CHECKPOINT).await
    }
}

/// Does as much as nobody has to wait for.
const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Moves the pages that are in the write-ahead file now; the result is how many are in it, moved or not.
async fn checkpoint(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query(CHECKPOINT).fetch_one(connection).await?.try_get("log")?)
}

#[cfg(test)]
mod tests {
    use super::super::DESK_FILE;
    use super::*;

    async fn note(store: &Store, bytes: usize) {
        let mut write = store.write_with_others().await.unwrap();
        let sql = "INSERT INTO counters (name, value) VALUES (hex(randomblob(8)) || hex(zeroblob(?1)), 1)";
        sqlx::query(sql).bind(bytes as i64).execute(&mut *write).await.unwrap();
        write.commit().await.unwrap();
    }

    async fn notes(store: &Store) -> i64 {
        let mut read = store.read().await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM counters WHERE name <> 'ticket'").fetch_one(&mut *read).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_file_is_begun_anew_while_others_write_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DESK_FILE);
        let store = Store::open(&path).await.unwrap();
        let wal_bytes = || std::fs::metadata(path.with_extension("sqlite-wal")).unwrap().len();
        let (mut mover, mut written) = (None, 0);
        for _ in 0..8 {
            // Sixteen mebibytes a round: without a new beginning the file would have twice what it may.
            let writers = async {
                for _ in 0..16 {
                    note(&store, 1 << 19).await;
                }
            };
            let (moved, ()) = tokio::join!(store.move_wal(&mut mover), writers);
            moved.unwrap();
            written += 16;
        }
        store.move_wal(&mut mover).await.unwrap();
        assert_eq!(notes(&store).await, written);
        let longest = LONG_PAGES as u64 * 4_096 + (48 << 20);
        assert!(wal_bytes() < longest, "{} bytes", wal_bytes());
        let counted = store.commits().so_far();
        assert!((1..=written as u64 + 1).contains(&counted), "{counted} commits are seen");
    }

    #[tokio::test]
    async fn who_holds_a_part_open_is_waited_for_and_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        let mut write = store.write_with_others().await.unwrap();
        sqlx::query("INSERT INTO counters (name, value) VALUES ('mine', 1)").execute(&mut *write).await.unwrap();
        let (line, other) = (store.line().clone(), store.clone());
        let between = async move { line.between_transactions(CHECKPOINT).await };
        let ((), between) = tokio::join!(
            async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                write.commit().await.unwrap();
            },
            between
        );
        between.unwrap();
        assert_eq!(notes(&other).await, 1);
    }
}
