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
    let approve = read(json!({ "decision": "approve", "proposals": { "3": 1, "12": 4 }, "digest": "5f" })).unwrap();
    assert_eq!(approve.proposals(), &Versions::from([(3, 1), (12, 4)]));
    let wrong = read(json!({ "decision": "approve", "proposals": { "three": 1 }, "digest": "5f" })).unwrap_err().to_string();
    assert!(wrong.contains("`three` is no number of a proposal"), "{wrong}");
    assert!(read(json!({ "decision": "approve", "proposals": { "3": 1, "4": 1 } })).is_err(), "an approval says what was read");
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
    office.plan(120_000, "database_size").await;
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

    /// The approval of what is told now; of what was told before where nothing is.
    async fn approval(&self) -> Value {
        let told = self.capacity.proposals().combined(&self.register.setup()).await.unwrap().combined;
        let digest = told.first().map_or_else(String::new, |told| told.digest.clone());
        json!({ "decision": "approve", "proposals": self.versions().await, "digest": digest })
    }

    async fn reject(&self, number: i64, allow_overrun: bool) -> Result<ProposalDetail, ProposalError> {
        let reject = crate::operations::Decision::Reject { why: "it moves away".into(), allow_overrun };
        self.capacity.proposals().decide(number, None, &reject, (&self.register.setup(), &ines())).await
    }

    async fn plan(&self, planned_minor: i64, kind: &str) {
        let line = json!({ "year": 2027, "line": "storage", "currency": "EUR", "planned_minor": planned_minor, "resource_kinds": [kind] });
        self.inventory.put(InventoryKind::Budget, "2027/storage", line, None, &ines()).await.unwrap();
    }

    async fn versions(&self) -> Value {
        let mut versions = Versions::new();
        for number in 1..=3 {
            versions.insert(number, self.proposal(number).await.proposal.version);
        }
        json!(versions)
    }
}

/// Three are needed; four at 250.01 are less than three at 400.00, and the fourth is for the first of equals.
async fn ordered(office: &Office) -> (Combined, i64) {
    let decided = office.decide_together(office.approval().await).await.unwrap();
    let order = decided.order.unwrap();
    assert_eq!((order.quantity, order.npv_minor, office.committed().await), (4, 100_004, 100_004));
    (order, decided.ticket.unwrap())
}

fn of<'o>(order: &'o Combined, host: &str) -> &'o crate::purchase::Share {
    order.shares.iter().find(|it| it.resource.starts_with(host)).unwrap()
}

#[tokio::test]
async fn a_proposal_that_is_ordered_with_others_says_what_its_share_is() {
    let office = three_databases().await;
    let (order, ticket) = ordered(&office).await;
    let shares: Vec<_> = order.shares.iter().map(|it| (it.resource.as_str(), it.quantity, it.budget_minor.unwrap())).collect();
    assert_eq!(shares, [("db01 orders", 2, 33_335), ("db02 orders", 1, 33_335), ("db03 orders", 1, 33_334)]);
    let first = office.proposal(of(&order, "db01").proposal).await.proposal;
    let chosen = &first.options.options[first.chosen.unwrap() as usize - 1];
    assert_eq!((chosen.quantity, chosen.capacity_gained, chosen.cost.npv_minor), (2, 8_000.0, 33_335));
    assert_eq!(chosen.budget.as_ref().unwrap().takes_minor, 33_335);
    let said = office.desk.get(ticket).await.unwrap().ticket.description;
    let day = order.budget.as_ref().unwrap().order_on;
    assert!(said.contains(&format!("Order 4 of disk-1 from acme on {day}, which is within the budget of 2027")), "{said}");
}

