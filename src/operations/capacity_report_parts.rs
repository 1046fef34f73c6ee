//! The parts of a capacity report: a resource, a proposal, budgets, contracts.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value;
use sqlx::SqliteConnection;

use super::capacity::ResourceDetail;
use super::capacity_days::CapacityError;
use super::combined_orders::CombinedOrders;
use super::judging::{Standing, date_of, day_of};
use super::market::{MarketData, records};
use super::placed_orders::ApprovedOrder;
use super::proposal_rows::{Proposal, ProposalEvent, ProposalState};
use super::proposal_words::ordered;
use crate::capacity::Status;
use crate::clock::{DAY_US, TimestampUs};
use crate::forecast::lower_tail;
use crate::inventory::{InventoryKind, Record};
use crate::purchase::{Book, Combined, Consumer, PurchaseOption, PurchasePolicy, Term};
use crate::report;

/// Days of history that are drawn.
pub(super) const DRAWN_DAYS: usize = 400;
/// Days a month has in the mean.
const DAYS_A_MONTH: f64 = 365.25 / 12.0;

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// A resource with its history, forecast and back-test. `extents` are median and maximum of its days.
pub(super) fn resource(
    detail: &ResourceDetail,
    purchase: &PurchasePolicy,
    extents: &BTreeMap<i64, (f64, f64)>,
    consumers: &[Consumer],
) -> report::Resource {
    let standing = &detail.judged.standing;
    let drawn = detail.days.len().saturating_sub(DRAWN_DAYS);
    let backtest = statements(detail);
    let held = |it: &&report::Statement| it.actual.is_some_and(|actual| (it.lower..=it.upper).contains(&actual));
    report::Resource {
        id: standing.resource.clone(),
        question: standing.question.clone(),
        kind: standing.kind.clone(),
        entity: standing.entity.clone(),
        name: standing.name.clone(),
        unit: standing.unit.clone(),
        status: standing.status,
        used: standing.used.unwrap_or(0.0),
        limit: standing.limit,
        threshold: standing.threshold,
        headroom_text: standing.headroom.clone(),
        limit_source: standing.limit_source,
        growth_per_month: standing.growth_per_day.map(|growth| growth * DAYS_A_MONTH),
        crossing: standing.chance.map(|chance| report::Crossing {
            lower: standing.lower_day.map(date_of),
            median: standing.median_day.map(date_of),
            upper: standing.upper_day.map(date_of),
            chance,
            level: detail.level,
            horizon_days: detail.question.horizon_within(purchase.planning_horizon_days),
        }),
        order_by: standing.order_by_day.map(date_of),
        order_by_terms: order_by_terms(standing, detail.level, detail.question.lead_days, purchase),
        needed: standing.needed,
        enough: standing.fitting_limit.filter(|_| standing.status == Status::Oversized),
        history: detail.days[drawn..]
            .iter()
            .map(|day| {
                let (low, high) = extents.get(&day.day).copied().unzip();
                report::HistoryDay { day: date_of(day.day), value: finite(day.value), low, high, limit: day.limit }
            })
            .collect(),
        fan: detail
            .judged
            .outlook
            .iter()
            .map(|day| report::FanDay {
                day: date_of(standing.last_day + day.ahead as i64),
                lower: day.lower,
                median: day.median,
                upper: day.upper,
            })
            .collect(),
        backtest_covered: (backtest.iter().filter(held).count(), backtest.iter().filter(|it| it.actual.is_some()).count()),
        backtest,
        why: standing.why.clone(),
        sql: "SELECT * FROM capacity_days WHERE resource = $resource ORDER BY day".to_owned(),
        forecast_sql: forecast_sql(detail, purchase),
        parameters: vec![("resource".to_owned(), standing.resource.clone())],
        largest_consumers: consumers.iter().map(|consumer| (consumer.name.clone(), consumer.amount)).collect(),
    }
}

