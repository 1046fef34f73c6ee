use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::inventory::OfferAction;
use crate::purchase::samples::{book, named, need, offer, options_of, policy, step};

fn paid(needs: &[Need], offer: &Offer, books: &[Book]) -> Vec<Combined> {
    let options: Vec<Options> = needs.iter().map(|need| options_of(need, &[("a", offer.clone())], &[], &policy())).collect();
    let wants: Vec<Want<'_>> =
        needs.iter().zip(&options).zip(1..).map(|((need, options), proposal)| Want { proposal, need, options }).collect();
    combine(&wants, &named(&[("a", offer.clone())]), books, &policy())
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
