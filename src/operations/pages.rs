//! The table `pages`: every call of a person, at what hour of their own clock it came, and who answered it when.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::computed_views::{integers, moments, narrowed, texts};
use super::{OperationsError, Register, Setup};
use crate::clock::TimestampUs;
use crate::query::{RelationalView, ViewError};
use crate::store::{Store, ViewColumn, ViewScan, view_schema};

/// Events that are looked through for calls, the newest: they are found by time, and ten years of them would be read in vain.
const MAX_EVENTS: i64 = 500_000;

/// Calls that are shown, the newest.
const MAX_PAGES: i64 = 20_000;

/// A call is answered by the next sign that somebody takes care: an acknowledgement, a person who begins to work on the
/// ticket or puts it on hold, or who takes it for themselves. Those are also what ends the calls.
///
/// `holds` are conditions on the calls; the parameters after theirs are how many events are looked through, and how many calls are shown.
fn pages_sql(holds: &str, events: usize, pages: usize) -> String {
    format!(
        "SELECT paged.ticket, paged.at_us, paged.detail ->> '$.person' AS person, paged.detail ->> '$.level' AS level,
        paged.detail ->> '$.page' AS page, answer.at_us AS answered_at_us,
        coalesce(CASE answer.kind WHEN 'acknowledged' THEN answer.detail ->> '$.by' END,
            CASE WHEN answer.actor LIKE 'user %' THEN substr(answer.actor, 6) ELSE answer.actor END) AS answered_by
    FROM (SELECT * FROM ticket_events WHERE {holds} ORDER BY at_us DESC LIMIT ?{events}) AS paged
    LEFT JOIN ticket_events AS answer ON answer.ticket = paged.ticket AND answer.seq = (
        SELECT min(later.seq) FROM ticket_events AS later
        WHERE later.ticket = paged.ticket AND later.seq > paged.seq AND (later.kind = 'acknowledged'
            OR (later.kind = 'moved' AND later.origin <> 'scheduler' AND later.detail ->> '$.to' IN ('in_progress', 'on_hold'))
            OR (later.kind = 'assigned' AND later.actor = 'user ' || (later.detail ->> '$.to'))))
    WHERE paged.kind = 'paged'
    ORDER BY paged.at_us DESC, paged.ticket DESC, paged.seq DESC
    LIMIT ?{pages}"
    )
}

const COLUMNS: &[ViewColumn] = &[
    ViewColumn::integer("ticket", "number of the ticket"),
    ViewColumn::text("page", "identity of the call; the message carried it"),
    ViewColumn::text("person", "who was called"),
    ViewColumn::integer("level", "step of the escalation policy, from 1"),
    ViewColumn::timestamp("at", "when"),
    ViewColumn::text("time_zone", "where the person's clock stands; UTC for one who is no longer known"),
    ViewColumn::integer("local_hour", "hour of that clock at the call, 0 to 23"),
    ViewColumn::timestamp("answered_at", "when somebody took care of the ticket after the call; null if nobody did"),
    ViewColumn::text("answered_by", "who that was"),
];

/// What of it stands in the events themselves, so that they are looked for by it.
fn in_events(column: usize) -> Option<&'static str> {
    match COLUMNS.get(column)?.name {
        "ticket" => Some("ticket"),
        "at" => Some("at_us"),
        _ => None,
    }
}

/// The newest calls.
#[derive(Debug)]
pub(super) struct PagesView {
    pub(super) store: Store,
    pub(super) register: Arc<Register>,
}

struct Page {
    ticket: i64,
    page: String,
    person: String,
    level: i64,
    at_us: TimestampUs,
    time_zone: String,
    local_hour: Option<i64>,
    answered_at_us: Option<TimestampUs>,
    answered_by: Option<String>,
}

#[async_trait]
impl RelationalView for PagesView {
    fn name(&self) -> &str {
        "pages"
    }

    fn schema(&self) -> SchemaRef {
        view_schema(COLUMNS)
    }

