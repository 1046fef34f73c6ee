//! `Idempotency-Key`: a request that is sent again because its answer was lost is not stored again.

use std::time::Duration;

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
