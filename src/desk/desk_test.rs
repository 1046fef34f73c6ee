//! The desk over a real store: from finding to ticket, under concurrency and failure.

#![allow(clippy::disallowed_methods, reason = "a test joins the tasks that it spawns")]

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, json};
use tempfile::TempDir;

use super::*;
use crate::clock::{Clock, DAY_US, HOUR_US, SECOND_US, TimestampUs};
use crate::store::{DESK_FILE, Evidence, Finding, FindingSeverity, RequestKey, Store, ViewScan, view};

pub(super) const MINUTE_US: i64 = 60 * SECOND_US;

pub(super) struct Room {
    pub(super) desk: Desk,
    store: Store,
    pub(super) clock: Clock,
    _folder: TempDir,
}

pub(super) async fn room() -> Room {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
    let clock = Clock::manual(DAY_US);
    Room { desk: Desk::new(store.clone(), clock.clone()), store, clock, _folder: folder }
}

pub(super) fn finding(host: &str, window_end_us: TimestampUs) -> Finding {
    let mut line = Map::new();
    line.insert("message".into(), json!(format!("seen at {window_end_us}")));
    Finding {
        rule: "error_burst".into(),
        fingerprint: format!("fp-{host}"),
        entity: BTreeMap::from([("host".into(), host.into())]),
        title: format!("errors on {host}"),
        description: "look at it".into(),
        severity: FindingSeverity::High,
        result: Map::from_iter([("value".to_owned(), json!(40))]),
        window_start_us: window_end_us - 5 * MINUTE_US,
        window_end_us,
        holds_us: 0,
        evidence: Evidence { sql: "SELECT 1".into(), lines: vec![line], ..Evidence::default() },
    }
}

/// Records findings that nothing groups.
pub(super) async fn record(desk: &Desk, findings: &[Finding], runs: &[RuleRun]) -> Result<Recorded, DeskError> {
    let findings = findings.iter().cloned().map(Filed::from).collect();
    desk.record(&Round { findings, runs: runs.to_vec(), ..Round::default() }).await
}

pub(super) fn ines() -> Actor {
    Actor { name: "ines".into(), origin: "10.0.0.9".into() }
}

fn to(state: TicketState) -> Change {
    Change { state: Some(state), assignee: Some("ines".into()), ..Change::default() }
}

async fn move_to(room: &Room, number: i64, states: &[TicketState]) {
    for state in states {
        room.desk.change(number, None, &to(*state), &ines()).await.unwrap();
    }
}

#[tokio::test]
async fn the_first_finding_opens_a_ticket_and_the_next_join_it() {
    let room = room().await;
    let first = record(&room.desk, &[finding("a", DAY_US), finding("b", DAY_US)], &[]).await.unwrap();
    assert_eq!(first.opened, [1, 2]);
    for minute in 1..=40 {
        room.clock.set(DAY_US + minute * MINUTE_US);
        let next = record(&room.desk, &[finding("a", DAY_US + minute * MINUTE_US)], &[]).await.unwrap();
        assert_eq!(next.joined, [1]);
    }
    let detail = room.desk.get(1).await.unwrap();
    assert_eq!((detail.ticket.findings, detail.ticket.state, detail.ticket.priority), (41, TicketState::New, Priority::P2));
    assert_eq!(detail.ticket.last_finding_at_us, Some(DAY_US + 40 * MINUTE_US));
    let kinds: Vec<_> = detail.history.iter().map(|event| event.event.kind()).collect();
    assert_eq!(kinds, ["opened", "joined", "joined"], "one note in fifteen minutes, not one a finding");
    assert_eq!(detail.ticket.version, 1, "findings make no conflict for people");
    assert_eq!(detail.first_evidence.unwrap().lines[0]["message"], format!("seen at {DAY_US}"));
    assert_eq!(detail.latest_evidence.unwrap().lines[0]["message"], format!("seen at {}", DAY_US + 40 * MINUTE_US));
}

#[tokio::test]
async fn only_the_first_and_latest_evidence_is_kept() {
    let room = room().await;
    for minute in 0..10 {
        record(&room.desk, &[finding("a", DAY_US + minute)], &[]).await.unwrap();
    }
    let mut read = room.store.read().await.unwrap();
    let kept = sqlx::query("SELECT id FROM findings WHERE evidence IS NOT NULL").fetch_all(&mut *read).await.unwrap();
    assert_eq!(kept.len(), 2);
}

