//! What could be done about a resource: the options beside one another, then the arithmetic of each.

use jiff::civil::Date;
use serde_json::Value;

use super::dates::short;
use super::html::{Column, Element, Table, details, name, paragraph, shortened};
use super::model::{Option_, Proposal, Term};
use super::money::{amount, amount_of_fraction, money, money_of_fraction};
use super::sentences::{DO_NOTHING, decision, recommendation};
use super::units::{Unit, number, percent};

/// Options of a proposal that are shown.
const MAX_OPTIONS: usize = 12;

/// Terms of an arithmetic that are shown.
const MAX_TERMS: usize = 60;

/// How deep a negotiation sheet is unfolded, and how many entries it has at each depth.
const MAX_DEPTH: usize = 6;
const MAX_ENTRIES: usize = 60;

/// A proposal.
pub(super) fn proposal(proposal: &Proposal, unit: &Unit, currency: &str, as_of: Date) -> Element {
    let title = format!("Proposal {}: {} ({})", proposal.number, shortened(&proposal.title, 120), name(&proposal.state));
    let said = recommendation(proposal, currency).into_iter().chain(decision(proposal, as_of));
    let options = &proposal.options[..proposal.options.len().min(MAX_OPTIONS)];
    let arithmetic = options.iter().map(|option| option_details(option, currency));
    let sheet = proposal.sheet.as_ref().filter(|sheet| !sheet.is_null());
    Element::group()
        .child(Element::new("h4").text(&title))
        .all(said.map(|sentence| paragraph(&sentence)))
        .child(table(options, unit, currency))
        .all(arithmetic)
        .all(sheet.map(|sheet| details("Negotiation sheet", Element::new("div").child(unfolded(sheet, 0)))))
}

fn table(options: &[Option_], unit: &Unit, currency: &str) -> Element {
    let columns = [
        ("No.", Column::Number),
        ("Option", Column::Text),
        ("Gains", Column::Number),
        ("Once", Column::Number),
        ("A month", Column::Number),
        ("Present value", Column::Number),
        ("A unit and month", Column::Number),
        ("Ready", Column::Text),
        ("Budget after", Column::Number),
    ];
    let mut table = Table::new("Options", &columns);
    let money = |minor: Option<i64>| minor.map(|minor| amount(minor, currency)).unwrap_or_default();
    for option in options {
        let cost =
            option.cost_per_unit_month_minor.map(|cost| format!("{} / {}", amount_of_fraction(cost, currency), name(&option.cost_unit)));
        table.texts([
            option.rank.to_string(),
            if option.feasible || option.kind == DO_NOTHING {
                titled(option)
            } else {
                format!("{} (cannot be carried out)", titled(option))
            },
            option.capacity_gained.map(|gained| unit.difference(gained)).unwrap_or_default(),
            money(option.one_off_minor),
            money(option.running_minor_per_month),
            money(option.npv_minor),
            cost.unwrap_or_default(),
            if option.kind == DO_NOTHING { String::new() } else { ready(option) },
            option.budget_left_after_minor.map(|minor| amount(minor, option.budget_currency(currency))).unwrap_or_default(),
        ]);
    }
    let note = Element::new("p").class("note").text(&format!("Amounts of money in {}.", name(currency)));
    let table = table.element();
    if table.is_empty() { table } else { Element::new("div").class("options").child(table).child(note) }
}

fn titled(option: &Option_) -> String {
    let supplier = option.supplier.as_deref().map(|supplier| format!(", {}", name(supplier))).unwrap_or_default();
    let quantity = option.quantity.filter(|quantity| *quantity > 1).map(|quantity| format!(" ×\u{a0}{quantity}")).unwrap_or_default();
    format!("{}{supplier}{quantity}", shortened(&option.title, 80))
}

fn ready(option: &Option_) -> String {
    let day = option.arrives_on.map(short).unwrap_or_default();
    let late = option.late_chance.map(|chance| format!(" (late: {})", percent(chance))).unwrap_or_default();
    let word = if option.in_time { "in time" } else { "too late" };
    if day.is_empty() { format!("{word}{late}") } else { format!("{day}, {word}{late}") }
}

fn option_details(option: &Option_, currency: &str) -> Element {
    let against = option.against.iter().take(MAX_TERMS).map(|why| format!("Against it: {}", shortened(why, 400)));
    let said = (!option.why_here.is_empty()).then(|| shortened(&option.why_here, 400)).into_iter().chain(against);
    let sentences = said.map(|sentence| paragraph(&sentence));
    let budget = option.budget_line.as_deref().map(|line| {
        let left = option
            .budget_left_minor
            .map(|left| format!(", of which {} are left", money(left, option.budget_currency(currency))))
            .unwrap_or_default();
        paragraph(&format!("Paid out of the {} budget{left}.", name(line)))
    });
    let inner =
        Element::new("div").all(sentences).all(budget).child(terms(&format!("Arithmetic of option {}", option.rank), &option.terms));
    details(&format!("Option {}: {}, and its arithmetic", option.rank, titled(option)), inner)
}

/// The numbers of an arithmetic.
pub(super) fn terms(label: &str, terms: &[Term]) -> Element {
    let mut table = Table::new(label, &[("Number", Column::Text), ("Value", Column::Number), ("How it was reached", Column::Text)]);
    for term in terms.iter().take(MAX_TERMS) {
        table.texts([name(&term.name.replace('_', " ")), value(term), shortened(&term.text, 600)]);
    }
    table.element()
}

fn value(term: &Term) -> String {
    match term.unit.strip_suffix(" minor") {
        Some(currency) => money_of_fraction(term.value, &name(currency)),
        None if term.unit == "%" || term.unit == "percent" => format!("{} %", number(term.value)),
        None => Unit::of("", &name(&term.unit)).amount(term.value),
    }
}

/// A document as nested lists.
fn unfolded(value: &Value, depth: usize) -> Element {
    match value {
        Value::Object(entries) if depth < MAX_DEPTH => {
            let entry = |(key, value): (&String, &Value)| {
                let word = Element::new("strong").text(&format!("{}: ", name(&key.replace('_', " "))));
                Element::new("li").child(word).child(unfolded(value, depth + 1))
            };
            Element::new("ul").all(entries.iter().filter(|(_, value)| !value.is_null()).take(MAX_ENTRIES).map(entry))
        }
        Value::Array(values) if values.is_empty() => Element::group().text("none"),
        Value::Array(values) if depth < MAX_DEPTH => {
            Element::new("ul").all(values.iter().take(MAX_ENTRIES).map(|value| Element::new("li").child(unfolded(value, depth + 1))))
        }
        Value::String(text) => Element::group().text(&shortened(text, 1_000)),
        Value::Object(_) | Value::Array(_) => Element::group().text("…"),
        other => Element::group().text(&other.to_string()),
    }
}
