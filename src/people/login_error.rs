//! Why a login or a change of a password was refused.

use super::secret::NoRandomness;
use super::{Wait, Weakness};
use crate::store::StoreError;

/// Why somebody was not let in, or a password not set. Whatever failed, nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// There is no such person, the password is wrong, or the account is disabled; which of them is not said.
    #[error(
        "the login was refused: name or password is wrong, or the account is disabled; try again, or ask an administrator for a new one-time password"
    )]
    Refused,
    /// The one-time password was right, and does not open a session by itself.
    #[error("the one-time password is right, and good only for choosing a password; send the login again with `new_password`")]
    NewPasswordNeeded,
    /// The new password is not good enough.
    #[error("the new password cannot be taken: {0}")]
    Weak(#[from] Weakness),
    /// Too many logins have failed, or too many are waiting. Nothing was checked.
    #[error("there were too many logins; wait {retry_after_s} s, then try again")]
    TooMany {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// The session is not one of ours, or has ended; which of them is not said.
    #[error("the session is not valid or has ended; log in again")]
    NoSession,
    /// Nobody can be called that.
    #[error("the password cannot be set: {0}")]
    BadName(String),
    /// There is no chance to make a secret from.
    #[error("the secret cannot be made: {0}")]
    NoRandomness(#[from] NoRandomness),
    /// The password could not be hashed, with the reason.
    #[error("the password could not be checked ({0}); try again, and report it if it stays")]
    Hashing(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for LoginError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<Wait> for LoginError {
    fn from(wait: Wait) -> Self {
        Self::TooMany { retry_after_s: wait.seconds }
    }
}
