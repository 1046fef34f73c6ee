use jiff::civil::date;

use super::*;
use crate::purchase::samples::{ONE_PERCENT_A_MONTH, book, euros, named, need, offer, options_of, policy, step};
use crate::purchase::{Book, LeadTimes, Market, options};

fn sheet(need: &Need, offers: &[(&str, Offer)], books: &[Book], history: &[PastPrice], policy: &PurchasePolicy) -> NegotiationSheet {
    let options = options_of(need, offers, books, policy);
    negotiation_sheet(need, &options, &named(offers), offers[0].0, history, policy).unwrap()
}

fn past(on: jiff::civil::Date, minor: i64) -> PastPrice {
    PastPrice { item: "disk".into(), offered_on: on, price: euros(minor), supplier: "acme".into() }
}

#[test]
fn the_walk_away_price_is_where_the_second_best_is_as_good() {
    let policy = PurchasePolicy { discount_rate_percent: ONE_PERCENT_A_MONTH.to_owned(), term_months: 12, ..policy() };
    let offers = [
        ("a", Offer { running_minor: 5_000, ..offer() }),
        ("b", Offer { item: "shelf".into(), capacity: 4.0, one_off_minor: 720_000, ..offer() }),
    ];
    let sheet = sheet(&need(), &offers, &[], &[], &policy);
    // b: one piece of 4 TB. After 12 months 7 + 0.01 × 365.24 = 10.6524 TB are in use: (10.6524 − 8) ÷ 0.8 = 3.3155 TB are used.
    // 7,200.00 ÷ 3.3155 ÷ 12 = 180.97 per TB and month. a may cost 180.97 × 2 TB × 12 = 4,343.21; less 1,125.51 of running costs
    // (2 × 50.00 × 11.255077) are 3,217.70; a piece 1,608.85.
    assert_eq!(sheet.asked_piece, euros(100_000));
    let walk_away = sheet.walk_away.unwrap();
    let used = (7.0 + 0.01 * 12.0 * 30.436_875 - 8.0) / 0.8;
    let by_hand = ((720_000.0_f64 / used / 12.0 * 24.0).floor() as i64 - 112_551) / 2;
    assert_eq!(walk_away.piece, euros(by_hand));
    assert!((160_884..=160_886).contains(&by_hand), "{by_hand}");
    assert!(walk_away.because[0].contains("of “Add 1 × shelf of acme (b)” × 2 TB × 12 months"), "{:?}", walk_away.because);
    assert_eq!(sheet.target.piece, euros(100_000));
    assert_eq!(sheet.target.because, ["1000.00 EUR is asked, and nothing in hand speaks for less"]);
}

#[test]
fn at_the_walk_away_price_both_are_equal() {
    let offers =
        |price| [("a", Offer { one_off_minor: price, ..offer() }), ("b", Offer { capacity: 2.0, one_off_minor: 250_000, ..offer() })];
    let walk_away = sheet(&need(), &offers(100_000), &[], &[], &policy()).walk_away.unwrap().piece;
    // 2,500.00 for 2 TB: 1,250.00 for one.
    assert_eq!(walk_away, euros(125_000));
    let rates = |price| {
        options_of(&need(), &offers(price), &[], &policy()).options.iter().map(|o| o.cost.per_used_unit_and_month_minor).collect::<Vec<_>>()
    };
    let equal = rates(125_000);
    assert_eq!(equal[0], equal[1]);
    assert!(rates(125_001)[0] < rates(125_001)[1]);
}

#[test]
fn the_budget_ends_the_walk_away_price() {
    let offers = [("a", offer()), ("b", Offer { capacity: 2.0, one_off_minor: 250_000, ..offer() })];
    let goal = sheet(&need(), &offers, &[book(2026, 250_000)], &[], &policy()).walk_away.unwrap();
    assert_eq!(goal.piece, euros(125_000));
    let goal = sheet(&need(), &offers, &[book(2026, 220_000)], &[], &policy()).walk_away.unwrap();
    // b is over budget now; a may cost 2,200.00 for two.
    assert_eq!((goal.piece, goal.because.len()), (euros(110_000), 1));
    // Over budget itself: the target is what the budget allows.
    let short = sheet(&need(), &offers[..1], &[book(2026, 180_000)], &[], &policy());
    assert_eq!((short.walk_away.unwrap().piece, short.target.piece), (euros(90_000), euros(90_000)));
    assert_eq!(sheet(&need(), &offers[..1], &[], &[], &policy()).walk_away, None);
}

