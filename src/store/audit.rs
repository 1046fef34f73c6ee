//! Who did what, when, from where: append-only.

use serde_json::Value;
use sqlx::SqliteConnection;

use super::StoreError;
use crate::clock::TimestampUs;

/// An entry of the audit.
#[derive(Debug, Clone, Copy)]
pub struct AuditEntry<'a> {
    /// When.
    pub at_us: TimestampUs,
    /// Who: `user ines`, `token ops`, `local`.
    pub actor: &'a str,
    /// The client's address, or `scheduler`.
    pub origin: &'a str,
    /// What: `user.put`, `login`, `token.revoke`.
    pub action: &'a str,
    /// To what: `user/ines`.
    pub object: &'a str,
    /// The rest, never a secret.
    pub detail: Option<&'a Value>,
}

/// Appends an entry, in the transaction of what it tells of.
pub async fn append_audit(write: &mut SqliteConnection, entry: AuditEntry<'_>) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO audit (at_us, actor, origin, action, object, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .bind(entry.at_us)
        .bind(entry.actor)
        .bind(entry.origin)
        .bind(entry.action)
        .bind(entry.object)
        .bind(entry.detail.map(Value::to_string))
        .execute(write)
        .await?;
    Ok(())
}
