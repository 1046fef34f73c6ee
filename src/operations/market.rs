//! What a need can be met with, as the inventory and the other resources say it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use sqlx::{Row, SqliteConnection};

use super::InventoryError;
use super::inventory::{day_of as day_of_moment, read_stored};
use super::judging::day_of;
use crate::capacity::ResourceKey;
use crate::clock::TimestampUs;
use crate::inventory::{Asset, AssetState, InventoryKind, Money, Offer, Record};
use crate::purchase::{Book, LeadTime, LeadTimes, NamedOffer, Options, PastPrice};
use crate::store::{StoreError, StoredRecord, budget_sums, load_assets_named, load_assets_of_kind, load_records, load_records_at};

/// Earlier prices of one item at most.
const MOST_PRICES: i64 = 200;

/// Offers, budgets and lead times, as they stand at a moment.
#[derive(Debug, Clone, Default)]
pub(super) struct MarketData {
    pub(super) offers: Vec<NamedOffer>,
    /// The version of each offer.
    pub(super) versions: BTreeMap<String, i64>,
    pub(super) books: Vec<Book>,
    pub(super) leads: LeadTimes,
}

impl MarketData {
    /// Reads all of it as it is now.
    pub(super) async fn load(read: &mut SqliteConnection) -> Result<Self, InventoryError> {
        Self::load_at(read, None).await
    }

    /// Reads all of it as it was at a moment of the past.
    pub(super) async fn load_at(read: &mut SqliteConnection, at_us: Option<TimestampUs>) -> Result<Self, InventoryError> {
        let mut data = Self::default();
        for stored in stored(read, InventoryKind::Offer, at_us).await? {
            data.versions.insert(stored.name.clone(), stored.version);
            let name = stored.name.clone();
            if let Record::Offer(offer) = read_stored(InventoryKind::Offer, stored)? {
                data.offers.push((name, offer));
            }
        }
        let up_to_us = at_us.unwrap_or(TimestampUs::MAX);
        for (name, record) in records(read, InventoryKind::Budget, at_us).await? {
            if let Record::Budget(line) = record {
                let sums = budget_sums(read, &name, up_to_us).await?.unwrap_or_default();
                data.books.push(Book::new(&name, &line).with(sums.committed_minor, sums.spent_minor));
            }
        }
        for (name, record) in records(read, InventoryKind::Supplier, at_us).await? {
            if let Record::Supplier(supplier) = record {
                data.leads.insert(name, LeadTime { promised_days: supplier.lead_time_days, seen_days: Vec::new() });
            }
        }
        // What comes on one day of an order for several proposals is one delivery.
        let sql = "SELECT supplier, ordered_on, delivered_on FROM supply_deliveries AS delivery WHERE noted_at_us <= ?1
            GROUP BY supplier, ordered_on, delivered_on,
                coalesce((SELECT ticket FROM proposals WHERE number = delivery.proposal), -delivery.id) ORDER BY min(delivery.id)";
        let rows = sqlx::query(sql).bind(up_to_us).fetch_all(read).await;
        for row in rows.map_err(StoreError::from)? {
            let text = |column: &str| row.try_get::<String, _>(column).map_err(StoreError::from);
            let (supplier, ordered, delivered) = (text("supplier")?, text("ordered_on")?, text("delivered_on")?);
            let days = ordered.parse::<Date>().ok().zip(delivered.parse::<Date>().ok()).map(|(from, to)| day_of(to) - day_of(from));
            if let Some(days) = days.and_then(|days| u32::try_from(days).ok()) {
                data.leads.entry(supplier).or_default().seen_days.push(days);
            }
        }
        Ok(data)
    }
}

impl MarketData {
    /// The version of each offer that an option is made of.
    pub(super) fn versions_of(&self, made: &Options) -> BTreeMap<String, i64> {
        let named = made.options.iter().filter_map(|option| option.offer.as_ref());
        named.filter_map(|name| Some((name.clone(), *self.versions.get(name)?))).collect()
    }
}

async fn stored(read: &mut SqliteConnection, kind: InventoryKind, at_us: Option<TimestampUs>) -> Result<Vec<StoredRecord>, StoreError> {
    match at_us {
        None => load_records(read, kind.word(), "", i64::MAX).await,
        Some(at_us) => load_records_at(read, kind.word(), at_us).await,
    }
}

/// The records of a kind as they are, or as they were at a moment of the past.
pub(super) async fn records(
    read: &mut SqliteConnection,
    kind: InventoryKind,
    at_us: Option<TimestampUs>,
) -> Result<Vec<(String, Record)>, InventoryError> {
    let stored = stored(read, kind, at_us).await?;
    stored.into_iter().map(|stored| Ok((stored.name.clone(), read_stored(kind, stored)?))).collect()
}

