//! The commands as a person or a script uses them: what they print, where, and with which exit code.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::{create_token, run, run_with};
use crate::server::{Launch, Server, program};

/// The path of something in a folder, as an argument.
fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

async fn terminate(server: Server) -> crate::server::Stopped {
    tokio::task::spawn_blocking(|| server.terminate()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_says_where_it_listens_and_nothing_else_on_stdout() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    let note = folder.path().join("data/listening.json");
    let noted: Value = serde_json::from_slice(&std::fs::read(&note).unwrap()).unwrap();
    assert_eq!(&noted, server.listening());
    for listener in ["http", "syslog_tcp", "syslog_udp"] {
        let address: std::net::SocketAddr = server.address(listener).parse().unwrap();
        assert!(address.ip().is_loopback() && address.port() != 0, "{listener}: {address}");
    }
    assert_eq!(server.get("/health").await.json()["status"], "ok");
    assert_eq!(server.get("/ready").await.json()["status"], "ready");
    let line = server.stdout();
    let stopped = terminate(server).await;
    assert_eq!((stopped.stdout.len(), stopped.stdout), (1, line), "one line on stdout");
    assert!(stopped.stderr.contains("Watchroom is ready") && stopped.stderr.contains("stopping"), "{}", stopped.stderr);
    assert!(!note.try_exists().unwrap(), "the note where it listens is still there");
    let without_syslog = Launch::on(folder.path()).flag("--syslog-tcp", "").flag("--syslog-udp", "").start().await;
    assert!(without_syslog.listening()["syslog_tcp"].is_null() && without_syslog.listening()["syslog_udp"].is_null());
}

#[test]
fn check_names_file_line_key_fault_and_mend() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(folder.path(), "watchroom.toml");
    std::fs::write(&file, "[http]\nlisten = \"127.0.0.1:0\"\n\n[table]\nflush_age_ms = 1000\n").unwrap();
    assert_eq!(run(folder.path(), &["check", "--config", &file]).good(), "The configuration is good.\n");
    let printed = run(folder.path(), &["check", "--config", &file, "--print"]).good();
    let settings: toml::Table = printed.parse().expect("what is printed is TOML");
    assert_eq!(settings["table"]["flush_age_ms"].as_integer(), Some(1000));
    assert!(settings["wal"]["segment_bytes"].is_integer(), "defaults are printed too");

    std::fs::write(&file, "[http]\nlisten = 8514\n\n[tabel]\nflush_age_ms = 1000\n").unwrap();
    for command in ["check", "serve"] {
        let wrong = run(folder.path(), &[command, "--config", &file]);
        assert_eq!((wrong.code, wrong.text().as_str()), (2, ""), "{command}: {}", wrong.stderr);
        for words in [
            &format!("{file}:2: `http.listen`: is a whole number, not a text\n  write instead: listen = \"127.0.0.1:8514\""),
            &format!("{file}:5: `tabel.flush_age_ms`: there is no section [tabel]\n  write instead: `table`"),
        ] {
            assert!(wrong.stderr.contains(words), "{command}: {words:?} is not in:\n{}", wrong.stderr);
        }
    }
    std::fs::write(&file, "[wal]\nsegment_bytes = 16777216\n").unwrap();
    for command in ["check", "serve"] {
        let wrong = run(folder.path(), &[command, "--config", &file]);
        assert_eq!(wrong.code, 2, "{command}: no request of the allowed size would fit the log");
        assert!(wrong.stderr.contains("at least http.max_decompressed_bytes"), "{}", wrong.stderr);
    }
    let environment = [("WATCHROOM_TABLE_FLUSH_AGE_MS", "soon")];
    let wrong = run_with(folder.path(), &["check"], &environment, b"");
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("environment variable WATCHROOM_TABLE_FLUSH_AGE_MS"), "{}", wrong.stderr);
    let open = run(folder.path(), &["check", "--http", "0.0.0.0:8514"]);
    assert_eq!(open.code, 2);
    assert!(open.stderr.contains("require_token = true"), "{}", open.stderr);
    assert_eq!(run(folder.path(), &["serve", "--no-such-flag"]).code, 2);
}

