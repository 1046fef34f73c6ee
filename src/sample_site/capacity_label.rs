//! What a report on capacity must find, with what is true about it: the series themselves are asked how they go on.

use std::collections::BTreeMap;

use serde::Serialize;

use super::civil::Civil;
use super::device_metrics::UPLINK;
use super::incident::IncidentKind;
use super::metrics::{Catalogue, HostSeries, Series};
use super::site::Site;
use super::slow_change::WEEK_US;
use super::volume::{MOVE_BEFORE_US, RESIZED_BEFORE_US};
use crate::clock::{DAY_US, HOUR_US, SECOND_US, TimestampUs};

/// So far ahead a label looks, from the end of the period.
const AHEAD_US: i64 = 365 * DAY_US;

/// The kinds of what is planted for reports on capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CapacityKind {
    /// A volume that grows steadily, with a slight season.
    SteadyGrowth,
    /// Clean-ups that give back less than what comes in between.
    SawTooth,
    /// A limit that was raised, and growth that goes on.
    Resized,
    /// A jump of the level that does not come again.
    LevelShift,
    /// Hosts that carry one load together: when one is lost, the others cannot carry it.
    SpareLost,
    /// Far more than is needed.
    Oversized,
    /// Growth in steps.
    Steps,
    /// Too young to say anything.
    NotEnoughHistory,
    /// Nothing says any more how much there is.
    LimitLost,
    /// Growth that reaches no limit soon.
    SlowGrowth,
    /// A port whose busiest hours come close to what it can carry.
    BusyHourNearLimit,
    /// A date that is known.
    CertificateEnds,
    /// What an incident of the sample week fills.
    FilledByIncident,
}

/// Something that a report on capacity must find.
#[derive(Debug, Clone, Serialize)]
pub struct CapacityLabel {
    /// `capacity-1` and so on.
    pub id: String,
    /// What it is.
    pub kind: CapacityKind,
    /// The host that measures it.
    pub host: &'static str,
    /// Hosts that carry the load together with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<&'static str>,
    /// The metric that says how much is used.
    pub metric: &'static str,
    /// The labels that tell the resource from others of the host.
    pub labels: BTreeMap<&'static str, String>,
    /// What happens, in words.
    pub what: &'static str,
    /// The first day (UTC) on which all of it is used, if that is within a year of the end of the period. Busy hours count by the
    /// median of a week's days; for [`CapacityKind::SpareLost`] it is the day from which the others cannot take over.
    pub crosses_on: Option<String>,
    /// The first day on which the shipped question's headroom is used.
    pub headroom_on: Option<String>,
    /// What to know before one judges an answer about it.
    pub note: String,
}

/// All labels. Costs some ten milliseconds.
pub(super) fn all(site: &Site, catalogue: &Catalogue) -> Vec<CapacityLabel> {
    let planted = Planted { site, catalogue };
    let mut labels: Vec<CapacityLabel> = Vec::new();
    labels.extend(planted.volumes());
    labels.extend(planted.loads());
    labels.extend(planted.licences());
    labels.extend(planted.certificates());
    for (index, label) in labels.iter_mut().enumerate() {
        label.id = format!("capacity-{}", index + 1);
    }
    labels
}

/// Shares of a limit up to which the shipped questions let it be used.
mod headroom {
    pub(super) const SPACE: f64 = 0.9;
    pub(super) const MEMORY: f64 = 0.9;
    pub(super) const CONNECTIONS: f64 = 0.85;
    pub(super) const PORT: f64 = 0.8;
    pub(super) const LICENCES: f64 = 0.95;
    pub(super) const CERTIFICATE_DAYS: i64 = 14;
}

/// When something is used up: all of it, and all but the headroom.
type Days = (Option<String>, Option<String>);

/// The metrics of a volume, and the label that names it.
struct VolumeMetrics {
    free: &'static str,
    size: &'static str,
    entity: &'static str,
}

const LINUX: VolumeMetrics =
    VolumeMetrics { free: "node_filesystem_avail_bytes", size: "node_filesystem_size_bytes", entity: "mountpoint" };

const WINDOWS: VolumeMetrics =
    VolumeMetrics { free: "windows_logical_disk_free_bytes", size: "windows_logical_disk_size_bytes", entity: "volume" };

struct Planted<'a> {
    site: &'a Site,
    catalogue: &'a Catalogue,
}

