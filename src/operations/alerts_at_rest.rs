//! Alerts from outside that wait: held back by a maintenance window, or ended while they come and go.
//!
//! Their senders may say a thing once: what waits is in the store.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::OperationsError;
use crate::clock::TimestampUs;
use crate::desk::DeskRules;
use crate::store::Finding;

/// Alerts held back at a time. What comes beyond that opens tickets: nothing is lost.
const MAX_HELD: i64 = 20_000;
/// Rows of one pass: each may open a ticket.
pub(super) const PASS_ROWS: i64 = 100;
/// Alerts whose returns are remembered; beyond that the oldest are forgotten.
const MAX_REMEMBERED: i64 = 50_000;
/// Rows that are forgotten at a time.
const FORGOTTEN_ROWS: i64 = 5_000;
/// Returns kept of one alert: more than any policy asks for.
const MAX_RETURNS: usize = 32;
/// The quiet time of what flaps doubles with each return, so often.
const MAX_DOUBLINGS: u32 = 4;

/// An alert that a window holds back.
#[derive(Debug, Clone)]
pub(super) struct HeldAlert {
    pub(super) finding: Finding,
    pub(super) window: String,
    pub(super) until_us: TimestampUs,
}

/// How many more can be held back.
pub(super) async fn room_to_hold(read: &mut SqliteConnection) -> Result<usize, OperationsError> {
    let held: i64 = sqlx::query_scalar("SELECT count(*) FROM held_alerts").fetch_one(read).await?;
    Ok(usize::try_from(MAX_HELD - held).unwrap_or(0))
}

/// Whether a problem is held back.
pub(super) async fn is_held(read: &mut SqliteConnection, problem: &str) -> Result<bool, OperationsError> {
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM held_alerts WHERE problem = ?1)").bind(problem).fetch_one(read).await?)
}

/// All that is held back is due now: to be judged anew by windows that have changed.
pub(super) async fn judge_all_again(write: &mut SqliteConnection, now_us: TimestampUs) -> Result<(), OperationsError> {
    sqlx::query("UPDATE held_alerts SET until_us = ?1 WHERE until_us > ?1").bind(now_us).execute(write).await?;
    Ok(())
}

/// Holds an alert back, or holds it for longer; what was held first is kept with its beginning.
pub(super) async fn hold(write: &mut SqliteConnection, held: &HeldAlert) -> Result<(), OperationsError> {
    sqlx::query(
        "INSERT INTO held_alerts (problem, held_by, until_us, finding) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (problem) DO UPDATE SET held_by = excluded.held_by, until_us = excluded.until_us,
             finding = json_set(excluded.finding, '$.window_start_us', min(finding ->> '$.window_start_us', excluded.finding ->> '$.window_start_us'))",
    )
    .bind(&held.finding.fingerprint)
    .bind(&held.window)
    .bind(held.until_us)
    .bind(serde_json::to_string(&held.finding)?)
    .execute(write)
    .await?;
    Ok(())
}

/// It is over, or has its ticket: nothing is held back any more.
pub(super) async fn let_go(write: &mut SqliteConnection, problem: &str) -> Result<(), OperationsError> {
    sqlx::query("DELETE FROM held_alerts WHERE problem = ?1").bind(problem).execute(write).await?;
    Ok(())
}

/// What was held until now, the first of it.
pub(super) async fn due(read: &mut SqliteConnection, now_us: TimestampUs) -> Result<Vec<HeldAlert>, OperationsError> {
    let sql = "SELECT finding, held_by, until_us FROM held_alerts WHERE until_us <= ?1 ORDER BY until_us LIMIT ?2";
    let rows = sqlx::query(sql).bind(now_us).bind(PASS_ROWS).fetch_all(read).await?;
    let held = |row: &SqliteRow| -> Result<HeldAlert, OperationsError> {
        let finding: &str = row.try_get(0)?;
        Ok(HeldAlert { finding: serde_json::from_str(finding)?, window: row.try_get(1)?, until_us: row.try_get(2)? })
    };
    rows.iter().map(held).collect()
}

/// The windows that hold anything back.
pub(super) async fn holding_windows(read: &mut SqliteConnection) -> Result<Vec<String>, OperationsError> {
    Ok(sqlx::query_scalar("SELECT DISTINCT held_by FROM held_alerts").fetch_all(read).await?)
}

/// How an alert came and went lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Returns {
    pub(super) problem: String,
    pub(super) source: String,
    ended_at_us: Option<TimestampUs>,
    /// When its end counts, if it has to wait.
    over_at_us: Option<TimestampUs>,
    returns: Vec<TimestampUs>,
    /// It was heard of lately.
    pub(super) is_known: bool,
}

