//! Who is on call, whether the plan holds, and the plan as a calendar.

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::page::{Asked, MAX_LISTED, NamesPage, NamesQuery, cut};
use super::sessions::{note, parse};
use super::setup::register_error;
use super::ticket_parts::operations_error;
use super::{ApiError, ApiState};
use crate::clock::{DAY_US, TimestampUs};
use crate::document::excerpt;
use crate::notify::calendar_link::{self, CalendarLink};
use crate::on_call::{Feed, PeriodError, Plan, Rota, Shift, SwapEnd, SwapError, coverage, ical_feed, on_call_at, shifts, swap};
use crate::operations::{LinksOf, Setup, link_generation, revoke_links};
use crate::people::Role;
use crate::store::AuditEntry;

/// The period that is shown if none is asked for.
const USUAL_PERIOD_US: i64 = 28 * DAY_US;

/// Who is on call at this moment: a page of the rotas by name.
pub(super) async fn now(State(state): State<ApiState>, query: Asked<NamesQuery>) -> Result<Response, ApiError> {
    let page = NamesPage::of(query)?;
    let (setup, now_us) = (state.register.setup(), state.clock.now_us());
    let mut rotas: Vec<(&String, &(Rota, Plan))> = setup.rotas.iter().collect();
    let next = page.of_sorted(&mut rotas, |(name, _)| name);
    let rotas: Vec<Value> = rotas
        .into_iter()
        .map(|(name, (_, plan))| {
            let shift = on_call_at(plan, &setup.absences, now_us);
            json!({ "rota": name, "shift": shift.map(|shift| shown(&shift)) })
        })
        .collect();
    Ok(axum::Json(json!({ "at_us": now_us, "rotas": rotas, "next": next })).into_response())
}

fn shown(shift: &Shift) -> Value {
    json!({ "person": shift.person, "from_us": shift.from_us, "to_us": shift.to_us, "reason": shift.reason.to_string() })
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Period {
    from_us: Option<TimestampUs>,
    to_us: Option<TimestampUs>,
    person: Option<String>,
}

impl Period {
    fn bounds(&self, now_us: TimestampUs) -> (TimestampUs, TimestampUs) {
        let from_us = self.from_us.unwrap_or(now_us);
        (from_us, self.to_us.unwrap_or(from_us.saturating_add(USUAL_PERIOD_US)))
    }
}

fn plan_of<'a>(setup: &'a Setup, name: &str) -> Result<&'a (Rota, Plan), ApiError> {
    let missing = || ApiError::new(StatusCode::NOT_FOUND, format!("there is no rota `{name}`"), "GET /api/v1/setup/rota lists them");
    setup.rotas.get(name).ok_or_else(missing)
}

/// The query of a page of shifts.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ShiftsQuery {
    from_us: Option<TimestampUs>,
    to_us: Option<TimestampUs>,
    person: Option<String>,
    /// Only those that begin later than this.
    after: Option<TimestampUs>,
    limit: Option<usize>,
}

/// A page of the shifts of a rota in a period, in order. Nobody's begins when another's does, so its beginning is a place.
pub(super) async fn rota_shifts(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    query: Asked<ShiftsQuery>,
) -> Result<Response, ApiError> {
    let hint = "the parameters are from_us, to_us, person, after, limit";
    let Query(query) = query.map_err(|error| ApiError::bad_request(error.body_text(), hint))?;
    let ShiftsQuery { from_us, to_us, person, after, limit } = query;
    let (from_us, to_us) = Period { from_us, to_us, person: None }.bounds(state.clock.now_us());
    let mut found = shifts_of(&state, name, from_us, to_us).await?;
    let is_wanted = |shift: &Shift| person.as_ref().is_none_or(|person| *person == shift.person);
    found.retain(|shift| is_wanted(shift) && after.is_none_or(|after| shift.from_us > after));
    let next = cut(&mut found, limit.unwrap_or(MAX_LISTED).clamp(1, MAX_LISTED), |last| last.from_us);
    let found: Vec<Value> = found.iter().map(shown).collect();
    Ok(axum::Json(json!({ "shifts": found, "next": next })).into_response())
}

