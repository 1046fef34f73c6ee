use serde_json::json;

use super::*;
use crate::clock::{DAY_US, HOUR_US};
use crate::desk::TicketState;
use crate::inventory::InventoryKind;
use crate::operations::capacity_days_test::{Measured, START_US};
use crate::operations::capacity_test::{Office, office};
use crate::operations::{Decision, NewDelivery};

fn ines() -> Actor {
    Actor { name: "user ines".into(), origin: "test".into() }
}

/// A volume of 1,000 that grows by 5 a day from 100 on, with 300 less from a day on; two months are planned, and a disk is offered.
async fn volume(cleaned_on: i64) -> Office {
    let free = |hour: i64| Some(900.0 - 5.0 * (hour / 24) as f64 + if hour / 24 >= cleaned_on { 300.0 } else { 0.0 });
    let labels: &[(&str, &str)] = &[("mountpoint", "/data")];
    let measured = [
        Measured { name: "node_filesystem_size_bytes", host: "db01", labels, value: &|_| Some(1_000.0) },
        Measured { name: "node_filesystem_avail_bytes", host: "db01", labels, value: &free },
    ];
    let office = office(&measured, 140).await;
    let policy = json!({ "currency": "EUR", "planning_horizon_days": 60, "approval_days": 2 });
    office.register.put("purchase_policy", "default", &policy, None, &ines()).await.unwrap();
    let put = async |kind, name: &str, record: Value| office.inventory.put(kind, name, record, None, &ines()).await.unwrap();
    put(InventoryKind::Supplier, "acme", json!({ "lead_time_days": 5 })).await;
    let offer = json!({ "supplier": "acme", "item": "disk", "resource_kind": "filesystem", "capacity": 500, "unit": "bytes",
        "one_off_minor": 40_000, "currency": "EUR", "valid_until": "2029-12-31", "delivery_days": 5 });
    put(InventoryKind::Offer, "disk-1", offer).await;
    let budget = json!({ "year": 2027, "line": "storage", "currency": "EUR", "planned_minor": 100_000, "resource_kinds": ["filesystem"] });
    put(InventoryKind::Budget, "2027/storage", budget).await;
    office.judge_on(120).await;
    office
}

impl Office {
    async fn judge_on(&self, day: i64) {
        self.clock.set(START_US + day * DAY_US + 2 * HOUR_US);
        self.capacity.run(&|_, _| {}).await.unwrap();
    }

    async fn only(&self) -> ProposalDetail {
        self.capacity.proposals().get(1).await.unwrap()
    }

    async fn agree(&self, clean_up: Value) -> Result<ProposalDetail, CapacityError> {
        let new = serde_json::from_value(clean_up).unwrap();
        self.capacity.agree_clean_up(1, None, &new, (&ines(), None)).await
    }

    async fn refused(&self, clean_up: Value) -> String {
        self.agree(clean_up).await.unwrap_err().to_string()
    }

    /// So much goes by so many days from now.
    async fn agree_to(&self, amount: f64, days: i64) -> ProposalDetail {
        let by_when = date_of(day_of(self.inventory.today()) + days);
        self.agree(json!({ "amount": amount, "what": "old exports", "by_when": by_when })).await.unwrap()
    }

    async fn approve_first(&self) -> i64 {
        let decision = Decision::Approve { option: 1, why: String::new(), allow_overrun: false };
        let version = self.only().await.proposal.version;
        self.capacity
            .proposals()
            .decide(1, Some(version), &decision, (&self.register.setup(), &ines()))
            .await
            .unwrap()
            .proposal
            .ticket
            .unwrap()
    }
}

fn kinds(detail: &ProposalDetail) -> Vec<&str> {
    detail.events.iter().map(|event| event.kind.as_str()).collect()
}

fn clean_up(detail: &ProposalDetail) -> Option<&PurchaseOption> {
    detail.proposal.options.options.iter().find(|option| option.kind == OptionKind::CleanUp)
}

