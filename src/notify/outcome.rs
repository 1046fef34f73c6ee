//! Noting what came of a message.

use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use super::back_off::{Next, after_failure};
use super::plain_text::one_line;
use super::{NotifyError, Parcel, SendFailure};
use crate::clock::TimestampUs;

/// Longest answer of a receiver that is kept.
const MAX_ANSWER_CHARS: usize = 500;

/// Notes that a parcel's receiver has taken it. To be called after the receiver's acceptance and never before: a crash in
/// between sends it twice, and the other way round it would be lost.
pub async fn note_sent(connection: &mut SqliteConnection, parcel: &Parcel, answer: &str, now_us: TimestampUs) -> Result<(), NotifyError> {
    let mut all = connection.begin().await?;
    let answer = one_line(answer, MAX_ANSWER_CHARS);
    for notice in parcel.notices() {
        // What was cancelled while it was on its way was delivered all the same.
        sqlx::query("UPDATE outbox SET state = 'sent', sent_at_us = ?2 WHERE id = ?1 AND state <> 'sent'")
            .bind(&notice.id)
            .bind(now_us)
            .execute(&mut *all)
            .await?;
        log(&mut all, &notice.id, parcel, now_us, "sent", &answer).await?;
    }
    Ok(all.commit().await?)
}

/// Notes that a parcel was not taken, and says what is next: it is tried again at a later time, or it was given up.
///
/// **A page that is given up reaches nobody by this way**: whoever calls this goes on to the next step of the escalation
/// when the answer is [`Next::GiveUp`] and [`Parcel::urgency`] is [`Urgency::Page`](super::Urgency::Page).
pub async fn note_failed(
    connection: &mut SqliteConnection,
    parcel: &Parcel,
    failure: &SendFailure,
    now_us: TimestampUs,
) -> Result<Next, NotifyError> {
    let first_failed_at_us = parcel.notices().filter_map(|notice| notice.first_failed_at_us).min().unwrap_or(now_us);
    let attempts = parcel.attempts().saturating_add(1);
    let next = match failure.permanent {
        true => Next::GiveUp,
        false => after_failure(&parcel.id, parcel.urgency(), attempts, first_failed_at_us, now_us, failure.retry_after),
    };
    let (state, due_at_us, outcome) = match next {
        Next::TryAt(at_us) => ("waiting", Some(at_us), "postponed"),
        Next::GiveUp => ("failed", None, "failed"),
    };
    let mut all = connection.begin().await?;
    for notice in parcel.notices() {
        // What was cancelled in the meantime stays so; the attempt is logged either way.
        sqlx::query(
            "UPDATE outbox SET state = ?2, due_at_us = coalesce(?3, due_at_us), attempts = ?4, last_error = ?5,
                 first_failed_at_us = coalesce(first_failed_at_us, ?6)
             WHERE id = ?1 AND state = 'waiting'",
        )
        .bind(&notice.id)
        .bind(state)
        .bind(due_at_us)
        .bind(attempts)
        .bind(&failure.detail)
        .bind(now_us)
        .execute(&mut *all)
        .await?;
        log(&mut all, &notice.id, parcel, now_us, outcome, &failure.detail).await?;
    }
    all.commit().await?;
    Ok(next)
}

async fn log(
    connection: &mut SqliteConnection,
    notice: &str,
    parcel: &Parcel,
    now_us: TimestampUs,
    outcome: &str,
    detail: &str,
) -> Result<(), NotifyError> {
    sqlx::query("INSERT INTO deliveries (notice, message, at_us, attempt, outcome, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .bind(notice)
        .bind(&parcel.id)
        .bind(now_us)
        .bind(parcel.attempts().saturating_add(1))
        .bind(outcome)
        .bind(detail)
        .execute(connection)
        .await?;
    Ok(())
}
