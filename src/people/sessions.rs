//! The sessions in the store: rows of the table `sessions`, in the caller's transaction.

use sqlx::{Row, SqliteConnection};

use super::secret::{generate, same_digest, take_apart};
use super::session::{IDLE_US, LIFE_US, SESSION_PREFIX};
use super::{LoginError, NewSession, Session};
use crate::clock::{DAY_US, TimestampUs};

/// Sessions that one person may have at a time: more than they have devices. Another one ends the one that was not used for
/// longest.
const MAX_LIVE: i64 = 50;

/// Sessions that have ended are kept this long: they tell from where a person logs in.
const KEEP_ENDED_US: i64 = 30 * DAY_US;

/// Sessions of one person in the table, however often a program logs in.
const MAX_KEPT: i64 = 500;

/// Opens a session, and forgets what is too old or too much.
pub(super) async fn open(write: &mut SqliteConnection, user: &str, origin: &str, now_us: TimestampUs) -> Result<NewSession, LoginError> {
    let (id, secret) = generate()?;
    let session = Session {
        id,
        user: user.to_owned(),
        origin: origin.to_owned(),
        created_at_us: now_us,
        expires_at_us: now_us.saturating_add(LIFE_US),
        last_used_at_us: now_us,
    };
    sqlx::query(
        "UPDATE sessions SET ended_at_us = ?2 WHERE user = ?1 AND ended_at_us IS NULL AND id NOT IN
            (SELECT id FROM sessions WHERE user = ?1 AND ended_at_us IS NULL ORDER BY last_used_at_us DESC, id LIMIT ?3)",
    )
    .bind(user)
    .bind(now_us)
    .bind(MAX_LIVE - 1)
    .execute(&mut *write)
    .await?;
    sqlx::query(
        "DELETE FROM sessions WHERE user = ?1 AND (expires_at_us < ?2 OR id NOT IN
            (SELECT id FROM sessions WHERE user = ?1 ORDER BY ended_at_us IS NOT NULL, created_at_us DESC, id LIMIT ?3))",
    )
    .bind(user)
    .bind(now_us.saturating_sub(KEEP_ENDED_US))
    .bind(MAX_KEPT - 1)
    .execute(&mut *write)
    .await?;
    sqlx::query(
        "INSERT INTO sessions (id, secret_sha256, user, origin, created_at_us, expires_at_us, last_used_at_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5)",
    )
    .bind(&session.id)
    .bind(secret.digest().as_slice())
    .bind(&session.user)
    .bind(&session.origin)
    .bind(session.created_at_us)
    .bind(session.expires_at_us)
    .execute(write)
    .await?;
    Ok(NewSession::new(session, &secret))
}

/// The session of a presented secret, if it is good at this moment.
pub(super) async fn find(read: &mut SqliteConnection, presented: &str, now_us: TimestampUs) -> Result<Session, LoginError> {
    let (id, secret) = take_apart(SESSION_PREFIX, presented).ok_or(LoginError::NoSession)?;
    let row = sqlx::query("SELECT * FROM sessions WHERE id = ?1 AND ended_at_us IS NULL").bind(id).fetch_optional(read).await?;
    let row = row.ok_or(LoginError::NoSession)?;
    if !same_digest(&secret.digest(), row.try_get("secret_sha256")?) {
        return Err(LoginError::NoSession);
    }
    let session = Session::of_row(&row)?;
    if session.is_over(now_us) { Err(LoginError::NoSession) } else { Ok(session) }
}

/// The sessions of a person that are good at this moment, the newest first.
pub(super) async fn live(read: &mut SqliteConnection, user: &str, now_us: TimestampUs) -> Result<Vec<Session>, LoginError> {
    let rows = sqlx::query(
        "SELECT * FROM sessions WHERE user = ?1 AND ended_at_us IS NULL AND expires_at_us > ?2 AND last_used_at_us > ?3
            ORDER BY created_at_us DESC, id LIMIT ?4",
    )
    .bind(user)
    .bind(now_us)
    .bind(now_us.saturating_sub(IDLE_US))
    .bind(MAX_LIVE)
    .fetch_all(read)
    .await?;
    Ok(rows.iter().map(Session::of_row).collect::<Result<_, _>>()?)
}

/// Where a person has logged in from in the last weeks.
pub(super) async fn origins(read: &mut SqliteConnection, user: &str) -> Result<Vec<String>, LoginError> {
    let rows =
        sqlx::query("SELECT DISTINCT origin FROM sessions WHERE user = ?1 LIMIT ?2").bind(user).bind(MAX_KEPT).fetch_all(read).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// Ends one session of a person; says whether it had not ended before.
pub(super) async fn end(write: &mut SqliteConnection, user: &str, id: &str, now_us: TimestampUs) -> Result<bool, LoginError> {
    let done = sqlx::query("UPDATE sessions SET ended_at_us = ?3 WHERE id = ?2 AND user = ?1 AND ended_at_us IS NULL")
        .bind(user)
        .bind(id)
        .bind(now_us)
        .execute(write)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends all sessions of a person but one; gives how many had not ended before.
pub(super) async fn end_all_but(
    write: &mut SqliteConnection,
    user: &str,
    kept: Option<&str>,
    now_us: TimestampUs,
) -> Result<u64, LoginError> {
    let done = sqlx::query("UPDATE sessions SET ended_at_us = ?3 WHERE user = ?1 AND id IS NOT ?2 AND ended_at_us IS NULL")
        .bind(user)
        .bind(kept)
        .bind(now_us)
        .execute(write)
        .await?;
    Ok(done.rows_affected())
}

/// Ends all sessions there are.
pub(super) async fn end_everybodys(write: &mut SqliteConnection, now_us: TimestampUs) -> Result<(), LoginError> {
    sqlx::query("UPDATE sessions SET ended_at_us = ?1 WHERE ended_at_us IS NULL").bind(now_us).execute(write).await?;
    Ok(())
}

pub(super) async fn note_use(write: &mut SqliteConnection, id: &str, now_us: TimestampUs) -> Result<(), LoginError> {
    sqlx::query("UPDATE sessions SET last_used_at_us = ?2 WHERE id = ?1").bind(id).bind(now_us).execute(write).await?;
    Ok(())
}
