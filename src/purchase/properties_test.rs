//! What holds for every need and every market.

use jiff::civil::Date;
use proptest::prelude::*;

use super::samples::{book, need, offer, policy};
use super::{
    Book, Consumer, LeadTime, LeadTimes, Market, NamedOffer, Need, Neighbour, Options, PastPrice, PurchaseOption, PurchasePolicy, Want,
    combine, negotiation_sheet, options,
};
use crate::inventory::{CostPer, Money, Offer, OfferAction, VolumeStep};

/// Any number, the strange ones often.
fn numbers() -> impl Strategy<Value = f64> {
    let strange = vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, 0.0, -0.0, -1.0, 1e-300, 1e300];
    prop_oneof![any::<f64>(), 0.0..100.0, prop::sample::select(strange)]
}

fn amounts() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), 0_i64..1_000_000, prop::sample::select(vec![i64::MIN, i64::MAX, 0, -1])]
}

fn dates() -> impl Strategy<Value = Date> {
    let any_day = (-9_999_i16..=9_999, 1_i8..=12, 1_i8..=28).prop_map(|(year, month, day)| jiff::civil::date(year, month, day));
    let near = (0_i64..1_000).prop_map(|days| super::days::plus_days(need().today, days));
    prop_oneof![any_day, near, prop::sample::select(vec![Date::MIN, Date::MAX])]
}

fn any_need() -> impl Strategy<Value = Need> {
    let dates = (dates(), prop::option::of(dates()), prop::option::of(dates()), prop::option::of(dates()));
    let numbers = prop::array::uniform7(prop_oneof![numbers(), 0.5..50.0]);
    (dates, numbers, 0.0_f64..=1.0, prop::option::of(amounts()), prop::option::of(numbers_of_consumer())).prop_map(
        |(
            (today, lower, median, upper),
            [used, limit, threshold, needed, growth_per_day, growth_per_day_fast, _],
            chance,
            cost,
            consumer,
        )| Need {
            today,
            lower,
            median,
            upper,
            used,
            limit,
            threshold,
            needed,
            growth_per_day,
            growth_per_day_fast,
            chance,
            cost_of_outage_minor_per_day: cost,
            consumers: consumer.into_iter().collect(),
            agreed: None,
            ..need()
        },
    )
}

/// A usual need, at the ends of the calendar too.
fn need_at_any_time() -> impl Strategy<Value = Need> {
    (dates(), prop::option::of(dates()), prop::option::of(dates()), amounts()).prop_map(|(today, lower, median, cost)| Need {
        today,
        lower,
        median,
        cost_of_outage_minor_per_day: Some(cost),
        ..need()
    })
}

fn numbers_of_consumer() -> impl Strategy<Value = Consumer> {
    (numbers(), prop::option::of(numbers())).prop_map(|(amount, removable)| Consumer {
        name: "c".into(),
        amount,
        removable,
        might_go: None,
    })
}

fn any_offer() -> impl Strategy<Value = Offer> {
    let days = (prop::option::of(any::<u32>()), any::<u32>(), dates(), prop::option::of(0_u32..2_000));
    let pieces = (any::<u32>(), prop::option::of(any::<u32>()), prop::collection::vec((any::<u32>(), amounts()), 0..4));
    let per = prop::sample::select(vec![CostPer::Month, CostPer::Quarter, CostPer::Year, CostPer::Once]);
    (numbers(), amounts(), amounts(), per, any::<bool>(), days, pieces, prop::sample::select(vec!["TB", "GiB", "seats", ""])).prop_map(
        |(
            capacity,
            once,
            running,
            running_per,
            add,
            (delivery_days, installation_days, valid_until, term_months),
            (least, most, steps),
            unit,
        )| Offer {
            capacity,
            one_off_minor: once,
            running_minor: running,
            running_per,
            action: if add { OfferAction::Add } else { OfferAction::Replace },
            delivery_days,
            installation_days,
            valid_until,
            term_months,
            min_quantity: least,
            max_quantity: most,
            steps: steps.into_iter().map(|(from, one_off_minor)| VolumeStep { from, one_off_minor }).collect(),
            unit: unit.to_owned(),
            ..offer()
        },
    )
}

