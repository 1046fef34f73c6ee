//! Resources, how they stand, and what is proposed about them.

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::inventory::inventory_error;
use super::page::{Asked, NamesPage, NamesQuery, cut};
use super::request_head::RequestHead;
use super::sessions::parse;
use super::tickets::{desk_error, expected_version};
use super::{ApiError, ApiState};
use crate::capacity::Status;
use crate::inventory::Money;
use crate::operations::{
    CapacityError, CombinedDecision, CombinedOrders, Decision, NewCleanUp, NewDelivery, ProposalDetail, ProposalError, ProposalState,
    RepairQuestion, StandingFilter, StandingPlace, ToldOrder, date_of, date_text, proposal_in_short,
};
use crate::people::Role;

/// Resources or proposals of a page, unless the query says.
const USUAL_LIMIT: u32 = 100;

/// The query of `GET /api/v1/capacity`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    kind: Option<String>,
    status: Option<String>,
    host: Option<String>,
    /// Only what must be decided.
    to_order: bool,
    after: Option<String>,
    limit: Option<u32>,
}

/// A page of resources, those to be decided first first.
pub(super) async fn list(State(state): State<ApiState>, query: Result<Query<ListQuery>, QueryRejection>) -> Result<Response, ApiError> {
    let Query(query) =
        query.map_err(|error| ApiError::bad_request(error.body_text(), "the parameters are kind, status, host, to_order, after, limit"))?;
    if let Some(status) = query.status.as_deref().filter(|status| Status::from_word(status).is_none()) {
        return Err(ApiError::bad_request(format!("`{status}` is no status"), "crosses and oversized are; the API document lists all"));
    }
    let limit = query.limit.unwrap_or(USUAL_LIMIT).clamp(1, 1_000);
    let place = |after: String| {
        after
            .parse::<StandingPlace>()
            .map_err(|()| ApiError::bad_request("`after` is no place in this list", "send `next` of the page before"))
    };
    let after = query.after.map(place).transpose()?;
    let filter =
        StandingFilter { kind: query.kind, status: query.status, host: query.host, to_order: query.to_order, after, limit: limit + 1 };
    let mut resources = state.capacity.list(&filter).await.map_err(|error| capacity_error(CapacityError::Store(error)))?;
    let next = cut(&mut resources, limit as usize, |last| last.place().to_string());
    let counts = state.capacity.counts().await.map_err(|error| capacity_error(CapacityError::Store(error)))?;
    let counts: serde_json::Map<String, Value> = counts.into_iter().map(|(status, count)| (status, json!(count))).collect();
    Ok(axum::Json(json!({ "resources": resources, "next": next, "counts": counts })).into_response())
}

/// A resource: how it stands, its days, what it will be, what would have been said before, and the SQL behind it.
pub(super) async fn get(State(state): State<ApiState>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let detail = state.capacity.detail(&id).await.map_err(capacity_error)?;
    let Some(detail) = detail else {
        let what = format!("there is no resource `{id}`");
        return Err(ApiError::new(StatusCode::NOT_FOUND, what, "GET /api/v1/capacity lists those that there are"));
    };
    let standing = &detail.judged.standing;
    let history: Vec<Value> =
        detail.days.iter().map(|day| json!({ "day": date_text(day.day), "value": finite(day.value), "limit": day.limit })).collect();
    let outlook: Vec<Value> = detail.judged.outlook.iter().map(|day| {
        json!({ "day": date_text(standing.last_day + day.ahead as i64), "lower": day.lower, "median": day.median, "upper": day.upper })
    }).collect();
    let first = detail.days.first().map_or(0, |day| day.day);
    let back_test: Vec<Value> = detail
        .judged
        .forecast
        .iter()
        .flat_map(|made| &made.backtest)
        .map(|past| {
            let said_on = first + past.at as i64;
            json!({ "said_on": date_text(said_on), "about": date_text(said_on + past.days as i64), "mean": past.mean, "lower": past.lower,
            "upper": past.upper, "actual": past.actual })
        })
        .collect();
    let question = &detail.question;
    let day = |day: Option<i64>| day.map(|day| date_of(day).to_string());
    let body = json!({
        "resource": standing.resource, "question": question.name, "kind": standing.kind, "name": standing.name,
        "entity": standing.entity.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(), "unit": standing.unit,
        "status": standing.status, "used": standing.used, "limit": standing.limit, "limit_source": standing.limit_source,
        "threshold": standing.threshold, "headroom": standing.headroom, "growth_per_day": standing.growth_per_day,
        "lower": day(standing.lower_day), "median": day(standing.median_day), "upper": day(standing.upper_day),
        "chance": standing.chance, "order_by": day(standing.order_by_day), "needed": standing.needed,
        "fitting_limit": standing.fitting_limit, "why": standing.why, "runbook": question.runbook,
        "history": history, "outlook": outlook, "back_test": back_test,
        "sql": { "days": "SELECT * FROM capacity_days WHERE resource = $resource ORDER BY day", "parameters": { "resource": standing.resource },
            "question": question.day_sql() },
    });
    Ok(axum::Json(body).into_response())
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Takes the days that have ended and judges every resource now.
pub(super) async fn run(State(state): State<ApiState>) -> Result<Response, ApiError> {
    let run = state.capacity.run(&|_, _| {}).await.map_err(capacity_error)?;
    Ok(axum::Json(run).into_response())
}

/// The query of `GET /api/v1/proposals`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ProposalQuery {
    state: Option<String>,
    before: Option<i64>,
    limit: Option<u32>,
}

