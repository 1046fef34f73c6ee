//! The ledger of ingest: how much was taken, refused, cut, late or dropped, by hour, source and reason.

use sqlx::Row;

use super::{Store, StoreError};
use crate::clock::{HOUR_US, TimestampUs};

/// Items of one hour, source and reason.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LedgerEntry {
    /// Start of the hour in which they came; any moment of it may be given when adding.
    pub hour_us: TimestampUs,
    /// The source's name (`syslog_tcp`, `jsonline`, ...).
    pub source: String,
    /// What became of them (`accepted`, `parse_error`, `late`, `too_long`, `queue_full`, ...).
    pub reason: String,
    /// Number of lines or samples.
    pub items: u64,
    /// Their bytes as they came.
    pub bytes: u64,
}

/// Adds to the ledger, all of the entries or none.
pub async fn add_to_ledger(store: &Store, entries: &[LedgerEntry]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut write = store.write().await?;
    for entry in entries {
        sqlx::query(
            "INSERT INTO ingest_ledger (hour_us, source, reason, items, bytes) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (hour_us, source, reason) DO UPDATE SET items = items + excluded.items, bytes = bytes + excluded.bytes",
        )
        .bind(entry.hour_us.div_euclid(HOUR_US) * HOUR_US)
        .bind(&entry.source)
        .bind(&entry.reason)
        .bind(entry.items as i64)
        .bind(entry.bytes as i64)
        .execute(&mut *write)
        .await?;
    }
    write.commit().await
}

/// The entries of the hours that begin in `[from_us, to_us)`, by hour, source and reason.
pub async fn read_ledger(store: &Store, from_us: TimestampUs, to_us: TimestampUs) -> Result<Vec<LedgerEntry>, StoreError> {
    let mut read = store.read().await?;
    let rows = sqlx::query(
        "SELECT hour_us, source, reason, items, bytes FROM ingest_ledger WHERE hour_us >= ?1 AND hour_us < ?2 ORDER BY 1, 2, 3",
    )
    .bind(from_us)
    .bind(to_us)
    .fetch_all(&mut *read)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(LedgerEntry {
                hour_us: row.try_get(0)?,
                source: row.try_get(1)?,
                reason: row.try_get(2)?,
                items: row.try_get::<i64, _>(3)? as u64,
                bytes: row.try_get::<i64, _>(4)? as u64,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::DESK_FILE;

    fn entry(at_us: TimestampUs, reason: &str, items: u64) -> LedgerEntry {
        LedgerEntry { hour_us: at_us, source: "syslog_udp".into(), reason: reason.into(), items, bytes: 10 * items }
    }

    #[tokio::test]
    async fn entries_of_an_hour_add_up() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        add_to_ledger(&store, &[entry(5, "late", 2), entry(HOUR_US - 1, "late", 3), entry(HOUR_US, "late", 7)]).await.unwrap();
        add_to_ledger(&store, &[entry(9, "late", 1), entry(9, "accepted", 100)]).await.unwrap();
        let first = read_ledger(&store, 0, HOUR_US).await.unwrap();
        assert_eq!(first, [entry(0, "accepted", 100), entry(0, "late", 6)]);
        assert_eq!(read_ledger(&store, 0, 2 * HOUR_US).await.unwrap().len(), 3);
    }
}
