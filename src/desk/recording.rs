//! From finding to ticket: open one, join the open one, or reopen what was resolved lately.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::change::{MAX_TITLE_CHARS, one_line};
use super::rule_run::save_run;
use super::ticket_rows::{append_event, json, json_text, load_ticket, save_ticket, ticket_of};
use super::{
    Actor, Desk, DeskError, Ended, Event, Filed, FindingNote, Opening, Round, Ticket, TicketEvent, TicketKind, TicketState,
    impact_and_urgency, priority,
};
use crate::clock::{DAY_US, SECOND_US, TimestampUs};
use crate::store::{Finding, FindingSeverity, StoreError, bounded_row};

/// A problem that comes back sooner than this after it was resolved was not resolved: the ticket is reopened.
pub const REOPEN_WITHIN_US: i64 = DAY_US;

/// The history of a ticket speaks of findings that go on at most this often: a rule that runs every minute would bury what
/// people wrote.
pub const NOTE_JOINS_EVERY_US: i64 = 900 * SECOND_US;

/// Events up to which the history names every new member of an incident; of a storm, the first fifty say enough.
const NAMED_MEMBERS: i64 = 50;

/// What became of findings: each number once for each finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Tickets that were opened.
    pub opened: Vec<i64>,
    /// Tickets that a finding joined.
    pub joined: Vec<i64>,
    /// Resolved tickets that a finding reopened.
    pub reopened: Vec<i64>,
    /// Tickets that were resolved because their problem is over.
    pub resolved: Vec<i64>,
    /// Findings held back.
    pub held: u64,
    /// Findings that were recorded before: the same rule, fingerprint and end of the window.
    pub duplicates: u64,
}

impl Desk {
    /// Records a round of the analysis in one transaction: all of it or nothing. Evidence is cut to its limits and kept for
    /// the first and the latest finding of each fingerprint in a ticket.
    pub async fn record(&self, round: &Round) -> Result<Recorded, DeskError> {
        let mut write = self.store.write().await?;
        let mut recording = Recording { now_us: self.clock.now_us(), tickets: BTreeMap::new(), recorded: Recorded::default() };
        for filed in &round.findings {
            recording.finding(&mut write, filed).await?;
        }
        for ended in &round.ended {
            recording.ended(&mut write, ended).await?;
        }
        for ticket in recording.tickets.values() {
            save_ticket(&mut write, ticket).await?;
        }
        for run in &round.runs {
            save_run(&mut write, run, recording.now_us).await?;
        }
        for (name, state) in &round.states {
            save_state(&mut write, name, state, recording.now_us).await?;
        }
        write.commit().await?;
        Ok(recording.recorded)
    }

    /// Which of the findings are not recorded yet: a round is grouped without what was found before.
    pub async fn without_recorded(&self, findings: Vec<Finding>) -> Result<(Vec<Finding>, u64), DeskError> {
        let mut read = self.store.read().await?;
        let (mut new, mut known) = (Vec::with_capacity(findings.len()), 0);
        for finding in findings {
            if is_recorded(&mut read, &finding).await? { known += 1 } else { new.push(finding) }
        }
        Ok((new, known))
    }

    /// A state of the analysis that was kept with the findings.
    pub async fn analysis_state(&self, name: &str) -> Result<Option<Vec<u8>>, DeskError> {
        let mut read = self.store.read().await?;
        let row = sqlx::query("SELECT state FROM analysis_state WHERE name = ?1").bind(name).fetch_optional(&mut *read).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }
}

/// A round on its way into the store. Tickets are changed here and written once, at its end.
struct Recording {
    now_us: TimestampUs,
    tickets: BTreeMap<i64, Ticket>,
    recorded: Recorded,
}

impl Recording {
    async fn finding(&mut self, write: &mut SqliteConnection, filed: &Filed) -> Result<(), StoreError> {
        let finding = &filed.finding;
        if is_recorded(write, finding).await? {
            self.recorded.duplicates += 1;
            return Ok(());
        }
        let Some(problem) = &filed.problem else {
            insert_finding(write, None, filed, self.now_us).await?;
            self.recorded.held += 1;
            return Ok(());
        };
        let mut ticket = match self.ticket_to_join(write, problem).await? {
            Some(ticket) => self.join(write, ticket, filed).await?,
            None => {
                let ticket = open(write, finding, problem, self.now_us).await?;
                self.recorded.opened.push(ticket.number);
                ticket
            }
        };
        let id = insert_finding(write, Some(ticket.number), filed, self.now_us).await?;
        forget_evidence_before(write, ticket.number, &finding.fingerprint, id).await?;
        ticket.note_finding(FindingNote { id, window_end_us: finding.window_end_us, recorded_at_us: self.now_us });
        self.tickets.insert(ticket.number, ticket);
        Ok(())
    }

