//! A session: what a login opens. Its secret is `ws_<id>_<secret>`, made like a token's.

use std::fmt;

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::secret::Secret;
use crate::clock::{DAY_US, HOUR_US, SECOND_US, TimestampUs};
use crate::store::StoreError;

/// Marks the secrets of sessions, so that scanners for leaked secrets find them and nobody takes one for a token.
pub(super) const SESSION_PREFIX: &str = "ws_";

/// A session ends when it was not used for this long: a working day and its breaks, and not the night. Because the last use is
/// written every five minutes only, it may be so much less.
pub(super) const IDLE_US: i64 = 12 * HOUR_US;

/// A session ends after this long however much it is used: a stolen one is worthless after a week, and a person logs in once
/// in a week's work.
pub(super) const LIFE_US: i64 = 7 * DAY_US;

/// The last use is written at most this often, so that a page that asks every second does not cost a disk sync a request.
pub(super) const NOTE_USE_EVERY_US: i64 = 300 * SECOND_US;

/// What is known of a session. Its secret is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// The middle part of its secret.
    pub id: String,
    /// Who logged in.
    pub user: String,
    /// From where.
    pub origin: String,
    /// When.
    pub created_at_us: TimestampUs,
    /// When it ends however much it is used: 7 days later.
    pub expires_at_us: TimestampUs,
    /// When it was last used, to within five minutes. 12 hours later it ends.
    pub last_used_at_us: TimestampUs,
}

impl Session {
    pub(super) fn of_row(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.try_get("id")?,
            user: row.try_get("user")?,
            origin: row.try_get("origin")?,
            created_at_us: row.try_get("created_at_us")?,
            expires_at_us: row.try_get("expires_at_us")?,
            last_used_at_us: row.try_get("last_used_at_us")?,
        })
    }

    /// Whether it has ended by itself.
    pub(super) fn is_over(&self, now_us: TimestampUs) -> bool {
        self.expires_at_us <= now_us || now_us.saturating_sub(self.last_used_at_us) >= IDLE_US
    }
}

/// A session that was just opened: the only moment at which its secret is known.
pub struct NewSession {
    /// What the store keeps.
    pub session: Session,
    text: String,
}

impl NewSession {
    pub(super) fn new(session: Session, secret: &Secret) -> Self {
        let text = secret.text(SESSION_PREFIX, &session.id);
        Self { session, text }
    }

    /// The whole secret, for the person's browser or program and for nobody else.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for NewSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession").field("session", &self.session).finish_non_exhaustive()
    }
}
