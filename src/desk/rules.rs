//! What the desk must know of a department to file a ticket: its priorities, its services, and what the inventory says of an asset.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::{Impact, Priority, PriorityMatrix, Urgency, impact_and_urgency};
use crate::clock::{DAY_US, HOUR_US, SECOND_US};
use crate::inventory::{Asset, AssetState, Criticality};
use crate::store::{FindingSeverity, StoreError, load_assets_named};

/// A service, as far as the desk must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFacts {
    /// Its name.
    pub name: String,
    /// How much of the business stands on it.
    pub impact: Impact,
    /// The team that answers for it.
    pub team: Option<String>,
    /// Hosts that it runs on; `web*` stands for every name that begins so.
    pub hosts: Vec<String>,
    /// Applications that it consists of, in the same way.
    pub apps: Vec<String>,
}

/// What a department has set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskRules {
    /// Impact and urgency make the priority.
    pub matrix: PriorityMatrix,
    /// The services; of two that fit the same entity the first counts.
    pub services: Vec<ServiceFacts>,
    /// A problem that comes back sooner than this after it was resolved was not resolved: the ticket is reopened, µs.
    pub reopen_within_us: i64,
    /// Whether the ticket of a problem that is over is resolved, if nobody has taken it up.
    pub resolves: bool,
    /// How long a problem has to be quiet to be over, µs.
    pub quiet_time_us: i64,
    /// What comes back so often within `flap_within_us` is flapping.
    pub flap_returns: usize,
    /// See `flap_returns`, µs.
    pub flap_within_us: i64,
}

impl Default for DeskRules {
    fn default() -> Self {
        Self {
            matrix: PriorityMatrix::default(),
            services: Vec::new(),
            reopen_within_us: DAY_US,
            resolves: true,
            quiet_time_us: 600 * SECOND_US,
            flap_returns: 5,
            flap_within_us: HOUR_US,
        }
    }
}

/// What the inventory says of an entity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AssetFacts {
    /// How much hangs on it, where that is more or less than usual.
    pub(super) impact: Option<Impact>,
    /// The service that it works for.
    pub(super) service: Option<String>,
    /// The team that looks after it.
    pub(super) team: Option<String>,
}

impl AssetFacts {
    /// Of the assets that the entity's `host` or `asset` names the most critical one counts; service and team are those of the most
    /// critical one that has any.
    pub(super) async fn of(read: &mut SqliteConnection, entity: &BTreeMap<String, String>) -> Result<Self, StoreError> {
        let names: Vec<&str> = ["host", "asset"].into_iter().filter_map(|key| entity.get(key).map(String::as_str)).collect();
        if names.is_empty() {
            return Ok(Self::default());
        }
        let mut assets = Vec::new();
        for stored in load_assets_named(read, &names).await? {
            let asset: Asset = serde_json::from_value(stored.record).map_err(|error| StoreError::Unreadable(error.to_string()))?;
            if asset.state == AssetState::Retired {
                continue;
            }
            assets.push(asset);
        }
        assets.sort_by_key(|asset| Reverse(asset.criticality));
        // Medium is what an asset has about which nobody said anything.
        let impact = assets.first().and_then(|asset| match asset.criticality {
            Criticality::High => Some(Impact::High),
            Criticality::Medium => None,
            Criticality::Low => Some(Impact::Low),
        });
        let (service, team) = (assets.iter().find_map(|it| it.service.clone()), assets.iter().find_map(|it| it.team.clone()));
        Ok(Self { impact, service, team })
    }
}

/// Whose an entity is, and how much hangs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whereabouts {
    pub(super) service: Option<String>,
    pub(super) team: Option<String>,
    pub(super) impact: Impact,
}

/// Where a ticket belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) service: Option<String>,
    pub(super) team: Option<String>,
    pub(super) impact: Impact,
    pub(super) urgency: Urgency,
    pub(super) priority: Priority,
}

impl DeskRules {
    /// The service that an entity belongs to: by its key `service`, by host, by application.
    pub fn service_of(&self, entity: &BTreeMap<String, String>) -> Option<&ServiceFacts> {
        let value = |key: &str| entity.get(key).map(String::as_str);
        let is_named = |service: &&ServiceFacts| value("service") == Some(service.name.as_str());
        let runs_it = |service: &&ServiceFacts| {
            value("app").is_some_and(|app| service.apps.iter().any(|pattern| fits(pattern, app)))
                || value("host").is_some_and(|host| service.hosts.iter().any(|pattern| fits(pattern, host)))
        };
        self.services.iter().find(is_named).or_else(|| self.services.iter().find(runs_it))
    }

