//! What may be spent.

use serde::{Deserialize, Serialize};

use super::field::Complaints;
use super::{Currency, Money};
use crate::document::Complaint;

/// Money that is planned for one purpose in one year. Its name is usually `2027/storage`.
///
/// What is committed and spent of it are sums of an append-only book, not fields that somebody keeps up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetLine {
    /// The year.
    pub year: i16,
    /// The purpose, in the words of the budget.
    pub line: String,
    /// In people's words.
    #[serde(default)]
    pub description: String,
    /// The currency of the line.
    pub currency: Currency,
    /// What is planned, in minor units of the currency.
    pub planned_minor: i64,
    /// Kinds of resources that are paid out of it; empty: anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_kinds: Vec<String>,
    /// The team or person that answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

impl BudgetLine {
    /// What is wrong with the record, field by field; empty if it may be kept. Whether its owner exists is for the caller.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        if !(2_000..=2_200).contains(&self.year) {
            complaints.add("year", format!("{} cannot be meant; write a year from 2000 to 2200", self.year));
        }
        complaints.text("line", &self.line);
        complaints.description(&self.description);
        complaints.price("planned_minor", self.planned_minor);
        complaints.list("resource_kinds", &self.resource_kinds);
        for (at, kind) in self.resource_kinds.iter().enumerate() {
            complaints.word(&format!("resource_kinds[{at}]"), kind);
        }
        complaints.optional("owner", self.owner.as_ref());
        complaints.into_vec()
    }

    /// What is planned.
    pub fn planned(&self) -> Money {
        Money::new(self.planned_minor, self.currency)
    }
}
