//! Tickets, events and findings as rows of the store.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{Actor, Event, FindingNote, Hold, Impact, Ticket, Urgency};
use crate::store::StoreError;

pub(super) fn ticket_of(row: &SqliteRow) -> Result<Ticket, StoreError> {
    Ok(Ticket {
        number: row.try_get("number")?,
        kind: word(row.try_get("kind")?)?,
        title: row.try_get("title")?,
        description: row.try_get("description")?,
        state: word(row.try_get("state")?)?,
        priority: word(row.try_get("priority")?)?,
        severity: row.try_get::<Option<&str>, _>("severity")?.map(word).transpose()?,
        impact: row.try_get::<Option<&str>, _>("impact")?.map(word).transpose()?,
        urgency: row.try_get::<Option<&str>, _>("urgency")?.map(word).transpose()?,
        hold: row.try_get::<Option<&str>, _>("hold")?.map(word).transpose()?,
        requester: row.try_get("requester")?,
        team: row.try_get("team")?,
        service: row.try_get("service")?,
        assignee: row.try_get("assignee")?,
        acknowledged_by: row.try_get("acknowledged_by")?,
        watchers: json(row.try_get("watchers")?)?,
        merged_into: row.try_get("merged_into")?,
        chosen_by_person: row.try_get("chosen_by_person")?,
        fingerprint: row.try_get("fingerprint")?,
        rule: row.try_get("rule")?,
        entity: json(row.try_get("entity")?)?,
        opened_at_us: row.try_get("opened_at_us")?,
        updated_at_us: row.try_get("updated_at_us")?,
        resolved_at_us: row.try_get("resolved_at_us")?,
        findings: row.try_get("findings")?,
        first_finding_id: row.try_get("first_finding_id")?,
        last_finding_id: row.try_get("last_finding_id")?,
        last_finding_at_us: row.try_get("last_finding_at_us")?,
        noted_at_us: row.try_get("noted_at_us")?,
        events: row.try_get("events")?,
        version: row.try_get("version")?,
    })
}

/// The ticket of that number.
pub(super) async fn load_ticket(connection: &mut SqliteConnection, number: i64) -> Result<Option<Ticket>, StoreError> {
    let row = sqlx::query("SELECT * FROM tickets WHERE number = ?1").bind(number).fetch_optional(connection).await?;
    row.as_ref().map(ticket_of).transpose()
}

/// Writes the ticket's row, new or changed.
pub(super) async fn save_ticket(connection: &mut SqliteConnection, ticket: &Ticket) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO tickets (number, kind, title, description, state, priority, severity, assignee, fingerprint, rule, entity, opened_at_us,
             updated_at_us, resolved_at_us, findings, first_finding_id, last_finding_id, last_finding_at_us, noted_at_us, events, version,
             impact, urgency, hold, requester, team, service, acknowledged_by, watchers, merged_into, chosen_by_person)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27,
             ?28, ?29, ?30, ?31)
         ON CONFLICT (number) DO UPDATE SET kind = excluded.kind, entity = excluded.entity, title = excluded.title, description = excluded.description, state = excluded.state,
             priority = excluded.priority, assignee = excluded.assignee, updated_at_us = excluded.updated_at_us,
             resolved_at_us = excluded.resolved_at_us, findings = excluded.findings, first_finding_id = excluded.first_finding_id,
             last_finding_id = excluded.last_finding_id, last_finding_at_us = excluded.last_finding_at_us,
             noted_at_us = excluded.noted_at_us, events = excluded.events, version = excluded.version, impact = excluded.impact,
             urgency = excluded.urgency, hold = excluded.hold, requester = excluded.requester, team = excluded.team,
             service = excluded.service, acknowledged_by = excluded.acknowledged_by, watchers = excluded.watchers,
             merged_into = excluded.merged_into, chosen_by_person = excluded.chosen_by_person,
             severity = excluded.severity",
    )
    .bind(ticket.number)
    .bind(ticket.kind.word())
    .bind(&ticket.title)
    .bind(&ticket.description)
    .bind(ticket.state.word())
    .bind(ticket.priority.word())
    .bind(ticket.severity.map(|severity| severity.word()))
    .bind(&ticket.assignee)
    .bind(&ticket.fingerprint)
    .bind(&ticket.rule)
    .bind(json_text(&ticket.entity)?)
    .bind(ticket.opened_at_us)
    .bind(ticket.updated_at_us)
    .bind(ticket.resolved_at_us)
    .bind(ticket.findings)
    .bind(ticket.first_finding_id)
    .bind(ticket.last_finding_id)
    .bind(ticket.last_finding_at_us)
    .bind(ticket.noted_at_us)
    .bind(ticket.events)
    .bind(ticket.version)
    .bind(ticket.impact.map(Impact::word))
    .bind(ticket.urgency.map(Urgency::word))
    .bind(ticket.hold.map(Hold::word))
    .bind(&ticket.requester)
    .bind(&ticket.team)
    .bind(&ticket.service)
    .bind(&ticket.acknowledged_by)
    .bind(json_text(&ticket.watchers)?)
    .bind(ticket.merged_into)
    .bind(ticket.chosen_by_person)
    .execute(connection)
    .await?;
    Ok(())
}

