//! The passwords in the store: rows of the table `credentials`, in the caller's transaction.

use std::fmt;

use sqlx::{Row, SqliteConnection};

use super::LoginError;
use crate::clock::TimestampUs;

/// What is kept of a person's password. `Debug` does not show the hash, which can be guessed at offline.
pub(super) struct Credential {
    pub(super) hash: String,
    /// Good for one login, which sets another.
    pub(super) one_time: bool,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("one_time", &self.one_time).finish_non_exhaustive()
    }
}

pub(super) async fn find(read: &mut SqliteConnection, user: &str) -> Result<Option<Credential>, LoginError> {
    let row = sqlx::query("SELECT password_hash, one_time FROM credentials WHERE user = ?1").bind(user).fetch_optional(read).await?;
    row.map(|row| Ok(Credential { hash: row.try_get("password_hash")?, one_time: row.try_get::<i64, _>("one_time")? != 0 })).transpose()
}

/// Whether nobody at all has a password.
pub(super) async fn are_none(read: &mut SqliteConnection) -> Result<bool, LoginError> {
    Ok(sqlx::query("SELECT 1 FROM credentials LIMIT 1").fetch_optional(read).await?.is_none())
}

/// Sets the password of a person, whether they had one or not.
pub(super) async fn set(write: &mut SqliteConnection, user: &str, new: &Credential, now_us: TimestampUs) -> Result<(), LoginError> {
    sqlx::query("INSERT OR REPLACE INTO credentials (user, password_hash, one_time, changed_at_us) VALUES (?1, ?2, ?3, ?4)")
        .bind(user)
        .bind(&new.hash)
        .bind(i64::from(new.one_time))
        .bind(now_us)
        .execute(write)
        .await?;
    Ok(())
}

/// Whether the password is still the one whose hash is given. Checking takes a while, and in it the password may have been
/// changed, or a one-time password used by another.
pub(super) async fn still(read: &mut SqliteConnection, user: &str, proved: &Credential) -> Result<bool, LoginError> {
    Ok(find(read, user).await?.is_some_and(|credential| credential.hash == proved.hash))
}

pub(super) async fn forget(write: &mut SqliteConnection, user: &str) -> Result<(), LoginError> {
    sqlx::query("DELETE FROM credentials WHERE user = ?1").bind(user).execute(write).await?;
    Ok(())
}
