//! Tickets that people and programs open.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{checked_description, checked_name, checked_title, one_line};
use super::rules::{AssetFacts, Whereabouts};
use super::ticket_rows::load_ticket;
use super::{Actor, Change, Computed, Desk, DeskError, DeskRules, Impact, Opening, Priority, Ticket, TicketKind, Urgency, Writing};
use crate::store::RequestKey;
use serde::{Deserialize, Serialize};

/// Entries of an entity: host, service, rack and what else names a thing.
const MAX_ENTITY_ENTRIES: usize = 16;
/// Longest key or value of an entity.
const MAX_ENTITY_CHARS: usize = 200;
/// People who hear of a ticket.
pub(super) const MAX_WATCHERS: usize = 100;

/// A ticket as somebody asks for it. Only the title must be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTicket {
    /// What sort of ticket; an incident unless said otherwise.
    #[serde(default = "incident")]
    pub kind: TicketKind,
    /// One line.
    pub title: String,
    /// What it is about, in Markdown.
    #[serde(default)]
    pub description: String,
    /// How much of the business is hit; without it that of the service or the asset, or medium.
    #[serde(default)]
    pub impact: Option<Impact>,
    /// How soon it hurts; medium unless said otherwise.
    #[serde(default)]
    pub urgency: Option<Urgency>,
    /// Order of work; without it the matrix says.
    #[serde(default)]
    pub priority: Option<Priority>,
    /// The service that is hit; without it the one that the entity or its asset belongs to.
    #[serde(default)]
    pub service: Option<String>,
    /// The team that answers for it; without it that of the service or the asset.
    #[serde(default)]
    pub team: Option<String>,
    /// Who asked.
    #[serde(default)]
    pub requester: Option<String>,
    /// Who is to work on it.
    #[serde(default)]
    pub assignee: Option<String>,
    /// What it is about: `host`, `app`, `asset`, ...
    #[serde(default)]
    pub entity: BTreeMap<String, String>,
    /// Who else hears of it.
    #[serde(default)]
    pub watchers: BTreeSet<String>,
}

fn incident() -> TicketKind {
    TicketKind::Incident
}

impl Desk {
    /// Opens a ticket. With a key that came before, gives the ticket that was opened then, and `false`.
    ///
    /// # Errors
    /// [`DeskError::Invalid`] names the field; a key that came with another body is one of them.
    pub async fn create(&self, new: &NewTicket, actor: &Actor, key: Option<&RequestKey>) -> Result<(Ticket, bool), DeskError> {
        let mut writing = self.writing().await?;
        if let Some(key) = key
            && let Some(number) = writing.made_before(actor, key).await?
        {
            let ticket = load_ticket(writing.connection(), number).await?.ok_or(DeskError::NotFound(number))?;
            // What opened it may be in this very transaction: nothing is answered before that is durable.
            writing.commit().await?;
            return Ok((ticket, false));
        }
        let number = self.open_new(&mut writing, new, actor).await?;
        if let Some(key) = key {
            writing.remember(actor, key, number).await?;
        }
        let ticket = writing.commit().await?.remove(&number).ok_or(DeskError::NotFound(number))?;
        Ok((ticket, true))
    }

    /// Opens a ticket as somebody asks for it, and gives it to whom they name; the caller commits.
    pub(super) async fn open_new(&self, writing: &mut Writing, new: &NewTicket, actor: &Actor) -> Result<i64, DeskError> {
        let asset = AssetFacts::of(writing.connection(), &checked_entity(&new.entity)?).await?;
        let opening = opening_of(new, &asset, &self.rules())?;
        let assignee = new.assignee.as_deref().map(|name| checked_name("assignee", name)).transpose()?.flatten();
        let number = writing.open(opening, actor).await?;
        if assignee.is_some() {
            let change = Change { assignee, ..Change::default() };
            self.apply(writing, number, &change, actor).await?;
        }
        Ok(number)
    }
}

fn opening_of(new: &NewTicket, asset: &AssetFacts, rules: &DeskRules) -> Result<Opening, DeskError> {
    let entity = checked_entity(&new.entity)?;
    let named = |field, name: &Option<String>| match name {
        Some(name) => checked_name(field, name),
        None => Ok(None),
    };
    let chosen = named("service", &new.service)?.map(Some);
    let Whereabouts { service, team, impact: usual } = rules.whereabouts(&entity, asset, chosen.as_ref(), Impact::Medium);
    let impact = new.impact.unwrap_or(usual);
    let urgency = new.urgency.unwrap_or(Urgency::Medium);
    let mut watchers = BTreeSet::new();
    if new.watchers.len() > MAX_WATCHERS {
        let why = format!("there are {}; name at most {MAX_WATCHERS}, or write to a team instead", new.watchers.len());
        return Err(DeskError::Invalid { field: "watchers", why });
    }
    for name in &new.watchers {
        watchers.extend(checked_name("watchers", name)?);
    }
    let computed = Computed {
        priority: new.priority.is_none(),
        impact: new.impact.is_none(),
        service: new.service.is_none(),
        team: new.team.is_none(),
    };
    let priority = new.priority.unwrap_or_else(|| rules.matrix.priority(impact, urgency));
    Ok(Opening {
        description: checked_description(&new.description)?,
        entity,
        requester: named("requester", &new.requester)?,
        team: named("team", &new.team)?.or(team),
        service,
        impact: Some(impact),
        urgency: Some(urgency),
        watchers,
        computed: Some(computed),
        ..Opening::new(new.kind, checked_title(&new.title)?, priority)
    })
}

pub(super) fn checked_entity(entity: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, DeskError> {
    let is_short = |text: &str| !text.is_empty() && text.chars().count() <= MAX_ENTITY_CHARS;
    if entity.len() > MAX_ENTITY_ENTRIES || !entity.iter().all(|(key, value)| is_short(key) && is_short(value)) {
        let why = format!(
            "write at most {MAX_ENTITY_ENTRIES} keys and values of 1 to {MAX_ENTITY_CHARS} characters, such as {{\"host\": \"web01\"}}"
        );
        return Err(DeskError::Invalid { field: "entity", why });
    }
    Ok(entity.iter().map(|(key, value)| (one_line(key), one_line(value))).collect())
}
