//! Who is called when a ticket is placed otherwise than it was opened, or an answer is not followed by work.

use serde_json::json;
use sqlx::Row;

use super::calling::{answer_call, hasten};
use super::deliveries::{Deliveries, DeliveryConfig};
use super::night_test::{EVENING_US, MINUTE_US, admin, department, night, person, put, to};
use crate::desk::{Change, Priority, TicketEvent, TicketState};

fn called(pages: &[(String, i64, u32)]) -> Vec<(&str, i64)> {
    pages.iter().map(|(person, minute, _)| (person.as_str(), *minute)).collect()
}

#[tokio::test]
async fn who_answers_twice_is_heard_twice() {
    let mut night = night().await;
    let mut policy = department()["escalation_policy"]["night"].clone();
    policy["ack_timeout"] = json!("30m");
    put(&night, "escalation_policy", "night", policy).await;
    night.find("web01").await;
    night.at(0).await;
    night.desk.acknowledge(1, "link", &person("ines")).await.unwrap();
    night.through(1, 31).await;
    assert_eq!(called(&night.pages().await), [("ines", 0), ("ines", 30)], "she did not take it up");
    assert_eq!(night.ticket().await.acknowledged_by, None, "so that the link offers it again");
    night.desk.acknowledge(1, "link", &person("ines")).await.unwrap();
    night.through(32, 59).await;
    assert_eq!(night.pages().await.len(), 2, "her second answer counts as her first did");
    night.at(61).await;
    assert_eq!(night.pages().await.len(), 3);
    assert_eq!(night.desk.replayed(1).await.unwrap(), night.ticket().await);
}

#[tokio::test]
async fn a_ticket_that_gets_its_team_later_calls_then() {
    let mut night = night().await;
    night.find("mail01").await;
    night.through(0, 20).await;
    assert_eq!(night.pages().await, [], "no service, no team: nobody knows whom to call");
    night.change(Change { team: Some("ops".into()), priority: Some(Priority::P1), ..Change::default() }, &person("lena")).await;
    night.at(21).await;
    assert_eq!(called(&night.pages().await), [("ines", 21)]);
}

#[tokio::test]
async fn what_belongs_to_nobody_belongs_to_the_desks_team() {
    let mut night = night().await;
    put(&night, "desk_policy", "default", json!({ "assign": false, "team": "ops" })).await;
    night.find("mail01").await;
    night.at(0).await;
    let ticket = night.ticket().await;
    assert_eq!((ticket.team.as_deref(), ticket.assignee), (Some("ops"), None), "it gives to teams, not to people");
    assert_eq!(called(&night.pages().await), [("ines", 0)]);
    let unknown = night.register.put("desk_policy", "default", &json!({ "team": "opps" }), None, &admin()).await.unwrap_err();
    assert!(unknown.to_string().contains("there is no team `opps`"), "{unknown}");
}

#[tokio::test]
async fn a_team_named_later_has_somebody_take_it() {
    let mut night = night().await;
    put(&night, "desk_policy", "default", json!({ "assign": true })).await;
    night.find("mail01").await;
    night.at(0).await;
    assert_eq!(night.ticket().await.assignee, None);
    night.change(Change { team: Some("ops".into()), ..Change::default() }, &person("lena")).await;
    night.at(1).await;
    let ticket = night.ticket().await;
    assert!(ticket.assignee.is_some() && ticket.state == TicketState::Assigned, "{ticket:?}");
    assert_eq!(night.desk.replayed(1).await.unwrap(), ticket);
}

#[tokio::test]
async fn a_ticket_of_a_skill_rule_has_its_team_although_nobody_fits() {
    let mut night = night().await;
    put(&night, "desk_policy", "default", json!({ "assign": true })).await;
    put(&night, "team", "mail", json!({ "escalation_policy": "night" })).await;
    let rule = json!({ "rules": [{ "name": "mail", "entity": { "host": "mail*" }, "team": "mail" }] });
    put(&night, "skill_rules", "default", rule).await;
    night.find("mail01").await;
    night.at(0).await;
    let ticket = night.ticket().await;
    assert_eq!((ticket.team.as_deref(), ticket.assignee), (Some("mail"), None));
    assert_eq!(called(&night.pages().await), [("ines", 0)]);
}

#[tokio::test]
async fn a_ticket_that_goes_to_another_team_calls_that_team() {
    let mut night = night().await;
    put(&night, "escalation_policy", "day", json!({ "steps": [{ "after": "0m", "notify": ["user:lena"] }] })).await;
    put(&night, "team", "net", json!({ "escalation_policy": "day" })).await;
    night.find("web01").await;
    night.at(0).await;
    night.desk.acknowledge(1, "api", &person("ines")).await.unwrap();
    night.change(Change { team: Some("net".into()), ..Change::default() }, &person("ines")).await;
    night.through(1, 40).await;
    assert_eq!(called(&night.pages().await), [("ines", 0), ("lena", 1)], "the other team's ladder, and no longer the first's");
    night.change(to(TicketState::InProgress), &person("lena")).await;
    night.change(Change { assignee: Some("lena".into()), team: Some("ops".into()), ..Change::default() }, &person("lena")).await;
    night.through(41, 60).await;
    assert_eq!(night.pages().await.len(), 2, "she works on it, whichever team it is filed under");
}

