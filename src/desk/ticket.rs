//! A ticket as it stands, and how events and findings make it so. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Event, Field, Hold, Impact, Priority, TicketEvent, TicketKind, TicketState, Urgency};
use crate::clock::TimestampUs;
use crate::store::FindingSeverity;

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
    /// How much of the business is hit.
    pub impact: Option<Impact>,
    /// How soon it hurts.
    pub urgency: Option<Urgency>,
    /// Whom it waits for, while it is on hold.
    pub hold: Option<Hold>,
    /// Who asked.
    pub requester: Option<String>,
    /// The team that answers for it.
    pub team: Option<String>,
    /// The service that is hit.
    pub service: Option<String>,
    /// Who works on it.
    pub assignee: Option<String>,
    /// A person chose the assignee (or that there is none): the desk leaves it so.
    pub chosen_by_person: bool,
    /// Who has seen it and takes care, until it is reopened.
    pub acknowledged_by: Option<String>,
    /// Who else hears of it.
    pub watchers: BTreeSet<String>,
    /// The ticket that it goes on in.
    pub merged_into: Option<i64>,
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
    /// Raised by every decision, see [`TicketEvent::is_decision`]: the number to send back with a change.
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
            impact: opening.impact,
            urgency: opening.urgency,
            hold: None,
            requester: opening.requester.clone(),
            team: opening.team.clone(),
            service: opening.service.clone(),
            assignee: None,
            chosen_by_person: false,
            acknowledged_by: None,
            watchers: opening.watchers.clone(),
            merged_into: None,
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

    /// Whether nobody has decided anything about it yet: the desk may resolve it when its trouble is over.
    pub fn is_untouched(&self) -> bool {
        let waits = matches!(self.state, TicketState::New | TicketState::Reopened | TicketState::Assigned);
        waits && !self.chosen_by_person && self.acknowledged_by.is_none()
    }

    /// Takes the next event of the history.
    pub fn apply(&mut self, event: &Event) {
        match &event.event {
            TicketEvent::Opened(_)
            | TicketEvent::Commented { .. }
            | TicketEvent::Linked { .. }
            | TicketEvent::Unlinked { .. }
            | TicketEvent::Attached { .. }
            | TicketEvent::SplitOff { .. }
            | TicketEvent::Warned { .. } => {}
            // Somebody is called again: the acknowledgement before was not followed by work, and may be given anew.
            TicketEvent::Paged { .. } => self.acknowledged_by = None,
            TicketEvent::Joined { severity, .. } => {
                self.noted_at_us = event.at_us;
                self.severity = severity.or(self.severity);
            }
            TicketEvent::Moved { to, hold, .. } => self.move_to(*to, *hold, event.at_us),
            TicketEvent::Reprioritised { to, .. } => self.priority = *to,
            TicketEvent::KindCorrected { to, .. } => self.kind = *to,
            TicketEvent::EntityCorrected { to, .. } => self.entity.clone_from(to),
            TicketEvent::Retitled { to, .. } => self.title.clone_from(to),
            TicketEvent::Assigned { to, .. } => {
                self.assignee.clone_from(to);
                self.chosen_by_person = event.actor.is_person();
            }
            TicketEvent::Set { field, to, .. } => self.set(*field, to.as_deref()),
            TicketEvent::Watched { person } => {
                self.watchers.insert(person.clone());
            }
            TicketEvent::Unwatched { person } => {
                self.watchers.remove(person);
            }
            TicketEvent::Merged { into } => self.merged_into = Some(*into),
            TicketEvent::Acknowledged { by, .. } => self.acknowledged_by = Some(by.clone().unwrap_or_else(|| event.actor.name.clone())),
        }
        self.events += 1;
        self.version += i64::from(event.event.is_decision());
        self.updated_at_us = self.updated_at_us.max(event.at_us);
    }

    fn move_to(&mut self, state: TicketState, hold: Option<Hold>, at_us: TimestampUs) {
        self.state = state;
        self.hold = hold.filter(|_| state == TicketState::OnHold);
        match state {
            TicketState::Resolved => self.resolved_at_us = Some(at_us),
            TicketState::Reopened => {
                self.resolved_at_us = None;
                self.acknowledged_by = None;
                self.merged_into = None;
            }
            _ => {}
        }
    }

    /// What the history says was checked when it was written; a word that no longer exists reads as unknown.
    fn set(&mut self, field: Field, to: Option<&str>) {
        let text = to.map(str::to_owned);
        match field {
            Field::Team => self.team = text,
            Field::Service => self.service = text,
            Field::Requester => self.requester = text,
            Field::Description => self.description = text.unwrap_or_default(),
            Field::Impact => self.impact = to.and_then(|word| word.parse().ok()),
            Field::Urgency => self.urgency = to.and_then(|word| word.parse().ok()),
        }
    }

    /// The field's present text.
    pub fn field(&self, field: Field) -> Option<String> {
        match field {
            Field::Team => self.team.clone(),
            Field::Service => self.service.clone(),
            Field::Requester => self.requester.clone(),
            Field::Description => Some(self.description.clone()),
            Field::Impact => self.impact.map(|impact| impact.word().to_owned()),
            Field::Urgency => self.urgency.map(|urgency| urgency.word().to_owned()),
        }
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
