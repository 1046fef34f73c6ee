//! Priority from impact and urgency, as ITIL 4 has it. Pure.
//!
//! | impact \ urgency | high | medium | low |
//! |---|---|---|---|
//! | high | P1 | P2 | P3 |
//! | medium | P2 | P3 | P4 |
//! | low | P3 | P4 | P5 |

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::record::Priority;
use crate::store::FindingSeverity;

/// How much of the business is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    /// Many users, or a service that the business stands on.
    High,
    /// A department, or one service of several.
    Medium,
    /// A few people.
    Low,
}

/// How soon it hurts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Now.
    High,
    /// Within the day.
    Medium,
    /// Later.
    Low,
}

impl Impact {
    /// The word for it, as in the API and the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

impl Urgency {
    /// The word for it, as in the API and the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

impl FromStr for Impact {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let all = [Self::High, Self::Medium, Self::Low];
        all.into_iter().find(|impact| impact.word() == word).ok_or_else(|| format!("`{word}` is no impact; write high, medium or low"))
    }
}

impl FromStr for Urgency {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let all = [Self::High, Self::Medium, Self::Low];
        all.into_iter().find(|urgency| urgency.word() == word).ok_or_else(|| format!("`{word}` is no urgency; write high, medium or low"))
    }
}

/// The matrix that makes a priority of impact and urgency; the one above unless a department writes its own.
///
/// As a document: `high = ["P1", "P2", "P3"]` and so on, a line for each impact, its entries for urgency high, medium, low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorityMatrix {
    /// Impact high.
    pub high: [Priority; 3],
    /// Impact medium.
    pub medium: [Priority; 3],
    /// Impact low.
    pub low: [Priority; 3],
}

impl Default for PriorityMatrix {
    fn default() -> Self {
        use Priority::{P1, P2, P3, P4, P5};
        Self { high: [P1, P2, P3], medium: [P2, P3, P4], low: [P3, P4, P5] }
    }
}

impl PriorityMatrix {
    /// The priority of what hits so much, so soon.
    pub fn priority(&self, impact: Impact, urgency: Urgency) -> Priority {
        let row = match impact {
            Impact::High => self.high,
            Impact::Medium => self.medium,
            Impact::Low => self.low,
        };
        match urgency {
            Urgency::High => row[0],
            Urgency::Medium => row[1],
            Urgency::Low => row[2],
        }
    }

    /// What is wrong with it: more impact or urgency never waits longer.
    pub fn complaint(&self) -> Option<String> {
        let rows = [self.high, self.medium, self.low];
        let falls = rows.iter().all(|row| row.is_sorted()) && (0..3).all(|at| rows.is_sorted_by_key(|row| row[at]));
        (!falls)
            .then(|| "a lower impact or urgency must not have a higher priority: let each line and column go from P1 towards P5".to_owned())
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
            PriorityMatrix::default().priority(impact, urgency)
        });
        assert_eq!(order, Priority::ALL);
    }

    #[test]
    fn a_matrix_that_lets_the_worse_wait_is_refused() {
        let mut matrix = PriorityMatrix::default();
        assert_eq!(matrix.complaint(), None);
        matrix.medium[0] = Priority::P5;
        assert!(matrix.complaint().is_some());
    }
}
