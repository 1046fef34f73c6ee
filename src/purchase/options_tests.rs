use jiff::civil::date;

use super::*;
use crate::inventory::{CostPer, OfferAction, Rates};
use crate::purchase::samples::{ONE_PERCENT_A_MONTH, book, need, offer, options_of, policy, step};
use crate::purchase::{Consumer, LeadTime, OptionKind};

/// The one option that an offer is.
fn only(offer: Offer) -> PurchaseOption {
    options_of(&need(), &[("a", offer)], &[], &policy()).of_offer("a").unwrap().clone()
}

fn left_out(need: &Need, offer: Offer) -> String {
    let options = options_of(need, &[("a", offer)], &[], &policy());
    assert!(options.of_offer("a").is_none());
    options.left_out[0].why.clone()
}

fn term(option: &PurchaseOption, name: &str) -> f64 {
    option.terms.iter().find(|term| term.name == name).unwrap().value
}

fn close(one: Option<f64>, other: f64) -> bool {
    one.is_some_and(|one| (one - other).abs() < 1e-6 * other.abs().max(1.0))
}

#[test]
fn an_offer_is_worked_out_as_by_hand() {
    let options = options_of(&need(), &[("a", offer())], &[book(2026, 300_000)], &policy());
    let option = &options.options[0];
    assert_eq!(option.title, "Add 2 × disk of acme (a)");
    // 2 TB are needed, a piece has 1: 2 pieces, 2 × 1,000.00 = 2,000.00 and nothing running.
    assert_eq!((option.quantity, option.capacity_gained, option.cost.npv_minor), (2, 2.0, 200_000));
    // 2,000.00 ÷ 2 TB ÷ 36 months = 27.7778 per TB and month. After 36 months 7 + 0.01 × 1,095.7 = 17.96 TB are in use, so that
    // both are used.
    assert_eq!(options.price_unit, "TB");
    assert!(close(option.cost.per_unit_and_month_minor, 200_000.0 / 72.0));
    assert!(close(option.cost.per_used_unit_and_month_minor, 200_000.0 / 72.0));
    // 14 days of approval, 30 of delivery, 3 of installation are 47. From 22 November: 8 January; back from 2 February: 17 December.
    assert_eq!((option.schedule.arrives_on, option.schedule.order_by), (date(2027, 1, 8), Some(date(2026, 12, 17))));
    // 47 of the 72 days to 2.5 %: 1.63 %.
    assert!(close(Some(option.schedule.chance_too_late), 0.025 * 47.0 / 72.0));
    let budget = option.budget.as_ref().unwrap();
    assert_eq!((budget.line.as_str(), budget.order_on), ("2026/storage", date(2026, 12, 6)));
    assert_eq!((budget.takes_minor, budget.left_after_minor, budget.over_by_minor), (200_000, 100_000, 0));
    assert!(close(budget.percent_of_left, 200.0 / 3.0));
    assert!(option.feasible && option.against.is_empty(), "{:?}", option.against);
    assert!(option.why_here.starts_with("first: it covers the need"), "{}", option.why_here);
    assert_eq!(term(option, "npv"), 200_000.0);
    assert_eq!(options.options[1].kind, OptionKind::DoNothing);
}

#[test]
fn running_costs_are_discounted_month_by_month() {
    let policy = PurchasePolicy { discount_rate_percent: ONE_PERCENT_A_MONTH.to_owned(), term_months: 12, ..policy() };
    for (running_minor, running_per) in [(5_000, CostPer::Month), (15_000, CostPer::Quarter), (60_000, CostPer::Year)] {
        let offer = Offer { running_minor, running_per, ..offer() };
        let options = options_of(&need(), &[("a", offer)], &[], &policy);
        let cost = &options.of_offer("a").unwrap().cost;
        // 2 × 50.00 a month, 12 months at 1 % a month: 100.00 × 11.255077 = 1,125.51; with 2,000.00 once 3,125.51.
        assert_eq!((cost.running_minor_per_month, cost.running_present_minor, cost.npv_minor), (10_000, 112_551, 312_551));
        // 3,125.51 ÷ 2 TB ÷ 12 months = 130.2296.
        assert!(close(cost.per_unit_and_month_minor, 13_022.958_333));
    }
}

