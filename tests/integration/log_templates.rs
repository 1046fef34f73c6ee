//! Templates of log lines: the same id for the same statement, what is new, what fell silent, and the tools on files.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::server::{Launch, Server, program};

/// A line a minute of each kind between two minutes of the first days of March.
fn lines(kind: &str, minutes: std::ops::Range<i64>) -> String {
    let start: jiff::Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    minutes.fold(String::new(), |mut lines, minute| {
        let at = start.checked_add(jiff::SignedDuration::from_mins(minute)).unwrap();
        let message = match kind {
            "job" => format!("job {minute} done in {} ms", minute * 7 % 90),
            "poll" => format!("poll of queue q{} took {} ms", minute % 5, minute % 13),
            other => other.to_owned(),
        };
        let line = json!({ "time": at.to_string(), "host": "app01", "app": "worker", "severity": "error", "_msg": message });
        let _ = writeln!(lines, "{line}");
        lines
    })
}

async fn push(server: &Server, lines: String) {
    assert_eq!(server.post("/insert/jsonline", lines).await.status, 200);
}

async fn backtest(server: &Server, rule: &str, from: &str, to: &str) -> Vec<Value> {
    let answer = server.post("/api/v1/backtest", json!({ "rule": rule, "from": from, "to": to }).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["findings"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_have_templates_and_what_is_new_or_silent_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let launch = Launch::on(folder.path());
    let server = launch.start().await;
    // A day and a half; the jobs stop after 30 hours, and two hours before the end there is a word never heard.
    push(&server, lines("poll", 0..7)).await;
    push(&server, lines("poll", 7..2_160)).await;
    push(&server, lines("job", 0..1_800)).await;
    push(&server, lines("the license file has expired", 2_040..2_041)).await;
    assert_eq!(server.number("SELECT count(DISTINCT template_id) FROM logs").await, 3);
    let templates = server.sql("SELECT template, lines FROM log_templates ORDER BY lines DESC").await;
    let shown: Vec<_> = templates.iter().map(|row| (row["template"].as_str().unwrap(), row["lines"].as_i64().unwrap())).collect();
    assert_eq!(shown, [("poll of queue <*> took <*> ms", 2_160), ("job <*> done in <*> ms", 1_800), ("the license file has expired", 1)]);
    let join = "SELECT count(*) FROM logs JOIN log_templates USING (template_id) WHERE template LIKE 'job %'";
    assert_eq!(server.number(join).await, 1_800);

    let day = ("2026-03-02T00:00:00Z", "2026-03-02T12:00:00Z");
    let new = backtest(&server, "log_new_template", day.0, day.1).await;
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(new[0]["title"], "worker on app01 says something new: the license file has expired");
    let silent = backtest(&server, "log_template_silent", day.0, day.1).await;
    assert_eq!(silent.len(), 1, "{silent:?}");
    assert_eq!(silent[0]["title"], "worker on app01 has not written this for an hour: job <*> done in <*> ms");
    // The last job is of 05:59, in the bin of 05:55.
    assert_eq!(silent[0]["from"], "2026-03-02T06:55:00Z");

    // Kept over a stop: the same lines have the same ids, and the counts go on.
    let before = server.sql("SELECT DISTINCT template_id FROM logs WHERE message LIKE 'job %'").await;
    server.terminate();
    let server = launch.start().await;
    push(&server, lines("job", 2_000..2_010)).await;
    assert_eq!(server.sql("SELECT DISTINCT template_id FROM logs WHERE message LIKE 'job %'").await, before);
    assert_eq!(server.number("SELECT max(lines) FROM log_templates WHERE template LIKE 'job %'").await, 1_810);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_know_applications_that_are_counted_together_too() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    let many = (0..600).fold(String::new(), |mut many, n| {
        let line = json!({ "time": "2026-03-01T00:00:00Z", "host": "app01", "app": format!("tool{n}"), "_msg": "hello" });
        let _ = writeln!(many, "{line}");
        many
    });
    push(&server, many).await;
    push(&server, lines("poll", 0..2_160) + &lines("job", 0..1_800) + &lines("the license file has expired", 2_040..2_041)).await;
    assert_eq!(server.number("SELECT count(*) FROM log_templates WHERE app = 'worker'").await, 0);
    let day = ("2026-03-02T00:00:00Z", "2026-03-02T12:00:00Z");
    let new = backtest(&server, "log_new_template", day.0, day.1).await;
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(new[0]["title"], "worker on app01 says something new: the license file has expired");
    let silent = backtest(&server, "log_template_silent", day.0, day.1).await;
    assert_eq!(silent.len(), 1, "{silent:?}");
    assert_eq!(silent[0]["title"], "worker on app01 has not written this for an hour: job <*> done in <*> ms");
}

#[test]
fn the_tools_on_files_need_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let (log, csv) = (folder.path().join("app.log"), folder.path().join("load.csv"));
    std::fs::write(&log, "user ann logged in\nuser ben logged in from 10.0.0.7\nuser 17 logged in\nshutting down\n").unwrap();
    let output = program(folder.path()).arg("templates").arg(&log).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Value> = String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((rows.len(), rows[3]["line"].as_i64(), &rows[3]["template"]), (4, Some(4), &"shutting down".into()));
    assert!(rows.iter().all(|row| row["template_id"].is_i64()), "{rows:?}");

    let mut text = String::from("timestamp,value\n");
    for step in 0..4_000 {
        let value = (step * 7_919 % 101) as f64 / 100.0 + if (3_000..3_006).contains(&step) { 20.0 } else { 0.0 };
        let _ = writeln!(text, "{},{value}", 1_767_225_600 + step * 300);
    }
    std::fs::write(&csv, text).unwrap();
    let output = program(folder.path()).args(["detect", "--period", "300"]).arg(&csv).output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Vec<&str>> = answer.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((rows.len(), rows[0].join(",")), (4_001, "timestamp,value,score,alarm".to_owned()));
    let alarms: Vec<usize> = (1..rows.len()).filter(|row| rows[*row][3] == "1").collect();
    assert!(alarms.first() == Some(&3_001) && alarms.len() <= 3, "{alarms:?}");
    let wrong = program(folder.path()).arg("detect").arg(&log).output().unwrap();
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("timestamp and value"));
}
