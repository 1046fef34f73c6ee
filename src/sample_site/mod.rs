//! A believable site to try Watchroom on: eighteen hosts, their logs, their metrics, and incidents planted among them.
//!
//! The site is a small company's: a load balancer before three web servers and two API servers, PostgreSQL with a
//! replica, mail, monitoring, a backup server, two Windows servers, a VMware host, and the network they hang on (Cisco
//! switch, Juniper router, ASA and FortiGate firewalls). People work from Monday to Friday, backups run at night, one
//! in a while somebody mistypes a password. Among this noise [`Site::incidents`] are planted; each carries the labels to
//! check a detection against: kind, host, entity, start, end, and the traces it leaves in logs and metrics.
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
//!
//! Names use `example.net` and addresses the ranges reserved for documentation and benchmarks (RFC 5737, RFC 2544), so
//! nobody real is accused of an attack. All clocks of the site run in UTC.

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
mod server_metrics;
mod shape;
mod signal;
mod site;
mod syslog_line;
mod system_logs;
mod virtualization_logs;
mod web_logs;
mod windows_logs;
mod write;

#[cfg(test)]
mod tests;

pub use events::{Events, LogEvent};
pub use hosts::{ClockFormat, Host, HostKind};
pub use incident::{Incident, IncidentKind, Trace, TraceTable};
pub use metrics::{LabelSet, Sample, Scrape, Scrapes};
pub use remote_write::encode_write_request;
pub use site::{Site, SiteConfig, SiteConfigError};
pub use write::{write_labels_json, write_logs, write_metrics_jsonl, write_metrics_text};