#[test]
fn capacity_that_stays_empty_counts_for_nothing() {
    // Nothing grows: of 10 TB the 2 that are needed count.
    let need = Need { growth_per_day: 0.0, ..need() };
    let large = Offer { capacity: 10.0, one_off_minor: 500_000, ..offer() };
    let options = options_of(&need, &[("large", large), ("small", offer())], &[], &policy());
    // The large one costs 5,000.00 ÷ 10 ÷ 36 = 13.89 a TB and month, the small one 27.78; for 2 TB used 69.44 and 27.78.
    assert_eq!(options.options[0].offer.as_deref(), Some("small"));
    assert!(close(options.options[1].cost.per_used_unit_and_month_minor, 500_000.0 / 72.0));
    assert!(options.options[1].why_here.contains("behind “Add 2 × disk of acme (small)”: it costs 69.4444 EUR per TB used and month"));
}

#[test]
fn at_equal_cost_the_larger_gain_comes_first() {
    let need = Need { growth_per_day: 0.0, ..need() };
    let large = Offer { capacity: 4.0, one_off_minor: 200_000, ..offer() };
    let options = options_of(&need, &[("a", offer()), ("b", large)], &[], &policy());
    // Both cost 2,000.00 for the 2 TB that are used.
    assert_eq!(options.options[0].offer.as_deref(), Some("b"));
    assert!(options.options[1].why_here.ends_with("at equal cost it gains 2 TB, that one 4 TB"), "{}", options.options[1].why_here);
}

#[test]
fn nothing_is_in_use_on_the_day_it_arrives() {
    assert_eq!(only(Offer { installation_days: 0, ..offer() }).schedule.installation_days, policy().installation_days);
    assert_eq!(only(Offer { installation_days: 1, ..offer() }).schedule.installation_days, 1);
}

#[test]
fn quantities_follow_what_is_sold() {
    assert_eq!(only(Offer { min_quantity: 5, ..offer() }).quantity, 5);
    // 2 × 1,000.00 are more than 3 × 600.00; 10 × 500.00 are not less than that.
    let stepped = only(Offer { steps: vec![step(3, 60_000), step(10, 50_000)], ..offer() });
    assert_eq!((stepped.quantity, stepped.smallest_quantity, stepped.cost.npv_minor), (3, 2, 180_000));
    // 4 × 500.00 are not less than 2 × 1,000.00: what is not needed is not bought.
    assert_eq!(only(Offer { steps: vec![step(4, 50_000)], ..offer() }).quantity, 2);
    let most = only(Offer { max_quantity: Some(1), ..offer() });
    assert_eq!((most.quantity, most.covers_need, most.feasible), (1, false, false));
    assert_eq!(most.against, ["it gains 1 TB of the 2 TB that are needed"]);
    // 12 TB are needed in all: three of 4 TB, which gain 2 beyond the 10 that there are.
    let replaced = only(Offer { action: OfferAction::Replace, capacity: 4.0, ..offer() });
    assert_eq!((replaced.kind, replaced.quantity, replaced.capacity_gained), (OptionKind::Replace, 3, 2.0));
    // 2,000 GB are 2 TB, and 1 TiB is 1.0995 TB.
    assert_eq!(only(Offer { capacity: 2_000.0, unit: "GB".into(), ..offer() }).quantity, 1);
    assert_eq!(only(Offer { unit: "TiB".into(), ..offer() }).quantity, 2);
}

