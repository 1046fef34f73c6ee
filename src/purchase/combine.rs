//! Needs that are met together: what several resources take of the same offer, ordered at once.
//!
//! Volume steps and smallest quantities are an offer's own, so needs are combined by offer and not by item: nobody knows whether
//! a supplier grants one offer's steps for another.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::budget::{BudgetEffect, effect};
use super::days::days_between;
use super::need::Need;
use super::option::PurchaseOption;
use super::options::{NamedOffer, Options};
use super::policy::PurchasePolicy;
use super::price::{Priced, priced, term_of};
use super::quantity::gain;
use super::term::Term;
use super::unit::{convert, counted};
use crate::inventory::{Currency, Money, Offer};

/// A need and its options.
#[derive(Debug, Clone, Copy)]
pub struct Want<'w> {
    /// Number of the proposal that they are of.
    pub proposal: i64,
    /// The need.
    pub need: &'w Need,
    /// Its options.
    pub options: &'w Options,
}

/// What one resource has of a joint order. All shares add up to the whole, to the minor unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Number of its proposal.
    pub proposal: i64,
    /// The resource.
    pub resource: String,
    /// Pieces that its need asks for.
    pub needed_quantity: u32,
    /// Pieces of the order that are for it: those, and its part of what is bought beyond all needs.
    pub quantity: u32,
    /// Capacity that it gains by them, in `unit`.
    pub capacity_gained: f64,
    /// The need's unit.
    pub unit: String,
    /// Its part of what is paid once.
    pub one_off_minor: i64,
    /// Its part of the present value of the running costs.
    pub running_present_minor: i64,
    /// Its part of the whole.
    pub npv_minor: i64,
    /// Its part of what the order takes of the budget, in the budget's currency; none where no line pays.
    pub budget_minor: Option<i64>,
    /// What it would cost singly.
    pub singly_npv_minor: i64,
}

/// One order for several needs that is cheaper than an order for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Combined {
    /// Name of the offer.
    pub offer: String,
    /// What it is.
    pub item: String,
    /// Who sells it.
    pub supplier: String,
    /// Pieces in all.
    pub quantity: u32,
    /// The currency of all amounts.
    pub currency: Currency,
    /// Paid once.
    pub one_off_minor: i64,
    /// What the running costs are worth today.
    pub running_present_minor: i64,
    /// What everything is worth today.
    pub npv_minor: i64,
    /// What an order of the same offer for each need costs.
    pub singly_npv_minor: i64,
    /// What is saved against that.
    pub saving_minor: i64,
    /// What the best feasible option of each need costs, all together; none where a need has none.
    pub best_options_npv_minor: Option<i64>,
    /// The last day on which the approval may begin for all of them; none if no need has one.
    pub order_by: Option<Date>,
    /// Out of which budget line all of it is paid; none where no line is for it.
    pub budget: Option<BudgetEffect>,
    /// What stands against it, in sentences.
    pub against: Vec<String>,
    /// Who pays what: by the pieces that each needs.
    pub shares: Vec<Share>,
    /// Why, in a sentence.
    pub why: String,
    /// Every number.
    pub terms: Vec<Term>,
}

/// One need's part before the order is made.
struct Part<'w> {
    proposal: i64,
    need: &'w Need,
    options: &'w Options,
    option: &'w PurchaseOption,
}