#[tokio::test]
async fn a_second_run_over_the_same_window_doubles_nothing() {
    let room = room().await;
    let run = RuleRun { rule: "error_burst".into(), watermark_us: DAY_US, duration_us: 900, result_rows: 2 };
    let found = [finding("a", DAY_US), finding("b", DAY_US)];
    record(&room.desk, &found, std::slice::from_ref(&run)).await.unwrap();
    let again = record(&room.desk, &found, std::slice::from_ref(&run)).await.unwrap();
    assert_eq!(again, Recorded { duplicates: 2, ..Recorded::default() });
    assert_eq!(room.desk.get(1).await.unwrap().ticket.findings, 1);
    let state = room.desk.rule_state("error_burst").await.unwrap().unwrap();
    assert_eq!((state.watermark_us, state.runs, state.result_rows), (Some(DAY_US), 2, 2));
}

#[tokio::test]
async fn a_watermark_goes_back_only_when_told_to_and_a_failure_leaves_it() {
    let room = room().await;
    assert_eq!(room.desk.rule_state("r").await.unwrap(), None);
    let run = |watermark_us| RuleRun { rule: "r".into(), watermark_us, duration_us: 1, result_rows: 0 };
    record(&room.desk, &[], &[run(500)]).await.unwrap();
    record(&room.desk, &[], &[run(300)]).await.unwrap();
    room.desk.record_rule_failure("r", "no such column: hots", 7).await.unwrap();
    let state = room.desk.rule_state("r").await.unwrap().unwrap();
    assert_eq!((state.watermark_us, state.failures, state.last_error.as_deref()), (Some(500), 1, Some("no such column: hots")));
    room.desk.rewind_rule("r", 100).await.unwrap();
    record(&room.desk, &[], &[run(200)]).await.unwrap();
    let state = room.desk.rule_state("r").await.unwrap().unwrap();
    assert_eq!((state.watermark_us, state.last_error), (Some(200), None));
}

#[tokio::test]
async fn a_failure_in_the_middle_leaves_neither_findings_nor_watermark_nor_a_gap() {
    let room = room().await;
    let mut write = room.store.write().await.unwrap();
    sqlx::raw_sql(
        "CREATE TEMP TRIGGER power_cut BEFORE INSERT ON findings WHEN NEW.fingerprint = 'fp-c' BEGIN SELECT RAISE(ABORT, 'power cut'); END",
    )
    .execute(&mut *write)
    .await
    .unwrap();
    write.commit().await.unwrap();
    let run = RuleRun { rule: "error_burst".into(), watermark_us: DAY_US, duration_us: 1, result_rows: 3 };
    let found = [finding("a", DAY_US), finding("b", DAY_US), finding("c", DAY_US)];
    record(&room.desk, &found, std::slice::from_ref(&run)).await.unwrap_err();
    assert!(room.desk.list(&TicketFilter::default()).await.unwrap().tickets.is_empty());
    assert_eq!(room.desk.rule_state("error_burst").await.unwrap(), None);
    let kept = record(&room.desk, &found[..2], std::slice::from_ref(&run)).await.unwrap();
    assert_eq!(kept.opened, [1, 2], "the numbers that were rolled back are given again");
}

