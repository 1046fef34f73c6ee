//! The event feed, and the tables that say when a ticket is next looked at.

use sqlx::{Row, SqliteConnection};

use super::OperationsError;
use crate::clock::TimestampUs;
use crate::escalation::Escalation;
use crate::store::Store;

/// An event that waits to be acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fed {
    pub(super) id: i64,
    pub(super) ticket: i64,
    pub(super) seq: i64,
}

/// The oldest events of the feed.
pub(super) async fn load_feed(read: &mut SqliteConnection, limit: i64) -> Result<Vec<Fed>, OperationsError> {
    let rows = sqlx::query("SELECT id, ticket, seq FROM event_feed ORDER BY id LIMIT ?1").bind(limit).fetch_all(read).await?;
    rows.iter().map(|row| Ok(Fed { id: row.try_get(0)?, ticket: row.try_get(1)?, seq: row.try_get(2)? })).collect()
}

/// Takes events that were loaded together off the feed: there is one writer, so that no other has come in between.
pub(super) async fn remove_fed(write: &mut SqliteConnection, first: i64, last: i64) -> Result<(), OperationsError> {
    sqlx::query("DELETE FROM event_feed WHERE id BETWEEN ?1 AND ?2").bind(first).bind(last).execute(write).await?;
    Ok(())
}

/// Where a ticket stands on its way up, and by which policy.
pub(super) async fn load_escalation(read: &mut SqliteConnection, ticket: i64) -> Result<Option<(String, Escalation)>, OperationsError> {
    let row = sqlx::query("SELECT policy, state FROM escalations WHERE ticket = ?1").bind(ticket).fetch_optional(read).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((row.try_get(0)?, serde_json::from_str(row.try_get(1)?)?)))
}

pub(super) async fn save_escalation(
    write: &mut SqliteConnection,
    policy: &str,
    state: &Escalation,
    next_at_us: Option<TimestampUs>,
) -> Result<(), OperationsError> {
    sqlx::query(
        "INSERT INTO escalations (ticket, policy, state, next_at_us) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (ticket) DO UPDATE SET policy = excluded.policy, state = excluded.state, next_at_us = excluded.next_at_us",
    )
    .bind(state.ticket)
    .bind(policy)
    .bind(serde_json::to_string(state)?)
    .bind(next_at_us)
    .execute(write)
    .await?;
    Ok(())
}

/// Lets nothing more happen to a ticket's escalation by itself.
pub(super) async fn rest_escalation(write: &mut SqliteConnection, ticket: i64) -> Result<(), OperationsError> {
    sqlx::query("UPDATE escalations SET next_at_us = NULL WHERE ticket = ?1").bind(ticket).execute(write).await?;
    Ok(())
}

/// When the promises of a ticket are next looked at; `None`: when something happens to it.
pub(super) async fn save_next_promise(
    write: &mut SqliteConnection,
    ticket: i64,
    next_at_us: Option<TimestampUs>,
) -> Result<(), OperationsError> {
    sqlx::query(
        "INSERT INTO promises (ticket, next_at_us) VALUES (?1, ?2) ON CONFLICT (ticket) DO UPDATE SET next_at_us = excluded.next_at_us",
    )
    .bind(ticket)
    .bind(next_at_us)
    .execute(write)
    .await?;
    Ok(())
}

/// Tickets whose escalation is due. One to which something happened that was not acted on yet waits for that: it may have been
/// acknowledged.
pub(super) async fn due_escalations(read: &mut SqliteConnection, now_us: TimestampUs, limit: i64) -> Result<Vec<i64>, OperationsError> {
    let sql = "SELECT ticket FROM escalations WHERE next_at_us <= ?1 AND ticket NOT IN (SELECT ticket FROM event_feed)
        ORDER BY next_at_us LIMIT ?2";
    Ok(sqlx::query_scalar(sql).bind(now_us).bind(limit).fetch_all(read).await?)
}

/// Tickets whose promises are due to be looked at.
pub(super) async fn due_promises(read: &mut SqliteConnection, now_us: TimestampUs, limit: i64) -> Result<Vec<i64>, OperationsError> {
    let sql = "SELECT ticket FROM promises WHERE next_at_us <= ?1 ORDER BY next_at_us LIMIT ?2";
    Ok(sqlx::query_scalar(sql).bind(now_us).bind(limit).fetch_all(read).await?)
}

/// Lets the escalation and the promises of every open ticket be looked at now.
pub(super) async fn look_at_all_again(store: &Store, now_us: TimestampUs) -> Result<(), OperationsError> {
    let mut write = store.write().await?;
    sqlx::query(
        "INSERT INTO promises (ticket, next_at_us) SELECT number, ?1 FROM tickets WHERE state NOT IN ('resolved', 'closed')
         ON CONFLICT (ticket) DO UPDATE SET next_at_us = excluded.next_at_us",
    )
    .bind(now_us)
    .execute(&mut *write)
    .await?;
    sqlx::query(
        "UPDATE escalations SET next_at_us = ?1 WHERE ticket IN (SELECT number FROM tickets WHERE state NOT IN ('resolved', 'closed'))",
    )
    .bind(now_us)
    .execute(&mut *write)
    .await?;
    write.commit().await.map_err(Into::into)
}
