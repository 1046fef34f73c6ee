//! Reports: tickets opened and moved over HTTP, and the command's figures about them.

use std::path::Path;

use serde_json::{Value, json};

use crate::command::{Ran, run};
use crate::server::{Launch, Server};

/// Everything is answered within an hour and resolved within a day; two people take weekly turns, and both are called.
fn department() -> Value {
    let user = |name: &str| json!({ "display_name": name, "role": "technician", "teams": ["ops"], "time_zone": "UTC" });
    json!({
        "team": { "ops": { "escalation_policy": "both" }, "web": {} },
        "user": { "ines": user("ines"), "omar": user("omar") },
        "sla_policy": { "default": { "rules": [
            { "name": "all", "calendar": "always", "first_response": "1h", "resolution": "24h" }] } },
        "calendar": { "always": { "time_zone": "UTC", "hours": "24x7" }, "feasts": { "time_zone": "UTC", "hours": "24x7", "holidays": [{ "date": "2026-01-06", "text": "a feast" }] } },
        "rota": { "watch": { "calendar": "feasts", "time_zone": "UTC", "layers": [{ "name": "primary", "people": ["ines", "omar"], "rotation": "weekly",
            "starts_on": "2026-01-05", "hand_over": "00:00" }] } },
        "escalation_policy": { "both": { "steps": [{ "after": "0m", "notify": ["user:ines", "user:omar"] }] } },
        "desk_policy": { "default": { "assign": false } },
    })
}

