//! The scrapes of a stretch of time: every host once a step, each at its own moment within the step.

use std::sync::Arc;

use super::capacity_metrics;
use super::device_metrics;
use super::dice::{key, unit_at};
use super::hosts::Host;
use super::incident::{Incident, IncidentKind};
use super::remote_write;
use super::server_metrics;
use super::shape::{Ramp, Unevenness};
use super::signal::Signal;
use super::site::{Site, SiteConfig};
use crate::clock::{DAY_US, SECOND_US, TimestampUs};

/// The labels of a series, sorted by name, with the metric's own name as `__name__`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelSet {
    pairs: Vec<(String, String)>,
    /// The same as the label fields of a protobuf `TimeSeries`: they are sent with every sample.
    pub(super) encoded: Vec<u8>,
}

impl LabelSet {
    fn new(mut pairs: Vec<(String, String)>) -> Self {
        pairs.sort();
        let encoded = remote_write::encode_labels(&pairs);
        Self { pairs, encoded }
    }

    /// Name and value of each label, in the order of the names.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The value of a label.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.as_str())
    }

    /// The metric's name.
    pub fn name(&self) -> &str {
        self.get("__name__").unwrap_or_default()
    }
}

/// One measurement of a scrape.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Which series; scrapes share the labels.
    pub labels: Arc<LabelSet>,
    /// The value, never NaN.
    pub value: f64,
}

/// Everything measured on one host at one moment.
#[derive(Debug, Clone)]
pub struct Scrape {
    /// When, µs UTC; whole milliseconds.
    pub time_us: TimestampUs,
    /// Where.
    pub host: &'static str,
    /// The host's series that are measured at this moment, always in the same order.
    pub series: Vec<Sample>,
}

/// From when until when a series is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetime {
    pub(super) from_us: TimestampUs,
    /// Exclusive.
    pub(super) until_us: TimestampUs,
}

impl Lifetime {
    pub(super) const ALWAYS: Self = Self { from_us: i64::MIN, until_us: i64::MAX };

    pub(super) fn covers(self, at_us: TimestampUs) -> bool {
        (self.from_us..self.until_us).contains(&at_us)
    }
}

/// Something that is measured.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) labels: Arc<LabelSet>,
    signal: Signal,
    pub(super) lifetime: Lifetime,
}

impl Series {
    /// Whether it has this name and these labels.
    pub(super) fn is(&self, name: &str, labels: &[(&str, &str)]) -> bool {
        self.labels.name() == name && labels.iter().all(|(name, value)| self.labels.get(name) == Some(value))
    }

    /// The value at a moment on its host.
    pub(super) fn value(&self, site: &Site, host: &Host, at_us: TimestampUs) -> f64 {
        self.signal.value(site, at_us, site.booted_us(host, at_us))
    }
}

/// A host's series.
#[derive(Debug)]
pub(super) struct HostSeries {
    pub(super) host: Host,
    /// Its moment within the step.
    pub(super) offset_us: i64,
    pub(super) series: Vec<Series>,
}

impl HostSeries {
    /// What is measured on the host at a moment, of the series that are wanted.
    pub(super) fn scrape<'a>(&'a self, site: &Site, time_us: TimestampUs, wanted: impl Iterator<Item = &'a Series>) -> Scrape {
        let boot_us = site.booted_us(&self.host, time_us);
        let measure = |series: &Series| Sample { labels: Arc::clone(&series.labels), value: series.signal.value(site, time_us, boot_us) };
        let series = wanted.filter(|series| series.lifetime.covers(time_us)).map(measure).collect();
        Scrape { time_us, host: self.host.name, series }
    }
}

/// All series of the site, laid out once.
#[derive(Debug)]
pub(super) struct Catalogue {
    step_us: i64,
    pub(super) hosts: Vec<HostSeries>,
}

impl Catalogue {
    pub(super) fn new(config: &SiteConfig, hosts: &[Host], incidents: &[&Incident]) -> Self {
        let step_us = i64::from(config.metrics_step_s) * SECOND_US;
        let lay_out = |host: &Host| {
            let mut layout = Layout { config, host, incidents, job: "", instance: String::new(), series: Vec::new() };
            if host.kind.is_linux() {
                server_metrics::lay_out(&mut layout);
            } else {
                device_metrics::lay_out(&mut layout, hosts);
            }
            capacity_metrics::lay_out(&mut layout);
            let millis = step_us / 1_000 * host.index as i64 / hosts.len() as i64;
            HostSeries { host: host.clone(), offset_us: millis * 1_000, series: layout.series }
        };
        Self { step_us, hosts: hosts.iter().map(lay_out).collect() }
    }
}

