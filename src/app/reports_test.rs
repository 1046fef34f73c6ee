//! The questions of `queries/report` over a desk whose figures were worked out by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clock::{Clock, SECOND_US, TimestampUs, rfc3339};
use crate::desk::{Actor, Change, Desk, NewTicket, Round, RuleRun, TicketEvent, TicketState};
use crate::operations::{
    Capacity, CapacityDays, CapacityParts, Inventory, PeriodReports, Proposals, Register, ReportForm, ReportParts, ScheduledReports,
    computed_views,
};
use crate::pipeline::desk_views;
use crate::query::{Config, Encoder, Format, Parameters, QueryEngine, QueryRequest, SAVED_QUERIES, SavedQuery, Tables};
use crate::sql_file::Book;
use crate::store::{DESK_FILE, Evidence, Finding, FindingSeverity, Store};
use crate::table;

const MINUTE_US: i64 = 60 * SECOND_US;

/// 2026-11-02T08:00:00Z, a Monday.
const MORNING_US: TimestampUs = 1_793_606_400 * SECOND_US;

/// A day later, in minutes.
const NEXT_MORNING: i64 = 1_440;

struct Office {
    desk: Desk,
    register: Arc<Register>,
    engine: Arc<QueryEngine>,
    tables: Tables,
    store: Store,
    clock: Clock,
    _folder: TempDir,
}

fn person(name: &str) -> Actor {
    Actor { name: format!("user {name}"), origin: "10.0.0.2".into() }
}

async fn office() -> Office {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
    let clock = Clock::manual(MORNING_US);
    let desk = Desk::new(store.clone(), clock.clone());
    let register = Arc::new(Register::open(store.clone(), clock.clone(), desk.clone()).await.unwrap());
    let tables = Tables::open(folder.path(), &table::Config::default()).await.unwrap();
    let mut views = desk_views(&store);
    views.extend(computed_views(&store, &desk, &register, &clock));
    let config = Config { target_partitions: 2, timeout_ms: 60_000, ..Config::default() };
    let engine = Arc::new(QueryEngine::new(&config, tables.clone(), views).unwrap());
    Office { desk, register, engine, tables, store, clock, _folder: folder }
}

/// High priorities are answered within a quarter of an hour and resolved within four, the others within two hours and a day.
fn department() -> Value {
    let rule = |name: &str, priority: &[&str], response: &str, resolution: &str| json!({ "name": name, "priority": priority, "calendar": "always", "first_response": response, "resolution": resolution });
    json!({
        "team": { "ops": {}, "web": {} },
        "user": {
            "ines": { "display_name": "Ines", "role": "technician", "teams": ["ops"], "time_zone": "Europe/Berlin" },
            "omar": { "display_name": "Omar", "role": "technician", "teams": ["web"] },
        },
        "service": { "shop": { "team": "web" } },
        "calendar": { "always": { "time_zone": "UTC", "hours": "24x7" } },
        "sla_policy": { "default": { "rules": [rule("high", &["P1", "P2"], "15m", "4h"), rule("others", &[], "2h", "24h")] } },
    })
}

impl Office {
    fn at(&self, minute: i64) {
        self.clock.set(MORNING_US + minute * MINUTE_US);
    }

    async fn open(&self, priority: &str, team: &str, service: Option<&str>) -> i64 {
        let ticket = json!({ "title": "t", "description": "d", "priority": priority, "team": team, "service": service });
        let new: NewTicket = serde_json::from_value(ticket).unwrap();
        self.desk.create(&new, &person("uma"), None).await.unwrap().0.number
    }

    async fn to(&self, number: i64, state: TicketState, assignee: Option<&str>, actor: &Actor) {
        let change = Change { state: Some(state), assignee: assignee.map(str::to_owned), ..Change::default() };
        self.desk.change(number, None, &change, actor).await.unwrap();
    }

    async fn page(&self, number: i64, name: &str) {
        let mut writing = self.desk.writing().await.unwrap();
        let event = TicketEvent::Paged { person: name.into(), level: 1, page: format!("{number}-{name}"), because: "on call".into() };
        writing.happen(number, &Actor::desk(), event).await.unwrap();
        writing.commit().await.unwrap();
    }

