//! What becomes of proposals: put off, rejected, without ground, delivered, and whose room they are offered.

use serde_json::{Value, json};

use super::capacity_days_test::{Measured, START_US};
use super::capacity_test::{Office, office};
use super::{Decision, NewDelivery, Proposal, ProposalState, RepairQuestion, date_text, day_of};
use crate::clock::{DAY_US, HOUR_US};
use crate::desk::{Actor, TicketState};
use crate::inventory::InventoryKind;
use crate::purchase::OptionKind;

fn ines() -> Actor {
    Actor { name: "user ines".into(), origin: "test".into() }
}

/// The morning of the day that is so many days after the beginning.
fn morning(office: &Office, day: i64) {
    office.clock.set(START_US + day * DAY_US + 2 * HOUR_US);
}

async fn run(office: &Office) {
    office.capacity.run(&|_, _| {}).await.unwrap();
}

async fn put(office: &Office, kind: InventoryKind, name: &str, record: Value) {
    office.inventory.put(kind, name, record, None, &ines()).await.unwrap();
}

/// Somebody who sells 4,000 bytes of it for 400.00, and a budget of a thousand.
async fn market(office: &Office, kind: &str) {
    put(office, InventoryKind::Supplier, "acme", json!({ "lead_time_days": 10 })).await;
    let offer = json!({ "supplier": "acme", "item": "store", "resource_kind": kind, "capacity": 4_000, "unit": "bytes", "one_off_minor": 40_000,
        "currency": "EUR", "valid_until": "2029-12-31", "delivery_days": 10 });
    put(office, InventoryKind::Offer, "store-1", offer).await;
    let budget = json!({ "year": 2027, "line": "storage", "currency": "EUR", "planned_minor": 100_000, "resource_kinds": [kind] });
    put(office, InventoryKind::Budget, "2027/storage", budget).await;
}

async fn all(office: &Office) -> Vec<Proposal> {
    office.capacity.proposals().list(None, None, 100).await.unwrap()
}

async fn kinds(office: &Office, number: i64) -> Vec<String> {
    office.capacity.proposals().get(number).await.unwrap().events.into_iter().map(|event| event.kind).collect()
}

/// A volume of 1,000 on db01 that grows by 5 a day from 100 on, for half a year.
fn growing<'a>(labels: &'a [(&'a str, &'a str)], free: &'a dyn Fn(i64) -> Option<f64>) -> [Measured<'a>; 2] {
    [
        Measured { name: "node_filesystem_size_bytes", host: "db01", labels, value: &|_| Some(1_000.0) },
        Measured { name: "node_filesystem_avail_bytes", host: "db01", labels, value: free },
    ]
}

/// Buys the option that is an offer; gives its place.
async fn approve(office: &Office, proposal: &Proposal) -> i64 {
    let place = 1 + proposal.options.options.iter().position(|option| option.offer.is_some()).unwrap();
    let decision = Decision::Approve { option: place, why: "cheapest".into(), allow_overrun: false };
    let decided = office
        .capacity
        .proposals()
        .decide(proposal.number, Some(proposal.version), &decision, (&office.register.setup(), &ines()))
        .await
        .unwrap();
    decided.proposal.ticket.unwrap()
}

async fn committed(office: &Office) -> i64 {
    office.inventory.budget_book("2027/storage", None, 10).await.unwrap().standing.committed_minor
}

