//! What stands where, and what depends on what.

use std::collections::VecDeque;

use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Signal;

/// Steps along dependencies that still count as related. A fault is seen two or three calls away; beyond that everything in a
/// site is related to everything.
pub const MAX_HOPS: u8 = 3;

/// Names visited in one walk: a core switch has thousands of hosts behind it, and a walk must stay cheap.
const MAX_VISITED: usize = 2_048;

/// Services of one host that count.
const MAX_SERVICES: usize = 16;

/// Direct neighbours along dependencies that are compared. Two things that are needed by hundreds have little in common.
const MAX_NEIGHBOURS: usize = 32;

/// Something that is known to stand somewhere: a host, a device, or a service that runs on no host in particular.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Asset {
    /// Name, as findings write it.
    pub name: String,
    /// Services that run on it.
    pub services: Vec<String>,
    /// Rack or room that it stands in.
    pub rack: Option<String>,
}

/// One thing needs another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// What needs it: a host or a service.
    pub dependent: String,
    /// What is needed: a host or a service.
    pub upstream: String,
}

/// Which of two is needed by the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// The first one.
    First,
    /// The second one.
    Second,
}

/// How two places are related; the closest relation that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Relation {
    /// They are the same host.
    SameHost,
    /// One needs the other, `hops` steps away (1 to [`MAX_HOPS`]).
    DependsOn {
        /// The one that is needed.
        upstream: Side,
        /// Steps along dependencies.
        hops: u8,
    },
    /// They are of the same service.
    SameService,
    /// Both need the same thing directly.
    SameUpstream,
    /// The same thing needs both directly.
    SameDependent,
    /// They stand in the same rack.
    SameRack,
    /// Nothing is known that relates them.
    None,
}

impl Relation {
    /// The word for it, as a reason shows it.
    pub fn word(self) -> &'static str {
        match self {
            Self::SameHost => "same host",
            Self::DependsOn { .. } => "depends on",
            Self::SameService => "same service",
            Self::SameUpstream => "same upstream",
            Self::SameDependent => "same dependent",
            Self::SameRack => "same rack",
            Self::None => "unrelated",
        }
    }

    /// How much of a common cause it speaks for, 0 to 1: the host itself 1, a direct dependency 0.7 and 0.7 of that a further
    /// step, the same service, rack, or neighbour along a dependency 0.5.
    pub fn strength(self) -> f64 {
        match self {
            Self::SameHost => 1.0,
            Self::DependsOn { hops, .. } => 0.7_f64.powi(i32::from(hops)),
            Self::SameService | Self::SameUpstream | Self::SameDependent | Self::SameRack => 0.5,
            Self::None => 0.0,
        }
    }
}

/// Where something is, as hashed names; 0 stands for "not known".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    pub(super) host: u64,
    pub(super) services: Vec<u64>,
    pub(super) rack: u64,
    /// What it needs directly, sorted.
    pub(super) needs: Vec<u64>,
    /// What needs it directly, sorted.
    pub(super) needed_by: Vec<u64>,
}

impl Place {
    /// The one name it goes by: the host, else the first service; 0 if neither is known.
    pub(super) fn key(&self) -> u64 {
        self.nodes().next().unwrap_or(0)
    }

    /// Host and services: what dependencies are drawn between.
    pub(super) fn nodes(&self) -> impl Iterator<Item = u64> + '_ {
        std::iter::once(self.host).chain(self.services.iter().copied()).filter(|node| *node != 0)
    }
}

/// What can be reached from a place along dependencies, with the number of steps.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    /// What it needs.
    pub(super) upstream: HashMap<u64, u8>,
    /// What needs it.
    pub(super) dependents: HashMap<u64, u8>,
}

/// The known hosts, services and racks and the dependencies between them. Cycles do no harm.
#[derive(Debug, Clone, Default)]
pub struct Topology {
    assets: HashMap<u64, (Vec<u64>, u64)>,
    needs: HashMap<u64, Vec<u64>>,
    needed_by: HashMap<u64, Vec<u64>>,
}

impl Topology {
    /// The topology of these assets and dependencies. A name is the same in any letter case; repeated entries add up; a thing
    /// that needs itself is left out.
    pub fn new(assets: &[Asset], dependencies: &[Dependency]) -> Self {
        let mut topology = Self::default();
        for asset in assets {
            let key = name_key(&asset.name);
            let rack = asset.rack.as_deref().map_or(0, name_key);
            let services: Vec<u64> = asset.services.iter().take(MAX_SERVICES).map(|service| name_key(service)).collect();
            let entry = topology.assets.entry(key).or_default();
            entry.0.extend(services);
            entry.0.sort_unstable();
            entry.0.dedup();
            entry.0.truncate(MAX_SERVICES);
            entry.1 = if rack == 0 { entry.1 } else { rack };
        }
        for Dependency { dependent, upstream } in dependencies {
            let (from, to) = (name_key(dependent), name_key(upstream));
            if from != to {
                topology.needs.entry(from).or_default().push(to);
                topology.needed_by.entry(to).or_default().push(from);
            }
        }
        for list in topology.needs.values_mut().chain(topology.needed_by.values_mut()) {
            list.sort_unstable();
            list.dedup();
        }
        topology
    }

