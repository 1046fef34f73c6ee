//! Senders that remember what they were promised, and the SQL that holds the tables to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::server::{Answer, Server};

/// What senders know of the requests and lines that they sent. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known(Arc<Mutex<Facts>>);

#[derive(Debug, Default)]
struct Facts {
    /// Requests by name: the rows that each holds.
    sent: BTreeMap<String, u64>,
    acknowledged: BTreeSet<String>,
    /// Answered with 503: nothing of them may be stored.
    refused: BTreeSet<String>,
    /// Connections by name: the lines written to the socket.
    written: BTreeMap<String, u64>,
    /// Connections by name: the lines that SQL has shown.
    seen: BTreeMap<String, u64>,
    /// Requests with samples by number: the samples that each holds.
    samples_sent: BTreeMap<u64, u64>,
    samples_acknowledged: BTreeSet<u64>,
}

/// Sizes of what was checked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Checked {
    pub(crate) acknowledged_rows: u64,
    pub(crate) unanswered_requests: u64,
    pub(crate) lines: u64,
    pub(crate) samples: u64,
}

impl Known {
    /// Sends one request of JSON lines named `batch`; `None` when the server did not answer.
    pub(crate) async fn push(&self, client: &reqwest::Client, url: &str, batch: &str, rows: u64, padding: usize) -> Option<Answer> {
        self.0.lock().unwrap().sent.insert(batch.to_owned(), rows);
        let response = client.post(url).body(json_lines(batch, rows, padding)).send().await.ok()?;
        let answer = Answer::read(response).await.ok()?;
        let mut facts = self.0.lock().unwrap();
        match answer.status {
            200 => facts.acknowledged.insert(batch.to_owned()),
            503 => facts.refused.insert(batch.to_owned()),
            status => panic!("{status}: {}", answer.text()),
        };
        drop(facts);
        Some(answer)
    }

