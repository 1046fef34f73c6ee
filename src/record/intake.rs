//! The door between sources and pipeline.

use async_trait::async_trait;

use super::FrameBlock;

/// What became of a block that was stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Frames (lines, samples) taken.
    pub accepted: u64,
    /// Of those, the ones that no grammar took; they are kept with `parse_error`. At most the first 100.
    pub errors: Vec<LineError>,
}

/// A line that was kept but not understood.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LineError {
    /// Number of the line in the request, from 1.
    pub line: u64,
    /// What was wrong with it.
    pub error: String,
}

/// Why a block was not stored. Nothing of it was: the sender may send it again whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// The queues are full: the tables cannot keep up.
    #[error("the server is at its limit and cannot take more at the moment; send again after {retry_after_seconds} s")]
    Overloaded {
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// The log device has no room for the write-ahead log.
    #[error("the data folder's disk is full; free space on it, then send again")]
    DiskFull,
    /// The server is stopping.
    #[error("the server is shutting down; send again when it is back")]
    ShuttingDown,
}

/// Takes blocks from sources. Implemented by the pipeline; sources know nothing else of it.
#[async_trait]
pub trait Intake: Send + Sync + std::fmt::Debug + 'static {
    /// Takes a block from a sender that can be held back: waits for as long as the pipeline is at its limit or the disk
    /// is full, and returns once the block is queued. Fails only at shutdown.
    async fn take_waiting(&self, block: FrameBlock) -> Result<(), IntakeError>;

    /// Takes a block from a sender that cannot be held back (UDP); at the limit it is refused, and the caller counts it.
    fn take_or_refuse(&self, block: FrameBlock) -> Result<(), IntakeError>;

    /// Takes a block and returns when it is durable (fsync) and parsed; refuses within a second at the limit.
    async fn take_durably(&self, block: FrameBlock) -> Result<Receipt, IntakeError>;
}
