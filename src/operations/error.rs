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

impl OperationsError {
    /// Whether the same may work later: the disk is full, somebody else writes.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Desk(DeskError::Store(error)) | Self::Notify(NotifyError::Store(error)) | Self::Store(error) => {
                !matches!(error, StoreError::Unreadable(_))
            }
            Self::Desk(_) | Self::Notify(_) | Self::Unreadable(_) => false,
        }
    }
}

impl From<sqlx::Error> for OperationsError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
