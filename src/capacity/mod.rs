//! What runs out: questions about resources, their limits, and how each stands. Pure.
//!
//! A capacity question ([`CapacityQuestion`]) is a SQL file that answers how much of each resource of a kind is used, and what its
//! limit is. The day's row of each resource comes from [`CapacityQuestion::day_sql`], which a person can run as well. What people
//! decide about single resources stands in the [`CapacityPolicy`]. From days and decisions come limit ([`limit_of`]), threshold
//! ([`Headroom`]), and whether a resource is too big ([`is_oversized`]); when the threshold is reached says the room `forecast`.
//!
//! Invariants:
//! * A resource's id is the same on every machine and after every upgrade ([`ResourceKey::id`]).
//! * No limit is guessed: one that is not measured any more is gone, and the resource says so.
//! * Under 14 days of history nothing is said of the future.

mod headroom;
mod knee;
mod policy;
mod question;
mod resource;
mod shipped;
mod standing;

pub use headroom::Headroom;
pub use knee::knee;
pub use policy::{CapacityException, CapacityPolicy, Decided};
pub use question::{Basis, CapacityQuestion, PARAMETERS};
pub use resource::{ResourceKey, fits};
pub use shipped::SHIPPED_QUESTIONS;
pub use standing::{
    Day, FEWEST_DAYS, FORGOTTEN_AFTER_DAYS, Limit, LimitSource, Status, fitting_limit, is_oversized, is_recent, is_seen, limit_of,
    without_gaps,
};
