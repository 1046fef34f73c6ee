//! The templates on disk (little endian): `WRTPL1`, u32 number of applications, for each its name, miner and novelty as
//! texts with a u32 length before, u32 number of known ids, for each u64 id · u64 lines · i64 first seen · i64 last seen ·
//! f64 novelty (NaN: none), and at the end the CRC32C of all that.

use hashbrown::HashMap;

use super::templates::{Known, Source};
use crate::template::{Miner, Novelty};

const MAGIC: &[u8; 6] = b"WRTPL1";

/// Puts the file together.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new(sources: usize) -> Self {
        let mut out = Vec::with_capacity(64 << 10);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&(sources as u32).to_le_bytes());
        Self(out)
    }

    pub(super) fn source(&mut self, app: &str, source: &Source) {
        self.text(app.as_bytes());
        self.text(&source.miner.to_bytes());
        self.text(&source.novelty.to_bytes());
        self.0.extend_from_slice(&(source.known.len() as u32).to_le_bytes());
        for (id, known) in &source.known {
            self.0.extend_from_slice(&id.to_le_bytes());
            self.0.extend_from_slice(&known.lines.to_le_bytes());
            self.0.extend_from_slice(&known.first_seen_us.to_le_bytes());
            self.0.extend_from_slice(&known.last_seen_us.to_le_bytes());
            self.0.extend_from_slice(&known.novelty.unwrap_or(f64::NAN).to_le_bytes());
        }
    }

    fn text(&mut self, text: &[u8]) {
        self.0.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.0.extend_from_slice(text);
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let sum = crc32c::crc32c(&self.0);
        self.0.extend_from_slice(&sum.to_le_bytes());
        self.0
    }
}

/// Reads the file; `None` if it is damaged or of another version.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<(Box<str>, Source)>> {
    let (body, sum) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let mut rest = body.strip_prefix(MAGIC)?;
    let count = u32::from_le_bytes(take(&mut rest)?);
    let mut sources = Vec::new();
    for _ in 0..count {
        let app = std::str::from_utf8(text(&mut rest)?).ok()?.into();
        let miner = Miner::from_bytes(text(&mut rest)?).ok()?;
        let novelty = Novelty::from_bytes(text(&mut rest)?).ok()?;
        let mut known = HashMap::new();
        for _ in 0..u32::from_le_bytes(take(&mut rest)?) {
            let id = u64::from_le_bytes(take(&mut rest)?);
            let lines = u64::from_le_bytes(take(&mut rest)?);
            let (first_seen_us, last_seen_us) = (i64::from_le_bytes(take(&mut rest)?), i64::from_le_bytes(take(&mut rest)?));
            let novelty = Some(f64::from_le_bytes(take(&mut rest)?)).filter(|novelty| !novelty.is_nan());
            known.insert(id, Known { lines, first_seen_us, last_seen_us, novelty });
        }
        sources.push((app, Source { miner, novelty, known }));
    }
    Some(sources)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(take(rest)?) as usize;
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}
