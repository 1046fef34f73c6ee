use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::purchase::samples::{ONE_PERCENT_A_MONTH, asset, euros, named, offer, policy};

fn judged(asset: &Asset, offers: &[(&str, Offer)], change: impl FnOnce(&mut RepairCase<'_>), policy: &PurchasePolicy) -> Recommendation {
    let (offers, leads) = (named(offers), LeadTimes::new());
    let failures = [date(2025, 1, 10), date(2026, 11, 20)];
    let mut case = RepairCase {
        name: "web01",
        asset,
        today: date(2026, 11, 22),
        repair_cost: euros(60_000),
        mean_repair_cost: None,
        downtime_days: 2,
        failures: &failures,
        cost_of_outage_per_day: None,
        offers: &offers,
        leads: &leads,
    };
    change(&mut case);
    repair_or_replace(&case, policy).unwrap()
}

#[test]
fn both_are_told_a_year_as_by_hand() {
    let policy = PurchasePolicy { discount_rate_percent: ONE_PERCENT_A_MONTH.to_owned(), default_life_months: 36, ..policy() };
    let asset = Asset { expected_life_months: Some(60), ..asset() };
    let found = judged(&asset, &[("new", Offer { one_off_minor: 300_000, ..offer() })], |_| (), &policy);
    // 36 of 60 months are over: 600.00 × 12 ÷ 24 = 300.00 a year.
    // (1 + 2) ÷ (5 + 1,096 ÷ 365.2425) = 3 ÷ 8.000745 = 0.374965 failures a year × 600.00 = 224.98.
    assert_eq!(
        found.keeping,
        KeepingCost { repair_minor: 30_000, downtime_minor: 0, further_failures_minor: 22_498, yearly_minor: 52_498 }
    );
    // 60 months at 1 % a month: annuity factor 44.955038; 3,000.00 × 12 ÷ 44.955038 = 800.80 a year.
    assert_eq!((found.replacements[0].annuity_minor, found.replacements[0].yearly_minor), (80_080, 80_080));
    assert_eq!(found.advice, Advice::Repair);
    // (800.80 − 224.98) × 24 ÷ 12 = 1,151.64.
    assert_eq!(found.break_even_repair, Some(euros(115_164)));
    // 524.98 ÷ 12 × 44.955038 = 1,966.71.
    assert_eq!(found.break_even_replacement, euros(196_671));
}

#[test]
fn at_the_break_even_both_are_equal() {
    let offers = [("new", Offer { one_off_minor: 300_000, ..offer() })];
    let with = |minor| {
        judged(&asset(), &offers, |case| (case.repair_cost, case.mean_repair_cost) = (euros(minor), Some(euros(60_000))), &policy())
    };
    let break_even = with(60_000).break_even_repair.unwrap();
    let equal = with(break_even.minor);
    assert!((equal.keeping.yearly_minor - equal.replacements[0].yearly_minor).abs() <= 1);
    assert_eq!(with(break_even.minor - 10).advice, Advice::Repair);
    assert_eq!(with(break_even.minor + 10).advice, Advice::Replace);
}

#[test]
fn downtime_costs_the_same_in_both() {
    let found = judged(&asset(), &[("new", offer())], |case| case.cost_of_outage_per_day = Some(euros(10_000)), &policy());
    // 2 days × 100.00 × 12 ÷ 24 = 100.00; a further failure costs 600.00 + 200.00: × 0.374965 = 299.97.
    assert_eq!((found.keeping.downtime_minor, found.keeping.further_failures_minor), (10_000, 29_997));
    // 14 + 30 + 3 days × 100.00 × 12 ÷ 60 = 940.00 a year.
    assert_eq!((found.replacements[0].days_to_use, found.replacements[0].downtime_minor), (47, 94_000));
}

#[test]
fn an_offer_for_other_machines_is_left_out() {
    let of = |patterns: &[&str]| Offer { resources: patterns.iter().map(|it| (*it).to_owned()).collect(), ..offer() };
    let on_host = Asset { host: Some("db01".to_owned()), ..asset() };
    let offers = [("here", of(&["db01 /data"])), ("all", of(&["db*"])), ("there", of(&["db02 *"]))];
    let found = judged(&on_host, &offers, |_| (), &policy());
    let fitting: Vec<&str> = found.replacements.iter().map(|it| it.offer.as_str()).collect();
    assert_eq!(fitting, ["all", "here"]);
    assert!(found.left_out[0].name == "there" && found.left_out[0].why.contains("it is for db02 *"), "{:?}", found.left_out);
}

#[test]
fn a_warranty_is_claimed_first() {
    let covered = Asset { warranty_until: Some(date(2026, 11, 22)), ..asset() };
    let found = judged(&covered, &[("new", Offer { one_off_minor: 1, ..offer() })], |_| (), &policy());
    assert_eq!(found.advice, Advice::ClaimWarranty);
    assert!(found.why[0].contains("until 2026-11-22: claim it first"), "{:?}", found.why);
    let over = Asset { warranty_until: Some(date(2026, 11, 21)), ..asset() };
    assert_eq!(judged(&over, &[("new", Offer { one_off_minor: 1, ..offer() })], |_| (), &policy()).advice, Advice::Replace);
}

#[test]
fn what_is_out_of_support_is_replaced_unless_little_depends_on_it() {
    let old = Asset { support_until: Some(date(2026, 1, 1)), ..asset() };
    let dear = [("new", Offer { one_off_minor: 10_000_000, ..offer() })];
    assert_eq!(judged(&old, &dear, |_| (), &policy()).advice, Advice::Replace);
    let low = Asset { criticality: Criticality::Low, ..old.clone() };
    assert_eq!(judged(&low, &dear, |_| (), &policy()).advice, Advice::Repair);
    assert_eq!(judged(&low, &[("new", Offer { one_off_minor: 300_000, ..offer() })], |_| (), &policy()).advice, Advice::Replace);
    assert_eq!(judged(&old, &[], |_| (), &policy()).advice, Advice::AskForOffers);
}

#[test]
fn a_draw_is_decided_for_the_machine_that_is_there() {
    let with = |asset: &Asset, price| {
        let found = judged(asset, &[("new", Offer { one_off_minor: price, ..offer() })], |_| (), &policy());
        assert_eq!(found.keeping.yearly_minor, 52_498);
        (found.replacements[0].yearly_minor, found.advice)
    };
    // 2,624.90 × 12 ÷ 60 months = 524.98, as keeping.
    assert_eq!(with(&asset(), 262_490), (52_498, Advice::Repair));
    assert_eq!(with(&asset(), 262_480), (52_496, Advice::Replace));
    // Out of support, keeping has to cost less than half.
    let low = Asset { support_until: Some(date(2026, 1, 1)), criticality: Criticality::Low, ..asset() };
    assert_eq!(with(&low, 524_980), (104_996, Advice::Replace));
    assert_eq!(with(&low, 524_990), (104_998, Advice::Repair));
}

#[test]
fn failures_count_from_the_purchase_to_today() {
    const FAILURES: [Date; 4] = [date(2023, 11, 21), date(2023, 11, 22), date(2026, 11, 22), date(2026, 11, 23)];
    let counted = |asset: &Asset| {
        let found = judged(asset, &[], |case| case.failures = &FAILURES, &policy());
        found.terms.iter().find(|term| term.name == "failures").unwrap().value
    };
    assert_eq!(counted(&asset()), 2.0);
    assert_eq!(counted(&Asset { bought_on: None, ..asset() }), 3.0);
}

#[test]
fn replacements_that_do_not_fit_are_left_out() {
    let asset =
        Asset { resource_kind: Some("filesystem".into()), capacity: Some(10.0), unit: Some("TB".into()), spare_parts: 2, ..asset() };
    let offers = [
        ("fits", Offer { capacity: 4.0, ..offer() }),
        ("expired", Offer { valid_until: date(2026, 11, 21), ..offer() }),
        ("kind", Offer { resource_kind: "memory".into(), ..offer() }),
        ("unit", Offer { unit: "seats".into(), ..offer() }),
        ("few", Offer { max_quantity: Some(9), ..offer() }),
    ];
    let found = judged(&asset, &offers, |_| (), &policy());
    assert_eq!(found.replacements.iter().map(|one| (one.offer.as_str(), one.quantity)).collect::<Vec<_>>(), [("fits", 3)]);
    assert_eq!(found.left_out.iter().map(|out| out.name.as_str()).collect::<Vec<_>>(), ["expired", "few", "kind", "unit"]);
    assert!(found.why.iter().any(|why| why.starts_with("2 spare parts in stock")), "{:?}", found.why);
}

#[test]
fn a_case_that_has_no_meaning_is_refused() {
    let (asset, leads) = (asset(), LeadTimes::new());
    let case = |minor, code: &str| RepairCase {
        name: "web01",
        asset: &asset,
        today: date(2026, 11, 22),
        repair_cost: Money { minor, currency: code.parse().unwrap() },
        mean_repair_cost: None,
        downtime_days: 0,
        failures: &[],
        cost_of_outage_per_day: None,
        offers: &[],
        leads: &leads,
    };
    assert!(repair_or_replace(&case(-1, "EUR"), &policy()).unwrap_err().to_string().contains("-0.01 EUR is negative"));
    assert!(repair_or_replace(&case(1, "USD"), &policy()).unwrap_err().to_string().contains("write one for USD"));
    assert!(matches!(repair_or_replace(&case(i64::MAX, "EUR"), &policy()), Ok(_) | Err(PurchaseError::TooLarge { .. })));
}

proptest! {
    #[test]
    fn no_case_panics_and_its_parts_add_up(
        repair in prop_oneof![any::<i64>(), 0_i64..10_000_000],
        outage in prop::option::of(any::<i64>()),
        downtime: u32,
        price in prop_oneof![any::<i64>(), 0_i64..10_000_000],
        capacity in prop::option::of(any::<f64>()),
        life in prop::option::of(any::<u32>()),
        bought in prop::option::of(-9_999_i16..=9_999),
        failed in prop::collection::vec(-9_999_i16..=9_999, 0..5),
    ) {
        let bought_on = bought.map(|year| date(year, 12, 31));
        let asset = Asset { expected_life_months: life, bought_on, capacity, unit: Some("TB".into()), ..asset() };
        let failures: Vec<Date> = failed.into_iter().map(|year| date(year, 1, 1)).collect();
        let (offers, leads) = (named(&[("a", Offer { one_off_minor: price, ..offer() })]), LeadTimes::new());
        let case = RepairCase {
            name: "web01", asset: &asset, today: date(2026, 11, 22), repair_cost: euros(repair), mean_repair_cost: None,
            downtime_days: downtime, failures: &failures, cost_of_outage_per_day: outage.map(euros), offers: &offers, leads: &leads,
        };
        if let Ok(found) = repair_or_replace(&case, &policy()) {
            let keeping = found.keeping;
            prop_assert_eq!(keeping.repair_minor + keeping.downtime_minor + keeping.further_failures_minor, keeping.yearly_minor);
            for one in &found.replacements {
                prop_assert_eq!(one.annuity_minor + one.downtime_minor, one.yearly_minor);
            }
            prop_assert_eq!(found.replacements.len() + found.left_out.len(), 1);
            prop_assert!(found.terms.iter().all(|term| term.value.is_finite()));
        }
    }
}
