//! Giving tickets to people.

use std::collections::BTreeMap;

use sqlx::{Row, SqliteConnection};

use super::OperationsError;
use super::setup::Setup;
use crate::assignment::{About, AssetHistory, Candidate, Fallbacks, HeldTicket, Need, Needs, Stay, choose, derive_needs};
use crate::clock::{DAY_US, HOUR_US, TimestampUs};
use crate::desk::{Actor, DeskRules, Field, Ticket, TicketEvent, TicketState, Writing};
use crate::on_call::on_call_at;
use crate::people::{Role, User};
use crate::record::Priority;

/// Tickets of an asset that its history is made of, the newest: who worked on more than that many lately knows it anyway.
const MAX_ASSET_TICKETS: i64 = 200;

/// Tickets that wait for somebody and are tried again in one transaction: a person who saves a ticket hardly waits.
const TRIED_AGAIN: usize = 25;

/// A break within somebody's working hours up to which nothing is handed over.
const BREAK_US: i64 = 2 * HOUR_US;

/// Working hours are looked at in steps of a quarter of an hour.
const QUARTER_US: i64 = HOUR_US / 4;

/// Beginning of what the history says of such a ticket.
const STRANDED: &str = "It should have been handed over and stays with";

/// Gives a ticket to its team, and to whoever of it fits best, with the reasons; leaves it with the team alone if nobody fits, and as it
/// is if a person chose.
pub(super) async fn assign(writing: &mut Writing, setup: &Setup, number: i64) -> Result<(), OperationsError> {
    if let Some(why) = given(writing, setup, number).await? {
        writing.happen(number, &Actor::desk(), TicketEvent::note(why)).await?;
    }
    Ok(())
}

/// Gives a ticket anew whose kind, entity, service or team is another now: to the team that the rules say, if nobody chose one, and to
/// somebody of it where a person that the desk chose is not of that team. Whoever has begun with it goes on.
pub(super) async fn assign_anew(writing: &mut Writing, setup: &Setup, number: i64, rules: &DeskRules) -> Result<(), OperationsError> {
    let ticket = writing.ticket(number).await?.clone();
    if !ticket.state.is_open() {
        return Ok(());
    }
    if let Some(known) = writing.team_as_computed(number, rules).await? {
        let team = known.or_else(|| team_by_rules(setup, &ticket)).filter(|team| ticket.team.as_ref() != Some(team));
        if let Some(team) = team.filter(|_| ticket.team.is_some()) {
            let because = Some("the rules give it to this team as it is now".to_owned());
            let set = TicketEvent::Set { field: Field::Team, from: ticket.team.clone(), to: Some(team), because };
            writing.happen(number, &Actor::desk(), set).await?;
        }
    }
    let ticket = writing.ticket(number).await?.clone();
    let (Some(team), Some(person)) = (&ticket.team, &ticket.assignee) else { return assign(writing, setup, number).await };
    let has_begun = !matches!(ticket.state, TicketState::New | TicketState::Assigned | TicketState::Reopened);
    let stays = has_begun || ticket.chosen_by_person || !setup.desk.assign;
    if stays || setup.users.get(person).is_none_or(|user| is_of_team(user, team)) {
        return Ok(());
    }
    let event = match find(writing, setup, &ticket, team).await? {
        Found::Somebody { person: to, because } => TicketEvent::Assigned { from: Some(person.clone()), to: Some(to), because },
        Found::Nobody(why) => TicketEvent::note(format!("it stays with {person}, who is not of the team {team}: {why}")),
    };
    writing.happen(number, &Actor::desk(), event).await?;
    Ok(())
}

/// The team that a rule about skills gives a ticket to, or the one that has what belongs to nobody.
fn team_by_rules(setup: &Setup, ticket: &Ticket) -> Option<String> {
    needs_of(setup, ticket).team.filter(|_| setup.desk.assign).or_else(|| setup.desk.team.clone())
}

/// Gives tickets to people that nobody could be found for before: somebody's shift has begun, their leave is over, they have less to do.
/// Looks at some after `after`, and says where to go on: 0 if those were the last.
pub(super) async fn assign_waiting(writing: &mut Writing, setup: &Setup, after: i64) -> Result<i64, OperationsError> {
    let sql = "SELECT number FROM tickets INDEXED BY open_tickets WHERE number > ?1 AND assignee IS NULL
        AND state NOT IN ('resolved', 'closed') AND state IN ('new', 'reopened') ORDER BY number LIMIT ?2";
    let limit = TRIED_AGAIN as i64;
    let numbers: Vec<i64> = sqlx::query_scalar(sql).bind(after).bind(limit).fetch_all(writing.connection()).await?;
    for number in &numbers {
        match given(writing, setup, *number).await {
            Err(error) if !error.is_passing() => {
                tracing::error!(ticket = number, %error, "BUG: nobody can be looked for to take a ticket");
            }
            result => drop(result?),
        }
    }
    Ok(numbers.last().copied().filter(|_| numbers.len() == TRIED_AGAIN).unwrap_or(0))
}

