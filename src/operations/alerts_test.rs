//! Alerts from outside, and the tickets that they join.

use serde_json::json;

use super::night_test::{EVENING_US, MINUTE_US, admin, night, person, put};
use crate::alert::{Action, parse_alertmanager_alerts, parse_pagerduty_event};
use crate::desk::TicketState;

#[tokio::test]
async fn an_alert_that_ends_and_comes_back_in_one_message_is_not_over() {
    let night = night().await;
    let alerts = night.alerts();
    let alert =
        |ends: &str| json!({ "labels": { "alertname": "Down", "instance": "web01" }, "startsAt": "2026-03-28T21:00:00Z", "endsAt": ends });
    let parse =
        |message: serde_json::Value| parse_alertmanager_alerts(message.to_string().as_bytes(), night.clock.now_us()).unwrap().alerts;
    let firing = parse(json!([alert("2026-03-28T23:00:00Z")]));
    let ended = parse(json!([alert("2026-03-28T21:30:00Z")]));
    assert_eq!((firing[0].action, ended[0].action), (Action::Trigger, Action::Resolve));
    alerts.file(&firing, "", &admin()).await.unwrap();
    night.clock.set(EVENING_US + MINUTE_US);
    let both = [ended[0].clone(), firing[0].clone()];
    alerts.file(&both, "", &admin()).await.unwrap();
    assert_eq!(night.ticket().await.state, TicketState::New);
    night.clock.set(EVENING_US + 2 * MINUTE_US);
    let both = [firing[0].clone(), ended[0].clone()];
    alerts.file(&both, "", &admin()).await.unwrap();
    assert_eq!(night.ticket().await.state, TicketState::Resolved);
}

#[tokio::test]
async fn a_merged_ticket_is_found_however_long_ago_that_was() {
    let night = night().await;
    night.find("web01").await;
    night.find("web02").await;
    night.desk.merge(2, 1, None, &crate::desk::Asked::by(&person("lena"))).await.unwrap();
    let days = 9 * 24 * 60;
    night.clock.set(EVENING_US + days * MINUTE_US);
    night.find("web01").await;
    let merged = night.ticket().await;
    assert_eq!(merged.merged_into, Some(2));
    assert_eq!(night.desk.get(2).await.unwrap().ticket.findings, 2, "it joined the one that is still open");
    assert!(night.desk.get(3).await.is_err());
}

/// What PagerDuty's senders say of a host, once each.
fn event(night: &super::night_test::Night, action: &str, host: &str) -> Vec<crate::alert::Alert> {
    let payload = json!({ "summary": format!("the disk of {host} is full"), "source": host, "severity": "critical" });
    let event = json!({ "routing_key": "k", "event_action": action, "dedup_key": format!("disk {host}"), "payload": payload });
    vec![parse_pagerduty_event(event.to_string().as_bytes(), night.clock.now_us()).unwrap().alert]
}

async fn tickets(night: &super::night_test::Night) -> usize {
    night.desk.list(&crate::desk::TicketFilter::default()).await.unwrap().tickets.len()
}

/// From a quarter of an hour after the evening on, for an hour.
fn hour() -> serde_json::Value {
    json!([{ "from": "2026-03-28T22:15:00Z", "until": "2026-03-28T23:15:00Z" }])
}

#[tokio::test]
async fn what_is_sent_once_in_a_maintenance_window_is_told_at_its_end_if_it_is_not_over() {
    let mut night = night().await;
    // By service: the department says that `shop` runs on `web*`.
    put(&night, "maintenance", "patches", json!({ "services": ["shop"], "at": hour() })).await;
    night.at(20).await;
    for host in ["web01", "web02", "db01"] {
        let filed = night.alerts().file(&event(&night, "trigger", host), "probe", &admin()).await.unwrap();
        assert_eq!((filed.opened.len(), filed.held), if host == "db01" { (1, 0) } else { (0, 1) }, "{host}");
    }
    night.at(40).await;
    night.alerts().file(&event(&night, "resolve", "web02"), "probe", &admin()).await.unwrap();
    night.at(74).await;
    assert_eq!(tickets(&night).await, 1, "held until the end");
    night.at(75).await;
    assert_eq!(tickets(&night).await, 2, "one is over, one goes on");
    let told = night.desk.get(2).await.unwrap().ticket;
    assert_eq!((told.title.as_str(), told.service.as_deref()), ("the disk of web01 is full", Some("shop")));
    night.at(76).await;
    night.alerts().file(&event(&night, "resolve", "web01"), "probe", &admin()).await.unwrap();
    assert_eq!(night.desk.get(2).await.unwrap().ticket.state, TicketState::Resolved);
    night.at(78).await;
    assert_eq!(tickets(&night).await, 2);
}

