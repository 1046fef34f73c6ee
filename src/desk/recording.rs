//! From finding to ticket: open one, join the open one, or reopen what was resolved lately.

use std::sync::Arc;

use sqlx::{Row, SqliteConnection};

use super::change::{MAX_TITLE_CHARS, one_line};
use super::problems::{add_problem, end_problem, follow_split_off, goes_on, ticket_split_off, ticket_with_problem};
use super::rule_run::save_run;
use super::rules::{AssetFacts, Placement};
use super::ticket_rows::{json_text, load_ticket, ticket_of};
use super::{
    Actor, Desk, DeskError, DeskRules, Ended, Field, Filed, FiledAs, FindingNote, Opening, Round, Ticket, TicketEvent, TicketKind,
    TicketState, Writing,
};
use crate::clock::{SECOND_US, TimestampUs};
use crate::store::{Finding, StoreError, bounded_row};

/// The history of a ticket speaks of findings that go on at most this often: a rule that runs every minute would bury what
/// people wrote.
pub const NOTE_JOINS_EVERY_US: i64 = 900 * SECOND_US;

/// Merges after one another that are followed from a ticket to the one that it goes on in.
const MAX_MERGES: usize = 16;

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
        let mut recording = Recording { writing: self.writing().await?, rules: self.rules(), recorded: Recorded::default() };
        for filed in &round.findings {
            recording.finding(filed).await?;
        }
        for ended in &round.ended {
            recording.ended(ended).await?;
        }
        let Recording { mut writing, recorded, .. } = recording;
        let now_us = writing.now_us();
        for run in &round.runs {
            save_run(writing.connection(), run, now_us).await?;
        }
        for (name, state) in &round.states {
            save_state(writing.connection(), name, state, now_us).await?;
        }
        writing.commit().await?;
        Ok(recorded)
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

/// A round on its way into the store.
struct Recording {
    writing: Writing,
    rules: Arc<DeskRules>,
    recorded: Recorded,
}

impl Recording {
    async fn finding(&mut self, filed: &Filed) -> Result<(), DeskError> {
        let (finding, now_us) = (&filed.finding, self.writing.now_us());
        if is_recorded(self.writing.connection(), finding).await? {
            self.recorded.duplicates += 1;
            return Ok(());
        }
        let Some(problem) = &filed.problem else {
            insert_finding(self.writing.connection(), None, filed, now_us).await?;
            self.recorded.held += 1;
            return Ok(());
        };
        let number = if let Some(number) = self.ticket_to_join(problem).await? {
            self.join(number, None, filed).await?;
            goes_on(self.writing.connection(), problem).await?;
            number
        } else if let Some(number) = self.ticket_of_the_same(finding).await? {
            self.join(number, Some(problem), filed).await?;
            add_problem(self.writing.connection(), problem, number).await?;
            number
        } else {
            let asset = AssetFacts::of(self.writing.connection(), &finding.entity).await?;
            let opening = opening(finding, problem, self.rules.place(&finding.entity, &asset, finding.severity));
            let number = self.writing.open(opening, &Actor::rule(&finding.rule)).await?;
            follow_split_off(self.writing.connection(), &finding.fingerprint, number).await?;
            self.recorded.opened.push(number);
            number
        };
        let id = insert_finding(self.writing.connection(), Some(number), filed, now_us).await?;
        forget_evidence_before(self.writing.connection(), number, &finding.fingerprint, id).await?;
        let note = FindingNote { id, window_end_us: finding.window_end_us, recorded_at_us: now_us };
        self.writing.update(number, |ticket| ticket.note_finding(note));
        Ok(())
    }

