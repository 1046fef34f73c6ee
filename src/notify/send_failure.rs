//! Why a message did not get there, sorted by whether another attempt can help.

use std::time::Duration;

/// Longest text of a failure that is kept: enough for a server's answer, too little to fill the store.
const MAX_DETAIL_CHARS: usize = 500;

/// Why a message was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct SendFailure {
    /// What went wrong, for a person: what happened, the detail, what to do.
    pub detail: String,
    /// Whether the same message to the same address would be refused again (SMTP 5yz, RFC 5321 section 4.2.1; most HTTP 4xx).
    pub permanent: bool,
    /// How long the receiver asked to be left alone (HTTP `Retry-After`).
    pub retry_after: Option<Duration>,
}

impl SendFailure {
    /// Another attempt would fail as this one did.
    pub fn permanent(detail: impl AsRef<str>) -> Self {
        Self { detail: kept(detail.as_ref()), permanent: true, retry_after: None }
    }

    /// Another attempt may succeed.
    pub fn temporary(detail: impl AsRef<str>) -> Self {
        Self { detail: kept(detail.as_ref()), permanent: false, retry_after: None }
    }
}

fn kept(detail: &str) -> String {
    super::plain_text::one_line(detail, MAX_DETAIL_CHARS)
}

/// An error with its causes, which is where libraries say what really happened.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    // Chains are short; the bound is only against one that bites its own tail.
    for _ in 0..10 {
        let Some(next) = cause else { break };
        let said = next.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = next.source();
    }
    text
}
