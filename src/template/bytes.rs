//! Numbers and texts as bytes, for the states that this room saves.

use thiserror::Error;

/// Why saved bytes are no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes end too early.
    #[error("the saved template state ends too early; it was cut off and has to be learned again")]
    Short,
    /// The bytes hold what is never written.
    #[error("the saved template state is damaged; it has to be learned again")]
    Malformed,
    /// A later version wrote them.
    #[error(
        "the saved template state has version {found}, this program reads version {known}; use the newer program or let it be learned again"
    )]
    Version {
        /// The version in the bytes.
        found: u8,
        /// The version that this program knows.
        known: u8,
    },
}

/// Builds bytes.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Eight bytes, little-endian.
    pub(super) fn word(&mut self, word: u64) {
        self.0.extend_from_slice(&word.to_le_bytes());
    }

    /// A number, short when it is small (LEB128).
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 128 {
            self.0.push(number as u8 | 128);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Takes bytes apart; every method fails rather than read past the end.
#[derive(Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.take(1)?[0])
    }

    /// The version byte, which must be the one that is known.
    pub(super) fn version(&mut self, known: u8) -> Result<(), DecodeError> {
        let found = self.byte()?;
        if found == known { Ok(()) } else { Err(DecodeError::Version { found, known }) }
    }

    pub(super) fn word(&mut self) -> Result<u64, DecodeError> {
        let bytes = self.take(8)?;
        Ok(bytes.iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte)))
    }

    pub(super) fn number(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(number);
            }
        }
        Err(DecodeError::Malformed)
    }

    /// A number that counts lines: so small that ten thousand of them can be added.
    pub(super) fn counter(&mut self) -> Result<u64, DecodeError> {
        self.number().and_then(|number| if number < 1 << 48 { Ok(number) } else { Err(DecodeError::Malformed) })
    }

    /// A number of things, each of at least a byte, and of at most `most`.
    pub(super) fn count(&mut self, most: usize) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.number()?).map_err(|_| DecodeError::Malformed)?;
        if count > most {
            Err(DecodeError::Malformed)
        } else if count > self.0.len() {
            Err(DecodeError::Short)
        } else {
            Ok(count)
        }
    }

    pub(super) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let count = self.count(usize::MAX)?;
        std::str::from_utf8(self.take(count)?).map_err(|_| DecodeError::Malformed)
    }

    /// That nothing is left.
    pub(super) fn end(&self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Malformed) }
    }
}
