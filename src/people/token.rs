//! A bearer token: `wr_<id>_<secret>`. Pure but for the random numbers.
//!
//! The id (12 hexadecimal digits) finds the row and may be shown and logged. The secret is 32 bytes from the operating
//! system, as 64 hexadecimal digits; with so much chance in it a plain SHA-256 is enough, and no slow password hash is
//! needed on every request.

use std::fmt;

use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

use super::{Scope, Scopes};
use crate::clock::TimestampUs;
use crate::store::StoreError;

/// Marks our tokens, so that scanners for leaked secrets find them.
const PREFIX: &str = "wr_";
const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

/// What is known of a token. Its secret is not.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Token {
    /// The middle part of the token.
    pub id: String,
    /// What it is for, in words.
    pub name: String,
    /// What it allows.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at_us: TimestampUs,
    /// When it ends; `None`: never.
    pub expires_at_us: Option<TimestampUs>,
    /// When it was last used, to within five minutes.
    pub last_used_at_us: Option<TimestampUs>,
    /// When it was revoked.
    pub revoked_at_us: Option<TimestampUs>,
}

impl Token {
    /// Whether the token may be used for this; see [`Scopes::allow`].
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.allow(scope)
    }
}

/// Why a token was refused or not made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It is not one of ours, or its secret is wrong; which of them is not said.
    #[error("the token is not valid; make one with `watchroom token create` and send it as `Authorization: Bearer wr_...`")]
    Refused,
    /// It has ended.
    #[error("the token {0} has expired; make a new one with `watchroom token create`")]
    Expired(String),
    /// It was taken back.
    #[error("the token {0} was revoked; ask the administrator for a new one")]
    Revoked(String),
    /// There is no token of that id.
    #[error("there is no token {0}; `watchroom token list` shows those that exist")]
    NotFound(String),
    /// A field of the token to be made holds what it may not hold.
    #[error("the token cannot be made: {0}")]
    Invalid(String),
    /// The operating system gave no random bytes.
    #[error("the token cannot be made: the operating system gives no random numbers ({0}); see that /dev/urandom can be read")]
    NoRandomness(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for TokenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A token that was just made: the only moment at which its secret is known.
pub struct NewToken {
    /// What the store keeps.
    pub token: Token,
    text: String,
}

impl NewToken {
    pub(super) fn new(token: Token, secret: &Secret) -> Self {
        let text = format!("{PREFIX}{}_{}", token.id, secret.0);
        Self { token, text }
    }

    /// The whole token, to be shown once to whoever asked for it and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken").field("token", &self.token).finish_non_exhaustive()
    }
}

/// The part of a token that nobody else may know, as hexadecimal digits.
pub(super) struct Secret(String);

impl Secret {
    /// The SHA-256 of the secret's text.
    pub(super) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

/// A new id and secret.
pub(super) fn generate() -> Result<(String, Secret), TokenError> {
    Ok((hex(&random::<ID_BYTES>()?), Secret(hex(&random::<SECRET_BYTES>()?))))
}

fn random<const N: usize>() -> Result<[u8; N], TokenError> {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| TokenError::NoRandomness(error.to_string()))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The id and secret of a presented token; `None` if it does not look like one of ours.
pub(super) fn take_apart(presented: &str) -> Option<(&str, Secret)> {
    let (id, secret) = presented.strip_prefix(PREFIX)?.split_once('_')?;
    let digits = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let ours = id.len() == 2 * ID_BYTES && secret.len() == 2 * SECRET_BYTES && digits(id) && digits(secret);
    ours.then(|| (id, Secret(secret.to_owned())))
}

/// Compares without stopping at the first difference, so that time tells nothing of where it lies.
pub(super) fn same_digest(one: &[u8; 32], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |seen, (a, b)| std::hint::black_box(seen | (a ^ b)));
    other.len() == one.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_token_comes_apart_into_what_it_was_made_of() {
        let (id, secret) = generate().unwrap();
        let text = format!("wr_{id}_{}", secret.0);
        let (id_again, secret_again) = take_apart(&text).unwrap();
        assert_eq!((id_again, secret_again.digest()), (id.as_str(), secret.digest()));
        assert_ne!(generate().unwrap().1.digest(), secret.digest());
    }

    #[test]
    fn a_difference_anywhere_is_a_difference() {
        let digest = generate().unwrap().1.digest();
        assert!(same_digest(&digest, &digest));
        assert!(!same_digest(&digest, &digest[..31]) && !same_digest(&digest, &[]));
        for at in 0..32 {
            let mut other = digest;
            other[at] ^= 1;
            assert!(!same_digest(&digest, &other));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_or_refused_but_never_panics(text in "(wr_)?[0-9a-fé_]{0,90}") {
            let _ = take_apart(&text);
        }
    }
}
