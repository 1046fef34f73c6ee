//! How resources stood when they were last judged, in the store.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::judging::{Standing, date_of, day_of};
use super::proposal_rows::{IS_LEFT_ALONE, REST_US};
use crate::clock::{DAY_US, TimestampUs};
use crate::store::StoreError;

/// Standings read at once at most: a page of the API, and one more to see whether another follows.
const MOST_AT_ONCE: u32 = 1_001;

/// Which standings are asked for.
#[derive(Debug, Clone, Default)]
pub struct StandingFilter {
    /// Resources of this kind.
    pub kind: Option<String>,
    /// Those that stand so.
    pub status: Option<String>,
    /// Those of this host.
    pub host: Option<String>,
    /// Only those with a last day to order.
    pub to_order: bool,
    /// The page begins after this place.
    pub after: Option<StandingPlace>,
    /// Resources at most, 1 to 1,001.
    pub limit: u32,
}

/// A place among standings, those to be decided first first: it is one whether or not the resource is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingPlace {
    /// The last day to order; none where nothing is to be ordered.
    pub order_by: Option<Date>,
    /// The resource.
    pub resource: String,
}

impl StandingPlace {
    fn order_by_us(&self) -> i64 {
        self.order_by.map_or(i64::MAX, |day| day_of(day).saturating_mul(DAY_US))
    }
}

impl fmt::Display for StandingPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.order_by {
            Some(day) => write!(f, "{day} {}", self.resource),
            None => write!(f, "- {}", self.resource),
        }
    }
}

impl FromStr for StandingPlace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (day, resource) = text.split_once(' ').ok_or(())?;
        let order_by = if day == "-" { None } else { Some(day.parse().map_err(|_| ())?) };
        Ok(Self { order_by, resource: resource.to_owned() })
    }
}

/// A standing as it was stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnownStanding {
    /// Its id.
    pub resource: String,
    /// The question.
    pub question: String,
    /// The kind of resource.
    pub kind: String,
    /// In a line.
    pub name: String,
    /// Entity columns and their values.
    pub entity: Value,
    /// The unit.
    pub unit: String,
    /// What to think of it.
    pub status: String,
    /// In use.
    pub used: Option<f64>,
    /// What there is.
    pub limit: Option<f64>,
    /// Who says so.
    pub limit_source: Option<String>,
    /// What is not to be reached.
    pub threshold: Option<f64>,
    /// Growth a day.
    pub growth_per_day: Option<f64>,
    /// By this day the threshold is reached in the lower tail of the futures.
    pub lower: Option<String>,
    /// In half of them.
    pub median: Option<String>,
    /// In all but the upper tail.
    pub upper: Option<String>,
    /// The chance within the planning horizon.
    pub chance: Option<f64>,
    /// The last day to decide.
    pub order_by: Option<String>,
    /// What is to be added.
    pub needed: Option<f64>,
    /// What the last quarter would have needed.
    pub fitting_limit: Option<f64>,
    /// Days of history.
    pub days: i64,
    /// The last of them.
    pub last_day: Option<String>,
    /// What a person should know.
    pub note: String,
    /// When it was judged, µs since 1970.
    pub judged_at_us: TimestampUs,
}

const COLUMNS: &str = "resource, question, kind, name, entity, unit, status, used, limit_value, limit_source, threshold, growth_per_day, \
    lower_at_us, median_at_us, upper_at_us, chance, order_by_us, needed, fitting_limit, days, last_day_us, note, judged_at_us";

/// Writes standings, new or changed.
pub(super) async fn save_standings(write: &mut SqliteConnection, standings: &[&Standing], now_us: TimestampUs) -> Result<(), StoreError> {
    let at = |day: Option<i64>| day.map(|day| day.saturating_mul(DAY_US));
    let row = |it: &&Standing| {
        json!([
            it.resource,
            it.question,
            it.kind,
            it.name,
            serde_json::to_string(&Entity(it)).unwrap_or_default(),
            it.unit,
            it.status.word(),
            it.used,
            it.limit,
            it.limit_source.map(|source| source.word()),
            it.threshold,
            it.growth_per_day,
            at(it.lower_day),
            at(it.median_day),
            at(it.upper_day),
            it.chance,
            at(it.order_by_day),
            it.needed,
            it.fitting_limit,
            it.days,
            it.last_day.saturating_mul(DAY_US),
            it.why.join(" "),
            now_us
        ])
    };
    let rows = Value::Array(standings.iter().map(row).collect());
    // One statement for all: a round trip for each of a hundred thousand resources would take longer than judging them.
    let values: Vec<String> = (0..23)
        .map(|place| match place {
            7 | 8 | 10 | 11 | 15 | 17 | 18 => format!("CAST(value ->> '$[{place}]' AS REAL)"),
            _ => format!("value ->> '$[{place}]'"),
        })
        .collect();
    let sql = format!("INSERT OR REPLACE INTO capacity_resources ({COLUMNS}) SELECT {} FROM json_each(?1)", values.join(", "));
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(rows.to_string()).execute(write).await?;
    Ok(())
}

/// The entity as a JSON object.
struct Entity<'a>(&'a Standing);

impl Serialize for Entity<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.entity.iter().map(|(name, value)| (name, value)))
    }
}

/// Forgets resources of a question that the run at `now_us` did not see.
pub(super) async fn forget_unseen(write: &mut SqliteConnection, question: &str, now_us: TimestampUs) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM capacity_resources WHERE question = ?1 AND judged_at_us < ?2")
        .bind(question)
        .bind(now_us)
        .execute(write)
        .await?;
    Ok(())
}

