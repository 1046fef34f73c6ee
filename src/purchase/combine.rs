//! Needs that are met together: what several resources take of the same offer, ordered at once.
//!
//! Volume steps and smallest quantities are an offer's own, so needs are combined by offer and not by item: nobody knows whether
//! a supplier grants one offer's steps for another.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::budget::{BudgetEffect, effect, effect_on};
use super::days::days_between;
use super::delivery::Schedule;
use super::need::Need;
use super::option::{PurchaseOption, bought_title};
use super::options::{NamedOffer, Options};
use super::policy::PurchasePolicy;
use super::price::{Cost, Priced, cost_per_unit_and_month, fine_price, priced, term_of};
use super::quantity::gain;
use super::term::Term;
use super::unit::{convert, counted, shown};
use crate::inventory::{Currency, Money, Offer};

/// The term of what a need costs alone.
const SINGLY: &str = "singly_npv";

/// A need and its options.
#[derive(Debug, Clone)]
pub struct Want<'w> {
    /// Number of the proposal that they are of.
    pub proposal: i64,
    /// The need.
    pub need: &'w Need,
    /// Its options.
    pub options: &'w Options,
    /// Offers that have changed since the options were worked out: nothing is ordered of them.
    pub outdated: Vec<&'w str>,
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
    /// Its part of what is paid each month.
    #[serde(default)]
    pub running_minor_per_month: i64,
    /// Its part of the present value of the running costs.
    pub running_present_minor: i64,
    /// Its part of the whole.
    pub npv_minor: i64,
    /// Its part of what the order takes of the budget, in the budget's currency; none where no line pays.
    pub budget_minor: Option<i64>,
    /// What it would cost singly.
    pub singly_npv_minor: i64,
}

/// One order for several needs.
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
    /// What is saved against that; negative where parts were taken back and the rest has become dearer.
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
    schedule: &'w Schedule,
    /// Pieces that the need asks for.
    pieces: u32,
    /// What they cost singly.
    singly_minor: i64,
    /// What the best option of the need costs.
    best_minor: Option<i64>,
}

