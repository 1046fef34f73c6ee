//! What grouping needs to know of a finding.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::TimestampUs;
use crate::store::{Finding, FindingSeverity};

/// Bytes kept of one text of a signal. Rule names, host names and metric names are far shorter; a log template rarely longer.
const MAX_TEXT_BYTES: usize = 512;

/// Entity columns kept: rules have one to three, so this only stops what was built to hurt.
const MAX_ENTITY_COLUMNS: usize = 8;

/// Longest cadence that counts: what is looked at less often than daily is as good as never going on.
const MAX_CADENCE_US: i64 = crate::clock::DAY_US;

/// Columns that name a host, the most telling first.
const HOST_COLUMNS: [&str; 9] = ["host", "hostname", "machine", "server", "device", "node", "instance", "pod", "container"];

/// Columns that name a service, the most telling first.
const SERVICE_COLUMNS: [&str; 6] = ["service", "app", "application", "microservice", "job", "unit"];

/// Which way something left its usual course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More than usual.
    Up,
    /// Less than usual.
    Down,
    /// Neither, or not known.
    #[default]
    Other,
}

/// A finding, as far as grouping is concerned. One that goes on comes again with every run of its rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Identity of the problem: the same for the same rule and entity.
    pub fingerprint: String,
    /// Name of the rule.
    pub rule: String,
    /// What it is about: column and value.
    pub entity: BTreeMap<String, String>,
    /// Metric or log template that shows it; empty if the rule has no such thing.
    pub subject: String,
    /// Title, template and label texts: words are compared between signals.
    pub text: String,
    /// Which way it went.
    pub direction: Direction,
    /// How bad it is.
    pub severity: FindingSeverity,
    /// When it began, in microseconds UTC.
    pub onset_us: TimestampUs,
    /// End of the window that was judged, exclusive: the last moment that it is known to have gone on.
    pub window_end_us: TimestampUs,
    /// How much of the time up to `window_end_us` is presumed and not judged, in microseconds.
    #[serde(default)]
    pub holds_us: i64,
    /// How often its rule looks, in microseconds: a beginning is known no better than this.
    pub cadence_us: i64,
    /// How unlikely it is, in thousandths of −log₁₀ p. An integer, so that saved state reads back exactly.
    pub surprise_milli: i64,
}

impl Signal {
    /// The signal of a finding of a rule that runs every `cadence_us`.
    ///
    /// Of the row that the rule returned it reads, where they are there: `onset` (microseconds), `score` (−log₁₀ p), `value`
    /// and `expected` (the direction), `metric`, `template` or `series` (the subject). Without an onset the window's beginning
    /// is taken.
    pub fn of_finding(finding: &Finding, cadence_us: i64) -> Self {
        let subject = ["metric", "template", "series"].iter().find_map(|column| text_of(&finding.result, column)).unwrap_or_default();
        let onset_us = finding.result.get("onset").and_then(Value::as_i64).unwrap_or(finding.window_start_us);
        let surprise = finding.result.get("score").and_then(Value::as_f64).unwrap_or(0.0);
        Self {
            fingerprint: finding.fingerprint.clone(),
            rule: finding.rule.clone(),
            entity: finding.entity.clone(),
            subject,
            text: finding.title.clone(),
            direction: direction_of(&finding.result),
            severity: finding.severity,
            onset_us,
            window_end_us: finding.window_end_us.saturating_add(finding.holds_us),
            holds_us: finding.holds_us,
            cadence_us,
            surprise_milli: surprise_milli(surprise),
        }
        .bounded()
    }

