//! The report as CSV (RFC 4180): a row for each resource.

use jiff::civil::Date;

use super::dates::days_between;
use super::inventory_page::InventoryReport;
use super::model::{CapacityReport, Proposal, Resource};
use super::sentences::chosen;

const COLUMNS: [&str; 30] = [
    "id",
    "question",
    "kind",
    "name",
    "unit",
    "status",
    "used",
    "limit",
    "threshold",
    "limit_source",
    "growth_per_month",
    "crossing_lower",
    "crossing_median",
    "crossing_upper",
    "chance",
    "order_by",
    "needed",
    "days_of_history",
    "backtest_covered",
    "backtest_statements",
    "proposal",
    "proposal_state",
    "option",
    "supplier",
    "one_off_minor",
    "running_minor_per_month",
    "currency",
    "budget_line",
    "arrives_on",
    "enough",
];

/// The table. A text that a spreadsheet would run as a formula begins with an apostrophe.
pub fn csv(report: &CapacityReport) -> String {
    let mut out = COLUMNS.join(",");
    out.push_str("\r\n");
    // A resource has one proposal that waits, and older ones that were decided: the latest counts.
    let mut latest = std::collections::BTreeMap::new();
    for proposal in &report.proposals {
        let kept = latest.entry(proposal.resource_id.as_str()).or_insert(proposal);
        if proposal.number > kept.number {
            *kept = proposal;
        }
    }
    for resource in &report.resources {
        out.push_str(&row(resource, latest.get(resource.id.as_str()).copied(), &report.currency).join(","));
        out.push_str("\r\n");
    }
    out
}

/// What of the inventory ends, as CSV: a row for each warranty, support and contract, the first to end first.
pub fn inventory_csv(report: &InventoryReport) -> String {
    let mut rows: Vec<(Option<Date>, Vec<String>)> = Vec::new();
    for (what, assets) in [("warranty", &report.warranty_ends), ("support", &report.support_ends)] {
        rows.extend(assets.iter().map(|asset| {
            let place = text(asset.place.as_deref().unwrap_or_default());
            (Some(asset.ends_on), vec![what.to_owned(), text(&asset.name), text(&asset.kind), place, String::new()])
        }));
    }
    rows.extend(report.contracts.iter().map(|contract| {
        (
            contract.notice_on,
            vec!["notice".to_owned(), text(&contract.name), "contract".to_owned(), String::new(), text(&contract.supplier)],
        )
    }));
    rows.sort_by_key(|(day, _)| *day);
    let mut out = "what,name,kind,place,supplier,day,days_left\r\n".to_owned();
    for (day, mut row) in rows {
        row.push(day.map(|day| day.to_string()).unwrap_or_default());
        row.push(day.map(|day| days_between(report.as_of, day).to_string()).unwrap_or_default());
        out.push_str(&row.join(","));
        out.push_str("\r\n");
    }
    out
}

fn row(resource: &Resource, proposal: Option<&Proposal>, currency: &str) -> Vec<String> {
    let crossing = resource.crossing.as_ref();
    let option = proposal.and_then(chosen);
    let day = |day: Option<jiff::civil::Date>| day.map(|day| day.to_string()).unwrap_or_default();
    vec![
        text(&resource.id),
        text(&resource.question),
        text(&resource.kind),
        text(&resource.name),
        text(&resource.unit),
        word(&resource.status),
        number(Some(resource.used)),
        number(resource.limit),
        number(resource.threshold),
        resource.limit_source.as_ref().map(word).unwrap_or_default(),
        number(resource.growth_per_month),
        day(crossing.and_then(|crossing| crossing.lower)),
        day(crossing.and_then(|crossing| crossing.median)),
        day(crossing.and_then(|crossing| crossing.upper)),
        number(crossing.map(|crossing| crossing.chance)),
        day(resource.order_by),
        number(resource.needed),
        resource.history.iter().filter(|day| day.value.is_some_and(f64::is_finite)).count().to_string(),
        resource.backtest_covered.0.to_string(),
        resource.backtest_covered.1.to_string(),
        proposal.map(|proposal| proposal.number.to_string()).unwrap_or_default(),
        proposal.map(|proposal| text(&proposal.state)).unwrap_or_default(),
        option.map(|option| text(&option.title)).unwrap_or_default(),
        option.and_then(|option| option.supplier.as_deref()).map(text).unwrap_or_default(),
        whole(option.and_then(|option| option.one_off_minor)),
        whole(option.and_then(|option| option.running_minor_per_month)),
        if option.is_some() { text(currency) } else { String::new() },
        option.and_then(|option| option.budget_line.as_deref()).map(text).unwrap_or_default(),
        day(option.and_then(|option| option.arrives_on)),
        number(resource.enough),
    ]
}

/// The word that the JSON has for it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn number(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map(|value| value.to_string()).unwrap_or_default()
}

fn whole(value: Option<i64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A text as a cell, quoted where it must be.
pub(super) fn text(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let has_marks = text.contains([',', '"', '\n', '\r']) || text.starts_with(' ') || text.ends_with(' ');
    if !is_formula && !has_marks {
        return text.to_owned();
    }
    format!("\"{}{}\"", if is_formula { "'" } else { "" }, text.replace('"', "\"\""))
}
