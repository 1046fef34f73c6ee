//! Maintenance: when what is worked on, and is not to wake anybody. A document of the setup, beside the lines of the configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Register;
use super::local_cron::LocalCron;
use crate::clock::{DAY_US, SECOND_US, TimestampUs};
use crate::document::{Complaint, duration_us_within};
use crate::incident::{Maintenance, MaintenanceScope, MaintenanceTimes};
use crate::store::{Store, StoreError, hosts_of_services};

/// Longest occurrence: what is out of service for longer is taken out of the rules.
const LONGEST_US: i64 = 7 * DAY_US;
/// Longest time that is given by its two ends.
const LONGEST_AT_US: i64 = 31 * DAY_US;
const SHORTEST_US: i64 = 60 * SECOND_US;
/// Occurrences given one by one.
const MOST_PERIODS: usize = 200;
/// Names in one list.
const MOST_NAMES: usize = 500;
/// How long ago an occurrence may have ended and still count: findings may lag, and are told by their own time.
const LATE_US: i64 = 2 * DAY_US;
/// Occurrences of one cron expression that are looked at: every minute would be an expression by mistake.
const MOST_OCCURRENCES: usize = 512;

/// A time given by its beginning and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaintenancePeriod {
    /// First moment, such as `2026-12-01T20:00:00+01:00`.
    pub from: Timestamp,
    /// The moment at which it is over.
    pub until: Timestamp,
}

/// A maintenance window: what is found or reported of its scope while it lasts is kept and counted, and opens no ticket. What still
/// goes on at its end does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaintenanceWindow {
    /// What is done.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Hosts; `web*` stands for every name that begins so. Lists that are not empty must all agree.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Services that are set up, with the hosts and applications that they consist of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Rules; programs that send alerts are called `alertmanager`, `pagerduty`, `heartbeat`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Labels, of which one must be there with its value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// When, once or several times.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<MaintenancePeriod>,
    /// When, again and again: a cron expression of five fields for its beginning, such as `0 2 * * sun#2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// How long each of those lasts, such as `4h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasts: Option<String>,
    /// The zone whose clock the cron expression goes by.
    pub time_zone: String,
    /// Not just now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

impl MaintenanceWindow {
    /// Everything that is wrong with it.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = match &self.cron {
            Some(cron) => LocalCron::parse(cron, &self.zone()).err().unwrap_or_default(),
            None => Vec::new(),
        };
        let mut wrong = |field: &str, why: String| complaints.push(Complaint::new(field, why));
        let lists = [("hosts", &self.hosts), ("services", &self.services), ("rules", &self.rules)];
        if lists.iter().all(|(_, names)| names.is_empty()) && self.labels.is_empty() {
            wrong("hosts", "it covers everything; say so with `hosts = [\"*\"]`".to_owned());
        }
        for (field, names) in lists {
            if names.iter().any(|name| name.trim().is_empty()) {
                wrong(field, "a name is empty; leave it out".to_owned());
            }
            if names.len() > MOST_NAMES {
                wrong(field, format!("more than {MOST_NAMES} names; write the beginning that they share, such as `web*`"));
            }
        }
        if self.labels.len() > MOST_NAMES {
            wrong("labels", format!("more than {MOST_NAMES} labels"));
        }
        if self.at.is_empty() && self.cron.is_none() {
            wrong("at", "it says no time; write `at` with `from` and `until`, or `cron` with `lasts`".to_owned());
        }
        if self.at.len() > MOST_PERIODS {
            wrong("at", format!("more than {MOST_PERIODS} times; write a `cron` expression"));
        }
        for period in &self.at {
            let length_us = period.until.as_microsecond().saturating_sub(period.from.as_microsecond());
            if length_us <= 0 {
                wrong("at", format!("it ends on {}, before it begins on {}; exchange the two", period.until, period.from));
            }
            if length_us > LONGEST_AT_US {
                let why = "lasts for more than a month; look at its year, or take what is out of service so long out of the rules";
                wrong("at", format!("what begins on {} {why}", period.from));
            }
        }
        match (&self.cron, &self.lasts) {
            (Some(_), Some(lasts)) => {
                let length = duration_us_within(lasts, SHORTEST_US..=LONGEST_US);
                length.err().into_iter().for_each(|why| wrong("lasts", why));
            }
            (Some(_), None) => wrong("lasts", "say how long it lasts, such as `4h`".to_owned()),
            (None, Some(_)) => wrong("cron", "say when it begins, such as `0 2 * * sun`".to_owned()),
            (None, None) => {}
        }
        complaints
    }

    fn zone(&self) -> String {
        if self.time_zone.is_empty() { "UTC".to_owned() } else { self.time_zone.clone() }
    }

    /// The window with its occurrences that have begun by a moment and not ended long before. One that was paused has none.
    fn at(&self, name: &str, now_us: TimestampUs) -> Maintenance {
        let scope = MaintenanceScope {
            hosts: self.hosts.clone(),
            services: self.services.clone(),
            rules: self.rules.clone(),
            labels: self.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            ..MaintenanceScope::default()
        };
        let mut times: Vec<(TimestampUs, TimestampUs)> = Vec::new();
        if !self.paused {
            times.extend(self.at.iter().map(|period| (period.from.as_microsecond(), period.until.as_microsecond())));
            times.extend(self.recurring(now_us));
            times.retain(|(from_us, until_us)| *from_us <= now_us && *until_us > now_us - LATE_US);
        }
        Maintenance { name: name.to_owned(), scope, times: MaintenanceTimes::At(times) }
    }

    fn recurring(&self, now_us: TimestampUs) -> Vec<(TimestampUs, TimestampUs)> {
        let (Some(cron), Some(lasts)) = (&self.cron, &self.lasts) else { return Vec::new() };
        let Ok(length_us) = duration_us_within(lasts, SHORTEST_US..=LONGEST_US) else { return Vec::new() };
        let Ok(cron) = LocalCron::parse(cron, &self.zone()) else { return Vec::new() };
        let (mut found, mut at_us) = (Vec::new(), now_us);
        while let Some(from_us) = cron.latest_us(at_us) {
            if from_us.saturating_add(length_us) <= now_us - LATE_US || found.len() == MOST_OCCURRENCES {
                break;
            }
            found.push((from_us, from_us.saturating_add(length_us)));
            at_us = from_us - 1;
        }
        found
    }
}