#[test]
fn what_does_not_fit_is_left_out_with_the_reason() {
    let table = [
        (Offer { valid_until: date(2026, 11, 21), ..offer() }, "valid until 2026-11-21; ask the supplier to renew"),
        (Offer { valid_until: date(2026, 12, 5), ..offer() }, "an approval of 14 days ends on 2026-12-06"),
        (Offer { resources: vec!["web*".into(), "files01 D".into()], ..offer() }, "it is for web*, files01 D, and `db01 /data` is none"),
        (Offer { unit: "licences".into(), ..offer() }, "its unit `licences` cannot be told in `TB`"),
        (Offer { capacity: -1.0, ..offer() }, "its capacity is -1; write a number above 0"),
        (Offer { capacity: f64::NAN, ..offer() }, "its capacity is unknown"),
        (Offer { currency: "USD".parse().unwrap(), ..offer() }, "has no rates; write one for USD"),
        (Offer { one_off_minor: i64::MAX, ..offer() }, "more than can be counted"),
        (Offer { one_off_minor: -1, ..offer() }, "negative price"),
        (Offer { unit: "B".into(), ..offer() }, "check the unit"),
        (Offer { term_months: Some(0), ..offer() }, "its term is 0 months"),
        (Offer { max_quantity: Some(2), min_quantity: 3, ..offer() }, "no quantity is both"),
        (Offer { action: OfferAction::Replace, max_quantity: Some(10), ..offer() }, "nothing is gained"),
    ];
    for (offer, expected) in table {
        let why = left_out(&need(), offer);
        assert!(why.contains(expected), "{why} / {expected}");
    }
    let memory = Offer { resource_kind: "memory".into(), ..offer() };
    let options = options_of(&need(), &[("a", memory)], &[], &policy());
    assert_eq!((options.offers_of_other_kinds, options.left_out.len()), (1, 0));
}

#[test]
fn other_currencies_are_told_by_the_given_rate() {
    let usd = "USD".parse().unwrap();
    let rates = Rates { base: Currency::EUR, as_of: date(2026, 11, 1), rates: [(usd, "0.92".to_owned())].into() };
    let policy = PurchasePolicy { rates: Some(rates), ..policy() };
    let options = options_of(&need(), &[("a", Offer { currency: usd, ..offer() })], &[book(2026, 300_000)], &policy);
    let option = options.of_offer("a").unwrap();
    // 2 × 1,000.00 USD × 0.92 = 1,840.00 EUR.
    assert_eq!((option.cost.npv_minor, option.budget.as_ref().unwrap().takes_minor), (184_000, 184_000));
    assert!(option.terms.iter().any(|term| term.text.contains("2000.00 USD = 1840.00 EUR by the rate given for 2026-11-01")));
}

#[test]
fn the_later_of_promised_and_seen_counts() {
    let leads = |seen_days: Vec<u32>| LeadTimes::from([("acme".to_owned(), LeadTime { promised_days: Some(20), seen_days })]);
    let arrives = |offer: Offer, leads: &LeadTimes| {
        let offers = vec![("a".to_owned(), offer)];
        let market = Market { offers: &offers, neighbours: &[], books: &[], leads };
        let options = options(&need(), market, &policy()).unwrap();
        let schedule = options.of_offer("a").unwrap().schedule.clone();
        (schedule.delivery.unwrap().taken_days, schedule.in_time)
    };
    assert_eq!(arrives(offer(), &leads(vec![10])), (30, true));
    assert_eq!(arrives(offer(), &leads(vec![10, 56])), (56, false));
    assert_eq!(arrives(offer(), &leads(vec![10, 55])), (55, true), "14 + 55 + 3 days are the 72 days to the lower end");
    assert_eq!(arrives(Offer { delivery_days: None, ..offer() }, &leads(Vec::new())), (20, true));
    assert_eq!(arrives(Offer { delivery_days: None, ..offer() }, &LeadTimes::new()), (30, true));
}

#[test]
fn an_order_that_can_wait_is_paid_by_the_next_year() {
    // Order by 17 December and 14 days of approval: ordered on 31 December at the latest, in 2026.
    let books = [book(2026, 100_000), book(2027, 1_000_000)];
    let option = options_of(&need(), &[("a", offer())], &books, &policy()).of_offer("a").unwrap().clone();
    let budget = option.budget.as_ref().unwrap();
    assert_eq!((budget.year, budget.over_by_minor, option.feasible), (2026, 100_000, false));
    assert_eq!(option.against, ["it takes 2000.00 EUR of budget line 2026/storage, of which 1000.00 EUR are left: 1000.00 EUR too much"]);
    // One day less of delivery, and it can be ordered on 1 January.
    let sooner = Offer { delivery_days: Some(29), running_minor: 1_000, ..offer() };
    let option = options_of(&need(), &[("a", sooner)], &books, &policy()).of_offer("a").unwrap().clone();
    let budget = option.budget.as_ref().unwrap();
    assert_eq!((budget.year, budget.order_on, option.feasible), (2027, date(2027, 1, 1), true));
    // In use on 2 February; paid at the end of ten months: 2 × 10.00 × 10 = 200.00.
    assert_eq!(budget.takes_minor, 220_000);
}

