//! The book of the budgets: what was committed, released and spent. Entries are appended and never changed.

use serde::Serialize;
use sqlx::{Row, SqliteConnection};

use super::StoreError;
use crate::clock::TimestampUs;

/// An entry of the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetEntry {
    /// Its number, in the order of recording; 0 until it is stored.
    pub id: i64,
    /// Name of the budget.
    pub line: String,
    /// `committed`, `released` or `spent`.
    pub kind: String,
    /// The amount, in minor units, more than 0.
    pub minor: i64,
    /// Its currency: that of the budget.
    pub currency: String,
    /// When.
    pub at_us: TimestampUs,
    /// Who.
    pub by: String,
    /// The proposal that it is for, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<String>,
    /// Why.
    pub note: String,
}

/// What the entries of a budget add up to, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BudgetSums {
    /// Promised and neither taken back nor paid: what was committed less what was released.
    pub committed_minor: i64,
    /// Paid.
    pub spent_minor: i64,
}

/// Appends an entry; gives its number.
pub async fn append_budget_entry(write: &mut SqliteConnection, entry: &BudgetEntry) -> Result<i64, StoreError> {
    let sql = "INSERT INTO budget_entries (line, kind, minor, currency, at_us, by, proposal, note)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id";
    let row = sqlx::query(sql)
        .bind(&entry.line)
        .bind(&entry.kind)
        .bind(entry.minor)
        .bind(&entry.currency)
        .bind(entry.at_us)
        .bind(&entry.by)
        .bind(&entry.proposal)
        .bind(&entry.note)
        .fetch_one(write)
        .await?;
    Ok(row.try_get(0)?)
}

/// Entries of a budget before a number, newest first.
pub async fn load_budget_entries(read: &mut SqliteConnection, line: &str, before: i64, limit: i64) -> Result<Vec<BudgetEntry>, StoreError> {
    let sql = "SELECT * FROM budget_entries WHERE line = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    let rows = sqlx::query(sql).bind(line).bind(before).bind(limit).fetch_all(read).await?;
    let entry = |row: &sqlx::sqlite::SqliteRow| -> Result<BudgetEntry, StoreError> {
        Ok(BudgetEntry {
            id: row.try_get("id")?,
            line: row.try_get("line")?,
            kind: row.try_get("kind")?,
            minor: row.try_get("minor")?,
            currency: row.try_get("currency")?,
            at_us: row.try_get("at_us")?,
            by: row.try_get("by")?,
            proposal: row.try_get("proposal")?,
            note: row.try_get("note")?,
        })
    };
    rows.iter().map(entry).collect()
}

/// What the entries of a budget that name a proposal have committed and not released, in minor units.
pub async fn committed_for(read: &mut SqliteConnection, line: &str, proposal: &str) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(sum(CASE kind WHEN 'committed' THEN minor WHEN 'released' THEN -minor END), 0)
        FROM budget_entries WHERE line = ?1 AND proposal = ?2";
    Ok(sqlx::query_scalar(sql).bind(line).bind(proposal).fetch_one(read).await?)
}

/// What the entries of a budget up to a moment add up to; `None` if it has none.
pub async fn budget_sums(read: &mut SqliteConnection, line: &str, up_to_us: TimestampUs) -> Result<Option<BudgetSums>, StoreError> {
    let sql = "SELECT count(*), coalesce(sum(CASE kind WHEN 'committed' THEN minor WHEN 'released' THEN -minor END), 0),
        coalesce(sum(minor) FILTER (WHERE kind = 'spent'), 0) FROM budget_entries WHERE line = ?1 AND at_us <= ?2";
    let row = sqlx::query(sql).bind(line).bind(up_to_us).fetch_one(read).await?;
    let sums = BudgetSums { committed_minor: row.try_get(1)?, spent_minor: row.try_get(2)? };
    Ok((row.try_get::<i64, _>(0)? > 0).then_some(sums))
}
