//! Lists in pages: every list of what people set up, of messages and of shifts is walked over more than a page holds, while something is
//! added and removed between the pages.

use std::time::Duration;

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
    if answer.status == 204 { Value::Null } else { answer.json() }
}

/// A list: its route, where its entries stand, which field tells them apart, and which parameter takes `next`.
struct List<'l> {
    path: &'l str,
    entries: &'l str,
    field: &'l str,
    place: &'l str,
}

/// A list by name.
fn by_name<'l>(path: &'l str, entries: &'l str, field: &'l str) -> List<'l> {
    List { path, entries, field, place: "after" }
}

impl List<'_> {
    /// The entries of a page, and where the next begins.
    async fn page(&self, server: &Server, limit: usize, next: &Value) -> (Vec<Value>, Value) {
        let joint = if self.path.contains('?') { '&' } else { '?' };
        let mut path = format!("{}{joint}limit={limit}", self.path);
        if let Some(text) = next.as_str().map(str::to_owned).or(next.as_i64().map(|number| number.to_string())) {
            let place: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            path = format!("{path}&{}={place}", self.place);
        }
        let page = good(server, "GET", &path, Value::Null).await;
        let entries = page[self.entries].as_array().unwrap_or_else(|| panic!("{path}: {page}"));
        assert!(entries.len() <= limit, "{path} gave {}", entries.len());
        assert!(page.get("next").is_some(), "{path}: {page}");
        (entries.iter().map(|entry| entry[self.field].clone()).collect(), page["next"].clone())
    }

    /// All entries, two at a time.
    async fn walk(&self, server: &Server) -> Vec<Value> {
        let (mut seen, mut next) = self.page(server, 2, &Value::Null).await;
        while !next.is_null() {
            let (entries, after) = self.page(server, 2, &next).await;
            assert!(!entries.is_empty(), "{} promised more after {next}", self.path);
            seen.extend(entries);
            next = after;
        }
        seen
    }

    /// Walks in pages and reads at once: both are the same, and more than a page.
    async fn is_whole(&self, server: &Server, at_least: usize) {
        let walked = self.walk(server).await;
        let (whole, next) = self.page(server, 200, &Value::Null).await;
        assert!(walked.len() >= at_least, "{}: {walked:?}", self.path);
        assert_eq!((walked, next), (whole, Value::Null), "{}", self.path);
    }
}

