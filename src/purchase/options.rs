//! All options of a need, in order.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::bought::bought;
use super::clean_up::clean_up;
use super::days::days_between;
use super::delivery::{LeadTimes, Schedule};
use super::error::PurchaseError;
use super::need::Need;
use super::option::PurchaseOption;
use super::policy::PurchasePolicy;
use super::present_value::divided;
use super::ranking;
use super::term::Term;
use super::unit::{convert, price_unit};
use super::without_purchase;
use crate::forecast::lower_tail;
use crate::inventory::{Currency, Money, Offer};

/// An offer and its name.
pub type NamedOffer = (String, Offer);

/// Another resource of the same kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// Its name.
    pub resource: String,
    /// The unit of its amounts.
    pub unit: String,
    /// Load that it can take beside its own to the end of the planning horizon; 0 if none.
    #[serde(default)]
    pub spare: f64,
    /// Capacity that it does not need and that can be taken from it (a machine that is too large); 0 if none.
    #[serde(default)]
    pub releasable: f64,
}

/// Something that was looked at and is no option.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeftOut {
    /// Name of the offer or resource.
    pub name: String,
    /// Why, and what to do if it should be one.
    pub why: String,
}

/// The options of a need, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The resource.
    pub resource: String,
    /// The day they were worked out for.
    pub today: Date,
    /// The currency of the comparison.
    pub currency: Currency,
    /// The unit that prices are told per.
    pub price_unit: String,
    /// The rule that they are ordered by.
    pub why_this_order: String,
    /// The options.
    pub options: Vec<PurchaseOption>,
    /// What does not fit, and why; by name.
    pub left_out: Vec<LeftOut>,
    /// Offers for other kinds of resources: not looked at.
    pub offers_of_other_kinds: usize,
}

impl Options {
    /// The best option, if it is feasible.
    pub fn best(&self) -> Option<&PurchaseOption> {
        self.options.first().filter(|option| option.feasible)
    }

    /// The option that an offer is.
    pub fn of_offer(&self, name: &str) -> Option<&PurchaseOption> {
        self.options.iter().find(|option| option.offer.as_deref() == Some(name))
    }
}

/// What a need can be met with.
#[derive(Debug, Clone, Copy)]
pub struct Market<'m> {
    /// Offers of every kind.
    pub offers: &'m [NamedOffer],
    /// Other resources of the need's kind.
    pub neighbours: &'m [Neighbour],
    /// Budget lines of every kind; without any, no option is judged by budget.
    pub books: &'m [Book],
    /// How long suppliers take.
    pub leads: &'m LeadTimes,
}

/// What every option is reckoned from.
pub(super) struct Question<'q> {
    pub need: &'q Need,
    pub policy: &'q PurchasePolicy,
    pub books: &'q [Book],
    pub leads: &'q LeadTimes,
    pub horizon_ends: Date,
    pub price_unit: String,
    /// One price unit in the need's unit.
    pub price_size: f64,
}

impl<'q> Question<'q> {
    pub(super) fn new(need: &'q Need, market: Market<'q>, policy: &'q PurchasePolicy) -> Result<Self, PurchaseError> {
        let complaints = policy.check();
        if !complaints.is_empty() {
            return Err(PurchaseError::Policy(complaints));
        }
        need.check()?;
        let price_unit = price_unit(need.limit, &need.unit);
        let price_size = convert(1.0, &price_unit, &need.unit).unwrap_or(1.0);
        let horizon_ends = need.horizon_ends(policy.planning_horizon_days);
        Ok(Self { need, policy, books: market.books, leads: market.leads, horizon_ends, price_unit, price_size })
    }

    /// What an outage may cost: its chance, times what a day costs, times its days. None where no cost is known, or it is more
    /// than can be counted.
    pub(super) fn outage(&self, chance: f64, days: i64) -> Option<i64> {
        let a_day = self.need.cost_of_outage_minor_per_day.filter(|cost| *cost >= 0)?;
        // A chance in millionths: whole numbers from here on.
        let millionths = (chance.clamp(0.0, 1.0) * 1e6).round() as i128;
        divided(i128::from(a_day).checked_mul(i128::from(days.max(0)))?.checked_mul(millionths)?, 1_000_000)
    }

    /// What an outage may cost if help comes by this schedule: it lasts from the day before which the threshold is crossed in
    /// the lower tail of the futures until help comes, and a day at least.
    pub(super) fn risk(&self, schedule: &Schedule) -> Option<i64> {
        self.outage(schedule.chance_too_late, self.outage_days(schedule))
    }

    fn outage_days(&self, schedule: &Schedule) -> i64 {
        let begins = self.need.lower.unwrap_or(schedule.arrives_on).max(self.need.today);
        days_between(begins, schedule.arrives_on).max(1)
    }

    /// The numbers of that risk; none where no cost is known.
    pub(super) fn risk_terms(&self, schedule: &Schedule) -> Vec<Term> {
        let (Some(risk), Some(a_day)) = (self.risk(schedule), self.need.cost_of_outage_minor_per_day) else { return Vec::new() };
        let money = |minor| Money { minor, currency: self.policy.currency };
        let (risk, a_day, days) = (money(risk), money(a_day), self.outage_days(schedule));
        let chance = format!("{:.6}", schedule.chance_too_late);
        let begins = format!("from the {} day of the crossing until it helps, 1 at least", lower_tail(self.need.level));
        vec![
            Term::new("outage_days", days as f64, "days", begins),
            Term::money("outage_per_day", a_day, format!("{a_day} for a day without it")),
            Term::money("risk", risk, format!("{chance} × {days} days × {a_day} = {risk}")),
        ]
    }
}

/// The options for a need: offers that fit, what can be done without a purchase, and nothing. Whatever was looked at and is no
/// option is in `left_out` with the reason. The order of the inputs does not matter.
///
/// # Errors
/// [`PurchaseError::Policy`] and [`PurchaseError::Need`]. An offer that is wrong is left out instead.
pub fn options(need: &Need, market: Market<'_>, policy: &PurchasePolicy) -> Result<Options, PurchaseError> {
    let question = Question::new(need, market, policy)?;
    let (mut options, mut left_out, mut other_kinds) = (Vec::new(), Vec::new(), 0);
    for (name, offer) in market.offers {
        if offer.resource_kind != need.kind {
            other_kinds += 1;
            continue;
        }
        match bought(name, offer, &question) {
            Ok(option) => options.push(option),
            Err(why) => left_out.push(LeftOut { name: name.clone(), why }),
        }
    }
    without_purchase::from_neighbours(&question, market.neighbours, &mut options, &mut left_out);
    options.extend(clean_up(&question));
    options.push(without_purchase::do_nothing(&question, &options));
    left_out.sort();
    Ok(Options {
        resource: need.resource.clone(),
        today: need.today,
        currency: policy.currency,
        price_unit: question.price_unit.clone(),
        why_this_order: ranking::RULE.to_owned(),
        options: ranking::ranked(options),
        left_out,
        offers_of_other_kinds: other_kinds,
    })
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
