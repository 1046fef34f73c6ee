//! `/api/v1/rules`: which rules run, and which files do not.

use axum::extract::State;
use serde_json::{Value, json};

use super::tickets::desk_error;
use super::{ApiError, ApiState};

/// Every rule with its header and state, and every file that could not be read with the reason.
pub(super) async fn list(State(state): State<ApiState>) -> Result<axum::Json<Value>, ApiError> {
    let current = state.rules.current();
    let mut rules = Vec::with_capacity(current.rules.len());
    for rule in &current.rules {
        let run = state.desk.rule_state(&rule.name).await.map_err(desk_error)?;
        rules.push(json!({
            "name": rule.name, "description": rule.description, "schedule": rule.schedule.to_string(), "severity": rule.severity,
            "entity": rule.entity, "runbook": rule.runbook, "owner": rule.owner, "sql": rule.sql, "state": run,
        }));
    }
    let broken: Vec<_> = current.broken.iter().map(ToString::to_string).collect();
    Ok(axum::Json(json!({ "rules": rules, "broken": broken })))
}
