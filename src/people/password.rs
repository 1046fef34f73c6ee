//! Passwords: which are good enough, and how they are kept.
//!
//! Argon2id (RFC 9106) in the PHC string format. A hash takes 19 MiB and some tens of milliseconds of a core, so at most two
//! run at a time, on threads for blocking work, and at most 64 logins wait for them; more are told to come again.

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::{PasswordHash, SaltString};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use super::LoginError;
use super::secret::random;
use crate::store::StoreError;

/// Memory of a hash in KiB. With [`PASSES`] and [`LANES`] the minimum of OWASP's Password Storage Cheat Sheet, "Argon2id":
/// m = 19 MiB, t = 2, p = 1.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// RFC 9106, section 3.1, recommends 16 bytes of salt.
const SALT_BYTES: usize = 16;

/// Hashes that run at a time: two threads and 38 MiB are what a flood of logins may take from ingest.
const AT_A_TIME: usize = 2;
/// Logins that wait for them: about two seconds' worth. A longer queue would only hold requests that nobody waits for any more.
const WAITING: usize = 64;
/// When to come again if the queue is full: it is empty by then.
const BUSY_RETRY_S: u64 = 3;

/// Shortest password. NIST SP 800-63B-4, section 3.1.1.2, asks for 15 where it stands alone and 8 with a second factor; 12 with
/// the limiter and without rules for its characters is what people of a department still remember.
pub const MIN_PASSWORD_CHARS: usize = 12;
/// Longest password: a sentence fits, and nobody makes the server read a book.
pub const MAX_PASSWORD_CHARS: usize = 256;
/// Different characters that a password has at least: `aaaaaaaaaaaa` and `121212121212` have fewer.
const MIN_DIFFERENT_CHARS: usize = 5;
/// Characters beside the person's name that a password has at least.
const MIN_CHARS_BESIDE_NAME: usize = 8;

/// Words that lists of leaked passwords begin with. A password is compared without case and without the digits and signs
/// around the word, so that `Password2026!` is caught as well as `password`.
const COMMON: [&str; 40] = [
    "abcdefghijkl",
    "abcdefghijklm",
    "abcdefghijklmnop",
    "admin",
    "adminadmin",
    "administrator",
    "asdfghjkl",
    "baseball",
    "changeit",
    "changeme",
    "changemenow",
    "default",
    "dragon",
    "football",
    "helloworld",
    "iloveyou",
    "letmein",
    "letmeinnow",
    "login",
    "mustchange",
    "mypassword",
    "newpassword",
    "pass",
    "passpass",
    "passphrase",
    "passw0rd",
    "password",
    "passwordpassword",
    "p@ssw0rd",
    "princess",
    "qwerty",
    "qwertyqwerty",
    "qwertyuiop",
    "qwertz",
    "qwertzuiop",
    "secret",
    "sunshine",
    "superman",
    "watchroom",
    "welcome",
];

/// The same without letters.
const COMMON_DIGITS: [&str; 6] = ["123456789012", "1234567890123", "12345678901234", "123456789123", "0123456789012", "987654321012"];

/// A hash that no password has, made with the same costs: checked where a name is unknown, so that the answer takes as long.
pub(super) const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$d2F0Y2hyb29tIG5vYm9keQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password is not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Too few characters.
    #[error("it has fewer than {MIN_PASSWORD_CHARS} characters; a few words that do not belong together are long and easy to remember")]
    TooShort,
    /// Too many characters.
    #[error("it has more than {MAX_PASSWORD_CHARS} characters; shorten it")]
    TooLong,
    /// It repeats a few characters.
    #[error("it has fewer than {MIN_DIFFERENT_CHARS} different characters; take a few words instead")]
    Monotonous,
    /// It is the person's name and little else.
    #[error("it is little more than the name it is for; take words that have nothing to do with it")]
    Name,
    /// It is among the passwords that are tried first.
    #[error("it is one of the most common passwords, which are tried first; take a few words that do not belong together")]
    Common,
    /// It is the one-time password that it should replace.
    #[error("it is the one-time password itself; choose another")]
    OneTime,
}