    /// The ticket with what its history says of the finding: that it reopened it, that something new joined, or, now and
    /// then, that it goes on.
    async fn join(&mut self, write: &mut SqliteConnection, mut ticket: Ticket, filed: &Filed) -> Result<Ticket, StoreError> {
        let finding = &filed.finding;
        if reopens(&ticket, finding) || (filed.outcome == "reopened" && ticket.resolved_at_us.is_some()) {
            let reason = Some(format!("{} found it again", finding.rule));
            let event = TicketEvent::Moved { from: ticket.state, to: TicketState::Reopened, reason };
            happen(write, &mut ticket, Actor::rule(&finding.rule), self.now_us, event).await?;
            self.recorded.reopened.push(ticket.number);
            return Ok(ticket);
        }
        let is_new = filed.outcome == "joined" && ticket.events < NAMED_MEMBERS;
        if is_new || self.now_us - ticket.noted_at_us >= NOTE_JOINS_EVERY_US {
            let named = |text: String| Some(text).filter(|text| is_new && !text.is_empty());
            let event = TicketEvent::Joined {
                findings: ticket.findings + 1,
                finding_at_us: finding.window_end_us,
                title: named(short_title(finding)),
                because: named(filed.because.clone()),
            };
            happen(write, &mut ticket, Actor::rule(&finding.rule), self.now_us, event).await?;
        }
        self.recorded.joined.push(ticket.number);
        Ok(ticket)
    }

    /// The open ticket of the problem, or the newest that was resolved lately; never a closed one.
    async fn ticket_to_join(&mut self, write: &mut SqliteConnection, problem: &str) -> Result<Option<Ticket>, StoreError> {
        let is_it = |ticket: &&Ticket| ticket.fingerprint.as_deref() == Some(problem) && ticket.state != TicketState::Closed;
        if let Some(ticket) = self.tickets.values().rfind(is_it) {
            return Ok(Some(ticket.clone()));
        }
        let row = sqlx::query(
            "SELECT * FROM tickets WHERE fingerprint = ?1 AND state <> 'closed' AND (state <> 'resolved' OR resolved_at_us > ?2)
             ORDER BY state = 'resolved', number DESC LIMIT 1",
        )
        .bind(problem)
        .bind(self.now_us - REOPEN_WITHIN_US)
        .fetch_optional(write)
        .await?;
        row.as_ref().map(ticket_of).transpose()
    }

    /// The problem is over: a ticket that nobody has taken up is resolved, to the others it is said. So it is to one that
    /// only a person may resolve.
    async fn ended(&mut self, write: &mut SqliteConnection, ended: &Ended) -> Result<(), StoreError> {
        let Some(mut ticket) = self.ticket_to_join(write, &ended.problem).await?.filter(|ticket| ticket.state.is_open()) else {
            return Ok(());
        };
        let untouched = !ended.by_hand && matches!(ticket.state, TicketState::New | TicketState::Reopened) && ticket.assignee.is_none();
        let event = if untouched {
            self.recorded.resolved.push(ticket.number);
            TicketEvent::Moved { from: ticket.state, to: TicketState::Resolved, reason: Some(ended.reason.clone()) }
        } else {
            TicketEvent::Commented { text: ended.reason.clone() }
        };
        happen(write, &mut ticket, Actor::analysis(), self.now_us, event).await?;
        self.tickets.insert(ticket.number, ticket);
        Ok(())
    }
}

async fn is_recorded(connection: &mut SqliteConnection, finding: &Finding) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM findings WHERE rule = ?1 AND fingerprint = ?2 AND window_end_us = ?3")
        .bind(&finding.rule)
        .bind(&finding.fingerprint)
        .bind(finding.window_end_us)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// A finding about a time before the resolution (a rule that lags, late rows) says nothing new: it joins, no more.
fn reopens(ticket: &Ticket, finding: &Finding) -> bool {
    ticket.resolved_at_us.is_some_and(|resolved_at_us| finding.window_end_us > resolved_at_us)
}

