use jiff::civil::date;

use super::*;
use crate::inventory::Currency;
use crate::purchase::samples::{book, need, offer, options_of, policy};

fn agreed(amount: f64, by_when: Date) -> AgreedCleanUp {
    AgreedCleanUp {
        amount,
        what: "old exports".into(),
        by_when,
        by: "anna".into(),
        agreed_on: date(2026, 11, 22),
        used_before: 7.0,
        usual_dip_days: 0,
        gone: 0.0,
        labour_cost: None,
    }
}

fn best_of(agreed: AgreedCleanUp) -> PurchaseOption {
    let need = Need { agreed: Some(agreed), ..need() };
    options_of(&need, &[("a", offer())], &[book(2026, 1_000_000)], &policy()).options[0].clone()
}

#[test]
fn what_is_agreed_and_enough_comes_first() {
    // 1.6 TB of load have the place of the 2 TB that are needed.
    let best = best_of(agreed(1.6, date(2027, 1, 15)));
    assert_eq!((best.kind, best.feasible, best.cost.npv_minor), (OptionKind::CleanUp, true, 0), "{best:?}");
    assert_eq!(best.title, "Clean up 1.6 TB by 2027-01-15: old exports (anna has agreed)");
    assert!((best.capacity_gained - 2.0).abs() < 1e-9);
    assert_eq!((best.schedule.arrives_on, best.schedule.order_by), (date(2027, 1, 15), Some(date(2026, 12, 10))));
    // 1.6 TB at 0.01 TB a day: 160 days later than without.
    assert_eq!(best.lasts_until.median, Some(date(2027, 7, 24)));
    // A cent too little is not enough, and what comes after the earliest crossing is too late.
    assert_eq!(best_of(agreed(1.59, date(2027, 1, 15))).kind, OptionKind::Add);
    assert_eq!(best_of(agreed(1.6, date(2027, 2, 3))).kind, OptionKind::Add);
}

#[test]
fn what_nobody_measures_any_more_is_given_up() {
    let agreed = agreed(2.0, date(2026, 12, 1));
    let waits = CleanUpOutcome::Waits { fallen: 0.0 };
    let seen = [(date(2026, 11, 25), 7.0)];
    assert_eq!(agreed.outcome_by(&seen, date(2026, 12, 31)), waits);
    assert_eq!(agreed.outcome_by(&seen, date(2027, 1, 1)), CleanUpOutcome::Unseen);
    assert_eq!(agreed.outcome_by(&[], date(2027, 1, 1)), CleanUpOutcome::Unseen, "not even its question is asked");
    // A fall that was seen was seen, and one day is enough to know that it was not done.
    let done = [(date(2026, 11, 25), 5.0)];
    assert_eq!(agreed.outcome_by(&done, date(2027, 3, 1)), CleanUpOutcome::Measured { fallen: 2.0 });
    let after = [(date(2026, 12, 2), 7.0)];
    assert_eq!(agreed.outcome_by(&after, date(2027, 3, 1)), CleanUpOutcome::Lapsed { fallen: 0.0 });
}

#[test]
fn too_little_is_told_with_what_is_missing() {
    let need = Need { agreed: Some(agreed(0.8, date(2026, 12, 1))), ..need() };
    let options = options_of(&need, &[], &[], &policy()).options;
    let little = options.iter().find(|option| option.kind == OptionKind::CleanUp).unwrap();
    assert!(!little.feasible && !little.covers_need);
    assert_eq!(little.against, ["it gains 1 TB of the 2 TB that are needed"]);
}

#[test]
fn work_that_has_a_price_is_compared_by_it() {
    let with = |minor: i64| {
        let labour_cost = Some(Money { minor, currency: Currency::EUR });
        best_of(AgreedCleanUp { labour_cost, ..agreed(1.6, date(2026, 12, 1)) })
    };
    // The offer is 2 × 1,000.00.
    let cheap = with(199_999);
    assert_eq!((cheap.kind, cheap.cost.one_off_minor, cheap.cost.npv_minor), (OptionKind::CleanUp, 199_999, 199_999));
    assert!(cheap.budget.is_none() && cheap.terms.iter().any(|term| term.name == "labour"), "no budget pays for people: {cheap:?}");
    assert_eq!(with(200_001).kind, OptionKind::Add);
    let dollars = Some(Money { minor: 1, currency: "USD".parse().unwrap() });
    let unknown = Need { agreed: Some(AgreedCleanUp { labour_cost: dollars, ..agreed(1.6, date(2026, 12, 1)) }), ..need() };
    let options = options_of(&unknown, &[], &[], &policy()).options;
    let told = options.iter().find(|option| option.kind == OptionKind::CleanUp).unwrap();
    assert!(!told.feasible && told.against[0].contains("no rates"), "{:?}", told.against);
}