#[tokio::test]
async fn what_is_left_of_an_order_is_priced_anew_and_delivered() {
    let office = three_databases().await;
    let (order, ticket) = ordered(&office).await;
    // Two at 400.00 are less than four at 250.01.
    let freed = office.reject(of(&order, "db02").proposal, false).await.unwrap();
    assert_eq!((freed.proposal.state, office.committed().await), (ProposalState::Rejected, 80_000));
    let said = office.desk.get(ticket).await.unwrap();
    let told = serde_json::to_string(&said.history).unwrap();
    assert!(said.ticket.state.is_open() && told.contains("was rejected: it moves away (333.35 EUR of the budget 2027/storage"), "{told}");
    assert!(told.contains("Left of the order: 2 × disk instead of 4, for 800.00 EUR instead of 1000.04 EUR"), "{told}");
    assert!(told.contains("takes 800.00 EUR of the budget 2027/storage, of which 666.69 EUR were committed"), "{told}");
    assert_eq!(said.ticket.title, "Order 2 × disk of acme for db01 orders, db03 orders");
    let proposals = office.capacity.proposals();
    let orders = proposals.combined(&office.register.setup()).await.unwrap();
    let approved = &orders.approved[0];
    assert_eq!((approved.order.quantity, approved.parts[&of(&order, "db02").proposal].as_str()), (2, "rejected"));
    assert_eq!((approved.parts[&of(&order, "db01").proposal].as_str(), approved.by.as_str()), ("approved", "user ines"));

    office.clock.set(START_US + 75 * DAY_US + 2 * HOUR_US);
    let delivery = NewDelivery { delivered_on: office.inventory.today(), paid_minor: None, note: String::new() };
    for host in ["db03", "db01"] {
        assert!(office.desk.get(ticket).await.unwrap().ticket.state.is_open());
        proposals.deliver(of(&order, host).proposal, None, &delivery, &ines()).await.unwrap();
        let asset = office.inventory.get(InventoryKind::Asset, &format!("disk-{host}")).await.unwrap();
        assert_eq!(asset.record["capacity"].as_f64(), Some(4_900.0), "{host} has grown by its pieces");
    }
    assert_eq!(office.desk.get(ticket).await.unwrap().ticket.state, TicketState::Resolved);
    let standing = office.inventory.budget_book("2027/storage", None, 10).await.unwrap().standing;
    assert_eq!((standing.committed_minor, standing.spent_minor), (0, 80_000));
    let market = MarketData::load(&mut office.inventory.store.read().await.unwrap()).await.unwrap();
    assert_eq!(market.leads["acme"].seen_days, [15], "what comes of one order on one day is one delivery, ordered when it was approved");
}

#[tokio::test]
async fn the_rest_of_an_order_is_refused_where_the_budget_has_no_room_for_it() {
    let office = three_databases().await;
    let (order, ticket) = ordered(&office).await;
    office.plan(70_000, "database_size").await;
    let number = of(&order, "db02").proposal;
    let why = office.reject(number, false).await.unwrap_err().to_string();
    assert!(why.contains("overrun by 100.00 EUR: 700.00 EUR is left"), "{why}");
    assert_eq!((office.proposal(number).await.proposal.state, office.committed().await), (ProposalState::Approved, 100_004));
    office.reject(number, true).await.unwrap();
    assert_eq!(office.committed().await, 80_000);

    // What has begun to come was granted at its price.
    let delivery = NewDelivery { delivered_on: office.inventory.today(), paid_minor: None, note: String::new() };
    office.capacity.proposals().deliver(of(&order, "db01").proposal, None, &delivery, &ines()).await.unwrap();
    office.reject(of(&order, "db03").proposal, false).await.unwrap();
    assert_eq!(office.committed().await, 0);
    assert_eq!(office.desk.get(ticket).await.unwrap().ticket.state, TicketState::Resolved);
}

#[tokio::test]
async fn nothing_is_ordered_that_was_not_read() {
    let office = three_databases().await;
    let read = office.approval().await;
    // Another price, of which the proposals say nothing new before they are made anew: the order is not told.
    office.plan(120_001, "database_size").await;
    assert_eq!(office.approval().await, read, "what is left is no part of it");
    let mut forged = read.clone();
    forged["digest"] = json!("00");
    let why = office.decide_together(forged).await.unwrap_err().to_string();
    assert!(why.contains("not the one that was read: 4 × now cost 1000.04 EUR and takes 1000.04 EUR of the budget 2027/storage"), "{why}");
    let mut offer = office.inventory.get(InventoryKind::Offer, "disk-1").await.unwrap().record;
    offer["description"] = json!("other words");
    office.inventory.put(InventoryKind::Offer, "disk-1", offer, None, &ines()).await.unwrap();
    assert!(office.capacity.proposals().combined(&office.register.setup()).await.unwrap().combined.is_empty());
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
    let approve = office.approval().await;
    let why = office.decide_together(approve).await.unwrap_err().to_string();
    assert!(why.contains("is deferred and cannot be approved together"), "{why}");
    office.clock.set(START_US + 61 * DAY_US + 2 * HOUR_US);
    office.capacity.run(&|_, _| {}).await.unwrap();

    // No budget pays for it, unless somebody says so.
    office.plan(120_000, "memory").await;
    office.capacity.run(&|_, _| {}).await.unwrap();
    let mut approve = office.approval().await;
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
    let approve = office.approval().await;
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
    let approve = office.approval().await;
    office.reject(2, false).await.unwrap();
    let why = office.decide_together(approve).await.unwrap_err().to_string();
    assert!(why.starts_with("proposal 2 (it is rejected, at version"), "{why}");
    assert_eq!((office.proposal(1).await.proposal.state, office.committed().await), (ProposalState::Open, 0));
}
