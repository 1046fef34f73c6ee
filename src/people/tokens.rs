//! The tokens in the store.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::token::{generate, same_digest, take_apart};
use super::{NewToken, Scopes, Token, TokenError};
use crate::clock::{Clock, SECOND_US, TimestampUs};
use crate::store::{Store, StoreError};

/// Longest name of a token.
const MAX_NAME_CHARS: usize = 100;

/// The last use is written at most this often, so that a busy sender does not cost a disk sync a request.
const NOTE_USE_EVERY_US: i64 = 300 * SECOND_US;

/// The tokens of this installation. Clones share the store.
#[derive(Debug, Clone)]
pub struct Tokens {
    store: Store,
    clock: Clock,
}

impl Tokens {
    /// The tokens in the store.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// Makes a token. Whether the caller may is for the caller's door to decide.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] for an empty or overlong name, or an end that lies in the past.
    pub async fn create(&self, name: &str, scopes: Scopes, expires_at_us: Option<TimestampUs>) -> Result<NewToken, TokenError> {
        let name = name.trim();
        let now_us = self.clock.now_us();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.contains(char::is_control) {
            return Err(TokenError::Invalid(format!("the name must have 1 to {MAX_NAME_CHARS} printable characters")));
        }
        if expires_at_us.is_some_and(|at_us| at_us <= now_us) {
            return Err(TokenError::Invalid("its end lies in the past; give a later one or none".to_owned()));
        }
        let (id, secret) = generate()?;
        let token =
            Token { id, name: name.to_owned(), scopes, created_at_us: now_us, expires_at_us, last_used_at_us: None, revoked_at_us: None };
        let mut write = self.store.write().await?;
        sqlx::query("INSERT INTO tokens (id, name, secret_sha256, scopes, created_at_us, expires_at_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .bind(&token.id)
            .bind(&token.name)
            .bind(secret.digest().as_slice())
            .bind(token.scopes.to_string())
            .bind(token.created_at_us)
            .bind(token.expires_at_us)
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(NewToken::new(token, &secret))
    }

    /// The token that is presented, if it is good at this moment.
    ///
    /// # Errors
    /// [`TokenError::Refused`] for anything that is not a token of ours with the right secret; [`TokenError::Expired`] and
    /// [`TokenError::Revoked`] are said only to who knows the secret.
    pub async fn verify(&self, presented: &str) -> Result<Token, TokenError> {
        let (id, secret) = take_apart(presented).ok_or(TokenError::Refused)?;
        let mut read = self.store.read().await?;
        let row = sqlx::query("SELECT * FROM tokens WHERE id = ?1").bind(id).fetch_optional(&mut *read).await?;
        drop(read);
        let row = row.ok_or(TokenError::Refused)?;
        if !same_digest(&secret.digest(), row.try_get("secret_sha256")?) {
            return Err(TokenError::Refused);
        }
        let token = token_of(&row)?;
        let now_us = self.clock.now_us();
        if token.revoked_at_us.is_some() {
            return Err(TokenError::Revoked(token.id));
        }
        if token.expires_at_us.is_some_and(|at_us| at_us <= now_us) {
            return Err(TokenError::Expired(token.id));
        }
        if token.last_used_at_us.is_none_or(|at_us| now_us - at_us >= NOTE_USE_EVERY_US) {
            self.note_use(&token.id, now_us).await;
        }
        Ok(token)
    }

    /// Every token, the newest first.
    pub async fn list(&self) -> Result<Vec<Token>, TokenError> {
        let mut read = self.store.read().await?;
        let rows = sqlx::query("SELECT * FROM tokens ORDER BY created_at_us DESC, id").fetch_all(&mut *read).await?;
        Ok(rows.iter().map(token_of).collect::<Result<_, _>>()?)
    }

    /// Takes a token back, from now on; a second time changes nothing.
    pub async fn revoke(&self, id: &str) -> Result<(), TokenError> {
        let mut write = self.store.write().await?;
        let done = sqlx::query("UPDATE tokens SET revoked_at_us = coalesce(revoked_at_us, ?2) WHERE id = ?1")
            .bind(id)
            .bind(self.clock.now_us())
            .execute(&mut *write)
            .await?;
        if done.rows_affected() == 0 {
            return Err(TokenError::NotFound(id.to_owned()));
        }
        Ok(write.commit().await?)
    }

    /// A full disk must not lock out whoever comes to free it: a use that cannot be noted is only logged.
    async fn note_use(&self, id: &str, now_us: TimestampUs) {
        let noted = async {
            let mut write = self.store.write().await?;
            sqlx::query("UPDATE tokens SET last_used_at_us = ?2 WHERE id = ?1").bind(id).bind(now_us).execute(&mut *write).await?;
            Ok::<_, StoreError>(write.commit().await?)
        };
        if let Err(error) = noted.await {
            tracing::warn!(token = id, %error, "the last use of a token could not be noted");
        }
    }
}

fn token_of(row: &SqliteRow) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        scopes: row.try_get::<&str, _>("scopes")?.parse().map_err(StoreError::Unreadable)?,
        created_at_us: row.try_get("created_at_us")?,
        expires_at_us: row.try_get("expires_at_us")?,
        last_used_at_us: row.try_get("last_used_at_us")?,
        revoked_at_us: row.try_get("revoked_at_us")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::Scope;
    use crate::store::DESK_FILE;