#[tokio::test]
async fn a_window_that_is_taken_back_lets_go_and_one_that_is_prolonged_holds_on() {
    let mut night = night().await;
    for (name, host) in [("first", "web01"), ("second", "web02")] {
        put(&night, "maintenance", name, json!({ "hosts": [host], "at": hour() })).await;
    }
    night.at(20).await;
    for host in ["web01", "web02"] {
        night.alerts().file(&event(&night, "trigger", host), "probe", &admin()).await.unwrap();
    }
    night.at(30).await;
    assert_eq!(tickets(&night).await, 0);
    night.register.delete("maintenance", "first", None, &admin()).await.unwrap();
    let longer = json!([{ "from": "2026-03-28T22:15:00Z", "until": "2026-03-29T00:15:00Z" }]);
    put(&night, "maintenance", "second", json!({ "hosts": ["web02"], "at": longer })).await;
    night.at(31).await;
    assert_eq!(tickets(&night).await, 1);
    night.at(134).await;
    assert_eq!(tickets(&night).await, 1, "an hour more");
    night.at(135).await;
    assert_eq!(tickets(&night).await, 2);
}

#[tokio::test]
async fn what_has_a_ticket_goes_on_there_in_a_window_too() {
    let mut night = night().await;
    night.alerts().file(&event(&night, "trigger", "web01"), "probe", &admin()).await.unwrap();
    put(&night, "maintenance", "patches", json!({ "hosts": ["web*"], "at": hour() })).await;
    night.at(20).await;
    let filed = night.alerts().file(&event(&night, "trigger", "web01"), "probe", &admin()).await.unwrap();
    assert_eq!((filed.joined, filed.held), (vec![1], 0));
}

#[tokio::test]
async fn what_comes_and_goes_is_over_when_it_has_been_quiet() {
    let mut night = night().await;
    put(&night, "desk_policy", "default", json!({ "assign": false, "flap_returns": 3, "quiet_time": "5m" })).await;
    let state = async |night: &super::night_test::Night| night.desk.get(1).await.unwrap().ticket.state;
    let mut reopened = 0;
    for round in 0..6 {
        night.at(4 * round).await;
        night.alerts().file(&event(&night, "trigger", "web01"), "probe", &admin()).await.unwrap();
        reopened += usize::from(state(&night).await == TicketState::Reopened && round <= 3);
        night.at(4 * round + 1).await;
        night.alerts().file(&event(&night, "resolve", "web01"), "probe", &admin()).await.unwrap();
        assert_eq!(state(&night).await == TicketState::Resolved, round < 3, "round {round}");
    }
    assert_eq!(reopened, 3);
    // The last end was in minute 21, the fifth return: five minutes, doubled three times.
    night.at(60).await;
    assert!(state(&night).await.is_open());
    night.at(61).await;
    assert_eq!(state(&night).await, TicketState::Resolved);
    night.at(122).await;
    night.alerts().file(&event(&night, "trigger", "web01"), "probe", &admin()).await.unwrap();
    night.alerts().file(&event(&night, "resolve", "web01"), "probe", &admin()).await.unwrap();
    assert_eq!(state(&night).await, TicketState::Resolved, "an hour later it counts at once again");
}

#[tokio::test]
async fn a_department_may_keep_every_resolution_to_itself() {
    let night = night().await;
    put(&night, "desk_policy", "default", json!({ "assign": false, "resolve": false })).await;
    night.alerts().file(&event(&night, "trigger", "web01"), "probe", &admin()).await.unwrap();
    night.alerts().file(&event(&night, "resolve", "web01"), "probe", &admin()).await.unwrap();
    assert_eq!(night.ticket().await.state, TicketState::New);
    let told = night.history().await.into_iter().any(|event| format!("{:?}", event.event).contains("says that it is over"));
    assert!(told);
}

