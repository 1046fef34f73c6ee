//! From a row of a rule's answer to a finding.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::title::shown;
use super::{Rule, THRESHOLD, Window, fingerprint};
use crate::clock::TimestampUs;
use crate::store::{Evidence, Finding, bounded_row};

/// Characters kept of an entity's value; the fingerprint is taken of the whole.
const MAX_ENTITY_CHARS: usize = 256;

/// The column that says which bin a row is about.
const BIN: &str = "timestamp";

/// A row that lacks what the rule's header says it has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// A column is missing.
    #[error(
        "the rule {rule} returned a row without the column `{column}`, which {named_by}; add it to the SELECT list or change the header (the row has: {found})"
    )]
    Missing {
        /// The rule.
        rule: String,
        /// The column that is missing.
        column: String,
        /// What asks for it.
        named_by: &'static str,
        /// The columns that the row has.
        found: String,
    },
    /// The bin is no moment.
    #[error(
        "the rule {rule} returned `{found}` as `timestamp`, which is no time; give the start of the row's bin, such as date_bin(INTERVAL '5 minutes', timestamp)"
    )]
    Bin {
        /// The rule.
        rule: String,
        /// What stands there.
        found: String,
    },
}

impl Rule {
    /// What a ticket says of its problem: what the rule watches, and what to do.
    pub fn for_ticket(&self) -> String {
        format!("{}\n\n{}", self.description, self.runbook)
    }

    /// The queries and their parameters for a window and what was found in it, without lines.
    pub fn evidence(&self, window: &Window, entity: &BTreeMap<String, String>) -> Evidence {
        let mut parameters = window.parameter_texts();
        parameters.extend(entity.clone());
        parameters.extend(self.threshold().map(|threshold| (THRESHOLD.to_owned(), threshold.to_string())));
        Evidence {
            sql: self.sql.clone(),
            lines_sql: self.evidence_sql.clone().unwrap_or_default(),
            parameters,
            window_start_us: window.start_us,
            window_end_us: window.end_us,
            ..Evidence::default()
        }
    }

    /// The finding that a row is; `None` where the row is about a bin outside of what the window judges (a query may return
    /// bins that it only reads to compare with). Its evidence holds the query and its parameters for that bin alone; whoever
    /// ran it adds the Delta versions and the sample lines.
    ///
    /// # Errors
    /// [`RowError`] if `timestamp` or a column that the entity or the title names is missing. A null there is no error: it
    /// reads `-`.
    pub fn finding(&self, row: Map<String, Value>, window: &Window) -> Result<Option<Finding>, RowError> {
        let missing = |column: &str, named_by| RowError::Missing {
            rule: self.name.clone(),
            column: column.to_owned(),
            named_by,
            found: row.keys().cloned().collect::<Vec<_>>().join(", "),
        };
        let bin = row.get(BIN).ok_or_else(|| missing(BIN, "says which bin it is about"))?;
        let bin_us = moment(bin).ok_or_else(|| RowError::Bin { rule: self.name.clone(), found: shown(bin) })?;
        if !window.judges(bin_us) {
            return Ok(None);
        }
        let bin = self.window(bin_us, self.schedule.next_after(bin_us));
        let mut entity = BTreeMap::new();
        for column in &self.entity {
            let value = row.get(column).ok_or_else(|| missing(column, "its entity names"))?;
            entity.insert(column.clone(), shown(value));
        }
        let title = self.title.render(&row).map_err(|column| missing(&column, "its title names"))?;
        let fingerprint = fingerprint(&self.name, &entity);
        for value in entity.values_mut() {
            *value = value.chars().take(MAX_ENTITY_CHARS).collect();
        }
        let evidence = self.evidence(&bin, &entity);
        Ok(Some(Finding {
            rule: self.name.clone(),
            fingerprint,
            entity,
            title,
            description: self.for_ticket(),
            severity: self.severity,
            result: bounded_row(row),
            window_start_us: bin.start_us,
            window_end_us: bin.end_us,
            holds_us: self.holds_us,
            evidence,
        }))
    }
}

/// A moment as rows carry it: RFC 3339, UTC where no zone is stated.
fn moment(value: &Value) -> Option<TimestampUs> {
    let text = value.as_str()?;
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let at = zoned.or_else(|| text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp()));
    at.map(jiff::Timestamp::as_microsecond)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::detect::shipped_rules;

    fn rule() -> Rule {
        shipped_rules().unwrap().into_iter().find(|rule| rule.name == "error_burst").unwrap()
    }

    const WINDOW: Window = Window { read_start_us: 0, start_us: 600_000_000, end_us: 1_200_000_000 };

    fn row(json: Value) -> Map<String, Value> {
        json.as_object().unwrap().clone()
    }

    fn found(json: Value) -> Finding {
        rule().finding(row(json), &WINDOW).unwrap().unwrap()
    }

    const BIN: &str = "1970-01-01T00:15:00Z";

    #[test]
    fn a_row_becomes_a_finding_with_the_question_as_evidence() {
        let finding = found(json!({ "timestamp": BIN, "host": "web01", "app": null, "value": 40, "expected": 1.5 }));
        assert_eq!(finding.entity, BTreeMap::from([("host".into(), "web01".into()), ("app".into(), "-".into())]));
        assert_eq!(finding.fingerprint, fingerprint("error_burst", &finding.entity));
        assert_eq!(finding.evidence.parameters["window_start"], BIN);
        assert_eq!(finding.window_start_us, 900_000_000);
        assert_eq!(finding.window_end_us, rule().schedule.next_after(900_000_000));
        assert_eq!(finding.evidence.sql, rule().sql);
        assert!(finding.title.contains("web01"), "{}", finding.title);
    }

    #[test]
    fn bins_that_were_only_read_are_no_findings() {
        for (bin, judged) in [("1970-01-01T00:10:00", true), ("1970-01-01T00:09:59.999999Z", false), ("1970-01-01T00:20:00Z", false)] {
            let row = row(json!({ "timestamp": bin, "host": "a", "app": "b", "value": 1, "expected": 1 }));
            assert_eq!(rule().finding(row, &WINDOW).unwrap().is_some(), judged, "{bin}");
        }
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = |json| rule().finding(row(json), &WINDOW).unwrap_err().to_string();
        let text = error(json!({ "timestamp": BIN, "host": "web01", "value": 40 }));
        assert!(text.contains("`app`, which its entity names") && text.contains("the row has: timestamp, host, value"), "{text}");
        assert!(error(json!({ "timestamp": BIN, "host": "web01", "app": "a" })).contains("its title names"));
        assert!(error(json!({ "host": "web01", "app": "a" })).contains("`timestamp`, which says which bin"));
        assert!(error(json!({ "timestamp": 7, "host": "web01", "app": "a" })).contains("returned `7` as `timestamp`"));
    }

    #[test]
    fn a_hostile_row_is_bounded() {
        let long = "x".repeat(100_000);
        let finding = found(json!({ "timestamp": BIN, "host": long, "app": "a", "value": 1, "expected": 0, "junk": long }));
        assert_eq!(finding.entity["host"].len(), MAX_ENTITY_CHARS);
        assert!(serde_json::to_string(&finding.result).unwrap().len() < 5_000);
    }
}
