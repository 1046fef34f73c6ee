//! A notice, as it is put into the outbox and as it stands there.

use serde::Serialize;
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Channel, EventKind, NoticeState, Shape, Urgency};
use crate::clock::TimestampUs;
use crate::store::StoreError;

/// What is to be told to somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNotice {
    /// The ticket that it is about.
    pub ticket: Option<i64>,
    /// Whom it is for: the name of a user.
    pub person: String,
    /// What happened.
    pub event: EventKind,
    /// How urgent it is.
    pub urgency: Urgency,
    /// One line, such as `[#42] Disk full on db01`. Begin it alike for all notices of a ticket: mail programs put messages
    /// with different subjects into different threads.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// For programs that receive it; goes out in [`Shape::Generic`] webhooks as it is. Anything JSON; [`Value::Null`]: nothing.
    pub payload: Value,
}

/// A notice in the outbox.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Notice {
    /// Random UUID.
    pub id: String,
    /// When it was put there.
    pub created_at_us: TimestampUs,
    /// The ticket that it is about.
    pub ticket: Option<i64>,
    /// Whom it is for.
    pub person: String,
    /// By which way.
    pub channel: Channel,
    /// Where to. Of a webhook it may be a secret: show it to the person and to administrators only.
    pub address: String,
    /// Of a webhook: in which form.
    pub shape: Shape,
    /// Of a webhook: name of the secret that signs it.
    pub secret: Option<String>,
    /// What happened.
    pub event: EventKind,
    /// How urgent it is.
    pub urgency: Urgency,
    /// One line.
    pub subject: String,
    /// Plain text. In a digest only its beginning.
    pub body: String,
    /// For programs. In a digest it is null.
    pub payload: Value,
    /// When it goes out, or is tried again.
    pub due_at_us: TimestampUs,
    /// Attempts that failed.
    pub attempts: i64,
    /// When the first of them did.
    pub first_failed_at_us: Option<TimestampUs>,
    /// Why the last of them did.
    pub last_error: Option<String>,
    /// What became of it.
    pub state: NoticeState,
    /// When its receiver took it.
    pub sent_at_us: Option<TimestampUs>,
    /// Notices to the same person and address with the same key become one message.
    pub digest_key: Option<String>,
}

impl Notice {
    pub(super) fn of_row(row: &SqliteRow) -> Result<Self, StoreError> {
        let payload: &str = row.try_get("payload")?;
        Ok(Self {
            id: row.try_get("id")?,
            created_at_us: row.try_get("created_at_us")?,
            ticket: row.try_get("ticket")?,
            person: row.try_get("person")?,
            channel: word(row, "channel")?,
            address: row.try_get("address")?,
            shape: word(row, "shape")?,
            secret: row.try_get("secret")?,
            event: word(row, "event")?,
            urgency: word(row, "urgency")?,
            subject: row.try_get("subject")?,
            body: row.try_get("body")?,
            payload: serde_json::from_str(payload).map_err(|error| StoreError::Unreadable(format!("payload of a notice: {error}")))?,
            due_at_us: row.try_get("due_at_us")?,
            attempts: row.try_get("attempts")?,
            first_failed_at_us: row.try_get("first_failed_at_us")?,
            last_error: row.try_get("last_error")?,
            state: word(row, "state")?,
            sent_at_us: row.try_get("sent_at_us")?,
            digest_key: row.try_get("digest_key")?,
        })
    }
}

fn word<T: std::str::FromStr<Err = String>>(row: &SqliteRow, column: &str) -> Result<T, StoreError> {
    row.try_get::<&str, _>(column)?.parse().map_err(StoreError::Unreadable)
}

/// An entry of the delivery log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The notice.
    pub notice: String,
    /// The id that the message carried: the notice's own, or its digest's.
    pub message: String,
    /// When.
    pub at_us: TimestampUs,
    /// Which attempt, from 1; 0 for what was cancelled before any.
    pub attempt: i64,
    /// `sent`, `postponed`, `failed` or `cancelled`.
    pub outcome: String,
    /// What the receiver answered, or why it failed.
    pub detail: String,
}

impl Delivery {
    pub(super) fn of_row(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            notice: row.try_get("notice")?,
            message: row.try_get("message")?,
            at_us: row.try_get("at_us")?,
            attempt: row.try_get("attempt")?,
            outcome: row.try_get("outcome")?,
            detail: row.try_get("detail")?,
        })
    }
}
