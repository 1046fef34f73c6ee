//! A budget line and what has been taken of it.

use serde::{Deserialize, Serialize};

use super::error::PurchaseError;
use crate::inventory::{BudgetLine, Currency, Money};

/// One budget line as it stands. What is left is what was planned less what is committed and spent; it is negative only where
/// the plan was lowered afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Name of the line, such as `2027/storage`.
    pub name: String,
    /// The year it is for.
    pub year: i16,
    /// Kinds of resources that are paid out of it; empty: any.
    pub resource_kinds: Vec<String>,
    /// The currency of all amounts.
    pub currency: Currency,
    /// Minor units planned.
    pub planned_minor: i64,
    /// Minor units promised to suppliers and not paid yet.
    pub committed_minor: i64,
    /// Minor units paid.
    pub spent_minor: i64,
}

impl Book {
    /// A line of which nothing has been taken.
    pub fn new(name: &str, line: &BudgetLine) -> Self {
        Self {
            name: name.to_owned(),
            year: line.year,
            resource_kinds: line.resource_kinds.clone(),
            currency: line.currency,
            planned_minor: line.planned_minor,
            committed_minor: 0,
            spent_minor: 0,
        }
    }

    /// The same line after `committed` and `spent` in all.
    #[must_use]
    pub fn with(self, committed_minor: i64, spent_minor: i64) -> Self {
        Self { committed_minor, spent_minor, ..self }
    }

    /// What is left.
    ///
    /// # Errors
    /// [`PurchaseError::TooLarge`] where it cannot be counted.
    pub fn left(&self) -> Result<Money, PurchaseError> {
        let left = i128::from(self.planned_minor) - i128::from(self.committed_minor) - i128::from(self.spent_minor);
        let minor = i64::try_from(left).map_err(|_| PurchaseError::TooLarge { what: format!("what is left of {}", self.name) })?;
        Ok(Money { minor, currency: self.currency })
    }

    /// The line after a purchase has been promised.
    ///
    /// # Errors
    /// [`PurchaseError::Overrun`] with how much is missing, [`PurchaseError::Currency`] for another currency, and
    /// [`PurchaseError::Negative`]: what is given back is [`Self::release`]d.
    pub fn commit(&self, amount: Money) -> Result<Self, PurchaseError> {
        self.check_taken(amount)?;
        let committed_minor = self.sum(self.committed_minor, amount.minor)?;
        Ok(Self { committed_minor, ..self.clone() })
    }

    /// The line after something has been paid that was not promised before.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn spend(&self, amount: Money) -> Result<Self, PurchaseError> {
        self.check_taken(amount)?;
        let spent_minor = self.sum(self.spent_minor, amount.minor)?;
        Ok(Self { spent_minor, ..self.clone() })
    }

    /// The line after a promise was taken back.
    ///
    /// # Errors
    /// [`PurchaseError::NotCommitted`] for more than is promised, [`PurchaseError::Currency`], [`PurchaseError::Negative`].
    pub fn release(&self, amount: Money) -> Result<Self, PurchaseError> {
        self.check_amount(amount)?;
        if amount.minor > self.committed_minor {
            let committed = Money { minor: self.committed_minor, currency: self.currency };
            return Err(PurchaseError::NotCommitted { line: self.name.clone(), amount, committed });
        }
        Ok(Self { committed_minor: self.committed_minor - amount.minor, ..self.clone() })
    }

    /// The line after a promise was paid: what was promised is released, and what the invoice says is spent.
    ///
    /// # Errors
    /// As [`Self::release`] and [`Self::spend`].
    pub fn pay(&self, promised: Money, invoice: Money) -> Result<Self, PurchaseError> {
        self.release(promised)?.spend(invoice)
    }

    /// Whether purchases for this kind of resource are paid out of it in this year.
    pub(super) fn pays_for(&self, kind: &str, year: i16) -> bool {
        self.year == year && (self.resource_kinds.is_empty() || self.resource_kinds.iter().any(|one| one == kind))
    }

    fn check_amount(&self, amount: Money) -> Result<(), PurchaseError> {
        if amount.currency != self.currency {
            return Err(PurchaseError::Currency { line: self.name.clone(), line_currency: self.currency, amount });
        }
        if amount.minor < 0 { Err(PurchaseError::Negative { line: self.name.clone(), amount }) } else { Ok(()) }
    }

    fn check_taken(&self, amount: Money) -> Result<(), PurchaseError> {
        self.check_amount(amount)?;
        let left = self.left()?;
        if amount.minor <= left.minor {
            return Ok(());
        }
        let over = i128::from(amount.minor) - i128::from(left.minor);
        let minor = i64::try_from(over).map_err(|_| PurchaseError::TooLarge { what: format!("the overrun of {}", self.name) })?;
        Err(PurchaseError::Overrun { line: self.name.clone(), amount, left, over: Money { minor, currency: self.currency } })
    }

    fn sum(&self, one: i64, other: i64) -> Result<i64, PurchaseError> {
        one.checked_add(other).ok_or_else(|| PurchaseError::TooLarge { what: format!("the sum of {}", self.name) })
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
