//! What a person may ask of a ticket, and the events that follow. Pure.

use serde::{Deserialize, Serialize};

use super::{DeskError, Priority, Ticket, TicketEvent, TicketState};

/// Longest title: one line of a list.
pub(super) const MAX_TITLE_CHARS: usize = 300;
/// Longest name of an assignee.
const MAX_ASSIGNEE_CHARS: usize = 200;
/// Longest comment: a pasted stack trace fits, a log file does not.
const MAX_COMMENT_BYTES: usize = 64 << 10;

/// A change of a ticket: whatever is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// The state to go to. Asking for the present state is no move.
    pub state: Option<TicketState>,
    /// Order of work.
    pub priority: Option<Priority>,
    /// One line.
    pub title: Option<String>,
    /// Who is to work on it; an empty text takes it away. Giving a new or reopened ticket to somebody, without a state,
    /// moves it to `assigned`.
    pub assignee: Option<String>,
    /// Something to say, in Markdown.
    pub comment: Option<String>,
}

/// The events that make the change, in order; none if nothing would be different.
pub(super) fn events_of(ticket: &Ticket, change: &Change) -> Result<Vec<TicketEvent>, DeskError> {
    let mut events = Vec::new();
    let title = change.title.as_deref().map(checked_title).transpose()?;
    if let Some(to) = title.filter(|title| *title != ticket.title) {
        events.push(TicketEvent::Retitled { from: ticket.title.clone(), to });
    }
    if let Some(to) = change.priority.filter(|priority| *priority != ticket.priority) {
        events.push(TicketEvent::Reprioritised { from: ticket.priority, to });
    }
    let mut assignee = ticket.assignee.clone();
    if let Some(name) = &change.assignee {
        assignee = checked_assignee(name)?;
        if assignee != ticket.assignee {
            events.push(TicketEvent::Assigned { from: ticket.assignee.clone(), to: assignee.clone() });
        }
    }
    let to = next_state(ticket, change, assignee.is_some());
    if to == TicketState::Assigned && assignee.is_none() {
        let why = "a ticket in state assigned has somebody; name them, or move the ticket to another state".to_owned();
        return Err(DeskError::Invalid { field: "assignee", why });
    }
    if to != ticket.state {
        let (from, allowed) = (ticket.state, ticket.state.next());
        if !allowed.contains(&to) {
            return Err(DeskError::IllegalMove { from, to, allowed });
        }
        events.push(TicketEvent::Moved { from, to, reason: None });
    }
    if let Some(text) = &change.comment {
        events.push(TicketEvent::Commented { text: checked_comment(text)? });
    }
    Ok(events)
}

fn next_state(ticket: &Ticket, change: &Change, has_assignee: bool) -> TicketState {
    let given_away = change.assignee.is_some() && has_assignee;
    match change.state {
        Some(state) => state,
        None if given_away && matches!(ticket.state, TicketState::New | TicketState::Reopened) => TicketState::Assigned,
        None => ticket.state,
    }
}

/// A title as it may be stored: one line without control characters, which a terminal would obey.
pub(super) fn one_line(text: &str) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    flat.trim().to_owned()
}

fn checked_title(title: &str) -> Result<String, DeskError> {
    let title = one_line(title);
    let length = title.chars().count();
    if length == 0 || length > MAX_TITLE_CHARS {
        let why = format!("it has {length} characters; write 1 to {MAX_TITLE_CHARS}");
        return Err(DeskError::Invalid { field: "title", why });
    }
    Ok(title)
}

fn checked_assignee(name: &str) -> Result<Option<String>, DeskError> {
    let name = one_line(name);
    let length = name.chars().count();
    if length > MAX_ASSIGNEE_CHARS {
        let why = format!("the name has {length} characters; write at most {MAX_ASSIGNEE_CHARS}");
        return Err(DeskError::Invalid { field: "assignee", why });
    }
    Ok(Some(name).filter(|name| !name.is_empty()))
}