/// Orders for several needs at once that are cheaper than an order for each, the largest saving first. A need takes part in an
/// offer that covers it and whose order-by date is not over on the latest day that any of the needs was worked out for. An order
/// that the budget has no room for is told with what stands against it.
pub fn combine(wants: &[Want<'_>], offers: &[NamedOffer], books: &[Book], policy: &PurchasePolicy) -> Vec<Combined> {
    let Some(latest) = wants.iter().map(|want| want.need.today).max() else { return Vec::new() };
    let order = |(name, offer): &NamedOffer| {
        let parts = parts(name, offer, wants, latest, policy);
        let joint = Joint::of(offer, parts, policy).filter(|joint| joint.parts.len() > 1 && joint.saving_minor > 0)?;
        let why = format!("for {} saves {}", joint.who(), Money { minor: joint.saving_minor, currency: policy.currency });
        let budget = joint.line_that_pays(books, latest, policy);
        joint.order(name, budget, ("one order of", &why), policy)
    };
    let mut found: Vec<Combined> = offers.iter().filter_map(order).collect();
    found.sort_by(|one, other| other.saving_minor.cmp(&one.saving_minor).then(one.offer.cmp(&other.offer)));
    found
}

/// What is left of an order when parts of it are taken back: the pieces of the `kept` needs, at the price that the offer has for so
/// many, paid by the same line on the same day. `offer` is as it was ordered, and `book` the line without what the order takes of it.
///
/// # Errors
/// Why it cannot be priced, in a sentence.
pub fn rest_of(
    order: &Combined,
    offer: &Offer,
    kept: &[Want<'_>],
    book: Option<&Book>,
    policy: &PurchasePolicy,
) -> Result<Combined, String> {
    let unreadable = || "a part of the order cannot be read".to_owned();
    let mut parts = Vec::with_capacity(kept.len());
    for want in kept {
        let share = order.shares.iter().find(|share| share.proposal == want.proposal).ok_or_else(unreadable)?;
        parts.push(Part {
            proposal: share.proposal,
            need: want.need,
            schedule: &want.options.of_offer(&order.offer).ok_or_else(unreadable)?.schedule,
            pieces: share.needed_quantity,
            singly_minor: share.singly_npv_minor,
            best_minor: None,
        });
    }
    if policy.currency != order.currency {
        return Err(format!("the purchase policy reckons in {} now, and the order in {}", policy.currency, order.currency));
    }
    let joint = Joint::of(offer, parts, policy).ok_or("the offer cannot be priced for what is left")?;
    let budget = match (&order.budget, book, joint.most_urgent()) {
        (Some(budget), Some(book), Some(urgent)) => Some(effect_on(book, &joint.whole, urgent.schedule, budget.order_on, policy)?),
        _ => None,
    };
    let why = format!("for {} is left of it", joint.who());
    joint.order(&order.offer, Ok(budget), ("an order of", &why), policy).ok_or_else(|| "its shares cannot be told".to_owned())
}

fn parts<'w>(name: &str, offer: &Offer, wants: &[Want<'w>], latest: Date, policy: &PurchasePolicy) -> Vec<Part<'w>> {
    let still_sold = days_between(latest, offer.valid_until) >= i64::from(policy.approval_days);
    let part = |want: &Want<'w>| {
        // Amounts of another currency cannot be added to these.
        let option = want.options.of_offer(name).filter(|_| want.options.currency == policy.currency)?;
        let in_time = option.schedule.order_by.is_none_or(|order_by| latest <= order_by);
        let part = Part {
            proposal: want.proposal,
            need: want.need,
            schedule: &option.schedule,
            pieces: option.smallest_quantity,
            singly_minor: option.cost.npv_minor,
            best_minor: want.options.best().map(|option| option.cost.npv_minor),
        };
        (option.covers_need && in_time && still_sold && !want.outdated.contains(&name)).then_some(part)
    };
    let mut parts: Vec<Part<'w>> = wants.iter().filter_map(part).collect();
    parts.sort_by(|one, other| one.need.resource.cmp(&other.need.resource));
    parts.dedup_by(|one, other| one.need.resource == other.need.resource);
    parts
}

/// Needs that are met together.
struct Joint<'w> {
    offer: &'w Offer,
    parts: Vec<Part<'w>>,
    whole: Priced,
    singly_minor: i64,
    saving_minor: i64,
}

