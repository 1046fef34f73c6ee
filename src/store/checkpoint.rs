//! Moves the write-ahead file into the database beside those who write.
//!
//! Left to itself, SQLite does it within the commit that finds the file long: somebody's change, and all that share its commit, wait for
//! thousands of pages to be written all over the database. Here a connection of its own moves them, which stops nobody. What came in
//! meanwhile is little; it is moved between two transactions, so that the next one begins the file anew.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use super::{Store, StoreError};
use crate::clock::Stopwatch;
use crate::shutdown::Shutdown;

/// How often it is looked whether there is something to move.
const TICK: Duration = Duration::from_millis(250);

/// Commits that are worth a pass: what many changes touch is moved once.
const MANY_COMMITS: u64 = 100;

/// However few they are, nothing stays in the write-ahead file for longer.
const LONGEST: Duration = Duration::from_secs(30);

/// Until a pass that somebody was in the way of is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// Pages (64 MiB) from which on the file is begun anew. Until then a pass leaves it as long as it is.
const LONG_PAGES: i64 = 16_384;

/// Pages (128 MiB) from which on those who read at this moment are waited for, a blink of an eye: however many read one after the other,
/// the file is begun anew.
const TOO_LONG_PAGES: i64 = 2 * LONG_PAGES;

/// Pages (256 MiB) of which somebody should hear, if they cannot be moved for [`LONG_BEHIND`].
const FAR_BEHIND_PAGES: i64 = 4 * LONG_PAGES;
const LONG_BEHIND: Duration = Duration::from_secs(60);

/// Passes beside the writers before one between them: each has less to do than the one before.
const PASSES: usize = 2;

/// Pages (8 MiB) that may be left for the pass between the writers, who wait for it.
const LITTLE_PAGES: i64 = 2_048;

/// Pages (1 GiB) after which a commit moves the file although somebody does it beside the writers: a backup that reads for long keeps pages
/// in the file, and whoever commits first after it would move all of them.
const LAST_RESORT: &str = "PRAGMA wal_autocheckpoint = 262144";

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

/// What a pass has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pass {
    /// Pages in the file, moved or not.
    log: i64,
    /// Those of them that are not moved: somebody reads what was there before them.
    left: i64,
    /// Another pass was under way, and this one did nothing.
    is_busy: bool,
}

impl Pass {
    fn is_whole(self) -> bool {
        !self.is_busy && self.left == 0
    }
}

impl Store {
    /// Keeps the write-ahead file short until the stop.
    pub async fn keep_wal_short(self, shutdown: Shutdown) {
        if let Err(error) = self.line().between_transactions(LAST_RESORT).await {
            tracing::warn!(%error, "the desk's write-ahead file keeps its smaller limit");
        }
        let (mut mover, mut since, mut seen) = (None, Stopwatch::start(), self.commits().so_far());
        let (mut in_the_way, mut behind) = (false, None);
        loop {
            tokio::select! {
                () = shutdown.all_stopping() => break,
                () = tokio::time::sleep(TICK) => {}
            }
            let commits = self.commits().so_far();
            let has_news = commits != seen && (commits - seen >= MANY_COMMITS || since.elapsed() >= LONGEST);
            if !(if in_the_way { since.elapsed() >= AGAIN } else { has_news }) {
                continue;
            }
            match self.move_wal(&mut mover).await {
                Ok(pass) => {
                    in_the_way = !pass.is_whole();
                    behind = (pass.log >= FAR_BEHIND_PAGES && in_the_way).then(|| behind.unwrap_or_else(Stopwatch::start));
                    if behind.as_ref().is_some_and(|behind| behind.elapsed() >= LONG_BEHIND) {
                        let mebibytes = pass.log / 256;
                        tracing::warn!(
                            mebibytes,
                            "the desk's write-ahead file grows: something reads the database for long, such as a backup"
                        );
                        behind = None;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the desk's write-ahead file could not be moved into its database; it is tried again");
                    (mover, in_the_way) = (None, true);
                }
            }
            (since, seen) = (Stopwatch::start(), commits);
        }
        if let Some(mover) = mover {
            // Whoever closes the database last moves the rest; that is not this one, in its own time.
            drop(mover.close().await);
        }
    }

    /// Moves what there is; `mover` is the connection that does it, made when it is first needed.
    async fn move_wal(&self, mover: &mut Option<SqliteConnection>) -> Result<Pass, StoreError> {
        let connection = match mover {
            Some(connection) => connection,
            None => mover.insert(self.options().connect().await?),
        };
        let mut pass = checkpoint(connection).await?;
        for _ in 1..PASSES {
            if pass.log < LONG_PAGES || pass.is_busy {
                return Ok(pass);
            }
            pass = checkpoint(connection).await?;
        }
        // Who reads what is older is not waited for, and nobody who writes is to move all that they kept from being moved.
        if pass.is_busy || pass.left > LITTLE_PAGES {
            return Ok(pass);
        }
        let line = self.line();
        if pass.log < TOO_LONG_PAGES {
            line.between_transactions(CHECKPOINT).await?;
        } else {
            let moved = line.between_transactions(RESTART).await;
            line.between_transactions(PATIENT).await?;
            moved?;
        }
        Ok(pass)
    }
}

/// Does as much as nobody has to wait for.
const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Waits for those who read now, but not for long.
const RESTART: &str = "PRAGMA busy_timeout = 100; PRAGMA wal_checkpoint(RESTART)";

/// Waits as [`super::pool::WAIT`] says.
const PATIENT: &str = "PRAGMA busy_timeout = 10000";

/// Moves the pages that are in the write-ahead file now.
async fn checkpoint(connection: &mut SqliteConnection) -> Result<Pass, StoreError> {
    let row = sqlx::query(CHECKPOINT).fetch_one(connection).await?;
    let (busy, log, moved): (i64, i64, i64) = (row.try_get("busy")?, row.try_get("log")?, row.try_get("checkpointed")?);
    Ok(Pass { log, left: log - moved, is_busy: busy != 0 })
}

#[cfg(test)]
mod tests {
    use super::super::DESK_FILE;
    use super::super::pool::WAIT;
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

