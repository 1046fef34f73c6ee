//! Tickets that were filed as something else than they are.

use std::collections::BTreeMap;

use tempfile::TempDir;

use super::*;
use crate::clock::{Clock, DAY_US};
use crate::store::{DESK_FILE, Evidence, Finding, FindingSeverity, Store, StoredRecord, save_record};

async fn room() -> (Desk, Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
    let desk = Desk::new(store.clone(), Clock::manual(DAY_US));
    let service = |name: &str, impact, team: &str, hosts: &[&str]| ServiceFacts {
        name: name.into(),
        impact,
        team: Some(team.into()),
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        apps: Vec::new(),
    };
    let services = vec![service("shop", Impact::High, "web", &["web*"]), service("wiki", Impact::Low, "docs", &["wiki*"])];
    desk.set_rules(DeskRules { services, ..DeskRules::default() });
    (desk, store, folder)
}

fn ines() -> Actor {
    Actor { name: "user ines".into(), origin: "10.0.0.9".into() }
}

fn about(host: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("host".to_owned(), host.to_owned())])
}

fn new(host: &str) -> NewTicket {
    NewTicket { entity: about(host), ..serde_json::from_value(serde_json::json!({ "title": "pages are slow" })).unwrap() }
}

fn corrected(host: &str) -> Change {
    Change { entity: Some(about(host)), reason: Some("the log names another host".into()), ..Change::default() }
}

fn of_kind(kind: TicketKind) -> Change {
    Change { kind: Some(kind), reason: Some("nothing is broken".into()), ..Change::default() }
}

/// The ticket after a change, which its replay must equal.
async fn changed(desk: &Desk, number: i64, change: &Change) -> Ticket {
    let ticket = desk.change(number, None, change, &ines()).await.unwrap();
    assert_eq!(desk.replayed(number).await.unwrap(), ticket);
    ticket
}

fn found(host: &str, window_end_us: i64) -> Finding {
    Finding {
        rule: "error_burst".into(),
        fingerprint: format!("fp-{host}"),
        entity: about(host),
        title: format!("errors on {host}"),
        description: String::new(),
        severity: FindingSeverity::High,
        result: serde_json::Map::new(),
        window_start_us: window_end_us - 1,
        window_end_us,
        holds_us: 0,
        evidence: Evidence::default(),
    }
}

async fn find(desk: &Desk, finding: Finding) {
    desk.record(&Round { findings: vec![Filed::from(finding)], ..Round::default() }).await.unwrap();
}

#[tokio::test]
async fn what_the_desk_worked_out_follows_the_corrected_entity() {
    let (desk, _, _folder) = room().await;
    let opened = desk.create(&new("wiki01"), &ines(), None).await.unwrap().0;
    assert_eq!((opened.service.as_deref(), opened.impact, opened.priority), (Some("wiki"), Some(Impact::Low), Priority::P4));
    let ticket = changed(&desk, 1, &corrected("web01")).await;
    assert_eq!((ticket.service.as_deref(), ticket.team.as_deref()), (Some("shop"), Some("web")));
    assert_eq!((ticket.impact, ticket.priority, ticket.entity), (Some(Impact::High), Priority::P2, about("web01")));
    let history = desk.history(1).await.unwrap();
    let kinds: Vec<_> = history.iter().map(|event| event.event.kind()).collect();
    assert_eq!(kinds, ["opened", "entity_corrected", "set", "set", "set", "reprioritised"]);
    assert!(history[1..].iter().all(|event| event.actor == ines()));
    let because = Some("follows from the corrected entity".to_owned());
    assert_eq!(history[5].event, TicketEvent::Reprioritised { from: Priority::P4, to: Priority::P2, because });
    // And back again: what followed from a correction nobody chose either.
    assert_eq!(changed(&desk, 1, &corrected("wiki02")).await.priority, Priority::P4);
    // Nothing differs: nothing happens.
    let before = desk.history(1).await.unwrap().len();
    changed(&desk, 1, &corrected("wiki02")).await;
    assert_eq!(desk.history(1).await.unwrap().len(), before);
}

