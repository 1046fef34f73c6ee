//! A night at the desk, on a clock moved by hand: from an alert to a closed ticket, with everybody's part in it.

use std::sync::Arc;

use serde_json::json;
use sqlx::Row;
use tempfile::TempDir;

use super::clockwork::Clockwork;
use super::{Alerts, MaintenanceWindows, Register, promises_of};
use crate::clock::{Clock, HOUR_US, SECOND_US, TimestampUs};
use crate::desk::{Actor, Change, Desk, Event, Hold, Ticket, TicketEvent, TicketState, replay};
use crate::sla::{Promise, Verdict};
use crate::store::{DESK_FILE, Finding, FindingSeverity, Store};

pub(super) const MINUTE_US: i64 = 60 * SECOND_US;

/// 2026-03-28T22:00:00Z: the evening before the clocks of Berlin go forward at 02:00 on Sunday.
pub(super) const EVENING_US: TimestampUs = 1_774_735_200 * SECOND_US;

pub(super) struct Night {
    pub(super) desk: Desk,
    pub(super) register: Arc<Register>,
    pub(super) clockwork: Clockwork,
    pub(super) clock: Clock,
    pub(super) store: Store,
    _folder: TempDir,
}

pub(super) fn admin() -> Actor {
    Actor { name: "user root".into(), origin: "10.0.0.1".into() }
}

pub(super) fn person(name: &str) -> Actor {
    Actor { name: format!("user {name}"), origin: "10.0.0.2".into() }
}

pub(super) async fn put(night: &Night, kind: &str, name: &str, document: serde_json::Value) {
    night.register.put(kind, name, &document, None, &admin()).await.unwrap();
}

pub(super) async fn night() -> Night {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
    let clock = Clock::manual(EVENING_US);
    let desk = Desk::new(store.clone(), clock.clone());
    let register = Arc::new(Register::open(store.clone(), clock.clone(), desk.clone()).await.unwrap());
    register.import(&department(), false, &admin()).await.unwrap();
    let windows = MaintenanceWindows::new(Arc::new(|_| Vec::new()), register.clone(), store.clone());
    let alerts = Alerts::new(desk.clone(), store.clone(), clock.clone(), register.clone(), windows);
    let clockwork = Clockwork::new(desk.clone(), register.clone(), alerts, store.clone(), clock.clone());
    Night { desk, register, clockwork, clock, store, _folder: folder }
}

/// Two people take weekly turns, their lead stands behind them; high priority is answered within a quarter of an hour at any time.
pub(super) fn department() -> serde_json::Value {
    let user = |name: &str, role: &str| json!({ "display_name": name, "email": format!("{name}@example.org"), "role": role, "teams": ["ops"], "time_zone": "Europe/Berlin" });
    json!({
        "team": { "ops": { "lead": "lena", "rota": "watch", "escalation_policy": "night" } },
        "user": { "ines": user("ines", "technician"), "omar": user("omar", "technician"), "lena": user("lena", "lead"),
            "uma": { "display_name": "Uma", "email": "uma@example.org" } },
        "calendar": { "always": { "time_zone": "Europe/Berlin", "hours": "24x7" } },
        "sla_policy": { "default": { "rules": [{ "name": "high", "priority": ["P1", "P2"], "calendar": "always", "first_response": "15m",
            "resolution": "4h", "pauses_in": ["user", "supplier"], "ola": "8h", "warn_at_percent": 50 }] } },
        "rota": { "watch": { "time_zone": "Europe/Berlin", "layers": [{ "name": "primary", "people": ["ines", "omar"], "rotation": "weekly",
            "starts_on": "2026-03-23", "hand_over": "08:00" }] } },
        "escalation_policy": { "night": { "repeat": 1, "steps": [
            { "after": "0m", "notify": ["rota:watch"] }, { "after": "15m", "notify": ["user:omar"] }, { "after": "15m", "notify": ["user:lena"] }] } },
        "service": { "shop": { "criticality": "high", "team": "ops", "hosts": ["web*"] } },
        "desk_policy": { "default": { "assign": false } },
    })
}

impl Night {
    pub(super) fn alerts(&self) -> Alerts {
        let windows = MaintenanceWindows::new(Arc::new(|_| Vec::new()), self.register.clone(), self.store.clone());
        Alerts::new(self.desk.clone(), self.store.clone(), self.clock.clone(), self.register.clone(), windows)
    }

