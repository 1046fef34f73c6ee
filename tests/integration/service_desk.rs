//! The desk of people: logins, roles, tickets of requesters, files, alerts from other programs, calls that are acknowledged.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, COOKIE, ETAG, IF_MATCH, ORIGIN};
use serde_json::{Value, json};
use watchroom::api::ROUTES;
use watchroom::operations::KINDS;
use watchroom::people::Role;

use crate::command::{create_token, run};
use crate::server::{Answer, Launch, Server};

const PASSWORD: &str = "a horse, a staple and a battery";

fn locked(folder: &Path) -> Launch {
    Launch::on(folder).env("WATCHROOM_ACCESS_REQUIRE_TOKEN", true)
}

async fn ask(server: &Server, method: &str, path: &str, cookie: Option<&str>, body: Value) -> Answer {
    let mut request = server.client.request(method.parse().unwrap(), server.url(path));
    if let Some(cookie) = cookie {
        request = request.header(COOKIE, cookie);
    }
    if !body.is_null() {
        request = request.body(body.to_string());
    }
    Answer::read(request.send().await.expect("an answer")).await.unwrap()
}

async fn log_in(server: &Server, user: &str, password: &str, new: Option<&str>) -> Answer {
    ask(server, "POST", "/api/v1/login", None, json!({ "user": user, "password": password, "new_password": new })).await
}

fn cookie_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

/// The first administrator with a password of their own.
async fn administrator(server: &Server) -> String {
    let told = server.stderr();
    let secret = told.split("one-time password ").nth(1).expect("the first start tells it").split(',').next().unwrap().to_owned();
    ask(server, "GET", "/api/v1/me", None, Value::Null).await.assert_problem(401);
    log_in(server, "admin", &secret, None).await.assert_problem(403);
    let cookie = cookie_of(&log_in(server, "admin", &secret, Some(PASSWORD)).await);
    log_in(server, "admin", &secret, Some("another good password")).await.assert_problem(401);
    cookie
}

