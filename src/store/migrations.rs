//! The schema's history, embedded in the program.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Row, SqlSafeStr, SqlitePool};

use super::StoreError;

/// Every version of the schema: number, name, statements. A released file is never edited; a change is a new file.
const MIGRATIONS: [(i64, &str, &str); 4] = [
    (1, "desk", include_str!("migrations/0001_desk.sql")),
    (2, "incidents", include_str!("migrations/0002_incidents.sql")),
    (3, "service_desk", include_str!("migrations/0003_service_desk.sql")),
    (4, "outbox", include_str!("migrations/0004_outbox.sql")),
];

/// The newest version of the schema that this program knows.
pub const LATEST_SCHEMA: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

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
    let marked = sqlx::query("SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations'").fetch_optional(writer).await?;
    if marked.is_none() {
        return Ok(());
    }
    let row = sqlx::query("SELECT coalesce(max(version), 0) AS version FROM _sqlx_migrations").fetch_one(writer).await?;
    let found: i64 = row.try_get("version")?;
    if found > LATEST_SCHEMA { Err(StoreError::NewerSchema { found, known: LATEST_SCHEMA }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

    use super::*;

    /// A database as each version of the schema left it, with rows in it, comes to the present one and keeps them.
    #[tokio::test]
    async fn every_schema_ever_released_is_brought_forward_with_its_rows() {
        let options = SqliteConnectOptions::new().in_memory(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        let (version, name, sql) = MIGRATIONS[0];
        let first = Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false);
        Migrator::with_migrations(vec![first]).run(&pool).await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO tickets (number, kind, title, description, state, priority, entity, opened_at_us, updated_at_us, findings, noted_at_us, events, version)
                 VALUES (1, 'incident', 't', 'd', 'new', 'P2', '{}', 1, 1, 1, 1, 1, 1);
             INSERT INTO findings (id, ticket, rule, fingerprint, entity, title, severity, result, window_start_us, window_end_us, recorded_at_us, evidence)
                 VALUES (7, 1, 'r', 'f', '{}', 't', 'high', '{}', 1, 2, 3, '{}');",
        )
        .execute(&pool)
        .await
        .unwrap();
        migrate(&pool).await.unwrap();
        let row = sqlx::query("SELECT id, ticket, evidence, outcome FROM findings").fetch_one(&pool).await.unwrap();
        let outcome: Option<String> = row.try_get("outcome").unwrap();
        assert_eq!((row.try_get::<i64, _>("id").unwrap(), row.try_get::<i64, _>("ticket").unwrap(), outcome), (7, 1, None));
        let again = sqlx::query("INSERT INTO findings (ticket, rule, fingerprint, entity, title, severity, result, window_start_us, window_end_us, recorded_at_us)
            VALUES (1, 'r', 'f', '{}', 't', 'high', '{}', 1, 2, 3)").execute(&pool).await;
        assert!(again.is_err(), "a finding is still recorded once");
    }
}
