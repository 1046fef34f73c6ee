//! What is sent as one message: a notice, or several that became a digest.

use sha2::{Digest, Sha256};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::{Notice, NotifyError, Urgency};
use crate::clock::TimestampUs;

/// Most parcels that are handed out at a time: some seconds' work for a mail server.
pub const MAX_PARCELS: usize = 200;

/// Most notices in one digest; what is over goes into the next. Nobody reads two hundred lines, but their number is told.
pub const MAX_IN_DIGEST: usize = 200;

/// The columns of a notice within a digest, where only the beginning of its text is shown.
const DIGEST_COLUMNS: &str = "id, created_at_us, ticket, person, channel, address, shape, secret, event, urgency, subject,
    substr(body, 1, 500) AS body, 'null' AS payload, due_at_us, attempts, first_failed_at_us, last_error, state, sent_at_us, digest_key";

/// Notices that go out together: all for one person, by one channel, to one address. Never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    /// The id that the message carries. The same notices always have the same, so that a receiver knows a double; and other
    /// notices have another, so that what is new is never taken for one.
    pub id: String,
    first: Notice,
    others: Vec<Notice>,
}

impl Parcel {
    /// `None` for no notices.
    pub(super) fn of(notices: Vec<Notice>) -> Option<Self> {
        let id = match notices.as_slice() {
            [single] => single.id.clone(),
            several => digest_id(several),
        };
        let mut notices = notices.into_iter();
        Some(Self { id, first: notices.next()?, others: notices.collect() })
    }

    /// The oldest notice; where it goes to is where all of them go to.
    pub fn first(&self) -> &Notice {
        &self.first
    }

    /// All of them, the oldest first.
    pub fn notices(&self) -> impl Iterator<Item = &Notice> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// The highest urgency among them.
    pub fn urgency(&self) -> Urgency {
        self.notices().map(|notice| notice.urgency).min().unwrap_or(self.first.urgency)
    }

    /// Attempts that failed so far.
    pub(super) fn attempts(&self) -> i64 {
        self.notices().map(|notice| notice.attempts).max().unwrap_or(0)
    }
}

/// A UUID of version 8 (RFC 9562 section 5.8) made of the SHA-256 of the notices' ids in alphabetical order.
fn digest_id(notices: &[Notice]) -> String {
    let mut ids: Vec<&str> = notices.iter().map(|notice| notice.id.as_str()).collect();
    ids.sort_unstable();
    let hash = Sha256::digest(ids.join("\n").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// What is to be sent at `now_us`: pages first, then by time; at most `limit` and [`MAX_PARCELS`].
///
/// Nothing is marked: whoever sends a parcel says what came of it with [`note_sent`](super::note_sent) or
/// [`note_failed`](super::note_failed). Who dies in between sends it again, with the same id. There must be one sender only.
pub async fn due(connection: &mut SqliteConnection, now_us: TimestampUs, limit: usize) -> Result<Vec<Parcel>, NotifyError> {
    let limit = limit.min(MAX_PARCELS);
    let mut parcels: Vec<Parcel> = Vec::new();
    let mut packed = std::collections::HashSet::new();
    for urgency in Urgency::ALL {
        for notice in due_of(connection, *urgency, now_us, limit).await? {
            if parcels.len() >= limit {
                return Ok(parcels);
            }
            if packed.contains(&notice.id) {
                continue;
            }
            let together = match notice.digest_key {
                None => vec![notice],
                Some(_) => digest_with(connection, notice, now_us, &packed).await?,
            };
            packed.extend(together.iter().map(|notice| notice.id.clone()));
            parcels.extend(Parcel::of(together));
        }
    }
    Ok(parcels)
}

async fn due_of(
    connection: &mut SqliteConnection,
    urgency: Urgency,
    now_us: TimestampUs,
    limit: usize,
) -> Result<Vec<Notice>, NotifyError> {
    let rows =
        sqlx::query("SELECT * FROM outbox WHERE state = 'waiting' AND urgency = ?1 AND due_at_us <= ?2 ORDER BY due_at_us, rowid LIMIT ?3")
            .bind(urgency.word())
            .bind(now_us)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(connection)
            .await?;
    notices(&rows)
}

/// A notice with all those that go out together with it. In the order of their making, so that a digest that is too long for
/// one message comes apart in the same way when it is sent again.
async fn digest_with(
    connection: &mut SqliteConnection,
    notice: Notice,
    now_us: TimestampUs,
    packed: &std::collections::HashSet<String>,
) -> Result<Vec<Notice>, NotifyError> {
    let sql = format!(
        "SELECT {DIGEST_COLUMNS} FROM outbox
         WHERE state = 'waiting' AND person = ?1 AND digest_key = ?2 AND channel = ?3 AND address = ?4 AND shape = ?5 AND secret IS ?6
             AND due_at_us <= ?7
         ORDER BY rowid LIMIT ?8"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&notice.person)
        .bind(&notice.digest_key)
        .bind(notice.channel.word())
        .bind(&notice.address)
        .bind(notice.shape.word())
        .bind(&notice.secret)
        .bind(now_us)
        .bind(i64::try_from(packed.len() + MAX_IN_DIGEST).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    let mut together = notices(&rows)?;
    together.retain(|other| !packed.contains(&other.id));
    together.truncate(MAX_IN_DIGEST);
    // Alone it is no digest, and is shown whole.
    Ok(if together.len() > 1 { together } else { vec![notice] })
}

fn notices(rows: &[SqliteRow]) -> Result<Vec<Notice>, NotifyError> {
    Ok(rows.iter().map(Notice::of_row).collect::<Result<_, _>>()?)
}
