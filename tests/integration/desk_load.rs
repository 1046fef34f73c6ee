//! People who open, change and merge tickets, one or many at a time, and a program that reports alerts: they remember what they were
//! promised, and are told and called by webhook.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::server::{Answer, Server};

/// People whom tickets are given to. A person who gets more than ten notices in ten minutes gets them in a digest; so many
/// people never do.
const PEOPLE: u64 = 300;

/// Who is called for what has the highest priority.
const CALLED: &str = "called";

/// Tickets that a client goes on changing: the newest of its own.
const KEPT: usize = 8;

/// Longest pause between two requests of a client.
const LONGEST_PAUSE_MS: u64 = 25;

/// What a client asked for, to be asked again until there is an answer.
#[derive(Debug, Clone)]
enum Request {
    Open { key: String, body: String },
    Change { number: i64, etag: String, marker: String, body: String },
    Bulk { numbers: Vec<i64>, marker: String, body: String },
    Merge { into: i64, other: i64, etag: String, key: String },
    Alert { marker: String, is_over: bool },
}

/// A ticket as its client last saw it. Nobody else changes it.
#[derive(Debug)]
struct Own {
    number: i64,
    etag: String,
    state: String,
}

/// What clients were promised.
#[derive(Debug, Default)]
pub(crate) struct Promised {
    /// Tickets by the title that they were opened with.
    pub(crate) opened: BTreeMap<String, i64>,
    /// The comment of every acknowledged change, and a ticket that it was made to.
    pub(crate) changed: BTreeSet<(String, i64)>,
    /// Tickets that go on in another, and in which.
    pub(crate) merged: BTreeMap<i64, i64>,
    /// Alerts that were reported, and whether their end was.
    pub(crate) alerts: BTreeMap<String, bool>,
    /// Requests that were answered after the server that got them first was killed.
    pub(crate) repeated: u64,
    /// ... of which had been carried out the first time.
    pub(crate) carried_out_before: u64,
}

/// A client: it opens tickets and changes its own.
#[derive(Debug)]
pub(crate) struct Client {
    name: String,
    random: StdRng,
    requests: u64,
    tickets: Vec<Own>,
    /// A request that the server died over.
    pending: Option<Request>,
    pub(crate) promised: Promised,
}

impl Client {
    pub(crate) fn new(name: String, seed: u64) -> Self {
        Self { name, random: StdRng::seed_from_u64(seed), requests: 0, tickets: Vec::new(), pending: None, promised: Promised::default() }
    }

    /// Works until the server does not answer any more.
    pub(crate) async fn work_until_dead(mut self, http: reqwest::Client, base: String) -> Self {
        loop {
            let is_repeated = self.pending.is_some();
            let request = match self.pending.take() {
                Some(request) => request,
                None => self.next(),
            };
            if !self.ask(&http, &base, request, is_repeated).await {
                return self;
            }
            tokio::time::sleep(Duration::from_millis(self.random.random_range(0..LONGEST_PAUSE_MS))).await;
        }
    }

    /// Asks once more for what was never answered.
    pub(crate) async fn settle(&mut self, server: &Server) {
        if let Some(request) = self.pending.take() {
            assert!(self.ask(&server.client, &server.url(""), request, true).await, "the server did not answer");
        }
    }

    fn next(&mut self) -> Request {
        self.requests += 1;
        let marker = format!("{}-{}", self.name, self.requests);
        let person = format!("p{:03}", self.random.random_range(0..PEOPLE));
        match self.random.random_range(0..20) {
            0 | 1 => return self.next_alert(marker),
            2 if self.tickets.len() > 2 => {
                let numbers: Vec<i64> = self.tickets.iter().take(3).map(|own| own.number).collect();
                let change = json!({ "comment": marker, "internal": true, "assignee": person });
                return Request::Bulk { body: json!({ "numbers": numbers, "change": change }).to_string(), numbers, marker };
            }
            3 => {
                let mut open = self.tickets.iter().filter(|own| own.state != "resolved");
                if let (Some(into), Some(other)) = (open.next(), open.next()) {
                    return Request::Merge { into: into.number, other: other.number, etag: into.etag.clone(), key: marker };
                }
            }
            _ => {}
        }
        if self.tickets.is_empty() || self.random.random_bool(0.3) {
            let mut body = json!({ "title": marker, "description": "opened under fire", "priority": "P3" });
            if self.random.random_bool(0.5) {
                body["assignee"] = person.into();
            }
            return Request::Open { key: marker, body: body.to_string() };
        }
        let ticket = &self.tickets[self.random.random_range(0..self.tickets.len())];
        let mut body = json!({ "comment": marker });
        match self.random.random_range(0..5) {
            0 => body["assignee"] = person.into(),
            1 => body["priority"] = ["P1", "P2", "P3", "P4", "P5"][self.random.random_range(0..5)].into(),
            2 => body["title"] = format!("renamed by {marker}").into(),
            3 => {
                let next = match ticket.state.as_str() {
                    "in_progress" => ["on_hold", "resolved"][self.random.random_range(0..2)],
                    "resolved" => "reopened",
                    _ => "in_progress",
                };
                body["state"] = next.into();
            }
            _ => body["internal"] = true.into(),
        }
        Request::Change { number: ticket.number, etag: ticket.etag.clone(), marker, body: body.to_string() }
    }

