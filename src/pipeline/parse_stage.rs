//! From durable blocks to fresh rows, in the order of the log.
//!
//! One task a shard. Blocks that wait are taken together, up to about 1 MiB, and parsed in one job on the rayon pool; a few
//! jobs run ahead, and their batches enter the table in order, each with the log position that it completes. When the
//! fresh rows are at their limit the task waits for a flush, the queue fills, and senders are held back.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use tokio::sync::{mpsc, oneshot};

use super::fresh_room::FreshRoom;
use super::parse_job::{ParsedBlocks, parse_blocks};
use super::shard::StoredBlock;
use super::tables::Tables;

/// Frames parsed in one job: large enough that a batch has some thousand rows, small enough to be visible at once.
const JOB_BYTES: usize = 1 << 20;

/// Jobs in the pool at a time for one shard: both cores busy, and one ready when one ends.
const JOBS_AHEAD: usize = 3;

/// How long a lone small block waits for company, so that a trickle makes batches of more than one row.
const GATHER: Duration = Duration::from_millis(5);

/// Runs until the shard's log is closed and everything from it is in the tables.
pub(super) async fn run(mut stored: mpsc::UnboundedReceiver<StoredBlock>, app_id: Arc<str>, tables: Arc<Tables>, room: Arc<FreshRoom>) {
    let mut jobs = FuturesOrdered::new();
    let mut open = true;
    while open || !jobs.is_empty() {
        tokio::select! {
            // Finished jobs first: their rows become visible before more are parsed.
            biased;
            Some(parsed) = jobs.next(), if !jobs.is_empty() => {
                let Ok(parsed) = parsed else { continue };
                append(parsed, &app_id, &tables, &room).await;
            }
            block = stored.recv(), if open && jobs.len() < JOBS_AHEAD => match block {
                Some(first) => jobs.push_back(start_job(gather(first, &mut stored).await, &tables)),
                None => open = false,
            },
        }
    }
}

/// Takes what waits behind `first`, up to a job's size.
async fn gather(first: StoredBlock, stored: &mut mpsc::UnboundedReceiver<StoredBlock>) -> Vec<StoredBlock> {
    let mut bytes = first.block.data.len();
    let mut blocks = vec![first];
    let mut waited = false;
    while bytes < JOB_BYTES {
        match stored.try_recv() {
            Ok(next) => {
                bytes += next.block.data.len();
                blocks.push(next);
            }
            // Somebody who waits for the parser's word is not kept waiting for company.
            Err(_) if waited || bytes > JOB_BYTES / 16 || blocks.iter().any(|stored| stored.report.is_some()) => break,
            Err(_) => {
                waited = true;
                tokio::time::sleep(GATHER).await;
            }
        }
    }
    blocks
}

fn start_job(blocks: Vec<StoredBlock>, tables: &Arc<Tables>) -> oneshot::Receiver<ParsedBlocks> {
    let (done, parsed) = oneshot::channel();
    let tables = tables.clone();
    rayon::spawn(move || {
        let _ = done.send(parse_blocks(blocks, &tables.known_series, tables.mined()));
    });
    parsed
}

async fn append(parsed: ParsedBlocks, app_id: &Arc<str>, tables: &Tables, room: &FreshRoom) {
    for (report, receipt) in parsed.reports {
        // The request may have been given up meanwhile.
        let _ = report.send(receipt);
    }
    let bytes = parsed.logs.iter().chain(&parsed.samples).map(arrow::array::RecordBatch::get_array_memory_size).sum();
    room.wait_for(bytes).await;
    tables.append(parsed.logs, parsed.samples, parsed.series, app_id, parsed.last_sequence).await;
    // The blocks' shares of the queue are given back here, when their rows are visible.
    drop(parsed.permits);
}