async fn open(write: &mut SqliteConnection, finding: &Finding, problem: &str, now_us: TimestampUs) -> Result<Ticket, StoreError> {
    let (impact, urgency) = impact_and_urgency(finding.severity);
    let opening = Opening {
        ticket_kind: TicketKind::Incident,
        title: short_title(finding),
        description: finding.description.clone(),
        priority: priority(impact, urgency),
        severity: Some(finding.severity),
        fingerprint: Some(problem.to_owned()),
        rule: Some(finding.rule.clone()),
        entity: finding.entity.clone(),
    };
    open_ticket(write, opening, Actor::rule(&finding.rule), now_us).await
}

/// A ticket for what a row of `findings` is about (its columns rule, entity, title and severity).
pub(super) async fn open_for(
    write: &mut SqliteConnection,
    row: &SqliteRow,
    description: &str,
    problem: &str,
    actor: &Actor,
    now_us: TimestampUs,
) -> Result<Ticket, StoreError> {
    let severity = row.try_get::<&str, _>("severity")?.parse::<FindingSeverity>().map_err(StoreError::Unreadable)?;
    let (impact, urgency) = impact_and_urgency(severity);
    let opening = Opening {
        ticket_kind: TicketKind::Incident,
        title: row.try_get("title")?,
        description: description.to_owned(),
        priority: priority(impact, urgency),
        severity: Some(severity),
        fingerprint: Some(problem.to_owned()),
        rule: Some(row.try_get("rule")?),
        entity: json(row.try_get("entity")?)?,
    };
    open_ticket(write, opening, actor.clone(), now_us).await
}

async fn open_ticket(write: &mut SqliteConnection, opening: Opening, actor: Actor, now_us: TimestampUs) -> Result<Ticket, StoreError> {
    let row = sqlx::query("UPDATE counters SET value = value + 1 WHERE name = 'ticket' RETURNING value").fetch_one(&mut *write).await?;
    let number: i64 = row.try_get(0)?;
    let event = Event { seq: 1, at_us: now_us, actor, event: TicketEvent::Opened(Box::new(opening)) };
    append_event(write, number, &event).await?;
    let ticket = Ticket::open(number, &event).ok_or_else(|| StoreError::Other("BUG: an opening event opened nothing".to_owned()))?;
    // Findings and events refer to the row.
    save_ticket(write, &ticket).await?;
    Ok(ticket)
}

/// The finding's title as it may be stored: columns of a log line, which stand in it, may hold anything.
fn short_title(finding: &Finding) -> String {
    one_line(&finding.title).chars().take(MAX_TITLE_CHARS).collect()
}

/// Writes an event and applies it; the caller saves the ticket's row in the same transaction.
async fn happen(
    write: &mut SqliteConnection,
    ticket: &mut Ticket,
    actor: Actor,
    now_us: TimestampUs,
    event: TicketEvent,
) -> Result<(), StoreError> {
    let event = Event { seq: ticket.events + 1, at_us: now_us, actor, event };
    append_event(write, ticket.number, &event).await?;
    ticket.apply(&event);
    Ok(())
}

async fn insert_finding(write: &mut SqliteConnection, ticket: Option<i64>, filed: &Filed, now_us: TimestampUs) -> Result<i64, StoreError> {
    let finding = &filed.finding;
    let done = sqlx::query(
        "INSERT INTO findings (ticket, rule, fingerprint, entity, title, severity, result, window_start_us, window_end_us, recorded_at_us, evidence,
             outcome, reasons)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
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
    .bind(filed.outcome)
    .bind(if filed.reasons.is_null() { None } else { Some(filed.reasons.to_string()) })
    .execute(write)
    .await?;
    Ok(done.last_insert_rowid())
}

/// Of a fingerprint's findings in a ticket the first and the latest keep their evidence: the one before `latest` loses it,
/// unless it is the first.
async fn forget_evidence_before(write: &mut SqliteConnection, ticket: i64, fingerprint: &str, latest: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE findings SET evidence = NULL
         WHERE id = (SELECT max(id) FROM findings WHERE ticket = ?1 AND fingerprint = ?2 AND id < ?3)
             AND id > (SELECT min(id) FROM findings WHERE ticket = ?1 AND fingerprint = ?2)",
    )
    .bind(ticket)
    .bind(fingerprint)
    .bind(latest)
    .execute(write)
    .await?;
    Ok(())
}

async fn save_state(write: &mut SqliteConnection, name: &str, state: &[u8], now_us: TimestampUs) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO analysis_state (name, state, saved_at_us) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET state = excluded.state, saved_at_us = excluded.saved_at_us",
    )
    .bind(name)
    .bind(state)
    .bind(now_us)
    .execute(write)
    .await?;
    Ok(())
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
