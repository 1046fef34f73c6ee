//! Promised service levels: is this ticket answered and resolved in time? Pure.
//!
//! Nothing is stored. A ticket's [`Timeline`] says what happened, a [`Calendar`] when time counts, an [`SlaPolicy`] what is
//! promised; [`clocks`] reads from the three how each promise stands at a moment. So a corrected calendar, a new policy or a
//! change of summer time needs no repair of stored clocks: the next reading is right, and [`what_if`] tells beforehand which
//! open tickets it changes.
//!
//! Documents are what people write; [`Calendar::resolve`] lays one out in real time ([`OpeningHours`]) and
//! [`SlaPolicy::resolve`] joins rules and calendars ([`Promises`]), once for each change of the configuration.
//!
//! The four clocks of a ticket:
//!
//! | promise | starts | runs | ends |
//! |---|---|---|---|
//! | response | opening | unless paused | first public reply, acknowledgement, move to in progress, or resolved |
//! | update | opening, a public reply, reopening | unless paused | next public reply, or resolved |
//! | resolution | opening | unless paused | resolved; when reopened it **goes on where it stood** |
//! | supplier | first hold for a supplier | only on hold for a supplier | end of the hold; the next one goes on where it stood |
//!
//! Invariants:
//! * Time counts by the calendar of the rule, and a clock is **paused** only by a hold whose reason is in the rule's `pauses_in`.
//!   The time between resolved and reopened counts for nobody.
//! * A clock that can still go on is judged whole, from the opening, by the rule that fits the ticket **now**: who raises a
//!   ticket to P1 after three hours has used three hours of P1's time. A clock that has stopped is judged by the rule that
//!   fitted when it stopped: a promise that was kept is not broken by a priority that nobody knew of.
//! * A promise is kept up to and including the microsecond in which its time is used up, and broken from the next one on, even
//!   if it is closed then: due at five means five, not the next morning. Broken stays broken under the same rule.
//! * Who works on a ticket does not matter: handing it on changes no clock.
//! * Everything is bounded: 64 calendars, 256 rules, years 2000 to 2069, deadlines at most ten years ahead. No input panics.

mod calendar;
mod day_plan;
mod history;
mod holiday_feed;
mod opening_hours;
mod policy;
mod promises;
mod sla_clock;
mod timeline;
mod weekly_hours;
mod what_if;
mod written_time;

#[cfg(test)]
mod properties_test;
#[cfg(test)]
mod samples;

pub use calendar::{Calendar, Calendars, Holiday};
pub use opening_hours::OpeningHours;
pub use policy::{SlaPolicy, SlaRule};
pub use promises::{Promise, Promises};
pub use sla_clock::{SlaClock, Verdict, clocks, next_event_us};
pub use timeline::{Change, Entry, Phase, Timeline};
pub use weekly_hours::{Hours, WeekHours};
pub use what_if::{Difference, Standing, what_if};