#[tokio::test]
async fn what_is_put_off_comes_back_on_its_day_and_what_is_rejected_rests() {
    let measured = growing(&[("mountpoint", "/data")], &|hour| Some((900.0 - 5.0 * (hour / 24) as f64).max(110.0)));
    let office = office(&measured, 175).await;
    morning(&office, 120);
    run(&office).await;
    market(&office, "filesystem").await;
    run(&office).await;
    let proposals = office.capacity.proposals();
    let first = all(&office).await.remove(0);
    assert_eq!((first.number, first.state), (1, ProposalState::Open));
    // Wherever the report says by when to order, it counts the delivery of what is proposed: ten days, not the policy's thirty.
    let report = office.capacity.report("", None).await.unwrap();
    let told = &report.resources[0];
    assert_eq!((told.order_by, report.proposals[0].order_by), (report.proposals[0].order_by, told.order_by));
    let days = |name: &str| told.order_by_terms.iter().find(|term| term.name == name).map(|term| term.value);
    let (lower, order_by) = (days("lower").unwrap(), days("order_by").unwrap());
    assert_eq!(days("delivery"), Some(10.0));
    assert_eq!(lower - order_by, 10.0 + days("approval").unwrap() + days("installation").unwrap());
    assert_eq!(told.order_by.map(|day| day_of(day) as f64), Some(order_by));
    assert_eq!(report.summary.order_now, 1, "the threshold is days away");
    // Put off: nobody hears of it until the day.
    let today = day_of(office.inventory.today());
    let until = date_text(today + 5).parse().unwrap();
    let past = Decision::Defer { until: office.inventory.today(), why: String::new() };
    assert!(
        proposals.decide(1, None, &past, (&office.register.setup(), &ines())).await.unwrap_err().to_string().contains("not in the future")
    );
    proposals
        .decide(1, None, &Decision::Defer { until, why: "the budget of April".into() }, (&office.register.setup(), &ines()))
        .await
        .unwrap();
    for (day, state) in [(121, ProposalState::Deferred), (124, ProposalState::Deferred), (125, ProposalState::Open)] {
        morning(&office, day);
        run(&office).await;
        assert_eq!(all(&office).await[0].state, state, "day {day}");
    }
    assert!(kinds(&office, 1).await.contains(&"reopened".to_owned()), "{:?}", kinds(&office, 1).await);
    // Approved, and then rejected: the money is free again, and the change is over.
    let ticket = approve(&office, &all(&office).await[0]).await;
    assert_eq!(committed(&office).await, 40_000);
    assert_eq!(office.capacity.report("", None).await.unwrap().summary.order_now, 0, "it is decided");
    proposals
        .decide(
            1,
            None,
            &Decision::Reject { why: "we move it to the other site".into(), allow_overrun: false },
            (&office.register.setup(), &ines()),
        )
        .await
        .unwrap();
    assert_eq!(committed(&office).await, 0);
    assert_eq!(office.capacity.report("", None).await.unwrap().summary.order_now, 0, "and so is this");
    assert_eq!(office.desk.get(ticket).await.unwrap().ticket.state, TicketState::Resolved);
    let again = Decision::Reject { why: "twice".into(), allow_overrun: false };
    assert!(
        proposals
            .decide(1, None, &again, (&office.register.setup(), &ines()))
            .await
            .unwrap_err()
            .to_string()
            .contains("cannot be rejected")
    );
    // It is not proposed again for a month, though it crosses.
    for (day, count) in [(126, 1), (150, 1), (156, 2)] {
        morning(&office, day);
        run(&office).await;
        assert_eq!(all(&office).await.len(), count, "day {day}");
    }
}

#[tokio::test]
async fn a_proposal_whose_limit_is_gone_is_withdrawn_and_says_why() {
    let size = |hour: i64| (hour < 121 * 24).then_some(1_000.0);
    let free = |hour: i64| Some(900.0 - 5.0 * (hour / 24) as f64);
    let mut measured = growing(&[("mountpoint", "/data")], &free);
    measured[0].value = &size;
    // Without the size there is no use either: the volume is watched by its use alone from then on, and its limit is gone.
    let office = office(&measured, 130).await;
    morning(&office, 120);
    run(&office).await;
    assert_eq!(all(&office).await[0].state, ProposalState::Open);
    morning(&office, 129);
    run(&office).await;
    assert_eq!(all(&office).await[0].state, ProposalState::Withdrawn);
    let events = office.capacity.proposals().get(1).await.unwrap().events;
    let why = events.last().unwrap().detail["why"].as_str().unwrap_or_default().to_owned();
    assert!(why.contains("not measured any more") || why.contains("limit is not known"), "{why}");
}

#[tokio::test]
async fn what_was_bought_makes_the_asset_larger_that_limits_the_resource() {
    let measured = [Measured {
        name: "pg_database_size_bytes",
        host: "db01",
        labels: &[("datname", "orders")],
        value: &|hour| Some(100.0 + 5.0 * (hour / 24) as f64),
    }];
    let office = office(&measured, 140).await;
    let asset =
        |capacity: u32| json!({ "kind": "disk", "host": "db01", "resource_kind": "database_size", "capacity": capacity, "unit": "bytes" });
    put(&office, InventoryKind::Asset, "shelf-1", asset(900)).await;
    morning(&office, 120);
    run(&office).await;
    market(&office, "database_size").await;
    run(&office).await;
    let proposal = all(&office).await.remove(0);
    assert_eq!((proposal.facts.need.limit, proposal.facts.need.threshold), (900.0, 720.0));
    approve(&office, &proposal).await;
    morning(&office, 131);
    let delivery = NewDelivery { delivered_on: office.inventory.today(), paid_minor: Some(39_000), note: String::new() };
    office.capacity.proposals().deliver(1, None, &delivery, &ines()).await.unwrap();
    let stored = office.inventory.get(InventoryKind::Asset, "shelf-1").await.unwrap();
    assert_eq!(stored.record["capacity"].as_f64(), Some(4_900.0));
    let standing = office.inventory.budget_book("2027/storage", None, 10).await.unwrap().standing;
    assert_eq!((standing.committed_minor, standing.spent_minor), (0, 39_000));
    run(&office).await;
    let after = office.capacity.list(&super::StandingFilter { limit: 10, ..Default::default() }).await.unwrap().remove(0);
    assert_eq!((after.limit, after.threshold), (Some(4_900.0), Some(3_920.0)), "the forecast starts again from the new limit");
    assert_ne!(after.status, "crosses");
}

