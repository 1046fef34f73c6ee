//! Shifts that end and begin, on a clock moved by hand.

use serde_json::json;

use super::night_test::{Night, night, person, put};
use crate::desk::{Change, TicketEvent, TicketState};

/// By the clock of Berlin: Ines works to 23:30, Omar from then to 03:00, which the clocks reach an hour early. Both know web servers; Lena,
/// who leads them and keeps no hours, does not.
async fn two_shifts(night: &Night, ines_from: &str) {
    let user = |name: &str, role: &str, hours: serde_json::Value, web: u8| {
        json!({ "display_name": name, "email": format!("{name}@example.org"), "role": role, "teams": ["ops"],
            "time_zone": "Europe/Berlin", "working_hours": hours, "skills": { "web": web } })
    };
    put(night, "user", "ines", user("ines", "technician", json!({ "sat": [format!("{ines_from}-23:30")] }), 5)).await;
    put(night, "user", "omar", user("omar", "technician", json!({ "sat": ["23:30-03:00"] }), 4)).await;
    put(night, "user", "lena", user("lena", "lead", json!({}), 1)).await;
    put(night, "team", "ops", json!({ "lead": "lena" })).await;
    put(night, "skill_rules", "default", json!({ "rules": [{ "name": "web", "rules": ["nginx_server_errors"], "skills": { "web": 3 } }] }))
        .await;
    put(night, "assignment_policy", "default", json!({ "when_nobody_fits": [] })).await;
    put(night, "desk_policy", "default", json!({ "assign": true })).await;
}

async fn notes(night: &Night, about: &str) -> usize {
    let is_note = |event: &TicketEvent| matches!(event, TicketEvent::Commented { text, internal: true, .. } if text.contains(about));
    night.history().await.iter().filter(|event| is_note(&event.event)).count()
}

#[tokio::test]
async fn what_cannot_wait_goes_to_whoever_knows_it_and_says_once_that_there_is_nobody() {
    let mut night = night().await;
    two_shifts(&night, "20:00").await;
    night.find("web01").await;
    night.at(0).await;
    assert_eq!(night.ticket().await.assignee.as_deref(), Some("ines"));
    night.through(25, 29).await;
    assert_eq!(night.ticket().await.assignee.as_deref(), Some("ines"), "her hours are not over");
    night.at(31).await;
    let ticket = night.ticket().await;
    assert_eq!(ticket.assignee.as_deref(), Some("omar"), "not to Lena, who knows nothing of it");
    let moved = night.history().await.into_iter().rev().find_map(|event| match event.event {
        TicketEvent::Assigned { from, because, .. } => Some((from, because.join(" "))),
        _ => None,
    });
    let (from, because) = moved.unwrap();
    assert!(from.as_deref() == Some("ines") && because.contains("the shift of ines is over"), "{because}");
    night.at(179).await;
    assert_eq!(notes(&night, "stays with omar").await, 0);
    night.through(181, 200).await;
    assert_eq!((night.ticket().await.assignee.as_deref(), notes(&night, "stays with omar").await), (Some("omar"), 1));
    let told = night.outbox().await.into_iter().filter(|(person, event, _)| person == "lena" && event == "commented").count();
    assert_eq!(told, 1, "who leads the team hears of it");
}

#[tokio::test]
async fn what_nobody_was_found_for_is_given_to_whoever_comes() {
    let mut night = night().await;
    two_shifts(&night, "23:20").await;
    night.find("web01").await;
    night.through(0, 19).await;
    let ticket = night.ticket().await;
    assert_eq!((ticket.assignee, ticket.state, notes(&night, "nobody was found").await), (None, TicketState::New, 1), "said once");
    night.at(21).await;
    let ticket = night.ticket().await;
    assert_eq!((ticket.assignee.as_deref(), ticket.state), (Some("ines"), TicketState::Assigned));
}

