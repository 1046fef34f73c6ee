//! What to buy, when, from whom and out of which budget line: the arithmetic. Pure.
//!
//! A [`Need`] is what the forecast says of a resource. [`options`] sets everything that can meet it side by side: the offers that
//! fit, load that can move, what can be cleaned up, capacity that lies idle elsewhere, and doing nothing. [`combine`]
//! looks for needs that are cheaper together, [`negotiation_sheet`] prepares the talk about one offer, [`repair_or_replace`]
//! judges a failed machine, and a [`Book`] is a budget line and what has been taken of it.
//!
//! How an option is worked out:
//! 1. **Quantity**: the fewest pieces that cover the need and that are sold, or a volume step above where the whole is cheaper.
//! 2. **Time**: the later of the promised delivery and what four of five deliveries kept to. Order by = the day before which the
//!    threshold is crossed in the lower tail of the futures − delivery − installation − approval.
//! 3. **Cost**: what is paid once and the present value of what is paid each month (`present_value.rs`), in the policy's currency
//!    by the rates that stand in the policy; for each unit and month of the capacity gained, and of the part that will be used.
//! 4. **Budget**: the line of the year of the order; of the next year where the order can wait for it and this one has no room.
//! 5. **Order**: `ranking.rs` has the one rule.
//!
//! Invariants:
//! * Money is whole minor units; the parts of a sum add up to it, and a joint order's shares to the order.
//! * Amounts that cannot be counted are errors, or leave the offer out with the reason. Nothing saturates, no input panics.
//! * No offer of the need's kind is dropped: it is an option or in `left_out`.
//! * An option that is dearer at once and each month, later and smaller than another of the same term never comes before it.
//! * The order of the inputs does not matter.
//! * Every number of a result is among its [`Term`]s with the arithmetic that led to it.

mod book;
mod bought;
mod budget;
mod clean_up;
mod combine;
mod days;
mod delivery;
mod error;
mod need;
mod negotiation;
mod option;
mod options;
mod pattern;
mod policy;
mod present_value;
mod price;
mod price_history;
mod quantity;
mod questions;
mod ranking;
mod repair;
mod term;
mod unit;
mod without_purchase;

#[cfg(test)]
mod properties_test;
#[cfg(test)]
mod samples;

pub use book::Book;
pub use budget::BudgetEffect;
pub use clean_up::{AgreedCleanUp, CleanUpOutcome, DIP_WITHIN_DAYS, usual_dip_days};
pub use combine::{Combined, Share, Want, combine, rest_of};
pub use delivery::{Delivery, LeadTime, LeadTimes, PromisedBy, Schedule};
pub use error::PurchaseError;
pub use need::{Consumer, LastsUntil, Need};
pub use negotiation::{Alternative, NegotiationSheet, PriceGoal, negotiation_sheet};
pub use option::{OptionKind, PurchaseOption};
pub use options::{LeftOut, Market, NamedOffer, Neighbour, Options, options};
pub use policy::PurchasePolicy;
pub use price::Cost;
pub use price_history::{PastPrice, PricePoint};
pub use repair::{Advice, KeepingCost, Recommendation, RepairCase, Replacement, repair_or_replace};
pub use term::Term;
pub use unit::convert as converted;