/// The statement that gives interval, median, chance and growth again, and what is needed, where headroom is a share of the limit. Empty
/// where there is no forecast against a threshold.
fn forecast_sql(detail: &ResourceDetail, purchase: &PurchasePolicy) -> String {
    let standing = &detail.judged.standing;
    let (Some(limit), Some(threshold)) = (standing.limit, standing.threshold) else { return String::new() };
    let (Some(first), Some(last), true) = (detail.days.first(), detail.days.last(), standing.chance.is_some()) else {
        return String::new();
    };
    let usable = threshold / limit;
    let needed = |highest: f64| (highest / usable - limit).max(0.0);
    let highest = detail.judged.outlook.last().map(|day| day.upper);
    let is_share = standing.needed.zip(highest).is_some_and(|(told, highest)| (told - needed(highest)).abs() <= 1e-6 * limit.abs());
    let more = if is_share { format!(",\n    greatest(0, highest / {usable} - {limit}) AS needed") } else { String::new() };
    let day = |moment: &str| format!("CAST({moment} + INTERVAL '1 day' - INTERVAL '1 second' AS DATE) AS {moment}");
    let days = [day("lower"), day("median"), day("upper")].join(",\n    ");
    let (basis, horizon) = (detail.question.basis.column(), detail.question.horizon_within(purchase.planning_horizon_days));
    let (class, level) = (detail.class.unwrap_or(0.0), detail.level);
    let values = format!("day AS timestamp, {basis} AS value, CAST({threshold} AS DOUBLE) AS threshold");
    let (id, first, last) = (&standing.resource, date_of(first.day), date_of(last.day));
    let which = format!("resource = ''{id}'' AND day BETWEEN TIMESTAMP ''{first}'' AND TIMESTAMP ''{last}''");
    format!(
        "SELECT {days},\n    chance, growth_per_day, highest{more}\nFROM time_to_threshold(\n    'SELECT {values}\n    FROM capacity_days WHERE \
         {which}',\n    days => {horizon}, level => {level}, class => {class})"
    )
}

/// What was said earlier about days that have come since.
fn statements(detail: &ResourceDetail) -> Vec<report::Statement> {
    let first = detail.days.first().map_or(0, |day| day.day);
    detail
        .judged
        .forecast
        .iter()
        .flat_map(|made| &made.backtest)
        .map(|past| report::Statement {
            said_on: date_of(first + past.at as i64),
            about: date_of(first + (past.at + past.days) as i64),
            mean: past.mean,
            lower: past.lower,
            upper: past.upper,
            actual: finite(past.actual),
        })
        .collect()
}

/// The arithmetic of the last day to decide.
fn order_by_terms(standing: &Standing, level: f64, lead_days: Option<u32>, purchase: &PurchasePolicy) -> Vec<report::Term> {
    let Some((lower, order)) = standing.lower_day.zip(standing.order_by_day) else { return Vec::new() };
    let term =
        |name: &str, value: f64, unit: &str, text: String| report::Term { name: name.to_owned(), value, unit: unit.to_owned(), text };
    let wait = |name: &str, days: u32, text: &str| term(name, f64::from(days), "days", format!("{days} days {text}"));
    let date = |name: &str, day: i64, text: &str| term(name, day as f64, "days since 1970", format!("{}: {text}", date_of(day)));
    let waits = match lead_days {
        Some(days) => vec![wait("lead", days, "from deciding to having it, by the question's header")],
        None => vec![
            wait("approval", purchase.approval_days, "from the proposal to the order, by the purchase policy"),
            wait("delivery", purchase.delivery_days, "from the order to the delivery, by the purchase policy"),
            wait("installation", purchase.installation_days, "from the delivery to use, by the purchase policy"),
        ],
    };
    let mut terms = vec![date("lower", lower, &format!("before this day it is reached in {} of the futures", lower_tail(level)))];
    terms.extend(waits);
    terms.push(date("order_by", order, "the first less the others"));
    terms
}

