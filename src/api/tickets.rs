//! `/api/v1/tickets`.

use std::collections::BTreeSet;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::store_hint;
use super::request_head::RequestHead;
use super::sessions::parse;
use super::{ApiError, ApiState};
use crate::clock::TimestampUs;
use crate::desk::{Change, DeskError, Event, NewTicket, Priority, Ticket, TicketDetail, TicketFilter, TicketKind, TicketState};

/// Entries of the history in a page if nothing is said.
const USUAL_HISTORY: i64 = 200;

/// The query of `GET /api/v1/tickets`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    kind: Option<TicketKind>,
    state: Option<TicketState>,
    priority: Option<Priority>,
    assignee: Option<String>,
    team: Option<String>,
    service: Option<String>,
    requester: Option<String>,
    host: Option<String>,
    /// `true`: only those that somebody still has to do something about.
    open: bool,
    text: Option<String>,
    updated_since_us: Option<TimestampUs>,
    limit: u32,
    cursor: Option<i64>,
}

/// A page of tickets, newest first. Who only asks sees what they asked for or watch.
pub(super) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|error| {
        let hint = "the parameters are kind, state, priority, assignee, team, service, requester, host, open, text, updated_since_us, limit, cursor";
        ApiError::bad_request(error.body_text(), hint)
    })?;
    let filter = TicketFilter {
        kind: query.kind,
        state: query.state,
        priority: query.priority,
        assignee: query.assignee,
        team: query.team,
        service: query.service,
        requester: query.requester,
        host: query.host,
        open_only: query.open,
        text: query.text,
        updated_since_us: query.updated_since_us,
        visible_to: caller.only_asks().then(|| caller.user.clone().unwrap_or_default()),
        limit: query.limit,
        cursor: query.cursor,
    };
    let page = state.desk.list(&filter).await.map_err(desk_error)?;
    Ok(axum::Json(page).into_response())
}

/// Opens a ticket. With an `Idempotency-Key` that came before, answers with the ticket that was opened then.
pub(super) async fn create(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    head: RequestHead,
    body: Bytes,
) -> Result<Response, ApiError> {
    let mut new: NewTicket = parse(&body, "{\"title\": \"the printer on floor 2 is jammed\", \"kind\": \"incident\"}")?;
    if caller.only_asks() {
        new = asked_by(new, caller.name()?)?;
    }
    check_new(&state, &new)?;
    let (ticket, is_new) = state.desk.create(&new, &caller.actor, head.key(&body)?.as_ref()).await.map_err(desk_error)?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/api/v1/tickets/{}", ticket.number);
    Ok((status, [(header::ETAG, etag(&ticket)), (header::LOCATION, location)], axum::Json(ticket)).into_response())
}

/// Whether people, team and service of a new ticket exist.
pub(super) fn check_new(state: &ApiState, new: &NewTicket) -> Result<(), ApiError> {
    check_user(state, "assignee", new.assignee.as_deref())?;
    new.watchers.iter().try_for_each(|watcher| check_user(state, "watchers", Some(watcher)))?;
    check_place(state, new.team.as_deref(), new.service.as_deref())
}

/// What somebody who only asks may say of a new ticket: how the desk ranks and hands it out is the desk's.
fn asked_by(new: NewTicket, user: &str) -> Result<NewTicket, ApiError> {
    if !matches!(new.kind, TicketKind::Incident | TicketKind::Request) {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "a requester opens incidents and requests", "leave `kind` out, or ask the desk"));
    }
    let requester = Some(user.to_owned());
    Ok(NewTicket { requester, priority: None, impact: None, assignee: None, team: None, watchers: BTreeSet::new(), ..new })
}

/// A ticket with its incident, as long as that is known.
#[derive(Debug, Serialize)]
struct WithIncident {
    #[serde(flatten)]
    detail: TicketDetail,
    incident: Value,
}

