//! What a person may ask of a ticket, and the events that follow. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::reclassifying::{Consequences, corrections};
use super::{DeskError, Field, Hold, Impact, Priority, PriorityMatrix, Ticket, TicketEvent, TicketKind, TicketState, Urgency};

/// Longest title: one line of a list.
pub(super) const MAX_TITLE_CHARS: usize = 300;
/// Longest name of a person, a team or a service.
const MAX_NAME_CHARS: usize = 200;
/// Longest description: that of a change with its plan.
const MAX_DESCRIPTION_BYTES: usize = 64 << 10;
/// Longest reason for a correction: a sentence or three.
pub(super) const MAX_REASON_CHARS: usize = 1_000;
/// Longest comment: a pasted stack trace fits, a log file does not.
const MAX_COMMENT_BYTES: usize = 64 << 10;

/// A change of a ticket: whatever is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// What sort of ticket it is, where it was filed as another; with `reason`.
    pub kind: Option<TicketKind>,
    /// What it is about, all of it, where something else was thought; with `reason`.
    pub entity: Option<BTreeMap<String, String>>,
    /// Why kind or entity is corrected.
    pub reason: Option<String>,
    /// The state to go to. Asking for the present state is no move.
    pub state: Option<TicketState>,
    /// Whom it waits for, with state `on_hold` or for a ticket that is on hold.
    pub hold: Option<Hold>,
    /// Order of work. Without it, a new impact or urgency gives the priority of the matrix.
    pub priority: Option<Priority>,
    /// How much of the business is hit.
    pub impact: Option<Impact>,
    /// How soon it hurts.
    pub urgency: Option<Urgency>,
    /// One line.
    pub title: Option<String>,
    /// What it is about, in Markdown.
    pub description: Option<String>,
    /// The team that answers for it; an empty text takes it away, as with the three below.
    pub team: Option<String>,
    /// The service that is hit.
    pub service: Option<String>,
    /// Who asked.
    pub requester: Option<String>,
    /// Who is to work on it. Giving a new or reopened ticket to somebody, without a state, moves it to `assigned`.
    pub assignee: Option<String>,
    /// Something to say, in Markdown.
    pub comment: Option<String>,
    /// The comment is only for those who work on the ticket.
    pub internal: bool,
}

/// The events that make the change and what follows from it, in order; none if nothing would be different.
pub(super) fn events_of(
    ticket: &Ticket,
    change: &Change,
    matrix: &PriorityMatrix,
    consequences: Option<&Consequences>,
) -> Result<Vec<TicketEvent>, DeskError> {
    let mut events = corrections(ticket, change)?;
    let title = change.title.as_deref().map(checked_title).transpose()?;
    if let Some(to) = title.filter(|title| *title != ticket.title) {
        events.push(TicketEvent::Retitled { from: ticket.title.clone(), to });
    }
    let chosen = fields_of(change)?.into_iter().map(|(field, to)| (field, to, None));
    let following = consequences.map(following_fields).unwrap_or_default();
    for (field, to, because) in chosen.chain(following) {
        let from = ticket.field(field);
        if from != to {
            events.push(TicketEvent::Set { field, from, to, because });
        }
    }
    let chosen = change.priority.map(|priority| (priority, None));
    let priority = chosen.or_else(|| priority_of(ticket, change, matrix, consequences));
    if let Some((to, because)) = priority.filter(|(priority, _)| *priority != ticket.priority) {
        events.push(TicketEvent::Reprioritised { from: ticket.priority, to, because });
    }
    let mut assignee = ticket.assignee.clone();
    if let Some(name) = &change.assignee {
        assignee = checked_name("assignee", name)?;
        if assignee != ticket.assignee {
            events.push(TicketEvent::Assigned { from: ticket.assignee.clone(), to: assignee.clone(), because: Vec::new() });
        }
    }
    events.extend(move_of(ticket, change, assignee.is_some())?);
    if let Some(text) = &change.comment {
        events.push(TicketEvent::Commented { text: checked_comment(text)?, internal: change.internal, copied: None });
    }
    Ok(events)
}

