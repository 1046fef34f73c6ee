//! What a number of pieces costs: asked, converted, and over the months it is used.

use serde::{Deserialize, Serialize};

use super::policy::PurchasePolicy;
use super::present_value::{AnnuityFactor, MOST_MONTHS, divided};
use super::term::Term;
use super::unit::{counted, number};
use crate::inventory::{CostPer, Currency, Money, Offer};

/// The costs of an option, in the policy's currency. `npv_minor` is `one_off_minor` and `running_present_minor` to the unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The currency of all amounts.
    pub currency: Currency,
    /// Paid once.
    pub one_off_minor: i64,
    /// Paid each month, rounded; the present value is reckoned from what is asked, not from this.
    pub running_minor_per_month: i64,
    /// What all running payments of the term are worth today.
    pub running_present_minor: i64,
    /// What everything is worth today.
    pub npv_minor: i64,
    /// Months that it is used.
    pub term_months: u32,
    /// Present value a month and unit of capacity gained, minor units; none where nothing is gained.
    pub per_unit_and_month_minor: Option<f64>,
    /// The same for the capacity that will be used within the term: what options are ranked by.
    pub per_used_unit_and_month_minor: Option<f64>,
    /// The unit that these two are told per.
    pub price_unit: String,
}

/// A number of pieces of an offer.
#[derive(Debug, Clone)]
pub(super) struct Priced {
    pub quantity: u32,
    /// One piece, as asked.
    pub piece: Money,
    /// All pieces, as asked.
    pub asked_one_off: Money,
    /// All pieces for each period, as asked.
    pub asked_running: Money,
    /// Months of a period.
    pub every: u32,
    pub one_off: Money,
    pub running: Money,
    pub running_present: Money,
    pub npv: Money,
    pub term_months: u32,
    pub factor: AnnuityFactor,
}

/// The amount in another currency, by the policy's rates.
pub(super) fn convert(amount: Money, to: Currency, policy: &PurchasePolicy) -> Result<Money, String> {
    if amount.currency == to {
        return Ok(amount);
    }
    let why = |detail: String| format!("{amount} cannot be told in {to}: {detail}");
    match &policy.rates {
        None => Err(why(format!("the purchase policy has no rates; write one for {} under `rates`", amount.currency))),
        Some(rates) => rates.convert(amount, to).map_err(|error| why(error.to_string())),
    }
}

/// What one piece costs once if so many are bought: the price of the highest volume step that is reached.
pub(super) fn piece_price(offer: &Offer, quantity: u32) -> i64 {
    let reached = offer.steps.iter().filter(|step| step.from <= quantity);
    reached.max_by_key(|step| step.from).map_or(offer.one_off_minor, |step| step.one_off_minor)
}

/// Months that an offer is used or bound.
pub(super) fn term_of(offer: &Offer, policy: &PurchasePolicy) -> u32 {
    offer.term_months.unwrap_or(policy.term_months)
}

/// What so many pieces cost over so many months; the reason if it cannot be counted.
pub(super) fn priced(offer: &Offer, quantity: u32, months: u32, policy: &PurchasePolicy) -> Result<Priced, String> {
    if !(1..=MOST_MONTHS).contains(&months) {
        return Err(format!("its term is {months} months; write 1 to {MOST_MONTHS}"));
    }
    if offer.one_off_minor < 0 || offer.running_minor < 0 || offer.steps.iter().any(|step| step.one_off_minor < 0) {
        return Err("it has a negative price; correct the offer".to_owned());
    }
    let too_large = || format!("the price of {} is more than can be counted; check it for digits too many", counted(quantity, "piece"));
    let money = |minor| Money { minor, currency: offer.currency };
    let piece = piece_price(offer, quantity);
    let times = |minor: i64| minor.checked_mul(i64::from(quantity)).ok_or_else(too_large);
    let (once, running, every) = match offer.running_per {
        CostPer::Once => (offer.running_minor, 0, 1),
        CostPer::Month => (0, offer.running_minor, 1),
        CostPer::Quarter => (0, offer.running_minor, 3),
        CostPer::Year => (0, offer.running_minor, 12),
    };
    let asked_one_off = money(times(piece)?.checked_add(times(once)?).ok_or_else(too_large)?);
    let asked_running = money(times(running)?);
    let (one_off, running) = (convert(asked_one_off, policy.currency, policy)?, convert(asked_running, policy.currency, policy)?);
    let factor = AnnuityFactor::new(policy.rate_percent(), months);
    let present = factor.present_value(running.minor, every).ok_or_else(too_large)?;
    let npv = one_off.minor.checked_add(present).ok_or_else(too_large)?;
    let converted = |minor| Money { minor, currency: policy.currency };
    Ok(Priced {
        quantity,
        piece: money(piece),
        asked_one_off,
        asked_running,
        every,
        one_off,
        running,
        running_present: converted(present),
        npv: converted(npv),
        term_months: months,
        factor,
    })
}

impl Priced {
    /// The running cost of a number of months, as asked; none if it cannot be counted.
    pub(super) fn asked_running_for(&self, months: u32) -> Option<Money> {
        let minor = divided(i128::from(self.asked_running.minor).checked_mul(i128::from(months))?, i128::from(self.every))?;
        Some(Money { minor, ..self.asked_running })
    }

