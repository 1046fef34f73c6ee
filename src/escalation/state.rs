//! Where a ticket stands on the ladder, and what people do about it.

use serde::{Deserialize, Deserializer, Serialize};

use super::ladder::{MAX_LEVELS, MAX_REPEATS};
use super::page::page_id;
use crate::clock::TimestampUs;

/// The version of the stored form; another one is refused when it is read, instead of being misread.
const VERSION: u32 = 1;

/// A ticket's escalation. Every transition gives a new value; none of them pages anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// Version of this form.
    #[serde(deserialize_with = "known_version")]
    version: u32,
    /// The ticket's number.
    pub ticket: i64,
    /// Whether anything is still to come.
    pub status: Status,
    /// Run of the ladder in the ticket's life, from 1. It goes on counting over acknowledgement and reopening, so that the
    /// pages of two runs are never taken for the same.
    pub cycle: u32,
    /// How many cycles there were before this one since the escalation last began.
    pub repeats: u32,
    /// The level that is due next, from 1; [`super::next_step_us`] says when.
    pub level: u32,
    /// When the level below was due; at level 1 of the first cycle, when the escalation began.
    pub since_us: TimestampUs,
    /// Who acknowledged the ticket and did not take it up, if the present run is because of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_taken_up_by: Option<String>,
}

/// Whether an escalation goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Status {
    /// Nobody has answered.
    Escalating,
    /// Somebody has answered.
    Acknowledged {
        /// Who.
        by: String,
        /// When.
        at_us: TimestampUs,
    },
    /// Somebody works on it.
    TakenUp {
        /// Who.
        by: String,
        /// When.
        at_us: TimestampUs,
    },
    /// Everybody was paged as often as the policy says, and nobody answered.
    Exhausted {
        /// When the last level was due.
        at_us: TimestampUs,
    },
    /// There is nothing left to do.
    Resolved {
        /// When.
        at_us: TimestampUs,
    },
}

impl Escalation {
    /// The escalation of a ticket that begins now: opened, or put under a policy.
    pub fn begin(ticket: i64, at_us: TimestampUs) -> Self {
        Self {
            version: VERSION,
            ticket,
            status: Status::Escalating,
            cycle: 1,
            repeats: 0,
            level: 1,
            since_us: at_us,
            not_taken_up_by: None,
        }
    }

    /// Somebody answers: nothing is paged any more, unless the policy's `ack_timeout` passes. To answer again renews that
    /// time. A ticket that is taken up or resolved stays so.
    #[must_use]
    pub fn acknowledge(&self, by: &str, at_us: TimestampUs) -> Self {
        let at_us = match &self.status {
            Status::TakenUp { .. } | Status::Resolved { .. } => return self.clone(),
            // Acknowledgements that arrive out of order do not shorten the time.
            Status::Acknowledged { at_us: before_us, .. } => at_us.max(*before_us),
            Status::Escalating | Status::Exhausted { .. } => at_us,
        };
        Self { status: Status::Acknowledged { by: by.to_owned(), at_us }, ..self.clone() }
    }

    /// Somebody works on it: nothing is paged any more, however long it takes; that is the service level's business.
    #[must_use]
    pub fn take_up(&self, by: &str, at_us: TimestampUs) -> Self {
        match self.status {
            Status::Resolved { .. } => self.clone(),
            _ => Self { status: Status::TakenUp { by: by.to_owned(), at_us }, ..self.clone() },
        }
    }

    /// The ticket is resolved or closed.
    #[must_use]
    pub fn resolve(&self, at_us: TimestampUs) -> Self {
        match self.status {
            Status::Resolved { .. } => self.clone(),
            _ => Self { status: Status::Resolved { at_us }, ..self.clone() },
        }
    }

    /// By what the ticket is now nobody is to be called: nothing is paged any more, until it comes back. Who works on it goes on.
    #[must_use]
    pub fn stand_down(&self, at_us: TimestampUs) -> Self {
        match self.status {
            Status::TakenUp { .. } => self.clone(),
            _ => self.resolve(at_us),
        }
    }

    /// A resolved ticket came back: the ladder begins anew. One that is not resolved stays as it is.
    #[must_use]
    pub fn reopen(&self, at_us: TimestampUs) -> Self {
        match self.status {
            Status::Resolved { .. } => self.begin_again(at_us, None),
            _ => self.clone(),
        }
    }

    /// The ticket was handed to somebody else, who has not answered yet: the ladder begins anew. A resolved one stays so.
    #[must_use]
    pub fn reassign(&self, at_us: TimestampUs) -> Self {
        match self.status {
            Status::Resolved { .. } => self.clone(),
            _ => self.begin_again(at_us, None),
        }
    }

    /// Whether a page called this person in the run that goes on: in this cycle or, as nobody had answered, in one before that
    /// it repeats. A page of an earlier run asked for something else: it is over.
    pub fn is_of_this_run(&self, page: &str, person: &str) -> bool {
        let cycles = self.cycle.saturating_sub(self.repeats.min(MAX_REPEATS))..=self.cycle;
        let is_open = !matches!(self.status, Status::Resolved { .. });
        is_open
            && cycles.flat_map(|cycle| (1..=MAX_LEVELS as u32).map(move |level| (cycle, level))).any(|(cycle, level)| {
                // Each in turn: at most a few hundred short hashes.
                page_id(self.ticket, cycle, level, person) == page
            })
    }

    /// Whether a page called this person at the level that was called last. Whoever was called before it has been followed by
    /// another level already.
    pub fn is_of_last_level(&self, page: &str, person: &str) -> bool {
        page_id(self.ticket, self.cycle, self.level.saturating_sub(1), person) == page
    }

    /// A new run from the first level, in a cycle of its own.
    pub(super) fn begin_again(&self, at_us: TimestampUs, not_taken_up_by: Option<String>) -> Self {
        Self { cycle: self.cycle.saturating_add(1), not_taken_up_by, ..Self::begin(self.ticket, at_us) }
    }
}

fn known_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let version = u32::deserialize(deserializer)?;
    if version == VERSION {
        return Ok(version);
    }
    let why = format!(
        "an escalation of version {version} was stored by another release, and this one reads version {VERSION}; start the newer release"
    );
    Err(serde::de::Error::custom(why))
}
