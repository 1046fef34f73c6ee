//! What happens at the start: every shard's log is opened, and what the tables do not have yet goes the usual way again.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};

use super::shard::StoredBlock;
use crate::record::{BlockDecodeError, FrameBlock};
use crate::table::TableError;
use crate::wal;

/// Why the pipeline does not start.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// A table cannot be opened.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A log cannot be opened.
    #[error(transparent)]
    Open(#[from] wal::OpenError),
    /// A log cannot be read.
    #[error(transparent)]
    Replay(#[from] wal::ReplayError),
    /// A stored block is of another version.
    #[error(transparent)]
    Block(#[from] BlockDecodeError),
    /// The folder of the logs cannot be read.
    #[error("the folder of the write-ahead log cannot be read: {0}; check its permissions")]
    Folder(std::io::Error),
    /// A file of the table `series` cannot be read.
    #[error("the series in {path} cannot be read: {detail}; restore the file from a backup")]
    Series {
        /// The file.
        path: String,
        /// What the reader said.
        detail: String,
    },
    /// The stop came first.
    #[error("the start was interrupted")]
    Interrupted,
}

/// Names of all shards: those that the configuration wants, and those that an older one left behind.
pub(super) fn shard_names(folder: &Path, wanted: &[String]) -> Result<Vec<String>, PipelineError> {
    let mut names = wanted.to_vec();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(names),
        Err(error) => return Err(PipelineError::Folder(error)),
    };
    for entry in entries {
        let entry = entry.map_err(PipelineError::Folder)?;
        let is_folder = entry.file_type().map_err(PipelineError::Folder)?.is_dir();
        if let (true, Ok(name)) = (is_folder, entry.file_name().into_string())
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    Ok(names)
}

/// Sends the blocks that a log holds on to the parser, within the limits of the queue. Blocking: runs on a thread of its own.
pub(super) fn replay(
    name: &str,
    replay: wal::Replay,
    to_parse: &mpsc::UnboundedSender<StoredBlock>,
    queue: &Arc<Semaphore>,
    queue_permits: u32,
    runtime: &tokio::runtime::Handle,
) -> Result<u64, PipelineError> {
    let mut blocks = 0;
    if let Some(tail) = replay.cut_tail() {
        tracing::warn!(shard = name, ?tail, "the log ended in an unfinished write, which was never acknowledged; it was cut off");
    }
    for item in replay {
        let (sequence, payload): (wal::Sequence, Bytes) = match item? {
            wal::Replayed::Record { sequence, payload } => (sequence, payload),
            wal::Replayed::Damage(damage) => {
                tracing::error!(shard = name, %damage, "a part of the log is damaged; what can be read was taken");
                continue;
            }
        };
        let block = FrameBlock::decode(payload)?;
        let wanted = u32::try_from(block.byte_size().div_ceil(1024)).unwrap_or(u32::MAX).min(queue_permits);
        let permit = runtime.block_on(queue.clone().acquire_many_owned(wanted)).map_err(|_| PipelineError::Interrupted)?;
        if to_parse.send(StoredBlock { sequence, block, permit, report: None }).is_err() {
            return Err(PipelineError::Interrupted);
        }
        blocks += 1;
    }
    Ok(blocks)
}
