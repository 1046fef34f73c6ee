//! Who hears of a ticket that nobody has.

use serde_json::json;

use super::night_test::{EVENING_US, Night, night, person, put};
use crate::desk::Change;

/// Whom the outbox tells so far: receiver and address, of each event.
async fn told(night: &Night) -> Vec<(String, String, String)> {
    let sql = "SELECT person, address, event FROM outbox ORDER BY created_at_us, person";
    sqlx::query_as(sql).fetch_all(&mut *night.store.read().await.unwrap()).await.unwrap()
}

/// A night without anybody who is called, on which nothing is assigned by itself.
async fn quiet_night() -> Night {
    let night = night().await;
    put(&night, "team", "ops", json!({})).await;
    night
}

fn is(receiver: &str, address: &str, event: &str) -> (String, String, String) {
    (receiver.into(), address.into(), event.into())
}

#[tokio::test]
async fn a_ticket_that_nobody_has_is_told_at_the_address_of_its_team() {
    let mut night = quiet_night().await;
    put(&night, "team", "ops", json!({ "email": "ops@example.org", "lead": "lena" })).await;
    night.find("web01").await;
    night.at(0).await;
    assert_eq!(told(&night).await, [is("team ops", "ops@example.org", "opened")]);
    // Another team is told when it gets it.
    put(&night, "team", "apps", json!({ "email": "apps@example.org" })).await;
    night.change(Change { team: Some("apps".into()), ..Change::default() }, &person("lena")).await;
    night.at(1).await;
    assert_eq!(told(&night).await[1..], [is("team apps", "apps@example.org", "opened")]);
    // What somebody has is theirs alone.
    night.change(Change { assignee: Some("ines".into()), ..Change::default() }, &person("lena")).await;
    night.at(2).await;
    assert_eq!(told(&night).await[2..], [is("ines", "ines@example.org", "assigned")]);
}

#[tokio::test]
async fn without_an_address_the_lead_hears_of_it_and_without_a_lead_whoever_is_there() {
    let mut night = quiet_night().await;
    put(&night, "team", "ops", json!({ "lead": "lena" })).await;
    night.find("web01").await;
    night.at(0).await;
    assert_eq!(told(&night).await, [is("lena", "lena@example.org", "opened")]);
    put(&night, "team", "ops", json!({})).await;
    let away = json!({ "display_name": "Omar", "email": "omar@example.org", "role": "technician", "teams": ["ops"],
        "leave": [{ "from": "2026-03-01", "to": "2026-04-30" }] });
    put(&night, "user", "omar", away).await;
    night.find("web02").await;
    night.at(1).await;
    assert_eq!(told(&night).await[1..], [is("ines", "ines@example.org", "opened"), is("lena", "lena@example.org", "opened")]);
}

#[tokio::test]
async fn whoever_is_called_for_it_is_not_told_twice() {
    let mut night = night().await;
    night.find("web01").await;
    night.at(0).await;
    assert_eq!(told(&night).await, [is("ines", "ines@example.org", "escalated")]);
}

#[tokio::test]
async fn what_belongs_to_nobody_is_told_to_those_who_manage_the_desk() {
    let mut night = quiet_night().await;
    let root = json!({ "display_name": "Root", "email": "root@example.org", "role": "administrator" });
    put(&night, "user", "root", root).await;
    night.find("db01").await;
    night.at(0).await;
    assert_eq!(night.ticket().await.team, None);
    assert_eq!(told(&night).await, [is("root", "root@example.org", "opened")], "where nobody is a manager");
    let due_us: i64 = sqlx::query_scalar("SELECT due_at_us FROM outbox").fetch_one(&mut *night.store.read().await.unwrap()).await.unwrap();
    assert!(due_us > EVENING_US, "with the others, in the morning");
    let max = json!({ "display_name": "Max", "email": "max@example.org", "role": "manager" });
    put(&night, "user", "max", max).await;
    night.find("db02").await;
    night.at(1).await;
    assert_eq!(told(&night).await[1..], [is("max", "max@example.org", "opened")]);
}
