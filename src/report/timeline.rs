//! When what is reached: a row for each resource, over the planning horizon.

use jiff::civil::Date;

use super::dates::{self, days_between, later, short};
use super::drawing::{Legend, WIDTH, drawing, line, text, text_width, triangle};
use super::html::{Element, name, scrolled, shortened};
use super::model::{CapacityReport, Resource, Status};

/// Rows that are drawn; all resources have a section or a row of a table.
const MAX_ROWS: usize = 30;

const ROW_HEIGHT: f64 = 24.0;
const LEFT: f64 = 270.0;
const RIGHT: f64 = 110.0;
const TOP: f64 = 24.0;

/// Characters of a name that fit at the left.
const MAX_LABEL_CHARS: usize = 37;

/// One row.
struct Row<'a> {
    resource: &'a Resource,
    order_by: Option<Date>,
}

/// The timeline; nothing if nothing is reached within the horizon.
pub(super) fn timeline(report: &CapacityReport, id: &str) -> Element {
    let end = later(report.as_of, i64::from(report.planning_horizon_days.max(1)));
    let mut rows: Vec<Row<'_>> =
        report.resources.iter().filter(|resource| is_due(resource, end)).map(|resource| row(report, resource)).collect();
    if rows.is_empty() {
        return Element::group().child(Element::new("p").text("Nothing is reached within the planning horizon."));
    }
    rows.sort_by_key(|row| (reached(row.resource, report.as_of), row.order_by.unwrap_or(Date::MAX)));
    let all = rows.len();
    rows.truncate(MAX_ROWS);
    let mut drawn = drawn(&rows, report.as_of, end, id);
    if all > rows.len() {
        drawn.push(
            Element::new("p").class("note").text(&format!("The first {} of {all}; the others are below and in the CSV.", rows.len())),
        );
    }
    drawn
}

fn is_due(resource: &Resource, end: Date) -> bool {
    let crosses = resource.crossing.as_ref().and_then(|crossing| crossing.lower.or(crossing.median)).is_some_and(|day| day <= end);
    match resource.status {
        Status::OverThreshold => true,
        Status::Crosses => crosses,
        _ => false,
    }
}

fn row<'a>(report: &CapacityReport, resource: &'a Resource) -> Row<'a> {
    let proposed = report.proposals.iter().find(|proposal| proposal.resource_id == resource.id).and_then(|proposal| proposal.order_by);
    Row { resource, order_by: resource.order_by.or(proposed) }
}

/// The day that a row is ordered by.
fn reached(resource: &Resource, as_of: Date) -> Date {
    if resource.status == Status::OverThreshold {
        return as_of;
    }
    resource.crossing.as_ref().and_then(|crossing| crossing.median.or(crossing.upper).or(crossing.lower)).unwrap_or(Date::MAX)
}

fn drawn(rows: &[Row<'_>], from: Date, to: Date, id: &str) -> Element {
    let days = days_between(from, to).max(1) as f64;
    let x = |day: Date| LEFT + (WIDTH - LEFT - RIGHT) * days_between(from, day) as f64 / days;
    let bottom = TOP + rows.len() as f64 * ROW_HEIGHT;
    let mut legend = Legend::default();
    legend.interval("reaches its threshold: between (95 of 100 futures), and as likely as not before");
    legend.triangle("order by");
    let told: Vec<String> = rows.iter().map(|row| said(row, from)).collect();
    let mut svg = drawing(id, "When what is reached", &told.join("; "), bottom + 12.0 + legend.height());
    let most = ((WIDTH - LEFT - RIGHT) / (text_width("Jan 2026") + 10.0)) as usize;
    for (day, name) in dates::ticks(from, to, most) {
        svg.push(line("grid", x(day), TOP - 4.0, x(day), bottom));
        if x(day) + text_width(&name) / 2.0 < WIDTH {
            svg.push(text("middle", x(day), TOP - 9.0, &name));
        }
    }
    for (at, (row, told)) in rows.iter().zip(&told).enumerate() {
        let y = TOP + at as f64 * ROW_HEIGHT + ROW_HEIGHT / 2.0;
        let label = shortened(&row.resource.name, MAX_LABEL_CHARS);
        svg.push(line("grid", 0.0, y + ROW_HEIGHT / 2.0, WIDTH, y + ROW_HEIGHT / 2.0));
        svg.push(text("", 0.0, y + 4.0, &label).child(Element::new("title").text(told)));
        svg.push(interval(row.resource, y, from, to, &x));
        if let Some(order_by) = row.order_by.filter(|day| *day <= to) {
            svg.push(triangle(x(order_by.max(from)), y - 11.0).child(Element::new("title").text(&format!("order by {}", short(order_by)))));
        }
        svg.push(text("end", WIDTH, y + 4.0, &when(row.resource)));
    }
    svg.push(line("axis", LEFT, TOP - 4.0, LEFT, bottom));
    svg.push(legend.element(bottom + 10.0));
    Element::group().child(scrolled("When what is reached", svg))
}

fn interval(resource: &Resource, y: f64, from: Date, to: Date, x: &dyn Fn(Date) -> f64) -> Element {
    let crossing = resource.crossing.as_ref();
    let is_over = resource.status == Status::OverThreshold;
    let day = |day: Option<Date>| day.map(|day| day.clamp(from, to));
    let (lower, median, upper) = match crossing {
        Some(crossing) if !is_over => (day(crossing.lower), crossing.median.filter(|median| *median <= to), day(crossing.upper)),
        _ => (Some(from), Some(from), Some(from)),
    };
    let (begin, end) = (x(lower.unwrap_or(from)), x(upper.unwrap_or(to)));
    let mut drawn = Element::group().child(line("crossing", begin, y, end, y));
    if let Some(median) = median {
        drawn.push(Element::new("circle").class("dot").at("cx", x(median.max(from))).at("cy", y).at("r", 5.5));
    }
    drawn
}

/// The words at the right.
fn when(resource: &Resource) -> String {
    let median = resource.crossing.as_ref().and_then(|crossing| crossing.median);
    match (resource.status, median) {
        (Status::OverThreshold, _) => "over it now".to_owned(),
        (_, Some(median)) => short(median),
        (_, None) => "perhaps".to_owned(),
    }
}

/// The row in words.
fn said(row: &Row<'_>, from: Date) -> String {
    let order = row.order_by.map(|day| format!(", order by {}{}", short(day), if day < from { ", which is past" } else { "" }));
    let between =
        row.resource.crossing.as_ref().and_then(|crossing| Some(format!(" ({} to {})", short(crossing.lower?), short(crossing.upper?))));
    format!("{}: {}{}{}", name(&row.resource.name), when(row.resource), between.unwrap_or_default(), order.unwrap_or_default())
}
