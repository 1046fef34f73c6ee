//! From findings to incidents: one ticket a trouble, storms, merges, splits, verdicts, maintenance, and files that change.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Answer, Launch, Server};

/// A rule over single lines, every second, as loud as a line wants it.
const RULE: &str = "\
-- name: probe_failures
-- description: A probe has failed.
-- schedule: every 1s
-- delay: 1s
-- late: 3s
-- severity: high
-- entity: host, app
-- title: {app} failed on {host}
-- runbook: Look at the probe.

SELECT date_bin(INTERVAL '1 second', timestamp) AS timestamp, host, app, count(*) AS value, 0 AS expected
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND message LIKE '%probe failed%'
GROUP BY 1, host, app
";

const SOON: Duration = Duration::from_secs(120);

fn watching(folder: &Path) -> Launch {
    let rules = folder.join("rules");
    std::fs::create_dir_all(&rules).unwrap();
    std::fs::write(rules.join("probe_failures.sql"), RULE).unwrap();
    Launch::on(folder).env("WATCHROOM_DETECT_ENABLED", true).env("WATCHROOM_DETECT_RULES_DIR", rules.display())
}

fn failure(host: &str, app: &str) -> String {
    json!({ "host": host, "app": app, "_msg": "probe failed: no answer" }).to_string() + "\n"
}

async fn push(server: &Server, lines: String) {
    assert_eq!(server.post("/insert/jsonline", lines).await.status, 200);
}

async fn tickets(server: &Server) -> Vec<Value> {
    let page = server.get("/api/v1/tickets?limit=1000").await.json();
    page["tickets"].as_array().unwrap().iter().filter(|ticket| ticket["rule"] == "probe_failures").cloned().collect()
}