    /// Where a signal is.
    pub fn place_of(&self, signal: &Signal) -> Place {
        let service = signal.service().map(name_key);
        let host = match (signal.host(), service) {
            (Some(host), _) => name_key(host),
            // Something without host and service is a place of its own, by its whole entity.
            (None, None) if !signal.entity.is_empty() => name_key(&signal.place()),
            _ => 0,
        };
        self.place(host, service)
    }

    /// Where a host or service of this name is.
    pub fn place_named(&self, name: &str) -> Place {
        self.place(name_key(name), None)
    }

    fn place(&self, host: u64, service: Option<u64>) -> Place {
        let mut place = Place { host, ..Place::default() };
        place.services.extend(service);
        if let Some((services, rack)) = self.assets.get(&host) {
            place.services.extend(services.iter().filter(|known| Some(**known) != service));
            place.rack = *rack;
        }
        place.needs = self.neighbours(&place, &self.needs);
        place.needed_by = self.neighbours(&place, &self.needed_by);
        place
    }

    fn neighbours(&self, place: &Place, edges: &HashMap<u64, Vec<u64>>) -> Vec<u64> {
        let of_node = |node: u64| edges.get(&node).into_iter().flatten().take(MAX_NEIGHBOURS).copied();
        let mut found: Vec<u64> = place.nodes().flat_map(of_node).take(MAX_NEIGHBOURS).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// How two places are related, the closest relation first.
    pub fn relation(&self, first: &Place, second: &Place) -> Relation {
        relate(&self.reach(first, MAX_HOPS), first, second)
    }

    /// What a place needs and what needs it, at most `hops` steps away.
    pub(super) fn reach(&self, place: &Place, hops: u8) -> Reach {
        if self.needs.is_empty() {
            return Reach::default();
        }
        Reach { upstream: self.walk(place, &self.needs, hops), dependents: self.walk(place, &self.needed_by, hops) }
    }

    /// Breadth first, so that the number of steps is the smallest; what was seen is not entered again, so cycles end.
    fn walk(&self, place: &Place, edges: &HashMap<u64, Vec<u64>>, hops: u8) -> HashMap<u64, u8> {
        let mut found = HashMap::new();
        let start: HashSet<u64> = place.nodes().collect();
        let mut queue: VecDeque<(u64, u8)> = place.nodes().map(|node| (node, 0)).collect();
        while let Some((node, steps)) = queue.pop_front() {
            if steps >= hops || found.len() >= MAX_VISITED {
                continue;
            }
            for next in edges.get(&node).into_iter().flatten().take(MAX_VISITED) {
                if !start.contains(next) && !found.contains_key(next) {
                    found.insert(*next, steps + 1);
                    queue.push_back((*next, steps + 1));
                }
            }
        }
        found
    }
}

/// How `second` is related to the place that `reach` starts from.
pub(super) fn relate(reach: &Reach, first: &Place, second: &Place) -> Relation {
    if first.host != 0 && first.host == second.host {
        return Relation::SameHost;
    }
    if first.host == 0 && second.host == 0 && !first.services.is_empty() && first.services.first() == second.services.first() {
        // A service that runs on no known host is a place itself.
        return Relation::SameHost;
    }
    let steps = |found: &HashMap<u64, u8>| second.nodes().filter_map(|node| found.get(&node).copied()).min();
    match (steps(&reach.upstream), steps(&reach.dependents)) {
        (Some(up), down) if down.is_none_or(|down| up <= down) => return Relation::DependsOn { upstream: Side::Second, hops: up },
        (_, Some(down)) => return Relation::DependsOn { upstream: Side::First, hops: down },
        _ => {}
    }
    if first.nodes().any(|node| second.services.contains(&node)) || second.nodes().any(|node| first.services.contains(&node)) {
        Relation::SameService
    } else if first.needs.iter().any(|need| second.needs.binary_search(need).is_ok()) {
        Relation::SameUpstream
    } else if first.needed_by.iter().any(|one| second.needed_by.binary_search(one).is_ok()) {
        Relation::SameDependent
    } else if first.rack != 0 && first.rack == second.rack {
        Relation::SameRack
    } else {
        Relation::None
    }
}

/// The hash of a name, never 0; upper and lower case are one.
pub(super) fn name_key(name: &str) -> u64 {
    let hash = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        xxh3_64(name.to_ascii_lowercase().as_bytes())
    } else {
        xxh3_64(name.as_bytes())
    };
    hash.max(1)
}
