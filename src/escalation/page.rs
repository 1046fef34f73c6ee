//! What a step gives: pages to send, and notes for the ticket's log.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::document::Target;
use super::state::Escalation;
use crate::clock::TimestampUs;

/// A page that is to be sent to one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The same for the same ticket, cycle, level and person: 32 hexadecimal digits. Who sends a page once for each id sends
    /// none twice.
    pub page_id: String,
    /// The ticket's number.
    pub ticket: i64,
    /// The user's name.
    pub person: String,
    /// Level of the ladder, from 1.
    pub level: u32,
    /// Run of the ladder in the ticket's life, from 1.
    pub cycle: u32,
    /// By which target of the level the person was found; the first if by several.
    pub target: Target,
    /// When the level was due.
    pub due_us: TimestampUs,
    /// Whether it goes out more than two minutes after that, because nothing ran when it was due.
    pub late: bool,
    /// Why this level is paged.
    pub reason: PageReason,
}

/// Why a level is paged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PageReason {
    /// The first level of a run.
    Begun,
    /// The level below did not answer in time.
    Unanswered {
        /// The level below.
        level: u32,
    },
    /// At the levels below there was nobody to page.
    NobodyBelow {
        /// The lowest of these levels.
        from_level: u32,
    },
    /// Nobody answered in the cycle before.
    Repeated {
        /// The cycle before.
        cycle: u32,
    },
    /// Somebody acknowledged the ticket, and nobody took it up in time.
    NotTakenUp {
        /// Who acknowledged it.
        by: String,
    },
}

impl fmt::Display for PageReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begun => f.write_str("the ticket needs somebody"),
            Self::Unanswered { level } => write!(f, "level {level} has not answered"),
            Self::NobodyBelow { from_level } => write!(f, "there was nobody to page from level {from_level} up to this one"),
            Self::Repeated { cycle } => write!(f, "nobody has answered in run {cycle} of the ladder"),
            Self::NotTakenUp { by } => write!(f, "{by} acknowledged the ticket, and nobody took it up in time"),
        }
    }
}

/// Something that a step did besides paging, for the ticket's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Note {
    /// A target of a level named nobody.
    NobodyFound {
        /// Run of the ladder.
        cycle: u32,
        /// Level.
        level: u32,
        /// The target.
        target: Target,
        /// When the level was due.
        due_us: TimestampUs,
    },
    /// No target of a level named anybody; the level above, if there is one, is due at once.
    LevelSkipped {
        /// Run of the ladder.
        cycle: u32,
        /// Level.
        level: u32,
        /// When the level was due.
        due_us: TimestampUs,
    },
    /// A level named more people than are paged at once; the rest were left out.
    PeopleLeftOut {
        /// Run of the ladder.
        cycle: u32,
        /// Level.
        level: u32,
        /// How many.
        count: u32,
    },
    /// An acknowledged ticket was not taken up in time: the ladder begins again.
    NotTakenUp {
        /// Who acknowledged it.
        by: String,
        /// When the time was over.
        at_us: TimestampUs,
    },
    /// The last level of the last cycle has been paged; nobody else will be.
    Exhausted {
        /// The last cycle.
        cycle: u32,
        /// When its last level was due.
        at_us: TimestampUs,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyFound { level, target, .. } => write!(f, "{target} has nobody to page at level {level}"),
            Self::LevelSkipped { level, .. } => write!(f, "there is nobody to page at level {level}"),
            Self::PeopleLeftOut { level, count, .. } => {
                write!(f, "{count} people of level {level} were not paged, because it has too many")
            }
            Self::NotTakenUp { by, .. } => write!(f, "acknowledged by {by} and not taken up in time: the escalation begins again"),
            Self::Exhausted { .. } => f.write_str("the escalation has come to its end, and nobody took the ticket"),
        }
    }
}

/// What a step gives. State, pages and notes belong into one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Where the ticket stands now.
    pub state: Escalation,
    /// What to send, in the order in which it was due.
    pub pages: Vec<Page>,
    /// What to write into the ticket's log, in the same order.
    pub notes: Vec<Note>,
}

/// The id of a page.
pub(super) fn page_id(ticket: i64, cycle: u32, level: u32, person: &str) -> String {
    let mut hash = Sha256::new();
    // Numbers have a fixed length and the name comes last, so different pages never hash the same bytes.
    hash.update(ticket.to_be_bytes());
    hash.update(cycle.to_be_bytes());
    hash.update(level.to_be_bytes());
    hash.update(person);
    // 128 bits, as many as a UUID.
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
