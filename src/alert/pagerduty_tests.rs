//! Events as PagerDuty's clients send them.

use serde_json::{Value, json};

use super::*;
use crate::store::FindingSeverity;

const NOW: i64 = 1_800_000_000_000_000;

/// Every field that the documentation of the API names.
fn trigger() -> Value {
    json!({
        "routing_key": "0123456789abcdef0123456789abcdef",
        "event_action": "trigger",
        "dedup_key": "shop/db01/replication",
        "payload": {
            "summary": "Replication of db01 lags 40 s",
            "source": "db01.example.org:5432",
            "severity": "critical",
            "timestamp": "2015-07-17T08:42:58.315+0000",
            "component": "postgres",
            "group": "shop",
            "class": "replication lag",
            "custom_details": { "lag": 40.5, "database": "orders", "note": "since the upgrade\u{1b}[31m" }
        },
        "client": "Nagios of the data centre",
        "client_url": "https://nagios.example.org/db01",
        "links": [{ "href": "https://wiki.example.org/replication", "text": "Runbook" }, { "href": "" }],
        "images": [{ "src": "https://graphs.example.org/db01.png", "href": "https://graphs.example.org/db01", "alt": "Lag" }]
    })
}

fn read(event: &Value) -> Result<PagerDutyEvent, AlertError> {
    parse_pagerduty_event(event.to_string().as_bytes(), NOW)
}