    /// What the ticket's history says of the finding: that it reopened it, that something new or worse joined, or, now and
    /// then, that it goes on.
    async fn join(&mut self, number: i64, new_problem: Option<&str>, filed: &Filed) -> Result<(), DeskError> {
        let (finding, now_us) = (&filed.finding, self.writing.now_us());
        let ticket = self.writing.ticket(number).await?.clone();
        let actor = Actor::rule(&finding.rule);
        let came_back = reopens(&ticket, finding) || (filed.outcome == FiledAs::Reopened && ticket.resolved_at_us.is_some());
        if came_back {
            let reason = Some(format!("{} found it again", finding.rule));
            let event = TicketEvent::Moved { from: ticket.state, to: TicketState::Reopened, hold: None, reason };
            self.writing.happen(number, &actor, event).await?;
            self.recorded.reopened.push(number);
        } else {
            self.recorded.joined.push(number);
        }
        let is_new = new_problem.is_some() || (filed.outcome == FiledAs::Joined && ticket.events < NAMED_MEMBERS);
        let worse = ticket.severity.is_some_and(|severity| finding.severity.is_worse_than(severity));
        let is_due = !came_back && now_us - ticket.noted_at_us >= NOTE_JOINS_EVERY_US;
        if is_new || worse || is_due {
            let named = |text: String| Some(text).filter(|text| (is_new || worse) && !text.is_empty());
            let event = TicketEvent::Joined {
                findings: ticket.findings + 1,
                finding_at_us: finding.window_end_us,
                title: named(short_title(finding)),
                because: named(filed.because.clone()),
                problem: new_problem.map(str::to_owned),
                severity: worse.then_some(finding.severity),
            };
            self.writing.happen(number, &actor, event).await?;
        }
        if worse { self.raise(&ticket, finding, &actor).await } else { Ok(()) }
    }

    /// What is worse than all before is more urgent, whatever somebody made of the lesser.
    async fn raise(&mut self, ticket: &Ticket, finding: &Finding, actor: &Actor) -> Result<(), DeskError> {
        let asset = AssetFacts::of(self.writing.connection(), &ticket.entity).await?;
        let placed = self.rules.place(&ticket.entity, &asset, finding.severity);
        if placed.priority >= ticket.priority {
            return Ok(());
        }
        if ticket.urgency != Some(placed.urgency) {
            let from = ticket.field(Field::Urgency);
            let set = TicketEvent::Set { field: Field::Urgency, from, to: Some(placed.urgency.word().to_owned()), because: None };
            self.writing.happen(ticket.number, actor, set).await?;
        }
        let event = TicketEvent::Reprioritised { from: ticket.priority, to: placed.priority, because: None };
        self.writing.happen(ticket.number, actor, event).await
    }

    /// The ticket in which the same was found before, if that is open or was resolved lately: the incident may have been over
    /// for hours while somebody still worked on it.
    async fn ticket_of_the_same(&mut self, finding: &Finding) -> Result<Option<i64>, DeskError> {
        let found = match ticket_split_off(self.writing.connection(), &finding.fingerprint).await? {
            Some(ticket) => self.where_it_goes_on(ticket).await?,
            None => self.ticket_it_was_found_in(finding).await?,
        };
        let Some(number) = found else { return Ok(None) };
        let ticket = self.writing.ticket(number).await?;
        // A resolved one that this finding does not reopen would swallow it.
        Ok(Some(number).filter(|_| ticket.state.is_open() || reopens(ticket, finding)))
    }

    async fn ticket_it_was_found_in(&mut self, finding: &Finding) -> Result<Option<i64>, DeskError> {
        let row = sqlx::query(
            "SELECT t.* FROM findings f JOIN tickets t ON t.number = f.ticket
             WHERE f.rule = ?1 AND f.fingerprint = ?2 ORDER BY f.window_end_us DESC LIMIT 1",
        )
        .bind(&finding.rule)
        .bind(&finding.fingerprint)
        .fetch_optional(self.writing.connection())
        .await?;
        match row.as_ref().map(ticket_of).transpose()? {
            Some(ticket) => self.where_it_goes_on(ticket).await,
            None => Ok(None),
        }
    }

