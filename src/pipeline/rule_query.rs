//! Asks a rule's question and reads the answer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use datafusion::common::ScalarValue;
use serde_json::{Map, Value};

use crate::anomaly::SeriesStates;
use crate::clock::TimestampUs;
use crate::detect::{MAX_ROWS_A_RUN, RowError, Rule, THRESHOLD, Window};
use crate::incident::{Feedback, Signal};
use crate::query::{EncodeError, Encoder, Format, LimitOverrides, Parameters, QueryEngine, QueryError, QueryRequest};
use crate::self_metrics::RULE_ROWS_CUT;
use crate::store::{Evidence, Finding, MAX_EVIDENCE_LINES};

/// Findings of one run that get sample lines: each costs a query, and of a thousand findings nobody reads the last.
const EVIDENCE_A_RUN: usize = 40;

/// Why a rule's question has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Row(#[from] RowError),
    #[error("BUG: a row is no JSON object: {0}")]
    Json(#[from] serde_json::Error),
}

/// Rows as JSON objects, and the versions of the tables that they were read from.
pub(super) type Answer = (Vec<Map<String, Value>>, BTreeMap<String, i64>);

/// Runs rules' queries through the gate.
#[derive(Debug, Clone)]
pub(super) struct RuleQueries {
    pub(super) engine: Arc<QueryEngine>,
}

impl RuleQueries {
    /// What the rule finds in the window, in the order of time, without sample lines; and the rows of its answer.
    pub(super) async fn findings(
        &self,
        rule: &Rule,
        window: &Window,
        states: Option<Arc<dyn SeriesStates>>,
        feedback: &Feedback,
    ) -> Result<(Vec<Finding>, u64), AskError> {
        let mut parameters = timestamps(window);
        let threshold = rule.threshold();
        if let Some(threshold) = threshold {
            let lowest = threshold * feedback.lowest_factor(window.end_us);
            parameters.insert(THRESHOLD.to_owned(), ScalarValue::Float64(Some(lowest)));
        }
        let (rows, versions) = self.ask(&rule.sql, parameters, MAX_ROWS_A_RUN, states).await?;
        let count = rows.len();
        if count >= MAX_ROWS_A_RUN {
            RULE_ROWS_CUT.add(1);
            tracing::warn!(rule = rule.name, "a rule found more than {MAX_ROWS_A_RUN} rows in one run; the rest was left out");
        }
        let mut findings = Vec::with_capacity(count);
        for row in rows {
            findings.extend(rule.finding(row, window)?);
        }
        // Those that get no lines can be asked for them later.
        findings.iter_mut().for_each(|finding| finding.evidence.delta_versions.clone_from(&versions));
        if let Some(threshold) = threshold {
            findings.retain(|finding| passes(finding, threshold, feedback));
        }
        findings.sort_by_key(|finding| finding.window_end_us);
        Ok((findings, count as u64))
    }

    /// Fetches the lines that findings rest on: for the first and the last of each problem, which are the ones that the desk
    /// keeps lines of, and for no more than a few problems.
    pub(super) async fn add_evidence(&self, rule: &Rule, findings: &mut [Finding]) -> Result<(), AskError> {
        for index in first_and_last(findings).into_iter().take(EVIDENCE_A_RUN) {
            let finding = &mut findings[index];
            let (lines, versions) = self.evidence(rule, finding).await?;
            finding.evidence = Evidence { lines, delta_versions: versions, ..std::mem::take(&mut finding.evidence) };
        }
        Ok(())
    }

    async fn evidence(&self, rule: &Rule, finding: &Finding) -> Result<Answer, AskError> {
        let mut parameters = timestamps(&rule.window(finding.window_start_us, finding.window_end_us));
        let Some(sql) = &rule.evidence_sql else {
            parameters.extend(rule.threshold().map(|threshold| (THRESHOLD.to_owned(), ScalarValue::Float64(Some(threshold)))));
            // The row itself is the evidence; asked again for its bin, the query names the versions that hold it.
            return Ok((Vec::new(), self.ask(&rule.sql, parameters, MAX_EVIDENCE_LINES, None).await?.1));
        };
        for (column, value) in &finding.entity {
            parameters.insert(column.clone(), ScalarValue::from(value.as_str()));
        }
        self.ask(sql, parameters, MAX_EVIDENCE_LINES, None).await
    }

    /// Whether what was found is over at `at_us`, by the rule's own query for that; `None` where it has none.
    pub(super) async fn is_over(&self, rule: &Rule, signal: &Signal, at_us: TimestampUs) -> Result<Option<bool>, AskError> {
        let Some(sql) = &rule.over_sql else { return Ok(None) };
        let mut parameters = timestamps(&rule.window(signal.window_end_us.saturating_sub(signal.holds_us), at_us));
        parameters.extend(signal.entity.iter().map(|(column, value)| (column.clone(), ScalarValue::from(value.as_str()))));
        let (rows, _) = self.ask(sql, parameters, 1, None).await?;
        Ok(Some(!rows.is_empty()))
    }

    async fn ask(
        &self,
        sql: &str,
        parameters: BTreeMap<String, ScalarValue>,
        max_rows: usize,
        states: Option<Arc<dyn SeriesStates>>,
    ) -> Result<Answer, AskError> {
        let request = QueryRequest {
            states,
            parameters: Parameters::Typed(parameters),
            limits: LimitOverrides { max_rows: Some(max_rows as u64), ..LimitOverrides::default() },
            truncate: true,
            // A window of minutes out of files of hours or days.
            selective: true,
            ..QueryRequest::new(sql)
        };
        let mut run = self.engine.run(request).await?;
        let mut encoder = Encoder::new(Format::Ndjson, &run.schema())?;
        let mut text = Vec::new();
        while let Some(batch) = run.next().await {
            text.extend_from_slice(&encoder.encode(&batch?)?);
        }
        text.extend_from_slice(&encoder.finish()?);
        let rows = text.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(serde_json::from_slice).collect::<Result<_, _>>()?;
        Ok((rows, run.versions().clone()))
    }
}

/// Whether a score passes the threshold that people's words have set for this rule and entity; a row without a score does.
fn passes(finding: &Finding, threshold: f64, feedback: &Feedback) -> bool {
    let factor = feedback.factor(&finding.fingerprint, finding.window_end_us).factor;
    finding.result.get("score").and_then(Value::as_f64).is_none_or(|score| score >= threshold * factor)
}

fn timestamps(window: &Window) -> BTreeMap<String, ScalarValue> {
    let value = |at_us| ScalarValue::TimestampMicrosecond(Some(at_us), Some("UTC".into()));
    window.parameters().into_iter().map(|(name, at_us)| (name.to_owned(), value(at_us))).collect()
}

/// Where the first and the last finding of each fingerprint stand, the earliest first.
fn first_and_last(findings: &[Finding]) -> Vec<usize> {
    let mut ends: HashMap<&str, (usize, usize)> = HashMap::new();
    for (index, finding) in findings.iter().enumerate() {
        ends.entry(&finding.fingerprint).or_insert((index, index)).1 = index;
    }
    let mut places: Vec<usize> = ends.into_values().flat_map(|(first, last)| [first, last]).collect();
    places.sort_unstable();
    places.dedup();
    places
}
