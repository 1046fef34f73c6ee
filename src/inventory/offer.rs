//! What can be bought.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::field::Complaints;
use super::supplier::MAX_DELIVERY_DAYS;
use super::{CostPer, Currency, Money, OfferAction};
use crate::document::Complaint;

/// Longest list of volume steps.
const MAX_STEPS: usize = 50;
/// Most pieces of one order.
const MAX_QUANTITY: u32 = 1_000_000;
/// Longest time of use or binding: twenty years.
const MAX_TERM_MONTHS: u32 = 240;

/// A supplier's offer for pieces of something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Whose.
    pub supplier: String,
    /// What: the same thing has the same word in every offer, so that its price has a history.
    pub item: String,
    /// In people's words.
    #[serde(default)]
    pub description: String,
    /// Which resources it is for: `filesystem`, `memory`.
    pub resource_kind: String,
    /// Names of resources that it fits, `db*` for all that begin so; empty: every one of the kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Whether a piece comes on top or takes the place of what is there.
    #[serde(default = "default_action")]
    pub action: OfferAction,
    /// What one piece adds, or has in all if it replaces.
    pub capacity: f64,
    /// The unit of the capacity.
    pub unit: String,
    /// Price of one piece, minor units of the currency.
    #[serde(default)]
    pub one_off_minor: i64,
    /// Running cost of one piece, minor units of the currency.
    #[serde(default)]
    pub running_minor: i64,
    /// How often the running cost comes.
    #[serde(default = "default_running_per")]
    pub running_per: CostPer,
    /// The currency of all its prices.
    pub currency: Currency,
    /// Cheaper from so many pieces on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<VolumeStep>,
    /// Fewest pieces of an order.
    #[serde(default = "default_min_quantity")]
    pub min_quantity: u32,
    /// Most pieces of an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_quantity: Option<u32>,
    /// Days from order to delivery; else the supplier's lead time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_days: Option<u32>,
    /// Days from delivery to use.
    #[serde(default)]
    pub installation_days: u32,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_on: Option<Date>,
    /// The last day on which it can be taken.
    pub valid_until: Date,
    /// How long it is used or bound, months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term_months: Option<u32>,
    /// The support that comes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_level: Option<String>,
    /// The last day of that support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_until: Option<Date>,
}

/// A price from so many pieces on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeStep {
    /// Fewest pieces.
    pub from: u32,
    /// Price of one piece then, minor units.
    pub one_off_minor: i64,
}

fn default_action() -> OfferAction {
    OfferAction::Add
}

fn default_running_per() -> CostPer {
    CostPer::Month
}

fn default_min_quantity() -> u32 {
    1
}

