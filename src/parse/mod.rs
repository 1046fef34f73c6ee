//! From bytes to records: every grammar that Watchroom reads.
//!
//! Parsing never fails, never panics and never drops: what no grammar takes becomes the whole text as `message`, with
//! `parse_error` set to a short reason and `dialect` `plain`. There is no I/O and no clock here; the time of receipt is
//! an argument, because RFC 3164 stamps have no year and need one.
//!
//! How a syslog line is taken, in this order:
//!
//! 1. The bytes become text (valid UTF-8 is borrowed, anything else goes through the caller's scratch buffer and is marked
//!    `lossy`); the frame's trailing line ends and NULs and a leading byte order mark fall away, and so does an octet count that a
//!    relay left in.
//! 2. The priority. None is fine. One that RFC 5424 does not allow (`<>`, `<192>`, `<00013>`) ends the attempt: the whole text is
//!    kept, as RFC 3164, section 4.3.3 asks of relays.
//! 3. RFC 5424, if a version number and a time stamp (or `-`) follow; also without version, if the fields after the stamp show it.
//! 4. Everything older: an optional vendor head (Cisco), a stamp in any of its forms, host, tag, process id.
//! 5. What the message itself says about the event, if it is in a format that devices share (CEF, LEEF, key=value, CSV, Snare, mnemonics).
//!    Such fields become `msgid` and attributes; the message keeps its text.
//!
//! A line with a valid priority and free text behind it (`<13>hello`) is not an error: RFC 3164, section 4.3.3 lets a relay take the
//! rest as the content and add time and host itself. It has the dialect `plain` and no `parse_error`.
//!
//! Stamps without a year take the year that brings them nearest to the time of receipt; stamps without a zone take the source's offset.

mod body;
mod cisco;
mod event_format;
mod json_line;
mod json_record;
mod key_value;
mod palo_alto;
mod priority;
pub mod remote_write;
mod snare;
mod structured_data;
mod syslog;
mod syslog_rfc3164;
mod syslog_rfc5424;
mod time_zone;
mod timestamp;
mod wire;

#[cfg(test)]
mod conformance;

use crate::clock::TimestampUs;
use crate::record::Zone;

pub use json_line::{JsonFields, parse_json_line};
pub use json_record::structured_json;
pub use syslog::parse_syslog;

/// What the receiver knows about a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// When the frame was received, µs UTC: settles the year of stamps that have none.
    pub received_at_us: TimestampUs,
    /// Zone of stamps that state none.
    pub zone: Zone,
}
