//! Does the plan hold: gaps, double cover and fairness over a period.

use serde::Serialize;

use super::absence::{Absence, Away};
use super::document::Hours;
use super::fairness::{DayPart, Loads, PersonLoad, Spread, day_parts};
use super::hours::{DayHours, Span, spans};
use super::plan::Plan;
use super::reading::day_hours;
use super::shift::{MAX_SHIFTS, PeriodError, period, shifts};
use super::sweep::{Moment, Sweep};
use crate::clock::TimestampUs;
use crate::document::Complaint;

/// When somebody must be on call, and which days are holidays. The default is always, and no holidays.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    hours: Option<Vec<DayHours>>,
    holidays: Vec<jiff::civil::Date>,
}

impl Wanted {
    /// Somebody must be on call in these hours, in the rota's zone; an empty list means always. Complaints name the list
    /// `hours`. Holidays are counted for fairness only: people are needed on them too.
    ///
    /// Errors: what is wrong with the hours.
    pub fn of(hours: &[Hours], holidays: &[jiff::civil::Date]) -> Result<Self, Vec<Complaint>> {
        let read = day_hours(hours, "hours")?;
        Ok(Self { hours: (!hours.is_empty()).then_some(read), ..Self::with_holidays(holidays.to_vec()) })
    }

    /// Somebody must always be on call, and these days are holidays.
    pub fn with_holidays(holidays: Vec<jiff::civil::Date>) -> Self {
        Self { hours: None, holidays }
    }
}

/// What a plan is worth over a period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    /// Beginning of the period.
    pub from_us: TimestampUs,
    /// End of the period.
    pub to_us: TimestampUs,
    /// Time in which somebody must be on call, µs.
    pub wanted_us: i64,
    /// How much of it has somebody, µs.
    pub covered_us: i64,
    /// Wanted time without anybody, in order.
    pub gaps: Vec<Gap>,
    /// Time that several layers plan, in order: wanted at times of hand-over, a mistake otherwise.
    pub double_cover: Vec<DoubleCover>,
    /// What each person of the plan has of the period, in the order of the document.
    pub people: Vec<PersonLoad>,
    /// How unequal that is.
    pub spread: Spread,
}

/// Wanted time without anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Beginning.
    pub from_us: TimestampUs,
    /// End.
    pub to_us: TimestampUs,
    /// Why.
    pub cause: GapCause,
}

/// Why nobody is on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GapCause {
    /// No layer covers the time.
    NobodyPlanned,
    /// A layer covers it, but all of its people are on leave.
    EverybodyAway,
}

/// Time for which several layers plan different people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DoubleCover {
    /// Beginning.
    pub from_us: TimestampUs,
    /// End.
    pub to_us: TimestampUs,
    /// Whom the layers plan, the one that wins last.
    pub people: Vec<String>,
}

/// Looks at the plan of a period: is somebody there whenever somebody is wanted, and who carries how much.
///
/// Errors: a period of more than two years, or one with more than 10,000 shifts, gaps or double covers.
pub fn coverage(
    plan: &Plan,
    absences: &[Absence],
    wanted: &Wanted,
    from_us: TimestampUs,
    to_us: TimestampUs,
) -> Result<Coverage, PeriodError> {
    let period = period(from_us, to_us)?;
    let away = Away::of(absences);
    let parts = day_parts(&plan.clock, &wanted.holidays, period);
    let wanted: Vec<Span> = match &wanted.hours {
        Some(hours) => spans(hours, &plan.clock, period).into_iter().map(|span| span.within(period)).collect(),
        None => vec![period],
    };
    let mut view = View::new(plan, period);
    if !period.is_empty() {
        for shift in shifts(plan, absences, period.from_us, period.to_us)? {
            view.loads.count_shift(&shift.person);
        }
        let mut edges = vec![period.from_us, period.to_us];
        edges.extend(parts.iter().map(|part| part.span.from_us));
        edges.extend(wanted.iter().flat_map(|span| [span.from_us, span.to_us]));
        let mut of_day = Cursor::new(&parts, |part: &DayPart| part.span);
        let mut of_wanted = Cursor::new(&wanted, |span: &Span| *span);
        for moment in Sweep::new(plan, &away, period, &edges).moments() {
            if moment.span.within(period) == moment.span {
                view.add(&moment, of_wanted.at(moment.span.from_us).is_some(), of_day.at(moment.span.from_us));
            }
        }
    }
    view.finish()
}

/// Steps through spans in order as the moments go by.
struct Cursor<'a, T> {
    items: &'a [T],
    span: fn(&T) -> Span,
}

impl<'a, T> Cursor<'a, T> {
    fn new(items: &'a [T], span: fn(&T) -> Span) -> Self {
        Self { items, span }
    }

    /// The item that holds a moment; moments come in order.
    fn at(&mut self, at_us: TimestampUs) -> Option<&'a T> {
        while let Some((first, rest)) = self.items.split_first()
            && (self.span)(first).to_us <= at_us
        {
            self.items = rest;
        }
        self.items.first().filter(|first| (self.span)(first).from_us <= at_us)
    }
}

/// The coverage while it is put together.
struct View<'a> {
    coverage: Coverage,
    loads: Loads<'a>,
}

impl<'a> View<'a> {
    fn new(plan: &'a Plan, period: Span) -> Self {
        let coverage = Coverage {
            from_us: period.from_us,
            to_us: period.to_us,
            wanted_us: 0,
            covered_us: 0,
            gaps: Vec::new(),
            double_cover: Vec::new(),
            people: Vec::new(),
            spread: Spread::default(),
        };
        Self { coverage, loads: Loads::of(plan.people()) }
    }

    fn add(&mut self, moment: &Moment<'_>, wanted: bool, part: Option<&DayPart>) {
        let Span { from_us, to_us } = moment.span;
        if wanted {
            self.coverage.wanted_us += to_us - from_us;
        }
        match &moment.on_call {
            Some(holder) => {
                self.coverage.covered_us += if wanted { to_us - from_us } else { 0 };
                self.loads.add(holder.person, to_us - from_us, part);
            }
            None if wanted => {
                let cause = if moment.everybody_away { GapCause::EverybodyAway } else { GapCause::NobodyPlanned };
                match self.coverage.gaps.last_mut() {
                    Some(last) if last.to_us == from_us && last.cause == cause => last.to_us = to_us,
                    _ => self.coverage.gaps.push(Gap { from_us, to_us, cause }),
                }
            }
            None => {}
        }
        let mut people: Vec<String> = Vec::new();
        for person in &moment.planned {
            people.retain(|known| known != person);
            people.push((*person).to_owned());
        }
        if people.len() > 1 {
            match self.coverage.double_cover.last_mut() {
                Some(last) if last.to_us == from_us && last.people == people => last.to_us = to_us,
                _ => self.coverage.double_cover.push(DoubleCover { from_us, to_us, people }),
            }
        }
    }

    fn finish(mut self) -> Result<Coverage, PeriodError> {
        if self.coverage.gaps.len().max(self.coverage.double_cover.len()) > MAX_SHIFTS {
            return Err(PeriodError::TooManyShifts);
        }
        (self.coverage.people, self.coverage.spread) = self.loads.finish();
        Ok(self.coverage)
    }
}