    /// The running cost of a month in the policy's currency, rounded half to even.
    pub(super) fn running_per_month(&self) -> Money {
        let minor = divided(i128::from(self.running.minor), i128::from(self.every)).unwrap_or(self.running.minor);
        Money { minor, ..self.running }
    }

    /// Every number of it.
    pub(super) fn terms(&self, policy: &PurchasePolicy) -> Vec<Term> {
        let pieces = self.piece.minor.saturating_mul(i64::from(self.quantity));
        let beside = Money { minor: self.asked_one_off.minor.saturating_sub(pieces), ..self.piece };
        let beside = if beside.minor == 0 { String::new() } else { format!(" + {beside} beside") };
        let mut terms = vec![
            Term::new("quantity", f64::from(self.quantity), "pieces", counted(self.quantity, "piece")),
            Term::money("piece_price", self.piece, format!("{} for one piece at this quantity", self.piece)),
            Term::money(
                "asked_one_off",
                self.asked_one_off,
                format!("{} × {}{beside} = {}", self.quantity, self.piece, self.asked_one_off),
            ),
        ];
        let every = if self.every == 1 { "month".to_owned() } else { format!("{} months", self.every) };
        terms.push(Term::money("asked_running", self.asked_running, format!("{} for all pieces every {every}", self.asked_running)));
        let (once, running) = match &policy.rates {
            Some(rates) if self.asked_one_off.currency != policy.currency => {
                let rate = format!("by the rate given for {}", rates.as_of);
                (format!("{} = {} {rate}", self.asked_one_off, self.one_off), format!("{} = {} {rate}", self.asked_running, self.running))
            }
            _ => (format!("{} paid once", self.one_off), format!("{} every {every}", self.running)),
        };
        terms.push(Term::money("one_off", self.one_off, once));
        let month = self.running_per_month();
        terms.push(Term::money("running_per_month", month, format!("{running}; ÷ {} = {month}, rounded", self.every)));
        terms.push(Term::new("term", f64::from(self.term_months), "months", "months that it is used or bound"));
        terms.push(Term::new("discount_rate", policy.rate_percent(), "percent a year", "what money costs, by the policy"));
        let factor = format!(
            "i = (1 + {} %)^(1/12) − 1; (1 − (1 + i)^−{}) / i = {:.9}: payments at the end of each month, discounted monthly",
            number(policy.rate_percent()),
            self.term_months,
            self.factor.value()
        );
        terms.push(Term::new("annuity_factor", self.factor.value(), "months", factor));
        let present = format!("{} ÷ {} × {:.9} = {}", self.running, self.every, self.factor.value(), self.running_present);
        terms.push(Term::money("running_present", self.running_present, present));
        terms.push(Term::money("npv", self.npv, format!("{} + {} = {}", self.one_off, self.running_present, self.npv)));
        terms
    }

    /// The costs with what they are for each unit and month. `gained` and `counted` are capacities in price units.
    pub(super) fn cost(&self, gained: f64, counted: f64, price_unit: &str) -> Cost {
        let per = |capacity: f64| cost_per_unit_and_month(self.npv.minor, capacity, self.term_months);
        Cost {
            currency: self.npv.currency,
            one_off_minor: self.one_off.minor,
            running_minor_per_month: self.running_per_month().minor,
            running_present_minor: self.running_present.minor,
            npv_minor: self.npv.minor,
            term_months: self.term_months,
            per_unit_and_month_minor: per(gained),
            per_used_unit_and_month_minor: per(counted),
            price_unit: price_unit.to_owned(),
        }
    }
}

impl Cost {
    /// What costs nothing that is paid for.
    pub(super) fn nothing(policy: &PurchasePolicy, price_unit: &str) -> Self {
        Self {
            currency: policy.currency,
            one_off_minor: 0,
            running_minor_per_month: 0,
            running_present_minor: 0,
            npv_minor: 0,
            term_months: policy.term_months,
            per_unit_and_month_minor: None,
            per_used_unit_and_month_minor: None,
            price_unit: price_unit.to_owned(),
        }
    }

    /// What takes work that somebody has given a price, paid once. `capacities`: gained and used, in price units.
    pub(super) fn labour(labour: Money, capacities: [f64; 2], policy: &PurchasePolicy, price_unit: &str) -> Self {
        let [gained, used] = capacities.map(|capacity| cost_per_unit_and_month(labour.minor, capacity, policy.term_months));
        Self {
            one_off_minor: labour.minor,
            npv_minor: labour.minor,
            per_unit_and_month_minor: gained,
            per_used_unit_and_month_minor: used,
            ..Self::nothing(policy, price_unit)
        }
    }

    /// The present value.
    pub fn npv(&self) -> Money {
        Money { minor: self.npv_minor, currency: self.currency }
    }
}

/// What a unit of capacity costs each month of the term, in minor units; none where nothing is gained.
pub(super) fn cost_per_unit_and_month(npv_minor: i64, capacity: f64, term_months: u32) -> Option<f64> {
    let each = npv_minor as f64 / capacity / f64::from(term_months);
    (capacity > 0.0 && each.is_finite()).then_some(each)
}

/// A price that is no whole number of minor units, with two digits more than the currency has.
pub(super) fn fine_price(minor: f64, currency: Currency) -> String {
    let digits = currency.minor_digits();
    let places = usize::try_from(digits).unwrap_or(0) + 2;
    format!("{:.places$} {currency}", minor / 10_f64.powf(f64::from(digits)))
}
