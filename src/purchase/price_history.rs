//! What an item cost before.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::days::{DAYS_A_YEAR, days_between};
use super::policy::PurchasePolicy;
use super::price::convert;
use crate::inventory::{Currency, Money};

/// Days between two prices from which on a change a year says something: less than a month is a discount, no trend.
const FEWEST_DAYS: i64 = 30;

/// A price of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastPrice {
    /// What it was for.
    pub item: String,
    /// When it was offered.
    pub offered_on: Date,
    /// One piece, once.
    pub price: Money,
    /// By whom.
    pub supplier: String,
}

/// A price of the past beside those before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PricePoint {
    /// When it was offered.
    pub offered_on: Date,
    /// By whom.
    pub supplier: String,
    /// As it was asked.
    pub price: Money,
    /// In the currency of the offer that is negotiated, by today's rates; none without a rate.
    pub converted: Option<Money>,
    /// Change a year since the first price, in percent; none within a month, without a rate, or from or to nothing.
    pub change_percent_a_year: Option<f64>,
}

/// The prices of an item, oldest first.
pub(super) fn price_points(item: &str, history: &[PastPrice], currency: Currency, policy: &PurchasePolicy) -> Vec<PricePoint> {
    let mut past: Vec<&PastPrice> = history.iter().filter(|past| past.item == item).collect();
    past.sort_by_key(|past| (past.offered_on, past.supplier.clone(), past.price.minor, past.price.currency));
    let mut first: Option<(Date, Money)> = None;
    let point = |past: &PastPrice| {
        let converted = convert(past.price, currency, policy).ok();
        let since = first.zip(converted).and_then(|((date, price), now)| change_a_year(date, price, past.offered_on, now));
        first = first.or(converted.map(|price| (past.offered_on, price)));
        PricePoint {
            offered_on: past.offered_on,
            supplier: past.supplier.clone(),
            price: past.price,
            converted,
            change_percent_a_year: since,
        }
    };
    past.into_iter().map(point).collect()
}

/// (later ÷ earlier)^(days of a year ÷ days between) − 1, in percent.
pub(super) fn change_a_year(earlier: Date, price: Money, later: Date, now: Money) -> Option<f64> {
    let days = days_between(earlier, later);
    if days < FEWEST_DAYS || price.minor <= 0 || now.minor <= 0 {
        return None;
    }
    let change = (now.minor as f64 / price.minor as f64).powf(DAYS_A_YEAR / days as f64) - 1.0;
    change.is_finite().then_some(change * 100.0)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_change_is_told_for_a_year() {
        let euros = |minor| Money { minor, currency: Currency::EUR };
        // 100 to 121 in two years is 10 % a year: 1.1² = 1.21.
        let change = change_a_year(date(2024, 11, 22), euros(10_000), date(2026, 11, 22), euros(12_100)).unwrap();
        assert!((change - 10.0).abs() < 0.01, "{change}");
        assert_eq!(change_a_year(date(2026, 11, 1), euros(100), date(2026, 11, 22), euros(50)), None);
        assert_eq!(change_a_year(date(2024, 11, 1), euros(0), date(2026, 11, 22), euros(50)), None);
    }
}
