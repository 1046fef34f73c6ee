//! The inventory over a store: versions, what refers to what, imports, budgets, and the tickets before contracts end.

use serde_json::{Value, json};

use super::night_test::{Night, admin, night, person};
use super::*;
use crate::clock::{DAY_US, HOUR_US};
use crate::desk::{Actor, TicketFilter, TicketKind};
use crate::inventory::{CsvOptions, EntryKind, InventoryKind, columns, read_csv};

fn inventory(night: &Night) -> Inventory {
    Inventory::new(night.store.clone(), night.clock.clone(), night.register.clone())
}

fn ines() -> Actor {
    person("ines")
}

async fn put(inventory: &Inventory, kind: InventoryKind, name: &str, record: Value) -> WrittenRecord {
    inventory.put(kind, name, record, None, &ines()).await.unwrap()
}

fn fields(error: InventoryError) -> Vec<String> {
    let InventoryError::Invalid(complaints) = error else { panic!("{error}") };
    complaints.into_iter().map(|complaint| complaint.to_string()).collect()
}

fn offer(valid_until: &str) -> Value {
    json!({ "supplier": "acme", "item": "ssd-4tb", "resource_kind": "filesystem", "capacity": 4, "unit": "TB", "one_off_minor": 40_000,
        "currency": "EUR", "valid_until": valid_until })
}

#[tokio::test]
async fn a_record_has_versions_and_a_history_that_outlives_it() {
    let night = night().await;
    let inventory = inventory(&night);
    let kind = InventoryKind::Supplier;
    let first = inventory.put(kind, "acme", json!({ "description": "Disks" }), Some(0), &ines()).await.unwrap();
    assert_eq!((first.stored.version, first.stored.updated_by.as_str()), (1, "user ines"));
    let stale = inventory.put(kind, "acme", json!({}), Some(0), &ines()).await.unwrap_err();
    assert!(matches!(stale, InventoryError::Conflict { current: 1, .. }), "{stale}");
    let same = inventory.put(kind, "acme", json!({ "description": "Disks" }), Some(1), &ines()).await.unwrap();
    assert_eq!(same.stored.version, 1, "what is the same is no change");
    put(&inventory, kind, "acme", json!({ "description": "Disks and more" })).await;
    inventory.delete(kind, "acme", Some(2), &ines()).await.unwrap();
    assert!(matches!(inventory.get(kind, "acme").await, Err(InventoryError::NotFound { .. })));
    let again = put(&inventory, kind, "acme", json!({})).await;
    assert_eq!(again.stored.version, 4, "a version is never given twice");
    let history = inventory.history(kind, "acme", None, 10).await.unwrap();
    assert_eq!(
        history.iter().map(|it| (it.version, it.record.is_some())).collect::<Vec<_>>(),
        [(4, true), (3, false), (2, true), (1, true)]
    );
    assert_eq!(inventory.history(kind, "acme", Some(2), 10).await.unwrap().len(), 1);
    assert!(matches!(inventory.history(kind, "none", None, 10).await, Err(InventoryError::NotFound { .. })));
    let mut read = night.store.read().await.unwrap();
    let audited: Vec<String> =
        sqlx::query_scalar("SELECT action FROM audit WHERE object = 'suppliers/acme' ORDER BY id").fetch_all(&mut *read).await.unwrap();
    assert_eq!(audited, ["inventory.put", "inventory.put", "inventory.delete", "inventory.put"]);
}