#[test]
fn check_reads_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    std::fs::write(folder.path().join("rules/broken.sql"), "-- name: broken\n-- schedule: sometimes\n\nSELECT 1\n").unwrap();
    let rules = path(folder.path(), "rules");
    let wrong = run_with(folder.path(), &["check"], &[("WATCHROOM_DETECT_RULES_DIR", &rules)], b"");
    assert_eq!(wrong.code, 2, "{}", wrong.text());
    assert!(wrong.stderr.contains("broken.sql"), "{}", wrong.stderr);
}

#[test]
fn parse_prints_an_object_a_line_and_fails_on_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lines = b"<34>1 2026-01-01T00:00:00.003Z web01 su 77 ID47 [a@1 b=\"c\"] 'su root' failed\n<13>Jan  1 00:00:00 db01 cron[9]: done\n\xff\xfe rubbish\n";
    let arguments = ["parse", "--received-at", "2026-01-02T00:00:00Z"];
    let parsed = run_with(folder.path(), &arguments, &[], lines).good();
    let rows: Vec<Value> = parsed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 3);
    let columns =
        ["facility", "severity", "timestamp", "host", "app", "pid", "msgid", "structured_data", "message", "parse_error", "dialect"];
    for column in columns {
        assert!(rows[0].get(column).is_some(), "{column} is not in {}", rows[0]);
    }
    assert_eq!((&rows[0]["host"], &rows[0]["severity"], &rows[0]["message"]), (&"web01".into(), &2.into(), &"'su root' failed".into()));
    assert_eq!((&rows[1]["app"], &rows[1]["pid"], &rows[1]["message"]), (&"cron".into(), &"9".into(), &"done".into()));
    assert!(rows[2]["parse_error"].is_string() && rows[2]["message"].as_str().unwrap().contains("rubbish"), "{}", rows[2]);
    std::fs::write(folder.path().join("log"), lines).unwrap();
    assert_eq!(run(folder.path(), &["parse", "log", "--received-at", "2026-01-02T00:00:00Z"]).good(), parsed);
    assert_eq!(run(folder.path(), &["parse", "missing"]).code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn query_prints_every_format_with_and_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    server.post("/insert/jsonline", "{\"host\":\"a\",\"_msg\":\"one, two\"}\n{\"host\":\"b\",\"_msg\":\"three\"}\n").await;
    let data = path(folder.path(), "data");
    let ask = |more: &[&str]| {
        let mut arguments = vec!["query", "SELECT host, message FROM logs ORDER BY host", "--data", &data];
        arguments.extend(more);
        run(folder.path(), &arguments)
    };
    let formats = || {
        let table = ask(&[]).good();
        assert!(["host", "message", "one, two", "three"].iter().all(|words| table.contains(words)), "{table}");
        assert_eq!(ask(&["-o", "csv"]).good().lines().collect::<Vec<_>>(), ["host,message", "a,\"one, two\"", "b,three"]);
        let json: Value = serde_json::from_str(&ask(&["-o", "json"]).good()).unwrap();
        assert_eq!(json["rows"][1]["message"], "three");
        let ndjson = ask(&["-o", "ndjson"]).good();
        assert_eq!(serde_json::from_str::<Value>(ndjson.lines().nth(1).unwrap()).unwrap()["host"], "b");
        let file = path(folder.path(), "rows.parquet");
        assert_eq!(ask(&["-o", "parquet", "--to", &file]).good(), "");
        let bytes = bytes::Bytes::from(std::fs::read(&file).unwrap());
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
        assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 2);
    };
    formats();
    let filtered = ["query", "SELECT count(*) AS n FROM logs WHERE host = $1", "-p", "b", "-o", "ndjson", "--data", &data];
    assert_eq!(run(folder.path(), &filtered).good(), "{\"n\":1}\n");
    let stdin = run_with(folder.path(), &["query", "-", "-o", "ndjson", "--data", &data], &[], b"SELECT 1 AS n");
    assert_eq!(stdin.good(), "{\"n\":1}\n");
    let wrong = run(folder.path(), &["query", "SELECT nothing FROM logs", "--data", &data]);
    assert_eq!((wrong.code, wrong.text().as_str()), (1, ""));
    assert!(wrong.stderr.contains("nothing"), "{}", wrong.stderr);
    terminate(server).await;
    formats();
    // A server that died leaves its note: the folder is opened all the same.
    Launch::on(folder.path()).start().await.kill();
    formats();
    // ... and if another server has taken the port since, that one is not asked.
    let died = Launch::on(folder.path()).start().await;
    let address = died.address("http").to_owned();
    died.kill();
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Launch::on(elsewhere.path()).flag("--http", &address).start().await;
    formats();
    drop(other);
    let nowhere = run(folder.path(), &["query", "SELECT 1"]);
    assert_eq!(nowhere.code, 1);
    assert!(nowhere.stderr.contains("--data") && nowhere.stderr.contains("watchroom serve"), "{}", nowhere.stderr);
}

