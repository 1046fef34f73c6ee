//! Times in which findings are kept and counted but open nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Signal;
use crate::clock::{DAY_US, SECOND_US, TimestampUs};

/// Fingerprints kept of one window; the rest is counted. What still goes on when the window ends is told one by one, and
/// grouping makes few incidents of it.
const MAX_HELD: usize = 4_096;

/// The Unix epoch was a Thursday; days of the week count from Monday = 0.
const EPOCH_WEEKDAY: i64 = 3;

/// What a window is about. An empty list leaves its question open; all lists that are not empty must agree. A name may end in
/// `*`. Letter case does not matter for hosts and services.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MaintenanceScope {
    /// Hosts.
    pub hosts: Vec<String>,
    /// Services, by name.
    pub services: Vec<String>,
    /// Services that are known: what names another of them does not belong to these by its place. Programs also call jobs services.
    #[serde(default)]
    pub known_services: Vec<String>,
    /// Hosts that the services run on: a finding that names no service belongs to them by its host.
    #[serde(default)]
    pub service_hosts: Vec<String>,
    /// Applications that the services consist of, in the same way.
    #[serde(default)]
    pub service_apps: Vec<String>,
    /// Rules.
    pub rules: Vec<String>,
    /// Entity columns with their values: one of them must be there.
    pub labels: Vec<(String, String)>,
}

impl MaintenanceScope {
    /// Whether a signal is within it.
    pub fn covers(&self, signal: &Signal) -> bool {
        let one_of =
            |names: &[String], name: Option<&str>| names.is_empty() || name.is_some_and(|name| names.iter().any(|one| fits(one, name)));
        let label = |(column, value): &(String, String)| signal.entity.get(column).is_some_and(|found| fits(value, found));
        one_of(&self.hosts, signal.host())
            && (self.services.is_empty() || self.is_of_services(signal))
            && one_of(&self.rules, Some(&signal.rule))
            && (self.labels.is_empty() || self.labels.iter().any(label))
    }

    /// Whether a service is meant.
    pub fn names_service(&self, name: &str) -> bool {
        self.services.iter().any(|one| fits(one, name))
    }

    /// What names a service that is known is of that one alone; else the place says whose it is.
    fn is_of_services(&self, signal: &Signal) -> bool {
        let any = |names: &[String], name: Option<&str>| name.is_some_and(|name| names.iter().any(|one| fits(one, name)));
        if any(&self.services, signal.service()) {
            return true;
        }
        let app = signal.entity.get("app").map(String::as_str);
        let names_another = signal.entity.get("service").is_some_and(|name| self.known_services.contains(name));
        !names_another && (any(&self.service_hosts, signal.host()) || any(&self.service_apps, app))
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
        None => name.eq_ignore_ascii_case(pattern),
    }
}

/// When a window is. Intervals hold their beginning and not their end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaintenanceTimes {
    /// Once, or as often as the list says; microseconds UTC.
    At(Vec<(TimestampUs, TimestampUs)>),
    /// Every week.
    Weekly {
        /// Days it begins on, Monday = 0.
        days: Vec<u8>,
        /// Local time it begins, seconds after midnight.
        start_s: u32,
        /// How long it lasts, seconds; at most a week.
        length_s: u32,
        /// Local time less UTC, seconds. Who knows the time zone gives the present one, and gives another when it changes.
        utc_offset_s: i32,
    },
}

impl MaintenanceTimes {
    /// The interval that holds this moment; of several the one that ends last.
    pub fn interval_at(&self, at_us: TimestampUs) -> Option<(TimestampUs, TimestampUs)> {
        let holds = |(from_us, until_us): &(TimestampUs, TimestampUs)| *from_us <= at_us && at_us < *until_us;
        match self {
            Self::At(intervals) => intervals.iter().copied().filter(holds).max_by_key(|(_, until_us)| *until_us),
            Self::Weekly { days, start_s, length_s, utc_offset_s } => {
                let offset_us = i64::from(*utc_offset_s) * SECOND_US;
                let length_us = (i64::from(*length_s) * SECOND_US).min(7 * DAY_US);
                let today = at_us.saturating_add(offset_us).div_euclid(DAY_US);
                let of_day = |day: i64| {
                    let weekday = (day + EPOCH_WEEKDAY).rem_euclid(7);
                    let from_us = day.saturating_mul(DAY_US).saturating_add(i64::from(*start_s) * SECOND_US).saturating_sub(offset_us);
                    days.iter().any(|one| i64::from(*one) == weekday).then_some((from_us, from_us.saturating_add(length_us)))
                };
                (today - 7..=today).filter_map(of_day).filter(holds).max_by_key(|(_, until_us)| *until_us)
            }
        }
    }
}

/// A maintenance window: what is worked on, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Its name, as people call it.
    pub name: String,
    /// What it is about.
    pub scope: MaintenanceScope,
    /// When it is.
    pub times: MaintenanceTimes,
}

impl Maintenance {
    /// The window that holds a signal back at a moment, with the end of its occurrence; of several the one that ends last.
    pub fn holding<'a>(windows: &'a [Self], signal: &Signal, at_us: TimestampUs) -> Option<(&'a str, TimestampUs)> {
        let covering = windows.iter().filter(|window| window.scope.covers(signal));
        let found = covering.filter_map(|window| Some((window.name.as_str(), window.times.interval_at(at_us)?.1)));
        found.max_by_key(|(_, until_us)| *until_us)
    }
}

/// What was held back in one occurrence of a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// Name of the window.
    pub window: String,
    /// When this occurrence ends.
    pub until_us: TimestampUs,
    /// Findings held back.
    pub findings: u64,
    /// Findings of fingerprints beyond the number that is kept.
    pub not_kept: u64,
    /// The latest finding of each fingerprint, with its earliest onset.
    pub(super) signals: BTreeMap<String, Signal>,
}

impl Held {
    pub(super) fn new(window: &str, until_us: TimestampUs) -> Self {
        Self { window: window.to_owned(), until_us, findings: 0, not_kept: 0, signals: BTreeMap::new() }
    }

    /// Holds a finding; one that was held already, told again after a restart, counts once.
    pub(super) fn hold(&mut self, mut signal: Signal) {
        if self.signals.get(&signal.fingerprint).is_some_and(|before| before.window_end_us >= signal.window_end_us) {
            return;
        }
        self.findings += 1;
        if let Some(before) = self.signals.get_mut(&signal.fingerprint) {
            signal.onset_us = signal.onset_us.min(before.onset_us);
            *before = signal;
        } else if self.signals.len() < MAX_HELD {
            self.signals.insert(signal.fingerprint.clone(), signal);
        } else {
            self.not_kept += 1;
        }
    }

    /// Takes in what is known of each: that it went on until the window ended, or that it was over before.
    pub(super) fn tell(&mut self, goes_on: impl Fn(&Signal) -> Option<bool>) {
        let until_us = self.until_us;
        self.signals.retain(|_, signal| {
            let known = goes_on(signal);
            if known == Some(true) {
                signal.window_end_us = signal.window_end_us.max(until_us);
            }
            known != Some(false)
        });
    }

    /// What it holds, the latest of each fingerprint.
    pub fn signals(&self) -> impl Iterator<Item = &Signal> {
        self.signals.values()
    }

    /// What still went on when the window ended: last seen at most two runs of its rule before.
    pub(super) fn going_on(&self) -> impl Iterator<Item = &Signal> {
        self.signals.values().filter(|signal| signal.window_end_us >= self.until_us.saturating_sub(signal.cadence_us.saturating_mul(2)))
    }
}
