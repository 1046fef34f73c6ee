//! Needs that are met together: what several resources take of the same offer, ordered at once.
//!
//! Volume steps and smallest quantities are an offer's own, so needs are combined by offer and not by item: nobody knows whether
//! a supplier grants one offer's steps for another.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::days::days_between;
use super::need::Need;
use super::option::PurchaseOption;
use super::options::{NamedOffer, Options};
use super::policy::PurchasePolicy;
use super::price::{Priced, priced, term_of};
use super::term::Term;
use super::unit::counted;
use crate::inventory::{Currency, Money, Offer};

/// A need and its options.
#[derive(Debug, Clone, Copy)]
pub struct Want<'w> {
    /// The need.
    pub need: &'w Need,
    /// Its options.
    pub options: &'w Options,
}

/// What one resource has of a joint order. All shares add up to the whole, to the minor unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The resource.
    pub resource: String,
    /// Pieces that its need asks for.
    pub needed_quantity: u32,
    /// Its part of what is paid once.
    pub one_off_minor: i64,
    /// Its part of the present value of the running costs.
    pub running_present_minor: i64,
    /// Its part of the whole.
    pub npv_minor: i64,
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
    /// Who pays what: by the pieces that each needs.
    pub shares: Vec<Share>,
    /// Why, in a sentence.
    pub why: String,
    /// Every number.
    pub terms: Vec<Term>,
}

/// One need's part before the order is made.
struct Part<'w> {
    need: &'w Need,
    options: &'w Options,
    option: &'w PurchaseOption,
}

/// Orders for several needs at once that are cheaper than an order for each, the largest saving first. A need takes part in an
/// offer that covers it and whose order-by date is not over on the latest day that any of the needs was worked out for.
/// Budgets are not looked at: each share is judged by its own line when it is approved.
pub fn combine(wants: &[Want<'_>], offers: &[NamedOffer], policy: &PurchasePolicy) -> Vec<Combined> {
    let Some(latest) = wants.iter().map(|want| want.need.today).max() else { return Vec::new() };
    let mut found: Vec<Combined> =
        offers.iter().filter_map(|(name, offer)| joint(name, offer, parts(name, offer, wants, latest, policy), policy)).collect();
    found.sort_by(|one, other| other.saving_minor.cmp(&one.saving_minor).then(one.offer.cmp(&other.offer)));
    found
}

fn parts<'w>(name: &str, offer: &Offer, wants: &[Want<'w>], latest: Date, policy: &PurchasePolicy) -> Vec<Part<'w>> {
    let still_sold = days_between(latest, offer.valid_until) >= i64::from(policy.approval_days);
    let part = |want: &Want<'w>| {
        let option = want.options.of_offer(name)?;
        let in_time = option.schedule.order_by.is_none_or(|order_by| latest <= order_by);
        (option.covers_need && in_time && still_sold).then_some(Part { need: want.need, options: want.options, option })
    };
    let mut parts: Vec<Part<'w>> = wants.iter().filter_map(part).collect();
    parts.sort_by(|one, other| one.need.resource.cmp(&other.need.resource));
    parts.dedup_by(|one, other| one.need.resource == other.need.resource);
    parts
}

fn joint(name: &str, offer: &Offer, parts: Vec<Part<'_>>, policy: &PurchasePolicy) -> Option<Combined> {
    if parts.len() < 2 {
        return None;
    }
    let pieces = parts.iter().try_fold(0_u32, |sum, part| sum.checked_add(part.option.smallest_quantity))?;
    let whole = cheapest(offer, pieces, policy)?;
    let singly = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(part.option.cost.npv_minor))?;
    let saving = singly.checked_sub(whole.npv.minor).filter(|saving| *saving > 0)?;
    let best = |part: &Part<'_>| part.options.best().map(|option| option.cost.npv_minor);
    let best_options = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(best(part)?));
    let shares = shares(&parts, &whole);
    let order_by = parts.iter().filter_map(|part| part.option.schedule.order_by).min();
    let money = |minor| Money { minor, currency: policy.currency };
    let who: Vec<&str> = parts.iter().map(|part| part.need.resource.as_str()).collect();
    let mut terms: Vec<Term> = parts
        .iter()
        .map(|part| {
            let cost = part.option.cost.npv();
            Term::money("singly_npv", cost, format!("{}: {} singly for {cost}", part.need.resource, counted(part.option.quantity, "piece")))
        })
        .collect();
    terms.extend(whole.terms(policy));
    terms.push(Term::money("saving", money(saving), format!("{} − {} = {}", money(singly), whole.npv, money(saving))));
    Some(Combined {
        offer: name.to_owned(),
        item: offer.item.clone(),
        supplier: offer.supplier.clone(),
        quantity: whole.quantity,
        currency: policy.currency,
        one_off_minor: whole.one_off.minor,
        running_present_minor: whole.running_present.minor,
        npv_minor: whole.npv.minor,
        singly_npv_minor: singly,
        saving_minor: saving,
        best_options_npv_minor: best_options,
        order_by,
        shares,
        why: format!("one order of {} × {} for {} saves {}", whole.quantity, offer.item, who.join(", "), money(saving)),
        terms,
    })
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

fn shares(parts: &[Part<'_>], whole: &Priced) -> Vec<Share> {
    let weights: Vec<u32> = parts.iter().map(|part| part.option.smallest_quantity).collect();
    let (once, running) = (split(whole.one_off.minor, &weights), split(whole.running_present.minor, &weights));
    let share = |((part, once), running): ((&Part<'_>, i64), i64)| Share {
        resource: part.need.resource.clone(),
        needed_quantity: part.option.smallest_quantity,
        one_off_minor: once,
        running_present_minor: running,
        npv_minor: once.saturating_add(running),
        singly_npv_minor: part.option.cost.npv_minor,
    };
    parts.iter().zip(once).zip(running).map(share).collect()
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
