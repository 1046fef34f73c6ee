//! What currencies are worth, as somebody has said: nothing is converted by a rate that nobody gave.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::decimal::{Decimal, divided_half_even, power_of_ten};
use super::{Currency, Money, MoneyError};
use crate::document::Complaint;

/// Rates of one day against one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// The currency that the rates are given in.
    pub base: Currency,
    /// The day that they are of.
    pub as_of: Date,
    /// What one unit of each currency is worth in the base, as decimal text: `"USD": "0.92"`.
    #[serde(default)]
    pub rates: BTreeMap<Currency, String>,
}

impl Rates {
    /// What is wrong with the document, field by field; empty if it may be used.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for (currency, rate) in &self.rates {
            let wrong = match Decimal::read(rate) {
                Err(why) => Some(why),
                Ok(decimal) if decimal.digits <= 0 => {
                    Some(format!("a rate is more than nothing; write what one {currency} is worth in {}", self.base))
                }
                Ok(_) if *currency == self.base => Some(format!("{currency} is the base, which is worth 1; take the rate out")),
                Ok(_) => None,
            };
            complaints.extend(wrong.map(|why| Complaint::new(format!("rates.{currency}"), why)));
        }
        complaints
    }

    /// The amount in another currency, rounded once to its minor unit; a tie goes to the even one.
    ///
    /// # Errors
    /// If a rate is missing (it says which), or the amount cannot be counted.
    pub fn convert(&self, money: Money, to: Currency) -> Result<Money, MoneyError> {
        if money.currency == to {
            return Ok(money);
        }
        let (from_rate, to_rate) = (self.rate(money.currency)?, self.rate(to)?);
        // minor / 10^own * from_rate / to_rate * 10^theirs, as one fraction: it is rounded once.
        let up = to.minor_digits() + to_rate.decimals;
        let down = money.currency.minor_digits() + from_rate.decimals;
        let fraction = || {
            let dividend = i128::from(money.minor).checked_mul(i128::from(from_rate.digits))?;
            let dividend = dividend.checked_mul(power_of_ten(up.saturating_sub(down))?)?;
            let divisor = i128::from(to_rate.digits).checked_mul(power_of_ten(down.saturating_sub(up))?)?;
            i64::try_from(divided_half_even(dividend, divisor)?).ok()
        };
        fraction().map(|minor| Money::new(minor, to)).ok_or(MoneyError::TooLarge { currency: to })
    }

    fn rate(&self, currency: Currency) -> Result<Decimal, MoneyError> {
        if currency == self.base {
            return Ok(Decimal { digits: 1, decimals: 0 });
        }
        let given = self.rates.get(&currency).and_then(|rate| Decimal::read(rate).ok()).filter(|rate| rate.digits > 0);
        given.ok_or(MoneyError::NoRate { currency, base: self.base })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn rates() -> Rates {
        serde_json::from_value(serde_json::json!({
            "base": "EUR", "as_of": "2026-11-20", "rates": {"USD": "0.92", "JPY": "0.0061", "KWD": "3.01"}
        }))
        .unwrap()
    }

    #[test]
    fn amounts_are_converted_by_hand_computed_examples() {
        // 100.00 USD * 0.92 = 92.00 EUR; 92.00 EUR / 0.92 = 100.00 USD; 10,000 JPY * 0.0061 = 61.00 EUR;
        // 1.00 USD * 0.92 / 0.0061 = 150.82 JPY; 0.05 USD * 0.92 = 0.046 EUR, nearest cent 0.05.
        let table = [
            (10_000, "USD", "EUR", 9_200),
            (9_200, "EUR", "USD", 10_000),
            (10_000, "JPY", "EUR", 6_100),
            (100, "USD", "JPY", 151),
            (5, "USD", "EUR", 5),
        ];
        for (minor, from, to, converted) in table {
            assert_eq!(
                rates().convert(Money::new(minor, currency(from)), currency(to)),
                Ok(Money::new(converted, currency(to))),
                "{minor} {from}"
            );
        }
        assert_eq!(rates().check(), []);
    }

    #[test]
    fn a_missing_rate_is_named() {
        let error = rates().convert(Money::new(1, currency("CHF")), Currency::EUR).unwrap_err();
        assert_eq!(error.to_string(), "there is no rate for CHF; give under `rates` what one CHF is worth in EUR");
        assert!(rates().convert(Money::new(1, Currency::EUR), currency("CHF")).is_err());
    }

    #[test]
    fn wrong_rates_are_named() {
        let mut wrong = rates();
        wrong.rates.extend([(currency("CHF"), "1,05".to_owned()), (currency("GBP"), "-1".to_owned()), (Currency::EUR, "1".to_owned())]);
        let fields: Vec<String> = wrong.check().into_iter().map(|complaint| complaint.field).collect();
        assert_eq!(fields, ["rates.CHF", "rates.EUR", "rates.GBP"]);
    }

    proptest! {
        #[test]
        fn no_amount_panics(minor in any::<i64>(), rate in "[0-9]{1,9}\\.[0-9]{1,9}") {
            let rates = Rates { rates: [(currency("USD"), rate)].into(), ..rates() };
            for (from, to) in [("USD", "EUR"), ("EUR", "USD"), ("USD", "USD")] {
                let _ = rates.convert(Money::new(minor, currency(from)), currency(to));
            }
        }

        #[test]
        fn a_conversion_is_off_by_half_a_minor_unit_at_most(minor in -10_i64.pow(12)..10_i64.pow(12), rate in 1_i64..10_000) {
            let rates = Rates { rates: [(currency("USD"), format!("{}.{:04}", rate / 10_000, rate % 10_000))].into(), ..rates() };
            let converted = rates.convert(Money::new(minor, currency("USD")), Currency::EUR).unwrap();
            let off = i128::from(converted.minor) * 10_000 - i128::from(minor) * i128::from(rate);
            prop_assert!(off.abs() * 2 <= 10_000, "{}", off);
        }
    }
}
