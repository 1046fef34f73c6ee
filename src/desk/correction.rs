//! What people say about findings: that they are noise, or another trouble than the ticket they are in.

use sqlx::Row;

use super::ticket_rows::json;
use super::{Actor, Desk, DeskError, Opening, Ticket, TicketEvent, TicketKind};
use crate::store::{FindingSeverity, StoreError};

impl Desk {
    /// Opens a ticket for some fingerprints of another: it is like the latest finding of the first of them, and what is found
    /// from now on goes there, filed under `problem`. The findings so far stay where they are.
    pub async fn split_off(&self, from: i64, fingerprints: &[String], problem: &str, actor: &Actor) -> Result<Ticket, DeskError> {
        let mut writing = self.writing().await?;
        let description = writing.ticket(from).await?.description.clone();
        let first = fingerprints.first().map_or("", String::as_str);
        let row = sqlx::query(
            "SELECT rule, entity, title, severity FROM findings WHERE ticket = ?1 AND fingerprint = ?2 ORDER BY id DESC LIMIT 1",
        )
        .bind(from)
        .bind(first)
        .fetch_optional(writing.connection())
        .await?;
        let Some(row) = row else {
            return Err(DeskError::Invalid {
                field: "fingerprints",
                why: format!("ticket {from} has no finding `{first}`; name some that it has"),
            });
        };
        let severity = row.try_get::<&str, _>("severity")?.parse::<FindingSeverity>().map_err(StoreError::Unreadable)?;
        let entity = json(row.try_get("entity")?)?;
        let placed = self.rules().place(&entity, severity);
        let opening = Opening {
            description,
            severity: Some(severity),
            fingerprint: Some(problem.to_owned()),
            rule: Some(row.try_get("rule")?),
            entity,
            team: placed.team,
            service: placed.service,
            impact: Some(placed.impact),
            urgency: Some(placed.urgency),
            ..Opening::new(TicketKind::Incident, row.try_get("title")?, placed.priority)
        };
        let title = opening.title.clone();
        let new = writing.open(opening, actor).await?;
        writing.happen(from, actor, TicketEvent::note(format!("split off into ticket {new}: {title}"))).await?;
        writing.happen(new, actor, TicketEvent::note(format!("split off from ticket {from}"))).await?;
        writing.commit().await?.remove(&new).ok_or(DeskError::NotFound(new))
    }

    /// Notes what a person said of a finding (`noise` or `right`) and gives the finding's fingerprint.
    pub async fn note_verdict(&self, finding: i64, verdict: &str) -> Result<String, DeskError> {
        let mut write = self.store.write().await?;
        let row = sqlx::query("UPDATE findings SET verdict = ?2 WHERE id = ?1 RETURNING fingerprint")
            .bind(finding)
            .bind(verdict)
            .fetch_optional(&mut *write)
            .await?;
        let row = row.ok_or(DeskError::NoFinding(finding))?;
        let fingerprint = row.try_get(0)?;
        write.commit().await?;
        Ok(fingerprint)
    }
}
