//! A record of any kind.

use serde::Serialize;
use serde_json::Value;

use super::{Asset, BudgetLine, Contract, Offer, Supplier};
use crate::document::Complaint;
use crate::record::words;

words! {
    /// What a record is; the words stand in addresses of the API.
    InventoryKind, "kind of record", {
        /// What the department has.
        Asset => "assets",
        /// Who sells and serves.
        Supplier => "suppliers",
        /// What it is bound to.
        Contract => "contracts",
        /// What can be bought.
        Offer => "offers",
        /// What may be spent.
        Budget => "budgets",
    }
}

impl InventoryKind {
    /// One of the kind, in a sentence.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::Supplier => "supplier",
            Self::Contract => "contract",
            Self::Offer => "offer",
            Self::Budget => "budget line",
        }
    }
}

/// A record, whatever its kind. Its name stands beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Record {
    /// What the department has.
    Asset(Asset),
    /// Who sells and serves.
    Supplier(Supplier),
    /// What it is bound to.
    Contract(Contract),
    /// What can be bought.
    Offer(Offer),
    /// What may be spent.
    Budget(BudgetLine),
}

impl Record {
    /// Reads a record of that kind and checks it.
    ///
    /// # Errors
    /// Everything that is wrong with it, field by field.
    pub fn read(kind: InventoryKind, document: Value) -> Result<Self, Vec<Complaint>> {
        let read = match kind {
            InventoryKind::Asset => serde_json::from_value(document).map(Self::Asset),
            InventoryKind::Supplier => serde_json::from_value(document).map(Self::Supplier),
            InventoryKind::Contract => serde_json::from_value(document).map(Self::Contract),
            InventoryKind::Offer => serde_json::from_value(document).map(Self::Offer),
            InventoryKind::Budget => serde_json::from_value(document).map(Self::Budget),
        };
        let record = read.map_err(|error| vec![Complaint::new("", error.to_string())])?;
        let complaints = record.check();
        if complaints.is_empty() { Ok(record) } else { Err(complaints) }
    }

    /// What is wrong with it, field by field.
    pub fn check(&self) -> Vec<Complaint> {
        match self {
            Self::Asset(record) => record.check(),
            Self::Supplier(record) => record.check(),
            Self::Contract(record) => record.check(),
            Self::Offer(record) => record.check(),
            Self::Budget(record) => record.check(),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> InventoryKind {
        match self {
            Self::Asset(_) => InventoryKind::Asset,
            Self::Supplier(_) => InventoryKind::Supplier,
            Self::Contract(_) => InventoryKind::Contract,
            Self::Offer(_) => InventoryKind::Offer,
            Self::Budget(_) => InventoryKind::Budget,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_read_as_its_kind_and_checked() {
        let supplier = Record::read(InventoryKind::Supplier, json!({"description": "Disks", "lead_time_days": 14})).unwrap();
        assert_eq!(supplier.kind(), InventoryKind::Supplier);
        assert_eq!(serde_json::to_value(&supplier).unwrap(), json!({"description": "Disks", "lead_time_days": 14}));
        let wrong = Record::read(InventoryKind::Supplier, json!({"response_time": "soon"})).unwrap_err();
        assert_eq!(wrong[0].field, "response_time");
        let unknown = Record::read(InventoryKind::Asset, json!({"kind": "server", "colour": "red"})).unwrap_err();
        assert!(unknown[0].why.contains("colour"), "{unknown:?}");
    }
}
