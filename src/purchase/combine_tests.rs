use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::inventory::OfferAction;
use crate::purchase::samples::{book, named, need, offer, options_of, policy, step};

fn paid(needs: &[Need], offer: &Offer, books: &[Book]) -> Vec<Combined> {
    let options: Vec<Options> = needs.iter().map(|need| options_of(need, &[("a", offer.clone())], &[], &policy())).collect();
    let wants: Vec<Want<'_>> =
        needs.iter().zip(&options).zip(1..).map(|((need, options), proposal)| want(proposal, need, options)).collect();
    combine(&wants, &named(&[("a", offer.clone())]), books, &policy())
}

fn want<'w>(proposal: i64, need: &'w Need, options: &'w Options) -> Want<'w> {
    Want { proposal, need, options, outdated: Vec::new() }
}

fn combined(needs: &[Need], offer: &Offer) -> Vec<Combined> {
    paid(needs, offer, &[])
}

fn wanting(resource: &str, needed: f64) -> Need {
    Need { resource: resource.to_owned(), needed, ..need() }
}

#[test]
fn needs_that_reach_a_volume_step_together_are_combined() {
    let offer = Offer { steps: vec![step(5, 80_000)], ..offer() };
    let found = combined(&[wanting("files01 D", 3.0), wanting("db01 /data", 2.0)], &offer);
    let joint = &found[0];
    // Singly 2 × 1,000.00 and 3 × 1,000.00 (5 × 800.00 are not less); together 5 × 800.00 = 4,000.00.
    assert_eq!((joint.quantity, joint.singly_npv_minor, joint.npv_minor, joint.saving_minor), (5, 500_000, 400_000, 100_000));
    let shares: Vec<_> = joint.shares.iter().map(|share| (share.resource.as_str(), share.npv_minor)).collect();
    assert_eq!(shares, [("db01 /data", 160_000), ("files01 D", 240_000)]);
    assert_eq!((joint.order_by, joint.best_options_npv_minor), (Some(date(2026, 12, 17)), Some(500_000)));
    assert_eq!(joint.why, "one order of 5 × disk for db01 /data, files01 D saves 1000.00 EUR");
}

#[test]
fn needs_that_reach_the_smallest_quantity_together_are_combined() {
    let offer = Offer { min_quantity: 4, ..offer() };
    let joint = &combined(&[wanting("a", 2.0), wanting("b", 1.0)], &offer)[0];
    // Singly 4 and 4 pieces, together 4.
    assert_eq!((joint.quantity, joint.saving_minor), (4, 400_000));
    // 4,000.00 by 2 and 1 pieces: 2,666.67 and 1,333.33.
    assert_eq!(joint.shares.iter().map(|share| share.npv_minor).collect::<Vec<_>>(), [266_667, 133_333]);
}

#[test]
fn the_whole_is_paid_by_one_line_and_each_has_its_pieces_of_it() {
    let offer = Offer { steps: vec![step(7, 70_000)], ..offer() };
    let needs = [wanting("a", 1.0), wanting("b", 2.0), wanting("c", 2.0)];
    let joint = &paid(&needs, &offer, &[book(2026, 600_000)])[0];
    // 7 × 700.00 are less than 5 × 1,000.00.
    let budget = joint.budget.as_ref().unwrap();
    assert_eq!((joint.quantity, joint.npv_minor, budget.takes_minor, budget.left_after_minor), (7, 490_000, 490_000, 110_000));
    let shares: Vec<_> = joint.shares.iter().map(|it| (it.proposal, it.needed_quantity, it.quantity, it.budget_minor)).collect();
    // 490,000 and 7 pieces by 1, 2 and 2: 98,000 and 196,000 twice; 1.4 and 2.8 twice, of which the two larger rests are rounded up.
    assert_eq!(shares, [(1, 1, 1, Some(98_000)), (2, 2, 3, Some(196_000)), (3, 2, 3, Some(196_000))]);
    assert!(joint.shares.iter().all(|it| it.capacity_gained == f64::from(it.quantity)), "pieces of one each: {joint:?}");
    assert!(joint.against.is_empty() && joint.terms.iter().any(|term| term.name == "budget_left_after"));

    let poor = &paid(&needs, &offer, &[book(2026, 489_999)])[0];
    assert_eq!((poor.budget.as_ref().unwrap().over_by_minor, poor.against.len()), (1, 1), "{poor:?}");
    let other_year = &paid(&needs, &offer, &[book(2040, 600_000)])[0];
    assert!(other_year.budget.is_none() && other_year.against[0].contains("no budget line pays for"), "{other_year:?}");
    // What replaces gains what is more than there was.
    let replacing = Offer { action: OfferAction::Replace, steps: vec![step(20, 60_000)], ..offer };
    let joint = &combined(&needs, &replacing)[0];
    assert!(joint.shares.iter().all(|it| it.capacity_gained == f64::from(it.quantity) - need().limit), "{joint:?}");
}

