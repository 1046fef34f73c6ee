//! A report about a period in a few lines: what stands in the message that brings it.

use serde_json::{Map, Value};

use super::table::{DataTable, cell};
use super::{PeriodReport, PeriodReportKind};

/// Rules or people that are told one by one.
const MOST_TOLD: usize = 5;

/// The period, and the figures that somebody would ask for first.
pub fn period_summary(report: &PeriodReport) -> String {
    let mut lines = vec![format!("{}, {}.", report.kind.title(), report.period.told())];
    match report.kind {
        PeriodReportKind::Sla => {
            lines.extend(of_all(report, "sla_attainment").map(kept));
            lines.extend(of_all(report, "response_times").map(waited));
        }
        PeriodReportKind::Oncall => {
            lines.push(calls(rows(report, "oncall_load")));
            let coverage = rows(report, "coverage");
            let hours = sum(coverage, "wanted_hours") - sum(coverage, "covered_hours");
            lines.push(format!("Nobody was on call for {} h of what the rotas are to cover.", (hours * 100.0).round() / 100.0));
        }
        PeriodReportKind::Noise => lines.push(loudest(rows(report, "rule_noise"))),
        PeriodReportKind::Desk => {
            let open = sum(rows(report, "backlog"), "open");
            lines.push(format!("{open} tickets are open."));
            lines.extend(of_all(report, "response_times").map(waited));
            lines.extend(
                of_all(report, "reopened").map(|row| format!("{} of {} came back.", said(row, "reopenings"), said(row, "resolutions"))),
            );
        }
    }
    lines.join("\n")
}

fn rows<'a>(report: &'a PeriodReport, name: &str) -> &'a [Map<String, Value>] {
    let found: Option<&DataTable> = report.tables.iter().map(|(_, table)| table).find(|table| table.name == name);
    found.map_or(&[], |table| &table.rows)
}

/// The rows that are about everything together.
fn of_all<'a>(report: &'a PeriodReport, name: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    rows(report, name).iter().filter(|row| row.get("dimension").is_some_and(|dimension| dimension == "all"))
}

fn number(row: &Map<String, Value>, column: &str) -> f64 {
    row.get(column).and_then(Value::as_f64).unwrap_or(0.0)
}

/// Of no rows it is 0, where the iterators' own sum would be -0.
fn sum(rows: &[Map<String, Value>], column: &str) -> f64 {
    rows.iter().fold(0.0, |sum, row| sum + number(row, column))
}

/// A cell for people: what is not known is a dash.
fn said(row: &Map<String, Value>, column: &str) -> String {
    Some(cell(row, column)).filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
}

fn kept(row: &Map<String, Value>) -> String {
    format!(
        "{}: {} of {} promises kept ({} %).",
        said(row, "promise"),
        said(row, "met"),
        said(row, "decided"),
        said(row, "attainment_percent")
    )
}

fn waited(row: &Map<String, Value>) -> String {
    let (opened, resolved) = (said(row, "opened"), said(row, "resolved"));
    let (taken, done) = (said(row, "mtta_minutes"), said(row, "mttr_minutes"));
    format!("{opened} tickets were opened and {resolved} resolved; mean minutes until somebody took care: {taken}, until resolved: {done}.")
}

fn calls(people: &[Map<String, Value>]) -> String {
    let each = told(people, &["person"], "pages");
    format!("{} calls, {} of them at night{each}.", sum(people, "pages"), sum(people, "at_night"))
}

fn loudest(rules: &[Map<String, Value>]) -> String {
    let each = told(rules, &["rule", "source"], "tickets");
    format!(
        "{} tickets of {} findings; people called {} noise{each}.",
        sum(rules, "tickets"),
        sum(rules, "findings"),
        sum(rules, "called_noise")
    )
}

/// The first few by a column, the largest first.
fn told(rows: &[Map<String, Value>], names: &[&str], column: &str) -> String {
    let name = |row: &Map<String, Value>| {
        let words = names.iter().filter(|name| row.get(**name).is_some_and(|value| !value.is_null()));
        words.map(|name| cell(row, name)).collect::<Vec<_>>().join(" ")
    };
    let mut most: Vec<&Map<String, Value>> = rows.iter().filter(|row| number(row, column) > 0.0).collect();
    most.sort_by(|one, other| number(other, column).total_cmp(&number(one, column)));
    let each: Vec<String> = most.iter().take(MOST_TOLD).map(|row| format!("{} {}", name(row), number(row, column))).collect();
    if each.is_empty() { String::new() } else { format!(": {}", each.join(", ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::ReportedPeriod;

    fn summary(kind: PeriodReportKind, tables: &[(&str, Value)]) -> String {
        let section = kind.sections()[0];
        let table = |(name, rows): &(&str, Value)| {
            let answer = json!({ "columns": [], "rows": rows });
            (section, DataTable::of_answer(name, "", &answer).unwrap())
        };
        let at = |text: &str| text.parse().unwrap();
        let period = ReportedPeriod { from: at("2026-11-01T00:00:00Z"), to: at("2026-12-01T00:00:00Z"), zone: jiff::tz::TimeZone::UTC };
        period_summary(&PeriodReport { kind, period, tables: tables.iter().map(table).collect() })
    }

    #[test]
    fn the_figures_that_are_asked_for_first_are_told() {
        let promise = json!({ "dimension": "all", "promise": "response", "met": 19, "decided": 20, "attainment_percent": 95.0 });
        let of_a_team = json!({ "dimension": "team", "promise": "response", "met": 1, "decided": 2, "attainment_percent": 50.0 });
        let waits = json!({ "dimension": "all", "opened": 30, "resolved": 20, "mtta_minutes": 4.5, "mttr_minutes": null });
        let sla = summary(PeriodReportKind::Sla, &[("sla_attainment", json!([promise, of_a_team])), ("response_times", json!([waits]))]);
        assert_eq!(
            sla,
            "Service levels, 2026-11-01 00:00 to 2026-12-01 00:00 (UTC).\nresponse: 19 of 20 promises kept (95.0 %).\n\
             30 tickets were opened and 20 resolved; mean minutes until somebody took care: 4.5, until resolved: -."
        );
        let load = json!([{ "person": "omar", "pages": 1, "at_night": 0 }, { "person": "ines", "pages": 3, "at_night": 2 }]);
        let coverage = json!([{ "wanted_hours": 720.0, "covered_hours": 700.5 }]);
        let calls = summary(PeriodReportKind::Oncall, &[("oncall_load", load), ("coverage", coverage)]);
        assert!(calls.contains("4 calls, 2 of them at night: ines 3, omar 1.\nNobody was on call for 19.5 h"), "{calls}");
        let rules = json!([{ "rule": "quiet", "tickets": 0 }, { "rule": "loud", "tickets": 4, "findings": 9, "called_noise": 3 },
            { "rule": "alertmanager", "source": "DiskFull", "tickets": 1, "findings": 1 }]);
        let noise = summary(PeriodReportKind::Noise, &[("rule_noise", rules)]);
        assert!(noise.ends_with("5 tickets of 10 findings; people called 3 noise: loud 4, alertmanager DiskFull 1."), "{noise}");
        assert!(summary(PeriodReportKind::Noise, &[]).ends_with("0 tickets of 0 findings; people called 0 noise."));
    }
}