#[test]
fn the_target_is_the_lowest_price_that_something_speaks_for() {
    let stepped = Offer { steps: vec![step(50, 95_000)], ..offer() };
    let target = |offers: &[(&str, Offer)], history: &[PastPrice]| sheet(&need(), offers, &[], history, &policy()).target;
    let goal = target(&[("a", stepped.clone())], &[]);
    assert_eq!((goal.piece, goal.because[0].as_str()), (euros(95_000), "950.00 EUR is asked from 50 pieces on: ask for it at 2"));
    let history = [past(date(2025, 11, 22), 93_000), past(date(2026, 6, 1), 110_000)];
    let goal = target(&[("a", stepped.clone())], &history);
    assert_eq!((goal.piece, goal.because.len()), (euros(93_000), 2));
    // Another supplier has the same item for less: then this one has to be as good, and that is the walk-away price too.
    let other = Offer { supplier: "globex".into(), one_off_minor: 90_000, ..offer() };
    let goal = target(&[("a", stepped), ("b", other)], &history);
    assert_eq!(goal.piece, euros(90_000));
    assert!(goal.because.iter().any(|why| why == "900.00 EUR is what globex asks for the same item (b)"), "{:?}", goal.because);
    // What was dearer before is no ground.
    assert_eq!(target(&[("a", offer())], &[past(date(2025, 1, 1), 110_000)]).piece, euros(100_000));
}

#[test]
fn an_offer_whose_running_costs_are_too_high_is_told_so() {
    // b costs 600.00 for 2 TB; the running costs of a alone are 2 × 10.00 × 36 = 720.00.
    let offers = [
        ("a", Offer { running_minor: 1_000, ..offer() }),
        ("b", Offer { item: "shelf".into(), capacity: 2.0, one_off_minor: 60_000, ..offer() }),
    ];
    let sheet = sheet(&need(), &offers, &[], &[past(date(2025, 1, 1), 70_000)], &policy());
    let goal = sheet.walk_away.unwrap();
    assert_eq!(goal.piece, euros(0));
    assert!(goal.because[0].contains("at no price is it as good"), "{:?}", goal.because);
    assert_eq!(sheet.target.piece, euros(70_000));
}

#[test]
fn the_price_history_is_told_with_its_change() {
    let mut other = past(date(2026, 1, 1), 5);
    other.item = "tape".into();
    let history = [past(date(2026, 11, 1), 121_000), other, past(date(2024, 11, 1), 100_000)];
    let sheet = sheet(&need(), &[("a", Offer { one_off_minor: 121_000, ..offer() })], &[], &history, &policy());
    assert_eq!(sheet.price_history.iter().map(|point| point.price.minor).collect::<Vec<_>>(), [100_000, 121_000]);
    // 1,000.00 to 1,210.00 in two years: 10 % a year.
    assert!((sheet.change_percent_a_year.unwrap() - 10.0).abs() < 0.01);
    assert!((sheet.price_history[1].change_percent_a_year.unwrap() - 10.0).abs() < 0.01);
}

#[test]
fn questions_come_from_what_is_weak() {
    let weak = Offer { delivery_days: Some(90), support_until: Some(date(2027, 6, 30)), running_minor: 100, min_quantity: 5, ..offer() };
    let asked = sheet(&need(), &[("a", weak)], &[], &[], &policy()).questions.join("\n");
    // Ordered on 6 December, in place 3 days before 2 February: 55 days.
    for expected in [
        "deliver within 55 days of the order, by 2027-01-30, instead of 90?",
        "Support ends on 2027-06-30",
        "From which quantity on",
        "Will you sell 2 pieces instead of at least 5?",
        "running costs fixed",
        "How long is the warranty",
        "Which support is included",
    ] {
        assert!(asked.contains(expected), "{expected} in\n{asked}");
    }
    let short = Offer { valid_until: date(2026, 12, 10), delivery_days: None, ..offer() };
    let asked = sheet(&need(), &[("a", short)], &[], &[], &policy()).questions.join("\n");
    assert!(asked.contains("Will you hold the price until 2026-12-31? The offer ends on 2026-12-10"), "{asked}");
    assert!(asked.contains("Which delivery time do you commit to?"), "{asked}");
    let good = Offer {
        steps: vec![step(2, 90_000)],
        support_until: Some(date(2031, 1, 1)),
        support_level: Some("24x7".into()),
        description: "5 years warranty".into(),
        ..offer()
    };
    assert_eq!(
        sheet(&need(), &[("a", good)], &[], &[], &policy()).questions,
        ["Does the warranty include work on site and a replacement in advance?"]
    );
}

#[test]
fn a_sheet_names_need_deadline_and_alternatives() {
    let offers = [("a", offer()), ("b", Offer { one_off_minor: 120_000, ..offer() })];
    let sheet = sheet(&need(), &offers, &[], &[], &policy());
    assert_eq!(sheet.need, "db01 /data needs 2 TB more; it reaches its threshold around 2027-02-14, 2027-02-02 at the earliest");
    assert_eq!((sheet.deadline, sheet.days_left), (Some(date(2026, 12, 17)), Some(25)));
    assert_eq!(sheet.alternatives.iter().map(|other| other.place).collect::<Vec<_>>(), [2, 3]);
    let options =
        options(&need(), Market { offers: &named(&offers), neighbours: &[], books: &[], leads: &LeadTimes::new() }, &policy()).unwrap();
    let error = negotiation_sheet(&need(), &options, &named(&offers), "c", &[], &policy()).unwrap_err();
    assert!(error.to_string().contains("ask about one of: a, b"), "{error}");
}