#[tokio::test]
async fn a_window_holds_what_prometheus_reports_of_its_service_or_with_its_label() {
    let mut night = night().await;
    put(&night, "service", "wiki", json!({ "hosts": ["wiki*"] })).await;
    // `job` is what Prometheus calls the scrape: no service that anybody has set up.
    let alert = |host: &str, job: &str| {
        let labels = json!({ "alertname": "Down", "instance": format!("{host}:9100"), "job": job, "rack": "A3" });
        let message = json!([{ "labels": labels, "startsAt": "2026-03-28T21:00:00Z", "endsAt": "2026-03-29T21:00:00Z" }]);
        parse_alertmanager_alerts(message.to_string().as_bytes(), EVENING_US).unwrap().alerts
    };
    put(&night, "maintenance", "patches", json!({ "services": ["sh*"], "at": hour() })).await;
    night.at(20).await;
    let held = async |host: &str, job: &str| night.alerts().file(&alert(host, job), "", &admin()).await.unwrap().held;
    assert_eq!((held("web01", "node").await, held("wiki01", "node").await, held("web02", "wiki").await), (1, 0, 0));
    put(&night, "maintenance", "racks", json!({ "labels": { "rack": "A*" }, "at": hour() })).await;
    assert_eq!(held("db07", "node").await, 1);
    // What is taken out of the window is not held by it any more.
    assert_eq!(tickets(&night).await, 2);
    put(&night, "maintenance", "racks", json!({ "labels": { "rack": "B*" }, "at": hour() })).await;
    night.at(21).await;
    assert_eq!(tickets(&night).await, 3);
}

#[tokio::test]
async fn an_end_that_is_said_again_and_again_is_one_end() {
    let mut night = night().await;
    put(&night, "desk_policy", "default", json!({ "assign": false, "flap_returns": 2, "quiet_time": "5m" })).await;
    for round in 0..3 {
        night.at(2 * round).await;
        night.alerts().file(&event(&night, "trigger", "web01"), "probe", &admin()).await.unwrap();
        night.at(2 * round + 1).await;
        night.alerts().file(&event(&night, "resolve", "web01"), "probe", &admin()).await.unwrap();
    }
    // Twice it came back: ten minutes from minute five, whoever says so how often.
    for minute in 6..15 {
        night.at(minute).await;
        night.alerts().file(&event(&night, "resolve", "web01"), "probe", &admin()).await.unwrap();
        assert!(night.ticket().await.state.is_open(), "minute {minute}");
    }
    night.at(15).await;
    assert_eq!(night.ticket().await.state, TicketState::Resolved);
    // Of what nobody has heard of nothing is kept.
    night.alerts().file(&event(&night, "resolve", "other"), "probe", &admin()).await.unwrap();
    let mut read = night.store.read().await.unwrap();
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM alert_returns").fetch_one(&mut *read).await.unwrap();
    assert_eq!(kept, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_at_the_same_time_leaves_what_was_said_last() {
    let night = night().await;
    put(
        &night,
        "maintenance",
        "patches",
        json!({ "hosts": ["web*"], "at": [{ "from": "2026-03-28T21:00:00Z", "until": "2026-03-28T22:30:00Z" }] }),
    )
    .await;
    let alerts = night.alerts();
    for round in 0..20 {
        let host = format!("web{round}");
        let (begin, end) = (event(&night, "trigger", &host), event(&night, "resolve", &host));
        alerts.file(&begin, "probe", &admin()).await.unwrap();
        let actor = admin();
        let (_, pass) = tokio::join!(alerts.file(&end, "probe", &actor), alerts.pass());
        pass.unwrap();
    }
    night.clock.set(EVENING_US + 31 * MINUTE_US);
    alerts.pass().await.unwrap();
    assert_eq!(tickets(&night).await, 0, "each was over before the window was");
}
