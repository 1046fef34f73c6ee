//! The limit on rows in memory.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::tables::Tables;
use crate::self_metrics::FRESH_BYTES;

/// Holds the parsers back while too many rows wait to be written.
#[derive(Debug)]
pub(super) struct FreshRoom {
    tables: Arc<Tables>,
    limit_bytes: usize,
    /// Rung by a parser that waits: flush now.
    pub(super) wanted: Notify,
    /// Rung by the flusher: rows have left memory.
    pub(super) made: Notify,
}

impl FreshRoom {
    pub(super) fn new(tables: Arc<Tables>, limit_bytes: usize) -> Self {
        Self { tables, limit_bytes, wanted: Notify::new(), made: Notify::new() }
    }

    /// Resolves when `bytes` more fit, or when memory is empty and so has room for a batch of any size.
    pub(super) async fn wait_for(&self, bytes: usize) {
        loop {
            let fresh = self.tables.fresh_bytes();
            FRESH_BYTES.set(fresh as u64);
            if fresh == 0 || fresh + bytes <= self.limit_bytes {
                return;
            }
            self.wanted.notify_one();
            // The timeout covers a bell that rang between the look and the wait.
            let _ = tokio::time::timeout(Duration::from_millis(100), self.made.notified()).await;
        }
    }
}
