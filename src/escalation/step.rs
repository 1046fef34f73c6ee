//! The step: from state and time to the next state and the pages to send. Pure.

use std::collections::HashSet;

use super::document::Target;
use super::ladder::{Ladder, Level};
use super::page::{Note, Outcome, Page, PageReason, page_id};
use super::state::{Escalation, Status};
use crate::clock::{SECOND_US, TimestampUs};

/// Levels paged in one step. More are due only after a long time in which nothing ran; the next step has them. It bounds a
/// transaction to some thousand pages.
const MAX_LEVELS_IN_A_STEP: usize = 50;

/// People paged at one level. Teams may have more, but a hundred telephones that ring at once are not an escalation.
const MAX_PEOPLE_AT_A_LEVEL: usize = 50;

/// A page is late when it goes out more than two minutes after it was due: a scheduler's delay is seconds, a restart less
/// than this.
const LATE_AFTER_US: i64 = 120 * SECOND_US;

/// When [`step`] has something to do: the next level or the end of the acknowledgement's time. May have passed already.
/// `None` if only people can move the ticket on.
pub fn next_step_us(ladder: &Ladder, state: &Escalation) -> Option<TimestampUs> {
    match &state.status {
        Status::Escalating => Some(due_us(ladder, state)),
        Status::Acknowledged { at_us, .. } => ladder.ack_timeout_us.map(|timeout_us| at_us.saturating_add(timeout_us)),
        Status::TakenUp { .. } | Status::Exhausted { .. } | Status::Resolved { .. } => None,
    }
}

/// When the state's next level is due.
fn due_us(ladder: &Ladder, state: &Escalation) -> TimestampUs {
    let after_us = match level(ladder, state) {
        _ if state.level <= 1 && state.repeats > 0 => ladder.repeat_after_us,
        Some(level) => level.after_us,
        // The ladder was made shorter under the ticket: its end has been reached.
        None => 0,
    };
    state.since_us.saturating_add(after_us)
}

fn level<'a>(ladder: &'a Ladder, state: &Escalation) -> Option<&'a Level> {
    ladder.levels.get((state.level as usize).saturating_sub(1))
}

/// Pages everybody who is due at `now_us`. `resolve` says who a target is at this moment; the same person found twice at a
/// level is paged once.
///
/// Calling it more often than needed does no harm, and calling it too late sends what was missed, marked late. After
/// fifty levels it stops, and [`next_step_us`] names a time that has passed.
pub fn step(ladder: &Ladder, state: &Escalation, now_us: TimestampUs, resolve: impl Fn(&Target) -> Vec<String>) -> Outcome {
    // Levels count from 1, also in a state that something else has stored.
    let mut state = state.clone();
    state.level = state.level.max(1);
    let out = Outcome { state, pages: Vec::new(), notes: Vec::new() };
    let mut walk = Walk { ladder, now_us, resolve, out };
    walk.end_acknowledgement();
    for _ in 0..MAX_LEVELS_IN_A_STEP {
        let due_us = due_us(ladder, &walk.out.state);
        if walk.out.state.status != Status::Escalating || due_us > now_us {
            break;
        }
        walk.climb(due_us);
    }
    walk.out
}

/// A step while it is put together.
struct Walk<'a, R> {
    ladder: &'a Ladder,
    now_us: TimestampUs,
    resolve: R,
    out: Outcome,
}

impl<R: Fn(&Target) -> Vec<String>> Walk<'_, R> {
    /// Begins the ladder again if an acknowledgement was not followed by work in time.
    fn end_acknowledgement(&mut self) {
        let Status::Acknowledged { by, .. } = &self.out.state.status else { return };
        let Some(at_us) = next_step_us(self.ladder, &self.out.state).filter(|at_us| *at_us <= self.now_us) else { return };
        let by = by.clone();
        self.out.state = self.out.state.begin_again(at_us, Some(by.clone()));
        self.out.notes.push(Note::NotTakenUp { by, at_us });
    }

    /// Pages the level that is due, or the first one above it that has anybody, and moves the state on.
    fn climb(&mut self, due_us: TimestampUs) {
        let from_level = self.out.state.level;
        let mut reason = self.reason();
        while let Some(level) = level(self.ladder, &self.out.state) {
            let number = self.out.state.level;
            let found = self.page(level, due_us, &reason);
            self.out.state.level = number.saturating_add(1);
            self.out.state.since_us = due_us;
            if found {
                break;
            }
            self.out.notes.push(Note::LevelSkipped { cycle: self.out.state.cycle, level: number, due_us });
            reason = PageReason::NobodyBelow { from_level };
        }
        if self.out.state.level as usize > self.ladder.levels.len() {
            self.end_cycle(due_us);
        }
    }

    fn end_cycle(&mut self, at_us: TimestampUs) {
        let state = &mut self.out.state;
        if state.repeats >= self.ladder.repeat {
            state.status = Status::Exhausted { at_us };
            self.out.notes.push(Note::Exhausted { cycle: state.cycle, at_us });
            return;
        }
        (state.cycle, state.repeats) = (state.cycle.saturating_add(1), state.repeats.saturating_add(1));
        (state.level, state.since_us) = (1, at_us);
    }

    fn reason(&self) -> PageReason {
        let state = &self.out.state;
        match (state.level, state.repeats, &state.not_taken_up_by) {
            (1, 0, None) => PageReason::Begun,
            (1, 0, Some(by)) => PageReason::NotTakenUp { by: by.clone() },
            (1, _, _) => PageReason::Repeated { cycle: state.cycle.saturating_sub(1) },
            (level, _, _) => PageReason::Unanswered { level: level.saturating_sub(1) },
        }
    }

    /// Pages everybody of a level, each once; `false` if there is nobody.
    fn page(&mut self, level: &Level, due_us: TimestampUs, reason: &PageReason) -> bool {
        let Escalation { ticket, cycle, level: number, .. } = self.out.state;
        let mut paged: HashSet<String> = HashSet::new();
        let mut left_out: HashSet<String> = HashSet::new();
        for target in &level.targets {
            let people = (self.resolve)(target);
            if people.is_empty() {
                self.out.notes.push(Note::NobodyFound { cycle, level: number, target: target.clone(), due_us });
            }
            for person in people {
                if paged.contains(&person) {
                    continue;
                }
                if paged.len() >= MAX_PEOPLE_AT_A_LEVEL {
                    left_out.insert(person);
                    continue;
                }
                paged.insert(person.clone());
                self.out.pages.push(Page {
                    page_id: page_id(ticket, cycle, number, &person),
                    ticket,
                    person,
                    level: number,
                    cycle,
                    target: target.clone(),
                    due_us,
                    late: self.now_us.saturating_sub(due_us) > LATE_AFTER_US,
                    reason: reason.clone(),
                });
            }
        }
        if !left_out.is_empty() {
            self.out.notes.push(Note::PeopleLeftOut { cycle, level: number, count: left_out.len() as u32 });
        }
        !paged.is_empty()
    }
}