/// Computes shifts. A large plan over a long period takes seconds: not on a thread that serves others.
async fn shifts_of(state: &ApiState, name: String, from_us: TimestampUs, to_us: TimestampUs) -> Result<Vec<Shift>, ApiError> {
    let setup = state.register.setup();
    let computed = tokio::task::spawn_blocking(move || {
        let (_, plan) = plan_of(&setup, &name)?;
        shifts(plan, &setup.absences, from_us, to_us).map_err(|error| period_error(&error))
    });
    computed.await.map_err(|error| ApiError::broke_off(error.to_string()))?
}

/// What to do about a period that is too much for an answer.
const SHORTER_PERIOD: &str = "`from_us` and `to_us` say where it begins and ends, in µs since 1970";

fn period_error(error: &PeriodError) -> ApiError {
    ApiError::bad_request(error.to_string(), SHORTER_PERIOD)
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CoverageQuery {
    from_us: Option<TimestampUs>,
    to_us: Option<TimestampUs>,
    calendar: Option<String>,
}

/// Whether somebody is there around the clock, and who carries how much; with `calendar`, the holidays of another calendar than the rota's.
pub(super) async fn rota_coverage(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    Query(query): Query<CoverageQuery>,
) -> Result<Response, ApiError> {
    let setup = state.register.setup();
    plan_of(&setup, &name)?;
    let CoverageQuery { from_us, to_us, calendar } = query;
    let (from_us, to_us) = Period { from_us, to_us, person: None }.bounds(state.clock.now_us());
    if let Some(calendar) = calendar.as_ref().filter(|name| !setup.written_calendars.contains_key(*name)) {
        let detail = format!("there is no calendar `{}`", excerpt(calendar));
        return Err(ApiError::new(StatusCode::NOT_FOUND, detail, "GET /api/v1/setup/calendar lists them"));
    }
    let looked = tokio::task::spawn_blocking(move || {
        let (rota, plan) = plan_of(&setup, &name)?;
        let wanted = setup.wanted(rota, calendar.as_deref(), from_us, to_us);
        coverage(plan, &setup.absences, &wanted, from_us, to_us).map_err(|error| period_error(&error))
    });
    let found = looked.await.map_err(|error| ApiError::broke_off(error.to_string()))??;
    Ok(axum::Json(found).into_response())
}

/// The shifts as a calendar that people subscribe to.
pub(super) async fn rota_calendar(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    Query(period): Query<Period>,
) -> Result<Response, ApiError> {
    calendar(&state, name, &period).await
}

/// A link to that calendar which needs no login: calendar programs have none. It is good for as long as the user may
/// look, and nobody has revoked it.
pub(super) async fn rota_calendar_link(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    plan_of(&state.register.setup(), &name)?;
    if caller.came_by_token() {
        let detail = "a token makes no link that would outlive it";
        return Err(ApiError::new(StatusCode::FORBIDDEN, detail, "log in, and ask for the link then"));
    }
    let user = caller.name()?;
    note(&state, &caller.actor.name, &caller.actor.origin, "calendar.link", &format!("rota/{name}"), None).await?;
    let generation = link_generation(&state.store, &name, user).await.map_err(operations_error)?;
    let link = CalendarLink { rota: name, person: user.to_owned(), generation };
    let token = calendar_link::sign(&state.link_secret, &link);
    let url = format!("{}/calendar/{token}", state.public_url);
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(json!({ "url": url }))).into_response())
}

/// Ends every such link to a rota, whoever asked for it.
pub(super) async fn revoke_rota_links(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    revoke(&state, &caller, LinksOf::Rota(&name)).await
}

/// Ends every such link that a person asked for: they themselves, or a lead.
pub(super) async fn revoke_person_links(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    if caller.role < Role::Lead && caller.user.as_ref() != Some(&name) {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "a technician revokes their own links", "ask your lead"));
    }
    revoke(&state, &caller, LinksOf::Person(&name)).await
}