#[tokio::test]
async fn a_clean_up_counts_from_the_agreement_until_it_is_taken_back() {
    let office = volume(i64::MAX).await;
    let before = office.only().await;
    assert_eq!((clean_up(&before), before.proposal.options.options[0].offer.as_deref()), (None, Some("disk-1")));

    // Too little does not help, and says by how much.
    let little = office.agree_to(50.0, 10).await;
    let option = clean_up(&little).unwrap();
    assert!(!option.feasible && option.against[0].contains("that are needed"), "{option:?}");
    assert_eq!(little.proposal.options.options[0].offer.as_deref(), Some("disk-1"));

    // Enough is the first choice, and stays it from run to run without another event.
    let enough = office.agree_to(300.0, 10).await;
    let first = &enough.proposal.options.options[0];
    assert_eq!((first.kind, first.feasible), (OptionKind::CleanUp, true), "{first:?}");
    assert!(first.title.contains("old exports (ines has agreed)"), "{}", first.title);
    office.judge_on(121).await;
    let later = office.only().await;
    assert_eq!((later.proposal.options.options[0].kind, kinds(&later)), (OptionKind::CleanUp, kinds(&enough)));
    assert!(later.events.iter().filter(|event| event.kind == "clean_up_agreed").count() == 2, "{:?}", kinds(&later));
    // Work that costs more than the disk is not.
    let by_when = date_of(day_of(office.inventory.today()) + 10);
    let dear = json!({ "amount": 300, "what": "by hand", "by_when": by_when, "by": "omar", "labour_cost": { "minor": 500_000, "currency": "EUR" } });
    let dear = office.agree(dear).await.unwrap();
    assert_eq!(dear.proposal.options.options[0].offer.as_deref(), Some("disk-1"));
    assert_eq!(dear.events.last().unwrap().detail["agreed"]["by"], "omar");

    // As of a day of the past it is open all the same.
    let report = office.capacity.report("", None).await.unwrap();
    assert_eq!((report.proposals[0].state.as_str(), report.summary.proposals_open), ("open", 1));

    let setup = office.register.setup();
    let stale = office.capacity.proposals().take_back_clean_up(1, Some(1), &setup, &ines()).await.unwrap_err();
    assert!(matches!(stale, ProposalError::Conflict { .. }), "{stale}");
    let taken_back = office.capacity.proposals().take_back_clean_up(1, None, &setup, &ines()).await.unwrap();
    assert_eq!((clean_up(&taken_back), kinds(&taken_back).last()), (None, Some(&"clean_up_taken_back")));
    let again = office.capacity.proposals().take_back_clean_up(1, None, &setup, &ines()).await.unwrap_err();
    assert!(again.to_string().contains("no clean-up is agreed"), "{again}");
}

#[tokio::test]
async fn what_makes_no_sense_is_not_agreed() {
    let office = volume(i64::MAX).await;
    let today = office.inventory.today();
    let with = |field: &str, value: Value| {
        let mut clean_up = json!({ "amount": 300, "what": "old exports", "by_when": today });
        clean_up[field] = value;
        clean_up
    };
    let wrong = [
        ("amount", json!(0), "at most what is in use"),
        ("amount", json!(5_000), "at most what is in use, 695 bytes"),
        ("what", json!(" "), "what goes"),
        ("what", json!("a\nb"), "what goes"),
        ("by_when", json!("2020-01-01"), "within two years"),
        ("by_when", json!("2040-01-01"), "within two years"),
        ("by", json!(""), "who has agreed"),
        ("labour_cost", json!({ "minor": -1, "currency": "EUR" }), "is no cost"),
        ("labour_cost", json!({ "minor": 1, "currency": "USD" }), "has no rate"),
    ];
    for (field, value, why) in wrong {
        let said = office.refused(with(field, value.clone())).await;
        assert!(said.contains(why), "{field} {value}: {said}");
    }
    // What nobody measures any more would be cleaned up unseen.
    office.clock.set(START_US + 150 * DAY_US);
    let said = office.refused(json!({ "amount": 300, "what": "old exports", "by_when": office.inventory.today() })).await;
    assert!(said.contains("was not measured in the last week"), "{said}");
    assert_eq!(office.only().await.proposal.facts.need.agreed, None);
}

#[tokio::test]
async fn an_agreement_lapses_when_nothing_is_seen_of_it() {
    let office = volume(i64::MAX).await;
    office.agree_to(300.0, 4).await;
    office.judge_on(124).await;
    assert!(clean_up(&office.only().await).is_some_and(|option| option.feasible), "its day is not over");
    office.judge_on(126).await;
    let lapsed = office.only().await;
    assert_eq!((clean_up(&lapsed), lapsed.proposal.state), (None, ProposalState::Open));
    let event = lapsed.events.iter().find(|event| event.kind == "clean_up_lapsed").unwrap();
    assert!(
        event.detail["why"].as_str().unwrap().starts_with("use has fallen by 0 of the 300 bytes that were agreed by 2027-03-27"),
        "{event:?}"
    );
    assert_eq!(lapsed.proposal.options.options[0].offer.as_deref(), Some("disk-1"));
}

#[tokio::test]
async fn what_is_cleaned_up_counts_no_more_beside_the_smaller_need() {
    let office = volume(122).await;
    office.agree_to(300.0, 10).await;
    office.judge_on(124).await;
    let measured = office.only().await;
    assert!(kinds(&measured).contains(&"clean_up_measured"), "{:?}", kinds(&measured));
    assert_eq!((clean_up(&measured), measured.proposal.facts.need.agreed.as_ref()), (None, None));
}

