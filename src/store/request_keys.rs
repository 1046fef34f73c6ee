//! Requests that name themselves (`Idempotency-Key`), so that each is carried out once however often it comes.
//!
//! The name is stored in the transaction of what the request changes: either both are there or neither is.

use sqlx::{Row, SqliteConnection};

use super::StoreError;
use crate::clock::{DAY_US, TimestampUs};

/// A request is recognised again for this long; a client that has not given up after a day never will.
const KEYS_KEPT_US: i64 = DAY_US;

/// The name that a request gives itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// The header's text.
    pub key: String,
    /// SHA-256 of method, address and body: the same name with something else is a mistake.
    pub request_sha256: [u8; 32],
}

/// What is known of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownRequest {
    /// It is new.
    New,
    /// It came before, and made what has this number.
    Made(i64),
    /// Another request came under its name.
    Another,
}

impl RequestKey {
    /// What is wrong with a request under the name of another, for its sender.
    pub const REUSED: &str = "it came before with another request; give every request a key of its own";
}

/// Whether a request of somebody came before.
pub async fn known_request(connection: &mut SqliteConnection, actor: &str, key: &RequestKey) -> Result<KnownRequest, StoreError> {
    // `ticket` is the number of what was made, whatever it is: the column is older than the other uses.
    let row = sqlx::query("SELECT ticket, body_sha256 FROM idempotent_requests WHERE actor = ?1 AND key = ?2")
        .bind(actor)
        .bind(&key.key)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(KnownRequest::New) };
    let same = row.try_get::<&[u8], _>("body_sha256")? == key.request_sha256.as_slice();
    Ok(if same { KnownRequest::Made(row.try_get("ticket")?) } else { KnownRequest::Another })
}

/// Remembers a request with the number of what it made, and forgets those of the day before.
pub async fn remember_request(
    connection: &mut SqliteConnection,
    actor: &str,
    key: &RequestKey,
    made: i64,
    now_us: TimestampUs,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM idempotent_requests WHERE at_us < ?1").bind(now_us - KEYS_KEPT_US).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO idempotent_requests (actor, key, body_sha256, ticket, at_us) VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(actor)
        .bind(&key.key)
        .bind(key.request_sha256.as_slice())
        .bind(made)
        .bind(now_us)
        .execute(connection)
        .await?;
    Ok(())
}
