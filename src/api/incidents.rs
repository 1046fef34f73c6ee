//! What people say about incidents: two tickets are one, one ticket is two, a finding was noise.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::tickets::{desk_error, parse_number};
use super::{ApiError, ApiState};
use crate::desk::{Actor, Ticket};
use crate::incident::Verdict;
use crate::pipeline::IncidentsError;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Merge {
    ticket: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Split {
    fingerprints: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Judgement {
    verdict: Verdict,
}

/// `POST /api/v1/tickets/{number}/merge`: another ticket is the same trouble.
pub(super) async fn merge(
    State(state): State<ApiState>,
    Extension(actor): Extension<Actor>,
    Path(number): Path<String>,
    body: Bytes,
) -> Result<axum::Json<Ticket>, ApiError> {
    let merge: Merge = read(&body, "{\"ticket\": 12}")?;
    let ticket = state.incidents.merge(parse_number(&number)?, merge.ticket, &actor).await;
    Ok(axum::Json(ticket.map_err(incidents_error)?))
}

/// `POST /api/v1/tickets/{number}/split`: some of its findings are another trouble.
pub(super) async fn split(
    State(state): State<ApiState>,
    Extension(actor): Extension<Actor>,
    Path(number): Path<String>,
    body: Bytes,
) -> Result<axum::Json<Ticket>, ApiError> {
    let split: Split = read(&body, "{\"fingerprints\": [\"23ed144aadcad47aaa5f19a32b8c88dc\"]}")?;
    let ticket = state.incidents.split(parse_number(&number)?, &split.fingerprints, &actor).await;
    Ok(axum::Json(ticket.map_err(incidents_error)?))
}

/// `POST /api/v1/findings/{id}/verdict`: it was noise, or it was right.
pub(super) async fn judge(State(state): State<ApiState>, Path(id): Path<String>, body: Bytes) -> Result<axum::Json<Value>, ApiError> {
    let judgement: Judgement = read(&body, "{\"verdict\": \"noise\"} or {\"verdict\": \"right\"}")?;
    let id = id.parse().map_err(|_| ApiError::bad_request(format!("`{id}` is no finding's number"), "see the column id of `findings`"))?;
    let factor = state.incidents.judge(id, judgement.verdict).await.map_err(incidents_error)?;
    Ok(axum::Json(json!({ "factor": factor.factor, "noise": factor.noise, "right": factor.right, "explanation": factor.explain() })))
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8], example: &str) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!("the body is not what is expected here: {error}"), format!("send JSON such as {example}"))
    })
}

fn incidents_error(error: IncidentsError) -> ApiError {
    let detail = error.to_string();
    let status = match error {
        IncidentsError::Desk(error) => return desk_error(error),
        IncidentsError::Correction(_) => StatusCode::UNPROCESSABLE_ENTITY,
        IncidentsError::NoIncident(_) => StatusCode::CONFLICT,
        IncidentsError::Feedback(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    ApiError::new(status, detail, "")
}
