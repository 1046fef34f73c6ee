//! A night on a clock moved by hand: from log lines over a socket to the closed ticket, and what the reports say of it.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::header::COOKIE;
use serde_json::{Value, json};
use watchroom::app::App;
use watchroom::clock::{Clock, HOUR_US, SECOND_US, TimestampUs, rfc3339};
use watchroom::config::Settings;

use crate::command::run;
use crate::server::Answer;

const MINUTE_US: i64 = 60 * SECOND_US;

/// 2026-10-25T00:00:00Z: two o'clock in Berlin, an hour before its clocks go back.
const TWO_US: TimestampUs = 1_792_886_400 * SECOND_US;

const PASSWORD: &str = "a horse, a staple and a battery";

/// Ines and Omar take weekly turns, Omar is second, Lena third. The database is answered for at any hour.
fn department(phones: &Phones) -> Value {
    let user = |name: &str, role: &str| {
        let contact = json!({ "channel": "webhook", "address": format!("http://{}/{name}", phones.address) });
        json!({ "display_name": name, "role": role, "teams": ["ops"], "time_zone": "Europe/Berlin",
            "notifications": { "contacts": [contact] } })
    };
    json!({
        "team": { "ops": { "lead": "lena", "rota": "watch", "escalation_policy": "night" } },
        "user": { "ines": user("ines", "technician"), "omar": user("omar", "technician"), "lena": user("lena", "lead") },
        "calendar": { "always": { "time_zone": "Europe/Berlin", "hours": "24x7" } },
        "sla_policy": { "default": { "rules": [{ "name": "high", "priority": ["P1", "P2"], "calendar": "always", "first_response": "15m",
            "resolution": "8h", "pauses_in": ["supplier"], "ola": "4h" }] } },
        "rota": { "watch": { "time_zone": "Europe/Berlin", "layers": [{ "name": "primary", "people": ["ines", "omar"],
            "rotation": "weekly", "starts_on": "2026-10-19", "hand_over": "08:00" }] } },
        "escalation_policy": { "night": { "steps": [{ "notify": ["rota:watch"] }, { "after": "15m", "notify": ["user:omar"] },
            { "after": "15m", "notify": ["user:lena"] }] } },
        "service": { "orders": { "criticality": "high", "team": "ops", "hosts": ["db*"] } },
        "desk_policy": { "default": { "assign": false } },
    })
}

/// Everybody's telephone: takes webhooks, and keeps the calls among them by whom they are for.
struct Phones {
    address: String,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Phones {
    async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let calls: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let kept = calls.clone();
        let ring = async move |axum::extract::Path(name): axum::extract::Path<String>, axum::Json(message): axum::Json<Value>| {
            if message["urgency"] == "page" {
                kept.lock().unwrap().push((name, message));
            }
        };
        let router = axum::Router::new().route("/{name}", axum::routing::post(ring));
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { address, calls }
    }

