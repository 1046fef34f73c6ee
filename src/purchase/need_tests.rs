use jiff::civil::{Date, date};

use super::*;
use crate::purchase::samples::need;

#[test]
fn chances_lie_on_a_line_between_the_days_of_the_forecast() {
    let need = need();
    let ends = need.horizon_ends(365);
    let table = [
        (date(2026, 11, 22), 0.0),
        (date(2026, 11, 1), 0.0),
        // 36 of the 72 days to the lower end: half of 2.5 %.
        (date(2026, 12, 28), 0.0125),
        (date(2027, 2, 2), 0.025),
        // 6 of the 12 days from 2.5 to 50 %.
        (date(2027, 2, 8), 0.2625),
        (date(2027, 2, 14), 0.5),
        (date(2027, 3, 9), 0.975),
        (date(2027, 11, 22), 0.99),
        (Date::MAX, 0.99),
    ];
    for (day, expected) in table {
        let chance = need.chance_before(day, ends);
        assert!((chance - expected).abs() < 1e-12, "{day}: {chance}");
    }
}

#[test]
fn a_chance_of_fewer_days_is_a_chance_of_those_days() {
    let soon = Need { lower: Some(date(2026, 12, 2)), median: None, upper: None, chance: 0.4, horizon_days: Some(30), ..need() };
    assert_eq!(soon.chance_before(date(2026, 12, 22), soon.horizon_ends(365)), 0.4);
    assert_eq!(soon.horizon_ends(10), date(2026, 12, 2));
}

#[test]
fn a_chance_never_falls() {
    // The quantiles are out of order and the chance of the horizon is less than they say.
    let need = Need { lower: Some(date(2027, 3, 1)), median: Some(date(2027, 2, 1)), chance: 0.1, ..need() };
    let ends = need.horizon_ends(365);
    let chances: Vec<f64> = (0..500).map(|days| need.chance_before(plus_days(need.today, days), ends)).collect();
    assert!(chances.is_sorted(), "{chances:?}");
}

#[test]
fn what_is_crossed_already_is_crossed() {
    let day = Some(date(2026, 11, 20));
    let need = Need { lower: day, median: day, upper: day, chance: 1.0, ..need() };
    assert_eq!(need.chance_before(need.today, need.horizon_ends(365)), 0.975);
}

#[test]
fn a_gain_puts_the_crossing_off_by_the_load_that_it_carries() {
    let need = need();
    let ends = need.horizon_ends(365);
    // 2 TB carry 2 × 8 ÷ 10 = 1.6 TB of load: 160 days at 0.01 TB a day, 80 days at 0.02.
    let lasts = need.lasts_with(2.0, ends);
    assert_eq!(lasts, LastsUntil { median: Some(date(2027, 7, 24)), fast: Some(date(2027, 4, 23)) });
    let still = Need { growth_per_day: 0.0, growth_per_day_fast: -1.0, ..need.clone() };
    assert_eq!(still.lasts_with(2.0, ends), LastsUntil { median: None, fast: None });
    // Where no crossing is seen: (8 − 7) ÷ 0.001 = 1,000 days from today, and 1,600 for the gain.
    let slow = Need { lower: None, median: None, upper: None, growth_per_day: 0.001, growth_per_day_fast: 0.1, ..need };
    let lasts = slow.lasts_with(2.0, ends);
    assert_eq!(lasts.median, Some(plus_days(slow.today, 2_600)));
    // The forecast looked to the end of the horizon and saw none: not before, though the line says ten days.
    assert_eq!(lasts.fast, Some(plus_days(ends, 16)));
}

#[test]
fn numbers_without_a_meaning_are_named() {
    for (need, field) in [
        (Need { limit: f64::NAN, ..need() }, "limit"),
        (Need { limit: 0.0, ..need() }, "limit"),
        (Need { threshold: f64::INFINITY, ..need() }, "threshold"),
        (Need { used: -1.0, ..need() }, "used"),
        (Need { needed: f64::NAN, ..need() }, "needed"),
        (Need { growth_per_day_fast: f64::NEG_INFINITY, ..need() }, "growth_per_day_fast"),
        (Need { chance: 1.5, ..need() }, "chance"),
    ] {
        let error = need.check().unwrap_err();
        assert!(matches!(&error, PurchaseError::Need { field: found, .. } if *found == field), "{error}");
        assert!(error.to_string().contains("db01 /data"), "{error}");
    }
    assert_eq!(need().check(), Ok(()));
}
