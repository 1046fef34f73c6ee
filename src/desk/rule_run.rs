//! How far each rule has read. The watermark moves in the transaction that records what the rule found.

use sqlx::{Row, SqliteConnection};

use super::{Desk, DeskError};
use crate::clock::TimestampUs;
use crate::store::StoreError;

/// Longest error kept of a failed run.
const MAX_ERROR_CHARS: usize = 2_000;

/// A good run of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRun {
    /// The rule's name.
    pub rule: String,
    /// End of the window that was judged: the next run begins after it.
    pub watermark_us: TimestampUs,
    /// How long the query took, µs.
    pub duration_us: i64,
    /// Rows that it returned.
    pub result_rows: u64,
}

/// What is known of a rule's runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RuleState {
    /// The rule's name.
    pub rule: String,
    /// Everything before this moment has been judged; `None` if no run was good yet.
    pub watermark_us: Option<TimestampUs>,
    /// When it last ran, well or not.
    pub last_run_at_us: TimestampUs,
    /// How long the last run took, µs.
    pub duration_us: i64,
    /// Rows of the last good run.
    pub result_rows: i64,
    /// Good runs.
    pub runs: i64,
    /// Failed runs.
    pub failures: i64,
    /// Why the last run failed; `None` if it did not.
    pub last_error: Option<String>,
    /// When a run last failed.
    pub last_error_at_us: Option<TimestampUs>,
}

impl Desk {
    /// What is known of a rule; `None` before its first run.
    pub async fn rule_state(&self, rule: &str) -> Result<Option<RuleState>, DeskError> {
        let mut read = self.store.read().await?;
        let row = sqlx::query("SELECT * FROM rule_runs WHERE rule = ?1").bind(rule).fetch_optional(&mut *read).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(RuleState {
            rule: row.try_get("rule")?,
            watermark_us: row.try_get("watermark_us")?,
            last_run_at_us: row.try_get("last_run_at_us")?,
            duration_us: row.try_get("duration_us")?,
            result_rows: row.try_get("result_rows")?,
            runs: row.try_get("runs")?,
            failures: row.try_get("failures")?,
            last_error: row.try_get("last_error")?,
            last_error_at_us: row.try_get("last_error_at_us")?,
        }))
    }

    /// Notes that a run failed: the watermark stays, so the same window is judged again.
    pub async fn record_rule_failure(&self, rule: &str, error: &str, duration_us: i64) -> Result<(), DeskError> {
        let mut write = self.store.write().await?;
        sqlx::query(
            "INSERT INTO rule_runs (rule, last_run_at_us, duration_us, result_rows, runs, failures, last_error, last_error_at_us)
             VALUES (?1, ?2, ?3, 0, 0, 1, ?4, ?2)
             ON CONFLICT (rule) DO UPDATE SET last_run_at_us = excluded.last_run_at_us, duration_us = excluded.duration_us,
                 failures = failures + 1, last_error = excluded.last_error, last_error_at_us = excluded.last_error_at_us",
        )
        .bind(rule)
        .bind(self.clock.now_us())
        .bind(duration_us)
        .bind(error.chars().take(MAX_ERROR_CHARS).collect::<String>())
        .execute(&mut *write)
        .await?;
        Ok(write.commit().await?)
    }

    /// Sends a rule back (or on) to `watermark_us`, to judge a past week again. Findings that stand already are not doubled.
    pub async fn rewind_rule(&self, rule: &str, watermark_us: TimestampUs) -> Result<(), DeskError> {
        let mut write = self.store.write().await?;
        sqlx::query(
            "INSERT INTO rule_runs (rule, watermark_us, last_run_at_us, duration_us, result_rows, runs, failures) VALUES (?1, ?2, ?3, 0, 0, 0, 0)
             ON CONFLICT (rule) DO UPDATE SET watermark_us = excluded.watermark_us",
        )
        .bind(rule)
        .bind(watermark_us)
        .bind(self.clock.now_us())
        .execute(&mut *write)
        .await?;
        Ok(write.commit().await?)
    }
}

/// Writes a good run. A run over an older window, asked for by hand, never takes the watermark back.
pub(super) async fn save_run(connection: &mut SqliteConnection, run: &RuleRun, now_us: TimestampUs) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO rule_runs (rule, watermark_us, last_run_at_us, duration_us, result_rows, runs, failures) VALUES (?1, ?2, ?3, ?4, ?5, 1, 0)
         ON CONFLICT (rule) DO UPDATE SET watermark_us = max(coalesce(watermark_us, excluded.watermark_us), excluded.watermark_us),
             last_run_at_us = excluded.last_run_at_us, duration_us = excluded.duration_us, result_rows = excluded.result_rows,
             runs = runs + 1, last_error = NULL",
    )
    .bind(&run.rule)
    .bind(run.watermark_us)
    .bind(now_us)
    .bind(run.duration_us)
    .bind(run.result_rows as i64)
    .execute(connection)
    .await?;
    Ok(())
}