    async fn tokens() -> (Tokens, Clock, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        let clock = Clock::manual(1_000 * SECOND_US);
        (Tokens::new(store, clock.clone()), clock, folder)
    }

    #[tokio::test]
    async fn a_token_opens_what_its_scopes_say() {
        let (tokens, _, _folder) = tokens().await;
        let new = tokens.create("collector", "ingest".parse().unwrap(), None).await.unwrap();
        let token = tokens.verify(new.reveal()).await.unwrap();
        assert_eq!(token, new.token);
        assert!(token.allows(Scope::Ingest) && !token.allows(Scope::Query));
    }

    #[tokio::test]
    async fn every_wrong_digit_is_refused_alike() {
        let (tokens, _, _folder) = tokens().await;
        let right = tokens.create("a", "query".parse().unwrap(), None).await.unwrap().reveal().to_owned();
        for at in [3, 14, 16, 50, right.len() - 1] {
            let mut wrong = right.clone().into_bytes();
            wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
            let refused = tokens.verify(std::str::from_utf8(&wrong).unwrap()).await.unwrap_err();
            assert!(matches!(refused, TokenError::Refused), "{refused}");
        }
        for wrong in ["", "wr_", "wr__", &right[..right.len() - 1], &right.to_uppercase(), &format!("{right} ")] {
            assert!(matches!(tokens.verify(wrong).await.unwrap_err(), TokenError::Refused));
        }
    }

    #[tokio::test]
    async fn an_end_and_a_revocation_hold_at_once() {
        let (tokens, clock, _folder) = tokens().await;
        let short = tokens.create("short", "query".parse().unwrap(), Some(1_060 * SECOND_US)).await.unwrap();
        let long = tokens.create("long", "query".parse().unwrap(), None).await.unwrap();
        clock.set(1_060 * SECOND_US - 1);
        tokens.verify(short.reveal()).await.unwrap();
        clock.set(1_060 * SECOND_US);
        assert!(matches!(tokens.verify(short.reveal()).await.unwrap_err(), TokenError::Expired(_)));
        tokens.verify(long.reveal()).await.unwrap();
        tokens.revoke(&long.token.id).await.unwrap();
        tokens.revoke(&long.token.id).await.unwrap();
        assert!(matches!(tokens.verify(long.reveal()).await.unwrap_err(), TokenError::Revoked(_)));
        assert!(matches!(tokens.revoke("0123456789ab").await.unwrap_err(), TokenError::NotFound(_)));
        assert!(tokens.create("past", "query".parse().unwrap(), Some(5)).await.is_err());
    }

    #[tokio::test]
    async fn the_last_use_is_noted_now_and_then() {
        let (tokens, clock, _folder) = tokens().await;
        let new = tokens.create("a", "query".parse().unwrap(), None).await.unwrap();
        let mut seen = Vec::new();
        for second in [1_000, 1_299, 1_300] {
            clock.set(second * SECOND_US);
            tokens.verify(new.reveal()).await.unwrap();
            seen.push(tokens.list().await.unwrap()[0].last_used_at_us.unwrap() / SECOND_US);
        }
        assert_eq!(seen, [1_000, 1_000, 1_300]);
    }

    #[tokio::test]
    async fn the_secret_stands_neither_in_the_file_nor_in_debug_output() {
        let (tokens, _, folder) = tokens().await;
        let new = tokens.create("a", "admin".parse().unwrap(), None).await.unwrap();
        let secret = new.reveal().rsplit('_').next().unwrap().to_owned();
        assert!(!format!("{new:?} {tokens:?}").contains(&secret));
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}
