//! A run of frames from one sender: what the WAL stores and the parser reads.
//!
//! Layout in the WAL (little endian), version 2:
//!
//! ```text
//! u8 version · u8 kind · i64 received_at_us · i32 utc_offset_s (i32::MIN: named zone) · u16 source length · source
//! · u16 peer length · peer · u16 hints length · hints · u16 zone length · zone
//! · u32 frame count · count × (u32 start, u32 end) · u32 cut count
//! · count × (u32 frame, u64 original length) · data
//! ```
//!
//! Version 1 had no zone and is still read; `i32::MIN` meant UTC there.

use std::sync::Arc;

use bytes::Bytes;

use crate::clock::TimestampUs;
use crate::record::Zone;

const VERSION: u8 = 2;
const NO_OFFSET: i32 = i32::MIN;

/// What the frames of a block are, and so who parses them and which table they end in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BlockKind {
    /// Syslog messages, one a frame.
    Syslog = 1,
    /// JSON objects, one a frame.
    JsonLines = 2,
    /// Decompressed Prometheus remote write 1.0 requests (protobuf `WriteRequest`), one a frame.
    RemoteWrite = 3,
}

impl BlockKind {
    /// Whether the block's rows are metric samples (else log lines).
    pub fn is_metrics(self) -> bool {
        matches!(self, Self::RemoteWrite)
    }
}

/// Where a block came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The source's name: `syslog_tcp`, `syslog_udp`, `jsonline`, `remote_write`, `ingest`, ...
    pub source: Arc<str>,
    /// The sender's address, without port where many connections share a sender; empty for files.
    pub peer: Arc<str>,
    /// Zone of time stamps that state none.
    pub zone: Zone,
    /// What the request said about its own format, as its URL query (`_time_field=ts&_msg_field=log`); usually empty.
    pub hints: Arc<str>,
}

/// A frame's place in a block's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRange {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A frame that was longer than the limit: the block keeps its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutFrame {
    /// Index into the block's frames.
    pub frame: u32,
    /// Length of the frame as it was sent, in bytes.
    pub original_length: u64,
}

/// Frames of one sender that arrived together. At most 4 GiB; sources keep blocks near 256 KiB.
#[derive(Debug, Clone)]
pub struct FrameBlock {
    /// What the frames are.
    pub kind: BlockKind,
    /// Where they came from.
    pub origin: Arc<Origin>,
    /// When they were read.
    pub received_at_us: TimestampUs,
    /// The bytes as they were received, framing included: frames are ranges of it, so nothing is copied.
    pub data: Bytes,
    /// The frames, in the order of arrival, each within `data`.
    pub frames: Vec<FrameRange>,
    /// The frames that were cut for length, in order; nearly always empty.
    pub cut: Vec<CutFrame>,
}