#[tokio::test]
async fn a_shift_that_begins_takes_no_more_than_its_people_can_carry() {
    let mut night = night().await;
    for (name, capacity) in [("ines", 8), ("omar", 8)] {
        let user = json!({ "display_name": name, "role": "technician", "teams": ["ops"], "time_zone": "Europe/Berlin", "capacity": capacity,
            "working_hours": { "sat": ["23:20-23:59"] } });
        put(&night, "user", name, user).await;
    }
    put(&night, "team", "ops", json!({})).await;
    put(&night, "assignment_policy", "default", json!({ "when_nobody_fits": [], "overload_for": [] })).await;
    put(&night, "desk_policy", "default", json!({ "assign": true, "team": "ops" })).await;
    for number in 0..10 {
        night.find(&format!("web{number}")).await;
    }
    night.through(0, 19).await;
    night.at(21).await;
    let tickets = night.desk.list(&crate::desk::TicketFilter::default()).await.unwrap().tickets;
    let of = |name: &str| tickets.iter().filter(|ticket| ticket.assignee.as_deref() == Some(name)).count();
    let (ines, omar) = (of("ines"), of("omar"));
    assert!(ines > 0 && ines.abs_diff(omar) <= 1, "{ines} {omar}");
    assert!(ines + omar < 10, "what they cannot carry waits: {ines} {omar}");
}

#[tokio::test]
async fn a_break_is_no_end_of_a_shift() {
    let mut night = night().await;
    two_shifts(&night, "20:00").await;
    let ines = json!({ "display_name": "ines", "role": "technician", "teams": ["ops"], "time_zone": "Europe/Berlin",
        "working_hours": { "sat": ["20:00-23:20", "23:40-23:59"] }, "skills": { "web": 5 } });
    put(&night, "user", "ines", ines).await;
    night.find("web01").await;
    night.through(0, 40).await;
    assert_eq!(night.ticket().await.assignee.as_deref(), Some("ines"), "she is back in half an hour");
    night.at(61).await;
    assert_eq!(night.ticket().await.assignee.as_deref(), Some("omar"));
}

#[tokio::test]
async fn a_corrected_ticket_goes_to_the_team_and_the_person_that_the_rules_say_then() {
    let mut night = night().await;
    put(&night, "team", "apps", json!({})).await;
    put(&night, "team", "mail", json!({})).await;
    for (name, team) in [("ines", "apps"), ("omar", "mail"), ("lena", "ops")] {
        let user = json!({ "display_name": name, "role": "technician", "teams": [team], "time_zone": "Europe/Berlin",
            "working_hours": { "sat": ["20:00-23:59"] } });
        put(&night, "user", name, user).await;
    }
    let rules = json!({ "rules": [{ "name": "mail", "entity": { "host": "mail*" }, "team": "mail" }] });
    put(&night, "skill_rules", "default", rules).await;
    put(&night, "desk_policy", "default", json!({ "assign": true, "team": "apps" })).await;
    night.find("app01").await;
    night.at(0).await;
    let whose = |ticket: &crate::desk::Ticket| (ticket.team.clone().unwrap(), ticket.assignee.clone().unwrap());
    assert_eq!(whose(&night.ticket().await), ("apps".into(), "ines".into()), "what fits no rule belongs to the desk's own team");
    let is = |host: &str| Change {
        entity: Some([("host".to_owned(), host.to_owned())].into()),
        reason: Some("the log names it".into()),
        ..Change::default()
    };
    night.change(is("mail01"), &person("lena")).await;
    night.at(1).await;
    let ticket = night.ticket().await;
    assert_eq!((whose(&ticket), ticket.state), (("mail".into(), "omar".into()), TicketState::Assigned));

    // Whoever has begun goes on, whatever the rules say.
    night.change(super::night_test::to(TicketState::InProgress), &person("omar")).await;
    night.change(is("app01"), &person("lena")).await;
    night.at(2).await;
    assert_eq!(whose(&night.ticket().await), ("apps".into(), "omar".into()));
    // What somebody chose stays.
    night.change(Change { team: Some("ops".into()), ..Change::default() }, &person("lena")).await;
    night.change(is("mail02"), &person("lena")).await;
    night.at(3).await;
    let ticket = night.ticket().await;
    assert_eq!(whose(&ticket), ("ops".into(), "omar".into()));
    assert_eq!(night.desk.replayed(1).await.unwrap(), ticket);
}
