//! Who is called about a ticket: what happens to it begins, moves and ends the calls, and so does the time.

use super::OperationsError;
use super::feed::{load_escalation, save_escalation};
use super::setup::Setup;
use crate::desk::{Actor, Desk, DeskError, Event, Field, Ticket, TicketEvent, TicketState, Writing};
use crate::escalation::{Escalation, Ladder, Status, next_step_us, step};
use crate::notify::{Urgency, cancel_for_ticket};

/// Calls whoever is due for a ticket at this moment.
pub(super) async fn call(writing: &mut Writing, setup: &Setup, number: i64) -> Result<(), OperationsError> {
    let now_us = writing.now_us();
    let Some((policy, state)) = load_escalation(writing.connection(), number).await? else { return Ok(()) };
    let ticket = writing.ticket(number).await?.clone();
    let kept = setup.escalations.get(&policy).map(|(_, ladder)| (policy.as_str(), ladder));
    // A policy that was taken away is replaced by the one that holds for the ticket now.
    let Some((policy, ladder)) = kept.or_else(|| setup.escalation_policy(&ticket)) else {
        return save_escalation(writing.connection(), &policy, &state, None).await;
    };
    let outcome = step(ladder, &state, now_us, |target| setup.people_of(target, now_us));
    for page in outcome.pages {
        let late = if page.late { "; this call is late" } else { "" };
        let because = format!("{} (level {}, {}{late})", page.reason, page.level, page.target);
        let event = TicketEvent::Paged { person: page.person, level: page.level, page: page.page_id, because };
        writing.happen(number, &Actor::desk(), event).await?;
    }
    for note in outcome.notes {
        writing.happen(number, &Actor::desk(), TicketEvent::note(note.to_string())).await?;
    }
    let next_at_us = next_step_us(ladder, &outcome.state);
    save_escalation(writing.connection(), policy, &outcome.state, next_at_us).await
}

/// What an event means for the calls about a ticket.
pub(super) async fn follow(writing: &mut Writing, setup: &Setup, number: i64, event: &Event) -> Result<(), OperationsError> {
    if !concerns_calls(event) {
        return Ok(());
    }
    let (ticket, now_us) = (writing.ticket(number).await?.clone(), writing.now_us());
    let chosen = setup.escalation_policy(&ticket);
    let placed = places(&event.event) && ticket.state.is_open();
    let Some((kept, state)) = load_escalation(writing.connection(), number).await? else {
        return match chosen {
            Some((policy, ladder)) if placed => {
                let state = spared(Escalation::begin(number, event.at_us), &ticket, event);
                save_escalation(writing.connection(), policy, &state, next_step_us(ladder, &state)).await
            }
            _ => Ok(()),
        };
    };
    let by = || event.actor.user().unwrap_or(&event.actor.name).to_owned();
    let at_us = event.at_us;
    let next = match (&event.event, chosen) {
        (TicketEvent::Moved { to: TicketState::Resolved | TicketState::Closed, .. }, _) => state.resolve(at_us),
        (TicketEvent::Moved { to: TicketState::InProgress | TicketState::OnHold, .. }, _) if event.actor.is_person() => {
            state.take_up(&by(), at_us)
        }
        (TicketEvent::Assigned { to: Some(to), .. }, _) if event.actor.user() == Some(to) => state.take_up(to, at_us),
        (TicketEvent::Acknowledged { by: named, .. }, _) => state.acknowledge(&named.clone().unwrap_or_else(by), at_us),
        _ if !placed => return Ok(()),
        (_, None) => state.stand_down(at_us),
        // It came back, or by what it is now it calls again.
        (_, Some(_)) if matches!(state.status, Status::Resolved { .. }) => spared(state.reopen(at_us), &ticket, event),
        // Other people answer for it now.
        (_, Some((policy, _))) if policy != kept => spared(state.reassign(at_us), &ticket, event),
        // It has become worse after everybody was called in vain.
        (TicketEvent::Reprioritised { from, to, .. }, Some(_)) if to < from && matches!(state.status, Status::Exhausted { .. }) => {
            spared(state.reassign(at_us), &ticket, event)
        }
        _ => return Ok(()),
    };
    if next == state {
        return Ok(());
    }
    if next.status != Status::Escalating {
        cancel_for_ticket(writing.connection(), number, Some(Urgency::Page), "nobody needs to be called any more", now_us).await?;
    }
    // A new run goes by the policy of today, one that was begun by that which it began with.
    let is_new_run = next.cycle != state.cycle || !setup.escalations.contains_key(&kept);
    let policy = chosen.filter(|_| is_new_run).map_or(kept.as_str(), |(policy, _)| policy);
    let next_at_us = ladder(setup, policy).and_then(|ladder| next_step_us(ladder, &next));
    save_escalation(writing.connection(), policy, &next, next_at_us).await
}