impl<'a> Planted<'a> {
    fn volumes(&self) -> Vec<CapacityLabel> {
        use CapacityKind::*;
        let date = |before_us: i64, from_us: TimestampUs| Civil::new(from_us - before_us).date();
        let (start_us, end_us) = (self.site.config().start_us, self.site.end_us());
        let (resized_on, moved_on) = (date(RESIZED_BEFORE_US, start_us), date(MOVE_BEFORE_US, end_us));
        let mut labels = vec![
            self.volume(SteadyGrowth, "db01", &LINUX, "/var/lib/postgresql")
                .told("the database and its archived log grow steadily", "1.25 % of the size a week; a season of 1.2 % to either side"),
            self.volume(SawTooth, "files01", &WINDOWS, "D:").told(
                "every six weeks a clean-up gives back half of what came in between",
                "1.2 % of the size a week, 0.6 % after clean-ups; the next one comes four weeks after the start of the period",
            ),
            self.volume(Resized, "backup01", &LINUX, "/srv/backup").told(
                "enlarged five months ago, when it was nearly full, and growing on",
                format!("from 4,400 to 8,000 GiB on {resized_on}; 60 GiB a week"),
            ),
            self.volume(LevelShift, "mail01", &LINUX, "/srv/mailboxes").told(
                "the mailboxes of a second office were moved here",
                format!("a quarter of the size within four days from {moved_on}; 0.12 % a week otherwise"),
            ),
            self.volume(NotEnoughHistory, "api01", &LINUX, "/srv/attachments").told(
                "a volume with nine days of history",
                "filled from an old server for six days and nearly flat since: a straight line through all of it is wrong",
            ),
        ];
        for incident in self.site.incidents().iter().filter(|incident| incident.kind == IncidentKind::DiskFilling) {
            labels.push(self.volume(FilledByIncident, incident.host, &LINUX, &incident.entity).told(
                "filled by an incident on the last day of the period",
                format!("{}: what happened, not what was to be expected", incident.id),
            ));
        }
        let store = [("datastore", "nfs-templates")];
        labels.push(labelled(LimitLost, "esx01", "vmware_datastore_free_bytes", &store, (None, None)).told(
            "the size of the datastore has not been measured for three weeks",
            "what is free is still measured; what is used cannot be told",
        ));
        labels
    }

    fn loads(&self) -> Vec<CapacityLabel> {
        use CapacityKind::*;
        let web = ["web01", "web02", "web03"];
        // Two processors have their knee at the root of a half (M/M/2); two of three hosts may do two thirds of it each.
        let spare = 2.0 / 3.0 * 0.5_f64.sqrt();
        let together = |at_us| web.iter().map(|host| self.busy(host, at_us)).sum::<Option<f64>>().map(|sum| sum / web.len() as f64);
        let lost = self.busy_week(together, spare);
        let mut pool = labelled(SpareLost, web[0], "node_cpu_seconds_total", &[], (lost.clone(), lost)).told(
            "the busy hour of the three web servers grows; soon two of them cannot carry it",
            "people's share of the load grows by 1 % of today's a week; the date is that on which the mean busy hour reaches two \
             thirds of the knee of two processors (0.47)",
        );
        pool.peers = web[1..].to_vec();
        let port = [("ifName", UPLINK)];
        let sent = |at_us| self.per_second("core-sw01", "ifHCOutOctets", &port, at_us).map(|bytes| 8.0 * bytes / 1e8);
        let uplink = (self.busy_week(sent, 1.0), self.busy_week(sent, headroom::PORT));
        let connections = |at_us| {
            let of = |state| self.value("db01", "pg_stat_activity_count", &[("state", state)], at_us);
            Some((of("active")? + of("idle")?) / 200.0)
        };
        let connected = (self.busy_week(connections, 1.0), self.busy_week(connections, headroom::CONNECTIONS));
        let memory = |at_us| {
            let free = self.value("mon01", "node_memory_MemAvailable_bytes", &[], at_us)?;
            Some(1.0 - free / self.value("mon01", "node_memory_MemTotal_bytes", &[], at_us)?)
        };
        let remembered = (self.busy_week(memory, 1.0), self.busy_week(memory, headroom::MEMORY));
        vec![
            pool,
            labelled(BusyHourNearLimit, "core-sw01", "ifHCOutOctets", &port, uplink).told(
                "in the busy hour the port to the warehouse comes close to its 100 Mbit/s",
                "0.4 % of today's a week; single hours are up to a tenth above what is usual",
            ),
            labelled(SlowGrowth, "db01", "pg_stat_activity_count", &[], connected).told(
                "a few more connections every month",
                "0.6 % of today's a week, on db02 too; the incident on db01 reached the limit for 45 minutes and is no growth",
            ),
            labelled(Oversized, "mon01", "node_memory_MemAvailable_bytes", &[], remembered)
                .told("never more than a fifth of the memory is used", "4 GiB would do instead of 16"),
        ]
    }

    fn licences(&self) -> Vec<CapacityLabel> {
        let (product, lost) = ([("product", "office-suite")], [("product", "backup-agent")]);
        let count = |name, at_us| self.value("dc01", name, &product, at_us);
        let used = |at_us| Some(count("license_used", at_us)? / count("license_total", at_us)?);
        let days = (self.first_day(used, 1.0), self.first_day(used, headroom::LICENCES));
        vec![
            labelled(CapacityKind::Steps, "dc01", "license_used", &product, days).told(
                "seven more each January, April, July and October, when people are hired",
                "flat between; the dates are those of the steps",
            ),
            labelled(CapacityKind::LimitLost, "dc01", "license_used", &lost, (None, None))
                .told("nothing has said for three weeks how many licences are held", "60 were held when it was last said; 41 are used"),
        ]
    }

