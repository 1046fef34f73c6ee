//! PagerDuty's Events API v2, `POST /v2/enqueue`: what nearly every program can send.
//!
//! Source: PagerDuty's developer documentation, "Events API v2: Trigger Events", and the PagerDuty Common Event Format for the
//! payload. Strict as the original where it is: `routing_key`, `event_action`, and for a trigger `payload` with `summary`,
//! `source` and `severity`. A summary that is too long is cut here and not refused: the night's page must come through.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::bounded_json::BoundedJson;
use super::entity::entity_of;
use super::error::check_size;
use super::identity::hex_of_half;
use super::json_field::{Field, Items};
use super::label_set::{MAX_LABELS, fit};
use super::moment::read_moment;
use super::pagerduty_details::{RawLink, details};
use super::received::PAGERDUTY;
use super::severity::severity_of;
use super::text::{MAX_TITLE_CHARS, line, link};
use super::{Action, Alert, AlertError};
use crate::clock::TimestampUs;
use crate::document::Complaint;
use crate::store::FindingSeverity;

/// Largest event, as PagerDuty's: 512 KB.
pub const MAX_EVENT_BYTES: usize = 512 << 10;

/// Longest key, as PagerDuty's.
const MAX_KEY_CHARS: usize = 255;

/// Longest routing key: PagerDuty's have 32 characters, and ours may be longer.
const MAX_ROUTING_KEY_CHARS: usize = 128;

/// The four severities of the API.
const SEVERITIES: [&str; 4] = ["critical", "error", "warning", "info"];

const WANTED: &str = "an event for PagerDuty's Events API v2";

/// The secret that says which integration an event is for. It is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct RoutingKey(String);

impl RoutingKey {
    /// The secret itself: 1 to 128 characters, none of them a control character.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RoutingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoutingKey(hidden)")
    }
}

