//! A database that any program of the past left is brought forward with all that is in it.
//!
//! The store cannot tell whether what it holds still means the same; the desk can, so the test stands here.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::{Connection, Row, SqliteConnection};

use super::*;
use crate::clock::{Clock, DAY_US};
use crate::store::{DESK_FILE, LATEST_SCHEMA, Store, database_of_version};

/// For each version what the program that made it could write, in every table that was new with it. A new version needs new
/// rows here.
const ROWS: [&str; 11] = [ROWS_1, ROWS_2, ROWS_3, ROWS_4, ROWS_5, ROWS_6, ROWS_7, ROWS_8, ROWS_9, ROWS_10, ROWS_11];

const ROWS_1: &str = r#"
UPDATE counters SET value = 2 WHERE name = 'ticket';
INSERT INTO tickets (number, kind, title, description, state, priority, severity, assignee, fingerprint, rule, entity, opened_at_us,
        updated_at_us, resolved_at_us, findings, first_finding_id, last_finding_id, last_finding_at_us, noted_at_us, events, version)
    VALUES (1, 'incident', 'toner is low', 'Look at the printer.', 'on_hold', 'P2', 'high', 'ines', 'fp-1', 'probe', '{"host":"printer07"}',
            100, 900, NULL, 2, 7, 8, 650, 660, 7, 6),
        (2, 'incident', 'disk is full', '', 'closed', 'P3', 'medium', NULL, 'fp-2', 'probe', '{"host":"db01"}',
            200, 990, 980, 1, 9, 9, 150, 200, 4, 4);
INSERT INTO ticket_events (ticket, seq, at_us, actor, origin, kind, detail) VALUES
    (1, 1, 100, 'rule probe', 'scheduler', 'opened', '{"kind":"opened","ticket_kind":"incident","title":"toner low","description":"Look at the printer.","priority":"P3","severity":"high","fingerprint":"fp-1","rule":"probe","entity":{"host":"printer07"}}'),
    (1, 2, 660, 'rule probe', 'scheduler', 'joined', '{"kind":"joined","findings":2,"finding_at_us":650}'),
    (1, 3, 700, 'token ops', '10.0.0.9', 'assigned', '{"kind":"assigned","from":null,"to":"ines"}'),
    (1, 4, 710, 'token ops', '10.0.0.9', 'reprioritised', '{"kind":"reprioritised","from":"P3","to":"P2"}'),
    (1, 5, 720, 'token ops', '10.0.0.9', 'retitled', '{"kind":"retitled","from":"toner low","to":"toner is low"}'),
    (1, 6, 800, 'token ops', '10.0.0.9', 'commented', '{"kind":"commented","text":"The cartridge is ordered."}'),
    (1, 7, 900, 'token ops', '10.0.0.9', 'moved', '{"kind":"moved","from":"new","to":"on_hold"}'),
    (2, 1, 200, 'rule probe', 'scheduler', 'opened', '{"kind":"opened","ticket_kind":"incident","title":"disk is full","description":"","priority":"P3","severity":"medium","fingerprint":"fp-2","rule":"probe","entity":{"host":"db01"}}'),
    (2, 2, 970, 'local', '127.0.0.1', 'moved', '{"kind":"moved","from":"new","to":"in_progress"}'),
    (2, 3, 980, 'local', '127.0.0.1', 'moved', '{"kind":"moved","from":"in_progress","to":"resolved","reason":"gone"}'),
    (2, 4, 990, 'local', '127.0.0.1', 'moved', '{"kind":"moved","from":"resolved","to":"closed"}');
INSERT INTO findings (id, ticket, rule, fingerprint, entity, title, severity, result, window_start_us, window_end_us, recorded_at_us, evidence)
    VALUES (7, 1, 'probe', 'fp-1', '{"host":"printer07"}', 'toner low', 'high', '{"value":3}', 40, 50, 100, '{"sql":"SELECT 1","parameters":{},"delta_versions":{"logs":4},"window_start_us":40,"window_end_us":50,"lines":[]}'),
        (8, 1, 'probe', 'fp-1', '{"host":"printer07"}', 'toner low', 'high', '{"value":2}', 640, 650, 660, NULL),
        (9, 2, 'probe', 'fp-2', '{"host":"db01"}', 'disk is full', 'medium', '{"value":1}', 140, 150, 200, NULL);