/// Syslog lines, numbered from `from`.
fn lines(from: u64, count: u64) -> Vec<u8> {
    (from..from + count).flat_map(|n| format!("<13>1 2026-01-01T00:00:00Z host app {n} - - line {n}\n").into_bytes()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ingest_takes_files_compressed_files_and_stdin_and_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    let data = path(folder.path(), "data");
    let ingest = |file: &str, stdin: &[u8]| run_with(folder.path(), &["ingest", file, "--data", &data], &[], stdin).good();
    std::fs::write(folder.path().join("plain.log"), lines(0, 1_000)).unwrap();
    assert!(ingest("plain.log", b"").starts_with("1000 lines"));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&lines(1_000, 500)).unwrap();
    std::fs::write(folder.path().join("old.gz"), gzip.finish().unwrap()).unwrap();
    assert!(ingest("old.gz", b"").starts_with("500 lines"));
    std::fs::write(folder.path().join("older.zst"), zstd::encode_all(&lines(1_500, 500)[..], 1).unwrap()).unwrap();
    assert!(ingest("older.zst", b"").starts_with("500 lines"));
    assert!(ingest("-", &lines(2_000, 500)).starts_with("500 lines"));
    assert!(ingest("-", b"{\"_msg\":\"json is told by its first line\",\"pid\":\"2500\"}\n").starts_with("1 lines"));
    // What was sent is not sent again, and what was appended is.
    assert!(ingest("plain.log", b"").starts_with("0 lines"));
    let mut file = std::fs::OpenOptions::new().append(true).open(folder.path().join("plain.log")).unwrap();
    file.write_all(&lines(2_501, 10)).unwrap();
    let again = ingest("plain.log", b"");
    assert!(again.starts_with("10 lines") && again.contains("were sent before and skipped"), "{again}");
    let distinct = "SELECT count(DISTINCT pid) FROM logs";
    assert_eq!((server.number("SELECT count(*) FROM logs").await, server.number(distinct).await), (2_511, 2_511));
    // The folder is the same one without a server, and when the server is back on another port.
    terminate(server).await;
    assert!(ingest("plain.log", b"").starts_with("0 lines"));
    let _server = Launch::on(folder.path()).start().await;
    assert!(ingest("plain.log", b"").starts_with("0 lines"));
    let missing = run(folder.path(), &["ingest", "missing.log", "--data", &data]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("missing.log"), "{}", missing.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingest_that_is_killed_goes_on_and_repeats_a_piece_at_most() {
    /// Three pieces of 4 MiB.
    const LINES: u64 = 200_000;
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    let (data, log) = (path(folder.path(), "data"), path(folder.path(), "large.log"));
    let text = lines(0, LINES);
    std::fs::write(&log, &text).unwrap();
    let lines_a_piece = (4 << 20) / (text.len() as u64 / LINES);
    let mut first = program(folder.path()).args(["ingest", &log, "--data", &data]).spawn().unwrap();
    let positions = folder.path().join("state/watchroom/ingest-positions.json");
    let started = Instant::now();
    while !positions.try_exists().unwrap() {
        assert!(started.elapsed() < Duration::from_secs(60), "no position was noted");
        std::thread::sleep(Duration::from_millis(1));
    }
    first.kill().unwrap();
    assert!(!first.wait().unwrap().success(), "it was done before it could be killed");
    let second = run(folder.path(), &["ingest", &log, "--data", &data]).good();
    assert!(second.contains("were sent before and skipped"), "{second}");
    server.wait_for("SELECT count(DISTINCT pid) FROM logs", LINES as i64, Duration::from_secs(30)).await;
    let repeated = server.number("SELECT count(*) FROM logs").await as u64 - LINES;
    assert!(repeated <= lines_a_piece + 1, "{repeated} lines are there twice, and a piece has {lines_a_piece}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_made_listed_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let data = path(folder.path(), "data");
    let none = run(folder.path(), &["token", "--data", &data, "list"]);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("start the server once"), "{}", none.stderr);
    let mut server = Launch::on(folder.path()).env("WATCHROOM_ACCESS_REQUIRE_TOKEN", true).start().await;
    let token = create_token(folder.path(), "query", &["--name", "grafana", "--expires-in", "90d"]);
    let parts: Vec<_> = token.split('_').collect();
    assert!(matches!(parts[..], ["wr", id, secret] if id.len() == 12 && secret.len() == 64), "{token}");
    server.use_token(Some(&token));
    assert_eq!(server.number("SELECT 1").await, 1);
    let list = run(folder.path(), &["token", "--data", &data, "list"]).good();
    assert!(list.contains("grafana") && list.contains(parts[1]) && !list.contains(parts[2]), "{list}");
    run(folder.path(), &["token", "--data", &data, "revoke", parts[1]]).good();
    server.try_sql("SELECT 1").await.assert_problem(401);
    let wrong = run(folder.path(), &["token", "--data", &data, "create", "--scope", "root"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("`root` is no scope"), "{}", wrong.stderr);
    assert_eq!(run(folder.path(), &["token", "--data", &data, "revoke", "0123456789ab"]).code, 1);
}

#[test]
fn the_same_seed_makes_the_same_sample_data() {
    let folder = tempfile::tempdir().unwrap();
    let make = |out: &str, seed: &str| {
        let small = ["--days", "1", "--log-rate", "0.05", "--metrics-step", "3600", "--capacity-days", "3"];
        run(folder.path(), &[&["sample-data", "--seed", seed, "--out", out][..], &small].concat()).good();
        ["logs.syslog.zst", "metrics.jsonl.zst", "labels.json", "capacity.jsonl.zst"]
            .map(|file| std::fs::read(folder.path().join(out).join(file)).unwrap())
    };
    let (one, again, other) = (make("one", "7"), make("again", "7"), make("other", "8"));
    assert!(one == again, "the same seed made other bytes");
    assert!(one[0] != other[0] && one[1] != other[1], "another seed made the same bytes");
    let logs = String::from_utf8(zstd::decode_all(&one[0][..]).unwrap()).unwrap();
    assert!(logs.lines().count() > 100 && logs.lines().all(|line| line.starts_with('<')), "syslog lines");
    assert!(serde_json::from_slice::<Value>(&one[2]).is_ok());
    let past = String::from_utf8(zstd::decode_all(&one[3][..]).unwrap()).unwrap();
    let hours = past.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["values"].as_array().unwrap().len());
    assert_eq!(hours.max(), Some(72), "three days, once an hour");
}