#[tokio::test]
async fn what_a_record_names_must_exist_and_what_is_named_stays() {
    let night = night().await;
    let inventory = inventory(&night);
    let wrong = json!({ "kind": "disk", "supplier": "acme", "service": "shops", "team": "op", "depends_on": ["shelf"] });
    let told = fields(inventory.put(InventoryKind::Asset, "disk-1", wrong, None, &ines()).await.unwrap_err());
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[0].starts_with("`supplier`: there is no supplier `acme`") && told[3].starts_with("`depends_on[0]`"), "{told:?}");
    put(&inventory, InventoryKind::Supplier, "acme", json!({})).await;
    put(&inventory, InventoryKind::Asset, "shelf", json!({ "kind": "shelf", "supplier": "acme", "service": "shop", "team": "ops" })).await;
    put(&inventory, InventoryKind::Asset, "disk-1", json!({ "kind": "disk", "depends_on": ["shelf"] })).await;
    let circle = json!({ "kind": "shelf", "depends_on": ["disk-1"] });
    let told = fields(inventory.put(InventoryKind::Asset, "shelf", circle, None, &ines()).await.unwrap_err());
    assert!(told[0].contains("shelf on disk-1 on shelf"), "{told:?}");
    let refused = fields(inventory.delete(InventoryKind::Asset, "shelf", None, &ines()).await.unwrap_err());
    assert!(refused[0].contains("assets/disk-1"), "{refused:?}");
    let refused = fields(inventory.delete(InventoryKind::Supplier, "acme", None, &ines()).await.unwrap_err());
    assert!(refused[0].contains("assets/shelf"), "{refused:?}");
    let contract = json!({ "supplier": "acme", "starts_on": "2026-01-01", "cost_minor": 1, "currency": "EUR", "cost_per": "year",
        "assets": ["disk-1", "disk-2"], "owner": "nobody" });
    let told = fields(inventory.put(InventoryKind::Contract, "care", contract, None, &ines()).await.unwrap_err());
    assert!(told[0].starts_with("`owner`: there is no team") && told[1].starts_with("`assets[1]`"), "{told:?}");
}

#[tokio::test]
async fn what_is_set_up_stays_while_a_record_names_it() {
    let night = night().await;
    let inventory = inventory(&night);
    night.register.put("service", "wiki", &json!({}), None, &admin()).await.unwrap();
    night.register.put("team", "writers", &json!({}), None, &admin()).await.unwrap();
    put(&inventory, InventoryKind::Asset, "web09", json!({ "kind": "server", "service": "wiki" })).await;
    put(
        &inventory,
        InventoryKind::Budget,
        "2026/paper",
        json!({ "year": 2026, "line": "paper", "currency": "EUR", "planned_minor": 1, "owner": "writers" }),
    )
    .await;
    for (kind, name, record) in [("service", "wiki", "assets/web09"), ("team", "writers", "budgets/2026/paper")] {
        let refused = night.register.delete(kind, name, None, &admin()).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("refer to it ({record})")), "{kind}: {refused}");
    }
    inventory.delete(InventoryKind::Asset, "web09", None, &ines()).await.unwrap();
    night.register.delete("service", "wiki", None, &admin()).await.unwrap();
}

#[tokio::test]
async fn a_host_finds_its_asset_by_what_the_asset_says_or_by_its_name() {
    let night = night().await;
    let inventory = inventory(&night);
    put(&inventory, InventoryKind::Asset, "db01", json!({ "kind": "server" })).await;
    put(&inventory, InventoryKind::Asset, "INV-7", json!({ "kind": "server", "host": "web01" })).await;
    for (host, asset) in [("db01", Some("db01")), ("web01", Some("INV-7")), ("INV-7", None), ("mail01", None)] {
        let found = inventory.asset_of_host(host).await.unwrap().map(|stored| stored.name);
        assert_eq!(found.as_deref(), asset, "{host}");
    }
}

#[tokio::test]
async fn an_offer_that_has_expired_is_taken_with_a_warning_and_imported_only_on_demand() {
    let night = night().await;
    let inventory = inventory(&night);
    put(&inventory, InventoryKind::Supplier, "acme", json!({})).await;
    let written = put(&inventory, InventoryKind::Offer, "A-1", offer("2026-03-27")).await;
    assert!(written.warnings[0].contains("ended on 2026-03-27, and today is 2026-03-28"), "{:?}", written.warnings);
    assert_eq!(put(&inventory, InventoryKind::Offer, "A-2", offer("2026-03-28")).await.warnings, [""; 0], "its last day counts");
    let file = "name,supplier,item,resource_kind,capacity,unit,one_off,currency,valid_until\n\
        A-1,acme,ssd-4tb,filesystem,4,TB,400.00,EUR,2026-03-27\nA-3,acme,ssd-4tb,filesystem,4,TB,390.00,EUR,2026-03-01\n";
    let records = read_csv(InventoryKind::Offer, file.as_bytes(), CsvOptions::default()).unwrap();
    let options = ImportOptions::default();
    let told = fields(inventory.import(InventoryKind::Offer, &records, options, &ines()).await.unwrap_err());
    assert_eq!(told.len(), 1, "what is stored already is not complained of: {told:?}");
    assert!(told[0].starts_with("`line 3, column valid_until`") && told[0].contains("expired=allow"), "{told:?}");
    let options = ImportOptions { take_expired: true, ..options };
    let report = inventory.import(InventoryKind::Offer, &records, options, &ines()).await.unwrap();
    assert_eq!((report.added, report.changed, report.same), (1, 0, 1));
}

