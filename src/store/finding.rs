//! What a rule found, and the evidence for it: the hand-over from detection to the desk.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::TimestampUs;

/// Sample rows kept with a finding: enough to see what it is about, short enough to read.
pub const MAX_EVIDENCE_LINES: usize = 20;

/// Characters kept of one cell of evidence. A log line is rarely longer, and twenty such rows stay under 100 KiB.
pub const MAX_CELL_CHARS: usize = 1_000;

/// Columns kept of a row: twice as many as the widest table has.
const MAX_COLUMNS: usize = 32;

/// How bad a finding is, in the words of a rule's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingSeverity {
    /// Users are without the service, or data is being lost.
    Critical,
    /// It will be so soon, or a part is already down.
    High,
    /// Something is wrong and nobody is hindered yet.
    Medium,
    /// To be looked at this week.
    Low,
    /// Worth knowing.
    Info,
}

impl FindingSeverity {
    /// Whether it is more severe.
    pub fn is_worse_than(self, other: Self) -> bool {
        (self as u8) < other as u8
    }

    /// All of them, worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for FindingSeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for FindingSeverity {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.word() == word)
            .ok_or_else(|| format!("`{word}` is no severity; write one of {}", Self::ALL.map(Self::word).join(", ")))
    }
}

/// Something that a rule says is wrong with an entity, in one window of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Name of the rule.
    pub rule: String,
    /// Identity of the problem: the same rule and entity give the same text, always.
    pub fingerprint: String,
    /// What it is about: entity column and value (`host` and `web01`, `mountpoint` and `/var`).
    pub entity: BTreeMap<String, String>,
    /// One line for people.
    pub title: String,
    /// What the rule watches and what to do, in Markdown.
    pub description: String,
    /// How bad it is.
    pub severity: FindingSeverity,
    /// The row that the rule returned: by convention `value` is what was seen and `expected` what is usual.
    pub result: Map<String, Value>,
    /// First moment of the window, inclusive.
    pub window_start_us: TimestampUs,
    /// End of the window, exclusive. With rule and fingerprint it is the finding's identity.
    pub window_end_us: TimestampUs,
    /// How long it is taken to go on after that, µs, though its rule does not say so again.
    pub holds_us: i64,
    /// What it rests on.
    pub evidence: Evidence,
}

/// What a finding rests on, so that the question can be asked again later and give the same answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// The statement that was run.
    pub sql: String,
    /// The statement that gave the sample rows; empty where the rule has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lines_sql: String,
    /// The parameters of both, as text, by name without `$`.
    pub parameters: BTreeMap<String, String>,
    /// Delta version of each table that was read.
    pub delta_versions: BTreeMap<String, i64>,
    /// First moment of the window, inclusive.
    pub window_start_us: TimestampUs,
    /// End of the window, exclusive.
    pub window_end_us: TimestampUs,
    /// Sample rows: at most [`MAX_EVIDENCE_LINES`], each cell cut at [`MAX_CELL_CHARS`].
    pub lines: Vec<Map<String, Value>>,
}

impl Evidence {
    /// The same evidence within its limits: what is over them is cut.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.lines.truncate(MAX_EVIDENCE_LINES);
        self.lines = self.lines.into_iter().map(bounded_row).collect();
        self
    }
}

/// A row with no more columns and no longer texts than evidence may have.
pub fn bounded_row(row: Map<String, Value>) -> Map<String, Value> {
    row.into_iter().take(MAX_COLUMNS).map(|(column, value)| (column, bounded_cell(value))).collect()
}

/// A cell cut at [`MAX_CELL_CHARS`]; a list or map that is longer as JSON becomes cut text.
pub fn bounded_cell(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut(text)),
        Value::Array(_) | Value::Object(_) => {
            let text = value.to_string();
            if text.chars().nth(MAX_CELL_CHARS).is_none() { value } else { Value::String(cut(text)) }
        }
        scalar => scalar,
    }
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_CELL_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_cut_to_its_limits_at_character_borders() {
        let mut line = Map::new();
        line.insert("message".into(), Value::String("ä".repeat(5_000)));
        line.insert("attributes".into(), serde_json::json!({ "long": "x".repeat(5_000) }));
        line.insert("severity".into(), 3.into());
        let evidence = Evidence { lines: vec![line; 50], ..Evidence::default() }.bounded();
        assert_eq!(evidence.lines.len(), MAX_EVIDENCE_LINES);
        for line in &evidence.lines {
            assert_eq!(line["message"].as_str().unwrap().chars().count(), MAX_CELL_CHARS + 1);
            assert_eq!(line["attributes"].as_str().unwrap().chars().count(), MAX_CELL_CHARS + 1);
            assert_eq!(line["severity"], 3);
        }
    }

    #[test]
    fn severities_read_back_and_a_wrong_word_lists_the_right_ones() {
        for severity in FindingSeverity::ALL {
            assert_eq!(severity.word().parse(), Ok(severity));
        }
        let error = "urgent".parse::<FindingSeverity>().unwrap_err();
        assert!(error.contains("critical, high, medium, low, info"), "{error}");
    }
}