    fn certificates(&self) -> Vec<CapacityLabel> {
        let metric = "probe_ssl_earliest_cert_expiry";
        let ends = |target| {
            let end_us = self.value("mon01", metric, &[("target", target)], self.site.end_us())? as i64 * SECOND_US;
            let date = |at_us| Some(Civil::new(at_us).date());
            let days = (date(end_us), date(end_us - headroom::CERTIFICATE_DAYS * DAY_US));
            let label = labelled(CapacityKind::CertificateEnds, "mon01", metric, &[("target", target)], days);
            Some(label.told("a certificate that somebody has to renew by hand", "the one before it was renewed two weeks before its end"))
        };
        ["https://vpn.example.net", "smtp://mail.example.net"].into_iter().filter_map(ends).collect()
    }

    /// A volume, and when it is full.
    fn volume(&self, kind: CapacityKind, host: &'static str, metrics: &VolumeMetrics, entity: &str) -> CapacityLabel {
        let labels = [(metrics.entity, entity)];
        let used = |at_us| Some(1.0 - self.value(host, metrics.free, &labels, at_us)? / self.value(host, metrics.size, &labels, at_us)?);
        labelled(kind, host, metrics.free, &labels, (self.first_day(used, 1.0), self.first_day(used, headroom::SPACE)))
    }

    fn series(&self, host: &str, name: &str, labels: &[(&str, &str)]) -> Option<(&'a HostSeries, &'a Series)> {
        let host = self.catalogue.hosts.iter().find(|of_host| of_host.host.name == host)?;
        Some((host, host.series.iter().find(|series| series.is(name, labels))?))
    }

    fn value(&self, host: &str, name: &str, labels: &[(&str, &str)], at_us: TimestampUs) -> Option<f64> {
        let (host, series) = self.series(host, name, labels)?;
        series.lifetime.covers(at_us).then(|| series.value(self.site, &host.host, at_us))
    }

    /// Growth of a counter over the hour from a moment, a second; `None` over a reboot.
    fn per_second(&self, host: &str, name: &str, labels: &[(&str, &str)], at_us: TimestampUs) -> Option<f64> {
        let growth = self.value(host, name, labels, at_us + HOUR_US)? - self.value(host, name, labels, at_us)?;
        (growth >= 0.0).then_some(growth / 3_600.0)
    }

    /// The share of a host's processors that work in the hour from a moment.
    fn busy(&self, host: &str, at_us: TimestampUs) -> Option<f64> {
        let cpus = self.site.host(host)?.cpus;
        let idle = |cpu: u32| self.per_second(host, "node_cpu_seconds_total", &[("cpu", &cpu.to_string()), ("mode", "idle")], at_us);
        let idle = (0..cpus).map(idle).sum::<Option<f64>>()?;
        Some(1.0 - idle / f64::from(cpus))
    }

    /// The first day on which a share is reached at a full hour.
    fn first_day(&self, share: impl Fn(TimestampUs) -> Option<f64>, threshold: f64) -> Option<String> {
        let hours = (self.site.config().start_us..self.site.end_us() + AHEAD_US).step_by(HOUR_US as usize);
        let reached = hours.into_iter().find(|at_us| share(*at_us).is_some_and(|share| share >= threshold))?;
        Some(Civil::new(reached).date())
    }

    /// The first day of the first week in which the busiest hours of half of the days reach a share.
    fn busy_week(&self, share: impl Fn(TimestampUs) -> Option<f64>, threshold: f64) -> Option<String> {
        let busiest = |day_us: TimestampUs| (0..24).filter_map(|hour| share(day_us + hour * HOUR_US)).fold(0.0, f64::max);
        let weeks = (self.site.config().start_us..self.site.end_us() + AHEAD_US).step_by(WEEK_US as usize);
        let reached = weeks.into_iter().find(|week_us| (0..7).filter(|day| busiest(week_us + day * DAY_US) >= threshold).count() >= 4)?;
        Some(Civil::new(reached).date())
    }
}

fn labelled(
    kind: CapacityKind,
    host: &'static str,
    metric: &'static str,
    labels: &[(&'static str, &str)],
    (crosses_on, headroom_on): Days,
) -> CapacityLabel {
    let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    CapacityLabel {
        id: String::new(),
        kind,
        host,
        peers: Vec::new(),
        metric,
        labels,
        what: "",
        crosses_on,
        headroom_on,
        note: String::new(),
    }
}

impl CapacityLabel {
    fn told(mut self, what: &'static str, note: impl Into<String>) -> Self {
        self.what = what;
        self.note = note.into();
        self
    }
}