/// Collects the series of one host.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    pub(super) config: &'a SiteConfig,
    pub(super) host: &'a Host,
    incidents: &'a [&'a Incident],
    job: &'static str,
    instance: String,
    series: Vec<Series>,
}

impl<'a> Layout<'a> {
    /// The series that follow come from this job, at this port of the host (0: the host itself).
    pub(super) fn job(&mut self, job: &'static str, port: u16) {
        self.job = job;
        self.instance = if port == 0 { self.host.name.to_owned() } else { format!("{}:{port}", self.host.name) };
    }

    pub(super) fn add(&mut self, name: &str, labels: &[(&str, &str)], signal: Signal) {
        self.add_for(Lifetime::ALWAYS, name, labels, signal);
    }

    /// A series that is not measured always.
    pub(super) fn add_for(&mut self, lifetime: Lifetime, name: &str, labels: &[(&str, &str)], signal: Signal) {
        let fixed = [("__name__", name), ("host", self.host.name), ("instance", &self.instance), ("job", self.job)];
        let pairs = fixed.iter().chain(labels).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.series.push(Series { labels: Arc::new(LabelSet::new(pairs)), signal, lifetime });
    }

    /// End of the period.
    pub(super) fn end_us(&self) -> TimestampUs {
        self.config.start_us + i64::from(self.config.days) * DAY_US
    }

    /// The unevenness of something on this host.
    pub(super) fn uneven(&self, what: &str) -> Unevenness {
        let name = what.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(131).wrapping_add(u64::from(byte)));
        Unevenness::new(key(&[self.config.seed, self.host.index as u64, name]))
    }

    /// A number in [0, 1) that belongs to something on this host: hosts of a kind are not all alike.
    pub(super) fn own(&self, what: i64) -> f64 {
        unit_at(key(&[self.config.seed, self.host.index as u64]), what)
    }

    /// The incidents of a kind that this host is in trouble with.
    pub(super) fn troubles(&self, kind: IncidentKind) -> impl Iterator<Item = &'a Incident> + use<'a> {
        let name = self.host.name;
        self.incidents.iter().copied().filter(move |incident| incident.kind == kind && incident.host == name)
    }

    /// The incidents of a kind anywhere.
    pub(super) fn troubles_anywhere(&self, kind: IncidentKind) -> impl Iterator<Item = &'a Incident> + use<'a> {
        self.incidents.iter().copied().filter(move |incident| incident.kind == kind)
    }

    /// The outlines of this host's incidents of a kind.
    pub(super) fn ramps(&self, kind: IncidentKind) -> Vec<Ramp> {
        self.troubles(kind).map(Incident::ramp).collect()
    }
}

/// Iterator over the scrapes of a stretch of time; see [`Site::metrics`].
#[derive(Debug)]
pub struct Scrapes<'a> {
    site: &'a Site,
    catalogue: &'a Catalogue,
    to_us: TimestampUs,
    /// Start of the current step, on a grid from the epoch.
    step_start_us: TimestampUs,
    next_host: usize,
    from_us: TimestampUs,
}

impl<'a> Scrapes<'a> {
    pub(super) fn new(site: &'a Site, catalogue: &'a Catalogue, from_us: TimestampUs, to_us: TimestampUs) -> Self {
        Self { site, catalogue, from_us, to_us, step_start_us: from_us - from_us.rem_euclid(catalogue.step_us), next_host: 0 }
    }
}

impl Iterator for Scrapes<'_> {
    type Item = Scrape;

    fn next(&mut self) -> Option<Scrape> {
        loop {
            let Some(host) = self.catalogue.hosts.get(self.next_host) else {
                self.next_host = 0;
                self.step_start_us += self.catalogue.step_us;
                continue;
            };
            let time_us = self.step_start_us + host.offset_us;
            // Offsets grow with the place in the list, so the first one past the end ends it all.
            if time_us >= self.to_us {
                return None;
            }
            self.next_host += 1;
            if time_us < self.from_us || self.site.is_silent(host.host.name, time_us) {
                continue;
            }
            return Some(host.scrape(self.site, time_us, host.series.iter()));
        }
    }
}
