//! Resources that have room for the load of another, and whose room it is.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::{Row, SqliteConnection};

use super::judging::Standing;
use super::proposal_rows::{Proposal, ProposalState};
use crate::capacity::{LimitSource, Status};
use crate::desk::DeskRules;
use crate::purchase::{Neighbour, Options};
use crate::store::StoreError;

/// Resources with room that are looked at, of each question, those with most first.
const MOST_ROOMS: i64 = 20_000;

/// Neighbours shown to one need: the largest; nobody moves load to the twenty-first.
const MOST_NEIGHBOURS: usize = 20;

/// Room that a neighbour keeps for itself above what it uses.
const NEIGHBOUR_ROOM: f64 = 1.2;

/// Where a resource is: only between resources of the same question, on one host or of one service, does load move or capacity change
/// hands. Ports of two switches and licences of two products cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) question: String,
    host: Option<String>,
    service: Option<String>,
}

impl Place {
    /// Of a question's resource.
    pub(super) fn of(question: &str, entity: &Value, rules: &DeskRules) -> Self {
        let columns = entity.as_object().into_iter().flatten();
        let entity = columns.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        let service = rules.service_of(&entity).map(|service| service.name.clone());
        Self { question: question.to_owned(), host: entity.get("host").cloned(), service }
    }

    fn is_next_to(&self, other: &Self) -> bool {
        let same = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
        self.question == other.question && (same(&self.host, &other.host) || same(&self.service, &other.service))
    }
}

/// The room that there is. What one proposal has, no other is offered, and it stays its own from run to run.
#[derive(Debug, Clone, Default)]
pub(super) struct Rooms {
    rooms: Vec<(Place, Neighbour)>,
    /// Whose a room is: by question and name, the id of the resource that it is for.
    given: BTreeMap<(String, String), String>,
}

impl Rooms {
    /// All room, and whose it is: what was approved for a resource, and what open proposals offer.
    pub(super) async fn load(read: &mut SqliteConnection, rules: &DeskRules, active: &[Proposal]) -> Result<Self, StoreError> {
        // Of each question by itself: bytes and cores are not to be compared.
        let sql = "SELECT * FROM (
                SELECT question, name, entity, unit, status, used, limit_value, threshold, fitting_limit,
                    row_number() OVER (PARTITION BY question ORDER BY limit_value - fitting_limit DESC, name) AS place
                FROM capacity_resources WHERE status IN ('oversized', 'steady', 'shrinking')
                    AND limit_value IS NOT NULL AND used IS NOT NULL AND fitting_limit IS NOT NULL AND limit_source IN ('metric', 'asset'))
            WHERE place <= ?1 ORDER BY question, place";
        let mut rooms = Vec::new();
        for row in sqlx::query(sql).bind(MOST_ROOMS).fetch_all(read).await? {
            let number = |column: &str| row.try_get::<f64, _>(column);
            let (used, limit, threshold, fitting) =
                (number("used")?, number("limit_value")?, number("threshold")?, number("fitting_limit")?);
            let is_oversized = row.try_get::<&str, _>("status")? == "oversized";
            let entity: Value = serde_json::from_str(row.try_get("entity")?).unwrap_or_default();
            let neighbour = neighbour((row.try_get("name")?, row.try_get("unit")?), (used, limit, threshold, fitting), is_oversized);
            rooms.push((Place::of(row.try_get("question")?, &entity, rules), neighbour));
        }
        Ok(Self::among(rooms, active))
    }

    /// Of these rooms, in their order, whose each is.
    fn among(rooms: Vec<(Place, Neighbour)>, active: &[Proposal]) -> Self {
        let mut all = Self { rooms, given: BTreeMap::new() };
        let (approved, open): (Vec<&Proposal>, Vec<&Proposal>) = active.iter().partition(|it| it.state == ProposalState::Approved);
        for approved in approved {
            let place = approved.chosen.and_then(|chosen| usize::try_from(chosen - 1).ok());
            let chosen = place.and_then(|place| approved.options.options.get(place));
            if let Some(other) = chosen.and_then(|option| option.other_resource.clone()) {
                all.given.insert((approved.question.clone(), other), approved.resource.clone());
            }
        }
        for open in open.into_iter().filter(|proposal| proposal.state == ProposalState::Open) {
            all.give(&open.question, &open.resource, &open.options);
        }
        all
    }

    /// The same of how resources stood on a day of the past. What open proposals offered then is to be told to it.
    pub(super) fn of_the_past(standings: &[Standing], rules: &DeskRules, approved: &[Proposal]) -> Self {
        let room = |it: &Standing| {
            let has_room = matches!(it.status, Status::Oversized | Status::Steady | Status::Shrinking);
            let is_known = matches!(it.limit_source, Some(LimitSource::Metric | LimitSource::Asset));
            let (used, limit, threshold, fitting) = (it.used?, it.limit?, it.threshold?, it.fitting_limit?);
            let entity = Value::Object(it.entity.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect());
            let neighbour = neighbour((&it.name, &it.unit), (used, limit, threshold, fitting), it.status == Status::Oversized);
            (has_room && is_known).then(|| (limit - fitting, (Place::of(&it.question, &entity, rules), neighbour)))
        };
        let mut rooms: Vec<(f64, (Place, Neighbour))> = standings.iter().filter_map(room).collect();
        rooms.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.1.resource.cmp(&other.1.1.resource)));
        Self::among(rooms.into_iter().map(|(_, room)| room).collect(), approved)
    }

    /// What is next to a resource, by its id and name, and not another's, the largest first.
    pub(super) fn next_to(&self, place: &Place, (resource, name): (&str, &str)) -> Vec<Neighbour> {
        let holder = |neighbour: &Neighbour| self.given.get(&(place.question.clone(), neighbour.resource.clone()));
        let is_free = |neighbour: &Neighbour| holder(neighbour).is_none_or(|holder| holder == resource);
        let fitting =
            self.rooms.iter().filter(|(other, neighbour)| neighbour.resource != name && other.is_next_to(place) && is_free(neighbour));
        fitting.take(MOST_NEIGHBOURS).map(|(_, neighbour)| neighbour.clone()).collect()
    }

    /// The first that would meet this need is not offered to another, unless it is another's already.
    pub(super) fn give(&mut self, question: &str, resource: &str, made: &Options) {
        let mut enough = made.options.iter().filter(|option| option.covers_need);
        if let Some(other) = enough.find_map(|option| option.other_resource.as_ref()) {
            self.given.entry((question.to_owned(), other.clone())).or_insert_with(|| resource.to_owned());
        }
    }
}

