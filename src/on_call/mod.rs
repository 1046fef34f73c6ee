//! On call: who is on watch at any moment, for the next years, and whether the plan holds.
//!
//! A [`Rota`] is what people write: layers of people who take turns, and overrides. [`Rota::plan`] reads it once into a
//! [`Plan`], and everything else is a pure function of the plan, the leave ([`Absence`]) and a moment or period that the
//! caller names: [`shifts`], [`on_call_at`], [`coverage`], [`swap`], [`ical_feed`].
//!
//! How the person on call is found:
//! 1. A layer's turns begin at its hand-over time in local calendar days since its first day. Turns are counted on the
//!    wall clock, so a weekly turn over a change of summer time has 167 or 169 hours, and no change of the clocks ever
//!    moves whose turn it is or leaves an hour without anybody.
//! 2. Who is on leave is skipped: the next person in the layer's order who is there stands in. Where all of a layer are
//!    away, the layer covers nothing and the layer below shows through.
//! 3. Where several layers cover, the last one in the document wins.
//! 4. Overrides come above the layers, in their order: a later one sees what the earlier ones made. An override does not
//!    hold while its person is on leave; who had the shift keeps it.
//!
//! Wall-clock times that the clocks show twice mean the first; those that the clocks leave out mean the moment of the
//! jump. Both together keep the order of times of day, so what ends at 02:30 and what begins at 02:30 always meet.
//!
//! Invariants:
//! * The shifts of a plan never overlap, and together they are exactly the time at which somebody is on call.
//! * A shift is whole: it is the same whatever period is asked for, so [`on_call_at`] is the one of [`shifts`] that holds
//!   the moment.
//! * Nobody is on call while on leave.

mod absence;
mod coverage;
mod document;
mod fairness;
mod hours;
mod ical_feed;
mod local_time;
mod plan;
mod reading;
mod shift;
mod swap;
mod sweep;
mod turns;

#[cfg(test)]
mod coverage_tests;
#[cfg(test)]
mod ical_feed_tests;
#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod shift_properties;
#[cfg(test)]
mod shift_tests;
#[cfg(test)]
mod summer_time_tests;
#[cfg(test)]
mod swap_tests;
#[cfg(test)]
mod test_rotas;

pub use absence::Absence;
pub use coverage::{Coverage, DoubleCover, Gap, GapCause, Wanted, coverage};
pub use document::{Hours, Layer, Override, Rota, Rotation};
pub use fairness::{PersonLoad, Spread};
pub use ical_feed::{Feed, ical_feed};
pub use plan::Plan;
pub use shift::{PeriodError, Reason, Shift, on_call_at, shifts};
pub use swap::{SwapEnd, SwapError, swap};
