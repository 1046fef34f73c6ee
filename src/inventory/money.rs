//! Money: whole minor units and a currency. Nothing here rounds but where a rate is applied, and that says how.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Currency;
use super::decimal::{Decimal, power_of_ten};
use crate::document::excerpt;

/// An amount: minor units (cents of a euro, whole yen) of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units; negative is money back.
    pub minor: i64,
    /// Whose.
    pub currency: Currency,
}

/// Why amounts do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result has more digits than an amount can.
    #[error("an amount in {currency} is too large to be counted; see that no price or quantity has digits too many")]
    TooLarge {
        /// The currency of the amount.
        currency: Currency,
    },
    /// Two currencies met without a rate.
    #[error("{left} and {right} cannot be added up; convert one of them by a rate first")]
    OtherCurrency {
        /// Of the one amount.
        left: Currency,
        /// Of the other.
        right: Currency,
    },
    /// The document of rates says nothing of a currency.
    #[error("there is no rate for {currency}; give under `rates` what one {currency} is worth in {base}")]
    NoRate {
        /// What is to be converted, or into what.
        currency: Currency,
        /// The currency that the rates are given in.
        base: Currency,
    },
}

impl Money {
    /// An amount in minor units.
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// If the currencies differ, or the sum cannot be counted.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_add(self.same(other)?.minor);
        minor.map(|minor| Self { minor, ..self }).ok_or(MoneyError::TooLarge { currency: self.currency })
    }

    /// What is left of an amount when another of its currency is taken away.
    ///
    /// # Errors
    /// As [`Money::plus`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_sub(self.same(other)?.minor);
        minor.map(|minor| Self { minor, ..self }).ok_or(MoneyError::TooLarge { currency: self.currency })
    }

    /// So many times the amount.
    ///
    /// # Errors
    /// If the product cannot be counted.
    pub fn times(self, factor: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(factor);
        minor.map(|minor| Self { minor, ..self }).ok_or(MoneyError::TooLarge { currency: self.currency })
    }

    /// Reads decimal text in major units, such as `1299.50` for euros; no digit is rounded away.
    ///
    /// # Errors
    /// What is wrong with it and what to write instead.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, String> {
        let Decimal { digits, decimals } = Decimal::read(text)?;
        let own = currency.minor_digits();
        let too_large = || format!("`{}` is too large for an amount", excerpt(text));
        let (digits, wanted) = (i128::from(digits), own.saturating_sub(decimals));
        let divisor = power_of_ten(decimals.saturating_sub(own)).ok_or_else(too_large)?;
        if digits % divisor != 0 {
            let most = if own == 0 { "no decimals".to_owned() } else { format!("at most {own} decimals") };
            return Err(format!("`{}` is finer than {currency} is divided; write {most}", excerpt(text)));
        }
        let minor = power_of_ten(wanted).and_then(|factor| (digits / divisor).checked_mul(factor));
        minor.and_then(|minor| i64::try_from(minor).ok()).map(|minor| Self { minor, currency }).ok_or_else(too_large)
    }

    /// Decimal text in major units, with all decimals of the currency: `1299.50`. [`Money::parse`] reads it.
    pub fn decimal(self) -> String {
        let digits = self.currency.minor_digits() as usize;
        let sign = if self.minor < 0 { "-" } else { "" };
        // One digit more than decimals, so that there is one before the point.
        let padded = format!("{:0width$}", self.minor.unsigned_abs(), width = digits + 1);
        let (whole, fraction) = padded.split_at(padded.len() - digits);
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    fn same(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency == other.currency {
            return Ok(other);
        }
        Err(MoneyError::OtherCurrency { left: self.currency, right: other.currency })
    }
}

/// For people: `1299.50 EUR`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn amounts_are_read_to_the_minor_unit() {
        let table = [
            ("0", "EUR", 0),
            ("1299.5", "EUR", 129_950),
            ("-0.05", "EUR", -5),
            ("1.500", "EUR", 150),
            ("7", "JPY", 7),
            ("1.234", "KWD", 1_234),
        ];
        for (text, code, minor) in table {
            assert_eq!(Money::parse(text, currency(code)), Ok(Money::new(minor, currency(code))), "{text} {code}");
        }
        assert!(Money::parse("1.005", Currency::EUR).unwrap_err().contains("at most 2 decimals"));
        assert!(Money::parse("1.5", currency("JPY")).unwrap_err().contains("no decimals"));
        assert!(Money::parse("1,5", Currency::EUR).unwrap_err().contains("1299.50"));
        assert!(Money::parse("999999999999999999", Currency::EUR).unwrap_err().contains("too large"));
    }

    #[test]
    fn amounts_are_shown_with_their_currency() {
        let shown = [(129_950, "EUR", "1299.50 EUR"), (-5, "EUR", "-0.05 EUR"), (7, "JPY", "7 JPY"), (0, "KWD", "0.000 KWD")];
        for (minor, code, text) in shown {
            assert_eq!(Money::new(minor, currency(code)).to_string(), text);
        }
    }

    #[test]
    fn what_cannot_be_counted_is_an_error_and_never_wraps() {
        let (most, one) = (Money::new(i64::MAX, Currency::EUR), Money::new(1, Currency::EUR));
        assert_eq!(most.plus(one), Err(MoneyError::TooLarge { currency: Currency::EUR }));
        assert_eq!(Money::new(i64::MIN, Currency::EUR).minus(one), Err(MoneyError::TooLarge { currency: Currency::EUR }));
        assert_eq!(most.times(2), Err(MoneyError::TooLarge { currency: Currency::EUR }));
        let yen = Money::new(1, currency("JPY"));
        assert_eq!(one.plus(yen), Err(MoneyError::OtherCurrency { left: Currency::EUR, right: yen.currency }));
        assert_eq!(one.minus(yen).unwrap_err(), one.plus(yen).unwrap_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_was(minor in -10_i64.pow(17)..10_i64.pow(17), code in proptest::sample::select(vec!["EUR", "JPY", "KWD", "CLF"])) {
            let money = Money::new(minor, currency(code));
            prop_assert_eq!(Money::parse(&money.decimal(), money.currency), Ok(money));
        }

        #[test]
        fn no_text_panics(text in "[-0-9.,eE ]{0,40}|\\PC{0,20}") {
            for code in ["EUR", "JPY", "CLF"] {
                if let Ok(money) = Money::parse(&text, currency(code)) {
                    prop_assert_eq!(Money::parse(&money.decimal(), money.currency), Ok(money));
                }
            }
        }
    }
}