#[tokio::test]
async fn what_was_committed_survives_a_process_that_never_closed_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
    let desk = Desk::new(store.clone(), Clock::manual(DAY_US));
    record(&desk, &[finding("a", DAY_US)], &[]).await.unwrap();
    let mut open = store.write().await.unwrap();
    sqlx::query("UPDATE tickets SET title = 'half done'").execute(&mut *open).await.unwrap();
    // The files as a crash would leave them: nothing closed, a transaction still open.
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let after = Desk::new(Store::open(&copy.path().join(DESK_FILE)).await.unwrap(), Clock::manual(DAY_US));
    assert_eq!(after.get(1).await.unwrap().ticket.title, "errors on a");
    assert_eq!(record(&after, &[finding("b", DAY_US)], &[]).await.unwrap().opened, [2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_findings_at_once_make_one_ticket() {
    let room = room().await;
    let tasks: Vec<_> = (0..1_000)
        .map(|n| {
            let desk = room.desk.clone();
            tokio::spawn(async move { record(&desk, &[finding("a", DAY_US + n)], &[]).await.unwrap() })
        })
        .collect();
    let mut opened = 0;
    for task in tasks {
        opened += task.await.unwrap().opened.len();
    }
    let ticket = room.desk.get(1).await.unwrap().ticket;
    assert_eq!((opened, ticket.findings, ticket.last_finding_at_us), (1, 1_000, Some(DAY_US + 999)));
    assert_eq!(room.desk.list(&TicketFilter::default()).await.unwrap().tickets.len(), 1);
    assert_eq!(room.desk.replayed(1).await.unwrap(), ticket);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn numbers_have_no_gaps_when_many_open_tickets_at_once() {
    let room = room().await;
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let desk = room.desk.clone();
            tokio::spawn(async move { record(&desk, &[finding(&format!("h{n}"), DAY_US)], &[]).await.unwrap().opened })
        })
        .collect();
    let mut numbers = HashSet::new();
    for task in tasks {
        numbers.extend(task.await.unwrap());
    }
    assert_eq!(numbers, (1..=100).collect());
}

#[tokio::test]
async fn what_comes_back_within_a_day_is_reopened_and_later_is_a_new_ticket() {
    let room = room().await;
    record(&room.desk, &[finding("a", DAY_US)], &[]).await.unwrap();
    move_to(&room, 1, &[TicketState::Resolved]).await;
    let late = record(&room.desk, &[finding("a", DAY_US - MINUTE_US)], &[]).await.unwrap();
    assert_eq!(late.joined, [1], "a finding about a time before the resolution does not reopen");
    assert_eq!(room.desk.get(1).await.unwrap().ticket.state, TicketState::Resolved);

    room.clock.set(2 * DAY_US - 1);
    let back = record(&room.desk, &[finding("a", 2 * DAY_US - 1)], &[]).await.unwrap();
    assert_eq!(back.reopened, [1]);
    let ticket = room.desk.get(1).await.unwrap().ticket;
    assert_eq!((ticket.state, ticket.resolved_at_us), (TicketState::Reopened, None));

    move_to(&room, 1, &[TicketState::Resolved]).await;
    room.clock.set(3 * DAY_US);
    let new = record(&room.desk, &[finding("a", 3 * DAY_US)], &[]).await.unwrap();
    assert_eq!(new.opened, [2]);
    let refused = room.desk.change(1, None, &to(TicketState::Reopened), &ines()).await.unwrap_err();
    assert!(refused.to_string().contains("ticket 2 is already open"), "{refused}");

    move_to(&room, 2, &[TicketState::Resolved, TicketState::Closed]).await;
    let after = record(&room.desk, &[finding("a", 3 * DAY_US + HOUR_US)], &[]).await.unwrap();
    assert_eq!(after.opened, [3], "a closed ticket stays closed, and ticket 1 was resolved a day ago");
}

#[tokio::test]
async fn a_change_for_another_version_is_refused_whole() {
    let room = room().await;
    record(&room.desk, &[finding("a", DAY_US)], &[]).await.unwrap();
    let ticket = room.desk.change(1, Some(1), &to(TicketState::InProgress), &ines()).await.unwrap();
    assert_eq!(ticket.version, 3, "two events: assigned and moved");
    let refused = room.desk.change(1, Some(1), &to(TicketState::Resolved), &ines()).await.unwrap_err();
    assert!(matches!(refused, DeskError::Conflict { expected: 1, current: 3, .. }));
    let half = Change { title: Some("new title".into()), state: Some(TicketState::Closed), ..Change::default() };
    assert!(matches!(room.desk.change(1, None, &half, &ines()).await.unwrap_err(), DeskError::IllegalMove { .. }));
    let detail = room.desk.get(1).await.unwrap();
    assert_eq!((detail.ticket.title.as_str(), detail.history.len()), ("errors on a", 3));
    assert_eq!(detail.history[2].actor, ines());
    assert!(matches!(room.desk.get(9).await.unwrap_err(), DeskError::NotFound(9)));
}

#[tokio::test]
async fn the_history_cannot_be_rewritten() {
    let room = room().await;
    record(&room.desk, &[finding("a", DAY_US)], &[]).await.unwrap();
    let mut write = room.store.write().await.unwrap();
    for sql in ["UPDATE ticket_events SET actor = 'nobody'", "DELETE FROM ticket_events"] {
        let refused = sqlx::query(sql).execute(&mut *write).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
}

#[tokio::test]
async fn lists_filter_and_page() {
    let room = room().await;
    let hosts: Vec<_> = (0..25).map(|n| finding(&format!("web{n:02}"), DAY_US)).collect();
    record(&room.desk, &hosts, &[]).await.unwrap();
    move_to(&room, 3, &[TicketState::Resolved]).await;
    let mut filter = TicketFilter { limit: 10, open_only: true, ..TicketFilter::default() };
    let mut seen = Vec::new();
    loop {
        let page = room.desk.list(&filter).await.unwrap();
        seen.extend(page.tickets.iter().map(|ticket| ticket.number));
        filter.cursor = page.next_cursor;
        if filter.cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=25).rev().filter(|number| *number != 3).collect::<Vec<_>>());
    let count = async |filter: TicketFilter| room.desk.list(&filter).await.unwrap().tickets.len();
    assert_eq!(count(TicketFilter { state: Some(TicketState::Resolved), ..TicketFilter::default() }).await, 1);
    assert_eq!(count(TicketFilter { text: Some("WEB07".into()), ..TicketFilter::default() }).await, 1);
    assert_eq!(count(TicketFilter { text: Some("w%7".into()), ..TicketFilter::default() }).await, 0, "a percent sign is a percent sign");
    assert_eq!(count(TicketFilter { priority: Some(Priority::P1), ..TicketFilter::default() }).await, 0);
}

#[tokio::test]
async fn histories_of_many_leave_out_the_oldest_of_the_open_and_of_the_others_and_say_so() {
    let room = room().await;
    record(&room.desk, &["a", "b", "c", "d"].map(|host| finding(host, DAY_US)), &[]).await.unwrap();
    for number in [1, 2] {
        move_to(&room, number, &[TicketState::Assigned, TicketState::InProgress, TicketState::Resolved]).await;
    }
    let everything = ViewScan::default().written(1, |_| None);
    for (limit, shown, is_cut) in [(1, vec![2, 4], true), (2, vec![1, 2, 3, 4], false)] {
        let mut seen = Vec::new();
        assert_eq!(room.desk.each_history(&everything, limit, |ticket, _| seen.push(ticket)).await.unwrap(), is_cut);
        assert_eq!(seen, shown);
    }
}

#[tokio::test]
async fn the_views_show_what_the_desk_holds() {
    let room = room().await;
    record(&room.desk, &[finding("a", DAY_US), finding("b", DAY_US)], &[]).await.unwrap();
    for (name, rows) in [("tickets", 2), ("findings", 2), ("ticket_events", 2), ("rule_runs", 0)] {
        assert_eq!(view(name).unwrap().load(&room.store, &ViewScan::default(), 100).await.unwrap().0.num_rows(), rows, "{name}");
    }
    let tickets = view("tickets").unwrap().load(&room.store, &ViewScan::default(), 1).await.unwrap().0;
    let host = arrow::array::AsArray::as_string_view(tickets.column_by_name("host").unwrap()).value(0);
    assert_eq!(host, "b");
}

pub(super) fn new_ticket(title: &str) -> NewTicket {
    serde_json::from_value(json!({ "title": title })).unwrap()
}

pub(super) async fn found(room: &Room, text: &str, visible_to: Option<&str>) -> Vec<i64> {
    let filter = TicketFilter { text: Some(text.into()), visible_to: visible_to.map(str::to_owned), ..TicketFilter::default() };
    room.desk.list(&filter).await.unwrap().tickets.iter().map(|ticket| ticket.number).collect()
}

#[tokio::test]
async fn the_search_finds_beginnings_of_words_in_all_that_was_written() {
    let room = room().await;
    record(&room.desk, &[finding("db-01", DAY_US)], &[]).await.unwrap();
    let new = NewTicket { requester: Some("uma".into()), ..new_ticket("Drucker im Büro druckt nicht") };
    room.desk.create(&new, &ines(), None).await.unwrap();
    let say = |text: &str, internal| Change { comment: Some(text.into()), internal, ..Change::default() };
    room.desk.change(2, None, &say("toner ordered", false), &ines()).await.unwrap();
    room.desk.change(2, None, &say("she kicked it", true), &ines()).await.unwrap();
    assert_eq!(found(&room, "db-01", None).await, [1]);
    assert_eq!(found(&room, "buro druck", None).await, [2]);
    assert_eq!(found(&room, "kick", None).await, [2]);
    assert_eq!(found(&room, "toner", Some("uma")).await, [2]);
    assert!(found(&room, "kick", Some("uma")).await.is_empty(), "a note is not for who asked");
    assert!(found(&room, "toner", Some("other")).await.is_empty());
    assert!(found(&room, "\"* NEAR(", None).await.is_empty());
}

#[tokio::test]
async fn a_request_that_comes_twice_opens_one_ticket() {
    let room = room().await;
    let key = |body| RequestKey { key: "k-1".to_owned(), request_sha256: [body; 32] };
    let (first, made) = room.desk.create(&new_ticket("a"), &ines(), Some(&key(1))).await.unwrap();
    assert!(made);
    let (again, made) = room.desk.create(&new_ticket("a"), &ines(), Some(&key(1))).await.unwrap();
    assert_eq!((again, made), (first, false));
    let other = room.desk.create(&new_ticket("b"), &ines(), Some(&key(2))).await.unwrap_err();
    assert!(matches!(other, DeskError::Invalid { field: "Idempotency-Key", .. }));
    let (second, _) = room.desk.create(&new_ticket("a"), &ines(), None).await.unwrap();
    assert_eq!(second.number, 2, "a refused request leaves no gap");
}

#[tokio::test]
async fn a_merged_ticket_hands_its_people_on() {
    let room = room().await;
    let new = NewTicket { requester: Some("uma".into()), watchers: ["vic".to_owned()].into(), ..new_ticket("no mail") };
    for _ in 0..2 {
        room.desk.create(&new, &ines(), None).await.unwrap();
    }
    let third = room.desk.create(&NewTicket { requester: None, ..new_ticket("mail server down") }, &ines(), None).await.unwrap().0;
    let merged = room.desk.merge(third.number, 1, None, &Asked::by(&ines())).await.unwrap();
    assert_eq!(merged.watchers.iter().map(String::as_str).collect::<Vec<_>>(), ["uma", "vic"]);
    let gone = room.desk.get(1).await.unwrap();
    assert_eq!((gone.ticket.state, gone.ticket.merged_into, gone.links[0].ticket), (TicketState::Resolved, Some(3), 3));
    assert!(room.desk.merge(2, 1, None, &Asked::by(&ines())).await.is_err(), "what is over cannot be merged");
    assert!(room.desk.merge(2, 2, None, &Asked::by(&ines())).await.is_err());
}

#[tokio::test]
async fn all_of_several_tickets_are_changed_or_none() {
    let room = room().await;
    for title in ["a", "b"] {
        room.desk.create(&new_ticket(title), &ines(), None).await.unwrap();
    }
    let close = Change { state: Some(TicketState::Resolved), ..Change::default() };
    let refused = room.desk.change_all(&[1, 7], &close, &ines(), None).await.unwrap_err();
    assert!(refused.to_string().starts_with("ticket 7: there is no ticket 7"));
    assert_eq!(room.desk.get(1).await.unwrap().ticket.state, TicketState::New);
    assert_eq!(room.desk.change_all(&[1, 2], &close, &ines(), None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_merge_resolves_the_other_and_only_open_tickets_merge() {
    let room = room().await;
    record(&room.desk, &[finding("a", DAY_US), finding("b", DAY_US), finding("c", DAY_US)], &[]).await.unwrap();
    let state = || ("grouping", b"after".to_vec());
    move_to(&room, 3, &[TicketState::Resolved]).await;
    let before = room.desk.get(1).await.unwrap();
    for (into, other) in [(1, 3), (3, 1)] {
        let refused = room.desk.merge(into, other, Some(state()), &Asked::by(&ines())).await.unwrap_err();
        assert!(matches!(refused, DeskError::NotOpen { number: 3, state: TicketState::Resolved }), "{refused}");
    }
    assert!(matches!(room.desk.merge(1, 9, Some(state()), &Asked::by(&ines())).await, Err(DeskError::NotFound(9))));
    assert_eq!(room.desk.get(1).await.unwrap(), before);
    assert_eq!(room.desk.analysis_state("grouping").await.unwrap(), None, "the state is stored with the tickets or not at all");
    assert_eq!(room.desk.merge(1, 2, Some(state()), &Asked::by(&ines())).await.unwrap().state, TicketState::New);
    let other = room.desk.get(2).await.unwrap();
    assert_eq!((other.ticket.state, room.desk.replayed(2).await.unwrap()), (TicketState::Resolved, other.ticket));
    assert_eq!(room.desk.analysis_state("grouping").await.unwrap().as_deref(), Some(&b"after"[..]));
}
