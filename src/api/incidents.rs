//! What people say about incidents: two tickets are one, one ticket is two, a finding was noise, something was changed.

use std::collections::BTreeSet;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::request_head::RequestHead;
use super::sessions::parse;
use super::tickets::{check_new, desk_error, etag, expected_version, parse_number};
use super::{ApiError, ApiState};
use crate::clock::rfc3339;
use crate::desk::{Actor, Asked, NewTicket, Part};
use crate::incident::{ChangeKind, CorrectionError, Verdict};
use crate::pipeline::IncidentsError;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Merge {
    ticket: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Split {
    /// Findings: what is found of them from now on goes to the new ticket.
    fingerprints: Option<Vec<String>>,
    /// Events of comments that are copied.
    comments: Option<BTreeSet<i64>>,
    /// Files that are copied.
    attachments: Option<BTreeSet<i64>>,
    /// The new ticket, where comments and files are copied.
    ticket: Option<NewTicket>,
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
    headers: HeaderMap,
    head: RequestHead,
    body: Bytes,
) -> Result<Response, ApiError> {
    let merge: Merge = read(&body, "{\"ticket\": 12}")?;
    let (number, expected_version, key) = (parse_number(&number)?, expected_version(&headers)?, head.key(&body)?);
    let asked = Asked { actor: &actor, expected_version, key: key.as_ref() };
    let ticket = state.incidents.merge(number, merge.ticket, &asked).await.map_err(incidents_error)?;
    Ok(([(header::ETAG, etag(&ticket))], axum::Json(ticket)).into_response())
}

/// `POST /api/v1/tickets/{number}/split`: some of its findings, or of what was written and attached, are another trouble.
pub(super) async fn split(
    State(state): State<ApiState>,
    Extension(actor): Extension<Actor>,
    Path(number): Path<String>,
    headers: HeaderMap,
    head: RequestHead,
    body: Bytes,
) -> Result<Response, ApiError> {
    let split: Split = parse(&body, "{\"comments\": [3, 5], \"ticket\": {\"title\": \"the printer is jammed too\"}}")?;
    let (number, expected_version, key) = (parse_number(&number)?, expected_version(&headers)?, head.key(&body)?);
    let asked = Asked { actor: &actor, expected_version, key: key.as_ref() };
    let ticket = match split {
        Split { fingerprints: Some(fingerprints), comments: None, attachments: None, ticket: None } => {
            state.incidents.split(number, &fingerprints, &asked).await.map_err(incidents_error)?
        }
        Split { fingerprints: None, comments, attachments, ticket: Some(ticket) } => {
            check_new(&state, &ticket)?;
            let part = Part { comments: comments.unwrap_or_default(), attachments: attachments.unwrap_or_default(), ticket };
            state.desk.split(number, &part, &asked).await.map_err(desk_error)?
        }
        _ => {
            let detail = "a split names either `fingerprints`, or `ticket` with `comments`, `attachments` or both";
            return Err(ApiError::bad_request(detail, "split findings off first, then what was written about them"));
        }
    };
    Ok(([(header::ETAG, etag(&ticket))], axum::Json(ticket)).into_response())
}

/// `POST /api/v1/findings/{id}/verdict`: it was noise, or it was right.
pub(super) async fn judge(
    State(state): State<ApiState>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<axum::Json<Value>, ApiError> {
    let judgement: Judgement = read(&body, "{\"verdict\": \"noise\"} or {\"verdict\": \"right\"}")?;
    let id = id.parse().map_err(|_| ApiError::bad_request(format!("`{id}` is no finding's number"), "see the column id of `findings`"))?;
    let factor = state.incidents.judge(id, judgement.verdict, &actor).await.map_err(incidents_error)?;
    Ok(axum::Json(json!({ "factor": factor.factor, "noise": factor.noise, "right": factor.right, "explanation": factor.explain() })))
}

/// Longest name of a host or service, and longest title of a change.
const MAX_NAME_CHARS: usize = 300;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    place: String,
    kind: ChangeKind,
    title: String,
    at: Option<jiff::Timestamp>,
}

/// `POST /api/v1/changes`: something was changed, and what breaks there soon after may come of it.
pub(super) async fn note_change(
    State(state): State<ApiState>,
    Extension(actor): Extension<Actor>,
    body: Bytes,
) -> Result<axum::Json<Value>, ApiError> {
    let example = "{\"place\": \"shop\", \"kind\": \"deployment\", \"title\": \"shop 4.2.1\"}";
    let changed: Changed = read(&body, example)?;
    for (field, text) in [("place", &changed.place), ("title", &changed.title)] {
        if text.trim().is_empty() || text.chars().count() > MAX_NAME_CHARS || text.chars().any(char::is_control) {
            let what = format!("`{field}` is empty, has more than {MAX_NAME_CHARS} characters, or has control characters");
            return Err(ApiError::bad_request(what, format!("send JSON such as {example}")));
        }
    }
    let (place, title) = (changed.place.trim().to_owned(), changed.title.trim().to_owned());
    let at_us = changed.at.map(jiff::Timestamp::as_microsecond);
    let change = state.incidents.note_change(at_us, place, changed.kind, title, &actor).await.map_err(incidents_error)?;
    Ok(axum::Json(json!({ "at": rfc3339(change.at_us), "place": change.place, "kind": change.kind, "title": change.title })))
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8], example: &str) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!("the body is not what is expected here: {error}"), format!("send JSON such as {example}"))
    })
}

fn incidents_error(error: IncidentsError) -> ApiError {
    let detail = error.to_string();
    match error {
        IncidentsError::Desk(error) => desk_error(error),
        IncidentsError::Correction(error) => ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail, correction_hint(&error)),
        IncidentsError::NoIncident(_) => {
            let hint = "POST /api/v1/tickets/NUMBER/links links it to another; comments and files can be split off any ticket";
            ApiError::new(StatusCode::CONFLICT, detail, hint)
        }
        IncidentsError::Feedback(_) => ApiError::broke_off(detail),
    }
}

fn correction_hint(error: &CorrectionError) -> &'static str {
    match error {
        CorrectionError::NoSuchIncident(_) => "GET /api/v1/tickets/NUMBER says under `incident` whether it is still known",
        CorrectionError::SameIncident => "both tickets are of one incident; GET /api/v1/tickets/NUMBER shows it under `incident`",
        CorrectionError::NoSuchMember | CorrectionError::NothingLeft => "GET /api/v1/tickets/NUMBER lists them under `incident.members`",
    }
}
