//! Routes of the desk as programs and people call them: bulk changes, links, watchers, other policies, swaps, calendars, alerts of other
//! programs, heartbeats, files that are too large.

use serde_json::{Value, json};

use crate::server::{Answer, Launch, Server};

async fn ask(server: &Server, method: &str, path: &str, body: Value) -> Answer {
    let request = server.request(method, path);
    let request = if body.is_null() { request } else { request.body(body.to_string()) };
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

async fn good(server: &Server, method: &str, path: &str, body: Value) -> Value {
    let answer = ask(server, method, path, body).await;
    assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
    answer.json()
}

/// Two people who take weekly turns, and promises.
fn department() -> Value {
    let user = |name: &str| json!({ "display_name": name, "email": format!("{name}@example.org"), "role": "technician", "teams": ["ops"] });
    json!({
        "team": { "ops": { "rota": "watch" } },
        "user": { "ines": user("ines"), "omar": user("omar") },
        "calendar": { "always": { "time_zone": "UTC", "hours": "24x7" } },
        "sla_policy": { "default": { "rules": [{ "name": "all", "calendar": "always", "first_response": "1h", "resolution": "8h" }] } },
        "rota": { "watch": { "time_zone": "UTC", "layers": [{ "name": "primary", "people": ["ines", "omar"], "rotation": "weekly",
            "starts_on": "2026-01-05", "hand_over": "08:00" }] } },
        "desk_policy": { "default": { "assign": false } },
        "heartbeat": { "backup": { "every": "1d", "entity": { "host": "backup01" } } },
    })
}

async fn desk() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    good(&server, "PUT", "/api/v1/setup", department()).await;
    (folder, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn several_tickets_are_changed_alike_or_not_at_all() {
    let (_folder, server) = desk().await;
    for title in ["no mail", "no sound", "no light"] {
        good(&server, "POST", "/api/v1/tickets", json!({ "title": title })).await;
    }
    let all = |numbers: Value, change: Value| json!({ "numbers": numbers, "change": change });
    let changed = good(&server, "POST", "/api/v1/tickets/bulk", all(json!([1, 2]), json!({ "team": "ops", "comment": "together" }))).await;
    let teams: Vec<&Value> = changed["tickets"].as_array().unwrap().iter().map(|ticket| &ticket["team"]).collect();
    assert_eq!(teams, ["ops", "ops"]);
    // One that cannot be changed so keeps the others as they are, and is named.
    good(&server, "PATCH", "/api/v1/tickets/3", json!({ "state": "resolved" })).await;
    good(&server, "PATCH", "/api/v1/tickets/3", json!({ "state": "closed" })).await;
    let refused = ask(&server, "POST", "/api/v1/tickets/bulk", all(json!([1, 3]), json!({ "state": "in_progress" }))).await;
    assert!(refused.status == 409 || refused.status == 422, "{}", refused.status);
    assert!(refused.text().contains('3'), "{}", refused.text());
    assert_eq!(good(&server, "GET", "/api/v1/tickets/1", Value::Null).await["ticket"]["state"], "new");
    for wrong in [all(json!([]), json!({ "comment": "x" })), all(json!([4711]), json!({ "comment": "x" }))] {
        let refused = ask(&server, "POST", "/api/v1/tickets/bulk", wrong).await;
        assert!(refused.status == 422 || refused.status == 404, "{}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_linked_and_watched_and_no_longer() {
    let (_folder, server) = desk().await;
    for title in ["no mail", "the mail server is down"] {
        good(&server, "POST", "/api/v1/tickets", json!({ "title": title })).await;
    }
    let link = json!({ "link": "caused_by", "ticket": 2 });
    good(&server, "POST", "/api/v1/tickets/1/links", link.clone()).await;
    let detail = good(&server, "GET", "/api/v1/tickets/1", Value::Null).await;
    assert_eq!((&detail["links"][0]["link"], &detail["links"][0]["ticket"]), (&json!("caused_by"), &json!(2)));
    let other = good(&server, "GET", "/api/v1/tickets/2", Value::Null).await;
    assert_eq!(other["links"][0]["ticket"], 1, "seen from the other side too: {}", other["links"]);
    ask(&server, "POST", "/api/v1/tickets/1/links", json!({ "link": "caused_by", "ticket": 1 })).await.assert_problem(422);
    ask(&server, "POST", "/api/v1/tickets/1/links", json!({ "link": "caused_by", "ticket": 99 })).await.assert_problem(404);
    good(&server, "DELETE", "/api/v1/tickets/1/links", link).await;
    assert_eq!(good(&server, "GET", "/api/v1/tickets/1", Value::Null).await["links"], json!([]));
    assert_eq!(good(&server, "PUT", "/api/v1/tickets/1/watchers/omar", Value::Null).await["watchers"], json!(["omar"]));
    ask(&server, "PUT", "/api/v1/tickets/1/watchers/nobody", Value::Null).await.assert_problem(422);
    assert_eq!(good(&server, "DELETE", "/api/v1/tickets/1/watchers/omar", Value::Null).await["watchers"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_policy_is_tried_before_it_is_written() {
    let (_folder, server) = desk().await;
    good(&server, "POST", "/api/v1/tickets", json!({ "title": "no mail" })).await;
    let policy = |first: &str| json!({ "rules": [{ "name": "all", "calendar": "always", "first_response": first, "resolution": "8h" }] });
    assert_eq!(good(&server, "POST", "/api/v1/promises/what-if", policy("1h")).await["changes"], json!([]), "the same policy");
    let changes = good(&server, "POST", "/api/v1/promises/what-if", policy("2h")).await["changes"].clone();
    assert_eq!(changes.as_array().unwrap().len(), 1, "{changes}");
    assert!(changes[0].to_string().contains("response"), "{changes}");
    let promises = good(&server, "GET", "/api/v1/tickets/1/promises", Value::Null).await["promises"].clone();
    let of = |promise: &str| promises.as_array().unwrap().iter().find(|it| it["promise"] == promise).cloned().unwrap_or_default();
    let (opened, due) = (of("response")["started_at_us"].as_i64(), of("response")["due_at_us"].as_i64());
    assert!(due.is_some(), "{promises}");
    if let (Some(opened), Some(due)) = (opened, due) {
        assert_eq!(due - opened, 3_600_000_000, "nothing was written: {promises}");
    }
    let wrong = json!({ "rules": [{ "name": "all", "calendar": "none", "first_response": "1h" }] });
    let refused = ask(&server, "POST", "/api/v1/promises/what-if", wrong).await;
    refused.assert_problem(422);
    assert!(refused.text().contains("none"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn shifts_are_swapped_and_the_calendar_shows_it() {
    let (_folder, server) = desk().await;
    // Mondays in January 2030, long after today: Ines and Omar each have a week.
    let us = |day: i64| (1_893_456_000 + day * 86_400) * 1_000_000;
    let between = format!("from_us={}&to_us={}", us(6), us(34));
    let shifts = good(&server, "GET", &format!("/api/v1/rotas/watch/shifts?{between}"), Value::Null).await["shifts"].clone();
    let shifts = shifts.as_array().unwrap().clone();
    let whole: Vec<&Value> =
        shifts.iter().filter(|it| it["to_us"].as_i64().unwrap() - it["from_us"].as_i64().unwrap() == 7 * us(1) - 7 * us(0)).collect();
    let end = |shift: &Value| json!({ "person": shift["person"], "from_us": shift["from_us"], "to_us": shift["to_us"] });
    let swap = json!({ "one": end(whole[0]), "other": end(whole[1]) });
    assert_ne!(whole[0]["person"], whole[1]["person"]);
    good(&server, "POST", "/api/v1/rotas/watch/swap", swap.clone()).await;
    let after = good(&server, "GET", &format!("/api/v1/rotas/watch/shifts?{between}"), Value::Null).await["shifts"].clone();
    let person_at =
        |list: &[Value], at: &Value| list.iter().find(|it| it["from_us"] == *at).map(|it| it["person"].clone()).unwrap_or_default();
    let after = after.as_array().unwrap();
    assert_eq!(person_at(after, &whole[0]["from_us"]), whole[1]["person"]);
    // What is somebody else's by now cannot be swapped again as if it were not.
    ask(&server, "POST", "/api/v1/rotas/watch/swap", swap).await.assert_problem(422);
    let calendar = ask(&server, "GET", &format!("/api/v1/rotas/watch/calendar.ics?{between}&person=omar"), Value::Null).await;
    assert!(calendar.status == 200 && calendar.header("content-type").starts_with("text/calendar"));
    let text = calendar.text();
    assert!(
        text.starts_with("BEGIN:VCALENDAR\r\n")
            && text.contains("BEGIN:VEVENT")
            && text.matches("SUMMARY:On call: omar").count() == 2
            && !text.contains("SUMMARY:On call: ines"),
        "{text}"
    );
    let coverage = good(&server, "GET", &format!("/api/v1/rotas/watch/coverage?{between}"), Value::Null).await;
    assert_eq!(coverage["coverage"]["gaps"].as_array().or(coverage["gaps"].as_array()).map(Vec::len), Some(0), "{coverage}");
    // Who has the holidays: on 21 January 2030, a Monday, from 08:00 on it is Omar, before it Ines.
    let calendar = json!({ "time_zone": "UTC", "hours": "24x7", "holidays": [{ "date": "2030-01-21", "text": "a feast" }] });
    good(&server, "PUT", "/api/v1/setup/calendar/feasts", calendar).await;
    let coverage = good(&server, "GET", &format!("/api/v1/rotas/watch/coverage?{between}&calendar=feasts"), Value::Null).await;
    let holidays: Vec<f64> = coverage["people"].as_array().unwrap().iter().map(|it| it["holiday_hours"].as_f64().unwrap()).collect();
    assert!(holidays.iter().sum::<f64>() == 24.0 && holidays.contains(&8.0) && holidays.contains(&16.0), "{coverage}");
    ask(&server, "GET", &format!("/api/v1/rotas/watch/coverage?{between}&calendar=none"), Value::Null).await.assert_problem(404);
    ask(&server, "GET", "/api/v1/rotas/none/shifts", Value::Null).await.assert_problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reports_as_to_an_alertmanager_and_pagerdutys_senders_end_what_they_began() {
    let (_folder, server) = desk().await;
    let alert = |ends: Option<&str>| {
        json!([{ "labels": { "alertname": "Down", "instance": "web01:9100", "severity": "critical" }, "annotations": { "summary": "web01 is down" },
            "startsAt": "2026-11-22T10:00:00Z", "endsAt": ends.unwrap_or("2199-01-01T00:00:00Z"), "generatorURL": "http://prometheus/graph" }])
    };
    good(&server, "POST", "/api/v2/alerts", alert(None)).await;
    let ticket = good(&server, "GET", "/api/v1/tickets/1", Value::Null).await["ticket"].clone();
    assert_eq!((&ticket["entity"]["host"], &ticket["state"]), (&json!("web01"), &json!("new")));
    good(&server, "POST", "/api/v2/alerts", alert(Some("2026-11-22T10:05:00Z"))).await;
    assert_eq!(good(&server, "GET", "/api/v1/tickets/1", Value::Null).await["ticket"]["state"], "resolved");
    ask(&server, "POST", "/api/v2/alerts", json!({ "alerts": [] })).await.assert_problem(400);

    let key = "0123456789abcdef0123456789abcdef";
    let secret = server.request("PUT", "/api/v1/secrets/routing_key.nut").body(json!({ "secret": key }).to_string());
    assert_eq!(secret.send().await.unwrap().status(), 204);
    let event = |action: &str| {
        json!({ "routing_key": key, "event_action": action, "dedup_key": "ups-1",
            "payload": { "summary": "UPS on battery", "source": "ups1", "severity": "error" } })
    };
    assert_eq!(ask(&server, "POST", "/v2/enqueue", event("trigger")).await.status, 202);
    assert_eq!(ask(&server, "POST", "/v2/enqueue", event("resolve")).await.status, 202);
    assert_eq!(good(&server, "GET", "/api/v1/tickets/2", Value::Null).await["ticket"]["state"], "resolved");
    // While somebody works there it is held back, and told of in SQL.
    let window = json!({ "hosts": ["ups*"], "cron": "0 0 * * *", "lasts": "2d" });
    good(&server, "PUT", "/api/v1/setup/maintenance/ups-battery", window).await;
    let mut another = event("trigger");
    another["dedup_key"] = "ups-2".into();
    assert_eq!(ask(&server, "POST", "/v2/enqueue", another).await.status, 202);
    ask(&server, "GET", "/api/v1/tickets/3", Value::Null).await.assert_problem(404);
    assert_eq!(server.number("SELECT count(*) FROM findings WHERE outcome = 'held'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_is_read_in_pages() {
    let (_folder, server) = desk().await;
    good(&server, "POST", "/api/v1/tickets", json!({ "title": "no mail" })).await;
    for number in 1..=6 {
        good(&server, "PATCH", "/api/v1/tickets/1", json!({ "comment": format!("try {number}") })).await;
    }
    let (mut path, mut seen) = ("/api/v1/tickets/1/history?limit=3".to_owned(), Vec::new());
    loop {
        let page = good(&server, "GET", &path, Value::Null).await;
        let entries: Vec<i64> = page["history"].as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()).collect();
        seen.splice(0..0, entries);
        let Some(next) = page["next"].as_i64() else { break };
        path = format!("/api/v1/tickets/1/history?limit=3&before={next}");
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
    ask(&server, "GET", "/api/v1/tickets/99/history", Value::Null).await.assert_problem(404);
    ask(&server, "GET", "/api/v1/tickets/1/history?after=1", Value::Null).await.assert_problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_are_known_by_name_and_files_have_a_size() {
    let (_folder, server) = desk().await;
    assert_eq!(good(&server, "POST", "/api/v1/heartbeats/backup", Value::Null).await["heartbeat"], "backup");
    let unknown = ask(&server, "POST", "/api/v1/heartbeats/unknown", Value::Null).await;
    unknown.assert_problem(422);
    assert!(unknown.text().contains("/api/v1/setup/heartbeat/unknown"), "what to do: {}", unknown.text());
    good(&server, "POST", "/api/v1/tickets", json!({ "title": "no mail" })).await;
    let path = "/api/v1/tickets/1/attachments?name=core.zip";
    let large = server.request("POST", path).header("content-type", "application/zip").body(vec![0_u8; (25 << 20) + 1]);
    Answer::read(large.send().await.unwrap()).await.unwrap().assert_problem(413);
    assert_eq!(good(&server, "GET", "/api/v1/tickets/1", Value::Null).await["attachments"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tickets_of_people_are_merged_once_and_as_they_were_read() {
    let (_folder, server) = desk().await;
    for title in ["no mail", "mail does not come", "the printer is jammed"] {
        good(&server, "POST", "/api/v1/tickets", json!({ "title": title, "requester": "omar" })).await;
    }
    let send = async |other: i64, header: (&'static str, &'static str)| {
        let request = server.request("POST", "/api/v1/tickets/1/merge").header(header.0, header.1);
        Answer::read(request.body(json!({ "ticket": other }).to_string()).send().await.unwrap()).await.unwrap()
    };
    send(2, ("if-match", "\"7\"")).await.assert_problem(412);
    let first = send(2, ("idempotency-key", "m-1")).await;
    assert_eq!((first.status, first.json()["number"].as_i64()), (200, Some(1)), "{}", first.text());
    assert_eq!(first.header("etag"), format!("\"{}\"", first.json()["version"]));
    let again = send(2, ("idempotency-key", "m-1")).await;
    assert_eq!((again.status, again.json()), (200, first.json()), "the answer was lost, and nothing happens twice");
    send(2, ("idempotency-key", "m-2")).await.assert_problem(409);
    send(3, ("idempotency-key", "m-1")).await.assert_problem(422);
    let gone = good(&server, "GET", "/api/v1/tickets/2", Value::Null).await;
    assert_eq!((&gone["ticket"]["merged_into"], &gone["ticket"]["state"]), (&json!(1), &json!("resolved")), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_split_by_what_was_written_and_attached() {
    let (_folder, server) = desk().await;
    good(&server, "POST", "/api/v1/tickets", json!({ "title": "no mail", "requester": "omar" })).await;
    good(&server, "PATCH", "/api/v1/tickets/1", json!({ "comment": "the printer is jammed too" })).await;
    let file = server.request("POST", "/api/v1/tickets/1/attachments?name=jam.txt").header("content-type", "text/plain").body("paper");
    assert_eq!(file.send().await.unwrap().status(), 201);
    let path = "/api/v1/tickets/1/split";
    let part = json!({ "comments": [2], "attachments": [1], "ticket": { "title": "printer jam", "kind": "request" } });
    let send = async |body: &Value, header: (&'static str, &'static str)| {
        Answer::read(server.request("POST", path).header(header.0, header.1).body(body.to_string()).send().await.unwrap()).await.unwrap()
    };
    send(&part, ("if-match", "\"1\"")).await.assert_problem(412);
    let first = send(&part, ("idempotency-key", "k-1")).await;
    assert_eq!((first.status, first.header("etag").is_empty()), (200, false), "{}", first.text());
    let ticket = first.json();
    assert_eq!((&ticket["number"], &ticket["kind"], &ticket["requester"]), (&json!(2), &json!("request"), &json!("omar")));
    assert_eq!(send(&part, ("idempotency-key", "k-1")).await.json(), ticket, "once");
    let detail = good(&server, "GET", "/api/v1/tickets/2", Value::Null).await;
    assert_eq!((&detail["links"][0]["link"], &detail["links"][0]["ticket"]), (&json!("split_from"), &json!(1)));
    let copy = detail["history"].as_array().unwrap().iter().find(|entry| entry["event"]["kind"] == "commented").unwrap().clone();
    assert_eq!((&copy["event"]["text"], &copy["event"]["copied"]["event"]), (&json!("the printer is jammed too"), &json!(2)));
    let saved = ask(&server, "GET", &format!("/api/v1/tickets/2/attachments/{}", detail["attachments"][0]["id"]), Value::Null).await;
    assert_eq!((saved.status, saved.text().as_str()), (200, "paper"));
    let whole = good(&server, "GET", "/api/v1/tickets/1", Value::Null).await;
    let last = whole["history"].as_array().unwrap().last().unwrap()["event"].clone();
    assert_eq!(last, json!({ "kind": "split_off", "into": 2, "title": "printer jam", "comments": [2], "attachments": [1] }));
    for (wrong, status) in [
        (json!({}), 400),
        (json!({ "fingerprints": ["a"], "ticket": { "title": "x" } }), 400),
        (json!({ "ticket": { "title": "x" } }), 422),
        (json!({ "comments": [1], "ticket": { "title": "x" } }), 422),
        (json!({ "comments": [2], "ticket": { "title": "x", "team": "none" } }), 422),
        (json!({ "fingerprints": ["a"] }), 409),
    ] {
        ask(&server, "POST", path, wrong).await.assert_problem(status);
    }
    assert_eq!(good(&server, "GET", "/api/v1/tickets", Value::Null).await["tickets"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_was_filed_wrongly_is_corrected_and_its_promises_follow() {
    let (_folder, server) = desk().await;
    let rule = |name: &str, more: Value| {
        let mut rule = json!({ "name": name, "calendar": "always", "resolution": "8h" });
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule
    };
    let rules = [rule("requests", json!({ "kind": ["request"] })), rule("shop", json!({ "service": ["shop"] })), rule("all", json!({}))];
    good(&server, "PUT", "/api/v1/setup/service/shop", json!({ "criticality": "high", "team": "ops", "hosts": ["web*"] })).await;
    good(&server, "PUT", "/api/v1/setup/sla_policy/default", json!({ "rules": rules })).await;
    let opened = good(&server, "POST", "/api/v1/tickets", json!({ "title": "pages are slow", "entity": { "host": "lab" } })).await;
    assert_eq!((&opened["priority"], &opened["service"]), (&json!("P3"), &Value::Null));
    let promised = async || good(&server, "GET", "/api/v1/tickets/1/promises", Value::Null).await["promises"][0]["rule"].clone();
    assert_eq!(promised().await, "all");
    let path = "/api/v1/tickets/1";
    ask(&server, "PATCH", path, json!({ "entity": { "host": "web01" } })).await.assert_problem(422);
    let entity = json!({ "entity": { "host": "web01" }, "reason": "the log names web01" });
    let ticket = good(&server, "PATCH", path, entity).await;
    assert_eq!((&ticket["priority"], &ticket["service"], &ticket["team"]), (&json!("P2"), &json!("shop"), &json!("ops")));
    assert_eq!(promised().await, "shop");
    let ticket = good(&server, "PATCH", path, json!({ "kind": "request", "reason": "she wants a faster one" })).await;
    assert_eq!((&ticket["kind"], &ticket["state"]), (&json!("request"), &json!("new")));
    assert_eq!(promised().await, "requests");
    let listed = good(&server, "GET", "/api/v1/tickets?kind=request&host=web01&service=shop&text=web01", Value::Null).await;
    assert_eq!(listed["tickets"].as_array().unwrap().len(), 1);
    assert_eq!(server.number("SELECT count(*) FROM tickets WHERE kind = 'request' AND host = 'web01'").await, 1);
    // What a program reports and has not taken back stays an incident.
    let alert = json!([{ "labels": { "alertname": "Down", "instance": "web02:9100" }, "startsAt": "2026-11-22T10:00:00Z",
        "endsAt": "2199-01-01T00:00:00Z" }]);
    good(&server, "POST", "/api/v2/alerts", alert).await;
    let refused = ask(&server, "PATCH", "/api/v1/tickets/2", json!({ "kind": "change", "reason": "planned" })).await;
    refused.assert_problem(409);
    assert!(refused.text().contains("open a change and link it"), "{}", refused.text());
}