/// Orders for several needs at once that are cheaper than an order for each, the largest saving first. A need takes part in an
/// offer that covers it and whose order-by date is not over on the latest day that any of the needs was worked out for. An order
/// that the budget has no room for is told with what stands against it.
pub fn combine(wants: &[Want<'_>], offers: &[NamedOffer], books: &[Book], policy: &PurchasePolicy) -> Vec<Combined> {
    let Some(latest) = wants.iter().map(|want| want.need.today).max() else { return Vec::new() };
    let order = |(name, offer): &NamedOffer| {
        let parts = parts(name, offer, wants, latest, policy);
        Joint::of(offer, parts, policy)?.order(name, books, latest, policy)
    };
    let mut found: Vec<Combined> = offers.iter().filter_map(order).collect();
    found.sort_by(|one, other| other.saving_minor.cmp(&one.saving_minor).then(one.offer.cmp(&other.offer)));
    found
}

fn parts<'w>(name: &str, offer: &Offer, wants: &[Want<'w>], latest: Date, policy: &PurchasePolicy) -> Vec<Part<'w>> {
    let still_sold = days_between(latest, offer.valid_until) >= i64::from(policy.approval_days);
    let part = |want: &Want<'w>| {
        let option = want.options.of_offer(name)?;
        let in_time = option.schedule.order_by.is_none_or(|order_by| latest <= order_by);
        let part = Part { proposal: want.proposal, need: want.need, options: want.options, option };
        (option.covers_need && in_time && still_sold).then_some(part)
    };
    let mut parts: Vec<Part<'w>> = wants.iter().filter_map(part).collect();
    parts.sort_by(|one, other| one.need.resource.cmp(&other.need.resource));
    parts.dedup_by(|one, other| one.need.resource == other.need.resource);
    parts
}

/// Needs that are cheaper together.
struct Joint<'w> {
    offer: &'w Offer,
    parts: Vec<Part<'w>>,
    whole: Priced,
    singly_minor: i64,
    saving_minor: i64,
}

impl<'w> Joint<'w> {
    /// None where fewer than two take part, or nothing is saved.
    fn of(offer: &'w Offer, parts: Vec<Part<'w>>, policy: &PurchasePolicy) -> Option<Self> {
        if parts.len() < 2 {
            return None;
        }
        let pieces = parts.iter().try_fold(0_u32, |sum, part| sum.checked_add(part.option.smallest_quantity))?;
        let whole = cheapest(offer, pieces, policy)?;
        let singly_minor = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(part.option.cost.npv_minor))?;
        let saving_minor = singly_minor.checked_sub(whole.npv.minor).filter(|saving| *saving > 0)?;
        Some(Self { offer, parts, whole, singly_minor, saving_minor })
    }

    fn order(self, name: &str, books: &[Book], latest: Date, policy: &PurchasePolicy) -> Option<Combined> {
        let whole = &self.whole;
        let best = |part: &Part<'_>| part.options.best().map(|option| option.cost.npv_minor);
        let best_options = self.parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(best(part)?));
        let (budget, against) = match self.budget(books, latest, policy) {
            Ok(budget) => (budget.clone(), budget.and_then(|budget| budget.against())),
            Err(why) => (None, Some(why)),
        };
        let who: Vec<&str> = self.parts.iter().map(|part| part.need.resource.as_str()).collect();
        let saving = Money { minor: self.saving_minor, currency: policy.currency };
        Some(Combined {
            offer: name.to_owned(),
            item: self.offer.item.clone(),
            supplier: self.offer.supplier.clone(),
            quantity: whole.quantity,
            currency: policy.currency,
            one_off_minor: whole.one_off.minor,
            running_present_minor: whole.running_present.minor,
            npv_minor: whole.npv.minor,
            singly_npv_minor: self.singly_minor,
            saving_minor: self.saving_minor,
            best_options_npv_minor: best_options,
            order_by: self.parts.iter().filter_map(|part| part.option.schedule.order_by).min(),
            shares: self.shares(budget.as_ref())?,
            why: format!("one order of {} × {} for {} saves {saving}", whole.quantity, self.offer.item, who.join(", ")),
            terms: self.terms(budget.as_ref(), policy),
            budget,
            against: against.into_iter().collect(),
        })
    }

    /// The line that pays the whole: all parts are of one kind of resource, and are ordered on the day that the most urgent asks for.
    fn budget(&self, books: &[Book], latest: Date, policy: &PurchasePolicy) -> Result<Option<BudgetEffect>, String> {
        let order_by = |part: &&Part<'_>| part.option.schedule.order_by.unwrap_or(Date::MAX);
        let Some(urgent) = self.parts.iter().min_by_key(order_by) else { return Ok(None) };
        let need = Need { today: latest, ..urgent.need.clone() };
        let effect = effect(&self.whole, &urgent.option.schedule, self.offer.valid_until, &need, books, policy)?;
        if effect.is_none() && !books.is_empty() && self.whole.npv.minor > 0 {
            return Err(format!("no budget line pays for `{}`; plan one, or add the kind to a line", need.kind));
        }
        Ok(effect)
    }

    fn terms(&self, budget: Option<&BudgetEffect>, policy: &PurchasePolicy) -> Vec<Term> {
        let money = |minor| Money { minor, currency: policy.currency };
        let singly = |part: &Part<'_>| {
            let cost = part.option.cost.npv();
            Term::money("singly_npv", cost, format!("{}: {} singly for {cost}", part.need.resource, counted(part.option.quantity, "piece")))
        };
        let mut terms: Vec<Term> = self.parts.iter().map(singly).collect();
        terms.extend(self.whole.terms(policy));
        let (singly, saving) = (money(self.singly_minor), money(self.saving_minor));
        terms.push(Term::money("saving", saving, format!("{singly} − {} = {saving}", self.whole.npv)));
        terms.extend(budget.into_iter().flat_map(BudgetEffect::terms));
        terms
    }

    /// What each has of it, by the pieces that each needs; none if a piece's capacity cannot be told in a need's unit.
    fn shares(&self, budget: Option<&BudgetEffect>) -> Option<Vec<Share>> {
        let weights: Vec<u32> = self.parts.iter().map(|part| part.option.smallest_quantity).collect();
        let (once, running) = (split(self.whole.one_off.minor, &weights), split(self.whole.running_present.minor, &weights));
        let pieces = split(i64::from(self.whole.quantity), &weights);
        let taken = budget.map(|budget| split(budget.takes_minor, &weights));
        let share = |(at, part): (usize, &Part<'_>)| {
            let capacity = convert(self.offer.capacity, &self.offer.unit, &part.need.unit)?;
            let quantity = u32::try_from(pieces[at]).ok()?;
            Some(Share {
                proposal: part.proposal,
                resource: part.need.resource.clone(),
                needed_quantity: part.option.smallest_quantity,
                quantity,
                capacity_gained: gain(self.offer, capacity, quantity, part.need),
                unit: part.need.unit.clone(),
                one_off_minor: once[at],
                running_present_minor: running[at],
                npv_minor: once[at].saturating_add(running[at]),
                budget_minor: taken.as_ref().map(|taken| taken[at]),
                singly_npv_minor: part.option.cost.npv_minor,
            })
        };
        self.parts.iter().enumerate().map(share).collect()
    }
}

