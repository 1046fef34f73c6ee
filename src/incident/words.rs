//! Words of a signal as a small sparse vector, and the cosine between two of them.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Signal;

/// Different words kept. Titles and templates have about ten; with labels twenty.
const MAX_WORDS: usize = 32;

/// The different words of a signal, hashed and sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Words(Vec<u32>);

impl Words {
    /// The words of rule, subject, text and entity. The name of the host is left out: where a thing is counts as topology, and
    /// would count twice.
    pub(super) fn of(signal: &Signal) -> Self {
        let mut words = Vec::with_capacity(MAX_WORDS);
        let host = signal.host().unwrap_or_default();
        put(&mut words, &signal.rule);
        put(&mut words, &signal.subject);
        if host.is_empty() {
            put(&mut words, &signal.text);
        } else {
            signal.text.split(host).for_each(|part| put(&mut words, part));
        }
        for (column, value) in &signal.entity {
            if !Signal::is_place_column(column) {
                put(&mut words, column);
                put(&mut words, value);
            }
        }
        words.sort_unstable();
        words.dedup();
        Self(words)
    }

    /// Cosine of the two sets of words, 0 to 1; 0 if one has no words.
    pub(super) fn cosine(&self, other: &Self) -> f64 {
        let (mut i, mut j, mut shared) = (0, 0, 0_u32);
        while let (Some(a), Some(b)) = (self.0.get(i), other.0.get(j)) {
            match a.cmp(b) {
                std::cmp::Ordering::Less => i += 1,
                std::cmp::Ordering::Greater => j += 1,
                std::cmp::Ordering::Equal => (i, j, shared) = (i + 1, j + 1, shared + 1),
            }
        }
        if shared == 0 { 0.0 } else { f64::from(shared) / ((self.0.len() * other.0.len()) as f64).sqrt() }
    }
}

/// Adds the words of a text. Words are runs of letters and digits with at least one letter: bare numbers are values, not words.
fn put(words: &mut Vec<u32>, text: &str) {
    let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().any(char::is_alphabetic));
    for part in parts {
        if words.len() >= MAX_WORDS {
            return;
        }
        let hash = if part.bytes().any(|byte| byte.is_ascii_uppercase()) {
            xxh3_64(part.to_ascii_lowercase().as_bytes())
        } else {
            xxh3_64(part.as_bytes())
        };
        let word = hash as u32;
        if !words.contains(&word) {
            words.push(word);
        }
    }
}