/// A resource by name and unit, and what it has room for.
fn neighbour((name, unit): (&str, &str), (used, limit, threshold, fitting): (f64, f64, f64, f64), is_oversized: bool) -> Neighbour {
    Neighbour {
        resource: name.to_owned(),
        unit: unit.to_owned(),
        spare: (threshold - used * NEIGHBOUR_ROOM).max(0.0),
        releasable: if is_oversized { (limit - fitting).max(0.0) } else { 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::desk::{Impact, ServiceFacts};

    #[test]
    fn neighbours_share_a_host_or_a_service_and_the_question() {
        let shop = ServiceFacts { name: "shop".into(), impact: Impact::High, team: None, hosts: vec!["web*".into()], apps: Vec::new() };
        let rules = DeskRules { services: vec![shop], ..DeskRules::default() };
        let place = |question: &str, entity: Value| Place::of(question, &entity, &rules);
        let volume = place("filesystem_space", json!({ "host": "db01", "mountpoint": "/data" }));
        assert!(volume.is_next_to(&place("filesystem_space", json!({ "host": "db01", "mountpoint": "/backup" }))));
        assert!(!volume.is_next_to(&place("filesystem_space", json!({ "host": "db02", "mountpoint": "/data" }))), "another machine");
        assert!(!volume.is_next_to(&place("database_size", json!({ "host": "db01", "database": "orders" }))), "another question");
        let web = place("memory", json!({ "host": "web01" }));
        assert!(web.is_next_to(&place("memory", json!({ "host": "web02" }))), "one service");
        assert!(!web.is_next_to(&place("memory", json!({ "host": "db01" }))));
        let office = place("licences", json!({ "product": "office" }));
        assert!(!office.is_next_to(&place("licences", json!({ "product": "cad" }))), "nobody draws with a text program");
    }
}