INSERT INTO rule_runs VALUES ('probe', 650, 660, 12, 1, 3, 1, 'no such column', 300);
INSERT INTO ingest_ledger VALUES (0, 'syslog_tcp', 'taken', 10, 1000);
INSERT INTO tokens (id, name, secret_sha256, scopes, created_at_us, expires_at_us, last_used_at_us, revoked_at_us)
    VALUES ('0123456789ab', 'ops', x'ab', 'query,desk', 1, 2, 3, NULL);
"#;

const ROWS_2: &str = r#"
INSERT INTO findings (id, ticket, rule, fingerprint, entity, title, severity, result, window_start_us, window_end_us, recorded_at_us, outcome, reasons, verdict)
    VALUES (10, NULL, 'probe', 'fp-3', '{"host":"db02"}', 'disk is full', 'medium', '{}', 240, 250, 260, 'held', '{"window":"move"}', 'noise');
INSERT INTO analysis_state VALUES ('incidents', x'0102', 660);
"#;

const ROWS_3: &str = r#"
INSERT INTO tickets (number, kind, title, description, state, priority, entity, opened_at_us, updated_at_us, findings, noted_at_us, events, version,
        requester, team, service, impact, urgency, hold, acknowledged_by, watchers)
    VALUES (3, 'request', 'a new keyboard', 'For the workshop.', 'on_hold', 'P4', '{}', 1000, 1060, 0, 1000, 6, 6,
        'uma', 'desk', 'devices', 'low', 'medium', 'supplier', 'ines', '["tom"]');
UPDATE counters SET value = 3 WHERE name = 'ticket';
UPDATE tickets SET chosen_by_person = 1 WHERE number = 1;
INSERT INTO ticket_events (ticket, seq, at_us, actor, origin, kind, detail) VALUES
    (3, 1, 1000, 'requester uma', '10.0.0.7', 'opened', '{"kind":"opened","ticket_kind":"request","title":"a new keyboard","description":"For the workshop.","priority":"P4","severity":null,"fingerprint":null,"rule":null,"entity":{},"requester":"uma","team":"desk","service":"devices","impact":"low","urgency":"medium"}'),
    (3, 2, 1010, 'user ines', '10.0.0.9', 'watched', '{"kind":"watched","person":"tom"}'),
    (3, 3, 1020, 'user ines', '10.0.0.9', 'acknowledged', '{"kind":"acknowledged","via":"api","by":"ines"}'),
    (3, 4, 1030, 'user ines', '10.0.0.9', 'commented', '{"kind":"commented","text":"The warehouse has none.","internal":true}'),
    (3, 5, 1040, 'user ines', '10.0.0.9', 'attached', '{"kind":"attached","attachment":1,"name":"offer.pdf","bytes":3,"internal":false}'),
    (3, 6, 1060, 'user ines', '10.0.0.9', 'moved', '{"kind":"moved","from":"new","to":"on_hold","hold":"supplier"}');
INSERT INTO ticket_words (rowid, title, body, entity, comments, notes)
    VALUES (1, 'toner is low', 'Look at the printer.', 'printer07', 'The cartridge is ordered.', ''),
        (2, 'disk is full', '', 'db01', '', ''),
        (3, 'a new keyboard', 'For the workshop.', '', '', 'The warehouse has none.');
