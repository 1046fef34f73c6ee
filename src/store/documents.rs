//! What people set up, as documents: a kind, a name, JSON, and a version that grows with each change.
//!
//! The store knows no kind; whoever writes has checked the document.

use serde::Serialize;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::StoreError;
use crate::clock::TimestampUs;

/// A document as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// Its kind: `user`, `calendar`, ...
    pub kind: String,
    /// Its name within the kind.
    pub name: String,
    /// Its content.
    pub document: Value,
    /// Raised with each change, from 1.
    pub version: i64,
    /// When it was last changed.
    pub updated_at_us: TimestampUs,
    /// Who did.
    pub updated_by: String,
}

/// The document of that kind and name.
pub async fn load_document(read: &mut SqliteConnection, kind: &str, name: &str) -> Result<Option<Document>, StoreError> {
    let row = sqlx::query("SELECT * FROM documents WHERE kind = ?1 AND name = ?2").bind(kind).bind(name).fetch_optional(read).await?;
    row.as_ref().map(document_of).transpose()
}

/// Every document, by kind and name.
pub async fn load_documents(read: &mut SqliteConnection) -> Result<Vec<Document>, StoreError> {
    let rows = sqlx::query("SELECT * FROM documents ORDER BY kind, name").fetch_all(read).await?;
    rows.iter().map(document_of).collect()
}

/// Documents of a kind by name: at most `limit` after a name.
pub async fn load_documents_of(read: &mut SqliteConnection, kind: &str, after: &str, limit: i64) -> Result<Vec<Document>, StoreError> {
    let sql = "SELECT * FROM documents WHERE kind = ?1 AND name > ?2 ORDER BY name LIMIT ?3";
    let rows = sqlx::query(sql).bind(kind).bind(after).bind(limit).fetch_all(read).await?;
    rows.iter().map(document_of).collect()
}

/// Writes a document, new or changed, with the version that it carries.
pub async fn save_document(write: &mut SqliteConnection, document: &Document) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO documents (kind, name, document, version, updated_at_us, updated_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (kind, name) DO UPDATE SET document = excluded.document, version = excluded.version,
             updated_at_us = excluded.updated_at_us, updated_by = excluded.updated_by",
    )
    .bind(&document.kind)
    .bind(&document.name)
    .bind(document.document.to_string())
    .bind(document.version)
    .bind(document.updated_at_us)
    .bind(&document.updated_by)
    .execute(write)
    .await?;
    Ok(())
}

/// Removes a document; one that is not there changes nothing.
pub async fn remove_document(write: &mut SqliteConnection, kind: &str, name: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM documents WHERE kind = ?1 AND name = ?2").bind(kind).bind(name).execute(write).await?;
    Ok(())
}

fn document_of(row: &SqliteRow) -> Result<Document, StoreError> {
    let text: &str = row.try_get("document")?;
    Ok(Document {
        kind: row.try_get("kind")?,
        name: row.try_get("name")?,
        document: serde_json::from_str(text).map_err(|error| StoreError::Unreadable(error.to_string()))?,
        version: row.try_get("version")?,
        updated_at_us: row.try_get("updated_at_us")?,
        updated_by: row.try_get("updated_by")?,
    })
}