    /// The calls so far, once there are as many.
    async fn calls(&self, count: usize) -> Vec<(String, Value)> {
        let begun = Instant::now();
        loop {
            let calls = self.calls.lock().unwrap().clone();
            if calls.len() >= count {
                return calls;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{count} calls were to come: {calls:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The server in this process, asked over its sockets like any other.
struct Night {
    app: App,
    clock: Clock,
    client: reqwest::Client,
    base: String,
}

impl Night {
    async fn begin(folder: &Path) -> Self {
        let mut settings = Settings::default();
        settings.data.dir = folder.join("data");
        settings.http.listen = "127.0.0.1:0".to_owned();
        settings.syslog.tcp = "127.0.0.1:0".to_owned();
        settings.syslog.udp = String::new();
        settings.webhooks.allow_http = true;
        settings.webhooks.allow_private = vec!["127.0.0.0/8".to_owned()];
        settings.desk.public_url = "http://watch.example.org".to_owned();
        let clock = Clock::manual(TWO_US - 10 * MINUTE_US);
        let app = App::start(&settings, clock.clone()).await.expect("the server starts");
        let base = format!("http://{}", app.listening.http);
        Self { app, clock, client: reqwest::Client::new(), base }
    }

    /// Minutes after two.
    fn at(&self, minute: i64) {
        self.clock.set(TWO_US + minute * MINUTE_US);
    }

    async fn ask(&self, method: &str, path: &str, cookie: Option<&str>, body: Value) -> Value {
        let mut request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.base));
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let answer = Answer::read(request.send().await.expect("an answer")).await.unwrap();
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
        serde_json::from_str(&answer.text()).unwrap_or_default()
    }

    async fn rows(&self, sql: &str) -> Vec<Value> {
        let answer = self.ask("POST", "/api/v1/sql", None, json!({ "query": sql, "format": "json" })).await;
        answer["rows"].as_array().unwrap_or_else(|| panic!("{sql}: {answer}")).clone()
    }

    /// A session of a person, after their first login.
    async fn log_in(&self, name: &str) -> String {
        let reset = self.ask("POST", &format!("/api/v1/users/{name}/reset-password"), None, Value::Null).await;
        let login = json!({ "user": name, "password": reset["one_time_password"], "new_password": PASSWORD });
        let request = self.client.post(format!("{}/api/v1/login", self.base)).body(login.to_string());
        let answer = Answer::read(request.send().await.unwrap()).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    /// What the database writes when it turns clients away, over the syslog socket.
    fn refuse_clients(&self, minute: i64) {
        let address = self.app.listening.syslog_tcp.as_ref().expect("it listens for syslog").to_string();
        let mut stream = TcpStream::connect(address).unwrap();
        for second in 0..20 {
            let at = rfc3339(TWO_US + minute * MINUTE_US + second * SECOND_US);
            writeln!(stream, "<131>1 {at} db01 postgres 4242 - - FATAL:  sorry, too many clients already").unwrap();
        }
    }

    /// Lets real time pass until SQL counts as many; the minute is the one that the night has reached.
    async fn until(&self, sql: &str, count: i64) {
        let begun = Instant::now();
        loop {
            let seen = self.rows(sql).await[0]["n"].as_i64().unwrap();
            if seen == count {
                return;
            }
            if seen > count || begun.elapsed() > Duration::from_secs(60) {
                let events = self.rows("SELECT * FROM ticket_events ORDER BY ticket, seq").await;
                panic!("{sql}: {seen} instead of {count}; what happened: {events:#?}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Moves on until what was sent is found: rules look every five minutes, at what has been there for a while.
    async fn until_found(&self, from: i64, sql: &str, count: i64) -> i64 {
        for minute in (from + 5..from + 15).step_by(2) {
            self.at(minute);
            let begun = Instant::now();
            // A rule sleeps for five seconds of real time at most.
            while begun.elapsed() < Duration::from_secs(7) {
                if self.rows(sql).await[0]["n"].as_i64() == Some(count) {
                    return minute;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        let events = self.rows("SELECT * FROM ticket_events ORDER BY ticket, seq").await;
        let runs = self.rows("SELECT * FROM rule_runs ORDER BY 1").await;
        panic!("it was not found within a quarter of an hour: {sql}; what happened: {events:#?} {runs:#?}");
    }

    async fn change(&self, who: &str, change: Value) {
        self.ask("PATCH", "/api/v1/tickets/1", Some(who), change).await;
    }

    async fn promise(&self, word: &str) -> Value {
        let all = self.ask("GET", "/api/v1/tickets/1/promises", None, Value::Null).await;
        let all = all["promises"].as_array().unwrap_or_else(|| panic!("{all}"));
        all.iter().find(|it| it["promise"] == word).unwrap_or_else(|| panic!("no {word} in {all:?}")).clone()
    }
}

fn report(folder: &Path, arguments: &[&str]) -> Value {
    let data = folder.join("data");
    let mut all = vec!["report"];
    all.extend(arguments);
    all.extend(["--from", "2026-10-19", "--to", "2026-11-09", "--format", "json", "--data", data.to_str().unwrap()]);
    serde_json::from_str(&run(folder, &all).good()).expect("the report is JSON")
}

fn row(report: &Value, table: &str, column: &str, value: &str) -> Value {
    let tables = report["tables"].as_array().unwrap();
    let rows = tables.iter().find(|it| it["name"] == table).unwrap_or_else(|| panic!("no {table} in {report}"))["rows"].as_array().unwrap();
    rows.iter().find(|row| row[column] == value).unwrap_or_else(|| panic!("no {column} = {value} in {rows:?}")).clone()
}

const PAGES: &str = "SELECT count(*) AS n FROM pages";
const FINDINGS: &str = "SELECT count(*) AS n FROM tickets WHERE state = 'new'";
const REOPENED: &str = "SELECT count(*) AS n FROM tickets WHERE state = 'reopened'";

#[tokio::test(flavor = "multi_thread")]
async fn from_log_lines_to_the_closed_ticket_and_the_reports_agree() {
    let folder = tempfile::tempdir().unwrap();
    let (night, phones) = (Night::begin(folder.path()).await, Phones::open().await);
    night.ask("PUT", "/api/v1/setup", None, department(&phones)).await;
    let (ines, omar) = (night.log_in("ines").await, night.log_in("omar").await);

    // 02:00 in Berlin: the lines arrive, and the ticket is there within ten minutes.
    night.at(0);
    night.refuse_clients(0);
    let opened = night.until_found(1, FINDINGS, 1).await;
    assert!(opened < 10, "found {opened} minutes after it began");
    night.until(PAGES, 1).await;
    assert_eq!(phones.calls(1).await[0].0, "ines");
    // The person on call does not answer; the second acknowledges, and the third is left asleep.
    night.at(opened + 15);
    night.until(PAGES, 2).await;
    let (called, call) = phones.calls(2).await[1].clone();
    let link =
        call["acknowledge"].as_str().unwrap_or_else(|| panic!("no link in {call}")).strip_prefix("http://watch.example.org").unwrap();
    night.at(opened + 20);
    let pressed = night.client.post(format!("{}{link}", night.base)).send().await.unwrap();
    assert_eq!((called.as_str(), pressed.status().as_u16()), ("omar", 200));
    night.at(opened + 25);
    night.change(&omar, json!({ "state": "in_progress", "assignee": "omar" })).await;
    // It waits for the supplier for two hours: our clock stands, theirs runs.
    night.at(opened + 60);
    night.change(&omar, json!({ "state": "on_hold", "hold": "supplier" })).await;
    let stood = night.promise("resolution").await;
    assert_eq!((&stood["elapsed_us"], &stood["paused"]), (&json!(HOUR_US), &json!(true)));
    night.at(opened + 180);
    assert_eq!(night.promise("resolution").await["elapsed_us"], json!(HOUR_US));
    assert_eq!(night.promise("supplier").await["elapsed_us"], json!(2 * HOUR_US));
    night.change(&omar, json!({ "state": "in_progress" })).await;
    night.at(opened + 210);
    night.change(&omar, json!({ "state": "resolved", "comment": "the pool is larger now" })).await;
    // It was not the pool: the lines come again, the ticket is reopened, and Ines, who is on call, is called again.
    let again = opened + 240;
    night.at(again);
    night.refuse_clients(again);
    let reopened = night.until_found(again + 1, REOPENED, 1).await;
    night.until(PAGES, 3).await;
    assert_eq!(phones.calls(3).await[2].0, "ines");
    night.at(reopened + 5);
    night.change(&ines, json!({ "state": "in_progress", "assignee": "ines" })).await;
    night.at(reopened + 65);
    night.change(&ines, json!({ "state": "resolved", "comment": "a job leaked connections; it is mended" })).await;
    let minutes_at_work = 60 + 30 + 65;
    assert_eq!(night.promise("resolution").await["elapsed_us"], json!(minutes_at_work * MINUTE_US));
    night.at(reopened + 65 + 8 * 24 * 60);
    night.until("SELECT count(*) AS n FROM tickets WHERE state = 'closed'", 1).await;

    agree(&night, folder.path(), opened, reopened).await;
    night.app.stop().await;
}

/// What the promise, the calls and the trail say of that night, against the script above.
async fn agree(night: &Night, folder: &Path, opened: i64, reopened: i64) {
    let sla = report(folder, &["sla"]);
    let kept = |promise: &str| {
        let row = row(&sla, "sla_attainment", "promise", promise);
        (row["decided"].as_i64(), row["met"].as_i64(), row["breached"].as_i64())
    };
    assert_eq!(kept("response"), (Some(1), Some(0), Some(1)), "twenty minutes, and a quarter of an hour was promised");
    assert_eq!(kept("resolution"), (Some(1), Some(1), Some(0)), "155 minutes of our own, and eight hours were promised");
    assert_eq!(kept("supplier"), (Some(1), Some(1), Some(0)), "they took two hours of four");
    let times = row(&sla, "response_times", "value", "all");
    assert_eq!((&times["opened"], &times["mtta_minutes"]), (&json!(1), &json!(20.0)), "{times}");

    let calls = report(folder, &["oncall"]);
    let load = |person: &str| {
        let row = row(&calls, "oncall_load", "person", person);
        ["pages", "at_night", "answered", "answered_by_others"].map(|column| row[column].as_i64().unwrap())
    };
    // The clocks went back in between: what is four hours and a half later by UTC is half past five in Berlin.
    let second_at_night = i64::from((reopened - 60) < 4 * 60);
    assert_eq!(load("ines"), [2, 1 + second_at_night, 1, 1]);
    assert_eq!(load("omar"), [1, 1, 1, 0]);
    // Three weeks by UTC from Monday to Monday. The first begins at eight in summer time and ends at eight in winter time:
    // 169 hours; before it nobody had a turn; the third ends with the period, at one in the morning, seven hours early.
    let hours = |person: &str| row(&calls, "on_call_hours", "person", person)["hours"].as_f64().unwrap();
    assert_eq!((hours("ines"), hours("omar")), (169.0 + 168.0 - 7.0, 168.0));

    let history = night.rows("SELECT actor, origin, kind, at FROM ticket_events WHERE ticket = 1 ORDER BY seq").await;
    let trail: Vec<(&str, &str)> =
        history.iter().map(|event| (event["kind"].as_str().unwrap(), event["actor"].as_str().unwrap())).collect();
    let of = |kind: &str| trail.iter().filter(|event| event.0 == kind).map(|event| event.1).collect::<Vec<_>>();
    assert_eq!(of("acknowledged"), ["user omar"]);
    assert_eq!((of("opened").len(), of("joined").is_empty()), (1, false), "two rules saw it, and made one ticket: {trail:?}");
    assert_eq!(of("paged"), ["desk", "desk", "desk"]);
    let moves = of("moved");
    assert_eq!(moves[..4], ["user omar"; 4], "{moves:?}");
    assert!(moves[4].starts_with("rule ") && moves[5..] == ["user ines", "user ines", "desk"], "{moves:?}");
    let begun = rfc3339(TWO_US + opened * MINUTE_US);
    assert_eq!(history[0]["at"].as_str().map(|at| &at[..16]), Some(&begun[..16]), "the trail is on the night's own clock");
    let audit = night.rows("SELECT actor, action, count(*) AS n FROM audit GROUP BY actor, action").await;
    let noted = |actor: &str, action: &str| {
        audit.iter().find(|row| row["actor"] == actor && row["action"] == action).map_or(0, |row| row["n"].as_i64().unwrap())
    };
    assert_eq!((noted("user ines", "login"), noted("user omar", "login"), noted("local", "password.reset")), (1, 1, 2), "{audit:?}");
    assert!(noted("local", "setup.put") >= 10, "{audit:?}");
    // Nobody is told twice, and no call is left over.
    let told = night.rows("SELECT count(*) AS n FROM pages WHERE answered_at IS NULL").await;
    assert_eq!(told[0]["n"], json!(0));
    let differing = night.app.desk.differing(10).await.unwrap();
    assert_eq!(differing, [] as [i64; 0], "the rows are what the histories make");
}