    /// A new alert, or the end of one that was reported.
    fn next_alert(&mut self, marker: String) -> Request {
        let goes_on = self.promised.alerts.iter().find(|(_, is_over)| !**is_over).map(|(marker, _)| marker.clone());
        match goes_on.filter(|_| self.random.random_bool(0.5)) {
            Some(marker) => Request::Alert { marker, is_over: true },
            None => Request::Alert { marker, is_over: false },
        }
    }

    /// Sends a request and notes the answer; false if there was none, and the request waits for the next server.
    async fn ask(&mut self, http: &reqwest::Client, base: &str, request: Request, is_repeated: bool) -> bool {
        let sent = match &request {
            Request::Open { key, body } => {
                http.post(format!("{base}/api/v1/tickets")).header("idempotency-key", key).body(body.clone()).send().await
            }
            Request::Change { number, etag, body, .. } => {
                http.patch(format!("{base}/api/v1/tickets/{number}")).header("if-match", etag).body(body.clone()).send().await
            }
            Request::Bulk { marker, body, .. } => {
                http.post(format!("{base}/api/v1/tickets/bulk")).header("idempotency-key", marker).body(body.clone()).send().await
            }
            Request::Merge { into, other, etag, key } => {
                let merge =
                    http.post(format!("{base}/api/v1/tickets/{into}/merge")).header("if-match", etag).header("idempotency-key", key);
                merge.body(json!({ "ticket": other }).to_string()).send().await
            }
            Request::Alert { marker, is_over } => {
                let ends = if *is_over { "2026-01-01T00:01:00Z" } else { "2199-01-01T00:00:00Z" };
                let alert = json!([{ "labels": { "alertname": marker, "severity": "warning" }, "annotations": { "summary": marker },
                    "startsAt": "2026-01-01T00:00:00Z", "endsAt": ends, "generatorURL": "http://prometheus/graph" }]);
                http.post(format!("{base}/api/v2/alerts")).body(alert.to_string()).send().await
            }
        };
        let answer = match sent {
            Ok(response) => Answer::read(response).await.ok(),
            Err(_) => None,
        };
        let Some(answer) = answer else {
            self.pending = Some(request);
            return false;
        };
        self.promised.repeated += u64::from(is_repeated);
        let was_there = match (&request, answer.status) {
            (Request::Open { .. }, 201) => false,
            (Request::Change { .. } | Request::Bulk { .. } | Request::Merge { .. } | Request::Alert { .. }, 200) => false,
            // Only what was asked before can be there already: its key is known, or the ticket is no longer at the version.
            (Request::Open { .. }, 200) if is_repeated => true,
            (Request::Change { number, marker, .. }, 412) => {
                let (number, marker) = (*number, marker.clone());
                self.tickets.retain(|own| own.number != number);
                let Some(history) = self.look_again(http, base, number).await else {
                    self.pending = Some(request);
                    return false;
                };
                if !history.contains(&marker) {
                    // The desk had something to say of it in between. What is decided next is decided on what it says.
                    return true;
                }
                assert!(is_repeated, "{marker} was done and refused");
                true
            }
            // The key is asked for first: it was not done.
            (Request::Merge { into, .. }, 412) => {
                let into = *into;
                self.tickets.retain(|own| own.number != into);
                if self.look_again(http, base, into).await.is_none() {
                    self.pending = Some(request);
                    return false;
                }
                return true;
            }
            (_, 503) => {
                self.pending = Some(request);
                return true;
            }
            (_, status) => panic!("{status} for {request:?}: {}", answer.text()),
        };
        self.promised.carried_out_before += u64::from(was_there);
        self.note(http, base, request, &answer).await
    }

