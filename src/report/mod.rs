//! Reports as pages, CSV and JSON. Pure: a filled model goes in, text comes out.
//!
//! The caller fills a [`CapacityReport`] or an [`InventoryReport`]; the JSON is the model as serde writes it, [`csv`] has a row a
//! resource, and [`html`] and [`inventory_html`] are pages of one file for a screen and for paper. What the desk did in a period is a
//! [`PeriodReport`]: tables that are the answers to questions. What pages are made of
//! ([`Element`], [`Table`], [`bars`], [`Plot`], the one [`STYLE`]) is here for other reports too.
//!
//! Invariants:
//! * What comes from data is text, never markup: it enters a page through [`Element`] alone, which escapes it.
//! * A page runs nothing, loads nothing, and is bounded whatever the model holds; what it leaves out it says.
//! * No number breaks a drawing: what is not finite is not drawn.
//! * What a colour says is said in another way too, and every drawing has its text.

mod capacity;
mod combined;
mod csv;
mod dates;
mod drawing;
mod front;
mod html;
mod inventory_page;
mod model;
mod money;
mod period_report;
mod plot;
mod proposals;
#[cfg(test)]
mod sample;
mod section;
mod sentences;
mod summary;
#[cfg(test)]
mod tests;
mod timeline;
mod units;

pub use capacity::html;
pub use csv::{csv, inventory_csv};
pub use drawing::bars;
pub use front::PAGE_QUERIES;
pub use html::{Column, Element, STYLE, Table, details, escaped, page, paragraph, scrolled};
pub use inventory_page::{AssetEnd, Count, InventoryReport, inventory_html};
pub use model::{
    Budget, CapacityReport, CombinedOrder, Contract, Crossing, Decision, FanDay, HistoryDay, LimitSource, Option_, OrderPart, Proposal,
    Question, Resource, Statement, Status, Summary, Term,
};
pub use period_report::{
    Bars, DataColumn, DataTable, PLAIN_STYLE, PeriodReport, PeriodReportKind, ReportedPeriod, Section, cell, coverage_tables, described,
    period_csv, period_html, period_json, period_summary,
};
pub use plot::{Plot, Said};
pub use summary::{capacity_summary, inventory_summary};
pub use units::Unit;
