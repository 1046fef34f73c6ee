//! What is refused at the door for its size, its pace or its content, and how that is said.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::load::json_lines;
use crate::server::{Answer, Launch, Server};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn push_encoded(server: &Server, path: &str, encoding: &str, body: Vec<u8>) -> Answer {
    let request = server.request("POST", path).header("content-encoding", encoding).body(body);
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_bodies_are_taken_and_bombs_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    let lines = json_lines("packed", 50, 100).into_bytes();
    for (encoding, body) in [("gzip", gzip(&lines)), ("zstd", zstd::encode_all(&lines[..], 3).unwrap())] {
        assert_eq!(push_encoded(&server, "/insert/jsonline", encoding, body).await.status, 200, "{encoding}");
    }
    let zeros = vec![0; 100 << 20];
    let bombs = [("gzip", gzip(&zeros)), ("zstd", zstd::encode_all(&zeros[..], 3).unwrap())];
    for (encoding, bomb) in &bombs {
        assert!(bomb.len() < 1 << 20);
        for path in ["/insert/jsonline", "/insert/syslog"] {
            push_encoded(&server, path, encoding, bomb.clone()).await.assert_problem(413);
        }
    }
    // A snappy body that claims 4 GiB, and one that keeps its word about 100 MiB.
    push_encoded(&server, "/api/v1/write", "snappy", vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0]).await.assert_problem(400);
    push_encoded(&server, "/api/v1/write", "snappy", snap::raw::Encoder::new().compress_vec(&zeros).unwrap()).await.assert_problem(400);
    push_encoded(&server, "/insert/jsonline", "gzip", b"no gzip".to_vec()).await.assert_problem(400);
    push_encoded(&server, "/insert/jsonline", "br", b"x".to_vec()).await.assert_problem(415);
    assert_eq!(server.number("SELECT count(*) FROM logs").await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_a_problem_document() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    server.get("/no/such/path").await.assert_problem(404);
    server.get("/api/v1/sql").await.assert_problem(405);
    server.post("/health", "").await.assert_problem(405);
    server.get("/api/v1/tickets/1").await.assert_problem(404);
    server.get("/api/v1/tickets/one").await.assert_problem(400);
    server.get("/api/v1/tickets?nonsense=1").await.assert_problem(400);
    server.get("/api/v1/tickets?limit=many").await.assert_problem(400);
    server.post("/api/v1/sql", "no JSON").await.assert_problem(400);
    server.post("/api/v1/sql", json!({ "query": "SELECT 1", "format": "xlsx" }).to_string()).await.assert_problem(400);
    server.post("/api/v1/sql", json!({ "query": "SELECT 1", "typo": 1 }).to_string()).await.assert_problem(400);
    server.try_sql("SELEC 1").await.assert_problem(400);
    server.try_sql("SELECT nothing FROM logs").await.assert_problem(400);
    server.try_sql("SELECT * FROM nowhere").await.assert_problem(400);
    server.try_sql(&format!("SELECT '{}'", "x".repeat(2 << 20))).await.assert_problem(413);
    for path in ["/insert/jsonline", "/insert/syslog", "/api/v1/write"] {
        server.post(path, vec![b'x'; 17 << 20]).await.assert_problem(413);
    }
    server.post("/api/v1/write", "no snappy").await.assert_problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_lets_no_file_and_no_change_through() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.csv");
    std::fs::write(&secret, "word\nswordfish\n").unwrap();
    let (server, secret) = (Launch::on(folder.path()).start().await, secret.display());
    for statement in [
        format!("COPY (SELECT 1) TO '{}/out.csv'", folder.path().display()),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{secret}'"),
        format!("SELECT * FROM '{secret}'"),
        format!("SELECT * FROM \"file://{secret}\""),
        format!("SELECT * FROM read_csv('{secret}')"),
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "INSERT INTO logs SELECT * FROM logs".to_owned(),
        "DELETE FROM logs".to_owned(),
        "DROP TABLE logs".to_owned(),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "SELECT 1; DROP TABLE logs".to_owned(),
    ] {
        let answer = server.try_sql(&statement).await;
        assert!(matches!(answer.status, 400 | 403), "{statement}: {} {}", answer.status, answer.text());
        answer.assert_problem(answer.status);
        assert!(!answer.text().contains("swordfish"), "{statement}: {}", answer.text());
    }
    assert!(!folder.path().join("out.csv").exists());
    assert_eq!(server.number("SELECT count(*) FROM logs").await, 0, "the server goes on");
}

/// Sends `first`, then a byte now and then; gives the answer when the server has closed the connection.
async fn trickle(server: &Server, first: &str, drop: &[u8]) -> (String, Duration) {
    let stream = TcpStream::connect(server.address("http")).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    write.write_all(first.as_bytes()).await.unwrap();
    let drop = drop.to_vec();
    let trickling = tokio::spawn(async move {
        while write.write_all(&drop).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let (started, mut answer) = (Instant::now(), Vec::new());
    let ended = tokio::time::timeout(Duration::from_secs(20), read.read_to_end(&mut answer)).await;
    trickling.abort();
    assert!(ended.is_ok(), "the connection is still open: {}", String::from_utf8_lossy(&answer));
    (String::from_utf8_lossy(&answer).into_owned(), started.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_and_slow_bodies_are_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let launch = Launch::on(folder.path()).env("WATCHROOM_HTTP_HEADER_TIMEOUT_MS", 400).env("WATCHROOM_HTTP_BODY_TIMEOUT_MS", 600);
    let server = launch.start().await;
    let (_, took) = trickle(&server, "GET /health HTTP/1.1\r\nhost: localhost\r\n", b"x: y\r\n").await;
    assert!(took < Duration::from_secs(5), "the head was waited for {took:?}");
    let head = "POST /insert/jsonline HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n{\"_msg\":\"never whole\"}\n";
    let (answer, took) = trickle(&server, head, b"{}\n").await;
    assert!(took < Duration::from_secs(5), "the body was waited for {took:?}");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    // The connections that were cut off have left nothing behind.
    assert_eq!(server.number("SELECT count(*) FROM logs").await, 0);
    assert_eq!(server.get("/health").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_take_all_connections() {
    let folder = tempfile::tempdir().unwrap();
    let launch =
        Launch::on(folder.path()).env("WATCHROOM_HTTP_MAX_CONNECTIONS_PER_PEER", 3).env("WATCHROOM_SYSLOG_MAX_CONNECTIONS_PER_PEER", 2);
    let server = launch.start().await;
    for (listener, places) in [("http", 3), ("syslog_tcp", 2)] {
        let address = server.address(listener);
        let mut held = Vec::new();
        for _ in 0..places {
            held.push(TcpStream::connect(address).await.unwrap());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut one_more = TcpStream::connect(address).await.unwrap();
        let closed = tokio::time::timeout(Duration::from_secs(5), one_more.read(&mut [0])).await;
        assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{listener}: {closed:?}");
        for stream in &mut held {
            assert!(tokio::time::timeout(Duration::from_millis(20), stream.read(&mut [0])).await.is_err(), "{listener}: a place was lost");
        }
        drop(held);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(server.get("/health").await.status, 200, "the places are free again");
}
