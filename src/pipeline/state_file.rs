//! Files of state: how their bytes are put together and read, and how they are replaced whole.
//!
//! A file is a mark of its kind and version, numbers (little endian), pieces of bytes with a u32 length before, and at the
//! end the CRC32C of all that. What is read is either what was there before or all of what was written.

use std::io::Write;
use std::path::Path;

/// Writes `bytes` in the place of the file, synced with its folder, which is made if it is missing.
pub(super) fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(file).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}

/// Puts a file together.
#[derive(Debug)]
pub(super) struct StateWriter(Vec<u8>);

impl StateWriter {
    /// A file with this mark, of about this size.
    pub(super) fn new(mark: &[u8], size_bytes: usize) -> Self {
        let mut out = Vec::with_capacity(size_bytes);
        out.extend_from_slice(mark);
        Self(out)
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn u64(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn i64(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn f64(&mut self, number: f64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Bytes with their length before them.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.u32(bytes.len() as u32);
        self.0.extend_from_slice(bytes);
    }

    /// The file, with its checksum.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let sum = crc32c::crc32c(&self.0);
        self.u32(sum);
        self.0
    }
}

/// Reads a file that [`StateWriter`] made. Everything is `None` where the bytes end too early.
#[derive(Debug)]
pub(super) struct StateReader<'a>(&'a [u8]);

impl<'a> StateReader<'a> {
    /// What follows the mark; `None` if the file is damaged, or of another kind or version.
    pub(super) fn open(mark: &[u8], file: &'a [u8]) -> Option<Self> {
        let (body, sum) = file.split_last_chunk::<4>()?;
        let is_whole = crc32c::crc32c(body) == u32::from_le_bytes(*sum);
        body.strip_prefix(mark).filter(|_| is_whole).map(Self)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }

    pub(super) fn f64(&mut self) -> Option<f64> {
        self.take().map(f64::from_le_bytes)
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()? as usize;
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_damage_is_seen() {
        let mut out = StateWriter::new(b"WRTST1", 64);
        out.u32(7);
        out.i64(-8);
        out.bytes(b"text");
        out.f64(0.5);
        let file = out.finish();
        let mut from = StateReader::open(b"WRTST1", &file).unwrap();
        assert_eq!((from.u32(), from.i64(), from.bytes(), from.f64()), (Some(7), Some(-8), Some(&b"text"[..]), Some(0.5)));
        assert_eq!((from.u64(), from.bytes()), (None, None), "the end");
        assert!(StateReader::open(b"WRTST2", &file).is_none());
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            assert!(StateReader::open(b"WRTST1", &damaged).is_none(), "byte {at}");
            assert!(StateReader::open(b"WRTST1", &file[..at]).is_none(), "{at} bytes");
        }
    }
}
