//! The stateless identity of a line: a hash of its words and of where values stand between them.

use super::scan::{Kind, scan};

/// Stands for one or more neighbouring values in a sequence of elements.
pub(super) const VALUE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Where every hash begins. Ids are stored with the lines: these constants never change within a format version.
const SEED: u64 = 0x2545_f491_4f6c_dd1d;

/// Odd multipliers with well-spread bits (from the digits of e and the square root of two).
const FIRST: u64 = 0xb7e1_5162_8aed_2a6b;
const SECOND: u64 = 0x6a09_e667_f3bc_c909;

/// Joins two words of 64 bits into one by a wide product folded in half.
#[inline]
pub(super) fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left ^ FIRST) * u128::from(right ^ SECOND);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Eight bytes as a number; the caller has seen to it that there are eight.
#[inline]
fn eight(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

/// The bytes of a word of up to eight as a number: from four on two halves that may overlap, below that byte by byte.
#[inline]
fn up_to_eight(word: &[u8]) -> u64 {
    match (word.first_chunk::<4>(), word.last_chunk::<4>()) {
        (Some(head), Some(tail)) => u64::from(u32::from_le_bytes(*head)) | (u64::from(u32::from_le_bytes(*tail)) << 32),
        _ => match word {
            [] => 0,
            [first, .., last] => u64::from(*first) | (u64::from(word[word.len() / 2]) << 8) | (u64::from(*last) << 16),
            [only] => u64::from(*only),
        },
    }
}

/// The hash of a word.
#[inline]
pub(super) fn word_hash(word: &[u8]) -> u64 {
    let length = word.len() as u64;
    if word.len() <= 8 {
        return fold(up_to_eight(word), length);
    }
    let mut hash = length;
    let mut rest = word;
    while rest.len() > 8 {
        hash = fold(hash, eight(rest));
        rest = &rest[8..];
    }
    fold(hash, word.last_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk)))
}

/// The hash of a sequence of elements (hashes of words, and [`VALUE`]), built up one by one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence {
    hash: u64,
    after_value: bool,
}

impl Sequence {
    pub(super) fn new() -> Self {
        Self { hash: SEED, after_value: false }
    }

    #[inline]
    pub(super) fn word(&mut self, hash: u64) {
        self.hash = fold(self.hash, hash);
        self.after_value = false;
    }

    #[inline]
    pub(super) fn value(&mut self) {
        if !self.after_value {
            self.hash = fold(self.hash, VALUE);
            self.after_value = true;
        }
    }

    #[inline]
    pub(super) fn finish(self) -> u64 {
        self.hash
    }
}

/// The id of the sequence of elements.
pub(super) fn sequence_id(elements: &[u64]) -> u64 {
    let mut sequence = Sequence::new();
    for &element in elements {
        if element == VALUE { sequence.value() } else { sequence.word(element) }
    }
    sequence.finish()
}

/// The hash of a line's skeleton: its words in order, with neighbouring values as one and without punctuation.
///
/// It needs no state, so any number of threads can call it, and it is the same on every machine and after every restart.
/// Two lines with the same hash always have the same template; lines with different hashes may still share one, which
/// only [`super::Miner`] knows. One pass over at most 2,048 bytes, no allocation, no failure.
#[inline]
pub fn skeleton_id(message: &[u8]) -> u64 {
    let mut sequence = Sequence::new();
    scan(message, |token| match token.kind {
        Kind::Word => sequence.word(word_hash(&message[token.start..token.end])),
        Kind::Value | Kind::Soft | Kind::Unit | Kind::Date => sequence.value(),
        Kind::Mark => {}
    });
    sequence.finish()
}
