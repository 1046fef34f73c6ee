//! From a row of a rule's answer to a finding.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::title::shown;
use super::{Rule, Window, fingerprint};
use crate::store::{Evidence, Finding, bounded_row};

/// Characters kept of an entity's value; the fingerprint is taken of the whole.
const MAX_ENTITY_CHARS: usize = 256;

/// A row that lacks what the rule's header says it has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the rule {rule} returned a row without the column `{column}`, which its {key} names; add it to the SELECT list or change the header (the row has: {found})"
)]
pub struct RowError {
    /// The rule.
    pub rule: String,
    /// The column that is missing.
    pub column: String,
    /// The key of the header that names it: `entity` or `title`.
    pub key: &'static str,
    /// The columns that the row has.
    pub found: String,
}

impl Rule {
    /// The finding that a row is. Its evidence holds the query and its parameters; whoever ran it adds the Delta versions
    /// and the sample lines.
    ///
    /// # Errors
    /// [`RowError`] if a column that the entity or the title names is missing. A null there is no error: it reads `-`.
    pub fn finding(&self, row: Map<String, Value>, window: &Window) -> Result<Finding, RowError> {
        let missing = |column: &str, key| RowError {
            rule: self.name.clone(),
            column: column.to_owned(),
            key,
            found: row.keys().cloned().collect::<Vec<_>>().join(", "),
        };
        let mut entity = BTreeMap::new();
        for column in &self.entity {
            let value = row.get(column).ok_or_else(|| missing(column, "entity"))?;
            entity.insert(column.clone(), shown(value));
        }
        let title = self.title.render(&row).map_err(|column| missing(&column, "title"))?;
        let fingerprint = fingerprint(&self.name, &entity);
        for value in entity.values_mut() {
            *value = value.chars().take(MAX_ENTITY_CHARS).collect();
        }
        let evidence = Evidence {
            sql: self.sql.clone(),
            parameters: window.parameter_texts(),
            window_start_us: window.start_us,
            window_end_us: window.end_us,
            ..Evidence::default()
        };
        Ok(Finding {
            rule: self.name.clone(),
            fingerprint,
            entity,
            title,
            description: format!("{}\n\n{}", self.description, self.what_to_do),
            severity: self.severity,
            result: bounded_row(row),
            window_start_us: window.start_us,
            window_end_us: window.end_us,
            evidence,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::detect::shipped_rules;

    fn rule() -> Rule {
        shipped_rules().unwrap().into_iter().find(|rule| rule.name == "error_burst").unwrap()
    }

    const WINDOW: Window = Window { start_us: 1_000_000, end_us: 2_000_000, watermark_us: 1_500_000 };

    fn row(json: Value) -> Map<String, Value> {
        json.as_object().unwrap().clone()
    }

    #[test]
    fn a_row_becomes_a_finding_with_the_question_as_evidence() {
        let finding = rule().finding(row(json!({ "host": "web01", "app": null, "value": 40, "expected": 1.5 })), &WINDOW).unwrap();
        assert_eq!(finding.entity, BTreeMap::from([("host".into(), "web01".into()), ("app".into(), "-".into())]));
        assert_eq!(finding.fingerprint, fingerprint("error_burst", &finding.entity));
        assert_eq!(finding.evidence.parameters["watermark"], "1970-01-01T00:00:01.5Z");
        assert_eq!((finding.window_end_us, finding.evidence.sql), (2_000_000, rule().sql));
        assert!(finding.title.contains("web01"), "{}", finding.title);
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = rule().finding(row(json!({ "host": "web01", "value": 40 })), &WINDOW).unwrap_err();
        assert_eq!((error.column.as_str(), error.key), ("app", "entity"));
        assert!(error.to_string().contains("the row has: host, value"), "{error}");
        let error = rule().finding(row(json!({ "host": "web01", "app": "a" })), &WINDOW).unwrap_err();
        assert_eq!(error.key, "title");
    }

    #[test]
    fn a_hostile_row_is_bounded() {
        let long = "x".repeat(100_000);
        let finding = rule().finding(row(json!({ "host": long, "app": "a", "value": 1, "expected": 0, "junk": long })), &WINDOW).unwrap();
        assert_eq!(finding.entity["host"].len(), MAX_ENTITY_CHARS);
        assert!(serde_json::to_string(&finding.result).unwrap().len() < 5_000);
    }
}