    /// Moves the clock on and does what is due.
    pub(super) async fn at(&mut self, minutes: i64) {
        self.clock.set(EVENING_US + minutes * MINUTE_US);
        self.clockwork.round().await.unwrap();
    }

    /// Lets every minute of a stretch pass.
    pub(super) async fn through(&mut self, from: i64, to: i64) {
        for minute in from..=to {
            self.at(minute).await;
        }
    }

    pub(super) fn finding(&self, host: &str) -> Finding {
        Finding {
            rule: "nginx_server_errors".into(),
            fingerprint: format!("fp-{host}"),
            entity: [("host".to_owned(), host.to_owned())].into(),
            title: format!("errors on {host}"),
            description: "look at the upstream".into(),
            severity: FindingSeverity::High,
            result: serde_json::Map::new(),
            window_start_us: self.clock.now_us() - MINUTE_US,
            window_end_us: self.clock.now_us(),
            holds_us: 0,
            evidence: crate::store::Evidence::default(),
        }
    }

    pub(super) async fn find(&self, host: &str) {
        let findings = vec![self.finding(host).into()];
        self.desk.record(&crate::desk::Round { findings, ..crate::desk::Round::default() }).await.unwrap();
    }

    pub(super) async fn ticket(&self) -> Ticket {
        self.desk.get(1).await.unwrap().ticket
    }

    pub(super) async fn history(&self) -> Vec<Event> {
        self.desk.history(1).await.unwrap()
    }

    /// Who was called, minutes after the evening, at which level.
    pub(super) async fn pages(&self) -> Vec<(String, i64, u32)> {
        let page = |event: &Event| match &event.event {
            TicketEvent::Paged { person, level, .. } => Some((person.clone(), (event.at_us - EVENING_US) / MINUTE_US, *level)),
            _ => None,
        };
        self.history().await.iter().filter_map(page).collect()
    }

    /// What waits in the outbox or was cancelled: person, event, state.
    pub(super) async fn outbox(&self) -> Vec<(String, String, String)> {
        let mut read = self.store.read().await.unwrap();
        let rows = sqlx::query("SELECT person, event, state FROM outbox ORDER BY created_at_us, person, event")
            .fetch_all(&mut *read)
            .await
            .unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }

    async fn promise(&self, promise: Promise) -> crate::sla::SlaClock {
        let all = promises_of(&self.desk, &self.register.setup(), 1, self.clock.now_us()).await.unwrap();
        all.into_iter().map(|standing| standing.clock).find(|clock| clock.promise == promise).unwrap()
    }

    pub(super) async fn change(&self, change: Change, actor: &Actor) {
        self.desk.change(1, None, &change, actor).await.unwrap();
    }
}

pub(super) fn to(state: TicketState) -> Change {
    Change { state: Some(state), ..Change::default() }
}

