//! What a proposal says: the need behind it, its title, and the change that it becomes.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::clean_ups::approved_clean_up;
use super::proposal_making::Crossing;
use super::proposal_rows::Proposal;
use super::proposals::ProposalError;
use super::{Setup, day_of};
use crate::desk::{Desk, Impact, Opening, TicketKind, Urgency};
use crate::purchase::{BudgetEffect, Combined, Consumer, Need, OptionKind, Options, PurchaseOption, Schedule, Share};

/// What the delivery does not know.
const REPLACED: &str =
    "Write into the inventory what took its place: model, serial number, warranty. The delivery changes the capacity alone.";

/// Parts of an order that its ticket tells one by one.
const MOST_TOLD: usize = 40;

/// Whether an open proposal still says what it would say now, down to what it takes from which budget: nobody reads an event a day that
/// says nothing new.
pub(super) fn same_advice(known: &Proposal, made: &Options, order_by: Option<&str>, today: Date) -> bool {
    let advice = |options: &Options| -> Vec<_> {
        let paid = |budget: &BudgetEffect| (budget.line.clone(), budget.currency, budget.takes_minor);
        // Not the words: they tell amounts that are others each day.
        let what = |it: &PurchaseOption| (it.kind, it.offer.clone(), it.other_resource.clone(), it.quantity, it.smallest_quantity);
        let said = |it: &PurchaseOption| (what(it), it.cost.npv_minor, it.feasible, it.budget.as_ref().map(paid));
        options.options.iter().map(said).collect()
    };
    let left_out = |options: &Options| -> Vec<String> { options.left_out.iter().map(|it| it.name.clone()).collect() };
    // Of a day that is past it is no news that it was another.
    let is_past = |day: Option<&str>| day.is_some_and(|day| day < today.to_string().as_str());
    let same_day = known.order_by.as_deref() == order_by || (is_past(known.order_by.as_deref()) && is_past(order_by));
    same_day && advice(&known.options) == advice(made) && left_out(&known.options) == left_out(made)
}

/// The purchase by whose delivery the day to decide is counted: the best that can be carried out, else the first.
pub(super) fn ordered(options: &Options) -> Option<&PurchaseOption> {
    let bought = || options.options.iter().filter(|option| option.kind.is_bought());
    bought().find(|option| option.feasible).or_else(|| bought().next())
}

pub(super) fn order_by_of(options: &Options) -> Option<String> {
    ordered(options).and_then(|option| option.schedule.order_by).map(|day| day.to_string())
}

/// One line about a resource by name, kind and status, with the day that its forecast says.
pub(super) fn title_of((name, kind, status): (&str, &str, &str), median: Option<&str>, order_by: Option<&str>) -> String {
    let kind = kind.replace('_', " ");
    let when = match (median, status) {
        (_, "over_threshold") => "is over its threshold now".to_owned(),
        (Some(median), _) => format!("reaches its threshold on {median}"),
        (None, _) => "may reach its threshold within the planning horizon".to_owned(),
    };
    let order = order_by.map_or_else(String::new, |day| format!(": decide by {day}"));
    format!("{name} ({kind}) {when}{order}")
}

pub(super) fn need_of(crossing: &Crossing<'_>, consumers: Vec<Consumer>, setup: &Setup, today: Date) -> Result<Need, ProposalError> {
    let standing = crossing.standing;
    let known = |value: Option<f64>, what: &str| value.ok_or_else(|| ProposalError::Refused(format!("{} has no {what}", standing.name)));
    let (used, limit, threshold) = (known(standing.used, "use")?, known(standing.limit, "limit")?, known(standing.threshold, "threshold")?);
    let date = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Date>().ok());
    let growth = standing.growth_per_day.unwrap_or(0.0);
    let days_to_lower = date(&standing.lower).map(|lower| day_of(lower) - day_of(today));
    let minor = 10_i64.pow(setup.purchase.currency.minor_digits());
    let outage = crossing.outage_cost_per_day.and_then(|cost| i64::try_from(cost).ok()?.checked_mul(minor));
    Ok(Need {
        resource: standing.name.clone(),
        kind: standing.kind.clone(),
        unit: standing.unit.clone(),
        today,
        used,
        limit,
        threshold,
        needed: standing.needed.unwrap_or(0.0),
        growth_per_day: growth,
        growth_per_day_fast: Need::fast_growth(growth, threshold - used, days_to_lower),
        level: setup.capacity.level,
        lower: date(&standing.lower),
        median: date(&standing.median),
        upper: date(&standing.upper),
        chance: standing.chance.unwrap_or(0.0),
        horizon_days: crossing.horizon_days,
        service: crossing.service.clone(),
        criticality: crossing.criticality,
        cost_of_outage_minor_per_day: outage,
        consumers,
        agreed: None,
    })
}

