//! The inventory over HTTP and by files: taken whole or refused with everything that is wrong, and asked for in SQL.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::command::{Ran, run, run_with};
use crate::server::{Answer, Launch, Server};

const OFFERS_HEADER: &str = "name,supplier,item,resource_kind,capacity,unit,one_off,currency,valid_until\n";

async fn send(server: &Server, method: &str, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    Answer::read(server.request(method, path).body(body).send().await.unwrap()).await.unwrap()
}

async fn put(server: &Server, path: &str, record: Value) -> Answer {
    let answer = send(server, "PUT", &format!("/api/v1/inventory/{path}"), record.to_string()).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer
}

/// The complaints of an answer, as `field: why`.
fn complaints(answer: &Answer) -> Vec<String> {
    answer.assert_problem(422);
    let text = |it: &Value, key: &str| it[key].as_str().unwrap().to_owned();
    answer.json()["complaints"].as_array().unwrap().iter().map(|it| format!("{}: {}", text(it, "field"), text(it, "why"))).collect()
}

async fn count(server: &Server, kind: &str) -> i64 {
    server.number(&format!("SELECT count(*) FROM {kind}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_bad_input_is_told_clearly_and_nothing_of_it_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    put(&server, "suppliers/acme", json!({ "description": "Disks" })).await;
    let good = "good,acme,ssd,filesystem,4,TB,400.00,EUR,2199-12-31\n";
    let offers = |row: &str| format!("{OFFERS_HEADER}{good}{row}").into_bytes();
    let latin1 = [OFFERS_HEADER.as_bytes(), good.as_bytes(), b"b,acme,fest\xf6platte,filesystem,4,TB,1,EUR,2199-12-31\n"].concat();
    let table: [(&str, Vec<u8>, &[&str]); 14] = [
        ("an unknown currency", offers("b,acme,x,filesystem,4,TB,1.00,EURO,2199-12-31\n"), &["line 3, column currency", "ISO 4217"]),
        ("a negative capacity", offers("b,acme,x,filesystem,-4,TB,1.00,EUR,2199-12-31\n"), &["line 3, column capacity", "more than 0"]),
        (
            "an expired offer",
            offers("b,acme,x,filesystem,4,TB,1.00,EUR,2026-01-31\n"),
            &["line 3, column valid_until", "ended on 2026-01-31", "expired=allow"],
        ),
        ("a name twice", offers("good,acme,x,filesystem,4,TB,1.00,EUR,2199-12-31\n"), &["line 3, column name", "line 2 too"]),
        ("Latin-1", latin1, &["line 3", "byte 12 (0xf6)", "charset=latin-1"]),
        (
            "semicolons",
            String::from_utf8(offers("")).unwrap().replace(',', ";").into_bytes(),
            &["line 1", "separated by `;`", "delimiter=;"],
        ),
        ("a decimal comma", offers("b,acme,x,filesystem,4,TB,\"1,00\",EUR,2199-12-31\n"), &["line 3, column one_off", "decimal=,"]),
        (
            "no such supplier",
            offers("b,nobody,x,filesystem,4,TB,1.00,EUR,2199-12-31\n"),
            &["line 3, column supplier", "there is no supplier `nobody`"],
        ),
        ("a negative price", offers("b,acme,x,filesystem,4,TB,-1.00,EUR,2199-12-31\n"), &["line 3, column one_off", "negative"]),
        (
            "a day of another calendar",
            offers("b,acme,x,filesystem,4,TB,1.00,EUR,31.12.2199\n"),
            &["line 3, column valid_until", "2026-12-24"],
        ),
        ("a row that is too short", offers("b,acme\n"), &["line 3", "2 cells and the header 9"]),
        ("an open quotation mark", offers("b,\"acme,x,filesystem,4,TB,1.00,EUR,2199-12-31\n"), &["line 3", "closed nowhere"]),
        ("a column that there is not", b"name,supplier,colour\n".to_vec(), &["line 1, column 3", "there is no column `colour`"]),
        ("UTF-16", b"\xff\xfen\0a\0".to_vec(), &["line 1", "UTF-16"]),
    ];
    for (what, body, words) in table {
        let answer = send(&server, "PUT", "/api/v1/inventory/offers", body).await;
        let told = complaints(&answer);
        assert!(told.iter().any(|line| words.iter().all(|word| line.contains(word))), "{what}: {told:#?}");
        assert_eq!(count(&server, "offers").await, 0, "{what}: something was imported");
    }
    assert_eq!(server.number("SELECT count(*) FROM audit WHERE action = 'inventory.import'").await, 0);
    let answer = send(&server, "PUT", "/api/v1/inventory/offers?charset=latin-1&dry_run=true", offers("")).await;
    assert_eq!((answer.status, answer.json()["added"].as_u64(), count(&server, "offers").await), (200, Some(1), 0));
    let answer = send(&server, "PUT", "/api/v1/inventory/offers", offers("")).await;
    assert_eq!((answer.json()["added"].as_u64(), count(&server, "offers").await), (Some(1), 1));
    for (path, status) in
        [("/api/v1/inventory/houses", 404), ("/api/v1/inventory/offers?delimiter=x", 400), ("/api/v1/inventory/offers?colour=1", 400)]
    {
        send(&server, "PUT", path, "name\n").await.assert_problem(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_records_is_imported_as_a_page_gives_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    put(&server, "suppliers/acme", json!({ "description": "Disks" })).await;
    let import = async |list: Value| {
        let request = server.request("PUT", "/api/v1/inventory/suppliers").header("content-type", "application/json");
        Answer::read(request.body(list.to_string()).send().await.unwrap()).await.unwrap()
    };
    let page = server.get("/api/v1/inventory/suppliers").await.json();
    let report = import(page["records"].clone()).await.json();
    assert_eq!((&report["same"], &report["added"]), (&json!(1), &json!(0)), "{report}");
    let told =
        complaints(&import(json!([{ "name": "a", "record": {} }, { "name": "a", "record": { "lead_time_days": 9_999 } }, {}])).await);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("[1].name: it is the name of [0] too") && told[1].starts_with("[1].lead_time_days"), "{told:?}");
    assert!(told[2].starts_with("[2]: missing field `name`"), "{told:?}");
    assert!(complaints(&import(json!({})).await)[0].contains("no JSON list"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_changed_by_its_etag_and_its_versions_stay() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    let first = put(&server, "suppliers/acme", json!({ "description": "Disks" })).await;
    assert_eq!(first.header("etag"), "\"1\"");
    let path = "/api/v1/inventory/suppliers/acme";
    let change = async |etag: &str, document: Value| {
        let request = server.request("PUT", path).header("if-match", etag).body(document.to_string());
        Answer::read(request.send().await.unwrap()).await.unwrap()
    };
    assert_eq!(change("\"1\"", json!({ "description": "Disks and more" })).await.header("etag"), "\"2\"");
    change("\"1\"", json!({})).await.assert_problem(412);
    let made = Answer::read(server.request("PUT", path).header("if-none-match", "*").body("{}").send().await.unwrap()).await.unwrap();
    made.assert_problem(412);
    put(
        &server,
        "offers/A-1",
        json!({ "supplier": "acme", "item": "ssd", "resource_kind": "filesystem", "capacity": 3.84, "unit": "TB",
        "one_off_minor": 61_900, "currency": "EUR", "valid_until": "2199-12-31" }),
    )
    .await;
    let refused = send(&server, "DELETE", path, "").await;
    assert!(complaints(&refused)[0].contains("offers/A-1"), "{}", refused.text());
    assert_eq!(send(&server, "DELETE", "/api/v1/inventory/offers/A-1", "").await.status, 204);
    assert_eq!(send(&server, "DELETE", path, "").await.status, 204);
    server.get(path).await.assert_problem(404);
    let versions = server.get(&format!("{path}/history")).await.json();
    let versions: Vec<(i64, bool)> =
        versions["versions"].as_array().unwrap().iter().map(|it| (it["version"].as_i64().unwrap(), it["record"].is_null())).collect();
    assert_eq!(versions, [(3, true), (2, false), (1, false)]);
    let wrong = send(&server, "PUT", "/api/v1/inventory/offers/A-2", json!({ "supplier": "acme" }).to_string()).await;
    assert!(complaints(&wrong)[0].contains("missing field"), "{}", wrong.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inventory_is_asked_for_in_sql_and_a_budget_is_not_overrun_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    put(&server, "assets/db01", json!({ "kind": "server", "capacity": 1.5, "unit": "TiB", "cost_minor": 845_000, "currency": "EUR" }))
        .await;
    let rows = server.sql("SELECT host, criticality, capacity, cost_minor, depends_on FROM assets").await;
    assert_eq!(rows[0], json!({ "host": "db01", "criticality": "medium", "capacity": 1.5, "cost_minor": 845_000, "depends_on": "[]" }));
    put(&server, "suppliers/acme", json!({})).await;
    let contract = json!({ "supplier": "acme", "starts_on": "2026-01-01", "ends_on": "2199-12-31", "auto_renews": true, "renewal_months": 12,
        "cost_minor": 1, "currency": "EUR", "cost_per": "year", "assets": ["db01"] });
    put(&server, "contracts/care", contract).await;
    let rows = server.sql("SELECT auto_renews, CAST(ends_on AS DATE) > DATE '2100-01-01' AS late, assets FROM contracts").await;
    assert_eq!(rows[0], json!({ "auto_renews": true, "late": true, "assets": "[\"db01\"]" }));
    put(&server, "budgets/2027%2Fstorage", json!({ "year": 2027, "line": "storage", "currency": "EUR", "planned_minor": 100_000 })).await;
    let enter = async |kind: &str, minor: i64, currency: &str| {
        let entry = json!({ "kind": kind, "minor": minor, "currency": currency, "note": "disks" });
        server.post("/api/v1/budgets/2027%2Fstorage/entries", entry.to_string()).await
    };
    let answer = enter("committed", 60_000, "EUR").await;
    assert_eq!((answer.status, &answer.json()["standing"]["left_minor"]), (201, &json!(40_000)), "{}", answer.text());
    assert!(complaints(&enter("committed", 50_000, "EUR").await)[0].contains("overrun by 100.00 EUR: 400.00 EUR is left"));
    assert!(complaints(&enter("spent", 50_000, "USD").await)[0].contains("the budget is in EUR"));
    enter("stolen", 1, "EUR").await.assert_problem(400);
    assert_eq!(enter("spent", 1_000, "EUR").await.status, 201);
    let rows = server.sql("SELECT name, planned_minor, committed_minor, spent_minor, left_minor FROM budgets").await;
    let expected =
        json!({ "name": "2027/storage", "planned_minor": 100_000, "committed_minor": 60_000, "spent_minor": 1_000, "left_minor": 39_000 });
    assert_eq!(rows[0], expected);
    let rows = server.sql("SELECT budget, kind, minor, by FROM budget_entries ORDER BY id").await;
    assert_eq!((rows.len(), &rows[1]), (2, &json!({ "budget": "2027/storage", "kind": "spent", "minor": 1_000, "by": "local" })));
    server.get("/api/v1/budgets/none/entries").await.assert_problem(404);
}

/// The sample site's files, department first.
fn sample(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data").join(file)
}

fn inventory(folder: &Path, arguments: &[&str]) -> Ran {
    let data = folder.join("data");
    let all: Vec<&str> = ["inventory"].iter().chain(arguments).copied().chain(["--data", data.to_str().unwrap()]).collect();
    run_with(folder, &all, &[("COLUMNS", "120")], b"")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_inventory_is_imported_listed_and_exported_by_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    let data = folder.path().join("data");
    let department = sample("desk/department.toml");
    run(folder.path(), &["setup", "import", department.to_str().unwrap(), "--data", data.to_str().unwrap()]).good();
    for kind in ["suppliers", "assets", "contracts", "offers", "budgets"] {
        let file = sample(&format!("inventory/{kind}.csv"));
        let file = file.to_str().unwrap();
        if kind == "offers" {
            let refused = inventory(folder.path(), &["import", kind, file]);
            assert_eq!(refused.code, 1);
            assert!(refused.stderr.contains(&format!("{file}:4: valid_until: the offer ended on 2026-05-31")), "{}", refused.stderr);
        }
        let would = inventory(folder.path(), &["import", kind, file, "--allow-expired", "--dry-run"]).good();
        assert!(would.contains("nothing was changed"), "{would}");
        let said = inventory(folder.path(), &["import", kind, file, "--allow-expired"]).good();
        let records = std::fs::read_to_string(file).unwrap().lines().count() - 1;
        assert!(said.ends_with(&format!("{records} added, 0 changed, 0 were the same.\n")), "{kind}: {said}");
        let export = folder.path().join("export.csv");
        inventory(folder.path(), &["export", kind, export.to_str().unwrap()]).good();
        let again = inventory(folder.path(), &["import", kind, export.to_str().unwrap()]).good();
        assert_eq!(again, format!("0 added, 0 changed, {records} were the same.\n"), "{kind}: an export is the same");
        let listed = inventory(folder.path(), &["list", kind]).good();
        assert!(listed.lines().all(|line| line.chars().count() <= 120), "{listed}");
    }
    assert!(inventory(folder.path(), &["list", "budgets"]).good().contains("12000.00 EUR"));
    let columns = run(folder.path(), &["inventory", "columns", "offers"]).good();
    assert!(columns.ends_with("term_months,support_level,support_until\n") && columns.contains("valid_until"), "{columns}");
    // Hosts of logs and metrics beside what is known of them.
    assert_eq!(server.number("SELECT count(*) FROM assets WHERE host = 'db01' AND supplier = 'nordlicht'").await, 1);
    let wrong = folder.path().join("wrong.csv");
    std::fs::write(&wrong, b"name;kind;cost;currency\nZ\xfcrich;switch;1,50;CHF\n").unwrap();
    let arguments = ["import", "assets", wrong.to_str().unwrap()];
    assert!(inventory(folder.path(), &arguments).stderr.contains("charset=latin-1"));
    let options = ["--charset", "latin-1", "--delimiter", ";", "--decimal", ","];
    inventory(folder.path(), &[&arguments[..], &options].concat()).good();
    assert_eq!(server.number("SELECT cost_minor FROM assets WHERE name = 'Zürich'").await, 150);
}

/// A kill at any moment of an import leaves all of it or nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_an_import_leaves_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let records = 5_000;
    let rows: String = (0..records).map(|at| format!("disk-{at},disk,{at}.50,EUR\n")).collect();
    let file = format!("name,kind,cost,currency\n{rows}");
    for delay_ms in [20, 120, 400, 900] {
        let server = Launch::on(folder.path()).start().await;
        let request = server.request("PUT", "/api/v1/inventory/assets").body(file.clone()).send();
        let sent = tokio::spawn(request);
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        server.kill();
        let answered = sent.await.unwrap().is_ok_and(|answer| answer.status().is_success());
        let server = Launch::on(folder.path()).start().await;
        let found = count(&server, "assets").await;
        assert!(found == records || (found == 0 && !answered), "{found} of {records} after {delay_ms} ms (answered: {answered})");
        server.kill();
    }
    let server = Launch::on(folder.path()).start().await;
    let report = send(&server, "PUT", "/api/v1/inventory/assets", file).await.json();
    assert_eq!(report["added"].as_i64().unwrap() + report["same"].as_i64().unwrap(), records, "{report}");
    assert_eq!(count(&server, "assets").await, records);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_change_what_is_asked_by_kind() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Launch::on(folder.path()).env("WATCHROOM_ACCESS_REQUIRE_TOKEN", true).start().await;
    // A token of the installation without `admin` counts as a lead.
    let token = crate::command::create_token(folder.path(), "desk", &[]);
    server.use_token(Some(&token));
    assert_eq!(send(&server, "PUT", "/api/v1/inventory/suppliers/acme", "{}").await.status, 200);
    let refused = send(&server, "PUT", "/api/v1/inventory/budgets", "name\n").await;
    refused.assert_problem(403);
    assert!(refused.text().contains("that is for a manager or above"), "{}", refused.text());
    server.use_token(None);
    server.get("/api/v1/inventory/suppliers").await.assert_problem(401);
}
