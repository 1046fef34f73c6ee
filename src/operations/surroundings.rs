//! What is known beside a resource's own days: the assets that hold it, and who shares its load.

use std::collections::{BTreeMap, BTreeSet};

use super::capacity_days::{CapacityDays, CapacityError};
use super::market::{assets_of_kind, holds, is_its_own};
use super::{Inventory, Setup};
use crate::capacity::{CapacityQuestion, ResourceKey};
use crate::purchase::converted;

/// What is known beside the days of a question's resources.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// How many resources each exception that speaks of spares fits, by its place.
    sharing: BTreeMap<usize, u32>,
    /// Assets of the kind.
    assets: Vec<Holder>,
    /// Their places, by name and by host.
    called: BTreeMap<String, Vec<usize>>,
}

/// An asset and what it holds, in the question's unit.
#[derive(Debug)]
struct Holder {
    name: String,
    host: Option<String>,
    capacity: f64,
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
                Some(capacity) => around.add(Holder { name, host: asset.host, capacity }),
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

    fn add(&mut self, holder: Holder) {
        for called in BTreeSet::from([&holder.name, holder.host.as_ref().unwrap_or(&holder.name)]) {
            self.called.entry(called.clone()).or_default().push(self.assets.len());
        }
        self.assets.push(holder);
    }

    /// What the assets of a resource hold together; `None` if it has none. Those that are its own say more than those of its host.
    pub(super) fn capacity_of(&self, key: &ResourceKey) -> Option<f64> {
        let places: BTreeSet<usize> = key.names().into_iter().filter_map(|name| self.called.get(name)).flatten().copied().collect();
        let held = |belongs: fn(&ResourceKey, &str, Option<&str>) -> bool| -> Option<f64> {
            let holders = places.iter().map(|place| &self.assets[*place]);
            let held: Vec<f64> = holders.filter(|it| belongs(key, &it.name, it.host.as_deref())).map(|holder| holder.capacity).collect();
            (!held.is_empty()).then(|| held.iter().sum())
        };
        held(is_its_own).or_else(|| held(holds))
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
        let mut around = Surroundings::default();
        let assets = [
            ("orders", Some("db01"), 100.0),
            ("shelf-1", Some("db01"), 300.0),
            ("shelf-2", Some("db01"), 500.0),
            ("web01", None, 7.0),
            ("office", None, 100.0),
            ("office-2", Some("office"), 50.0),
        ];
        for (name, host, capacity) in assets {
            around.add(Holder { name: name.to_owned(), host: host.map(str::to_owned), capacity });
        }
        let held = |entity: &[(&str, &str)]| {
            let entity = entity.iter().map(|(column, value)| ((*column).to_owned(), (*value).to_owned())).collect();
            around.capacity_of(&ResourceKey { question: "database_size".to_owned(), entity })
        };
        assert_eq!(held(&[("host", "db01"), ("database", "orders")]), Some(100.0));
        assert_eq!(held(&[("host", "db01"), ("database", "stock")]), Some(900.0));
        assert_eq!(held(&[("host", "db02"), ("database", "orders")]), None, "another host's database of that name");
        assert_eq!(held(&[("host", "web01"), ("database", "stock")]), Some(7.0));
        assert_eq!(held(&[("product", "office")]), Some(150.0));
        assert_eq!(held(&[("host", "web02"), ("database", "")]), None);
    }
}
