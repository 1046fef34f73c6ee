//! Swaps: two people exchange shifts, and neither end may be left open.

use super::absence::Absence;
use super::document::{Override, Rota};
use super::hours::Span;
use super::plan::Plan;
use super::shift::{PeriodError, shifts};
use crate::clock::TimestampUs;
use crate::document::{Complaint, in_words};

/// One end of a swap: whose shifts in which period are given away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapEnd {
    /// Who gives them away.
    pub person: String,
    /// Beginning of the period.
    pub from_us: TimestampUs,
    /// End of the period.
    pub to_us: TimestampUs,
}

impl SwapEnd {
    fn span(&self) -> Span {
        Span { from_us: self.from_us, to_us: self.to_us }
    }
}

/// Why two people cannot swap. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwapError {
    /// The rota cannot be used, or could not with the two overrides in it.
    #[error("the rota with the swap in it would not be valid: {}", in_words(.0))]
    Invalid(Vec<Complaint>),
    /// Both ends name the same person.
    #[error("{0} cannot swap with themselves; name another person")]
    SamePerson(String),
    /// The periods have time in common.
    #[error("the two periods of the swap overlap; choose two that do not, or enter overrides one by one")]
    Overlap,
    /// A person has nothing to give away.
    #[error("{person} is not on call between {from} and {to}; choose a period with a shift of theirs")]
    NotOnCall {
        /// Who.
        person: String,
        /// Beginning, in the rota's zone.
        from: String,
        /// End, in the rota's zone.
        to: String,
    },
    /// A person is on leave when they should take over.
    #[error(
        "{person} cannot take over all of the time between {from} and {to}, because they are on leave in it; choose another period or person"
    )]
    Away {
        /// Who.
        person: String,
        /// Beginning, in the rota's zone.
        from: String,
        /// End, in the rota's zone.
        to: String,
    },
    /// A period is too long.
    #[error(transparent)]
    Period(#[from] PeriodError),
}

/// The two overrides by which two people exchange their shifts in two periods; to be put at the end of the rota's.
///
/// Both ends are checked against the plan as it is and as it would be: each person has shifts in their period, and all of
/// that time has the other one afterwards.
///
/// Errors: [`SwapError`]; nothing is to be stored then.
pub fn swap(rota: &Rota, absences: &[Absence], one: &SwapEnd, other: &SwapEnd) -> Result<[Override; 2], SwapError> {
    let before = rota.plan().map_err(SwapError::Invalid)?;
    if one.person == other.person {
        return Err(SwapError::SamePerson(one.person.clone()));
    }
    if one.span().overlaps(other.span()) {
        return Err(SwapError::Overlap);
    }
    let take_over = |giver: &SwapEnd, taker: &SwapEnd| Override {
        from: before.clock.rfc3339(giver.from_us),
        to: before.clock.rfc3339(giver.to_us),
        person: taker.person.clone(),
        in_place_of: Some(giver.person.clone()),
    };
    let overrides = [take_over(one, other), take_over(other, one)];
    let mut changed = rota.clone();
    changed.overrides.extend(overrides.iter().cloned());
    // A person without a shift is told so before anything else about the period: it is the likeliest mistake.
    let given = [held(&before, absences, one, &one.person)?, held(&before, absences, other, &other.person)?];
    for (end, given) in [one, other].into_iter().zip(&given) {
        if given.is_empty() {
            let (from, to) = (before.clock.rfc3339(end.from_us), before.clock.rfc3339(end.to_us));
            return Err(SwapError::NotOnCall { person: end.person.clone(), from, to });
        }
    }
    let after = changed.plan().map_err(SwapError::Invalid)?;
    for ((end, taker), given) in [(one, other), (other, one)].into_iter().zip(&given) {
        let taken = held(&after, absences, end, &taker.person)?;
        if !given.iter().all(|given| taken.iter().any(|taken| given.within(*taken) == *given)) {
            let (from, to) = (before.clock.rfc3339(end.from_us), before.clock.rfc3339(end.to_us));
            return Err(SwapError::Away { person: taker.person.clone(), from, to });
        }
    }
    Ok(overrides)
}

/// The time that a person has within the period of an end, joined where shifts meet.
fn held(plan: &Plan, absences: &[Absence], end: &SwapEnd, person: &str) -> Result<Vec<Span>, PeriodError> {
    let shifts = shifts(plan, absences, end.from_us, end.to_us)?;
    let mut held: Vec<Span> = Vec::new();
    for shift in shifts.iter().filter(|shift| shift.person == person) {
        let span = Span { from_us: shift.from_us, to_us: shift.to_us }.within(end.span());
        match held.last_mut() {
            Some(last) if last.to_us == span.from_us => last.to_us = span.to_us,
            _ => held.push(span),
        }
    }
    Ok(held)
}
