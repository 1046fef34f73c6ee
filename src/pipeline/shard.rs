//! A WAL shard with what belongs to it: the way from a durable block to the parser.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::record::{FrameBlock, IntakeError, Receipt};
use crate::wal;

/// A block that is durable and waits to be parsed.
#[derive(Debug)]
pub(super) struct StoredBlock {
    pub(super) sequence: wal::Sequence,
    pub(super) block: FrameBlock,
    /// The block's share of the queue; given back when its rows are in the table.
    pub(super) permit: OwnedSemaphorePermit,
    /// Who waits for what the parser says of the lines.
    pub(super) report: Option<oneshot::Sender<Receipt>>,
}

/// Takes blocks for one shard.
#[derive(Debug, Clone)]
pub(super) struct ShardHandle {
    pub(super) wal: Arc<wal::Shard>,
    pub(super) to_parse: mpsc::UnboundedSender<StoredBlock>,
}

/// Why a block is not durable; its share of the queue comes back.
#[derive(Debug)]
pub(super) struct NotStored {
    pub(super) error: IntakeError,
    pub(super) permit: OwnedSemaphorePermit,
}

impl ShardHandle {
    /// Appends a block of a sender that waits for nothing; `lost` runs if the log does not take it.
    pub(super) fn submit_counted(&self, block: FrameBlock, permit: OwnedSemaphorePermit, lost: impl FnOnce() + Send + 'static) {
        self.append(block, permit, None, move |outcome| {
            if outcome.is_err() {
                lost();
            }
        });
    }

    /// Appends a block to the log. The receiver resolves after the fsync that covers it; by then the block is on its way to
    /// the parser.
    pub(super) fn submit(
        &self,
        block: FrameBlock,
        permit: OwnedSemaphorePermit,
        report: Option<oneshot::Sender<Receipt>>,
    ) -> oneshot::Receiver<Result<(), NotStored>> {
        let (acknowledge, acknowledged) = oneshot::channel();
        self.append(block, permit, report, move |outcome| {
            // Nobody listens when the connection is gone; the block is stored all the same.
            let _ = acknowledge.send(outcome);
        });
        acknowledged
    }

    fn append(
        &self,
        block: FrameBlock,
        permit: OwnedSemaphorePermit,
        report: Option<oneshot::Sender<Receipt>>,
        then: impl FnOnce(Result<(), NotStored>) + Send + 'static,
    ) {
        let to_parse = self.to_parse.clone();
        let (header, data) = (block.encode_header(), block.data.clone());
        let done = move |result: Result<wal::Sequence, wal::AppendError>| match result {
            Ok(sequence) => {
                // The parser's end closes only after the log, so a durable block always finds it.
                let _ = to_parse.send(StoredBlock { sequence, block, permit, report });
                then(Ok(()));
            }
            Err(error) => then(Err(NotStored { error: refusal(&error), permit })),
        };
        self.wal.submit(wal::Entry { header, data, done: Box::new(done) });
    }
}

fn refusal(error: &wal::AppendError) -> IntakeError {
    match error {
        wal::AppendError::DiskFull => IntakeError::DiskFull,
        wal::AppendError::LogFull { .. } => IntakeError::Overloaded { retry_after_seconds: 5 },
        _ => IntakeError::ShuttingDown,
    }
}
