//! The templates on disk, as a file of [`super::state_file`]: `WRTPL1`, u32 number of applications, for each its name, miner
//! and novelty as pieces of bytes, u32 number of known ids, for each u64 id · u64 lines · i64 first seen · i64 last seen · f64
//! novelty (NaN: none).

use hashbrown::HashMap;

use super::state_file::{StateReader, StateWriter};
use super::templates::{Known, Source};
use crate::template::{Miner, Novelty};

const MARK: &[u8] = b"WRTPL1";

/// Puts the file together.
pub(super) struct Writer(StateWriter);

impl Writer {
    pub(super) fn new(sources: usize) -> Self {
        let mut out = StateWriter::new(MARK, 64 << 10);
        out.u32(sources as u32);
        Self(out)
    }

    pub(super) fn source(&mut self, app: &str, source: &Source) {
        let Self(out) = self;
        out.bytes(app.as_bytes());
        out.bytes(&source.miner.to_bytes());
        out.bytes(&source.novelty.to_bytes());
        out.u32(source.known.len() as u32);
        for (id, known) in &source.known {
            out.u64(*id);
            out.u64(known.lines);
            out.i64(known.first_seen_us);
            out.i64(known.last_seen_us);
            out.f64(known.novelty.unwrap_or(f64::NAN));
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0.finish()
    }
}

/// Reads the file; `None` if it is damaged or of another version.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<(Box<str>, Source)>> {
    let mut from = StateReader::open(MARK, bytes)?;
    let mut sources = Vec::new();
    for _ in 0..from.u32()? {
        let app = std::str::from_utf8(from.bytes()?).ok()?.into();
        let miner = Miner::from_bytes(from.bytes()?).ok()?;
        let novelty = Novelty::from_bytes(from.bytes()?).ok()?;
        let mut known = HashMap::new();
        for _ in 0..from.u32()? {
            let id = from.u64()?;
            let (lines, first_seen_us, last_seen_us) = (from.u64()?, from.i64()?, from.i64()?);
            let novelty = Some(from.f64()?).filter(|novelty| !novelty.is_nan());
            known.insert(id, Known { lines, first_seen_us, last_seen_us, novelty });
        }
        sources.push((app, Source { miner, novelty, known }));
    }
    Some(sources)
}
