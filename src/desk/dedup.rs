//! From finding to ticket: open one, join the open one, or reopen what was resolved lately.

use sqlx::{Row, SqliteConnection};

use super::change::{MAX_TITLE_CHARS, one_line};
use super::rule_run::save_run;
use super::ticket_rows::{append_event, json_text, load_ticket, save_ticket, ticket_of};
use super::{
    Actor, Desk, DeskError, Event, FindingNote, Opening, RuleRun, Ticket, TicketEvent, TicketKind, TicketState, impact_and_urgency,
    priority,
};
use crate::clock::{DAY_US, SECOND_US, TimestampUs};
use crate::store::{Finding, StoreError, bounded_row};

/// A problem that comes back sooner than this after it was resolved was not resolved: the ticket is reopened.
pub const REOPEN_WITHIN_US: i64 = DAY_US;

/// The history of a ticket speaks of joining findings at most this often: a rule that runs every minute would bury what
/// people wrote.
pub const NOTE_JOINS_EVERY_US: i64 = 900 * SECOND_US;

/// What became of findings: each number once for each finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Tickets that were opened.
    pub opened: Vec<i64>,
    /// Tickets that a finding joined.
    pub joined: Vec<i64>,
    /// Resolved tickets that a finding reopened.
    pub reopened: Vec<i64>,
    /// Findings that were recorded before: the same rule, fingerprint and end of the window.
    pub duplicates: u64,
}

impl Desk {
    /// Records what rules found, in the order given, and how far each has read, in one transaction: all of it or nothing.
    ///
    /// Without `runs` (findings from outside) no watermark moves. Evidence is cut to its limits and kept for the ticket's
    /// first and latest finding.
    pub async fn record_findings(&self, findings: &[Finding], runs: &[RuleRun]) -> Result<Recorded, DeskError> {
        let now_us = self.clock.now_us();
        let mut recorded = Recorded::default();
        let mut write = self.store.write().await?;
        for finding in findings {
            record_one(&mut write, finding, now_us, &mut recorded).await?;
        }
        for run in runs {
            save_run(&mut write, run, now_us).await?;
        }
        write.commit().await?;
        Ok(recorded)
    }
}

async fn record_one(
    write: &mut SqliteConnection,
    finding: &Finding,
    now_us: TimestampUs,
    recorded: &mut Recorded,
) -> Result<(), StoreError> {
    if is_recorded(write, finding).await? {
        recorded.duplicates += 1;
        return Ok(());
    }
    let mut ticket = match ticket_to_join(write, finding, now_us).await? {
        Some(mut ticket) if reopens(&ticket, finding) => {
            let reason = Some(format!("{} found it again", finding.rule));
            let event = TicketEvent::Moved { from: ticket.state, to: TicketState::Reopened, reason };
            happen(write, &mut ticket, &finding.rule, now_us, event).await?;
            recorded.reopened.push(ticket.number);
            ticket
        }
        Some(mut ticket) => {
            if now_us - ticket.noted_at_us >= NOTE_JOINS_EVERY_US {
                let event = TicketEvent::Joined { findings: ticket.findings + 1, finding_at_us: finding.window_end_us };
                happen(write, &mut ticket, &finding.rule, now_us, event).await?;
            }
            recorded.joined.push(ticket.number);
            ticket
        }
        None => {
            let ticket = open(write, finding, now_us).await?;
            recorded.opened.push(ticket.number);
            ticket
        }
    };
    let id = insert_finding(write, ticket.number, finding, now_us).await?;
    if ticket.last_finding_id != ticket.first_finding_id {
        // The finding that was the latest until now keeps its row and loses its evidence.
        sqlx::query("UPDATE findings SET evidence = NULL WHERE id = ?1").bind(ticket.last_finding_id).execute(&mut *write).await?;
    }
    ticket.note_finding(FindingNote { id, window_end_us: finding.window_end_us, recorded_at_us: now_us });
    save_ticket(write, &ticket).await
}

async fn is_recorded(write: &mut SqliteConnection, finding: &Finding) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM findings WHERE rule = ?1 AND fingerprint = ?2 AND window_end_us = ?3")
        .bind(&finding.rule)
        .bind(&finding.fingerprint)
        .bind(finding.window_end_us)
        .fetch_optional(write)
        .await?;
    Ok(row.is_some())
}

