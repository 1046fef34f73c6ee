//! The inventory as a page: how many assets of which kind, state and age, and whose warranty, support or contract ends.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::dates::{days_between, made, short};
use super::drawing::bars;
use super::front::{contracts, figure_list};
use super::html::{Column, Element, Table, name, page, paragraph, scrolled};
use super::model::Contract;
use super::sentences::heading;
use super::units::number;

/// Rows of a table.
const MAX_ROWS: usize = 200;

/// What the inventory has, and what of it comes to an end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InventoryReport {
    /// Name of the site.
    pub site: String,
    /// The day that the report is about.
    pub as_of: Date,
    /// When it was made.
    pub generated_at_us: i64,
    /// IANA name of the zone whose days are meant.
    pub time_zone: String,
    /// Assets that there are.
    pub assets: usize,
    /// Assets of each kind, the most first.
    pub by_kind: Vec<Count>,
    /// Assets in each state.
    pub by_state: Vec<Count>,
    /// Assets of each age, the youngest first.
    pub by_age: Vec<Count>,
    /// Assets whose warranty ends, the first to end first.
    pub warranty_ends: Vec<AssetEnd>,
    /// Assets whose maker ends its support, the first to end first.
    pub support_ends: Vec<AssetEnd>,
    /// Contracts whose notice date comes.
    pub contracts: Vec<Contract>,
}

/// How many there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Of what.
    pub name: String,
    /// How many.
    pub count: usize,
}

/// An asset of which something ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetEnd {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Where it is.
    pub place: Option<String>,
    /// The last day.
    pub ends_on: Date,
}

/// The report as one HTML page.
pub fn inventory_html(report: &InventoryReport) -> String {
    let lead = format!("As of {}. Days are those of {}.", short(report.as_of), name(&report.time_zone));
    let figures = [
        ("assets", report.assets),
        ("warranties that end", report.warranty_ends.len()),
        ("ends of support", report.support_ends.len()),
        ("contracts to think of", report.contracts.len()),
    ];
    let body = Element::group()
        .child(Element::new("h1").text(&heading("Inventory", &report.site)))
        .child(Element::new("p").class("lead").text(&lead))
        .child(figure_list("figures large", figures.into_iter().map(|(what, count)| (what.to_owned(), count.to_string()))))
        .child(counted("by-kind", "Assets by kind", &report.by_kind))
        .child(counted("by-state", "Assets by state", &report.by_state))
        .child(counted("by-age", "Assets by age", &report.by_age))
        .child(ending("Warranties that end", report.as_of, &report.warranty_ends))
        .child(ending("Ends of support", report.as_of, &report.support_ends))
        .child(contracts(report.as_of, &report.contracts))
        .child(Element::new("p").class("note").text(&format!("Made on {}.", made(report.generated_at_us, &report.time_zone))));
    page(&format!("{} on {}", heading("Inventory", &report.site), short(report.as_of)), &body)
}

fn counted(id: &str, title: &str, counts: &[Count]) -> Element {
    let rows: Vec<_> = counts.iter().map(|count| (count.name.replace('_', " "), count.count as f64, number(count.count as f64))).collect();
    let drawn = bars(id, title, &rows, None);
    let drawn = if drawn.is_empty() { paragraph("Nothing.") } else { scrolled(title, drawn) };
    Element::new("div").class("keep").child(Element::new("h2").text(title)).child(drawn)
}

fn ending(title: &str, as_of: Date, assets: &[AssetEnd]) -> Element {
    let columns =
        [("Asset", Column::Text), ("Kind", Column::Text), ("Place", Column::Text), ("Ends", Column::Text), ("In days", Column::Number)];
    let mut table = Table::new(title, &columns);
    for asset in assets.iter().take(MAX_ROWS) {
        let place = asset.place.as_deref().map(name).unwrap_or_default();
        table.texts([name(&asset.name), name(&asset.kind), place, short(asset.ends_on), days_between(as_of, asset.ends_on).to_string()]);
    }
    let table = if table.is_empty() { paragraph("Nothing.") } else { table.element() };
    let more = assets.len().checked_sub(MAX_ROWS).filter(|more| *more > 0).map(|more| paragraph(&format!("And {more} more.")));
    Element::group().child(Element::new("h2").text(title)).child(table).all(more)
}
