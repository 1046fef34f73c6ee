//! What can go wrong with the arithmetic of a purchase.

use thiserror::Error;

use crate::document::{Complaint, in_words};
use crate::inventory::{Currency, Money};

/// Why something could not be worked out, or may not be done.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PurchaseError {
    /// The policy is wrong.
    #[error("the purchase policy cannot be used: {}; correct the document", in_words(.0))]
    Policy(Vec<Complaint>),
    /// The need has no meaning.
    #[error("the need of `{resource}` cannot be used: `{field}` is {value}; give {instead}")]
    Need {
        /// The resource.
        resource: String,
        /// The number that is wrong.
        field: &'static str,
        /// What it is.
        value: f64,
        /// What it may be.
        instead: &'static str,
    },
    /// A case of repair has no meaning.
    #[error("the repair of `{asset}` cannot be judged: {why}")]
    Repair {
        /// The asset.
        asset: String,
        /// What is wrong and what to write instead.
        why: String,
    },
    /// An amount is too large to be counted.
    #[error("{what} is more than can be counted in minor units; check the prices for digits too many")]
    TooLarge {
        /// Which.
        what: String,
    },
    /// More than is left.
    #[error("{amount} is {over} more than the {left} that are left of budget line {line}; raise the line, take another, or buy less")]
    Overrun {
        /// The line.
        line: String,
        /// What was to be taken.
        amount: Money,
        /// What is left.
        left: Money,
        /// By how much it is too much.
        over: Money,
    },
    /// Another currency than the line's.
    #[error("{amount} cannot be booked on budget line {line}, which is in {line_currency}; convert it first by the rate that was agreed")]
    Currency {
        /// The line.
        line: String,
        /// Its currency.
        line_currency: Currency,
        /// The amount.
        amount: Money,
    },
    /// An amount below zero.
    #[error("{amount} cannot be taken of budget line {line}: it is negative; release what was committed instead")]
    Negative {
        /// The line.
        line: String,
        /// The amount.
        amount: Money,
    },
    /// More was to be released than is committed.
    #[error("{amount} cannot be released on budget line {line}: {committed} are committed; release at most these")]
    NotCommitted {
        /// The line.
        line: String,
        /// The amount.
        amount: Money,
        /// What is committed.
        committed: Money,
    },
    /// The options do not hold the offer that is asked about.
    #[error("offer `{offer}` is not among the options for `{resource}`; ask about one of: {known}")]
    NoSuchOffer {
        /// The offer asked about.
        offer: String,
        /// The resource.
        resource: String,
        /// Offers that are.
        known: String,
    },
}
