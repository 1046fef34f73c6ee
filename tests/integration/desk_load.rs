//! People who open and change tickets, remember what they were promised, and are told of it by webhook.

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

/// Tickets that a client goes on changing: the newest of its own.
const KEPT: usize = 8;

/// Longest pause between two requests of a client.
const LONGEST_PAUSE_MS: u64 = 25;

/// What a client asked for, to be asked again until there is an answer.
#[derive(Debug, Clone)]
enum Request {
    Open { key: String, body: String },
    Change { number: i64, etag: String, marker: String, body: String },
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
    /// The comment of every acknowledged change, and its ticket.
    pub(crate) changed: BTreeMap<String, i64>,
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

    /// Sends a request and notes the answer; false if there was none, and the request waits for the next server.
    async fn ask(&mut self, http: &reqwest::Client, base: &str, request: Request, is_repeated: bool) -> bool {
        let sent = match &request {
            Request::Open { key, body } => {
                http.post(format!("{base}/api/v1/tickets")).header("idempotency-key", key).body(body.clone()).send().await
            }
            Request::Change { number, etag, body, .. } => {
                http.patch(format!("{base}/api/v1/tickets/{number}")).header("if-match", etag).body(body.clone()).send().await
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
            (Request::Open { .. }, 201) | (Request::Change { .. }, 200) => false,
            // Only what was asked before can be there already: its key is known, or the ticket is no longer at the version.
            (Request::Open { .. }, 200) | (Request::Change { .. }, 412) if is_repeated => true,
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
                self.promised.changed.insert(marker, number);
                self.tickets.retain(|own| own.number != number);
                if answer.status == 200 {
                    self.remember(number, answer);
                    return true;
                }
                let Ok(seen) = http.get(format!("{base}/api/v1/tickets/{number}")).send().await else { return false };
                let Ok(seen) = Answer::read(seen).await else { return false };
                let etag = seen.header("etag").to_owned();
                let state = seen.json()["ticket"]["state"].as_str().unwrap().to_owned();
                self.tickets.push(Own { number, etag, state });
            }
        }
        true
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
    ids: BTreeMap<(i64, String), BTreeSet<String>>,
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
        self.0.lock().unwrap().ids.iter().map(|(about, ids)| (about.clone(), ids.len())).collect()
    }
}

async fn take(State(receiver): State<Receiver>, Path(person): Path<String>, headers: HeaderMap, body: String) {
    let message: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&message["event"], &message["person"]), (&json!("assigned"), &json!(person)), "{message}");
    assert_eq!(headers["watchroom-delivery"], message["id"].as_str().unwrap());
    let mut received = receiver.0.lock().unwrap();
    received.messages += 1;
    let about = (message["ticket"].as_i64().unwrap(), person);
    received.ids.entry(about).or_default().insert(message["id"].as_str().unwrap().to_owned());
}

/// Everybody whom tickets are given to: told of nothing else, by webhook, at once.
pub(crate) fn people(receiver: &str) -> Value {
    let others = ["opened", "commented", "acknowledged", "resolved", "reopened", "closed"];
    let person = |n: u64| {
        let name = format!("p{n:03}");
        let contact = json!({ "channel": "webhook", "address": format!("{receiver}/{name}") });
        let document = json!({ "display_name": name, "role": "technician",
            "notifications": { "contacts": [contact], "rules": [{ "events": others, "action": "off" }] } });
        (name, document)
    };
    json!({ "user": (0..PEOPLE).map(person).collect::<serde_json::Map<_, _>>() })
}
