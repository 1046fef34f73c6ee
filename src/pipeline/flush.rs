//! When fresh rows are written, and when the log may forget them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::fresh_room::FreshRoom;
use super::tables::Tables;
use crate::clock::Stopwatch;
use crate::self_metrics::{COMMIT_SECONDS, FLUSH_FAILURES, FLUSH_SECONDS, FLUSHED_BYTES, FLUSHED_ROWS, FRESH_BYTES, WAL_DISK_BYTES};
use crate::shutdown::Shutdown;
use crate::table::{FlushReport, Table, TableError};
use crate::wal;

/// How often the triggers are looked at.
const TICK: Duration = Duration::from_millis(250);

/// Pause after a failed flush: a full disk is not freed by trying faster.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A table at rest is flushed once it holds this much: the time to write is when nothing comes, and files stay large.
const IDLE_FLUSH_BYTES: usize = 8 << 20;

/// Nothing came for this long: at rest.
const IDLE: Duration = Duration::from_secs(1);

/// When rows are written.
#[derive(Debug, Clone)]
pub struct FlushConfig {
    /// Memory of a table's fresh rows.
    pub bytes: usize,
    /// Age of its oldest fresh row.
    pub age: Duration,
}

/// Which tables are flushed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Group {
    Logs,
    Metrics,
}

/// A request to flush everything now; the answer is the first error, if any.
pub(super) type FlushNow = tokio::sync::oneshot::Sender<Result<(), String>>;

/// Flushes, commits, releases the log.
#[derive(Debug)]
pub(super) struct Flusher {
    pub(super) tables: Arc<Tables>,
    pub(super) room: Arc<FreshRoom>,
    pub(super) config: FlushConfig,
    /// Every shard's log by app id; shards left from an older configuration too.
    pub(super) logs: HashMap<Arc<str>, Arc<wal::Shard>>,
    pub(super) shutdown: Shutdown,
}

/// What is known of a group's fresh rows between two looks.
#[derive(Debug, Default)]
struct Watch {
    since_first: Option<Stopwatch>,
    since_change: Option<Stopwatch>,
    bytes: usize,
}

impl Watch {
    /// Notes the present size; true when it is time to flush.
    fn is_due(&mut self, bytes: usize, config: &FlushConfig, pressed: bool) -> bool {
        if bytes == 0 {
            *self = Self::default();
            return false;
        }
        self.since_first.get_or_insert_with(Stopwatch::start);
        if bytes != self.bytes {
            self.bytes = bytes;
            self.since_change = Some(Stopwatch::start());
        }
        let longer_than = |watch: &Option<Stopwatch>, limit: Duration| watch.is_some_and(|watch| watch.elapsed() >= limit);
        pressed
            || bytes >= config.bytes
            || longer_than(&self.since_first, config.age)
            || (bytes >= IDLE_FLUSH_BYTES && longer_than(&self.since_change, IDLE))
    }
}

impl Flusher {
    /// Runs until everything stops. The last flush is asked for by the stop itself.
    pub(super) async fn run(self, mut requests: mpsc::Receiver<FlushNow>) {
        let mut watches = [(Group::Logs, Watch::default()), (Group::Metrics, Watch::default())];
        loop {
            let mut pressed = false;
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = self.room.wanted.notified() => pressed = true,
                request = requests.recv() => {
                    let Some(answer) = request else { return };
                    let result = self.flush_all().await.map_err(|error| error.to_string());
                    // Whoever asked may have gone.
                    let _ = answer.send(result);
                }
                () = self.shutdown.all_stopping() => return,
            }
            FRESH_BYTES.set(self.tables.fresh_bytes() as u64);
            WAL_DISK_BYTES.set(self.logs.values().map(|log| log.status().bytes).sum());
            for (group, watch) in &mut watches {
                if watch.is_due(self.group_bytes(*group), &self.config, pressed) {
                    *watch = Watch::default();
                    match self.flush(*group).await {
                        // Only here: the last flush, at the stop, is asked for, and upkeep would outlive it.
                        Ok(()) => self.maintain(*group),
                        Err(_) => tokio::time::sleep(RETRY_PAUSE).await,
                    }
                }
            }
        }
    }

    fn group_bytes(&self, group: Group) -> usize {
        match group {
            Group::Logs => self.tables.logs.fresh_bytes(),
            Group::Metrics => self.tables.samples.fresh_bytes() + self.tables.series.fresh_bytes(),
        }
    }

    async fn flush_all(&self) -> Result<(), TableError> {
        self.flush(Group::Logs).await?;
        self.flush(Group::Metrics).await
    }

    async fn flush(&self, group: Group) -> Result<(), TableError> {
        let started = Stopwatch::start();
        let result = match group {
            Group::Logs => self.tables.logs.flush().await,
            Group::Metrics => self.tables.flush_metrics().await,
        };
        self.room.made.notify_waiters();
        match result {
            Ok(report) => {
                FLUSH_SECONDS.record(started.elapsed());
                self.after(&report);
                Ok(())
            }
            Err(error) => {
                FLUSH_FAILURES.add(1);
                tracing::error!(%error, ?group, "a flush failed; its rows stay in memory and in the log, and it is tried again");
                Err(error)
            }
        }
    }

    fn after(&self, report: &FlushReport) {
        FLUSHED_ROWS.add(report.rows);
        FLUSHED_BYTES.add(report.bytes);
        COMMIT_SECONDS.record(Duration::from_secs_f64(report.commit_seconds.max(0.0)));
        for position in &report.positions {
            if let Some(log) = self.logs.get(&position.app_id) {
                log.release(u64::try_from(position.sequence).unwrap_or(0));
            }
        }
        tracing::debug!(rows = report.rows, bytes = report.bytes, version = report.version, "flushed");
    }

    fn maintain(&self, group: Group) {
        let tables: &[&Arc<Table>] = match group {
            Group::Logs => &[&self.tables.logs],
            Group::Metrics => &[&self.tables.series, &self.tables.samples],
        };
        for table in tables {
            table.maintain();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_age_and_pressure_make_a_flush_due() {
        let config = FlushConfig { bytes: 100, age: Duration::ZERO };
        assert!(!Watch::default().is_due(0, &config, true), "nothing to flush");
        assert!(Watch::default().is_due(1, &config, false), "old enough");
        let config = FlushConfig { bytes: 100, age: Duration::from_secs(3600) };
        assert!(!Watch::default().is_due(99, &config, false));
        assert!(Watch::default().is_due(100, &config, false));
        assert!(Watch::default().is_due(1, &config, true), "a parser waits for room");
    }
}
