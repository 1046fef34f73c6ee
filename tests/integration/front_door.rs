//! Who may come in: the open loopback, tokens and their scopes, TLS, foreign pages.

use std::path::Path;
use std::time::Duration;

use reqwest::header::{HOST, ORIGIN};
use watchroom::api::ROUTES;
use watchroom::people::{Role, Scope};

use crate::command::{create_token, run};
use crate::load::json_lines;
use crate::server::{Answer, Launch, Server};

fn locked(folder: &Path) -> Launch {
    Launch::on(folder).env("WATCHROOM_ACCESS_REQUIRE_TOKEN", true)
}

/// Calls a route with a token, or with none. The path's parameters stand for things that are not there.
async fn call(server: &Server, method: &str, path: &str, token: Option<&str>) -> u16 {
    let path = path.replace("{number}", "4711").replace(['{', '}'], "");
    let mut request = server.client.request(method.parse().unwrap(), server.url(&path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.expect("an answer").status().as_u16()
}

/// The status of the door, whatever lies behind it: 401, 403, or 200 for being let in.
fn verdict(status: u16) -> u16 {
    if matches!(status, 401 | 403) { status } else { 200 }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loopback_is_open_and_takes_no_foreign_pages() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    assert_eq!(server.post("/insert/jsonline", json_lines("open", 1, 0)).await.status, 200);
    assert_eq!(server.number("SELECT count(*) FROM logs").await, 1);
    let port = server.address("http").rsplit_once(':').unwrap().1.to_owned();
    let ask = async |host: &str, origin: Option<&str>| {
        let mut request = server.request("POST", "/insert/jsonline").header(HOST, host).body(json_lines("foreign", 1, 0));
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        Answer::read(request.send().await.unwrap()).await.unwrap()
    };
    let own = format!("localhost:{port}");
    assert_eq!(ask(&own, Some(&format!("http://{own}"))).await.status, 200, "a page of our own");
    // A name that points here (DNS rebinding), and pages from elsewhere.
    ask(&format!("evil.example:{port}"), None).await.assert_problem(403);
    ask(&own, Some("https://evil.example")).await.assert_problem(403);
    ask(&own, Some("null")).await.assert_problem(403);
    ask(&own, Some(&format!("http://127.0.0.1.evil.example:{port}"))).await.assert_problem(403);
    assert_eq!(server.number("SELECT count(*) FROM logs").await, 2, "nothing that was refused is stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_message_opens_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let server = locked(folder.path()).start().await;
    let page = server.request("GET", "/tickets/12").send().await.unwrap();
    assert_eq!((page.status().as_u16(), page.headers()["content-type"].to_str().unwrap()), (200, "text/html; charset=utf-8"));
    let html = page.text().await.unwrap();
    assert!(html.contains("<h2>Ticket 12</h2>") && html.contains("/api/v1/tickets/12"), "{html}");
    server.get("/tickets/12%3Cscript%3E").await.assert_problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_nothing_is_stored_and_nothing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = locked(folder.path()).start().await;
    let wrong = format!("wr_{}_{}", "0".repeat(12), "0".repeat(64));
    for token in [None, Some(""), Some("nonsense"), Some(wrong.as_str())] {
        server.use_token(token);
        for (path, body) in [
            ("/insert/jsonline", json_lines("stolen", 3, 0)),
            ("/insert/syslog", "<13>stolen\n".to_owned()),
            ("/api/v1/sql", "{\"query\": \"SELECT 1\"}".to_owned()),
        ] {
            let answer = server.post(path, body).await;
            answer.assert_problem(401);
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        let samples = server.post("/api/v1/write", crate::load::remote_write("stolen", 1, 3)).await;
        samples.assert_problem(401);
    }
    let basic = server.client.post(server.url("/api/v1/sql")).basic_auth("admin", Some("admin")).send().await.unwrap();
    Answer::read(basic).await.unwrap().assert_problem(401);
    // Beside the running server.
    let token = create_token(folder.path(), "ingest,query", &[]);
    server.use_token(Some(&token));
    assert_eq!(server.number("SELECT count(*) FROM logs").await, 0, "401 was answered and the rows are there (CVE-2025-30373)");
    assert_eq!(server.number("SELECT count(*) FROM samples").await, 0);
    assert_eq!(server.post("/insert/jsonline", json_lines("let in", 3, 0)).await.status, 200);
    assert_eq!(server.number("SELECT count(*) FROM logs").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asks_for_its_scope() {
    let folder = tempfile::tempdir().unwrap();
    let server = locked(folder.path()).start().await;
    let tokens = Scope::ALL.map(|scope| (scope, create_token(folder.path(), scope.word(), &[])));
    let revoked = create_token(folder.path(), "admin", &["--name", "revoked"]);
    let expired = create_token(folder.path(), "admin", &["--expires-in", "1s"]);
    let data = folder.path().join("data");
    let id = revoked.split('_').nth(1).unwrap();
    run(folder.path(), &["token", "--data", data.to_str().unwrap(), "revoke", id]).good();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for route in ROUTES {
        // HEAD is answered by the handler of GET.
        let methods = if route.method == "GET" { vec!["GET", "HEAD"] } else { vec![route.method] };
        for method in methods {
            let name = format!("{method} {}", route.path);
            let outside = if route.scope.is_some() { 401 } else { 200 };
            assert_eq!(verdict(call(&server, method, route.path, None).await), outside, "{name} without a token");
            for (scope, token) in &tokens {
                // A token that belongs to nobody counts as a lead, or with `admin` as an administrator.
                let role = if *scope == Scope::Admin { Role::Administrator } else { Role::Lead };
                let enough = route.scope.is_none_or(|needed| (*scope == needed || *scope == Scope::Admin) && role >= route.least);
                let expected = if enough { 200 } else { 403 };
                assert_eq!(verdict(call(&server, method, route.path, Some(token)).await), expected, "{name} with {scope}");
            }
            for token in [&revoked, &expired] {
                assert_eq!(verdict(call(&server, method, route.path, Some(token)).await), outside, "{name} with a token that is over");
            }
        }
    }
    // What no route has does nothing, whoever asks.
    for (method, path) in [("DELETE", "/api/v1/tickets/1"), ("PUT", "/insert/jsonline"), ("OPTIONS", "/api/v1/sql")] {
        let status = call(&server, method, path, None).await;
        assert!(matches!(status, 401 | 405), "{method} {path}: {status}");
    }
    assert_eq!(call(&server, "GET", "/api/v1/nothing", None).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_machines_need_tls_and_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let open = Launch::on(folder.path()).flag("--http", "0.0.0.0:0");
    let refused = open.try_start().await.expect_err("it must not listen");
    assert_eq!(refused.status.code(), Some(2), "{}", refused.stderr);
    for words in ["needs TLS and tokens", "tls_cert = ", "tls_key = ", "require_token = true", "watchroom token create"] {
        assert!(refused.stderr.contains(words), "{words:?} is not in:\n{}", refused.stderr);
    }
    for flag in ["--syslog-tcp", "--syslog-udp"] {
        let refused = Launch::on(folder.path()).flag(flag, "0.0.0.0:0").try_start().await.expect_err("it must not listen");
        assert!(refused.stderr.contains("allow = [\"192.168.0.0/16\"]"), "{}", refused.stderr);
    }
    let listed = Launch::on(folder.path()).flag("--syslog-tcp", "0.0.0.0:0").env("WATCHROOM_SYSLOG_ALLOW", "10.0.0.0/8, 192.168.0.0/16");
    let server = listed.start().await;
    assert!(server.address("syslog_tcp").starts_with("0.0.0.0:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_and_a_token_other_machines_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let launch = locked(folder.path()).flag("--http", "0.0.0.0:0");
    let launch = launch.env("WATCHROOM_HTTP_TLS_CERT", cert.display()).env("WATCHROOM_HTTP_TLS_KEY", key.display());
    let mut server = launch.start().await;
    assert_eq!(server.listening()["tls"], true);
    assert!(server.client.get(server.url("/health")).send().await.is_err(), "nobody vouches for this certificate");
    let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    server.client = reqwest::Client::builder().no_proxy().add_root_certificate(trusted).build().unwrap();
    assert_eq!(server.get("/health").await.status, 200);
    server.try_sql("SELECT 1").await.assert_problem(401);
    let token = create_token(folder.path(), "ingest,query", &[]);
    server.use_token(Some(&token));
    assert_eq!(server.post("/insert/jsonline", json_lines("far", 2, 0)).await.status, 200);
    assert_eq!(server.number("SELECT count(*) FROM logs").await, 2);
    let plain = server.client.get(server.url("/health").replace("https", "http")).send().await;
    assert!(plain.is_err(), "plain HTTP is not spoken on this port");
    // The command line comes in the same way.
    let url = server.url("").trim_end_matches('/').to_owned();
    let (cert, query) = (cert.to_str().unwrap(), "SELECT count(*) AS n FROM logs");
    let arguments = ["query", query, "-o", "csv", "--server", &url, "--token", &token, "--ca", cert];
    assert_eq!(run(folder.path(), &arguments).good().lines().collect::<Vec<_>>(), ["n", "2"]);
    let stopped = tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    assert!(!stopped.stderr.contains(&token), "the token is in the log");
}
