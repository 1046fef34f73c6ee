//! Runs the detection rules: bins through the query gate, rows to findings, findings to the desk.
//!
//! It works in rounds. A round takes every rule that is due, asks them side by side, brings what they found into the order
//! of time and records it in one transaction with how far each rule has read: a crash repeats a round and doubles nothing.
//! A rule that fails keeps its place, is reported, and does not hold up the others. Rules that are behind catch up together,
//! a day at a time, so that what happened together is judged together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream;

use super::rule_query::{AskError, RuleQueries};
use super::{FlushHandle, Incidents, IncidentsError, RuleBook};
use crate::clock::{Clock, DAY_US, SECOND_US, Stopwatch, TimestampUs};
use crate::desk::{Desk, RuleRun};
use crate::detect::{Rule, Window};
use crate::query::QueryEngine;
use crate::self_metrics::{FINDINGS, RULE_FAILURES, RULE_RUNS, RULE_SECONDS, TICKETS_OPENED};
use crate::shutdown::Shutdown;
use crate::store::Finding;

/// Rules that run at the same time: while one is planned another reads.
const RULES_AT_ONCE: usize = 2;

/// Longest sleep, so that rules added to the folder are not waited for forever and the clock may jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Pause of a failed rule: the next run would most likely fail alike.
const FAILURE_PAUSE_US: i64 = 30 * SECOND_US;

/// The scheduler of the rules.
#[derive(Debug)]
pub struct Analysis {
    book: Arc<RuleBook>,
    queries: RuleQueries,
    desk: Desk,
    incidents: Arc<Incidents>,
    flush: FlushHandle,
    clock: Clock,
    /// End of the last window that this process judged, by rule. What a crash forgets is judged again.
    judged_us: Mutex<HashMap<String, TimestampUs>>,
}

/// A rule and what it is to judge now.
struct Due {
    rule: Arc<Rule>,
    window: Window,
}

/// Why a run gave nothing.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Incidents(#[from] IncidentsError),
    #[error("the rows could not be committed before the evidence was taken: {0}")]
    Flush(String),
}