/// Forgets the resources of every question that is not one of these.
pub(super) async fn forget_other_questions(write: &mut SqliteConnection, questions: &[&str]) -> Result<(), StoreError> {
    for table in ["capacity_resources", "capacity_classes"] {
        let sql = format!("DELETE FROM {table} WHERE question NOT IN (SELECT value FROM json_each(?1))");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(json!(questions).to_string()).execute(&mut *write).await?;
    }
    Ok(())
}

/// How many resources that cross are to be decided about up to a day: by what is proposed about them, where anything is, and without what
/// was decided or put off.
pub(super) async fn count_to_order(read: &mut SqliteConnection, up_to_day: i64, now_us: TimestampUs) -> Result<usize, StoreError> {
    let sql = format!(
        "SELECT count(*) FROM capacity_resources r
        LEFT JOIN proposals p ON p.resource = r.resource AND p.state IN ('open', 'deferred', 'approved')
        WHERE r.status IN ('crosses', 'over_threshold') AND coalesce(p.state, 'open') = 'open' AND coalesce(p.order_by_us, r.order_by_us) <= ?1
            AND NOT EXISTS (SELECT 1 FROM (SELECT resource FROM proposals WHERE {IS_LEFT_ALONE} AND updated_at_us > ?2) q
                WHERE q.resource = r.resource)"
    );
    let count: i64 =
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(up_to_day.saturating_mul(DAY_US)).bind(now_us - REST_US).fetch_one(read).await?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// The factor of a question's pooled errors, if there is one.
pub(super) async fn load_class(read: &mut SqliteConnection, question: &str) -> Result<Option<f64>, StoreError> {
    Ok(sqlx::query_scalar("SELECT factor FROM capacity_classes WHERE question = ?1").bind(question).fetch_optional(read).await?)
}

/// Keeps the factor of a question's pooled errors.
pub(super) async fn save_class(
    write: &mut SqliteConnection,
    question: &str,
    factor: f64,
    origins: f64,
    resources: i64,
    now_us: TimestampUs,
) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO capacity_classes (question, factor, origins, resources, judged_at_us) VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(question)
        .bind(factor)
        .bind(origins)
        .bind(resources)
        .bind(now_us)
        .execute(write)
        .await?;
    Ok(())
}

/// The standings that fit, those to be decided first first.
pub(super) async fn load_standings(read: &mut SqliteConnection, filter: &StandingFilter) -> Result<Vec<KnownStanding>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM capacity_resources
         WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR status = ?2) AND (?3 IS NULL OR entity ->> '$.host' = ?3)
             AND (NOT ?4 OR (order_by_us IS NOT NULL AND status IN ('crosses', 'over_threshold')))
             AND (?5 IS NULL OR (coalesce(order_by_us, 9223372036854775807), resource) > (?5, ?6))
         ORDER BY coalesce(order_by_us, 9223372036854775807), resource LIMIT ?7"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&filter.kind)
        .bind(&filter.status)
        .bind(&filter.host)
        .bind(filter.to_order)
        .bind(filter.after.as_ref().map(StandingPlace::order_by_us))
        .bind(filter.after.as_ref().map(|place| &place.resource))
        .bind(filter.limit.clamp(1, MOST_AT_ONCE))
        .fetch_all(read)
        .await?;
    rows.iter().map(standing_of).collect()
}

impl KnownStanding {
    /// Its place in a list.
    pub fn place(&self) -> StandingPlace {
        StandingPlace { order_by: self.order_by.as_deref().and_then(|day| day.parse().ok()), resource: self.resource.clone() }
    }
}

/// How many resources stand how.
pub(super) async fn count_by_status(read: &mut SqliteConnection) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(sqlx::query_as("SELECT status, count(*) FROM capacity_resources GROUP BY status ORDER BY status").fetch_all(read).await?)
}

/// The standing of a resource.
pub(super) async fn load_standing(read: &mut SqliteConnection, resource: &str) -> Result<Option<KnownStanding>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM capacity_resources WHERE resource = ?1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(resource).fetch_optional(read).await?;
    row.as_ref().map(standing_of).transpose()
}

fn standing_of(row: &SqliteRow) -> Result<KnownStanding, StoreError> {
    let date = |column: &str| -> Result<Option<String>, StoreError> {
        let at_us: Option<i64> = row.try_get(column)?;
        Ok(at_us.map(|at_us| date_of(at_us.div_euclid(DAY_US)).to_string()))
    };
    let entity: &str = row.try_get("entity")?;
    Ok(KnownStanding {
        resource: row.try_get("resource")?,
        question: row.try_get("question")?,
        kind: row.try_get("kind")?,
        name: row.try_get("name")?,
        entity: serde_json::from_str(entity).map_err(|error| StoreError::Unreadable(error.to_string()))?,
        unit: row.try_get("unit")?,
        status: row.try_get("status")?,
        used: row.try_get("used")?,
        limit: row.try_get("limit_value")?,
        limit_source: row.try_get("limit_source")?,
        threshold: row.try_get("threshold")?,
        growth_per_day: row.try_get("growth_per_day")?,
        lower: date("lower_at_us")?,
        median: date("median_at_us")?,
        upper: date("upper_at_us")?,
        chance: row.try_get("chance")?,
        order_by: date("order_by_us")?,
        needed: row.try_get("needed")?,
        fitting_limit: row.try_get("fitting_limit")?,
        days: row.try_get("days")?,
        last_day: date("last_day_us")?,
        note: row.try_get("note")?,
        judged_at_us: row.try_get("judged_at_us")?,
    })
}