/// Also of what is no longer there: a rota or a person of that name that comes back has no links of before.
async fn revoke(state: &ApiState, caller: &Caller, of: LinksOf<'_>) -> Result<Response, ApiError> {
    let Caller { actor, .. } = caller;
    let action = "calendar.revoke";
    let entry = AuditEntry { at_us: state.clock.now_us(), actor: &actor.name, origin: &actor.origin, action, object: "", detail: None };
    revoke_links(&state.store, of, entry).await.map_err(operations_error)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The calendar behind such a link.
pub(super) async fn linked_calendar(
    State(state): State<ApiState>,
    Path(token): Path<String>,
    Query(period): Query<Period>,
) -> Result<Response, ApiError> {
    let hint = "ask for another with POST /api/v1/rotas/NAME/calendar-link";
    let refused = || ApiError::new(StatusCode::NOT_FOUND, "this link is not valid, or no longer", hint);
    let CalendarLink { rota, person, generation } = calendar_link::verify(&state.link_secret, &token).ok_or_else(refused)?;
    let setup = state.register.setup();
    let may_look = setup.users.get(&person).is_some_and(|user| !user.disabled && user.role >= Role::Technician);
    if !may_look || link_generation(&state.store, &rota, &person).await.map_err(operations_error)? != generation {
        return Err(refused());
    }
    calendar(&state, rota, &period).await
}

async fn calendar(state: &ApiState, name: String, period: &Period) -> Result<Response, ApiError> {
    let now_us = state.clock.now_us();
    let (from_us, to_us) = match period.from_us {
        Some(_) => period.bounds(now_us),
        None => (now_us - USUAL_PERIOD_US, now_us + 13 * USUAL_PERIOD_US),
    };
    let found = shifts_of(state, name.clone(), from_us, to_us).await?;
    let feed = Feed { rota: &name, domain: "watchroom", person: period.person.as_deref(), stamp_us: now_us };
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], ical_feed(&found, &feed)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Swap {
    one: End,
    other: End,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    person: String,
    from_us: TimestampUs,
    to_us: TimestampUs,
}

impl From<End> for SwapEnd {
    fn from(end: End) -> Self {
        Self { person: end.person, from_us: end.from_us, to_us: end.to_us }
    }
}

/// Two people swap shifts: both ends are checked, and the rota gets two overrides. A technician swaps their own.
pub(super) async fn rota_swap(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let Swap { one, other } =
        parse(&body, "{\"one\": {\"person\": \"ines\", \"from_us\": 0, \"to_us\": 1}, \"other\": {\"person\": \"omar\", ...}}")?;
    let own = caller.user.as_ref().is_some_and(|user| *user == one.person || *user == other.person);
    if caller.role < Role::Lead && !own {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "a technician swaps their own shifts", "ask your lead"));
    }
    let setup = state.register.setup();
    let (rota, _) = plan_of(&setup, &name)?;
    let document = state.register.get("rota", &name).await.map_err(register_error)?;
    let overrides = swap(rota, &setup.absences, &one.into(), &other.into())
        .map_err(|error| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string(), swap_hint(&error)))?;
    let mut changed = rota.clone();
    changed.overrides.extend(overrides);
    let value = serde_json::to_value(&changed).map_err(|error| ApiError::broke_off(error.to_string()))?;
    let stored = state.register.put("rota", &name, &value, Some(document.version), &caller.actor).await.map_err(register_error)?;
    Ok(axum::Json(stored).into_response())
}

fn swap_hint(error: &SwapError) -> &'static str {
    match error {
        SwapError::Invalid(_) => "GET /api/v1/setup/rota/NAME shows the rota; PUT mends it",
        SwapError::SamePerson(_) => "`one` and `other` say each who gives away what",
        SwapError::Overlap => "PUT /api/v1/setup/rota/NAME takes overrides",
        SwapError::NotOnCall { .. } => "GET /api/v1/rotas/NAME/shifts?person=PERSON lists the shifts of a person",
        SwapError::Away { .. } => "GET /api/v1/setup/user/PERSON says when they are on leave",
        SwapError::Period(_) => SHORTER_PERIOD,
    }
}
