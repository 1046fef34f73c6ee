//! Findings of incidents that come, go and come back, and the tickets that they are filed under.

use tempfile::TempDir;

use super::{Actor, Asked, Change, Desk, Ended, Filed, FiledAs, Priority, Recorded, Round, Ticket, TicketEvent, TicketState};
use crate::clock::{Clock, HOUR_US, SECOND_US};
use crate::store::{DESK_FILE, Evidence, Finding, FindingSeverity, Store};

const MINUTE_US: i64 = 60 * SECOND_US;

struct Room {
    desk: Desk,
    clock: Clock,
    _folder: TempDir,
}

impl Room {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        let clock = Clock::manual(1_000 * HOUR_US);
        Self { desk: Desk::new(store, clock.clone()), clock, _folder: folder }
    }

    fn later(&self, by_us: i64) {
        self.clock.set(self.clock.now_us() + by_us);
    }

    /// What a rule found on a host, under an incident.
    fn filed(&self, rule: &str, severity: FindingSeverity, incident: &str, outcome: FiledAs) -> Filed {
        let now_us = self.clock.now_us();
        let finding = Finding {
            rule: rule.into(),
            fingerprint: format!("{rule} on db01"),
            entity: [("host".to_owned(), "db01".to_owned())].into(),
            title: format!("{rule} on db01"),
            description: String::new(),
            severity,
            result: serde_json::Map::new(),
            window_start_us: now_us - MINUTE_US,
            window_end_us: now_us,
            holds_us: 0,
            evidence: Evidence::default(),
        };
        Filed { problem: Some(incident.to_owned()), outcome, ..Filed::from(finding) }
    }

    async fn find(&self, rule: &str, severity: FindingSeverity, incident: &str, outcome: FiledAs) -> Recorded {
        let findings = vec![self.filed(rule, severity, incident, outcome)];
        self.desk.record(&Round { findings, ..Round::default() }).await.unwrap()
    }

    async fn end(&self, reason: &str, problem: &str) {
        let ended = vec![Ended { problem: problem.to_owned(), reason: reason.to_owned(), by_hand: false }];
        self.desk.record(&Round { ended, ..Round::default() }).await.unwrap();
    }

    async fn change(&self, change: Change) {
        let person = Actor { name: "user ines".into(), origin: "10.0.0.2".into() };
        self.desk.change(1, None, &change, &person).await.unwrap();
    }

    /// The ticket, which must be what its history makes.
    async fn ticket(&self) -> Ticket {
        let ticket = self.desk.get(1).await.unwrap().ticket;
        assert_eq!(self.desk.replayed(1).await.unwrap(), ticket);
        ticket
    }
}

fn to(state: TicketState) -> Change {
    Change { state: Some(state), ..Change::default() }
}

#[tokio::test]
async fn what_comes_back_while_somebody_works_on_it_is_the_same_ticket() {
    let room = Room::new().await;
    room.find("slow", FindingSeverity::High, "incident-1", FiledAs::Opened).await;
    room.change(to(TicketState::InProgress)).await;
    room.later(30 * HOUR_US);
    let recorded = room.find("slow", FindingSeverity::High, "incident-2", FiledAs::Opened).await;
    assert_eq!((recorded.opened, recorded.joined), (vec![], vec![1]));
    let recorded = room.find("errors", FindingSeverity::High, "incident-2", FiledAs::Joined).await;
    assert_eq!(recorded.joined, [1], "and what belongs to the new incident belongs here");
    let ticket = room.ticket().await;
    assert_eq!((ticket.fingerprint.as_deref(), ticket.state, ticket.findings), (Some("incident-1"), TicketState::InProgress, 3));
}

#[tokio::test]
async fn what_comes_back_soon_after_it_was_resolved_reopens_its_ticket() {
    let room = Room::new().await;
    room.find("slow", FindingSeverity::High, "incident-1", FiledAs::Opened).await;
    room.change(to(TicketState::Resolved)).await;
    room.later(23 * HOUR_US);
    assert_eq!(room.find("slow", FindingSeverity::High, "incident-2", FiledAs::Opened).await.reopened, [1]);
    assert_eq!(room.ticket().await.state, TicketState::Reopened);
    room.change(to(TicketState::Resolved)).await;
    room.later(25 * HOUR_US);
    assert_eq!(room.find("slow", FindingSeverity::High, "incident-3", FiledAs::Opened).await.opened, [2], "a day is over");
    assert_eq!(room.ticket().await.state, TicketState::Resolved);
}

