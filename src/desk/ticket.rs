//! A ticket as it stands, and how events and findings make it so. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Event, Priority, TicketEvent, TicketState};
use crate::clock::TimestampUs;
use crate::store::FindingSeverity;

/// What sort of ticket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketKind {
    /// Something is broken or about to be.
    Incident,
}

impl TicketKind {
    /// The word for it, as in the API and the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Incident => "incident",
        }
    }
}

/// A ticket. Its fields follow from its events and findings alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ticket {
    /// Its number, from 1.
    pub number: i64,
    /// What sort of ticket.
    pub kind: TicketKind,
    /// One line.
    pub title: String,
    /// What it is about and what to do, in Markdown.
    pub description: String,
    /// Where it stands.
    pub state: TicketState,
    /// Order of work.
    pub priority: Priority,
    /// Severity of the finding that opened it.
    pub severity: Option<FindingSeverity>,
    /// Who works on it.
    pub assignee: Option<String>,
    /// Identity of the problem.
    pub fingerprint: Option<String>,
    /// The rule that opened it.
    pub rule: Option<String>,
    /// What it is about: `host`, `app`, `mountpoint`, ...
    pub entity: BTreeMap<String, String>,
    /// When it was opened.
    pub opened_at_us: TimestampUs,
    /// Its last event or finding.
    pub updated_at_us: TimestampUs,
    /// When it was resolved; `None` while it is open.
    pub resolved_at_us: Option<TimestampUs>,
    /// Findings that it collects.
    pub findings: i64,
    /// The first of them.
    pub first_finding_id: Option<i64>,
    /// The one recorded last.
    pub last_finding_id: Option<i64>,
    /// Latest end of a finding's window.
    pub last_finding_at_us: Option<TimestampUs>,
    /// When the history last spoke of findings; see [`TicketEvent::Joined`].
    pub noted_at_us: TimestampUs,
    /// Entries of its history.
    pub events: i64,
    /// Raised by every event but [`TicketEvent::Joined`]: the number to send back with a change.
    pub version: i64,
}

/// What a ticket keeps of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingNote {
    /// The finding's number.
    pub id: i64,
    /// End of its window.
    pub window_end_us: TimestampUs,
    /// When it was recorded.
    pub recorded_at_us: TimestampUs,
}

impl Ticket {
    /// The ticket that its first event makes; `None` if that is not [`TicketEvent::Opened`].
    pub fn open(number: i64, first: &Event) -> Option<Self> {
        let TicketEvent::Opened(opening) = &first.event else { return None };
        Some(Self {
            number,
            kind: opening.ticket_kind,
            title: opening.title.clone(),
            description: opening.description.clone(),
            state: TicketState::New,
            priority: opening.priority,
            severity: opening.severity,
            assignee: None,
            fingerprint: opening.fingerprint.clone(),
            rule: opening.rule.clone(),
            entity: opening.entity.clone(),
            opened_at_us: first.at_us,
            updated_at_us: first.at_us,
            resolved_at_us: None,
            findings: 0,
            first_finding_id: None,
            last_finding_id: None,
            last_finding_at_us: None,
            noted_at_us: first.at_us,
            events: 1,
            version: 1,
        })
    }

    /// Takes the next event of the history.
    pub fn apply(&mut self, event: &Event) {
        match &event.event {
            TicketEvent::Opened(_) | TicketEvent::Commented { .. } => {}
            TicketEvent::Joined { .. } => self.noted_at_us = event.at_us,
            TicketEvent::Moved { to, .. } => {
                self.state = *to;
                match to {
                    TicketState::Resolved => self.resolved_at_us = Some(event.at_us),
                    TicketState::Reopened => self.resolved_at_us = None,
                    _ => {}
                }
            }
            TicketEvent::Reprioritised { to, .. } => self.priority = *to,
            TicketEvent::Retitled { to, .. } => self.title.clone_from(to),
            TicketEvent::Assigned { to, .. } => self.assignee.clone_from(to),
        }
        self.events += 1;
        self.version += i64::from(!matches!(event.event, TicketEvent::Joined { .. }));
        self.updated_at_us = self.updated_at_us.max(event.at_us);
    }

    /// Takes a finding.
    pub fn note_finding(&mut self, finding: FindingNote) {
        self.findings += 1;
        self.first_finding_id = self.first_finding_id.or(Some(finding.id));
        self.last_finding_id = Some(finding.id);
        self.last_finding_at_us = self.last_finding_at_us.max(Some(finding.window_end_us));
        self.updated_at_us = self.updated_at_us.max(finding.recorded_at_us);
    }
}

/// The ticket that this history and these findings (both in order) make; `None` without an opening event.
pub fn replay(number: i64, history: &[Event], findings: &[FindingNote]) -> Option<Ticket> {
    let (first, rest) = history.split_first()?;
    let mut ticket = Ticket::open(number, first)?;
    rest.iter().for_each(|event| ticket.apply(event));
    findings.iter().for_each(|finding| ticket.note_finding(*finding));
    Some(ticket)
}
