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
        usual_fall: 0.0,
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
    assert_eq!(agreed.outcome(&[]), CleanUpOutcome::Waits);
    assert_eq!(agreed.outcome(&[(date(2026, 11, 21), 1.0)]), CleanUpOutcome::Waits, "that was before");
    assert_eq!(agreed.outcome(&days(&[7.0, 7.1, 6.2])), CleanUpOutcome::Waits, "0.9 of 2");
    assert_eq!(agreed.outcome(&days(&[7.0, 7.5, 6.5])), CleanUpOutcome::Measured { fallen: 1.0 }, "it grew before it fell");
    let still = [7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0];
    assert_eq!(agreed.outcome(&days(&still)), CleanUpOutcome::Waits, "the day itself is not over");
    let late: Vec<f64> = still.iter().copied().chain([6.5]).collect();
    assert_eq!(agreed.outcome(&days(&late)), CleanUpOutcome::Lapsed { fallen: 0.5 });
    let done: Vec<f64> = still.iter().copied().chain([5.0]).collect();
    assert_eq!(agreed.outcome(&days(&done)), CleanUpOutcome::Measured { fallen: 2.0 }, "in its last evening");
}

#[test]
fn what_falls_by_itself_is_no_clean_up() {
    // Old files go each seventh day: 3 of them, which grow again.
    let saw: Vec<f64> = (0..84).map(|day| 4.0 + 0.5 * f64::from(day % 7)).collect();
    assert_eq!(usual_fall(&saw), 3.0);
    let agreed = AgreedCleanUp { usual_fall: usual_fall(&saw), ..agreed(2.0, date(2026, 11, 30)) };
    let days = |used: &[f64]| -> Vec<(Date, f64)> {
        used.iter().zip(0..).map(|(used, day)| (crate::purchase::days::plus_days(date(2026, 11, 22), day), *used)).collect()
    };
    assert_eq!(agreed.outcome(&days(&[7.0, 4.0])), CleanUpOutcome::Waits, "as every week");
    assert_eq!(agreed.outcome(&days(&[7.0, 2.0])), CleanUpOutcome::Measured { fallen: 2.0 });
    // What was cleaned up once, or only grows, hides nothing.
    let once: Vec<f64> = (0..84).map(|day| f64::from(day) - if day > 60 { 50.0 } else { 0.0 }).collect();
    assert_eq!((usual_fall(&once), usual_fall(&[1.0, f64::NAN, 2.0]), usual_fall(&[])), (0.0, 0.0, 0.0));
    // Each month, on a day of its own.
    let monthly: Vec<f64> = (0..84).map(|day| f64::from(day % 30)).collect();
    assert_eq!(usual_fall(&monthly), 29.0);
}