/// Gives a ticket to its team and to somebody of it, if it waits for that. `Some`: nobody was found, and why.
async fn given(writing: &mut Writing, setup: &Setup, number: i64) -> Result<Option<String>, OperationsError> {
    let ticket = writing.ticket(number).await?.clone();
    let waits = matches!(ticket.state, TicketState::New | TicketState::Reopened);
    if ticket.chosen_by_person || ticket.assignee.is_some() || !waits {
        return Ok(None);
    }
    let Some(team) = ticket.team.clone().or_else(|| team_by_rules(setup, &ticket)) else { return Ok(None) };
    if ticket.team.as_ref() != Some(&team) {
        let set = TicketEvent::Set { field: Field::Team, from: ticket.team.clone(), to: Some(team.clone()), because: None };
        writing.happen(number, &Actor::desk(), set).await?;
    }
    if !setup.desk.assign {
        return Ok(None);
    }
    match find(writing, setup, &ticket, &team).await? {
        Found::Nobody(why) => Ok(Some(why)),
        Found::Somebody { person, because } => {
            writing.happen(number, &Actor::desk(), TicketEvent::Assigned { from: None, to: Some(person), because }).await?;
            let moved = TicketEvent::Moved { from: ticket.state, to: TicketState::Assigned, hold: None, reason: None };
            writing.happen(number, &Actor::desk(), moved).await?;
            Ok(None)
        }
    }
}

/// Whom the choice falls on.
enum Found {
    Somebody {
        person: String,
        because: Vec<String>,
    },
    /// Why nobody was found.
    Nobody(String),
}

/// Whoever of a team fits a ticket best.
async fn find(writing: &mut Writing, setup: &Setup, ticket: &Ticket, team: &str) -> Result<Found, OperationsError> {
    let now_us = writing.now_us();
    let asset = ticket.entity.get("asset").or_else(|| ticket.entity.get("host")).cloned();
    let asset_history = match &asset {
        Some(asset) => asset_history(writing.connection(), setup, asset, now_us).await?,
        None => BTreeMap::new(),
    };
    let need = Need {
        skills: needs_of(setup, ticket).skills,
        team: Some(team.to_owned()),
        service: ticket.service.clone(),
        asset,
        asset_history,
        ..Need::of(ticket.priority)
    };
    writing.save_changed().await?;
    let candidates = candidates(writing.connection(), setup, team, now_us).await?;
    let choice = choose(&setup.assignment, &need, &candidates, &fallbacks(setup, team, now_us), now_us).for_history();
    let Some(person) = choice.person.clone() else {
        let why = choice.refused.iter().map(|refused| format!("{}: {}", refused.name, sentences(refused))).collect::<Vec<_>>().join("; ");
        return Ok(Found::Nobody(format!("nobody was found for it: {}. {why}", choice.sentence)));
    };
    let mut because = vec![choice.sentence.clone()];
    if let Some(ranked) = choice.ranked.iter().find(|ranked| ranked.name == person) {
        because.extend(ranked.terms.iter().map(|term| term.sentence.clone()));
    }
    Ok(Found::Somebody { person, because })
}

/// What the rules say that a ticket needs.
fn needs_of(setup: &Setup, ticket: &Ticket) -> Needs {
    let about = About {
        rule: ticket.rule.as_deref(),
        entity: &ticket.entity,
        service: ticket.service.as_deref(),
        kind: ticket.kind.word(),
        title: &ticket.title,
    };
    derive_needs(&setup.skills, &about)
}

fn sentences(refused: &crate::assignment::Refused) -> String {
    refused.reasons.iter().map(|refusal| refusal.sentence.clone()).collect::<Vec<_>>().join(", ")
}

fn fallbacks(setup: &Setup, team: &str, now_us: TimestampUs) -> Fallbacks {
    let team = setup.teams.get(team);
    let rota = team.and_then(|team| setup.rotas.get(team.rota.as_ref()?));
    Fallbacks {
        on_call: rota.and_then(|(_, plan)| on_call_at(plan, &setup.absences, now_us)).map(|shift| shift.person),
        lead: team.and_then(|team| team.lead.clone()),
    }
}

