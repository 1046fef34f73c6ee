//! Orders for several proposals at once: what they save, what each has of them, and what was decided.

use super::dates::{short, spoken};
use super::html::{Column, Element, Table, details, name, paragraph, shortened};
use super::model::{CapacityReport, CombinedOrder};
use super::money::{amount, money};
use super::proposals::terms;

/// Orders on the page.
const MAX_ORDERS: usize = 10;

/// Parts of an order that are listed.
const MAX_PARTS: usize = 30;

/// The orders; nothing if there are none.
pub(super) fn combined(report: &CapacityReport) -> Element {
    let orders = &report.combined_orders;
    if orders.is_empty() {
        return Element::group();
    }
    let more = report.combined_orders_in_all.checked_sub(MAX_ORDERS).filter(|more| *more > 0);
    let more = more.map(|more| {
        let where_from = "`GET /api/v1/proposals/combined` has them all";
        Element::new("p").class("note").text(&format!("And {more} more: {where_from}."))
    });
    Element::group()
        .child(Element::new("h2").text("Ordered together"))
        .all(orders.iter().take(MAX_ORDERS).map(|order| one(report, order)))
        .all(more)
}

fn one(report: &CapacityReport, order: &CombinedOrder) -> Element {
    let currency = &report.currency;
    let of_budget = |minor: i64| amount(minor, order.budget_currency.as_deref().unwrap_or(currency));
    let columns = [
        ("Proposal", Column::Number),
        ("Resource", Column::Text),
        ("Pieces", Column::Number),
        ("Share of the present value", Column::Number),
        ("Share of the budget", Column::Number),
        ("State", Column::Text),
    ];
    let mut table = Table::new("Shares of the order", &columns);
    for part in order.parts.iter().take(MAX_PARTS) {
        table.texts([
            part.proposal.to_string(),
            shortened(&part.resource, 80),
            part.quantity.to_string(),
            amount(part.npv_minor, currency),
            part.budget_minor.map(of_budget).unwrap_or_default(),
            name(&part.state),
        ]);
    }
    let against = order.against.iter().map(|why| format!("Against it: {}.", shortened(why, 400)));
    let said = [told(report, order)].into_iter().chain(against);
    Element::new("div")
        .class("keep")
        .all(said.map(|sentence| paragraph(&sentence)))
        .child(table.element())
        .child(details("Arithmetic of the order", terms("Arithmetic of the order", &order.terms)))
}

/// What is ordered, what it saves, and what was decided.
fn told(report: &CapacityReport, order: &CombinedOrder) -> String {
    let what = format!(
        "{} × {} of {} ({}) for {} proposals cost {} in all, {} less than an order for each",
        order.quantity,
        shortened(&order.item, 80),
        name(&order.supplier),
        name(&order.offer),
        order.parts.len(),
        money(order.npv_minor, &report.currency),
        money(order.saving_minor, &report.currency),
    );
    let line = order.budget_line.as_deref().zip(order.budget_takes_minor).map(|(line, takes)| {
        let currency = order.budget_currency.as_deref().unwrap_or(&report.currency);
        format!("; the {} budget pays {}", name(line), money(takes, currency))
    });
    let line = line.unwrap_or_default();
    let Some(decision) = &order.decision else {
        let by = order.order_by.map(|day| format!(" To be decided by {}.", short(day))).unwrap_or_default();
        return format!("{what}{line}.{by}");
    };
    let why = if decision.why.is_empty() { String::new() } else { format!(": {}", name(&decision.why).trim_end_matches('.')) };
    let ticket = order.ticket.map(|ticket| format!(" The change is ticket {ticket}.")).unwrap_or_default();
    let (word, by, on) = (name(&decision.what), name(&decision.by), spoken(decision.on, report.as_of));
    format!("{what}{line}. Decided: {word} by {by} on {on}{why}.{ticket}")
}
