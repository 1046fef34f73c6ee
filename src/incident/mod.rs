//! Incidents: findings that have one cause become one thing to look at. Pure: no I/O, and time is an argument.
//!
//! A finding comes in as a [`Signal`]; [`Grouper::place`] says what becomes of it ([`Outcome`]) and why (every [`Term`] of the
//! decision). In this order:
//! 1. Its fingerprint belongs to an open incident: it is a repetition there.
//! 2. A maintenance window covers it: it is held and counted, and opens nothing.
//! 3. Its incident was resolved a short while ago and was of this finding alone, or comes and goes: that one is open again. (One
//!    symptom of several may be back for another cause: what it opens or joins then names the incident it follows.)
//! 4. It is near to a member of an open incident, by time, place, words and what people taught: it joins. If it is near to
//!    several young ones, they were one all along and are merged.
//! 5. It is one of many of the same trouble at places that nothing relates: they are a storm, and one incident.
//! 6. Else it opens an incident.
//!
//! [`Grouper::step`] lets time pass: incidents end when they are quiet, and maintenance windows end. [`Grouper::causes`] ranks
//! the places of an incident by suspicion. [`Grouper::merge`] and [`Grouper::split`] are for people, and are learned from;
//! [`Feedback`] is the same for thresholds.
//!
//! What it promises:
//! * Every finding gets an answer, and the same calls give the same answers, also with a [`Grouper::to_bytes`] and
//!   [`Grouper::from_bytes`] anywhere in between.
//! * A finding that is told twice (same fingerprint, same end of its window) counts once.
//! * Everything is bounded: members kept of an incident, incidents, fingerprints, lessons, changes, what is held. A finding
//!   costs a comparison with at most 64 incidents of 48 members each.
//! * An incident that is gone is named: merged by [`Placement::merged`], ended by [`Passing::Resolved`].

mod affected;
mod affinity;
mod cause;
mod connecting;
mod correcting;
mod feedback;
mod grouper;
mod known;
mod maintenance;
mod member;
mod memory;
mod nearest;
mod open_index;
mod placement;
mod placing;
mod record;
mod saved;
mod settings;
mod signal;
mod stepping;
mod storm;
mod topology;
mod words;

#[cfg(test)]
mod grouping_test;
#[cfg(test)]
mod lifecycle_test;
#[cfg(test)]
mod restart_test;
#[cfg(test)]
mod test_signals;

pub use affinity::{Affinity, Term};
pub use cause::{CHANGE_WITHIN_US, Cause, ChangeEvent, ChangeKind, rank, rank_members};
pub use correcting::CorrectionError;
pub use feedback::{Feedback, MAX_FACTOR, MIN_FACTOR, ThresholdFactor, Verdict};
pub use grouper::Grouper;
pub use maintenance::{Held, Maintenance, MaintenanceScope, MaintenanceTimes};
pub use member::{MAX_MEMBERS, Member};
pub use memory::{Lesson, Memory};
pub use placement::{Outcome, Placement};
pub use record::{Flapping, Incident, IncidentId, Phase};
pub use saved::{STATE_VERSION, StateError};
pub use settings::{CauseWeights, Settings};
pub use signal::{Direction, Signal, surprise_milli};
pub use stepping::{Ending, Passing};
pub use topology::{Asset, Dependency, MAX_HOPS, Place, Relation, Side, Topology};
