//! The report of the inventory on a terminal.

use serde_json::Value;

use super::table::text as table_text;
use crate::report::DataTable;

/// How many there are, and what ends, the first to end first.
pub(super) fn text(report: &Value, width: Option<u16>) -> String {
    let columns = [("ends", "text"), ("name", "text"), ("kind", "text"), ("place", "text"), ("day", "text")];
    let mut table = DataTable::new("inventory", "What ends from a month ago to a year ahead.", &columns);
    let mut rows: Vec<[Value; 5]> = Vec::new();
    for (what, list, day) in
        [("warranty", "warranty_ends", "ends_on"), ("support", "support_ends", "ends_on"), ("notice", "contracts", "notice_on")]
    {
        for one in report[list].as_array().into_iter().flatten() {
            let kind = if list == "contracts" { Value::from("contract") } else { one["kind"].clone() };
            let place = if list == "contracts" { one["supplier"].clone() } else { one["place"].clone() };
            rows.push([what.into(), one["name"].clone(), kind, place, one[day].clone()]);
        }
    }
    rows.sort_by(|one, other| one[4].as_str().cmp(&other[4].as_str()));
    rows.into_iter().for_each(|row| table.push(row));
    let counts = |list: &str| -> String {
        let counted = report[list].as_array().into_iter().flatten();
        let told: Vec<String> =
            counted.map(|one| format!("{} {}", one["count"], one["name"].as_str().unwrap_or_default().replace('_', " "))).collect();
        told.join(", ")
    };
    format!(
        "Inventory as of {}\n{} assets: {}\nBy state: {}\nBy age: {}\n\n{}\n",
        report["as_of"].as_str().unwrap_or_default(),
        report["assets"],
        counts("by_kind"),
        counts("by_state"),
        counts("by_age"),
        table_text(&table, width)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_ends_is_told_in_lines_the_first_first() {
        let report = json!({
            "as_of": "2026-11-22", "assets": 3, "by_kind": [{ "name": "server", "count": 3 }], "by_state": [{ "name": "in_use", "count": 3 }],
            "by_age": [{ "name": "2 years", "count": 3 }],
            "warranty_ends": [{ "name": "db01", "kind": "server", "place": "rack 2", "ends_on": "2027-03-01" }],
            "support_ends": [{ "name": "sw1", "kind": "switch", "place": null, "ends_on": "2026-12-24" }],
            "contracts": [{ "name": "care", "supplier": "acme", "notice_on": "2027-01-31" }],
        });
        let shown = text(&report, Some(200));
        assert!(shown.contains("3 assets: 3 server\nBy state: 3 in use\nBy age: 3 2 years"), "{shown}");
        let places: Vec<usize> = ["2026-12-24", "2027-01-31", "2027-03-01"].iter().map(|day| shown.find(day).unwrap()).collect();
        assert!(places.is_sorted(), "{shown}");
    }
}