/// A page of proposals, newest first, in short.
pub(super) async fn proposals(
    State(state): State<ApiState>,
    query: Result<Query<ProposalQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|error| ApiError::bad_request(error.body_text(), "the parameters are state, before, limit"))?;
    let wanted = query.state.as_deref().map(|word| {
        let instead = "open, approved, deferred, rejected, withdrawn and delivered are";
        ProposalState::from_word(word).ok_or_else(|| ApiError::bad_request(format!("`{word}` is no state of a proposal"), instead))
    });
    let limit = query.limit.unwrap_or(USUAL_LIMIT).clamp(1, 99);
    let mut found = state.capacity.proposals().list(wanted.transpose()?, query.before, limit + 1).await.map_err(proposal_error)?;
    let next = cut(&mut found, limit as usize, |last| last.number);
    let short: Vec<Value> = found.iter().map(proposal_in_short).collect();
    Ok(axum::Json(json!({ "proposals": short, "next": next })).into_response())
}

/// A proposal with its options, their arithmetic and its history; its version is the ETag.
pub(super) async fn proposal(State(state): State<ApiState>, Path(number): Path<i64>) -> Result<Response, ApiError> {
    state.capacity.proposals().get(number).await.map(with_etag).map_err(proposal_error)
}

fn with_etag(detail: ProposalDetail) -> Response {
    ([(header::ETAG, format!("\"{}\"", detail.proposal.version))], axum::Json(detail)).into_response()
}

/// Approves, defers or rejects. `If-Match` with the ETag decides only what was read; an approval must have it.
pub(super) async fn decide(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<i64>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let decision: Decision = parse(&body, "{\"decision\": \"approve\", \"option\": 1, \"why\": \"...\"}")?;
    let expected = expected_version(&headers)?;
    let setup = state.register.setup();
    let decided = state.capacity.proposals().decide(number, expected, &decision, (&setup, &caller.actor)).await;
    decided.map(with_etag).map_err(proposal_error)
}

/// Records that what was approved is there.
pub(super) async fn deliver(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<i64>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let delivery: NewDelivery = parse(&body, "{\"delivered_on\": \"2027-01-02\", \"paid_minor\": 250000}")?;
    let expected = expected_version(&headers)?;
    let delivered = state.capacity.proposals().deliver(number, expected, &delivery, &caller.actor).await;
    delivered.map(with_etag).map_err(proposal_error)
}

/// Writes down that somebody has agreed to a clean-up: who looks after the resource, or a lead.
pub(super) async fn agree_clean_up(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<i64>,
    headers: HeaderMap,
    head: RequestHead,
    body: Bytes,
) -> Result<Response, ApiError> {
    let example = "{\"amount\": 2e11, \"what\": \"exports of last year\", \"by_when\": \"2027-01-15\"}";
    let new: NewCleanUp = parse(&body, example)?;
    let (expected, key) = (expected_version(&headers)?, head.key(&body)?);
    check_looks_after(&state, &caller, number).await?;
    let agreed = state.capacity.agree_clean_up(number, expected, &new, (&caller.actor, key.as_ref())).await;
    agreed.map(with_etag).map_err(capacity_error)
}

/// Takes back what was agreed.
pub(super) async fn take_back_clean_up(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<i64>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let expected = expected_version(&headers)?;
    check_looks_after(&state, &caller, number).await?;
    let setup = state.register.setup();
    let taken_back = state.capacity.proposals().take_back_clean_up(number, expected, &setup, &caller.actor).await;
    taken_back.map(with_etag).map_err(proposal_error)
}

/// Whether the caller may say what goes from a proposal's resource.
async fn check_looks_after(state: &ApiState, caller: &Caller, number: i64) -> Result<(), ApiError> {
    let teams = state.capacity.teams_of(number).await.map_err(proposal_error)?;
    let setup = state.register.setup();
    let own = caller.user.as_ref().and_then(|name| setup.users.get(name));
    if caller.role >= Role::Lead || own.is_some_and(|user| user.teams.iter().any(|team| teams.contains(team))) {
        return Ok(());
    }
    let whose = if teams.is_empty() { "no team looks after it".to_owned() } else { teams.into_iter().collect::<Vec<_>>().join(", ") };
    let detail = format!("what goes is said by the team of the resource's service or assets ({whose}), or by a lead");
    Err(ApiError::new(StatusCode::FORBIDDEN, detail, "ask one of them"))
}

/// What to know and to ask in the talk about an offer.
pub(super) async fn sheet(State(state): State<ApiState>, Path((number, offer)): Path<(i64, String)>) -> Result<Response, ApiError> {
    let setup = state.register.setup();
    let sheet = state.capacity.proposals().sheet(number, &offer, &setup).await.map_err(proposal_error)?;
    Ok(axum::Json(sheet).into_response())
}