/// Whether somebody works on a team's tickets.
fn is_of_team(user: &User, team: &str) -> bool {
    !user.disabled && user.role != Role::Requester && user.teams.iter().any(|it| it == team)
}

/// The names of the people who work on a team's tickets.
fn members(setup: &Setup, team: &str) -> Vec<String> {
    setup.users.iter().filter(|(_, user)| is_of_team(user, team)).map(|(name, _)| name.clone()).collect()
}

/// The people of the team who work on tickets, with what they have in hand.
async fn candidates(
    read: &mut SqliteConnection,
    setup: &Setup,
    team: &str,
    now_us: TimestampUs,
) -> Result<Vec<Candidate>, OperationsError> {
    let people: Vec<(&String, &User)> = setup.users.iter().filter(|(_, user)| is_of_team(user, team)).collect();
    let in_hand = in_hand(read, setup, &people.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>()).await?;
    let rota = setup.teams.get(team).and_then(|team| setup.rotas.get(team.rota.as_ref()?));
    let on_call = rota.and_then(|(_, plan)| on_call_at(plan, &setup.absences, now_us));
    let mut candidates = Vec::new();
    for (name, user) in people {
        let (open_weight, last_assigned_at_us) = in_hand.get(name).copied().unwrap_or_default();
        let shift = on_call.as_ref().filter(|shift| shift.person == *name);
        candidates.push(Candidate {
            name: name.clone(),
            teams: user.teams.clone(),
            skills: user.skills.clone(),
            capacity: user.capacity,
            open_weight,
            on_shift: shift.is_some() || user.at_work(now_us),
            on_leave: setup.absences.iter().any(|it| it.person == *name && (it.from_us..it.to_us).contains(&now_us)),
            shift_ends_at_us: shift.map(|shift| shift.to_us),
            last_assigned_at_us,
        });
    }
    Ok(candidates)
}

/// The weight of the open tickets that each of these people has, and when the newest that they ever had was opened.
async fn in_hand(
    read: &mut SqliteConnection,
    setup: &Setup,
    people: &[&str],
) -> Result<BTreeMap<String, (u32, Option<TimestampUs>)>, OperationsError> {
    let names = serde_json::to_string(people)?;
    let newest = sqlx::query(
        "SELECT value, (SELECT opened_at_us FROM tickets INDEXED BY tickets_by_assignee WHERE assignee = value ORDER BY number DESC LIMIT 1)
         FROM json_each(?1)",
    );
    let mut in_hand = BTreeMap::new();
    for row in newest.bind(&names).fetch_all(&mut *read).await? {
        in_hand.insert(row.try_get(0)?, (0_u32, row.try_get(1)?));
    }
    let open = sqlx::query(
        "SELECT assignee, priority, state = 'on_hold', count(*)
         FROM json_each(?1) CROSS JOIN tickets INDEXED BY open_tickets_by_assignee ON assignee = value
         WHERE state NOT IN ('resolved', 'closed') GROUP BY assignee, priority, state",
    );
    for row in open.bind(&names).fetch_all(&mut *read).await? {
        let priority = row.try_get::<&str, _>(1)?.parse().unwrap_or(Priority::P3);
        let weight = setup.assignment.ticket_weights.of(priority, row.try_get(2)?);
        let tickets = u32::try_from(row.try_get::<i64, _>(3)?).unwrap_or(u32::MAX);
        if let Some((sum, _)) = in_hand.get_mut(row.try_get::<&str, _>(0)?) {
            *sum = sum.saturating_add(weight.saturating_mul(tickets));
        }
    }
    Ok(in_hand)
}

/// Who had to do with the asset before, as far back as the policy looks.
async fn asset_history(
    read: &mut SqliteConnection,
    setup: &Setup,
    asset: &str,
    now_us: TimestampUs,
) -> Result<BTreeMap<String, AssetHistory>, OperationsError> {
    let since_us = now_us - i64::from(setup.assignment.same_asset_days) * DAY_US;
    let rows = sqlx::query(
        "SELECT assignee, count(*), max(updated_at_us), sum(state NOT IN ('resolved', 'closed')) FROM tickets
         WHERE assignee IS NOT NULL AND updated_at_us >= ?2 AND number IN (
             SELECT number FROM (SELECT number FROM tickets WHERE entity ->> '$.host' = ?1 ORDER BY number DESC LIMIT ?3)
             UNION SELECT number FROM (SELECT number FROM tickets WHERE entity ->> '$.asset' = ?1 ORDER BY number DESC LIMIT ?3))
         GROUP BY 1",
    )
    .bind(asset)
    .bind(since_us)
    .bind(MAX_ASSET_TICKETS)
    .fetch_all(read)
    .await?;
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    rows.iter()
        .map(|row| {
            let history = AssetHistory { handled: count(row.try_get(1)?), last_at_us: row.try_get(2)?, open: count(row.try_get(3)?) };
            Ok((row.try_get(0)?, history))
        })
        .collect()
}