#[test]
fn without_a_line_there_is_no_purchase_and_without_lines_no_judgement() {
    let line = Book { resource_kinds: vec!["memory".into()], ..book(2026, 1_000_000) };
    let option = options_of(&need(), &[("a", offer())], &[line], &policy()).of_offer("a").unwrap().clone();
    assert_eq!(option.against, ["no budget line of 2026 pays for `filesystem`; plan one, or add the kind to a line"]);
    assert!(!option.in_budget);
    assert!(options_of(&need(), &[("a", offer())], &[], &policy()).of_offer("a").unwrap().feasible);
    // A line for the kind comes before one for anything.
    let any = Book { name: "2026/any".into(), resource_kinds: Vec::new(), ..book(2026, 1_000_000) };
    let option = options_of(&need(), &[("a", offer())], &[any, book(2026, 300_000)], &policy()).of_offer("a").unwrap().clone();
    assert_eq!(option.budget.unwrap().line, "2026/storage");
}

#[test]
fn what_is_late_or_too_dear_comes_after_what_is_feasible() {
    let offers = [
        ("late", Offer { delivery_days: Some(60), one_off_minor: 1, ..offer() }),
        ("over", Offer { one_off_minor: 200_000, ..offer() }),
        ("small", Offer { max_quantity: Some(1), one_off_minor: 1, ..offer() }),
        ("both", Offer { delivery_days: Some(60), one_off_minor: 300_000, ..offer() }),
        ("good", offer()),
    ];
    let options = options_of(&need(), &offers, &[book(2026, 300_000)], &policy());
    let order: Vec<_> = options.options.iter().map(|option| option.offer.as_deref().unwrap_or("nothing")).collect();
    assert_eq!(order, ["good", "over", "late", "both", "small", "nothing"]);
    let late = options.of_offer("late").unwrap();
    // 14 + 60 + 3 = 77 days: 7 February; 5 of the 12 days from 2.5 to 50 %: 22 %.
    assert_eq!(late.against, ["it had to be decided by 2026-11-17 and arrives on 2027-02-07: the chance that this is too late is 22 %"]);
    assert!(late.why_here.ends_with(&late.against[0]), "{}", late.why_here);
    assert_eq!(options.best().unwrap().offer.as_deref(), Some("good"));
}

#[test]
fn neighbours_with_room_are_options() {
    let neighbour = |resource: &str, spare, releasable| Neighbour { resource: resource.into(), unit: "GB".into(), spare, releasable };
    let neighbours = [
        neighbour("db02 /data", 5_000.0, 0.0),
        neighbour("db03 /data", 0.0, 1_000.0),
        neighbour("db04 /data", 0.0, 0.0),
        neighbour("db01 /data", 9_000.0, 0.0),
        neighbour("db05 /data", f64::NAN, 0.0),
        Neighbour { unit: "seats".into(), ..neighbour("db06 /data", 1.0, 0.0) },
    ];
    let options =
        options(&need(), Market { offers: &[], neighbours: &neighbours, books: &[], leads: &LeadTimes::new() }, &policy()).unwrap();
    let moved = &options.options[0];
    // 2 TB of capacity are the place of 2 × 8 ÷ 10 = 1.6 TB of load.
    assert_eq!((moved.kind, moved.title.as_str()), (OptionKind::MoveLoad, "Move 1.6 TB of load to db02 /data"));
    assert!(moved.feasible && moved.cost.npv_minor == 0 && (moved.capacity_gained - 2.0).abs() < 1e-9);
    let reused = &options.options[1];
    assert_eq!((reused.kind, reused.capacity_gained, reused.feasible), (OptionKind::Reuse, 1.0, false));
    let out: Vec<&str> = options.left_out.iter().map(|out| out.name.as_str()).collect();
    assert_eq!(out, ["db04 /data", "db05 /data", "db06 /data"]);
    let many: Vec<Neighbour> = (0..9).map(|at| neighbour(&format!("n{at}"), 100.0 + f64::from(at), 0.0)).collect();
    let options =
        super::options(&need(), Market { offers: &[], neighbours: &many, books: &[], leads: &LeadTimes::new() }, &policy()).unwrap();
    assert_eq!((options.options.len(), options.left_out.len()), (4, 6));
}

