//! What Prometheus posts to an Alertmanager: Watchroom can stand in its place.
//!
//! Source: Alertmanager's OpenAPI document, `POST /api/v2/alerts` (`postableAlerts`), and the Prometheus documentation, "Alerts
//! API". Prometheus sends each firing alert again every minute or so with an end some minutes ahead: if it stops, the alert is
//! over at that end. An alert that ended is sent for some minutes with its end in the past.

use super::alertmanager_alert::{Course, RawAlert, Span};
use super::alertmanager_webhook::collect;
use super::error::check_size;
use super::json_field::Items;
use super::{Action, AlertError, MAX_BODY_BYTES, Received};
use crate::clock::{SECOND_US, TimestampUs};

const WANTED: &str = "a list of alerts as for Alertmanager's POST /api/v2/alerts";

/// When an alert without an end counts as over: Alertmanager's `resolve_timeout`, by default 5 minutes.
pub const RESOLVE_TIMEOUT_US: i64 = 300 * SECOND_US;

/// Reads the body of `POST /api/v2/alerts`: a JSON list of at most [`MAX_BODY_BYTES`].
///
/// An end that has passed resolves; an end ahead triggers and is [`super::Alert::expires_at_us`]; without an end the alert
/// expires [`RESOLVE_TIMEOUT_US`] from now. Errors: the body is too large, or is no JSON list of objects. What is wrong with a
/// single alert stands in [`Received::refused`].
pub fn parse_alertmanager_alerts(body: &[u8], now_us: TimestampUs) -> Result<Received, AlertError> {
    check_size(body, MAX_BODY_BYTES)?;
    let alerts: Items<RawAlert> = serde_json::from_slice(body).map_err(|error| AlertError::shape(WANTED, &error))?;
    Ok(collect(alerts, "alerts", |alert, path| alert.read(path, now_us, |span| course(span, now_us))))
}

fn course(span: Span, now_us: TimestampUs) -> Course {
    match span.ends_at_us {
        Some(ends_at_us) if ends_at_us <= now_us => Course { action: Action::Resolve, ended_at_us: Some(ends_at_us), expires_at_us: None },
        end => {
            let expires_at_us = end.unwrap_or(now_us.saturating_add(RESOLVE_TIMEOUT_US));
            Course { action: Action::Trigger, ended_at_us: None, expires_at_us: Some(expires_at_us) }
        }
    }
}