/// Says of a resource that crosses by when what is proposed about it must be decided: by the delivery of that purchase, not by the usual one.
pub(super) fn ordered_as_proposed(resource: &mut report::Resource, proposal: &Proposal) {
    let waits = matches!(proposal.state, ProposalState::Open | ProposalState::Deferred);
    if !waits || !matches!(resource.status, Status::Crosses | Status::OverThreshold) {
        return;
    }
    let Some(option) = ordered(&proposal.options) else { return };
    let schedule = &option.schedule;
    let Some((lower, order_by)) = proposal.facts.need.lower.zip(schedule.order_by) else { return };
    let wait = |name: &str, days: u32, text: &str| report::Term {
        name: name.to_owned(),
        value: f64::from(days),
        unit: "days".to_owned(),
        text: format!("{days} days {text}"),
    };
    let date = |name: &str, day: Date, text: &str| report::Term {
        name: name.to_owned(),
        value: day_of(day) as f64,
        unit: "days since 1970".to_owned(),
        text: format!("{day}: {text}"),
    };
    let tail = lower_tail(proposal.facts.need.level);
    let mut terms = vec![date("lower", lower, &format!("before this day it is reached in {tail} of the futures"))];
    terms.push(wait("approval", schedule.approval_days, "from the proposal to the order, by the purchase policy"));
    if let Some(delivery) = &schedule.delivery {
        terms.push(wait("delivery", delivery.taken_days, &format!("from the order to the delivery: {}", delivery.text())));
    }
    terms.push(wait("installation", schedule.installation_days, "from the delivery to use"));
    terms.push(date("order_by", order_by, &format!("the first less the others, for {}", option.title)));
    (resource.order_by, resource.order_by_terms) = (Some(order_by), terms);
}

/// A proposal, with what was decided about it and the sheet for its best offer.
pub(super) fn proposal(
    proposal: &Proposal,
    events: &[ProposalEvent],
    order: Option<&ApprovedOrder>,
    sheet: Option<Value>,
) -> report::Proposal {
    let decided = events.iter().rev().find(|event| event.kind == proposal.state.word());
    let decision = decided.filter(|_| proposal.state != ProposalState::Open).map(|event| report::Decision {
        what: proposal.state.word().to_owned(),
        by: event.actor.clone(),
        on: date_of(event.at_us.div_euclid(DAY_US)),
        why: event.detail["why"].as_str().unwrap_or_default().to_owned(),
        option: event.detail["option"].as_u64().and_then(|place| usize::try_from(place).ok()),
        together_with: order.iter().flat_map(|order| order.parts.keys().copied()).filter(|other| *other != proposal.number).collect(),
    });
    report::Proposal {
        number: proposal.number,
        resource_id: proposal.resource.clone(),
        title: proposal.title.clone(),
        state: proposal.state.word().to_owned(),
        order_by: proposal.order_by.as_deref().and_then(|day| day.parse().ok()),
        options: proposal.options.options.iter().zip(1..).map(|(it, rank)| option(it, rank, &proposal.options.price_unit)).collect(),
        decision,
        ticket: proposal.ticket,
        sheet,
    }
}

/// Orders for several proposals: those that were approved and are not over, and those that would be cheaper.
pub(super) fn combined_orders(orders: &CombinedOrders) -> impl Iterator<Item = report::CombinedOrder> + '_ {
    let open = orders.combined.iter().map(|told| combined_order(&told.order, &|_| ProposalState::Open.word().to_owned()));
    let approved = orders.approved.iter().map(|approved| report::CombinedOrder {
        decision: Some(report::Decision {
            what: ProposalState::Approved.word().to_owned(),
            by: approved.by.clone(),
            on: date_of(approved.at_us.div_euclid(DAY_US)),
            why: approved.why.clone(),
            option: None,
            together_with: Vec::new(),
        }),
        ticket: Some(approved.ticket),
        ..combined_order(&approved.order, &|number| approved.parts.get(&number).cloned().unwrap_or_default())
    });
    approved.chain(open)
}

fn combined_order(order: &Combined, state: &dyn Fn(i64) -> String) -> report::CombinedOrder {
    let budget = order.budget.as_ref();
    report::CombinedOrder {
        offer: order.offer.clone(),
        item: order.item.clone(),
        supplier: order.supplier.clone(),
        quantity: order.quantity,
        one_off_minor: order.one_off_minor,
        npv_minor: order.npv_minor,
        saving_minor: order.saving_minor,
        best_options_npv_minor: order.best_options_npv_minor,
        order_by: order.order_by,
        budget_line: budget.map(|budget| budget.line.clone()),
        budget_currency: budget.map(|budget| budget.currency.code().to_owned()),
        budget_takes_minor: budget.map(|budget| budget.takes_minor),
        budget_left_after_minor: budget.map(|budget| budget.left_after_minor),
        against: order.against.clone(),
        parts: order
            .shares
            .iter()
            .map(|share| report::OrderPart {
                proposal: share.proposal,
                resource: share.resource.clone(),
                quantity: share.quantity,
                npv_minor: share.npv_minor,
                budget_minor: share.budget_minor,
                state: state(share.proposal),
            })
            .collect(),
        decision: None,
        ticket: None,
        terms: told_terms(&order.terms),
    }
}

