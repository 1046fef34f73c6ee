//! Reads the records of one segment, over damaged places too.

use std::fs::File;
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt;

use bytes::Bytes;

use super::Sequence;
use super::frame::{PAGE, RECORD_HEADER, RecordHeader, SegmentHeader, sequence_at};
use super::replay::Tear;

/// How much is read at once where headers are looked for.
const WINDOW: usize = 64 << 10;
static ZEROS: [u8; WINDOW] = [0; WINDOW];
const HEADER: u64 = RECORD_HEADER as u64;

/// A record that passed its checksums.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) sequence: Sequence,
    /// First sequence of the group it was written with.
    pub(super) group_first: Sequence,
    pub(super) payload: Bytes,
}

/// A walk through a segment. Memory: a window of 64 KiB and one payload.
#[derive(Debug)]
pub(super) struct SegmentReader {
    file: File,
    header: SegmentHeader,
    /// One past the last sequence that the segment can hold.
    upper: Sequence,
    /// Records up to this one are passed over unread.
    skip_to: Sequence,
    length: u64,
    offset: u64,
    expected: Sequence,
    window: Vec<u8>,
    window_at: u64,
    /// Records that were found whole.
    pub(super) readable: u64,
    /// Sequences that should be there and are not, after `skip_to`.
    pub(super) missing: Vec<RangeInclusive<Sequence>>,
    /// What stood in the way since the last whole record.
    pub(super) tear: Option<Tear>,
}

impl SegmentReader {
    /// A walk over the records with sequences below `upper`; without one, over all that a file of this size can hold.
    pub(super) fn new(file: File, header: SegmentHeader, upper: Option<Sequence>, skip_to: Sequence) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self {
            file,
            header,
            upper: upper.unwrap_or(header.first + length / HEADER + 1),
            skip_to,
            length,
            offset: PAGE,
            expected: header.first,
            window: Vec::new(),
            window_at: 0,
            readable: 0,
            missing: Vec::new(),
            tear: None,
        })
    }

    /// Where the walk stands: after a record, one past it.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next whole record. `None` at the end; then `missing` is complete.
    pub(super) fn next(&mut self) -> io::Result<Option<Record>> {
        while self.expected < self.upper {
            let Some(header) = self.find_header()? else { break };
            let payload_at = self.offset + HEADER;
            let end = payload_at + u64::from(header.length);
            if end > self.length {
                self.tear.get_or_insert(Tear::Payload);
                self.offset = payload_at;
                continue;
            }
            // The header's checksum vouches for the length, whatever became of the payload.
            self.offset = end;
            if header.sequence <= self.skip_to {
                self.found(header.sequence);
                continue;
            }
            let payload = self.read(payload_at, header.length as usize)?;
            if crc32c::crc32c(&payload) != header.payload_crc {
                self.tear.get_or_insert(Tear::Payload);
                continue;
            }
            self.found(header.sequence);
            return Ok(Some(Record { sequence: header.sequence, group_first: header.group_first(), payload: payload.into() }));
        }
        self.miss_until(self.upper);
        self.expected = self.expected.max(self.upper);
        Ok(None)
    }

    fn found(&mut self, sequence: Sequence) {
        self.miss_until(sequence);
        self.expected = sequence + 1;
        self.readable += 1;
    }

    fn miss_until(&mut self, sequence: Sequence) {
        let from = self.expected.max(self.skip_to + 1);
        if from < sequence {
            self.missing.push(from..=sequence - 1);
        }
    }

    /// The next record header of this segment at or behind the offset, which is moved to it. Usually it stands right
    /// there; behind a damaged header, every byte may be the start of the next one. A candidate costs one checksum of
    /// 24 bytes, so that bytes that imitate headers cannot make the search slow.
    fn find_header(&mut self) -> io::Result<Option<RecordHeader>> {
        let start = self.offset;
        let mut at = start;
        if start + HEADER > self.length {
            // The end mark is gone: the file was cut short.
            self.tear.get_or_insert(Tear::Header);
        }
        while at + HEADER <= self.length {
            self.fill(at)?;
            let window = &self.window[(at - self.window_at) as usize..];
            if window == &ZEROS[..window.len()] {
                at += (window.len() - RECORD_HEADER + 1) as u64;
                continue;
            }
            for bytes in window.array_windows::<RECORD_HEADER>() {
                let sequence = sequence_at(bytes);
                if sequence >= self.expected
                    && sequence < self.upper
                    && let Some(header) = RecordHeader::decode(bytes, self.header.id)
                    && header.group_first() >= self.header.first
                {
                    self.offset = at;
                    return Ok(Some(header));
                }
                if at == start && bytes != &[0; RECORD_HEADER] {
                    self.tear.get_or_insert(Tear::Header);
                }
                at += 1;
            }
        }
        self.offset = self.length.max(start);
        Ok(None)
    }

    /// Makes the window hold a header at `at`, which the file is long enough for.
    fn fill(&mut self, at: u64) -> io::Result<()> {
        if at >= self.window_at && at + HEADER <= self.window_at + self.window.len() as u64 {
            return Ok(());
        }
        self.window.resize(WINDOW.min((self.length - at) as usize), 0);
        self.window_at = at;
        let read = self.file.read_exact_at(&mut self.window, at);
        if read.is_err() {
            self.window.clear();
        }
        read
    }

    /// Reads bytes that the file is long enough for; what the window holds of them is not read again.
    fn read(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(length);
        if let Some(held) = at.checked_sub(self.window_at).and_then(|from| self.window.get(from as usize..)) {
            out.extend_from_slice(&held[..held.len().min(length)]);
        }
        let have = out.len();
        out.resize(length, 0);
        self.file.read_exact_at(&mut out[have..], at + have as u64)?;
        Ok(out)
    }
}