async fn good(server: &Server, method: &str, path: &str, body: Value) -> Value {
    let response = server.request(method, path).header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
    let (status, text) = (response.status(), response.text().await.unwrap());
    assert!(status.is_success(), "{method} {path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

async fn open(server: &Server, priority: &str, team: &str) -> i64 {
    let ticket = good(server, "POST", "/api/v1/tickets", json!({ "title": "t", "priority": priority, "team": team })).await;
    ticket["number"].as_i64().unwrap()
}

async fn to(server: &Server, number: i64, state: &str) {
    good(server, "PATCH", &format!("/api/v1/tickets/{number}"), json!({ "state": state })).await;
}

/// A server with four tickets: one answered and resolved, one resolved, reopened and open, one untouched, one of another team.
async fn day(folder: &Path) -> Server {
    let server = Launch::on(folder).start().await;
    good(&server, "PUT", "/api/v1/setup", department()).await;
    for (priority, team) in [("P2", "ops"), ("P2", "ops"), ("P3", "ops"), ("P4", "web")] {
        open(&server, priority, team).await;
    }
    // Both are called for each of the three tickets of their team.
    server.wait_for("SELECT count(*) FROM pages", 6, std::time::Duration::from_secs(30)).await;
    to(&server, 1, "in_progress").await;
    to(&server, 1, "resolved").await;
    to(&server, 2, "in_progress").await;
    to(&server, 2, "resolved").await;
    to(&server, 2, "reopened").await;
    // What came back is escalated anew.
    server.wait_for("SELECT count(*) FROM pages", 8, std::time::Duration::from_secs(30)).await;
    server
}

fn report(folder: &Path, arguments: &[&str]) -> Ran {
    let data = folder.join("data");
    let mut all = vec!["report"];
    all.extend(arguments);
    all.extend(["--data", data.to_str().unwrap()]);
    run(folder, &all)
}

fn document(folder: &Path, arguments: &[&str]) -> Value {
    let mut all = arguments.to_vec();
    all.extend(["--format", "json"]);
    serde_json::from_str(&report(folder, &all).good()).expect("the report is JSON")
}

/// The row of a table in which a column has a value.
fn row(document: &Value, table: &str, column: &str, value: &str) -> Value {
    let tables = document["tables"].as_array().unwrap();
    let table = tables.iter().find(|it| it["name"] == table).unwrap_or_else(|| panic!("no table {table} in {document}"));
    let rows = table["rows"].as_array().unwrap();
    rows.iter().find(|row| row[column] == value).unwrap_or_else(|| panic!("no row {column} = {value} in {table}")).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reports_agree_with_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let _server = day(folder.path()).await;
    let sla = document(folder.path(), &["sla"]);
    assert_eq!(sla["report"], "sla");
    // Two were answered in time; the two others still have time.
    let kept = row(&sla, "sla_attainment", "promise", "response");
    assert_eq!(
        (&kept["dimension"], &kept["decided"], &kept["met"], &kept["attainment_percent"]),
        (&json!("all"), &json!(2), &json!(2), &json!(100.0))
    );
    // One is resolved for good; the other runs on.
    let resolved = row(&sla, "sla_attainment", "promise", "resolution");
    assert_eq!((&resolved["decided"], &resolved["breached"]), (&json!(1), &json!(0)));
    let times = row(&sla, "response_times", "value", "all");
    assert_eq!((&times["opened"], &times["answered"], &times["resolved"]), (&json!(4), &json!(2), &json!(1)));
    assert!(times["mtta_minutes"].as_f64().is_some_and(|minutes| (0.0..2.0).contains(&minutes)), "{times}");

    let desk = document(folder.path(), &["desk", "--from", "7d"]);
    let backlog = row(&desk, "backlog", "priority", "P2");
    assert_eq!((&backlog["team"], &backlog["open"], &backlog["under_1_day"]), (&json!("ops"), &json!(1), &json!(1)));
    let reopened = row(&desk, "reopened", "value", "all");
    assert_eq!((&reopened["resolutions"], &reopened["reopenings"], &reopened["reopened_percent"]), (&json!(2), &json!(1), &json!(50.0)));

    let calls = document(folder.path(), &["oncall"]);
    for person in ["ines", "omar"] {
        let load = row(&calls, "oncall_load", "person", person);
        // The first calls about two tickets were answered, by somebody on this machine.
        assert_eq!(
            (&load["pages"], &load["answered"], &load["answered_by_others"], &load["unanswered"]),
            (&json!(4), &json!(0), &json!(2), &json!(2)),
            "{load}"
        );
    }
    let before = document(folder.path(), &["sla", "--from", "2026-01-01", "--to", "2026-02-01"]);
    assert_eq!((&before["from"], &before["to"]), (&json!("2026-01-01T00:00:00Z"), &json!("2026-02-01T00:00:00Z")));
    assert!(before["tables"].as_array().unwrap().iter().all(|table| table["rows"] == json!([])), "{before}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_call_hours_are_those_of_the_plan() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    good(&server, "PUT", "/api/v1/setup", department()).await;
    // Monday to Monday, three weeks: the turns of Ines, Omar and Ines.
    let report = document(folder.path(), &["oncall", "--from", "2026-01-05", "--to", "2026-01-26"]);
    let watch = row(&report, "coverage", "rota", "watch");
    assert_eq!((&watch["wanted_hours"], &watch["covered_percent"], &watch["gaps"]), (&json!(504.0), &json!(100.0), &json!(0)));
    // 336 and 168 hours: 168 apart, of 252 on average.
    assert_eq!(watch["spread_hours"], json!(0.67));
    let ines = row(&report, "on_call_hours", "person", "ines");
    assert_eq!(
        (&ines["shifts"], &ines["hours"], &ines["night_hours"], &ines["weekend_hours"], &ines["holiday_hours"]),
        (&json!(2), &json!(336.0), &json!(112.0), &json!(96.0), &json!(24.0))
    );
    // The plan begins on the fifth: before that nobody is there.
    let early = document(folder.path(), &["oncall", "--from", "2026-01-01", "--to", "2026-01-06"]);
    assert_eq!(
        row(&early, "gaps", "rota", "watch"),
        json!({ "rota": "watch", "from": "2026-01-01T00:00:00Z", "to": "2026-01-05T00:00:00Z", "cause": "nobody_planned" })
    );
    assert_eq!(row(&early, "coverage", "rota", "watch")["covered_percent"], json!(20.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_a_table_a_page_or_a_sheet() {
    let folder = tempfile::tempdir().unwrap();
    let _server = day(folder.path()).await;
    let text = report(folder.path(), &["desk"]).good();
    assert!(text.contains("Backlog") && text.contains("web") && text.contains("What came back"), "{text}");
    let csv = report(folder.path(), &["desk", "--format", "csv"]).good();
    assert!(csv.starts_with("table,team,service,priority,open,") && csv.contains("\r\nbacklog,web,(none),P4,1,"), "{csv}");
    let page = folder.path().join("desk.html");
    assert_eq!(report(folder.path(), &["desk", "--format", "html", "--output", page.to_str().unwrap()]).good(), "");
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.starts_with("<!doctype html>") && html.contains("<svg") && html.contains("Open tickets"), "{html}");
    assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("https://"), "{html}");
    for report_name in ["sla", "oncall", "noise"] {
        let html = report(folder.path(), &[report_name, "--format", "html"]).good();
        assert!(html.ends_with("</html>\n"), "{report_name}");
    }
    let wrong = report(folder.path(), &["sla", "--from", "lately"]);
    assert_eq!((wrong.code, wrong.text().as_str()), (1, ""));
    assert!(wrong.stderr.contains("write 2026-11-01"), "{}", wrong.stderr);
    assert_eq!(report(folder.path(), &["weather"]).code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_scheduled_is_that_of_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let server = day(folder.path()).await;
    for report_name in ["sla", "oncall", "noise", "desk"] {
        let schedule = json!({ "report": report_name, "cron": "0 7 * * 1", "time_zone": "Europe/Vienna", "days": 7, "to": ["ines"] });
        good(&server, "PUT", &format!("/api/v1/setup/report_schedule/{report_name}"), schedule).await;
        let kept = good(&server, "POST", &format!("/api/v1/reports/schedules/{report_name}/run"), Value::Null).await;
        let file = async |form: &str| server.get(&format!("/api/v1/reports/kept/{}?format={form}", kept["id"])).await.text();
        let made: Value = serde_json::from_str(&file("json").await).unwrap();
        let (from, to) = (made["from"].as_str().unwrap(), made["to"].as_str().unwrap());
        let asked = |form: &str| {
            let arguments = [report_name, "--from", from, "--to", to, "--time-zone", "Europe/Vienna", "--format", form];
            report(folder.path(), &arguments).good()
        };
        assert_eq!(made, serde_json::from_str::<Value>(&asked("json")).unwrap());
        assert_eq!((file("csv").await, file("html").await), (asked("csv"), asked("html")));
        assert!(kept["summary"].as_str().unwrap().contains("(Europe/Vienna).\n"), "{kept}");
    }
    let wrong = json!({ "report": "capacity", "cron": "0 7 * * 1", "days": 7 });
    let refused = server.request("PUT", "/api/v1/setup/report_schedule/wrong").body(wrong.to_string()).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 422);
    assert!(refused.text().await.unwrap().contains("is of one day"));
}
