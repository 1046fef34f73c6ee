//! The desk of a department of years: a million closed tickets, ten thousand open ones.
//!
//! `cargo bench --bench desk` fills a store through the code that writes tickets, starts the real program on it and measures,
//! over HTTP, lists, filters, searches and single tickets; then 200 changes a second for a minute beside somebody who reads.
//! `-- --test` does it with a hundredth of the tickets. `WATCHROOM_BENCH_DIR` names another place than the target folder;
//! `WATCHROOM_BENCH_STORE` names a folder that is filled once and stays for the next run.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and has nobody to report errors to"
)]

#[path = "support/desk_changes.rs"]
mod desk_changes;
#[path = "support/desk_content.rs"]
mod desk_content;
#[path = "support/desk_filling.rs"]
mod desk_filling;
#[path = "support/desk_questions.rs"]
mod desk_questions;
#[allow(dead_code, unused_macros, reason = "each benchmark uses a part of it")]
#[path = "support/drawing.rs"]
mod drawing;
#[path = "support/http.rs"]
mod http;
#[path = "support/server.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::runtime::Runtime;
use watchroom::clock::Stopwatch;
use watchroom::store::DESK_FILE;

use desk_content::policy;
use desk_questions::{Asking, LISTS, latencies, microseconds, print_line};
use server::Server;

const CHANGES_A_SECOND: u64 = 200;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let quick = arguments.iter().any(|argument| argument == "--test") || !arguments.iter().any(|argument| argument == "--bench");
    let (tickets, open, times, seconds) = if quick { (10_100, 100, 20, 5) } else { (1_010_000, 10_000, 200, 60) };
    let place = PathBuf::from(std::env::var("WATCHROOM_BENCH_DIR").unwrap_or_else(|_| env!("CARGO_TARGET_TMPDIR").to_owned()));
    let kept = std::env::var("WATCHROOM_BENCH_STORE").ok().map(PathBuf::from);
    let folder = kept.clone().unwrap_or_else(|| place.join(format!("watchroom-bench-desk-{}", std::process::id())));
    let runtime = Runtime::new().expect("a runtime starts");
    let tickets = fill(&runtime, &folder, tickets, open);
    start(&runtime, &folder, &tickets);
    {
        let server = Server::start_on(&folder);
        settle(&runtime, &folder);
        questions(&server, &tickets, times);
        seldom(&server, if quick { 1 } else { 5 });
        changes(&runtime, &server, &folder, &tickets, seconds);
    }
    if kept.is_none() {
        let _ = std::fs::remove_dir_all(&folder);
    }
}

/// What is known of the filled store.
struct Tickets {
    number: u64,
    token: String,
    messages: Arc<AtomicU64>,
}

/// Fills the store, unless it was filled before, and starts the receiver of its webhooks.
fn fill(runtime: &Runtime, folder: &Path, tickets: u64, open: u64) -> Tickets {
    let note = folder.join("filled.json");
    let before: Option<Value> = std::fs::read(&note).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let port = before.as_ref().and_then(|before| before["port"].as_u64()).unwrap_or(0);
    let messages = Arc::new(AtomicU64::new(0));
    let counted = messages.clone();
    let listener = runtime.block_on(tokio::net::TcpListener::bind(format!("127.0.0.1:{port}"))).expect("a port is free");
    let address = listener.local_addr().expect("it listens");
    let take = axum::routing::post(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::ready(())
    });
    runtime.spawn(async move { axum::serve(listener, axum::Router::new().route("/{person}", take)).await });
    if let Some(before) = before {
        let token = before["token"].as_str().unwrap_or_default().to_owned();
        return Tickets { number: before["tickets"].as_u64().unwrap_or(1), token, messages };
    }
    let filled = runtime.block_on(desk_filling::fill(folder, tickets, open, &format!("http://{address}")));
    let bytes = std::fs::metadata(folder.join(DESK_FILE)).map_or(0, |file| file.len());
    println!(
        "filled         {} tickets, {} of them open, in {:.0} s; {:.0} MiB, {:.0} bytes a ticket",
        filled.tickets,
        filled.open,
        filled.seconds,
        bytes as f64 / f64::from(1 << 20),
        bytes as f64 / filled.tickets as f64
    );
    let known = json!({ "tickets": filled.tickets, "token": filled.token, "port": address.port() });
    std::fs::write(&note, known.to_string()).expect("the folder takes a file");
    Tickets { number: filled.tickets, token: filled.token, messages }
}

/// The first start, at which every promise is looked at.
fn start(runtime: &Runtime, folder: &Path, tickets: &Tickets) {
    let watch = Stopwatch::start();
    let server = Server::start_on(folder);
    let listens_s = watch.elapsed_seconds();
    settle(runtime, folder);
    println!(
        "start          listens after {listens_s:.2} s; has looked at every promise after {:.1} s; {} messages sent; {:.0} MiB peak memory",
        watch.elapsed_seconds(),
        tickets.messages.load(Ordering::Relaxed),
        server.usage().peak_memory_mib
    );
}

async fn look(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join(DESK_FILE)).read_only(true);
    options.connect().await.expect("the store can be read")
}

/// Events that nobody has acted on yet.
async fn fed(connection: &mut SqliteConnection) -> u64 {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM event_feed").fetch_one(connection).await.expect("the store can be read");
    count.unsigned_abs()
}

