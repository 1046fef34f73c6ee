//! Syslog over UDP (RFC 5426): one message a datagram.
//!
//! Nobody can hold a UDP sender back. So the socket asks for a large receive buffer, everything that waits is taken in one
//! sweep, and what is lost is counted: at our limit (`dropped` in the ledger) and by the kernel, whose count for the socket
//! stands in `/proc/net/udp` and needs no control messages to be read.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::net::UdpSocket;

use super::{SourceContext, SyslogConfig};
use crate::record::{BlockKind, CutFrame, FrameBlock, FrameRange, Origin};
use crate::self_metrics::{self, Outcome, UDP_KERNEL_DROPS};

const SOURCE: &str = "syslog_udp";

/// The longest UDP payload there is.
const DATAGRAM_BYTES: usize = 65_535;

/// Datagrams taken before the blocks are handed over: some hundred kilobytes of usual messages.
const SWEEP_DATAGRAMS: usize = 2_048;

/// How often the kernel's drop count is read.
const DROP_CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// Origins remembered; a spoofed flood of addresses must not grow the table.
const MAX_KNOWN_PEERS: usize = 10_000;

/// Reads datagrams until the sources are to stop.
pub async fn serve_syslog_udp(socket: UdpSocket, config: Arc<SyslogConfig>, context: SourceContext) {
    let mut sweep = Sweep { config, context, origins: HashMap::new(), by_peer: HashMap::new() };
    let local = socket.local_addr().ok();
    let mut drop_check = tokio::time::interval(DROP_CHECK_INTERVAL);
    let mut kernel_drops = KernelDrops::default();
    loop {
        tokio::select! {
            ready = socket.readable() => {
                if let Err(error) = ready {
                    tracing::warn!(%error, "the syslog UDP socket cannot be polled; trying again in 100 ms");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                sweep.run(&socket);
            }
            _ = drop_check.tick() => kernel_drops.update(local),
            () = sweep.context.shutdown.sources_stopping() => break,
        }
    }
    // What the kernel already holds was sent before the stop.
    sweep.run(&socket);
    kernel_drops.update(local);
}

/// Datagrams of one sender that were taken together.
#[derive(Debug, Default)]
struct PeerBlock {
    data: BytesMut,
    frames: Vec<FrameRange>,
    cut: Vec<CutFrame>,
}

struct Sweep {
    config: Arc<SyslogConfig>,
    context: SourceContext,
    origins: HashMap<IpAddr, Arc<Origin>>,
    by_peer: HashMap<SocketAddr, PeerBlock>,
}

impl Sweep {
    /// Takes what waits in the socket and hands it over, a block for each sender.
    fn run(&mut self, socket: &UdpSocket) {
        let mut datagram = vec![0u8; DATAGRAM_BYTES];
        for _ in 0..SWEEP_DATAGRAMS {
            match socket.try_recv_from(&mut datagram) {
                Ok((length, peer)) => self.add(&datagram[..length], peer),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // An ICMP error of an earlier answer; the socket itself is fine.
                Err(_) => {}
            }
        }
        let received_at_us = self.context.clock.now_us();
        for (peer, block) in std::mem::take(&mut self.by_peer) {
            let origin = self.origin(peer);
            let (items, bytes) = (block.frames.len() as u64, block.data.len() as u64);
            let block = FrameBlock {
                kind: BlockKind::Syslog,
                origin,
                received_at_us,
                data: block.data.freeze(),
                frames: block.frames,
                cut: block.cut,
            };
            if self.context.intake.take_or_refuse(block).is_err() {
                self_metrics::account(SOURCE, Outcome::Dropped, items, bytes);
            }
        }
    }

    fn add(&mut self, datagram: &[u8], peer: SocketAddr) {
        if !self.config.allow.allows(peer.ip()) {
            self_metrics::account(SOURCE, Outcome::Rejected, 1, datagram.len() as u64);
            return;
        }
        let trailing = datagram.iter().rev().take_while(|b| matches!(b, b'\n' | b'\r' | 0)).count();
        let message = &datagram[..datagram.len() - trailing];
        if message.is_empty() {
            return;
        }
        let block = self.by_peer.entry(peer).or_default();
        let kept = &message[..message.len().min(self.config.max_line_bytes)];
        if kept.len() < message.len() {
            block.cut.push(CutFrame { frame: block.frames.len() as u32, original_length: message.len() as u64 });
        }
        let start = block.data.len() as u32;
        block.data.put_slice(kept);
        block.frames.push(FrameRange { start, end: block.data.len() as u32 });
    }

    fn origin(&mut self, peer: SocketAddr) -> Arc<Origin> {
        if self.origins.len() >= MAX_KNOWN_PEERS {
            self.origins.clear();
        }
        let config = &self.config;
        self.origins.entry(peer.ip()).or_insert_with(|| config.origin(SOURCE, peer)).clone()
    }
}

/// Follows the kernel's count of dropped datagrams.
#[derive(Debug, Default)]
struct KernelDrops {
    last: u64,
}

impl KernelDrops {
    fn update(&mut self, local: Option<SocketAddr>) {
        let Some(local) = local else { return };
        let table = if local.is_ipv4() { "/proc/net/udp" } else { "/proc/net/udp6" };
        let Some(drops) = std::fs::read_to_string(table).ok().and_then(|text| drops_of_port(&text, local.port())) else { return };
        let new = drops.saturating_sub(self.last);
        self.last = drops;
        UDP_KERNEL_DROPS.add(new);
        self_metrics::account(SOURCE, Outcome::Dropped, new, 0);
    }
}

/// The `drops` column (the last one) of the socket bound to `port`.
fn drops_of_port(table: &str, port: u16) -> Option<u64> {
    let suffix = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter(|line| line.split_whitespace().nth(1).is_some_and(|local| local.ends_with(&suffix)))
        .filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok())
        .reduce(|sum, drops| sum + drops)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drop_count_is_read_from_the_sockets_line() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
             40: 0100007F:158A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 17\n\
             41: 0100007F:158B 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 99\n";
        assert_eq!(drops_of_port(table, 0x158A), Some(17));
        assert_eq!(drops_of_port(table, 1), None);
    }
}