    /// The same signal within its limits, with its onset no later than its end.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        for text in [&mut self.fingerprint, &mut self.rule, &mut self.subject, &mut self.text] {
            cut(text);
        }
        if self.entity.len() > MAX_ENTITY_COLUMNS || self.entity.iter().any(|(key, value)| key.len().max(value.len()) > MAX_TEXT_BYTES) {
            self.entity =
                std::mem::take(&mut self.entity).into_iter().take(MAX_ENTITY_COLUMNS).map(|(k, v)| (cut_owned(k), cut_owned(v))).collect();
        }
        self.onset_us = self.onset_us.min(self.window_end_us);
        self.cadence_us = self.cadence_us.clamp(0, MAX_CADENCE_US);
        self
    }

    /// The host that it is about, if it names one.
    pub fn host(&self) -> Option<&str> {
        named(&self.entity, &HOST_COLUMNS)
    }

    /// The service that it is about, if it names one.
    pub fn service(&self) -> Option<&str> {
        named(&self.entity, &SERVICE_COLUMNS)
    }

    /// The place it is about, for people and for ranking: its host, else its service, else its whole entity.
    pub fn place(&self) -> String {
        match self.host().or(self.service()) {
            Some(name) => name.to_owned(),
            None => self.entity.iter().map(|(column, value)| format!("{column}={value}")).collect::<Vec<_>>().join(","),
        }
    }

    /// What kind of entity it is about: the names of its columns.
    pub fn entity_kind(&self) -> String {
        self.entity.keys().map(String::as_str).collect::<Vec<_>>().join("+")
    }

    /// Whether `column` says where it is, which grouping weighs by itself and not among the words.
    pub(super) fn is_place_column(column: &str) -> bool {
        HOST_COLUMNS.contains(&column)
    }
}

/// Thousandths of a score, within bounds; what is no number counts as nothing.
pub fn surprise_milli(score: f64) -> i64 {
    if score.is_nan() { 0 } else { (score.clamp(0.0, 1e6) * 1_000.0).round() as i64 }
}

fn named<'a>(entity: &'a BTreeMap<String, String>, columns: &[&str]) -> Option<&'a str> {
    columns.iter().find_map(|column| entity.get(*column)).map(String::as_str).filter(|name| !name.is_empty())
}

fn text_of(row: &Map<String, Value>, column: &str) -> Option<String> {
    row.get(column).and_then(Value::as_str).map(str::to_owned)
}

fn direction_of(row: &Map<String, Value>) -> Direction {
    let number = |column| row.get(column).and_then(Value::as_f64);
    match (number("value"), number("expected")) {
        (Some(value), Some(expected)) if value > expected => Direction::Up,
        (Some(value), Some(expected)) if value < expected => Direction::Down,
        _ => Direction::Other,
    }
}

fn cut(text: &mut String) {
    if text.len() > MAX_TEXT_BYTES {
        let end = (0..=MAX_TEXT_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
}

fn cut_owned(mut text: String) -> String {
    cut(&mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Evidence;

    fn finding(result: serde_json::Value) -> Finding {
        Finding {
            rule: "cpu_unusual".into(),
            fingerprint: "f".into(),
            entity: BTreeMap::from([("app".into(), "shop".into()), ("host".into(), "web01".into())]),
            title: "CPU of web01 is unusual".into(),
            description: String::new(),
            severity: FindingSeverity::Medium,
            result: result.as_object().cloned().unwrap_or_default(),
            window_start_us: 60,
            window_end_us: 120,
            holds_us: 0,
            evidence: Evidence::default(),
        }
    }

    #[test]
    fn a_finding_says_where_how_much_and_since_when() {
        let row = serde_json::json!({ "metric": "cpu", "value": 9.0, "expected": 2.0, "score": 4.5, "onset": 30 });
        let signal = Signal::of_finding(&finding(row), 60);
        assert_eq!((signal.host(), signal.service(), signal.place().as_str()), (Some("web01"), Some("shop"), "web01"));
        assert_eq!((signal.direction, signal.surprise_milli, signal.onset_us), (Direction::Up, 4_500, 30));
        assert_eq!((signal.subject.as_str(), signal.entity_kind().as_str()), ("cpu", "app+host"));
        let bare = Signal::of_finding(&finding(serde_json::json!({ "score": "high" })), -5);
        assert_eq!((bare.onset_us, bare.surprise_milli, bare.cadence_us, bare.direction), (60, 0, 0, Direction::Other));
    }

    #[test]
    fn signals_are_cut_to_their_limits_at_character_borders() {
        let signal = Signal { rule: "ä".repeat(5_000), onset_us: 500, ..Signal::of_finding(&finding(serde_json::json!({})), 60) }.bounded();
        assert!(signal.rule.len() <= MAX_TEXT_BYTES && signal.rule.ends_with('ä'));
        assert_eq!(signal.onset_us, signal.window_end_us);
        assert_eq!((surprise_milli(f64::NAN), surprise_milli(f64::INFINITY), surprise_milli(-1.0)), (0, 1_000_000_000, 0));
    }
}
