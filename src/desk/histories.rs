//! The histories of many tickets at once, for questions about all of them.

use futures::TryStreamExt;
use sqlx::Row;

use super::ticket_rows::{event_of, is_milestone, milestone_columns};
use super::{Desk, DeskError, Event};

/// The decisions about tickets, in the order of tickets and time. Long texts stay where they are: what is asked of many
/// tickets is asked of when and what, not of the words. The plus sign keeps the second half on the order of numbers, where it
/// can stop early, instead of an index over states.
const DECISIONS: &str = concat!(
    "WITH shown AS (
        SELECT * FROM (SELECT number FROM tickets WHERE state NOT IN ('resolved', 'closed') ORDER BY number DESC LIMIT ?1)
        UNION ALL
        SELECT * FROM (SELECT number FROM tickets WHERE +state IN ('resolved', 'closed') ORDER BY number DESC LIMIT ?1))
    SELECT ticket, ",
    milestone_columns!(),
    " FROM shown JOIN ticket_events ON ticket = number WHERE ",
    is_milestone!(),
    " ORDER BY ticket, seq"
);

/// Whether there are more of either kind than are shown.
const HAS_MORE: &str = "SELECT
    (SELECT count(*) FROM (SELECT 1 FROM tickets INDEXED BY open_tickets WHERE state NOT IN ('resolved', 'closed') LIMIT ?1 + 1)) > ?1
    OR (SELECT count(*) FROM (SELECT 1 FROM tickets WHERE +state IN ('resolved', 'closed') LIMIT ?1 + 1)) > ?1";

/// The same of open tickets alone.
const OPEN_DECISIONS: &str = concat!(
    "WITH shown AS (SELECT number FROM tickets INDEXED BY open_tickets WHERE state NOT IN ('resolved', 'closed') ORDER BY number DESC LIMIT ?1)
    SELECT ticket, ",
    milestone_columns!(),
    " FROM shown JOIN ticket_events ON ticket = number WHERE ",
    is_milestone!(),
    " ORDER BY ticket, seq"
);

impl Desk {
    /// Hands the decisions about each ticket to `take`, oldest first, a ticket after the other, without the texts of
    /// descriptions and comments. The tickets are the newest `limit` of the open ones and as many of the others. Gives whether there are
    /// more.
    pub async fn each_history(&self, limit: i64, take: impl FnMut(i64, &[Event]) + Send) -> Result<bool, DeskError> {
        self.each(DECISIONS, limit, take).await?;
        let mut read = self.store.read().await?;
        Ok(sqlx::query_scalar(HAS_MORE).bind(limit).fetch_one(&mut *read).await?)
    }

    /// The same for open tickets alone, the newest `limit` of them.
    pub async fn each_open_history(&self, limit: i64, take: impl FnMut(i64, &[Event]) + Send) -> Result<(), DeskError> {
        self.each(OPEN_DECISIONS, limit, take).await
    }

    async fn each(&self, sql: &'static str, limit: i64, mut take: impl FnMut(i64, &[Event]) + Send) -> Result<(), DeskError> {
        let mut read = self.store.read().await?;
        let mut rows = sqlx::query(sql).bind(limit).fetch(&mut *read);
        let (mut number, mut history) = (0, Vec::new());
        while let Some(row) = rows.try_next().await? {
            let ticket: i64 = row.try_get("ticket")?;
            if ticket != number && !history.is_empty() {
                take(number, &history);
                history.clear();
            }
            number = ticket;
            history.push(event_of(&row)?);
        }
        if !history.is_empty() {
            take(number, &history);
        }
        Ok(())
    }
}
