//! The inventory at work: reading, changing, importing, with what records name checked and every change audited in its own
//! transaction.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::inventory_references::Known;
use super::register::Register;
use crate::clock::{Clock, TimestampUs};
use crate::desk::Actor;
use crate::document::{Complaint, in_words};
use crate::inventory::{BudgetLine, ImportedRecord, InventoryKind, Record, bounded_complaints, check_name};
use crate::store::{
    AuditEntry, RecordVersion, Store, StoreError, StoredRecord, WriteTransaction, append_audit, budget_sums, last_version,
    load_asset_of_host, load_dependencies, load_history, load_record, load_records, record_names, referrers_of_asset,
    referrers_of_supplier, remove_record, save_record,
};

/// Largest page of records, and of versions.
const MAX_PAGE: i64 = 1_000;
/// Changes that an import lists; it counts all.
const MAX_LISTED: usize = 1_000;

/// Why something of the inventory was not done. Nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// There is no record of that name.
    #[error("there is no {kind} `{name}`; `GET /api/v1/inventory/{path}` lists those that there are", kind = kind.singular(), path = kind.word())]
    NotFound {
        /// The kind.
        kind: InventoryKind,
        /// The name.
        name: String,
    },
    /// Somebody else changed it since it was read.
    #[error("{kind} `{name}` was changed in the meantime (it is at version {current}); read it again, then send the change", kind = kind.singular())]
    Conflict {
        /// The kind.
        kind: InventoryKind,
        /// The name.
        name: String,
        /// The version that it is at; 0: it is not there.
        current: i64,
    },
    /// It is not what it should be.
    #[error("{}", in_words(.0))]
    Invalid(Vec<Complaint>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for InventoryError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl InventoryError {
    pub(super) fn invalid(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Invalid(vec![Complaint::new(field, why)])
    }
}

/// A page of records, by name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<StoredRecord>,
    /// What to send as `after` for the next page; `None` on the last one.
    pub next: Option<String>,
}

/// A record that was written, and what is worth knowing about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WrittenRecord {
    /// As it is stored.
    #[serde(flatten)]
    pub stored: StoredRecord,
    /// What is right and still worth a thought.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// How an import is carried out.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// Nothing is written.
    pub dry_run: bool,
    /// Offers that have expired are taken too.
    pub take_expired: bool,
}

/// What an import changed, or with `dry_run` would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Nothing was written.
    pub dry_run: bool,
    /// Records that are new.
    pub added: usize,
    /// Records that differ from what was stored.
    pub changed: usize,
    /// Records that were stored alike.
    pub same: usize,
    /// The first thousand of those that are new or differ.
    pub changes: Vec<RecordChange>,
}

/// A record that an import adds or changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordChange {
    /// Its name.
    pub name: String,
    /// `added` or `changed`.
    pub change: &'static str,
}

/// The inventory over the store. Clones share it.
#[derive(Debug, Clone)]
pub struct Inventory {
    pub(super) store: Store,
    pub(super) clock: Clock,
    register: Arc<Register>,
}

impl Inventory {
    /// Over the store, and what is set up.
    pub fn new(store: Store, clock: Clock, register: Arc<Register>) -> Self {
        Self { store, clock, register }
    }

    /// The present day, UTC: what offers and contracts are judged by.
    pub fn today(&self) -> Date {
        day_of(self.clock.now_us())
    }

    /// Records of a kind by name, after one name; at most `limit`, and a thousand.
    pub async fn list(&self, kind: InventoryKind, after: &str, limit: i64) -> Result<RecordPage, InventoryError> {
        let limit = limit.clamp(1, MAX_PAGE);
        let mut read = self.store.read().await?;
        let mut records = load_records(&mut read, kind.word(), after, limit + 1).await?;
        let has_more = records.len() as i64 > limit;
        records.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = records.last().filter(|_| has_more).map(|last| last.name.clone());
        Ok(RecordPage { records, next })
    }

    /// Every record of a kind by name, as it is read.
    pub async fn all(&self, kind: InventoryKind) -> Result<Vec<(String, Record)>, InventoryError> {
        let mut read = self.store.read().await?;
        let stored = load_records(&mut read, kind.word(), "", i64::MAX).await?;
        stored.into_iter().map(|stored| Ok((stored.name.clone(), read_stored(kind, stored)?))).collect()
    }

