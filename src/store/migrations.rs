//! The schema's history, embedded in the program.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Row, SqlSafeStr, SqlitePool};

use super::StoreError;

/// Every version of the schema: number, name, statements. A released file is never edited; a change is a new file.
const MIGRATIONS: [(i64, &str, &str); 11] = [
    (1, "desk", include_str!("migrations/0001_desk.sql")),
    (2, "incidents", include_str!("migrations/0002_incidents.sql")),
    (3, "service_desk", include_str!("migrations/0003_service_desk.sql")),
    (4, "outbox", include_str!("migrations/0004_outbox.sql")),
    (5, "lists", include_str!("migrations/0005_lists.sql")),
    (6, "inventory", include_str!("migrations/0006_inventory.sql")),
    (7, "capacity", include_str!("migrations/0007_capacity.sql")),
    (8, "kinds", include_str!("migrations/0008_kinds.sql")),
    (9, "report_files", include_str!("migrations/0009_report_files.sql")),
    (10, "alerts_at_rest", include_str!("migrations/0010_alerts_at_rest.sql")),
    (11, "orders", include_str!("migrations/0011_orders.sql")),
];

/// The newest version of the schema that this program knows.
pub const LATEST_SCHEMA: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Brings the file to this program's schema; does nothing when it is there already.
pub(super) async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    refuse_newer(writer).await?;
    up_to(LATEST_SCHEMA).run(writer).await.map_err(|error| match error {
        MigrateError::VersionMismatch(version) => StoreError::ChangedMigration { version },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => StoreError::Other(other.to_string()),
    })
}

/// The migrations up to a version.
fn up_to(version: i64) -> Migrator {
    let known = MIGRATIONS
        .iter()
        .filter(|(number, _, _)| *number <= version)
        .map(|(number, name, sql)| Migration::new(*number, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false))
        .collect();
    Migrator::with_migrations(known)
}

async fn refuse_newer(writer: &SqlitePool) -> Result<(), StoreError> {
    let marked = sqlx::query("SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations'").fetch_optional(writer).await?;
    if marked.is_none() {
        return Ok(());
    }
    let row = sqlx::query("SELECT coalesce(max(version), 0) AS version FROM _sqlx_migrations").fetch_one(writer).await?;
    let found: i64 = row.try_get("version")?;
    if found > LATEST_SCHEMA { Err(StoreError::NewerSchema { found, known: LATEST_SCHEMA }) } else { Ok(()) }
}

/// A new database as the program that knew versions up to `version` made it, for the test of the schema's history in `desk`.
#[cfg(test)]
pub(crate) async fn database_of_version(path: &std::path::Path, version: i64) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true).foreign_keys(true);
    let mut connection = options.connect().await.unwrap();
    up_to(version).run(&mut connection).await.unwrap();
    connection
}
