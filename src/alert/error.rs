//! What is wrong with what was sent.

use crate::document::{Complaint, in_words};

/// Complaints kept of one message: enough to see the pattern.
pub(super) const MAX_COMPLAINTS: usize = 20;

/// Why nothing of a message was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlertError {
    /// It is too large; nothing was read.
    #[error(
        "the message has {bytes} bytes, more than the {limit} that are read at once; send fewer alerts or shorter texts in one message"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size that is read.
        limit: usize,
    },
    /// It is not JSON, or not of the shape that it should have.
    #[error("the message does not read as {wanted}: {detail}")]
    Shape {
        /// What was expected.
        wanted: &'static str,
        /// What the JSON reader says, with line and column.
        detail: String,
    },
    /// It reads, and says what it may not say.
    #[error("the message is not {wanted}: {}", in_words(.complaints))]
    Invalid {
        /// What was expected.
        wanted: &'static str,
        /// Everything that is wrong with it.
        complaints: Vec<Complaint>,
    },
}

impl AlertError {
    pub(super) fn shape(wanted: &'static str, error: &serde_json::Error) -> Self {
        Self::Shape { wanted, detail: error.to_string() }
    }
}

/// Refuses a message that is too large before anything of it is read.
pub(super) fn check_size(body: &[u8], limit: usize) -> Result<(), AlertError> {
    if body.len() > limit {
        return Err(AlertError::TooLarge { bytes: body.len(), limit });
    }
    Ok(())
}
