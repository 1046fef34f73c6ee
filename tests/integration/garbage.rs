//! Garbage among good lines: every frame is kept byte for byte, in both framings of syslog over TCP.

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::ipc::reader::StreamReader;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::server::{Launch, Server};

/// Frames of a connection, of which every twentieth is garbage.
const FRAMES: usize = 6_000;
const GARBAGE_EVERY: usize = 20;

/// Longest line kept whole (the default of `syslog.max_line_bytes`).
const MAX_LINE_BYTES: usize = 64 << 10;

/// A frame as it is sent, without what frames it.
struct Frame {
    bytes: Vec<u8>,
    garbage: bool,
}

/// Marks a frame, so that its row can be found.
fn tag(connection: &str, n: usize) -> String {
    format!("#{connection}{n:05}#")
}

fn good(connection: &str, n: usize) -> Vec<u8> {
    format!("<13>1 2026-01-01T00:00:00Z good {connection} {n} - - good line {}", tag(connection, n)).into_bytes()
}

fn random_bytes(random: &mut StdRng, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    random.fill_bytes(&mut bytes);
    bytes
}

/// Garbage of one of many kinds, with the tag in the middle.
fn garbage(random: &mut StdRng, connection: &str, n: usize, counted: bool) -> Vec<u8> {
    let tag = tag(connection, n).into_bytes();
    let kind = n / GARBAGE_EVERY;
    let length = random.random_range(1..300);
    let mut noise = || random_bytes(random, length);
    let mut bytes = match kind % 9 {
        0 => [noise(), tag, noise()].concat(),
        1 => [b"<13>".to_vec(), noise(), tag, noise()].concat(),
        2 => [b"<165>1 2026-01-01T00:00:00Z h a - - - \0\0".to_vec(), tag, b"\0nul \0\0 inside\0".to_vec()].concat(),
        3 => [b"<13>Jan  1 00:00:00 h a: caf\xe9 ".to_vec(), tag, b"\xff\xfe\x80\xc3(".to_vec()].concat(),
        4 => [b"<13>lone\rreturns\r".to_vec(), tag, b"\r\r.".to_vec()].concat(),
        5 => [b"99999999999 <13>absurd count ".to_vec(), tag].concat(),
        6 => [b"<999>priority over all ".to_vec(), tag, b" [x y=\"".to_vec()].concat(),
        7 => [b"<13>1 9999-99-99T99:99:99Z - - - - [unclosed ".to_vec(), tag].concat(),
        _ => [b"<13>huge ".to_vec(), tag, vec![b'h'; 2 * MAX_LINE_BYTES]].concat(),
    };
    if !counted {
        // A newline ends a line, and so does the carriage return before it.
        bytes.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b'n');
        bytes.push(b'.');
        // What looks like a count is one: such a line is no frame of this framing.
        if bytes[0].is_ascii_digit() && kind % 9 != 5 {
            bytes[0] = b'd';
        }
    }
    bytes
}

fn frames(connection: &str, counted: bool, seed: u64) -> Vec<Frame> {
    let mut random = StdRng::seed_from_u64(seed);
    let frame = |n: usize| match n % GARBAGE_EVERY {
        // The first frame of a connection shows its framing.
        10 => Frame { bytes: garbage(&mut random, connection, n, counted), garbage: true },
        _ => Frame { bytes: good(connection, n), garbage: false },
    };
    (0..FRAMES).map(frame).collect()
}

async fn send(server: &Server, frames: &[Frame], counted: bool) {
    let mut stream = TcpStream::connect(server.address("syslog_tcp")).await.unwrap();
    for some in frames.chunks(50) {
        let mut bytes = Vec::new();
        for frame in some {
            if counted {
                bytes.extend_from_slice(format!("{} ", frame.bytes.len()).as_bytes());
            }
            bytes.extend_from_slice(&frame.bytes);
            if !counted {
                bytes.push(b'\n');
            }
        }
        stream.write_all(&bytes).await.unwrap();
    }
    stream.shutdown().await.unwrap();
}

/// A row of a garbage frame.
struct Row {
    message: String,
    raw: Option<Vec<u8>>,
    parse_error: Option<String>,
}

