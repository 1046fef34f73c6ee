//! `kill -9` at random moments under load: nothing acknowledged is lost, nothing is counted twice.
//!
//! One data folder lives through all of it. Small limits make flushes, commits and new log segments so frequent that the
//! kills hit them; some kills hit a start that is still replaying the log.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::load::{Checked, Known};
use crate::server::{Launch, Server};

/// Kills of the short form; 200 of them are the long one.
const KILLS: u32 = 12;

/// A start that is killed lives for at most this long: about as long as a start takes.
const LONGEST_START_MS: u64 = 600;

/// Load between two kills.
const LOAD_MS: std::ops::Range<u64> = 50..1_200;

/// A kill that waits for a file waits for at most this long.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Where files appear while the server flushes, commits and rotates its log.
const WATCHED: [&str; 4] = ["data/tables/logs", "data/tables/samples", "data/tables/series", "data/wal"];

pub(crate) fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().map(|text| text.parse().ok().unwrap_or_else(|| panic!("{name} is no number")))
}

/// A server that flushes, commits and rotates all the time.
fn hasty(folder: &Path) -> Launch {
    Launch::on(folder)
        .env("WATCHROOM_TABLE_FLUSH_AGE_MS", 200)
        .env("WATCHROOM_TABLE_FLUSH_BYTES", 256 << 10)
        .env("WATCHROOM_TABLE_CHECKPOINT_INTERVAL_COMMITS", 7)
        .env("WATCHROOM_HTTP_MAX_DECOMPRESSED_BYTES", 1 << 20)
        .env("WATCHROOM_WAL_SEGMENT_BYTES", 17 << 20)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_is_counted_twice() {
    let wanted = from_environment("WATCHROOM_TEST_KILLS").unwrap_or(KILLS);
    let seed = from_environment("WATCHROOM_TEST_SEED").unwrap_or_else(rand::random);
    eprintln!("kills: WATCHROOM_TEST_KILLS={wanted} WATCHROOM_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let launch = hasty(folder.path());
    let known = Known::default();
    let (mut kills, mut kills_of_starts, mut round, mut found) = (0, 0, 0, Found::default());
    let started = Instant::now();
    while kills < wanted {
        while kills < wanted && random.random_bool(0.25) {
            let process = launch.spawn();
            tokio::time::sleep(Duration::from_millis(random.random_range(0..LONGEST_START_MS))).await;
            found.note(&process.stderr.text());
            process.kill();
            kills += 1;
            kills_of_starts += 1;
        }
        let server = launch.start().await;
        known.check(&server).await;
        found.note(&server.stderr());
        if kills < wanted {
            let moment = Moment::any(&mut random);
            load(server, &known, round, moment).await;
            kills += 1;
        }
        round += 1;
    }
    let checked = everything_is_in_the_tables(&launch, &known).await;
    let seconds = started.elapsed().as_secs_f64();
    eprintln!("kills: {kills} ({kills_of_starts} of them during a start) in {seconds:.0} s; the starts found {found:?}; {checked:?}");
    let Checked { acknowledged_rows, unanswered_requests, lines, samples } = checked;
    assert!(acknowledged_rows > 0 && lines > 0 && samples > 0, "the load was no load");
    assert!(unanswered_requests <= u64::from(kills) * 3, "a killed server has at most one request of each sender");
}

/// When to kill.
#[derive(Debug)]
enum Moment {
    After(Duration),
    /// So long after a new file appeared below this folder: in the middle of a flush, a commit or a rotation.
    File {
        folder: &'static str,
        then: Duration,
    },
}

impl Moment {
    fn any(random: &mut StdRng) -> Self {
        match random.random_bool(0.5) {
            true => Self::After(Duration::from_millis(random.random_range(LOAD_MS))),
            false => Self::File {
                folder: WATCHED[random.random_range(0..WATCHED.len())],
                then: Duration::from_micros(random.random_range(0..20_000)),
            },
        }
    }

    async fn wait(&self, folder: &Path) {
        let (watched, then) = match self {
            Self::After(time) => return tokio::time::sleep(*time).await,
            Self::File { folder: watched, then } => (folder.join(watched), then),
        };
        tokio::time::sleep(Duration::from_millis(LOAD_MS.start)).await;
        let (before, started) = (files_below(&watched), Instant::now());
        while files_below(&watched).is_subset(&before) && started.elapsed() < LONGEST_WAIT {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(*then).await;
    }
}

/// Loads the server from all sides, then kills it.
async fn load(server: Server, known: &Known, round: u64, moment: Moment) {
    let (push, sql, write) = (server.url("/insert/jsonline"), server.url("/api/v1/sql"), server.url("/api/v1/write"));
    let mut senders = tokio::task::JoinSet::new();
    // Many small requests, and some that fill a log segment.
    for (name, rows, padding) in [("small", 5, 10), ("medium", 100, 200), ("large", 14, 60_000)] {
        senders.spawn(known.clone().push_until_dead(server.client.clone(), push.clone(), format!("r{round}-{name}"), rows, padding));
    }
    for (name, counted) in [("counted", true), ("lines", false)] {
        let address = server.address("syslog_tcp").to_owned();
        senders.spawn(known.clone().write_lines(address, format!("r{round}-{name}"), u64::MAX, counted));
    }
    senders.spawn(known.clone().sample_until_dead(server.client.clone(), write, round * 1_000_000));
    let (looking, client) = (known.clone(), server.client.clone());
    senders.spawn(async move { while looking.look(&client, &sql).await {} });
    moment.wait(&server.folder).await;
    server.kill();
    while let Some(ended) = senders.join_next().await {
        ended.expect("no sender met an answer that it does not expect");
    }
}

/// Stops the server in order and takes the log away: the tables alone must hold everything.
async fn everything_is_in_the_tables(launch: &Launch, known: &Known) -> Checked {
    let server = launch.start().await;
    let folder = server.folder.clone();
    server.terminate();
    std::fs::remove_dir_all(folder.join("data/wal")).unwrap();
    let server = launch.start().await;
    known.check(&server).await
}

/// What the starts said that they found: the places that the kills hit.
#[derive(Debug, Default)]
struct Found {
    /// Files of a flush whose commit never came.
    cut_flushes: u32,
    /// A log that ended in an unfinished write.
    torn_logs: u32,
    /// Rows that were not in the tables.
    replays: u32,
}

impl Found {
    fn note(&mut self, stderr: &str) {
        let says = |words: &str| u32::from(stderr.contains(words));
        self.cut_flushes += says("removed data files whose commit never came");
        self.torn_logs += says("the log ended in an unfinished write");
        self.replays += says("was recovered from the log");
    }
}

/// Paths of all files below a folder, relative to it. Files may come and go meanwhile.
fn files_below(folder: &Path) -> BTreeSet<String> {
    let (mut files, mut folders) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false => drop(files.insert(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned())),
            }
        }
    }
    files
}
