//! One night in five time zones: who is called and when a promise is due, against a table worked out by hand.

use serde_json::json;

use super::night_test::{MINUTE_US, Night, night, put};
use super::promises_of;
use crate::desk::{Round, TicketEvent};
use crate::sla::Promise;

/// A zone, the moment that is ten minutes to two by its clocks in a night (the first, where there are two of them), and what follows.
struct Case {
    zone: &'static str,
    at: &'static str,
    /// On call at that moment, and 20, 80 and 140 minutes later. A is followed by B at 03:00 local time.
    called: [&'static str; 4],
    /// Minutes until half an hour of business time is over: open from 01:00 to 02:30 and from 04:00 to 05:00.
    due_after: i64,
}

const NIGHTS: [Case; 5] = [
    // 02:00 becomes 03:00 ten minutes later: B's turn begins with the jump. Open until the jump, then from 04:00 on.
    Case { zone: "Europe/Berlin", at: "2026-03-29T00:50:00Z", called: ["a", "b", "b", "b"], due_after: 90 },
    // 02:00 becomes 01:00 ten minutes later: 03:00 is two hours and ten minutes away. The hour that comes twice is open twice.
    Case { zone: "America/New_York", at: "2026-11-01T05:50:00Z", called: ["a", "a", "a", "b"], due_after: 30 },
    // No summer time, half an hour off: 03:00 is 70 minutes away, and 02:20 is before closing time.
    Case { zone: "Asia/Kolkata", at: "2026-03-28T20:20:00Z", called: ["a", "a", "b", "b"], due_after: 30 },
    // 02:00 becomes 01:30: 03:00 is 100 minutes away.
    Case { zone: "Australia/Lord_Howe", at: "2026-04-04T14:50:00Z", called: ["a", "a", "a", "b"], due_after: 30 },
    // Spring is in September.
    Case { zone: "Pacific/Auckland", at: "2026-09-26T13:50:00Z", called: ["a", "b", "b", "b"], due_after: 90 },
];

/// Two people who change at 03:00 each day, a ladder that calls whoever is on call four times, and half an hour to answer.
async fn set_up(night: &Night, case: &Case) {
    for person in ["a", "b"] {
        put(night, "user", person, json!({ "display_name": person, "email": format!("{person}@example.org"), "role": "technician" })).await;
    }
    // A is on call from 03:00 of the day before to 03:00 of this one.
    let local = case.at.parse::<jiff::Timestamp>().unwrap().in_tz(case.zone).unwrap();
    let day_before = local.date().yesterday().unwrap().to_string();
    let layer = json!({ "name": "all", "people": ["a", "b"], "rotation": "daily", "starts_on": day_before, "hand_over": "03:00" });
    put(night, "rota", "nights", json!({ "time_zone": case.zone, "layers": [layer] })).await;
    let steps: Vec<_> = ["0m", "20m", "60m", "60m"].map(|after| json!({ "after": after, "notify": ["rota:nights"] })).into();
    put(night, "escalation_policy", "night", json!({ "repeat": 0, "steps": steps })).await;
    let hours = json!(["01:00-02:30", "04:00-05:00"]);
    let week: serde_json::Map<_, _> =
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(|day| (day.to_owned(), hours.clone())).into_iter().collect();
    put(night, "calendar", "night", json!({ "time_zone": case.zone, "hours": week })).await;
    put(night, "sla_policy", "default", json!({ "rules": [{ "name": "all", "calendar": "night", "first_response": "30m" }] })).await;
}

#[tokio::test]
async fn calls_and_promises_follow_the_clocks_of_five_zones() {
    for case in NIGHTS {
        let zone = case.zone;
        let mut night = night().await;
        set_up(&night, &case).await;
        let begin_us = case.at.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        night.clock.set(begin_us);
        let findings = vec![night.finding("web01").into()];
        night.desk.record(&Round { findings, ..Round::default() }).await.unwrap();
        for minute in 0..=150 {
            night.clock.set(begin_us + minute * MINUTE_US);
            night.clockwork.round().await.unwrap();
        }
        let mut called = Vec::new();
        for event in night.history().await {
            if let TicketEvent::Paged { person, .. } = event.event {
                called.push(((event.at_us - begin_us) / MINUTE_US, person));
            }
        }
        let expected: Vec<(i64, String)> = [0, 20, 80, 140].into_iter().zip(case.called.map(str::to_owned)).collect();
        assert_eq!(called, expected, "{zone}");
        let now_us = night.clock.now_us();
        let promises = promises_of(&night.desk, &night.register.setup(), 1, now_us).await.unwrap();
        let response = promises.iter().find(|standing| standing.clock.promise == Promise::Response).unwrap();
        assert_eq!(response.clock.due_at_us.map(|due_us| (due_us - begin_us) / MINUTE_US), Some(case.due_after), "{zone}");
    }
}