#[test]
fn what_has_no_common_day_or_saves_nothing_is_not_combined() {
    let stepped = Offer { steps: vec![step(5, 80_000)], ..offer() };
    assert!(combined(&[wanting("a", 2.0), wanting("b", 3.0)], &offer()).is_empty());
    let late = Need { lower: Some(date(2026, 12, 1)), ..wanting("b", 3.0) };
    assert!(combined(&[wanting("a", 2.0), late], &stepped).is_empty());
    let later = Need { today: date(2026, 12, 18), ..wanting("b", 3.0) };
    assert!(combined(&[wanting("a", 2.0), later], &stepped).is_empty(), "the first had to be decided on 17 December");
    let last_day = Need { today: date(2026, 12, 17), ..wanting("b", 3.0) };
    assert_eq!(combined(&[wanting("a", 2.0), last_day], &stepped).len(), 1);
    assert!(combined(&[wanting("a", 2.0), wanting("b", 3.0)], &Offer { max_quantity: Some(4), ..stepped.clone() }).is_empty());
    assert!(combined(&[wanting("a", 2.0), wanting("a", 3.0)], &stepped).is_empty(), "one resource is one need");
    assert!(combine(&[], &[], &[], &policy()).is_empty());
}

#[test]
fn offers_that_have_changed_and_other_currencies_take_no_part() {
    let stepped = Offer { steps: vec![step(5, 80_000)], ..offer() };
    let needs = [wanting("a", 2.0), wanting("b", 3.0)];
    let mut options = needs.each_ref().map(|need| options_of(need, &[("a", stepped.clone())], &[], &policy()));
    let offers = named(&[("a", stepped)]);
    let orders = |outdated: Vec<&'static str>, options: &[Options]| {
        let wants = [want(1, &needs[0], &options[0]), Want { outdated, ..want(2, &needs[1], &options[1]) }];
        combine(&wants, &offers, &[], &policy()).len()
    };
    assert_eq!((orders(vec!["b"], &options), orders(vec!["a"], &options)), (1, 0));
    options[1].currency = "USD".parse().unwrap();
    assert_eq!(orders(Vec::new(), &options), 0);
}

#[test]
fn what_another_option_does_cheaper_stands_against_the_order() {
    let stepped = Offer { steps: vec![step(5, 80_000)], ..offer() };
    let cheap = Offer { one_off_minor: 70_000, ..offer() };
    let needs = [wanting("a", 2.0), wanting("b", 3.0)];
    let offers = [("a", stepped), ("b", cheap)];
    let options = needs.each_ref().map(|need| options_of(need, &offers, &[], &policy()));
    let wants = [want(1, &needs[0], &options[0]), want(2, &needs[1], &options[1])];
    let joint = &combine(&wants, &named(&offers), &[], &policy())[0];
    assert_eq!((joint.offer.as_str(), joint.npv_minor, joint.best_options_npv_minor), ("a", 400_000, Some(350_000)));
    assert_eq!(joint.against, ["the best option of each need costs 3500.00 EUR in all, 500.00 EUR less than this order"]);
}

/// An order for three needs of the line of 2026, with their options.
fn three(offer: &Offer) -> (Combined, [Need; 3], [Options; 3]) {
    let needs = [wanting("a", 1.0), wanting("b", 2.0), wanting("c", 2.0)];
    let options = needs.each_ref().map(|need| options_of(need, &[("a", offer.clone())], &[], &policy()));
    let order = paid(&needs, offer, &[book(2026, 600_000)])[0].clone();
    (order, needs, options)
}