    /// The day: one ticket as it should be, one that nobody looked at, one that came back, one that still waits, one merged.
    async fn live_through_a_day(&self) {
        self.register.import(&department(), false, &person("root")).await.unwrap();
        let (ines, omar) = (person("ines"), person("omar"));
        assert_eq!(self.open("P1", "ops", None).await, 1);
        assert_eq!(self.open("P1", "ops", None).await, 2);
        assert_eq!(self.open("P3", "web", Some("shop")).await, 3);
        self.page(1, "ines").await;
        self.at(5);
        self.page(1, "omar").await;
        self.at(10);
        self.desk.acknowledge(1, "api", &ines).await.unwrap();
        self.at(20);
        self.to(1, TicketState::InProgress, Some("ines"), &ines).await;
        self.at(30);
        self.to(3, TicketState::InProgress, Some("omar"), &omar).await;
        self.at(60);
        assert_eq!((self.open("P3", "web", None).await, self.open("P3", "ops", None).await), (4, 5));
        self.at(70);
        self.desk.merge(4, 5, None, &crate::desk::Asked::by(&omar)).await.unwrap();
        self.at(90);
        self.to(3, TicketState::Resolved, None, &omar).await;
        self.at(100);
        self.to(3, TicketState::Reopened, None, &person("uma")).await;
        self.at(120);
        self.to(1, TicketState::Resolved, None, &ines).await;
        self.at(300);
        self.to(2, TicketState::Resolved, None, &Actor::analysis()).await;
        // 21:30 in UTC is 22:30 on the clock of Ines.
        self.at(810);
        self.page(4, "ines").await;
        self.at(825);
        self.page(4, "omar").await;
        self.at(NEXT_MORNING);
    }

    /// The rows of a question about a stretch of minutes: cells joined by blanks, `-` for what is not known.
    async fn ask(&self, name: &str, from: i64, to: i64) -> Vec<String> {
        let at = |minute: i64| json!(rfc3339(MORNING_US + minute * MINUTE_US));
        let window = BTreeMap::from([("window_start".to_owned(), at(from)), ("window_end".to_owned(), at(to))]);
        let request = QueryRequest { parameters: Parameters::Named(window), ..QueryRequest::new(SavedQuery::find(name).unwrap().sql) };
        let mut run = self.engine.run(request).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut encoder = Encoder::new(Format::Json, &run.schema()).unwrap();
        let mut text = Vec::new();
        for batch in run.collect().await.unwrap_or_else(|error| panic!("{name}: {error}")) {
            text.extend_from_slice(&encoder.encode(&batch).unwrap());
        }
        text.extend_from_slice(&encoder.finish().unwrap());
        let answer: Value = serde_json::from_slice(&text).unwrap();
        let cell = |value: &Value| match value {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.as_f64().map_or_else(|| other.to_string(), |number| number.to_string()),
        };
        let line = |row: &Value| row.as_object().unwrap().values().map(cell).collect::<Vec<_>>().join(" ");
        answer["rows"].as_array().unwrap().iter().map(line).collect()
    }

    async fn ask_all(&self, name: &str) -> Vec<String> {
        self.ask(name, 0, NEXT_MORNING).await
    }
}

#[tokio::test]
async fn every_question_can_be_asked_of_a_desk_without_tickets() {
    let office = office().await;
    for query in SAVED_QUERIES {
        assert_eq!(office.ask_all(query.name).await, [""; 0], "{}", query.name);
    }
}

