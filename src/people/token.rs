//! A bearer token: `wr_<id>_<secret>`.

use std::fmt;
use std::str::FromStr;

use super::secret::{NoRandomness, Secret};
use super::{Scope, Scopes};
use crate::clock::TimestampUs;
use crate::store::StoreError;

/// Marks our tokens, so that scanners for leaked secrets find them.
pub(super) const TOKEN_PREFIX: &str = "wr_";

/// What is known of a token. Its secret is not.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Token {
    /// The middle part of the token.
    pub id: String,
    /// What it is for, in words.
    pub name: String,
    /// What it allows.
    pub scopes: Scopes,
    /// Whose it is; `None`: the installation's own. A person's token allows no more than the person: whoever opens the door
    /// for it sees that its owner is enabled, and cuts its scopes with [`Scopes::clamp`] to the owner's present role.
    pub owner: Option<String>,
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

/// A place in a list of tokens, as text `0-1795363200000000-3f9c0a1b2d4e`: whether the one there is revoked, when it was made, its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPlace {
    /// It stands among those that are revoked, at the end.
    pub(super) is_revoked: bool,
    /// When it was made.
    pub(super) created_at_us: TimestampUs,
    /// Which one, of those made at that moment.
    pub(super) id: String,
}

impl TokenPlace {
    /// Where a token stands.
    pub fn of(token: &Token) -> Self {
        Self { is_revoked: token.revoked_at_us.is_some(), created_at_us: token.created_at_us, id: token.id.clone() }
    }
}

impl fmt::Display for TokenPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", u8::from(self.is_revoked), self.created_at_us, self.id)
    }
}

impl FromStr for TokenPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no place in a list of tokens; send `next` of the page before");
        let (is_revoked, rest) = text.split_once('-').ok_or_else(wrong)?;
        let (created_at_us, id) = rest.split_once('-').ok_or_else(wrong)?;
        let is_revoked = match is_revoked {
            "0" => false,
            "1" => true,
            _ => return Err(wrong()),
        };
        Ok(Self { is_revoked, created_at_us: created_at_us.parse().map_err(|_| wrong())?, id: id.to_owned() })
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
    /// There is no chance to make it from.
    #[error("the token cannot be made: {0}")]
    NoRandomness(#[from] NoRandomness),
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
        let text = secret.text(TOKEN_PREFIX, &token.id);
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