async fn when<T>(mut ready: impl AsyncFnMut() -> Option<T>, what: &str) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = ready().await {
            return value;
        }
        assert!(started.elapsed() < SOON, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn findings(server: &Server, condition: &str) -> i64 {
    server.number(&format!("SELECT count(*) FROM findings WHERE rule = 'probe_failures' AND {condition}")).await
}

async fn detail(server: &Server, number: &Value) -> Value {
    server.get(&format!("/api/v1/tickets/{number}")).await.json()
}

async fn post(server: &Server, path: &str, body: Value) -> Answer {
    server.post(path, body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_together_on_a_host_is_one_ticket_that_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let server = watching(folder.path()).start().await;
    push(&server, failure("db01", "ping")).await;
    when(async || (findings(&server, "true").await >= 1).then_some(()), "the first finding").await;
    push(&server, failure("db01", "http")).await;
    when(async || (findings(&server, "entity LIKE '%http%'").await >= 1).then_some(()), "the second finding").await;
    let found = tickets(&server).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let detail = detail(&server, &found[0]["number"]).await;
    let members = detail["incident"]["members"].as_array().unwrap();
    assert_eq!(members.len(), 2, "{detail}");
    assert_eq!(detail["incident"]["causes"][0]["place"], "db01", "{detail}");
    let joined = detail["history"].as_array().unwrap().iter().find(|event| event["event"]["kind"] == "joined").unwrap();
    let because = joined["event"]["because"].as_str().unwrap();
    assert!(because.contains("topology 0.30") && because.contains("same host"), "{because}");
    let reasons = server.sql("SELECT reasons FROM findings WHERE outcome = 'joined'").await;
    assert!(reasons[0]["reasons"].as_str().unwrap().contains("\"topology\""), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_ten_thousand_findings_is_a_few_tickets_and_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let launch = watching(folder.path());
    let server = launch.start().await;
    let lines: String = (0..10_000).map(|n| failure(&format!("host{n:05}"), "ping")).collect();
    push(&server, lines).await;
    when(async || (findings(&server, "true").await > 0).then_some(()), "the storm").await;
    server.kill();
    let server = launch.start().await;
    when(async || (findings(&server, "true").await == 10_000).then_some(()), "all of the storm").await;
    assert_eq!(server.number("SELECT count(DISTINCT fingerprint) FROM findings WHERE rule = 'probe_failures'").await, 10_000);
    let found = tickets(&server).await;
    // The lines may fall into two seconds, and so into two runs.
    assert!(found.len() <= 20, "{} tickets", found.len());
    let open = found.iter().filter(|ticket| ticket["state"] == "new").count();
    assert!((1..=2).contains(&open), "{open} open tickets for one cause");
    assert_eq!(server.get("/health").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_merge_split_and_judge() {
    let folder = tempfile::tempdir().unwrap();
    let server = watching(folder.path()).start().await;
    push(&server, failure("web01", "ping")).await;
    when(async || (tickets(&server).await.len() == 1).then_some(()), "the first ticket").await;
    push(&server, failure("mail01", "smtp")).await;
    let two = when(async || Some(tickets(&server).await).filter(|found| found.len() == 2), "the second ticket").await;
    let (first, second) = (two[1]["number"].clone(), two[0]["number"].clone());
    post(&server, &format!("/api/v1/tickets/{first}/merge"), json!({ "ticket": first })).await.assert_problem(422);
    post(&server, &format!("/api/v1/tickets/{first}/merge"), json!({ "ticket": 99 })).await.assert_problem(404);
    let merged = post(&server, &format!("/api/v1/tickets/{first}/merge"), json!({ "ticket": second })).await;
    assert_eq!(merged.status, 200, "{}", merged.text());
    assert_eq!(detail(&server, &second).await["ticket"]["state"], "resolved");
    let whole = detail(&server, &first).await;
    post(&server, &format!("/api/v1/tickets/{first}/merge"), json!({ "ticket": second })).await.assert_problem(422);
    let members = whole["incident"]["members"].as_array().unwrap();
    assert_eq!(members.len(), 2, "{whole}");
    let smtp = members.iter().find(|member| member["entity"]["app"] == "smtp").unwrap()["fingerprint"].clone();
    post(&server, &format!("/api/v1/tickets/{first}/split"), json!({ "fingerprints": ["nothing"] })).await.assert_problem(422);
    push(&server, failure("mail01", "smtp")).await;
    when(
        async || (findings(&server, &format!("ticket = {first} AND entity LIKE '%smtp%'")).await >= 1).then_some(()),
        "a finding in the merged",
    )
    .await;
    let split = post(&server, &format!("/api/v1/tickets/{first}/split"), json!({ "fingerprints": [smtp] })).await;
    assert_eq!(split.status, 200, "{}", split.text());
    assert_eq!(split.json()["entity"]["app"], "smtp");
    assert_eq!(detail(&server, &first).await["incident"]["members"].as_array().unwrap().len(), 1);
    let id = server.number("SELECT min(id) FROM findings WHERE rule = 'probe_failures'").await;
    let judged = post(&server, &format!("/api/v1/findings/{id}/verdict"), json!({ "verdict": "noise" })).await;
    assert!(judged.status == 200 && judged.json()["factor"].as_f64().unwrap() > 1.0, "{}", judged.text());
    assert_eq!(server.number("SELECT count(*) FROM findings WHERE verdict = 'noise'").await, 1);
    assert_eq!(server.number("SELECT count(*) FROM audit WHERE action = 'finding.verdict' AND actor = 'local'").await, 1);
    let again = post(&server, &format!("/api/v1/findings/{id}/verdict"), json!({ "verdict": "noise" })).await.json();
    assert_eq!(again["noise"], 1, "the same word said again moves nothing: {again}");
    post(&server, "/api/v1/findings/99999/verdict", json!({ "verdict": "right" })).await.assert_problem(404);
    post(&server, &format!("/api/v1/findings/{id}/verdict"), json!({ "verdict": "perhaps" })).await.assert_problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_shortly_before_is_a_reason_also_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let launch = watching(folder.path());
    let server = launch.start().await;
    let change = json!({ "place": "db01", "kind": "configuration", "title": "more shared buffers" });
    let noted = post(&server, "/api/v1/changes", change.clone()).await;
    assert!(noted.status == 200 && noted.json()["at"].is_string(), "{}", noted.text());
    for wrong in [json!({ "place": "db01", "title": "t" }), json!({ "place": " ", "kind": "deployment", "title": "t" })] {
        post(&server, "/api/v1/changes", wrong).await.assert_problem(400);
    }
    server.kill();
    let server = launch.start().await;
    push(&server, failure("db01", "ping")).await;
    let found = when(async || tickets(&server).await.pop(), "the ticket").await;
    let causes = detail(&server, &found["number"]).await["incident"]["causes"].clone();
    assert_eq!(causes[0]["change"], change["title"], "{causes}");
    assert!(causes[0]["terms"].as_array().unwrap().iter().any(|term| term["name"] == "change" && term["value"].as_f64() > Some(0.5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_holds_back_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let now = jiff::Timestamp::now();
    let at = |hours: i64| now.checked_add(jiff::SignedDuration::from_hours(hours)).unwrap().to_string();
    let window = format!("work on web: hosts=web* at={}/{}", at(-1), at(1));
    let server = watching(folder.path()).env("WATCHROOM_SITE_MAINTENANCE", window).start().await;
    push(&server, failure("web01", "ping") + &failure("db01", "ping")).await;
    when(async || (findings(&server, "host = 'web01'").await >= 1).then_some(()), "the held finding").await;
    when(async || (tickets(&server).await.len() == 1).then_some(()), "the other host's ticket").await;
    let held = server.sql("SELECT ticket, outcome, reasons FROM findings WHERE host = 'web01'").await;
    assert_eq!((&held[0]["ticket"], &held[0]["outcome"]), (&Value::Null, &"held".into()), "{held:?}");
    assert!(held[0]["reasons"].as_str().unwrap().contains("work on web"));
    assert_eq!(tickets(&server).await[0]["entity"]["host"], "db01");
}

/// A rule that speaks once of something that lasts.
const SPEAKS_ONCE: &str = "\
-- name: agent_gone
-- description: An agent has gone.
-- schedule: every 1s
-- delay: 1s
-- late: 3s
-- holds: 1h
-- resolves: by hand
-- severity: high
-- entity: host
-- title: the agent of {host} is gone
-- runbook: Look at the agent.

SELECT date_bin(INTERVAL '1 second', timestamp) AS timestamp, host
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND message = 'agent gone'
GROUP BY 1, host

-- over:
SELECT timestamp FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND host = $host AND message = 'agent back'
";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_and_is_not_over_when_the_maintenance_ends_gets_its_ticket() {
    let folder = tempfile::tempdir().unwrap();
    let now = jiff::Timestamp::now();
    let at = |seconds: i64| now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap().to_string();
    let window = format!("work on web: hosts=web* at={}/{}", at(-3_600), at(25));
    let launch = watching(folder.path()).env("WATCHROOM_SITE_MAINTENANCE", window);
    std::fs::write(folder.path().join("rules/agent_gone.sql"), SPEAKS_ONCE).unwrap();
    let server = launch.start().await;
    let says = |host: &str, message: &str| json!({ "host": host, "app": "agent", "_msg": message }).to_string() + "\n";
    push(&server, says("web01", "agent gone") + &says("web02", "agent gone")).await;
    let held = "SELECT count(*) FROM findings WHERE rule = 'agent_gone' AND outcome = 'held'";
    when(async || (server.number(held).await == 2).then_some(()), "the held findings").await;
    push(&server, says("web02", "agent back")).await;
    // Time passes for incidents a minute at a time, and at a start: this need not wait for the minute.
    when(async || (jiff::Timestamp::now() > at(27).parse().unwrap()).then_some(()), "the end of the window").await;
    server.kill();
    let server = launch.start().await;
    let of_rule = async || -> Vec<Value> {
        let page = server.get("/api/v1/tickets?limit=1000").await.json();
        page["tickets"].as_array().unwrap().iter().filter(|ticket| ticket["rule"] == "agent_gone").cloned().collect()
    };
    let found = when(async || Some(of_rule().await).filter(|found| !found.is_empty()), "the ticket").await;
    assert_eq!((found.len(), &found[0]["entity"]["host"]), (1, &"web01".into()), "{found:?}");
    assert_eq!((&found[0]["title"], &found[0]["findings"]), (&"the agent of web01 is gone".into(), &1.into()));
    let detail = detail(&server, &found[0]["number"]).await;
    assert!(detail["first_evidence"]["sql"].as_str().unwrap().contains("agent gone"), "{detail}");
    let reasons = server.sql("SELECT reasons FROM findings WHERE rule = 'agent_gone' AND outcome = 'opened'").await;
    assert!(reasons[0]["reasons"].as_str().unwrap().contains("work on web"), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_read_again_when_their_folder_changes_and_a_broken_one_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let server = watching(folder.path()).start().await;
    let rules = async || server.get("/api/v1/rules").await.json();
    assert_eq!(rules().await["broken"], json!([]));
    std::fs::write(folder.path().join("rules/broken.sql"), "SELECT 1").unwrap();
    std::fs::write(folder.path().join("rules/second.sql"), RULE.replace("probe_failures", "second")).unwrap();
    let book = when(async || Some(rules().await).filter(|book| book["broken"].as_array().unwrap().len() == 1), "the broken rule").await;
    assert!(book["broken"][0].as_str().unwrap().contains("broken.sql"), "{book}");
    push(&server, failure("db01", "ping")).await;
    let second = "SELECT count(*) FROM findings WHERE rule = 'second'";
    when(async || (server.number(second).await >= 1).then_some(()), "a finding of the new rule").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_test_finds_what_the_rule_would_have_found_and_records_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).env("WATCHROOM_DETECT_ENABLED", false).start().await;
    let day = |hour: u32| format!("2026-03-02T{hour:02}:10:00Z");
    let lines = |hour: u32| {
        (0..30)
            .map(|n| {
                json!({ "time": day(hour), "host": "web01", "app": "shop", "severity": "error", "_msg": format!("e{n}") }).to_string()
                    + "\n"
            })
            .collect::<String>()
    };
    push(&server, lines(3) + &lines(9)).await;
    let ask = json!({ "rule": "error_burst", "from": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z" });
    let answer = post(&server, "/api/v1/backtest", ask.clone()).await.json();
    assert_eq!((&answer["found"], &answer["incidents"]), (&2.into(), &2.into()), "{answer}");
    assert!(answer["findings"][0]["title"].as_str().unwrap().contains("shop on web01 logged 30 errors"), "{answer}");
    assert_eq!(server.number("SELECT count(*) FROM findings").await, 0);
    post(&server, "/api/v1/backtest", json!({ "rule": "no_such", "from": day(1), "to": day(2) })).await.assert_problem(404);
    post(&server, "/api/v1/backtest", json!({ "rule": "mine", "text": "SELECT 1", "from": day(1), "to": day(2) }))
        .await
        .assert_problem(400);
    let mut command = crate::server::program(folder.path());
    let page = folder.path().join("page.html");
    let output = command.args([
        "backtest",
        "error_burst",
        "--from",
        "2026-03-02T00:00:00Z",
        "--to",
        "2026-03-03T00:00:00Z",
        "-o",
        "html",
        "--write",
    ]);
    let output = output.arg(&page).args(["--server", &server.url("")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let html = std::fs::read_to_string(page).unwrap();
    assert_eq!(html.matches("<circle").count(), 2, "{html}");
}