/// Hands on what cannot wait of everybody whose shift or working hours end, or who is on leave. What should move and stays, as there is
/// nobody, says so in its history, which its team's lead is told of.
pub(super) async fn hand_over(writing: &mut Writing, setup: &Setup) -> Result<(), OperationsError> {
    let now_us = writing.now_us();
    for team in setup.teams.keys() {
        for person in members(setup, team) {
            let held = held(writing, setup, &person, team).await?;
            if held.is_empty() || setup.users.get(&person).is_some_and(|user| is_at_break(user, now_us)) {
                continue;
            }
            // With what was handed on just now.
            writing.save_changed().await?;
            let people = candidates(writing.connection(), setup, team, now_us).await?;
            // Without a rota nobody has promised to be there after hours; a lead who has gone home is nobody to hand over to.
            let has_rota = setup.teams.get(team).is_some_and(|team| team.rota.is_some());
            let fallbacks = if has_rota { fallbacks(setup, team, now_us) } else { Fallbacks::default() };
            let result = crate::assignment::hand_over(&setup.assignment, &person, &held, &people, &fallbacks, now_us);
            for one in result.moves {
                let event = TicketEvent::Assigned { from: Some(one.from), to: Some(one.to), because: vec![one.sentence] };
                writing.happen(one.number, &Actor::desk(), event).await?;
            }
            // Who was only fallen back on has it for want of anybody else, which its history says.
            let lead = setup.teams.get(team).and_then(|team| team.lead.as_ref());
            for one in result.stays.into_iter().filter(|stay| stay.stranded && lead != Some(&person)) {
                say_stranded(writing, &person, &one).await?;
            }
        }
    }
    Ok(())
}

/// Whether somebody's working hours go on soon, and went on a short while ago.
fn is_at_break(user: &User, now_us: TimestampUs) -> bool {
    let steps = 1..=BREAK_US / QUARTER_US;
    let (mut before, mut after) = (steps.clone().map(|step| now_us - step * QUARTER_US), steps.map(|step| now_us + step * QUARTER_US));
    !user.at_work(now_us) && before.any(|at_us| user.at_work(at_us)) && after.any(|at_us| user.at_work(at_us))
}

/// Says that a ticket should have moved, unless that was said since somebody was given it.
async fn say_stranded(writing: &mut Writing, person: &str, stay: &Stay) -> Result<(), OperationsError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM ticket_events WHERE ticket = ?1 AND kind = 'commented' AND detail ->> '$.text' LIKE ?2 || '%'
        AND detail -> '$.copied' IS NULL AND seq > (SELECT coalesce(max(seq), 0) FROM ticket_events WHERE ticket = ?1 AND kind = 'assigned'))";
    let said: bool = sqlx::query_scalar(sql).bind(stay.number).bind(STRANDED).fetch_one(writing.connection()).await?;
    if !said {
        let note = TicketEvent::note(format!("{STRANDED} {person}: {}", stay.sentence));
        writing.happen(stay.number, &Actor::desk(), note).await?;
    }
    Ok(())
}

async fn held(writing: &mut Writing, setup: &Setup, person: &str, team: &str) -> Result<Vec<HeldTicket>, OperationsError> {
    let sql = "SELECT number FROM tickets INDEXED BY open_tickets_by_assignee WHERE assignee = ?1 AND team = ?2 AND chosen_by_person = 0
        AND state NOT IN ('resolved', 'closed') ORDER BY number LIMIT 200";
    let numbers: Vec<i64> = sqlx::query_scalar(sql).bind(person).bind(team).fetch_all(writing.connection()).await?;
    let mut held = Vec::new();
    for number in numbers {
        let ticket = writing.ticket(number).await?.clone();
        let skills = needs_of(setup, &ticket).skills;
        let need = Need { skills, team: ticket.team.clone(), service: ticket.service.clone(), ..Need::of(ticket.priority) };
        held.push(HeldTicket { number, need, waiting: ticket.state == TicketState::OnHold });
    }
    Ok(held)
}
