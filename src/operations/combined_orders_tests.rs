use serde_json::json;

use super::*;
use crate::clock::{DAY_US, HOUR_US};
use crate::desk::TicketState;
use crate::operations::capacity_days_test::{Measured, START_US};
use crate::operations::capacity_test::{Office, office};
use crate::operations::{NewDelivery, ProposalDetail};

#[test]
fn a_decision_names_its_proposals_by_number() {
    let read = |value: Value| serde_json::from_value::<CombinedDecision>(value);
    let approve = read(json!({ "decision": "approve", "proposals": { "3": 1, "12": 4 }, "npv_minor": 5 })).unwrap();
    assert_eq!(approve.proposals(), &Versions::from([(3, 1), (12, 4)]));
    let wrong = read(json!({ "decision": "approve", "proposals": { "three": 1 } })).unwrap_err().to_string();
    assert!(wrong.contains("`three` is no number of a proposal"), "{wrong}");
    assert!(read(json!({ "decision": "reject", "proposals": { "3": 1, "4": 1 } })).is_err(), "a rejection says why");
    assert!(read(json!({ "decision": "defer", "proposals": { "3": 1 }, "until": "2027-01-01", "option": 1 })).is_err());
}

fn ines() -> Actor {
    Actor { name: "user ines".into(), origin: "test".into() }
}

/// Three databases that grow alike, each on a disk of its own, and somebody who sells three disks cheaper than one.
async fn three_databases() -> Office {
    let value = |hour: i64| Some(100.0 + 5.0 * (hour / 24) as f64);
    let measured = ["db01", "db02", "db03"].map(|host| Measured {
        name: "pg_database_size_bytes",
        host,
        labels: &[("datname", "orders")],
        value: &value,
    });
    let office = office(&measured, 80).await;
    let put = async |kind, name: &str, record: Value| office.inventory.put(kind, name, record, None, &ines()).await.unwrap();
    for host in ["db01", "db02", "db03"] {
        let asset = json!({ "kind": "disk", "host": host, "resource_kind": "database_size", "capacity": 900, "unit": "bytes" });
        put(InventoryKind::Asset, &format!("disk-{host}"), asset).await;
    }
    put(InventoryKind::Supplier, "acme", json!({ "lead_time_days": 10 })).await;
    let offer = json!({ "supplier": "acme", "item": "disk", "resource_kind": "database_size", "capacity": 4_000, "unit": "bytes",
        "one_off_minor": 40_000, "steps": [{ "from": 4, "one_off_minor": 25_001 }], "currency": "EUR", "valid_until": "2029-12-31",
        "delivery_days": 10 });
    put(InventoryKind::Offer, "disk-1", offer).await;
    let budget =
        json!({ "year": 2027, "line": "storage", "currency": "EUR", "planned_minor": 120_000, "resource_kinds": ["database_size"] });
    put(InventoryKind::Budget, "2027/storage", budget).await;
    office.clock.set(START_US + 60 * DAY_US + 2 * HOUR_US);
    office.capacity.run(&|_, _| {}).await.unwrap();
    office
}

impl Office {
    async fn proposal(&self, number: i64) -> ProposalDetail {
        self.capacity.proposals().get(number).await.unwrap()
    }

    async fn committed(&self) -> i64 {
        self.inventory.budget_book("2027/storage", None, 10).await.unwrap().standing.committed_minor
    }

    async fn decide_together(&self, decision: Value) -> Result<CombinedOutcome, ProposalError> {
        let decision = serde_json::from_value(decision).unwrap();
        self.capacity.proposals().decide_together("disk-1", &decision, &self.register.setup(), &ines(), None).await
    }

    async fn versions(&self) -> Value {
        let mut versions = Versions::new();
        for number in 1..=3 {
            versions.insert(number, self.proposal(number).await.proposal.version);
        }
        json!(versions)
    }
}

