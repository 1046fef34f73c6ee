//! Why a round of the desk's work failed. Nothing of the round was stored; the next one does it again.

use crate::desk::DeskError;
use crate::notify::NotifyError;
use crate::store::StoreError;

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum OperationsError {
    /// A ticket could not be read or changed.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The outbox refused.
    #[error(transparent)]
    Notify(#[from] NotifyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored state of another program version.
    #[error("a stored state cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

impl From<sqlx::Error> for OperationsError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
