//! `/api/v1/rules`: which rules run, which files do not, and what a rule would have found.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::page::{Asked, NamesPage, NamesQuery};
use super::tickets::desk_error;
use super::{ApiError, ApiState};
use crate::clock::{DAY_US, rfc3339};
use crate::detect::Rule;
use crate::pipeline;

/// A page of the rules by name, each with its header and state, and every file that could not be read with the reason.
pub(super) async fn list(State(state): State<ApiState>, query: Asked<NamesQuery>) -> Result<axum::Json<Value>, ApiError> {
    let page = NamesPage::of(query)?;
    let current = state.rules.current();
    let mut shown: Vec<&Arc<Rule>> = current.read.iter().collect();
    shown.sort_by(|one, other| one.name.cmp(&other.name));
    let next = page.of_sorted(&mut shown, |rule| &rule.name);
    let mut rules = Vec::with_capacity(shown.len());
    for rule in shown {
        let run = state.desk.rule_state(&rule.name).await.map_err(desk_error)?;
        rules.push(json!({
            "name": rule.name, "description": rule.description, "schedule": rule.schedule.to_string(), "severity": rule.severity,
            "entity": rule.entity, "runbook": rule.runbook, "owner": rule.owner, "sql": rule.sql, "state": run,
        }));
    }
    let broken: Vec<_> = current.broken.iter().map(ToString::to_string).collect();
    Ok(axum::Json(json!({ "rules": rules, "broken": broken, "next": next })))
}

/// What is to be tried over the past.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BacktestRequest {
    /// Name of a rule that runs, or of the one in `text`.
    rule: String,
    /// A rule file's text, to try a rule that does not run yet.
    text: Option<String>,
    from: jiff::Timestamp,
    to: jiff::Timestamp,
}

/// Longest past of a back-test.
const LONGEST_BACKTEST_US: i64 = 400 * DAY_US;

/// `POST /api/v1/backtest`: what a rule would have found.
pub(super) async fn backtest(State(state): State<ApiState>, body: Bytes) -> Result<axum::Json<Value>, ApiError> {
    let advice = "send JSON such as {\"rule\": \"error_burst\", \"from\": \"2026-11-01T00:00:00Z\", \"to\": \"2026-11-08T00:00:00Z\"}";
    let request: BacktestRequest = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad_request(format!("the body is not what is expected here: {error}"), advice))?;
    let (from_us, to_us) = (request.from.as_microsecond(), request.to.as_microsecond());
    if from_us >= to_us || to_us - from_us > LONGEST_BACKTEST_US {
        return Err(ApiError::bad_request("the time is empty or over 400 days long", "give `to` after `from`"));
    }
    let current = state.rules.current();
    let rule = match &request.text {
        Some(text) => Arc::new(
            Rule::parse(&format!("{}.sql", request.rule), text)
                .map_err(|error| ApiError::bad_request(error.to_string(), "queries/README.md says how a rule is written"))?,
        ),
        None => current.read.iter().find(|rule| rule.name == request.rule).cloned().ok_or_else(|| {
            ApiError::new(StatusCode::NOT_FOUND, format!("there is no rule `{}`", request.rule), "GET /api/v1/rules lists those that run")
        })?,
    };
    let result = pipeline::backtest(state.queries.clone(), &rule, from_us, to_us).await;
    let result =
        result.map_err(|error| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error, "ask the rule's query by hand to see why"))?;
    let findings: Vec<_> = result
        .findings
        .iter()
        .map(|finding| {
            json!({
                "from": rfc3339(finding.window_start_us), "to": rfc3339(finding.window_end_us), "title": finding.title,
                "entity": finding.entity, "severity": finding.severity, "result": finding.result,
            })
        })
        .collect();
    let weeks = (result.to_us - result.from_us) as f64 / (7 * DAY_US) as f64;
    Ok(axum::Json(json!({
        "rule": result.rule, "description": rule.description, "from": rfc3339(result.from_us), "to": rfc3339(result.to_us),
        "found": result.found, "incidents": result.incidents, "incidents_a_week": result.incidents as f64 / weeks.max(1e-9),
        "by_entity": result.by_entity, "findings": findings,
    })))
}
