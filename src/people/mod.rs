//! People and programs, and what they may do.
//!
//! So far: bearer tokens. [`Tokens`] makes, checks, lists and revokes them.
//!
//! Invariants:
//! * A secret is shown once, when it is made. The store keeps its SHA-256; logs, errors and `Debug` never hold it.
//! * A token that is revoked or expired is refused from that moment: nothing is cached.
//! * Nobody gives a token more than their own: only `admin` may make tokens, and `admin` includes every scope.

mod scope;
mod token;
mod tokens;

pub use scope::{Scope, Scopes};
pub use token::{NewToken, Token, TokenError};
pub use tokens::Tokens;
