//! The schema's history, embedded in the program.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Row, SqlSafeStr, SqlitePool};

use super::StoreError;

/// Every version of the schema: number, name, statements. A released file is never edited; a change is a new file.
const MIGRATIONS: [(i64, &str, &str); 1] = [(1, "desk", include_str!("migrations/0001_desk.sql"))];

/// Brings the file to this program's schema; does nothing when it is there already.
pub(super) async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    refuse_newer(writer).await?;
    let known = MIGRATIONS
        .iter()
        .map(|(version, name, sql)| Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false))
        .collect();
    Migrator::with_migrations(known).run(writer).await.map_err(|error| match error {
        MigrateError::VersionMismatch(version) => StoreError::ChangedMigration { version },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => StoreError::Other(other.to_string()),
    })
}

async fn refuse_newer(writer: &SqlitePool) -> Result<(), StoreError> {
    let known = MIGRATIONS.iter().map(|(version, _, _)| *version).max().unwrap_or(0);
    let marked = sqlx::query("SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations'").fetch_optional(writer).await?;
    if marked.is_none() {
        return Ok(());
    }
    let row = sqlx::query("SELECT coalesce(max(version), 0) AS version FROM _sqlx_migrations").fetch_one(writer).await?;
    let found: i64 = row.try_get("version")?;
    if found > known { Err(StoreError::NewerSchema { found, known }) } else { Ok(()) }
}