/// A user of each role, logged in.
async fn one_of_each(server: &Server, admin: &str) -> BTreeMap<Role, String> {
    let mut cookies = BTreeMap::new();
    for role in Role::ALL {
        let name = format!("a.{role}");
        let user = json!({ "display_name": name, "role": role, "email": format!("{name}@example.org") });
        let put = ask(server, "PUT", &format!("/api/v1/setup/user/{name}"), Some(admin), user).await;
        assert_eq!(put.status, 200, "{}", put.text());
        let reset = ask(server, "POST", &format!("/api/v1/users/{name}/reset-password"), Some(admin), Value::Null).await.json();
        let secret = reset["one_time_password"].as_str().unwrap();
        cookies.insert(role, cookie_of(&log_in(server, &name, secret, Some(PASSWORD)).await));
    }
    cookies
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_the_roles_of_the_table_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let server = locked(folder.path()).start().await;
    let admin = administrator(&server).await;
    let cookies = one_of_each(&server, &admin).await;
    for route in ROUTES.iter().filter(|route| route.path != "/api/v1/logout") {
        let path = route.path.replace("{number}", "4711").replace("{id}", "4711").replace(['{', '}'], "");
        for (role, cookie) in &cookies {
            // What is somebody's own is asked for by themselves.
            let path = path.replace("/users/name/calendar", &format!("/users/a.{role}/calendar"));
            let status = ask(&server, route.method, &path, Some(cookie), Value::Null).await.status;
            let refused = route.scope.is_some() && *role < route.least;
            assert_eq!(status == 403, refused, "{} {} as {role}: {status}", route.method, route.path);
            assert_ne!(status, 401, "{} {} as {role}", route.method, route.path);
        }
    }
    // The table of documents: a lead may write a rota, and no user.
    let lead = Some(cookies[&Role::Lead].as_str());
    let user = json!({ "display_name": "Mallory", "role": "administrator" });
    ask(&server, "PUT", "/api/v1/setup/user/mallory", lead, user.clone()).await.assert_problem(403);
    ask(&server, "PUT", "/api/v1/setup", lead, json!({ "user": { "mallory": user } })).await.assert_problem(403);
    let beat = ask(&server, "PUT", "/api/v1/setup/heartbeat/backup", lead, json!({ "every": "1h" })).await;
    assert_eq!(beat.status, 200, "{}", beat.text());
    // The way to somebody's chat is theirs and an administrator's to know.
    let hook = json!({ "display_name": "T", "role": "technician",
        "notifications": { "contacts": [{ "channel": "webhook", "address": "https://chat.example.org/secret-hook" }] } });
    assert_eq!(ask(&server, "PUT", "/api/v1/setup/user/a.technician", Some(&admin), hook).await.status, 200);
    for (role, knows) in [(Role::Technician, true), (Role::Lead, false), (Role::Administrator, true)] {
        let seen = ask(&server, "GET", "/api/v1/setup/user/a.technician", Some(&cookies[&role]), Value::Null).await.text();
        assert_eq!(seen.contains("secret-hook"), knows, "{role}");
    }
    for role in [Role::Manager, Role::Administrator] {
        let all = ask(&server, "GET", "/api/v1/setup", Some(&cookies[&role]), Value::Null).await.text();
        assert!(all.contains("a.technician") && !all.contains("secret-hook"), "{role}");
    }
    let all = |role| ask(&server, "GET", "/api/v1/setup?with_addresses=true", Some(cookies[&role].as_str()), Value::Null);
    all(Role::Manager).await.assert_problem(403);
    assert!(all(Role::Administrator).await.text().contains("secret-hook"));
    // A routing key that could be guessed is none.
    ask(&server, "PUT", "/api/v1/secrets/routing_key.nut", Some(&admin), json!({ "secret": "letmein" })).await.assert_problem(400);
    ask(&server, "PUT", "/api/v1/secrets/program.acknowledge_links", Some(&admin), json!({ "secret": "mine" })).await.assert_problem(403);
    // Nobody gives a token more than they have, and nobody takes another's back.
    let technician = Some(cookies[&Role::Technician].as_str());
    let token = |scopes: &str| json!({ "name": "laptop", "scopes": scopes });
    ask(&server, "POST", "/api/v1/tokens", technician, token("admin")).await.assert_problem(403);
    let made = ask(&server, "POST", "/api/v1/tokens", technician, token("query")).await.json();
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    ask(&server, "DELETE", &path, lead, Value::Null).await.assert_problem(404);
    assert_eq!(ask(&server, "DELETE", &path, technician, Value::Null).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_document_is_changed_by_the_roles_of_the_table_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let server = locked(folder.path()).start().await;
    let admin = administrator(&server).await;
    let cookies = one_of_each(&server, &admin).await;
    for kind in KINDS {
        // A document that nobody can have: whoever may change the kind is told what is wrong with it.
        let path = format!("/api/v1/setup/{}/{}", kind.word, if kind.is_single { "default" } else { "made-up" });
        for (role, cookie) in &cookies {
            let refused = *role < kind.changed_by;
            let put = ask(&server, "PUT", &path, Some(cookie), json!({ "made_up": 1 })).await;
            assert_eq!(put.status, if refused { 403 } else { 422 }, "PUT {path} as {role}: {}", put.text());
            let deleted = ask(&server, "DELETE", &path, Some(cookie), Value::Null).await;
            assert_eq!(deleted.status, if refused { 403 } else { 404 }, "DELETE {path} as {role}: {}", deleted.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_say_themselves_how_they_are_told_and_when_they_are_away() {
    let folder = tempfile::tempdir().unwrap();
    let server = locked(folder.path()).start().await;
    let admin = administrator(&server).await;
    let cookies = one_of_each(&server, &admin).await;
    let (tech, lead) = (Some(cookies[&Role::Technician].as_str()), Some(cookies[&Role::Lead].as_str()));
    let own = json!({ "time_zone": "Europe/Vienna", "leave": [{ "from": "2026-12-24", "to": "2026-12-31" }],
        "notifications": { "contacts": [{ "channel": "webhook", "address": "https://chat.example.org/mine" }] } });
    let changed = ask(&server, "PATCH", "/api/v1/me", tech, own).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let me = ask(&server, "GET", "/api/v1/me", tech, Value::Null).await.json();
    assert_eq!((&me["role"], &me["document"]["time_zone"]), (&json!("technician"), &json!("Europe/Vienna")));
    assert_eq!(me["document"]["notifications"]["contacts"][0]["address"], "https://chat.example.org/mine");
    // What others say of somebody stays theirs to say, and what is wrong is said by field.
    ask(&server, "PATCH", "/api/v1/me", tech, json!({ "role": "administrator" })).await.assert_problem(422);
    let wrong = ask(&server, "PATCH", "/api/v1/me", tech, json!({ "leave": [{ "from": "2026-12-31", "to": "2026-12-24" }] })).await;
    wrong.assert_problem(422);
    assert!(wrong.text().contains("leave[0]"), "{}", wrong.text());
    let stale = server.client.patch(server.url("/api/v1/me")).header(COOKIE, tech.unwrap()).header(IF_MATCH, "\"1\"");
    Answer::read(stale.body("{\"leave\": null}").send().await.unwrap()).await.unwrap().assert_problem(412);
    // A token must not lead messages elsewhere.
    let made = ask(&server, "POST", "/api/v1/tokens", tech, json!({ "name": "laptop", "scopes": "query,desk" })).await.json();
    let token = server.client.patch(server.url("/api/v1/me")).bearer_auth(made["token"].as_str().unwrap());
    Answer::read(token.body("{\"leave\": null}").send().await.unwrap()).await.unwrap().assert_problem(403);
    // Who is ill says so by telephone: the lead writes it down, and sees no address of theirs.
    let ill = json!({ "leave": [{ "from": "2026-12-01", "to": "2026-12-04", "note": "ill" }] });
    ask(&server, "PUT", "/api/v1/users/a.technician/leave", tech, ill.clone()).await.assert_problem(403);
    let noted = ask(&server, "PUT", "/api/v1/users/a.technician/leave", lead, ill.clone()).await;
    assert!(noted.status == 200 && !noted.text().contains("/mine"), "{}", noted.text());
    ask(&server, "PUT", "/api/v1/users/nobody/leave", lead, ill).await.assert_problem(404);
    let me = ask(&server, "GET", "/api/v1/me", tech, Value::Null).await.json();
    assert_eq!(me["document"]["leave"], json!([{ "from": "2026-12-01", "to": "2026-12-04", "note": "ill" }]));
    assert_eq!(me["document"]["notifications"]["contacts"][0]["address"], "https://chat.example.org/mine");
    assert_eq!(ask(&server, "PATCH", "/api/v1/me", tech, json!({ "leave": null })).await.status, 200);
    assert_eq!(ask(&server, "GET", "/api/v1/me", tech, Value::Null).await.json()["document"]["leave"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_ends_at_once_and_guessing_gets_slower() {
    let folder = tempfile::tempdir().unwrap();
    let server = locked(folder.path()).start().await;
    let admin = administrator(&server).await;
    let foreign = server.client.get(server.url("/api/v1/me")).header(COOKIE, &admin).header(ORIGIN, "https://evil.example");
    Answer::read(foreign.send().await.unwrap()).await.unwrap().assert_problem(403);
    assert_eq!(ask(&server, "GET", "/api/v1/me", Some(&admin), Value::Null).await.json()["role"], "administrator");
    assert_eq!(ask(&server, "POST", "/api/v1/logout", Some(&admin), Value::Null).await.status, 204);
    ask(&server, "GET", "/api/v1/me", Some(&admin), Value::Null).await.assert_problem(401);
    let mut guesses = Vec::new();
    for _ in 0..8 {
        guesses.push(log_in(&server, "admin", "wrong wrong wrong", None).await);
    }
    assert!(guesses[0].status == 401 && guesses.iter().filter(|guess| guess.status == 401).count() <= 5);
    let slowed = guesses.pop().unwrap();
    log_in(&server, "my Password 7, in the wrong field", "x", None).await;
    slowed.assert_problem(429);
    assert!(slowed.header("retry-after").parse::<u64>().unwrap() >= 1);
    // The way out at the machine itself ends every login.
    let data = folder.path().join("data");
    let secret = run(folder.path(), &["user", "--data", data.to_str().unwrap(), "reset-password", "admin"]).good();
    assert!(secret.trim().len() >= 20);
    let token = create_token(folder.path(), "query", &[]);
    let rows = server.client.post(server.url("/api/v1/sql")).bearer_auth(&token);
    let sql = json!({ "query": "SELECT action, count(*) AS n FROM audit GROUP BY action", "format": "json" }).to_string();
    let audit = Answer::read(rows.body(sql).send().await.unwrap()).await.unwrap().text();
    for action in ["login.refused", "logout", "password.reset"] {
        assert!(audit.contains(action), "{action} is not in {audit}");
    }
    let sql = json!({ "query": "SELECT * FROM audit WHERE action = 'login.refused'", "format": "json" }).to_string();
    let rows = server.client.post(server.url("/api/v1/sql")).bearer_auth(&token);
    let refused = Answer::read(rows.body(sql).send().await.unwrap()).await.unwrap().text();
    assert!(refused.contains("user/admin") && !refused.contains("Password 7"), "{refused}");
    assert!(refused.matches("user/admin").count() <= 7, "who is slowed down does not fill the audit: {refused}");
    assert!(!server.stderr().contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_sees_their_own_tickets_and_no_notes() {
    let folder = tempfile::tempdir().unwrap();
    let server = locked(folder.path()).start().await;
    let admin = administrator(&server).await;
    let cookies = one_of_each(&server, &admin).await;
    let (uma, tech) = (Some(cookies[&Role::Requester].as_str()), Some(cookies[&Role::Technician].as_str()));
    let new = json!({ "title": "no sound in room 4", "kind": "request", "priority": "P1", "assignee": "admin" });
    let made = ask(&server, "POST", "/api/v1/tickets", uma, new).await;
    assert_eq!((made.status, made.header("location")), (201, "/api/v1/tickets/1"));
    let ticket = made.json();
    assert_eq!((&ticket["requester"], &ticket["priority"], &ticket["assignee"]), (&json!("a.requester"), &json!("P3"), &Value::Null));
    let other = ask(&server, "POST", "/api/v1/tickets", tech, json!({ "title": "the firewall rules" })).await;
    assert_eq!(other.status, 201);
    ask(&server, "GET", "/api/v1/tickets/2", uma, Value::Null).await.assert_problem(404);
    let listed = ask(&server, "GET", "/api/v1/tickets", uma, Value::Null).await.json();
    assert_eq!(listed["tickets"].as_array().unwrap().len(), 1);
    for (body, who) in [(json!({ "comment": "she shouted", "internal": true }), tech), (json!({ "comment": "on my way" }), tech)] {
        assert_eq!(ask(&server, "PATCH", "/api/v1/tickets/1", who, body).await.status, 200);
    }
    let seen = ask(&server, "GET", "/api/v1/tickets/1", uma, Value::Null).await.text();
    assert!(seen.contains("on my way") && !seen.contains("shouted"), "{seen}");
    assert!(!seen.contains("127.0.0.1"), "where somebody wrote from is not hers to know: {seen}");
    ask(&server, "PATCH", "/api/v1/tickets/1", uma, json!({ "priority": "P1" })).await.assert_problem(403);
    ask(&server, "PATCH", "/api/v1/tickets/1", uma, json!({ "state": "resolved" })).await.assert_problem(403);
    assert_eq!(ask(&server, "PATCH", "/api/v1/tickets/1", uma, json!({ "comment": "thanks" })).await.status, 200);
    ask(&server, "PATCH", "/api/v1/tickets/1", tech, json!({ "assignee": "nobody.such" })).await.assert_problem(422);
    // Files: saved, never shown; what a browser would run is refused.
    let attach = |media: &'static str, bytes: &'static [u8]| {
        let url = server.url("/api/v1/tickets/1/attachments?name=..%2F..%2Fshot.png");
        server.client.post(url).header(COOKIE, uma.unwrap()).header(CONTENT_TYPE, media).body(bytes).send()
    };
    assert_eq!(attach("text/html", b"<script>").await.unwrap().status(), 415);
    let file = Answer::read(attach("image/png", b"\x89PNG").await.unwrap()).await.unwrap();
    assert_eq!((file.status, &file.json()["name"]), (201, &json!("shot.png")), "{}", file.text());
    let saved = ask(&server, "GET", "/api/v1/tickets/1/attachments/1", uma, Value::Null).await;
    assert_eq!((saved.body.as_slice(), saved.header("x-content-type-options")), (b"\x89PNG".as_slice(), "nosniff"));
    assert!(saved.header("content-disposition").starts_with("attachment"));
    // A change for a ticket that somebody else changed since is refused.
    let stale = server.client.patch(server.url("/api/v1/tickets/1")).header(COOKIE, tech.unwrap()).header(IF_MATCH, "\"1\"");
    Answer::read(stale.body("{\"state\": \"in_progress\"}").send().await.unwrap()).await.unwrap().assert_problem(412);
    let fresh = ask(&server, "GET", "/api/v1/tickets/1", tech, Value::Null).await;
    let exact =
        server.client.patch(server.url("/api/v1/tickets/1")).header(COOKIE, tech.unwrap()).header(IF_MATCH, fresh.header(ETAG.as_str()));
    assert_eq!(exact.body("{\"state\": \"in_progress\"}").send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_program_reads_the_shifts_by_a_link_for_as_long_as_its_owner_may() {
    let folder = tempfile::tempdir().unwrap();
    let server = locked(folder.path()).start().await;
    let admin = administrator(&server).await;
    let cookies = one_of_each(&server, &admin).await;
    let rota = json!({ "time_zone": "UTC", "layers": [{ "name": "primary", "people": ["a.technician"], "rotation": "weekly",
        "starts_on": "2026-01-05", "hand_over": "08:00" }] });
    assert_eq!(ask(&server, "PUT", "/api/v1/setup/rota/watch", Some(&cookies[&Role::Lead]), rota).await.status, 200);
    let lead = Some(cookies[&Role::Lead].as_str());
    let made = ask(&server, "POST", "/api/v1/rotas/watch/calendar-link", lead, Value::Null).await.json();
    let path = made["url"].as_str().unwrap();
    let feed = ask(&server, "GET", path, None, Value::Null).await;
    assert!(feed.status == 200 && feed.header("content-type").starts_with("text/calendar"), "{}", feed.text());
    assert!(feed.text().contains("BEGIN:VEVENT") && feed.text().contains("a.technician"), "{}", feed.text());
    ask(&server, "GET", &format!("{path}0"), None, Value::Null).await.assert_problem(404);
    ask(&server, "POST", "/api/v1/rotas/none/calendar-link", lead, Value::Null).await.assert_problem(404);
    // Revoked are all of the rota, or all that the person asked for; another link is good again.
    let mut revoked = path.to_owned();
    for links in ["/api/v1/rotas/watch/calendar-link", "/api/v1/users/a.lead/calendar-links"] {
        assert_eq!(ask(&server, "DELETE", links, lead, Value::Null).await.status, 204);
        ask(&server, "GET", &revoked, None, Value::Null).await.assert_problem(404);
        let another = ask(&server, "POST", "/api/v1/rotas/watch/calendar-link", lead, Value::Null).await.json();
        revoked = another["url"].as_str().unwrap().to_owned();
        assert_eq!(ask(&server, "GET", &revoked, None, Value::Null).await.status, 200);
    }
    let technician = Some(cookies[&Role::Technician].as_str());
    ask(&server, "DELETE", "/api/v1/users/a.lead/calendar-links", technician, Value::Null).await.assert_problem(403);
    assert_eq!(ask(&server, "DELETE", "/api/v1/users/a.technician/calendar-links", technician, Value::Null).await.status, 204);
    assert_eq!(ask(&server, "GET", &revoked, None, Value::Null).await.status, 200, "somebody else's");
    let path = revoked.as_str();
    let gone = json!({ "display_name": "L", "role": "lead", "disabled": true });
    assert_eq!(ask(&server, "PUT", "/api/v1/setup/user/a.lead", Some(&admin), gone).await.status, 200);
    ask(&server, "GET", path, None, Value::Null).await.assert_problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_programs_report_and_the_desk_keeps_one_ticket_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    let alert = |status: &str| {
        json!({ "version": "4", "groupKey": "{}:{}", "status": status, "receiver": "watchroom", "groupLabels": {}, "commonLabels": {},
            "commonAnnotations": {}, "externalURL": "http://am", "truncatedAlerts": 0, "alerts": [{ "status": status,
                "labels": { "alertname": "DiskFull", "instance": "db01:9100", "severity": "critical" },
                "annotations": { "summary": "the disk of db01 is full" }, "startsAt": "2026-11-22T10:00:00Z",
                "endsAt": if status == "resolved" { "2026-11-22T11:00:00Z" } else { "0001-01-01T00:00:00Z" },
                "generatorURL": "http://prometheus/graph", "fingerprint": "c0ffee" }] })
    };
    let send = async |status: &str| {
        let answer = server.post("/api/v1/alertmanager", alert(status).to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    assert_eq!(send("firing").await["opened"], json!([1]));
    assert_eq!(send("firing").await["joined"], json!([1]));
    let ticket = server.get("/api/v1/tickets/1").await.json()["ticket"].clone();
    assert_eq!((&ticket["entity"]["host"], &ticket["severity"], &ticket["priority"]), (&json!("db01"), &json!("critical"), &json!("P1")));
    assert_eq!(send("resolved").await["resolved"], json!([1]));
    server.post("/api/v1/alertmanager", "{\"version\": 4}").await.assert_problem(400);
    // PagerDuty's senders: the routing key is the login.
    let event = |key: &str, action: &str| {
        json!({ "routing_key": key, "event_action": action, "dedup_key": "ups-1",
            "payload": { "summary": "UPS on battery", "source": "ups1", "severity": "error" } })
        .to_string()
    };
    assert_eq!(server.post("/v2/enqueue", event("guess", "trigger")).await.status, 400);
    let secret = server.request("PUT", "/api/v1/secrets/routing_key.nut").body("{\"secret\": \"0123456789abcdef0123456789abcdef\"}");
    assert_eq!(secret.send().await.unwrap().status(), 204);
    let key = "0123456789abcdef0123456789abcdef";
    let taken = server.post("/v2/enqueue", event(key, "trigger")).await;
    assert_eq!((taken.status, &taken.json()["dedup_key"]), (202, &json!("ups-1")));
    server.post("/v2/enqueue", event(key, "acknowledge")).await;
    assert_eq!(server.get("/api/v1/tickets/2").await.json()["ticket"]["acknowledged_by"], "integration nut");
    assert!(!server.get("/api/v1/secrets").await.text().contains(key));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_reaches_a_webhook_and_its_link_acknowledges_only_by_its_button() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = receiver.local_addr().unwrap();
    let launch =
        Launch::on(folder.path()).env("WATCHROOM_WEBHOOKS_ALLOW_HTTP", true).env("WATCHROOM_WEBHOOKS_ALLOW_PRIVATE", "127.0.0.0/8");
    let server = launch.env("WATCHROOM_DESK_PUBLIC_URL", "https://watch.example.org").start().await;
    let setup = json!({
        "user": { "ines": { "display_name": "Ines", "role": "technician", "email": "ines@example.org",
            "notifications": { "contacts": [{ "channel": "webhook", "address": format!("http://{address}/hook") }] } } },
        "escalation_policy": { "all": { "steps": [{ "notify": ["user:ines"] }] } },
        "desk_policy": { "default": { "escalation_policy": "all" } },
    });
    let put = ask(&server, "PUT", "/api/v1/setup", None, setup).await;
    assert_eq!(put.json()["changed"], 3, "{}", put.text());
    let hook = tokio::spawn(async move { hooked(&receiver).await });
    server.post("/api/v1/tickets", "{\"title\": \"<b>the shop is down</b>\", \"priority\": \"P1\"}").await;
    let message = tokio::time::timeout(Duration::from_secs(20), hook).await.expect("the call comes").unwrap();
    assert_eq!(message["urgency"], "page", "{message}");
    let link = message["acknowledge"].as_str().unwrap().strip_prefix("https://watch.example.org").unwrap().to_owned();
    let page = server.get(&link).await;
    assert!(page.text().contains("&lt;b&gt;the shop is down") && !page.text().contains("<b>"), "{}", page.text());
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(server.get("/api/v1/tickets/1").await.json()["ticket"]["acknowledged_by"], Value::Null, "looking is not acknowledging");
    assert_eq!(server.get(&format!("{link}0")).await.status, 404);
    assert_eq!(server.post(&link, "").await.status, 200);
    assert_eq!(server.get("/api/v1/tickets/1").await.json()["ticket"]["acknowledged_by"], "ines");
    let notices = server.get("/api/v1/tickets/1/notices").await.json();
    assert_eq!(notices["notices"][0]["state"], "sent");
    assert!(!notices.to_string().contains("/hook"), "the address of a webhook is a secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_may_not_send_keeps_its_messages() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = receiver.local_addr().unwrap();
    let launch =
        || Launch::on(folder.path()).env("WATCHROOM_WEBHOOKS_ALLOW_HTTP", true).env("WATCHROOM_WEBHOOKS_ALLOW_PRIVATE", "127.0.0.0/8");
    let server = launch().env("WATCHROOM_DESK_SEND", false).start().await;
    let setup = json!({
        "user": { "ines": { "display_name": "Ines", "role": "technician",
            "notifications": { "contacts": [{ "channel": "webhook", "address": format!("http://{address}/hook") }] } } },
        "escalation_policy": { "all": { "steps": [{ "notify": ["user:ines"] }] } },
        "desk_policy": { "default": { "escalation_policy": "all" } },
    });
    assert_eq!(ask(&server, "PUT", "/api/v1/setup", None, setup).await.status, 200);
    server.post("/api/v1/tickets", "{\"title\": \"the shop is down\", \"priority\": \"P1\"}").await;
    server.wait_for("SELECT count(*) FROM notices WHERE state = 'waiting'", 1, Duration::from_secs(20)).await;
    let nobody = tokio::time::timeout(Duration::from_secs(2), receiver.accept()).await;
    assert!(nobody.is_err(), "somebody was called");
    assert!(server.stderr().contains("desk.send is off"), "{}", server.stderr());
    server.terminate();
    let hook = tokio::spawn(async move { hooked(&receiver).await });
    let _server = launch().start().await;
    let message = tokio::time::timeout(Duration::from_secs(20), hook).await.expect("the call comes").unwrap();
    assert_eq!((&message["urgency"], &message["ticket"]), (&json!("page"), &json!(1)), "{message}");
}

/// Takes requests until one is a call, answers each, and gives its body.
async fn hooked(receiver: &tokio::net::TcpListener) -> Value {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    loop {
        let (mut socket, _) = receiver.accept().await.unwrap();
        let mut request = Vec::new();
        let body = loop {
            let mut piece = [0; 4096];
            let read = socket.read(&mut piece).await.unwrap();
            assert!(read > 0, "the request broke off");
            request.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&request).into_owned();
            if let Some((_, body)) = text.split_once("\r\n\r\n")
                && let Ok(body) = serde_json::from_str::<Value>(body)
            {
                break body;
            }
        };
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
        if body["urgency"] == "page" {
            return body;
        }
    }
}