/// Whether an event may begin, move or end the calls about a ticket.
fn concerns_calls(event: &Event) -> bool {
    match &event.event {
        TicketEvent::Moved { .. } | TicketEvent::Acknowledged { .. } => true,
        TicketEvent::Assigned { to: Some(to), .. } => event.actor.user() == Some(to),
        other => places(other),
    }
}

/// Whether an event may change who is to be called.
fn places(event: &TicketEvent) -> bool {
    match event {
        TicketEvent::Opened(_) | TicketEvent::Reprioritised { .. } => true,
        TicketEvent::Moved { to, .. } => *to == TicketState::Reopened,
        TicketEvent::Set { field, .. } => matches!(field, Field::Team | Field::Service),
        _ => false,
    }
}

/// A run that begins while somebody works on the ticket calls nobody; what comes back calls in any case.
fn spared(state: Escalation, ticket: &Ticket, event: &Event) -> Escalation {
    let is_at_work = matches!(ticket.state, TicketState::InProgress | TicketState::OnHold);
    match &ticket.assignee {
        Some(person) if is_at_work => state.take_up(person, event.at_us),
        _ => state,
    }
}

fn ladder<'a>(setup: &'a Setup, policy: &str) -> Option<&'a Ladder> {
    setup.escalations.get(policy).map(|(_, ladder)| ladder)
}

/// Calls the next level at once, as a call of this person could not be delivered. If a level above has been called meanwhile,
/// the next one has its time.
pub(super) async fn hasten(
    writing: &mut Writing,
    setup: &Setup,
    number: i64,
    page: Option<&str>,
    person: &str,
) -> Result<(), OperationsError> {
    let now_us = writing.now_us();
    let Some((policy, mut state)) = load_escalation(writing.connection(), number).await? else { return Ok(()) };
    let Some(ladder) = ladder(setup, &policy) else { return Ok(()) };
    // At the end of the ladder its repetition waits as the policy says.
    if state.status == Status::Escalating
        && state.level > 1
        && page.is_none_or(|page| state.is_of_last_level(page, person))
        && let Some(due_us) = next_step_us(ladder, &state)
    {
        state.since_us -= due_us.saturating_sub(now_us).max(0);
        save_escalation(writing.connection(), &policy, &state, Some(now_us)).await?;
    }
    Ok(())
}

/// Acknowledges a ticket in the name of whom a call was for, if that call still waits for an answer: a message of last week
/// must not silence the calls of today.
///
/// # Errors
/// [`DeskError::Invalid`] if the call is over or the ticket is not open.
pub async fn answer_call(desk: &Desk, number: i64, page: &str, person: &str) -> Result<Ticket, OperationsError> {
    let mut writing = desk.writing().await?;
    let is_open = writing.ticket(number).await?.state.is_open();
    let escalation = load_escalation(writing.connection(), number).await?;
    if is_open && !escalation.is_some_and(|(_, state)| state.is_of_this_run(page, person)) {
        let why = format!(
            "this call is over, and what ticket {number} calls for now is another one; answer the latest message, or open the ticket in Watchroom"
        );
        return Err(DeskError::Invalid { field: "page", why }.into());
    }
    let actor = Actor { name: format!("user {person}"), origin: "link".to_owned() };
    Ok(desk.acknowledge_in(writing, number, "link", &actor).await?)
}
