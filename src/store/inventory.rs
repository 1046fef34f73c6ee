//! The inventory as it is stored: a kind, a name, JSON, a version that grows with each change, and every version there was.
//!
//! The store knows no kind; whoever writes has checked the record.

use serde::Serialize;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::StoreError;
use crate::clock::TimestampUs;

/// Things that refer to a record, as a refusal names them.
const MAX_REFERRERS: i64 = 10;

/// Hosts of services that are looked up: more than a department has, and only a bound.
const MAX_HOSTS: i64 = 20_000;

/// A record as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredRecord {
    /// Its kind: `assets`, `offers`, ...
    pub kind: String,
    /// Its name within the kind.
    pub name: String,
    /// Its content.
    pub record: Value,
    /// Raised with each change, from 1.
    pub version: i64,
    /// When it was last changed.
    pub updated_at_us: TimestampUs,
    /// Who did.
    pub updated_by: String,
}

/// A version of a record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordVersion {
    /// Its number, from 1.
    pub version: i64,
    /// Since when it was so.
    pub at_us: TimestampUs,
    /// Who made it so.
    pub by: String,
    /// What it was; `null` where it was removed.
    pub record: Option<Value>,
}

/// The record of that kind and name.
pub async fn load_record(read: &mut SqliteConnection, kind: &str, name: &str) -> Result<Option<StoredRecord>, StoreError> {
    let row = sqlx::query("SELECT * FROM inventory WHERE kind = ?1 AND name = ?2").bind(kind).bind(name).fetch_optional(read).await?;
    row.as_ref().map(record_of).transpose()
}

/// Records of a kind in the order of their names, after one name.
pub async fn load_records(read: &mut SqliteConnection, kind: &str, after: &str, limit: i64) -> Result<Vec<StoredRecord>, StoreError> {
    let sql = "SELECT * FROM inventory WHERE kind = ?1 AND name > ?2 ORDER BY name LIMIT ?3";
    let rows = sqlx::query(sql).bind(kind).bind(after).bind(limit).fetch_all(read).await?;
    rows.iter().map(record_of).collect()
}

/// Records of a kind as they stood at a moment, in the order of their names.
pub async fn load_records_at(read: &mut SqliteConnection, kind: &str, at_us: TimestampUs) -> Result<Vec<StoredRecord>, StoreError> {
    let sql = "SELECT kind, name, record, version, at_us AS updated_at_us, by AS updated_by FROM inventory_history AS known
        WHERE kind = ?1 AND record IS NOT NULL
            AND version = (SELECT max(version) FROM inventory_history WHERE kind = ?1 AND name = known.name AND at_us <= ?2)
        ORDER BY name";
    let rows = sqlx::query(sql).bind(kind).bind(at_us).fetch_all(read).await?;
    rows.iter().map(record_of).collect()
}

/// The names of a kind.
pub async fn record_names(read: &mut SqliteConnection, kind: &str) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar("SELECT name FROM inventory WHERE kind = ?1").bind(kind).fetch_all(read).await?)
}

/// The asset that a host of logs and metrics is; of several the first by name.
pub async fn load_asset_of_host(read: &mut SqliteConnection, host: &str) -> Result<Option<StoredRecord>, StoreError> {
    let sql = "SELECT * FROM inventory WHERE kind = 'assets' AND coalesce(record ->> '$.host', name) = ?1 ORDER BY name LIMIT 1";
    let row = sqlx::query(sql).bind(host).fetch_optional(read).await?;
    row.as_ref().map(record_of).transpose()
}

/// The assets that have one of these names or stand on a host that has, in the order of their own.
pub async fn load_assets_named(read: &mut SqliteConnection, names: &[&str]) -> Result<Vec<StoredRecord>, StoreError> {
    let sql = "WITH named AS (SELECT value FROM json_each(?1))
        SELECT * FROM inventory WHERE kind = 'assets' AND name IN named
        UNION SELECT * FROM inventory WHERE kind = 'assets' AND coalesce(record ->> '$.host', name) IN named
        ORDER BY name";
    let rows = sqlx::query(sql).bind(serde_json::json!(names).to_string()).fetch_all(read).await?;
    rows.iter().map(record_of).collect()
}

/// The hosts of the assets that work for one of these services.
pub async fn hosts_of_services(read: &mut SqliteConnection, services: &[String]) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT coalesce(record ->> '$.host', name) FROM inventory
        WHERE kind = 'assets' AND record ->> '$.service' IN (SELECT value FROM json_each(?1)) AND record ->> '$.state' IS NOT 'retired' LIMIT ?2";
    Ok(sqlx::query_scalar(sql).bind(serde_json::json!(services).to_string()).bind(MAX_HOSTS).fetch_all(read).await?)
}

/// The assets that hold so much of a kind of resource, by name.
pub async fn load_assets_of_kind(read: &mut SqliteConnection, kind: &str) -> Result<Vec<StoredRecord>, StoreError> {
    let sql = "SELECT * FROM inventory WHERE kind = 'assets' AND record ->> '$.resource_kind' = ?1 AND record ->> '$.capacity' IS NOT NULL
        ORDER BY name";
    let rows = sqlx::query(sql).bind(kind).fetch_all(read).await?;
    rows.iter().map(record_of).collect()
}