impl Offer {
    /// What is wrong with the record, field by field; empty if it may be kept. Whether its supplier exists is for the caller.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints.text("supplier", &self.supplier);
        complaints.text("item", &self.item);
        complaints.description(&self.description);
        complaints.word("resource_kind", &self.resource_kind);
        complaints.list("resources", &self.resources);
        complaints.capacity("capacity", self.capacity);
        complaints.unit("unit", &self.unit);
        complaints.price("one_off_minor", self.one_off_minor);
        complaints.price("running_minor", self.running_minor);
        if self.running_per == CostPer::Once {
            complaints.add("running_per", "a running cost does not come once; write month, quarter or year");
        }
        self.check_steps(&mut complaints);
        self.check_quantities(&mut complaints);
        self.check_days(&mut complaints);
        complaints.optional("support_level", self.support_level.as_ref());
        complaints.into_vec()
    }

    fn check_steps(&self, complaints: &mut Complaints) {
        if self.steps.len() > MAX_STEPS {
            return complaints.add("steps", format!("it has {} entries; leave at most {MAX_STEPS}", self.steps.len()));
        }
        let (mut from, mut price) = (1, self.one_off_minor);
        for (at, step) in self.steps.iter().enumerate() {
            if step.from <= from {
                complaints.add(
                    format!("steps[{at}].from"),
                    format!("it is {}; a step begins at more pieces than what is before it, {from}", step.from),
                );
            }
            complaints.price(&format!("steps[{at}].one_off_minor"), step.one_off_minor);
            if step.one_off_minor >= price {
                complaints.add(format!("steps[{at}].one_off_minor"), "it is no less than the price before it; a volume step is cheaper");
            }
            (from, price) = (step.from, step.one_off_minor);
        }
    }

    fn check_quantities(&self, complaints: &mut Complaints) {
        complaints.within("min_quantity", self.min_quantity, 1, MAX_QUANTITY);
        if let Some(most) = self.max_quantity {
            complaints.within("max_quantity", most, 1, MAX_QUANTITY);
            if most < self.min_quantity {
                complaints.add("max_quantity", format!("it is {most}, and `min_quantity` is {}; put the two right", self.min_quantity));
            }
        }
        if let Some(months) = self.term_months {
            complaints.within("term_months", months, 1, MAX_TERM_MONTHS);
        }
    }

    fn check_days(&self, complaints: &mut Complaints) {
        if let Some(days) = self.delivery_days {
            complaints.within("delivery_days", days, 0, MAX_DELIVERY_DAYS);
        }
        complaints.within("installation_days", self.installation_days, 0, MAX_DELIVERY_DAYS);
        complaints.day("offered_on", self.offered_on);
        complaints.day("valid_until", Some(self.valid_until));
        complaints.day("support_until", self.support_until);
        complaints.in_order(("offered_on", self.offered_on), ("valid_until", Some(self.valid_until)));
    }

    /// Whether it cannot be taken any more.
    pub fn has_expired(&self, today: Date) -> bool {
        self.valid_until < today
    }

    /// The price of one piece when so many are bought.
    pub fn price_of_one(&self, quantity: u32) -> Money {
        let step = self.steps.iter().rev().find(|step| step.from <= quantity);
        Money::new(step.map_or(self.one_off_minor, |step| step.one_off_minor), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Offer {
        serde_json::from_value(serde_json::json!({
            "supplier": "acme", "item": "ssd-4tb", "resource_kind": "filesystem", "capacity": 4, "unit": "TB", "one_off_minor": 40_000,
            "currency": "EUR", "steps": [{"from": 4, "one_off_minor": 38_000}, {"from": 8, "one_off_minor": 35_000}], "valid_until": "2026-12-31",
        }))
        .unwrap()
    }

    #[test]
    fn a_piece_costs_what_its_step_says() {
        let prices = [(0, 40_000), (1, 40_000), (3, 40_000), (4, 38_000), (7, 38_000), (8, 35_000), (u32::MAX, 35_000)];
        for (quantity, minor) in prices {
            assert_eq!(offer().price_of_one(quantity), Money::new(minor, Currency::EUR), "{quantity}");
        }
        assert_eq!(offer().check(), []);
    }

    #[test]
    fn an_offer_is_valid_through_its_last_day() {
        assert!(!offer().has_expired(jiff::civil::date(2026, 12, 31)));
        assert!(offer().has_expired(jiff::civil::date(2027, 1, 1)));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let step = |from, one_off_minor| VolumeStep { from, one_off_minor };
        let wrong = Offer {
            capacity: -4.0,
            one_off_minor: -1,
            running_per: CostPer::Once,
            steps: vec![step(1, 50_000), step(1, 50_001)],
            min_quantity: 9,
            max_quantity: Some(3),
            offered_on: Some(jiff::civil::date(2027, 1, 1)),
            ..offer()
        };
        let fields: Vec<String> = wrong.check().into_iter().map(|complaint| complaint.field).collect();
        let expected = "capacity one_off_minor running_per steps[0].from steps[0].one_off_minor steps[1].from steps[1].one_off_minor max_quantity valid_until";
        assert_eq!(fields.join(" "), expected);
    }
}