#[tokio::test]
async fn an_import_is_all_or_nothing_and_a_dry_run_is_nothing() {
    let night = night().await;
    let inventory = inventory(&night);
    let import = async |file: &str, dry_run: bool| {
        let records = read_csv(InventoryKind::Asset, file.as_bytes(), CsvOptions::default()).unwrap();
        inventory.import(InventoryKind::Asset, &records, ImportOptions { dry_run, take_expired: false }, &ines()).await
    };
    let count = async || inventory.list(InventoryKind::Asset, "", 100).await.unwrap().records.len();
    let file = "name,kind,depends_on\nesx01,server,\nvm01,machine,esx01\n";
    let report = import(file, true).await.unwrap();
    assert_eq!((report.added, report.changes[1].name.as_str(), count().await), (2, "vm01", 0));
    let told = fields(import("name,kind,depends_on\nesx01,server,\nvm01,machine,esx02\n", false).await.unwrap_err());
    assert!(told[0].starts_with("`line 3, column depends_on`: there is no asset `esx02`"), "{told:?}");
    assert_eq!(count().await, 0, "not even the line that was right");
    let told = fields(import("name,kind,depends_on\na,server,b\nb,server,a\n", false).await.unwrap_err());
    assert!(told.len() == 1 && told[0].contains("line 2") && told[0].contains("a on b on a"), "{told:?}");
    assert_eq!(import(file, false).await.unwrap().added, 2);
    let report = import("name,kind,depends_on\nvm01,machine,\nesx01,server,\n", false).await.unwrap();
    assert_eq!((report.added, report.changed, report.same, report.changes[0].change), (0, 1, 1, "changed"));
}

#[tokio::test]
async fn pages_go_by_name() {
    let night = night().await;
    let inventory = inventory(&night);
    for name in ["b", "a", "c"] {
        put(&inventory, InventoryKind::Supplier, name, json!({})).await;
    }
    let first = inventory.list(InventoryKind::Supplier, "", 2).await.unwrap();
    assert_eq!(first.next.as_deref(), Some("b"));
    let second = inventory.list(InventoryKind::Supplier, "b", 2).await.unwrap();
    assert_eq!((second.records.len(), second.records[0].name.as_str(), second.next), (1, "c", None));
}

fn entry(kind: EntryKind, minor: i64) -> NewBudgetEntry {
    serde_json::from_value(json!({ "kind": kind, "minor": minor, "currency": "EUR", "note": "disks" })).unwrap()
}

