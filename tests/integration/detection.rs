//! From a line that comes in to the ticket that somebody moves, with a rule of the user's own.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Answer, Launch, Server};

/// A rule that runs every second.
const RULE: &str = "\
-- name: probe_failures
-- description: A probe has failed.
-- schedule: every 1s
-- delay: 1s
-- severity: high
-- entity: host
-- title: {value} probes failed on {host}
-- runbook: Look at the probe.

SELECT date_bin(INTERVAL '1 second', timestamp) AS timestamp, host, count(*) AS value, 0 AS expected
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND message LIKE '%probe failed%'
GROUP BY 1, host

-- evidence:
SELECT timestamp, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND host = $host AND message LIKE '%probe failed%'
ORDER BY timestamp
LIMIT 5
";

/// From a line to its ticket: the rule's delay, a second of schedule, the scheduler's longest sleep, and a slow machine.
const TICKET_WITHIN: Duration = Duration::from_secs(30);

fn watching(folder: &Path) -> Launch {
    let rules = folder.join("rules");
    std::fs::create_dir_all(&rules).unwrap();
    std::fs::write(rules.join("probe_failures.sql"), RULE).unwrap();
    Launch::on(folder).env("WATCHROOM_DETECT_ENABLED", true).env("WATCHROOM_DETECT_RULES_DIR", rules.display())
}

async fn fail_probes(server: &Server, host: &str, count: usize) {
    let lines = format!("{{\"host\":\"{host}\",\"_msg\":\"probe failed: no answer\"}}\n").repeat(count);
    assert_eq!(server.post("/insert/jsonline", lines).await.status, 200);
}

/// The tickets of the rule; those of built-in rules are not ours.
async fn tickets(server: &Server) -> Vec<Value> {
    let page = server.get("/api/v1/tickets").await.json();
    page["tickets"].as_array().unwrap().iter().filter(|ticket| ticket["rule"] == "probe_failures").cloned().collect()
}

