//! Runs the detection rules: bins through the query gate, rows to findings, findings to the desk.
//!
//! It works in rounds. A round takes every rule that is due, asks them side by side, brings what they found into the order
//! of time and records it in one transaction with how far each rule has read: a crash repeats a round and doubles nothing.
//! A rule that fails keeps its place, is reported, and does not hold up the others. Rules that are behind catch up together,
//! a day at a time, so that what happened together is judged together. While lines come faster than they are parsed, rules
//! pause between each other: what came in a burst is stored first.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream;

use super::detector_states::{DetectorStates, RunStates};
use super::rule_query::{AskError, RuleQueries};
use super::{FlushHandle, Incidents, IncidentsError, RuleBook};
use crate::anomaly::SeriesStates;
use crate::clock::{Clock, SECOND_US, Stopwatch, TimestampUs};
use crate::desk::{Desk, DeskError, RuleRun};
use crate::detect::{Rule, Window};
use crate::incident::Feedback;
use crate::query::QueryEngine;
use crate::self_metrics::{FINDINGS, RULE_FAILURES, RULE_RUNS, RULE_SECONDS, TICKETS_OPENED};
use crate::shutdown::Shutdown;
use crate::store::Finding;

/// Rules that run at the same time: while one is planned another reads.
const RULES_AT_ONCE: usize = 2;

/// While lines come faster than they are parsed, each rule is followed by a pause of this many times its own duration: two
/// at a time, rules then take no more than a quarter of one core, and what comes in a burst is stored first.
const PAUSE_FACTOR: u32 = 7;

/// How long a round gives way to ingest in this manner. Findings of a flood that does not end are late by no more.
const GIVE_WAY_FOR: Duration = Duration::from_secs(60);

/// How often it is looked whether ingest has caught up.
const GIVE_WAY_STEP: Duration = Duration::from_millis(20);

/// Longest sleep, so that rules added to the folder are not waited for forever and the clock may jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Pause of a failed rule: the next run would most likely fail alike.
const FAILURE_PAUSE_US: i64 = 30 * SECOND_US;

/// Held findings that are asked about when a maintenance window ends; each costs a query. The rest is taken to go on.
const ASKED_AT_END: usize = 500;

/// What the analysis works with.
#[derive(Debug, Clone)]
pub struct AnalysisParts {
    /// The rules.
    pub rules: Arc<RuleBook>,
    /// The query gate.
    pub queries: Arc<QueryEngine>,
    /// Where rules note how far they have read.
    pub desk: Desk,
    /// Where findings go.
    pub incidents: Arc<Incidents>,
    /// Commits fresh rows.
    pub flush: FlushHandle,
    /// Time.
    pub clock: Clock,
}

/// The scheduler of the rules.
#[derive(Debug)]
pub struct Analysis {
    book: Arc<RuleBook>,
    queries: RuleQueries,
    desk: Desk,
    incidents: Arc<Incidents>,
    flush: FlushHandle,
    clock: Clock,
    states: Arc<DetectorStates>,
    /// End of the last window that this process judged, by rule. What a crash forgets is judged again.
    judged_us: Mutex<HashMap<String, TimestampUs>>,
}

/// A rule and what it is to judge now.
struct Due {
    rule: Arc<Rule>,
    window: Window,
    /// Bins that end here or before were judged by an earlier run, or are only learned from.
    told_until_us: TimestampUs,
    /// The rule's detectors begin anew.
    anew: bool,
}

/// How far a rule is.
struct Progress {
    /// Everything before is judged for good; `None` before the first run.
    settled_us: Option<TimestampUs>,
    /// Up to where its findings were told.
    told_until_us: TimestampUs,
    anew: bool,
}

/// What a run brought.
struct Found {
    findings: Vec<Finding>,
    rows: u64,
    states: Option<Arc<RunStates>>,
}

/// Why a run gave nothing.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Incidents(#[from] IncidentsError),
    #[error(transparent)]
    Desk(#[from] DeskError),
    #[error("the rows could not be committed before the evidence was taken: {0}")]
    Flush(String),
}

impl Analysis {
    /// A scheduler of the book's rules, whose detectors are kept in files of `states_dir`.
    pub fn new(parts: AnalysisParts, states_dir: Option<PathBuf>) -> Self {
        let AnalysisParts { rules, queries, desk, incidents, flush, clock } = parts;
        let states = Arc::new(DetectorStates::new(states_dir));
        Self { book: rules, queries: RuleQueries { engine: queries }, desk, incidents, flush, clock, states, judged_us: Mutex::default() }
    }

