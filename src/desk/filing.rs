//! What the analysis hands to the desk: findings with the problem that each belongs to, problems that are over, and how far
//! the rules have read. All of a round or nothing of it is stored.

use serde_json::Value;

use super::RuleRun;
use crate::store::Finding;

/// How a finding came to its problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FiledAs {
    /// The problem begins with it.
    Opened,
    /// It is new in a problem that goes on.
    Joined,
    /// It goes on, and was told a short while ago.
    Repeated,
    /// It goes on, and has not been told for a while.
    Continued,
    /// It brought back a problem that was over.
    Reopened,
    /// It is held back.
    Held,
}

impl FiledAs {
    /// The word for it, as in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Joined => "joined",
            Self::Repeated => "repeated",
            Self::Continued => "continued",
            Self::Reopened => "reopened",
            Self::Held => "held",
        }
    }
}

/// A finding and where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Filed {
    /// The finding.
    pub finding: Finding,
    /// The problem that it belongs to: an incident, or its own fingerprint where nothing groups it. `None` holds it back: it is
    /// kept and counted, and opens nothing.
    pub problem: Option<String>,
    /// How it came there.
    pub outcome: FiledAs,
    /// In words why it is there, for the ticket's history; empty where there is nothing to say.
    pub because: String,
    /// The terms of the score, as they are stored with the finding.
    pub reasons: Value,
}

impl From<Finding> for Filed {
    /// A finding that is a problem of its own.
    fn from(finding: Finding) -> Self {
        let problem = Some(finding.fingerprint.clone());
        Self { finding, problem, outcome: FiledAs::Opened, because: String::new(), reasons: Value::Null }
    }
}

/// A problem that is over, or was found to be part of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The problem.
    pub problem: String,
    /// Why, for the ticket's history.
    pub reason: String,
    /// Its ticket stays open until a person resolves it.
    pub by_hand: bool,
}

/// What one round of the analysis found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Round {
    /// Findings, in the order of time.
    pub findings: Vec<Filed>,
    /// Problems that ended, after the findings.
    pub ended: Vec<Ended>,
    /// How far each rule has read.
    pub runs: Vec<RuleRun>,
    /// States of the analysis to keep.
    pub states: Vec<AnalysisState>,
}

/// A state of the analysis by its name: stored in the transaction that it belongs to.
pub type AnalysisState = (&'static str, Vec<u8>);
