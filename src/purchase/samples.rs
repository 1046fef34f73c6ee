//! A need, an offer and a policy that tests change.

use jiff::civil::date;

use super::{Book, LeadTimes, Market, NamedOffer, Need, Options, PurchasePolicy, options};
use crate::inventory::{Asset, CostPer, Currency, Money, Offer, OfferAction, VolumeStep};

/// One per cent a month, as a year's rate.
pub(super) const ONE_PERCENT_A_MONTH: &str = "12.682503013";

pub(super) fn euros(minor: i64) -> Money {
    Money { minor, currency: Currency::EUR }
}

/// Euros, no discount.
pub(super) fn policy() -> PurchasePolicy {
    PurchasePolicy { discount_rate_percent: "0".to_owned(), ..PurchasePolicy::new(Currency::EUR) }
}

/// 7 of 10 TB are in use and 8 may be; 72 days to the earliest crossing, 84 to the likeliest, 107 to the latest.
pub(super) fn need() -> Need {
    Need {
        resource: "db01 /data".to_owned(),
        kind: "filesystem".to_owned(),
        unit: "TB".to_owned(),
        today: date(2026, 11, 22),
        used: 7.0,
        limit: 10.0,
        threshold: 8.0,
        needed: 2.0,
        growth_per_day: 0.01,
        growth_per_day_fast: 0.02,
        level: 0.95,
        lower: Some(date(2027, 2, 2)),
        median: Some(date(2027, 2, 14)),
        upper: Some(date(2027, 3, 9)),
        chance: 0.99,
        horizon_days: None,
        service: None,
        criticality: None,
        cost_of_outage_minor_per_day: None,
        consumers: Vec::new(),
        agreed: None,
    }
}

/// A disk of 1 TB for 1,000.00 € once; 47 days from approval to use.
pub(super) fn offer() -> Offer {
    Offer {
        supplier: "acme".to_owned(),
        item: "disk".to_owned(),
        description: String::new(),
        resource_kind: "filesystem".to_owned(),
        resources: Vec::new(),
        action: OfferAction::Add,
        capacity: 1.0,
        unit: "TB".to_owned(),
        one_off_minor: 100_000,
        running_minor: 0,
        running_per: CostPer::Month,
        currency: Currency::EUR,
        steps: Vec::new(),
        min_quantity: 1,
        max_quantity: None,
        delivery_days: Some(30),
        installation_days: 3,
        offered_on: Some(date(2026, 11, 1)),
        valid_until: date(2027, 12, 31),
        term_months: None,
        support_level: None,
        support_until: None,
    }
}

pub(super) fn step(from: u32, one_off_minor: i64) -> VolumeStep {
    VolumeStep { from, one_off_minor }
}

/// A budget line for file systems of which nothing has been taken.
pub(super) fn book(year: i16, planned_minor: i64) -> Book {
    Book {
        name: format!("{year}/storage"),
        year,
        resource_kinds: vec!["filesystem".to_owned()],
        currency: Currency::EUR,
        planned_minor,
        committed_minor: 0,
        spent_minor: 0,
    }
}

pub(super) fn named(offers: &[(&str, Offer)]) -> Vec<NamedOffer> {
    offers.iter().map(|(name, offer)| ((*name).to_owned(), offer.clone())).collect()
}

/// The options of a need that only offers can meet.
pub(super) fn options_of(need: &Need, offers: &[(&str, Offer)], books: &[Book], policy: &PurchasePolicy) -> Options {
    let (offers, leads) = (named(offers), LeadTimes::new());
    options(need, Market { offers: &offers, neighbours: &[], books, leads: &leads }, policy).unwrap()
}

/// A server bought three years ago, with five years to live.
pub(super) fn asset() -> Asset {
    let document = serde_json::json!({"kind": "server", "bought_on": "2023-11-22"});
    serde_json::from_value(document).unwrap()
}
