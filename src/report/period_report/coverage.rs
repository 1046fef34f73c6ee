//! Whether somebody is always there, and who carries how much: the coverage of each rota as tables.

use serde_json::{Value, json};

use super::outline::{COVERAGE, GAPS, HOURS, Section};
use super::table::DataTable;
use crate::clock::{HOUR_US, rfc3339};

/// Names of rotas with what a plan is worth over the period, as JSON has it, as rows.
pub fn coverage_tables(coverages: &[(String, Value)]) -> [(Section, DataTable); 3] {
    let mut covered = DataTable::new(
        COVERAGE.name,
        "How much of the time somebody is on call, and how unequal the load is: 0 is equal, 1 a difference as large as the mean.",
        &[
            ("rota", "text"),
            ("wanted_hours", "float"),
            ("covered_hours", "float"),
            ("covered_percent", "float"),
            ("gaps", "integer"),
            ("spread_hours", "float"),
            ("spread_night_hours", "float"),
            ("spread_weekend_hours", "float"),
        ],
    );
    let mut hours = DataTable::new(
        HOURS.name,
        "Hours on call of each person in the period, planned and by override.",
        &[
            ("rota", "text"),
            ("person", "text"),
            ("shifts", "integer"),
            ("hours", "float"),
            ("night_hours", "float"),
            ("weekend_hours", "float"),
            ("holiday_hours", "float"),
        ],
    );
    let mut gaps = DataTable::new(
        GAPS.name,
        "Time for which nobody is on call, and why.",
        &[("rota", "text"), ("from", "timestamp"), ("to", "timestamp"), ("cause", "text")],
    );
    for (rota, coverage) in coverages {
        let number = |value: &Value| value.as_f64().unwrap_or(0.0);
        let (wanted_us, covered_us) = (number(&coverage["wanted_us"]), number(&coverage["covered_us"]));
        let percent = if wanted_us > 0.0 { rounded(100.0 * covered_us / wanted_us) } else { Value::Null };
        let spread = |part: &str| rounded(number(&coverage["spread"][part]));
        covered.push([
            json!(rota),
            rounded(wanted_us / HOUR_US as f64),
            rounded(covered_us / HOUR_US as f64),
            percent,
            json!(list(&coverage["gaps"]).len()),
            spread("hours"),
            spread("night_hours"),
            spread("weekend_hours"),
        ]);
        for person in list(&coverage["people"]) {
            let part = |name: &str| rounded(number(&person[name]));
            hours.push([
                json!(rota),
                person["person"].clone(),
                person["shifts"].clone(),
                part("hours"),
                part("night_hours"),
                part("weekend_hours"),
                part("holiday_hours"),
            ]);
        }
        for gap in list(&coverage["gaps"]) {
            let at = |key: &str| gap[key].as_i64().map_or(Value::Null, |at_us| json!(rfc3339(at_us)));
            gaps.push([json!(rota), at("from_us"), at("to_us"), gap["cause"].clone()]);
        }
    }
    [(COVERAGE, covered), (HOURS, hours), (GAPS, gaps)]
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// With two digits behind the point.
fn rounded(number: f64) -> Value {
    json!((number * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_becomes_rows() {
        let hour = HOUR_US;
        let coverage = json!({
            "from_us": 0, "to_us": 48 * hour, "wanted_us": 48 * hour, "covered_us": 36 * hour,
            "gaps": [{ "from_us": 24 * hour, "to_us": 36 * hour, "cause": "everybody_away" }], "double_cover": [],
            "people": [{ "person": "ines", "shifts": 1, "hours": 36.0, "night_hours": 10.333, "weekend_hours": 0.0, "holiday_hours": 0.0 }],
            "spread": { "hours": 0.5, "night_hours": 0.255, "weekend_hours": 0.0, "holiday_hours": 0.0 },
        });
        let [(_, covered), (_, hours), (_, gaps)] = coverage_tables(&[("watch".to_owned(), coverage)]);
        let values = |table: &DataTable| Value::from_iter(table.rows[0].values().cloned());
        assert_eq!(values(&covered), json!(["watch", 48.0, 36.0, 75.0, 1, 0.5, 0.26, 0.0]));
        assert_eq!(values(&hours), json!(["watch", "ines", 1, 36.0, 10.33, 0.0, 0.0]));
        assert_eq!(values(&gaps), json!(["watch", "1970-01-02T00:00:00Z", "1970-01-02T12:00:00Z", "everybody_away"]));
        assert!(coverage_tables(&[]).iter().all(|(_, table)| table.rows.is_empty()));
    }
}