#[tokio::test]
async fn a_lower_priority_calls_nobody_and_a_raised_one_calls_again() {
    let mut night = night().await;
    let mut policy = department()["escalation_policy"]["night"].clone();
    policy["only_priorities"] = json!(["P1", "P2"]);
    put(&night, "escalation_policy", "night", policy).await;
    night.find("web01").await;
    night.at(0).await;
    night.change(Change { priority: Some(Priority::P4), ..Change::default() }, &person("lena")).await;
    night.through(1, 60).await;
    assert_eq!(called(&night.pages().await), [("ines", 0)]);
    assert!(night.outbox().await.iter().any(|(_, event, state)| event == "escalated" && state == "cancelled"));
    night.change(Change { priority: Some(Priority::P1), ..Change::default() }, &person("lena")).await;
    night.through(61, 77).await;
    assert_eq!(called(&night.pages().await), [("ines", 0), ("ines", 61), ("omar", 75)], "it was raised at the end of minute 60");
}

#[tokio::test]
async fn an_answer_counts_although_its_policy_was_taken_away_and_another_takes_its_place() {
    let mut night = night().await;
    night.find("web01").await;
    night.at(0).await;
    put(
        &night,
        "escalation_policy",
        "other",
        json!({ "steps": [{ "after": "0m", "notify": ["user:lena"] }, { "after": "5m", "notify": ["user:omar"] }] }),
    )
    .await;
    let mut team = department()["team"]["ops"].clone();
    team["escalation_policy"] = json!("other");
    put(&night, "team", "ops", team).await;
    night.register.delete("escalation_policy", "night", None, &admin()).await.unwrap();
    night.through(1, 6).await;
    assert_eq!(called(&night.pages().await), [("ines", 0), ("omar", 5)], "the next level of the policy that holds now");
    night.desk.acknowledge(1, "api", &person("omar")).await.unwrap();
    night.through(7, 200).await;
    assert_eq!(night.pages().await.len(), 2);
}

#[tokio::test]
async fn an_answer_that_was_not_acted_on_yet_holds_the_next_call_back() {
    let night = night().await;
    let mut first = night;
    first.find("web01").await;
    first.at(0).await;
    first.clock.set(EVENING_US + 15 * MINUTE_US);
    first.desk.acknowledge(1, "link", &person("ines")).await.unwrap();
    let mut read = first.store.read().await.unwrap();
    let due = super::feed::due_escalations(&mut read, first.clock.now_us(), 10).await.unwrap();
    drop(read);
    assert_eq!(due, [] as [i64; 0], "the time has come, and so has the answer");
    first.through(15, 40).await;
    assert_eq!(first.pages().await.len(), 1);
}

