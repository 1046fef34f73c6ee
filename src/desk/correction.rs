//! What people say about findings: that they are noise, or another trouble than the ticket they are in.

use sqlx::Row;

use super::recording::open_for;
use super::ticket_rows::{append_event, load_ticket, save_ticket};
use super::{Actor, Desk, DeskError, Event, Ticket, TicketEvent};

impl Desk {
    /// Opens a ticket for some fingerprints of another: it is like the latest finding of the first of them, and what is found
    /// from now on goes there, filed under `problem`. The findings so far stay where they are.
    pub async fn split_off(&self, from: i64, fingerprints: &[String], problem: &str, actor: &Actor) -> Result<Ticket, DeskError> {
        let now_us = self.clock.now_us();
        let mut write = self.store.write().await?;
        let mut old = load_ticket(&mut write, from).await?.ok_or(DeskError::NotFound(from))?;
        let first = fingerprints.first().map_or("", String::as_str);
        let row = sqlx::query(
            "SELECT rule, entity, title, severity FROM findings WHERE ticket = ?1 AND fingerprint = ?2 ORDER BY id DESC LIMIT 1",
        )
        .bind(from)
        .bind(first)
        .fetch_optional(&mut *write)
        .await?;
        let Some(row) = row else {
            return Err(DeskError::Invalid {
                field: "fingerprints",
                why: format!("ticket {from} has no finding `{first}`; name some that it has"),
            });
        };
        let title: String = row.try_get("title")?;
        let mut new = open_for(&mut write, &row, &old.description, problem, actor, now_us).await?;
        let notes =
            [(&mut old, format!("split off into ticket {}: {title}", new.number)), (&mut new, format!("split off from ticket {from}"))];
        for (ticket, text) in notes {
            let event = Event { seq: ticket.events + 1, at_us: now_us, actor: actor.clone(), event: TicketEvent::Commented { text } };
            append_event(&mut write, ticket.number, &event).await?;
            ticket.apply(&event);
            save_ticket(&mut write, ticket).await?;
        }
        write.commit().await?;
        Ok(new)
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
