//! Runs the detection rules: window by window through the query gate, rows to findings, findings to the desk.
//!
//! A rule's watermark and its findings are stored in one transaction, so a crash repeats a window and doubles nothing. A
//! rule that fails keeps its watermark, is reported, and does not hold up the others.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use datafusion::common::ScalarValue;
use futures::StreamExt;
use futures::stream;
use serde_json::{Map, Value};

use super::{BrokenRule, FlushHandle, load_rules};
use crate::clock::{Clock, SECOND_US, Stopwatch, TimestampUs};
use crate::desk::{Desk, RuleRun};
use crate::detect::{MAX_ROWS_A_RUN, Rule, Window};
use crate::query::{Encoder, Format, LimitOverrides, Parameters, QueryEngine, QueryRequest};
use crate::self_metrics::{FINDINGS, RULE_FAILURES, RULE_RUNS, RULE_SECONDS, TICKETS_OPENED};
use crate::shutdown::Shutdown;
use crate::store::{Finding, MAX_EVIDENCE_LINES};

/// Rules that run at the same time: while one is planned another reads.
const RULES_AT_ONCE: usize = 2;

/// Windows of one rule judged before the others have their turn, when it has a past to catch up with.
const WINDOWS_A_TURN: usize = 64;

/// Longest sleep, so that rules added to the folder are not waited for forever and the clock may jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Pause of a failed rule: the next run would most likely fail alike.
const FAILURE_PAUSE_US: i64 = 30 * SECOND_US;

/// Which rules run.
#[derive(Debug, Clone)]
pub struct AnalysisConfig {
    /// The user's own rules.
    pub rules_dir: Option<PathBuf>,
}

/// The scheduler of the rules.
#[derive(Debug)]
pub struct Analysis {
    rules: Vec<Rule>,
    /// Rule files that could not be read; the others run.
    pub broken: Vec<BrokenRule>,
    queries: Arc<QueryEngine>,
    desk: Desk,
    flush: FlushHandle,
    clock: Clock,
}

