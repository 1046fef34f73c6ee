//! A number of an arithmetic, so that a person can do it again by hand.

use serde::{Deserialize, Serialize};

use crate::inventory::Money;

/// One number: what it is, how much, and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// Its name, snake_case; stable.
    pub name: String,
    /// The number. Money is in minor units.
    pub value: f64,
    /// Its unit; `EUR minor` for money.
    pub unit: String,
    /// The number in words, and how it was reached.
    pub text: String,
}

impl Term {
    /// A number that is no money. What is not finite cannot be written as JSON and is told as 0; the text says what it was.
    pub(super) fn new(name: &str, value: f64, unit: &str, text: impl Into<String>) -> Self {
        let value = if value.is_finite() { value } else { 0.0 };
        Self { name: name.to_owned(), value, unit: unit.to_owned(), text: text.into() }
    }

    /// An amount of money.
    pub(super) fn money(name: &str, amount: Money, text: impl Into<String>) -> Self {
        Self::new(name, amount.minor as f64, &format!("{} minor", amount.currency), text)
    }
}