fn checked_comment(text: &str) -> Result<String, DeskError> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_COMMENT_BYTES {
        let why = format!("it has {} bytes; write 1 to {MAX_COMMENT_BYTES}", text.len());
        return Err(DeskError::Invalid { field: "comment", why });
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::desk::{Actor, Event, Opening, TicketKind};

    fn ticket(state: TicketState, assignee: Option<&str>) -> Ticket {
        let opening = Opening {
            ticket_kind: TicketKind::Incident,
            title: "disk full".into(),
            description: String::new(),
            priority: Priority::P3,
            severity: None,
            fingerprint: None,
            rule: None,
            entity: BTreeMap::new(),
        };
        let event = TicketEvent::Opened(Box::new(opening));
        let mut ticket = Ticket::open(1, &Event { seq: 1, at_us: 0, actor: Actor::rule("r"), event }).unwrap();
        ticket.state = state;
        ticket.assignee = assignee.map(str::to_owned);
        ticket
    }

    #[test]
    fn giving_a_new_ticket_to_somebody_assigns_it() {
        let change = Change { assignee: Some("ines".into()), ..Change::default() };
        let events = events_of(&ticket(TicketState::New, None), &change).unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!(events[1], TicketEvent::Moved { from: TicketState::New, to: TicketState::Assigned, reason: None });
        let at_work = events_of(&ticket(TicketState::InProgress, Some("omar")), &change).unwrap();
        assert_eq!(at_work, [TicketEvent::Assigned { from: Some("omar".into()), to: Some("ines".into()) }]);
    }

    #[test]
    fn nobody_cannot_be_assigned() {
        let change = Change { state: Some(TicketState::Assigned), ..Change::default() };
        let refused = events_of(&ticket(TicketState::New, None), &change).unwrap_err();
        assert!(matches!(refused, DeskError::Invalid { field: "assignee", .. }));
        let taken_away = Change { assignee: Some(String::new()), ..Change::default() };
        assert!(events_of(&ticket(TicketState::Assigned, Some("ines")), &taken_away).is_err());
    }

    #[test]
    fn what_is_as_asked_already_makes_no_event() {
        let change = Change {
            state: Some(TicketState::OnHold),
            priority: Some(Priority::P3),
            title: Some(" disk full\n".into()),
            assignee: Some("ines".into()),
            comment: None,
        };
        assert!(events_of(&ticket(TicketState::OnHold, Some("ines")), &change).unwrap().is_empty());
    }

    #[test]
    fn an_illegal_move_names_the_legal_ones() {
        let change = Change { state: Some(TicketState::Closed), ..Change::default() };
        let refused = events_of(&ticket(TicketState::New, None), &change).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a ticket cannot go from new to closed; from new it can go to: assigned, in_progress, on_hold, resolved"
        );
    }

    #[test]
    fn escape_codes_do_not_reach_a_title() {
        let change = Change { title: Some("\u{1b}[2Jowned\nnow".into()), ..Change::default() };
        let events = events_of(&ticket(TicketState::New, None), &change).unwrap();
        assert_eq!(events, [TicketEvent::Retitled { from: "disk full".into(), to: "[2Jowned now".into() }]);
    }

    proptest! {
        #[test]
        fn a_change_moves_along_the_table_or_not_at_all(from in 0..TicketState::ALL.len(), to in 0..TicketState::ALL.len()) {
            let (from, to) = (TicketState::ALL[from], TicketState::ALL[to]);
            let change = Change { state: Some(to), ..Change::default() };
            let result = events_of(&ticket(from, Some("ines")), &change);
            if from == to {
                prop_assert!(result.unwrap().is_empty());
            } else if from.next().contains(&to) {
                prop_assert_eq!(result.unwrap(), [TicketEvent::Moved { from, to, reason: None }]);
            } else {
                let legal = matches!(result, Err(DeskError::IllegalMove { allowed, .. }) if allowed == from.next());
                prop_assert!(legal);
            }
        }
    }
}
