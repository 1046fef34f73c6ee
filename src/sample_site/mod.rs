//! A believable site to try Watchroom on: eighteen hosts, their logs, their metrics, and incidents planted among them.
//!
//! The site is a small company's: a load balancer before three web servers and two API servers, PostgreSQL with a
//! replica, mail, monitoring, a backup server, two Windows servers, a VMware host, and the network they hang on (Cisco
//! switch, Juniper router, ASA and FortiGate firewalls). People work from Monday to Friday, backups run at night, one
//! in a while somebody mistypes a password. Among this noise [`Site::incidents`] are planted; each carries the labels to
//! check a detection against: kind, host, entity, start, end, and the traces it leaves in logs and metrics.
//!
//! The site has a past too: what questions about capacity read is told once an hour for up to 400 days before the period
//! ([`Site::capacity_history`]). In it lies what a report on capacity must find: a database that grows full, a clean-up that gives
//! back too little, a volume that was enlarged, mailboxes that moved, web servers of which soon none can be spared, licences for
//! those who are hired, memory that nobody needs, a limit that is not measured any more. [`Site::capacity_labels`] says what is true
//! about each. Not everything has been watched for as long: disks came first, then memory and processors, then ports.
//!
//! Invariants, each with a test of its name:
//!
//! * The same configuration gives the same bytes, on every machine: no clock, no hash order, no transcendental
//!   functions, no third-party generator.
//! * A minute is made without the ones before it. Events and scrapes of `[a, c)` are those of `[a, b)` and `[b, c)`, and
//!   the calls go on after the period's end, so that a demonstration can continue live. After the end nothing new is
//!   planted but one short attack ([`Site::live_incident`]); what nobody has repaired stays broken.
//! * Events and scrapes come in the order of time.
//! * Counters never fall, except over a reboot.
//! * The past and the period are the same functions of time: the past ends where the period begins, and meets it without a jump.
//! * A label's dates are those on which the series, continued, reach their limits; what has no label stays quiet for a year.
//!
//! Names use `example.net` and addresses the ranges reserved for documentation and benchmarks (RFC 5737, RFC 2544), so
//! nobody real is accused of an attack. All clocks of the site run in UTC.

mod capacity_history;
mod capacity_label;
mod capacity_metrics;
mod civil;
mod database_logs;
mod device_metrics;
mod dice;
mod events;
mod firewall_logs;
mod hosts;
mod incident;
mod incident_logs;
mod mail_logs;
mod metrics;
mod monitoring_logs;
mod network_logs;
mod remote_write;
mod series_run;
mod server_metrics;
mod shape;
mod signal;
mod site;
mod slow_change;
mod syslog_line;
mod system_logs;
mod virtualization_logs;
mod volume;
mod web_logs;
mod windows_logs;
mod write;

#[cfg(test)]
mod capacity_tests;
#[cfg(test)]
mod tests;

pub use capacity_history::{CapacityHistory, MAX_HISTORY_DAYS};
pub use capacity_label::{CapacityKind, CapacityLabel};
pub use events::{Events, LogEvent};
pub use hosts::{ClockFormat, Host, HostKind};
pub use incident::{Incident, IncidentKind, Trace, TraceTable};
pub use metrics::{LabelSet, Sample, Scrape, Scrapes};
pub use remote_write::{encode_series_runs, encode_write_request};
pub use series_run::{SeriesRun, series_runs};
pub use site::{Site, SiteConfig, SiteConfigError};
pub use write::{write_capacity_jsonl, write_labels_json, write_logs, write_metrics_jsonl, write_metrics_text};
