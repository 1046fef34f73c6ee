//! Every combination of filters lists what somebody who reads all tickets would pick.

use sqlx::Row;

use super::*;
use crate::clock::{Clock, SECOND_US};
use crate::store::{DESK_FILE, Store};

fn ines() -> Actor {
    Actor { name: "user ines".into(), origin: "10.0.0.9".into() }
}

/// One of the names, or none: each in its own rhythm, so that all combinations come.
fn some(at: usize, step: usize, names: &[&str]) -> Option<String> {
    names.get(at / step % (names.len() + 1)).map(|name| (*name).to_owned())
}

async fn filled(desk: &Desk, clock: &Clock) {
    for at in 0..96 {
        clock.set(at as i64 * SECOND_US);
        let host = some(at, 1, &["web01", "db01"]);
        let new = NewTicket {
            kind: [TicketKind::Incident, TicketKind::Request][at % 2],
            title: ["disk full", "disk slow", "login refused"][at % 3].to_owned(),
            description: String::new(),
            impact: None,
            urgency: None,
            priority: Some([Priority::P1, Priority::P3, Priority::P5][at / 2 % 3]),
            service: some(at, 3, &["mail", "shop"]),
            team: some(at, 4, &["ops"]),
            requester: some(at, 5, &["uma", "tom"]),
            assignee: some(at, 2, &["ines", "omar"]),
            entity: host.map(|host| ("host".to_owned(), host)).into_iter().collect(),
            watchers: some(at, 7, &["uma", "kim"]).into_iter().collect(),
        };
        desk.create(&new, &ines(), None).await.unwrap();
    }
    for number in 1..=96 {
        clock.set((200 + number) * SECOND_US);
        let state = [None, Some(TicketState::Resolved), Some(TicketState::Resolved), Some(TicketState::OnHold)][number as usize % 4];
        desk.change(number, None, &Change { state, ..Change::default() }, &ines()).await.unwrap();
        if number % 8 == 1 {
            let closed = Change { state: Some(TicketState::Closed), ..Change::default() };
            desk.change(number, None, &closed, &ines()).await.unwrap();
        }
    }
}

fn is_wanted(ticket: &Ticket, filter: &TicketFilter) -> bool {
    let is =
        |wanted: &Option<String>, found: &Option<String>| wanted.as_ref().is_none_or(|name| *name == found.clone().unwrap_or_default());
    let sees = |person: &String| ticket.requester.as_ref() == Some(person) || ticket.watchers.contains(person);
    filter.kind.is_none_or(|kind| kind == ticket.kind)
        && filter.state.is_none_or(|state| state == ticket.state)
        && filter.priority.is_none_or(|priority| priority == ticket.priority)
        && is(&filter.assignee, &ticket.assignee)
        && is(&filter.team, &ticket.team)
        && is(&filter.service, &ticket.service)
        && is(&filter.requester, &ticket.requester)
        && is(&filter.host, &ticket.entity.get("host").cloned())
        && (!filter.open_only || ticket.state.is_open())
        && filter.text.as_ref().is_none_or(|word| ticket.title.contains(word.as_str()))
        && filter.updated_since_us.is_none_or(|since_us| ticket.updated_at_us >= since_us)
        && filter.visible_to.as_ref().is_none_or(sees)
        && filter.cursor.is_none_or(|cursor| ticket.number < cursor)
}

/// Filters of which each is left out in some of the combinations.
fn combination(bits: u32) -> TicketFilter {
    let with = |bit: u32| bits & 1 << bit != 0;
    let named = |bit: u32, name: &str| with(bit).then(|| name.to_owned());
    TicketFilter {
        kind: with(0).then_some(TicketKind::Request),
        state: with(1).then_some([TicketState::Resolved, TicketState::OnHold][(bits >> 2 & 1) as usize]),
        priority: with(2).then_some(if with(4) { Priority::P1 } else { Priority::P3 }),
        assignee: named(3, if with(0) { "" } else { "omar" }),
        team: named(4, if with(1) { "" } else { "ops" }),
        service: named(5, "shop"),
        requester: named(6, if with(5) { "tom" } else { "uma" }),
        host: named(7, "web01"),
        open_only: with(8),
        text: named(9, "disk"),
        updated_since_us: with(10).then_some(240 * SECOND_US),
        visible_to: named(11, if with(10) { "kim" } else { "uma" }),
        limit: 7,
        cursor: None,
    }
}

#[tokio::test]
async fn every_combination_of_filters_lists_what_a_reader_of_all_would_pick() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
    let clock = Clock::manual(0);
    let desk = Desk::new(store.clone(), clock.clone());
    filled(&desk, &clock).await;
    let all = desk.list(&TicketFilter { limit: 1_000, ..TicketFilter::default() }).await.unwrap().tickets;
    assert_eq!(all.len(), 96);
    let mut found = 0;
    // Nothing counts as few, some does, everything does: what has changed lately is then gone by in none, some or all of them.
    for (bits, few) in (0..1 << 12).flat_map(|bits| [0, 30, i64::MAX].map(|few| (bits, few))) {
        let mut filter = combination(bits);
        if few > 0 && filter.updated_since_us.is_none() {
            continue;
        }
        let wanted: Vec<i64> = all.iter().filter(|ticket| is_wanted(ticket, &filter)).map(|ticket| ticket.number).collect();
        let mut listed = Vec::new();
        loop {
            let page = desk.list_by(&filter, few).await.unwrap();
            listed.extend(page.tickets.iter().map(|ticket| ticket.number));
            filter.cursor = page.next_cursor;
            if filter.cursor.is_none() {
                break;
            }
        }
        assert_eq!(listed, wanted, "{:?}, few: {few}", combination(bits));
        found += usize::from(!wanted.is_empty());
    }
    assert!(found > 500, "only {found} of the combinations find anything");
}

#[tokio::test]
async fn who_may_see_a_ticket_follows_its_requester_and_watchers() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
    let clock = Clock::manual(0);
    let desk = Desk::new(store.clone(), clock.clone());
    filled(&desk, &clock).await;
    desk.change(2, None, &Change { requester: Some("kim".into()), ..Change::default() }, &ines()).await.unwrap();
    desk.watch(2, "kim", true, &ines()).await.unwrap();
    desk.watch(2, "kim", false, &ines()).await.unwrap();
    desk.watch(3, "lena", true, &ines()).await.unwrap();
    let mut read = store.read().await.unwrap();
    let rows = sqlx::query("SELECT ticket, person FROM ticket_readers ORDER BY ticket, person").fetch_all(&mut *read).await.unwrap();
    let kept: Vec<(i64, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut tickets = desk.list(&TicketFilter { limit: 1_000, ..TicketFilter::default() }).await.unwrap().tickets;
    tickets.reverse();
    let meant: Vec<(i64, String)> = tickets
        .iter()
        .flat_map(|ticket| {
            let people: std::collections::BTreeSet<&String> = ticket.requester.iter().chain(&ticket.watchers).collect();
            people.into_iter().map(|person| (ticket.number, person.clone())).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(kept, meant);
    assert!(kept.contains(&(2, "kim".to_owned())), "who asks still sees it after watching it no longer");
}
