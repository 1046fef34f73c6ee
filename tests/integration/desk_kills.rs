//! `kill -9` at random moments while people work on tickets and a program reports alerts: every acknowledged change, merge and alert is in
//! the history exactly once, numbers have no gaps, and nobody who was given a ticket or called for one goes untold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use crate::command::run;
use crate::desk_load::{Client, Promised, Receiver, people};
use crate::kills::from_environment;
use crate::server::{Launch, Server};

/// Kills of the short form; 1,000 of them are the long one.
const KILLS: u32 = 8;

/// People who work at the same time.
const CLIENTS: u64 = 6;

/// Work between two kills.
const WORK_MS: std::ops::Range<u64> = 20..800;

/// A start that is killed lives for at most this long: about as long as a start takes.
const LONGEST_START_MS: u64 = 400;

/// What was not sent yet when the last server started is sent within this time.
const TOLD_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_change_and_no_notice_is_lost_and_none_is_doubled() {
    let wanted: u32 = from_environment("WATCHROOM_TEST_KILLS").unwrap_or(KILLS);
    let seed = from_environment("WATCHROOM_TEST_SEED").unwrap_or_else(rand::random);
    eprintln!("desk kills: WATCHROOM_TEST_KILLS={wanted} WATCHROOM_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let (receiver, address) = Receiver::start().await;
    let launch =
        Launch::on(folder.path()).env("WATCHROOM_WEBHOOKS_ALLOW_HTTP", true).env("WATCHROOM_WEBHOOKS_ALLOW_PRIVATE", "127.0.0.0/8");
    let server = launch.start().await;
    let set_up = server.request("PUT", "/api/v1/setup").body(people(&address).to_string()).send().await.unwrap();
    assert_eq!(set_up.status().as_u16(), 200, "{}", set_up.text().await.unwrap());
    let mut clients: Vec<Client> = (0..CLIENTS).map(|n| Client::new(format!("c{n}"), random.random())).collect();
    let (mut server, mut kills, started) = (Some(server), 0, Instant::now());
    while kills < wanted {
        while kills < wanted && random.random_bool(0.2) {
            drop(server.take());
            let process = launch.spawn();
            tokio::time::sleep(Duration::from_millis(random.random_range(0..LONGEST_START_MS))).await;
            process.kill();
            kills += 1;
        }
        let running = match server.take() {
            Some(running) => running,
            None => launch.start().await,
        };
        clients = work(running, clients, Duration::from_millis(random.random_range(WORK_MS))).await;
        kills += 1;
    }
    let server = launch.start().await;
    for client in &mut clients {
        client.settle(&server).await;
    }
    let promised = together(clients);
    let given = everything_is_there_once(&server, &promised).await;
    everybody_was_told(&receiver, &given).await;
    let calls = everybody_was_called(&server, &receiver).await;
    the_store_is_sound(folder.path());
    eprintln!(
        "desk kills: {kills} in {:.0} s; {} tickets, {} changes, {} merged, {} alerts, {} requests repeated of which {} had been carried out, \
         {} messages for {} notices and {calls} calls",
        started.elapsed().as_secs_f64(),
        promised.opened.len(),
        promised.changed.len(),
        promised.merged.len(),
        promised.alerts.len(),
        promised.repeated,
        promised.carried_out_before,
        receiver.messages(),
        given.values().sum::<usize>()
    );
    assert!(!promised.opened.is_empty() && !promised.changed.is_empty() && !given.is_empty() && calls > 0, "the work was no work");
}

/// Everybody works until the server is killed.
async fn work(server: Server, clients: Vec<Client>, time: Duration) -> Vec<Client> {
    let base = server.url("");
    let working: Vec<_> =
        clients.into_iter().map(|client| tokio::spawn(client.work_until_dead(server.client.clone(), base.clone()))).collect();
    tokio::time::sleep(time).await;
    server.kill();
    let mut clients = Vec::new();
    for client in working {
        clients.push(client.await.expect("no client met an answer that it does not expect"));
    }
    clients
}

fn together(clients: Vec<Client>) -> Promised {
    let mut all = Promised::default();
    for Promised { opened, changed, merged, alerts, repeated, carried_out_before } in clients.into_iter().map(|client| client.promised) {
        all.opened.extend(opened);
        all.changed.extend(changed);
        all.merged.extend(merged);
        all.alerts.extend(alerts);
        all.repeated += repeated;
        all.carried_out_before += carried_out_before;
    }
    all
}

/// Holds every ticket against what was promised, and against its own history. Gives how often each ticket was given to each
/// person.
async fn everything_is_there_once(server: &Server, promised: &Promised) -> BTreeMap<(i64, String), usize> {
    let tickets = i64::try_from(promised.opened.len() + promised.alerts.len()).unwrap();
    let newest = server.get("/api/v1/tickets?limit=1").await.json()["tickets"][0]["number"].as_i64().unwrap();
    assert_eq!(newest, tickets, "every request that was answered opened one ticket, and numbers have no gaps");
    let (mut found, mut merged, mut given) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    let mut alerts = BTreeSet::new();
    for number in 1..=tickets {
        let answer = server.get(&format!("/api/v1/tickets/{number}")).await;
        assert_eq!(answer.status, 200, "ticket {number}: {}", answer.text());
        let detail = answer.json();
        let history = detail["history"].as_array().unwrap();
        let title = history[0]["event"]["title"].as_str().unwrap();
        match promised.alerts.get(title) {
            Some(is_over) => {
                assert!(alerts.insert(title.to_owned()), "{title} has two tickets");
                assert_eq!(detail["ticket"]["state"] == "resolved", *is_over, "{detail}");
            }
            None => assert_eq!(promised.opened.get(title), Some(&number), "{detail}"),
        }
        for (at, event) in history.iter().enumerate() {
            assert_eq!(event["seq"].as_u64(), Some(at as u64 + 1), "{detail}");
            match event["event"]["kind"].as_str().unwrap() {
                "commented" => {
                    let marker = event["event"]["text"].as_str().unwrap();
                    // The desk says something too: that a ticket goes on here, that nobody took it.
                    if event["actor"]["origin"] != "scheduler" && !marker.contains(" goes on here: ") {
                        assert!(found.insert((marker.to_owned(), number)), "{marker} happened twice");
                    }
                }
                "merged" => assert_eq!(merged.insert(number, event["event"]["into"].as_i64().unwrap()), None, "merged twice: {detail}"),
                "assigned" => *given.entry((number, event["event"]["to"].as_str().unwrap().to_owned())).or_default() += 1,
                _ => {}
            }
        }
        assert_eq!(replayed(history), projection(&detail["ticket"]), "ticket {number} is not what its history makes");
    }
    let differ: Vec<_> = found.symmetric_difference(&promised.changed).collect();
    assert!(differ.is_empty(), "{} changes are lost, or were never asked for: {differ:?}", differ.len());
    assert_eq!(merged, promised.merged);
    given
}

/// State, assignee, priority, title and number of events.
type Standing = (Value, Value, Value, Value, usize);

fn projection(ticket: &Value) -> Standing {
    let events = ticket["events"].as_u64().unwrap() as usize;
    (ticket["state"].clone(), ticket["assignee"].clone(), ticket["priority"].clone(), ticket["title"].clone(), events)
}

fn replayed(history: &[Value]) -> Standing {
    let opening = &history[0]["event"];
    let mut standing = ("new".into(), Value::Null, opening["priority"].clone(), opening["title"].clone(), history.len());
    for event in history.iter().map(|event| &event["event"]) {
        let slot = match event["kind"].as_str().unwrap() {
            "moved" => &mut standing.0,
            "assigned" => &mut standing.1,
            "reprioritised" => &mut standing.2,
            "retitled" => &mut standing.3,
            _ => continue,
        };
        *slot = event["to"].clone();
    }
    standing
}

/// Every time that a ticket was given to somebody, one message told them; a double carries the id of the first.
async fn everybody_was_told(receiver: &Receiver, given: &BTreeMap<(i64, String), usize>) {
    let started = Instant::now();
    let mut told = receiver.told();
    while started.elapsed() < TOLD_WITHIN && given.iter().any(|(about, times)| told.get(about) < Some(times)) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        told = receiver.told();
    }
    for (about, times) in given {
        assert_eq!(told.get(about), Some(times), "different messages about ticket {} to {}", about.0, about.1);
    }
    assert_eq!(told.len(), given.len(), "somebody was told of a ticket that they were not given");
}