#[tokio::test]
async fn a_night_from_the_first_finding_to_the_closed_ticket() {
    let mut night = night().await;
    // 02:00 of the night on the wall, an hour before the clocks jump: 01:00 UTC.
    night.clock.set(EVENING_US + 180 * MINUTE_US);
    night.find("web03").await;
    night.at(180).await;
    let ticket = night.ticket().await;
    assert_eq!((ticket.service.as_deref(), ticket.team.as_deref(), ticket.priority.word()), (Some("shop"), Some("ops"), "P1"));
    assert_eq!(night.pages().await, [("ines".to_owned(), 180, 1)]);
    // The one on call does not answer; the promise of a response is in danger at half its time, and then broken.
    night.through(181, 200).await;
    assert_eq!(night.pages().await, [("ines".to_owned(), 180, 1), ("omar".to_owned(), 195, 2)]);
    let warned: Vec<bool> = night
        .history()
        .await
        .iter()
        .filter_map(|event| match &event.event {
            TicketEvent::Warned { promise, breached, .. } if promise == "response" => Some(*breached),
            _ => None,
        })
        .collect();
    assert_eq!(warned, [false, true]);
    // The second acknowledges: nobody else is called, for hours.
    night.desk.acknowledge(1, "link", &person("omar")).await.unwrap();
    night.through(201, 320).await;
    assert_eq!(night.pages().await.len(), 2);
    assert!(matches!(night.promise(Promise::Response).await.verdict, Verdict::Breached { .. }));
    // It waits for a supplier: our clock stands still, theirs runs.
    night.change(Change { hold: Some(Hold::Supplier), ..to(TicketState::OnHold) }, &person("omar")).await;
    night.at(325).await;
    let (used, paused) = {
        let clock = night.promise(Promise::Resolution).await;
        (clock.elapsed_us, clock.paused)
    };
    night.at(385).await;
    assert_eq!((night.promise(Promise::Resolution).await.elapsed_us, paused), (used, true));
    assert_eq!(night.promise(Promise::Supplier).await.elapsed_us, HOUR_US + 5 * MINUTE_US);
    night.change(to(TicketState::InProgress), &person("omar")).await;
    night.at(390).await;
    night.change(Change { comment: Some("a new module is in".into()), ..to(TicketState::Resolved) }, &person("omar")).await;
    night.at(391).await;
    assert!(matches!(night.promise(Promise::Resolution).await.verdict, Verdict::Met { .. }));
    // It comes back: the ticket is reopened and the ladder begins again.
    night.clock.set(EVENING_US + 400 * MINUTE_US);
    night.find("web03").await;
    night.at(400).await;
    assert_eq!(night.ticket().await.state, TicketState::Reopened);
    assert_eq!(night.pages().await.last(), Some(&("ines".to_owned(), 400, 1)));
    night.change(to(TicketState::InProgress), &person("ines")).await;
    night.through(401, 420).await;
    assert_eq!(night.pages().await.len(), 3, "who has taken it up is not called over");
    night.change(to(TicketState::Resolved), &person("ines")).await;
    night.at(421).await;
    // After a week without a word it is closed.
    night.at(421 + 8 * 24 * 60).await;
    assert_eq!(night.ticket().await.state, TicketState::Closed);
    let history = night.history().await;
    let findings = night.ticket().await;
    assert_eq!(night.desk.replayed(1).await.unwrap(), findings);
    assert!(replay(1, &history, &[]).is_some());
    assert!(history.iter().any(|event| event.actor.name == "user omar" && event.actor.origin == "10.0.0.2"));
    assert!(!night.outbox().await.iter().any(|(_, event, state)| event == "escalated" && state == "waiting"), "no call is left over");
}

#[tokio::test]
async fn a_call_that_nobody_takes_goes_up_and_round_again() {
    let mut night = night().await;
    night.find("web01").await;
    night.through(0, 180).await;
    let who: Vec<String> = night.pages().await.into_iter().map(|(person, _, _)| person).collect();
    assert_eq!(who, ["ines", "omar", "lena", "ines", "omar", "lena"], "the ladder runs twice and then ends");
}

#[tokio::test]
async fn what_followed_from_an_event_is_not_done_again_after_a_restart() {
    let mut night = night().await;
    night.find("web01").await;
    night.at(0).await;
    let before = (night.history().await.len(), night.outbox().await.len());
    for _ in 0..3 {
        let alerts = night.alerts();
        night.clockwork = Clockwork::new(night.desk.clone(), night.register.clone(), alerts, night.store.clone(), night.clock.clone());
        night.clockwork.round().await.unwrap();
    }
    assert_eq!((night.history().await.len(), night.outbox().await.len()), before);
}

#[tokio::test]
async fn a_changed_promise_replays_over_what_has_happened() {
    let mut night = night().await;
    night.find("web01").await;
    night.at(20).await;
    assert!(night.promise(Promise::Response).await.is_breached());
    let mut policy = department()["sla_policy"]["default"].clone();
    policy["rules"][0]["first_response"] = json!("30m");
    night.register.put("sla_policy", "default", &policy, None, &admin()).await.unwrap();
    assert!(!night.promise(Promise::Response).await.is_breached(), "computed from the events, not stored");
    // Half of the new time has passed already: the warning comes now, though nothing happened to the ticket.
    night.at(21).await;
    let warned = |event: &Event| matches!(&event.event, TicketEvent::Warned { breached: false, due_at_us, .. } if *due_at_us == EVENING_US + 30 * MINUTE_US);
    assert!(night.history().await.iter().any(warned));
    // Without any promise nothing is due, and the clockwork comes to rest.
    night.register.delete("sla_policy", "default", None, &admin()).await.unwrap();
    night.at(60).await;
    night.at(61).await;
}