/// A ticket with history, evidence and incident; its version is the ETag. Who only asks does not see what is internal.
pub(super) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
) -> Result<Response, ApiError> {
    let mut detail = state.desk.get(parse_number(&number)?).await.map_err(desk_error)?;
    check_sees(&caller, &detail.ticket)?;
    let mut incident = Value::Null;
    if caller.only_asks() {
        detail.history.retain(|event| !event.event.is_internal());
        detail.history.iter_mut().for_each(Event::hide_what_is_internal);
        detail.attachments.retain(|attachment| !attachment.internal);
        detail.links.clear();
        (detail.first_evidence, detail.latest_evidence) = (None, None);
    } else {
        match state.incidents.describe(&detail.ticket).await {
            Ok(known) => incident = known,
            Err(error) => tracing::warn!(%error, "what is known of a ticket's incident cannot be told"),
        }
    }
    let etag = etag(&detail.ticket);
    Ok(([(header::ETAG, etag)], axum::Json(WithIncident { detail, incident })).into_response())
}

/// The query of a page of the history.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HistoryQuery {
    before: Option<i64>,
    limit: Option<i64>,
}

/// A page of the history, oldest first: what happened before the entry of a number. `next` is where the page before it begins.
pub(super) async fn history(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|error| ApiError::bad_request(error.body_text(), "the parameters are before, limit"))?;
    let number = parse_number(&number)?;
    if caller.only_asks() {
        check_sees(&caller, &state.desk.get(number).await.map_err(desk_error)?.ticket)?;
    }
    let mut events = state.desk.history_before(number, query.before, query.limit.unwrap_or(USUAL_HISTORY)).await.map_err(desk_error)?;
    let next = events.first().map(|event| event.seq).filter(|seq| *seq > 1);
    if caller.only_asks() {
        events.retain(|event| !event.event.is_internal());
        events.iter_mut().for_each(Event::hide_what_is_internal);
    }
    Ok(axum::Json(json!({ "history": events, "next": next })).into_response())
}

/// Changes a ticket. `If-Match` with the ETag makes the change only if nobody was faster. Who only asks may comment, confirm
/// that it is resolved, or object.
pub(super) async fn change(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
    headers: HeaderMap,
    head: RequestHead,
    body: Bytes,
) -> Result<Response, ApiError> {
    let change: Change = parse(&body, "{\"state\": \"in_progress\"}")?;
    let number = parse_number(&number)?;
    if caller.only_asks() {
        let ticket = state.desk.get(number).await.map_err(desk_error)?.ticket;
        check_sees(&caller, &ticket)?;
        let allowed = Change { comment: change.comment.clone(), state: change.state, ..Change::default() };
        if change != allowed || change.state.is_some_and(|state| !matches!(state, TicketState::Closed | TicketState::Reopened)) {
            let detail = "a requester may comment, and close or reopen what was resolved";
            return Err(ApiError::new(StatusCode::FORBIDDEN, detail, "send `comment`, or `state` closed or reopened"));
        }
    }
    check_change(&state, &change)?;
    let (expected, key) = (expected_version(&headers)?, head.key(&body)?);
    let ticket = state.desk.change_once(number, expected, &change, &caller.actor, key.as_ref()).await.map_err(desk_error)?;
    Ok(([(header::ETAG, etag(&ticket))], axum::Json(ticket)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bulk {
    numbers: Vec<i64>,
    change: Change,
}

/// Changes several tickets in the same way: all of them or none.
pub(super) async fn bulk(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    head: RequestHead,
    body: Bytes,
) -> Result<Response, ApiError> {
    let Bulk { numbers, change } = parse(&body, "{\"numbers\": [1, 2], \"change\": {\"state\": \"resolved\"}}")?;
    check_change(&state, &change)?;
    let tickets = state.desk.change_all(&numbers, &change, &caller.actor, head.key(&body)?.as_ref()).await.map_err(desk_error)?;
    Ok(axum::Json(json!({ "tickets": tickets })).into_response())
}

/// What one may not see does not exist.
pub(super) fn check_sees(caller: &Caller, ticket: &Ticket) -> Result<(), ApiError> {
    if caller.may_see(ticket) { Ok(()) } else { Err(desk_error(DeskError::NotFound(ticket.number))) }
}

/// Where people are set up, a ticket goes to one of them: a name with a slip in it would be told to nobody.
pub(super) fn check_user(state: &ApiState, field: &str, name: Option<&str>) -> Result<(), ApiError> {
    let setup = state.register.setup();
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(()) };
    // The first administrator alone is no department yet.
    if setup.users.len() < 2 || setup.users.get(name).is_some_and(|user| !user.disabled) {
        return Ok(());
    }
    let hint = "GET /api/v1/setup/user lists the users";
    Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, format!("`{field}`: there is no user `{name}`, or they are disabled"), hint))
}