/// The complaints about a trigger of which one field is changed.
fn complaints(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut event = trigger();
    change(&mut event);
    match read(&event) {
        Err(AlertError::Invalid { complaints, .. }) => complaints.into_iter().map(|complaint| complaint.field).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_trigger_with_everything() {
    let event = read(&trigger()).unwrap();
    assert_eq!(event.routing_key.secret(), "0123456789abcdef0123456789abcdef");
    let alert = event.alert;
    assert_eq!((alert.source, alert.action, alert.dedup_key.as_str()), (PAGERDUTY, Action::Trigger, "shop/db01/replication"));
    assert_eq!(alert.title, "Replication of db01 lags 40 s");
    assert_eq!(alert.severity, FindingSeverity::Critical);
    let entity = json!({ "host": "db01.example.org", "service": "shop", "component": "postgres", "database": "orders" });
    assert_eq!(json!(alert.entity), entity);
    assert_eq!(alert.labels["class"], "replication lag");
    assert_eq!(alert.labels["source"], "db01.example.org:5432");
    let details = "lag: 40.5\ndatabase: orders\nnote: since the upgrade[31m\nclient: Nagios of the data centre\n\
                   Runbook: https://wiki.example.org/replication\nLag: https://graphs.example.org/db01";
    assert_eq!(alert.details, details);
    assert_eq!(alert.link.as_deref(), Some("https://nagios.example.org/db01"));
    assert_eq!(alert.started_at_us, 1_437_122_578_315_000);
    assert_eq!((alert.ended_at_us, alert.expires_at_us), (None, None));
}

#[test]
fn the_least_that_each_action_needs() {
    let payload = json!({ "summary": "s", "source": "h", "severity": "info" });
    let alert = read(&json!({ "routing_key": "k", "event_action": "trigger", "payload": payload })).unwrap().alert;
    assert_eq!((alert.severity, alert.started_at_us), (FindingSeverity::Info, NOW));
    assert_eq!(alert.dedup_key.len(), 32);
    for (word, action, end) in [("acknowledge", Action::Acknowledge, None), ("resolve", Action::Resolve, Some(NOW))] {
        let event = json!({ "routing_key": "k", "event_action": word, "dedup_key": "d" });
        let alert = read(&event).unwrap().alert;
        assert_eq!((alert.action, alert.dedup_key.as_str(), alert.ended_at_us), (action, "d", end));
        let event = json!({ "routing_key": "k", "event_action": word });
        assert!(read(&event).unwrap_err().to_string().contains("`dedup_key`: is missing"));
    }
}

#[test]
fn a_key_that_was_given_depends_on_what_was_said_and_when_and_not_on_the_secret() {
    let key = |routing_key: &str, summary: &str, now_us: i64| {
        let payload = json!({ "summary": summary, "source": "h", "severity": "info" });
        let event = json!({ "routing_key": routing_key, "event_action": "trigger", "payload": payload });
        parse_pagerduty_event(event.to_string().as_bytes(), now_us).unwrap().alert.dedup_key
    };
    assert_eq!(key("a", "s", 1), key("b", "s", 1));
    assert_ne!(key("a", "s", 1), key("a", "t", 1));
    assert_ne!(key("a", "s", 1), key("a", "s", 2), "each trigger without a key is an alert of its own");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    assert_eq!(complaints(|event| event["routing_key"] = json!("")), ["routing_key"]);
    assert_eq!(complaints(|event| event["routing_key"] = json!(7)), ["routing_key"]);
    assert_eq!(complaints(|event| event["routing_key"] = json!("a\nb")), ["routing_key"]);
    assert_eq!(complaints(|event| event["event_action"] = json!("open")), ["event_action"]);
    assert_eq!(complaints(|event| event["dedup_key"] = json!("x".repeat(256))), ["dedup_key"]);
    assert_eq!(complaints(|event| event["payload"] = Value::Null), ["payload"]);
    assert_eq!(complaints(|event| event["payload"]["summary"] = json!(" \u{1b}")), ["payload.summary"]);
    assert_eq!(complaints(|event| event["payload"]["severity"] = json!("high")), ["payload.severity"]);
    let all = complaints(|event| {
        *event = json!({ "event_action": "trigger", "payload": { "summary": {}, "severity": "urgent" } });
    });
    assert_eq!(all, ["routing_key", "payload.summary", "payload.source", "payload.severity"]);
    assert_eq!(complaints(|event| *event = json!({ "event_action": "resolve" })), ["routing_key", "dedup_key"]);
    assert!(matches!(read(&json!([])), Err(AlertError::Shape { .. } | AlertError::Invalid { .. })));
    assert!(matches!(read(&json!({ "payload": "text" })), Err(AlertError::Shape { .. })));
    let longest = "x".repeat(255);
    let mut event = trigger();
    event["dedup_key"] = json!(longest);
    assert_eq!(read(&event).unwrap().alert.dedup_key, longest);
}

#[test]
fn a_page_comes_through_though_what_is_beside_it_is_odd() {
    let mut event = trigger();
    event["payload"]["summary"] = json!("x".repeat(2_000));
    event["payload"]["timestamp"] = json!("17/07/2015 08:42");
    event["payload"]["custom_details"] = json!(["a", 1]);
    event["payload"]["component"] = json!(7);
    event["client_url"] = json!("javascript:alert(1)");
    let alert = read(&event).unwrap().alert;
    assert_eq!(alert.title.chars().count(), 300);
    assert_eq!(alert.started_at_us, NOW);
    assert!(alert.details.starts_with("[\"a\",1]\n") && alert.details.contains("timestamp: 17/07/2015 08:42"), "{}", alert.details);
    assert_eq!(alert.link.as_deref(), Some("https://wiki.example.org/replication"), "the first link of the web");
    assert!(!alert.entity.contains_key("component"));
}

#[test]
fn the_answers_are_pagerdutys() {
    let taken = serde_json::to_value(PagerDutyAnswer::processed("d")).unwrap();
    assert_eq!(taken, json!({ "status": "success", "message": "Event processed", "dedup_key": "d" }));
    let error = read(&json!({ "routing_key": "k", "event_action": "resolve" })).unwrap_err();
    let refused = serde_json::to_value(PagerDutyAnswer::refused(&error)).unwrap();
    let expected = json!({
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": ["`dedup_key`: is missing; send the key that the trigger had or was given"]
    });
    assert_eq!(refused, expected);
    let no_json = PagerDutyAnswer::refused(&parse_pagerduty_event(b"routing_key=k", NOW).unwrap_err());
    assert_eq!(no_json.errors.len(), 1);
    assert_eq!(PagerDutyAnswer::unknown_routing_key().status, "invalid event");
}

#[test]
fn the_secret_is_not_shown_and_sizes_are_bounded() {
    let event = read(&trigger()).unwrap();
    assert!(!format!("{event:?}").contains("0123456789abcdef"));
    assert!(!serde_json::to_string(&event.alert).unwrap().contains("0123456789abcdef"));
    let error = parse_pagerduty_event(&vec![b'['; MAX_EVENT_BYTES + 1], NOW).unwrap_err();
    assert!(matches!(error, AlertError::TooLarge { .. }));
    let mut event = trigger();
    event["payload"]["custom_details"] =
        (0..5_000).map(|at| (format!("k{at}"), json!("v".repeat(20)))).collect::<serde_json::Map<_, _>>().into();
    let alert = read(&event).unwrap().alert;
    assert!(alert.labels.len() <= MAX_LABELS);
    assert_eq!(alert.details.chars().count(), 16_000);
}