/// What was sent is not sent again because it could not be written down.
#[tokio::test]
async fn a_message_is_noted_before_the_next_is_sent() {
    let mut night = night().await;
    night.find("web01").await;
    night.at(0).await;
    let config = DeliveryConfig::default();
    let mut deliveries =
        Deliveries::new(night.store.clone(), night.desk.clone(), night.register.clone(), night.clock.clone(), config).unwrap();
    let mut write = night.store.write().await.unwrap();
    sqlx::query("CREATE TRIGGER full BEFORE INSERT ON deliveries BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        .execute(&mut *write)
        .await
        .unwrap();
    write.commit().await.unwrap();
    for _ in 0..3 {
        assert!(deliveries.round().await.is_err());
    }
    let mut write = night.store.write().await.unwrap();
    sqlx::query("DROP TRIGGER full").execute(&mut *write).await.unwrap();
    write.commit().await.unwrap();
    deliveries.round().await.unwrap();
    let mut read = night.store.read().await.unwrap();
    let attempts = sqlx::query("SELECT attempts FROM outbox").fetch_all(&mut *read).await.unwrap();
    assert!(!attempts.is_empty());
    assert!(attempts.iter().all(|row| row.get::<i64, _>(0) == 1), "tried once each, not once a round");
    let called = |event: &crate::desk::Event| matches!(event.event, TicketEvent::Paged { .. });
    assert!(night.history().await.iter().any(called));
}

#[tokio::test]
async fn an_answer_counts_before_the_first_call_of_a_new_run() {
    let mut night = night().await;
    let steps = json!([{ "after": "10m", "notify": ["user:lena"] }]);
    put(&night, "escalation_policy", "day", json!({ "steps": steps })).await;
    put(&night, "team", "net", json!({ "escalation_policy": "day" })).await;
    night.find("web01").await;
    night.at(0).await;
    night.desk.acknowledge(1, "api", &person("ines")).await.unwrap();
    night.change(Change { team: Some("net".into()), ..Change::default() }, &person("ines")).await;
    night.through(1, 5).await;
    night.desk.acknowledge(1, "api", &person("lena")).await.unwrap();
    night.through(6, 30).await;
    assert_eq!(called(&night.pages().await), [("ines", 0)], "lena answered before she was called");
    let before = night.history().await.len();
    night.desk.acknowledge(1, "link", &person("lena")).await.unwrap();
    assert_eq!(night.history().await.len(), before, "twice in a row is once");
}

#[tokio::test]
async fn nobody_is_called_for_what_somebody_works_on() {
    let mut night = night().await;
    night.find("mail01").await;
    night.at(0).await;
    night.change(Change { assignee: Some("lena".into()), ..to(TicketState::InProgress) }, &person("lena")).await;
    night.change(Change { team: Some("ops".into()), priority: Some(Priority::P1), ..Change::default() }, &person("lena")).await;
    night.through(1, 60).await;
    assert_eq!(night.pages().await, []);
}

#[tokio::test]
async fn what_gets_worse_after_everybody_was_called_in_vain_calls_again() {
    let mut night = night().await;
    night.find("web01").await;
    night.change(Change { priority: Some(Priority::P3), ..Change::default() }, &person("lena")).await;
    night.through(0, 300).await;
    let before = night.pages().await.len();
    assert_eq!(before, 6, "the ladder ran twice and ended");
    night.change(Change { priority: Some(Priority::P1), ..Change::default() }, &person("lena")).await;
    night.at(301).await;
    assert_eq!(night.pages().await.len(), before + 1);
}

/// The calls in the history: whom, and their identity.
async fn calls(night: &super::night_test::Night) -> Vec<(String, String)> {
    let history = night.history().await;
    let page = |event: crate::desk::Event| match event.event {
        TicketEvent::Paged { person, page, .. } => Some((person, page)),
        _ => None,
    };
    history.into_iter().filter_map(page).collect()
}

#[tokio::test]
async fn an_answer_to_a_call_that_is_over_does_not_silence_the_next_one() {
    let mut night = night().await;
    night.find("web01").await;
    night.at(0).await;
    let (person_called, first) = calls(&night).await.remove(0);
    night.change(to(TicketState::Resolved), &person("lena")).await;
    night.at(1).await;
    night.change(to(TicketState::Reopened), &person("lena")).await;
    // Before the calls have begun again, and after.
    for minute in [2, 3] {
        let refused = answer_call(&night.desk, 1, &first, &person_called).await.unwrap_err();
        assert!(refused.to_string().contains("this call is over"), "{refused}");
        night.at(minute).await;
    }
    let (again, second) = calls(&night).await.pop().unwrap();
    assert_ne!(first, second);
    assert!(answer_call(&night.desk, 1, &second, "omar").await.is_err(), "it called somebody else");
    assert_eq!(answer_call(&night.desk, 1, &second, &again).await.unwrap().acknowledged_by, Some(again.clone()));
    let before = night.history().await.len();
    answer_call(&night.desk, 1, &second, &again).await.unwrap();
    assert_eq!(night.history().await.len(), before, "twice is once");
}

#[tokio::test]
async fn an_answer_to_the_first_call_counts_while_the_ladder_repeats_it() {
    let mut night = night().await;
    night.find("web01").await;
    night.through(0, 300).await;
    let calls = calls(&night).await;
    assert_eq!(calls.len(), 6, "the ladder ran twice");
    let (person, page) = &calls[0];
    assert_eq!(answer_call(&night.desk, 1, page, person).await.unwrap().acknowledged_by.as_ref(), Some(person));
}

#[tokio::test]
async fn a_call_that_fails_late_does_not_hurry_the_levels_above() {
    let mut night = night().await;
    night.find("web01").await;
    let setup = night.register.setup();
    let due = async |night: &super::night_test::Night| {
        let mut read = night.store.read().await.unwrap();
        sqlx::query_scalar::<_, i64>("SELECT next_at_us FROM escalations WHERE ticket = 1").fetch_one(&mut *read).await.unwrap()
    };
    night.at(0).await;
    while calls(&night).await.len() < 2 {
        let now_us = night.clock.now_us();
        night.clock.set(now_us + MINUTE_US);
        night.clockwork.round().await.unwrap();
    }
    let (first, second) = (calls(&night).await[0].clone(), calls(&night).await[1].clone());
    let planned_us = due(&night).await;
    for (failed, hurries) in [(first, false), (second, true)] {
        let mut writing = night.desk.writing().await.unwrap();
        hasten(&mut writing, &setup, 1, Some(&failed.1), &failed.0).await.unwrap();
        writing.commit().await.unwrap();
        assert_eq!(due(&night).await < planned_us, hurries);
    }
}
