//! Escalation: who is paged about a ticket, and who next if nobody answers.
//!
//! An [`EscalationPolicy`] is what people write: a ladder of levels, each with the time after which it is paged and whom to
//! page. [`EscalationPolicy::ladder`] reads it once into a [`Ladder`]. An [`Escalation`] is where one ticket stands on the
//! ladder: a small value that is stored with the ticket. [`step`] is a pure function of ladder, state and time that gives
//! the next state and the pages to send; [`next_step_us`] says when to call it again.
//!
//! What moves a ticket up:
//! * Level 1 is due `after` its time from the beginning: the ticket was opened, reopened or handed to somebody else. Each
//!   further level is due `after` its time from when the level below was due. When the last one has been paged, the ladder
//!   runs again `repeat_after` that, as often as `repeat` says; then the escalation is exhausted, which is said once.
//! * A level at which nobody is found (a rota's gap, an empty team) pages nobody, and the next level is due at once.
//! * [`Escalation::acknowledge`] stops it. If the policy has an `ack_timeout` and the ticket is neither taken up nor
//!   resolved by then, the ladder begins again. [`Escalation::take_up`] and [`Escalation::resolve`] stop it for good,
//!   [`Escalation::reopen`] and [`Escalation::reassign`] begin it anew.
//!
//! After a time in which nothing ran, all pages that were missed are sent, in order, each once, marked `late`. None is left
//! out, because nobody can know which of the missed people would have answered. Times are those at which the levels were
//! due and not those at which somebody looked, so it does not matter how often `step` is called.
//!
//! Invariants:
//! * A person gets at most one page for each cycle and level of a ticket, and its id says so: ticket, cycle, level and
//!   person make it, so a page that is sent twice after a crash is the same page.
//! * Nothing is paged while a ticket is acknowledged, taken up or resolved.
//! * Every escalation ends by itself: a cycle has at most 20 levels, a run at most 21 cycles, and only a person's action
//!   begins another run.
//! * `step` after `step` at the same time changes nothing, unless the first stopped at its limit of
//!   levels; then [`next_step_us`] names a time that has passed.

mod document;
mod ladder;
mod page;
mod state;
mod step;

#[cfg(test)]
mod ladder_tests;
#[cfg(test)]
mod step_properties;
#[cfg(test)]
mod step_tests;

pub use document::{EscalationPolicy, Step, Target, TargetError};
pub use ladder::Ladder;
pub use page::{Note, Outcome, Page, PageReason};
pub use state::{Escalation, Status};
pub use step::{next_step_us, step};
