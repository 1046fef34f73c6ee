//! What the desk must know of a department to file a ticket: its priorities and its services. Pure.

use std::collections::BTreeMap;

use super::{Impact, Priority, PriorityMatrix, Urgency, impact_and_urgency};
use crate::clock::DAY_US;
use crate::store::FindingSeverity;

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
}

impl Default for DeskRules {
    fn default() -> Self {
        Self { matrix: PriorityMatrix::default(), services: Vec::new(), reopen_within_us: DAY_US }
    }
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

    /// Impact comes from the service that is hit, as far as one is known; urgency from the severity.
    pub(super) fn place(&self, entity: &BTreeMap<String, String>, severity: FindingSeverity) -> Placement {
        let service = self.service_of(entity);
        let (usual, urgency) = impact_and_urgency(severity);
        let impact = service.map_or(usual, |service| service.impact);
        Placement {
            service: service.map(|service| service.name.clone()),
            team: service.and_then(|service| service.team.clone()),
            impact,
            urgency,
            priority: self.matrix.priority(impact, urgency),
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
        let placed = rules.place(&entity("host", "web07"), FindingSeverity::High);
        assert_eq!((placed.service.as_deref(), placed.priority), (Some("shop"), Priority::P1));
        assert_eq!(rules.place(&entity("host", "wiki01"), FindingSeverity::High).priority, Priority::P3);
        assert_eq!(rules.place(&entity("host", "other"), FindingSeverity::High).priority, Priority::P2);
        assert_eq!(rules.service_of(&entity("service", "wiki")).map(|service| service.name.as_str()), Some("wiki"));
    }
}