    /// A record.
    pub async fn get(&self, kind: InventoryKind, name: &str) -> Result<StoredRecord, InventoryError> {
        let mut read = self.store.read().await?;
        load_record(&mut read, kind.word(), name).await?.ok_or_else(|| InventoryError::NotFound { kind, name: name.to_owned() })
    }

    /// The asset that a host of logs and metrics is, if it is one.
    pub async fn asset_of_host(&self, host: &str) -> Result<Option<StoredRecord>, InventoryError> {
        Ok(load_asset_of_host(&mut *self.store.read().await?, host).await?)
    }

    /// Versions of a record before a version (`None`: all), newest first; also of one that was removed.
    pub async fn history(
        &self,
        kind: InventoryKind,
        name: &str,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<RecordVersion>, InventoryError> {
        let mut read = self.store.read().await?;
        if last_version(&mut read, kind.word(), name).await? == 0 {
            return Err(InventoryError::NotFound { kind, name: name.to_owned() });
        }
        Ok(load_history(&mut read, kind.word(), name, before.unwrap_or(i64::MAX), limit.clamp(1, MAX_PAGE)).await?)
    }

    /// Writes a record, new or changed, if it is still at `expected_version` (`None`: whatever it is at; `Some(0)`: new).
    pub async fn put(
        &self,
        kind: InventoryKind,
        name: &str,
        document: Value,
        expected_version: Option<i64>,
        actor: &Actor,
    ) -> Result<WrittenRecord, InventoryError> {
        check_name(name).map_err(|why| InventoryError::invalid("name", why))?;
        let record = Record::read(kind, document).map_err(InventoryError::Invalid)?;
        let warnings = self.expired(&record).into_iter().collect();
        let mut write = self.store.write().await?;
        let before = load_record(&mut write, kind.word(), name).await?;
        refuse_stale(kind, name, before.as_ref(), expected_version)?;
        let document = document_of(&record);
        if let Some(stored) = before.as_ref().filter(|before| before.record == document) {
            return Ok(WrittenRecord { stored: stored.clone(), warnings });
        }
        let mut known = load_known(&mut write, kind).await?;
        let mut complaints = self.complaints(&mut known, &[(name, &record)]).concat();
        if let Record::Budget(line) = &record {
            complaints.extend(currency_complaint(&mut write, name, line, before.as_ref()).await?);
        }
        if !complaints.is_empty() {
            return Err(InventoryError::Invalid(complaints));
        }
        let stored = self.save(&mut write, kind, name, document, actor).await?;
        let detail = json!({ "version": stored.version, "record": stored.record });
        self.audit(&mut write, actor, "inventory.put", &format!("{}/{name}", kind.word()), &detail).await?;
        write.commit().await?;
        Ok(WrittenRecord { stored, warnings })
    }

    /// Removes a record, if nothing refers to it.
    pub async fn delete(
        &self,
        kind: InventoryKind,
        name: &str,
        expected_version: Option<i64>,
        actor: &Actor,
    ) -> Result<(), InventoryError> {
        let mut write = self.store.write().await?;
        let before = load_record(&mut write, kind.word(), name).await?;
        let Some(mut removed) = before else { return Err(InventoryError::NotFound { kind, name: name.to_owned() }) };
        refuse_stale(kind, name, Some(&removed), expected_version)?;
        let referrers = match kind {
            InventoryKind::Supplier => referrers_of_supplier(&mut write, name).await?,
            InventoryKind::Asset => referrers_of_asset(&mut write, name).await?,
            InventoryKind::Contract | InventoryKind::Offer => Vec::new(),
            InventoryKind::Budget if budget_sums(&mut write, name, i64::MAX).await?.is_some() => {
                let why = "its book has entries, which are kept; plan nothing any more by setting `planned_minor` to 0";
                return Err(InventoryError::invalid("", why));
            }
            InventoryKind::Budget => Vec::new(),
        };
        if !referrers.is_empty() {
            let why = format!("{} refer to it; change them first", referrers.join(", "));
            return Err(InventoryError::invalid("", why));
        }
        let detail = json!({ "record": removed.record });
        removed.version += 1;
        removed.updated_at_us = self.clock.now_us();
        removed.updated_by = actor.name.clone();
        remove_record(&mut write, &removed).await?;
        self.audit(&mut write, actor, "inventory.delete", &format!("{}/{name}", kind.word()), &detail).await?;
        Ok(write.commit().await?)
    }

    /// Writes all records of an import, or none of them. Records that it does not name stay.
    ///
    /// # Errors
    /// [`InventoryError::Invalid`] with what is wrong, by the place of each record.
    pub async fn import(
        &self,
        kind: InventoryKind,
        records: &[ImportedRecord],
        options: ImportOptions,
        actor: &Actor,
    ) -> Result<ImportReport, InventoryError> {
        let documents: Vec<Value> = records.iter().map(|it| document_of(&it.record)).collect();
        // Whoever only asks does not keep others from writing.
        let mut asking: Option<sqlx::Transaction<'static, sqlx::Sqlite>> = None;
        let mut writing: Option<WriteTransaction> = None;
        let write: &mut SqliteConnection = match options.dry_run {
            true => asking.insert(self.store.read().await?),
            false => writing.insert(self.store.write().await?),
        };
        let stored = load_records(write, kind.word(), "", i64::MAX).await?;
        let stored: HashMap<String, StoredRecord> = stored.into_iter().map(|it| (it.name.clone(), it)).collect();
        let differs = |(it, document): &(&ImportedRecord, Value)| stored.get(&it.name).is_none_or(|before| before.record != *document);
        let new: Vec<(&ImportedRecord, Value)> = records.iter().zip(documents).filter(differs).collect();
        let mut known = load_known(write, kind).await?;
        let named: Vec<(&str, &Record)> = new.iter().map(|(it, _)| (it.name.as_str(), &it.record)).collect();
        let mut complaints = Vec::new();
        for ((it, _), wrong) in new.iter().zip(self.complaints(&mut known, &named)) {
            complaints.extend(wrong.into_iter().map(|complaint| it.place.complaint(kind, &complaint.field, complaint.why)));
            if let Some(why) = self.expired(&it.record).filter(|_| !options.take_expired) {
                let why = format!("{why}; take the row out, or import with expired=allow");
                complaints.push(it.place.complaint(kind, "valid_until", why));
            }
            if let Record::Budget(line) = &it.record {
                let wrong = currency_complaint(write, &it.name, line, stored.get(&it.name)).await?;
                complaints.extend(wrong.map(|complaint| it.place.complaint(kind, &complaint.field, complaint.why)));
            }
        }
        if !complaints.is_empty() {
            return Err(InventoryError::Invalid(bounded_complaints(complaints)));
        }
        let same = records.len() - new.len();
        let mut report = ImportReport { dry_run: options.dry_run, added: 0, changed: 0, same, changes: Vec::new() };
        let differs = !new.is_empty();
        for (it, document) in new {
            let change = if stored.contains_key(&it.name) { "changed" } else { "added" };
            *if change == "added" { &mut report.added } else { &mut report.changed } += 1;
            if report.changes.len() < MAX_LISTED {
                report.changes.push(RecordChange { name: it.name.clone(), change });
            }
            if !options.dry_run {
                self.save(write, kind, &it.name, document, actor).await?;
            }
        }
        if !options.dry_run && differs {
            let detail = json!({ "added": report.added, "changed": report.changed });
            self.audit(write, actor, "inventory.import", kind.word(), &detail).await?;
        }
        if let Some(writing) = writing.filter(|_| differs) {
            writing.commit().await?;
        }
        Ok(report)
    }

    /// For each of the new records what it names that does not exist. What is new may name what else is new.
    fn complaints(&self, known: &mut Known, new: &[(&str, &Record)]) -> Vec<Vec<Complaint>> {
        for (name, record) in new {
            if let Record::Asset(asset) = record {
                known.assets.insert((*name).to_owned());
                known.depends_on.insert((*name).to_owned(), asset.depends_on.clone());
            }
        }
        let setup = self.register.setup();
        let mut complaints: Vec<Vec<Complaint>> = new.iter().map(|(_, record)| known.complaints(&setup, record)).collect();
        let assets: HashMap<&str, usize> = new
            .iter()
            .enumerate()
            .filter(|(_, (_, record))| matches!(record, Record::Asset(_)))
            .map(|(at, (name, _))| (*name, at))
            .collect();
        for circle in known.circles(new.iter().map(|(name, _)| *name).filter(|name| assets.contains_key(name))) {
            // What is stored already has no circles, so there is one of the new assets in it.
            if let Some(at) = circle.iter().find_map(|name| assets.get(name)) {
                let why = format!("assets depend on one another in a circle: {}; take one of the steps out", circle.join(" on "));
                complaints[*at].push(Complaint::new("depends_on", why));
            }
        }
        complaints
    }

    /// In words, if the record is an offer that cannot be taken any more.
    fn expired(&self, record: &Record) -> Option<String> {
        let today = self.today();
        match record {
            Record::Offer(offer) if offer.has_expired(today) => {
                Some(format!("the offer ended on {}, and today is {today} (UTC)", offer.valid_until))
            }
            _ => None,
        }
    }

    /// Writes a record in somebody else's transaction, for what belongs together with it.
    pub(super) async fn save_in(
        &self,
        write: &mut SqliteConnection,
        name: &str,
        record: &Record,
        actor: &Actor,
    ) -> Result<StoredRecord, InventoryError> {
        let stored = self.save(write, record.kind(), name, document_of(record), actor).await?;
        let detail = json!({ "version": stored.version, "record": stored.record });
        self.audit(write, actor, "inventory.put", &format!("{}/{name}", record.kind().word()), &detail).await?;
        Ok(stored)
    }

    async fn save(
        &self,
        write: &mut SqliteConnection,
        kind: InventoryKind,
        name: &str,
        record: Value,
        actor: &Actor,
    ) -> Result<StoredRecord, StoreError> {
        let version = last_version(write, kind.word(), name).await? + 1;
        let stored = StoredRecord {
            kind: kind.word().to_owned(),
            name: name.to_owned(),
            record,
            version,
            updated_at_us: self.clock.now_us(),
            updated_by: actor.name.clone(),
        };
        save_record(write, &stored).await?;
        Ok(stored)
    }

    pub(super) async fn audit(
        &self,
        write: &mut SqliteConnection,
        actor: &Actor,
        action: &str,
        object: &str,
        detail: &Value,
    ) -> Result<(), StoreError> {
        let (actor, origin) = (actor.name.as_str(), actor.origin.as_str());
        append_audit(write, AuditEntry { at_us: self.clock.now_us(), actor, origin, action, object, detail: Some(detail) }).await
    }
}

/// The day of a moment, UTC.
pub(super) fn day_of(at_us: TimestampUs) -> Date {
    let moment = jiff::Timestamp::from_microsecond(at_us).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// A record as it is stored.
fn document_of(record: &Record) -> Value {
    // Records are plain data: there is nothing in them that JSON has no form for.
    serde_json::to_value(record).unwrap_or(Value::Null)
}

/// A stored record as its kind. It was checked when it was stored, so only another program can have changed it.
pub(super) fn read_stored(kind: InventoryKind, stored: StoredRecord) -> Result<Record, StoreError> {
    let place = format!("{}/{}", stored.kind, stored.name);
    Record::read(kind, stored.record).map_err(|complaints| StoreError::Unreadable(format!("{place}: {}", in_words(&complaints))))
}

fn refuse_stale(kind: InventoryKind, name: &str, stored: Option<&StoredRecord>, expected: Option<i64>) -> Result<(), InventoryError> {
    let current = stored.map_or(0, |stored| stored.version);
    match expected {
        Some(expected) if expected != current => Err(InventoryError::Conflict { kind, name: name.to_owned(), current }),
        _ => Ok(()),
    }
}

/// What records of that kind may name.
async fn load_known(read: &mut SqliteConnection, kind: InventoryKind) -> Result<Known, StoreError> {
    let mut known = Known::default();
    if matches!(kind, InventoryKind::Asset | InventoryKind::Contract | InventoryKind::Offer) {
        known.suppliers = record_names(read, InventoryKind::Supplier.word()).await?.into_iter().collect();
    }
    if matches!(kind, InventoryKind::Asset | InventoryKind::Contract) {
        known.assets = record_names(read, InventoryKind::Asset.word()).await?.into_iter().collect();
    }
    if kind == InventoryKind::Asset {
        for (asset, needed) in load_dependencies(read).await? {
            known.depends_on.entry(asset).or_default().push(needed);
        }
    }
    Ok(known)
}

/// A budget whose book has entries keeps its currency: the entries are in it.
async fn currency_complaint(
    read: &mut SqliteConnection,
    name: &str,
    line: &BudgetLine,
    before: Option<&StoredRecord>,
) -> Result<Option<Complaint>, StoreError> {
    let before = before.map(|before| before.record["currency"].as_str().unwrap_or_default());
    if before.is_none_or(|before| before == line.currency.code()) || budget_sums(read, name, i64::MAX).await?.is_none() {
        return Ok(None);
    }
    let why = format!("the book of this budget has entries in {}; make another budget for {}", before.unwrap_or_default(), line.currency);
    Ok(Some(Complaint::new("currency", why)))
}
