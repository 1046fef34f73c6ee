//! Where events enter: listeners and HTTP push endpoints.
//!
//! A source turns bytes from outside into [`crate::record::FrameBlock`]s and hands them to an
//! [`crate::record::Intake`]. It knows framing and acknowledgement, nothing of parsing or tables.
//!
//! What each sender is promised:
//!
//! * syslog over TCP: the protocol has no acknowledgement. The connection is read only as fast as blocks become durable,
//!   so that what can be lost with a crash is what stands in socket buffers and in the one block that is being stored.
//! * syslog over UDP: nothing. What is refused at the limit and what the kernel dropped is counted.
//! * HTTP: the answer comes after fsync. 503 with `Retry-After` means that nothing of the request was stored.

mod allow_list;
mod body;
mod framing;
pub mod http_push;
mod network;
mod syslog_tcp;
mod syslog_udp;
mod time_zones;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use allow_list::AllowList;
pub use body::{BodyError, BodyLimits};
pub use framing::{FrameSplitter, MAX_LINE_BYTES_CEILING, Overlong, Split};
pub use network::NetworkParseError;
pub use syslog_tcp::serve_syslog_tcp;
pub use syslog_udp::serve_syslog_udp;
pub use time_zones::{TimeZones, TimeZonesError};

use crate::clock::Clock;
use crate::record::{Intake, Origin};

/// What both syslog listeners need.
#[derive(Debug, Clone)]
pub struct SyslogConfig {
    /// Longest line kept whole, in bytes; longer ones are cut and flagged.
    pub max_line_bytes: usize,
    /// Zones of time stamps that state none.
    pub zones: Arc<TimeZones>,
    /// Peers that may send; empty means everybody who can reach the socket.
    pub allow: AllowList,
    /// Connections open at the same time.
    pub max_connections: u64,
    /// Connections open at the same time from one address.
    pub max_connections_per_peer: usize,
    /// A connection that sends nothing for this long is closed.
    pub idle_timeout: Duration,
    /// Receive buffer asked of the kernel for the UDP socket, in bytes.
    pub udp_receive_buffer_bytes: usize,
}

impl SyslogConfig {
    /// The origin of blocks from `peer`. The port is left out: it says nothing about the sender.
    fn origin(&self, source: &'static str, peer: SocketAddr) -> Arc<Origin> {
        let zone = self.zones.of(peer.ip());
        Arc::new(Origin { source: source.into(), peer: peer.ip().to_canonical().to_string().into(), zone, hints: "".into() })
    }
}

/// What a listener works with.
#[derive(Debug, Clone)]
pub struct SourceContext {
    /// Where blocks go.
    pub intake: Arc<dyn Intake>,
    /// Time of receipt.
    pub clock: Clock,
    /// Tells the listener to stop taking.
    pub shutdown: crate::shutdown::Shutdown,
}
