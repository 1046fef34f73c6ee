//! What is known of one resource: its plot, its figures, what speaks for them, what could be done, and the query that gives them.

use jiff::civil::Date;

use super::dates::{later, short};
use super::drawing::bars;
use super::front::figure_list;
use super::html::{Column, Element, Table, details, name, paragraph, scrolled, sentences, shortened};
use super::model::{CapacityReport, LimitSource, Proposal, Resource, Status};
use super::plot::{Plot, Said};
use super::proposals::{proposal as proposed, terms};
use super::sentences::{backtest, order, outlook, status};
use super::units::{Unit, percent};
use crate::forecast::{USUAL_LEVEL, lower_tail, upper_tail};

/// Days of the past that a plot shows.
const MAX_HISTORY_DAYS: i64 = 730;

/// Days after the last one that a plot shows in any case, and at most.
const LEAST_AHEAD_DAYS: i64 = 30;
const MOST_AHEAD_DAYS: i64 = 3_660;

/// Earlier statements that a plot shows.
const MAX_SAID: usize = 60;

/// Rows of the table beside a plot: a week each for a year.
const MAX_DAY_ROWS: usize = 54;

/// Entries of a list.
const MAX_ENTRIES: usize = 20;

/// The section. The id is one that the page has once.
pub(super) fn section(report: &CapacityReport, resource: &Resource, proposals: &[&Proposal], id: &str) -> Element {
    let unit = Unit::of(&resource.kind, &resource.unit);
    let said = [Some(outlook(resource, report.as_of)), order(resource, resource.order_by, report.as_of)];
    let said: Vec<String> = said.into_iter().flatten().collect();
    let why: Vec<String> = resource.why.iter().take(MAX_ENTRIES).map(|why| shortened(why, 600)).collect();
    let keep = Element::new("div")
        .class("keep")
        .child(Element::new("h3").text(&format!("{}: {}", name(&resource.name), status(resource.status))))
        .child(paragraph(&said.join(" ")))
        .child(figures(resource, &unit))
        .child(scrolled("Plot", plot(report, resource, &unit, &said.join(" ")).svg(&format!("{id}-plot"))))
        .child(sentences(&why));
    Element::new("section")
        .with("id", id)
        .child(keep)
        .all(proposals.iter().map(|proposal| proposed(proposal, &unit, &report.currency, report.as_of)))
        .child(consumers(resource, &unit, id))
        .child(folded(resource, &unit))
}

fn figures(resource: &Resource, unit: &Unit) -> Element {
    let amount = |value: Option<f64>| value.map(|value| unit.amount(value));
    let limit = amount(resource.limit).map(|limit| match resource.limit_source {
        Some(source) => format!("{limit} ({})", source_word(source)),
        None => limit,
    });
    let crossing = resource.crossing.as_ref();
    let (held, all) = resource.backtest_covered;
    let figures = [
        // What is used of a certificate is the day of today.
        ("in use", amount(Some(resource.used)).filter(|_| *unit != Unit::Calendar)),
        (if *unit == Unit::Calendar { "ends" } else { "limit" }, limit),
        (if *unit == Unit::Calendar { "renew by" } else { "threshold" }, amount(resource.threshold)),
        ("growth a month", resource.growth_per_month.map(|growth| unit.difference(growth))),
        ("chance within the horizon", crossing.map(|crossing| percent(crossing.chance))),
        ("reached", crossing.and_then(|crossing| crossing.median).map(short)),
        ("not before", crossing.and_then(|crossing| crossing.lower).map(short)),
        ("not after", crossing.and_then(|crossing| crossing.upper).map(short)),
        ("order by", resource.order_by.map(short)),
        ("needed", resource.needed.map(|needed| unit.difference(needed))),
        ("would be enough", amount(resource.enough.filter(|_| resource.status == Status::Oversized))),
        ("earlier intervals that held", (all > 0).then(|| format!("{held} of {all}"))),
    ];
    figure_list("figures", figures.into_iter().filter_map(|(what, how_much)| Some((what.to_owned(), how_much?))))
}

