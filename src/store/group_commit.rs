//! The one writer, and the commit that those who write at the same time share.
//!
//! To make a transaction durable costs a wait for the disk, and that wait is the same for one change as for twenty. Whoever
//! comes while others write takes their place in a line; their parts go into one transaction, one after the other, and one
//! commit makes them all durable. Nobody is told before that. Each part begins at a savepoint, so that one that is given up
//! takes nothing of the others with it. Nobody waits for company: when the line is empty, a part is committed at once.
//!
//! Who comes into a transaction sees what those before wrote, though it is not durable yet: they answer only after
//! [`WriteTransaction::commit`], also when they wrote nothing. Whoever does not keep to that writes [`alone`](With::Nobody).

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::{OwnedMappedMutexGuard, OwnedMutexGuard, oneshot};

use super::StoreError;
use super::checkpoint::Commits;
use super::pool::WAIT;

/// The line of those who want to write.
#[derive(Debug)]
pub(super) struct WriteLine {
    pool: SqlitePool,
    /// The transaction that is open at this moment. The lock is fair: who asks first writes first.
    open: Arc<tokio::sync::Mutex<Option<Transaction<'static, Sqlite>>>>,
    group: Mutex<Group>,
    commits: Commits,
}

/// With whom a part may share its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum With {
    /// With whoever stands in the line.
    Others,
    /// With nobody: it sees only what is durable, and what comes after it begins when it is.
    Nobody,
}

/// What has become of the parts of the open transaction.
#[derive(Debug, Default)]
struct Group {
    /// Those whose part is complete and who wait for the commit.
    complete: Vec<oneshot::Sender<Result<(), StoreError>>>,
    /// Savepoints that were named; no name comes twice in a group.
    named: u64,
    /// The savepoint at which the latest part began; `None` for the first part.
    savepoint: Option<u64>,
    /// The latest part began and was given up: it is taken back before anything else happens.
    given_up: bool,
    /// Nobody else may come into the open transaction.
    is_closed: bool,
    /// Somebody stands in the line to commit for all.
    ends: bool,
}

impl Group {
    /// A new transaction: nothing has happened in it yet.
    fn begin(&mut self) {
        *self = Self { ends: self.ends, ..Self::default() };
    }

    /// The savepoint of the part before, if there is one to let go of, and the one of the next part, which is still to be set.
    fn next_part(&mut self) -> (Option<u64>, u64) {
        self.named += 1;
        (self.savepoint.take(), self.named)
    }
}

impl WriteLine {
    pub(super) fn new(pool: SqlitePool) -> Arc<Self> {
        Arc::new(Self { pool, open: Arc::default(), group: Mutex::default(), commits: Commits::default() })
    }

    /// Waits for its turn and begins a part.
    pub(super) async fn begin(self: &Arc<Self>, with: With) -> Result<WriteTransaction, StoreError> {
        // As long as a whole line may take, of which each transaction may wait for a lock of another process.
        let turn = tokio::time::timeout(3 * WAIT, self.open.clone().lock_owned()).await;
        let mut open = turn.map_err(|_| StoreError::Busy("those before in the line have not come to an end".to_owned()))?;
        self.take_back(&mut open).await;
        if open.is_some() && (with == With::Nobody || self.group().is_closed) {
            open = self.end_in_peace(open).await?;
        }
        match open.as_mut() {
            None => *open = Some(self.begin_group().await?),
            Some(transaction) => {
                let (before, part) = self.group().next_part();
                // The part before is complete, and its savepoint is of no more use. If this is cut short, nothing was written
                // after the savepoint, whether or not it was set; its name does not come again.
                let release = before.map(|before| format!("RELEASE part_{before}; ")).unwrap_or_default();
                sqlx::raw_sql(AssertSqlSafe(format!("{release}SAVEPOINT part_{part}"))).execute(&mut **transaction).await?;
                self.group().savepoint = Some(part);
            }
        }
        self.group().is_closed = with == With::Nobody;
        match OwnedMutexGuard::try_map(open, Option::as_mut) {
            Ok(turn) => Ok(WriteTransaction { turn, line: self.clone(), is_complete: false }),
            Err(_) => Err(StoreError::Other("BUG: a transaction that was begun is not open".to_owned())),
        }
    }