fn told_terms(terms: &[Term]) -> Vec<report::Term> {
    let told = |term: &Term| report::Term { name: term.name.clone(), value: term.value, unit: term.unit.clone(), text: term.text.clone() };
    terms.iter().map(told).collect()
}

fn option(option: &PurchaseOption, rank: usize, price_unit: &str) -> report::Option_ {
    let bought = option.kind.is_bought();
    // The work of a clean-up may cost something too.
    let paid = |minor: i64| (bought || option.cost.npv_minor > 0).then_some(minor);
    report::Option_ {
        rank,
        kind: serde_json::to_value(option.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default(),
        title: option.title.clone(),
        supplier: option.supplier.clone(),
        quantity: bought.then_some(option.quantity),
        capacity_gained: Some(option.capacity_gained),
        one_off_minor: paid(option.cost.one_off_minor),
        running_minor_per_month: paid(option.cost.running_minor_per_month),
        npv_minor: paid(option.cost.npv_minor),
        cost_per_unit_month_minor: option.cost.per_used_unit_and_month_minor.filter(|_| bought),
        cost_unit: if bought { price_unit.to_owned() } else { String::new() },
        arrives_on: Some(option.schedule.arrives_on),
        in_time: option.schedule.in_time,
        late_chance: Some(option.schedule.chance_too_late),
        budget_line: option.budget.as_ref().map(|budget| budget.line.clone()),
        budget_currency: option.budget.as_ref().map(|budget| budget.currency.code().to_owned()),
        budget_left_minor: option.budget.as_ref().map(|budget| budget.left_before_minor),
        budget_left_after_minor: option.budget.as_ref().map(|budget| budget.left_after_minor),
        feasible: option.feasible,
        against: option.against.clone(),
        why_here: option.why_here.clone(),
        terms: told_terms(&option.terms),
    }
}

/// The budgets, and what open proposals ask of them.
pub(super) fn budgets(market: &MarketData, open: &[&Proposal]) -> Vec<report::Budget> {
    let told = |book: &Book| {
        let asks = |proposal: &&&Proposal| {
            let best = proposal.options.options.first()?;
            best.budget.as_ref().filter(|budget| budget.line == book.name).map(|budget| budget.takes_minor)
        };
        report::Budget {
            year: book.year,
            currency: book.currency.code().to_owned(),
            planned_minor: book.planned_minor,
            committed_minor: book.committed_minor,
            spent_minor: book.spent_minor,
            left_minor: book.planned_minor.saturating_sub(book.committed_minor).saturating_sub(book.spent_minor),
            asked_minor: open.iter().filter_map(|proposal| asks(&proposal)).sum(),
            line: book.name.clone(),
        }
    };
    market.books.iter().map(told).collect()
}

/// The contracts whose notice date comes.
pub(super) async fn contracts(
    read: &mut SqliteConnection,
    (today, at_us): (Date, Option<TimestampUs>),
    horizon_days: u32,
) -> Result<Vec<report::Contract>, CapacityError> {
    let mut contracts = Vec::new();
    for (name, record) in records(read, InventoryKind::Contract, at_us).await.map_err(CapacityError::Inventory)? {
        let Record::Contract(contract) = record else { continue };
        let Some(term) = contract.term_to_decide(today) else { continue };
        if day_of(term.notice_on) - day_of(today) > i64::from(horizon_days) {
            continue;
        }
        contracts.push(report::Contract {
            name,
            supplier: contract.supplier.clone(),
            ends_on: Some(term.ends_on),
            notice_on: Some(term.notice_on),
            auto_renews: contract.auto_renews,
            cost_minor: contract.cost_minor,
            cost_per: contract.cost_per.word().to_owned(),
            currency: contract.currency.code().to_owned(),
        });
    }
    contracts.sort_by_key(|contract| contract.notice_on);
    Ok(contracts)
}