INSERT INTO documents VALUES ('user', 'ines', '{"display_name":"Ines","role":"technician"}', 2, 1000, 'local');
INSERT INTO audit (at_us, actor, origin, action, object, detail) VALUES (1000, 'local', '127.0.0.1', 'setup.put', 'user/ines', '{"version":2}');
INSERT INTO credentials VALUES ('ines', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', 0, 1000);
INSERT INTO sessions VALUES ('s1', x'cd', 'ines', '10.0.0.9', 1000, 2000, 1500, NULL);
UPDATE tokens SET owner = 'ines';
INSERT INTO secrets VALUES ('hook', 'hush', 1000);
INSERT INTO ticket_links VALUES (3, 'relates_to', 1);
INSERT INTO attachments VALUES (1, 3, 'offer.pdf', 'application/pdf', 3, 'abc', 1040, 'user ines', 0);
INSERT INTO escalations VALUES (3, 'all', '{"ticket":3}', 5000);
INSERT INTO promises VALUES (3, 6000);
INSERT INTO heartbeats VALUES ('backup', 1000, 1100, 0);
INSERT INTO idempotent_requests VALUES ('user ines', 'k', x'ef', 3, 1000);
INSERT INTO expected_alerts VALUES ('alertmanager:1', 'Alertmanager', 9000);
"#;

const ROWS_4: &str = r#"
INSERT INTO outbox (id, created_at_us, ticket, person, channel, address, shape, event, urgency, subject, body, payload, due_at_us)
    VALUES ('5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11', 1060, 3, 'ines', 'email', 'ines@example.org', 'generic', 'assigned', 'normal', 's', 'b', '{}', 1060);
INSERT INTO deliveries (notice, message, at_us, attempt, outcome, detail)
    VALUES ('5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11', '5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11', 1061, 1, 'postponed', 'no answer');
"#;

// Who may read a ticket is kept by triggers: the rows before have filled the table, and a change of them changes it.
const ROWS_5: &str = r#"
INSERT INTO ticket_problems (problem, ticket, over) VALUES ('incident-9', 1, 1);
UPDATE tickets SET watchers = '["kim","tom"]', events = 7, version = 7, updated_at_us = 1070 WHERE number = 3;
INSERT INTO ticket_events (ticket, seq, at_us, actor, origin, kind, detail) VALUES
    (3, 7, 1070, 'user ines', '10.0.0.9', 'watched', '{"kind":"watched","person":"kim"}');
"#;

const ROWS_6: &str = r#"
INSERT INTO inventory VALUES ('assets', 'disk-7', '{"kind":"disk","host":"db01","criticality":"high","capacity":4.0,"unit":"TB","supplier":"acme"}', 2, 1080, 'user ines');
INSERT INTO inventory_history VALUES ('assets', 'disk-7', 1, 1070, 'user ines', '{"kind":"disk"}'), ('offers', 'gone', 2, 1080, 'user ines', NULL);
INSERT INTO budget_entries (line, kind, minor, currency, at_us, by, proposal, note) VALUES ('2026/storage', 'spent', 129950, 'EUR', 1080, 'user ines', NULL, 'a disk');
"#;

const ROWS_7: &str = r#"
INSERT INTO capacity_resources (resource, question, kind, name, entity, unit, status, days, last_day_us, note, judged_at_us)
    VALUES ('2b0b605dbd5f3fa5', 'filesystem_space', 'filesystem', 'db01 /', '{"host":"db01"}', 'bytes', 'steady', 30, 1000, '', 1090);
INSERT INTO capacity_classes VALUES ('filesystem_space', 0.8, 12.5, 40, 1090);
INSERT INTO proposals (number, resource, question, kind, title, state, facts, options, opened_at_us, updated_at_us, version)
    VALUES (1, '2b0b605dbd5f3fa5', 'filesystem_space', 'filesystem', 'db01 /', 'open', '{}', '{}', 1090, 1090, 1);
INSERT INTO proposal_events VALUES (1, 1, 1090, 'desk', 'scheduler', 'opened', '{}');
INSERT INTO supply_deliveries VALUES (1, 1, 'acme', 'A-1', 'ssd', '2026-01-01', '2026-02-01', 129950, 'EUR', 1090, 'user ines');
INSERT INTO kept_reports (id, schedule, report, made_at_us, files, summary) VALUES (1, 'monthly', 'capacity', 1090, '{}', '');
"#;

// Indexes over what is there.
const ROWS_8: &str = "SELECT 1";

const ROWS_9: &str = "INSERT INTO kept_report_files VALUES (1, 'html', 1, x'00')";

const ROWS_10: &str = r#"
INSERT INTO held_alerts VALUES ('pagerduty:disk', 'patches', 9000, '{"rule":"pagerduty"}');
INSERT INTO alert_returns VALUES ('pagerduty:link', 'pagerduty', 1100, 1090, NULL, '[1080]');
"#;

const ROWS_11: &str = r#"
INSERT INTO proposal_orders VALUES (7, 1, 1100, 'user ines', '10.0.0.9', 'the step', '{"offer":"A-1"}', '{"item":"ssd"}');
"#;

/// A database of this version with rows in every table.
async fn filled(path: &Path, version: i64) -> SqliteConnection {
    let mut database = database_of_version(path, version).await;
    for rows in &ROWS[..usize::try_from(version).unwrap()] {
        sqlx::raw_sql(*rows).execute(&mut database).await.unwrap();
    }
    database
}

/// Every table of the program's own with its columns. The tables below the full-text search are its own affair.
async fn tables(database: &mut SqliteConnection) -> BTreeMap<String, Vec<String>> {
    let rows = sqlx::query(
        "SELECT s.name, c.name FROM sqlite_master s JOIN pragma_table_info(s.name) c
         WHERE s.type = 'table' AND s.name NOT LIKE 'ticket\\_words%' ESCAPE '\\' AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             AND s.name <> '_sqlx_migrations' ORDER BY s.name, c.cid",
    );
    let mut tables = BTreeMap::<String, Vec<String>>::new();
    for row in rows.fetch_all(database).await.unwrap() {
        tables.entry(row.get(0)).or_default().push(row.get(1));
    }
    tables
}

/// The rows of these tables, in these columns, as text.
async fn contents(database: &mut SqliteConnection, tables: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let mut contents = BTreeMap::new();
    for (table, columns) in tables {
        let quoted: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
        let sql = format!("SELECT {} FROM \"{table}\" ORDER BY 1", quoted.join(" || ', ' || "));
        let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *database).await.unwrap();
        contents.insert(table.clone(), rows);
    }
    contents
}