/// Every call in the histories has one message: it came, or nobody needed to be called any more before it was sent. Gives how many came.
async fn everybody_was_called(server: &Server, receiver: &Receiver) -> usize {
    let waiting = "SELECT count(*) FROM notices WHERE event = 'escalated' AND state = 'waiting'";
    server.wait_for(waiting, 0, TOLD_WITHIN).await;
    let calls = server.number("SELECT count(*) FROM ticket_events WHERE kind = 'paged'").await;
    assert_eq!(server.number("SELECT count(*) FROM notices WHERE event = 'escalated'").await, calls);
    let unsent = "SELECT count(*) FROM notices WHERE event = 'escalated' AND state NOT IN ('sent', 'cancelled')";
    assert_eq!(server.number(unsent).await, 0);
    let (mut told, mut after) = (BTreeMap::new(), 0);
    loop {
        let sent = server
            .sql(&format!(
                "SELECT ticket, count(*) AS calls FROM notices WHERE event = 'escalated' AND state = 'sent' AND ticket > {after}
                 GROUP BY ticket ORDER BY ticket LIMIT 1000"
            ))
            .await;
        let Some(last) = sent.last() else { break };
        after = last["ticket"].as_i64().unwrap();
        told.extend(sent.iter().map(|row| (row["ticket"].as_i64().unwrap(), row["calls"].as_u64().unwrap() as usize)));
    }
    let came = receiver.called();
    // One that came may have been killed before it was noted, and nobody needs to be called any more since.
    assert!(told.iter().all(|(ticket, calls)| came.get(ticket).is_some_and(|came| came >= calls)), "{told:?} {came:?}");
    came.values().sum()
}

/// A backup that can be restored: SQLite finds no damage, and the newest thousand tickets are what their histories make.
fn the_store_is_sound(folder: &Path) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    run(folder, &["backup", &path("backup"), "--data", &path("data")]).good();
    run(folder, &["restore", &path("backup"), "--data", &path("restored")]).good();
}