    /// Impact comes from the service that is hit, as far as one is known, else from the asset; what much hangs on is high in any
    /// service. Urgency comes from the severity.
    pub(super) fn place(&self, entity: &BTreeMap<String, String>, asset: &AssetFacts, severity: FindingSeverity) -> Placement {
        let (usual, urgency) = impact_and_urgency(severity);
        let Whereabouts { service, team, impact } = self.whereabouts(entity, asset, None, usual);
        Placement { service, team, impact, urgency, priority: self.matrix.priority(impact, urgency) }
    }

    /// The same without a severity. A service that a person chose (or that there is none) counts before that of the entity; `usual` is
    /// the impact where neither service nor asset say one.
    pub(super) fn whereabouts(
        &self,
        entity: &BTreeMap<String, String>,
        asset: &AssetFacts,
        chosen: Option<&Option<String>>,
        usual: Impact,
    ) -> Whereabouts {
        let named = |name: &Option<String>| self.services.iter().find(|service| Some(&service.name) == name.as_ref());
        let service = match chosen {
            Some(chosen) => named(chosen),
            None => self.service_of(entity).or_else(|| named(&asset.service)),
        };
        let impact = match (service, asset.impact) {
            (_, Some(Impact::High)) => Impact::High,
            (Some(service), _) => service.impact,
            (None, known) => known.unwrap_or(usual),
        };
        Whereabouts {
            service: chosen.cloned().unwrap_or_else(|| service.map(|service| service.name.clone())),
            team: service.and_then(|service| service.team.clone()).or_else(|| asset.team.clone()),
            impact,
        }
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_asset_on_which_much_hangs_raises_the_impact() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(&folder.path().join("desk.db")).await.unwrap();
        let mut write = store.write().await.unwrap();
        let asset = |name: &str, record: serde_json::Value| crate::store::StoredRecord {
            kind: "assets".to_owned(),
            name: name.to_owned(),
            record,
            version: 1,
            updated_at_us: 1,
            updated_by: "test".to_owned(),
        };
        let records = [
            asset("srv-1", serde_json::json!({ "kind": "server", "host": "db01", "criticality": "high", "team": "data" })),
            asset("srv-0", serde_json::json!({ "kind": "server", "host": "lab", "criticality": "high", "state": "retired" })),
            asset(
                "db01-disk",
                serde_json::json!({ "kind": "disk", "host": "db01", "criticality": "low", "service": "orders", "team": "storage" }),
            ),
            asset("lab", serde_json::json!({ "kind": "server", "criticality": "low", "service": "wiki" })),
        ];
        for record in &records {
            crate::store::save_record(&mut write, record).await.unwrap();
        }
        let entity = |host: &str| BTreeMap::from([("host".to_owned(), host.to_owned())]);
        let db = AssetFacts::of(&mut write, &entity("db01")).await.unwrap();
        let lab = AssetFacts::of(&mut write, &entity("lab")).await.unwrap();
        assert_eq!(AssetFacts::of(&mut write, &entity("other")).await.unwrap(), AssetFacts::default());
        assert_eq!(db.service.as_deref(), Some("orders"), "the disk knows what the server does not say");
        let mut rules = DeskRules::default();
        let placed = rules.place(&entity("db01"), &db, FindingSeverity::High);
        assert_eq!((placed.impact, placed.priority, placed.team.as_deref()), (Impact::High, Priority::P1, Some("data")));
        assert_eq!(rules.place(&entity("lab"), &lab, FindingSeverity::High).impact, Impact::Low);
        let wiki = ServiceFacts { name: "wiki".into(), impact: Impact::Medium, team: None, hosts: Vec::new(), apps: Vec::new() };
        rules.services.push(wiki);
        let placed = rules.place(&entity("lab"), &lab, FindingSeverity::High);
        assert_eq!((placed.impact, placed.service.as_deref()), (Impact::Medium, Some("wiki")));
    }

    #[test]
    fn the_service_that_is_hit_decides_the_impact() {
        let service = |name: &str, impact, hosts: &[&str]| ServiceFacts {
            name: name.into(),
            impact,
            team: Some("web".into()),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            apps: vec!["nginx".into()],
        };
        let rules = DeskRules {
            services: vec![service("shop", Impact::High, &["web*"]), service("wiki", Impact::Low, &["wiki01"])],
            ..DeskRules::default()
        };
        let entity = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let placed = rules.place(&entity("host", "web07"), &AssetFacts::default(), FindingSeverity::High);
        assert_eq!((placed.service.as_deref(), placed.priority), (Some("shop"), Priority::P1));
        assert_eq!(rules.place(&entity("host", "wiki01"), &AssetFacts::default(), FindingSeverity::High).priority, Priority::P3);
        assert_eq!(rules.place(&entity("host", "other"), &AssetFacts::default(), FindingSeverity::High).priority, Priority::P2);
        assert_eq!(rules.service_of(&entity("service", "wiki")).map(|service| service.name.as_str()), Some("wiki"));
    }
}
