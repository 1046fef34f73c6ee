//! Places for queries: a bounded number runs, a newcomer waits a bounded time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Config, QueryError};

/// The places. One is held from before planning until the last thread has left the query.
#[derive(Debug)]
pub(super) struct Admission {
    places: Arc<Semaphore>,
    limit: usize,
    max_wait_ms: u64,
}

impl Admission {
    pub(super) fn new(config: &Config) -> Self {
        let limit = config.max_concurrent.max(1);
        Self { places: Arc::new(Semaphore::new(limit)), limit, max_wait_ms: config.max_wait_ms }
    }

    /// Waits for a place; [`QueryError::Busy`] when none gets free in time.
    pub(super) async fn enter(&self) -> Result<OwnedSemaphorePermit, QueryError> {
        let waiting = tokio::time::timeout(Duration::from_millis(self.max_wait_ms), Arc::clone(&self.places).acquire_owned());
        match waiting.await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(QueryError::internal("the query engine is closed")),
            Err(_) => Err(QueryError::Busy { limit: self.limit, waited_ms: self.max_wait_ms }),
        }
    }

    #[cfg(test)]
    pub(super) fn free_places(&self) -> usize {
        self.places.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_is_told_to_come_again_and_enters_when_the_first_has_left() {
        let admission = Admission::new(&Config { max_concurrent: 1, max_wait_ms: 10, ..Config::default() });
        let first = admission.enter().await.unwrap();
        assert_eq!(admission.enter().await.unwrap_err(), QueryError::Busy { limit: 1, waited_ms: 10 });
        drop(first);
        drop(admission.enter().await.unwrap());
    }
}