async fn found(desk: &Desk, text: &str) -> Vec<i64> {
    listed(desk, TicketFilter { text: Some(text.to_owned()), ..TicketFilter::default() }).await
}

async fn visible_to(desk: &Desk, person: &str) -> Vec<i64> {
    listed(desk, TicketFilter { visible_to: Some(person.to_owned()), ..TicketFilter::default() }).await
}

async fn listed(desk: &Desk, filter: TicketFilter) -> Vec<i64> {
    desk.list(&filter).await.unwrap().tickets.iter().map(|ticket| ticket.number).collect()
}

#[tokio::test]
async fn every_schema_ever_released_is_brought_forward_with_its_rows() {
    assert_eq!(i64::try_from(ROWS.len()).unwrap(), LATEST_SCHEMA, "a new version needs rows in its new tables");
    for version in 1..=LATEST_SCHEMA {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DESK_FILE);
        let mut database = filled(&path, version).await;
        let known = tables(&mut database).await;
        let before = contents(&mut database, &known).await;
        for (table, rows) in &before {
            assert!(!rows.is_empty(), "version {version}: the test has no row in {table}");
        }
        database.close().await.unwrap();

        let store = Store::open(&path).await.unwrap();
        let mut read = store.read().await.unwrap();
        let after = contents(&mut read, &known).await;
        for (table, rows) in &before {
            assert_eq!(after[table], *rows, "from version {version}: {table}");
        }
        drop(read);
        assert_eq!(store.complaints().await.unwrap(), Vec::<String>::new(), "from version {version}");
        what_tickets_say_is_the_same(version, Desk::new(store, Clock::manual(DAY_US))).await;
    }
}

async fn what_tickets_say_is_the_same(version: i64, desk: Desk) {
    let from = format!("from version {version}");
    assert_eq!(desk.differing(100).await.unwrap(), Vec::<i64>::new(), "{from}");
    let first = desk.get(1).await.unwrap();
    assert_eq!((first.ticket.title.as_str(), first.ticket.priority, first.history.len()), ("toner is low", Priority::P2, 7), "{from}");
    assert!(first.ticket.chosen_by_person, "{from}: who was named by a person stays");
    assert!(first.first_evidence.is_some(), "{from}");
    for text in ["toner", "printer", "printer07", "cartridge"] {
        assert_eq!(found(&desk, text).await, [1], "{from}: {text}");
    }
    if version >= 3 {
        assert_eq!(found(&desk, "keyboard").await, [3], "{from}");
        assert_eq!(found(&desk, "warehouse").await, [3], "{from}: an internal note");
        assert_eq!(desk.get(3).await.unwrap().ticket.hold, Some(Hold::Supplier), "{from}");
    }
    if version >= 3 {
        let readers = [("uma", vec![3]), ("tom", vec![3]), ("kim", if version >= 5 { vec![3] } else { vec![] }), ("ines", vec![])];
        for (person, tickets) in readers {
            assert_eq!(visible_to(&desk, person).await, tickets, "{from}: {person}");
        }
    }
    // Work goes on: a change of an old ticket, and the next number.
    let ines = Actor { name: "user ines".into(), origin: "10.0.0.9".into() };
    let change = Change { comment: Some("It is here.".into()), ..Change::default() };
    desk.change(1, None, &change, &ines).await.unwrap();
    assert_eq!(found(&desk, "cartridge").await, [1], "{from}: a change renews the words");
    let new: NewTicket = serde_json::from_value(serde_json::json!({ "title": "another" })).unwrap();
    let (ticket, _) = desk.create(&new, &ines, None).await.unwrap();
    assert_eq!(ticket.number, if version < 3 { 3 } else { 4 }, "{from}: numbers go on without a gap");
    assert_eq!(desk.differing(100).await.unwrap(), Vec::<i64>::new(), "{from}");
}
