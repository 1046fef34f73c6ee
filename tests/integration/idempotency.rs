//! `Idempotency-Key`: a request that is sent again because its answer was lost is not stored again.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::load::json_lines;
use crate::server::{Answer, Launch, Server};

async fn push(server: &Server, key: &str, batch: &str) -> Answer {
    let request = server.request("POST", "/insert/jsonline").header("idempotency-key", key).body(json_lines(batch, 7, 0));
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_stored_once_and_answered_alike() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    for _ in 0..3 {
        let answer = push(&server, "first", "one").await;
        assert_eq!((answer.status, &answer.json()["accepted"]), (200, &7.into()));
    }
    assert_eq!(push(&server, "second", "two").await.status, 200);
    assert_eq!(server.number("SELECT count(*) FROM logs").await, 14);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_the_same_time_are_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    for round in 0..10 {
        let key = format!("key{round}");
        let answers = futures::future::join_all((0..4).map(|_| push(&server, &key, &key))).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
    }
    assert_eq!(server.number("SELECT count(*) FROM logs").await, 70);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_hung_up_may_send_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    for round in 0..20 {
        let key = format!("key{round}");
        let body = json_lines(&key, 7, 0);
        let length = body.len();
        let head =
            format!("POST /insert/jsonline HTTP/1.1\r\nhost: localhost\r\nidempotency-key: {key}\r\ncontent-length: {length}\r\n\r\n");
        let mut stream = TcpStream::connect(server.address("http")).await.unwrap();
        stream.write_all((head + &body).as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(round / 2)).await;
        drop(stream);
        assert_eq!(push(&server, &key, &key).await.status, 200);
    }
    server.wait_for("SELECT count(DISTINCT message) FROM logs", 140, Duration::from_secs(5)).await;
    assert_eq!(server.number("SELECT count(*) FROM logs").await, 140);
}

async fn send(server: &Server, method: &str, path: &str, key: &str, body: &Value) -> Answer {
    let request = server.request(method, path).header("idempotency-key", key).body(body.to_string());
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_desk_was_asked_twice_happens_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    send(&server, "POST", "/api/v1/tickets", "t", &json!({ "title": "no mail" })).await;
    let budget = json!({ "year": 2027, "line": "storage", "currency": "EUR", "planned_minor": 1_000_000 });
    let put = server.request("PUT", "/api/v1/inventory/budgets/2027-storage").body(budget.to_string()).send().await.unwrap();
    assert!(put.status().is_success());
    let comment = json!({ "comment": "on my way" });
    let bulk = json!({ "numbers": [1], "change": { "comment": "for all" } });
    let entry = json!({ "kind": "spent", "minor": 129_950, "currency": "EUR", "note": "a disk" });
    let mut answers = Vec::new();
    for _ in 0..2 {
        assert_eq!(send(&server, "PATCH", "/api/v1/tickets/1", "c", &comment).await.status, 200);
        assert_eq!(send(&server, "POST", "/api/v1/tickets/bulk", "b", &bulk).await.status, 200);
        let entered = send(&server, "POST", "/api/v1/budgets/2027-storage/entries", "e", &entry).await;
        let file = server.request("POST", "/api/v1/tickets/1/attachments?name=log.txt").header("content-type", "text/plain");
        let file = Answer::read(file.header("idempotency-key", "f").body("line").send().await.unwrap()).await.unwrap();
        assert_eq!((entered.status, file.status), (201, 201), "{} {}", entered.text(), file.text());
        answers.push((entered.json(), file.json()));
    }
    assert_eq!(answers[0], answers[1]);
    let ticket = server.get("/api/v1/tickets/1").await.json();
    let happened: Vec<&str> = ticket["history"].as_array().unwrap().iter().map(|event| event["event"]["kind"].as_str().unwrap()).collect();
    assert_eq!(happened, ["opened", "commented", "commented", "attached"]);
    let book = server.get("/api/v1/budgets/2027-storage/entries").await.json();
    assert_eq!(book["entries"].as_array().unwrap().len(), 1);
    // The same key for something else is a mistake, and changes nothing.
    send(&server, "PATCH", "/api/v1/tickets/1", "c", &json!({ "comment": "another" })).await.assert_problem(422);
    send(&server, "POST", "/api/v1/budgets/2027-storage/entries", "c", &entry).await.assert_problem(422);
    // What it was before it is still: a change that is repeated late does not undo what came after.
    send(&server, "PATCH", "/api/v1/tickets/1", "s", &json!({ "state": "in_progress" })).await;
    send(&server, "PATCH", "/api/v1/tickets/1", "r", &json!({ "state": "resolved" })).await;
    let again = send(&server, "PATCH", "/api/v1/tickets/1", "s", &json!({ "state": "in_progress" })).await.json();
    assert_eq!(again["state"], "resolved");
    assert_eq!(server.get("/api/v1/tickets/1").await.json()["history"].as_array().unwrap().len(), 6);
}
