//! What the policy means: the ladder, read once, with nothing left to go wrong.

use super::document::{EscalationPolicy, Target};
use crate::clock::{DAY_US, SECOND_US};
use crate::document::{Complaint, duration_us_within, excerpt};
use crate::record::Priority;

/// Most levels of a ladder: no organisation has more ranks that answer the telephone.
pub(super) const MAX_LEVELS: usize = 20;

/// Most times that a ladder runs again. Whoever has not answered by then has been told.
pub(super) const MAX_REPEATS: u32 = 20;

/// Most targets of a level.
const MAX_TARGETS: usize = 20;

/// Shortest time between two cycles, µs: a minute. A ladder that repeats at once would page everybody as often as it may in
/// one breath.
const MIN_REPEAT_AFTER_US: i64 = 60 * SECOND_US;

/// Shortest time to take up a ticket after its acknowledgement, µs: nobody does so within a minute.
const MIN_ACK_TIMEOUT_US: i64 = 60 * SECOND_US;

/// Longest duration of a policy: thirty days. What waits longer is no escalation, and sums of these never overflow.
const MAX_DURATION_US: i64 = 30 * DAY_US;

/// A policy that has been read and checked; [`EscalationPolicy::ladder`] makes it.
#[derive(Debug, Clone)]
pub struct Ladder {
    /// Never empty.
    pub(super) levels: Vec<Level>,
    pub(super) repeat: u32,
    pub(super) repeat_after_us: i64,
    pub(super) ack_timeout_us: Option<i64>,
}

#[derive(Debug, Clone)]
pub(super) struct Level {
    pub(super) after_us: i64,
    pub(super) targets: Vec<Target>,
}

impl EscalationPolicy {
    /// Everything that is wrong with the document; empty if it can be used. Whether the rotas, teams and users that it names
    /// exist is for the caller to see.
    pub fn check(&self) -> Vec<Complaint> {
        self.ladder().err().unwrap_or_default()
    }

    /// Whether tickets of a priority are escalated.
    pub fn applies_to(&self, priority: Priority) -> bool {
        self.only_priorities.is_empty() || self.only_priorities.iter().any(|one| one == priority.word())
    }

    /// Every target that the policy names.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.steps.iter().flat_map(|step| &step.notify)
    }

    /// Reads the document once, for everything else in this module.
    ///
    /// Errors: all complaints that [`EscalationPolicy::check`] has.
    pub fn ladder(&self) -> Result<Ladder, Vec<Complaint>> {
        let mut complaints = Vec::new();
        let mut say = |field: String, why: String| complaints.push(Complaint { field, why });
        let most = Priority::ALL.len();
        for (i, priority) in self.only_priorities.iter().take(most + 1).enumerate() {
            // The excerpt of a priority is the priority, and the complaint repeats what is read.
            if let Err(why) = excerpt(priority).parse::<Priority>() {
                say(format!("only_priorities[{i}]"), why);
            }
        }
        if self.only_priorities.len() > most {
            say("only_priorities".to_owned(), format!("more than the {most} priorities; write each once"));
        }
        if self.repeat > MAX_REPEATS {
            say("repeat".to_owned(), format!("{} times are too many; write at most {MAX_REPEATS}", self.repeat));
        }
        let mut duration = |field: String, text: &str, least_us: i64| {
            let read = duration_us_within(text, least_us..=MAX_DURATION_US);
            read.unwrap_or_else(|why| {
                say(field, why);
                least_us
            })
        };
        // How long to wait between two runs only matters where there are two.
        let least_us = if self.repeat > 0 { MIN_REPEAT_AFTER_US } else { 0 };
        let repeat_after_us = duration("repeat_after".to_owned(), &self.repeat_after, least_us);
        let ack_timeout_us = self.ack_timeout.as_deref().map(|text| duration("ack_timeout".to_owned(), text, MIN_ACK_TIMEOUT_US));
        let steps = self.steps.iter().take(MAX_LEVELS).enumerate();
        let after = |(i, step): (usize, &super::Step)| Level {
            after_us: duration(format!("steps[{i}].after"), &step.after, 0),
            targets: step.notify.clone(),
        };
        let levels: Vec<Level> = steps.map(after).collect();
        complaints.extend(self.wrong_steps());
        if complaints.is_empty() { Ok(Ladder { levels, repeat: self.repeat, repeat_after_us, ack_timeout_us }) } else { Err(complaints) }
    }

    fn wrong_steps(&self) -> Vec<Complaint> {
        let mut wrong = Vec::new();
        let mut say = |field: String, why: String| wrong.push(Complaint { field, why });
        match self.steps.len() {
            0 => say("steps".to_owned(), "a policy needs at least one step; add one with `notify`".to_owned()),
            1..=MAX_LEVELS => {}
            count => say("steps".to_owned(), format!("{count} are too many; write at most {MAX_LEVELS}")),
        }
        for (i, step) in self.steps.iter().take(MAX_LEVELS).enumerate() {
            match step.notify.len() {
                0 => say(format!("steps[{i}].notify"), "it pages nobody; name a `rota:NAME`, `team:NAME` or `user:NAME`".to_owned()),
                1..=MAX_TARGETS => {}
                count => say(format!("steps[{i}].notify"), format!("{count} are too many; write at most {MAX_TARGETS}")),
            }
        }
        wrong
    }
}
