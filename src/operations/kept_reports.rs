//! Reports that were made by themselves, in the store.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::clock::TimestampUs;
use crate::store::StoreError;

/// How much effort goes into making the files small: they are read seldom and kept for years.
const LEVEL: i32 = 9;

/// A file of a report at most: what is larger nobody opens.
const MOST_BYTES: usize = 32 << 20;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportForm {
    /// A page that also prints.
    Html,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

impl ReportForm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Html, Self::Json, Self::Csv];

    /// Its word, which is also the end of a file's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// A report that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptReport {
    /// Its number.
    pub id: i64,
    /// The schedule that it was made by.
    pub schedule: String,
    /// Which report.
    pub report: String,
    /// When it was due, or asked for; µs since 1970.
    pub made_at_us: TimestampUs,
    /// What it says, in a line or two.
    pub summary: String,
    /// Its forms, and how many bytes each has.
    pub files: BTreeMap<String, i64>,
}

/// What was made, before it is kept.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) as_of: Date,
    pub(super) summary: String,
    pub(super) files: Vec<MadeFile>,
}

/// A form of it, already small: nobody who writes waits for that.
#[derive(Debug, Clone)]
pub(super) struct MadeFile {
    form: ReportForm,
    bytes: usize,
    content: Vec<u8>,
}

impl MadeFile {
    /// Compresses a text; the error says why it cannot be kept. Takes a moment.
    pub(super) fn of(form: ReportForm, text: &str) -> Result<Self, String> {
        let bytes = text.len();
        if bytes > MOST_BYTES {
            return Err(format!("it has {bytes} bytes as {}, and {MOST_BYTES} are kept at most", form.word()));
        }
        let content = zstd::bulk::compress(text.as_bytes(), LEVEL).map_err(|error| error.to_string())?;
        Ok(Self { form, bytes, content })
    }
}

/// When the latest report that a schedule made by itself was due; `None` if there is none.
pub(super) async fn latest_of(read: &mut SqliteConnection, schedule: &str) -> Result<Option<TimestampUs>, StoreError> {
    let sql = "SELECT max(made_at_us) FROM kept_reports WHERE schedule = ?1 AND asked_for = 0";
    Ok(sqlx::query_scalar(sql).bind(schedule).fetch_one(read).await?)
}

/// What a report is known by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity<'a> {
    pub(super) schedule: &'a str,
    pub(super) report: &'a str,
    /// When it was due, or asked for.
    pub(super) at_us: TimestampUs,
    /// Whether somebody asked for it.
    pub(super) asked_for: bool,
}

/// Keeps a report with its files, and lets go of those of the schedule beyond the newest `keep`: of those that were made by themselves, or of
/// those that somebody asked for. `None` if it was kept before.
pub(super) async fn keep_report(
    write: &mut SqliteConnection,
    Identity { schedule, report, at_us, asked_for }: Identity<'_>,
    made: &Made,
    keep: u32,
) -> Result<Option<i64>, StoreError> {
    let sizes: serde_json::Map<String, serde_json::Value> =
        made.files.iter().map(|file| (file.form.word().to_owned(), json!(file.bytes))).collect();
    let done = sqlx::query(
        "INSERT INTO kept_reports (schedule, report, made_at_us, files, summary, asked_for) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO NOTHING",
    )
    .bind(schedule)
    .bind(report)
    .bind(at_us)
    .bind(serde_json::Value::Object(sizes).to_string())
    .bind(&made.summary)
    .bind(asked_for)
    .execute(&mut *write)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    let id = done.last_insert_rowid();
    for file in &made.files {
        sqlx::query("INSERT INTO kept_report_files (report, format, bytes, content) VALUES (?1, ?2, ?3, ?4)")
            .bind(id)
            .bind(file.form.word())
            .bind(i64::try_from(file.bytes).unwrap_or(i64::MAX))
            .bind(&file.content)
            .execute(&mut *write)
            .await?;
    }
    let old = "SELECT id FROM kept_reports WHERE schedule = ?1 AND asked_for = ?3 ORDER BY made_at_us DESC, id DESC LIMIT -1 OFFSET ?2";
    for table in ["kept_report_files WHERE report", "kept_reports WHERE id"] {
        let sql = format!("DELETE FROM {table} IN ({old})");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(schedule).bind(keep).bind(asked_for).execute(&mut *write).await?;
    }
    Ok(Some(id))
}

/// Reports that are kept, newest first: of one schedule or all, before a number.
pub(super) async fn list_kept(
    read: &mut SqliteConnection,
    schedule: Option<&str>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<KeptReport>, StoreError> {
    let sql = "SELECT * FROM kept_reports WHERE (?1 IS NULL OR schedule = ?1) AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3";
    let rows = sqlx::query(sql).bind(schedule).bind(before).bind(limit).fetch_all(read).await?;
    rows.iter().map(kept_of).collect()
}

/// A report by its number.
pub(super) async fn load_kept(read: &mut SqliteConnection, id: i64) -> Result<Option<KeptReport>, StoreError> {
    let row = sqlx::query("SELECT * FROM kept_reports WHERE id = ?1").bind(id).fetch_optional(read).await?;
    row.as_ref().map(kept_of).transpose()
}

/// The text of a report in a form.
pub(super) async fn load_file(read: &mut SqliteConnection, id: i64, form: ReportForm) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT content FROM kept_report_files WHERE report = ?1 AND format = ?2";
    let content: Option<Vec<u8>> = sqlx::query_scalar(sql).bind(id).bind(form.word()).fetch_optional(read).await?;
    let expand = |content: Vec<u8>| zstd::bulk::decompress(&content, MOST_BYTES).map_err(|error| StoreError::Unreadable(error.to_string()));
    content.map(expand).transpose()
}

fn kept_of(row: &SqliteRow) -> Result<KeptReport, StoreError> {
    let files: &str = row.try_get("files")?;
    Ok(KeptReport {
        id: row.try_get("id")?,
        schedule: row.try_get("schedule")?,
        report: row.try_get("report")?,
        made_at_us: row.try_get("made_at_us")?,
        summary: row.try_get("summary")?,
        files: serde_json::from_str(files).map_err(|error| StoreError::Unreadable(error.to_string()))?,
    })
}
