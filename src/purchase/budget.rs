//! What a purchase takes of a budget line.

use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::days::plus_days;
use super::delivery::Schedule;
use super::need::Need;
use super::policy::PurchasePolicy;
use super::price::{Priced, convert};
use super::term::Term;
use super::unit::number;
use crate::inventory::{Currency, Money};

/// Years whose lines are looked at: no forecast looks further ahead.
const MOST_YEARS: usize = 6;

/// A budget line before and after a purchase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BudgetEffect {
    /// Name of the line.
    pub line: String,
    /// Its year.
    pub year: i16,
    /// Its currency.
    pub currency: Currency,
    /// When the order is placed: as soon as it is approved, or on the first day of a later year whose line has room for it.
    pub order_on: Date,
    /// What the purchase takes: what is paid once, and the running costs up to the end of the year.
    pub takes_minor: i64,
    /// What is left without it.
    pub left_before_minor: i64,
    /// What is left after it; negative where it is too much.
    pub left_after_minor: i64,
    /// By how much it is too much; 0 if it is not.
    pub over_by_minor: i64,
    /// The part of what is left that it takes, in percent; none if nothing is left.
    pub percent_of_left: Option<f64>,
}

impl BudgetEffect {
    /// Whether it is within the line.
    pub fn fits(&self) -> bool {
        self.over_by_minor == 0
    }

    /// What the purchase takes.
    pub fn takes(&self) -> Money {
        self.money(self.takes_minor)
    }

    /// The same line and day, for a part of what is taken.
    pub(super) fn taking(&self, minor: i64) -> Self {
        let left_after_minor = self.left_before_minor.saturating_sub(minor);
        Self {
            takes_minor: minor,
            left_after_minor,
            over_by_minor: if minor > 0 { left_after_minor.saturating_neg().max(0) } else { 0 },
            percent_of_left: percent_of_left(minor, self.left_before_minor),
            ..self.clone()
        }
    }

    fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }

    /// What is wrong, if it does not fit.
    pub(super) fn against(&self) -> Option<String> {
        let over = self.money(self.over_by_minor);
        let (takes, left) = (self.money(self.takes_minor), self.money(self.left_before_minor));
        (!self.fits()).then(|| format!("it takes {takes} of budget line {}, of which {left} are left: {over} too much", self.line))
    }

    /// Every number of it.
    pub(super) fn terms(&self) -> Vec<Term> {
        let (takes, before, after) = (self.money(self.takes_minor), self.money(self.left_before_minor), self.money(self.left_after_minor));
        let text = format!("paid once, and running costs until the end of {}, if ordered on {}", self.year, self.order_on);
        let percent = self.percent_of_left.map(|percent| {
            Term::new("budget_percent_of_left", percent, "percent", format!("{takes} ÷ {before} = {} % of what is left", number(percent)))
        });
        let amounts = [
            Term::money("budget_takes", takes, format!("{takes}: {text}")),
            Term::money("budget_left_before", before, format!("{before} left of {}: planned − committed − spent", self.line)),
            Term::money("budget_left_after", after, format!("{before} − {takes} = {after}")),
        ];
        amounts.into_iter().chain(percent).collect()
    }
}

/// The line that pays: of this year or, where the order can wait, of a later one that has room. One that is for the kind of
/// resource comes before one for anything, then the name decides. None where no line is for it; an error where a line is, and
/// cannot be reckoned with.
pub(super) fn effect(
    priced: &Priced,
    schedule: &Schedule,
    valid_until: Date,
    need: &Need,
    books: &[Book],
    policy: &PurchasePolicy,
) -> Result<Option<BudgetEffect>, String> {
    let approval = i64::from(schedule.approval_days);
    let soonest = plus_days(need.today, approval);
    let latest = schedule.order_by.map_or(soonest, |order_by| plus_days(order_by, approval)).min(valid_until).max(soonest);
    let mut nearest: Option<BudgetEffect> = None;
    let mut why = None;
    for year in (soonest.year()..=latest.year()).take(MOST_YEARS) {
        let Some(book) = paying(books, &need.kind, year) else { continue };
        let order_on = if year == soonest.year() { soonest } else { date(year, 1, 1) };
        match effect_on(book, priced, schedule, order_on, policy) {
            Ok(effect) if effect.fits() => return Ok(Some(effect)),
            Ok(effect) => nearest = nearest.or(Some(effect)),
            Err(error) => why = why.or(Some(error)),
        }
    }
    match (nearest, why) {
        (None, Some(why)) => Err(why),
        (nearest, _) => Ok(nearest),
    }
}

fn paying<'b>(books: &'b [Book], kind: &str, year: i16) -> Option<&'b Book> {
    let able = books.iter().filter(|book| book.pays_for(kind, year));
    able.min_by(|one, other| (one.resource_kinds.is_empty(), &one.name).cmp(&(other.resource_kinds.is_empty(), &other.name)))
}

/// What a purchase takes of a line if it is ordered on a day.
pub(super) fn effect_on(
    book: &Book,
    priced: &Priced,
    schedule: &Schedule,
    order_on: Date,
    policy: &PurchasePolicy,
) -> Result<BudgetEffect, String> {
    let in_use = schedule.arrives_if_ordered_on(order_on);
    // A month of use is paid at its end: what begins in March is paid for nine times in the year.
    let months = if in_use.year() == book.year { u32::try_from(12 - in_use.month()).unwrap_or(0) } else { 0 };
    let too_large = || format!("what it takes of budget line {} is more than can be counted", book.name);
    let running = priced.asked_running_for(months.min(priced.term_months)).ok_or_else(too_large)?;
    let once = convert(priced.asked_one_off, book.currency, policy)?;
    let takes = once.minor.checked_add(convert(running, book.currency, policy)?.minor).ok_or_else(too_large)?;
    let left = book.left().map_err(|error| error.to_string())?.minor;
    let after = left.checked_sub(takes).ok_or_else(too_large)?;
    Ok(BudgetEffect {
        line: book.name.clone(),
        year: book.year,
        currency: book.currency,
        order_on,
        takes_minor: takes,
        left_before_minor: left,
        left_after_minor: after,
        over_by_minor: if after < 0 && takes > 0 { after.checked_neg().ok_or_else(too_large)? } else { 0 },
        percent_of_left: percent_of_left(takes, left),
    })
}

fn percent_of_left(takes: i64, left: i64) -> Option<f64> {
    (left > 0).then(|| takes as f64 / left as f64 * 100.0)
}