    #[tokio::test(flavor = "multi_thread")]
    async fn who_reads_for_long_keeps_pages_back_and_nobody_who_writes_moves_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DESK_FILE);
        let store = Store::open(&path).await.unwrap();
        assert_eq!(WAIT, Duration::from_secs(10), "as PATIENT says");
        let mut mover = None;
        note(&store, 1 << 10).await;
        let mut read = store.read().await.unwrap();
        let before: i64 = sqlx::query_scalar("SELECT count(*) FROM counters").fetch_one(&mut *read).await.unwrap();
        for _ in 0..72 {
            note(&store, 1 << 19).await;
        }
        let pass = store.move_wal(&mut mover).await.unwrap();
        assert!(pass.log > LONG_PAGES && pass.left > LITTLE_PAGES && !pass.is_whole(), "{pass:?}");
        let again: i64 = sqlx::query_scalar("SELECT count(*) FROM counters").fetch_one(&mut *read).await.unwrap();
        assert_eq!(again, before, "who reads sees what there was");
        read.rollback().await.unwrap();
        let pass = store.move_wal(&mut mover).await.unwrap();
        assert!(pass.is_whole(), "{pass:?}");
        note(&store, 1 << 10).await;
        assert!(store.move_wal(&mut mover).await.unwrap().log < LONG_PAGES, "it was begun anew");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_file_is_begun_anew_however_many_read_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DESK_FILE);
        let store = Store::open(&path).await.unwrap();
        let is_over = std::sync::atomic::AtomicBool::new(false);
        let reading = futures::future::join_all((0..3).map(|_| async {
            while !is_over.load(Ordering::Relaxed) {
                let mut read = store.read().await.unwrap();
                sqlx::query("SELECT value FROM counters WHERE name = 'ticket'").fetch_one(&mut *read).await.unwrap();
            }
        }));
        let writing = async {
            let mut mover = None;
            for _ in 0..12 {
                for _ in 0..32 {
                    note(&store, 1 << 19).await;
                }
                store.move_wal(&mut mover).await.unwrap();
            }
            is_over.store(true, Ordering::Relaxed);
        };
        tokio::join!(reading, writing);
        // Twelve times 32 MiB were written.
        let bytes = std::fs::metadata(path.with_extension("sqlite-wal")).unwrap().len();
        assert!(bytes < (TOO_LONG_PAGES as u64 * 4_096) + (96 << 20), "{bytes} bytes");
        assert_eq!(notes(&store).await, 12 * 32);
    }

    #[tokio::test]
    async fn the_library_can_move_the_file_beside_a_writer() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        let mut read = store.read().await.unwrap();
        let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut *read).await.unwrap();
        let numbers: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
        // Before, a pass beside a writer that begins the file anew could leave pages out (the WAL-reset bug of 3.7.0 to 3.51.2).
        assert!(numbers >= vec![3, 51, 3], "{version}");
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
