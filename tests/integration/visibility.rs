//! A row is visible to SQL within a second of its acknowledgement, whatever load, flushes and commits run.

use std::time::{Duration, Instant};

use crate::load::{Known, json_lines};
use crate::server::Launch;

const PROBES: u64 = 40;

const PROMISE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_visible_within_a_second_of_its_acknowledgement() {
    let folder = tempfile::tempdir().unwrap();
    let launch = Launch::on(folder.path()).env("WATCHROOM_TABLE_FLUSH_AGE_MS", 400).env("WATCHROOM_TABLE_FLUSH_BYTES", 1 << 20);
    let server = launch.start().await;
    let known = Known::default();
    let mut load = tokio::task::JoinSet::new();
    load.spawn(known.clone().push_until_dead(server.client.clone(), server.url("/insert/jsonline"), "load".into(), 200, 100));
    load.spawn(known.clone().write_lines(server.address("syslog_tcp").to_owned(), "lines".into(), u64::MAX, false));
    let mut waits = Vec::new();
    for n in 0..PROBES {
        let name = format!("probe-{n}");
        assert_eq!(server.post("/insert/jsonline", json_lines(&name, 1, 0)).await.status, 200);
        let acknowledged = Instant::now();
        let query = format!("SELECT count(*) FROM logs WHERE host = '{name}'");
        // The statement that sees the row saw it when it took its snapshot, after its own start.
        let seen_from = loop {
            let asked = acknowledged.elapsed();
            if server.number(&query).await == 1 {
                break asked;
            }
        };
        waits.push((seen_from, acknowledged.elapsed()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let commits = server.get("/metrics").await.text();
    let commits = commits.lines().find_map(|line| line.strip_prefix("watchroom_commit_duration_seconds_count ")).unwrap().to_owned();
    load.abort_all();
    let slowest = waits.iter().map(|(seen_from, _)| *seen_from).max().unwrap();
    let answered = waits.iter().map(|(_, answered)| *answered).max().unwrap();
    eprintln!(
        "visibility: of {PROBES} rows under load, with {commits} commits, the slowest was seen by a statement begun {slowest:?} after its \
         acknowledgement; the slowest such answer was there after {answered:?}"
    );
    assert_ne!(commits, "0", "no commit ran beside the probes");
    assert!(slowest < PROMISE, "{slowest:?}");
}