    async fn note(&mut self, http: &reqwest::Client, base: &str, request: Request, answer: &Answer) -> bool {
        match request {
            Request::Open { key, .. } => {
                let number = answer.json()["number"].as_i64().unwrap();
                self.promised.opened.insert(key, number);
                self.remember(number, answer);
            }
            Request::Change { number, marker, .. } => {
                self.promised.changed.insert((marker, number));
                if answer.status == 200 {
                    self.tickets.retain(|own| own.number != number);
                    self.remember(number, answer);
                }
            }
            Request::Bulk { numbers, marker, .. } => {
                self.promised.changed.extend(numbers.iter().map(|number| (marker.clone(), *number)));
                self.tickets.retain(|own| !numbers.contains(&own.number));
                for number in numbers {
                    if self.look_again(http, base, number).await.is_none() {
                        return false;
                    }
                }
            }
            Request::Merge { into, other, .. } => {
                self.promised.merged.insert(other, into);
                self.tickets.retain(|own| own.number != into && own.number != other);
                self.remember(into, answer);
            }
            Request::Alert { marker, is_over } => {
                self.promised.alerts.insert(marker, is_over);
            }
        }
        true
    }

    /// Reads how one of the client's own tickets stands, and gives the comments of its history; `None` if there was no answer.
    async fn look_again(&mut self, http: &reqwest::Client, base: &str, number: i64) -> Option<Vec<String>> {
        let seen = Answer::read(http.get(format!("{base}/api/v1/tickets/{number}")).send().await.ok()?).await.ok()?;
        let (etag, detail) = (seen.header("etag").to_owned(), seen.json());
        let state = detail["ticket"]["state"].as_str()?.to_owned();
        self.tickets.push(Own { number, etag, state });
        let events = detail["history"].as_array()?.iter();
        Some(events.filter_map(|event| Some(event["event"]["text"].as_str()?.to_owned())).collect())
    }

    fn remember(&mut self, number: i64, answer: &Answer) {
        let state = answer.json()["state"].as_str().unwrap().to_owned();
        self.tickets.push(Own { number, etag: answer.header("etag").to_owned(), state });
        let over = self.tickets.len().saturating_sub(KEPT);
        self.tickets.drain(..over);
    }
}

/// A receiver of webhooks on the loopback, which remembers what came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Receiver(Arc<Mutex<Received>>);

#[derive(Debug, Default)]
struct Received {
    /// For a ticket and the person it was given to: the ids of the messages that told them.
    given: BTreeMap<(i64, String), BTreeSet<String>>,
    /// For a ticket: the ids of the messages that called somebody.
    calls: BTreeMap<i64, BTreeSet<String>>,
    messages: u64,
}

impl Receiver {
    /// Starts it and gives where it listens.
    pub(crate) async fn start() -> (Self, String) {
        let receiver = Self::default();
        let router = axum::Router::new().route("/{person}", axum::routing::post(take)).with_state(receiver.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, base)
    }

    /// Messages that came, doubles too.
    pub(crate) fn messages(&self) -> u64 {
        self.0.lock().unwrap().messages
    }

    /// How many different messages told each person of each ticket.
    pub(crate) fn told(&self) -> BTreeMap<(i64, String), usize> {
        self.0.lock().unwrap().given.iter().map(|(about, ids)| (about.clone(), ids.len())).collect()
    }

    /// How many different messages called somebody about each ticket.
    pub(crate) fn called(&self) -> BTreeMap<i64, usize> {
        self.0.lock().unwrap().calls.iter().map(|(ticket, ids)| (*ticket, ids.len())).collect()
    }
}

async fn take(State(receiver): State<Receiver>, Path(person): Path<String>, headers: HeaderMap, body: String) {
    let message: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(message["person"], json!(person), "{message}");
    let id = message["id"].as_str().unwrap().to_owned();
    assert_eq!(headers["watchroom-delivery"], id.as_str());
    let mut received = receiver.0.lock().unwrap();
    received.messages += 1;
    let ticket = message["ticket"].as_i64().unwrap();
    match message["event"].as_str() {
        Some("assigned") => received.given.entry((ticket, person)).or_default().insert(id),
        Some("escalated") => {
            assert_eq!(person, CALLED, "{message}");
            received.calls.entry(ticket).or_default().insert(id)
        }
        _ => panic!("nobody wanted to be told of that: {message}"),
    };
}

/// Everybody whom tickets are given to, told of nothing else, by webhook, at once; and one who is called for what is most urgent.
pub(crate) fn people(receiver: &str) -> Value {
    let others = ["opened", "commented", "acknowledged", "resolved", "reopened", "closed"];
    let person = |name: String| {
        let contact = json!({ "channel": "webhook", "address": format!("{receiver}/{name}") });
        let document = json!({ "display_name": name, "role": "technician",
            "notifications": { "contacts": [contact], "rules": [{ "events": others, "action": "off" }] } });
        (name, document)
    };
    let names = (0..PEOPLE).map(|n| format!("p{n:03}")).chain([CALLED.to_owned()]);
    json!({
        "user": names.map(person).collect::<serde_json::Map<_, _>>(),
        "escalation_policy": { "call": { "only_priorities": ["P1"], "steps": [{ "after": "0m", "notify": [format!("user:{CALLED}")] }] } },
        "desk_policy": { "default": { "escalation_policy": "call" } },
    })
}
