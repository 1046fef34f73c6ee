//! Alerts from outside, and the tickets that they join.

use serde_json::json;

use super::night_test::{EVENING_US, MINUTE_US, admin, night, person};
use crate::alert::{Action, parse_alertmanager_alerts};
use crate::desk::TicketState;

#[tokio::test]
async fn an_alert_that_ends_and_comes_back_in_one_message_is_not_over() {
    let night = night().await;
    let alerts = super::Alerts::new(night.desk.clone(), night.store.clone(), night.clock.clone(), night.register.clone());
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
    night.desk.merge(2, 1, None, &person("lena")).await.unwrap();
    let days = 9 * 24 * 60;
    night.clock.set(EVENING_US + days * MINUTE_US);
    night.find("web01").await;
    let merged = night.ticket().await;
    assert_eq!(merged.merged_into, Some(2));
    assert_eq!(night.desk.get(2).await.unwrap().ticket.findings, 2, "it joined the one that is still open");
    assert!(night.desk.get(3).await.is_err());
}