/// The texts that the change sets, checked; `None` takes one away.
fn fields_of(change: &Change) -> Result<Vec<(Field, Option<String>)>, DeskError> {
    let names = [(Field::Team, &change.team), (Field::Service, &change.service), (Field::Requester, &change.requester)];
    let mut fields = Vec::new();
    for (field, name) in names {
        if let Some(name) = name {
            fields.push((field, checked_name(field.word(), name)?));
        }
    }
    fields.extend(change.impact.map(|impact| (Field::Impact, Some(impact.word().to_owned()))));
    fields.extend(change.urgency.map(|urgency| (Field::Urgency, Some(urgency.word().to_owned()))));
    if let Some(text) = &change.description {
        fields.push((Field::Description, Some(checked_description(text)?)));
    }
    Ok(fields)
}

/// The fields that a correction changes besides, with the reason.
fn following_fields(consequences: &Consequences) -> Vec<(Field, Option<String>, Option<String>)> {
    let Consequences { service, team, impact, .. } = consequences;
    let mut fields = Vec::new();
    fields.extend(service.clone().map(|service| (Field::Service, service)));
    fields.extend(team.clone().map(|team| (Field::Team, Some(team))));
    fields.extend(impact.map(|impact| (Field::Impact, Some(impact.word().to_owned()))));
    fields.into_iter().map(|(field, to)| (field, to, Some(consequences.because.to_owned()))).collect()
}

/// The priority of the matrix, with the reason: where impact or urgency is chosen, or the impact follows from a correction.
fn priority_of(
    ticket: &Ticket,
    change: &Change,
    matrix: &PriorityMatrix,
    consequences: Option<&Consequences>,
) -> Option<(Priority, Option<String>)> {
    let is_asked = change.impact.or(change.urgency.and(ticket.impact)).is_some();
    let following = consequences.filter(|it| it.impact.is_some() && (it.moves_priority || is_asked));
    let because = match following {
        Some(consequences) => consequences.because,
        None if is_asked => "the matrix gives it for this impact and urgency",
        None => return None,
    };
    let impact = change.impact.or(following.and_then(|it| it.impact)).or(ticket.impact)?;
    Some((matrix.priority(impact, change.urgency.or(ticket.urgency)?), Some(because.to_owned())))
}

