//! What PagerDuty's Events API v2 answers, so that its clients see what they know.

use serde::{Deserialize, Serialize};

use super::AlertError;
use super::error::MAX_COMPLAINTS;

/// The body of the answer: 202 for an event that was taken, 400 for one that was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagerDutyAnswer {
    /// `success` or `invalid event`.
    pub status: String,
    /// What happened.
    pub message: String,
    /// The event's key: its own, or the one that it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup_key: Option<String>,
    /// What is wrong, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

impl PagerDutyAnswer {
    /// The event was taken; with status 202.
    pub fn processed(dedup_key: &str) -> Self {
        Self {
            status: "success".to_owned(),
            message: "Event processed".to_owned(),
            dedup_key: Some(dedup_key.to_owned()),
            errors: Vec::new(),
        }
    }

    /// The event was not taken; with status 400 (413 for [`AlertError::TooLarge`]).
    pub fn refused(error: &AlertError) -> Self {
        let errors = match error {
            AlertError::Invalid { complaints, .. } => complaints.iter().take(MAX_COMPLAINTS).map(ToString::to_string).collect(),
            other => vec![other.to_string()],
        };
        Self { status: "invalid event".to_owned(), message: "Event object is invalid".to_owned(), dedup_key: None, errors }
    }

    /// No integration has this routing key; with status 400, which is what PagerDuty's clients take as final.
    pub fn unknown_routing_key() -> Self {
        let why = "`routing_key` is not one of this server's; send the key of an integration of the desk";
        Self {
            status: "invalid event".to_owned(),
            message: "Event object is invalid".to_owned(),
            dedup_key: None,
            errors: vec![why.to_owned()],
        }
    }
}
