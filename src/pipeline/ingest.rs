//! The door for the sources: bounds what is in flight, chooses the shard, waits for the log.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::shard::{NotStored, ShardHandle};
use crate::clock::Stopwatch;
use crate::record::{FrameBlock, Intake, IntakeError, Receipt};
use crate::self_metrics::{self, INGEST_ACK_SECONDS, INGEST_QUEUE_BYTES, Outcome};
use crate::shutdown::{Phase, Shutdown};

/// The queue is counted in KiB, because a semaphore holds a u32 of permits at a time.
const PERMIT_BYTES: usize = 1024;

/// How long an HTTP request waits for room before it is told to come again: under the second that a client may expect.
const ROOM_TIMEOUT: Duration = Duration::from_millis(700);

/// How long an answer waits for the parser's word on single lines; the rows are durable by then.
const REPORT_TIMEOUT: Duration = Duration::from_millis(500);

/// Pause before a sender that is held back is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Implements [`Intake`] for all sources.
#[derive(Debug)]
pub struct Ingest {
    log_shards: Vec<ShardHandle>,
    sample_shard: ShardHandle,
    queue: Arc<Semaphore>,
    queue_permits: u32,
    shutdown: Shutdown,
}

impl Ingest {
    pub(super) fn new(log_shards: Vec<ShardHandle>, sample_shard: ShardHandle, queue_bytes: usize, shutdown: Shutdown) -> Self {
        let queue_permits = u32::try_from(queue_bytes / PERMIT_BYTES).unwrap_or(u32::MAX).max(64);
        Self { log_shards, sample_shard, queue: Arc::new(Semaphore::new(queue_permits as usize)), queue_permits, shutdown }
    }

    /// The permits that a block of this size takes; one larger than the whole queue takes all of it.
    fn permits(&self, block: &FrameBlock) -> u32 {
        u32::try_from(block.byte_size().div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX).min(self.queue_permits)
    }

    /// The shard of the block's connection, so that a connection's blocks stay in order: each has an [`Origin`] of its own
    /// (`crate::record::Origin`), whose address tells connections apart.
    fn shard(&self, block: &FrameBlock) -> &ShardHandle {
        if block.kind.is_metrics() {
            return &self.sample_shard;
        }
        let address = Arc::as_ptr(&block.origin) as usize as u64;
        // Fibonacci hashing: allocations are aligned, so the low bits alone would not spread.
        let spread = (address.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
        &self.log_shards[spread % self.log_shards.len()]
    }

    async fn room(&self, permits: u32) -> Result<OwnedSemaphorePermit, IntakeError> {
        let permit = self.queue.clone().acquire_many_owned(permits).await.map_err(|_| IntakeError::ShuttingDown)?;
        self.show_queue();
        Ok(permit)
    }

    fn show_queue(&self) {
        let taken = self.queue_permits as usize - self.queue.available_permits().min(self.queue_permits as usize);
        INGEST_QUEUE_BYTES.set((taken * PERMIT_BYTES) as u64);
    }

    /// The queue and its size in permits of 1 KiB, for the replay, which fills it from the log.
    pub(super) fn queue(&self) -> (Arc<Semaphore>, u32) {
        (self.queue.clone(), self.queue_permits)
    }

    /// Resolves when everything taken so far is rows in the tables. Nothing may be taken meanwhile.
    pub(super) async fn drained(&self) {
        let _ = self.queue.clone().acquire_many_owned(self.queue_permits).await;
    }
}

#[async_trait]
impl Intake for Ingest {
    async fn take_waiting(&self, block: FrameBlock) -> Result<(), IntakeError> {
        let started = Stopwatch::start();
        let shard = self.shard(&block);
        let mut permit = self.room(self.permits(&block)).await?;
        let (source, items, bytes) = (block.origin.source.clone(), block.frames.len() as u64, block.data.len() as u64);
        loop {
            match shard.submit(block.clone(), permit, None).await {
                Ok(Ok(())) => {
                    INGEST_ACK_SECONDS.record(started.elapsed());
                    return Ok(());
                }
                // The sender waits, and its lines with it; at the stop they are lost, and that is said.
                Ok(Err(NotStored { error, permit: back })) if error != IntakeError::ShuttingDown => {
                    permit = back;
                    if self.shutdown.phase() != Phase::Running {
                        self_metrics::account(&source, Outcome::Dropped, items, bytes);
                        return Err(error);
                    }
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                _ => {
                    self_metrics::account(&source, Outcome::Dropped, items, bytes);
                    return Err(IntakeError::ShuttingDown);
                }
            }
        }
    }

    fn take_or_refuse(&self, block: FrameBlock) -> Result<(), IntakeError> {
        let permit = self
            .queue
            .clone()
            .try_acquire_many_owned(self.permits(&block))
            .map_err(|_| IntakeError::Overloaded { retry_after_seconds: 1 })?;
        let shard = self.shard(&block);
        let (source, items, bytes) = (block.origin.source.clone(), block.frames.len() as u64, block.data.len() as u64);
        // Nobody waits for the answer, but a loss is counted: the receiver is asked once the log has spoken.
        shard.submit_counted(block, permit, move || self_metrics::account(&source, Outcome::Dropped, items, bytes));
        Ok(())
    }

    async fn take_durably(&self, block: FrameBlock) -> Result<Receipt, IntakeError> {
        let started = Stopwatch::start();
        let (source, items, bytes) = (block.origin.source.clone(), block.frames.len() as u64, block.data.len() as u64);
        match self.store(block).await {
            Ok(parsed) => {
                INGEST_ACK_SECONDS.record(started.elapsed());
                let report = tokio::time::timeout(REPORT_TIMEOUT, parsed).await;
                Ok(report.ok().and_then(Result::ok).unwrap_or(Receipt { accepted: items, errors: Vec::new() }))
            }
            Err(error) => {
                self_metrics::account(&source, Outcome::Rejected, items, bytes);
                Err(error)
            }
        }
    }
}

impl Ingest {
    /// Waits for room and for the log; gives the channel on which the parser will report.
    async fn store(&self, block: FrameBlock) -> Result<oneshot::Receiver<Receipt>, IntakeError> {
        let shard = self.shard(&block);
        let room = tokio::time::timeout(ROOM_TIMEOUT, self.room(self.permits(&block)));
        let permit = room.await.map_err(|_| IntakeError::Overloaded { retry_after_seconds: 1 })??;
        let (report, parsed) = oneshot::channel();
        match shard.submit(block, permit, Some(report)).await {
            Ok(Ok(())) => Ok(parsed),
            Ok(Err(NotStored { error, .. })) => Err(error),
            Err(_) => Err(IntakeError::ShuttingDown),
        }
    }
}
