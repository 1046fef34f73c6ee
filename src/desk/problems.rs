//! The problems that a ticket is filed under besides the one that it was opened for.
//!
//! Grouping forgets an incident that was quiet for an hour; the same trouble is another incident when it comes back, and
//! several of its findings may be several. All of them belong to the ticket as long as people work on it.

use sqlx::{Row, SqliteConnection};

use super::ticket_rows::ticket_of;
use super::{Desk, DeskError, Ticket};
use crate::store::StoreError;

/// Beginning of the rows for fingerprints that a person split off: a ticket that they are found in, whatever incident it is.
const SPLIT_OFF: &str = "same ";

impl Desk {
    /// The problem that a ticket is filed under now: the newest that has not ended, else the one that it was opened for.
    pub async fn problem_of(&self, ticket: &Ticket) -> Result<Option<String>, DeskError> {
        let mut read = self.store.read().await?;
        let sql = "SELECT problem FROM ticket_problems WHERE ticket = ?1 AND over = 0 ORDER BY id DESC LIMIT 1";
        let newest: Option<String> = sqlx::query_scalar(sql).bind(ticket.number).fetch_optional(&mut *read).await?;
        Ok(newest.or_else(|| ticket.fingerprint.clone()))
    }
}

/// The ticket that a problem was filed under later.
pub(super) async fn ticket_with_problem(read: &mut SqliteConnection, problem: &str) -> Result<Option<Ticket>, StoreError> {
    let sql = "SELECT t.* FROM ticket_problems p JOIN tickets t ON t.number = p.ticket WHERE p.problem = ?1";
    let row = sqlx::query(sql).bind(problem).fetch_optional(read).await?;
    row.as_ref().map(ticket_of).transpose()
}

/// The ticket into which a person split a fingerprint off.
pub(super) async fn ticket_split_off(read: &mut SqliteConnection, fingerprint: &str) -> Result<Option<Ticket>, StoreError> {
    ticket_with_problem(read, &format!("{SPLIT_OFF}{fingerprint}")).await
}

/// Files a problem under a ticket.
pub(super) async fn add_problem(write: &mut SqliteConnection, problem: &str, ticket: i64) -> Result<(), StoreError> {
    save(write, problem, ticket, false).await
}

/// What is found of a fingerprint belongs to this ticket from now on.
pub(super) async fn split_off(write: &mut SqliteConnection, fingerprint: &str, ticket: i64) -> Result<(), StoreError> {
    save(write, &format!("{SPLIT_OFF}{fingerprint}"), ticket, true).await
}

/// Once split off, a fingerprint follows the ticket that it was found in last.
pub(super) async fn follow_split_off(write: &mut SqliteConnection, fingerprint: &str, ticket: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE ticket_problems SET ticket = ?2 WHERE problem = ?1")
        .bind(format!("{SPLIT_OFF}{fingerprint}"))
        .bind(ticket)
        .execute(write)
        .await?;
    Ok(())
}

/// A problem goes on that had ended.
pub(super) async fn goes_on(write: &mut SqliteConnection, problem: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE ticket_problems SET over = 0 WHERE problem = ?1 AND over = 1").bind(problem).execute(write).await?;
    Ok(())
}

/// Notes that a problem has ended; gives whether all that a ticket of a rule was opened for has.
pub(super) async fn end_problem(write: &mut SqliteConnection, problem: &str, ticket: &Ticket) -> Result<bool, StoreError> {
    let own = ticket.fingerprint.as_deref();
    if own != Some(problem) && ticket_with_problem(write, problem).await?.is_none_or(|filed| filed.number != ticket.number) {
        // A guest: it came with a ticket that was merged into this one, whose own trouble may go on.
        return Ok(false);
    }
    save(write, problem, ticket.number, true).await?;
    let (others, own_is_over) = ends_of(write, ticket.number, own).await?;
    // A ticket that a person opened is theirs to resolve.
    Ok(ticket.rule.is_some() && own_is_over && !others)
}

/// Whether something else that a ticket is filed under goes on, and whether its own problem is over.
async fn ends_of(read: &mut SqliteConnection, ticket: i64, own: Option<&str>) -> Result<(bool, bool), StoreError> {
    let row = sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM ticket_problems WHERE ticket = ?1 AND over = 0),
             EXISTS (SELECT 1 FROM ticket_problems WHERE problem = ?2 AND over = 1)",
    )
    .bind(ticket)
    .bind(own)
    .fetch_one(read)
    .await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

async fn save(write: &mut SqliteConnection, problem: &str, ticket: i64, over: bool) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ticket_problems (problem, ticket, over) VALUES (?1, ?2, ?3)
         ON CONFLICT (problem) DO UPDATE SET ticket = excluded.ticket, over = excluded.over",
    )
    .bind(problem)
    .bind(ticket)
    .bind(over)
    .execute(write)
    .await?;
    Ok(())
}
