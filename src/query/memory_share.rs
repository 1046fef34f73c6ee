//! The memory of one query, out of the pool of all.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// A view of the shared pool that lets one query hold at most `limit` bytes, so that a heavy query spills or fails while
/// the light ones beside it go on. What it holds is taken from the shared pool as well.
pub(super) struct MemoryShare {
    shared: Arc<dyn MemoryPool>,
    limit: usize,
    used: AtomicUsize,
}

impl MemoryShare {
    pub(super) fn new(shared: Arc<dyn MemoryPool>, limit: usize) -> Self {
        Self { shared, limit, used: AtomicUsize::new(0) }
    }
}

impl fmt::Debug for MemoryShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for MemoryShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query share: {} of {} bytes", self.used.load(Ordering::Relaxed), self.limit)
    }
}

impl MemoryPool for MemoryShare {
    fn name(&self) -> &str {
        "query share"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.shared.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.shared.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::Relaxed);
        self.shared.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        self.shared.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let before = self.used.fetch_add(additional, Ordering::Relaxed);
        let fits = before.checked_add(additional).is_some_and(|after| after <= self.limit);
        let taken = match fits {
            true => self.shared.try_grow(reservation, additional),
            false => Err(DataFusionError::ResourcesExhausted(format!(
                "{} asked for {additional} bytes beside the {before} of {} that the query holds",
                reservation.consumer().name(),
                self.limit
            ))),
        };
        if taken.is_err() {
            self.used.fetch_sub(additional, Ordering::Relaxed);
        }
        taken
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::FairSpillPool;

    use super::*;

    #[test]
    fn one_share_cannot_take_what_belongs_to_the_others() {
        let shared: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(1_000));
        let heavy: Arc<dyn MemoryPool> = Arc::new(MemoryShare::new(shared.clone(), 600));
        let light: Arc<dyn MemoryPool> = Arc::new(MemoryShare::new(shared.clone(), 600));
        let first = MemoryConsumer::new("sort").register(&heavy);
        first.try_grow(600).unwrap();
        assert!(first.try_grow(1).is_err(), "the share is used up");
        let second = MemoryConsumer::new("group").register(&light);
        second.try_grow(400).unwrap();
        assert!(second.try_grow(1).is_err(), "the pool is used up");
        drop(first);
        second.try_grow(200).unwrap();
        drop(second);
        assert_eq!((shared.reserved(), heavy.reserved(), light.reserved()), (0, 0, 0), "everything is given back");
    }
}
