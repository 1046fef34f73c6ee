//! What the department has.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::field::Complaints;
use super::{AssetState, Criticality, Currency, Money};
use crate::document::Complaint;

/// A century: nothing of an IT department is planned for longer.
const MAX_LIFE_MONTHS: u32 = 1_200;
/// More spare parts than this are counted somewhere else.
const MAX_SPARE_PARTS: u32 = 1_000_000;

/// Something the department has: a machine, a disk shelf, a licence. Its name is the inventory number or the host's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// What it is: `server`, `switch`, `disk`, `licence`.
    pub kind: String,
    /// In people's words.
    #[serde(default)]
    pub description: String,
    /// Maker and model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The maker's serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The host as logs and metrics name it, if that is not the asset's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The service of the setup that it works for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The team that looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// How much hangs on it.
    #[serde(default = "default_criticality")]
    pub criticality: Criticality,
    /// Assets that it does not work without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// What it does just now.
    #[serde(default = "default_state")]
    pub state: AssetState,
    /// When it was bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bought_on: Option<Date>,
    /// What it cost, in minor units of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_minor: Option<i64>,
    /// The currency of the cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Who sold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<String>,
    /// The last day of its warranty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warranty_until: Option<Date>,
    /// The last day on which its maker supports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_until: Option<Date>,
    /// How long it is to be used, months from the day it was bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_life_months: Option<u32>,
    /// Spare parts in stock.
    #[serde(default)]
    pub spare_parts: u32,
    /// Which resource it holds: `filesystem`, `memory`, `licence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_kind: Option<String>,
    /// How much of it, in the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<f64>,
    /// The unit of the capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

fn default_criticality() -> Criticality {
    Criticality::Medium
}

fn default_state() -> AssetState {
    AssetState::InUse
}

impl Asset {
    /// What is wrong with the record, field by field; empty if it may be kept. Whether what it names exists is for the caller.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints.word("kind", &self.kind);
        complaints.description(&self.description);
        let texts = [
            ("model", &self.model),
            ("serial", &self.serial),
            ("host", &self.host),
            ("place", &self.place),
            ("service", &self.service),
            ("team", &self.team),
            ("supplier", &self.supplier),
        ];
        for (field, text) in texts {
            complaints.optional(field, text.as_ref());
        }
        complaints.list("depends_on", &self.depends_on);
        self.check_money(&mut complaints);
        for (field, day) in [("bought_on", self.bought_on), ("warranty_until", self.warranty_until), ("support_until", self.support_until)]
        {
            complaints.day(field, day);
        }
        complaints.in_order(("bought_on", self.bought_on), ("warranty_until", self.warranty_until));
        if let Some(months) = self.expected_life_months {
            complaints.within("expected_life_months", months, 1, MAX_LIFE_MONTHS);
        }
        complaints.within("spare_parts", self.spare_parts, 0, MAX_SPARE_PARTS);
        self.check_capacity(&mut complaints);
        complaints.into_vec()
    }

    fn check_money(&self, complaints: &mut Complaints) {
        if let Some(minor) = self.cost_minor {
            complaints.price("cost_minor", minor);
            if self.currency.is_none() {
                complaints.add("currency", "it is not given, but a cost is; write the cost's currency, such as EUR");
            }
        }
    }

    fn check_capacity(&self, complaints: &mut Complaints) {
        if let Some(kind) = &self.resource_kind {
            complaints.word("resource_kind", kind);
        }
        if let Some(unit) = &self.unit {
            complaints.unit("unit", unit);
        }
        if let Some(capacity) = self.capacity {
            complaints.capacity("capacity", capacity);
            if self.unit.is_none() {
                complaints.add("unit", "it is not given, but a capacity is; write what the capacity is counted in, such as GiB");
            }
        }
    }

    /// What it cost, if that is known.
    pub fn cost(&self) -> Option<Money> {
        Some(Money::new(self.cost_minor?, self.currency?))
    }

    /// The host that it is in logs and metrics, given its name.
    pub fn host_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.host.as_deref().unwrap_or(name)
    }
}
