//! Upkeep of the Delta log, beside the commits and never inside one.
//!
//! A checkpoint is for those who open the table: without it they read every log entry. It is written from the log and not
//! from memory, with its own reading of the newest version; its cost grows with all files of the table. Nothing depends on
//! it, so a failure is logged and tried again at the next occasion.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use deltalake_core::DeltaTable;
use deltalake_core::checkpoints::{cleanup_expired_logs_for, create_checkpoint};

use super::error::TableError;
use super::flush::{is_outdated, reload};
use super::live_table::Shared;
use crate::clock::{Clock, DAY_US, Stopwatch};

/// Starts the upkeep unless it runs already.
pub(super) fn maintain(shared: Arc<Shared>) {
    if shared.maintaining.swap(true, Ordering::AcqRel) {
        return;
    }
    #[allow(clippy::disallowed_methods, reason = "upkeep must not hold up the flush that asks for it")]
    tokio::spawn(async move {
        let running = Running(shared);
        let table = running.0.kind.name();
        match upkeep(&running.0).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(table, %error, "upkeep of the Delta log failed; it is tried again after the next flush"),
        }
    });
}

/// Lets the next upkeep start, however this one ends.
struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.maintaining.store(false, Ordering::Release);
    }
}

/// One round: foreign commits, checkpoint if due, expired log entries once for each checkpointed day of uptime.
pub(super) async fn upkeep(shared: &Arc<Shared>) -> Result<(), TableError> {
    follow_others(shared).await?;
    let since = shared.contents().version() - shared.checkpointed.load(Ordering::Acquire);
    if since < i64::from(shared.config.checkpoint_interval.max(1)) {
        return Ok(());
    }
    let watch = Stopwatch::start();
    let version = write_checkpoint(shared).await?;
    tracing::debug!(table = shared.kind.name(), version, seconds = watch.elapsed_seconds(), "checkpoint written");
    remove_expired(shared, version).await
}

async fn follow_others(shared: &Shared) -> Result<(), TableError> {
    let writer = shared.writer.lock().await;
    if !writer.has_doubts() && is_outdated(shared).await? {
        reload(shared).await?;
    }
    Ok(())
}

/// Writes a checkpoint of the newest version and returns this.
///
/// The Delta library replays the log and encodes the checkpoint without giving way, for seconds where there are many files:
/// a thread for blocking work takes that, so that no other task of the runtime waits for it.
async fn write_checkpoint(shared: &Arc<Shared>) -> Result<i64, TableError> {
    let (kind, log, runtime) = (shared.kind, shared.log.clone(), tokio::runtime::Handle::current());
    let replay_and_write = async move {
        let mut table = DeltaTable::new(log);
        table.load().await?;
        create_checkpoint(&table, None).await?;
        Ok(table.version().map_or(-1, |version| version as i64))
    };
    let written = tokio::task::spawn_blocking(move || runtime.block_on(replay_and_write)).await;
    let version =
        written.map_err(|error| TableError::internal(kind, "a checkpoint", &error))?.map_err(|error| TableError::log(kind, &error))?;
    shared.checkpointed.store(version, Ordering::Release);
    Ok(version)
}

/// Removes log entries older than the retention, as far as a checkpoint covers them; once in a run of the process and
/// then with every hundredth checkpoint, because it lists the whole log.
async fn remove_expired(shared: &Shared, version: i64) -> Result<(), TableError> {
    let often_enough = version / i64::from(shared.config.checkpoint_interval.max(1)) % 100 != 0;
    if shared.cleaned.swap(true, Ordering::AcqRel) && often_enough {
        return Ok(());
    }
    let cutoff_ms = (Clock::System.now_us() - i64::from(shared.config.log_retention_days) * DAY_US) / 1_000;
    let removed = cleanup_expired_logs_for(version.max(0) as u64, shared.log.as_ref(), cutoff_ms, None).await;
    let removed = removed.map_err(|error| TableError::log(shared.kind, &error))?;
    if removed > 0 {
        tracing::info!(table = shared.kind.name(), entries = removed, "removed expired entries of the Delta log");
    }
    Ok(())
}
