//! People who open and change tickets at a steady pace.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use watchroom::clock::Stopwatch;

use super::desk_content::{SERVICES, host, requester};
use super::desk_questions::latencies;
use super::drawing::Random;
use super::http::Http;

const WRITERS: u64 = 8;
/// Tickets that a writer goes on changing.
const KEPT: usize = 40;

/// What came of the changes.
pub(crate) struct Changed {
    /// From the moment at which the pace had it sent to the answer.
    pub(crate) latencies: Histogram<u64>,
    pub(crate) opened: u64,
    pub(crate) commented: u64,
    pub(crate) moved: u64,
    /// Answered with 412, because the desk itself had changed the ticket; read again and sent again.
    pub(crate) conflicts: u64,
    /// Answered with anything else than success.
    pub(crate) failed: u64,
    pub(crate) seconds: f64,
}

struct Own {
    number: u64,
    version: i64,
    state: String,
}

struct Writer {
    http: Http,
    random: Random,
    tickets: Vec<Own>,
    changed: Changed,
}

/// Makes `a_second` changes a second for so many seconds.
pub(crate) fn change(address: &str, a_second: u64, seconds: u64) -> Changed {
    // All have chosen their tickets before the first changes one: no ticket is two writers' own.
    let writers: Vec<Writer> = (0..WRITERS).map(|number| Writer::new(address, number)).collect();
    let (next, watch) = (Arc::new(AtomicU64::new(0)), Stopwatch::start());
    let writers: Vec<_> = writers
        .into_iter()
        .map(|mut writer| {
            let next = next.clone();
            std::thread::spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= a_second * seconds {
                        return writer.changed;
                    }
                    let due = Duration::from_micros(at * 1_000_000 / a_second);
                    std::thread::sleep(due.saturating_sub(watch.elapsed()));
                    writer.change_one();
                    let late = watch.elapsed().saturating_sub(due);
                    writer.changed.latencies.saturating_record(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
                }
            })
        })
        .collect();
    let mut all = Changed { latencies: latencies(), opened: 0, commented: 0, moved: 0, conflicts: 0, failed: 0, seconds: 0.0 };
    for writer in writers {
        let one = writer.join().expect("a writer ends well");
        all.latencies.add(one.latencies).expect("the same bounds");
        all.opened += one.opened;
        all.commented += one.commented;
        all.moved += one.moved;
        all.conflicts += one.conflicts;
        all.failed += one.failed;
    }
    all.seconds = watch.elapsed_seconds();
    all
}

impl Writer {
    /// Takes some of the open tickets as its own.
    fn new(address: &str, number: u64) -> Self {
        let mut http = Http::connect(address).expect("the server accepts");
        let changed = Changed { latencies: latencies(), opened: 0, commented: 0, moved: 0, conflicts: 0, failed: 0, seconds: 0.0 };
        let (status, answer) = http.get("/api/v1/tickets?open=true&limit=320", "").expect("the server answers");
        assert_eq!(status, 200);
        let page: Value = serde_json::from_slice(&answer).expect("JSON");
        let open = page["tickets"].as_array().expect("a list").iter();
        let own = open.skip(number as usize).step_by(WRITERS as usize);
        Self { http, random: Random(number), tickets: own.map(Own::of).take(KEPT).collect(), changed }
    }

    fn change_one(&mut self) {
        match self.random.below(10) {
            0 | 1 => self.open(),
            2..=4 => {
                let at = self.random.below(self.tickets.len() as u64) as usize;
                let next = match self.tickets[at].state.as_str() {
                    "in_progress" => self.random.pick(&["on_hold", "resolved"]),
                    "resolved" => "reopened",
                    _ => "in_progress",
                };
                self.changed.moved += u64::from(self.send(at, &json!({ "state": next })));
            }
            _ => {
                let at = self.random.below(self.tickets.len() as u64) as usize;
                let text = format!("Looked at it again, attempt {}; the limit is raised and the disk watched.", self.random.below(1_000));
                let internal = self.random.one_in(2);
                self.changed.commented += u64::from(self.send(at, &json!({ "comment": text, "internal": internal })));
            }
        }
    }

    fn open(&mut self) {
        let body = json!({ "title": "cannot be reached since the update", "description": "Nobody can work.", "kind": "incident",
            "service": self.random.pick(&SERVICES), "requester": requester(self.random.below(1_000)), "entity": { "host": host(&mut self.random) } });
        let (status, answer) = self.http.post("/api/v1/tickets", "", body.to_string().as_bytes()).expect("the server answers");
        if status != 201 {
            self.changed.failed += 1;
            return;
        }
        self.changed.opened += 1;
        let ticket: Value = serde_json::from_slice(&answer).expect("JSON");
        let at = self.random.below(self.tickets.len() as u64) as usize;
        self.tickets[at] = Own::of(&ticket);
    }

    /// Changes one of its tickets as it was last seen; if the desk was faster, as it is now. False if it is not to be.
    fn send(&mut self, at: usize, body: &Value) -> bool {
        loop {
            let Own { number, version, .. } = self.tickets[at];
            let (path, etag) = (format!("/api/v1/tickets/{number}"), format!("If-Match: \"{version}\"\r\n"));
            let (status, answer) = self.http.request("PATCH", &path, &etag, body.to_string().as_bytes()).expect("the server answers");
            if status == 200 {
                self.tickets[at] = Own::of(&serde_json::from_slice(&answer).expect("JSON"));
                return true;
            }
            let (read, detail) = self.http.get(&path, "").expect("the server answers");
            if status != 412 || read != 200 {
                self.changed.failed += 1;
                return false;
            }
            self.changed.conflicts += 1;
            let detail: Value = serde_json::from_slice(&detail).expect("JSON");
            self.tickets[at] = Own::of(&detail["ticket"]);
            // Whoever sees that it has moved meanwhile asks for another move.
            if body.get("state").is_some_and(|state| *state == detail["ticket"]["state"]) {
                return true;
            }
        }
    }
}

impl Own {
    fn of(ticket: &Value) -> Self {
        Self {
            number: ticket["number"].as_u64().unwrap_or_default(),
            version: ticket["version"].as_i64().unwrap_or_default(),
            state: ticket["state"].as_str().unwrap_or_default().to_owned(),
        }
    }
}
