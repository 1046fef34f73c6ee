//! A full disk: senders are told or held back, readers go on, and when there is room again everything goes on by itself.
//!
//! Needs to mount a file system, so it is skipped (and says so) where that is not allowed.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::load::Known;
use crate::server::{Launch, Server};

/// A file system of this size holds an empty data folder and some requests.
const DISK_MIB: u32 = 64;

/// How fast a push must be answered when nothing can be stored.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Lines of the connection that is held back: more than the socket buffers take.
const LINES: u64 = 60_000;

/// A small file system in memory; unmounted when it goes out of scope.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where nothing can be mounted, which is said.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={DISK_MIB}m");
        let ran = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        let why = match ran {
            Ok(ran) if ran.status.success() => return Some(Self(folder)),
            Ok(ran) => String::from_utf8_lossy(&ran.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        eprintln!("disk_full: SKIPPED, no file system can be mounted here: {why}");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let ballast = OpenOptions::new().create(true).append(true).open(self.path().join("ballast"));
        let mut ballast = ballast.unwrap();
        while ballast.write(&[1; 4 << 10]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server may be about to end.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Pushes until one request is refused for the full disk: the log has some room of its own left. Gives the slowest answer.
async fn push_until_refused(server: &Server, known: &Known, name: &str) -> Duration {
    let mut slowest = Duration::ZERO;
    for n in 0..2_000 {
        let asked = Instant::now();
        let answer = known.push(&server.client, &server.url("/insert/jsonline"), &format!("{name}-{n}"), 20, 5_000).await.unwrap();
        slowest = slowest.max(asked.elapsed());
        if answer.status == 503 {
            answer.assert_problem(503);
            assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{:?}", answer.headers);
            assert!(answer.text().contains("disk is full"), "{}", answer.text());
            return slowest;
        }
    }
    panic!("200 MB were taken on a full disk of {DISK_MIB} MiB");
}

async fn push_until_taken(server: &Server, known: &Known, name: &str) -> Duration {
    let started = Instant::now();
    for n in 0.. {
        let answer = known.push(&server.client, &server.url("/insert/jsonline"), &format!("{name}-{n}"), 5, 10).await.unwrap();
        if answer.status == 200 {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "still refused: {}", answer.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_holds_senders_back_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let launch = Launch::on(disk.path())
        .env("WATCHROOM_TABLE_FLUSH_AGE_MS", 300)
        .env("WATCHROOM_WAL_LOG_SHARDS", 1)
        .env("WATCHROOM_TABLE_QUEUE_BYTES", 1 << 20);
    let server = launch.start().await;
    let known = Known::default();
    push_until_taken(&server, &known, "before").await;
    server.wait_for("SELECT count(*) FROM logs WHERE app = 'push'", 5, Duration::from_secs(5)).await;

    disk.fill();
    let slowest = push_until_refused(&server, &known, "filling").await;
    assert!(slowest < ANSWER_WITHIN, "a push was answered after {slowest:?}");
    let writer = tokio::spawn(known.clone().write_lines(server.address("syslog_tcp").to_owned(), "held".into(), LINES, false));
    for n in 0..3 {
        let again = push_until_refused(&server, &known, &format!("full{n}")).await;
        assert!(again < ANSWER_WITHIN, "a push was answered after {again:?}");
        assert!(server.number("SELECT count(*) FROM logs WHERE app = 'push'").await as u64 >= known.acknowledged_rows(), "reads go on");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(!writer.is_finished(), "the connection is held back");

    disk.free();
    let recovered = push_until_taken(&server, &known, "after").await;
    tokio::time::timeout(Duration::from_secs(120), writer).await.expect("the connection goes on").unwrap();
    let query = "SELECT count(*) FROM logs WHERE app = 'line'";
    server.wait_for(query, LINES as i64, Duration::from_secs(30)).await;
    let checked = known.check(&server).await;
    eprintln!("disk full: slowest answer {slowest:?}, taking again {recovered:?} after there was room, {checked:?}");
    server.kill();
    let server = launch.start().await;
    assert_eq!(known.check(&server).await.lines, LINES);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_a_full_disk_answers_queries() {
    let Some(disk) = SmallDisk::mount() else { return };
    let launch = Launch::on(disk.path());
    let server = launch.start().await;
    let known = Known::default();
    push_until_taken(&server, &known, "before").await;
    server.kill();
    // A start gives back what the log took in advance; the second one finds nothing at all.
    for start in 0..2 {
        disk.fill();
        let server = launch.start().await;
        known.check(&server).await;
        disk.fill();
        push_until_refused(&server, &known, &format!("full{start}")).await;
        server.kill();
    }
    disk.free();
    let server = launch.start().await;
    push_until_taken(&server, &known, "after").await;
    known.check(&server).await;
}
