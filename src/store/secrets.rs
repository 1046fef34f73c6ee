//! Secrets that documents name, and the program's own keys. They are read by name, never listed with their text, never exported.

use sqlx::{Row, SqliteConnection};

use super::StoreError;
use crate::clock::TimestampUs;

/// The secret of that name.
pub async fn load_secret(read: &mut SqliteConnection, name: &str) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar("SELECT secret FROM secrets WHERE name = ?1").bind(name).fetch_optional(read).await?)
}

/// Sets a secret; `None` takes it away.
pub async fn save_secret(write: &mut SqliteConnection, name: &str, secret: Option<&str>, now_us: TimestampUs) -> Result<(), StoreError> {
    let Some(secret) = secret else {
        sqlx::query("DELETE FROM secrets WHERE name = ?1").bind(name).execute(write).await?;
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO secrets (name, secret, set_at_us) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET secret = excluded.secret, set_at_us = excluded.set_at_us",
    )
    .bind(name)
    .bind(secret)
    .bind(now_us)
    .execute(write)
    .await?;
    Ok(())
}

/// The names of the secrets that are set, with when they were: at most `limit` after a name.
pub async fn secret_names(read: &mut SqliteConnection, after: &str, limit: i64) -> Result<Vec<(String, TimestampUs)>, StoreError> {
    let sql = "SELECT name, set_at_us FROM secrets WHERE name > ?1 ORDER BY name LIMIT ?2";
    let rows = sqlx::query(sql).bind(after).bind(limit).fetch_all(read).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
