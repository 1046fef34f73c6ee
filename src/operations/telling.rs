//! Who is told of what happens to a ticket.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::SqliteConnection;

use super::OperationsError;
use super::setup::Setup;
use crate::clock::TimestampUs;
use crate::desk::{Actor, Event, Ticket, TicketEvent, TicketState};
use crate::notify::{EventKind, NewNotice, Throttle, Urgency, decide, enqueue};
use crate::people::Role;

/// Something to be told, and to whom.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) people: BTreeSet<String>,
    pub(super) event: EventKind,
    pub(super) urgency: Urgency,
    pub(super) subject: String,
    pub(super) body: String,
    /// Identity of a call, which its acknowledgement names.
    pub(super) page: Option<String>,
}

/// What an event has people told; `None` for what nobody needs to hear.
pub(super) fn told(ticket: &Ticket, event: &Event, setup: &Setup) -> Option<Told> {
    let (kind, urgency, body) = words(ticket, event)?;
    let mut people: BTreeSet<String> = match &event.event {
        TicketEvent::Assigned { to, .. } => to.iter().cloned().collect(),
        TicketEvent::Paged { person, .. } => [person.clone()].into(),
        TicketEvent::Warned { .. } => ticket.assignee.iter().cloned().chain(lead(ticket, setup)).collect(),
        // What the desk could not do by itself: nobody was found, nobody takes over, somebody cannot be called.
        TicketEvent::Commented { internal: true, .. } if event.actor == Actor::desk() => {
            ticket.watchers.iter().chain(&ticket.assignee).cloned().chain(lead(ticket, setup)).collect()
        }
        TicketEvent::Opened(_) => ticket.watchers.clone(),
        _ => ticket.watchers.iter().chain(&ticket.assignee).chain(&ticket.requester).cloned().collect(),
    };
    let is_page = matches!(event.event, TicketEvent::Paged { .. });
    if let (false, Some(actor)) = (is_page, event.actor.user()) {
        people.remove(actor);
    }
    let knows_desk = |name: &String| setup.users.get(name).is_some_and(|user| user.role > Role::Requester);
    if event.event.is_internal() {
        people.retain(knows_desk);
    }
    let page = match &event.event {
        TicketEvent::Paged { page, .. } => Some(page.clone()),
        _ => None,
    };
    let subject = format!("[#{}] {} {}: {}", ticket.number, ticket.priority, kind.word().replace('_', " "), ticket.title);
    Some(Told { people, event: kind, urgency, subject, body, page }).filter(|told| !told.people.is_empty())
}

/// Who leads the ticket's team.
fn lead(ticket: &Ticket, setup: &Setup) -> Option<String> {
    ticket.team.as_ref().and_then(|team| setup.teams.get(team)?.lead.clone())
}

fn words(ticket: &Ticket, event: &Event) -> Option<(EventKind, Urgency, String)> {
    use Urgency::{Low, Normal, Page};
    let who = &event.actor.name;
    Some(match &event.event {
        TicketEvent::Opened(opening) => (EventKind::Opened, Low, opening.description.clone()),
        TicketEvent::Assigned { because, .. } => {
            let because = if because.is_empty() { String::new() } else { format!("\n\nWhy you: {}", because.join("; ")) };
            (EventKind::Assigned, Normal, format!("{who} gave it to you.\n\n{}{because}", ticket.description))
        }
        // What was written in another ticket was told then.
        TicketEvent::Commented { copied: Some(_), .. } => return None,
        TicketEvent::Commented { text, .. } => (EventKind::Commented, Normal, format!("{who} wrote:\n\n{text}")),
        TicketEvent::Paged { because, .. } => (EventKind::Escalated, Page, format!("{because}\n\n{}", ticket.description)),
        TicketEvent::Warned { promise, breached, .. } => {
            let kind = if *breached { EventKind::SlaBreached } else { EventKind::SlaWarning };
            let what = if *breached { "is broken" } else { "is in danger" };
            (kind, Normal, format!("The promise of {promise} {what}."))
        }
        TicketEvent::Moved { to, reason, .. } => {
            let kind = match to {
                TicketState::Resolved => EventKind::Resolved,
                TicketState::Reopened => EventKind::Reopened,
                TicketState::Closed => EventKind::Closed,
                _ => return None,
            };
            (kind, Normal, reason.clone().unwrap_or_else(|| format!("{who} did that.")))
        }
        _ => return None,
    })
}

/// Puts it into the outbox, for each person in the ways that they wish. Gives the people whom it cannot reach.
pub(super) async fn tell(
    write: &mut SqliteConnection,
    setup: &Setup,
    throttle: &mut Throttle,
    ticket: &Ticket,
    told: &Told,
    now_us: TimestampUs,
) -> Result<Vec<String>, OperationsError> {
    let mut unreached = Vec::new();
    for person in &told.people {
        let planned = setup.preferences.get(person).map(|preferences| decide(preferences, told.event, told.urgency, now_us));
        let planned = planned.unwrap_or_default();
        if planned.is_empty() {
            unreached.push(person.clone());
        }
        let notice = NewNotice {
            ticket: Some(ticket.number),
            person: person.clone(),
            event: told.event,
            urgency: told.urgency,
            subject: told.subject.clone(),
            body: told.body.clone(),
            payload: json!({
                "ticket": ticket.number, "title": ticket.title, "state": ticket.state, "priority": ticket.priority,
                "service": ticket.service, "team": ticket.team, "assignee": ticket.assignee, "entity": ticket.entity, "page": told.page,
            }),
        };
        for mut one in planned {
            throttle.apply(person, told.urgency, &mut one, now_us);
            enqueue(write, &notice, &one, now_us).await?;
        }
    }
    Ok(unreached)
}
