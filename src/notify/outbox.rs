//! Putting notices into the outbox, taking them out again, and looking at them.
//!
//! All of it works on a connection of the caller's, so that notices are written in the transaction that takes their event off the
//! feed.

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};

use super::plain_text::{one_line, printable};
use super::preferences::MAX_ADDRESS_CHARS;
use super::{Delivery, NewNotice, Notice, NotifyError, Planned, Urgency};
use crate::clock::TimestampUs;

/// Longest subject. RFC 5322 section 2.1.1 wants lines under 998 characters; nobody reads more than this of a title.
const MAX_SUBJECT_CHARS: usize = 300;

/// Longest text: ten pages. What is longer is read in the ticket.
const MAX_BODY_CHARS: usize = 20_000;

/// Longest payload; receivers of webhooks tend to refuse more than some hundred kilobytes.
const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// Longest name of a person.
const MAX_PERSON_CHARS: usize = 200;

/// Most notices and log entries that are read at a time.
pub const MAX_LISTED: i64 = 1_000;

/// Puts a notice into the outbox; it goes out when `planned` says. Returns its id.
///
/// A subject or text that is too long is cut, and a payload of more than 64 KiB becomes null: a notice must never be the
/// reason that a ticket's event is not stored.
///
/// # Errors
/// [`NotifyError::Invalid`] for a person or an address that is empty or far too long.
pub async fn enqueue(
    connection: &mut SqliteConnection,
    notice: &NewNotice,
    planned: &Planned,
    now_us: TimestampUs,
) -> Result<String, NotifyError> {
    for (field, text, most) in [("person", &notice.person, MAX_PERSON_CHARS), ("address", &planned.address, MAX_ADDRESS_CHARS)] {
        if text.is_empty() || text.chars().nth(most).is_some() {
            return Err(NotifyError::Invalid { field, why: format!("must have 1 to {most} characters") });
        }
    }
    let id = uuid::Uuid::new_v4().to_string();
    let payload = Some(notice.payload.to_string()).filter(|text| text.len() <= MAX_PAYLOAD_BYTES).unwrap_or_else(|| "null".to_owned());
    sqlx::query(
        "INSERT INTO outbox (id, created_at_us, ticket, person, channel, address, shape, secret, event, urgency, subject, body, payload,
             due_at_us, digest_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )
    .bind(&id)
    .bind(now_us)
    .bind(notice.ticket)
    .bind(&notice.person)
    .bind(planned.channel.word())
    .bind(&planned.address)
    .bind(planned.shape.word())
    .bind(&planned.secret)
    .bind(notice.event.word())
    .bind(notice.urgency.word())
    .bind(one_line(&notice.subject, MAX_SUBJECT_CHARS))
    .bind(printable(&notice.body, MAX_BODY_CHARS))
    .bind(payload)
    .bind(planned.due_at_us)
    .bind(&planned.digest_key)
    .execute(connection)
    .await?;
    Ok(id)
}

/// Cancels what still waits of a ticket: all of it, or that of one urgency (an acknowledgement cancels the pages). Returns
/// how many. A message that is on its way at this moment arrives all the same, and is then noted as sent.
pub async fn cancel_for_ticket(
    connection: &mut SqliteConnection,
    ticket: i64,
    urgency: Option<Urgency>,
    why: &str,
    now_us: TimestampUs,
) -> Result<u64, NotifyError> {
    // Both statements or none, also for a caller without a transaction.
    let mut both = connection.begin().await?;
    sqlx::query(
        "INSERT INTO deliveries (notice, message, at_us, attempt, outcome, detail)
         SELECT id, id, ?3, attempts, 'cancelled', ?4 FROM outbox
         WHERE ticket = ?1 AND state = 'waiting' AND (?2 IS NULL OR urgency = ?2)",
    )
    .bind(ticket)
    .bind(urgency.map(Urgency::word))
    .bind(now_us)
    .bind(one_line(why, MAX_SUBJECT_CHARS))
    .execute(&mut *both)
    .await?;
    let done =
        sqlx::query("UPDATE outbox SET state = 'cancelled' WHERE ticket = ?1 AND state = 'waiting' AND (?2 IS NULL OR urgency = ?2)")
            .bind(ticket)
            .bind(urgency.map(Urgency::word))
            .execute(&mut *both)
            .await?;
    both.commit().await?;
    Ok(done.rows_affected())
}

/// Sends a notice that was given up once more, at `now_us`; false, if there is none of that id that was given up.
pub async fn try_again(connection: &mut SqliteConnection, id: &str, now_us: TimestampUs) -> Result<bool, NotifyError> {
    let done = sqlx::query(
        "UPDATE outbox SET state = 'waiting', due_at_us = ?2, attempts = 0, first_failed_at_us = NULL WHERE id = ?1 AND state = 'failed'",
    )
    .bind(id)
    .bind(now_us)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// When the next notice is due, so that the sender can sleep until then; `None`: nothing waits.
pub async fn next_due_us(connection: &mut SqliteConnection) -> Result<Option<TimestampUs>, NotifyError> {
    let mut next = None;
    for urgency in Urgency::ALL {
        let row = sqlx::query("SELECT min(due_at_us) AS due FROM outbox WHERE state = 'waiting' AND urgency = ?1")
            .bind(urgency.word())
            .fetch_one(&mut *connection)
            .await?;
        let due: Option<TimestampUs> = row.try_get("due")?;
        next = next.into_iter().chain(due).min();
    }
    Ok(next)
}

/// The notice of an id.
pub async fn notice(connection: &mut SqliteConnection, id: &str) -> Result<Option<Notice>, NotifyError> {
    let row = sqlx::query("SELECT * FROM outbox WHERE id = ?1").bind(id).fetch_optional(connection).await?;
    Ok(row.as_ref().map(Notice::of_row).transpose()?)
}

/// The notices of a ticket before one (`None`: all), the newest first; at most `limit` and [`MAX_LISTED`].
pub async fn notices_of_ticket(
    connection: &mut SqliteConnection,
    ticket: i64,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Notice>, NotifyError> {
    let sql = "SELECT * FROM outbox WHERE ticket = ?1 AND (?2 IS NULL OR rowid < (SELECT rowid FROM outbox WHERE id = ?2))
        ORDER BY rowid DESC LIMIT ?3";
    let rows = sqlx::query(sql).bind(ticket).bind(before).bind(limit.clamp(0, MAX_LISTED)).fetch_all(connection).await?;
    Ok(rows.iter().map(Notice::of_row).collect::<Result<_, _>>()?)
}

/// What the delivery log says of a notice, in the order of time; at most the first [`MAX_LISTED`] entries.
pub async fn deliveries_of(connection: &mut SqliteConnection, notice: &str) -> Result<Vec<Delivery>, NotifyError> {
    let rows = sqlx::query("SELECT * FROM deliveries WHERE notice = ?1 ORDER BY id LIMIT ?2")
        .bind(notice)
        .bind(MAX_LISTED)
        .fetch_all(connection)
        .await?;
    Ok(rows.iter().map(Delivery::of_row).collect::<Result<_, _>>()?)
}