fn source_word(source: LimitSource) -> &'static str {
    match source {
        LimitSource::Metric => "measured",
        LimitSource::Policy => "by policy",
        LimitSource::Asset => "of the asset",
        LimitSource::Question => "of the question",
    }
}

/// History, forecast, threshold, the day to order, and what was said earlier.
fn plot(report: &CapacityReport, resource: &Resource, unit: &Unit, said: &str) -> Plot {
    let as_of = report.as_of;
    let oldest = later(as_of, -MAX_HISTORY_DAYS);
    let days: Vec<_> = resource.history.iter().filter(|day| (oldest..=as_of).contains(&day.day)).collect();
    let from = days.iter().map(|day| day.day).min().unwrap_or(as_of).min(later(as_of, -7));
    let last = resource.fan.iter().map(|day| day.day).max().unwrap_or(as_of);
    let to = last.clamp(later(as_of, LEAST_AHEAD_DAYS), later(as_of, MOST_AHEAD_DAYS));
    let title = match unit {
        Unit::Counted(word) if !word.is_empty() => format!("{} ({})", name(&resource.name), name(word)),
        _ => name(&resource.name),
    };
    let backtest = backtest(resource).unwrap_or_default();
    let mut plot = Plot::new(&title, &format!("{said} {backtest}"), unit.clone(), from, to);
    plot.band(
        days.iter().filter_map(|day| Some((day.day, day.low?, day.high?))).collect(),
        "band",
        false,
        "the day's median to its maximum",
    );
    let fan = || resource.fan.iter().filter(|day| day.day <= to);
    plot.band(fan().map(|day| (day.day, day.lower, day.upper)).collect(), "fan", true, "forecast, 95 of 100 futures");
    if let Some(limit) = resource.limit.filter(|limit| limit.is_finite()) {
        let measured: Vec<(Date, Option<f64>)> = days.iter().map(|day| (day.day, day.limit)).collect();
        let begins = if measured.iter().any(|(_, limit)| limit.is_some()) { as_of } else { from };
        plot.line(measured.into_iter().chain([(begins, Some(limit)), (to, Some(limit))]).collect(), "limit", false, "");
        plot.name_level(limit, "limit");
    }
    if let Some(threshold) = resource.threshold {
        plot.level(threshold, "threshold", "threshold");
    }
    plot.line(days.iter().map(|day| (day.day, day.value)).collect(), "line", false, "in use");
    plot.line(fan().map(|day| (day.day, Some(day.median))).collect(), "median", true, "forecast, as likely above as below");
    plot.said(earlier(resource), "said earlier, with its interval");
    if let (Some(threshold), Some(crossing)) = (resource.threshold, &resource.crossing) {
        plot.interval(threshold, [crossing.lower, crossing.median, crossing.upper], "threshold reached between");
    }
    plot.mark(as_of, "today", &short(as_of));
    if let Some(order_by) = resource.order_by {
        plot.mark(order_by, "order", &format!("order by {}", short(order_by)));
    }
    plot
}

fn earlier(resource: &Resource) -> Vec<Said> {
    let skipped = resource.backtest.len().saturating_sub(MAX_SAID);
    let said = resource.backtest.iter().skip(skipped).map(|said| Said {
        day: said.about,
        value: said.mean,
        interval: (said.lower, said.upper),
        held: said.actual.filter(|actual| actual.is_finite()).map(|actual| (said.lower..=said.upper).contains(&actual)),
    });
    said.collect()
}

fn consumers(resource: &Resource, unit: &Unit, id: &str) -> Element {
    let largest = resource.largest_consumers.iter().take(MAX_ENTRIES);
    let rows: Vec<(String, f64, String)> = largest.map(|(who, amount)| (who.clone(), *amount, unit.difference(*amount))).collect();
    let drawn = bars(&format!("{id}-consumers"), "Who holds most of it", &rows, None);
    if drawn.is_empty() {
        return drawn;
    }
    Element::new("div").class("keep").child(Element::new("h4").text("Who holds most of it")).child(scrolled("Who holds most of it", drawn))
}