/// Orders that are cheaper together, of the open proposals, in pages; and those that were approved so, on the first.
pub(super) async fn combined(State(state): State<ApiState>, query: Asked<NamesQuery>) -> Result<Response, ApiError> {
    let page = NamesPage::of(query)?;
    let setup = state.register.setup();
    let CombinedOrders { mut combined, mut approved } = state.capacity.proposals().combined(&setup).await.map_err(proposal_error)?;
    if !page.after.is_empty() {
        let wrong = || ApiError::bad_request("`after` is no place in this list", "send `next` of the page before");
        let (saving, offer) = page.after.split_once(' ').ok_or_else(wrong)?;
        let saving: i64 = saving.parse().map_err(|_| wrong())?;
        // The largest saving first, and of equal ones by the name of the offer.
        combined.retain(|ToldOrder { order, .. }| {
            order.saving_minor < saving || (order.saving_minor == saving && order.offer.as_str() > offer)
        });
        approved.clear();
    }
    let next = cut(&mut combined, page.limit, |last| format!("{} {}", last.order.saving_minor, last.order.offer));
    Ok(axum::Json(json!({ "combined": combined, "approved": approved, "next": next })).into_response())
}

/// Approves, defers or rejects the proposals that an offer would be ordered for together.
pub(super) async fn decide_together(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(offer): Path<String>,
    head: RequestHead,
    body: Bytes,
) -> Result<Response, ApiError> {
    let example = "{\"decision\": \"approve\", \"proposals\": {\"3\": 1, \"4\": 2}, \"digest\": \"...\", \"why\": \"...\"}";
    let decision: CombinedDecision = parse(&body, example)?;
    let (setup, key) = (state.register.setup(), head.key(&body)?);
    let decided = state.capacity.proposals().decide_together(&offer, &decision, &setup, &caller.actor, key.as_ref()).await;
    decided.map(|outcome| axum::Json(outcome).into_response()).map_err(proposal_error)
}

/// What is known of a failure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RepairBody {
    /// What the repair costs.
    repair_cost: Money,
    /// What a further repair costs.
    #[serde(default)]
    mean_repair_cost: Option<Money>,
    /// Days that it takes.
    #[serde(default)]
    downtime_days: u32,
    /// Days on which it failed, this time among them; by its tickets if not given.
    #[serde(default)]
    failures: Option<Vec<Date>>,
    /// What a day without it costs.
    #[serde(default)]
    cost_of_outage_per_day: Option<Money>,
}

/// Whether a failed asset is to be repaired or replaced, with the arithmetic.
pub(super) async fn repair_or_replace(State(state): State<ApiState>, Path(name): Path<String>, body: Bytes) -> Result<Response, ApiError> {
    let body: RepairBody = parse(&body, "{\"repair_cost\": {\"minor\": 45000, \"currency\": \"EUR\"}, \"failures\": [\"2026-11-20\"]}")?;
    if body.failures.as_ref().is_some_and(|failures| failures.len() > 1_000) {
        return Err(ApiError::bad_request("there are more than 1,000 failures", "send those of the last years"));
    }
    let question = RepairQuestion {
        repair_cost: body.repair_cost,
        mean_repair_cost: body.mean_repair_cost,
        downtime_days: body.downtime_days,
        failures: body.failures,
        cost_of_outage_per_day: body.cost_of_outage_per_day,
    };
    let setup = state.register.setup();
    let advice = state.capacity.proposals().repair_or_replace(&name, &question, &setup).await.map_err(proposal_error)?;
    Ok(axum::Json(advice).into_response())
}

pub(super) fn capacity_error(error: CapacityError) -> ApiError {
    match error {
        CapacityError::Proposals(error) => proposal_error(*error),
        CapacityError::Inventory(error) => inventory_error(error),
        CapacityError::Store(error) => ApiError::unavailable(&error),
        error @ CapacityError::NotYet { .. } => ApiError::bad_request(error.to_string(), "ask for an earlier day, or leave `as_of` out"),
        error => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), "the log of the server has more"),
    }
}

pub(super) fn proposal_error(error: ProposalError) -> ApiError {
    let text = error.to_string();
    match error {
        ProposalError::NotFound(_) => ApiError::new(StatusCode::NOT_FOUND, text, "the number stands in the list"),
        ProposalError::Conflict { .. } => ApiError::new(StatusCode::PRECONDITION_FAILED, text, "send the new version as If-Match"),
        ProposalError::NoVersion(_) => ApiError::new(StatusCode::PRECONDITION_REQUIRED, text, "send the ETag of the proposal as If-Match"),
        ProposalError::Refused(_) | ProposalError::Purchase(_) => ApiError::new(StatusCode::CONFLICT, text, "nothing was changed"),
        ProposalError::Inventory(error) => inventory_error(error),
        ProposalError::Desk(error) => desk_error(error),
        ProposalError::Store(error) => capacity_error(CapacityError::Store(error)),
    }
}