#[test]
fn a_clean_up_is_as_sure_as_somebody_has_looked() {
    let consumer = |name: &str, amount, removable| Consumer { name: name.into(), amount, removable, might_go: None };
    let of = |consumers: Vec<Consumer>| options_of(&Need { consumers, ..need() }, &[], &[], &policy()).options[0].clone();
    let unknown = of(vec![consumer("/backup", 3.0, None), consumer("/logs", 1.0, None)]);
    assert_eq!((unknown.kind, unknown.feasible), (OptionKind::CleanUp, false));
    // 1.6 of the 4 TB that the two hold.
    assert_eq!(unknown.against[0], "nobody has said yet how much can go; 40 % of what the largest hold would have to");
    let known = of(vec![consumer("/backup", 3.0, Some(1.5)), consumer("/logs", 1.0, Some(7.0))]);
    // 1.5 and at most the whole of 1.0: 2.5 TB of load are the place of 3.125 TB.
    assert!(known.feasible && (known.capacity_gained - 3.125).abs() < 1e-9);
    assert_eq!(known.schedule.arrives_on, date(2026, 11, 25));
}

#[test]
fn doing_nothing_has_its_risk() {
    let costly = Need { cost_of_outage_minor_per_day: Some(10_000), ..need() };
    let nothing = |need: &Need, offers: &[(&str, Offer)]| {
        let options = options_of(need, offers, &[], &policy()).options;
        options.into_iter().find(|option| option.kind == OptionKind::DoNothing).unwrap()
    };
    // 99 % × 100.00 a day × 47 days until the purchase helps.
    assert_eq!(nothing(&costly, &[("a", offer())]).risk_minor, Some(465_300));
    assert_eq!(nothing(&costly, &[("a", Offer { delivery_days: Some(3), ..offer() })]).risk_minor, Some(198_000));
    let without = nothing(&need(), &[]);
    assert_eq!((without.risk_minor, without.feasible), (None, false));
    let why =
        "the threshold is crossed by 2027-11-22 with a chance of 99 %: most likely around 2027-02-14, between 2027-02-02 and 2027-03-09";
    assert_eq!(without.against, [why]);
    let calm = Need { needed: 0.0, lower: None, median: None, upper: None, chance: 0.01, ..need() };
    let options = options_of(&calm, &[("a", offer())], &[], &policy());
    assert_eq!(options.best().unwrap().kind, OptionKind::DoNothing);
    assert!(options.of_offer("a").unwrap().feasible);
}

#[test]
fn a_policy_is_read_with_its_defaults_and_checked() {
    let read: PurchasePolicy = serde_json::from_str(r#"{"currency": "EUR"}"#).unwrap();
    assert_eq!(read, PurchasePolicy::new(Currency::EUR));
    assert_eq!(read.check(), []);
    let wrong = PurchasePolicy {
        discount_rate_percent: "5,5".into(),
        term_months: 0,
        approval_days: 10_000,
        life_months: [("disk".to_owned(), 0)].into(),
        ..read
    };
    let fields: Vec<String> = wrong.check().into_iter().map(|complaint| complaint.field).collect();
    assert_eq!(fields, ["term_months", "approval_days", "discount_rate_percent", "life_months.disk"]);
    let market = Market { offers: &[], neighbours: &[], books: &[], leads: &LeadTimes::new() };
    assert!(options(&need(), market, &wrong).unwrap_err().to_string().contains("`5,5` is no rate"));
    for rate in ["-1", "1e1", "NaN", "inf", "100.1", ""] {
        assert_eq!(PurchasePolicy { discount_rate_percent: rate.into(), ..policy() }.check().len(), 1, "{rate}");
    }
}
