//! What people write: the escalation policy as a document.
//!
//! ```toml
//! only_priorities = ["P1", "P2"]
//! repeat = 2
//! repeat_after = "30m"
//! ack_timeout = "1h"
//!
//! [[steps]]
//! after = "0m"
//! notify = ["rota:first line"]
//!
//! [[steps]]
//! after = "10m"
//! notify = ["rota:second line", "user:tom"]
//!
//! [[steps]]
//! after = "20m"
//! notify = ["team:managers"]
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::document::excerpt;

/// Who is paged about a ticket, and who next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationPolicy {
    /// Priorities that are escalated, `P1` to `P5`; all if none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_priorities: Vec<String>,
    /// How many times the whole ladder runs again when nobody has answered.
    #[serde(default)]
    pub repeat: u32,
    /// How long after the last level the ladder begins again.
    #[serde(default = "half_an_hour")]
    pub repeat_after: String,
    /// How long an acknowledged ticket may wait to be taken up or resolved before the ladder begins again; without it, as
    /// long as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack_timeout: Option<String>,
    /// The levels, from the lowest.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// A level of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How long after the level below was due this one is; for the first, after the escalation began. `90s`, `15m`, `1h30m`,
    /// `1d`.
    #[serde(default = "at_once")]
    pub after: String,
    /// Whom to page, all at the same time.
    pub notify: Vec<Target>,
}

/// Whom a level pages; as text `rota:NAME`, `team:NAME` or `user:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// Whoever is on call in a rota.
    Rota(String),
    /// Everybody of a team.
    Team(String),
    /// A user.
    User(String),
}

/// A text that names no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names nobody to page; write `rota:NAME`, `team:NAME` or `user:NAME`")]
pub struct TargetError(String);

/// Longest name of a target in bytes; a mail address has at most 254.
const MAX_NAME_BYTES: usize = 254;

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let wrong = || TargetError(excerpt(text));
        let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
        if name.trim().is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            return Err(wrong());
        }
        match kind {
            "rota" => Ok(Self::Rota(name.to_owned())),
            "team" => Ok(Self::Team(name.to_owned())),
            "user" => Ok(Self::User(name.to_owned())),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rota(name) => write!(f, "rota:{name}"),
            Self::Team(name) => write!(f, "team:{name}"),
            Self::User(name) => write!(f, "user:{name}"),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Self, TargetError> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

/// Long enough that the first cycle's people could have answered, short enough for a night.
fn half_an_hour() -> String {
    "30m".to_owned()
}

fn at_once() -> String {
    "0m".to_owned()
}