/// The rows of a connection that are no good lines, by tag. Asked for as Arrow, which carries bytes as they are.
async fn garbage_rows(server: &Server, connection: &str) -> BTreeMap<String, Row> {
    let query = format!(
        "SELECT message, raw, parse_error FROM logs WHERE message LIKE '%#{connection}_____#%' AND (app IS NULL OR app <> '{connection}')"
    );
    let answer = server.post("/api/v1/sql", serde_json::json!({ "query": query, "format": "arrow" }).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut rows = BTreeMap::new();
    for batch in StreamReader::try_new(&answer.body[..], None).unwrap() {
        let batch = batch.unwrap();
        let column = |index: usize, kind: DataType| cast(batch.column(index), &kind).unwrap();
        let (messages, errors) = (column(0, DataType::Utf8), column(2, DataType::Utf8));
        let raws = column(1, DataType::Binary);
        for index in 0..batch.num_rows() {
            let message = messages.as_string::<i32>().value(index).to_owned();
            let at = message.find(&format!("#{connection}")).unwrap();
            let tag = message[at..at + connection.len() + 7].to_owned();
            let raw = raws.is_valid(index).then(|| raws.as_binary::<i32>().value(index).to_vec());
            let parse_error = errors.is_valid(index).then(|| errors.as_string::<i32>().value(index).to_owned());
            assert!(rows.insert(tag.clone(), Row { message, raw, parse_error }).is_none(), "{tag} is there twice");
        }
    }
    rows
}

fn check(frame: &[u8], row: &Row) {
    let kept = &frame[..frame.len().min(MAX_LINE_BYTES)];
    if kept.len() < frame.len() {
        let told = format!("cut at {} of {} bytes", kept.len(), frame.len());
        assert_eq!(row.parse_error.as_deref(), Some(told.as_str()));
    }
    match &row.raw {
        Some(raw) => assert_eq!(raw, kept, "{:?} became {:?}", String::from_utf8_lossy(kept), row.message),
        None => {
            // Understood, so that what is before the message stands in columns; or the message is the frame itself.
            let text = std::str::from_utf8(kept).expect("what is not UTF-8 is in raw");
            let whole = text == row.message;
            let understood = row.parse_error.is_none() && text.trim_end_matches(['\r', '\n', '\0']).ends_with(&row.message);
            assert!(whole || understood, "{text:?} became {:?} ({:?})", row.message, row.parse_error);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_is_kept_byte_for_byte_in_both_framings() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    let connections = [("counted", true, frames("counted", true, 1)), ("lines", false, frames("lines", false, 2))];
    futures::future::join_all(connections.iter().map(|(_, counted, frames)| send(&server, frames, *counted))).await;
    server.wait_for("SELECT count(*) FROM logs", 2 * FRAMES as i64, Duration::from_secs(30)).await;
    for (connection, _, frames) in &connections {
        let good = format!("SELECT count(DISTINCT pid) FROM logs WHERE app = '{connection}' AND host = 'good' AND parse_error IS NULL");
        assert_eq!(server.number(&good).await as usize, frames.iter().filter(|frame| !frame.garbage).count());
        let rows = garbage_rows(&server, connection).await;
        for (n, frame) in frames.iter().enumerate().filter(|(_, frame)| frame.garbage) {
            let tag = tag(connection, n);
            check(&frame.bytes, rows.get(&tag).unwrap_or_else(|| panic!("{tag} is not there")));
        }
        assert_eq!(rows.len(), FRAMES / GARBAGE_EVERY);
    }
    let all = connections.iter().flat_map(|(_, _, frames)| frames);
    assert_counts(&server, all.filter(|frame| frame.bytes.len() > MAX_LINE_BYTES).count()).await;
}

/// The ledger counts each frame once, and the cut ones as cut.
async fn assert_counts(server: &Server, huge: usize) {
    let metrics = server.get("/metrics").await.text();
    let mut items = BTreeMap::new();
    for line in metrics.lines().filter_map(|line| line.strip_prefix("watchroom_ingest_items_total{source=\"syslog_tcp\",outcome=\"")) {
        let (outcome, count) = line.split_once("\"} ").unwrap();
        items.insert(outcome.to_owned(), count.parse::<usize>().unwrap());
    }
    assert_eq!(items.values().sum::<usize>(), 2 * FRAMES, "{items:?}");
    assert_eq!(items["truncated"], huge, "{items:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_lies_takes_what_there_is_and_its_connection_only() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    let mut lying = TcpStream::connect(server.address("syslog_tcp")).await.unwrap();
    lying.write_all(b"9000000 <13>promised more than there is").await.unwrap();
    lying.shutdown().await.unwrap();
    let mut absurd = TcpStream::connect(server.address("syslog_tcp")).await.unwrap();
    absurd.write_all(b"18446744073709551615 <13>a\n00000001 <13>b\n-1 <13>c\n").await.unwrap();
    absurd.shutdown().await.unwrap();
    server.wait_for("SELECT count(*) FROM logs", 4, Duration::from_secs(10)).await;
    let rows = server.sql("SELECT message, parse_error FROM logs ORDER BY message").await;
    let texts: Vec<_> = rows.iter().map(|row| row["message"].as_str().unwrap()).collect();
    assert_eq!(texts, ["-1 <13>c", "00000001 <13>b", "18446744073709551615 <13>a", "promised more than there is"]);
    let lied = rows[3]["parse_error"].as_str().expect("the end of the message never came, and that is told");
    assert!(lied.contains("9000000"), "{lied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datagram_is_a_message_whatever_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let datagrams: [&[u8]; 5] = [b"<13>one", b"<13>two\nlines", b"7 <13>no count", b"caf\xe9", &[b'x'; 60_000]];
    for datagram in datagrams {
        socket.send_to(datagram, server.address("syslog_udp")).await.unwrap();
    }
    server.wait_for("SELECT count(*) FROM logs WHERE source = 'syslog_udp' AND peer = '127.0.0.1'", 5, Duration::from_secs(10)).await;
    let rows = server.sql("SELECT left(message, 20) AS message, octet_length(message) AS bytes FROM logs ORDER BY message").await;
    let texts: Vec<_> = rows.iter().map(|row| row["message"].as_str().unwrap()).collect();
    assert_eq!(texts, ["caf\u{fffd}", "no count", "one", "two\nlines", "x".repeat(20).as_str()]);
    assert_eq!(rows[4]["bytes"], 60_000);
}
