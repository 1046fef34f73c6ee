//! Why the outbox refused, or a document is wrong.

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
    #[error("{what} cannot be set up: {}", complaints_in_words(.complaints))]
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

/// Something wrong in a document that people write.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Complaint {
    /// Path of the field, such as `rules[2].from`.
    pub field: String,
    /// What is wrong and what to write instead.
    pub why: String,
}

impl Complaint {
    /// A complaint about a field.
    pub fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self { field: field.into(), why: why.into() }
    }
}

fn complaints_in_words(complaints: &[Complaint]) -> String {
    complaints.iter().map(|one| format!("`{}`: {}", one.field, one.why)).collect::<Vec<_>>().join("; ")
}