#[tokio::test]
async fn something_else_on_the_same_host_has_a_ticket_of_its_own() {
    let room = Room::new().await;
    room.find("slow", FindingSeverity::High, "incident-1", FiledAs::Opened).await;
    room.later(2 * HOUR_US);
    assert_eq!(room.find("disk", FindingSeverity::High, "incident-2", FiledAs::Opened).await.opened, [2]);
}

#[tokio::test]
async fn what_is_worse_than_all_before_raises_the_priority_once() {
    let room = Room::new().await;
    room.find("slow", FindingSeverity::Low, "incident-1", FiledAs::Opened).await;
    let low = room.ticket().await.priority;
    room.later(MINUTE_US);
    room.find("down", FindingSeverity::Critical, "incident-1", FiledAs::Joined).await;
    let ticket = room.ticket().await;
    assert!(ticket.priority < low, "{} is more urgent than {low}", ticket.priority);
    assert_eq!(ticket.severity, Some(FindingSeverity::Critical));
    room.change(Change { priority: Some(Priority::P4), ..Change::default() }).await;
    room.later(MINUTE_US);
    room.find("down", FindingSeverity::Critical, "incident-1", FiledAs::Continued).await;
    assert_eq!(room.ticket().await.priority, Priority::P4, "a person decided, knowing how bad it is");
    let raised = |event: &super::Event| matches!(event.event, TicketEvent::Reprioritised { .. }) && event.actor.name == "rule down";
    assert_eq!(room.desk.history(1).await.unwrap().iter().filter(|event| raised(event)).count(), 1);
}

#[tokio::test]
async fn a_ticket_may_have_several_problems_and_is_over_when_all_of_them_are() {
    let room = Room::new().await;
    room.find("slow", FindingSeverity::High, "incident-1", FiledAs::Opened).await;
    room.find("errors", FindingSeverity::High, "incident-1", FiledAs::Joined).await;
    room.later(5 * HOUR_US);
    room.end("incident-1 is forgotten by the grouping", "none").await;
    room.find("slow", FindingSeverity::High, "incident-2", FiledAs::Opened).await;
    room.find("errors", FindingSeverity::High, "incident-3", FiledAs::Opened).await;
    let events = room.ticket().await.events;
    for _ in 0..5 {
        room.later(MINUTE_US);
        room.find("slow", FindingSeverity::High, "incident-2", FiledAs::Continued).await;
        room.find("errors", FindingSeverity::High, "incident-3", FiledAs::Continued).await;
    }
    assert_eq!(room.ticket().await.events, events, "what goes on is not told each minute");
    for (problem, state) in [("incident-1", TicketState::New), ("incident-3", TicketState::New), ("incident-2", TicketState::Resolved)] {
        room.later(MINUTE_US);
        room.end("it has stopped", problem).await;
        assert_eq!(room.ticket().await.state, state, "{problem}");
    }
}

#[tokio::test]
async fn what_a_resolved_ticket_would_swallow_opens_one_of_its_own() {
    let room = Room::new().await;
    room.find("disk", FindingSeverity::High, "incident-1", FiledAs::Opened).await;
    room.later(HOUR_US);
    let lagging = room.clock.now_us();
    room.later(MINUTE_US);
    room.change(to(TicketState::Resolved)).await;
    // A rule that speaks once, judged after somebody has resolved the ticket of the first failure.
    let mut filed = room.filed("disk", FindingSeverity::High, "incident-2", FiledAs::Opened);
    filed.finding.window_end_us = lagging;
    let recorded = room.desk.record(&Round { findings: vec![filed], ..Round::default() }).await.unwrap();
    assert_eq!(recorded.opened, [2]);
}

#[tokio::test]
async fn what_was_split_off_stays_split_off() {
    let room = Room::new().await;
    room.find("slow", FindingSeverity::High, "incident-1", FiledAs::Opened).await;
    room.find("errors", FindingSeverity::High, "incident-1", FiledAs::Joined).await;
    let person = Actor { name: "user ines".into(), origin: "10.0.0.2".into() };
    let state = ("grouping", Vec::new());
    let new = room.desk.split_off(1, &["errors on db01".to_owned()], "incident-2", state, &Asked::by(&person)).await.unwrap();
    room.later(3 * HOUR_US);
    assert_eq!(room.find("errors", FindingSeverity::High, "incident-3", FiledAs::Opened).await.joined, [new.number]);
    assert_eq!(room.find("slow", FindingSeverity::High, "incident-4", FiledAs::Opened).await.joined, [1]);
}