#[tokio::test]
async fn lists_and_search_know_the_corrected_ticket_by_what_it_is_about() {
    let (desk, _, _folder) = room().await;
    desk.create(&new("wiki01"), &ines(), None).await.unwrap();
    changed(&desk, 1, &corrected("web01")).await;
    changed(&desk, 1, &of_kind(TicketKind::Request)).await;
    let count = async |filter: TicketFilter| desk.list(&filter).await.unwrap().tickets.len();
    let none = TicketFilter::default;
    for (host, seen) in [("web01", 1), ("wiki01", 0)] {
        assert_eq!(count(TicketFilter { host: Some(host.into()), ..none() }).await, seen, "{host}");
        assert_eq!(count(TicketFilter { text: Some(host.into()), ..none() }).await, seen, "{host}");
    }
    for (kind, seen) in [(TicketKind::Request, 1), (TicketKind::Incident, 0)] {
        assert_eq!(count(TicketFilter { kind: Some(kind), ..none() }).await, seen, "{kind}");
    }
    assert_eq!(count(TicketFilter { service: Some("shop".into()), ..none() }).await, 1);
}

#[tokio::test]
async fn what_a_person_chose_stays() {
    let (desk, _, _folder) = room().await;
    let chosen = NewTicket { priority: Some(Priority::P4), team: Some("ops".into()), ..new("wiki01") };
    desk.create(&chosen, &ines(), None).await.unwrap();
    let ticket = changed(&desk, 1, &corrected("web01")).await;
    assert_eq!((ticket.priority, ticket.team.as_deref()), (Priority::P4, Some("ops")), "chosen at the opening");
    assert_eq!((ticket.impact, ticket.service.as_deref()), (Some(Impact::High), Some("shop")), "nobody chose these");

    desk.create(&new("wiki01"), &ines(), None).await.unwrap();
    changed(&desk, 2, &Change { impact: Some(Impact::Medium), ..Change::default() }).await;
    let ticket = changed(&desk, 2, &corrected("web01")).await;
    assert_eq!((ticket.impact, ticket.priority), (Some(Impact::Medium), Priority::P3), "chosen later");

    desk.create(&new("wiki01"), &ines(), None).await.unwrap();
    changed(&desk, 3, &Change { urgency: Some(Urgency::High), ..Change::default() }).await;
    assert_eq!(changed(&desk, 3, &corrected("web01")).await.priority, Priority::P1, "its urgency is chosen, its impact is not");

    desk.create(&new("wiki01"), &ines(), None).await.unwrap();
    let both = Change { service: Some("wiki".into()), priority: Some(Priority::P5), ..corrected("web01") };
    let ticket = changed(&desk, 4, &both).await;
    assert_eq!((ticket.service.as_deref(), ticket.priority), (Some("wiki"), Priority::P5), "chosen with the correction");
    let away = Change { service: Some(String::new()), ..Change::default() };
    assert_eq!(changed(&desk, 4, &away).await.service, None);
    assert_eq!(changed(&desk, 4, &corrected("web02")).await.service, None, "that there is none is a choice too");
}

#[tokio::test]
async fn a_corrected_service_moves_the_priority_and_an_asset_says_how_much_hangs_on_it() {
    let (desk, store, _folder) = room().await;
    desk.create(&new("wiki01"), &ines(), None).await.unwrap();
    let service = Change { service: Some("shop".into()), ..Change::default() };
    let ticket = changed(&desk, 1, &service).await;
    assert_eq!((ticket.priority, ticket.team.as_deref()), (Priority::P2, Some("web")));
    let mut write = store.write().await.unwrap();
    let record = serde_json::json!({ "kind": "server", "criticality": "high", "team": "data" });
    let (kind, name, updated_by) = ("assets".to_owned(), "srv-1".to_owned(), "test".to_owned());
    save_record(&mut write, &StoredRecord { kind, name, record, version: 1, updated_at_us: 1, updated_by }).await.unwrap();
    write.commit().await.unwrap();
    desk.create(&new("lab"), &ines(), None).await.unwrap();
    let asset = BTreeMap::from([("asset".to_owned(), "srv-1".to_owned())]);
    let ticket = changed(&desk, 2, &Change { entity: Some(asset), ..corrected("lab") }).await;
    assert_eq!((ticket.impact, ticket.priority, ticket.team.as_deref()), (Some(Impact::High), Priority::P2, Some("data")));
}

#[tokio::test]
async fn a_correction_says_why_and_nothing_else_does() {
    let (desk, _, _folder) = room().await;
    desk.create(&new("wiki01"), &ines(), None).await.unwrap();
    let wordless = [None, Some(" \n".to_owned()), Some("x".repeat(1_001))];
    let corrections = wordless.map(|reason| Change { reason, ..of_kind(TicketKind::Problem) });
    let alone = Change { reason: Some("because".into()), comment: Some("x".into()), ..Change::default() };
    for change in corrections.iter().chain([&alone]) {
        let refused = desk.change(1, None, change, &ines()).await.unwrap_err();
        assert!(matches!(refused, DeskError::Invalid { field: "reason", .. }), "{refused}");
    }
    let empty = BTreeMap::from([("host".to_owned(), String::new())]);
    let refused = desk.change(1, None, &Change { entity: Some(empty), ..corrected("a") }, &ines()).await.unwrap_err();
    assert!(matches!(refused, DeskError::Invalid { field: "entity", .. }), "{refused}");
    assert_eq!(desk.history(1).await.unwrap().len(), 1, "what is refused leaves nothing");
}