async fn desk() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    let user = |name: &str| {
        json!({ "display_name": name, "role": "technician", "email": format!("{name}@example.org"),
            "notifications": { "contacts": [{ "channel": "email", "address": format!("{name}@example.org") }] } })
    };
    let rota = json!({ "time_zone": "UTC", "layers": [{ "name": "primary", "people": ["ines", "omar"], "rotation": "daily",
        "starts_on": "2026-01-05", "hand_over": "08:00" }] });
    let setup = json!({
        "user": { "ines": user("ines"), "omar": user("omar"), "uma": user("uma") },
        "rota": { "a": rota, "b": rota, "c": rota, "d.e": rota, "f": rota },
        "desk_policy": { "default": { "assign": false } },
    });
    good(&server, "PUT", "/api/v1/setup", setup).await;
    (folder, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_gives_the_same_in_pages_as_at_once() {
    let (_folder, server) = desk().await;
    for number in 0..5 {
        let secret = json!({ "secret": "0123456789abcdef0123456789abcdef" });
        good(&server, "PUT", &format!("/api/v1/secrets/key.{number}"), secret).await;
        good(&server, "POST", "/api/v1/tokens", json!({ "name": format!("t{number}"), "scopes": "desk" })).await;
        good(&server, "PUT", "/api/v1/inventory/suppliers/acme", json!({ "description": format!("version {number}") })).await;
    }
    let line = json!({ "year": 2027, "line": "disks", "currency": "EUR", "planned_minor": 1_000_000 });
    let made = ask(&server, "PUT", "/api/v1/inventory/budgets/disks", line).await;
    assert!(made.status < 300, "{}", made.text());
    for minor in 1..6 {
        let entry = json!({ "kind": "spent", "minor": minor, "currency": "EUR", "note": "a disk" });
        good(&server, "POST", "/api/v1/budgets/disks/entries", entry).await;
    }
    // Ten days of daily turns, long after today.
    let us = |day: i64| (1_893_456_000 + day * 86_400) * 1_000_000;
    let shifts = format!("/api/v1/rotas/a/shifts?from_us={}&to_us={}", us(0), us(10));
    let omars = format!("{shifts}&person=omar");
    by_name("/api/v1/setup/rota", "documents", "name").is_whole(&server, 5).await;
    by_name("/api/v1/setup/user", "documents", "name").is_whole(&server, 3).await;
    by_name("/api/v1/secrets", "secrets", "name").is_whole(&server, 5).await;
    by_name("/api/v1/tokens", "tokens", "id").is_whole(&server, 5).await;
    by_name("/api/v1/rules", "rules", "name").is_whole(&server, 3).await;
    by_name("/api/v1/on-call", "rotas", "rota").is_whole(&server, 5).await;
    by_name(&shifts, "shifts", "from_us").is_whole(&server, 10).await;
    by_name(&omars, "shifts", "from_us").is_whole(&server, 5).await;
    List { path: "/api/v1/inventory/suppliers/acme/history", entries: "versions", field: "version", place: "before" }
        .is_whole(&server, 5)
        .await;
    List { path: "/api/v1/budgets/disks/entries", entries: "entries", field: "minor", place: "before" }.is_whole(&server, 5).await;
    for (path, hint) in [
        ("/api/v1/setup/rota?cursor=a", "after, limit"),
        ("/api/v1/secrets?limit=many", "after, limit"),
        ("/api/v1/tokens?after=laptop", "`next`"),
        ("/api/v1/proposals/combined?after=offer", "`next`"),
        ("/api/v1/capacity?after=0000000000000000", "`next`"),
        ("/api/v1/rotas/a/shifts?after=monday", "after, limit"),
    ] {
        let refused = ask(&server, "GET", path, Value::Null).await;
        refused.assert_problem(400);
        assert!(refused.text().contains(hint), "{path}: {}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_and_goes_between_two_pages_hides_nothing_else() {
    let (_folder, server) = desk().await;
    let rotas = by_name("/api/v1/setup/rota", "documents", "name");
    let (first, next) = rotas.page(&server, 2, &Value::Null).await;
    assert_eq!((first, &next), (vec![json!("a"), json!("b")], &json!("b")));
    // The place itself goes; one comes before it and one after it.
    let rota = good(&server, "GET", "/api/v1/setup/rota/a", Value::Null).await["document"].clone();
    good(&server, "DELETE", "/api/v1/setup/rota/b", Value::Null).await;
    good(&server, "PUT", "/api/v1/setup/rota/aa", rota.clone()).await;
    good(&server, "PUT", "/api/v1/setup/rota/ca", rota).await;
    let (second, next) = rotas.page(&server, 3, &next).await;
    assert_eq!(second, ["c", "ca", "d.e"]);
    assert_eq!(rotas.page(&server, 3, &next).await, (vec![json!("f")], Value::Null));

    let mut made = Vec::new();
    for number in 0..5 {
        let token = good(&server, "POST", "/api/v1/tokens", json!({ "name": format!("t{number}"), "scopes": "desk" })).await;
        made.push(token["id"].clone());
    }
    let tokens = by_name("/api/v1/tokens", "tokens", "id");
    let (mut seen, mut next) = tokens.page(&server, 2, &Value::Null).await;
    assert_eq!(seen, [made[4].clone(), made[3].clone()], "the newest first");
    let revoked = format!("/api/v1/tokens/{}", made[2].as_str().unwrap());
    good(&server, "DELETE", &revoked, Value::Null).await;
    good(&server, "POST", "/api/v1/tokens", json!({ "name": "late", "scopes": "desk" })).await;
    while !next.is_null() {
        let page = tokens.page(&server, 2, &next).await;
        seen.extend(page.0);
        next = page.1;
    }
    let order = [4, 3, 1, 0, 2].map(|at: usize| made[at].clone());
    assert_eq!(seen, order, "what is revoked meanwhile comes at the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_about_a_ticket_are_read_in_pages_while_more_are_sent() {
    let (_folder, server) = desk().await;
    let new = json!({ "title": "no mail", "watchers": ["ines", "omar", "uma"] });
    good(&server, "POST", "/api/v1/tickets", new).await;
    good(&server, "POST", "/api/v1/tickets", json!({ "title": "no sound", "watchers": ["ines"] })).await;
    let messages = |path: &'static str| List { path, entries: "notices", field: "id", place: "before" };
    let (one, two) = (messages("/api/v1/tickets/1/notices"), messages("/api/v1/tickets/2/notices"));
    good(&server, "PATCH", "/api/v1/tickets/1", json!({ "comment": "on it" })).await;
    // The opening and the comment, to three people.
    for _ in 0..100 {
        if one.page(&server, 200, &Value::Null).await.0.len() == 6 && two.page(&server, 200, &Value::Null).await.0.len() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (whole, _) = one.page(&server, 200, &Value::Null).await;
    assert_eq!(whole.len(), 6);
    let (mut seen, next) = one.page(&server, 4, &Value::Null).await;
    good(&server, "PATCH", "/api/v1/tickets/1", json!({ "comment": "done soon" })).await;
    for _ in 0..100 {
        if one.page(&server, 200, &Value::Null).await.0.len() == 9 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (rest, end) = one.page(&server, 4, &next).await;
    seen.extend(rest);
    assert_eq!((seen, end), (whole, Value::Null));
    one.is_whole(&server, 9).await;
    // A message about another ticket is no place in this list.
    let (others, _) = two.page(&server, 1, &Value::Null).await;
    let refused = ask(&server, "GET", &format!("/api/v1/tickets/1/notices?before={}", others[0].as_str().unwrap()), Value::Null).await;
    refused.assert_problem(400);
}