impl Returns {
    /// What is known of an alert; nothing, if it has not ended lately.
    pub(super) async fn of(read: &mut SqliteConnection, problem: &str, source: &str) -> Result<Self, OperationsError> {
        let sql = "SELECT ended_at_us, over_at_us, returns FROM alert_returns WHERE problem = ?1";
        let row = sqlx::query(sql).bind(problem).fetch_optional(read).await?;
        let mut known = Self {
            problem: problem.to_owned(),
            source: source.to_owned(),
            ended_at_us: None,
            over_at_us: None,
            returns: Vec::new(),
            is_known: row.is_some(),
        };
        if let Some(row) = row {
            known.ended_at_us = row.try_get(0)?;
            known.over_at_us = row.try_get(1)?;
            known.returns = serde_json::from_str(row.try_get(2)?)?;
        }
        Ok(known)
    }

    /// It goes on: what has ended before is back.
    pub(super) fn trigger(&mut self, now_us: TimestampUs, rules: &DeskRules) {
        if self.ended_at_us.take().is_some() {
            self.returns.retain(|at_us| *at_us > now_us - rules.flap_within_us);
            self.returns.push(now_us);
            let surplus = self.returns.len().saturating_sub(MAX_RETURNS);
            self.returns.drain(..surplus);
        }
        self.over_at_us = None;
    }

    /// Its sender says that it is over; whether that counts at once.
    pub(super) fn end(&mut self, now_us: TimestampUs, rules: &DeskRules) -> bool {
        // Many senders say it again and again: the quiet time runs from the first.
        if self.ended_at_us.is_some() {
            return self.over_at_us.is_none();
        }
        self.returns.retain(|at_us| *at_us > now_us - rules.flap_within_us);
        self.ended_at_us = Some(now_us);
        let excess = (self.returns.len() + 1).checked_sub(rules.flap_returns).filter(|excess| *excess > 0);
        self.over_at_us = excess.map(|excess| {
            let doublings = u32::try_from(excess).unwrap_or(MAX_DOUBLINGS).min(MAX_DOUBLINGS);
            now_us.saturating_add(rules.quiet_time_us.saturating_mul(1 << doublings))
        });
        self.over_at_us.is_none()
    }

    /// Keeps it, if there is anything to know.
    pub(super) async fn save(&self, write: &mut SqliteConnection, now_us: TimestampUs) -> Result<(), OperationsError> {
        if self.ended_at_us.is_none() && self.returns.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO alert_returns (problem, source, heard_us, ended_at_us, over_at_us, returns) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (problem) DO UPDATE SET heard_us = excluded.heard_us, ended_at_us = excluded.ended_at_us,
                 over_at_us = excluded.over_at_us, returns = excluded.returns",
        )
        .bind(&self.problem)
        .bind(&self.source)
        .bind(now_us)
        .bind(self.ended_at_us)
        .bind(self.over_at_us)
        .bind(serde_json::to_string(&self.returns)?)
        .execute(write)
        .await?;
        Ok(())
    }
}

/// Ends that count by now: the problem, who sent it, and how often it had come back.
pub(super) async fn over(read: &mut SqliteConnection, now_us: TimestampUs) -> Result<Vec<(String, String, usize)>, OperationsError> {
    let sql = "SELECT problem, source, json_array_length(returns) FROM alert_returns WHERE over_at_us <= ?1 ORDER BY over_at_us LIMIT ?2";
    let rows = sqlx::query(sql).bind(now_us).bind(PASS_ROWS).fetch_all(read).await?;
    let over = |row: &SqliteRow| -> Result<_, OperationsError> {
        let returns: i64 = row.try_get(2)?;
        Ok((row.try_get(0)?, row.try_get(1)?, usize::try_from(returns).unwrap_or(0)))
    };
    rows.iter().map(over).collect()
}

/// The end of an alert was told.
pub(super) async fn told_over(write: &mut SqliteConnection, problem: &str, now_us: TimestampUs) -> Result<(), OperationsError> {
    let sql = "UPDATE alert_returns SET over_at_us = NULL WHERE problem = ?1 AND over_at_us <= ?2";
    sqlx::query(sql).bind(problem).bind(now_us).execute(write).await?;
    Ok(())
}

/// Forgets what was last heard of before a moment, and the oldest of too many; some at a time.
pub(super) async fn forget(write: &mut SqliteConnection, before_us: TimestampUs) -> Result<(), OperationsError> {
    let sql = "DELETE FROM alert_returns WHERE over_at_us IS NULL AND problem IN (SELECT problem FROM alert_returns
        WHERE heard_us < ?1 OR (SELECT count(*) FROM alert_returns) > ?2 ORDER BY heard_us LIMIT ?3)";
    sqlx::query(sql).bind(before_us).bind(MAX_REMEMBERED).bind(FORGOTTEN_ROWS).execute(write).await?;
    Ok(())
}

/// Whether there is anything to forget.
pub(super) async fn has_old(read: &mut SqliteConnection, before_us: TimestampUs) -> Result<bool, OperationsError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM alert_returns WHERE heard_us < ?1 AND over_at_us IS NULL)
        OR (SELECT count(*) FROM alert_returns) > ?2";
    Ok(sqlx::query_scalar(sql).bind(before_us).bind(MAX_REMEMBERED).fetch_one(read).await?)
}
