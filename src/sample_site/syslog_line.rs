//! Headers of syslog lines: the two standards and the vendors' own ways.

use std::fmt::{Display, Write as _};

use super::civil::Civil;
use super::hosts::Host;
use super::site::Site;
use crate::clock::{SECOND_US, TimestampUs};

/// Facility codes (RFC 5424, table 1).
pub(super) mod facility {
    pub(crate) const KERN: u8 = 0;
    pub(crate) const USER: u8 = 1;
    pub(crate) const MAIL: u8 = 2;
    pub(crate) const DAEMON: u8 = 3;
    pub(crate) const CRON: u8 = 9;
    pub(crate) const AUTHPRIV: u8 = 10;
    pub(crate) const LOCAL0: u8 = 16;
    pub(crate) const LOCAL4: u8 = 20;
    pub(crate) const LOCAL7: u8 = 23;
}

/// Severity codes (RFC 5424, table 2).
pub(super) mod severity {
    pub(crate) const CRITICAL: u8 = 2;
    pub(crate) const ERROR: u8 = 3;
    pub(crate) const WARNING: u8 = 4;
    pub(crate) const NOTICE: u8 = 5;
    pub(crate) const INFO: u8 = 6;
    pub(crate) const DEBUG: u8 = 7;
}

/// Who says something, and how grave it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) facility: u8,
    pub(super) severity: u8,
    pub(super) app: &'a str,
    pub(super) pid: Option<u32>,
    /// MSGID of RFC 5424; `-` for none.
    pub(super) msgid: &'a str,
    /// Structured data of RFC 5424, in brackets; `-` for none. RFC 3164 hosts leave both out.
    pub(super) data: &'a str,
}

impl<'a> Said<'a> {
    pub(super) fn new(facility: u8, severity: u8, app: &'a str, pid: u32) -> Self {
        Self { facility, severity, app, pid: Some(pid), msgid: "-", data: "-" }
    }

    /// A program that does not state its process id, as the kernel and many scripts.
    pub(super) fn without_pid(facility: u8, severity: u8, app: &'a str) -> Self {
        Self { facility, severity, app, pid: None, msgid: "-", data: "-" }
    }

    pub(super) fn with_severity(self, severity: u8) -> Self {
        Self { severity, ..self }
    }
}

fn pri(facility: u8, severity: u8) -> u16 {
    u16::from(facility) * 8 + u16::from(severity)
}

/// `<34>Nov  2 08:29:36 host app[pid]: message` (RFC 3164, section 4.1).
pub(super) fn rfc3164(at_us: TimestampUs, host: &str, said: &Said<'_>, message: &impl Display) -> String {
    let mut line = format!("<{}>{} {host} {}", pri(said.facility, said.severity), Civil::new(at_us).bsd(), said.app);
    // Writing to a String cannot fail.
    let _ = match said.pid {
        Some(pid) => write!(line, "[{pid}]: {message}"),
        None => write!(line, ": {message}"),
    };
    line
}

/// `<34>1 2026-11-02T08:29:36.123456Z host app pid msgid [sd] message` (RFC 5424, section 6).
pub(super) fn rfc5424(at_us: TimestampUs, host: &str, said: &Said<'_>, message: &impl Display) -> String {
    let pid = said.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
    let stamp = Civil::new(at_us).iso_us();
    format!("<{}>1 {stamp} {host} {} {pid} {} {} {message}", pri(said.facility, said.severity), said.app, said.msgid, said.data)
}

/// Cisco IOS with sequence numbers and `logging origin-id hostname`. The severity stands in the mnemonic.
pub(super) fn cisco_ios(site: &Site, at_us: TimestampUs, host: &Host, mnemonic: &str, message: &str) -> String {
    let severity = mnemonic.split('-').nth(1).and_then(|digit| digit.parse().ok()).unwrap_or(severity::INFO);
    // The switch counts its lines; the tenths of a second since its start give a number that also only grows.
    let sequence = (at_us - site.config().start_us).div_euclid(SECOND_US / 10) + 400_000;
    let stamp = Civil::new(at_us).bsd_ms();
    format!("<{}>{sequence}: {}: {stamp}: %{mnemonic}: {message}", pri(facility::LOCAL7, severity), host.name)
}

/// Cisco ASA with `logging timestamp` and `logging device-id hostname`.
pub(super) fn cisco_asa(at_us: TimestampUs, host: &Host, severity: u8, number: u32, message: &str) -> String {
    let stamp = Civil::new(at_us).bsd_with_year();
    format!("<{}>{stamp} {} : %ASA-{severity}-{number}: {message}", pri(facility::LOCAL4, severity), host.name)
}

/// FortiGate: pairs only; `pairs` follow the ones that every line has.
pub(super) fn fortigate(at_us: TimestampUs, host: &Host, severity: u8, level: &str, pairs: &str) -> String {
    let civil = Civil::new(at_us);
    format!(
        "<{}>date={} time={} devname=\"{}\" devid=\"FG100E0000000042\" eventtime={} tz=\"+0000\" level=\"{level}\" vd=\"root\" {pairs}",
        pri(facility::LOCAL7, severity),
        civil.date(),
        civil.time(),
        host.name,
        at_us * 1_000
    )
}

/// VMware ESXi: an RFC 3339 stamp with milliseconds before the host, a tag with a colon after it.
pub(super) fn esxi(at_us: TimestampUs, host: &Host, severity: u8, app: &str, message: &str) -> String {
    format!("<{}>{} {} {app}: {message}", pri(facility::LOCAL4, severity), Civil::new(at_us).iso_ms(), host.name)
}
