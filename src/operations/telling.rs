//! Who is told of what happens to a ticket, and who of one that nobody has.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::SqliteConnection;

use super::OperationsError;
use super::setup::Setup;
use crate::clock::TimestampUs;
use crate::desk::{Actor, Event, Ticket, TicketEvent, TicketState};
use crate::notify::{Channel, EventKind, NewNotice, Planned, Shape, Throttle, Urgency, decide, enqueue};
use crate::people::Role;

/// Something to be told, and to whom.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) people: BTreeSet<String>,
    /// A team that has an address of its own, and that address.
    pub(super) team: Option<(String, String)>,
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
    let told = Told { people, team: None, event: kind, urgency, subject: subject(ticket, kind), body, page };
    Some(told).filter(|told| !told.people.is_empty())
}

/// What the people are told who could take a ticket that nobody has, after an event that left it so: its team at its own address; a team
/// without one by its lead, or by whoever of it is there; what belongs to no team, those who manage the desk.
///
/// Nobody is told by name what they hear otherwise: by a call, or by the note that nobody was found.
pub(super) fn told_to_takers(ticket: &Ticket, event: &Event, setup: &Setup, now_us: TimestampUs) -> Option<Told> {
    if ticket.assignee.is_some() || !ticket.state.is_open() {
        return None;
    }
    let kind = if matches!(event.event, TicketEvent::Moved { .. }) { EventKind::Reopened } else { EventKind::Opened };
    let team = ticket.team.as_deref().and_then(|name| Some((name, setup.teams.get(name)?)));
    let (people, address, urgency) = match team {
        Some((name, team)) if team.email.is_some() => {
            (Vec::new(), team.email.clone().map(|email| (name.to_owned(), email)), Urgency::Normal)
        }
        _ if setup.escalation_policy(ticket).is_some() => return None,
        Some((name, team)) => match &team.lead {
            Some(_) if setup.desk.assign => return None,
            Some(lead) => (vec![lead.clone()], None, Urgency::Normal),
            None => (setup.members(name, now_us), None, Urgency::Normal),
        },
        None => (setup.managers(), None, Urgency::Low),
    };
    let knows = |name: &String| {
        let works_here = setup.users.get(name).is_some_and(|user| user.role > Role::Requester && !user.disabled);
        works_here && Some(name.as_str()) != event.actor.user() && !ticket.watchers.contains(name)
    };
    let body = match team {
        Some((name, _)) => format!("It belongs to the team {name}, and nobody has taken it yet.\n\n{}", ticket.description),
        None => format!("It belongs to no team, and nobody has taken it yet.\n\n{}", ticket.description),
    };
    let people = people.into_iter().filter(knows).collect();
    let told = Told { people, team: address, event: kind, urgency, subject: subject(ticket, kind), body, page: None };
    Some(told).filter(|told| told.team.is_some() || !told.people.is_empty())
}

fn subject(ticket: &Ticket, kind: EventKind) -> String {
    format!("[#{}] {} {}: {}", ticket.number, ticket.priority, kind.word().replace('_', " "), ticket.title)
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
    let mut planned: Vec<(String, Vec<Planned>)> = Vec::new();
    for person in &told.people {
        let ways = setup.preferences.get(person).map(|preferences| decide(preferences, told.event, told.urgency, now_us));
        match ways.filter(|ways| !ways.is_empty()) {
            Some(ways) => planned.push((person.clone(), ways)),
            None => unreached.push(person.clone()),
        }
    }
    if let Some((team, email)) = &told.team {
        let (channel, address) = (Channel::Email, email.clone());
        let mail = Planned { channel, address, shape: Shape::default(), secret: None, due_at_us: now_us, digest_key: None };
        // No user is called so: their names hold no space.
        planned.push((format!("team {team}"), vec![mail]));
    }
    for (receiver, ways) in planned {
        let notice = NewNotice {
            ticket: Some(ticket.number),
            person: receiver,
            event: told.event,
            urgency: told.urgency,
            subject: told.subject.clone(),
            body: told.body.clone(),
            payload: json!({
                "ticket": ticket.number, "title": ticket.title, "state": ticket.state, "priority": ticket.priority,
                "service": ticket.service, "team": ticket.team, "assignee": ticket.assignee, "entity": ticket.entity, "page": told.page,
            }),
        };
        for mut way in ways {
            throttle.apply(&notice.person, told.urgency, &mut way, now_us);
            enqueue(write, &notice, &way, now_us).await?;
        }
    }
    Ok(unreached)
}
