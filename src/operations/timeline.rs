//! A ticket's history as promises see it.

use crate::desk::{Event, Field, Hold, TicketEvent, TicketState};
use crate::sla::{Change, Entry, Phase, Timeline};

/// What of a history has to do with promises; `None` without an opening event.
pub(super) fn timeline_of(history: &[Event]) -> Option<Timeline> {
    let (first, rest) = history.split_first()?;
    let TicketEvent::Opened(opening) = &first.event else { return None };
    let entry = |event: &Event| Some(Entry { at_us: event.at_us, change: change_of(event)? });
    Some(Timeline {
        opened_at_us: first.at_us,
        kind: opening.ticket_kind,
        priority: opening.priority,
        service: opening.service.clone(),
        entries: rest.iter().filter_map(entry).collect(),
    })
}

/// Whether promises may stand differently after an event.
pub(super) fn concerns_promises(event: &Event) -> bool {
    matches!(event.event, TicketEvent::Opened(_)) || change_of(event).is_some()
}

fn change_of(event: &Event) -> Option<Change> {
    match &event.event {
        TicketEvent::Moved { to, hold, .. } => Some(Change::Moved(phase(*to, *hold))),
        TicketEvent::Reprioritised { to, .. } => Some(Change::Prioritised(*to)),
        TicketEvent::KindCorrected { to, .. } => Some(Change::Kind(*to)),
        TicketEvent::Set { field: Field::Service, to, .. } => Some(Change::Service(to.clone())),
        // What the person who asked writes is no answer to them (`requester ` marks their words), nor is what was written elsewhere.
        TicketEvent::Commented { internal: false, copied: None, .. } if event.actor.is_person() && !event.actor.is_requester() => {
            Some(Change::Replied)
        }
        TicketEvent::Acknowledged { .. } => Some(Change::Acknowledged),
        TicketEvent::Assigned { .. } => Some(Change::Assigned),
        _ => None,
    }
}

fn phase(state: TicketState, hold: Option<Hold>) -> Phase {
    match state {
        TicketState::New => Phase::New,
        TicketState::Assigned => Phase::Assigned,
        TicketState::InProgress => Phase::InProgress,
        TicketState::OnHold => Phase::OnHold(hold),
        TicketState::Resolved => Phase::Resolved,
        TicketState::Closed => Phase::Closed,
        TicketState::Reopened => Phase::Reopened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{Actor, Copied, Opening};
    use crate::record::{Priority, TicketKind};

    #[test]
    fn a_copied_comment_answers_nobody_and_a_corrected_kind_is_seen() {
        let ines = Actor { name: "user ines".into(), origin: "10.0.0.9".into() };
        let said = |copied| TicketEvent::Commented { text: String::new(), internal: false, copied };
        let events = [
            TicketEvent::Opened(Box::new(Opening::new(TicketKind::Incident, "no sound".into(), Priority::P3))),
            said(Some(Copied { ticket: 1, event: 2, at_us: 0, by: "user omar".into() })),
            TicketEvent::KindCorrected { from: TicketKind::Incident, to: TicketKind::Request, reason: "asked for".into() },
            said(None),
        ];
        let event = |(at, event)| Event { seq: at as i64 + 1, at_us: at as i64, actor: ines.clone(), event };
        let timeline = timeline_of(&events.into_iter().enumerate().map(event).collect::<Vec<_>>()).unwrap();
        let seen: Vec<_> = timeline.entries.into_iter().map(|entry| (entry.at_us, entry.change)).collect();
        assert_eq!(seen, [(2, Change::Kind(TicketKind::Request)), (3, Change::Replied)]);
    }
}