/// Whether the password is good enough for the person of that name.
///
/// # Errors
/// The first [`Weakness`] found.
pub fn check_password(password: &str, user: &str) -> Result<(), Weakness> {
    let chars = password.chars().take(MAX_PASSWORD_CHARS + 1).count();
    if chars < MIN_PASSWORD_CHARS {
        return Err(Weakness::TooShort);
    }
    if chars > MAX_PASSWORD_CHARS {
        return Err(Weakness::TooLong);
    }
    let small = password.to_lowercase();
    let different: std::collections::BTreeSet<char> = small.chars().collect();
    if different.len() < MIN_DIFFERENT_CHARS {
        return Err(Weakness::Monotonous);
    }
    let word = small.trim_matches(|c: char| !c.is_alphabetic());
    if COMMON_DIGITS.contains(&small.as_str()) || COMMON.contains(&word) || COMMON.iter().any(|common| repeats(&small, common)) {
        return Err(Weakness::Common);
    }
    let name = user.to_lowercase();
    if !name.is_empty() && small.contains(&name) && small.replace(&name, "").chars().count() < MIN_CHARS_BESIDE_NAME {
        return Err(Weakness::Name);
    }
    Ok(())
}

/// Whether the text is nothing but the word again and again.
fn repeats(text: &str, word: &str) -> bool {
    text.len().is_multiple_of(word.len()) && text.as_bytes().chunks(word.len()).all(|part| part == word.as_bytes())
}

/// Makes and checks hashes, a few at a time. Clones share the limit.
#[derive(Clone)]
pub(super) struct Passwords {
    /// Who may be here: those at work and those in the queue.
    places: Arc<Semaphore>,
    /// Who may work.
    hashing: Arc<Semaphore>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("free", &self.hashing.available_permits()).finish_non_exhaustive()
    }
}

impl Passwords {
    pub(super) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_A_TIME + WAITING)), hashing: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// The hash to keep, with a salt of its own.
    pub(super) async fn hash(&self, password: &str) -> Result<String, LoginError> {
        let password = password.to_owned();
        self.in_turn(move || {
            let salt = SaltString::encode_b64(&random::<SALT_BYTES>()?).map_err(failed)?;
            Ok(argon2()?.hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
        })
        .await
    }

    /// Whether the password is the one that was hashed; never, but as slowly, if there is no hash.
    pub(super) async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, LoginError> {
        if password.chars().nth(MAX_PASSWORD_CHARS).is_some() {
            return Ok(false);
        }
        let (password, hash) = (password.to_owned(), hash.unwrap_or(NOBODY).to_owned());
        self.in_turn(move || {
            let unreadable = |error| StoreError::Unreadable(format!("the hash of a password: {error}"));
            let hash = PasswordHash::new(&hash).map_err(unreadable)?;
            match argon2()?.verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(true),
                Err(argon2::password_hash::Error::Password) => Ok(false),
                Err(error) => Err(failed(error)),
            }
        })
        .await
    }

    pub(super) async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, LoginError> + Send + 'static,
    ) -> Result<T, LoginError> {
        let _place = self.places.try_acquire().map_err(|_| LoginError::TooMany { retry_after_s: BUSY_RETRY_S })?;
        let turn = Arc::clone(&self.hashing).acquire_owned().await.map_err(failed)?;
        // The turn goes along: a caller who gives up cannot stop the hash, and the next must not start beside it.
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
        .map_err(failed)?
    }
}

pub(super) fn argon2() -> Result<Argon2<'static>, LoginError> {
    let costs = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, costs))
}

fn failed(error: impl fmt::Display) -> LoginError {
    LoginError::Hashing(error.to_string())
}