/// What is folded on a screen.
fn folded(resource: &Resource, unit: &Unit) -> Element {
    let mut folded = Element::group();
    if !resource.order_by_terms.is_empty() {
        folded.push(details("How the day to order was reached", terms("How the day to order was reached", &resource.order_by_terms)));
    }
    let days = Element::new("div")
        .class("data")
        .child(history_table(resource, unit))
        .child(fan_table(resource, unit))
        .child(said_table(resource, unit));
    if !(resource.history.is_empty() && resource.fan.is_empty()) {
        folded.push(details("The plot as a table", days));
    }
    let mut query = Element::new("div").child(Element::new("pre").child(Element::new("code").text(&resource.sql)));
    let mut parameters = Table::new("Parameters", &[("Parameter", Column::Text), ("Value", Column::Text)]);
    for (key, value) in resource.parameters.iter().take(MAX_ENTRIES) {
        parameters.texts([format!("${}", name(key.trim_start_matches('$'))), name(value)]);
    }
    query.push(parameters.element());
    if !resource.forecast_sql.is_empty() {
        query.push(paragraph("When the threshold is reached, and what is needed:"));
        query.push(Element::new("pre").child(Element::new("code").text(&resource.forecast_sql)));
    }
    let headroom = (!resource.headroom_text.is_empty())
        .then(|| paragraph(&format!("Headroom: {}.", name(resource.headroom_text.trim_end_matches('.')))));
    folded.child(details(
        &format!("The queries of these figures ({})", name(&resource.question)),
        Element::new("div").all(headroom).child(query),
    ))
}

/// Every so many of the rows, and always the last.
fn every<T>(rows: &[T]) -> impl Iterator<Item = &T> {
    let step = rows.len().div_ceil(MAX_DAY_ROWS).max(1);
    let step = if step > 1 { step.div_ceil(7) * 7 } else { 1 };
    let last = rows.len().saturating_sub(1);
    rows.iter().enumerate().filter(move |(at, _)| (last - at).is_multiple_of(step)).map(|(_, row)| row)
}

fn history_table(resource: &Resource, unit: &Unit) -> Element {
    let columns = [
        ("Day", Column::Text),
        ("In use", Column::Number),
        ("Median", Column::Number),
        ("Maximum", Column::Number),
        ("Limit", Column::Number),
    ];
    let mut table = Table::new("Days of the past", &columns);
    let amount = |value: Option<f64>| value.map(|value| unit.amount(value)).unwrap_or_default();
    for day in every(&resource.history) {
        table.texts([short(day.day), amount(day.value), amount(day.low), amount(day.high), amount(day.limit)]);
    }
    table.element()
}

fn fan_table(resource: &Resource, unit: &Unit) -> Element {
    let level = resource.crossing.as_ref().map_or(USUAL_LEVEL, |crossing| crossing.level);
    let (lower, upper) = (lower_tail(level), upper_tail(level));
    let columns = [("Day to come", Column::Text), (&lower, Column::Number), ("50 %", Column::Number), (&upper, Column::Number)];
    let mut table = Table::new("Days to come", &columns);
    for day in every(&resource.fan) {
        table.texts([short(day.day), unit.amount(day.lower), unit.amount(day.median), unit.amount(day.upper)]);
    }
    table.element()
}

fn said_table(resource: &Resource, unit: &Unit) -> Element {
    let columns = [
        ("Said on", Column::Text),
        ("About", Column::Text),
        ("Expected", Column::Number),
        ("From", Column::Number),
        ("To", Column::Number),
        ("Came", Column::Number),
    ];
    let mut table = Table::new("What was said earlier", &columns);
    let skipped = resource.backtest.len().saturating_sub(MAX_SAID);
    for said in resource.backtest.iter().skip(skipped) {
        let came = said.actual.map(|actual| unit.amount(actual)).unwrap_or_default();
        table.texts([
            short(said.said_on),
            short(said.about),
            unit.amount(said.mean),
            unit.amount(said.lower),
            unit.amount(said.upper),
            came,
        ]);
    }
    table.element()
}
