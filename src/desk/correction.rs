//! What people say about findings: that one ticket is two, that a finding was noise.
//!
//! Each stores the state of the analysis that comes of it in its own transaction.

use serde_json::{Value, json};
use sqlx::{Row, SqliteConnection};

use super::problems::split_off;
use super::recording::save_state;
use super::rules::AssetFacts;
use super::ticket_rows::json;
use super::{Actor, AnalysisState, Desk, DeskError, Opening, Ticket, TicketEvent, TicketKind};
use crate::store::{AuditEntry, FindingSeverity, RequestKey, StoreError, append_audit};

/// Who asks for something to be done to a ticket, and under which conditions.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// The version that it is meant for; `None`: whatever it is at.
    pub expected_version: Option<i64>,
    /// The request's own name: it is done once.
    pub key: Option<&'a RequestKey>,
}

impl<'a> Asked<'a> {
    /// By somebody, whatever the ticket is at.
    pub fn by(actor: &'a Actor) -> Self {
        Self { actor, expected_version: None, key: None }
    }
}

impl Desk {
    /// The ticket that a request opened that came before under its key, as it is now.
    pub async fn opened_before(&self, asked: &Asked<'_>) -> Result<Option<Ticket>, DeskError> {
        if asked.key.is_none() {
            return Ok(None);
        }
        let mut writing = self.writing().await?;
        match writing.opened_before(asked.actor, asked.key).await? {
            Some(number) => self.as_it_is(writing, number).await.map(Some),
            None => Ok(None),
        }
    }

    /// Opens a ticket for some fingerprints of another: it is like the latest finding of the first of them, and what is found
    /// from now on goes there, filed under `problem`. The findings so far stay where they are.
    pub async fn split_off(
        &self,
        from: i64,
        fingerprints: &[String],
        problem: &str,
        state: AnalysisState,
        asked: &Asked<'_>,
    ) -> Result<Ticket, DeskError> {
        let Asked { actor, expected_version, key } = *asked;
        let mut writing = self.writing().await?;
        writing.refuse_stale(from, expected_version).await?;
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
        let asset = AssetFacts::of(writing.connection(), &entity).await?;
        let placed = self.rules().place(&entity, &asset, severity);
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
        for fingerprint in fingerprints {
            split_off(writing.connection(), fingerprint, new).await?;
        }
        writing.happen(from, actor, TicketEvent::note(format!("split off into ticket {new}: {title}"))).await?;
        writing.happen(new, actor, TicketEvent::note(format!("split off from ticket {from}"))).await?;
        self.link_to_whole(&mut writing, new, from, actor).await?;
        if let Some(key) = key {
            writing.remember(actor, key, new).await?;
        }
        let now_us = writing.now_us();
        save_state(writing.connection(), state.0, &state.1, now_us).await?;
        writing.commit().await?.remove(&new).ok_or(DeskError::NotFound(new))
    }

    /// A finding's fingerprint, and what a person said of it last.
    pub async fn finding_verdict(&self, finding: i64) -> Result<(String, Option<String>), DeskError> {
        let mut read = self.store.read().await?;
        let row = sqlx::query("SELECT fingerprint, verdict FROM findings WHERE id = ?1").bind(finding).fetch_optional(&mut *read).await?;
        let row = row.ok_or(DeskError::NoFinding(finding))?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    /// Notes what a person said of a finding (`noise` or `right`).
    pub async fn note_verdict(&self, finding: i64, verdict: &str, state: AnalysisState, actor: &Actor) -> Result<(), DeskError> {
        let mut write = self.store.write().await?;
        let update = sqlx::query("UPDATE findings SET verdict = ?2 WHERE id = ?1").bind(finding).bind(verdict);
        if update.execute(&mut *write).await?.rows_affected() == 0 {
            return Err(DeskError::NoFinding(finding));
        }
        save_state(&mut write, state.0, &state.1, self.clock.now_us()).await?;
        self.audit(&mut write, actor, ("finding.verdict", &format!("finding/{finding}")), &json!({ "verdict": verdict })).await?;
        Ok(write.commit().await?)
    }

    /// Notes that something was changed at a place, which incidents may come of.
    pub async fn note_change(&self, place: &str, change: &Value, state: AnalysisState, actor: &Actor) -> Result<(), DeskError> {
        let mut write = self.store.write().await?;
        save_state(&mut write, state.0, &state.1, self.clock.now_us()).await?;
        self.audit(&mut write, actor, ("change.note", place), change).await?;
        Ok(write.commit().await?)
    }

    async fn audit(
        &self,
        write: &mut SqliteConnection,
        actor: &Actor,
        (action, object): (&str, &str),
        detail: &Value,
    ) -> Result<(), DeskError> {
        let at_us = self.clock.now_us();
        let entry = AuditEntry { at_us, actor: &actor.name, origin: &actor.origin, action, object, detail: Some(detail) };
        Ok(append_audit(write, entry).await?)
    }
}
