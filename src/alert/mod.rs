//! Alerts from outside, as data: what other programs send becomes an [`Alert`]. Pure.
//!
//! | sender | speaks | read by |
//! |---|---|---|
//! | Alertmanager, Grafana | webhook, version 4 | [`parse_alertmanager_webhook`] |
//! | Prometheus, in place of an Alertmanager | `POST /api/v2/alerts` | [`parse_alertmanager_alerts`] |
//! | whatever can page PagerDuty | Events API v2, `POST /v2/enqueue` | [`parse_pagerduty_event`] |
//! | scripts that report that they still run | a beat | [`heartbeat_alerts`] |
//!
//! An alert is triggered, acknowledged or resolved. Its key says which alert of that sender it is, and [`Alert::problem`] makes
//! of it the fingerprint under which the desk has at most one open ticket.
//!
//! Contract:
//! * Shapes are strict: a field that has to be text is text. Fields that are not known are left alone, since senders add some
//!   with every release.
//! * One bad alert does not take the others with it: [`Received`] has those that read, and what was wrong with the rest.
//!   Alertmanager does not send again what was answered with 400, so refusing all would lose all.
//! * Whatever the bytes are, reading them does not panic. Sizes are limited before anything is parsed, and numbers of alerts,
//!   labels and values while it is: the worst message of 4 MiB was measured at 20 times its size, and most stay far below.
//! * Texts have lost their control characters and marks of reading direction and are cut at the lengths written with
//!   [`Alert`]; keys are made from what was sent, before anything is cut, so that two alerts that differ never become one.
//! * A start is never after `now_us`: a sender's clock that is ahead would make durations below zero.

mod alertmanager_alert;
mod alertmanager_api;
mod alertmanager_webhook;
mod bounded_json;
mod entity;
mod error;
mod heartbeat;
mod heartbeat_watch;
mod identity;
mod json_field;
mod label_set;
mod moment;
mod pagerduty_answer;
mod pagerduty_details;
mod pagerduty_event;
mod received;
mod severity;
mod text;

#[cfg(test)]
mod alertmanager_tests;
#[cfg(test)]
mod heartbeat_tests;
#[cfg(test)]
mod pagerduty_tests;

pub use alertmanager_api::{RESOLVE_TIMEOUT_US, parse_alertmanager_alerts};
pub use alertmanager_webhook::parse_alertmanager_webhook;
pub use entity::entity_of;
pub use error::AlertError;
pub use heartbeat::Heartbeat;
pub use heartbeat_watch::{WatchedHeartbeat, heartbeat_alerts, next_heartbeat_due_us};
pub use identity::{label_fingerprint, label_key};
pub use label_set::MAX_LABELS;
pub use pagerduty_answer::PagerDutyAnswer;
pub use pagerduty_event::{MAX_EVENT_BYTES, PagerDutyEvent, RoutingKey, parse_pagerduty_event};
pub use received::{ALERTMANAGER, Action, Alert, HEARTBEAT, MAX_ALERTS, MAX_BODY_BYTES, PAGERDUTY, Received};
pub use severity::severity_of;
