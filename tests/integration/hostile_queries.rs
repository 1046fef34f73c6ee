//! Queries that would take everything: they end with a clear error, and what is sent meanwhile is taken and kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::server::{Launch, Server};

/// What hostile or careless people ask, each forever.
const HOSTILE: [&str; 4] = [
    "SELECT count(*) FROM generate_series(1, 1000000000000) a, logs b WHERE a.value + b.pid < 0",
    "SELECT a.message, b.value, count(*) FROM logs a, generate_series(1, 1000000) b GROUP BY a.message, b.value",
    "SELECT a.message || b.message || CAST(c.value AS TEXT) AS m FROM logs a, logs b, generate_series(1, 1000000) c ORDER BY m",
    "SELECT count(*) FROM logs a, logs b, logs c WHERE a.message < b.message AND b.message <> c.message",
];

/// Lines of one request.
const LINES: u64 = 200;

/// Requests that are sent while the questions run.
const REQUESTS: u64 = 60;

fn lines(request: u64) -> String {
    let line = |n: u64| json!({ "host": format!("host-{:02}", n % 10), "app": "shop", "_msg": format!("request {request} of line {n}") });
    (0..LINES).map(|n| line(n).to_string() + "\n").collect()
}

async fn send(server: &Server, request: u64) {
    let answer = server.post("/insert/jsonline", lines(request)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_taken_while_queries_want_everything() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).env("WATCHROOM_QUERY_TIMEOUT_MS", 3_000).start().await;
    send(&server, 0).await;
    let stop = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = HOSTILE
        .into_iter()
        .map(|statement| {
            let (http, url, stop) = (server.client.clone(), server.url("/api/v1/sql"), stop.clone());
            tokio::spawn(async move {
                let (mut ended, body) = (Vec::new(), json!({ "query": statement }).to_string());
                while ended.is_empty() || !stop.load(Ordering::Relaxed) {
                    let answer = http.post(&url).body(body.clone()).send().await.unwrap();
                    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
                    ended.push((status, text));
                }
                ended
            })
        })
        .collect();
    for request in 1..=REQUESTS {
        send(&server, request).await;
    }
    stop.store(true, Ordering::Relaxed);
    for asker in askers {
        for (status, text) in asker.await.unwrap() {
            let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text}"));
            assert!((400..=503).contains(&status) && status != 500, "{status}: {text}");
            let says = |field: &str| problem[field].as_str().is_some_and(|words| !words.is_empty());
            assert!(says("detail") && says("hint"), "{text}");
        }
    }
    assert_eq!(server.number("SELECT count(*) FROM logs").await, i64::try_from((REQUESTS + 1) * LINES).unwrap());
    server.terminate();
}
