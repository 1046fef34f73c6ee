//! Logging in and out, and setting passwords.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::SqliteConnection;

use super::credentials::{self, Credential};
use super::field::check_name;
use super::login_limiter::same_network;
use super::password::Passwords;
use super::session::NOTE_USE_EVERY_US;
use super::{LoginError, LoginFrom, LoginLimiter, NewSession, OneTimeSecret, Session, User, Weakness, check_password, sessions};
use crate::clock::{Clock, TimestampUs};
use crate::store::Store;

/// Name of the person whom the first start makes.
pub const FIRST_ADMINISTRATOR: &str = "admin";

/// What somebody sends to log in.
pub struct Attempt<'a> {
    /// The name.
    pub user: &'a str,
    /// The password, or a one-time password.
    pub password: &'a str,
    /// The password to take from now on. A one-time password needs it.
    pub new_password: Option<&'a str>,
    /// The client's own address, without a port; behind a proxy that which the proxy reports.
    pub origin: &'a str,
}

// What people type as a name is now and then their password.
impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// A new one-time password with its hash, to be stored with [`Logins::apply_reset`] in whichever transaction the caller has.
/// Hashing waits its turn, which no open transaction should.
#[derive(Debug)]
pub struct PreparedReset {
    secret: OneTimeSecret,
    credential: Credential,
}

/// A new password with its hash, to be stored with [`Logins::apply_password`].
#[derive(Debug)]
pub struct PreparedPassword {
    credential: Credential,
}

/// Passwords and sessions over the store. Clones share the store, the limiter and the limit of hashes at a time.
///
/// The documents of people live elsewhere: the caller looks the person up and passes the document, or `None`. A disabled
/// person's sessions are not ended by the document alone: whoever opens the door for a session sees that its user is enabled,
/// and ends them with [`Logins::end_all`].
#[derive(Debug, Clone)]
pub struct Logins {
    store: Store,
    clock: Clock,
    passwords: Passwords,
    limiter: Arc<Mutex<LoginLimiter>>,
}

