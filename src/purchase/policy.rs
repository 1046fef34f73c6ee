//! What the department's own rules say about purchases: a document of the setup.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::present_value::MOST_MONTHS;
use crate::document::{Complaint, excerpt};
use crate::inventory::{Currency, Rates};

/// Five years: no forecast looks further.
const MOST_HORIZON_DAYS: u32 = 1_826;
/// Two years; what takes longer is no delivery but a project.
const MOST_WAIT_DAYS: u32 = 730;
/// Kinds of machines whose life is given.
const MOST_KINDS: usize = 200;
/// Percent a year; beyond it somebody has written a factor or a price.
const MOST_PERCENT: f64 = 100.0;

/// Rules of purchase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurchasePolicy {
    /// The currency that costs are compared in.
    pub currency: Currency,
    /// What other currencies are worth. Nothing is converted without a rate that stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates: Option<Rates>,
    /// Days looked ahead: what is needed later is not bought yet.
    #[serde(default = "default_horizon_days")]
    pub planning_horizon_days: u32,
    /// Months over which costs are added up, where the offer does not say how long it is used or bound.
    #[serde(default = "default_term_months")]
    pub term_months: u32,
    /// What money costs, percent a year, as decimal text.
    #[serde(default = "default_discount_rate_percent")]
    pub discount_rate_percent: String,
    /// Days from a proposal to the order.
    #[serde(default = "default_approval_days")]
    pub approval_days: u32,
    /// Days from the delivery to use, where the offer says nothing, and for what needs no delivery.
    #[serde(default = "default_installation_days")]
    pub installation_days: u32,
    /// Days from order to delivery, where neither the offer nor the supplier says.
    #[serde(default = "default_delivery_days")]
    pub delivery_days: u32,
    /// How many months a machine of a kind is used, where the asset does not say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub life_months: BTreeMap<String, u32>,
    /// The same for kinds that are not listed.
    #[serde(default = "default_life_months")]
    pub default_life_months: u32,
}

fn default_horizon_days() -> u32 {
    365
}

fn default_term_months() -> u32 {
    36
}

fn default_discount_rate_percent() -> String {
    "5".to_owned()
}

fn default_approval_days() -> u32 {
    14
}

fn default_installation_days() -> u32 {
    3
}

fn default_delivery_days() -> u32 {
    30
}

fn default_life_months() -> u32 {
    60
}

/// In euros, until somebody writes another currency.
impl Default for PurchasePolicy {
    fn default() -> Self {
        Self::new(Currency::EUR)
    }
}

impl PurchasePolicy {
    /// The rules of a department that has written none, in its currency.
    pub fn new(currency: Currency) -> Self {
        Self {
            currency,
            rates: None,
            planning_horizon_days: default_horizon_days(),
            term_months: default_term_months(),
            discount_rate_percent: default_discount_rate_percent(),
            approval_days: default_approval_days(),
            installation_days: default_installation_days(),
            delivery_days: default_delivery_days(),
            life_months: BTreeMap::new(),
            default_life_months: default_life_months(),
        }
    }

    /// Everything that is wrong with it; empty if it can be used.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        let numbers = [
            ("planning_horizon_days", self.planning_horizon_days, 1, MOST_HORIZON_DAYS),
            ("term_months", self.term_months, 1, MOST_MONTHS),
            ("approval_days", self.approval_days, 0, MOST_WAIT_DAYS),
            ("installation_days", self.installation_days, 0, MOST_WAIT_DAYS),
            ("delivery_days", self.delivery_days, 0, MOST_WAIT_DAYS),
            ("default_life_months", self.default_life_months, 1, MOST_MONTHS),
        ];
        for (field, value, least, most) in numbers {
            if !(least..=most).contains(&value) {
                complaints.push(Complaint::new(field, format!("{value} is out of range; write {least} to {most}")));
            }
        }
        if percent(&self.discount_rate_percent).is_none() {
            let shown = excerpt(&self.discount_rate_percent);
            let why = format!("`{shown}` is no rate; write percent a year from 0 to {MOST_PERCENT} with a point, such as 5 or 4.25");
            complaints.push(Complaint::new("discount_rate_percent", why));
        }
        if self.life_months.len() > MOST_KINDS {
            let why = format!("there are {} kinds; write at most {MOST_KINDS}", self.life_months.len());
            complaints.push(Complaint::new("life_months", why));
        }
        for (kind, months) in self.life_months.iter().take(MOST_KINDS) {
            if !(1..=MOST_MONTHS).contains(months) {
                let why = format!("{months} is out of range; write 1 to {MOST_MONTHS} months");
                complaints.push(Complaint::new(format!("life_months.{}", excerpt(kind)), why));
            }
        }
        complaints.extend(self.rates.iter().flat_map(Rates::check).map(|complaint| complaint.below("rates")));
        complaints
    }

    /// The discount rate in percent a year; 0 for what [`Self::check`] complains of.
    pub(super) fn rate_percent(&self) -> f64 {
        percent(&self.discount_rate_percent).unwrap_or(0.0)
    }

    /// Months that a machine of this kind is used.
    pub(super) fn life_of(&self, kind: &str) -> u32 {
        self.life_months.get(kind).copied().unwrap_or(self.default_life_months)
    }
}

/// Digits with at most one point: no sign, no exponent.
fn percent(text: &str) -> Option<f64> {
    let decimal = text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: f64 = if decimal { text.parse().ok()? } else { return None };
    (0.0..=MOST_PERCENT).contains(&value).then_some(value)
}