    /// The open ticket of the problem, or the newest that was resolved lately, or the one that it goes on in; never a closed one.
    async fn ticket_to_join(&mut self, problem: &str) -> Result<Option<i64>, DeskError> {
        let resolved_after_us = self.writing.now_us() - self.rules.reopen_within_us;
        let fits = |ticket: &&Ticket| {
            ticket.fingerprint.as_deref() == Some(problem)
                && ticket.state != TicketState::Closed
                && ticket.merged_into.is_none()
                && ticket.resolved_at_us.is_none_or(|resolved_at_us| resolved_at_us > resolved_after_us)
        };
        if let Some(ticket) = self.writing.known().rfind(fits) {
            return Ok(Some(ticket.number));
        }
        // One that was merged is never too old: it goes on in another, which may be open for months.
        let row = sqlx::query(
            "SELECT * FROM tickets WHERE fingerprint = ?1
                 AND (merged_into IS NOT NULL OR state <> 'closed' AND (state <> 'resolved' OR resolved_at_us > ?2))
             ORDER BY state IN ('resolved', 'closed'), merged_into IS NULL, number DESC LIMIT 1",
        )
        .bind(problem)
        .bind(resolved_after_us)
        .fetch_optional(self.writing.connection())
        .await?;
        let opened_for_it = row.as_ref().map(ticket_of).transpose()?;
        let ticket = match opened_for_it {
            None => ticket_with_problem(self.writing.connection(), problem).await?,
            found => found,
        };
        match ticket {
            Some(ticket) => self.where_it_goes_on(ticket).await,
            None => Ok(None),
        }
    }

    /// The ticket itself or the one that it was merged into; `None` if that is over for good.
    async fn where_it_goes_on(&mut self, mut ticket: Ticket) -> Result<Option<i64>, DeskError> {
        for _ in 0..MAX_MERGES {
            let Some(into) = ticket.merged_into else { break };
            ticket = self.writing.ticket(into).await?.clone();
        }
        // One that this round has changed already is as the round left it.
        let resolved_after_us = self.writing.now_us() - self.rules.reopen_within_us;
        let ticket = self.writing.ticket(ticket.number).await?;
        let is_over = ticket.resolved_at_us.is_some_and(|resolved_at_us| resolved_at_us <= resolved_after_us);
        let is_gone = ticket.merged_into.is_some() || ticket.state == TicketState::Closed || is_over;
        Ok(Some(ticket.number).filter(|_| !is_gone))
    }

    /// The problem is over: a ticket that nobody has taken up is resolved, to the others it is said. So it is to one that
    /// only a person may resolve.
    async fn ended(&mut self, ended: &Ended) -> Result<(), DeskError> {
        let Some(number) = self.ticket_to_join(&ended.problem).await? else { return Ok(()) };
        let ticket = self.writing.ticket(number).await?.clone();
        let all_over = end_problem(self.writing.connection(), &ended.problem, &ticket).await?;
        if !ticket.state.is_open() {
            return Ok(());
        }
        // What somebody made a problem or a request of is not done because it is quiet.
        let may_resolve = ticket.kind == TicketKind::Incident && !ended.by_hand;
        let untouched = all_over && self.rules.resolves && may_resolve && ticket.is_untouched();
        let event = if untouched {
            self.recorded.resolved.push(number);
            TicketEvent::Moved { from: ticket.state, to: TicketState::Resolved, hold: None, reason: Some(ended.reason.clone()) }
        } else {
            TicketEvent::note(ended.reason.clone())
        };
        self.writing.happen(number, &Actor::analysis(), event).await
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

fn opening(finding: &Finding, problem: &str, placed: Placement) -> Opening {
    Opening {
        description: finding.description.clone(),
        severity: Some(finding.severity),
        fingerprint: Some(problem.to_owned()),
        rule: Some(finding.rule.clone()),
        entity: finding.entity.clone(),
        team: placed.team,
        service: placed.service,
        impact: Some(placed.impact),
        urgency: Some(placed.urgency),
        ..Opening::new(TicketKind::Incident, short_title(finding), placed.priority)
    }
}

/// The finding's title as it may be stored: columns of a log line, which stand in it, may hold anything.
fn short_title(finding: &Finding) -> String {
    one_line(&finding.title).chars().take(MAX_TITLE_CHARS).collect()
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
    .bind(filed.outcome.word())
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

pub(super) async fn save_state(write: &mut SqliteConnection, name: &str, state: &[u8], now_us: TimestampUs) -> Result<(), StoreError> {
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