    async fn begin_group(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.group().begin();
        match self.pool.begin_with("BEGIN IMMEDIATE").await {
            // After some errors, a full disk among them, SQLite has rolled back by itself, and the connection still counts a
            // transaction that is no more.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.pool.acquire().await?.close().await?;
                Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
            }
            begun => Ok(begun?),
        }
    }

    /// Takes back the latest part if it was given up. If that is not possible, SQLite has rolled back everything.
    async fn take_back(&self, open: &mut Option<Transaction<'static, Sqlite>>) {
        let savepoint = {
            let mut group = self.group();
            if !std::mem::take(&mut group.given_up) {
                return;
            }
            group.savepoint
        };
        let (Some(transaction), Some(part)) = (open.as_mut(), savepoint) else {
            // It was the first: there is nothing else to keep.
            *open = None;
            return;
        };
        let sql = format!("ROLLBACK TO part_{part}");
        if let Err(error) = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut **transaction).await {
            // Nothing of the group is durable, and all whose part was complete hear so.
            *open = None;
            self.tell(Err(error.into()));
        }
    }

    /// Commits for all whose part is complete and tells them.
    async fn end(&self) {
        let mut open = self.open.lock().await;
        self.group().ends = false;
        self.end_open(&mut open).await;
    }

    async fn end_open(&self, open: &mut Option<Transaction<'static, Sqlite>>) {
        self.take_back(open).await;
        let Some(transaction) = open.take() else { return };
        let result = if self.group().complete.is_empty() { transaction.rollback().await } else { transaction.commit().await };
        self.commits.count();
        self.tell(result.map_err(StoreError::from));
    }

    /// The same for who has the turn, and may be cut off in the middle while others wait for what comes of it.
    #[allow(clippy::disallowed_methods, reason = "it is waited for at once, and a panic in it is told")]
    async fn end_in_peace(
        self: &Arc<Self>,
        mut open: OwnedMutexGuard<Option<Transaction<'static, Sqlite>>>,
    ) -> Result<OwnedMutexGuard<Option<Transaction<'static, Sqlite>>>, StoreError> {
        let line = self.clone();
        let ended = tokio::spawn(async move {
            line.end_open(&mut open).await;
            open
        });
        ended.await.map_err(|error| StoreError::Other(error.to_string()))
    }

    /// Runs a statement on the writing connection while no transaction is open.
    pub(super) async fn between_transactions(&self, sql: &'static str) -> Result<(), StoreError> {
        let mut open = self.open.lock().await;
        self.end_open(&mut open).await;
        sqlx::raw_sql(sql).execute(&self.pool).await?;
        Ok(())
    }

    pub(super) fn commits(&self) -> &Commits {
        &self.commits
    }

    fn tell(&self, result: Result<(), StoreError>) {
        for waiting in std::mem::take(&mut self.group().complete) {
            // Who has gone meanwhile needs no answer.
            let _ = waiting.send(result.clone());
        }
    }

    fn group(&self) -> MutexGuard<'_, Group> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has somebody stand in the line who commits: behind all who stand there now, whose parts are then in the group.
    #[allow(
        clippy::disallowed_methods,
        reason = "a group must end also if the request that began it was cut off; a panic in it is told to all who wait"
    )]
    fn see_to_the_end(self: &Arc<Self>) {
        if std::mem::replace(&mut self.group().ends, true) {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                let line = self.clone();
                drop(runtime.spawn(async move { line.end().await }));
            }
            // The program ends; whoever comes all the same sees to it.
            Err(_) => self.group().ends = false,
        }
    }
}

/// The right to write: a part of the open transaction. Dropped without [`commit`](Self::commit), it leaves nothing.
pub struct WriteTransaction {
    turn: OwnedMappedMutexGuard<Option<Transaction<'static, Sqlite>>, Transaction<'static, Sqlite>>,
    line: Arc<WriteLine>,
    is_complete: bool,
}

impl WriteTransaction {
    /// Waits until all that was written is durable.
    ///
    /// # Errors
    /// Those of the disk and of constraints that are looked at in the end; then nothing was written.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let (told, committed) = oneshot::channel();
        self.line.group().complete.push(told);
        self.is_complete = true;
        drop(self);
        committed.await.unwrap_or_else(|_| Err(StoreError::Other("the program ends".to_owned())))
    }
}

impl Drop for WriteTransaction {
    fn drop(&mut self) {
        if !self.is_complete {
            self.line.group().given_up = true;
        }
        self.line.see_to_the_end();
    }
}

impl fmt::Debug for WriteTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteTransaction").field("is_complete", &self.is_complete).finish_non_exhaustive()
    }
}

impl Deref for WriteTransaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.turn
    }
}

impl DerefMut for WriteTransaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.turn
    }
}