/// An event, and which integration it is for. Who sent it is only known once the routing key has been looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagerDutyEvent {
    /// The secret of the integration.
    pub routing_key: RoutingKey,
    /// What it says.
    pub alert: Alert,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawEvent {
    routing_key: Field,
    event_action: Field,
    dedup_key: Field,
    payload: Option<RawPayload>,
    client: Field,
    client_url: Field,
    links: Items<RawLink>,
    images: Items<RawLink>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawPayload {
    summary: Field,
    source: Field,
    severity: Field,
    timestamp: Field,
    component: Field,
    group: Field,
    class: Field,
    custom_details: BoundedJson,
}

/// Reads an event: JSON of at most [`MAX_EVENT_BYTES`].
///
/// A trigger without `dedup_key` is an alert of its own and gets a key, made from what it says and `now_us`; a message that is
/// the same at another moment gets another. `source` becomes the host, `component` and `group` (as `service`) what else it is
/// about, and texts in `custom_details` go among the labels. A time that does not read is kept in the details. Errors name
/// everything that is wrong; [`super::PagerDutyAnswer`] tells it as PagerDuty does.
pub fn parse_pagerduty_event(body: &[u8], now_us: TimestampUs) -> Result<PagerDutyEvent, AlertError> {
    check_size(body, MAX_EVENT_BYTES)?;
    let event: RawEvent = serde_json::from_slice(body).map_err(|error| AlertError::shape(WANTED, &error))?;
    let mut wrong = Vec::new();
    let read = event.read(now_us, &mut wrong);
    match read {
        Some(event) if wrong.is_empty() => Ok(event),
        _ => Err(AlertError::Invalid { wanted: WANTED, complaints: wrong }),
    }
}

impl RawEvent {
    /// The event; if `None`, what is wrong was added to the list.
    fn read(self, now_us: TimestampUs, wrong: &mut Vec<Complaint>) -> Option<PagerDutyEvent> {
        let routing_key = key(self.routing_key, "routing_key", MAX_ROUTING_KEY_CHARS, wrong);
        if routing_key.is_none() && wrong.is_empty() {
            wrong.push(Complaint::new("routing_key", "is missing; send the key of the integration"));
        }
        let faults = wrong.len();
        let dedup_key = key(self.dedup_key, "dedup_key", MAX_KEY_CHARS, wrong);
        let key_is_wrong = wrong.len() > faults;
        let action = match taken(self.event_action, "event_action", wrong).as_deref() {
            Some("trigger") => Some(Action::Trigger),
            Some("acknowledge") => Some(Action::Acknowledge),
            Some("resolve") => Some(Action::Resolve),
            _ => {
                wrong.push(Complaint::new("event_action", "is none; send `trigger`, `acknowledge` or `resolve`"));
                None
            }
        };
        let alert = match action? {
            Action::Trigger => {
                let Some(payload) = self.payload else {
                    wrong.push(Complaint::new("payload", "is missing; a trigger needs summary, source and severity"));
                    return None;
                };
                let around = Around {
                    client: optional(self.client),
                    client_url: optional(self.client_url),
                    links: self.links.kept.into_iter().chain(self.images.kept).collect(),
                };
                payload.read(dedup_key, &around, now_us, wrong)?
            }
            action => {
                if dedup_key.is_none() && !key_is_wrong {
                    wrong.push(Complaint::new("dedup_key", "is missing; send the key that the trigger had or was given"));
                }
                bare(dedup_key?, action, now_us)
            }
        };
        Some(PagerDutyEvent { routing_key: RoutingKey(routing_key?), alert })
    }
}

/// What stands around the payload.
#[derive(Debug)]
struct Around {
    client: Option<String>,
    client_url: Option<String>,
    links: Vec<RawLink>,
}

impl RawPayload {
    fn read(self, dedup_key: Option<String>, around: &Around, now_us: TimestampUs, wrong: &mut Vec<Complaint>) -> Option<Alert> {
        let faults = wrong.len();
        let summary = needed(self.summary, "payload.summary", wrong);
        let source = needed(self.source, "payload.source", wrong);
        let severity = needed(self.severity, "payload.severity", wrong).map(|word| word.trim().to_ascii_lowercase());
        if severity.as_deref().is_some_and(|word| !SEVERITIES.contains(&word)) {
            wrong.push(Complaint::new("payload.severity", "is not known; send `critical`, `error`, `warning` or `info`"));
        }
        let said_time = optional(self.timestamp);
        let began = said_time.as_deref().map(read_moment);
        let lost_time = said_time.as_deref().filter(|_| began == Some(Err(())));
        let (summary, source, severity) = (summary?, source?, severity?);
        if wrong.len() > faults {
            return None;
        }
        let mut labels = flat(&self.custom_details.0);
        labels.insert("source".to_owned(), source.clone());
        for (name, field) in [("component", self.component), ("group", self.group), ("class", self.class)] {
            labels.extend(optional(field).map(|text| (name.to_owned(), text)));
        }
        let details = details(&self.custom_details.0, &[("client", around.client.as_deref()), ("timestamp", lost_time)], &around.links);
        let first_link = || around.links.iter().filter_map(RawLink::address).find_map(link);
        let made_key = || made_key(&summary, &source, &details, now_us);
        Some(Alert {
            source: PAGERDUTY,
            dedup_key: dedup_key.unwrap_or_else(made_key),
            action: Action::Trigger,
            title: line(&summary, MAX_TITLE_CHARS),
            severity: severity_of(&severity),
            entity: entity(&labels, &source),
            labels: fit(&labels),
            link: around.client_url.as_deref().and_then(link).or_else(first_link),
            started_at_us: began.and_then(Result::ok).flatten().unwrap_or(now_us).min(now_us),
            ended_at_us: None,
            expires_at_us: None,
            details,
        })
    }
}

/// An event that says no more than which alert it is about.
fn bare(dedup_key: String, action: Action, now_us: TimestampUs) -> Alert {
    Alert {
        source: PAGERDUTY,
        dedup_key,
        action,
        title: String::new(),
        severity: FindingSeverity::Medium,
        entity: BTreeMap::new(),
        labels: BTreeMap::new(),
        details: String::new(),
        link: None,
        started_at_us: now_us,
        ended_at_us: (action == Action::Resolve).then_some(now_us),
        expires_at_us: None,
    }
}

/// The source is the host (the format's words: a unique location of the affected system), the group the service; labels of
/// the custom details say the rest.
fn entity(labels: &BTreeMap<String, String>, source: &str) -> BTreeMap<String, String> {
    let mut labels = labels.clone();
    labels.insert("host".to_owned(), source.to_owned());
    if let Some(group) = labels.get("group").cloned() {
        labels.entry("service".to_owned()).or_insert(group);
    }
    entity_of(&labels)
}

/// The texts among the custom details, as labels; room is left for those of the payload.
fn flat(custom: &Value) -> BTreeMap<String, String> {
    let Value::Object(fields) = custom else { return BTreeMap::new() };
    let texts = fields.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    texts.filter(|(name, text)| !name.is_empty() && !text.is_empty()).take(MAX_LABELS - 4).collect()
}

/// The key of a trigger that has none: 32 hexadecimal digits. The routing key is a secret and stays out of it.
fn made_key(summary: &str, source: &str, details: &str, now_us: TimestampUs) -> String {
    let mut hasher = Sha256::new();
    for text in [summary, source, details] {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.update(now_us.to_le_bytes());
    hex_of_half(&hasher.finalize())
}

/// A text or nothing; what is no text is complained of.
fn taken(field: Field, name: &str, wrong: &mut Vec<Complaint>) -> Option<String> {
    match field.text(|| name.to_owned()) {
        Ok(text) => text,
        Err(complaint) => {
            wrong.push(complaint);
            None
        }
    }
}

/// A text that is not blank, or a complaint.
fn needed(field: Field, name: &str, wrong: &mut Vec<Complaint>) -> Option<String> {
    let faults = wrong.len();
    let text = taken(field, name, wrong).filter(|text| !line(text, MAX_TITLE_CHARS).is_empty());
    if text.is_none() && wrong.len() == faults {
        wrong.push(Complaint::new(name, "is missing or blank; send text"));
    }
    text
}

/// A text that nothing depends on: what is no text is left out.
fn optional(field: Field) -> Option<String> {
    match field {
        Field::Text(text) if !text.trim().is_empty() => Some(text),
        _ => None,
    }
}

/// A key: not empty, not too long, without control characters. It is compared and answered as it came, so it is refused and
/// not cut.
fn key(field: Field, name: &str, most: usize, wrong: &mut Vec<Complaint>) -> Option<String> {
    let text = taken(field, name, wrong).filter(|text| !text.is_empty())?;
    if text.chars().nth(most).is_some() {
        wrong.push(Complaint::new(name, format!("is too long; send at most {most} characters")));
        return None;
    }
    if text.chars().any(char::is_control) {
        wrong.push(Complaint::new(name, "has control characters; send printable text"));
        return None;
    }
    Some(text)
}
