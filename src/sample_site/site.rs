//! The site as a whole: what its parts ask it about.

use std::fmt;

use super::capacity_history::CapacityHistory;
use super::capacity_label::{self, CapacityLabel};
use super::dice::{Dice, key, unit_at};
use super::events::Events;
use super::hosts::{self, Host, HostKind};
use super::incident::{self, Incident, IncidentKind};
use super::metrics::{Catalogue, Scrapes};
use super::shape::{Unevenness, WeeklyCurve};
use crate::clock::{DAY_US, SECOND_US, TimestampUs};

/// What to make.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteConfig {
    /// The seed: another one gives another week.
    pub seed: u64,
    /// Start of the period, µs UTC; cut to the whole minute.
    pub start_us: TimestampUs,
    /// Length of the period, 1 to 366 days.
    pub days: u32,
    /// Time between two scrapes of a host, in seconds: 1 to 3,600, usually 15 or 60.
    pub metrics_step_s: u32,
    /// Scale of the everyday log lines; 1.0 gives about 200,000 a week. Planted incidents keep their number of lines.
    pub log_rate: f64,
}

/// Why a site cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SiteConfigError {
    /// The period is empty or longer than a year.
    #[error("the sample site cannot cover {0} days; choose 1 to 366")]
    Days(u32),
    /// Scrapes too close or too far apart.
    #[error("the sample site cannot be scraped every {0} s; choose a step of 1 to 3600 seconds")]
    Step(u32),
    /// Not a scale.
    #[error("the sample site cannot scale its log lines by {0}; choose a rate above 0 and at most 1000")]
    LogRate(f64),
    /// A start whose period leaves the calendar.
    #[error("the sample site cannot start {0} µs from 1970; choose a start between 1970 and 2200")]
    Start(TimestampUs),
}

/// A site that can be asked for any stretch of its time.
pub struct Site {
    config: SiteConfig,
    hosts: Vec<Host>,
    incidents: Vec<Incident>,
    live: Incident,
    catalogue: Catalogue,
    /// People at work.
    pub(super) business: WeeklyCurve,
    /// The nightly backup.
    pub(super) backup: WeeklyCurve,
    traffic: Unevenness,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Site {
    /// Plants the incidents and lays out the series. Costs about a millisecond.
    pub fn new(mut config: SiteConfig) -> Result<Self, SiteConfigError> {
        if !(1..=366).contains(&config.days) {
            return Err(SiteConfigError::Days(config.days));
        }
        if !(1..=3_600).contains(&config.metrics_step_s) {
            return Err(SiteConfigError::Step(config.metrics_step_s));
        }
        if !(config.log_rate > 0.0 && config.log_rate <= 1_000.0) {
            return Err(SiteConfigError::LogRate(config.log_rate));
        }
        if !(0..=84_000 * DAY_US).contains(&config.start_us) {
            return Err(SiteConfigError::Start(config.start_us));
        }
        config.start_us -= config.start_us % (60 * SECOND_US);
        let end_us = config.start_us + i64::from(config.days) * DAY_US;
        let hosts = hosts::all();
        let incidents = incident::plant(config.seed, config.start_us, end_us);
        let live = incident::plant_live(config.seed, end_us);
        let planted: Vec<&Incident> = incidents.iter().chain([&live]).collect();
        let catalogue = Catalogue::new(&config, &hosts, &planted);
        let traffic = Unevenness::new(key(&[config.seed, 0x7AFF]));
        let (business, backup) = (WeeklyCurve::business(), WeeklyCurve::backup());
        Ok(Self { config, hosts, incidents, live, catalogue, business, backup, traffic })
    }

    /// What the site was made from, with the start cut to the minute.
    pub fn config(&self) -> &SiteConfig {
        &self.config
    }

    /// Which host needs which: (the one that needs, the one that is needed).
    pub fn dependencies(&self) -> Vec<(&'static str, &'static str)> {
        let needed_by = |host: &Host| {
            let (name, needs) = (host.name, host.kind.needs());
            self.hosts().iter().filter(|other| needs.contains(&other.kind)).map(move |other| (name, other.name)).collect::<Vec<_>>()
        };
        self.hosts().iter().flat_map(needed_by).collect()
    }

    /// The hosts.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The incidents planted in the period, in the order of their starts.
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// The short attack that comes a few minutes after the end of the period, for live demonstrations.
    pub fn live_incident(&self) -> &Incident {
        &self.live
    }

    /// End of the period, µs UTC, exclusive.
    pub fn end_us(&self) -> TimestampUs {
        self.config.start_us + i64::from(self.config.days) * DAY_US
    }

    /// The log events of `[from_us, to_us)`, in the order of time; may reach beyond the period.
    pub fn events(&self, from_us: TimestampUs, to_us: TimestampUs) -> Events<'_> {
        Events::new(self, from_us, to_us)
    }

