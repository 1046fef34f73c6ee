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

/// Since when a document of the setup has been there, however often it was changed; `None` if the audit does not know of it.
///
/// # Errors
/// The store cannot be read.
pub async fn set_up_since(read: &mut SqliteConnection, kind: &str, name: &str) -> Result<Option<TimestampUs>, StoreError> {
    let sql = "SELECT min(at_us) FROM audit WHERE object = ?1 AND action = 'setup.put'
        AND id > coalesce((SELECT max(id) FROM audit WHERE object = ?1 AND action = 'setup.delete'), 0)";
    Ok(sqlx::query_scalar(sql).bind(format!("{kind}/{name}")).fetch_one(read).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DESK_FILE, Store};

    #[tokio::test]
    async fn what_stands_in_the_audit_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        let mut write = store.write().await.unwrap();
        let entry = AuditEntry { at_us: 1, actor: "user ines", origin: "10.0.0.9", action: "login", object: "user/ines", detail: None };
        append_audit(&mut write, entry).await.unwrap();
        write.commit().await.unwrap();
        for sql in ["UPDATE audit SET actor = 'somebody'", "DELETE FROM audit"] {
            let mut write = store.write().await.unwrap();
            let refused = sqlx::query(sql).execute(&mut *write).await.unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{sql}: {refused}");
            let told: Vec<(i64, String)> = sqlx::query_as("SELECT at_us, actor FROM audit").fetch_all(&mut *write).await.unwrap();
            assert_eq!(told, [(1, "user ines".to_owned())], "{sql}");
        }
    }
}