#[tokio::test]
async fn what_failed_often_by_its_tickets_is_replaced() {
    let office = office(&[], 1).await;
    market(&office, "disk_space").await;
    let asset = json!({ "kind": "disk", "host": "db01", "resource_kind": "disk_space", "capacity": 4_000, "unit": "bytes", "bought_on": "2022-11-23" });
    put(&office, InventoryKind::Asset, "shelf-1", asset).await;
    let question = |failures| RepairQuestion {
        repair_cost: crate::inventory::Money::new(6_800, "EUR".parse().unwrap()),
        mean_repair_cost: None,
        downtime_days: 1,
        failures,
        cost_of_outage_per_day: None,
    };
    let failures = async |failures| {
        let advice = office.capacity.proposals().repair_or_replace("shelf-1", &question(failures), &office.register.setup()).await.unwrap();
        (advice.terms.iter().find(|term| term.name == "failures").unwrap().value, advice.advice)
    };
    assert_eq!(failures(None).await, (1.0, crate::purchase::Advice::Repair), "today");
    let ticket = json!({ "title": "a disk of the shelf is dead", "entity": { "asset": "shelf-1" } });
    for _ in 0..2 {
        // Two tickets of one day are one failure.
        for _ in 0..2 {
            office.desk.create(&serde_json::from_value(ticket.clone()).unwrap(), &ines(), None).await.unwrap();
        }
        office.clock.set(office.clock.now_us() + 7 * DAY_US);
    }
    let request = json!({ "title": "a label for the shelf", "kind": "request", "entity": { "asset": "shelf-1" } });
    office.desk.create(&serde_json::from_value(request).unwrap(), &ines(), None).await.unwrap();
    office.clock.set(office.clock.now_us() + 7 * DAY_US);
    let (counted, _) = failures(None).await;
    assert_eq!(counted, 2.0, "two days, of which one is this time: its ticket is open; a request is no failure");
    for number in 1..=4 {
        let to = |state| crate::desk::Change { state: Some(state), ..crate::desk::Change::default() };
        office.desk.change(number, None, &to(TicketState::Resolved), &ines()).await.unwrap();
    }
    let (counted, often) = failures(None).await;
    assert_eq!(counted, 3.0, "those are mended, and it failed again today");
    assert_eq!(failures(Some(Vec::new())).await.0, 0.0, "who knows better says so");
    assert_eq!(often, crate::purchase::Advice::Replace);
}

