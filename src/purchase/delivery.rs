//! How long it takes until something that is decided today can be used.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::days::plus_days;
use super::need::Need;
use super::policy::PurchasePolicy;
use super::term::Term;
use crate::forecast::lower_tail;
use crate::inventory::Offer;

/// Share of a supplier's deliveries that were at most so slow as what is planned with.
const SEEN_PERCENT: usize = 80;

/// How long a supplier takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeadTime {
    /// Days that it promises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_days: Option<u32>,
    /// Days that each of its deliveries took.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen_days: Vec<u32>,
}

impl LeadTime {
    /// Days that four of five deliveries kept to, by nearest rank: of up to four the slowest. None without deliveries.
    pub fn seen(&self) -> Option<u32> {
        let mut days = self.seen_days.clone();
        days.sort_unstable();
        let rank = (days.len() * SEEN_PERCENT).div_ceil(100);
        days.get(rank.checked_sub(1)?).copied()
    }
}

/// Lead times by the supplier's name.
pub type LeadTimes = BTreeMap<String, LeadTime>;

/// Who says how long the delivery takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromisedBy {
    /// The offer.
    Offer,
    /// The supplier, for whatever it delivers.
    Supplier,
    /// Nobody: the policy's usual time.
    Policy,
}

/// The days of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Days from order to delivery, as promised.
    pub promised_days: u32,
    /// By whom.
    pub promised_by: PromisedBy,
    /// Days that four of five deliveries of the supplier kept to; none without deliveries.
    pub seen_days: Option<u32>,
    /// Deliveries that this rests on.
    pub deliveries: usize,
    /// What is planned with: the later of promised and seen.
    pub taken_days: u32,
}

impl Delivery {
    pub(super) fn of(offer: &Offer, leads: &LeadTimes, policy: &PurchasePolicy) -> Self {
        let lead = leads.get(&offer.supplier);
        let by_supplier = lead.and_then(|lead| lead.promised_days);
        let (promised_days, promised_by) = match (offer.delivery_days, by_supplier) {
            (Some(days), _) => (days, PromisedBy::Offer),
            (None, Some(days)) => (days, PromisedBy::Supplier),
            (None, None) => (policy.delivery_days, PromisedBy::Policy),
        };
        let seen_days = lead.and_then(LeadTime::seen);
        let deliveries = lead.map_or(0, |lead| lead.seen_days.len());
        Self { promised_days, promised_by, seen_days, deliveries, taken_days: promised_days.max(seen_days.unwrap_or(0)) }
    }

    /// Where its days come from, in words.
    pub fn text(&self) -> String {
        let by = match self.promised_by {
            PromisedBy::Offer => "the offer promises",
            PromisedBy::Supplier => "the supplier promises",
            PromisedBy::Policy => "nobody promises a time; the policy counts with",
        };
        let seen = match self.seen_days {
            Some(days) => format!("; four of five of its {} deliveries took at most {days} days", self.deliveries),
            None => "; no delivery of the supplier is known".to_owned(),
        };
        format!("{by} {} days{seen}; the later of the two counts", self.promised_days)
    }
}

/// Days from the delivery to use: the offer's, or the policy's where the offer says 0. Nothing is in use on the day it arrives.
pub(super) fn installation_days(offer: &Offer, policy: &PurchasePolicy) -> u32 {
    if offer.installation_days == 0 { policy.installation_days } else { offer.installation_days }
}

/// From the decision to use: when it must begin, when it ends, and what may happen before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Days from the proposal to the order.
    pub approval_days: u32,
    /// Days from order to delivery; none where nothing is delivered.
    pub delivery: Option<Delivery>,
    /// Days from delivery to use.
    pub installation_days: u32,
    /// The last day on which the approval may begin so that it can be used in time in all but the lower tail of the futures: the
    /// lower end of the crossing less delivery, installation and approval. None where no such crossing is seen within the horizon.
    pub order_by: Option<Date>,
    /// When it can be used if the approval begins today.
    pub arrives_on: Date,
    /// Whether that is in time: today is not after `order_by`.
    pub in_time: bool,
    /// The chance that the threshold is crossed before it can be used, 0 to 1.
    pub chance_too_late: f64,
}

impl Schedule {
    pub(super) fn new(
        need: &Need,
        policy: &PurchasePolicy,
        approval_days: u32,
        delivery: Option<Delivery>,
        installation_days: u32,
    ) -> Self {
        let taken = delivery.as_ref().map_or(0, |delivery| delivery.taken_days);
        let days = i64::from(approval_days) + i64::from(taken) + i64::from(installation_days);
        let order_by = need.lower.map(|lower| plus_days(lower, -days));
        let arrives_on = plus_days(need.today, days);
        Self {
            approval_days,
            delivery,
            installation_days,
            order_by,
            arrives_on,
            in_time: need.lower.is_none_or(|lower| arrives_on <= lower),
            chance_too_late: need.chance_before(arrives_on, need.horizon_ends(policy.planning_horizon_days)),
        }
    }

    /// When it can be used if it is ordered on a day.
    pub fn arrives_if_ordered_on(&self, day: Date) -> Date {
        plus_days(day, self.days() - i64::from(self.approval_days))
    }

    /// Days from today to use.
    pub(super) fn days(&self) -> i64 {
        let taken = self.delivery.as_ref().map_or(0, |delivery| delivery.taken_days);
        i64::from(self.approval_days) + i64::from(taken) + i64::from(self.installation_days)
    }

    /// Every number of it.
    pub(super) fn terms(&self, need: &Need) -> Vec<Term> {
        let mut terms = vec![Term::new("approval_days", f64::from(self.approval_days), "days", "from the proposal to the order")];
        if let Some(delivery) = &self.delivery {
            terms.push(Term::new("delivery_days", f64::from(delivery.taken_days), "days", delivery.text()));
        }
        let until = if self.delivery.is_some() { "from the delivery to use" } else { "until it is done" };
        terms.push(Term::new("installation_days", f64::from(self.installation_days), "days", until));
        let arrives = format!("{} + {} days = {}", need.today, self.days(), self.arrives_on);
        terms.push(Term::new("days_to_use", self.days() as f64, "days", format!("approval, delivery and installation; {arrives}")));
        if let (Some(lower), Some(order_by)) = (need.lower, self.order_by) {
            let days = super::days::days_between(need.today, order_by);
            let tail = lower_tail(need.level);
            let text =
                format!("{lower}, before which the threshold is crossed in {tail} of the futures, − {} days = {order_by}", self.days());
            terms.push(Term::new("days_to_order_by", days as f64, "days", text));
        }
        let chance =
            format!("chance that the threshold is crossed before {}, on a straight line between the forecast's days", self.arrives_on);
        terms.push(Term::new("chance_too_late", self.chance_too_late, "share", chance));
        terms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_of_five_deliveries_decide() {
        let seen = |days: &[u32]| LeadTime { promised_days: None, seen_days: days.to_vec() }.seen();
        assert_eq!(seen(&[]), None);
        assert_eq!(seen(&[30]), Some(30));
        assert_eq!(seen(&[10, 60, 20, 30]), Some(60));
        assert_eq!(seen(&[10, 60, 20, 30, 40]), Some(40));
        assert_eq!(seen(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 90]), Some(8));
    }
}