async fn ticket_when(server: &Server, ready: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        if let Some(ticket) = tickets(server).await.into_iter().find(&ready) {
            return ticket;
        }
        assert!(started.elapsed() < TICKET_WITHIN, "{:?}", tickets(server).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn patch(server: &Server, ticket: &Value, version: Option<&str>, change: Value) -> Answer {
    let mut request = server.request("PATCH", &format!("/api/v1/tickets/{}", ticket["number"])).body(change.to_string());
    if let Some(version) = version {
        request = request.header("if-match", version);
    }
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_become_one_ticket_with_its_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let server = watching(folder.path()).start().await;
    let sent = Instant::now();
    fail_probes(&server, "db01", 3).await;
    let ticket = ticket_when(&server, |_| true).await;
    eprintln!("detection: line to ticket in {:?}", sent.elapsed());
    assert_eq!((&ticket["state"], &ticket["severity"], &ticket["entity"]), (&"new".into(), &"high".into(), &json!({ "host": "db01" })));
    assert_eq!(ticket["title"], "3 probes failed on db01");
    let detail = server.get(&format!("/api/v1/tickets/{}", ticket["number"])).await.json();
    let evidence = &detail["first_evidence"];
    assert!(evidence["sql"].as_str().unwrap().contains("probe failed"), "{evidence}");
    assert_eq!(evidence["lines"].as_array().unwrap().len(), 3, "{evidence}");
    let version = evidence["delta_versions"]["logs"].as_i64().expect("the version of the table that was read");
    // The version that the evidence names holds the lines.
    let query = json!({ "query": "SELECT count(*) AS n FROM logs WHERE message LIKE '%probe failed%'", "at_version": { "logs": version } });
    assert_eq!(server.post("/api/v1/sql", query.to_string()).await.json()["rows"][0]["n"], 3);

    // More of the same joins; another host is another problem.
    fail_probes(&server, "db01", 2).await;
    fail_probes(&server, "web01", 1).await;
    let joined = ticket_when(&server, |t| t["entity"]["host"] == "db01" && t["findings"].as_i64() >= Some(2)).await;
    assert_eq!(joined["number"], ticket["number"]);
    ticket_when(&server, |t| t["entity"]["host"] == "web01").await;
    assert_eq!(tickets(&server).await.len(), 2);
    // Asked again on the versions of then, the statement gives the lines that there were.
    let again = server.get(&format!("/api/v1/tickets/{}/evidence?rerun=true", ticket["number"])).await.json();
    for found in again["evidence"].as_array().unwrap() {
        let frozen = &found["evidence"];
        assert_eq!((frozen["parameters"]["host"].as_str(), &found["rows"]["rows"]), (Some("db01"), &frozen["lines"]), "{found}");
        assert_eq!(found["same"], true, "{found}");
    }
    let lines = |which: usize| again["evidence"][which]["evidence"]["lines"].as_array().map_or(0, Vec::len);
    assert_eq!((lines(0), lines(1)), (3, 2), "{again}");
    let joined_to = "SELECT count(*) FROM findings JOIN tickets ON findings.ticket = tickets.number WHERE tickets.host = 'db01'";
    assert!(server.number(joined_to).await >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_moves_along_legal_ways_and_nobody_overwrites_another() {
    let folder = tempfile::tempdir().unwrap();
    let server = watching(folder.path()).start().await;
    fail_probes(&server, "db01", 1).await;
    let ticket = ticket_when(&server, |_| true).await;
    patch(&server, &ticket, None, json!({ "state": "closed" })).await.assert_problem(409);
    patch(&server, &ticket, None, json!({ "state": "lost" })).await.assert_problem(400);
    patch(&server, &ticket, None, json!({ "state": "assigned" })).await.assert_problem(422);
    let seen = server.get(&format!("/api/v1/tickets/{}", ticket["number"])).await;
    let version = seen.header("etag").to_owned();
    let taken = patch(&server, &ticket, Some(&version), json!({ "assignee": "ines", "comment": "I look at it" })).await;
    assert_eq!((taken.status, &taken.json()["state"]), (200, &"assigned".into()), "{}", taken.text());
    let too_late = patch(&server, &ticket, Some(&version), json!({ "assignee": "omar" })).await;
    too_late.assert_problem(412);
    for state in ["in_progress", "on_hold", "in_progress", "resolved", "closed"] {
        let moved = patch(&server, &ticket, None, json!({ "state": state })).await;
        assert_eq!((moved.status, &moved.json()["state"]), (200, &state.into()), "{}", moved.text());
    }
    patch(&server, &ticket, None, json!({ "state": "in_progress" })).await.assert_problem(409);
    let events = format!("SELECT actor, kind FROM ticket_events WHERE ticket = {} ORDER BY seq", ticket["number"]);
    let history = server.sql(&events).await;
    assert_eq!(history[0]["kind"], "opened", "{history:?}");
    assert_eq!(history.iter().filter(|event| event["actor"] == "local").count(), 8, "{history:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_double_no_ticket_and_no_finding() {
    let folder = tempfile::tempdir().unwrap();
    let launch = watching(folder.path());
    let mut server = launch.start().await;
    fail_probes(&server, "db01", 1).await;
    for kill in 0..4 {
        // The first moment after the ticket is the most dangerous one for it.
        let findings = ticket_when(&server, |_| true).await["findings"].as_i64().unwrap();
        if kill > 0 {
            ticket_when(&server, |ticket| ticket["findings"].as_i64() > Some(findings)).await;
        }
        server.kill();
        server = launch.start().await;
        fail_probes(&server, "db01", 1).await;
    }
    ticket_when(&server, |_| true).await;
    let found = tickets(&server).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let rows =
        server.sql("SELECT count(*) AS n, count(DISTINCT window_end) AS windows, count(DISTINCT ticket) AS tickets FROM findings").await;
    assert_eq!((&rows[0]["n"], &rows[0]["tickets"]), (&rows[0]["windows"], &1.into()), "{rows:?}");
    assert_eq!(server.number("SELECT count(*) FROM tickets").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weekly_rule_holds_nobody_back() {
    let folder = tempfile::tempdir().unwrap();
    let launch = watching(folder.path());
    let weekly = RULE.replace("every 1s", "every 7d").replace("probe_failures", "weekly_probes");
    std::fs::write(folder.path().join("rules/weekly_probes.sql"), weekly).unwrap();
    let server = launch.start().await;
    fail_probes(&server, "db01", 1).await;
    ticket_when(&server, |_| true).await;
    let ran = server.get("/api/v1/rules").await.json();
    let weekly = ran["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "weekly_probes").unwrap().clone();
    assert_eq!(weekly["state"]["runs"], 1, "{weekly}");
    fail_probes(&server, "web01", 1).await;
    ticket_when(&server, |ticket| ticket["entity"]["host"] == "web01").await;
}