#[tokio::test]
async fn room_is_offered_to_one_need_and_only_next_door() {
    let free = |hour: i64| Some(900.0 - 5.0 * (hour / 24) as f64);
    let (data, index, backup) = ([("mountpoint", "/data")], [("mountpoint", "/index")], [("mountpoint", "/backup")]);
    let steady = |host, labels| {
        [
            Measured { name: "node_filesystem_size_bytes", host, labels, value: &|_| Some(9_000.0) },
            Measured { name: "node_filesystem_avail_bytes", host, labels, value: &|hour| Some(8_500.0 + (hour % 3) as f64) },
        ]
    };
    let volumes = [growing(&data, &free), growing(&index, &free), steady("db01", &backup), steady("db02", &backup)];
    let measured: Vec<Measured<'_>> = volumes.into_iter().flatten().collect();
    let office = office(&measured, 120).await;
    run(&office).await;
    let proposals = all(&office).await;
    assert_eq!(proposals.len(), 2);
    let rooms = |proposal: &Proposal| -> Vec<(OptionKind, String)> {
        let of = proposal.options.options.iter().filter_map(|option| Some((option.kind, option.other_resource.clone()?)));
        of.collect()
    };
    let mut offered: Vec<(OptionKind, String)> = proposals.iter().flat_map(rooms).collect();
    offered.sort_by_key(|(kind, _)| format!("{kind:?}"));
    let expected = [(OptionKind::MoveLoad, "db01 /backup".to_owned()), (OptionKind::Reuse, "db01 /backup".to_owned())];
    assert_eq!(offered, expected, "once, and nothing of db02");
    // The next run says the same: whose room it is does not change from day to day.
    run(&office).await;
    let again = all(&office).await;
    assert_eq!(
        again.iter().map(|it| (it.number, it.version, rooms(it))).collect::<Vec<_>>(),
        proposals.iter().map(|it| (it.number, it.version, rooms(it))).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn capacity_that_is_used_elsewhere_is_taken_from_where_it_was() {
    let grows = |hour: i64| Some(100.0 + 5.0 * (hour / 24) as f64);
    let rests = |hour: i64| Some(100.0 + (hour % 3) as f64);
    let database = |name: &'static [(&'static str, &'static str)], value| Measured {
        name: "pg_database_size_bytes",
        host: "db01",
        labels: name,
        value,
    };
    let measured = [database(&[("datname", "orders")], &grows), database(&[("datname", "stock")], &rests)];
    let office = office(&measured, 120).await;
    for (name, capacity) in [("orders", 1_000), ("stock", 50_000)] {
        let asset = json!({ "kind": "disk", "host": "db01", "resource_kind": "database_size", "capacity": capacity, "unit": "bytes" });
        put(&office, InventoryKind::Asset, name, asset).await;
    }
    run(&office).await;
    let proposal = all(&office).await.remove(0);
    let at = proposal.options.options.iter().position(|option| option.kind == OptionKind::Reuse).unwrap();
    let gained = proposal.options.options[at].capacity_gained;
    assert_eq!(proposal.options.options[at].other_resource.as_deref(), Some("db01 stock"));
    let (proposals, setup) = (office.capacity.proposals(), office.register.setup());
    let approve = Decision::Approve { option: at + 1, why: String::new(), allow_overrun: false };
    proposals.decide(proposal.number, Some(proposal.version), &approve, (&setup, &ines())).await.unwrap();
    let delivery = NewDelivery { delivered_on: office.inventory.today(), paid_minor: None, note: String::new() };
    proposals.deliver(proposal.number, None, &delivery, &ines()).await.unwrap();
    let capacity = async |name| office.inventory.get(InventoryKind::Asset, name).await.unwrap().record["capacity"].as_f64().unwrap();
    assert!(gained > 0.0 && (capacity("orders").await - 1_000.0 - gained).abs() < 1e-6);
    assert!((capacity("stock").await - 50_000.0 + gained).abs() < 1e-6, "what one gains the other has no longer");
}

#[tokio::test]
async fn a_report_of_the_past_tells_what_was_offered_then() {
    let measured = growing(&[("mountpoint", "/data")], &|hour| Some((900.0 - 5.0 * (hour / 24) as f64).max(110.0)));
    let office = office(&measured, 140).await;
    morning(&office, 100);
    market(&office, "filesystem").await;
    run(&office).await;
    morning(&office, 101);
    run(&office).await;
    let report = office.capacity.report("", None).await.unwrap();
    let then = report.as_of;

    // Ten days later it is dearer, another has come, the budget is larger, and somebody has decided.
    morning(&office, 110);
    let offer = |one_off_minor: i64| {
        json!({ "supplier": "acme", "item": "store", "resource_kind": "filesystem", "capacity": 4_000, "unit": "bytes",
            "one_off_minor": one_off_minor, "currency": "EUR", "valid_until": "2029-12-31", "delivery_days": 10 })
    };
    put(&office, InventoryKind::Offer, "store-1", offer(55_000)).await;
    put(&office, InventoryKind::Offer, "store-2", offer(50_000)).await;
    let budget = json!({ "year": 2027, "line": "storage", "currency": "EUR", "planned_minor": 900_000, "resource_kinds": ["filesystem"] });
    put(&office, InventoryKind::Budget, "2027/storage", budget).await;
    run(&office).await;
    approve(&office, &all(&office).await[0]).await;
    assert_eq!(committed(&office).await, 50_000);

    let past = office.capacity.report("", Some(then)).await.unwrap();
    let (was, told) = (&report.proposals[0], &past.proposals[0]);
    assert_eq!((told.state.as_str(), &told.title, told.order_by, &told.decision), ("open", &was.title, was.order_by, &None));
    let offers = |options: &[crate::report::Option_]| -> Vec<(String, Option<i64>, Option<i64>)> {
        options.iter().map(|it| (it.title.clone(), it.npv_minor, it.budget_left_after_minor)).collect()
    };
    assert_eq!(offers(&told.options), offers(&was.options));
    assert_eq!((&past.budgets, &past.summary), (&report.budgets, &report.summary));
    let prices = |sheet: &Option<Value>| sheet.as_ref().unwrap()["price_history"].clone();
    assert_eq!(prices(&told.sheet), prices(&was.sheet), "nobody knew the later price");
    assert_eq!(past.resources[0].order_by, report.resources[0].order_by);
}
