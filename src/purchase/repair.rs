//! A machine has failed: repair it, or replace it?
//!
//! Both are told as a cost a year. **Keeping** it costs the repair, spread over the months that it still has, and the failures that
//! are to be expected: their rate a year is (1 + failures so far) ÷ (5 + years watched), which is the mean of a Gamma distribution
//! with the shape 1 and 5 years, the prior of a machine that fails once in five years, after the failures were counted (Poisson).
//! **Replacing** it costs the present value of an offer as equal payments over the life of the new machine (an annuity). Failures
//! of the new machine are left out: its first years are under warranty. A day of downtime costs the same in both.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::days::{DAYS_A_YEAR, days_between, months_between};
use super::delivery::{Delivery, LeadTimes, installation_days};
use super::error::PurchaseError;
use super::options::{LeftOut, NamedOffer};
use super::pattern::fits;
use super::policy::PurchasePolicy;
use super::present_value::{AnnuityFactor, divided};
use super::price::{convert, priced};
use super::quantity::{MOST_PIECES, TOLERANCE};
use super::term::Term;
use super::unit::{convert as convert_unit, counted, fine_number};
use crate::inventory::{Asset, Criticality, Money, Offer};

/// Failures and years of the prior.
const PRIOR_FAILURES: u32 = 1;
const PRIOR_YEARS: f64 = 5.0;
/// A machine that is repaired is used for a year at least, however old it is: nobody repairs it for less.
const FEWEST_MONTHS: u32 = 12;

/// A failed machine, and what can be done about it.
#[derive(Debug, Clone, Copy)]
pub struct RepairCase<'c> {
    /// Name of the asset.
    pub name: &'c str,
    /// The asset.
    pub asset: &'c Asset,
    /// The day of the decision.
    pub today: Date,
    /// What this repair costs.
    pub repair_cost: Money,
    /// What a further repair costs; as this one if nothing is known.
    pub mean_repair_cost: Option<Money>,
    /// Days that the repair takes, and a further one.
    pub downtime_days: u32,
    /// Days on which it failed, this time among them.
    pub failures: &'c [Date],
    /// What a day without it costs.
    pub cost_of_outage_per_day: Option<Money>,
    /// Offers for a replacement.
    pub offers: &'c [NamedOffer],
    /// How long suppliers take.
    pub leads: &'c LeadTimes,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// The warranty pays.
    ClaimWarranty,
    /// Repair it.
    Repair,
    /// Replace it by the first of the replacements.
    Replace,
    /// No offer can be compared with: get some first.
    AskForOffers,
}

/// What keeping the machine costs a year; the three parts add up to the whole, to the minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepingCost {
    /// This repair, spread over the months that are left.
    pub repair_minor: i64,
    /// This downtime, spread over the same.
    pub downtime_minor: i64,
    /// Failures to come: repair and downtime.
    pub further_failures_minor: i64,
    /// All of it.
    pub yearly_minor: i64,
}

/// What a replacement costs a year; the two parts add up to the whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replacement {
    /// Name of the offer.
    pub offer: String,
    /// Who sells it.
    pub supplier: String,
    /// Pieces.
    pub quantity: u32,
    /// Present value over its life.
    pub npv_minor: i64,
    /// The present value as equal payments: those of a year.
    pub annuity_minor: i64,
    /// The downtime until it can be used, spread over its life.
    pub downtime_minor: i64,
    /// All of it.
    pub yearly_minor: i64,
    /// Days until it can be used.
    pub days_to_use: i64,
    /// Every number.
    pub terms: Vec<Term>,
}