impl Logins {
    /// Logins over the store; at the start no failures are known.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock, passwords: Passwords::new(), limiter: Arc::default() }
    }

    /// If nobody has a password yet, a one-time password for [`FIRST_ADMINISTRATOR`], stored in the caller's transaction, which
    /// stores the person's document too. Afterwards, `None`.
    pub async fn first_administrator(&self, write: &mut SqliteConnection) -> Result<Option<OneTimeSecret>, LoginError> {
        if !credentials::are_none(write).await? {
            return Ok(None);
        }
        let reset = self.prepare_reset().await?;
        self.apply_reset(write, FIRST_ADMINISTRATOR, reset).await.map(Some)
    }

    /// Opens a session. If a new password is sent along, it is taken and all other sessions of the person end; a one-time
    /// password is dead from then on.
    ///
    /// # Errors
    /// [`LoginError::Refused`] for an unknown person, a wrong password and a disabled account alike, after the same work;
    /// [`LoginError::NewPasswordNeeded`] only to who knows the one-time password; [`LoginError::Weak`] for a new password that
    /// is not good enough, with which the one-time password stays good; [`LoginError::TooMany`] without a look at the password.
    pub async fn log_in(&self, attempt: &Attempt<'_>, known: Option<&User>) -> Result<NewSession, LoginError> {
        let proved = self.prove(attempt, known).await?;
        let new = match attempt.new_password {
            Some(password) => Some(self.chosen(attempt, &proved, password).await?),
            None if proved.one_time => return Err(LoginError::NewPasswordNeeded),
            None => None,
        };
        let mut write = self.store.write().await?;
        let now_us = self.clock.now_us();
        if !credentials::still(&mut write, attempt.user, &proved).await? {
            return Err(LoginError::Refused);
        }
        if let Some(new) = new {
            credentials::set(&mut write, attempt.user, &new, now_us).await?;
            sessions::end_all_but(&mut write, attempt.user, None, now_us).await?;
        }
        let session = sessions::open(&mut write, attempt.user, attempt.origin, now_us).await?;
        write.commit().await?;
        Ok(session)
    }

    /// Whether the password is the person's, for what is asked of them again although they are logged in, such as changing it.
    /// A one-time password is refused, and [`Attempt::new_password`] is not looked at.
    ///
    /// # Errors
    /// As of [`Logins::log_in`].
    pub async fn confirm(&self, attempt: &Attempt<'_>, known: Option<&User>) -> Result<(), LoginError> {
        let proved = self.prove(attempt, known).await?;
        if proved.one_time { Err(LoginError::NewPasswordNeeded) } else { Ok(()) }
    }

    /// Sets a person's password and ends their sessions, but for the one with the id `kept`; gives how many it ended. That the
    /// person exists and the caller may is for the caller to see.
    ///
    /// # Errors
    /// [`LoginError::Weak`], [`LoginError::BadName`].
    pub async fn set_password(&self, user: &str, password: &str, kept: Option<&str>) -> Result<u64, LoginError> {
        let prepared = self.prepare_password(user, password).await?;
        let mut write = self.store.write().await?;
        let ended = self.apply_password(&mut write, user, prepared, kept).await?;
        write.commit().await?;
        Ok(ended)
    }

    /// The slow half of [`Logins::set_password`], to be done before a transaction is begun.
    ///
    /// # Errors
    /// As [`Logins::set_password`].
    pub async fn prepare_password(&self, user: &str, password: &str) -> Result<PreparedPassword, LoginError> {
        check_name(user).map_err(LoginError::BadName)?;
        check_password(password, user)?;
        Ok(PreparedPassword { credential: Credential { hash: self.passwords.hash(password).await?, one_time: false } })
    }

    /// The other half of [`Logins::set_password`], in the caller's transaction, beside the audit.
    pub async fn apply_password(
        &self,
        write: &mut SqliteConnection,
        user: &str,
        prepared: PreparedPassword,
        kept: Option<&str>,
    ) -> Result<u64, LoginError> {
        let now_us = self.clock.now_us();
        credentials::set(write, user, &prepared.credential, now_us).await?;
        sessions::end_all_but(write, user, kept, now_us).await
    }

    /// Gives a person, new or known, a one-time password instead of what they had, and ends their sessions.
    ///
    /// # Errors
    /// [`LoginError::BadName`]. That the person exists is for the caller to see.
    pub async fn reset(&self, user: &str) -> Result<OneTimeSecret, LoginError> {
        let reset = self.prepare_reset().await?;
        let mut write = self.store.write().await?;
        let secret = self.apply_reset(&mut write, user, reset).await?;
        write.commit().await?;
        Ok(secret)
    }

    /// The slow half of [`Logins::reset`], to be done before a transaction is begun.
    pub async fn prepare_reset(&self) -> Result<PreparedReset, LoginError> {
        let secret = OneTimeSecret::generate()?;
        let hash = self.passwords.hash(&secret.reveal()).await?;
        Ok(PreparedReset { secret, credential: Credential { hash, one_time: true } })
    }

    /// The other half of [`Logins::reset`], in the caller's transaction, beside the document of a new person or the audit.
    pub async fn apply_reset(&self, write: &mut SqliteConnection, user: &str, reset: PreparedReset) -> Result<OneTimeSecret, LoginError> {
        check_name(user).map_err(LoginError::BadName)?;
        let now_us = self.clock.now_us();
        credentials::set(write, user, &reset.credential, now_us).await?;
        sessions::end_all_but(write, user, None, now_us).await?;
        Ok(reset.secret)
    }

    /// Takes the password of a person whose document is deleted, and ends their sessions, in the caller's transaction: another
    /// person of that name must not come in with it.
    pub async fn forget(&self, write: &mut SqliteConnection, user: &str) -> Result<(), LoginError> {
        credentials::forget(write, user).await?;
        sessions::end_all_but(write, user, None, self.clock.now_us()).await?;
        Ok(())
    }

    /// The session whose secret is presented, if it is good at this moment: nothing is cached. That its user exists and is
    /// enabled is for the caller to see.
    ///
    /// # Errors
    /// [`LoginError::NoSession`] for anything else, without saying why.
    pub async fn verify_session(&self, presented: &str) -> Result<Session, LoginError> {
        let now_us = self.clock.now_us();
        let mut read = self.store.read().await?;
        let session = sessions::find(&mut read, presented, now_us).await?;
        drop(read);
        if now_us.saturating_sub(session.last_used_at_us) >= NOTE_USE_EVERY_US {
            self.note_use(&session.id, now_us).await;
        }
        Ok(session)
    }

    /// Ends one session of a person, from now on; says whether it had not ended before.
    pub async fn log_out(&self, user: &str, id: &str) -> Result<bool, LoginError> {
        let mut write = self.store.write().await?;
        let ended = sessions::end(&mut write, user, id, self.clock.now_us()).await?;
        write.commit().await?;
        Ok(ended)
    }

    /// Ends the sessions of everybody: what a restored backup holds may have been ended since it was made.
    pub async fn end_everybodys(&self, write: &mut SqliteConnection) -> Result<(), LoginError> {
        sessions::end_everybodys(write, self.clock.now_us()).await
    }

    /// Ends all sessions of a person, from the caller's commit on; gives how many.
    pub async fn end_all(&self, write: &mut SqliteConnection, user: &str) -> Result<u64, LoginError> {
        sessions::end_all_but(write, user, None, self.clock.now_us()).await
    }

    /// The sessions of a person that are good at this moment, the newest first, at most 50.
    pub async fn sessions(&self, user: &str) -> Result<Vec<Session>, LoginError> {
        let mut read = self.store.read().await?;
        sessions::live(&mut read, user, self.clock.now_us()).await
    }

    /// What is kept of the password that was proved to be known.
    async fn prove(&self, attempt: &Attempt<'_>, known: Option<&User>) -> Result<Credential, LoginError> {
        let mut read = self.store.read().await?;
        let (kept, origins) = if check_name(attempt.user).is_ok() {
            (credentials::find(&mut read, attempt.user).await?, sessions::origins(&mut read, attempt.user).await?)
        } else {
            (None, Vec::new())
        };
        drop(read);
        let familiar = origins.iter().any(|origin| same_network(origin, attempt.origin));
        let from = LoginFrom { user: attempt.user, address: attempt.origin, familiar };
        self.limiter().attempt(&from, self.clock.now_us())?;
        // A one-time password is known by its characters, however it was typed.
        let typed = kept.as_ref().filter(|kept| kept.one_time).and_then(|_| OneTimeSecret::read(attempt.password));
        let typed = typed.map(|secret| secret.reveal());
        let password = typed.as_deref().unwrap_or(attempt.password);
        let verified = self.passwords.verify(password, kept.as_ref().map(|kept| kept.hash.as_str())).await;
        let enabled = known.is_some_and(|user| !user.disabled);
        match (verified, kept) {
            (Ok(true), Some(kept)) if enabled => {
                self.limiter().succeeded(&from, self.clock.now_us());
                Ok(kept)
            }
            (Ok(_), _) => Err(LoginError::Refused),
            (Err(error), _) => {
                self.limiter().take_back(&from, self.clock.now_us());
                Err(error)
            }
        }
    }

    /// The hash of the password that a person has chosen.
    async fn chosen(&self, attempt: &Attempt<'_>, proved: &Credential, password: &str) -> Result<Credential, LoginError> {
        check_password(password, attempt.user)?;
        if proved.one_time && OneTimeSecret::read(password).is_some_and(|new| OneTimeSecret::read(attempt.password) == Some(new)) {
            return Err(Weakness::OneTime.into());
        }
        Ok(Credential { hash: self.passwords.hash(password).await?, one_time: false })
    }

    fn limiter(&self) -> MutexGuard<'_, LoginLimiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A full disk must not lock out whoever comes to free it: a use that cannot be noted is only logged.
    async fn note_use(&self, id: &str, now_us: TimestampUs) {
        let noted = async {
            let mut write = self.store.write().await?;
            sessions::note_use(&mut write, id, now_us).await?;
            write.commit().await?;
            Ok::<_, LoginError>(())
        };
        if let Err(error) = noted.await {
            tracing::warn!(session = id, %error, "the last use of a session could not be noted");
        }
    }
}
