//! Syslog over TCP (RFC 6587).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{FrameSplitter, Overlong, SourceContext, SyslogConfig};
use crate::record::{BlockKind, CutFrame, FrameBlock, FrameRange, IntakeError, Origin};
use crate::self_metrics::{self, Outcome, SYSLOG_CONNECTIONS};

const SOURCE: &str = "syslog_tcp";

/// A block is at most this long. While one block is being stored the kernel's buffer fills, so under load blocks grow to
/// this size and one connection alone moves a block for each group commit (about 5 ms): some 200 MB/s.
const BLOCK_BYTES: usize = 1 << 20;

/// What a connection starts with: most of them send a line now and then.
const FIRST_READ_BYTES: usize = 16 << 10;

/// Accepts connections until the sources are to stop, then lets the open ones hand over what they have read.
pub async fn serve_syslog_tcp(listener: TcpListener, config: Arc<SyslogConfig>, context: SourceContext) {
    let mut connections = JoinSet::new();
    let per_peer = Arc::new(PeerCounts::default());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = context.shutdown.sources_stopping() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, usually: the open connections go on, and some will close.
                tracing::warn!(%error, "a syslog connection cannot be accepted; trying again in 100 ms");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(guard) = admit(&config, &per_peer, peer) else { continue };
        let (config, context) = (config.clone(), context.clone());
        connections.spawn(async move {
            let _guard = guard;
            serve_connection(stream, peer, &config, &context).await;
        });
    }
    while connections.join_next().await.is_some() {}
}

/// Checks who connects and how many there are; `None` closes the connection.
fn admit(config: &SyslogConfig, per_peer: &Arc<PeerCounts>, peer: SocketAddr) -> Option<ConnectionGuard> {
    if !config.allow.allows(peer.ip()) {
        tracing::warn!(%peer, "syslog connection refused: the address is not in syslog.allow");
        self_metrics::account(SOURCE, Outcome::Rejected, 1, 0);
        return None;
    }
    let guard = ConnectionGuard::new(per_peer, peer.ip().to_canonical());
    if guard.open > config.max_connections || guard.of_peer > config.max_connections_per_peer {
        tracing::warn!(%peer, open = guard.open, of_peer = guard.of_peer, "syslog connection refused: too many are open");
        self_metrics::account(SOURCE, Outcome::Rejected, 1, 0);
        return None;
    }
    Some(guard)
}

/// Open connections by address.
#[derive(Debug, Default)]
struct PeerCounts(Mutex<HashMap<IpAddr, usize>>);

/// Counts a connection for as long as it lives.
#[derive(Debug)]
struct ConnectionGuard {
    counts: Arc<PeerCounts>,
    peer: IpAddr,
    open: u64,
    of_peer: usize,
}

impl ConnectionGuard {
    fn new(counts: &Arc<PeerCounts>, peer: IpAddr) -> Self {
        let mut by_peer = counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_peer = by_peer.entry(peer).or_default();
        *of_peer += 1;
        Self { counts: counts.clone(), peer, open: SYSLOG_CONNECTIONS.increment(), of_peer: *of_peer }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        SYSLOG_CONNECTIONS.decrement();
        let mut by_peer = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_peer.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                by_peer.remove(&self.peer);
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, config: &SyslogConfig, context: &SourceContext) {
    let origin = config.origin(SOURCE, peer);
    if let Err(end) = read_stream(stream, &origin, config, context).await {
        tracing::debug!(%peer, %end, "syslog connection ended early");
    }
}

/// Why a connection ended before its sender closed it.
#[derive(Debug, thiserror::Error)]
enum ConnectionEnd {
    #[error("nothing came for the idle time")]
    Idle,
    #[error("reading failed: {0}")]
    Read(#[from] std::io::Error),
    #[error("{0}")]
    Intake(#[from] IntakeError),
}

/// Reads until the sender closes, the idle time passes or the server stops; every message read is handed over.
async fn read_stream(
    mut stream: impl AsyncRead + Unpin,
    origin: &Arc<Origin>,
    config: &SyslogConfig,
    context: &SourceContext,
) -> Result<(), ConnectionEnd> {
    let mut splitter = FrameSplitter::new(config.max_line_bytes);
    let mut buffer = BytesMut::with_capacity(FIRST_READ_BYTES);
    let mut wanted = FIRST_READ_BYTES;
    loop {
        buffer.reserve(wanted);
        let read = tokio::select! {
            read = stream.read_buf(&mut buffer) => read,
            () = context.shutdown.sources_stopping() => Ok(0),
            () = tokio::time::sleep(config.idle_timeout) => {
                hand_over(&mut buffer, &mut splitter, true, origin, context).await?;
                return Err(ConnectionEnd::Idle);
            }
        };
        // A broken connection still delivered what was read before.
        let (at_end, failure) = match read {
            Ok(count) => {
                // A read that filled the buffer means that more is waiting.
                wanted = if count >= wanted { (wanted * 4).min(BLOCK_BYTES) } else { wanted.max(FIRST_READ_BYTES) };
                (count == 0, None)
            }
            Err(error) => (true, Some(error)),
        };
        hand_over(&mut buffer, &mut splitter, at_end, origin, context).await?;
        if at_end {
            return failure.map_or(Ok(()), |error| Err(error.into()));
        }
    }
}

/// Cuts what is in the buffer into messages and hands them over; the beginning of an unfinished one stays.
async fn hand_over(
    buffer: &mut BytesMut,
    splitter: &mut FrameSplitter,
    at_end: bool,
    origin: &Arc<Origin>,
    context: &SourceContext,
) -> Result<(), IntakeError> {
    loop {
        let split = splitter.split(buffer, at_end);
        if split.frames.is_empty() {
            buffer.advance(split.consumed);
        } else {
            let data = take_front(buffer, split.consumed);
            let block = FrameBlock {
                kind: BlockKind::Syslog,
                origin: origin.clone(),
                received_at_us: context.clock.now_us(),
                data,
                frames: split.frames,
                cut: Vec::new(),
            };
            context.intake.take_waiting(block).await?;
        }
        match split.overlong {
            Some(overlong) => context.intake.take_waiting(overlong_block(overlong, origin, context)).await?,
            None => return Ok(()),
        }
    }
}

/// The first bytes of the buffer. Rows keep what they came in until they are written, so a few bytes are copied out of a
/// large buffer, and only a buffer that is mostly used is handed on whole.
fn take_front(buffer: &mut BytesMut, length: usize) -> Bytes {
    if length < buffer.capacity() / 2 {
        let copy = Bytes::copy_from_slice(&buffer[..length]);
        buffer.advance(length);
        return copy;
    }
    buffer.split_to(length).freeze()
}

fn overlong_block(overlong: Overlong, origin: &Arc<Origin>, context: &SourceContext) -> FrameBlock {
    let end = overlong.kept.len() as u32;
    FrameBlock {
        kind: BlockKind::Syslog,
        origin: origin.clone(),
        received_at_us: context.clock.now_us(),
        data: overlong.kept.into(),
        frames: vec![FrameRange { start: 0, end }],
        cut: vec![CutFrame { frame: 0, original_length: overlong.original_length }],
    }
}