/// The windows that the configuration names, as they stand at a moment.
pub type ConfiguredWindows = Arc<dyn Fn(TimestampUs) -> Vec<Maintenance> + Send + Sync>;

/// All maintenance windows: those of the configuration and those that were set up.
#[derive(Clone)]
pub struct MaintenanceWindows {
    configured: ConfiguredWindows,
    register: Arc<Register>,
    store: Store,
}

impl fmt::Debug for MaintenanceWindows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaintenanceWindows").finish_non_exhaustive()
    }
}

impl MaintenanceWindows {
    /// Over the configuration, the register and the inventory, which knows what stands where.
    pub fn new(configured: ConfiguredWindows, register: Arc<Register>, store: Store) -> Self {
        Self { configured, register, store }
    }

    /// The windows as they stand at a moment, with the places of the services that they are about.
    pub async fn at(&self, now_us: TimestampUs) -> Result<Vec<Maintenance>, StoreError> {
        let setup = self.register.setup();
        let mut windows = (self.configured)(now_us);
        windows.extend(setup.maintenance.iter().map(|(name, window)| window.at(name, now_us)));
        for window in windows.iter_mut().filter(|window| !window.scope.services.is_empty()) {
            let scope = &mut window.scope;
            let meant: Vec<String> = setup.services.keys().filter(|name| scope.names_service(name)).cloned().collect();
            for service in meant.iter().filter_map(|name| setup.services.get(name)) {
                scope.service_hosts.extend(service.hosts.iter().cloned());
                scope.service_apps.extend(service.apps.iter().cloned());
            }
            let mut read = self.store.read().await?;
            scope.service_hosts.extend(hosts_of_services(&mut read, &meant).await?);
            scope.known_services = setup.services.keys().cloned().collect();
        }
        Ok(windows)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn window(document: serde_json::Value) -> MaintenanceWindow {
        serde_json::from_value(document).unwrap()
    }

    fn us(text: &str) -> TimestampUs {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn lasts_at(window: &MaintenanceWindow, text: &str) -> bool {
        window.at("w", us(text)).times.interval_at(us(text)).is_some()
    }

    #[test]
    fn the_second_sunday_follows_the_clock_of_its_place() {
        let patches = window(json!({ "hosts": ["web*"], "cron": "0 2 * * sun#2", "lasts": "4h", "time_zone": "Europe/Berlin" }));
        assert_eq!(patches.check(), []);
        for (inside, outside) in [
            ("2026-07-12T00:00:00Z", "2026-07-11T23:59:59Z"),
            ("2026-07-12T03:59:59Z", "2026-07-12T04:00:00Z"),
            ("2026-12-13T01:00:00Z", "2026-12-13T00:59:59Z"),
            ("2026-12-13T04:59:59Z", "2026-12-20T02:00:00Z"),
        ] {
            assert!(lasts_at(&patches, inside), "{inside}");
            assert!(!lasts_at(&patches, outside), "{outside}");
        }
        assert!(!lasts_at(&MaintenanceWindow { paused: true, ..patches }, "2026-07-12T00:00:00Z"));
    }

    #[test]
    fn what_was_found_in_a_window_is_known_two_days_later() {
        let once = window(
            json!({ "labels": { "rack": "A3" }, "at": [{ "from": "2026-12-01T20:00:00+01:00", "until": "2026-12-02T02:00:00+01:00" }] }),
        );
        assert_eq!(once.check(), []);
        let times = once.at("move", us("2026-12-03T12:00:00Z")).times;
        assert!(times.interval_at(us("2026-12-01T19:00:00Z")).is_some() && times.interval_at(us("2026-12-02T01:00:00Z")).is_none());
        assert_eq!(once.at("move", us("2026-12-05T12:00:00Z")).times, MaintenanceTimes::At(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_said_by_field() {
        let fields = |document: serde_json::Value| -> Vec<String> { window(document).check().into_iter().map(|it| it.field).collect() };
        assert_eq!(fields(json!({})), ["hosts", "at"]);
        assert_eq!(fields(json!({ "hosts": ["a", " "], "cron": "0 2 * * *" })), ["hosts", "lasts"]);
        assert_eq!(fields(json!({ "hosts": ["a"], "lasts": "4h", "at": [] })), ["at", "cron"]);
        assert_eq!(
            fields(json!({ "hosts": ["a"], "cron": "soon", "lasts": "8d", "time_zone": "Mars/Olympus" })),
            ["cron", "time_zone", "lasts"]
        );
        assert_eq!(fields(json!({ "hosts": ["a"], "cron": "0 2 * * *", "lasts": "1h", "time_zone": "Mars/Olympus" })), ["time_zone"]);
        let backwards = json!({ "hosts": ["*"], "at": [{ "from": "2026-12-02T00:00:00Z", "until": "2026-12-01T00:00:00Z" }] });
        assert_eq!(fields(backwards), ["at"]);
        assert!(serde_json::from_value::<MaintenanceWindow>(json!({ "host": "a" })).is_err());
    }
}