/// Which asset does not work without which: `(asset, what it depends on)`.
pub async fn load_dependencies(read: &mut SqliteConnection) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT name, needed.value FROM inventory, json_each(record, '$.depends_on') AS needed WHERE kind = 'assets'";
    let rows = sqlx::query(sql).fetch_all(read).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// What refers to a supplier, as `kind/name`: the first few.
pub async fn referrers_of_supplier(read: &mut SqliteConnection, name: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT kind || '/' || name FROM inventory WHERE record ->> '$.supplier' = ?1 LIMIT ?2";
    Ok(sqlx::query_scalar(sql).bind(name).bind(MAX_REFERRERS).fetch_all(read).await?)
}

/// What refers to an asset, as `kind/name`: the first few.
pub async fn referrers_of_asset(read: &mut SqliteConnection, name: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT kind || '/' || name FROM inventory, json_each(record, CASE kind WHEN 'assets' THEN '$.depends_on' ELSE '$.assets' END) AS named
        WHERE kind IN ('assets', 'contracts') AND named.value = ?1 LIMIT ?2";
    Ok(sqlx::query_scalar(sql).bind(name).bind(MAX_REFERRERS).fetch_all(read).await?)
}

/// What refers to a document of the setup by one of these fields (JSON paths), as `kind/name`: the first few.
pub async fn referrers_of_document(read: &mut SqliteConnection, name: &str, fields: [&str; 2]) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT kind || '/' || name FROM inventory WHERE ?1 IN (record ->> ?2, record ->> ?3) LIMIT ?4";
    Ok(sqlx::query_scalar(sql).bind(name).bind(fields[0]).bind(fields[1]).bind(MAX_REFERRERS).fetch_all(read).await?)
}

/// The last version that there was of a record, also of one that was removed; 0 if there never was one.
pub async fn last_version(read: &mut SqliteConnection, kind: &str, name: &str) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(version), 0) FROM inventory_history WHERE kind = ?1 AND name = ?2";
    Ok(sqlx::query_scalar(sql).bind(kind).bind(name).fetch_one(read).await?)
}

/// Writes a record, new or changed, with the version that it carries, and adds it to the history.
pub async fn save_record(write: &mut SqliteConnection, record: &StoredRecord) -> Result<(), StoreError> {
    let text = record.record.to_string();
    sqlx::query(
        "INSERT INTO inventory (kind, name, record, version, updated_at_us, updated_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (kind, name) DO UPDATE SET record = excluded.record, version = excluded.version,
             updated_at_us = excluded.updated_at_us, updated_by = excluded.updated_by",
    )
    .bind(&record.kind)
    .bind(&record.name)
    .bind(&text)
    .bind(record.version)
    .bind(record.updated_at_us)
    .bind(&record.updated_by)
    .execute(&mut *write)
    .await?;
    append_version(write, record, Some(&text)).await
}

/// Removes a record; its history says by whom and when. `removed` carries the version that the removal is.
pub async fn remove_record(write: &mut SqliteConnection, removed: &StoredRecord) -> Result<(), StoreError> {
    let sql = "DELETE FROM inventory WHERE kind = ?1 AND name = ?2";
    sqlx::query(sql).bind(&removed.kind).bind(&removed.name).execute(&mut *write).await?;
    append_version(write, removed, None).await
}

async fn append_version(write: &mut SqliteConnection, record: &StoredRecord, text: Option<&str>) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO inventory_history (kind, name, version, at_us, by, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .bind(&record.kind)
        .bind(&record.name)
        .bind(record.version)
        .bind(record.updated_at_us)
        .bind(&record.updated_by)
        .bind(text)
        .execute(write)
        .await?;
    Ok(())
}

/// Versions of a record before a version, newest first.
pub async fn load_history(
    read: &mut SqliteConnection,
    kind: &str,
    name: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<RecordVersion>, StoreError> {
    let sql = "SELECT version, at_us, by, record FROM inventory_history WHERE kind = ?1 AND name = ?2 AND version < ?3
        ORDER BY version DESC LIMIT ?4";
    let rows = sqlx::query(sql).bind(kind).bind(name).bind(before).bind(limit).fetch_all(read).await?;
    let version = |row: &SqliteRow| -> Result<RecordVersion, StoreError> {
        let text: Option<&str> = row.try_get("record")?;
        let record = text.map(json).transpose()?;
        Ok(RecordVersion { version: row.try_get("version")?, at_us: row.try_get("at_us")?, by: row.try_get("by")?, record })
    };
    rows.iter().map(version).collect()
}

fn record_of(row: &SqliteRow) -> Result<StoredRecord, StoreError> {
    Ok(StoredRecord {
        kind: row.try_get("kind")?,
        name: row.try_get("name")?,
        record: json(row.try_get("record")?)?,
        version: row.try_get("version")?,
        updated_at_us: row.try_get("updated_at_us")?,
        updated_by: row.try_get("updated_by")?,
    })
}

fn json(text: &str) -> Result<Value, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable(error.to_string()))
}
