//! The tokens in the store.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::secret::{generate, same_digest, take_apart};
use super::token::TOKEN_PREFIX;
use super::{NewToken, Scopes, Token, TokenError, TokenPlace};
use crate::clock::{Clock, SECOND_US, TimestampUs};
use crate::store::{Store, StoreError};

/// Longest name of a token.
const MAX_NAME_CHARS: usize = 100;

/// The last use is written at most this often, so that a busy sender does not cost a disk sync a request.
const NOTE_USE_EVERY_US: i64 = 300 * SECOND_US;

/// Tokens that one person may hold at a time: one for each program of a busy administrator, and a bound for a loop gone wrong.
const MAX_TOKENS_OF_OWNER: i64 = 50;

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
    /// [`TokenError::Invalid`] for an empty or overlong name, an end that lies in the past, or an owner who has 50 already.
    pub async fn create(
        &self,
        name: &str,
        scopes: Scopes,
        owner: Option<&str>,
        expires_at_us: Option<TimestampUs>,
    ) -> Result<NewToken, TokenError> {
        let mut write = self.store.write().await?;
        let made = self.create_in(&mut write, name, scopes, owner, expires_at_us).await?;
        write.commit().await?;
        Ok(made)
    }

    /// The same in the caller's transaction, beside the audit.
    ///
    /// # Errors
    /// As [`Tokens::create`].
    pub async fn create_in(
        &self,
        write: &mut SqliteConnection,
        name: &str,
        scopes: Scopes,
        owner: Option<&str>,
        expires_at_us: Option<TimestampUs>,
    ) -> Result<NewToken, TokenError> {
        let name = name.trim();
        let now_us = self.clock.now_us();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.contains(char::is_control) {
            return Err(TokenError::Invalid(format!("the name must have 1 to {MAX_NAME_CHARS} printable characters")));
        }
        if expires_at_us.is_some_and(|at_us| at_us <= now_us) {
            return Err(TokenError::Invalid("its end lies in the past; give a later one or none".to_owned()));
        }
        let (id, secret) = generate()?;
        let token = Token {
            id,
            name: name.to_owned(),
            scopes,
            owner: owner.map(str::to_owned),
            created_at_us: now_us,
            expires_at_us,
            last_used_at_us: None,
            revoked_at_us: None,
        };
        if let Some(owner) = owner {
            refuse_too_many(write, owner, now_us).await?;
        }
        sqlx::query(
            "INSERT INTO tokens (id, name, secret_sha256, scopes, owner, created_at_us, expires_at_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(&token.id)
        .bind(&token.name)
        .bind(secret.digest().as_slice())
        .bind(token.scopes.to_string())
        .bind(&token.owner)
        .bind(token.created_at_us)
        .bind(token.expires_at_us)
        .execute(write)
        .await?;
        Ok(NewToken::new(token, &secret))
    }

    /// The token that is presented, if it is good at this moment. That its owner still may is for the door to see.
    ///
    /// # Errors
    /// [`TokenError::Refused`] for anything that is not a token of ours with the right secret; [`TokenError::Expired`] and
    /// [`TokenError::Revoked`] are said only to who knows the secret.
    pub async fn verify(&self, presented: &str) -> Result<Token, TokenError> {
        let (id, secret) = take_apart(TOKEN_PREFIX, presented).ok_or(TokenError::Refused)?;
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
    pub async fn all(&self) -> Result<Vec<Token>, TokenError> {
        let mut read = self.store.read().await?;
        let rows = sqlx::query("SELECT * FROM tokens ORDER BY created_at_us DESC, id").fetch_all(&mut *read).await?;
        Ok(rows.iter().map(token_of).collect::<Result<_, _>>()?)
    }

    /// Tokens of one person, or of all, after a place: at most `limit`, those that are not revoked before the others, the newest first.
    /// One that is revoked meanwhile goes to the end: it may be met twice, and none is missed.
    pub async fn list(&self, owner: Option<&str>, after: Option<&TokenPlace>, limit: i64) -> Result<Vec<Token>, TokenError> {
        let mut read = self.store.read().await?;
        let rows = sqlx::query(
            "SELECT * FROM tokens WHERE (?1 IS NULL OR owner = ?1)
                 AND (?2 IS NULL OR (revoked_at_us IS NOT NULL, -created_at_us, id) > (?2, -?3, ?4))
             ORDER BY revoked_at_us IS NOT NULL, created_at_us DESC, id LIMIT ?5",
        )
        .bind(owner)
        .bind(after.map(|place| place.is_revoked))
        .bind(after.map(|place| place.created_at_us))
        .bind(after.map(|place| place.id.as_str()))
        .bind(limit)
        .fetch_all(&mut *read)
        .await?;
        Ok(rows.iter().map(token_of).collect::<Result<_, _>>()?)
    }

    /// Whose a token is; `None`: there is no such token, or it is the installation's own.
    pub async fn owner(&self, id: &str) -> Result<Option<String>, TokenError> {
        let mut read = self.store.read().await?;
        let owner: Option<Option<String>> =
            sqlx::query_scalar("SELECT owner FROM tokens WHERE id = ?1").bind(id).fetch_optional(&mut *read).await?;
        Ok(owner.flatten())
    }

    /// Takes a token back, from now on; a second time changes nothing.
    pub async fn revoke(&self, id: &str) -> Result<(), TokenError> {
        let mut write = self.store.write().await?;
        self.revoke_in(&mut write, id).await?;
        Ok(write.commit().await?)
    }

    /// The same in the caller's transaction, beside the audit.
    ///
    /// # Errors
    /// As [`Tokens::revoke`].
    pub async fn revoke_in(&self, write: &mut SqliteConnection, id: &str) -> Result<(), TokenError> {
        let done = sqlx::query("UPDATE tokens SET revoked_at_us = coalesce(revoked_at_us, ?2) WHERE id = ?1")
            .bind(id)
            .bind(self.clock.now_us())
            .execute(write)
            .await?;
        if done.rows_affected() == 0 { Err(TokenError::NotFound(id.to_owned())) } else { Ok(()) }
    }

    /// Takes back every token of a person who leaves, in the caller's transaction; gives how many were good until now.
    pub async fn revoke_all(&self, write: &mut SqliteConnection, owner: &str) -> Result<u64, TokenError> {
        let done = sqlx::query("UPDATE tokens SET revoked_at_us = ?2 WHERE owner = ?1 AND revoked_at_us IS NULL")
            .bind(owner)
            .bind(self.clock.now_us())
            .execute(write)
            .await?;
        Ok(done.rows_affected())
    }

    /// A full disk must not lock out whoever comes to free it: a use that cannot be noted is only logged.
    async fn note_use(&self, id: &str, now_us: TimestampUs) {
        let noted = async {
            let mut write = self.store.write().await?;
            sqlx::query("UPDATE tokens SET last_used_at_us = ?2 WHERE id = ?1").bind(id).bind(now_us).execute(&mut *write).await?;
            write.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(token = id, %error, "the last use of a token could not be noted");
        }
    }
}

async fn refuse_too_many(write: &mut SqliteConnection, owner: &str, now_us: TimestampUs) -> Result<(), TokenError> {
    let row = sqlx::query(
        "SELECT count(*) FROM tokens WHERE owner = ?1 AND revoked_at_us IS NULL AND (expires_at_us IS NULL OR expires_at_us > ?2)",
    )
    .bind(owner)
    .bind(now_us)
    .fetch_one(write)
    .await?;
    if row.try_get::<i64, _>(0)? >= MAX_TOKENS_OF_OWNER {
        return Err(TokenError::Invalid(format!(
            "{owner} has {MAX_TOKENS_OF_OWNER} tokens, which is the most; revoke one that is not used"
        )));
    }
    Ok(())
}

fn token_of(row: &SqliteRow) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        scopes: row.try_get::<&str, _>("scopes")?.parse().map_err(StoreError::Unreadable)?,
        owner: row.try_get("owner")?,
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
        let new = tokens.create("collector", "ingest".parse().unwrap(), None, None).await.unwrap();
        let token = tokens.verify(new.reveal()).await.unwrap();
        assert_eq!(token, new.token);
        assert!(token.allows(Scope::Ingest) && !token.allows(Scope::Query));
    }

    #[tokio::test]
    async fn every_wrong_digit_is_refused_alike() {
        let (tokens, _, _folder) = tokens().await;
        let right = tokens.create("a", "query".parse().unwrap(), None, None).await.unwrap().reveal().to_owned();
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
        let short = tokens.create("short", "query".parse().unwrap(), None, Some(1_060 * SECOND_US)).await.unwrap();
        let long = tokens.create("long", "query".parse().unwrap(), None, None).await.unwrap();
        clock.set(1_060 * SECOND_US - 1);
        tokens.verify(short.reveal()).await.unwrap();
        clock.set(1_060 * SECOND_US);
        assert!(matches!(tokens.verify(short.reveal()).await.unwrap_err(), TokenError::Expired(_)));
        tokens.verify(long.reveal()).await.unwrap();
        tokens.revoke(&long.token.id).await.unwrap();
        tokens.revoke(&long.token.id).await.unwrap();
        assert!(matches!(tokens.verify(long.reveal()).await.unwrap_err(), TokenError::Revoked(_)));
        assert!(matches!(tokens.revoke("0123456789ab").await.unwrap_err(), TokenError::NotFound(_)));
        assert!(tokens.create("past", "query".parse().unwrap(), None, Some(5)).await.is_err());
    }

    #[tokio::test]
    async fn a_persons_tokens_are_listed_bounded_and_taken_back_together() {
        let (tokens, clock, _folder) = tokens().await;
        let desk: Scopes = "desk".parse().unwrap();
        let own = tokens.create("own", desk.clone(), Some("anna"), None).await.unwrap();
        assert_eq!(tokens.verify(own.reveal()).await.unwrap().owner.as_deref(), Some("anna"));
        let short = tokens.create("short", desk.clone(), Some("anna"), Some(1_001 * SECOND_US)).await.unwrap();
        let others =
            [tokens.create("ben's", desk.clone(), Some("ben"), None).await, tokens.create("machine", desk.clone(), None, None).await];
        for n in 2..MAX_TOKENS_OF_OWNER {
            tokens.create(&n.to_string(), desk.clone(), Some("anna"), None).await.unwrap();
        }
        let refused = tokens.create("one more", desk.clone(), Some("anna"), None).await.unwrap_err();
        assert!(matches!(refused, TokenError::Invalid(_)) && refused.to_string().contains("50"), "{refused}");
        clock.set(1_001 * SECOND_US);
        tokens.create("in place of the short one", desk, Some("anna"), None).await.unwrap();
        tokens.revoke(&own.token.id).await.unwrap();
        let listed = tokens.list(Some("anna"), None, 100).await.unwrap();
        assert_eq!((listed.len(), &listed[0].name[..], &listed[50].id), (51, "in place of the short one", &own.token.id));

        let mut write = tokens.store.write().await.unwrap();
        assert_eq!(tokens.revoke_all(&mut write, "anna").await.unwrap(), 50);
        write.commit().await.unwrap();
        assert!(tokens.list(Some("anna"), None, 100).await.unwrap().iter().all(|token| token.revoked_at_us.is_some()));
        assert!(matches!(tokens.verify(short.reveal()).await.unwrap_err(), TokenError::Revoked(_)));
        for other in others {
            tokens.verify(other.unwrap().reveal()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn pages_miss_no_token_while_some_are_made_and_revoked() {
        let (tokens, clock, _folder) = tokens().await;
        let desk: Scopes = "desk".parse().unwrap();
        let mut made = Vec::new();
        for n in 0..12 {
            // Three of each moment: the place tells them apart.
            clock.set((1_000 + n / 3) * SECOND_US);
            made.push(tokens.create(&n.to_string(), desk.clone(), Some("anna"), None).await.unwrap().token.id);
        }
        tokens.revoke(&made[7]).await.unwrap();
        let (mut seen, mut after) = (Vec::new(), None);
        for page in 0..10 {
            let listed = tokens.list(Some("anna"), after.as_ref(), 4).await.unwrap();
            let Some(last) = listed.last() else { break };
            let place = TokenPlace::of(last).to_string();
            after = Some(place.parse().unwrap());
            seen.extend(listed.into_iter().map(|token| token.id));
            if page == 0 {
                // The place itself, one that comes later, and a new one before everything.
                tokens.revoke(&seen[3]).await.unwrap();
                tokens.revoke(&made[1]).await.unwrap();
                clock.set(2_000 * SECOND_US);
                tokens.create("late", desk.clone(), Some("anna"), None).await.unwrap();
                tokens.create("ben's", desk.clone(), Some("ben"), None).await.unwrap();
            }
        }
        let known: std::collections::BTreeSet<&String> = seen.iter().collect();
        assert_eq!(known, made.iter().collect());
        assert_eq!(seen.len(), 13, "the one that was revoked after it was met is met again, no other");
        assert_eq!(tokens.owner(&made[0]).await.unwrap().as_deref(), Some("anna"));
        assert_eq!(tokens.owner("none").await.unwrap(), None);
        assert!("1".parse::<TokenPlace>().is_err() && "2-5-a".parse::<TokenPlace>().is_err());
    }

    #[tokio::test]
    async fn the_last_use_is_noted_now_and_then() {
        let (tokens, clock, _folder) = tokens().await;
        let new = tokens.create("a", "query".parse().unwrap(), None, None).await.unwrap();
        let mut seen = Vec::new();
        for second in [1_000, 1_299, 1_300] {
            clock.set(second * SECOND_US);
            tokens.verify(new.reveal()).await.unwrap();
            seen.push(tokens.all().await.unwrap()[0].last_used_at_us.unwrap() / SECOND_US);
        }
        assert_eq!(seen, [1_000, 1_000, 1_300]);
    }

    #[tokio::test]
    async fn the_secret_stands_neither_in_the_file_nor_in_debug_output() {
        let (tokens, _, folder) = tokens().await;
        let new = tokens.create("a", "admin".parse().unwrap(), None, None).await.unwrap();
        let secret = new.reveal().rsplit('_').next().unwrap().to_owned();
        assert!(!format!("{new:?} {tokens:?}").contains(&secret));
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}