impl Analysis {
    /// A scheduler of the book's rules.
    pub fn new(
        book: Arc<RuleBook>,
        queries: Arc<QueryEngine>,
        desk: Desk,
        incidents: Arc<Incidents>,
        flush: FlushHandle,
        clock: Clock,
    ) -> Self {
        Self { book, queries: RuleQueries { engine: queries }, desk, incidents, flush, clock, judged_us: Mutex::default() }
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

    /// One round; gives the moment when the next is due, which has passed while there is a past to catch up with.
    pub async fn run_due(&self) -> TimestampUs {
        let now_us = self.clock.now_us();
        let (due, mut next_due_us) = self.due(now_us).await;
        let runs = stream::iter(due).map(|due| self.judge(due)).buffer_unordered(RULES_AT_ONCE);
        let (mut findings, mut good) = (Vec::new(), Vec::new());
        for (due, seconds, result) in runs.collect::<Vec<_>>().await {
            let duration_us = i64::try_from(seconds.as_micros()).unwrap_or(i64::MAX);
            match result {
                Ok((found, result_rows)) => {
                    findings.extend(found);
                    let watermark_us = due.rule.settled_us(&due.window, now_us);
                    good.push((due.window.end_us, RuleRun { rule: due.rule.name.clone(), watermark_us, duration_us, result_rows }));
                    next_due_us = next_due_us.min(due.rule.due_at_us(Some(due.window.end_us), now_us));
                }
                Err(error) => {
                    self.fail(&due.rule.name, &error, duration_us).await;
                    next_due_us = next_due_us.min(now_us + FAILURE_PAUSE_US);
                }
            }
        }
        match self.record(findings, good).await {
            Ok(()) => next_due_us,
            Err(error) => {
                tracing::error!(%error, "what the rules found cannot be recorded; they are run again in half a minute");
                now_us + FAILURE_PAUSE_US
            }
        }
    }

    /// Whether a rule has a bin to judge that is already over.
    pub async fn furthest_behind_us(&self) -> Option<TimestampUs> {
        let now_us = self.clock.now_us();
        self.due(now_us).await.0.iter().map(|due| now_us - due.window.start_us).max()
    }

    /// The rules that are due, with their windows, none of them reaching further than a day after the earliest; and the
    /// moment when one of the others will be.
    async fn due(&self, now_us: TimestampUs) -> (Vec<Due>, TimestampUs) {
        let (mut due, mut next_due_us) = (Vec::new(), TimestampUs::MAX);
        for rule in &self.book.refresh().rules {
            match self.window(rule, now_us).await {
                Ok(window) => due.push(Due { rule: Arc::clone(rule), window }),
                Err(at_us) => next_due_us = next_due_us.min(at_us),
            }
        }
        let horizon_us = due.iter().map(|due| due.window.start_us).min().unwrap_or(now_us) + DAY_US;
        let within = |due: Due| due.rule.cut(&due.window, horizon_us).map(|window| Due { window, ..due });
        (due.into_iter().filter_map(within).collect(), next_due_us)
    }

    /// What the rule has to judge, or when it will have something.
    async fn window(&self, rule: &Rule, now_us: TimestampUs) -> Result<Window, TimestampUs> {
        let settled_us = match self.desk.rule_state(&rule.name).await {
            Ok(Some(state)) if state.last_error.is_some() && now_us < state.last_run_at_us + FAILURE_PAUSE_US => {
                return Err(state.last_run_at_us + FAILURE_PAUSE_US);
            }
            Ok(state) => state.and_then(|state| state.watermark_us),
            Err(error) => {
                tracing::warn!(rule = rule.name, %error, "the state of a rule cannot be read");
                return Err(now_us + FAILURE_PAUSE_US);
            }
        };
        let judged_us = self.judged_us.lock().unwrap_or_else(PoisonError::into_inner).get(&rule.name).copied();
        rule.next_window(settled_us, judged_us, now_us).ok_or_else(|| rule.due_at_us(judged_us.max(settled_us), now_us))
    }

    async fn judge(&self, due: Due) -> (Due, Duration, Result<(Vec<Finding>, u64), RunError>) {
        let started = Stopwatch::start();
        let result = self.find(&due).await;
        RULE_RUNS.add(1);
        RULE_SECONDS.record(started.elapsed());
        (due, started.elapsed(), result)
    }

    async fn find(&self, due: &Due) -> Result<(Vec<Finding>, u64), RunError> {
        let (mut findings, rows) = self.queries.findings(&due.rule, &due.window).await?;
        if !findings.is_empty() {
            // Evidence names Delta versions, so what it rests on must be in one.
            self.flush.flush().await.map_err(RunError::Flush)?;
            self.queries.add_evidence(&due.rule, &mut findings).await?;
        }
        Ok((findings, rows))
    }

    async fn record(&self, mut findings: Vec<Finding>, good: Vec<(TimestampUs, RuleRun)>) -> Result<(), RunError> {
        if good.is_empty() {
            return Ok(());
        }
        findings.sort_by_key(|finding| finding.window_end_us);
        let (ends, runs): (Vec<_>, Vec<_>) = good.into_iter().unzip();
        let until_us = ends.iter().copied().max().unwrap_or(0);
        let names: Vec<_> = runs.iter().map(|run| run.rule.clone()).collect();
        let found = findings.len() as u64;
        let recorded = self.incidents.record(findings, runs, until_us).await?;
        FINDINGS.add(found - recorded.duplicates);
        TICKETS_OPENED.add(recorded.opened.len() as u64);
        for number in &recorded.opened {
            tracing::info!(ticket = number, "a ticket was opened");
        }
        let mut judged_us = self.judged_us.lock().unwrap_or_else(PoisonError::into_inner);
        judged_us.extend(names.into_iter().zip(ends));
        Ok(())
    }

    async fn fail(&self, rule: &str, error: &RunError, duration_us: i64) {
        RULE_FAILURES.add(1);
        tracing::error!(rule, %error, "a rule failed; it is tried again in half a minute");
        if let Err(error) = self.desk.record_rule_failure(rule, &error.to_string(), duration_us).await {
            tracing::warn!(rule, %error, "the failure of a rule cannot be noted");
        }
    }
}