/// The same for teams and services, where any are set up: nobody is called for one that has a slip in its name.
fn check_place(state: &ApiState, team: Option<&str>, service: Option<&str>) -> Result<(), ApiError> {
    let setup = state.register.setup();
    let (teams, services) = (setup.teams.keys().collect::<BTreeSet<_>>(), setup.services.keys().collect::<BTreeSet<_>>());
    for (kind, name, known) in [("team", team, teams), ("service", service, services)] {
        if let Some(name) = name.filter(|name| !name.is_empty())
            && !known.is_empty()
            && !known.iter().any(|known| *known == name)
        {
            let (why, hint) =
                (format!("`{kind}`: there is no {kind} `{name}`"), format!("GET /api/v1/setup/{kind} lists those that there are"));
            return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, why, hint));
        }
    }
    Ok(())
}

fn check_change(state: &ApiState, change: &Change) -> Result<(), ApiError> {
    check_user(state, "assignee", change.assignee.as_deref())?;
    check_place(state, change.team.as_deref(), change.service.as_deref())
}

pub(super) fn parse_number(text: &str) -> Result<i64, ApiError> {
    let wrong = || ApiError::bad_request(format!("`{text}` is no ticket number"), "ticket numbers are 1, 2, 3, ...");
    text.parse().map_err(|_| wrong())
}

pub(super) fn etag(ticket: &Ticket) -> String {
    format!("\"{}\"", ticket.version)
}

pub(super) fn expected_version(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or("").trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.trim_start_matches("W/").trim_matches('"').parse().ok();
    version.map(Some).ok_or_else(|| ApiError::bad_request("If-Match is not an ETag of this ticket", "send the ETag that GET answered"))
}

pub(super) fn desk_error(error: DeskError) -> ApiError {
    ApiError::new(desk_status(&error), error.to_string(), desk_hint(&error))
}

/// What to do, beyond what the error says itself.
fn desk_hint(error: &DeskError) -> &'static str {
    match error {
        DeskError::NotFound(_) => "look at the number; a ticket that you may not see is answered in the same way",
        DeskError::NoFinding(_) => "POST /api/v1/sql with `SELECT id, ticket, title FROM findings` lists them",
        DeskError::NoAttachment { .. } => "`attachments` of the ticket has each file with its `id`",
        DeskError::IllegalMove { allowed: [], .. } => "POST /api/v1/tickets opens one",
        DeskError::IllegalMove { .. } => "PATCH /api/v1/tickets/NUMBER takes one of these as `state`",
        DeskError::KindStays { .. } => "POST /api/v1/tickets opens a ticket, POST /api/v1/tickets/NUMBER/links links two",
        DeskError::NotOpen { .. } => {
            "PATCH /api/v1/tickets/NUMBER with {\"state\": \"reopened\"} reopens what is resolved; what is closed stays closed"
        }
        DeskError::Conflict { .. } => "GET /api/v1/tickets/NUMBER gives the ETag to send as If-Match",
        DeskError::InBulk { error, .. } => desk_hint(error),
        DeskError::Invalid { field: "Idempotency-Key", .. } => "a new UUID for every request; the same one only for the same request again",
        DeskError::Invalid { .. } => "GET /api/v1/openapi.json says what each field takes",
        DeskError::Store(error) => store_hint(error),
    }
}

fn desk_status(error: &DeskError) -> StatusCode {
    match error {
        DeskError::NotFound(_) | DeskError::NoFinding(_) | DeskError::NoAttachment { .. } => StatusCode::NOT_FOUND,
        DeskError::IllegalMove { .. } | DeskError::NotOpen { .. } | DeskError::KindStays { .. } => StatusCode::CONFLICT,
        DeskError::Conflict { .. } => StatusCode::PRECONDITION_FAILED,
        DeskError::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        DeskError::InBulk { error, .. } => desk_status(error),
        DeskError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
