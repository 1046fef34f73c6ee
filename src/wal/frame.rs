//! The bytes of the two headers; the layout is in the module's own documentation.

use super::Sequence;

/// Size of the page that the segment header has for itself; records follow it.
pub(super) const PAGE: u64 = 4096;
/// Size of a record's header, and of the zeros that mark the end.
pub(super) const RECORD_HEADER: usize = 24;

const SEGMENT_HEADER: usize = 32;
const MAGIC: &[u8; 8] = b"WATCHWAL";
const VERSION: u32 = 1;

/// Who a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    /// Random, new for every use of a file.
    pub(super) id: u64,
    /// Sequence of the first record.
    pub(super) first: Sequence,
}

/// Why a segment header cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadSegmentHeader {
    /// Not written by the log, or damaged.
    Damaged,
    /// Intact, of a format that is not known here.
    Version(u32),
}

impl SegmentHeader {
    /// The first page of a segment, and the end mark behind it.
    pub(super) fn first_page(&self) -> Vec<u8> {
        let mut page = vec![0; PAGE as usize + RECORD_HEADER];
        page[..8].copy_from_slice(MAGIC);
        page[8..12].copy_from_slice(&VERSION.to_le_bytes());
        page[12..20].copy_from_slice(&self.id.to_le_bytes());
        page[20..28].copy_from_slice(&self.first.to_le_bytes());
        let crc = crc32c::crc32c(&page[..28]);
        page[28..SEGMENT_HEADER].copy_from_slice(&crc.to_le_bytes());
        page
    }

    /// Reads the header at the start of `page`.
    pub(super) fn decode(page: &[u8]) -> Result<Self, BadSegmentHeader> {
        let header: &[u8; SEGMENT_HEADER] = page.first_chunk().ok_or(BadSegmentHeader::Damaged)?;
        if &header[..8] != MAGIC || crc32c::crc32c(&header[..28]) != u32_at(header, 28) {
            return Err(BadSegmentHeader::Damaged);
        }
        match u32_at(header, 8) {
            VERSION => Ok(Self { id: u64_at(header, 12), first: u64_at(header, 20) }),
            other => Err(BadSegmentHeader::Version(other)),
        }
    }
}

/// What stands before a record's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub(super) payload_crc: u32,
    pub(super) sequence: Sequence,
    pub(super) length: u32,
    /// Place in the group that one `fdatasync` covered, from 0.
    pub(super) place: u32,
}

impl RecordHeader {
    pub(super) fn encode(&self, segment_id: u64) -> [u8; RECORD_HEADER] {
        let mut out = [0; RECORD_HEADER];
        out[4..8].copy_from_slice(&self.payload_crc.to_le_bytes());
        out[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        out[16..20].copy_from_slice(&self.length.to_le_bytes());
        out[20..24].copy_from_slice(&self.place.to_le_bytes());
        let crc = header_crc(segment_id, &out);
        out[..4].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The header in these bytes, if its checksum says that it was written for this use of the file.
    pub(super) fn decode(bytes: &[u8; RECORD_HEADER], segment_id: u64) -> Option<Self> {
        (header_crc(segment_id, bytes) == u32_at(bytes, 0)).then(|| Self {
            payload_crc: u32_at(bytes, 4),
            sequence: sequence_at(bytes),
            length: u32_at(bytes, 16),
            place: u32_at(bytes, 20),
        })
    }

    /// Sequence of the first record of the group: all before it were on disk when this one was written.
    pub(super) fn group_first(&self) -> Sequence {
        self.sequence.saturating_sub(u64::from(self.place))
    }
}

/// The sequence field of what may be a record header: cheap to look at before the checksum is computed.
pub(super) fn sequence_at(bytes: &[u8; RECORD_HEADER]) -> Sequence {
    u64_at(bytes, 8)
}

fn header_crc(segment_id: u64, bytes: &[u8; RECORD_HEADER]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&segment_id.to_le_bytes()), &bytes[4..])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_layout_on_disk_is_pinned() {
        // Files of earlier releases must stay readable: these bytes may never change.
        let page = SegmentHeader { id: 0x0102_0304_0506_0708, first: 9 }.first_page();
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(&page[..28]), "574154434857414c0100000008070605040302010900000000000000");
        assert!(page[32..].iter().all(|b| *b == 0));
        let record = RecordHeader { payload_crc: 1, sequence: 2, length: 3, place: 4 }.encode(7);
        assert_eq!(hex(&record[4..]), "0100000002000000000000000300000004000000");
        assert_eq!(RecordHeader::decode(&record, 7), Some(RecordHeader { payload_crc: 1, sequence: 2, length: 3, place: 4 }));
    }

    #[test]
    fn a_header_of_another_format_is_told_from_a_damaged_one() {
        let mut page = SegmentHeader { id: 1, first: 1 }.first_page();
        page[8] = 2;
        assert_eq!(SegmentHeader::decode(&page), Err(BadSegmentHeader::Damaged));
        let crc = crc32c::crc32c(&page[..28]);
        page[28..32].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(SegmentHeader::decode(&page), Err(BadSegmentHeader::Version(2)));
    }

    proptest! {
        #[test]
        fn a_record_header_of_another_segment_or_with_a_flipped_bit_does_not_count(
            id: u64, other: u64, payload_crc: u32, sequence: u64, length: u32, place: u32, bit in 0..RECORD_HEADER * 8,
        ) {
            let header = RecordHeader { payload_crc, sequence, length, place };
            let mut bytes = header.encode(id);
            prop_assert_eq!(RecordHeader::decode(&bytes, id), Some(header));
            if other != id {
                prop_assert_eq!(RecordHeader::decode(&bytes, other), None);
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(RecordHeader::decode(&bytes, id), None);
        }
    }
}