#[tokio::test]
async fn the_figures_of_a_day_are_those_worked_out_by_hand() {
    let office = office().await;
    office.live_through_a_day().await;
    // opened, answered, mean, median, 90 %, resolved, of these unanswered, mean, median, 90 %: answers after 10 and 30
    // minutes, ends after 120 and 300.
    assert_eq!(
        office.ask_all("response_times").await,
        [
            "all all 4 2 20 20 28 2 1 210 210 282",
            "team ops 2 1 10 10 10 2 1 210 210 282",
            "team web 2 1 30 30 30 0 0 - - -",
            "service (none) 3 1 10 10 10 2 1 210 210 282",
            "service shop 1 1 30 30 30 0 0 - - -",
            "priority P1 2 1 10 10 10 2 1 210 210 282",
            "priority P3 2 1 30 30 30 0 0 - - -",
        ]
    );
    // decided, met, breached, percent: 2 was answered and resolved too late, 4 not answered in two hours.
    assert_eq!(
        office.ask_all("sla_attainment").await,
        [
            "all all resolution 2 1 1 50",
            "all all response 4 2 2 50",
            "team ops resolution 2 1 1 50",
            "team ops response 2 1 1 50",
            "team web response 2 1 1 50",
            "service (none) resolution 2 1 1 50",
            "service (none) response 3 1 2 33.3",
            "service shop response 1 1 0 100",
            "priority P1 resolution 2 1 1 50",
            "priority P1 response 2 1 1 50",
            "priority P3 response 2 1 1 50",
        ]
    );
    // open, unassigned, on hold, under a day, a week, a month, older, the oldest in days.
    assert_eq!(office.ask_all("backlog").await, ["web (none) P3 1 1 0 1 0 0 0 1", "web shop P3 1 0 0 0 1 0 0 1"]);
    // tickets resolved, reopened; moves to resolved, to reopened; percent.
    assert_eq!(
        office.ask_all("reopened").await,
        [
            "all all 3 1 3 1 33.3",
            "team ops 2 0 2 0 0",
            "team web 1 1 1 1 100",
            "service (none) 2 0 2 0 0",
            "service shop 1 1 1 1 100",
            "priority P1 2 0 2 0 0",
            "priority P3 1 1 1 1 100"
        ]
    );
    // calls, at night, tickets, answered, by others, by nobody, median and longest time to answer.
    assert_eq!(office.ask_all("oncall_load").await, ["ines 2 1 2 1 0 1 10 10", "omar 2 0 2 0 1 1 - -"]);
    assert_eq!(office.ask_all("rule_noise").await, [""; 0], "no rule has run");
}

#[tokio::test]
async fn what_happened_counts_in_the_period_in_which_it_happened() {
    let office = office().await;
    office.live_through_a_day().await;
    // Up to the ninth minute nobody has answered, and nothing was decided.
    assert_eq!(office.ask("response_times", 0, 9).await[0], "all all 3 0 - - - 0 0 - - -");
    assert_eq!(office.ask("sla_attainment", 0, 9).await, [""; 0]);
    // The answer of minute 10 is in it; the end is not part of a period.
    assert_eq!(office.ask("response_times", 10, 11).await[0], "all all 0 1 10 10 10 0 0 - - -");
    assert_eq!(office.ask("response_times", 0, 10).await[0], "all all 3 0 - - - 0 0 - - -");
    // Ticket 2 broke its response in minute 15 and its resolution in minute 240, long before somebody saw it in minute 300.
    assert_eq!(office.ask("sla_attainment", 15, 16).await[0], "all all response 1 0 1 0");
    assert_eq!(office.ask("sla_attainment", 240, 241).await[0], "all all resolution 1 0 1 0");
    // In minute 50 four tickets were not there yet or not resolved yet: 1, 2 and 3; the merged one never counts.
    assert_eq!(office.ask("backlog", 0, 50).await, ["ops (none) P1 2 1 0 2 0 0 0 0", "web shop P3 1 0 0 1 0 0 0 0"]);
    assert_eq!(office.ask("oncall_load", 0, 60).await, ["ines 1 0 1 1 0 0 10 10", "omar 1 0 1 0 1 0 - -"]);
    assert_eq!(office.ask("reopened", 95, 101).await[0], "all all 0 1 0 1 -");
}

/// A finding of the rule, so many minutes after the morning.
fn finding(rule: &str, minute: i64) -> Finding {
    let window_end_us = MORNING_US + minute * MINUTE_US;
    Finding {
        rule: rule.into(),
        fingerprint: format!("fp-{rule}"),
        entity: BTreeMap::from([("host".into(), "web01".into())]),
        title: "errors on web01".into(),
        description: "look at it".into(),
        severity: FindingSeverity::High,
        result: serde_json::Map::new(),
        window_start_us: window_end_us - 5 * MINUTE_US,
        window_end_us,
        holds_us: 0,
        evidence: Evidence::default(),
    }
}