    /// The scrapes of `[from_us, to_us)`, in the order of time; may reach beyond the period.
    pub fn metrics(&self, from_us: TimestampUs, to_us: TimestampUs) -> Scrapes<'_> {
        Scrapes::new(self, &self.catalogue, from_us, to_us)
    }

    /// What the questions about capacity read, once an hour, for at most 400 days before the period and up to
    /// its start. Not everything has been watched for as long; what has begins on its own day.
    pub fn capacity_history(&self, days: u32) -> CapacityHistory<'_> {
        CapacityHistory::new(self, &self.catalogue, days)
    }

    /// What a report on capacity must find, with what is true about it.
    pub fn capacity_labels(&self) -> Vec<CapacityLabel> {
        capacity_label::all(self, &self.catalogue)
    }

    /// All incidents, with the one after the period.
    pub(super) fn planted(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.iter().chain([&self.live])
    }

    /// The incident of a kind that is going on.
    pub(super) fn ongoing(&self, kind: IncidentKind, at_us: TimestampUs) -> Option<&Incident> {
        self.planted().find(|incident| incident.kind == kind && incident.covers(at_us))
    }

    /// How far an incident of a kind has grown, 0 to 1.
    pub(super) fn strength(&self, kind: IncidentKind, at_us: TimestampUs) -> f64 {
        self.ongoing(kind, at_us).map_or(0.0, |incident| incident.ramp().at(at_us))
    }

    /// Whether the host says nothing at this moment.
    pub(super) fn is_silent(&self, host: &str, at_us: TimestampUs) -> bool {
        self.ongoing(IncidentKind::HostSilent, at_us).is_some_and(|incident| incident.host == host)
    }

    /// When the host was last started.
    pub(super) fn booted_us(&self, host: &Host, at_us: TimestampUs) -> TimestampUs {
        let reboots = self.planted().filter(|incident| incident.kind == IncidentKind::HostSilent && incident.host == host.name);
        // It comes up twenty seconds before its first line leaves it.
        let last = reboots.map(|incident| incident.end_us - 20 * SECOND_US).filter(|boot| *boot <= at_us).max();
        last.unwrap_or_else(|| {
            let uptime_days = 20.0 + 120.0 * unit_at(key(&[self.config.seed, 0xB007]), host.index as i64);
            let mut boot_us = self.config.start_us - (uptime_days * 86_400.0) as i64 * SECOND_US;
            // The ones before it: every kernel is replaced after some months.
            let earlier = key(&[self.config.seed, 0xB008, host.index as u64]);
            let mut number = 0;
            while boot_us > at_us {
                boot_us -= ((60.0 + 80.0 * unit_at(earlier, number)) * 86_400.0) as i64 * SECOND_US;
                number += 1;
            }
            boot_us
        })
    }

    /// How busy the people are, unevenness included: about 0.05 to 1.4.
    pub(super) fn busy(&self, at_us: TimestampUs) -> f64 {
        self.business.at(at_us) * self.traffic.rate(at_us)
    }

    /// The dice of a stream of lines on a host in the minute that begins at `minute_us`.
    pub(super) fn dice(&self, stream: u64, host: &Host, minute_us: TimestampUs) -> Dice {
        Dice::new(key(&[self.config.seed, stream, host.index as u64, minute_us as u64]))
    }

    /// The process id of a daemon since its host was started.
    pub(super) fn daemon_pid(&self, host: &Host, program: &str, at_us: TimestampUs) -> u32 {
        let name = program.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let boot_us = self.booted_us(host, at_us);
        600 + (unit_at(key(&[self.config.seed, host.index as u64, name]), boot_us) * 3_000.0) as u32
    }

    /// The first host of a kind. Every kind is there.
    pub(super) fn host_of(&self, kind: HostKind) -> Option<&Host> {
        self.hosts.iter().find(|host| host.kind == kind)
    }

    /// The host of a name.
    pub(super) fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.iter().find(|host| host.name == name)
    }
}