impl<'w> Joint<'w> {
    /// None where it cannot be priced.
    fn of(offer: &'w Offer, parts: Vec<Part<'w>>, policy: &PurchasePolicy) -> Option<Self> {
        let pieces = parts.iter().try_fold(0_u32, |sum, part| sum.checked_add(part.pieces)).filter(|pieces| *pieces > 0)?;
        let whole = cheapest(offer, pieces, policy)?;
        let singly_minor = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(part.singly_minor))?;
        let saving_minor = singly_minor.checked_sub(whole.npv.minor)?;
        Some(Self { offer, parts, whole, singly_minor, saving_minor })
    }

    /// The order for them, with what pays for it, and how its sentence begins and ends.
    fn order(
        self,
        name: &str,
        budget: Result<Option<BudgetEffect>, String>,
        (begins, ends): (&str, &str),
        policy: &PurchasePolicy,
    ) -> Option<Combined> {
        let whole = &self.whole;
        let best_options = self.parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(part.best_minor?));
        let (budget, against) = match budget {
            Ok(budget) => (budget.clone(), budget.and_then(|budget| budget.against())),
            Err(why) => (None, Some(why)),
        };
        let mut against: Vec<String> = against.into_iter().collect();
        if let Some(best) = best_options.filter(|best| *best < whole.npv.minor) {
            let money = |minor| Money { minor, currency: policy.currency };
            let less = money(whole.npv.minor.saturating_sub(best));
            against.push(format!("the best option of each need costs {} in all, {less} less than this order", money(best)));
        }
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
            order_by: self.parts.iter().filter_map(|part| part.schedule.order_by).min(),
            shares: self.shares(budget.as_ref())?,
            why: format!("{begins} {} × {} {ends}", whole.quantity, self.offer.item),
            terms: self.terms(budget.as_ref(), policy),
            budget,
            against,
        })
    }

    /// Who takes part, as far as a sentence holds them.
    fn who(&self) -> String {
        const MOST_NAMES: usize = 12;
        let mut names: Vec<String> = self.parts.iter().take(MOST_NAMES).map(|part| part.need.resource.clone()).collect();
        names.extend(self.parts.len().checked_sub(MOST_NAMES).filter(|more| *more > 0).map(|more| format!("{more} more")));
        names.join(", ")
    }

    fn most_urgent(&self) -> Option<&Part<'w>> {
        self.parts.iter().min_by_key(|part| part.schedule.order_by.unwrap_or(Date::MAX))
    }

    /// The line that pays the whole: all parts are of one kind of resource, and are ordered on the day that the most urgent asks for.
    fn line_that_pays(&self, books: &[Book], latest: Date, policy: &PurchasePolicy) -> Result<Option<BudgetEffect>, String> {
        let Some(urgent) = self.most_urgent() else { return Ok(None) };
        let need = Need { today: latest, ..urgent.need.clone() };
        let effect = effect(&self.whole, urgent.schedule, self.offer.valid_until, &need, books, policy)?;
        if effect.is_none() && !books.is_empty() && self.whole.npv.minor > 0 {
            return Err(format!("no budget line pays for `{}`; plan one, or add the kind to a line", need.kind));
        }
        Ok(effect)
    }

    fn terms(&self, budget: Option<&BudgetEffect>, policy: &PurchasePolicy) -> Vec<Term> {
        let money = |minor| Money { minor, currency: policy.currency };
        let singly = |part: &Part<'_>| {
            let cost = money(part.singly_minor);
            let pieces = counted(part.pieces, "piece");
            Term::money(SINGLY, cost, format!("{}: {cost} for an order of its own; it needs {pieces}", part.need.resource))
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
        let weights: Vec<u32> = self.parts.iter().map(|part| part.pieces).collect();
        let (once, running) = (split(self.whole.one_off.minor, &weights), split(self.whole.running_present.minor, &weights));
        let monthly = split(self.whole.running_per_month().minor, &weights);
        let pieces = split(i64::from(self.whole.quantity), &weights);
        let taken = budget.map(|budget| split(budget.takes_minor, &weights));
        let share = |(at, part): (usize, &Part<'_>)| {
            let capacity = convert(self.offer.capacity, &self.offer.unit, &part.need.unit)?;
            let quantity = u32::try_from(pieces[at]).ok()?;
            Some(Share {
                proposal: part.proposal,
                resource: part.need.resource.clone(),
                needed_quantity: part.pieces,
                quantity,
                capacity_gained: gain(self.offer, capacity, quantity, part.need),
                unit: part.need.unit.clone(),
                one_off_minor: once[at],
                running_minor_per_month: monthly[at],
                running_present_minor: running[at],
                npv_minor: once[at].saturating_add(running[at]),
                budget_minor: taken.as_ref().map(|taken| taken[at]),
                singly_npv_minor: part.singly_minor,
            })
        };
        self.parts.iter().enumerate().map(share).collect()
    }
}

impl Combined {
    /// What everything is worth today.
    pub fn npv(&self) -> Money {
        Money { minor: self.npv_minor, currency: self.currency }
    }

