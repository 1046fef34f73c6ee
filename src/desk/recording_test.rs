//! Findings of incidents that come, go and come back, and the tickets that they are filed under.

use tempfile::TempDir;

use super::{Actor, Change, Desk, Filed, FiledAs, Priority, Recorded, Round, Ticket, TicketEvent, TicketState};
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

    /// Files what a rule found on a host under an incident.
    async fn find(&self, rule: &str, severity: FindingSeverity, incident: &str, outcome: FiledAs) -> Recorded {
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
        let filed = Filed { problem: Some(incident.to_owned()), outcome, ..Filed::from(finding) };
        self.desk.record(&Round { findings: vec![filed], ..Round::default() }).await.unwrap()
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
    assert_eq!((ticket.fingerprint.as_deref(), ticket.state, ticket.findings), (Some("incident-2"), TicketState::InProgress, 3));
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
