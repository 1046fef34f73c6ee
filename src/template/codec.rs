//! A miner as bytes and back, so that it goes on after a restart exactly as if there had been none.
//!
//! Layout, version 1: the byte 1; lines, overflowed, settled at, unsettled, full until; the number of aliases and for each the old and the new
//! id; the number of templates and for each id, general, hits, first line, last line, elements and pieces. Counts and counters are
//! LEB128, ids and elements 8 bytes little-endian, texts a length and UTF-8 bytes.

use super::alias::Aliases;
use super::bytes::{DecodeError, Reader, Writer};
use super::miner::{MAX_TEMPLATES, Miner, Template};
use super::skeleton::{MAX_PIECES, Part, Piece};

/// The version that is written.
const VERSION: u8 = 1;

const WORD: u8 = 0;
const VALUE_OPEN: u8 = 1;
const VALUE_HELD: u8 = 2;
const SOFT_OPEN: u8 = 3;
const SOFT_HELD: u8 = 4;
const DATE: u8 = 5;
const MARK: u8 = 6;
const UNIT_OPEN: u8 = 7;
const UNIT_HELD: u8 = 8;

/// Set on a piece's tag when white space stands before it.
const SPACED: u8 = 128;

impl Miner {
    /// The whole state. At most a few megabytes for a full source.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.byte(VERSION);
        for counter in [self.lines, self.overflowed, self.settled_at, self.unsettled, self.full_until] {
            out.number(counter);
        }
        out.number(self.aliases.pairs().count() as u64);
        for (old, new) in self.aliases.pairs() {
            out.word(old);
            out.word(new);
        }
        out.number(self.templates.len() as u64);
        for template in &self.templates {
            write_template(&mut out, template);
        }
        out.finish()
    }

    /// Restores what [`Miner::to_bytes`] gave.
    ///
    /// # Errors
    /// When the bytes end early, hold what no miner writes, or are of a later version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        from.version(VERSION)?;
        let mut miner = Self::default();
        (miner.lines, miner.overflowed) = (from.counter()?, from.counter()?);
        (miner.settled_at, miner.unsettled, miner.full_until) = (from.counter()?, from.counter()?, from.counter()?);
        let mut aliases = Aliases::default();
        for _ in 0..from.count(usize::MAX)? {
            let (old, new) = (from.word()?, from.word()?);
            aliases.restore(old, new);
        }
        miner.aliases = aliases;
        for _ in 0..from.count(MAX_TEMPLATES)? {
            miner.templates.push(read_template(&mut from)?);
        }
        from.end()?;
        miner.reindex();
        Ok(miner)
    }
}

fn write_template(out: &mut Writer, template: &Template) {
    out.word(template.id);
    out.byte(u8::from(template.general));
    out.number(template.hits);
    out.number(template.first_line);
    out.number(template.last_line);
    out.number(template.elements.len() as u64);
    for &element in &template.elements {
        out.word(element);
    }
    out.number(template.pieces.len() as u64);
    for piece in &template.pieces {
        let (tag, text) = match &piece.part {
            Part::Word(text) => (WORD, Some(text)),
            Part::Value(None) => (VALUE_OPEN, None),
            Part::Value(text) => (VALUE_HELD, text.as_ref()),
            Part::Soft(None) => (SOFT_OPEN, None),
            Part::Soft(text) => (SOFT_HELD, text.as_ref()),
            Part::Unit(None) => (UNIT_OPEN, None),
            Part::Unit(text) => (UNIT_HELD, text.as_ref()),
            Part::Date => (DATE, None),
            Part::Mark(text) => (MARK, Some(text)),
        };
        out.byte(if piece.spaced { tag | SPACED } else { tag });
        if let Some(text) = text {
            out.text(text);
        }
    }
}

fn read_template(from: &mut Reader<'_>) -> Result<Template, DecodeError> {
    let (id, general, hits) = (from.word()?, from.byte()? != 0, from.counter()?);
    let (first_line, last_line) = (from.counter()?, from.counter()?);
    let mut template = Template { id, general, hits, first_line, last_line, elements: Vec::new(), pieces: Vec::new() };
    for _ in 0..from.count(MAX_PIECES)? {
        template.elements.push(from.word()?);
    }
    for _ in 0..from.count(MAX_PIECES)? {
        let tag = from.byte()?;
        let part = match tag & !SPACED {
            WORD => Part::Word(from.text()?.into()),
            VALUE_OPEN => Part::Value(None),
            VALUE_HELD => Part::Value(Some(from.text()?.into())),
            SOFT_OPEN => Part::Soft(None),
            SOFT_HELD => Part::Soft(Some(from.text()?.into())),
            UNIT_OPEN => Part::Unit(None),
            UNIT_HELD => Part::Unit(Some(from.text()?.into())),
            DATE => Part::Date,
            MARK => Part::Mark(from.text()?.into()),
            _ => return Err(DecodeError::Malformed),
        };
        template.pieces.push(Piece { spaced: tag & SPACED != 0, part });
    }
    Ok(template)
}