#[tokio::test]
async fn a_rule_is_told_by_its_findings_and_one_that_never_fired_as_well() {
    let office = office().await;
    let run = |rule: &str| RuleRun { rule: rule.into(), watermark_us: MORNING_US, duration_us: 10, result_rows: 3 };
    let findings = [5, 10, 15].map(|minute| finding("error_burst", minute).into()).to_vec();
    let round = Round { findings, runs: vec![run("error_burst"), run("disk_errors")], ..Round::default() };
    office.desk.record(&round).await.unwrap();
    // What another program says: it runs elsewhere, and its noise is noise too.
    let mut alert = finding("pagerduty", 20);
    alert.result.insert("integration".to_owned(), json!("backup"));
    let reported = Round { findings: vec![alert.into()], ..Round::default() };
    office.desk.record(&reported).await.unwrap();
    // The desk gives the first to somebody and resolves it when it is over; the second somebody resolves who never took it.
    office.to(1, TicketState::Assigned, Some("ines"), &Actor::desk()).await;
    office.to(1, TicketState::Resolved, None, &Actor::analysis()).await;
    office.to(2, TicketState::Resolved, None, &person("omar")).await;
    // the source, findings, tickets, findings a ticket, tickets a week (one in a day), resolved by themselves, called noise, called right,
    // held back, the last finding, whether it never fired, runs, failures, the last error.
    assert_eq!(
        office.ask_all("rule_noise").await,
        [
            "error_burst - 3 1 3 7 1 0 0 0 2026-11-02T08:15:00Z false 1 0 -",
            "pagerduty backup 1 1 1 7 0 0 0 0 2026-11-02T08:20:00Z false - - -",
            "disk_errors - 0 0 - 0 0 0 0 0 - true 1 0 -",
        ]
    );
}

#[tokio::test]
async fn the_tables_of_the_desk_say_what_happened() {
    let office = office().await;
    office.live_through_a_day().await;
    let ask = async |sql: &str| {
        let rows = office.engine.run(QueryRequest::new(sql)).await.unwrap().collect().await.unwrap();
        arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string()
    };
    let clocks =
        ask("SELECT ticket, rule, target_us, verdict, elapsed_us, paused FROM sla_clocks WHERE promise = 'resolution' ORDER BY ticket")
            .await;
    // Ticket 3 has used all of the day but the ten minutes between resolved and reopened.
    for line in [
        "| 1      | high   | 14400000000 | met      | 7200000000  | false  |",
        "| 2      | high   | 14400000000 | breached | 18000000000 | false  |",
        "| 3      | others | 86400000000 | running  | 85800000000 | false  |",
        "| 4      | others | 86400000000 | running  | 82800000000 | false  |",
    ] {
        assert!(clocks.contains(line), "{line}\n{clocks}");
    }
    let pages = ask("SELECT person, time_zone, local_hour, answered_by FROM pages ORDER BY at").await;
    assert!(pages.contains("| ines   | Europe/Berlin | 9          | ines        |") && pages.contains("| 22         |"), "{pages}");
    let links = ask("SELECT ticket, kind, other FROM ticket_links").await;
    assert!(links.contains("| 5      | duplicate_of | 4     |"), "{links}");
    let events = ask("SELECT ticket, to_state, person FROM ticket_events WHERE to_state = 'reopened' OR kind = 'acknowledged'").await;
    assert!(events.contains("| 3      | reopened |        |") && events.contains("| 1      |          | ines   |"), "{events}");
    let audit = ask("SELECT DISTINCT actor FROM audit").await;
    assert!(audit.contains("user root"), "{audit}");
    let merged = ask("SELECT number, merged_into, team, acknowledged_by FROM tickets WHERE number IN (1, 5) ORDER BY number").await;
    assert!(
        merged.contains("| 1      |             | ops  | ines            |") && merged.contains("| 5      | 4           | ops  |"),
        "{merged}"
    );
}

impl Office {
    fn reports(&self) -> ScheduledReports {
        let inventory = Inventory::new(self.store.clone(), self.clock.clone(), self.register.clone());
        let parts = CapacityParts {
            days: CapacityDays::new(self.engine.clone(), self.tables.clone()),
            questions: Arc::new(Book::open(None)),
            register: self.register.clone(),
            proposals: Proposals::new(self.desk.clone(), inventory.clone()),
            inventory: inventory.clone(),
        };
        ScheduledReports::new(ReportParts {
            capacity: Arc::new(Capacity::new(parts).unwrap()),
            inventory,
            periods: PeriodReports { queries: self.engine.clone(), register: self.register.clone() },
            register: self.register.clone(),
            store: self.store.clone(),
            desk: self.desk.clone(),
            clock: self.clock.clone(),
            public_url: "https://watch.example.org".to_owned(),
        })
    }