/// The cheapest quantity that is sold, from so many pieces on.
fn cheapest(offer: &Offer, pieces: u32, policy: &PurchasePolicy) -> Option<Priced> {
    let least = pieces.max(offer.min_quantity);
    let most = offer.max_quantity.unwrap_or(u32::MAX);
    let steps = offer.steps.iter().map(|step| step.from).filter(|from| *from > least);
    let quantities = std::iter::once(least).chain(steps).filter(|quantity| *quantity <= most);
    let term = term_of(offer, policy);
    quantities.filter_map(|quantity| priced(offer, quantity, term, policy).ok()).min_by_key(|priced| (priced.npv.minor, priced.quantity))
}

/// A whole in parts as the weights are, in whole units that add up to it: each part is rounded down, and the units that are left
/// go to those that lost most, the first of equals first (the method of largest remainders).
fn split(whole: i64, weights: &[u32]) -> Vec<i64> {
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: &u32| i128::from(whole) * i128::from(*weight);
    // A part is never larger than the whole, so it can be counted.
    let mut parts: Vec<i64> = weights.iter().map(|weight| exact(weight).div_euclid(sum) as i64).collect();
    let given: i128 = parts.iter().map(|part| i128::from(*part)).sum();
    let left = usize::try_from(i128::from(whole) - given).unwrap_or(0);
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(exact(&weights[at]).rem_euclid(sum)));
    order.into_iter().take(left).for_each(|at| parts[at] += 1);
    parts
}

#[cfg(test)]
#[path = "combine_tests.rs"]
mod tests;
