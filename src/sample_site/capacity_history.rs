//! The past of what capacity is asked about, once an hour.

use super::device_metrics::UPLINK;
use super::hosts::HostKind;
use super::metrics::{Catalogue, HostSeries, LabelSet, Scrape, Series};
use super::site::Site;
use crate::clock::{DAY_US, HOUR_US, TimestampUs};

/// Longest past, in days.
pub const MAX_HISTORY_DAYS: u32 = 400;

/// For how many days before the period a series has been kept; `None` for what no question about capacity reads. The monitoring of
/// the site has grown: disks came first, then memory and processors, then the ports of the network.
fn days_kept(host: HostKind, labels: &LabelSet) -> Option<u32> {
    match labels.name() {
        "node_filesystem_avail_bytes" | "node_filesystem_size_bytes" if labels.get("mountpoint") == Some("/") => Some(200),
        "node_filesystem_avail_bytes"
        | "node_filesystem_size_bytes"
        | "windows_logical_disk_free_bytes"
        | "windows_logical_disk_size_bytes"
        | "vmware_datastore_free_bytes"
        | "vmware_datastore_capacity_bytes"
        | "pg_stat_activity_count"
        | "pg_settings_max_connections"
        | "pg_database_size_bytes"
        | "license_used"
        | "license_total"
        | "backup_last_duration_seconds"
        | "log_received_bytes_total"
        | "probe_ssl_earliest_cert_expiry" => Some(MAX_HISTORY_DAYS),
        "node_cpu_seconds_total" | "windows_cpu_time_total" if labels.get("mode") == Some("idle") => {
            Some(if host == HostKind::Web { MAX_HISTORY_DAYS } else { 120 })
        }
        "node_memory_MemAvailable_bytes"
        | "node_memory_MemTotal_bytes"
        | "windows_memory_available_bytes"
        | "windows_memory_physical_total_bytes" => Some(120),
        "ifHCInOctets" | "ifHCOutOctets" | "ifHighSpeed" if labels.get("ifName") == Some(UPLINK) => Some(MAX_HISTORY_DAYS),
        "ifHCInOctets"
        | "ifHCOutOctets"
        | "ifHighSpeed"
        | "node_network_receive_bytes_total"
        | "node_network_transmit_bytes_total"
        | "node_network_speed_bytes" => Some(60),
        _ => None,
    }
}

/// Iterator over the scrapes of the past; see [`Site::capacity_history`].
#[derive(Debug)]
pub struct CapacityHistory<'a> {
    site: &'a Site,
    /// Each host with its series and the moments from which they are kept.
    hosts: Vec<(&'a HostSeries, Vec<(TimestampUs, &'a Series)>)>,
    /// The current whole hour: questions ask by the hours of the clock, and what took one of them must not be two halves before the period
    /// and a whole in it.
    hour_us: TimestampUs,
    next_host: usize,
}

impl<'a> CapacityHistory<'a> {
    pub(super) fn new(site: &'a Site, catalogue: &'a Catalogue, days: u32) -> Self {
        let start_us = site.config().start_us;
        let before = |days: u32| start_us - i64::from(days) * DAY_US;
        let kept = |host: &'a HostSeries| {
            let since = |series: &'a Series| days_kept(host.host.kind, &series.labels).map(|days| (before(days), series));
            (host, host.series.iter().filter_map(since).collect::<Vec<_>>())
        };
        let begins_us = before(days.min(MAX_HISTORY_DAYS));
        let hour_us = begins_us + (-begins_us).rem_euclid(HOUR_US);
        Self { site, hosts: catalogue.hosts.iter().map(kept).collect(), hour_us, next_host: 0 }
    }
}

impl Iterator for CapacityHistory<'_> {
    type Item = Scrape;

    fn next(&mut self) -> Option<Scrape> {
        while self.hour_us < self.site.config().start_us {
            let Some((host, series)) = self.hosts.get(self.next_host) else {
                self.next_host = 0;
                self.hour_us += HOUR_US;
                continue;
            };
            self.next_host += 1;
            let time_us = self.hour_us;
            let kept = series.iter().filter(|(since_us, _)| *since_us <= time_us).map(|(_, series)| *series);
            let scrape = host.scrape(self.site, time_us, kept);
            if !scrape.series.is_empty() {
                return Some(scrape);
            }
        }
        None
    }
}