    /// The option that a proposal of the order chose, as it is ordered: with its share of the pieces, the price and the budget instead of
    /// what it would have been alone. None where the proposal has no share.
    pub fn option_as_ordered(&self, want: &Want<'_>, policy: &PurchasePolicy) -> Option<PurchaseOption> {
        let share = self.shares.iter().find(|share| share.proposal == want.proposal)?;
        let option = want.options.of_offer(&self.offer)?;
        let size = convert(1.0, &option.cost.price_unit, &option.unit).unwrap_or(1.0);
        let used = option.capacity_used.min(share.capacity_gained);
        let per = |capacity: f64| cost_per_unit_and_month(share.npv_minor, capacity / size, option.cost.term_months);
        let cost = Cost {
            one_off_minor: share.one_off_minor,
            running_minor_per_month: share.running_minor_per_month,
            running_present_minor: share.running_present_minor,
            npv_minor: share.npv_minor,
            per_unit_and_month_minor: per(share.capacity_gained),
            per_used_unit_and_month_minor: per(used),
            ..option.cost.clone()
        };
        let in_budget = self.budget.as_ref().is_none_or(BudgetEffect::fits);
        let alone = bought_title(option.kind, share.quantity, &self.item, &self.supplier, &self.offer);
        Some(PurchaseOption {
            title: format!("{alone}, in an order of {} for {}", self.quantity, counted_needs(self.shares.len())),
            quantity: share.quantity,
            smallest_quantity: share.needed_quantity,
            capacity_gained: share.capacity_gained,
            capacity_used: used,
            budget: self.budget.as_ref().zip(share.budget_minor).map(|(budget, minor)| budget.taking(minor)),
            in_budget,
            lasts_until: want.need.lasts_with(share.capacity_gained, want.need.horizon_ends(policy.planning_horizon_days)),
            feasible: in_budget && option.covers_need && option.schedule.in_time,
            against: self.against.clone(),
            terms: self.terms_of(share, option, &cost),
            cost,
            ..option.clone()
        })
    }

    /// The terms of the need and of its days as they were, those of the whole order, and those of the share.
    fn terms_of(&self, share: &Share, option: &PurchaseOption, cost: &Cost) -> Vec<Term> {
        const OF_THE_OPTION: [&str; 15] = [
            "used",
            "limit",
            "threshold",
            "needed",
            "piece_capacity",
            "approval_days",
            "delivery_days",
            "installation_days",
            "days_to_use",
            "days_to_order_by",
            "chance_too_late",
            "outage_days",
            "outage_per_day",
            "risk",
            "smallest_quantity",
        ];
        let of_option = option.terms.iter().filter(|term| OF_THE_OPTION.contains(&term.name.as_str()));
        let of_order = self.terms.iter().filter(|term| term.name != SINGLY);
        let mut terms: Vec<Term> = of_option.chain(of_order).cloned().collect();
        let needed: u64 = self.shares.iter().map(|share| u64::from(share.needed_quantity)).sum();
        let by = format!("by {} of the {needed} pieces that are needed", share.needed_quantity);
        let money = |name: &str, minor: i64, currency: Currency, of: &str| {
            let money = Money { minor, currency };
            Term::money(name, money, format!("{money}: the share of {of}, {by}"))
        };
        let pieces = format!("{} of the {} pieces, {by}", share.quantity, self.quantity);
        terms.push(Term::new("share_quantity", f64::from(share.quantity), "pieces", pieces));
        terms.push(Term::new("capacity_gained", share.capacity_gained, &share.unit, shown(share.capacity_gained, &share.unit)));
        terms.push(money("share_one_off", share.one_off_minor, self.currency, "what is paid once"));
        terms.push(money("share_running_present", share.running_present_minor, self.currency, "the running costs' present value"));
        terms.push(money("share_npv", share.npv_minor, self.currency, "the whole"));
        if let Some((budget, minor)) = self.budget.as_ref().zip(share.budget_minor) {
            terms.push(money("share_budget", minor, budget.currency, &format!("what the order takes of {}", budget.line)));
        }
        let unit = format!("{} minor per {} and month", cost.currency, cost.price_unit);
        for (name, each) in [
            ("cost_per_unit_and_month", cost.per_unit_and_month_minor),
            ("cost_per_used_unit_and_month", cost.per_used_unit_and_month_minor),
        ] {
            let text = |each| format!("{} per {} and month", fine_price(each, cost.currency), cost.price_unit);
            terms.extend(each.map(|each| Term::new(name, each, &unit, text(each))));
        }
        terms
    }
}

fn counted_needs(needs: usize) -> String {
    if needs == 1 { "one need".to_owned() } else { format!("{needs} needs") }
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
