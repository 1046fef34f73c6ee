//! Correcting what a ticket is and what it is about, and what follows from that.
//!
//! All kinds go through the same states, so that a corrected kind keeps the state. What the desk worked out from the wrong entity or
//! service (service, team, impact, and by the matrix the priority) is worked out anew; what a person chose stays.

use serde::{Deserialize, Serialize};

use super::change::{MAX_REASON_CHARS, checked_name, one_line};
use super::opening::checked_entity;
use super::rules::{AssetFacts, Whereabouts};
use super::{
    Change, DeskError, DeskRules, Event, Field, Impact, Ticket, TicketEvent, TicketKind, TicketState, Writing, impact_and_urgency,
};

/// What of a ticket the desk worked out, and nobody chose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Computed {
    /// The priority, by the matrix.
    pub priority: bool,
    /// The impact, by the service or the asset.
    pub impact: bool,
    /// The service, by the entity.
    pub service: bool,
    /// The team, by the service or the asset.
    pub team: bool,
}

impl Computed {
    const ALL: Self = Self { priority: true, impact: true, service: true, team: true };

    /// What is still as the desk worked it out after a history (without its texts).
    pub(super) fn of(history: &[Event]) -> Self {
        let mut computed = Self::default();
        for event in history {
            let by_desk = |because: &Option<String>| because.is_some() || !event.actor.is_person();
            match &event.event {
                // What was found is placed whole.
                TicketEvent::Opened(opening) if opening.severity.is_some() => computed = Self::ALL,
                TicketEvent::Opened(opening) => computed = opening.computed.unwrap_or_default(),
                TicketEvent::Reprioritised { because, .. } => computed.priority = by_desk(because),
                TicketEvent::Set { field: Field::Impact, because, .. } => computed.impact = by_desk(because),
                TicketEvent::Set { field: Field::Service, because, .. } => computed.service = by_desk(because),
                TicketEvent::Set { field: Field::Team, because, .. } => computed.team = by_desk(because),
                _ => {}
            }
        }
        computed
    }
}

impl Writing {
    /// The team that the service or the asset of a ticket says, if nobody chose another: `None` if somebody did.
    pub async fn team_as_computed(&mut self, number: i64, rules: &DeskRules) -> Result<Option<Option<String>>, DeskError> {
        if !Computed::of(&self.milestones(number).await?).team {
            return Ok(None);
        }
        let ticket = self.ticket(number).await?.clone();
        let asset = AssetFacts::of(self.connection(), &ticket.entity).await?;
        Ok(Some(rules.whereabouts(&ticket.entity, &asset, Some(&ticket.service), Impact::Medium).team))
    }
}

/// What follows from a corrected entity or service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Consequences {
    /// It belongs to this service instead, or to none.
    pub(super) service: Option<Option<String>>,
    /// This team answers for it instead.
    pub(super) team: Option<String>,
    /// It hits so much instead.
    pub(super) impact: Option<Impact>,
    /// The priority follows the impact.
    pub(super) moves_priority: bool,
    /// Why, for the history.
    pub(super) because: &'static str,
}

/// What follows from a change; `None` if it corrects neither entity nor service.
pub(super) async fn consequences(
    writing: &mut Writing,
    ticket: &Ticket,
    change: &Change,
    rules: &DeskRules,
) -> Result<Option<Consequences>, DeskError> {
    let entity = change.entity.as_ref().map(checked_entity).transpose()?.filter(|entity| *entity != ticket.entity);
    let service = change.service.as_deref().map(|name| checked_name("service", name)).transpose()?;
    let because = match (&entity, &service) {
        (Some(_), _) => "follows from the corrected entity",
        (None, Some(service)) if *service != ticket.service => "follows from the corrected service",
        _ => return Ok(None),
    };
    let computed = Computed::of(&writing.milestones(ticket.number).await?);
    let entity = entity.unwrap_or_else(|| ticket.entity.clone());
    let asset = AssetFacts::of(writing.connection(), &entity).await?;
    let chosen = service.clone().or_else(|| (!computed.service).then(|| ticket.service.clone()));
    let usual = ticket.severity.map_or(Impact::Medium, |severity| impact_and_urgency(severity).0);
    let Whereabouts { service: found, team, impact } = rules.whereabouts(&entity, &asset, chosen.as_ref(), usual);
    let follows = computed.impact && change.impact.is_none() && ticket.impact.is_some_and(|present| present != impact);
    Ok(Some(Consequences {
        service: Some(found).filter(|found| service.is_none() && computed.service && *found != ticket.service),
        // A ticket that had a team keeps one.
        team: team.filter(|team| change.team.is_none() && computed.team && Some(team) != ticket.team.as_ref()),
        impact: Some(impact).filter(|_| follows),
        moves_priority: computed.priority,
        because,
    }))
}

