//! What the next start makes of what the last one left: torn logs, another number of shards, a folder in use; and that a
//! stop in order leaves nothing in the log.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::load::Known;
use crate::server::{Launch, Server};

/// A server that keeps everything in its log: nothing is flushed before the stop.
fn lazy(folder: &Path) -> Launch {
    Launch::on(folder).env("WATCHROOM_TABLE_FLUSH_AGE_MS", 3_600_000)
}

/// Pushes some requests and waits for their acknowledgements.
async fn push_some(server: &Server, known: &Known, name: &str, requests: usize) {
    for n in 0..requests {
        let answer = known.push(&server.client, &server.url("/insert/jsonline"), &format!("{name}-{n}"), 10, 20).await;
        assert_eq!(answer.expect("an answer").status, 200);
    }
}

/// Segment header, record header: see the byte layout in `src/wal/mod.rs`.
const HEADER: u64 = 4096;
const RECORD_HEADER: u64 = 24;

/// A log segment with the place where its last record begins and the one where the next would.
struct Tail {
    path: PathBuf,
    last: u64,
    end: u64,
}

/// The newest segments of all shards, those that have records.
fn tails(folder: &Path) -> Vec<Tail> {
    let mut tails = Vec::new();
    for shard in std::fs::read_dir(folder.join("data/wal")).unwrap() {
        let segments = std::fs::read_dir(shard.unwrap().path()).unwrap().map(|entry| entry.unwrap().path());
        let newest = segments.filter(|path| path.extension().is_some_and(|extension| extension == "wal")).max();
        let Some(path) = newest else { continue };
        let bytes = std::fs::read(&path).unwrap();
        let (mut last, mut end) = (HEADER, HEADER);
        while let Some(header) = bytes.get(end as usize..(end + RECORD_HEADER) as usize).filter(|header| header.iter().any(|b| *b != 0)) {
            let length = u32::from_le_bytes(header[16..20].try_into().unwrap());
            (last, end) = (end, end + RECORD_HEADER + u64::from(length));
        }
        if end > HEADER {
            tails.push(Tail { path, last, end });
        }
    }
    tails
}

/// How a crash can leave the end of a log.
#[derive(Debug, Clone, Copy)]
enum Torn {
    /// The pages behind the last record hold anything.
    Garbage,
    /// A record of which only the first half came to the disk.
    HalfARecord,
    /// The file ends right behind the last record: the zeros that mark the end of the log are not there.
    EndsThere,
}

fn tear(tail: &Tail, torn: Torn) {
    let file = OpenOptions::new().read(true).write(true).open(&tail.path).unwrap();
    match torn {
        Torn::Garbage => {
            let garbage: Vec<u8> = (0..5_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            file.write_all_at(&garbage, tail.end).unwrap();
        }
        Torn::HalfARecord => {
            let mut record = vec![0; ((tail.end - tail.last) / 2) as usize];
            file.read_exact_at(&mut record, tail.last).unwrap();
            file.write_all_at(&record, tail.end).unwrap();
            file.set_len(tail.end + record.len() as u64).unwrap();
        }
        Torn::EndsThere => file.set_len(tail.end).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_log_is_cut_with_a_warning_and_nothing_before_it_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let launch = lazy(folder.path());
    let known = Known::default();
    let mut server = launch.start().await;
    for torn in [Torn::Garbage, Torn::HalfARecord, Torn::EndsThere] {
        push_some(&server, &known, &format!("{torn:?}"), 12).await;
        server.kill();
        let tails = tails(folder.path());
        assert!(!tails.is_empty(), "the rows are in the log");
        tails.iter().for_each(|tail| tear(tail, torn));
        server = launch.start().await;
        known.check(&server).await;
        assert!(server.stderr().contains("the log ended in an unfinished write"), "{torn:?}:\n{}", server.stderr());
    }
    assert_eq!(known.acknowledged_rows(), 360);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let launch = Launch::on(folder.path());
    let server = launch.start().await;
    let refused = launch.try_start().await.expect_err("the folder is taken");
    assert_eq!(refused.status.code(), Some(1));
    for words in ["is in use by another Watchroom server", server.address("http"), "--data"] {
        assert!(refused.stderr.contains(words), "{words:?} is not in:\n{}", refused.stderr);
    }
    // The refused one must not have taken the first one's note away.
    assert!(folder.path().join("data/listening.json").is_file());
    push_some(&server, &Known::default(), "after", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_leaves_everything_in_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let launch = lazy(folder.path());
    let known = Known::default();
    let server = launch.start().await;
    let mut senders = tokio::task::JoinSet::new();
    for (name, rows, padding) in [("small", 5, 10), ("medium", 100, 200)] {
        senders.spawn(known.clone().push_until_dead(server.client.clone(), server.url("/insert/jsonline"), name.to_owned(), rows, padding));
    }
    senders.spawn(known.clone().write_lines(server.address("syslog_tcp").to_owned(), "lines".into(), u64::MAX, false));
    senders.spawn(known.clone().sample_until_dead(server.client.clone(), server.url("/api/v1/write"), 0));
    tokio::time::sleep(Duration::from_millis(700)).await;
    let stopped = tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    while let Some(ended) = senders.join_next().await {
        ended.unwrap();
    }
    std::fs::remove_dir_all(folder.path().join("data/wal")).unwrap();
    let server = launch.start().await;
    let checked = known.check(&server).await;
    eprintln!("stop under load: {:?}, {checked:?}", stopped.took);
    assert!(checked.acknowledged_rows > 0 && checked.samples > 0, "{checked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_number_of_shards_reads_the_shards_that_are_left() {
    let folder = tempfile::tempdir().unwrap();
    let known = Known::default();
    for (start, shards) in [3, 1, 2].into_iter().enumerate() {
        let server = lazy(folder.path()).env("WATCHROOM_WAL_LOG_SHARDS", shards).start().await;
        known.check(&server).await;
        push_some(&server, &known, &format!("start{start}"), 40).await;
        server.kill();
        if start == 0 {
            let of_logs = tails(folder.path()).into_iter().filter(|tail| tail.path.to_string_lossy().contains("logs-"));
            assert!(of_logs.count() > 1, "the rows are spread over the shards");
        }
    }
    let server = lazy(folder.path()).start().await;
    assert_eq!(known.check(&server).await.acknowledged_rows, 1_200);
    // Once they are in the tables, the shard that nobody uses any more is not replayed again.
    server.terminate();
    let server = lazy(folder.path()).start().await;
    known.check(&server).await;
    assert!(!server.stderr().contains("was recovered from the log"), "{}", server.stderr());
}
