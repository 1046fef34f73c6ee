//! The files of tickets, as far as the store knows them; their bytes lie elsewhere, under their SHA-256.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{Actor, Copied, Desk, DeskError, TicketEvent, Writing};
use crate::clock::TimestampUs;
use crate::store::{RequestKey, StoreError};

/// Files that one ticket may have.
pub(super) const MAX_FILES: i64 = 200;

/// A file of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// Its number, over all tickets.
    pub id: i64,
    /// The ticket.
    pub ticket: i64,
    /// Its name, for people; never a path.
    pub name: String,
    /// Its media type, as the sender said.
    pub media_type: String,
    /// Its size.
    pub bytes: i64,
    /// SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
    /// When it came.
    pub added_at_us: TimestampUs,
    /// Who sent it.
    pub added_by: String,
    /// Only for those who work on the ticket.
    pub internal: bool,
}

/// A file whose bytes are safely stored and that is to belong to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachment {
    /// Its name, already without what could make a path of it.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its size.
    pub bytes: i64,
    /// SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
    /// Only for those who work on the ticket.
    pub internal: bool,
}

impl Desk {
    /// Adds a file to a ticket. With a key that came before, gives the file that was added then.
    pub async fn attach(&self, number: i64, new: NewAttachment, actor: &Actor, key: Option<&RequestKey>) -> Result<Attachment, DeskError> {
        let mut writing = self.writing().await?;
        writing.ticket(number).await?;
        if let Some(key) = key
            && let Some(id) = writing.made_before(actor, key).await?
        {
            // What added it may be in this very transaction: nothing is answered before that is durable.
            writing.commit().await?;
            return self.attachment(number, id).await;
        }
        let file = insert(&mut writing, number, new, None, actor).await?;
        if let Some(key) = key {
            writing.remember(actor, key, file.id).await?;
        }
        writing.commit().await?;
        Ok(file)
    }

    /// A file of a ticket.
    ///
    /// # Errors
    /// [`DeskError::NoAttachment`] if the ticket has none of that number.
    pub async fn attachment(&self, number: i64, id: i64) -> Result<Attachment, DeskError> {
        let mut read = self.store.read().await?;
        let row =
            sqlx::query("SELECT * FROM attachments WHERE ticket = ?1 AND id = ?2").bind(number).bind(id).fetch_optional(&mut *read).await?;
        Ok(attachment_of(&row.ok_or(DeskError::NoAttachment { ticket: number, id })?)?)
    }
}

/// Adds a file of another ticket to one; the bytes lie there for both.
pub(super) async fn copy_attachment(
    writing: &mut Writing,
    number: i64,
    file: &Attachment,
    copied: Copied,
    actor: &Actor,
) -> Result<(), DeskError> {
    let Attachment { name, media_type, bytes, sha256, internal, .. } = file.clone();
    insert(writing, number, NewAttachment { name, media_type, bytes, sha256, internal }, Some(copied), actor).await?;
    Ok(())
}

async fn insert(
    writing: &mut Writing,
    ticket: i64,
    new: NewAttachment,
    copied: Option<Copied>,
    actor: &Actor,
) -> Result<Attachment, DeskError> {
    let added_at_us = writing.now_us();
    let files: i64 =
        sqlx::query_scalar("SELECT count(*) FROM attachments WHERE ticket = ?1").bind(ticket).fetch_one(writing.connection()).await?;
    if files >= MAX_FILES {
        let why = format!("the ticket has {MAX_FILES} files already; put several into one archive");
        return Err(DeskError::Invalid { field: "attachment", why });
    }
    let NewAttachment { name, media_type, bytes, sha256, internal } = new;
    let id = sqlx::query(
        "INSERT INTO attachments (ticket, name, media_type, bytes, sha256, added_at_us, added_by, internal)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(ticket)
    .bind(&name)
    .bind(&media_type)
    .bind(bytes)
    .bind(&sha256)
    .bind(added_at_us)
    .bind(&actor.name)
    .bind(internal)
    .execute(writing.connection())
    .await?
    .last_insert_rowid();
    writing.happen(ticket, actor, TicketEvent::Attached { attachment: id, name: name.clone(), bytes, internal, copied }).await?;
    Ok(Attachment { id, ticket, name, media_type, bytes, sha256, added_at_us, added_by: actor.name.clone(), internal })
}

/// The files of a ticket, in the order in which they came.
pub(super) async fn load_attachments(read: &mut SqliteConnection, number: i64) -> Result<Vec<Attachment>, StoreError> {
    let rows = sqlx::query("SELECT * FROM attachments WHERE ticket = ?1 ORDER BY id").bind(number).fetch_all(read).await?;
    rows.iter().map(attachment_of).collect()
}

fn attachment_of(row: &SqliteRow) -> Result<Attachment, StoreError> {
    Ok(Attachment {
        id: row.try_get("id")?,
        ticket: row.try_get("ticket")?,
        name: row.try_get("name")?,
        media_type: row.try_get("media_type")?,
        bytes: row.try_get("bytes")?,
        sha256: row.try_get("sha256")?,
        added_at_us: row.try_get("added_at_us")?,
        added_by: row.try_get("added_by")?,
        internal: row.try_get("internal")?,
    })
}