    /// Pushes until the server does not answer any more.
    pub(crate) async fn push_until_dead(self, client: reqwest::Client, url: String, writer: String, rows: u64, padding: usize) {
        for n in 0_u64.. {
            let Some(answer) = self.push(&client, &url, &format!("{writer}-{n}"), rows, padding).await else { return };
            if answer.status == 503 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Writes syslog lines to a connection named `name` until `lines` are written or the connection breaks.
    pub(crate) async fn write_lines(self, address: String, name: String, lines: u64, counted: bool) {
        let Ok(mut stream) = TcpStream::connect(address).await else { return };
        const LINES_A_WRITE: u64 = 20;
        for first in (0..lines).step_by(LINES_A_WRITE as usize) {
            let until = lines.min(first + LINES_A_WRITE);
            let text: String = (first..until).map(|n| framed(&syslog_line(&name, n), counted)).collect();
            // Before they are written: a broken write may have sent some of them.
            self.0.lock().unwrap().written.insert(name.clone(), until);
            if stream.write_all(text.as_bytes()).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let _ = stream.shutdown().await;
    }

    /// Notes what SQL shows of the connections now; false when the server does not answer.
    pub(crate) async fn look(&self, client: &reqwest::Client, url: &str) -> bool {
        let query = "SELECT host, count(*) AS lines FROM logs WHERE app = 'line' GROUP BY host";
        let body = serde_json::json!({ "query": query, "format": "json" }).to_string();
        let Ok(response) = client.post(url).body(body).send().await else { return false };
        let Ok(answer) = Answer::read(response).await else { return false };
        // Being killed in the middle of an answer is no answer.
        let Ok(document) = serde_json::from_slice::<serde_json::Value>(&answer.body) else { return false };
        let mut facts = self.0.lock().unwrap();
        for row in document["rows"].as_array().into_iter().flatten() {
            let (name, lines) = (row["host"].as_str().unwrap(), row["lines"].as_u64().unwrap());
            let seen = facts.seen.entry(name.to_owned()).or_default();
            assert!(*seen <= lines, "{name} had {seen} lines and has {lines}");
            *seen = lines;
        }
        true
    }

    /// Sends requests with samples, numbered from `first`, until the server does not answer any more.
    pub(crate) async fn sample_until_dead(self, client: reqwest::Client, url: String, first: u64) {
        const SAMPLES: u64 = 20;
        for request in first.. {
            self.0.lock().unwrap().samples_sent.insert(request, SAMPLES);
            // A new series now and then, so that series and samples race to their tables.
            let body = remote_write(&format!("w{}", request / 4), request, SAMPLES);
            let Ok(response) = client.post(&url).header("content-encoding", "snappy").body(body).send().await else { return };
            match response.status().as_u16() {
                204 => self.0.lock().unwrap().samples_acknowledged.insert(request),
                503 => false,
                status => panic!("{status}"),
            };
        }
    }

    pub(crate) fn acknowledged_rows(&self) -> u64 {
        let facts = self.0.lock().unwrap();
        facts.acknowledged.iter().map(|batch| facts.sent[batch]).sum()
    }

    /// Holds the tables to every promise.
    pub(crate) async fn check(&self, server: &Server) -> Checked {
        let unanswered_requests = self.check_requests(server).await;
        let lines = self.check_lines(server).await;
        let samples = self.check_samples(server).await;
        Checked { acknowledged_rows: self.acknowledged_rows(), unanswered_requests, lines, samples }
    }

    /// Acknowledged requests are there whole, refused ones are not there, the others are there whole or not at all; no row
    /// is there twice. Gives the number of requests that are there though nobody was told.
    async fn check_requests(&self, server: &Server) -> u64 {
        let query = "SELECT host, count(*) AS n, count(DISTINCT message) AS different FROM logs WHERE app = 'push' GROUP BY host";
        let mut stored = BTreeMap::new();
        for row in server.sql(query).await {
            stored.insert(row["host"].as_str().unwrap().to_owned(), (row["n"].as_u64().unwrap(), row["different"].as_u64().unwrap()));
        }
        let facts = self.0.lock().unwrap();
        for (batch, (rows, different)) in &stored {
            assert_eq!(rows, different, "rows of the request {batch} are there twice");
            assert_eq!(Some(rows), facts.sent.get(batch), "the request {batch} is there in part");
            assert!(!facts.refused.contains(batch), "the request {batch} was refused and is there");
        }
        let lost: Vec<_> = facts.acknowledged.iter().filter(|batch| !stored.contains_key(*batch)).collect();
        assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
        (stored.len() - facts.acknowledged.len()) as u64
    }

    /// Of each connection the table has the first lines without a gap, each once, and at least those that SQL has shown.
    async fn check_lines(&self, server: &Server) -> u64 {
        let query = "SELECT host, count(*) AS n, count(DISTINCT pid) AS different, max(CAST(pid AS BIGINT)) AS newest
            FROM logs WHERE app = 'line' GROUP BY host";
        let rows = server.sql(query).await;
        let facts = self.0.lock().unwrap();
        let mut stored = BTreeMap::new();
        for row in rows {
            let name = row["host"].as_str().unwrap().to_owned();
            let number = |column: &str| row[column].as_u64().unwrap();
            assert_eq!(number("n"), number("different"), "lines of {name} are there twice");
            assert_eq!(number("newest") + 1, number("n"), "lines of {name} are missing in the middle");
            assert!(number("n") <= facts.written[&name], "{name} has lines that nobody wrote");
            stored.insert(name, number("n"));
        }
        for (name, seen) in &facts.seen {
            let found = stored.get(name).copied().unwrap_or(0);
            assert!(found >= *seen, "{name} had {seen} lines in SQL and has {found} now");
        }
        stored.values().sum()
    }

    /// The same for samples; and each sample has its series.
    async fn check_samples(&self, server: &Server) -> u64 {
        let query = "SELECT CAST(value AS BIGINT) AS request, count(*) AS n, count(DISTINCT timestamp) AS different
            FROM metrics WHERE name = 'kills_total' GROUP BY 1";
        let mut stored = BTreeMap::new();
        for row in server.sql(query).await {
            stored.insert(row["request"].as_u64().unwrap(), (row["n"].as_u64().unwrap(), row["different"].as_u64().unwrap()));
        }
        let all = server.number("SELECT count(*) FROM samples").await;
        let facts = self.0.lock().unwrap();
        for (request, (samples, different)) in &stored {
            assert_eq!(samples, different, "samples of the request {request} are there twice");
            assert_eq!(Some(samples), facts.samples_sent.get(request), "the request {request} is there in part");
        }
        let lost: Vec<_> = facts.samples_acknowledged.iter().filter(|request| !stored.contains_key(request)).collect();
        assert!(lost.is_empty(), "acknowledged and not there: requests with samples {lost:?}");
        let joined: u64 = stored.values().map(|(samples, _)| samples).sum();
        assert_eq!(joined, all as u64, "some samples have no series, or one that is there twice");
        joined
    }
}

/// A body of JSON lines. Each row says which request it belongs to (`host`) and which of its rows it is (`message`).
pub(crate) fn json_lines(batch: &str, rows: u64, padding: usize) -> String {
    let pad = "all work and no play makes a log line long. ".repeat(padding / 44 + 1);
    let mut body = String::new();
    for n in 0..rows {
        body.push_str(&format!("{{\"app\":\"push\",\"host\":\"{batch}\",\"_msg\":\"{batch} row {n}\",\"pad\":\"{}\"}}\n", &pad[..padding]));
    }
    body
}

/// Line `n` of the connection `name`, on one of three days.
fn syslog_line(name: &str, n: u64) -> String {
    format!("<13>1 2026-01-0{}T00:00:00.{:06}Z {name} line {n} - - line {n} of {name}", 1 + n % 3, n % 1_000_000)
}

/// A message as it goes over TCP (RFC 6587): with its octet count, or with a newline.
pub(crate) fn framed(message: &str, counted: bool) -> String {
    if counted { format!("{} {message}", message.len()) } else { format!("{message}\n") }
}

/// A remote-write request of one series: samples a millisecond apart, whose value is the request's number.
pub(crate) fn remote_write(writer: &str, request: u64, samples: u64) -> Vec<u8> {
    let mut series = Vec::new();
    for (name, value) in [("__name__", "kills_total"), ("writer", writer)] {
        let mut label = Vec::new();
        field(&mut label, 1, name.as_bytes());
        field(&mut label, 2, value.as_bytes());
        field(&mut series, 1, &label);
    }
    for n in 0..samples {
        let timestamp_ms = 1_767_225_600_000 + request * samples + n;
        let mut sample = vec![1 << 3 | 1];
        sample.extend_from_slice(&(request as f64).to_le_bytes());
        sample.push(2 << 3);
        varint(&mut sample, timestamp_ms);
        field(&mut series, 2, &sample);
    }
    let mut body = Vec::new();
    field(&mut body, 1, &series);
    snap::raw::Encoder::new().compress_vec(&body).unwrap()
}

/// A length-delimited protobuf field.
fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
