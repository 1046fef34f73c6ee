//! Reads a file, or stdin, in pieces that end at line ends.

use std::fs::File;
use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

use crate::cli::input::decompressing;

/// A piece of lines: one group commit carries it, and a cut-off run repeats no more than this.
const PIECE_BYTES: usize = 4 << 20;

/// The beginning of a file that tells it from its successor after a rotation.
const IDENTITY_BYTES: u64 = 1024;

/// What a file is known by: its path, and a hash of its first bytes.
pub(super) type FileKey = String;

/// Whole lines, and where they end in the (decompressed) file.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) lines: Bytes,
    pub(super) end: u64,
}

/// Reads pieces.
pub(super) struct LineReader {
    input: Box<dyn BufRead + Send>,
    key: Option<FileKey>,
    size_bytes: Option<u64>,
    read_bytes: Arc<AtomicU64>,
    /// Read, and not yet given out.
    rest: BytesMut,
    /// Position, in the decompressed file, of the beginning of `rest`.
    position: u64,
}

impl LineReader {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        if path.as_os_str() == "-" {
            let input = decompressing(Counting { input: std::io::stdin(), read: read_bytes.clone() })?;
            return Ok(Self { input, key: None, size_bytes: None, read_bytes, rest: BytesMut::new(), position: 0 });
        }
        let cannot = || format!("{} cannot be read; check the path and its permissions", path.display());
        let file = File::open(path).with_context(cannot)?;
        let size_bytes = Some(file.metadata().with_context(cannot)?.len());
        let key = Some(file_key(path).with_context(cannot)?);
        let input = decompressing(Counting { input: file, read: read_bytes.clone() }).with_context(cannot)?;
        Ok(Self { input, key, size_bytes, read_bytes, rest: BytesMut::new(), position: 0 })
    }

    /// Identity for the list of positions; `None` for stdin.
    pub(super) fn key(&self) -> Option<&FileKey> {
        self.key.as_ref()
    }

    /// Size on disk.
    pub(super) fn size_bytes(&self) -> Option<u64> {
        self.size_bytes
    }

    /// Bytes read from disk so far.
    pub(super) fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }

    /// Reads up to the position, giving nothing out.
    pub(super) fn skip_to(&mut self, position: u64) -> anyhow::Result<()> {
        std::io::copy(&mut (&mut self.input).take(position), &mut std::io::sink())?;
        self.position = position;
        Ok(())
    }

    /// The next lines; `None` at the end. A last line without a newline counts as one.
    pub(super) fn next_piece(&mut self) -> anyhow::Result<Option<Piece>> {
        let mut at_end = false;
        while self.rest.len() < PIECE_BYTES && !at_end {
            let have = self.rest.len();
            self.rest.resize(PIECE_BYTES.max(have), 0);
            let read = self.input.read(&mut self.rest[have..]).context("the file is damaged or its disk failed")?;
            self.rest.truncate(have + read);
            at_end = read == 0;
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        // A line longer than a piece is cut here; the server would cut it shorter still.
        let end = memchr::memrchr(b'\n', &self.rest).map_or(self.rest.len(), |at| if at_end { self.rest.len() } else { at + 1 });
        let lines = self.rest.split_to(end).freeze();
        self.position += lines.len() as u64;
        Ok(Some(Piece { lines, end: self.position }))
    }
}

fn file_key(path: &Path) -> std::io::Result<FileKey> {
    let mut head = Vec::new();
    File::open(path)?.take(IDENTITY_BYTES).read_to_end(&mut head)?;
    // Only whole lines: a file that is still shorter than this will grow, and must keep its identity.
    let first_line = memchr::memchr(b'\n', &head).map_or(head.len(), |at| at + 1);
    let digest = Sha256::digest(&head[..first_line]);
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}#{hash}", path.canonicalize()?.display()))
}

struct Counting<R> {
    input: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn pieces(path: &Path, from: u64) -> Vec<u8> {
        let mut reader = LineReader::open(path).unwrap();
        reader.skip_to(from).unwrap();
        let mut out = Vec::new();
        while let Some(piece) = reader.next_piece().unwrap() {
            out.extend_from_slice(&piece.lines);
            assert_eq!(piece.end, from + out.len() as u64);
        }
        out
    }

    #[test]
    fn compressed_files_read_like_plain_ones_and_from_the_middle() {
        let folder = tempfile::tempdir().unwrap();
        let text: Vec<u8> = (0..200_000).flat_map(|n| format!("<13>line number {n} of many\n").into_bytes()).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        for (name, bytes) in [("p", text.clone()), ("g", gzip.finish().unwrap()), ("z", zstd::encode_all(&text[..], 1).unwrap())] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(pieces(&path, 0), text, "{name}");
            assert_eq!(pieces(&path, 4_500_000), &text[4_500_000..], "{name}");
        }
    }

    #[test]
    fn a_growing_file_keeps_its_identity_and_a_new_one_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "first\n").unwrap();
        let before = file_key(&path).unwrap();
        std::fs::write(&path, "first\nsecond\n").unwrap();
        assert_eq!(file_key(&path).unwrap(), before);
        std::fs::write(&path, "other\n").unwrap();
        assert_ne!(file_key(&path).unwrap(), before);
    }
}