/// What to do about a failed machine, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// Name of the asset.
    pub asset: String,
    /// What to do.
    pub advice: Advice,
    /// Why, in sentences; the one that decides first.
    pub why: Vec<String>,
    /// What keeping it costs a year, minor units of the policy's currency.
    pub keeping: KeepingCost,
    /// What replacing it costs a year, the cheapest first.
    pub replacements: Vec<Replacement>,
    /// The cost of this repair at which keeping and the cheapest replacement are equal; 0 where a repair for nothing is dearer.
    pub break_even_repair: Option<Money>,
    /// What a replacement may cost once, with nothing running, to be equal to keeping.
    pub break_even_replacement: Money,
    /// Offers that do not fit, and why.
    pub left_out: Vec<LeftOut>,
    /// Every number.
    pub terms: Vec<Term>,
}

/// Whether to repair or to replace.
///
/// # Errors
/// [`PurchaseError::Policy`]; [`PurchaseError::Repair`] for amounts that cannot be converted or are negative;
/// [`PurchaseError::TooLarge`].
pub fn repair_or_replace(case: &RepairCase<'_>, policy: &PurchasePolicy) -> Result<Recommendation, PurchaseError> {
    let complaints = policy.check();
    if !complaints.is_empty() {
        return Err(PurchaseError::Policy(complaints));
    }
    let costs = Costs::of(case, policy)?;
    let too_large = || PurchaseError::TooLarge { what: format!("what {} costs a year", case.name) };
    let mut terms = costs.terms();
    let keeping = costs.keeping(&mut terms).ok_or_else(too_large)?;
    let (mut replacements, mut left_out) = (Vec::new(), Vec::new());
    for (name, offer) in case.offers {
        match costs.replacement(name, offer) {
            Ok(replacement) => replacements.push(replacement),
            Err(why) => left_out.push(LeftOut { name: name.clone(), why }),
        }
    }
    replacements
        .sort_by(|one, other| (one.yearly_minor, one.days_to_use, &one.offer).cmp(&(other.yearly_minor, other.days_to_use, &other.offer)));
    left_out.sort();
    let best = replacements.first();
    let break_even_repair = best.and_then(|best| costs.break_even_repair(best, &keeping, &mut terms));
    let break_even_replacement = costs.break_even_replacement(&keeping, &mut terms).ok_or_else(too_large)?;
    let (advice, why) = costs.advice(&keeping, best, break_even_repair);
    Ok(Recommendation {
        asset: case.name.to_owned(),
        advice,
        why,
        keeping,
        break_even_repair,
        break_even_replacement,
        replacements,
        left_out,
        terms,
    })
}

/// The numbers of a case.
struct Costs<'c> {
    case: &'c RepairCase<'c>,
    policy: &'c PurchasePolicy,
    repair: Money,
    further_repair: Money,
    outage_a_day: Money,
    life_months: u32,
    age_months: Option<u32>,
    remaining_months: u32,
    failures: usize,
    years: f64,
    /// Failures a year in millionths: whole numbers from there on.
    rate_millionths: i64,
}

impl<'c> Costs<'c> {
    fn of(case: &'c RepairCase<'c>, policy: &'c PurchasePolicy) -> Result<Self, PurchaseError> {
        let wrong = |why: String| PurchaseError::Repair { asset: case.name.to_owned(), why };
        let amount = |money: Money| {
            let converted = convert(money, policy.currency, policy).map_err(wrong)?;
            if converted.minor < 0 { Err(wrong(format!("{money} is negative; write what it costs"))) } else { Ok(converted) }
        };
        let repair = amount(case.repair_cost)?;
        let asset = case.asset;
        let life_months = asset.expected_life_months.unwrap_or_else(|| policy.life_of(&asset.kind)).max(1);
        let age_months = asset.bought_on.map(|bought| months_between(bought, case.today));
        // Of a machine of unknown age one half of its life is over, for all that is known.
        let age = age_months.unwrap_or(life_months / 2);
        let counted = |date: &&Date| **date <= case.today && asset.bought_on.is_none_or(|bought| bought <= **date);
        let failures = case.failures.iter().filter(counted).count();
        let first_failure = case.failures.iter().filter(counted).min().copied();
        let begins = asset.bought_on.or(first_failure).unwrap_or(case.today);
        let years = (days_between(begins, case.today) as f64 / DAYS_A_YEAR).max(0.0);
        let rate = (f64::from(PRIOR_FAILURES) + failures as f64) / (PRIOR_YEARS + years);
        Ok(Self {
            case,
            policy,
            repair,
            further_repair: case.mean_repair_cost.map_or(Ok(repair), amount)?,
            outage_a_day: case.cost_of_outage_per_day.map_or(Ok(Money { minor: 0, currency: policy.currency }), amount)?,
            life_months,
            age_months,
            remaining_months: life_months.saturating_sub(age).max(FEWEST_MONTHS),
            failures,
            years,
            rate_millionths: (rate * 1e6).round() as i64,
        })
    }

    fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.policy.currency }
    }

    fn terms(&self) -> Vec<Term> {
        let age = match self.age_months {
            Some(months) => format!("{months} months old of {}", self.life_months),
            None => format!("its age is not known: one half of {} months counts as over", self.life_months),
        };
        let asset = self.case.asset;
        let rate = self.rate_millionths as f64 / 1e6;
        vec![
            Term::new("expected_life", f64::from(self.life_months), "months", "by the asset, else the policy's life for its kind"),
            Term::new("remaining_life", f64::from(self.remaining_months), "months", format!("{age}; {FEWEST_MONTHS} at least")),
            Term::new("failures", self.failures as f64, "failures", format!("{} in {} years", self.failures, fine_number(self.years))),
            Term::new(
                "failures_a_year",
                rate,
                "failures a year",
                format!("({PRIOR_FAILURES} + {}) ÷ ({PRIOR_YEARS} + {}) = {rate:.6}", self.failures, fine_number(self.years)),
            ),
            Term::money("repair_cost", self.repair, format!("{} for this repair", self.repair)),
            Term::money("further_repair_cost", self.further_repair, format!("{} for each further one", self.further_repair)),
            Term::new("downtime", f64::from(self.case.downtime_days), "days", "of this repair, and of each further one"),
            Term::money("outage_per_day", self.outage_a_day, format!("{} for a day without it", self.outage_a_day)),
            Term::new("spare_parts", f64::from(asset.spare_parts), "pieces", "in stock"),
        ]
    }

    /// Of an amount over some months: the part of a year.
    fn a_year(minor: i128, months: u32) -> Option<i64> {
        divided(minor.checked_mul(12)?, i128::from(months))
    }

    fn downtime(&self, days: i64) -> Option<i128> {
        i128::from(self.outage_a_day.minor).checked_mul(i128::from(days.max(0)))
    }

    fn keeping(&self, terms: &mut Vec<Term>) -> Option<KeepingCost> {
        let months = self.remaining_months;
        let days = i64::from(self.case.downtime_days);
        let repair_minor = Self::a_year(i128::from(self.repair.minor), months)?;
        let downtime_minor = Self::a_year(self.downtime(days)?, months)?;
        let a_failure = i128::from(self.further_repair.minor).checked_add(self.downtime(days)?)?;
        let further_failures_minor = divided(a_failure.checked_mul(i128::from(self.rate_millionths))?, 1_000_000)?;
        let yearly_minor = repair_minor.checked_add(downtime_minor)?.checked_add(further_failures_minor)?;
        let (repair, downtime, further) = (self.money(repair_minor), self.money(downtime_minor), self.money(further_failures_minor));
        let yearly = self.money(yearly_minor);
        let rate = self.rate_millionths as f64 / 1e6;
        let further_text =
            format!("{rate:.6} failures a year × ({} + {days} days × {}) = {further}", self.further_repair, self.outage_a_day);
        terms.extend([
            Term::money("keeping_repair", repair, format!("{} × 12 ÷ {months} months = {repair} a year", self.repair)),
            Term::money(
                "keeping_downtime",
                downtime,
                format!("{days} days × {} × 12 ÷ {months} months = {downtime} a year", self.outage_a_day),
            ),
            Term::money("keeping_further_failures", further, further_text),
            Term::money("keeping_yearly", yearly, format!("{repair} + {downtime} + {further} = {yearly} a year")),
        ]);
        Some(KeepingCost { repair_minor, downtime_minor, further_failures_minor, yearly_minor })
    }

    fn pieces(&self, offer: &Offer) -> Result<u32, String> {
        let asset = self.case.asset;
        if offer.valid_until < self.case.today {
            return Err(format!("it was valid until {}; ask the supplier to renew it", offer.valid_until));
        }
        if asset.resource_kind.as_ref().is_some_and(|kind| *kind != offer.resource_kind) {
            return Err(format!("it is for {}, not for {}", offer.resource_kind, asset.resource_kind.as_deref().unwrap_or_default()));
        }
        // What it fits names a resource, such as `db01 /data`, or its host.
        let host = asset.host.as_deref().unwrap_or(self.case.name);
        let is_for = |pattern: &String| {
            let of_host = pattern.split_once(' ').map_or(pattern.as_str(), |(host, _)| host);
            [pattern.as_str(), of_host].iter().any(|pattern| fits(pattern, host) || fits(pattern, self.case.name))
        };
        if !offer.resources.is_empty() && !offer.resources.iter().any(is_for) {
            return Err(format!("it is for {}, and neither `{}` nor its host is one of these", offer.resources.join(", "), self.case.name));
        }
        let mut pieces = 1.0;
        if let (Some(capacity), Some(unit)) = (asset.capacity, &asset.unit) {
            let Some(of_one) = convert_unit(offer.capacity, &offer.unit, unit).filter(|of_one| *of_one > 0.0) else {
                return Err(format!("its unit `{}` cannot be told in `{unit}`, the unit of {}", offer.unit, self.case.name));
            };
            pieces = (capacity / of_one - TOLERANCE).ceil().max(1.0);
        }
        if pieces.is_nan() || pieces > MOST_PIECES {
            return Err("it would take more than a million pieces; check its unit".to_owned());
        }
        let quantity = (pieces as u32).max(offer.min_quantity);
        match offer.max_quantity {
            Some(most) if most < quantity => Err(format!("{quantity} pieces are needed and {most} are the most that is sold")),
            _ => Ok(quantity),
        }
    }

    fn replacement(&self, name: &str, offer: &Offer) -> Result<Replacement, String> {
        let quantity = self.pieces(offer)?;
        let priced = priced(offer, quantity, self.life_months, self.policy)?;
        let delivery = Delivery::of(offer, self.case.leads, self.policy);
        let days_to_use =
            i64::from(self.policy.approval_days) + i64::from(delivery.taken_days) + i64::from(installation_days(offer, self.policy));
        let too_large = || "what it costs a year is more than can be counted; check its prices".to_owned();
        let a_year = || {
            let annuity = priced.factor.payment(i128::from(priced.npv.minor).checked_mul(12)?)?;
            let downtime = Self::a_year(self.downtime(days_to_use)?, self.life_months)?;
            Some((annuity, downtime, annuity.checked_add(downtime)?))
        };
        let (annuity_minor, downtime_minor, yearly_minor) = a_year().ok_or_else(too_large)?;
        let (annuity, downtime, yearly) = (self.money(annuity_minor), self.money(downtime_minor), self.money(yearly_minor));
        let mut terms = priced.terms(self.policy);
        let annuity_text =
            format!("{} × 12 ÷ {:.9} = {annuity} a year over {} months", priced.npv, priced.factor.value(), self.life_months);
        terms.extend([
            Term::money("replacing_annuity", annuity, annuity_text),
            Term::new("days_to_use", days_to_use as f64, "days", "approval, delivery and installation"),
            Term::money(
                "replacing_downtime",
                downtime,
                format!("{days_to_use} days × {} × 12 ÷ {} months = {downtime} a year", self.outage_a_day, self.life_months),
            ),
            Term::money("replacing_yearly", yearly, format!("{annuity} + {downtime} = {yearly} a year")),
        ]);
        Ok(Replacement {
            offer: name.to_owned(),
            supplier: offer.supplier.clone(),
            quantity,
            npv_minor: priced.npv.minor,
            annuity_minor,
            downtime_minor,
            yearly_minor,
            days_to_use,
            terms,
        })
    }

    fn break_even_repair(&self, best: &Replacement, keeping: &KeepingCost, terms: &mut Vec<Term>) -> Option<Money> {
        let room = i128::from(best.yearly_minor) - i128::from(keeping.downtime_minor) - i128::from(keeping.further_failures_minor);
        let price = self.money(divided(room.max(0).checked_mul(i128::from(self.remaining_months))?, 12)?);
        let (best, downtime) = (self.money(best.yearly_minor), self.money(keeping.downtime_minor));
        let further = self.money(keeping.further_failures_minor);
        let text = format!("({best} − {downtime} − {further}) × {} ÷ 12 = {price}, 0 at least", self.remaining_months);
        terms.push(Term::money("break_even_repair", price, text));
        Some(price)
    }

    fn break_even_replacement(&self, keeping: &KeepingCost, terms: &mut Vec<Term>) -> Option<Money> {
        let factor = AnnuityFactor::new(self.policy.rate_percent(), self.life_months);
        let price = self.money(factor.present_value(keeping.yearly_minor, 12)?);
        let text = format!("{} ÷ 12 × {:.9} = {price} once", self.money(keeping.yearly_minor), factor.value());
        terms.push(Term::money("break_even_replacement", price, text));
        Some(price)
    }

    fn advice(&self, keeping: &KeepingCost, best: Option<&Replacement>, break_even: Option<Money>) -> (Advice, Vec<String>) {
        let (asset, today, name) = (self.case.asset, self.case.today, self.case.name);
        let keep = self.money(keeping.yearly_minor);
        let compared = best.zip(break_even).map(|(best, break_even)| {
            let replace = self.money(best.yearly_minor);
            format!(
                "keeping {name} costs {keep} a year, replacing it by {} {replace}: equal where this repair costs {break_even}; it costs {}",
                best.offer, self.repair
            )
        });
        let mut why: Vec<String> = compared.into_iter().collect();
        let spare = (asset.spare_parts > 0)
            .then(|| format!("{} in stock: the repair waits for no delivery", counted(asset.spare_parts, "spare part")));
        if let Some(until) = asset.warranty_until.filter(|until| *until >= today) {
            why.insert(0, format!("the warranty lasts until {until}: claim it first, and come back to this if it is refused"));
            return (Advice::ClaimWarranty, why);
        }
        let unsupported = asset.support_until.filter(|until| *until < today);
        let Some(best) = best else {
            why.push(format!("there is no offer to compare with; keeping {name} costs {keep} a year"));
            why.extend(unsupported.map(|until| format!("its maker ended support on {until}: ask for a replacement rather than for parts")));
            why.extend(spare);
            return (Advice::AskForOffers, why);
        };
        if let Some(until) = unsupported {
            let far_cheaper = i128::from(keeping.yearly_minor) * 2 < i128::from(best.yearly_minor);
            if asset.criticality == Criticality::Low && far_cheaper {
                why.insert(
                    0,
                    format!("support ended on {until}, but little depends on it, and keeping it costs less than half of replacing it"),
                );
                why.extend(spare);
                return (Advice::Repair, why);
            }
            why.insert(0, format!("its maker ended support on {until}: neither corrections nor parts are to be expected"));
            return (Advice::Replace, why);
        }
        if keeping.yearly_minor <= best.yearly_minor {
            why.extend(spare);
            return (Advice::Repair, why);
        }
        (Advice::Replace, why)
    }
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