/// The open ticket of the fingerprint, or the newest that was resolved lately; never a closed one.
async fn ticket_to_join(write: &mut SqliteConnection, finding: &Finding, now_us: TimestampUs) -> Result<Option<Ticket>, StoreError> {
    let row = sqlx::query(
        "SELECT * FROM tickets WHERE fingerprint = ?1 AND state <> 'closed' AND (state <> 'resolved' OR resolved_at_us > ?2)
         ORDER BY state = 'resolved', number DESC LIMIT 1",
    )
    .bind(&finding.fingerprint)
    .bind(now_us - REOPEN_WITHIN_US)
    .fetch_optional(write)
    .await?;
    row.as_ref().map(ticket_of).transpose()
}

/// A finding about a time before the resolution (a rule that lags, late rows) says nothing new: it joins, no more.
fn reopens(ticket: &Ticket, finding: &Finding) -> bool {
    ticket.resolved_at_us.is_some_and(|resolved_at_us| finding.window_end_us > resolved_at_us)
}

async fn open(write: &mut SqliteConnection, finding: &Finding, now_us: TimestampUs) -> Result<Ticket, StoreError> {
    let row = sqlx::query("UPDATE counters SET value = value + 1 WHERE name = 'ticket' RETURNING value").fetch_one(&mut *write).await?;
    let number: i64 = row.try_get(0)?;
    let (impact, urgency) = impact_and_urgency(finding.severity);
    let opening = Opening {
        ticket_kind: TicketKind::Incident,
        title: short_title(finding),
        description: finding.description.clone(),
        priority: priority(impact, urgency),
        severity: Some(finding.severity),
        fingerprint: Some(finding.fingerprint.clone()),
        rule: Some(finding.rule.clone()),
        entity: finding.entity.clone(),
    };
    let event = TicketEvent::Opened(Box::new(opening));
    let event = Event { seq: 1, at_us: now_us, actor: Actor::rule(&finding.rule), event };
    append_event(write, number, &event).await?;
    Ticket::open(number, &event).ok_or_else(|| StoreError::Other("BUG: an opening event opened nothing".to_owned()))
}

/// The finding's title as it may be stored: columns of a log line, which stand in it, may hold anything.
fn short_title(finding: &Finding) -> String {
    one_line(&finding.title).chars().take(MAX_TITLE_CHARS).collect()
}

/// Writes an event and applies it; the caller saves the ticket's row in the same transaction.
async fn happen(
    write: &mut SqliteConnection,
    ticket: &mut Ticket,
    rule: &str,
    now_us: TimestampUs,
    event: TicketEvent,
) -> Result<(), StoreError> {
    let event = Event { seq: ticket.events + 1, at_us: now_us, actor: Actor::rule(rule), event };
    append_event(write, ticket.number, &event).await?;
    ticket.apply(&event);
    Ok(())
}

async fn insert_finding(write: &mut SqliteConnection, ticket: i64, finding: &Finding, now_us: TimestampUs) -> Result<i64, StoreError> {
    let done = sqlx::query(
        "INSERT INTO findings (ticket, rule, fingerprint, entity, title, severity, result, window_start_us, window_end_us, recorded_at_us, evidence)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )
    .bind(ticket)
    .bind(&finding.rule)
    .bind(&finding.fingerprint)
    .bind(json_text(&finding.entity)?)
    .bind(short_title(finding))
    .bind(finding.severity.word())
    .bind(json_text(&bounded_row(finding.result.clone()))?)
    .bind(finding.window_start_us)
    .bind(finding.window_end_us)
    .bind(now_us)
    .bind(json_text(&finding.evidence.clone().bounded())?)
    .execute(write)
    .await?;
    Ok(done.last_insert_rowid())
}

/// Another open ticket of the same problem, which stands in the way of reopening `ticket`.
pub(super) async fn open_twin(write: &mut SqliteConnection, ticket: &Ticket) -> Result<Option<Ticket>, StoreError> {
    let row = sqlx::query("SELECT number FROM tickets WHERE fingerprint = ?1 AND number <> ?2 AND state NOT IN ('resolved', 'closed')")
        .bind(&ticket.fingerprint)
        .bind(ticket.number)
        .fetch_optional(&mut *write)
        .await?;
    let Some(row) = row else { return Ok(None) };
    load_ticket(write, row.try_get(0)?).await
}