/// A stored block that cannot be read back: the bytes passed their checksum, so another version wrote them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a stored block cannot be read ({0}); it was written by another version of Watchroom: start that version once to drain the log, then upgrade"
)]
pub struct BlockDecodeError(&'static str);

impl FrameBlock {
    /// The frames' bytes, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.frames.iter().map(|f| &self.data[f.start as usize..f.end as usize])
    }

    /// What the block costs against the limits: its data and its table of frames.
    pub fn byte_size(&self) -> usize {
        self.data.len() + self.frames.len() * size_of::<FrameRange>() + 128
    }

    /// Everything before the data, as the WAL stores it; the stored block is this followed by `data`.
    pub fn encode_header(&self) -> Vec<u8> {
        let (utc_offset_s, zone) = match self.origin.zone {
            Zone::Offset(offset_s) => (offset_s, String::new()),
            zone @ Zone::Named(_) => (NO_OFFSET, zone.to_string()),
        };
        let names: [&str; 4] = [&self.origin.source, &self.origin.peer, &self.origin.hints, &zone];
        let mut out = Vec::with_capacity(64 + 8 * self.frames.len());
        out.push(VERSION);
        out.push(self.kind as u8);
        out.extend_from_slice(&self.received_at_us.to_le_bytes());
        out.extend_from_slice(&utc_offset_s.to_le_bytes());
        for name in names {
            // Names come from configuration, socket addresses and URLs, which hyper keeps below 64 KiB.
            let length = u16::try_from(name.len()).unwrap_or(0);
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(&name.as_bytes()[..usize::from(length)]);
        }
        out.extend_from_slice(&(self.frames.len() as u32).to_le_bytes());
        for frame in &self.frames {
            out.extend_from_slice(&frame.start.to_le_bytes());
            out.extend_from_slice(&frame.end.to_le_bytes());
        }
        out.extend_from_slice(&(self.cut.len() as u32).to_le_bytes());
        for cut in &self.cut {
            out.extend_from_slice(&cut.frame.to_le_bytes());
            out.extend_from_slice(&cut.original_length.to_le_bytes());
        }
        out
    }

    /// Reads a stored block back. Shares `stored`; every range is checked against the data.
    pub fn decode(stored: Bytes) -> Result<Self, BlockDecodeError> {
        let mut rest = Reader(&stored);
        let version = rest.u8()?;
        if !(1..=VERSION).contains(&version) {
            return Err(BlockDecodeError("unknown version"));
        }
        let kind = match rest.u8()? {
            1 => BlockKind::Syslog,
            2 => BlockKind::JsonLines,
            3 => BlockKind::RemoteWrite,
            _ => return Err(BlockDecodeError("unknown kind")),
        };
        let received_at_us = i64::from_le_bytes(rest.array()?);
        let utc_offset_s = i32::from_le_bytes(rest.array()?);
        let source = rest.name()?;
        let peer = rest.name()?;
        let hints = rest.name()?;
        let zone = match (utc_offset_s, version) {
            (NO_OFFSET, 1) => Zone::UTC,
            (NO_OFFSET, _) =>
            // A zone that the tz database has dropped must not keep the rest of the line from being stored.
            {
                rest.name()?.parse().unwrap_or(Zone::UTC)
            }
            (offset_s, 1) => Zone::Offset(offset_s),
            (offset_s, _) => {
                rest.name()?;
                Zone::Offset(offset_s)
            }
        };
        let count = u32::from_le_bytes(rest.array()?) as usize;
        let table = rest.take(count.checked_mul(8).ok_or(BlockDecodeError("frame count"))?)?;
        let cut_count = u32::from_le_bytes(rest.array()?) as usize;
        let mut cut = Vec::new();
        for _ in 0..cut_count {
            cut.push(CutFrame { frame: u32::from_le_bytes(rest.array()?), original_length: u64::from_le_bytes(rest.array()?) });
        }
        let data = stored.slice_ref(rest.0);
        let mut frames = Vec::with_capacity(count);
        for entry in table.chunks_exact(8) {
            let mut entry = Reader(entry);
            let frame = FrameRange { start: u32::from_le_bytes(entry.array()?), end: u32::from_le_bytes(entry.array()?) };
            if frame.start > frame.end || frame.end as usize > data.len() {
                return Err(BlockDecodeError("frame outside the data"));
            }
            frames.push(frame);
        }
        Ok(Self { kind, origin: Arc::new(Origin { source, peer, zone, hints }), received_at_us, data, frames, cut })
    }
}

/// Takes fields from the front of a slice.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], BlockDecodeError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(BlockDecodeError("too short"))?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BlockDecodeError> {
        self.take(N)?.try_into().map_err(|_| BlockDecodeError("too short"))
    }

    fn u8(&mut self) -> Result<u8, BlockDecodeError> {
        Ok(self.array::<1>()?[0])
    }

    fn name(&mut self) -> Result<Arc<str>, BlockDecodeError> {
        let length = usize::from(u16::from_le_bytes(self.array()?));
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(Arc::from).map_err(|_| BlockDecodeError("name is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored(block: &FrameBlock) -> Bytes {
        let mut bytes = block.encode_header();
        bytes.extend_from_slice(&block.data);
        Bytes::from(bytes)
    }

    fn zones() -> impl Strategy<Value = Zone> {
        prop_oneof![
            (-50_400..50_401_i32).prop_map(Zone::Offset),
            Just("Asia/Kolkata".parse().unwrap()),
            Just("Europe/Vienna".parse().unwrap())
        ]
    }

    proptest! {
        #[test]
        fn a_stored_block_reads_back(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..20),
                                     received_at_us in any::<i64>(), zone in zones()) {
            let mut data = Vec::new();
            let mut frames = Vec::new();
            for line in &lines {
                let start = data.len() as u32;
                data.extend_from_slice(line);
                frames.push(FrameRange { start, end: data.len() as u32 });
                data.push(b'\n');
            }
            let origin = Arc::new(Origin { source: "syslog_tcp".into(), peer: "10.0.0.7".into(), zone, hints: "".into() });
            let block = FrameBlock { kind: BlockKind::Syslog, origin, received_at_us, data: data.into(), frames, cut: vec![CutFrame { frame: 0, original_length: 9 }] };
            let back = FrameBlock::decode(stored(&block)).unwrap();
            prop_assert_eq!(back.iter().collect::<Vec<_>>(), lines.iter().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert_eq!(back.received_at_us, received_at_us);
            prop_assert_eq!(&back.origin, &block.origin);
            prop_assert_eq!(&back.cut, &block.cut);
        }

        #[test]
        fn any_bytes_decode_or_fail_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = FrameBlock::decode(Bytes::from(bytes));
        }
    }
}
