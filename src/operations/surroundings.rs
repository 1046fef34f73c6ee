//! What is known beside a resource's own days: the assets that hold it, and who shares its load.

use std::collections::{BTreeMap, BTreeSet};

use super::capacity_days::{CapacityDays, CapacityError};
use super::market::assets_of_kind;
use super::{Inventory, Setup};
use crate::capacity::{CapacityQuestion, ResourceKey};
use crate::purchase::converted;

/// What a resource that was not seen for longer than this carries of a load that several share.
const SHARING_DAYS: i64 = 7;

/// What is known beside the days of a question's resources.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// How many resources each exception that speaks of spares fits, by its place.
    sharing: BTreeMap<usize, u32>,
    /// What assets hold together, in the question's unit, by what metrics call them.
    assets: BTreeMap<String, f64>,
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
                Some(capacity) => *around.assets.entry(asset.host.unwrap_or(name)).or_insert(0.0) += capacity,
                None => {
                    tracing::warn!(asset = name, unit, "the asset's unit is not that of the resources it is to limit ({})", question.unit)
                }
            }
        }
        drop(read);
        if setup.capacity.exceptions.iter().any(|exception| exception.spares.is_some()) {
            for key in days.keys(question, end - SHARING_DAYS, end).await? {
                if let Some((exception, _)) = setup.capacity.decided(&key).spares {
                    *around.sharing.entry(exception).or_insert(0) += 1;
                }
            }
        }
        Ok(around)
    }

    /// What the assets of a resource hold; `None` if it has none.
    pub(super) fn capacity_of(&self, key: &ResourceKey) -> Option<f64> {
        let names: BTreeSet<&str> = key.entity.iter().map(|(_, value)| value.as_str()).collect();
        let held: Vec<f64> = names.into_iter().filter_map(|name| self.assets.get(name).copied()).collect();
        (!held.is_empty()).then(|| held.iter().sum())
    }

    /// How many resources share a load by the exception at this place, itself among them.
    pub(super) fn sharing(&self, exception: usize) -> u32 {
        self.sharing.get(&exception).copied().unwrap_or(1)
    }
}