/// Waits until the desk has nothing more to do by itself.
fn settle(runtime: &Runtime, folder: &Path) {
    runtime.block_on(async {
        let mut connection = look(folder).await;
        let mut quiet = 0;
        while quiet < 3 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now_us = watchroom::clock::Clock::System.now_us();
            let due: i64 = sqlx::query_scalar(
                "SELECT (SELECT count(*) FROM promises WHERE next_at_us <= ?1) + (SELECT count(*) FROM outbox WHERE state = 'waiting' AND due_at_us <= ?1)",
            )
            .bind(now_us)
            .fetch_one(&mut connection)
            .await
            .expect("the store can be read");
            quiet = if due == 0 && fed(&mut connection).await == 0 { quiet + 1 } else { 0 };
        }
    });
}

fn questions(server: &Server, tickets: &Tickets, times: u32) {
    println!("\n{:<30} {:>6} {:>7} {:>9} {:>9} {:>9} {:>9}", "question", "asked", "tickets", "p50 ms", "p95 ms", "p99 ms", "max ms");
    let mut asking = Asking::new(&server.http, 1, tickets.number, &tickets.token);
    let mut all = latencies();
    let mut measure = |name: &str, ask: &mut dyn FnMut(&mut Asking) -> (u64, usize)| {
        let (mut own, mut rows) = (latencies(), 0);
        let watch = Stopwatch::start();
        // A question that takes seconds is asked less often: it is known to be slow soon enough.
        while own.len() < u64::from(times) && (own.len() < 10 || watch.elapsed_seconds() < 10.0) {
            let (took_us, on_page) = ask(&mut asking);
            own.saturating_record(took_us);
            rows += on_page;
        }
        print_line(name, rows as f64 / own.len() as f64, &own);
        all.add(own).expect("the same bounds");
    };
    for list in &LISTS {
        measure(list.0, &mut |asking| asking.list(list));
    }
    measure("one ticket", &mut |asking| asking.ticket());
    print_line("all of these", 0.0, &all);
}

/// What is asked once a day.
fn seldom(server: &Server, times: u32) {
    let mut http = http::Http::connect(&server.http).expect("the server accepts");
    let mut measure = |name: &str, path: &str, body: &Value| {
        let mut own = latencies();
        for _ in 0..times {
            let watch = Stopwatch::start();
            let (status, answer) = http.post(path, "", body.to_string().as_bytes()).expect("the server answers");
            own.saturating_record(microseconds(watch));
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        }
        print_line(name, 0.0, &own);
    };
    println!();
    measure("what if", "/api/v1/promises/what-if", &policy("2h"));
    for (name, sql) in [
        ("SQL: count of tickets", "SELECT count(*) FROM tickets"),
        ("SQL: open by team", "SELECT team, count(*) FROM tickets WHERE state NOT IN ('resolved', 'closed') GROUP BY team"),
        ("SQL: promises", "SELECT verdict, count(*) FROM sla_clocks GROUP BY verdict"),
        ("SQL: count of events", "SELECT kind, count(*) FROM ticket_events GROUP BY kind"),
    ] {
        measure(name, "/api/v1/sql", &json!({ "query": sql, "format": "csv" }));
    }
}

/// Changes at a steady pace, beside somebody who reads.
fn changes(runtime: &Runtime, server: &Server, folder: &Path, tickets: &Tickets, seconds: u64) {
    let stop = Arc::new(AtomicBool::new(false));
    let watched = runtime.spawn(watch_feed(folder.to_owned(), stop.clone()));
    let reader = {
        let (stop, mut asking) = (stop.clone(), Asking::new(&server.http, 2, tickets.number, &tickets.token));
        std::thread::spawn(move || {
            let mut all = latencies();
            for list in LISTS.iter().cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                all.saturating_record(asking.list(list).0);
                all.saturating_record(asking.ticket().0);
                std::thread::sleep(Duration::from_millis(20));
            }
            all
        })
    };
    let before = server.usage().cpu_seconds;
    let changed = desk_changes::change(&server.http, CHANGES_A_SECOND, seconds);
    let cpu_seconds = server.usage().cpu_seconds - before;
    stop.store(true, Ordering::Relaxed);
    let read = reader.join().expect("the reader ends well");
    let (mean, longest, last) = runtime.block_on(watched).expect("the watch ends well");
    println!();
    print_line("a change, 200 a second", 0.0, &changed.latencies);
    print_line("a reader beside it", 0.0, &read);
    println!(
        "{} opened, {} commented, {} moved in {:.1} s: {:.0} a second; {} conflicts, {} failed; {cpu_seconds:.1} CPU-s",
        changed.opened,
        changed.commented,
        changed.moved,
        changed.seconds,
        (changed.opened + changed.commented + changed.moved) as f64 / changed.seconds,
        changed.conflicts,
        changed.failed
    );
    let watch = Stopwatch::start();
    settle(runtime, folder);
    println!("feed: {mean:.0} events in the mean, {longest} at most, {last} at the end; all done {:.1} s later", watch.elapsed_seconds());
}

/// Looks at the length of the feed until the stop: mean, longest, last.
async fn watch_feed(folder: PathBuf, stop: Arc<AtomicBool>) -> (f64, u64, u64) {
    let mut connection = look(&folder).await;
    let (mut sum, mut longest, mut last, mut looks) = (0, 0, 0, 0);
    while !stop.load(Ordering::Relaxed) {
        last = fed(&mut connection).await;
        (sum, longest, looks) = (sum + last, longest.max(last), looks + 1);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    (sum as f64 / f64::from(looks.max(1)), longest, last)
}
