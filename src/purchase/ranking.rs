//! Which option comes first.

use std::cmp::Ordering;

use super::option::{OptionKind, PurchaseOption};
use super::price::fine_price;
use super::unit::shown;

/// The rule in words.
pub(super) const RULE: &str = "Feasible options come first: they cover the need, in time and within budget. Then those that cover it in time and \
are over budget, then those within budget that are late, then those that are both, then those that do not cover it, and doing nothing last. \
Within each group the cost decides: the present value over the term, for each month and each unit of the capacity that will be used within the \
term at the median growth (what stays empty counts for nothing; the work of people is counted where somebody has said what it costs). At equal \
cost: the smaller present value, the earlier arrival, the larger gain, the name.";

/// The group of an option; lower is better.
fn group(option: &PurchaseOption) -> u8 {
    match option {
        option if option.feasible => 0,
        option if option.kind == OptionKind::DoNothing => 5,
        option if !option.covers_need => 4,
        option => match (option.schedule.in_time, option.in_budget) {
            (true, _) => 1,
            (false, true) => 2,
            (false, false) => 3,
        },
    }
}

/// The cost that decides: nothing costs nothing, and what gains nothing for its price costs without end.
fn rate(option: &PurchaseOption) -> f64 {
    let free = option.cost.npv_minor == 0;
    option.cost.per_used_unit_and_month_minor.unwrap_or(if free { 0.0 } else { f64::INFINITY })
}

fn compare(one: &PurchaseOption, other: &PurchaseOption) -> Ordering {
    let cost = rate(one).total_cmp(&rate(other)).then(one.cost.npv_minor.cmp(&other.cost.npv_minor));
    let arrival = one.schedule.arrives_on.cmp(&other.schedule.arrives_on);
    let name = |option: &PurchaseOption| (option.kind, option.offer.clone(), option.other_resource.clone(), option.title.clone());
    group(one)
        .cmp(&group(other))
        .then(cost)
        .then(arrival)
        .then(other.capacity_gained.total_cmp(&one.capacity_gained))
        .then_with(|| name(one).cmp(&name(other)))
}

/// The options in order, each with the reason for its place.
pub(super) fn ranked(mut options: Vec<PurchaseOption>) -> Vec<PurchaseOption> {
    options.sort_by(compare);
    for at in 0..options.len() {
        let why = match at.checked_sub(1).map(|before| &options[before]) {
            None => first(&options[at]),
            Some(before) => behind(&options[at], before),
        };
        options[at].why_here = why;
    }
    options
}

fn price(option: &PurchaseOption) -> String {
    match option.cost.per_used_unit_and_month_minor {
        Some(each) => format!("{} per {} used and month", fine_price(each, option.cost.currency), option.cost.price_unit),
        None if option.cost.npv_minor == 0 => "nothing that is paid for".to_owned(),
        None => format!("{} for no gain", option.cost.npv()),
    }
}

fn first(option: &PurchaseOption) -> String {
    if option.feasible {
        return format!("first: it covers the need in time and within budget, and costs {}", price(option));
    }
    let against = option.against.first().map_or("", String::as_str);
    format!("first, but not feasible: {against}")
}

/// Why an option is behind the one before.
fn behind(option: &PurchaseOption, before: &PurchaseOption) -> String {
    let behind = format!("behind “{}”", before.title);
    if group(option) != group(before) {
        return match option.against.first() {
            Some(against) => format!("{behind}: {against}"),
            None => format!("{behind}: it is not feasible"),
        };
    }
    let (cost, cost_before) = (rate(option), rate(before));
    if cost.total_cmp(&cost_before).is_ne() {
        return format!("{behind}: it costs {}, that one {}", price(option), price(before));
    }
    if option.cost.npv_minor != before.cost.npv_minor {
        return format!("{behind}: for the same price per unit it costs {} in all, that one {}", option.cost.npv(), before.cost.npv());
    }
    if option.schedule.arrives_on != before.schedule.arrives_on {
        let (arrives, arrived) = (option.schedule.arrives_on, before.schedule.arrives_on);
        return format!("{behind}: at equal cost it arrives on {arrives}, that one on {arrived}");
    }
    if option.capacity_gained.total_cmp(&before.capacity_gained).is_ne() {
        let (gains, gained) = (shown(option.capacity_gained, &option.unit), shown(before.capacity_gained, &before.unit));
        return format!("{behind}: at equal cost it gains {gains}, that one {gained}");
    }
    format!("{behind}: equal in cost, time and gain; the name decides")
}
