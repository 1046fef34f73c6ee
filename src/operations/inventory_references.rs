//! What records of the inventory name: other records, and what is set up. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::setup::Setup;
use crate::document::{Complaint, excerpt};
use crate::inventory::Record;

/// Circles that are told: a file with more is wrong as a whole.
const MAX_CIRCLES: usize = 100;

/// How far the search for circles is with an asset.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    /// It stands on the way that is being followed.
    OnPath,
    /// Everything that it leads to was seen.
    Done,
}

/// What there is to be named.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Names of suppliers.
    pub(super) suppliers: HashSet<String>,
    /// Names of assets.
    pub(super) assets: HashSet<String>,
    /// Which asset does not work without which.
    pub(super) depends_on: BTreeMap<String, Vec<String>>,
}

impl Known {
    /// What a record names that does not exist.
    pub(super) fn complaints(&self, setup: &Setup, record: &Record) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        let mut need = |field: &str, what: &str, name: Option<&String>, exists: &dyn Fn(&str) -> bool| {
            if let Some(name) = name.filter(|name| !exists(name)) {
                let why = format!("there is no {what} `{}`; write it first, or name another", excerpt(name));
                complaints.push(Complaint::new(field, why));
            }
        };
        let supplier = |name: &str| self.suppliers.contains(name);
        let asset = |name: &str| self.assets.contains(name);
        let service = |name: &str| setup.services.contains_key(name);
        let team = |name: &str| setup.teams.contains_key(name);
        match record {
            Record::Asset(record) => {
                need("supplier", "supplier", record.supplier.as_ref(), &supplier);
                need("service", "service", record.service.as_ref(), &service);
                need("team", "team", record.team.as_ref(), &team);
                for (at, name) in record.depends_on.iter().enumerate() {
                    need(&format!("depends_on[{at}]"), "asset", Some(name), &asset);
                }
            }
            Record::Contract(record) => {
                need("supplier", "supplier", Some(&record.supplier), &supplier);
                need("service", "service", record.service.as_ref(), &service);
                need("owner", "team", record.owner.as_ref(), &team);
                for (at, name) in record.assets.iter().enumerate() {
                    need(&format!("assets[{at}]"), "asset", Some(name), &asset);
                }
            }
            Record::Offer(record) => need("supplier", "supplier", Some(&record.supplier), &supplier),
            Record::Budget(record) => {
                need("owner", "team or person", record.owner.as_ref(), &|name| team(name) || setup.users.contains_key(name));
            }
            Record::Supplier(_) => {}
        }
        complaints
    }

    /// Circles in which assets depend on one another, as far as some assets lead to them: each from one of its assets back to it.
    /// Every asset is visited once, however many lead to it.
    pub(super) fn circles<'a>(&'a self, starts: impl Iterator<Item = &'a str>) -> Vec<Vec<&'a str>> {
        let needed = |name: &str| self.depends_on.get(name).map(Vec::as_slice).unwrap_or_default().iter();
        let (mut circles, mut visits) = (Vec::new(), HashMap::new());
        for start in starts {
            if visits.contains_key(start) {
                continue;
            }
            visits.insert(start, Visit::OnPath);
            // Depth first: the way from the start, each asset with those that are still to be looked at.
            let mut path = vec![(start, needed(start))];
            while let Some((name, rest)) = path.last_mut() {
                let Some(next) = rest.next() else {
                    visits.insert(*name, Visit::Done);
                    path.pop();
                    continue;
                };
                match visits.get(next.as_str()) {
                    None => {
                        visits.insert(next, Visit::OnPath);
                        path.push((next, needed(next)));
                    }
                    Some(Visit::OnPath) if circles.len() < MAX_CIRCLES => {
                        let names = path.iter().map(|(name, _)| *name).skip_while(|name| *name != next);
                        circles.push(names.chain([next.as_str()]).collect());
                    }
                    Some(_) => {}
                }
            }
        }
        circles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(edges: &[(&str, &[&str])]) -> Known {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Known { depends_on: edges.iter().map(|(name, needed)| ((*name).to_owned(), owned(needed))).collect(), ..Known::default() }
    }

    #[test]
    fn a_circle_is_told_once_from_where_it_is_entered() {
        let known = known(&[("a", &["x", "b"]), ("b", &["c"]), ("c", &["a"]), ("x", &["c2"]), ("d", &["a"])]);
        assert_eq!(known.circles(["a", "b", "c"].into_iter()), [["a", "b", "c", "a"]]);
        assert_eq!(known.circles(["b"].into_iter()), [["b", "c", "a", "b"]]);
        assert_eq!(known.circles(["d"].into_iter()), [["a", "b", "c", "a"]], "it leads into one");
        assert!(known.circles(["x"].into_iter()).is_empty());
    }

    #[test]
    fn an_asset_that_depends_on_itself_is_a_circle() {
        assert_eq!(known(&[("a", &["a"])]).circles(["a"].into_iter()), [["a", "a"]]);
    }

    #[test]
    fn a_long_chain_is_walked_once() {
        let count = 50_000;
        let depends_on = (0..count).map(|at| (at.to_string(), vec![(at + 1).to_string()])).collect();
        let known = Known { depends_on, ..Known::default() };
        let names: Vec<String> = (0..count).map(|at: u32| at.to_string()).collect();
        assert!(known.circles(names.iter().map(String::as_str)).is_empty());
    }
}