    async fn file(&self, reports: &ScheduledReports, id: i64, form: ReportForm) -> String {
        String::from_utf8(reports.file(id, form).await.unwrap().unwrap()).unwrap()
    }
}

#[tokio::test]
async fn reports_about_a_period_are_made_by_themselves() {
    let office = office().await;
    office.live_through_a_day().await;
    let root = person("root");
    let user = json!({ "display_name": "Ines", "email": "ines@example.org", "role": "manager" });
    office.register.put("user", "ines", &user, None, &root).await.unwrap();
    for report in ["sla", "oncall", "noise", "desk"] {
        // Eight in the morning in Greenwich is nine in Berlin: the time since then the day before.
        let document = json!({ "report": report, "cron": "0 9 * * *", "time_zone": "Europe/Berlin", "to": ["ines"] });
        office.register.put("report_schedule", report, &document, None, &root).await.unwrap();
    }
    let reports = office.reports();
    assert_eq!(reports.round().await, 0, "this morning's was due before anybody wanted it");
    office.at(2 * NEXT_MORNING + 30);
    assert_eq!((reports.round().await, reports.round().await), (4, 0));
    let kept = reports.list(Some("sla"), None, 10).await.unwrap().remove(0);
    assert_eq!(kept.made_at_us, MORNING_US + 2 * NEXT_MORNING * MINUTE_US);
    let document: Value = serde_json::from_str(&office.file(&reports, kept.id, ReportForm::Json).await).unwrap();
    assert_eq!((&document["from"], &document["to"]), (&json!("2026-11-03T08:00:00Z"), &json!("2026-11-04T08:00:00Z")));

    // Asked for by hand with three days to look back on, it has the figures that were worked out.
    let both = json!({ "report": "sla", "cron": "0 9 * * *", "time_zone": "Europe/Berlin", "to": ["ines"], "days": 3 });
    office.register.put("report_schedule", "sla", &both, None, &root).await.unwrap();
    office.clock.set(MORNING_US + 2 * NEXT_MORNING * MINUTE_US);
    let made = reports.make_now("sla").await.unwrap();
    let document: Value = serde_json::from_str(&office.file(&reports, made.id, ReportForm::Json).await).unwrap();
    assert_eq!(document["report"], "sla");
    assert!(document["from"].as_str().unwrap().starts_with("2026-11-01T08:00:00"), "{}", document["from"]);
    let names: Vec<&str> = document["tables"].as_array().unwrap().iter().map(|table| table["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["sla_attainment", "response_times"]);
    let waits = &document["tables"][1]["rows"][0];
    assert_eq!(
        (&waits["opened"], &waits["answered"], &waits["resolved"], &waits["mttr_minutes"]),
        (&json!(4), &json!(2), &json!(2), &json!(210.0))
    );
    assert!(made.summary.contains("4 tickets were opened and 2 resolved"), "{}", made.summary);
    let page = office.file(&reports, made.id, ReportForm::Html).await;
    assert!(page.contains("2026-11-01 09:00 to 2026-11-04 09:00 (Europe/Berlin)") && page.contains("<svg"), "{page}");
    let csv = office.file(&reports, made.id, ReportForm::Csv).await;
    assert!(csv.starts_with("table,dimension,value,promise,") && csv.contains("\r\nresponse_times,all,all,"), "{csv}");

    let subjects: Vec<String> =
        sqlx::query_scalar("SELECT subject FROM outbox ORDER BY id").fetch_all(&mut *office.store.read().await.unwrap()).await.unwrap();
    for subject in
        ["Service level report of 2026-11-04", "On-call report of 2026-11-04", "Noise report of 2026-11-04", "Desk report of 2026-11-04"]
    {
        assert!(subjects.iter().any(|it| it == subject), "{subject}: {subjects:?}");
    }
}