/// Appends an entry to a ticket's history.
pub(super) async fn append_event(connection: &mut SqliteConnection, ticket: i64, event: &Event) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO ticket_events (ticket, seq, at_us, actor, origin, kind, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .bind(ticket)
        .bind(event.seq)
        .bind(event.at_us)
        .bind(&event.actor.name)
        .bind(&event.actor.origin)
        .bind(event.event.kind())
        .bind(json_text(&event.event)?)
        .execute(connection)
        .await?;
    Ok(())
}

/// A ticket's history, oldest first: the last `limit` entries.
pub(super) async fn load_events(connection: &mut SqliteConnection, ticket: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
    load_events_before(connection, ticket, i64::MAX, limit).await
}

/// The same, of the entries before one.
pub(super) async fn load_events_before(
    connection: &mut SqliteConnection,
    ticket: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    let sql = "SELECT seq, at_us, actor, origin, detail FROM ticket_events WHERE ticket = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
    let rows = sqlx::query(sql).bind(ticket).bind(before).bind(limit).fetch_all(connection).await?;
    rows.iter().rev().map(event_of).collect()
}

/// The columns of an event without its texts, which are long and promise nothing.
macro_rules! milestone_columns {
    () => {
        "seq, at_us, actor, origin, CASE kind WHEN 'opened' THEN json_set(detail, '$.description', '')
            WHEN 'commented' THEN json_set(detail, '$.text', '') ELSE detail END AS detail"
    };
}
/// Whether promises are computed from an event, or were said to be in danger by it.
macro_rules! is_milestone {
    () => {
        "kind IN ('opened', 'moved', 'reprioritised', 'kind_corrected', 'assigned', 'commented', 'set', 'acknowledged', 'warned')
            AND coalesce(detail ->> '$.internal', 0) = 0"
    };
}
pub(super) use {is_milestone, milestone_columns};

/// What of a ticket's history promises are computed from, oldest first, without the texts: a few dozen entries, however much
/// was found and written.
pub(super) async fn load_milestones(connection: &mut SqliteConnection, ticket: i64) -> Result<Vec<Event>, StoreError> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        milestone_columns!(),
        " FROM ticket_events WHERE ticket = ?1 AND ",
        is_milestone!(),
        " ORDER BY seq"
    ))
    .bind(ticket)
    .fetch_all(connection)
    .await?;
    rows.iter().map(event_of).collect()
}

/// One entry of a ticket's history.
pub(super) async fn load_event(connection: &mut SqliteConnection, ticket: i64, seq: i64) -> Result<Option<Event>, StoreError> {
    let row = sqlx::query("SELECT seq, at_us, actor, origin, detail FROM ticket_events WHERE ticket = ?1 AND seq = ?2")
        .bind(ticket)
        .bind(seq)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(event_of).transpose()
}

pub(super) fn event_of(row: &SqliteRow) -> Result<Event, StoreError> {
    let actor = Actor { name: row.try_get("actor")?, origin: row.try_get("origin")? };
    Ok(Event { seq: row.try_get("seq")?, at_us: row.try_get("at_us")?, actor, event: json(row.try_get("detail")?)? })
}

/// What a ticket keeps of its findings, in the order of recording.
pub(super) async fn load_finding_notes(connection: &mut SqliteConnection, ticket: i64) -> Result<Vec<FindingNote>, StoreError> {
    let rows = sqlx::query("SELECT id, window_end_us, recorded_at_us FROM findings WHERE ticket = ?1 ORDER BY id")
        .bind(ticket)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(FindingNote {
                id: row.try_get("id")?,
                window_end_us: row.try_get("window_end_us")?,
                recorded_at_us: row.try_get("recorded_at_us")?,
            })
        })
        .collect()
}

fn word<T: FromStr<Err = String>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(StoreError::Unreadable)
}

pub(super) fn json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable(error.to_string()))
}

pub(super) fn json_text<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Other(format!("a value cannot be written as JSON: {error}")))
}