#[tokio::test]
async fn an_incident_that_goes_on_stays_one_and_keeps_its_findings_when_its_entity_is_corrected() {
    let (desk, _, _folder) = room().await;
    find(&desk, found("web01", DAY_US)).await;
    let refused = desk.change(1, None, &of_kind(TicketKind::Request), &ines()).await.unwrap_err();
    assert!(matches!(&refused, DeskError::KindStays { number: 1, .. }), "{refused}");
    assert!(refused.to_string().contains("open a request and link it"), "{refused}");
    // What it is about may be corrected, and what is found next still comes to it.
    assert_eq!(changed(&desk, 1, &corrected("wiki01")).await.priority, Priority::P3);
    find(&desk, found("web01", DAY_US + 1)).await;
    assert_eq!(desk.get(1).await.unwrap().ticket.findings, 2);
    let ended = vec![Ended { problem: "fp-web01".to_owned(), reason: "quiet".to_owned(), by_hand: true }];
    desk.record(&Round { ended, ..Round::default() }).await.unwrap();
    // It is over and may come back, here or in the ticket that it was merged into: as a problem nobody would be called for it.
    let refused = desk.change(1, None, &of_kind(TicketKind::Problem), &ines()).await.unwrap_err();
    assert!(matches!(&refused, DeskError::KindStays { number: 1, .. }), "{refused}");
    desk.create(&new("wiki01"), &ines(), None).await.unwrap();
    desk.merge(2, 1, None, &Asked::by(&ines())).await.unwrap();
    let refused = desk.change(2, None, &of_kind(TicketKind::Problem), &ines()).await.unwrap_err();
    assert!(matches!(&refused, DeskError::KindStays { number: 2, .. }), "{refused}");
}

#[tokio::test]
async fn the_change_of_a_proposal_stays_one_and_others_do_not() {
    let (desk, store, _folder) = room().await;
    for _ in 0..2 {
        desk.create(&NewTicket { kind: TicketKind::Change, ..new("web01") }, &ines(), None).await.unwrap();
    }
    let mut write = store.write().await.unwrap();
    sqlx::query(
        "INSERT INTO proposals (number, resource, question, kind, title, state, facts, options, ticket, opened_at_us, updated_at_us, version)
             VALUES (7, 'r', 'q', 'filesystem', 'disks', 'approved', '{}', '{}', 1, 1, 1, 1)",
    )
    .execute(&mut *write)
    .await
    .unwrap();
    write.commit().await.unwrap();
    let refused = desk.change(1, None, &of_kind(TicketKind::Request), &ines()).await.unwrap_err();
    assert!(matches!(refused, DeskError::KindStays { number: 1, .. }) && refused.to_string().contains("proposal 7"), "{refused}");
    assert_eq!(changed(&desk, 2, &of_kind(TicketKind::Request)).await.kind, TicketKind::Request);
}

#[tokio::test]
async fn a_ticket_about_an_asset_is_opened_as_a_corrected_one_would_be() {
    let (desk, store, _folder) = room().await;
    let mut write = store.write().await.unwrap();
    let asset = StoredRecord {
        kind: "assets".to_owned(),
        name: "srv-1".to_owned(),
        record: serde_json::json!({ "kind": "server", "host": "db01", "criticality": "high", "service": "wiki" }),
        version: 1,
        updated_at_us: 1,
        updated_by: "test".to_owned(),
    };
    save_record(&mut write, &asset).await.unwrap();
    write.commit().await.unwrap();
    let placed = |it: &Ticket| (it.service.clone(), it.team.clone(), it.impact, it.priority);
    let opened = desk.create(&new("db01"), &ines(), None).await.unwrap().0;
    assert_eq!(placed(&opened), (Some("wiki".into()), Some("docs".into()), Some(Impact::High), Priority::P2));
    desk.create(&new("lab"), &ines(), None).await.unwrap();
    assert_eq!(placed(&changed(&desk, 2, &corrected("db01")).await), placed(&opened));
}