fn move_of(ticket: &Ticket, change: &Change, has_assignee: bool) -> Result<Option<TicketEvent>, DeskError> {
    let (from, to) = (ticket.state, next_state(ticket, change, has_assignee));
    if to == TicketState::Assigned && !has_assignee {
        let why = "a ticket in state assigned has somebody; name them, or move the ticket to another state".to_owned();
        return Err(DeskError::Invalid { field: "assignee", why });
    }
    if change.hold.is_some() && to != TicketState::OnHold {
        let why = format!("only a ticket on hold waits for somebody, and this one would be {to}; send \"state\": \"on_hold\" with it");
        return Err(DeskError::Invalid { field: "hold", why });
    }
    let hold = change.hold.or(ticket.hold).or(Some(Hold::User)).filter(|_| to == TicketState::OnHold);
    if to == from {
        let waits_for_another = to == TicketState::OnHold && hold != ticket.hold;
        return Ok(waits_for_another.then_some(TicketEvent::Moved { from, to, hold, reason: None }));
    }
    let allowed = from.next();
    if !allowed.contains(&to) {
        return Err(DeskError::IllegalMove { from, to, allowed });
    }
    Ok(Some(TicketEvent::Moved { from, to, hold, reason: None }))
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

pub(super) fn checked_title(title: &str) -> Result<String, DeskError> {
    let title = one_line(title);
    let length = title.chars().count();
    if length == 0 || length > MAX_TITLE_CHARS {
        let why = format!("it has {length} characters; write 1 to {MAX_TITLE_CHARS}");
        return Err(DeskError::Invalid { field: "title", why });
    }
    Ok(title)
}

/// A name of a person, team or service; an empty one is none.
pub(super) fn checked_name(field: &'static str, name: &str) -> Result<Option<String>, DeskError> {
    let name = one_line(name);
    let length = name.chars().count();
    if length > MAX_NAME_CHARS {
        let why = format!("the name has {length} characters; write at most {MAX_NAME_CHARS}");
        return Err(DeskError::Invalid { field, why });
    }
    Ok(Some(name).filter(|name| !name.is_empty()))
}

pub(super) fn checked_description(text: &str) -> Result<String, DeskError> {
    let text = text.trim();
    if text.len() > MAX_DESCRIPTION_BYTES {
        let why = format!("it has {} bytes; write at most {MAX_DESCRIPTION_BYTES}, or attach a file", text.len());
        return Err(DeskError::Invalid { field: "description", why });
    }
    Ok(text.to_owned())
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
    use proptest::prelude::*;

    use super::*;
    use crate::desk::{Actor, Event, Opening};

    fn events_of(ticket: &Ticket, change: &Change) -> Result<Vec<TicketEvent>, DeskError> {
        super::events_of(ticket, change, &PriorityMatrix::default(), None)
    }

    fn moved(from: TicketState, to: TicketState) -> TicketEvent {
        TicketEvent::Moved { from, to, hold: (to == TicketState::OnHold).then_some(Hold::User), reason: None }
    }

    fn ticket(state: TicketState, assignee: Option<&str>) -> Ticket {
        let opening = Opening::new(TicketKind::Incident, "disk full".into(), Priority::P3);
        let event = TicketEvent::Opened(Box::new(opening));
        let mut ticket = Ticket::open(1, &Event { seq: 1, at_us: 0, actor: Actor::rule("r"), event }).unwrap();
        ticket.state = state;
        ticket.hold = (state == TicketState::OnHold).then_some(Hold::User);
        ticket.assignee = assignee.map(str::to_owned);
        ticket
    }

    #[test]
    fn giving_a_new_ticket_to_somebody_assigns_it() {
        let change = Change { assignee: Some("ines".into()), ..Change::default() };
        let events = events_of(&ticket(TicketState::New, None), &change).unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!(events[1], moved(TicketState::New, TicketState::Assigned));
        let at_work = events_of(&ticket(TicketState::InProgress, Some("omar")), &change).unwrap();
        assert_eq!(at_work, [TicketEvent::Assigned { from: Some("omar".into()), to: Some("ines".into()), because: vec![] }]);
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
            ..Change::default()
        };
        let mut on_hold = ticket(TicketState::OnHold, Some("ines"));
        on_hold.hold = Some(Hold::Supplier);
        assert!(events_of(&on_hold, &change).unwrap().is_empty());
    }

    #[test]
    fn a_ticket_waits_for_somebody_only_on_hold() {
        let change = Change { hold: Some(Hold::Supplier), ..Change::default() };
        assert!(matches!(events_of(&ticket(TicketState::New, None), &change), Err(DeskError::Invalid { field: "hold", .. })));
        let mut on_hold = ticket(TicketState::OnHold, None);
        on_hold.hold = Some(Hold::User);
        let from = TicketState::OnHold;
        let moved = TicketEvent::Moved { from, to: from, hold: Some(Hold::Supplier), reason: None };
        assert_eq!(events_of(&on_hold, &change).unwrap(), [moved]);
    }

    #[test]
    fn a_new_impact_gives_the_priority_of_the_matrix_unless_one_is_named() {
        let mut ticket = ticket(TicketState::New, None);
        ticket.urgency = Some(Urgency::High);
        let change = Change { impact: Some(Impact::High), ..Change::default() };
        let by_matrix = Some("the matrix gives it for this impact and urgency".to_owned());
        let raised = TicketEvent::Reprioritised { from: Priority::P3, to: Priority::P1, because: by_matrix };
        assert_eq!(events_of(&ticket, &change).unwrap()[1], raised);
        let change = Change { priority: Some(Priority::P4), ..change };
        let chosen = TicketEvent::Reprioritised { from: Priority::P3, to: Priority::P4, because: None };
        assert_eq!(events_of(&ticket, &change).unwrap()[1], chosen);
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
                prop_assert_eq!(result.unwrap(), [moved(from, to)]);
            } else {
                let legal = matches!(result, Err(DeskError::IllegalMove { allowed, .. }) if allowed == from.next());
                prop_assert!(legal);
            }
        }
    }
}
