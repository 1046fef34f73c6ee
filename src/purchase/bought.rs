//! Options that are bought: an offer and a number of pieces.

use super::budget::{BudgetEffect, effect};
use super::days::{DAYS_A_MONTH, plus_days};
use super::delivery::{Delivery, Schedule, installation_days};
use super::option::{OptionKind, PurchaseOption, bought_title, need_terms};
use super::options::Question;
use super::pattern::fits;
use super::price::fine_price;
use super::quantity::{Chosen, choose};
use super::term::Term;
use super::unit::{convert, fine_number, number, shown_finely};
use crate::inventory::{Offer, OfferAction};

/// The option that an offer is, or why it is none.
pub(super) fn bought(name: &str, offer: &Offer, question: &Question<'_>) -> Result<PurchaseOption, String> {
    let (need, policy) = (question.need, question.policy);
    let capacity = fitting_capacity(offer, question)?;
    let chosen = choose(offer, capacity, need, policy)?;
    let delivery = Delivery::of(offer, question.leads, policy);
    let schedule = Schedule::new(need, policy, policy.approval_days, Some(delivery), installation_days(offer, policy));
    let (budget, budget_against) = match effect(&chosen.priced, &schedule, offer.valid_until, need, question.books, policy) {
        Ok(None) if question.books.is_empty() || chosen.priced.npv.minor == 0 => (None, None),
        Ok(None) => (None, Some(no_line(question))),
        Ok(Some(budget)) => (Some(budget.clone()), budget.against()),
        Err(why) => (None, Some(why)),
    };
    let counted = counted(&chosen, question);
    let cost = chosen.priced.cost(chosen.gained / question.price_size, counted / question.price_size, &question.price_unit);
    let terms = [
        need_terms(need),
        vec![
            Term::new(
                "piece_capacity",
                capacity,
                &need.unit,
                format!("{} {} of one piece = {}", offer.capacity, offer.unit, shown_finely(capacity, &need.unit)),
            ),
            Term::new("smallest_quantity", f64::from(chosen.smallest), "pieces", chosen.why.clone()),
            Term::new("capacity_gained", chosen.gained, &need.unit, gained_text(offer, capacity, &chosen, question)),
        ],
        schedule.terms(need),
        question.risk_terms(&schedule),
        chosen.priced.terms(policy),
        unit_terms(&chosen, counted, &cost, question),
        budget.iter().flat_map(BudgetEffect::terms).collect(),
    ]
    .concat();
    let kind = match offer.action {
        OfferAction::Add => OptionKind::Add,
        OfferAction::Replace => OptionKind::Replace,
    };
    let option = PurchaseOption {
        kind,
        title: bought_title(kind, chosen.priced.quantity, &offer.item, &offer.supplier, name),
        offer: Some(name.to_owned()),
        item: Some(offer.item.clone()),
        supplier: Some(offer.supplier.clone()),
        other_resource: None,
        quantity: chosen.priced.quantity,
        smallest_quantity: chosen.smallest,
        capacity_gained: chosen.gained,
        capacity_used: counted,
        unit: need.unit.clone(),
        lasts_until: need.lasts_with(chosen.gained, question.horizon_ends),
        risk_minor: question.risk(&schedule),
        schedule,
        cost,
        in_budget: budget_against.is_none(),
        budget,
        covers_need: chosen.covers,
        feasible: false,
        against: budget_against.into_iter().collect(),
        why_here: String::new(),
        terms,
    };
    Ok(option.judged(need))
}

/// Capacity of one piece in the need's unit, if the offer is for this resource and can still be ordered.
pub(super) fn fitting_capacity(offer: &Offer, question: &Question<'_>) -> Result<f64, String> {
    let need = question.need;
    if !offer.resources.is_empty() && !offer.resources.iter().any(|pattern| fits(pattern, &need.resource)) {
        return Err(format!("it is for {}, and `{}` is none of these", offer.resources.join(", "), need.resource));
    }
    if offer.valid_until < need.today {
        return Err(format!("it was valid until {}; ask the supplier to renew it", offer.valid_until));
    }
    let ordered = plus_days(need.today, i64::from(question.policy.approval_days));
    if offer.valid_until < ordered {
        let days = question.policy.approval_days;
        return Err(format!(
            "it is valid until {}, and an approval of {days} days ends on {ordered}; ask the supplier to prolong it, or decide sooner",
            offer.valid_until
        ));
    }
    let Some(capacity) = convert(offer.capacity, &offer.unit, &need.unit) else {
        return Err(format!(
            "its unit `{}` cannot be told in `{}`; write the capacity in a unit that measures the same",
            offer.unit, need.unit
        ));
    };
    if capacity.is_finite() && capacity > 0.0 {
        return Ok(capacity);
    }
    Err(format!("its capacity is {}; write a number above 0", number(offer.capacity)))
}

/// The gain as far as it will be used within the term at the median growth, and what is needed at least: what stays empty until
/// the term ends is worth nothing.
fn counted(chosen: &Chosen, question: &Question<'_>) -> f64 {
    let days = f64::from(chosen.priced.term_months) * DAYS_A_MONTH;
    let used = question.need.needed.max(question.need.lacking_after(days));
    if used > 0.0 { chosen.gained.min(used) } else { chosen.gained }
}

fn gained_text(offer: &Offer, capacity: f64, chosen: &Chosen, question: &Question<'_>) -> String {
    let unit = &question.need.unit;
    let total = format!("{} × {}", chosen.priced.quantity, shown_finely(capacity, unit));
    match offer.action {
        OfferAction::Add => format!("{total} = {}", shown_finely(chosen.gained, unit)),
        OfferAction::Replace => {
            format!("{total} − {} that it replaces = {}", shown_finely(question.need.limit, unit), shown_finely(chosen.gained, unit))
        }
    }
}

fn unit_terms(chosen: &Chosen, counted: f64, cost: &super::price::Cost, question: &Question<'_>) -> Vec<Term> {
    let unit = format!("{} minor per {} and month", cost.currency, cost.price_unit);
    let per = |name: &str, capacity: f64, each: Option<f64>| {
        let size = fine_number(capacity / question.price_size);
        let each = each?;
        let result = format!("{} per {} and month", fine_price(each, cost.currency), cost.price_unit);
        let text = format!("{} ÷ {size} {} ÷ {} months = {result}", chosen.priced.npv, cost.price_unit, cost.term_months);
        Some(Term::new(name, each, &unit, text))
    };
    let growth = format!(
        "{} of the gain will be used within {} months at the median growth",
        shown_finely(counted, &question.need.unit),
        cost.term_months
    );
    let used = Term::new("capacity_used", counted, &question.need.unit, growth);
    [
        per("cost_per_unit_and_month", chosen.gained, cost.per_unit_and_month_minor),
        Some(used),
        per("cost_per_used_unit_and_month", counted, cost.per_used_unit_and_month_minor),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn no_line(question: &Question<'_>) -> String {
    let ordered = plus_days(question.need.today, i64::from(question.policy.approval_days));
    format!("no budget line of {} pays for `{}`; plan one, or add the kind to a line", ordered.year(), question.need.kind)
}
