//! Order of work, in the words of the desk.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Order of work: P1 first (ITIL 4: from impact and urgency).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// Drop everything.
    P1,
    /// Next.
    P2,
    /// Today.
    P3,
    /// This week.
    P4,
    /// When there is time.
    P5,
}

impl Priority {
    /// All of them, highest first.
    pub const ALL: [Self; 5] = [Self::P1, Self::P2, Self::P3, Self::P4, Self::P5];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P4 => "P4",
            Self::P5 => "P5",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Priority {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|priority| priority.word() == word)
            .ok_or_else(|| format!("`{word}` is no priority; write P1 (highest) to P5"))
    }
}
