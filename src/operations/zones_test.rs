//! One night in five time zones: who is called and when a promise is due; and a weekend there with a change of the clocks, followed by a
//! holiday, a pause, another policy and another service. Against tables worked out by hand.

use serde_json::json;

use super::night_test::{MINUTE_US, Night, night, person, put};
use super::promises_of;
use crate::desk::{Change, Hold, Round, TicketEvent, TicketState};
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

/// A Friday, 16:30 by the clocks of a zone, before a weekend in which they change (but in India), and a Monday that is a holiday.
struct Weekend {
    zone: &'static str,
    friday: &'static str,
    monday: &'static str,
    /// Minutes from then to 10:30 on Tuesday, by which two hours of business time are over: from 9 to 17, Monday to Friday.
    due_after: i64,
}

const WEEKENDS: [Weekend; 5] = [
    // Three days and 18 hours on the wall, of which an hour is left out.
    Weekend { zone: "Europe/Berlin", friday: "2026-03-27T15:30:00Z", monday: "2026-03-30", due_after: 89 * 60 },
    // An hour comes twice.
    Weekend { zone: "America/New_York", friday: "2026-10-30T20:30:00Z", monday: "2026-11-02", due_after: 91 * 60 },
    Weekend { zone: "Asia/Kolkata", friday: "2026-03-27T11:00:00Z", monday: "2026-03-30", due_after: 90 * 60 },
    // Half an hour comes twice.
    Weekend { zone: "Australia/Lord_Howe", friday: "2026-04-03T05:30:00Z", monday: "2026-04-06", due_after: 90 * 60 + 30 },
    Weekend { zone: "Pacific/Auckland", friday: "2026-09-25T04:30:00Z", monday: "2026-09-28", due_after: 89 * 60 },
];

/// A resolution is promised within business time that stands still while the user is waited for.
async fn promise(night: &Night, all: &str) {
    let rule = |name: &str, service: &[&str], resolution: &str| json!({ "name": name, "service": service, "calendar": "office", "resolution": resolution, "pauses_in": ["user"] });
    let policy = json!({ "rules": [rule("shop", &["shop"], "150m"), rule("all", &[], all)] });
    put(night, "sla_policy", "default", policy).await;
}

/// Minutes after `from_us` at which the resolution is due, as it stands now.
async fn due(night: &Night, from_us: i64) -> Option<i64> {
    let promises = promises_of(&night.desk, &night.register.setup(), 1, night.clock.now_us()).await.unwrap();
    let resolution = promises.iter().find(|standing| standing.clock.promise == Promise::Resolution).unwrap();
    resolution.clock.due_at_us.map(|due_us| (due_us - from_us) / MINUTE_US)
}

#[tokio::test]
async fn holidays_pauses_policies_and_reassignments_move_a_promise_alike_in_five_zones() {
    for Weekend { zone, friday, monday, due_after } in WEEKENDS {
        let mut night = night().await;
        let week: serde_json::Map<_, _> =
            ["mon", "tue", "wed", "thu", "fri"].map(|day| (day.to_owned(), json!(["09:00-17:00"]))).into_iter().collect();
        let holidays = json!([{ "date": monday, "text": "a holiday" }]);
        put(&night, "calendar", "office", json!({ "time_zone": zone, "hours": week, "holidays": holidays })).await;
        promise(&night, "2h").await;
        let begin_us = friday.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let tuesday = begin_us + due_after * MINUTE_US;
        let local = jiff::Timestamp::from_microsecond(tuesday).unwrap().in_tz(zone).unwrap();
        assert_eq!(local.strftime("%a %H:%M").to_string(), "Tue 10:30", "{zone}: the table is wrong");
        night.clock.set(begin_us);
        night.desk.record(&Round { findings: vec![night.finding("db01").into()], ..Round::default() }).await.unwrap();
        let to = |state, hold| Change { state: Some(state), hold, assignee: Some("ines".into()), ..Change::default() };
        night.change(to(TicketState::InProgress, None), &person("ines")).await;
        assert_eq!(due(&night, begin_us).await, Some(due_after), "{zone}: 30 minutes on Friday, 90 on Tuesday");
        // From 9:30 to 10:00 on Tuesday it waits for the user.
        night.clock.set(tuesday - 60 * MINUTE_US);
        night.change(to(TicketState::OnHold, Some(Hold::User)), &person("ines")).await;
        assert_eq!(due(&night, begin_us).await, None, "{zone}: nothing is due while it waits in time");
        night.clock.set(tuesday - 30 * MINUTE_US);
        night.change(to(TicketState::InProgress, None), &person("ines")).await;
        assert_eq!(due(&night, begin_us).await, Some(due_after + 30), "{zone}");
        // Another policy holds for all of it.
        night.clock.set(tuesday - 15 * MINUTE_US);
        promise(&night, "3h").await;
        assert_eq!(due(&night, begin_us).await, Some(due_after + 90), "{zone}");
        // Somebody else changes nothing of what is promised; another service does.
        night.clock.set(tuesday);
        night.change(Change { assignee: Some("omar".into()), ..Change::default() }, &person("lena")).await;
        assert_eq!(due(&night, begin_us).await, Some(due_after + 90), "{zone}");
        night.change(Change { service: Some("shop".into()), ..Change::default() }, &person("lena")).await;
        assert_eq!(due(&night, begin_us).await, Some(due_after + 60), "{zone}");
        // It is said when it breaks, not before.
        let broken = async |night: &Night| {
            let is_broken =
                |event: &TicketEvent| matches!(event, TicketEvent::Warned { promise, breached: true, .. } if promise == "resolution");
            night.history().await.iter().filter(|event| is_broken(&event.event)).count()
        };
        for (minute, times) in [(59, 0), (61, 1), (90, 1)] {
            night.clock.set(tuesday + minute * MINUTE_US);
            night.clockwork.round().await.unwrap();
            assert_eq!(broken(&night).await, times, "{zone}, minute {minute}");
        }
    }
}
