//! The desk's tables in SQL, and the ledger on its way to the store.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;

use crate::clock::{Clock, HOUR_US};
use crate::query::{RelationalView, ViewError};
use crate::self_metrics;
use crate::shutdown::Shutdown;
use crate::store::{LedgerEntry, MAX_VIEW_ROWS, Store, StoreView, VIEWS, ViewScan, add_to_ledger};

/// How often the ledger is written: what a crash can take from the counts (never from the rows).
const LEDGER_INTERVAL: Duration = Duration::from_secs(5);

/// The store's tables as the query gate takes them.
pub fn desk_views(store: &Store) -> Vec<Arc<dyn RelationalView>> {
    VIEWS.iter().map(|view| Arc::new(DeskView { store: store.clone(), view }) as Arc<dyn RelationalView>).collect()
}

#[derive(Debug)]
struct DeskView {
    store: Store,
    view: &'static StoreView,
}

#[async_trait]
impl RelationalView for DeskView {
    fn name(&self) -> &str {
        self.view.name
    }

    fn schema(&self) -> SchemaRef {
        self.view.schema()
    }

    async fn load(&self) -> Result<(RecordBatch, bool), ViewError> {
        self.view.load(&self.store, &ViewScan::default(), MAX_VIEW_ROWS).await.map_err(|error| ViewError(error.to_string()))
    }

    async fn load_scan(&self, scan: &ViewScan) -> Result<Option<(RecordBatch, bool)>, ViewError> {
        let loaded = self.view.load(&self.store, scan, MAX_VIEW_ROWS).await;
        loaded.map(Some).map_err(|error| ViewError(error.to_string()))
    }
}

/// Moves the ledger's new counts to the store until the stop, and once more at it.
pub async fn keep_ledger(store: Store, clock: Clock, shutdown: Shutdown) {
    let mut warned = false;
    loop {
        let last = tokio::select! {
            () = tokio::time::sleep(LEDGER_INTERVAL) => false,
            () = shutdown.all_stopping() => true,
        };
        let drained = self_metrics::drain_ledger();
        let hour_us = clock.now_us() / HOUR_US * HOUR_US;
        let entries: Vec<LedgerEntry> = drained
            .iter()
            .map(|((source, outcome), tally)| LedgerEntry {
                hour_us,
                source: source.clone(),
                reason: outcome.as_str().to_owned(),
                items: tally.items,
                bytes: tally.bytes,
            })
            .collect();
        if let Err(error) = add_to_ledger(&store, &entries).await {
            self_metrics::return_to_ledger(drained);
            // A full disk fails every time: once is enough to know.
            if !warned {
                tracing::warn!(%error, "the ingest ledger cannot be written; its counts are kept and tried again");
            }
            warned = true;
        } else {
            warned = false;
        }
        if last {
            return;
        }
    }
}