/// Offers that a department might have.
fn usual_offer() -> impl Strategy<Value = Offer> {
    let steps = prop::collection::vec((2_u32..30, 1_000_i64..100_000), 0..3);
    (0.2_f64..8.0, 1_000_i64..200_000, 0_i64..5_000, 0_u32..90, any::<bool>(), 1_u32..6, steps).prop_map(
        |(capacity, once, running, delivery, add, min_quantity, steps)| Offer {
            capacity,
            one_off_minor: once,
            running_minor: running,
            delivery_days: Some(delivery),
            action: if add { OfferAction::Add } else { OfferAction::Replace },
            min_quantity,
            steps: steps.into_iter().map(|(from, one_off_minor)| VolumeStep { from, one_off_minor }).collect(),
            ..offer()
        },
    )
}

fn named(offers: Vec<Offer>) -> Vec<NamedOffer> {
    offers.into_iter().enumerate().map(|(at, offer)| (format!("o{at}"), offer)).collect()
}

fn worked_out(need: &Need, offers: &[NamedOffer], books: &[Book], policy: &PurchasePolicy) -> Options {
    options(need, Market { offers, neighbours: &[], books, leads: &LeadTimes::new() }, policy).unwrap()
}

/// Dearer, later and smaller, or as good at best.
fn dominates(one: &PurchaseOption, other: &PurchaseOption) -> bool {
    one.kind.is_bought()
        && other.kind.is_bought()
        && one.cost.term_months == other.cost.term_months
        && one.cost.one_off_minor <= other.cost.one_off_minor
        && one.cost.running_minor_per_month <= other.cost.running_minor_per_month
        && one.cost.npv_minor < other.cost.npv_minor
        && one.schedule.arrives_on <= other.schedule.arrives_on
        && one.capacity_gained >= other.capacity_gained
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn no_numbers_panic(
        need in prop_oneof![any_need(), need_at_any_time()],
        offers in prop::collection::vec(prop_oneof![any_offer(), usual_offer()], 0..4),
        room in (numbers(), numbers()),
        line in (any::<i16>(), amounts(), amounts(), amounts()),
        seen in prop::collection::vec(any::<u32>(), 0..3),
        past in prop::collection::vec((dates(), amounts()), 0..3),
    ) {
        let offers = named(offers);
        let neighbours = [Neighbour { resource: "n".into(), unit: "GB".into(), spare: room.0, releasable: room.1 }];
        let year = need.today.year();
        let books = [book(line.0, line.1).with(line.2, line.3), book(year, line.1).with(line.2, line.3)];
        let leads = LeadTimes::from([("acme".to_owned(), LeadTime { promised_days: None, seen_days: seen })]);
        let market = Market { offers: &offers, neighbours: &neighbours, books: &books, leads: &leads };
        let Ok(found) = options(&need, market, &policy()) else { return Ok(()) };
        prop_assert_eq!(found.options.iter().filter(|option| option.offer.is_some()).count()
            + found.left_out.iter().filter(|out| out.name.starts_with('o')).count(), offers.len());
        prop_assert!(found.options.iter().flat_map(|option| &option.terms).all(|term| term.value.is_finite()));
        let history: Vec<PastPrice> = past.into_iter().map(|(offered_on, minor)| PastPrice {
            item: "disk".into(), offered_on, price: Money { minor, ..super::samples::euros(0) }, supplier: "acme".into(),
        }).collect();
        for option in found.options.iter().filter(|option| option.kind.is_bought()) {
            let name = option.offer.clone().unwrap();
            if let Ok(sheet) = negotiation_sheet(&need, &found, &offers, &name, &history, &policy()) {
                prop_assert!(sheet.target.piece.minor <= sheet.asked_piece.minor);
                prop_assert!(sheet.walk_away.is_none_or(|goal| goal.piece.minor == 0 || goal.piece.minor >= sheet.target.piece.minor));
            }
        }
        combine(&[Want { proposal: 1, need: &need, options: &found, outdated: Vec::new() }], &offers, &[], &policy());
    }

    #[test]
    fn money_adds_up(offers in prop::collection::vec(usual_offer(), 1..6), planned in 0_i64..10_000_000) {
        let found = worked_out(&need(), &named(offers), &[book(2026, planned)], &PurchasePolicy { discount_rate_percent: "7.5".into(), ..policy() });
        for option in &found.options {
            let cost = &option.cost;
            prop_assert_eq!(cost.one_off_minor + cost.running_present_minor, cost.npv_minor);
            if let Some(budget) = &option.budget {
                prop_assert_eq!(budget.left_after_minor + budget.takes_minor, budget.left_before_minor);
                prop_assert_eq!(budget.over_by_minor, (-budget.left_after_minor).max(0));
            }
        }
    }

    #[test]
    fn prices_scale(one in usual_offer(), times in 2_i64..50) {
        let scaled = Offer {
            one_off_minor: one.one_off_minor * times,
            running_minor: one.running_minor * times,
            steps: one.steps.iter().map(|step| VolumeStep { one_off_minor: step.one_off_minor * times, ..*step }).collect(),
            ..one.clone()
        };
        let policy = PurchasePolicy { discount_rate_percent: "7.5".into(), ..policy() };
        let cost = |offer: Offer| worked_out(&need(), &named(vec![offer]), &[], &policy).of_offer("o0").map(|option| (option.cost.npv_minor, option.quantity));
        let (once, many) = (cost(one), cost(scaled));
        prop_assert_eq!(once.is_some(), many.is_some());
        if let (Some((once, quantity)), Some((many, quantity_of_many))) = (once, many) {
            // Two quantities whose costs differ by less than the rounding may change places.
            prop_assert!((once * times - many).abs() <= times + 1);
            prop_assert!(quantity == quantity_of_many || (once * times - many).abs() <= times + 1);
        }
    }

    #[test]
    fn what_is_dominated_never_comes_first(offers in prop::collection::vec(usual_offer(), 2..8), worse in 0_usize..8, planned in 0_i64..2_000_000) {
        let mut offers = offers;
        // One of them once more: dearer and slower.
        let copied = offers[worse % offers.len()].clone();
        offers.push(Offer { one_off_minor: copied.one_off_minor + 500, delivery_days: copied.delivery_days.map(|days| days + 5), steps: Vec::new(), ..copied });
        let found = worked_out(&need(), &named(offers), &[book(2026, planned)], &policy());
        for (at, option) in found.options.iter().enumerate() {
            for after in &found.options[at + 1..] {
                prop_assert!(!dominates(after, option), "{} before {}", option.title, after.title);
            }
        }
    }

    #[test]
    fn the_order_of_the_inputs_does_not_matter(offers in prop::collection::vec(usual_offer(), 1..7), seed in any::<u64>()) {
        let offers = named(offers);
        let books = [book(2026, 500_000), Book { name: "2026/other".into(), ..book(2026, 900_000) }];
        let one = worked_out(&need(), &offers, &books, &policy());
        let mut turned = offers.clone();
        turned.rotate_left(seed as usize % offers.len());
        turned.reverse();
        let [first, second] = books;
        prop_assert_eq!(one, worked_out(&need(), &turned, &[second, first], &policy()));
    }

    #[test]
    fn results_are_stored_and_read_again(offers in prop::collection::vec(usual_offer(), 1..4)) {
        let found = worked_out(&need(), &named(offers), &[book(2026, 500_000)], &policy());
        let again: Options = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
        // What is reckoned in fractions may lose its last digit in JSON; whole numbers, dates and words may not.
        let kept = |options: &Options| -> Vec<_> {
            let one = |option: &PurchaseOption| {
                let cost = &option.cost;
                let amounts = (cost.one_off_minor, cost.running_present_minor, option.budget.as_ref().map(|budget| budget.takes_minor));
                let words = (option.title.clone(), option.against.clone(), option.why_here.clone());
                (amounts, words, option.schedule.order_by, option.schedule.arrives_on, option.lasts_until, option.terms.len())
            };
            options.options.iter().map(one).collect()
        };
        prop_assert_eq!(kept(&again), kept(&found));
        let rates = |options: &Options| -> Vec<f64> {
            options.options.iter().filter_map(|option| option.cost.per_used_unit_and_month_minor).collect()
        };
        prop_assert!(rates(&again).iter().zip(rates(&found)).all(|(one, other)| (one - other).abs() <= other.abs() * 1e-12));
    }
}