#[tokio::test]
async fn what_is_taken_back_of_an_order_is_free_again_and_the_rest_is_delivered() {
    let office = three_databases().await;
    // Three are needed; four at 250.01 are less than three at 400.00, and the fourth is for the first of equals.
    let decided = office.decide_together(json!({ "decision": "approve", "proposals": office.versions().await })).await.unwrap();
    let (order, ticket) = (decided.order.unwrap(), decided.ticket.unwrap());
    assert_eq!((order.quantity, order.npv_minor), (4, 100_004));
    let shares: Vec<_> = order.shares.iter().map(|it| (it.proposal, it.quantity, it.budget_minor)).collect();
    let resources: Vec<_> = order.shares.iter().map(|it| it.resource.as_str()).collect();
    assert_eq!(resources, ["db01 orders", "db02 orders", "db03 orders"]);
    assert_eq!(shares.iter().map(|it| it.1).collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!(shares.iter().map(|it| it.2.unwrap()).collect::<Vec<_>>(), [33_335, 33_335, 33_334]);
    assert_eq!(office.committed().await, 100_004);

    let of = |host: &str| order.shares.iter().find(|it| it.resource.starts_with(host)).unwrap();
    let proposals = office.capacity.proposals();
    let reject = crate::operations::Decision::Reject { why: "it moves away".into() };
    proposals.decide(of("db02").proposal, None, &reject, &ines()).await.unwrap();
    assert_eq!(office.committed().await, 100_004 - 33_335);
    let said = office.desk.get(ticket).await.unwrap();
    let told = serde_json::to_string(&said.history).unwrap();
    assert!(said.ticket.state.is_open() && told.contains("was rejected: it moves away (333.35 EUR of the budget 2027/storage"), "{told}");
    let orders = proposals.combined(&office.register.setup()).await.unwrap();
    assert_eq!(orders.approved[0].parts[&of("db02").proposal], "rejected");

    office.clock.set(START_US + 75 * DAY_US + 2 * HOUR_US);
    let delivery = NewDelivery { delivered_on: office.inventory.today(), paid_minor: None, note: String::new() };
    for (host, capacity) in [("db03", 4_900.0), ("db01", 8_900.0)] {
        assert!(office.desk.get(ticket).await.unwrap().ticket.state.is_open());
        proposals.deliver(of(host).proposal, None, &delivery, &ines()).await.unwrap();
        let asset = office.inventory.get(InventoryKind::Asset, &format!("disk-{host}")).await.unwrap();
        assert_eq!(asset.record["capacity"].as_f64(), Some(capacity), "{host} has grown by its pieces");
    }
    assert_eq!(office.desk.get(ticket).await.unwrap().ticket.state, TicketState::Resolved);
    let standing = office.inventory.budget_book("2027/storage", None, 10).await.unwrap().standing;
    assert_eq!((standing.committed_minor, standing.spent_minor), (0, 33_335 + 33_334));
}

#[tokio::test]
async fn an_order_is_put_off_taken_back_or_too_late_as_a_whole() {
    let office = three_databases().await;
    let until = crate::operations::date_text(crate::operations::day_of(office.inventory.today()) + 1);
    let past = json!({ "decision": "defer", "proposals": office.versions().await, "until": "2020-01-01" });
    assert!(office.decide_together(past).await.unwrap_err().to_string().contains("not in the future"));
    let defer = json!({ "decision": "defer", "proposals": office.versions().await, "until": until });
    let deferred = office.decide_together(defer).await.unwrap();
    assert!(deferred.proposals.iter().all(|it| it["state"] == "deferred" && it["again_on"] == json!(until)), "{deferred:?}");
    let approve = json!({ "decision": "approve", "proposals": office.versions().await });
    let why = office.decide_together(approve).await.unwrap_err().to_string();
    assert!(why.contains("is deferred and cannot be approved together"), "{why}");
    office.clock.set(START_US + 61 * DAY_US + 2 * HOUR_US);
    office.capacity.run(&|_, _| {}).await.unwrap();

    // No budget pays for it, unless somebody says so.
    let line = json!({ "year": 2027, "line": "storage", "currency": "EUR", "planned_minor": 120_000, "resource_kinds": ["memory"] });
    office.inventory.put(InventoryKind::Budget, "2027/storage", line, None, &ines()).await.unwrap();
    office.capacity.run(&|_, _| {}).await.unwrap();
    let mut approve = json!({ "decision": "approve", "proposals": office.versions().await });
    let why = office.decide_together(approve.clone()).await.unwrap_err().to_string();
    assert!(why.contains("no budget line pays for it"), "{why}");
    approve["allow_overrun"] = json!(true);
    let ticket = office.decide_together(approve).await.unwrap().ticket.unwrap();
    assert_eq!(office.committed().await, 0);

    // The whole order is taken back: the change is over.
    let reject = json!({ "decision": "reject", "proposals": office.versions().await, "why": "no disks this year" });
    let rejected = office.decide_together(reject).await.unwrap();
    assert!(rejected.proposals.iter().all(|it| it["state"] == "rejected"), "{rejected:?}");
    assert_eq!(office.desk.get(ticket).await.unwrap().ticket.state, TicketState::Resolved);
}

#[tokio::test]
async fn an_offer_that_is_over_is_not_ordered() {
    let office = three_databases().await;
    let approve = json!({ "decision": "approve", "proposals": office.versions().await });
    office.clock.set(START_US + 2_000 * DAY_US);
    let why = office.decide_together(approve.clone()).await.unwrap_err().to_string();
    assert!(why.contains("the offer `disk-1` was valid until 2029-12-31; ask acme to renew it"), "{why}");
    office.clock.set(START_US + 60 * DAY_US + 3 * HOUR_US);
    let mut dearer = office.inventory.get(InventoryKind::Offer, "disk-1").await.unwrap().record;
    dearer["one_off_minor"] = json!(40_001);
    office.inventory.put(InventoryKind::Offer, "disk-1", dearer, None, &ines()).await.unwrap();
    let why = office.decide_together(approve.clone()).await.unwrap_err().to_string();
    assert!(why.contains("the offer `disk-1` has changed since"), "{why}");
    // One of them is decided alone meanwhile.
    office.capacity.run(&|_, _| {}).await.unwrap();
    let approve = json!({ "decision": "approve", "proposals": office.versions().await });
    let reject = crate::operations::Decision::Reject { why: "not this one".into() };
    office.capacity.proposals().decide(2, None, &reject, &ines()).await.unwrap();
    let why = office.decide_together(approve).await.unwrap_err().to_string();
    assert!(why.starts_with("proposal 2 (it is rejected, at version"), "{why}");
    assert_eq!((office.proposal(1).await.proposal.state, office.committed().await), (ProposalState::Open, 0));
}
