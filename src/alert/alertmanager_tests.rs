//! Messages as Alertmanager, Grafana and Prometheus send them, and what must not hurt.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::clock::{HOUR_US, SECOND_US, TimestampUs};
use crate::store::FindingSeverity;

fn at(text: &str) -> TimestampUs {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

/// What Prometheus 2.42 posted for a rule of its own, when the alert fired and when it was over.
fn prometheus(ends_at: &str) -> String {
    format!(
        r#"[{{"annotations":{{"description":"It was not reached.","runbook_url":"https://wiki.example.org/down","summary":"Target 127.0.0.1:1 is down"}},"endsAt":"{ends_at}","startsAt":"2026-11-22T15:08:01.730Z","generatorURL":"http://mon01:19090/graph?g0.expr=up+%3D%3D+0+and+on+%28%29+%28vector%28time%28%29%29+%25+60+%3C+30%29\u0026g0.tab=1","labels":{{"alertname":"TargetDown","instance":"127.0.0.1:1","job":"node","severity":"critical","site":"lab"}}}}]"#
    )
}

#[test]
fn prometheus_fires_and_resolves_the_same_alert() {
    let now = at("2026-11-22T15:08:02Z");
    let firing = parse_alertmanager_alerts(prometheus("2026-11-22T15:12:01.730Z").as_bytes(), now).unwrap();
    assert_eq!((firing.alerts.len(), firing.refused.len()), (1, 0));
    let alert = &firing.alerts[0];
    assert_eq!(alert.action, Action::Trigger);
    assert_eq!(alert.title, "Target 127.0.0.1:1 is down");
    assert_eq!(alert.severity, FindingSeverity::Critical);
    assert_eq!(json!(alert.entity), json!({ "host": "127.0.0.1", "service": "node" }));
    assert_eq!(alert.labels["site"], "lab");
    assert_eq!(alert.details, "It was not reached.\nrunbook_url: https://wiki.example.org/down");
    assert!(alert.link.as_ref().unwrap().starts_with("http://mon01:19090/graph?g0.expr=up"));
    assert_eq!(alert.started_at_us, at("2026-11-22T15:08:01.730Z"));
    assert_eq!(alert.expires_at_us, Some(at("2026-11-22T15:12:01.730Z")));
    let over = parse_alertmanager_alerts(prometheus("2026-11-22T15:08:31.730Z").as_bytes(), now + 60 * SECOND_US).unwrap();
    assert_eq!(over.alerts[0].action, Action::Resolve);
    assert_eq!(over.alerts[0].ended_at_us, Some(at("2026-11-22T15:08:31.730Z")));
    assert_eq!(over.alerts[0].expires_at_us, None);
    assert_eq!(over.alerts[0].dedup_key, alert.dedup_key);
    assert_eq!(over.alerts[0].problem(""), alert.problem(""));
}

/// A group of a firing and a resolved alert, shaped as Alertmanager's documentation shows it.
fn webhook() -> Value {
    json!({
        "version": "4",
        "groupKey": "{}:{alertname=\"DiskFull\"}",
        "truncatedAlerts": 3,
        "status": "firing",
        "receiver": "watchroom",
        "groupLabels": { "alertname": "DiskFull" },
        "commonLabels": { "alertname": "DiskFull" },
        "commonAnnotations": {},
        "externalURL": "http://am01:9093",
        "alerts": [
            {
                "status": "firing",
                "labels": { "alertname": "DiskFull", "instance": "[2001:db8::1]:9100", "mountpoint": "/var", "severity": "warning" },
                "annotations": { "message": "Nearly full.", "dashboard": "https://grafana.example.org/d/1" },
                "startsAt": "2018-08-03T09:52:26.739266876+02:00",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "javascript:alert(1)",
                "fingerprint": ""
            },
            {
                "status": "resolved",
                "labels": { "alertname": "DiskFull", "instance": "db01:9100", "mountpoint": "/" },
                "annotations": {},
                "startsAt": "2018-08-03T09:52:26Z",
                "endsAt": "2018-08-03T10:02:26Z",
                "generatorURL": "https://prometheus.example.org/graph"
            }
        ]
    })
}

fn read(message: &Value, now_us: TimestampUs) -> Received {
    parse_alertmanager_webhook(message.to_string().as_bytes(), now_us).unwrap()
}

#[test]
fn a_group_of_the_webhook_is_read_alert_by_alert() {
    let received = read(&webhook(), at("2018-08-03T11:00:00Z"));
    assert_eq!((received.alerts.len(), received.refused.len(), received.left_out_by_sender), (2, 0, 3));
    let [firing, resolved] = &received.alerts[..] else { panic!() };
    assert_eq!((firing.action, resolved.action), (Action::Trigger, Action::Resolve));
    assert_eq!(firing.title, "DiskFull on 2001:db8::1");
    assert_eq!(firing.details, "Nearly full.\ndashboard: https://grafana.example.org/d/1");
    assert_eq!(json!(firing.entity), json!({ "host": "2001:db8::1", "mountpoint": "/var" }));
    assert_eq!(firing.severity, FindingSeverity::Medium);
    assert_eq!(firing.link, None, "no link of the web");
    assert_eq!(firing.started_at_us, at("2018-08-03T07:52:26.739266Z"));
    assert_eq!((firing.ended_at_us, firing.expires_at_us), (None, None));
    assert_eq!(resolved.ended_at_us, Some(at("2018-08-03T10:02:26Z")));
    assert_eq!(resolved.link.as_deref(), Some("https://prometheus.example.org/graph"));
    assert_ne!(firing.dedup_key, resolved.dedup_key);
}

#[test]
fn both_ways_give_the_same_alert_the_same_key() {
    let labels = json!({ "alertname": "TargetDown", "instance": "127.0.0.1:1", "job": "node", "severity": "critical", "site": "lab" });
    let own = format!("{:016x}", label_fingerprint(&serde_json::from_value(labels.clone()).unwrap()));
    let alert = |fingerprint: &str| json!({ "status": "firing", "labels": labels, "fingerprint": fingerprint });
    let message = json!({ "version": "4", "alerts": [alert(&own), alert("ffffffffffffffff")] });
    let by_webhook = read(&message, 0).alerts;
    let by_api = parse_alertmanager_alerts(prometheus("2026-11-22T15:12:01Z").as_bytes(), 0).unwrap().alerts;
    assert_eq!(by_webhook[0].problem("x"), by_api[0].problem("x"));
    assert_ne!(by_webhook[1].dedup_key, by_webhook[0].dedup_key, "a fingerprint that says more than the labels counts");
}

#[test]
fn one_bad_alert_does_not_take_the_others_with_it() {
    let mut message = webhook();
    let good = message["alerts"][0].clone();
    let bad = |field: &str, value: Value| {
        let mut alert = good.clone();
        alert[field] = value;
        alert
    };
    message["alerts"] = json!([
        bad("status", json!("suppressed")),
        bad("labels", json!({ "alertname": "" })),
        bad("labels", json!({ "alertname": 7 })),
        bad("labels", json!("alertname=x")),
        bad("annotations", json!({ "summary": ["a"] })),
        bad("startsAt", json!("yesterday")),
        bad("startsAt", json!(1_533_282_746)),
        good,
        bad("endsAt", json!("2018-01-01T00:00:00Z")),
        bad("status", Value::Null),
        bad("generatorURL", json!({})),
    ]);
    let received = read(&message, at("2018-08-03T11:00:00Z"));
    assert_eq!(received.alerts.len(), 1);
    let fields: Vec<&str> = received.refused.iter().map(|complaint| complaint.field.as_str()).collect();
    let expected = [
        "alerts[0].status",
        "alerts[1].labels",
        "alerts[2].labels.alertname",
        "alerts[3].labels",
        "alerts[4].annotations.summary",
        "alerts[5].startsAt",
        "alerts[6].startsAt",
        "alerts[8].endsAt",
        "alerts[9].status",
        "alerts[10].generatorURL",
    ];
    assert_eq!(fields, expected);
    assert_eq!(received.refused[2].to_string(), "`alerts[2].labels.alertname`: is a number; send text");
}

#[test]
fn a_message_of_another_shape_is_refused_and_told_what_to_send() {
    let refused = |body: &str| parse_alertmanager_webhook(body.as_bytes(), 0).unwrap_err().to_string();
    for (body, told) in [
        ("", "EOF"),
        ("{", "EOF"),
        ("7", "invalid type"),
        ("\u{0}", "line 1 column 1"),
        (r#"{"version":"3","alerts":[]}"#, "send what Alertmanager sends"),
        (r#"{"alerts":[]}"#, "`version`: is not \"4\""),
        (r#"{"version":4,"alerts":[]}"#, "`version`: is a number; send text"),
        (r#"{"version":"4"}"#, "`alerts`: is missing"),
        (r#"{"version":"4","alerts":{}}"#, "a list"),
        (r#"{"version":"4","alerts":[7]}"#, "invalid type"),
    ] {
        let error = refused(body);
        assert!(error.contains(told) && error.contains("webhook"), "{body}: {error}");
    }
    let error = parse_alertmanager_alerts(br#"{"labels":{}}"#, 0).unwrap_err().to_string();
    assert!(error.contains("POST /api/v2/alerts"), "{error}");
    assert!(parse_alertmanager_webhook(b"\xff\xfe{}", 0).is_err(), "bytes that are no UTF-8");
    assert!(parse_alertmanager_webhook(br#"{"version":"4","alerts":[{"status":"firing","labels":{"a":"\xff"}}]}"#, 0).is_err());
}

#[test]
fn grafanas_version_reads_too() {
    let message = json!({ "version": "1", "orgId": 1, "state": "alerting", "alerts": [{ "status": "firing", "labels": { "alertname": "T2" },
        "valueString": "[ metric='' labels={} value=1 ]", "silenceURL": "https://grafana.example.org" }] });
    assert_eq!(read(&message, 5).alerts[0].title, "T2");
}

#[test]
fn times_are_held_to_the_moment_of_receipt() {
    let now = at("2026-01-01T12:00:00Z");
    let alert = |starts: Value, ends: Value| {
        let body = json!([{ "labels": { "alertname": "x" }, "startsAt": starts, "endsAt": ends }]).to_string();
        parse_alertmanager_alerts(body.as_bytes(), now).unwrap().alerts.remove(0)
    };
    let plain = alert(Value::Null, Value::Null);
    assert_eq!((plain.action, plain.started_at_us), (Action::Trigger, now));
    assert_eq!(plain.expires_at_us, Some(now + RESOLVE_TIMEOUT_US));
    let ahead = alert(json!("2026-01-01T13:00:00Z"), json!("2026-01-01T14:00:00Z"));
    assert_eq!((ahead.action, ahead.started_at_us, ahead.expires_at_us), (Action::Trigger, now, Some(now + 2 * HOUR_US)));
    let over = alert(Value::Null, json!("2026-01-01T11:00:00Z"));
    assert_eq!((over.action, over.started_at_us, over.ended_at_us), (Action::Resolve, now - HOUR_US, Some(now - HOUR_US)));
    let edge = alert(Value::Null, json!("2026-01-01T12:00:00Z"));
    assert_eq!(edge.action, Action::Resolve, "an end that is now has come");
}

#[test]
fn what_is_hostile_is_cleaned_and_cut_and_keeps_its_identity() {
    let alert = |tail: &str| {
        let long = format!("{}{tail}", "x".repeat(5_000));
        let body = json!([{ "labels": { "alertname": long, "host": "web\u{1b}[2J01\n", "\u{7}": "bell" },
            "annotations": { "description": "y".repeat(50_000), "summary": "\u{202e}\u{1b}" } }]);
        parse_alertmanager_alerts(body.to_string().as_bytes(), 0).unwrap().alerts.remove(0)
    };
    let (first, second) = (alert("a"), alert("b"));
    assert_eq!(first.title.chars().count(), 300);
    assert_eq!(first.entity["host"], "web[2J01");
    assert_eq!(first.details.chars().count(), 16_000);
    assert_eq!(first.labels["alertname"].chars().count(), 1_024);
    assert_eq!(first.labels.len(), 2, "a name of nothing but control characters is none");
    assert_eq!(first.labels, second.labels, "cut to the same text");
    assert_ne!(first.dedup_key, second.dedup_key, "and still two alerts");
}

#[test]
fn sizes_are_bounded() {
    let error = parse_alertmanager_webhook(&vec![b' '; MAX_BODY_BYTES + 1], 0).unwrap_err();
    assert_eq!(error, AlertError::TooLarge { bytes: MAX_BODY_BYTES + 1, limit: MAX_BODY_BYTES });
    let many = format!("[{}]", vec![r#"{"labels":{"a":"b"}}"#; MAX_ALERTS + 7].join(","));
    let received = parse_alertmanager_alerts(many.as_bytes(), 0).unwrap();
    assert_eq!(received.alerts.len(), MAX_ALERTS);
    assert!(received.refused[0].why.starts_with("has 7 alerts more"), "{:?}", received.refused);
    let bad = format!("[{}]", vec!["{}"; 100].join(","));
    let received = parse_alertmanager_alerts(bad.as_bytes(), 0).unwrap();
    assert_eq!(received.refused.len(), 21, "20 complaints, and one that counts the other 80");
    assert!(received.refused[20].why.contains("80"));
    let wide: serde_json::Map<String, Value> = (0..=MAX_LABELS).map(|at| (format!("l{at}"), json!("v"))).collect();
    let body = json!([{ "labels": wide }, { "labels": { "a": "b" } }]).to_string();
    let received = parse_alertmanager_alerts(body.as_bytes(), 0).unwrap();
    assert_eq!((received.alerts.len(), received.refused[0].field.as_str()), (1, "alerts[0].labels"));
    // A body of brackets is refused by the reader's own limit on depth, not by the stack.
    assert!(parse_alertmanager_alerts("[".repeat(MAX_BODY_BYTES).as_bytes(), 0).is_err());
    let deep = format!(r#"[{{"labels":{{"a":"b"}},"x":{}{}}}]"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(parse_alertmanager_alerts(deep.as_bytes(), 0).unwrap().alerts.len(), 1, "what is not looked at may be deep");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["4", "firing", "resolved", "trigger", "2026-01-01T00:00:00Z", "critical"]).prop_map(Value::from),
    ];
    let keys = vec![
        "version",
        "alerts",
        "labels",
        "annotations",
        "status",
        "startsAt",
        "endsAt",
        "fingerprint",
        "severity",
        "host",
        "payload",
        "summary",
        "source",
        "event_action",
        "routing_key",
        "dedup_key",
        "custom_details",
        "links",
        "href",
        "truncatedAlerts",
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(prop::sample::select(keys.clone()).prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_json_is_too_strange(body in any_json(), now_us in any::<i64>()) {
        let body = body.to_string();
        let _ = parse_alertmanager_webhook(body.as_bytes(), now_us);
        let _ = parse_alertmanager_alerts(body.as_bytes(), now_us);
        let _ = parse_pagerduty_event(body.as_bytes(), now_us);
    }

    #[test]
    fn no_bytes_are_too_strange(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_alertmanager_webhook(&body, 0);
        let _ = parse_alertmanager_alerts(&body, 0);
        let _ = parse_pagerduty_event(&body, 0);
    }

    #[test]
    fn labels_come_through_and_decide_the_key(labels in prop::collection::btree_map("[a-z_]{1,8}", "[ -~]{1,20}", 1..6), extra in "[a-z]{1,5}") {
        let labels: std::collections::BTreeMap<String, String> =
            labels.into_iter().map(|(name, value)| (name, value.trim().to_owned())).filter(|(_, value)| !value.is_empty()).collect();
        prop_assume!(!labels.is_empty());
        let read = |labels: &std::collections::BTreeMap<String, String>| {
            parse_alertmanager_alerts(json!([{ "labels": labels }]).to_string().as_bytes(), 0).unwrap().alerts.remove(0)
        };
        let alert = read(&labels);
        prop_assert_eq!(&alert.labels, &labels);
        prop_assert_eq!(&read(&labels).dedup_key, &alert.dedup_key);
        let mut other = labels;
        other.insert("other!".to_owned(), extra);
        prop_assert_ne!(&read(&other).dedup_key, &alert.dedup_key);
    }

    #[test]
    fn times_never_run_backwards(starts in -10_i64..10, ends in -10_i64..10, resolved in any::<bool>()) {
        let now = at("2026-01-01T12:00:00Z");
        let text = |hours: i64| jiff::Timestamp::from_microsecond(now + hours * HOUR_US).unwrap().to_string();
        let alert = json!({ "status": if resolved { "resolved" } else { "firing" }, "labels": { "a": "b" }, "startsAt": text(starts), "endsAt": text(ends) });
        let webhook = read(&json!({ "version": "4", "alerts": [alert] }), now);
        let api = parse_alertmanager_alerts(json!([alert]).to_string().as_bytes(), now).unwrap();
        prop_assert_eq!(api.alerts.is_empty(), starts > ends);
        for alert in webhook.alerts.iter().chain(&api.alerts) {
            prop_assert!(alert.started_at_us <= now);
            prop_assert_eq!(alert.ended_at_us.is_some(), alert.action == Action::Resolve);
            prop_assert!(alert.ended_at_us.is_none_or(|end| alert.started_at_us <= end && end <= now));
            prop_assert!(alert.expires_at_us.is_none_or(|end| end > now));
        }
    }
}