/// Why a run gave nothing.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Query(#[from] crate::query::QueryError),
    #[error(transparent)]
    Encode(#[from] crate::query::EncodeError),
    #[error(transparent)]
    Row(#[from] crate::detect::RowError),
    #[error(transparent)]
    Desk(#[from] crate::desk::DeskError),
    #[error("BUG: a row is no JSON object: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the rows could not be committed before the evidence was taken: {0}")]
    Flush(String),
}

impl Analysis {
    /// Reads the built-in rules and the user's.
    pub fn new(config: &AnalysisConfig, queries: Arc<QueryEngine>, desk: Desk, flush: FlushHandle, clock: Clock) -> Self {
        let (rules, broken) = load_rules(config.rules_dir.as_deref());
        for error in &broken {
            tracing::error!(%error, "a rule cannot be read; the others run");
        }
        Self { rules, broken, queries, desk, flush, clock }
    }

    /// The rules that run.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Runs until the sources stop.
    pub async fn run(self, shutdown: Shutdown) {
        loop {
            let next_due_us = tokio::select! {
                due = self.run_due() => due,
                () = shutdown.sources_stopping() => return,
            };
            let wait_us = u64::try_from(next_due_us - self.clock.now_us()).unwrap_or(0);
            let wait = Duration::from_micros(wait_us).clamp(Duration::from_millis(100), LONGEST_SLEEP);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = shutdown.sources_stopping() => return,
            }
        }
    }

    /// Judges every window that is due and gives the moment when the next will be.
    pub async fn run_due(&self) -> TimestampUs {
        let turns = stream::iter(0..self.rules.len()).map(|index| self.take_turn(&self.rules[index])).buffer_unordered(RULES_AT_ONCE);
        turns.fold(TimestampUs::MAX, async |earliest, due| earliest.min(due)).await
    }

    /// Judges the due windows of one rule, a turn's worth, and gives the moment of its next.
    async fn take_turn(&self, rule: &Rule) -> TimestampUs {
        let now_us = self.clock.now_us();
        let mut watermark_us = match self.desk.rule_state(&rule.name).await {
            Ok(Some(state)) if state.last_error.is_some() && now_us < state.last_run_at_us + FAILURE_PAUSE_US => {
                return state.last_run_at_us + FAILURE_PAUSE_US;
            }
            Ok(state) => state.and_then(|state| state.watermark_us),
            Err(error) => {
                tracing::warn!(rule = rule.name, %error, "the state of a rule cannot be read");
                return now_us + FAILURE_PAUSE_US;
            }
        };
        for turn in 1..=WINDOWS_A_TURN {
            let Some(window) = rule.next_window(watermark_us, now_us) else { break };
            let started = Stopwatch::start();
            // A window without findings need not be noted if another follows at once: a crash judges it again.
            let is_last = turn == WINDOWS_A_TURN || rule.next_window(Some(window.end_us), now_us).is_none();
            if let Err(error) = self.judge(rule, &window, is_last).await {
                RULE_FAILURES.add(1);
                tracing::error!(rule = rule.name, %error, "a rule failed; it is tried again in half a minute");
                let duration_us = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
                if let Err(error) = self.desk.record_rule_failure(&rule.name, &error.to_string(), duration_us).await {
                    tracing::warn!(rule = rule.name, %error, "the failure of a rule cannot be noted");
                }
                return now_us + FAILURE_PAUSE_US;
            }
            RULE_RUNS.add(1);
            RULE_SECONDS.record(started.elapsed());
            watermark_us = Some(window.end_us);
        }
        rule.due_at_us(watermark_us, now_us)
    }

    /// One window of one rule, from query to desk.
    async fn judge(&self, rule: &Rule, window: &Window, must_note: bool) -> Result<(), RunError> {
        let started = Stopwatch::start();
        let parameters = timestamps(window);
        let (rows, _) = self.ask(&rule.sql, parameters.clone(), MAX_ROWS_A_RUN).await?;
        let result_rows = rows.len() as u64;
        let duration_us = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
        let mut findings = Vec::with_capacity(rows.len());
        for row in rows {
            findings.push(rule.finding(row, window)?);
        }
        if !findings.is_empty() {
            // Evidence names Delta versions, so what it rests on must be in one.
            self.flush.flush().await.map_err(RunError::Flush)?;
            for finding in &mut findings {
                self.add_evidence(rule, finding, &parameters).await?;
            }
        }
        if findings.is_empty() && !must_note {
            return Ok(());
        }
        let run = RuleRun { rule: rule.name.clone(), watermark_us: window.end_us, duration_us, result_rows };
        let recorded = self.desk.record_findings(&findings, Some(&run)).await?;
        FINDINGS.add(findings.len() as u64 - recorded.duplicates);
        TICKETS_OPENED.add(recorded.opened.len() as u64);
        for number in &recorded.opened {
            tracing::info!(rule = rule.name, ticket = number, "a ticket was opened");
        }
        Ok(())
    }

    /// The lines that a finding rests on, and the versions of the tables that have them.
    async fn add_evidence(&self, rule: &Rule, finding: &mut Finding, parameters: &BTreeMap<String, ScalarValue>) -> Result<(), RunError> {
        let Some(sql) = &rule.evidence_sql else {
            // The rows themselves are the evidence; asked again, they name the versions that hold them.
            finding.evidence.delta_versions = self.ask(&rule.sql, parameters.clone(), MAX_ROWS_A_RUN).await?.1;
            return Ok(());
        };
        let mut parameters = parameters.clone();
        for (column, value) in &finding.entity {
            parameters.insert(column.clone(), ScalarValue::from(value.as_str()));
        }
        let (lines, versions) = self.ask(sql, parameters, MAX_EVIDENCE_LINES).await?;
        finding.evidence.lines = lines;
        finding.evidence.delta_versions = versions;
        Ok(())
    }

    async fn ask(
        &self,
        sql: &str,
        parameters: BTreeMap<String, ScalarValue>,
        max_rows: usize,
    ) -> Result<(Vec<Map<String, Value>>, BTreeMap<String, i64>), RunError> {
        let request = QueryRequest {
            parameters: Parameters::Typed(parameters),
            limits: LimitOverrides { max_rows: Some(max_rows as u64), ..LimitOverrides::default() },
            truncate: true,
            // A window of minutes out of files of hours or days.
            selective: true,
            ..QueryRequest::new(sql)
        };
        let mut run = self.queries.run(request).await?;
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

fn timestamps(window: &Window) -> BTreeMap<String, ScalarValue> {
    let value = |at_us| ScalarValue::TimestampMicrosecond(Some(at_us), Some("UTC".into()));
    window.parameters().into_iter().map(|(name, at_us)| (name.to_owned(), value(at_us))).collect()
}