    /// Runs until the sources stop.
    pub async fn run(self, shutdown: Shutdown) {
        loop {
            let next_due_us = tokio::select! {
                due = self.run_due() => due,
                () = shutdown.sources_stopping() => break,
            };
            let wait_us = u64::try_from(next_due_us - self.clock.now_us()).unwrap_or(0);
            let wait = Duration::from_micros(wait_us).clamp(Duration::from_millis(100), LONGEST_SLEEP);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = shutdown.sources_stopping() => break,
            }
        }
        self.save(true).await;
    }

    /// Writes the states of detectors, on a thread that may wait for the disk.
    async fn save(&self, all: bool) {
        let states = self.states.clone();
        if tokio::task::spawn_blocking(move || states.save(all)).await.is_err() {
            tracing::warn!("the states of detectors were not saved");
        }
    }

    /// One round; gives the moment when the next is due, which has passed while there is a past to catch up with.
    pub async fn run_due(&self) -> TimestampUs {
        let now_us = self.clock.now_us();
        let (due, mut next_due_us) = self.due(now_us).await;
        let feedback = self.incidents.feedback().await.unwrap_or_else(|error| {
            tracing::error!(%error, "what people said of findings cannot be read; the thresholds are the rules' own");
            Feedback::default()
        });
        let round = Stopwatch::start();
        let runs = stream::iter(due).map(|due| self.judge(due, now_us, &feedback, &round)).buffer_unordered(RULES_AT_ONCE);
        let mut good = Vec::new();
        for (due, seconds, result) in runs.collect::<Vec<_>>().await {
            let duration_us = i64::try_from(seconds.as_micros()).unwrap_or(i64::MAX);
            match result {
                Ok(found) => {
                    next_due_us = next_due_us.min(due.rule.due_at_us(Some(due.window.end_us), now_us));
                    good.push((due, duration_us, found));
                }
                Err(error) => {
                    self.fail(&due.rule.name, &error, duration_us).await;
                    next_due_us = next_due_us.min(now_us + FAILURE_PAUSE_US);
                }
            }
        }
        match self.record(good, now_us).await {
            Ok(()) => {
                self.save(false).await;
                next_due_us
            }
            Err(error) => {
                tracing::error!(%error, "what the rules found cannot be recorded; they are run again in seconds");
                now_us + FAILURE_PAUSE_US
            }
        }
    }

    /// How far the rule that is furthest behind has to go; `None` when every bin that is over is judged.
    pub async fn furthest_behind_us(&self) -> Option<TimestampUs> {
        let now_us = self.clock.now_us();
        self.due(now_us).await.0.iter().map(|due| now_us - due.window.start_us).max()
    }

    /// The rules that are due, with their windows, none of them reaching further than the one that is furthest behind can go
    /// in one run; and the moment when one of the others will be.
    async fn due(&self, now_us: TimestampUs) -> (Vec<Due>, TimestampUs) {
        let (mut due, mut next_due_us) = (Vec::new(), TimestampUs::MAX);
        for rule in &self.book.refresh().read {
            match self.next(rule, now_us).await {
                Ok(next) => due.push(next),
                Err(at_us) => next_due_us = next_due_us.min(at_us),
            }
        }
        // A rule that only learns from the past holds nobody back, nor does one with a bin of a week, which is always a week
        // behind when it is due: it goes as far as it can in one run.
        let horizon_us = due.iter().map(|due| due.rule.longest_end_us(due.window.start_us.max(due.told_until_us))).min().unwrap_or(now_us);
        let all = due.len();
        let within = |due: Due| due.rule.cut(&due.window, horizon_us).map(|window| Due { window, ..due });
        let due: Vec<Due> = due.into_iter().filter_map(within).collect();
        // Who has to wait for the others waits no longer than their run.
        let next_due_us = if due.len() < all { now_us } else { next_due_us };
        (due, next_due_us)
    }

    /// What the rule has to judge, or when it will have something.
    async fn next(&self, rule: &Arc<Rule>, now_us: TimestampUs) -> Result<Due, TimestampUs> {
        let watermark_us = match self.desk.rule_state(&rule.name).await {
            Ok(Some(state)) if state.last_error.is_some() && now_us < state.last_run_at_us + FAILURE_PAUSE_US => {
                return Err(state.last_run_at_us + FAILURE_PAUSE_US);
            }
            Ok(state) => state.and_then(|state| state.watermark_us),
            Err(error) => {
                tracing::warn!(rule = rule.name, %error, "the state of a rule cannot be read");
                return Err(now_us + FAILURE_PAUSE_US);
            }
        };
        let Progress { settled_us, told_until_us, anew } = self.progress(rule, watermark_us, now_us);
        let judged_us = self.judged_us.lock().unwrap_or_else(PoisonError::into_inner).get(&rule.name).copied().filter(|_| !anew);
        match rule.next_window(settled_us, judged_us, now_us) {
            Some(window) => Ok(Due { rule: Arc::clone(rule), window, told_until_us, anew }),
            None => Err(rule.due_at_us(judged_us.max(settled_us), now_us)),
        }
    }

    /// Where a rule goes on: at its watermark, or, where its detectors are behind or have nothing learned yet, before it.
    fn progress(&self, rule: &Rule, watermark_us: Option<TimestampUs>, now_us: TimestampUs) -> Progress {
        let newest_us = rule.schedule.latest(now_us - rule.delay_us);
        let told_until_us = watermark_us.unwrap_or_else(|| rule.schedule.latest(newest_us - 1));
        if rule.learn_us == 0 {
            return Progress { settled_us: watermark_us, told_until_us, anew: false };
        }
        match self.states.until_us(rule) {
            Some(until_us) if watermark_us.is_some_and(|at_us| until_us <= at_us) => {
                Progress { settled_us: Some(until_us), told_until_us, anew: false }
            }
            // Nothing is learned, or the rule was sent back.
            _ => {
                let from_us = rule.schedule.latest(now_us - rule.learn_us).min(told_until_us);
                Progress { settled_us: Some(from_us), told_until_us, anew: true }
            }
        }
    }

    async fn judge(
        &self,
        due: Due,
        now_us: TimestampUs,
        feedback: &Feedback,
        round: &Stopwatch,
    ) -> (Due, Duration, Result<Found, RunError>) {
        let started = Stopwatch::start();
        let result = self.find(&due, now_us, feedback).await;
        let duration = started.elapsed();
        RULE_RUNS.add(1);
        RULE_SECONDS.record(duration);
        self.give_way(duration, round).await;
        (due, duration, result)
    }

    /// A pause after a rule that took `duration`, while ingest is behind.
    async fn give_way(&self, duration: Duration, round: &Stopwatch) {
        let pause = Stopwatch::start();
        while self.flush.ingest_is_behind() && pause.elapsed() < duration * PAUSE_FACTOR && round.elapsed() < GIVE_WAY_FOR {
            tokio::time::sleep(GIVE_WAY_STEP).await;
        }
    }

    async fn find(&self, due: &Due, now_us: TimestampUs, feedback: &Feedback) -> Result<Found, RunError> {
        let settled_us = due.rule.settled_us(&due.window, now_us);
        let states = (due.rule.learn_us > 0).then(|| self.states.begin(&due.rule, due.anew, settled_us));
        let of_series = states.clone().map(|states| states as Arc<dyn SeriesStates>);
        let (mut findings, rows) = self.queries.findings(&due.rule, &due.window, of_series, feedback).await?;
        findings.retain(|finding| finding.window_end_us > due.told_until_us);
        // Young bins are judged again and again for late lines: what is recorded needs no second commit and no second look
        // for its lines, which cost more than the judgement itself.
        let (mut findings, _) = self.desk.without_recorded(findings).await?;
        if !findings.is_empty() {
            // Evidence names Delta versions, so what it rests on must be in one.
            self.flush.flush().await.map_err(RunError::Flush)?;
            self.queries.add_evidence(&due.rule, &mut findings).await?;
        }
        Ok(Found { findings, rows, states })
    }

    async fn record(&self, good: Vec<(Due, i64, Found)>, now_us: TimestampUs) -> Result<(), RunError> {
        let Some(until_us) = good.iter().map(|(due, _, _)| due.window.end_us).max() else { return Ok(()) };
        let (mut findings, mut runs, mut ran) = (Vec::new(), Vec::new(), Vec::new());
        for (due, duration_us, found) in good {
            findings.extend(found.findings);
            let settled_us = due.rule.settled_us(&due.window, now_us);
            // While detectors only learn, the watermark stays where it is.
            let watermark_us = settled_us.max(due.told_until_us);
            runs.push(RuleRun { rule: due.rule.name.clone(), watermark_us, duration_us, result_rows: found.rows });
            ran.push((due, found.states, settled_us));
        }
        findings.sort_by_key(|finding| finding.window_end_us);
        let found = findings.len() as u64;
        let over = self.over(until_us).await?;
        let recorded = self.incidents.record(findings, runs, until_us, over).await?;
        FINDINGS.add(found - recorded.duplicates);
        TICKETS_OPENED.add(recorded.opened.len() as u64);
        for number in &recorded.opened {
            tracing::info!(ticket = number, "a ticket was opened");
        }
        let mut judged_us = self.judged_us.lock().unwrap_or_else(PoisonError::into_inner);
        for (due, states, settled_us) in ran {
            if let Some(states) = states {
                self.states.commit(&due.rule, &states, settled_us);
            }
            judged_us.insert(due.rule.name.clone(), due.window.end_us);
        }
        Ok(())
    }

    /// Of what the maintenance windows hold that end now: the fingerprints whose rule says that it is over.
    async fn over(&self, until_us: TimestampUs) -> Result<HashSet<String>, IncidentsError> {
        let rules = self.book.current();
        let mut over = HashSet::new();
        for signal in self.incidents.held_until(until_us).await?.into_iter().take(ASKED_AT_END) {
            let Some(rule) = rules.read.iter().find(|rule| rule.name == signal.rule) else { continue };
            match self.queries.is_over(rule, &signal, until_us).await {
                Ok(is_over) => over.extend(is_over.unwrap_or(false).then_some(signal.fingerprint)),
                Err(error) => {
                    tracing::warn!(rule = rule.name, %error, "whether a held finding is over cannot be told; it is taken to go on")
                }
            }
        }
        Ok(over)
    }

    async fn fail(&self, rule: &str, error: &RunError, duration_us: i64) {
        RULE_FAILURES.add(1);
        tracing::error!(rule, %error, "a rule failed; it is tried again in half a minute");
        if let Err(error) = self.desk.record_rule_failure(rule, &error.to_string(), duration_us).await {
            tracing::warn!(rule, %error, "the failure of a rule cannot be noted");
        }
    }
}