#[test]
fn what_is_left_of_an_order_costs_what_so_many_cost() {
    let offer = Offer { steps: vec![step(5, 80_000)], ..offer() };
    let (order, needs, options) = three(&offer);
    assert_eq!((order.quantity, order.npv_minor), (5, 400_000));
    let kept = [want(2, &needs[1], &options[1]), want(3, &needs[2], &options[2])];
    let rest = rest_of(&order, &offer, &kept, Some(&book(2026, 350_000)), &policy()).unwrap();
    // Four do not reach the step: 4 × 1,000.00.
    assert_eq!((rest.quantity, rest.npv_minor, rest.saving_minor), (4, 400_000, 0));
    let budget = rest.budget.as_ref().unwrap();
    assert_eq!((budget.takes_minor, budget.over_by_minor, budget.order_on), (400_000, 50_000, order.budget.as_ref().unwrap().order_on));
    assert_eq!(
        rest.shares.iter().map(|it| (it.proposal, it.quantity, it.budget_minor.unwrap())).collect::<Vec<_>>(),
        [(2, 2, 200_000), (3, 2, 200_000)]
    );
    assert_eq!(rest.why, "an order of 4 × disk for b, c is left of it");
    let one = rest_of(&order, &offer, &kept[..1], None, &policy()).unwrap();
    assert_eq!((one.quantity, one.npv_minor, one.budget), (2, 200_000, None));
    assert!(rest_of(&order, &offer, &[], None, &policy()).is_err());
    let stranger = [want(9, &needs[0], &options[0])];
    assert!(rest_of(&order, &offer, &stranger, None, &policy()).is_err(), "it has no share");
    let dollars = PurchasePolicy::new("USD".parse().unwrap());
    assert!(rest_of(&order, &offer, &kept, None, &dollars).unwrap_err().contains("reckons in USD now"));
}

#[test]
fn an_option_is_told_as_it_is_ordered() {
    let offer = Offer { steps: vec![step(7, 70_000)], running_minor: 100, ..offer() };
    let (order, needs, options) = three(&offer);
    let wanted = want(2, &needs[1], &options[1]);
    let (alone, ordered) = (options[1].of_offer("a").unwrap(), order.option_as_ordered(&wanted, &policy()).unwrap());
    let share = &order.shares[1];
    assert_eq!((alone.quantity, ordered.quantity, ordered.smallest_quantity), (2, 3, 2));
    assert_eq!(ordered.title, "Add 3 × disk of acme (a), in an order of 7 for 3 needs");
    assert_eq!((ordered.cost.npv_minor, ordered.cost.one_off_minor), (share.npv_minor, share.one_off_minor));
    assert_eq!(ordered.budget.as_ref().unwrap().takes_minor, share.budget_minor.unwrap());
    let by_hand = share.npv_minor as f64 / ordered.capacity_gained / f64::from(ordered.cost.term_months);
    assert!((ordered.cost.per_unit_and_month_minor.unwrap() - by_hand).abs() < 1e-9);
    assert_eq!((&ordered.schedule, ordered.capacity_gained), (&alone.schedule, 3.0));
    let monthly: i64 = order.shares.iter().map(|share| share.running_minor_per_month).sum();
    assert_eq!(monthly, 700);
    for name in ["needed", "days_to_use", "npv", "share_npv", "share_budget", "cost_per_unit_and_month"] {
        assert_eq!(ordered.terms.iter().filter(|term| term.name == name).count(), 1, "{name}");
    }
    assert!(order.option_as_ordered(&want(9, &needs[1], &options[1]), &policy()).is_none());
}

proptest! {
    #[test]
    fn parts_add_up_to_the_whole(whole: i64, weights in prop::collection::vec(any::<u32>(), 1..20)) {
        let parts = split(whole, &weights);
        let sum: i128 = parts.iter().map(|part| i128::from(*part)).sum();
        let expected = if weights.iter().all(|weight| *weight == 0) { 0 } else { i128::from(whole) };
        prop_assert_eq!(sum, expected);
    }

    #[test]
    fn shares_add_up_to_the_order(
        needed in prop::collection::vec(0.1_f64..50.0, 2..8), price in 1_i64..1_000_000, running in 0_i64..10_000, planned in 0_i64..100_000_000,
    ) {
        let needs: Vec<Need> = needed.iter().enumerate().map(|(at, needed)| wanting(&format!("r{at}"), *needed)).collect();
        let offer = Offer { one_off_minor: price, running_minor: running, min_quantity: 60, ..offer() };
        for joint in paid(&needs, &offer, &[book(2026, planned)]) {
            let taken: i64 = joint.shares.iter().map(|share| share.budget_minor.unwrap()).sum();
            let budget = joint.budget.as_ref().unwrap();
            prop_assert_eq!(taken, budget.takes_minor);
            prop_assert_eq!(budget.fits(), joint.against.is_empty());
            prop_assert_eq!(joint.shares.iter().map(|share| share.quantity).sum::<u32>(), joint.quantity);
            prop_assert!(joint.shares.iter().all(|share| share.quantity >= share.needed_quantity));
            prop_assert_eq!(joint.one_off_minor + joint.running_present_minor, joint.npv_minor);
            prop_assert_eq!(joint.shares.iter().map(|share| share.npv_minor).sum::<i64>(), joint.npv_minor);
            prop_assert_eq!(joint.shares.iter().map(|share| share.one_off_minor).sum::<i64>(), joint.one_off_minor);
            prop_assert_eq!(joint.npv_minor + joint.saving_minor, joint.singly_npv_minor);
        }
    }
}
