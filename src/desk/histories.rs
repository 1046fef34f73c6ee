//! The histories of many tickets at once, for questions about all of them.

use futures::TryStreamExt;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Row, Sqlite, SqliteConnection};

use super::ticket_rows::{event_of, is_milestone, milestone_columns};
use super::{Desk, DeskError, Event};
use crate::store::WrittenConditions;

/// The decisions about the tickets of `shown`, in the order of tickets and time. Long texts stay where they are: what is asked of many
/// tickets is asked of when and what, not of the words.
macro_rules! decisions_of_shown {
    () => {
        concat!(
            "SELECT ticket, ",
            milestone_columns!(),
            " FROM shown JOIN ticket_events ON ticket = number WHERE ",
            is_milestone!(),
            " ORDER BY ticket, seq"
        )
    };
}

/// The decisions about open tickets.
const OPEN_DECISIONS: &str = concat!(
    "WITH shown AS (SELECT number FROM tickets INDEXED BY open_tickets WHERE state NOT IN ('resolved', 'closed') ORDER BY number DESC LIMIT ?1) ",
    decisions_of_shown!()
);

/// Open tickets and others. The plus sign keeps the others on the order of numbers, where it can stop early, instead of an index over states.
const OPEN: &str = "state NOT IN ('resolved', 'closed')";
const OTHERS: &str = "+state IN ('resolved', 'closed')";

impl Desk {
    /// Hands the decisions about each ticket to `take`, oldest first, a ticket after the other, without the texts of
    /// descriptions and comments. The tickets are, of those for which the conditions hold, the newest `limit` of the open ones and as many
    /// of the others. Gives whether there are more.
    pub async fn each_history(
        &self,
        which: &WrittenConditions,
        limit: i64,
        take: impl FnMut(i64, &[Event]) + Send,
    ) -> Result<bool, DeskError> {
        let (holds, most) = (&which.sql, which.next_parameter());
        let newest = |of| format!("SELECT * FROM (SELECT number FROM tickets WHERE {of} AND ({holds}) ORDER BY number DESC LIMIT ?{most})");
        let shown = format!("WITH shown AS ({} UNION ALL {}) {}", newest(OPEN), newest(OTHERS), decisions_of_shown!());
        let mut read = self.store.read().await?;
        each(which.bind(sqlx::query(sqlx::AssertSqlSafe(shown))).bind(limit), &mut read, take).await?;
        let more = |of| format!("(SELECT count(*) FROM (SELECT 1 FROM tickets WHERE {of} AND ({holds}) LIMIT ?{most} + 1)) > ?{most}");
        let has_more = format!("SELECT {} OR {}", more(OPEN), more(OTHERS));
        let row = which.bind(sqlx::query(sqlx::AssertSqlSafe(has_more))).bind(limit).fetch_one(&mut *read).await?;
        Ok(row.try_get(0)?)
    }

    /// The same for open tickets alone, the newest `limit` of them.
    pub async fn each_open_history(&self, limit: i64, take: impl FnMut(i64, &[Event]) + Send) -> Result<(), DeskError> {
        let mut read = self.store.read().await?;
        each(sqlx::query(OPEN_DECISIONS).bind(limit), &mut read, take).await
    }
}

async fn each(
    query: Query<'_, Sqlite, SqliteArguments>,
    read: &mut SqliteConnection,
    mut take: impl FnMut(i64, &[Event]) + Send,
) -> Result<(), DeskError> {
    let mut rows = query.fetch(read);
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
