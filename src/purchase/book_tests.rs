use super::*;
use crate::purchase::samples::{book, euros};

#[test]
fn a_line_goes_from_planned_to_committed_to_spent() {
    let planned = book(2027, 100_000);
    let committed = planned.commit(euros(71_000)).unwrap();
    assert_eq!(committed.left(), Ok(euros(29_000)));
    // The invoice is 500.00 less than what was promised: that is left again.
    let paid = committed.pay(euros(71_000), euros(21_000)).unwrap();
    assert_eq!((paid.committed_minor, paid.spent_minor, paid.left()), (0, 21_000, Ok(euros(79_000))));
    assert_eq!(committed.release(euros(71_000)), Ok(planned));
}

#[test]
fn an_overrun_is_told_by_how_much() {
    let line = book(2027, 100_000).with(60_000, 10_000);
    let error = line.commit(euros(30_001)).unwrap_err();
    let over = PurchaseError::Overrun { line: "2027/storage".into(), amount: euros(30_001), left: euros(30_000), over: euros(1) };
    assert_eq!(error, over);
    assert!(error.to_string().contains("0.01 EUR more than the 300.00 EUR that are left"), "{error}");
    assert!(line.commit(euros(30_000)).is_ok());
    assert_eq!(line.spend(euros(30_001)), Err(over));
}

#[test]
fn what_is_no_amount_of_the_line_is_refused() {
    let line = book(2027, 100_000).with(500, 0);
    let dollars = Money { minor: 1, currency: "USD".parse().unwrap() };
    assert!(matches!(line.commit(dollars), Err(PurchaseError::Currency { .. })));
    assert!(matches!(line.commit(euros(-1)), Err(PurchaseError::Negative { .. })));
    assert!(matches!(line.release(euros(501)), Err(PurchaseError::NotCommitted { .. })));
    assert!(matches!(line.with(i64::MIN, 0).left(), Err(PurchaseError::TooLarge { .. })));
}

#[test]
fn a_line_pays_in_its_year_for_its_kinds() {
    let line = book(2027, 0);
    assert!(line.pays_for("filesystem", 2027));
    assert!(!line.pays_for("filesystem", 2026));
    assert!(!line.pays_for("memory", 2027));
    assert!(Book { resource_kinds: Vec::new(), ..line }.pays_for("memory", 2027));
}
