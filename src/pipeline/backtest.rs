//! What a rule would have found: the same query, detectors, thresholds and grouping as live, over a past, into nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::detector_states::DetectorStates;
use super::rule_query::{AskError, RuleQueries};
use crate::anomaly::SeriesStates;
use crate::clock::TimestampUs;
use crate::detect::Rule;
use crate::incident::{Feedback, Grouper, Settings, Signal, Topology};
use crate::query::QueryEngine;
use crate::store::Finding;

/// Findings that a back-test gives back; all are counted.
const MAX_FINDINGS: usize = 5_000;

/// Back-tests at a time: each holds the states of a rule's detectors.
static PLACES: Semaphore = Semaphore::const_new(2);

/// What a rule would have found.
#[derive(Debug, Clone)]
pub struct Backtest {
    /// The rule.
    pub rule: String,
    /// First moment judged.
    pub from_us: TimestampUs,
    /// End of the last bin judged.
    pub to_us: TimestampUs,
    /// Findings, in the order of time, at most 5,000.
    pub findings: Vec<Finding>,
    /// All findings.
    pub found: u64,
    /// Incidents that they would have been.
    pub incidents: u64,
    /// Findings by entity, the most first.
    pub by_entity: Vec<(String, u64)>,
}

/// Runs a rule over the bins from `from_us` to `to_us`. Detectors learn before `from_us` for as long as the rule says.
///
/// # Errors
/// The text for a person, if a query fails.
pub async fn backtest(engine: Arc<QueryEngine>, rule: &Rule, from_us: TimestampUs, to_us: TimestampUs) -> Result<Backtest, String> {
    let _place = PLACES.acquire().await.map_err(|error| error.to_string())?;
    let (from_us, to_us) = (rule.schedule.latest(from_us), rule.schedule.latest(to_us));
    let queries = RuleQueries { engine };
    let states = DetectorStates::new(None);
    let feedback = Feedback::default();
    let mut grouper = Grouper::new(Settings::default(), Topology::default());
    let mut result =
        Backtest { rule: rule.name.clone(), from_us, to_us, findings: Vec::new(), found: 0, incidents: 0, by_entity: Vec::new() };
    let mut entities: BTreeMap<String, u64> = BTreeMap::new();
    let learn_from_us = if rule.learn_us > 0 { rule.schedule.latest(from_us - rule.learn_us) } else { from_us };
    let mut start_us = learn_from_us;
    while start_us < to_us {
        let window = rule.window(start_us, rule.longest_end_us(start_us).min(to_us));
        let run = (rule.learn_us > 0).then(|| states.begin(rule, start_us == learn_from_us, window.end_us));
        let of_series = run.clone().map(|run| run as Arc<dyn SeriesStates>);
        let (findings, _) = queries.findings(rule, &window, of_series, &feedback).await.map_err(|error: AskError| error.to_string())?;
        if let Some(run) = run {
            states.commit(rule, &run, window.end_us);
        }
        for finding in findings.into_iter().filter(|finding| finding.window_start_us >= from_us) {
            grouper.step(finding.window_end_us);
            let cadence_us = finding.window_end_us - finding.window_start_us;
            result.incidents += u64::from(grouper.place(Signal::of_finding(&finding, cadence_us), finding.window_end_us).opened());
            result.found += 1;
            let entity = finding.entity.values().map(String::as_str).collect::<Vec<_>>().join(" ");
            if entities.len() < MAX_FINDINGS || entities.contains_key(&entity) {
                *entities.entry(entity).or_default() += 1;
            }
            if result.findings.len() < MAX_FINDINGS {
                result.findings.push(finding);
            }
        }
        start_us = window.end_us;
    }
    result.by_entity = entities.into_iter().collect();
    result.by_entity.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(result)
}
