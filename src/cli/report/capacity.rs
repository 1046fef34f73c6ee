//! The capacity report on a terminal.

use serde_json::Value;

use super::table::text as table_text;
use crate::report::DataTable;

/// What must be decided, in a table; the page has the plots and the arithmetic.
pub(super) fn text(report: &Value, width: Option<u16>) -> String {
    let mut table = DataTable::new(
        "capacity",
        "Resources, those to be decided first first. `--format html` has plots, options and every number of the arithmetic.",
        &[
            ("resource", "text"),
            ("kind", "text"),
            ("status", "text"),
            ("used_percent", "float"),
            ("reached", "text"),
            ("between", "text"),
            ("order_by", "text"),
        ],
    );
    for resource in report["resources"].as_array().into_iter().flatten() {
        let share = resource["used"].as_f64().zip(resource["limit"].as_f64()).filter(|(_, limit)| *limit > 0.0);
        let crossing = &resource["crossing"];
        let day = |value: &Value| value.as_str().unwrap_or("later").to_owned();
        let between = if crossing["lower"].is_null() {
            Value::Null
        } else {
            format!("{} to {}", day(&crossing["lower"]), day(&crossing["upper"])).into()
        };
        table.push([
            resource["name"].clone(),
            resource["kind"].clone(),
            resource["status"].clone(),
            share.map_or(Value::Null, |(used, limit)| ((1_000.0 * used / limit).round() / 10.0).into()),
            crossing["median"].clone(),
            between,
            resource["order_by"].clone(),
        ]);
    }
    let summary = &report["summary"];
    let number = |name: &str| summary[name].as_i64().unwrap_or(0);
    format!(
        "Capacity as of {}\n{} resources: {} reach their threshold within {} days, {} must be decided within two weeks, {} are too big.\n\n{}\n",
        report["as_of"].as_str().unwrap_or_default(),
        number("resources"),
        number("crossing_within_horizon"),
        report["planning_horizon_days"],
        number("order_now"),
        number("oversized"),
        table_text(&table, width)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_must_be_decided_is_told_in_lines() {
        let report = json!({
            "as_of": "2026-11-21", "planning_horizon_days": 365,
            "summary": { "resources": 2, "crossing_within_horizon": 1, "order_now": 1, "oversized": 0 },
            "resources": [
                { "name": "db01 /data", "kind": "filesystem", "status": "crosses", "used": 695.0, "limit": 1000.0, "order_by": "2026-12-17",
                  "crossing": { "lower": "2027-02-02", "median": "2027-02-14", "upper": null, "chance": 0.9 } },
                { "name": "db01 /new", "kind": "filesystem", "status": "not_enough_history", "used": 1.0, "limit": null, "order_by": null, "crossing": null },
            ],
        });
        let shown = text(&report, Some(200));
        assert!(shown.contains("2 resources: 1 reach their threshold within 365 days, 1 must be decided within two weeks"), "{shown}");
        assert!(shown.contains("69.5") && shown.contains("2027-02-02 to later") && shown.contains("2026-12-17"), "{shown}");
    }
}
