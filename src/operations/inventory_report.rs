//! Fills the report about the inventory: what there is, and what of it comes to an end.

use std::collections::BTreeMap;

use jiff::Unit;
use jiff::civil::Date;

use super::capacity_report_parts::contracts;
use super::judging::day_of;
use super::{CapacityError, Inventory};
use crate::inventory::{Asset, AssetState, InventoryKind, Record};
use crate::report::{AssetEnd, Count, InventoryReport};

/// What has ended within a month is told too: somebody may have missed it.
const DAYS_BACK: i64 = 31;
/// What ends later is told by a later report.
const DAYS_AHEAD: u32 = 366;
/// Years of age that are told one by one.
const MOST_YEARS: i64 = 10;

impl Inventory {
    /// The inventory of now, and what of it ends about a day; today if none is given.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn report(&self, site: &str, as_of: Option<Date>) -> Result<InventoryReport, CapacityError> {
        let as_of = as_of.unwrap_or_else(|| self.today());
        let mut counted = Counted::default();
        for (name, record) in self.all(InventoryKind::Asset).await.map_err(CapacityError::Inventory)? {
            if let Record::Asset(asset) = record {
                counted.add(name, &asset, as_of);
            }
        }
        let mut read = self.store.read().await.map_err(CapacityError::Store)?;
        let contracts = contracts(&mut read, (as_of, None), DAYS_AHEAD).await?;
        let Counted { assets, by_kind, by_state, by_age, mut warranty_ends, mut support_ends } = counted;
        warranty_ends.sort_by_key(|end| end.ends_on);
        support_ends.sort_by_key(|end| end.ends_on);
        let mut by_kind: Vec<Count> = by_kind.into_iter().map(|(name, count)| Count { name, count }).collect();
        by_kind.sort_by_key(|kind| std::cmp::Reverse(kind.count));
        Ok(InventoryReport {
            site: site.to_owned(),
            as_of,
            generated_at_us: self.clock.now_us(),
            time_zone: "UTC".to_owned(),
            assets,
            by_kind,
            by_state: by_state.into_iter().map(|(name, count)| Count { name, count }).collect(),
            by_age: by_age.into_iter().map(|(age, count)| Count { name: age_told(age), count }).collect(),
            warranty_ends,
            support_ends,
            contracts,
        })
    }
}

#[derive(Default)]
struct Counted {
    /// Without those that are retired.
    assets: usize,
    by_kind: BTreeMap<String, usize>,
    by_state: BTreeMap<String, usize>,
    by_age: BTreeMap<i64, usize>,
    warranty_ends: Vec<AssetEnd>,
    support_ends: Vec<AssetEnd>,
}

impl Counted {
    fn add(&mut self, name: String, asset: &Asset, as_of: Date) {
        *self.by_state.entry(asset.state.word().to_owned()).or_insert(0) += 1;
        if asset.state == AssetState::Retired {
            return;
        }
        self.assets += 1;
        *self.by_kind.entry(asset.kind.clone()).or_insert(0) += 1;
        let whole_years = |bought: Date| bought.until((Unit::Year, as_of)).map_or(0, |age| i64::from(age.get_years()));
        let years = asset.bought_on.map_or(i64::MAX, |bought| whole_years(bought).clamp(0, MOST_YEARS));
        *self.by_age.entry(years).or_insert(0) += 1;
        let ends = |day: Option<Date>| {
            let days = |day: Date| day_of(day) - day_of(as_of);
            let ends_on = day.filter(|day| (-DAYS_BACK..=i64::from(DAYS_AHEAD)).contains(&days(*day)))?;
            Some(AssetEnd { name: name.clone(), kind: asset.kind.clone(), place: asset.place.clone(), ends_on })
        };
        self.warranty_ends.extend(ends(asset.warranty_until));
        self.support_ends.extend(ends(asset.support_until));
    }
}

fn age_told(years: i64) -> String {
    match years {
        0 => "under a year".to_owned(),
        1 => "1 year".to_owned(),
        MOST_YEARS => format!("{MOST_YEARS} years and more"),
        i64::MAX => "not known when it was bought".to_owned(),
        years => format!("{years} years"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_ends_and_how_old_it_is() {
        let asset = |document: serde_json::Value| -> Asset { serde_json::from_value(document).unwrap() };
        let as_of = jiff::civil::date(2026, 11, 22);
        let mut counted = Counted::default();
        let old = json!({ "kind": "server", "bought_on": "2021-11-22", "warranty_until": "2026-11-01", "support_until": "2028-01-01" });
        counted.add("a".to_owned(), &asset(old), as_of);
        counted.add("b".to_owned(), &asset(json!({ "kind": "switch", "bought_on": "2026-01-01", "warranty_until": "2027-11-01" })), as_of);
        counted.add("c".to_owned(), &asset(json!({ "kind": "server", "state": "retired", "warranty_until": "2026-12-01" })), as_of);
        counted.add("d".to_owned(), &asset(json!({ "kind": "server", "bought_on": "2001-01-01" })), as_of);
        assert_eq!((counted.assets, counted.by_kind["server"], counted.by_state["retired"]), (3, 2, 1));
        let names: Vec<&str> = counted.warranty_ends.iter().map(|end| end.name.as_str()).collect();
        assert!(names == ["a", "b"] && counted.support_ends.is_empty());
        let ages: Vec<String> = counted.by_age.keys().map(|years| age_told(*years)).collect();
        assert_eq!(ages, ["under a year", "5 years", "10 years and more"]);
    }
}