/// The change that a decision asks for. `limit_source` says where the resource's limit comes from.
pub(super) fn change_ticket(proposal: &Proposal, option: &PurchaseOption, why: &str, limit_source: Option<&str>, desk: &Desk) -> Opening {
    let (impact, urgency) = (Impact::Medium, Urgency::Medium);
    let mut lines = vec![format!("Proposal {} was approved: {}.", proposal.number, option.title)];
    if !why.is_empty() {
        lines.push(why.to_owned());
    }
    if let (Some(supplier), Some(offer)) = (&option.supplier, &option.offer) {
        let on = ordered_and_there(option.budget.as_ref(), &option.schedule);
        lines.push(format!("Order {} of {offer} from {supplier}{on}.", option.quantity));
    }
    if let (Some(line), Some(minor), Some(currency)) = (&proposal.budget_line, proposal.committed_minor, &proposal.currency) {
        lines.push(format!("{minor} minor units of {currency} are committed in the budget {line}."));
    }
    lines.extend(limit_to_raise(proposal, limit_source).filter(|_| option.kind.is_bought()));
    lines.extend((option.kind == OptionKind::Replace).then(|| REPLACED.to_owned()));
    lines.push(match approved_clean_up(proposal).and(proposal.facts.need.agreed.as_ref()) {
        Some(agreed) => format!(
            "{} {} go by {}: {}. When the use that is measured has fallen by half of that at least, this ticket is resolved; if it has not \
             then, the proposal is open again.",
            agreed.amount, option.unit, agreed.by_when, agreed.what
        ),
        None => format!("When it is there: `POST /api/v1/proposals/{}/delivery`; that resolves this ticket.", proposal.number),
    });
    Opening {
        description: lines.join("\n\n"),
        entity: entity_of(proposal),
        service: proposal.facts.need.service.clone(),
        impact: Some(impact),
        urgency: Some(urgency),
        ..Opening::new(
            TicketKind::Change,
            format!("{}: {}", option.title, proposal.facts.need.resource),
            desk.rules().matrix.priority(impact, urgency),
        )
    }
}

/// When something is to be ordered, so that the budget is the one that was approved, and when it can be used then.
fn ordered_and_there(budget: Option<&BudgetEffect>, schedule: &Schedule) -> String {
    match budget {
        Some(budget) => {
            let there = schedule.arrives_if_ordered_on(budget.order_on);
            format!(" on {}, which is within the budget of {}; it can be used on {there}", budget.order_on, budget.year)
        }
        None => format!("; it can be used on {}", schedule.arrives_on),
    }
}

/// Where a limit is to be raised that nothing measures: nothing but a person does it.
fn limit_to_raise(proposal: &Proposal, limit_source: Option<&str>) -> Option<String> {
    let place = match limit_source {
        Some("policy") => "in the document `capacity_policy`",
        Some("question") => "as `fixed_limit` in the header of the question",
        _ => return None,
    };
    Some(format!("The limit of {} stands {place}: raise it there when it is larger.", proposal.facts.need.resource))
}

