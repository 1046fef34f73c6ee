//! The capacity report as a page: one for the manager, then a section for each resource, then the questions.

use std::collections::HashMap;

use super::dates::{made, short};
use super::front::{front, linked};
use super::html::{Column, Element, Table, details, name, page, paragraph};
use super::model::{CapacityReport, Proposal, Question, Resource};
use super::section::section;
use super::sentences::{heading, status};
use super::units::Unit;

/// Resources with a section of their own.
const MAX_SECTIONS: usize = 60;

/// Resources with a row of the table after them.
const MAX_ROWS: usize = 500;

/// Proposals in a section.
const MAX_PROPOSALS: usize = 5;

/// Questions that are listed.
const MAX_QUESTIONS: usize = 60;

/// The report as one HTML page, on a screen and on paper. It loads nothing and runs nothing.
pub fn html(report: &CapacityReport) -> String {
    let detailed = &report.resources[..report.resources.len().min(MAX_SECTIONS)];
    let places: HashMap<&str, String> =
        detailed.iter().zip(1..).map(|(resource, at): (_, usize)| (resource.id.as_str(), anchor(at))).collect();
    let mut proposals: HashMap<&str, Vec<&Proposal>> = HashMap::new();
    for proposal in &report.proposals {
        proposals.entry(&proposal.resource_id).or_default().push(proposal);
    }
    let mut body = front(report, &|id| places.get(id).cloned());
    body.push(Element::new("h2").class("new-page").text("Resources"));
    body.push(contents(report, detailed));
    for (resource, at) in detailed.iter().zip(1..) {
        let own = proposals.get(resource.id.as_str()).map(Vec::as_slice).unwrap_or_default();
        body.push(section(report, resource, &own[..own.len().min(MAX_PROPOSALS)], &anchor(at)));
    }
    body.push(others(&report.resources[detailed.len()..]));
    body.push(questions(&report.questions));
    body.push(Element::new("p").class("note").text(&format!("Made on {}.", made(report.generated_at_us, &report.time_zone))));
    page(&format!("{} on {}", heading("Capacity", &report.site), short(report.as_of)), &body)
}

fn anchor(at: usize) -> String {
    format!("resource-{at}")
}

/// The sections, as a table that leads to them.
fn contents(report: &CapacityReport, detailed: &[Resource]) -> Element {
    let (shown, all) = report.shown_of;
    let mut told = format!("The report has {shown} of {all} resources, the most urgent first.");
    if report.resources.len() > detailed.len() {
        told.push_str(&format!(" The first {} have a section; the others stand in a table after them.", detailed.len()));
    }
    let mut table = overview("Resources with a section");
    for (resource, at) in detailed.iter().zip(1..) {
        table.row(row(resource, Some(anchor(at))));
    }
    Element::group().child(paragraph(&told)).child(table.element())
}

fn others(resources: &[Resource]) -> Element {
    if resources.is_empty() {
        return Element::group();
    }
    let mut table = overview("Other resources");
    for resource in resources.iter().take(MAX_ROWS) {
        table.row(row(resource, None));
    }
    let more = resources.len().checked_sub(MAX_ROWS).filter(|more| *more > 0);
    let more = more.map(|more| paragraph(&format!("And {more} more, which CSV and JSON have.")));
    Element::group().child(Element::new("h2").text("Other resources")).child(table.element()).all(more)
}

fn overview(label: &str) -> Table {
    let columns = [
        ("Resource", Column::Text),
        ("Kind", Column::Text),
        ("Status", Column::Text),
        ("In use", Column::Number),
        ("Limit", Column::Number),
        ("Reached", Column::Text),
        ("Order by", Column::Text),
    ];
    Table::new(label, &columns)
}

fn row(resource: &Resource, place: Option<String>) -> [Element; 7] {
    let unit = Unit::of(&resource.kind, &resource.unit);
    let cell = |text: String| Element::group().text(&text);
    [
        linked(&name(&resource.name), place),
        cell(name(&resource.kind.replace('_', " "))),
        cell(status(resource.status).to_owned()),
        cell(if unit == Unit::Calendar { String::new() } else { unit.amount(resource.used) }),
        cell(resource.limit.map(|limit| unit.amount(limit)).unwrap_or_default()),
        cell(resource.crossing.as_ref().and_then(|crossing| crossing.median).map(short).unwrap_or_default()),
        cell(resource.order_by.map(short).unwrap_or_default()),
    ]
}

fn questions(questions: &[Question]) -> Element {
    if questions.is_empty() {
        return Element::group();
    }
    let mut all = Element::group().child(Element::new("h2").text("Questions"));
    all.push(paragraph("What was asked, as SQL over the logs and metrics. The day's row of each resource comes from the second query."));
    for question in questions.iter().take(MAX_QUESTIONS) {
        let code = |sql: &str| Element::new("pre").child(Element::new("code").text(sql));
        let told = format!("{} Kind {}, in {}.", name(&question.description), name(&question.kind), name(&question.unit));
        let inner =
            Element::new("div").child(code(&question.sql)).child(paragraph("A row a day and resource:")).child(code(&question.day_sql));
        all.push(Element::new("h3").text(&name(&question.name)));
        all.push(paragraph(&told));
        all.push(details("SQL", inner));
    }
    all
}
