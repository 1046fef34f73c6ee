//! Shifts: who is on call from when to when, and why this person.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::absence::{Absence, Away};
use super::hours::Span;
use super::local_time::END_OF_PLANS_US;
use super::plan::Plan;
use super::sweep::{Moment, Source, Sweep};
use crate::clock::{DAY_US, TimestampUs};

/// Most shifts in an answer: hourly turns for more than a year.
pub(super) const MAX_SHIFTS: usize = 10_000;

/// Longest period of an answer: two years, so that a year can be planned while the last one is still looked at.
pub(super) const MAX_PERIOD_US: i64 = 732 * DAY_US;

/// A stretch of time at which one person is on call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// When it begins.
    pub from_us: TimestampUs,
    /// When it ends; the next person's begins at this moment.
    pub to_us: TimestampUs,
    /// The user's name.
    pub person: String,
    /// Which layer of the document it comes from, counted from 0; `None` for an override.
    pub layer: Option<usize>,
    /// Why this person.
    pub reason: Reason,
}

/// Why a person has a shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// It is their turn.
    Rotation,
    /// Whose turn it is is on leave, and this person is the next of the layer who is not.
    StandIn {
        /// Whose turn it is.
        for_person: String,
    },
    /// Somebody decided so.
    Override {
        /// Who had the time before, if the override is about one person's shifts only.
        in_place_of: Option<String>,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotation => f.write_str("their turn in the rotation"),
            Self::StandIn { for_person } => write!(f, "stands in for {for_person}, who is on leave"),
            Self::Override { in_place_of: Some(person) } => write!(f, "takes over from {person}"),
            Self::Override { in_place_of: None } => f.write_str("put on call by an override"),
        }
    }
}

/// Why there is no answer for a period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// The period is too long.
    #[error("a period of {days} days is longer than an answer may be ({} days); ask for a shorter one", MAX_PERIOD_US / DAY_US)]
    TooLong {
        /// Days asked for.
        days: i64,
    },
    /// Too much happens in the period.
    #[error("the period has more than {MAX_SHIFTS} shifts; ask for a shorter one")]
    TooManyShifts,
}

/// The period inside the years of plans. One that ends before it begins is empty.
pub(super) fn period(from_us: TimestampUs, to_us: TimestampUs) -> Result<Span, PeriodError> {
    let length_us = to_us.saturating_sub(from_us);
    if length_us > MAX_PERIOD_US {
        return Err(PeriodError::TooLong { days: length_us / DAY_US });
    }
    Ok(Span { from_us, to_us }.within(Span { from_us: 0, to_us: END_OF_PLANS_US }))
}

/// The shifts that overlap a period, in order, each whole: the first may begin before it and the last end after it.
///
/// Errors: a period of more than two years, or with more than 10,000 shifts.
pub fn shifts(plan: &Plan, absences: &[Absence], from_us: TimestampUs, to_us: TimestampUs) -> Result<Vec<Shift>, PeriodError> {
    let shifts = whole_shifts(plan, absences, period(from_us, to_us)?);
    if shifts.len() > MAX_SHIFTS {
        return Err(PeriodError::TooManyShifts);
    }
    Ok(shifts)
}

/// The shift at a moment; `None` if nobody is on call.
pub fn on_call_at(plan: &Plan, absences: &[Absence], at_us: TimestampUs) -> Option<Shift> {
    let moment = period(at_us, at_us.saturating_add(1)).ok()?;
    whole_shifts(plan, absences, moment).pop()
}

/// The shifts that overlap the period; one more than [`MAX_SHIFTS`] stands for any number of them.
fn whole_shifts(plan: &Plan, absences: &[Absence], period: Span) -> Vec<Shift> {
    let mut shifts: Vec<Shift> = Vec::new();
    if period.is_empty() {
        return shifts;
    }
    let away = Away::of(absences);
    let sweep = Sweep::new(plan, &away, period, &[]);
    // The shift that may still grow, by its source.
    let mut open: Option<Source> = None;
    for moment in sweep.moments() {
        // What begins after the period is of interest only as long as it goes on with what began before.
        let after = moment.span.from_us >= period.to_us;
        if after && open.is_none() {
            break;
        }
        let Some(holder) = moment.on_call else {
            open = None;
            continue;
        };
        if let Some(last) = shifts.last_mut()
            && open == Some(holder.source)
            && last.person == holder.person
        {
            last.to_us = moment.span.to_us;
            continue;
        }
        if shifts.last().is_some_and(|last| last.to_us <= period.from_us) {
            shifts.clear();
        }
        if after || shifts.len() > MAX_SHIFTS {
            break;
        }
        open = Some(holder.source);
        let layer = match holder.source {
            Source::Layer { layer, .. } => Some(layer),
            Source::Override(_) => None,
        };
        let Moment { span, .. } = moment;
        shifts.push(Shift { from_us: span.from_us, to_us: span.to_us, person: holder.person.to_owned(), layer, reason: holder.reason });
    }
    shifts.retain(|shift| Span { from_us: shift.from_us, to_us: shift.to_us }.overlaps(period));
    shifts
}
