//! Priority from impact and urgency, as ITIL 4 has it. Pure.
//!
//! | impact \ urgency | high | medium | low |
//! |---|---|---|---|
//! | high | P1 | P2 | P3 |
//! | medium | P2 | P3 | P4 |
//! | low | P3 | P4 | P5 |

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::store::FindingSeverity;

/// How much of the business is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Impact {
    /// Many users, or a service that the business stands on.
    High,
    /// A department, or one service of several.
    Medium,
    /// A few people.
    Low,
}

/// How soon it hurts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// Now.
    High,
    /// Within the day.
    Medium,
    /// Later.
    Low,
}

/// Order of work: P1 first.
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

    /// The word for it, as in the API and the database.
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

/// The matrix above.
pub fn priority(impact: Impact, urgency: Urgency) -> Priority {
    match (impact, urgency) {
        (Impact::High, Urgency::High) => Priority::P1,
        (Impact::High, Urgency::Medium) | (Impact::Medium, Urgency::High) => Priority::P2,
        (Impact::High, Urgency::Low) | (Impact::Medium, Urgency::Medium) | (Impact::Low, Urgency::High) => Priority::P3,
        (Impact::Medium, Urgency::Low) | (Impact::Low, Urgency::Medium) => Priority::P4,
        (Impact::Low, Urgency::Low) => Priority::P5,
    }
}

/// What a finding's severity says about both, as long as nothing is known of the asset's criticality.
pub fn impact_and_urgency(severity: FindingSeverity) -> (Impact, Urgency) {
    match severity {
        FindingSeverity::Critical => (Impact::High, Urgency::High),
        FindingSeverity::High => (Impact::Medium, Urgency::High),
        FindingSeverity::Medium => (Impact::Medium, Urgency::Medium),
        FindingSeverity::Low => (Impact::Medium, Urgency::Low),
        FindingSeverity::Info => (Impact::Low, Urgency::Low),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worse_severity_never_waits_longer() {
        let order = FindingSeverity::ALL.map(|severity| {
            let (impact, urgency) = impact_and_urgency(severity);
            priority(impact, urgency)
        });
        assert_eq!(order, Priority::ALL);
    }

    #[test]
    fn words_read_back() {
        for one in Priority::ALL {
            assert_eq!(one.word().parse(), Ok(one));
        }
        assert!("urgent".parse::<Priority>().is_err());
    }
}
