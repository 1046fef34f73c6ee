//! Why the outbox refused, or a sender was not set up.

use crate::document::{Complaint, in_words};
use crate::store::StoreError;

/// Why the outbox was not read or changed. Whatever failed, nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// A field holds what it may not hold.
    #[error("the notice cannot be put into the outbox: `{field}` {why}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it and what to write instead.
        why: String,
    },
    /// A sender was set up with a configuration that cannot work.
    #[error("{what} cannot be set up: {}", in_words(.complaints))]
    Configuration {
        /// The sender.
        what: &'static str,
        /// Everything that is wrong.
        complaints: Vec<Complaint>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for NotifyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