/// The events that correct kind and entity; none where both are as they should be.
pub(super) fn corrections(ticket: &Ticket, change: &Change) -> Result<Vec<TicketEvent>, DeskError> {
    if change.kind.is_none() && change.entity.is_none() {
        let why = "it says why kind or entity is corrected; send it with one of them, or send a comment".to_owned();
        return if change.reason.is_some() { Err(DeskError::Invalid { field: "reason", why }) } else { Ok(Vec::new()) };
    }
    let reason = one_line(change.reason.as_deref().unwrap_or_default());
    let length = reason.chars().count();
    if length == 0 || length > MAX_REASON_CHARS {
        let why = format!("it has {length} characters; say in 1 to {MAX_REASON_CHARS} why kind or entity is corrected");
        return Err(DeskError::Invalid { field: "reason", why });
    }
    let mut events = Vec::new();
    if let Some(to) = change.kind.filter(|kind| *kind != ticket.kind) {
        events.push(TicketEvent::KindCorrected { from: ticket.kind, to, reason: reason.clone() });
    }
    let entity = change.entity.as_ref().map(checked_entity).transpose()?;
    if let Some(to) = entity.filter(|entity| *entity != ticket.entity) {
        events.push(TicketEvent::EntityCorrected { from: ticket.entity.clone(), to, reason });
    }
    Ok(events)
}

/// Whether a rule or a sender finds a ticket, or one that was merged into it, again.
async fn is_filed_under_a_problem(writing: &mut Writing, number: i64) -> Result<bool, DeskError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM tickets WHERE (number = ?1 OR merged_into = ?1) AND fingerprint IS NOT NULL)";
    Ok(sqlx::query_scalar(sql).bind(number).fetch_one(writing.connection()).await?)
}

/// Refuses a corrected kind where something goes by the kind that the ticket has.
pub(super) async fn refuse_kind(writing: &mut Writing, ticket: &Ticket, to: TicketKind, rules: &DeskRules) -> Result<(), DeskError> {
    let (number, kind) = (ticket.number, ticket.kind);
    if kind == TicketKind::Change {
        let sql = "SELECT number FROM proposals WHERE ticket = ?1";
        let proposal: Option<i64> = sqlx::query_scalar(sql).bind(number).fetch_optional(writing.connection()).await?;
        if let Some(proposal) = proposal {
            let why = format!("it is the change of proposal {proposal}, which says how it ends; open another ticket and link the two");
            return Err(DeskError::KindStays { number, kind, to, why });
        }
    }
    // What is found next joins or reopens it, also weeks later, and nobody would be called: that is what incidents are for.
    let is_joined = |at_us: i64| at_us > writing.now_us() - rules.reopen_within_us;
    let may_join = ticket.state != TicketState::Closed && ticket.resolved_at_us.is_none_or(is_joined);
    if kind == TicketKind::Incident && may_join && is_filed_under_a_problem(writing, number).await? {
        let why =
            format!("what is found or reported next comes to it, and must be an incident; open a {to} and link it (caused_by, relates_to)");
        return Err(DeskError::KindStays { number, kind, to, why });
    }
    Ok(())
}
