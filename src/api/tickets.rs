//! `/api/v1/tickets`.

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ApiError, ApiState};
use crate::desk::{Actor, Change, DeskError, Priority, Ticket, TicketDetail, TicketFilter, TicketState};

/// The query of `GET /api/v1/tickets`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    state: Option<TicketState>,
    priority: Option<Priority>,
    /// `true`: only those that somebody still has to do something about.
    open: bool,
    text: Option<String>,
    limit: u32,
    cursor: Option<i64>,
}

/// A page of tickets, newest first.
pub(super) async fn list(
    State(state): State<ApiState>,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query
        .map_err(|error| ApiError::bad_request(error.body_text(), "the parameters are state, priority, open, text, limit and cursor"))?;
    let ListQuery { state: in_state, priority, open, text, limit, cursor } = query;
    let filter = TicketFilter { state: in_state, priority, open_only: open, text, limit, cursor, ..TicketFilter::default() };
    let page = state.desk.list(&filter).await.map_err(desk_error)?;
    Ok(axum::Json(page).into_response())
}

/// A ticket with its incident, as long as that is known.
#[derive(Debug, Serialize)]
struct WithIncident {
    #[serde(flatten)]
    detail: TicketDetail,
    incident: Value,
}

/// A ticket with history, evidence and incident; its version is the ETag.
pub(super) async fn get(State(state): State<ApiState>, Path(number): Path<String>) -> Result<Response, ApiError> {
    let detail = state.desk.get(parse_number(&number)?).await.map_err(desk_error)?;
    let incident = match state.incidents.describe(&detail.ticket).await {
        Ok(incident) => incident,
        Err(error) => {
            tracing::warn!(%error, "what is known of a ticket's incident cannot be told");
            Value::Null
        }
    };
    let etag = etag(&detail.ticket);
    Ok(([(header::ETAG, etag)], axum::Json(WithIncident { detail, incident })).into_response())
}

/// Changes a ticket. `If-Match` with the ETag makes the change only if nobody was faster.
pub(super) async fn change(
    State(state): State<ApiState>,
    Extension(actor): Extension<Actor>,
    Path(number): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let change: Change = serde_json::from_slice(&body).map_err(|error| {
        ApiError::bad_request(format!("the body is not a change of a ticket: {error}"), "send JSON such as {\"state\": \"in_progress\"}")
    })?;
    let expected = expected_version(&headers)?;
    let ticket = state.desk.change(parse_number(&number)?, expected, &change, &actor).await.map_err(desk_error)?;
    Ok(([(header::ETAG, etag(&ticket))], axum::Json(ticket)).into_response())
}

pub(super) fn parse_number(text: &str) -> Result<i64, ApiError> {
    let wrong = || ApiError::bad_request(format!("`{text}` is no ticket number"), "ticket numbers are 1, 2, 3, ...");
    text.parse().map_err(|_| wrong())
}

fn etag(ticket: &Ticket) -> String {
    format!("\"{}\"", ticket.version)
}

fn expected_version(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or("").trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.trim_start_matches("W/").trim_matches('"').parse().ok();
    version.map(Some).ok_or_else(|| ApiError::bad_request("If-Match is not an ETag of this ticket", "send the ETag that GET answered"))
}

pub(super) fn desk_error(error: DeskError) -> ApiError {
    let status = desk_status(&error);
    ApiError::new(status, error.to_string(), "")
}

fn desk_status(error: &DeskError) -> StatusCode {
    match error {
        DeskError::NotFound(_) | DeskError::NoFinding(_) | DeskError::NoAttachment { .. } => StatusCode::NOT_FOUND,
        DeskError::IllegalMove { .. } | DeskError::NotOpen { .. } => StatusCode::CONFLICT,
        DeskError::Conflict { .. } => StatusCode::PRECONDITION_FAILED,
        DeskError::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        DeskError::InBulk { error, .. } => desk_status(error),
        DeskError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