fn entity_of(proposal: &Proposal) -> BTreeMap<String, String> {
    let entity = proposal.facts.entity.as_object().into_iter().flatten();
    entity.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// A proposal as it is approved in an order for several, and its share.
#[derive(Debug, Clone)]
pub(super) struct OrderedPart {
    pub(super) proposal: Proposal,
    pub(super) share: Share,
    /// Where the limit of its resource comes from.
    pub(super) limit_source: Option<String>,
}

/// What an order for several proposals is called.
pub(super) fn order_title(order: &Combined) -> String {
    let resources: Vec<&str> = order.shares.iter().take(MOST_TOLD).map(|share| share.resource.as_str()).collect();
    shortened(&format!("Order {} × {} of {} for {}", order.quantity, order.item, order.supplier, resources.join(", ")))
}

/// The one change that an order for several proposals asks for.
pub(super) fn order_ticket(order: &Combined, parts: &[OrderedPart], why: &str, desk: &Desk) -> Opening {
    let (impact, urgency) = (Impact::Medium, Urgency::Medium);
    let mut lines = vec![format!("One order for {} proposals was approved: {}.", parts.len(), order.why)];
    if !why.is_empty() {
        lines.push(why.to_owned());
    }
    let options = parts.iter().filter_map(|part| part.proposal.options.of_offer(&order.offer));
    let last = options.max_by_key(|option| option.schedule.arrives_on);
    let on = last.map(|option| ordered_and_there(order.budget.as_ref(), &option.schedule)).unwrap_or_default();
    lines.push(format!("Order {} of {} from {}{on}.", order.quantity, order.offer, order.supplier));
    let part = |OrderedPart { proposal, share, .. }: &OrderedPart| {
        let (gained, unit) = (share.capacity_gained, &share.unit);
        let paid = proposal.committed_minor.zip(proposal.currency.as_ref());
        let paid = paid.map(|(minor, currency)| format!("; {minor} minor units of {currency} are committed for it")).unwrap_or_default();
        format!("* Proposal {}: {} of them for {}, which gain {gained} {unit}{paid}", proposal.number, share.quantity, share.resource)
    };
    let more = parts.len().checked_sub(MOST_TOLD).filter(|more| *more > 0);
    let more = more.map(|more| format!("* And {more} more: `GET /api/v1/proposals/combined` has them all."));
    lines.push(parts.iter().take(MOST_TOLD).map(part).chain(more).collect::<Vec<_>>().join("\n"));
    if let Some(budget) = &order.budget {
        let (minor, currency) = (budget.takes_minor, budget.currency);
        lines.push(format!("All of it, {minor} minor units of {currency}, is committed in the budget {}.", budget.line));
    }
    lines.extend(last.filter(|option| option.kind == OptionKind::Replace).map(|_| REPLACED.to_owned()));
    let to_raise = |part: &OrderedPart| limit_to_raise(&part.proposal, part.limit_source.as_deref());
    lines.extend(parts.iter().take(MOST_TOLD).filter_map(to_raise));
    let when = "`POST /api/v1/proposals/{number}/delivery` with its number; the last one resolves this ticket.";
    lines.push(format!("When the part of a proposal is there: {when}"));
    let mut shared = parts.first().map(|part| entity_of(&part.proposal)).unwrap_or_default();
    for part in parts {
        let own = entity_of(&part.proposal);
        shared.retain(|name, value| own.get(name) == Some(value));
    }
    let service = parts.first().and_then(|part| part.proposal.facts.need.service.clone());
    Opening {
        description: lines.join("\n\n"),
        entity: shared,
        service: service.filter(|service| parts.iter().all(|part| part.proposal.facts.need.service.as_ref() == Some(service))),
        impact: Some(impact),
        urgency: Some(urgency),
        ..Opening::new(TicketKind::Change, order_title(order), desk.rules().matrix.priority(impact, urgency))
    }
}

/// A title as long as one may be.
fn shortened(title: &str) -> String {
    /// Characters of a line that people read.
    const MOST: usize = 200;
    if title.chars().count() <= MOST { title.to_owned() } else { title.chars().take(MOST - 1).chain(['…']).collect() }
}
