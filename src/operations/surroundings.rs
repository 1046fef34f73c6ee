//! What is known beside a resource's own days: the assets that hold it, and who shares its load.

use std::collections::{BTreeMap, BTreeSet};

use super::capacity_days::{CapacityDays, CapacityError};
use super::market::assets_of_kind;
use super::{Inventory, Setup};
use crate::capacity::{CapacityQuestion, ResourceKey};
use crate::purchase::converted;

/// What is known beside the days of a question's resources.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// How many resources each exception that speaks of spares fits, by its place.
    sharing: BTreeMap<usize, u32>,
    /// What assets hold, in the question's unit, by their names.
    by_name: BTreeMap<String, f64>,
    /// What they hold together, by what metrics call them.
    by_host: BTreeMap<String, f64>,
}

impl Surroundings {
    /// Those of a question whose days end before `end`.
    pub(super) async fn load(
        question: &CapacityQuestion,
        setup: &Setup,
        inventory: &Inventory,
        days: &CapacityDays,
        end: i64,
    ) -> Result<Self, CapacityError> {
        let mut around = Self::default();
        let mut read = inventory.store.read().await.map_err(CapacityError::Store)?;
        for (name, asset) in assets_of_kind(&mut read, &question.kind).await.map_err(CapacityError::Inventory)? {
            let (Some(capacity), Some(unit)) = (asset.capacity, asset.unit.as_deref()) else { continue };
            match converted(capacity, unit, &question.unit) {
                Some(capacity) => {
                    *around.by_host.entry(asset.host.unwrap_or_else(|| name.clone())).or_insert(0.0) += capacity;
                    around.by_name.insert(name, capacity);
                }
                None => {
                    tracing::warn!(asset = name, unit, "the asset's unit is not that of the resources it is to limit ({})", question.unit)
                }
            }
        }
        drop(read);
        if setup.capacity.exceptions.iter().any(|exception| exception.spares.is_some()) {
            for key in days.seen_keys(question, end).await? {
                if let Some((exception, _)) = setup.capacity.decided(&key).spares {
                    *around.sharing.entry(exception).or_insert(0) += 1;
                }
            }
        }
        Ok(around)
    }

    /// What the assets of a resource hold together; `None` if it has none. One that is called as it says more than those of its host.
    pub(super) fn capacity_of(&self, key: &ResourceKey) -> Option<f64> {
        let held = |names: BTreeSet<&str>, assets: &BTreeMap<String, f64>| -> Option<f64> {
            let held: Vec<f64> = names.into_iter().filter_map(|name| assets.get(name).copied()).collect();
            (!held.is_empty()).then(|| held.iter().sum())
        };
        held(key.own_names(), &self.by_name).or_else(|| held(key.names(), &self.by_host))
    }

    /// How many resources share a load by the exception at this place, itself among them.
    pub(super) fn sharing(&self, exception: usize) -> u32 {
        self.sharing.get(&exception).copied().unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_of_its_own_says_more_than_those_of_the_host() {
        let amounts = |all: &[(&str, f64)]| all.iter().map(|(name, held)| ((*name).to_owned(), *held)).collect::<BTreeMap<_, _>>();
        let around = Surroundings {
            sharing: BTreeMap::new(),
            by_name: amounts(&[("orders", 100.0), ("shelf-1", 300.0), ("shelf-2", 500.0), ("web01", 7.0)]),
            by_host: amounts(&[("db01", 900.0), ("web01", 7.0)]),
        };
        let held = |host: &str, database: &str| {
            let entity = vec![("host".to_owned(), host.to_owned()), ("database".to_owned(), database.to_owned())];
            around.capacity_of(&ResourceKey { question: "database_size".to_owned(), entity })
        };
        assert_eq!(held("db01", "orders"), Some(100.0));
        assert_eq!(held("db01", "stock"), Some(900.0));
        assert_eq!(held("web01", "stock"), Some(7.0));
        assert_eq!(held("web02", ""), None);
    }
}
