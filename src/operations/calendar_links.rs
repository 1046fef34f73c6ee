//! How often the links to a rota's calendar were revoked: a link says how often that was when it was made, and is good until it
//! is once more.

use sqlx::SqliteConnection;

use super::OperationsError;
use crate::store::{AuditEntry, Store, append_audit};

/// Whose links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinksOf<'a> {
    /// All that lead to this rota, whoever asked for them.
    Rota(&'a str),
    /// All that this person asked for.
    Person(&'a str),
}

impl LinksOf<'_> {
    /// The counter of revocations; nothing else counts under such a name.
    fn counter(self) -> String {
        match self {
            Self::Rota(name) => format!("calendar links of rota {name}"),
            Self::Person(name) => format!("calendar links of user {name}"),
        }
    }

    fn object(self) -> String {
        match self {
            Self::Rota(name) => format!("rota/{name}"),
            Self::Person(name) => format!("user/{name}"),
        }
    }
}

/// The generation of a person's links to a rota: the revocations that would have ended them. It only grows.
pub async fn link_generation(store: &Store, rota: &str, person: &str) -> Result<u64, OperationsError> {
    let mut read = store.read().await?;
    let rota = revocations(&mut read, LinksOf::Rota(rota)).await?;
    Ok(rota.saturating_add(revocations(&mut read, LinksOf::Person(person)).await?))
}

/// Ends all of these links; the audit says who did. Asking again gives new ones.
pub async fn revoke_links(store: &Store, of: LinksOf<'_>, entry: AuditEntry<'_>) -> Result<(), OperationsError> {
    let mut write = store.write().await?;
    sqlx::query("INSERT INTO counters (name, value) VALUES (?1, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1")
        .bind(of.counter())
        .execute(&mut *write)
        .await?;
    append_audit(&mut write, AuditEntry { object: &of.object(), ..entry }).await?;
    Ok(write.commit().await?)
}

async fn revocations(read: &mut SqliteConnection, of: LinksOf<'_>) -> Result<u64, OperationsError> {
    let value: Option<i64> =
        sqlx::query_scalar("SELECT value FROM counters WHERE name = ?1").bind(of.counter()).fetch_optional(read).await?;
    Ok(value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0))
}