#[tokio::test]
async fn an_event_that_cannot_be_acted_on_holds_up_no_other() {
    let mut night = night().await;
    night.find("web01").await;
    // A file of the store that something else has written into.
    let mut write = night.store.write().await.unwrap();
    sqlx::query("INSERT INTO ticket_events (ticket, seq, at_us, actor, origin, kind, detail) VALUES (1, 99, 0, 'x', 'y', 'z', 'no JSON')")
        .execute(&mut *write)
        .await
        .unwrap();
    write.commit().await.unwrap();
    night.find("web02").await;
    night.at(0).await;
    let mut read = night.store.read().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM event_feed").fetch_one(&mut *read).await.unwrap();
    assert_eq!(left, 0);
    let second = night.desk.history(2).await.unwrap();
    assert!(second.iter().any(|event| matches!(event.event, TicketEvent::Paged { .. })), "{second:?}");
}

#[tokio::test]
async fn the_desk_gives_a_ticket_to_somebody_and_says_why_and_a_person_overrules_it() {
    let mut night = night().await;
    night.register.put("desk_policy", "default", &json!({ "assign": true }), None, &admin()).await.unwrap();
    night.find("web01").await;
    night.at(0).await;
    let ticket = night.ticket().await;
    assert_eq!((ticket.assignee.as_deref(), ticket.state), (Some("ines"), TicketState::Assigned), "ines is on call");
    let history = night.history().await;
    assert!(history.iter().any(|event| matches!(&event.event, TicketEvent::Assigned { because, .. } if !because.is_empty())));
    night.change(Change { assignee: Some("lena".into()), ..Change::default() }, &person("lena")).await;
    night.through(1, 5).await;
    assert_eq!(night.ticket().await.assignee.as_deref(), Some("lena"));
}

#[tokio::test]
async fn a_document_that_refers_to_nobody_is_refused_whole() {
    let night = night().await;
    let mut all = department();
    all["rota"]["watch"]["layers"][0]["people"] = json!(["nobody"]);
    all["service"]["new"] = json!({ "criticality": "low" });
    let refused = night.register.import(&all, false, &admin()).await.unwrap_err().to_string();
    assert!(refused.contains("there is no user `nobody`"), "{refused}");
    assert!(night.register.get("service", "new").await.is_err(), "nothing of it was stored");
    assert!(night.register.delete("user", "ines", None, &admin()).await.is_err(), "the rota still names her");
    let exported = night.register.export().await.unwrap();
    assert_eq!(night.register.import(&exported, false, &admin()).await.unwrap(), []);
}

#[tokio::test]
async fn a_heartbeat_that_stays_away_is_a_ticket_until_it_comes_back() {
    let mut night = night().await;
    let heartbeat = json!({ "every": "1h", "grace": "5m", "entity": { "host": "backup01" } });
    night.register.put("heartbeat", "backup", &heartbeat, None, &admin()).await.unwrap();
    let alerts = night.alerts();
    alerts.beat("backup").await.unwrap();
    night.at(60).await;
    assert!(night.desk.get(1).await.is_err());
    night.at(66).await;
    assert_eq!(night.ticket().await.entity["host"], "backup01");
    alerts.beat("backup").await.unwrap();
    night.at(67).await;
    assert_eq!(night.ticket().await.state, TicketState::Resolved);
    assert!(alerts.beat("unknown").await.is_err());
}

#[test]
fn the_sample_department_can_be_set_up() {
    let all: serde_json::Value = toml::from_str(include_str!("../../sample-data/desk/department.toml")).unwrap();
    let mut documents = super::Documents::new();
    for (kind, of_kind) in all.as_object().unwrap() {
        for (name, document) in of_kind.as_object().unwrap() {
            let checked = (super::kind_of(kind).unwrap().check)(document).unwrap_or_else(|wrong| panic!("{kind}/{name}: {wrong:?}"));
            documents.insert((kind.clone(), name.clone()), checked);
        }
    }
    let (setup, complaints) = super::Setup::read(&documents);
    assert_eq!(complaints, []);
    assert!(setup.rotas.contains_key("watch") && !setup.promises.is_empty());
}