    async fn load(&self) -> Result<(RecordBatch, bool), ViewError> {
        self.rows(&ViewScan::default()).await
    }

    async fn load_scan(&self, scan: &ViewScan) -> Result<Option<(RecordBatch, bool)>, ViewError> {
        narrowed(self.rows(scan).await?, scan)
    }
}

impl PagesView {
    /// All columns of the calls that a query asks for.
    async fn rows(&self, scan: &ViewScan) -> Result<(RecordBatch, bool), ViewError> {
        let (rows, is_cut) = self.pages(scan).await.map_err(|error| ViewError(error.to_string()))?;
        let columns = vec![
            integers(&rows, |row| Some(row.ticket)),
            texts(&rows, |row| Some(&row.page)),
            texts(&rows, |row| Some(&row.person)),
            integers(&rows, |row| Some(row.level)),
            moments(&rows, |row| Some(row.at_us)),
            texts(&rows, |row| Some(&row.time_zone)),
            integers(&rows, |row| row.local_hour),
            moments(&rows, |row| row.answered_at_us),
            texts(&rows, |row| row.answered_by.as_deref()),
        ];
        let batch = RecordBatch::try_new(self.schema(), columns).map_err(|error| ViewError(error.to_string()))?;
        Ok((batch, is_cut))
    }

    /// The calls, and whether there are more.
    async fn pages(&self, scan: &ViewScan) -> Result<(Vec<Page>, bool), OperationsError> {
        let which = scan.written(1, in_events);
        let (holds, most) = (&which.sql, which.next_parameter());
        let sql = pages_sql(holds, most, most + 1);
        let mut read = self.store.read().await?;
        let rows = which.bind(sqlx::query(sqlx::AssertSqlSafe(sql))).bind(MAX_EVENTS).bind(MAX_PAGES).fetch_all(&mut *read).await?;
        let more = format!("SELECT count(*) > ?{most} FROM (SELECT 1 FROM ticket_events WHERE {holds} LIMIT ?{most} + 1)");
        let more_events: bool =
            which.bind(sqlx::query(sqlx::AssertSqlSafe(more))).bind(MAX_EVENTS).fetch_one(&mut *read).await?.try_get(0)?;
        let mut clocks = WallClocks { setup: self.register.setup(), known: HashMap::new() };
        let is_cut = more_events || rows.len() as i64 >= MAX_PAGES;
        Ok((rows.iter().map(|row| page_of(row, &mut clocks)).collect::<Result<_, _>>()?, is_cut))
    }
}

fn page_of(row: &SqliteRow, clocks: &mut WallClocks) -> Result<Page, OperationsError> {
    let person: String = row.try_get("person")?;
    let at_us = row.try_get("at_us")?;
    let (time_zone, zone) = clocks.of(&person);
    let local = Timestamp::from_microsecond(at_us).ok().map(|at| zone.to_datetime(at));
    Ok(Page {
        ticket: row.try_get("ticket")?,
        page: row.try_get("page")?,
        level: row.try_get("level")?,
        at_us,
        time_zone: time_zone.clone(),
        local_hour: local.map(|local| i64::from(local.hour())),
        answered_at_us: row.try_get("answered_at_us")?,
        answered_by: row.try_get("answered_by")?,
        person,
    })
}

/// Where the clocks of people stand. Each zone is looked up once: the same few people are called again and again.
struct WallClocks {
    setup: Arc<Setup>,
    known: HashMap<String, (String, TimeZone)>,
}

impl WallClocks {
    fn of(&mut self, person: &str) -> &(String, TimeZone) {
        let setup = &self.setup;
        self.known.entry(person.to_owned()).or_insert_with(|| {
            let name = setup.users.get(person).map_or("UTC", |user| user.time_zone.as_str());
            TimeZone::get(name).map_or_else(|_| ("UTC".to_owned(), TimeZone::UTC), |zone| (name.to_owned(), zone))
        })
    }
}