#[test]
fn an_agreement_is_measured_or_lapses_after_its_day() {
    let agreed = agreed(2.0, date(2026, 11, 30));
    let days = |used: &[f64]| -> Vec<(Date, f64)> {
        used.iter().zip(0..).map(|(used, day)| (crate::purchase::days::plus_days(date(2026, 11, 22), day), *used)).collect()
    };
    assert_eq!(agreed.outcome(&[]), waits(0.0));
    assert_eq!(agreed.outcome(&[(date(2026, 11, 21), 1.0)]), waits(0.0), "that was before");
    assert_eq!(agreed.outcome(&days(&[7.0, 7.25, 6.5])), waits(0.75), "of 2");
    assert_eq!(agreed.outcome(&days(&[7.0, 7.5, 6.5])), CleanUpOutcome::Measured { fallen: 1.0 }, "it grew before it fell");
    let still = [7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0];
    assert_eq!(agreed.outcome(&days(&still)), waits(0.0), "the day itself is not over");
    let late: Vec<f64> = still.iter().copied().chain([6.5]).collect();
    assert_eq!(agreed.outcome(&days(&late)), CleanUpOutcome::Lapsed { fallen: 0.5 });
    let done: Vec<f64> = still.iter().copied().chain([5.0]).collect();
    assert_eq!(agreed.outcome(&days(&done)), CleanUpOutcome::Measured { fallen: 2.0 }, "in its last evening");
}

fn waits(fallen: f64) -> CleanUpOutcome {
    CleanUpOutcome::Waits { fallen }
}

fn days_from(first: Date, used: impl IntoIterator<Item = f64>) -> Vec<(Date, f64)> {
    used.into_iter().zip(0..).map(|(used, day)| (crate::purchase::days::plus_days(first, day), used)).collect()
}

/// Old files go each seventh day: 3 of them, which grow again. Day 0 is a trough.
fn saw(day: i32) -> f64 {
    4.0 + 0.5 * f64::from(day % 7)
}

#[test]
fn what_goes_down_by_itself_and_comes_back_is_no_clean_up() {
    let first = date(2026, 8, 30);
    let before = days_from(first, (0..84).map(saw));
    // Of 2 half must go: 4.0 to 6.0 are that far below 7.0, on five days of seven.
    let agreed = AgreedCleanUp { usual_dip_days: usual_dip_days(&before, 2.0), ..agreed(2.0, date(2026, 11, 30)) };
    assert_eq!((agreed.usual_dip_days, before.last().unwrap().0), (5, date(2026, 11, 21)));
    let since =
        |used: &dyn Fn(i32) -> f64, days: i32| days_from(first, (0..84 + days).map(|day| if day < 84 { saw(day) } else { used(day) }));
    for days in 1..9 {
        assert_eq!(agreed.outcome(&since(&saw, days)), waits(0.0), "{days} days, as every week");
    }
    assert!(matches!(agreed.outcome(&since(&saw, 14)), CleanUpOutcome::Lapsed { .. }));
    // On the third day 2 go, and the saw goes on below: seen when it has lasted longer than ever.
    let cleaned = |day: i32| saw(day) - if day >= 86 { 2.0 } else { 0.0 };
    assert_eq!(agreed.outcome(&since(&cleaned, 5)), waits(0.0));
    assert!(matches!(agreed.outcome(&since(&cleaned, 6)), CleanUpOutcome::Measured { .. }), "{:?}", agreed.outcome(&since(&cleaned, 6)));
    assert!(matches!(agreed.outcome(&since(&cleaned, 40)), CleanUpOutcome::Measured { .. }));
}

#[test]
fn what_was_cleaned_up_once_or_only_grows_is_no_habit() {
    let first = date(2026, 8, 30);
    let grows = |day: i32| f64::from(day) * 0.1;
    assert_eq!(usual_dip_days(&days_from(first, (0..84).map(grows)), 2.0), 0);
    let once = |day: i32| grows(day) - if day > 60 { 5.0 } else { 0.0 };
    assert_eq!(usual_dip_days(&days_from(first, (0..84).map(once)), 2.0), 0, "it has not come back");
    let monthly = |day: i32| f64::from(day % 30);
    assert_eq!(usual_dip_days(&days_from(first, (0..84).map(monthly)), 20.0), 20);
    assert_eq!((usual_dip_days(&[], 2.0), usual_dip_days(&days_from(first, [1.0, f64::NAN, 2.0]), 2.0)), (0, 0));
    // A fall before the agreement is another one.
    let agreed = agreed(2.0, date(2026, 11, 30));
    let before = days_from(date(2026, 11, 15), [12.0, 12.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 6.5]);
    assert_eq!(agreed.outcome(&before), waits(0.5));
}

#[test]
fn what_has_gone_already_is_not_counted_beside_the_smaller_need() {
    let with = |gone: f64| {
        let need = Need { agreed: Some(AgreedCleanUp { gone, ..agreed(2.0, date(2026, 11, 30)) }), ..need() };
        let options = options_of(&need, &[("a", offer())], &[book(2026, 1_000_000)], &policy()).options;
        options.into_iter().find(|option| option.kind == OptionKind::CleanUp).unwrap()
    };
    let (whole, rest, none) = (with(0.0), with(0.5), with(3.0));
    assert_eq!((whole.capacity_gained, rest.capacity_gained, none.capacity_gained), (2.0 / 0.8, 1.5 / 0.8, 0.0));
    assert!(whole.feasible && !rest.feasible && whole.title == rest.title);
    assert!(rest.terms.iter().any(|term| term.text.contains("of which 500 GB have gone")), "{:?}", rest.terms);
}
