//! What an Alertmanager sends to a `webhook_configs` receiver, version 4 of it.
//!
//! Source: the Prometheus documentation, "Alerting: Configuration", `<webhook_config>`. A message is a group of alerts, of which
//! some may be firing and others resolved; it comes again after `repeat_interval` as long as one of them fires. Alertmanager
//! sends again after an answer of 5xx and never after one of 4xx.

use serde::Deserialize;

use super::alertmanager_alert::{Course, RawAlert};
use super::error::{MAX_COMPLAINTS, check_size};
use super::json_field::{Field, Items};
use super::{Action, Alert, AlertError, MAX_ALERTS, MAX_BODY_BYTES, Received};
use crate::clock::TimestampUs;
use crate::document::Complaint;

const WANTED: &str = "a message of Alertmanager's webhook (version 4)";

/// Versions that are read: Alertmanager's 4, and Grafana's 1, which has the same fields.
const VERSIONS: [&str; 2] = ["4", "1"];

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawMessage {
    version: Field,
    alerts: Option<Items<RawAlert>>,
    truncated_alerts: u64,
}

/// Reads a message of the webhook: JSON of at most [`MAX_BODY_BYTES`].
///
/// A firing alert triggers, a resolved one resolves. Errors: the message is too large, is no JSON object, has another version,
/// or no list `alerts`. What is wrong with a single alert stands in [`Received::refused`].
pub fn parse_alertmanager_webhook(body: &[u8], now_us: TimestampUs) -> Result<Received, AlertError> {
    check_size(body, MAX_BODY_BYTES)?;
    let message: RawMessage = serde_json::from_slice(body).map_err(|error| AlertError::shape(WANTED, &error))?;
    let invalid = |complaint| AlertError::Invalid { wanted: WANTED, complaints: vec![complaint] };
    let version = message.version.text(|| "version".to_owned()).map_err(invalid)?;
    if !version.as_deref().is_some_and(|version| VERSIONS.contains(&version)) {
        return Err(invalid(Complaint::new("version", "is not \"4\"; send what Alertmanager sends to its `webhook_configs`")));
    }
    let Some(alerts) = message.alerts else {
        return Err(invalid(Complaint::new("alerts", "is missing; send the list of alerts")));
    };
    let mut received = collect(alerts, "alerts", |alert, path| read(alert, path, now_us));
    received.left_out_by_sender = message.truncated_alerts;
    Ok(received)
}

/// Reads a list of alerts, each by itself.
pub(super) fn collect(alerts: Items<RawAlert>, list: &str, read: impl Fn(RawAlert, &str) -> Result<Alert, Complaint>) -> Received {
    let mut received = Received::default();
    let mut refused = 0_usize;
    for (at, alert) in alerts.kept.into_iter().enumerate() {
        match read(alert, &format!("{list}[{at}]")) {
            Ok(alert) => received.alerts.push(alert),
            Err(complaint) => {
                refused += 1;
                if refused <= MAX_COMPLAINTS {
                    received.refused.push(complaint);
                }
            }
        }
    }
    if refused > MAX_COMPLAINTS {
        received.refused.push(Complaint::new(list, format!("has {} more alerts that do not read", refused - MAX_COMPLAINTS)));
    }
    if alerts.beyond > 0 {
        let why = format!("has {} alerts more than the {MAX_ALERTS} that are read at once; set `max_alerts` or group finer", alerts.beyond);
        received.refused.push(Complaint::new(list, why));
    }
    received
}

fn read(mut alert: RawAlert, path: &str, now_us: TimestampUs) -> Result<Alert, Complaint> {
    let field = || format!("{path}.status");
    let status = std::mem::take(&mut alert.status).text(field)?;
    match status.as_deref() {
        Some("firing") => alert.read(path, now_us, |_| Course { action: Action::Trigger, ended_at_us: None, expires_at_us: None }),
        Some("resolved") => alert.read(path, now_us, |span| {
            let ended_at_us = Some(span.ends_at_us.unwrap_or(now_us).min(now_us));
            Course { action: Action::Resolve, ended_at_us, expires_at_us: None }
        }),
        _ => Err(Complaint::new(field(), "is neither `firing` nor `resolved`; send one of these")),
    }
}