#[tokio::test]
async fn an_approved_clean_up_is_delivered_by_measurement() {
    let office = volume(122).await;
    office.agree_to(300.0, 10).await;
    let ticket = office.approve_first().await;
    let opened = office.desk.get(ticket).await.unwrap().ticket;
    assert!(opened.description.contains("300 bytes go by 2027-04-02: old exports"), "{}", opened.description);
    let delivery = NewDelivery { delivered_on: office.inventory.today(), paid_minor: None, note: String::new() };
    let why = office.capacity.proposals().deliver(1, None, &delivery, &ines()).await.unwrap_err().to_string();
    assert!(why.contains("is done when the use that is measured has fallen"), "{why}");
    let why = office.capacity.proposals().take_back_clean_up(1, None, &office.register.setup(), &ines()).await.unwrap_err().to_string();
    assert!(why.contains("the clean-up was approved; reject"), "{why}");
    office.judge_on(122).await;
    assert_eq!(office.only().await.proposal.state, ProposalState::Approved, "nothing is seen of it yet");
    office.judge_on(124).await;
    let done = office.only().await;
    assert_eq!(done.proposal.state, ProposalState::Delivered);
    assert_eq!(done.events.last().unwrap().detail["fallen"].as_f64(), Some(290.0), "705 on the day before, 415 on the last");
    assert_eq!(office.desk.get(ticket).await.unwrap().ticket.state, TicketState::Resolved);
}

#[tokio::test]
async fn an_approved_clean_up_that_nobody_can_see_does_not_wait_forever() {
    let office = volume(i64::MAX).await;
    // It is measured for 140 days, and no more.
    office.agree_to(300.0, 30).await;
    let ticket = office.approve_first().await;
    office.judge_on(178).await;
    assert_eq!(office.only().await.proposal.state, ProposalState::Approved);
    office.judge_on(190).await;
    let given_up = office.only().await;
    let event = given_up.events.iter().find(|event| event.kind == "reopened").unwrap();
    let why = event.detail["why"].as_str().unwrap();
    assert!(why.starts_with("nobody measures it any more") && why.ends_with("the proposal is open again"), "{why}");
    assert_ne!(given_up.proposal.state, ProposalState::Approved);
    assert_eq!(office.desk.get(ticket).await.unwrap().ticket.state, TicketState::Resolved);
}

#[tokio::test]
async fn an_approved_clean_up_that_is_not_done_is_open_again() {
    let office = volume(i64::MAX).await;
    office.agree_to(300.0, 4).await;
    let ticket = office.approve_first().await;
    office.judge_on(126).await;
    let again = office.only().await;
    assert_eq!((again.proposal.state, again.proposal.chosen, again.proposal.ticket), (ProposalState::Open, None, None));
    assert_eq!((clean_up(&again), again.proposal.options.options[0].offer.as_deref()), (None, Some("disk-1")));
    assert!(kinds(&again).contains(&"reopened"), "{:?}", kinds(&again));
    assert_eq!(office.desk.get(ticket).await.unwrap().ticket.state, TicketState::Resolved);
    // On the day before it was approved, and so a report of that day says.
    let report = office.capacity.report("", Some(date_of(day_of(office.inventory.today()) - 4))).await.unwrap();
    assert_eq!(report.proposals[0].state, "approved");
}

#[tokio::test]
async fn what_a_clean_up_has_left_to_do_is_proposed_at_once() {
    let office = volume(122).await;
    let policy = json!({ "currency": "EUR", "planning_horizon_days": 200, "approval_days": 2 });
    office.register.put("purchase_policy", "default", &policy, None, &ines()).await.unwrap();
    office.judge_on(120).await;
    let agreed = office.agree_to(500.0, 10).await.proposal;
    let place = 1 + agreed.options.options.iter().position(|option| option.kind == OptionKind::CleanUp).unwrap();
    let decision = Decision::Approve { option: place, why: String::new(), allow_overrun: true };
    let (proposals, setup) = (office.capacity.proposals(), office.register.setup());
    proposals.decide(1, Some(agreed.version), &decision, (&setup, &ines())).await.unwrap();
    office.judge_on(124).await;
    assert_eq!(office.only().await.proposal.state, ProposalState::Delivered, "300 of 500");
    office.judge_on(125).await;
    let next = proposals.get(2).await.unwrap().proposal;
    assert_eq!((next.state, &next.resource), (ProposalState::Open, &agreed.resource), "it crosses all the same, and nobody waits a month");
    assert_eq!(office.capacity.report("", None).await.unwrap().summary.proposals_open, 1);
}
