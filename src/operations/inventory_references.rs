//! What records of the inventory name: other records, and what is set up. Pure.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::setup::Setup;
use crate::document::{Complaint, excerpt};
use crate::inventory::Record;

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

    /// Assets that depend on one another in a circle through `start`, from it and back to it.
    pub(super) fn circle(&self, start: &str) -> Option<Vec<String>> {
        let needed = |name: &str| self.depends_on.get(name).map(Vec::as_slice).unwrap_or_default().iter();
        // Depth first: `path` is the way from the start, each with those that are still to be looked at.
        let mut path = vec![(start, needed(start))];
        let mut seen = BTreeSet::new();
        while let Some((_, rest)) = path.last_mut() {
            match rest.next() {
                Some(next) if next == start => {
                    let names = path.iter().map(|(name, _)| *name).chain([start]);
                    return Some(names.map(str::to_owned).collect());
                }
                Some(next) if seen.insert(next.as_str()) => path.push((next, needed(next))),
                Some(_) => {}
                None => drop(path.pop()),
            }
        }
        None
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
    fn a_circle_is_told_from_its_start() {
        let known = known(&[("a", &["x", "b"]), ("b", &["c"]), ("c", &["a"]), ("x", &["c2"]), ("d", &["a"])]);
        assert_eq!(known.circle("a").unwrap(), ["a", "b", "c", "a"]);
        assert_eq!(known.circle("b").unwrap(), ["b", "c", "a", "b"]);
        assert_eq!(known.circle("d"), None, "it leads into a circle and is none");
        assert_eq!(known.circle("x"), None);
    }

    #[test]
    fn an_asset_that_depends_on_itself_is_a_circle() {
        assert_eq!(known(&[("a", &["a"])]).circle("a").unwrap(), ["a", "a"]);
    }
}