#[tokio::test]
async fn a_budget_adds_up_and_is_not_overrun_unseen() {
    let night = night().await;
    let inventory = inventory(&night);
    let line = |currency: &str| json!({ "year": 2026, "line": "storage", "currency": currency, "planned_minor": 100_000, "owner": "ops" });
    let (kind, name) = (InventoryKind::Budget, "2026/storage");
    put(&inventory, kind, name, line("EUR")).await;
    let (_, standing) = inventory.enter(name, &entry(EntryKind::Committed, 60_000), &ines(), None).await.unwrap();
    assert_eq!((standing.committed_minor, standing.left_minor), (60_000, 40_000));
    let told = fields(inventory.enter(name, &entry(EntryKind::Committed, 50_000), &ines(), None).await.unwrap_err());
    assert!(told[0].contains("overrun by 100.00 EUR: 400.00 EUR is left"), "{told:?}");
    let told = fields(inventory.enter(name, &entry(EntryKind::Released, 70_000), &ines(), None).await.unwrap_err());
    assert!(told[0].contains("only 600.00 EUR is committed"), "{told:?}");
    inventory.enter(name, &entry(EntryKind::Released, 60_000), &ines(), None).await.unwrap();
    let (paid, standing) = inventory.enter(name, &entry(EntryKind::Spent, 61_000), &ines(), None).await.unwrap();
    assert_eq!((paid.id, standing.committed_minor, standing.spent_minor, standing.left_minor), (3, 0, 61_000, 39_000));
    let over = NewBudgetEntry { allow_overrun: true, ..entry(EntryKind::Committed, 40_000) };
    assert_eq!(inventory.enter(name, &over, &ines(), None).await.unwrap().1.left_minor, -1_000);
    let book = inventory.budget_book(name, None, 2).await.unwrap();
    assert_eq!(book.entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [4, 3]);
    let dollars = NewBudgetEntry { currency: "USD".parse().unwrap(), ..entry(EntryKind::Spent, 1) };
    assert!(fields(inventory.enter(name, &dollars, &ines(), None).await.unwrap_err())[0].contains("the budget is in EUR"));
    assert!(fields(inventory.put(kind, name, line("CHF"), None, &ines()).await.unwrap_err())[0].contains("entries in EUR"));
    assert!(fields(inventory.delete(kind, name, None, &ines()).await.unwrap_err())[0].contains("its book has entries"));
    assert!(matches!(inventory.enter("none", &over, &ines(), None).await, Err(InventoryError::NotFound { .. })));
    let mut write = night.store.write().await.unwrap();
    for sql in ["UPDATE budget_entries SET minor = 1", "DELETE FROM budget_entries", "DELETE FROM inventory_history"] {
        let refused = sqlx::query(sql).execute(&mut *write).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn a_contract_has_one_ticket_before_each_notice_date() {
    let mut night = night().await;
    let inventory = inventory(&night);
    put(&inventory, InventoryKind::Supplier, "acme", json!({})).await;
    // Noticed by 2026-05-01; reminded of from 2026-04-01 on. The clock stands at 2026-03-28.
    let contract = json!({ "supplier": "acme", "description": "Care for the storage", "starts_on": "2025-06-01", "ends_on": "2026-05-31",
        "notice_days": 30, "auto_renews": true, "renewal_months": 12, "cost_minor": 240_000, "currency": "EUR", "cost_per": "year",
        "owner": "ops", "remind_days": 30 });
    put(&inventory, InventoryKind::Contract, "care", contract).await;
    let start_us = night.clock.now_us();
    night.clockwork.round().await.unwrap();
    assert_eq!(requests(&night).await, [0_i64; 0]);
    night.clock.set(start_us + 4 * DAY_US);
    night.clockwork.round().await.unwrap();
    night.clockwork.round().await.unwrap();
    let numbers = requests(&night).await;
    assert_eq!(numbers.len(), 1);
    let ticket = night.desk.get(numbers[0]).await.unwrap().ticket;
    assert_eq!(ticket.title, "Contract care with acme renews itself after 2026-05-31");
    assert_eq!(ticket.team.as_deref(), Some("ops"));
    for words in ["2400.00 EUR a year", "notice is 2026-05-01 (30 days before)", "goes on for 12 months"] {
        assert!(ticket.description.contains(words), "{words}: {}", ticket.description);
    }
    // After a restart too, and when the ticket is closed; the next term has a ticket of its own.
    let change = serde_json::from_value(json!({ "state": "resolved", "comment": "We keep it." })).unwrap();
    night.desk.change(numbers[0], None, &change, &admin()).await.unwrap();
    let alerts = night.alerts();
    night.clockwork = Clockwork::new(night.desk.clone(), night.register.clone(), alerts, night.store.clone(), night.clock.clone());
    night.clock.set(start_us + 5 * DAY_US + HOUR_US);
    night.clockwork.round().await.unwrap();
    assert_eq!(requests(&night).await.len(), 1);
    night.clock.set(start_us + 390 * DAY_US);
    night.clockwork.round().await.unwrap();
    assert_eq!(requests(&night).await.len(), 2);
}

#[test]
fn every_field_of_a_record_is_a_column_in_sql() {
    for kind in InventoryKind::ALL {
        let view = crate::store::view(kind.word()).unwrap();
        for field in columns(*kind).iter().map(|column| column.field).chain(["name", "version", "updated_at", "updated_by"]) {
            assert!(view.columns.iter().any(|column| column.name == field), "{field} is not in {}", view.name);
        }
    }
}

async fn requests(night: &Night) -> Vec<i64> {
    let filter = TicketFilter { kind: Some(TicketKind::Request), ..TicketFilter::default() };
    night.desk.list(&filter).await.unwrap().tickets.iter().map(|ticket| ticket.number).collect()
}
