//! What other programs report: Alertmanager, Prometheus, PagerDuty's senders, heartbeats.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::json;

use super::caller::Caller;
use super::ticket_parts::operations_error;
use super::{ApiError, ApiState};
use crate::alert::{
    AlertError, MAX_EVENT_BYTES, PagerDutyAnswer, PagerDutyEvent, Received, parse_alertmanager_alerts, parse_alertmanager_webhook,
    parse_pagerduty_event,
};
use crate::clock::{SECOND_US, TimestampUs};
use crate::people::network;
use crate::store::{load_secret, secret_names};

/// Secrets of this beginning are routing keys; what follows names the integration.
pub(super) const ROUTING_KEYS: &str = "routing_key.";

/// Events with a wrong routing key that are looked at in a minute from one address: reading one costs up to half a megabyte
/// of JSON.
const MAX_REFUSED_A_MINUTE: u32 = 60;

/// Addresses whose wrong keys are counted.
const MAX_COUNTED: usize = 10_000;

/// Shortest routing key: what stands in every sender's configuration must not be guessed. PagerDuty's own have 32 characters.
pub(super) const MIN_ROUTING_KEY_CHARS: usize = 20;

/// Alertmanager's webhook, version 4; Grafana's too.
pub(super) async fn alertmanager(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let received = parse_alertmanager_webhook(&body, state.alerts.now_us()).map_err(|error| alert_error(&error))?;
    file(&state, &caller, received).await
}

/// What Prometheus sends to an Alertmanager, whose place this takes.
pub(super) async fn prometheus(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let received = parse_alertmanager_alerts(&body, state.alerts.now_us()).map_err(|error| alert_error(&error))?;
    file(&state, &caller, received).await
}

/// The good ones are filed, also if others are bad: a sender that is told 400 does not send them again.
async fn file(state: &ApiState, caller: &Caller, received: Received) -> Result<Response, ApiError> {
    let filed = state.alerts.file(&received.alerts, "", &caller.actor).await.map_err(operations_error)?;
    if received.left_out_by_sender > 0 {
        tracing::warn!(alerts = received.left_out_by_sender, "Alertmanager left alerts out of its message; raise max_alerts there");
    }
    if received.refused.is_empty() {
        return Ok(axum::Json(filed).into_response());
    }
    let told: Vec<String> = received.refused.iter().map(ToString::to_string).collect();
    let detail = format!("{} alerts were taken, and {} were not: {}", received.alerts.len(), told.len(), told.join("; "));
    Err(ApiError::bad_request(detail, "send the others again when they are mended"))
}

fn alert_error(error: &AlertError) -> ApiError {
    let status = if matches!(error, AlertError::TooLarge { .. }) { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
    let hint = match error {
        AlertError::TooLarge { .. } => "`max_alerts` of the receiver keeps the messages of an Alertmanager small",
        AlertError::Shape { .. } | AlertError::Invalid { .. } => "GET /api/v1/openapi.json has an example of such a message",
    };
    ApiError::new(status, error.to_string(), hint)
}

/// PagerDuty's Events API version 2. The routing key is the login: a secret named `routing_key.NAME`.
pub(super) async fn pagerduty(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let now_us = state.alerts.now_us();
    if state.refused_keys.is_too_much(&caller.actor.origin, now_us) {
        let detail = "too many events with a wrong routing key came from this address";
        let mut refused = ApiError::new(StatusCode::TOO_MANY_REQUESTS, detail, "wait a minute");
        refused.retry_after_s = Some(60);
        return Err(refused);
    }
    let event = match parse_pagerduty_event(&body, now_us) {
        Ok(event) => event,
        Err(error) => {
            let too_large = matches!(error, AlertError::TooLarge { .. });
            let status = if too_large { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
            return Ok((status, axum::Json(PagerDutyAnswer::refused(&error))).into_response());
        }
    };
    let Some(integration) = integration_of(&state, &event).await? else {
        state.refused_keys.count(&caller.actor.origin, now_us);
        return Ok((StatusCode::BAD_REQUEST, axum::Json(PagerDutyAnswer::unknown_routing_key())).into_response());
    };
    let mut actor = caller.actor;
    actor.name = format!("integration {integration}");
    state.alerts.file(std::slice::from_ref(&event.alert), &integration, &actor).await.map_err(operations_error)?;
    Ok((StatusCode::ACCEPTED, axum::Json(PagerDutyAnswer::processed(&event.alert.dedup_key))).into_response())
}

/// The name of the integration that the routing key belongs to. Every key is compared, in a time that says nothing of it.
async fn integration_of(state: &ApiState, event: &PagerDutyEvent) -> Result<Option<String>, ApiError> {
    let unavailable = |error: crate::store::StoreError| ApiError::unavailable(&error);
    let mut read = state.store.read().await.map_err(unavailable)?;
    let mut found = None;
    for (name, _) in secret_names(&mut read, "", i64::MAX).await.map_err(unavailable)? {
        let Some(integration) = name.strip_prefix(ROUTING_KEYS) else { continue };
        let key = load_secret(&mut read, &name).await.map_err(unavailable)?.unwrap_or_default();
        if crate::people::same_secret(&key, event.routing_key.secret()) {
            found = Some(integration.to_owned());
        }
    }
    Ok(found)
}

/// Says that a program still runs.
pub(super) async fn heartbeat(State(state): State<ApiState>, Path(name): Path<String>) -> Result<Response, ApiError> {
    state.alerts.beat(&name).await.map_err(operations_error)?;
    Ok(axum::Json(json!({ "heartbeat": name, "at_us": state.clock.now_us() })).into_response())
}

/// Wrong routing keys of the present minute, by address: who guesses keeps nobody else out.
#[derive(Debug, Default)]
pub struct RefusedKeys(Mutex<(TimestampUs, HashMap<Box<str>, u32>)>);

impl RefusedKeys {
    fn is_too_much(&self, address: &str, now_us: TimestampUs) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_now = kept.0 == now_us.div_euclid(60 * SECOND_US);
        is_now && kept.1.get(&network(address)).is_some_and(|count| *count >= MAX_REFUSED_A_MINUTE)
    }

    fn count(&self, address: &str, now_us: TimestampUs) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now_us.div_euclid(60 * SECOND_US);
        if kept.0 != minute {
            *kept = (minute, HashMap::new());
        }
        let (address, is_full) = (network(address), kept.1.len() >= MAX_COUNTED);
        match kept.1.get_mut(&address) {
            Some(count) => *count = count.saturating_add(1),
            None if !is_full => drop(kept.1.insert(address, 1)),
            None => {}
        }
    }
}

/// Largest body of the routes for alerts.
pub(super) const MAX_ALERT_BYTES: usize = crate::alert::MAX_BODY_BYTES;
const _: () = assert!(MAX_EVENT_BYTES <= MAX_ALERT_BYTES, "an event of PagerDuty fits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_keeps_nobody_else_out() {
        let refused = RefusedKeys::default();
        for _ in 0..MAX_REFUSED_A_MINUTE {
            assert!(!refused.is_too_much("192.0.2.7", 0));
            refused.count("192.0.2.7", 0);
        }
        assert!(refused.is_too_much("192.0.2.7", 59 * SECOND_US));
        assert!(!refused.is_too_much("192.0.2.8", 59 * SECOND_US));
        assert!(!refused.is_too_much("192.0.2.7", 60 * SECOND_US));
    }
}