/// What an item cost in earlier offers, without the offer that is talked about, and what was paid for it.
pub(super) async fn price_history(read: &mut SqliteConnection, name: &str, offer: &Offer) -> Result<Vec<PastPrice>, InventoryError> {
    let sql = "SELECT name, at_us, record FROM inventory_history
        WHERE kind = 'offers' AND record ->> '$.item' = ?1 ORDER BY at_us DESC LIMIT ?2";
    let rows = sqlx::query(sql).bind(&offer.item).bind(MOST_PRICES).fetch_all(read).await.map_err(StoreError::from)?;
    let mut prices = BTreeMap::new();
    for row in rows {
        let text: String = row.try_get("record").map_err(StoreError::from)?;
        let Ok(past) = serde_json::from_str::<Offer>(&text) else { continue };
        let is_itself = row.try_get::<String, _>("name").map_err(StoreError::from)? == name && past == *offer;
        let at_us: i64 = row.try_get("at_us").map_err(StoreError::from)?;
        if !is_itself {
            let offered_on = past.offered_on.unwrap_or_else(|| day_of_moment(at_us));
            let price = PastPrice {
                item: past.item,
                offered_on,
                price: Money::new(past.one_off_minor, past.currency),
                supplier: past.supplier.clone(),
            };
            // A change of something else than the price is no new price.
            prices.insert((offered_on, past.supplier, past.one_off_minor), price);
        }
    }
    Ok(prices.into_values().collect())
}

/// The assets that hold a kind of resource, with their names: those that are not retired.
pub(super) async fn assets_of_kind(read: &mut SqliteConnection, kind: &str) -> Result<Vec<(String, Asset)>, InventoryError> {
    assets(load_assets_of_kind(read, kind).await?)
}

/// The assets that are called so or stand on a host that is, with their names: those that are not retired.
pub(super) async fn assets_named(read: &mut SqliteConnection, names: &[&str]) -> Result<Vec<(String, Asset)>, InventoryError> {
    assets(load_assets_named(read, names).await?)
}

/// Whether an asset holds just this resource: it is called like it, or metrics call it so. `host` is the asset's.
pub(super) fn is_its_own(key: &ResourceKey, name: &str, host: Option<&str>) -> bool {
    let own = key.own_names();
    match host {
        None => own.contains(name),
        Some(host) => own.contains(host) || own.contains(name) && key.value("host") == Some(host),
    }
}

/// Whether it holds it, perhaps with others of its host.
pub(super) fn holds(key: &ResourceKey, name: &str, host: Option<&str>) -> bool {
    key.names().contains(host.unwrap_or(name))
}

fn assets(stored: Vec<StoredRecord>) -> Result<Vec<(String, Asset)>, InventoryError> {
    let mut assets = Vec::new();
    for stored in stored {
        let name = stored.name.clone();
        if let Record::Asset(asset) = read_stored(InventoryKind::Asset, stored)?
            && asset.state != AssetState::Retired
        {
            assets.push((name, asset));
        }
    }
    Ok(assets)
}

/// When what resources are measured by and what they can be met with last changed; 0 if never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MarketChanges {
    /// An asset, µs since 1970.
    pub(super) assets_us: i64,
    /// An offer, a budget, a supplier, in this order, µs since 1970.
    offered_us: [i64; 3],
    /// The latest entry of the book of budgets.
    entry: i64,
    /// The latest delivery, by which suppliers are known.
    delivery: i64,
}

/// When all that last changed.
pub(super) async fn market_changes(read: &mut SqliteConnection) -> Result<MarketChanges, StoreError> {
    let mut changed_us = [0; 4];
    let kinds = [InventoryKind::Asset, InventoryKind::Offer, InventoryKind::Budget, InventoryKind::Supplier];
    for (at_us, kind) in changed_us.iter_mut().zip(kinds) {
        let sql = "SELECT coalesce(max(at_us), 0) FROM inventory_history WHERE kind = ?1";
        *at_us = sqlx::query_scalar(sql).bind(kind.word()).fetch_one(&mut *read).await?;
    }
    let entry = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM budget_entries").fetch_one(&mut *read).await?;
    let delivery = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM supply_deliveries").fetch_one(read).await?;
    let [assets_us, offered_us @ ..] = changed_us;
    Ok(MarketChanges { assets_us, offered_us, entry, delivery })
}
