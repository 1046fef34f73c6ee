//! What another policy or calendar would change.

use serde::Serialize;

use super::promises::{Promise, Promises};
use super::sla_clock::{SlaClock, clocks};
use super::timeline::Timeline;
use crate::clock::TimestampUs;

/// How a promise stands under one of two policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Name of the rule that promises it.
    pub rule: String,
    /// Promised business time.
    pub target_us: i64,
    /// When it is due, or was.
    pub due_at_us: Option<TimestampUs>,
    /// Whether it stands still.
    pub paused: bool,
    /// Whether it is broken; for updates, whether any silence was too long.
    pub breached: bool,
}

/// A promise of an open ticket that would be due at another time, broken or not, made or not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The ticket's number.
    pub ticket: i64,
    /// The promise.
    pub promise: Promise,
    /// As it is.
    pub before: Option<Standing>,
    /// As it would be.
    pub after: Option<Standing>,
}

/// Which promises of these tickets stand differently under `after`: in due time, pause or breach. Tickets that are resolved or
/// closed at `now_us` are passed over. A changed calendar is a changed policy too: both sides bring their own.
pub fn what_if<'t>(
    tickets: impl IntoIterator<Item = (i64, &'t Timeline)>,
    before: &Promises,
    after: &Promises,
    now_us: TimestampUs,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (ticket, timeline) in tickets {
        if !timeline.phase_at(now_us).is_open() {
            continue;
        }
        let (old, new) = (clocks(timeline, before, now_us), clocks(timeline, after, now_us));
        for promise in Promise::ALL {
            let (before, after) = (standing(&old, promise), standing(&new, promise));
            let matters = |standing: &Option<Standing>| standing.as_ref().map(|s| (s.due_at_us, s.paused, s.breached));
            if matters(&before) != matters(&after) {
                differences.push(Difference { ticket, promise, before, after });
            }
        }
    }
    differences
}

/// The last clock of a promise, and whether any was broken.
fn standing(clocks: &[SlaClock], promise: Promise) -> Option<Standing> {
    let of_promise = || clocks.iter().filter(|clock| clock.promise == promise);
    let last = of_promise().next_back()?;
    Some(Standing {
        rule: last.rule.clone(),
        target_us: last.target_us,
        due_at_us: last.due_at_us,
        paused: last.paused,
        breached: of_promise().any(SlaClock::is_breached),
    })
}

#[cfg(test)]
#[path = "what_if_tests.rs"]
mod tests;
