//! The hosts of the site.

use std::net::Ipv4Addr;

use serde::Serialize;

/// What a host is, and so what it logs and measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKind {
    /// nginx on Linux.
    Web,
    /// The company's own service on Linux.
    Api,
    /// PostgreSQL that takes the writes.
    DatabasePrimary,
    /// PostgreSQL that follows.
    DatabaseReplica,
    /// Postfix and Dovecot.
    Mail,
    /// Prometheus and its companions.
    Monitoring,
    /// Backups and file shares.
    Backup,
    /// HAProxy.
    LoadBalancer,
    /// Cisco IOS.
    CiscoSwitch,
    /// Junos.
    JuniperRouter,
    /// Cisco ASA.
    AsaFirewall,
    /// FortiGate.
    FortigateFirewall,
    /// VMware ESXi.
    VmwareHost,
    /// Windows domain controller, sent on by NXLog.
    WindowsDomainController,
    /// Windows file server, sent on by Snare.
    WindowsFileServer,
}

impl HostKind {
    /// Whether the host runs Linux, with a node exporter, cron and sshd.
    pub fn is_linux(self) -> bool {
        matches!(
            self,
            Self::Web
                | Self::Api
                | Self::DatabasePrimary
                | Self::DatabaseReplica
                | Self::Mail
                | Self::Monitoring
                | Self::Backup
                | Self::LoadBalancer
        )
    }
}

impl HostKind {
    /// What hosts of this kind need to do their work.
    pub(super) fn needs(self) -> &'static [Self] {
        match self {
            Self::LoadBalancer => &[Self::Web, Self::Api],
            Self::Web => &[Self::Api],
            Self::Api | Self::DatabaseReplica => &[Self::DatabasePrimary],
            _ => &[],
        }
    }
}

/// How a host stamps and frames its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockFormat {
    /// `<34>Nov  2 08:29:36 host app[pid]: ...`, no year, whole seconds (RFC 3164).
    Bsd,
    /// `<34>1 2026-11-02T08:29:36.123456Z host app pid msgid sd ...` (RFC 5424).
    Rfc5424,
    /// Cisco IOS: sequence number, host, stamp with milliseconds, mnemonic.
    CiscoIos,
    /// Cisco ASA: a stamp with the year, then the host and the mnemonic.
    CiscoAsa,
    /// FortiGate: `date=... time=...` among other pairs, no header.
    KeyValue,
    /// ESXi: an RFC 3339 stamp in a line that is otherwise RFC 3164.
    IsoBsd,
}

/// A machine of the site.
#[derive(Debug, Clone, Serialize)]
pub struct Host {
    /// Host name, as its lines state it.
    pub name: &'static str,
    /// What it is.
    pub kind: HostKind,
    /// Its address in the site's network.
    pub address: Ipv4Addr,
    /// How it stamps its lines.
    pub clock_format: ClockFormat,
    /// Programs that log on it.
    pub programs: &'static [&'static str],
    /// Processors.
    pub cpus: u32,
    /// Main memory, GiB.
    pub memory_gib: u32,
    /// Where its data lies, and how large that file system is (GiB); empty for devices.
    pub data_mount: &'static str,
    /// Size of the data file system, GiB.
    pub data_gib: u32,
    /// Its place in the list of hosts: the key of its random numbers.
    #[serde(skip)]
    pub(super) index: usize,
}

type Row = (&'static str, HostKind, [u8; 2], ClockFormat, &'static [&'static str], u32, u32, &'static str, u32);

#[rustfmt::skip]
const ROWS: [Row; 18] = {
    use ClockFormat::*;
    use HostKind::*;
    [
        ("lb01", LoadBalancer, [1, 10], Bsd, &["haproxy", "keepalived", "sshd", "cron"], 2, 4, "/var/log", 20),
        ("web01", Web, [2, 11], Bsd, &["nginx", "sshd", "cron"], 2, 8, "/var/www", 60),
        ("web02", Web, [2, 12], Bsd, &["nginx", "sshd", "cron"], 2, 8, "/var/www", 60),
        ("web03", Web, [2, 13], Bsd, &["nginx", "sshd", "cron"], 2, 8, "/var/www", 60),
        ("api01", Api, [3, 11], Rfc5424, &["orders-api", "deployd", "sshd", "cron"], 2, 16, "/srv/orders", 80),
        ("api02", Api, [3, 12], Rfc5424, &["orders-api", "deployd", "sshd", "cron"], 2, 16, "/srv/orders", 80),
        ("db01", DatabasePrimary, [4, 11], Bsd, &["postgres", "sshd", "cron"], 4, 64, "/var/lib/postgresql", 500),
        ("db02", DatabaseReplica, [4, 12], Bsd, &["postgres", "sshd", "cron"], 4, 64, "/var/lib/postgresql", 500),
        ("mail01", Mail, [5, 11], Bsd, &["postfix", "dovecot", "sshd", "cron"], 2, 8, "/var/mail", 250),
        ("mon01", Monitoring, [6, 11], Rfc5424, &["prometheus", "grafana", "blackbox_exporter", "sshd", "cron"], 4, 16, "/var/lib/prometheus", 300),
        ("backup01", Backup, [6, 12], Bsd, &["borg", "smbd", "sshd", "cron"], 4, 16, "/srv/backup", 8_000),
        ("dc01", WindowsDomainController, [7, 11], Rfc5424, &["Microsoft-Windows-Security-Auditing"], 4, 16, "C:", 120),
        ("files01", WindowsFileServer, [7, 12], Bsd, &["MSWinEventLog"], 4, 16, "D:", 2_000),
        ("esx01", VmwareHost, [8, 11], IsoBsd, &["Hostd", "vmkernel", "vobd"], 32, 256, "", 0),
        ("core-sw01", CiscoSwitch, [0, 2], CiscoIos, &[], 0, 0, "", 0),
        ("edge-rtr01", JuniperRouter, [0, 1], Rfc5424, &["rpd", "mib2d", "mgd", "sshd"], 0, 0, "", 0),
        ("fw01", AsaFirewall, [0, 5], CiscoAsa, &[], 0, 0, "", 0),
        ("fw02", FortigateFirewall, [0, 6], KeyValue, &[], 0, 0, "", 0),
    ]
};

/// All hosts, in the order of the data flow: balancer, servers, then the network.
pub(super) fn all() -> Vec<Host> {
    let host = |(index, row): (usize, Row)| Host {
        name: row.0,
        kind: row.1,
        address: Ipv4Addr::new(10, 20, row.2[0], row.2[1]),
        clock_format: row.3,
        programs: row.4,
        cpus: row.5,
        memory_gib: row.6,
        data_mount: row.7,
        data_gib: row.8,
        index,
    };
    ROWS.into_iter().enumerate().map(host).collect()
}

/// Where the host hangs on the core switch: the number of its port, from 1.
pub(super) fn switch_port(host: &Host) -> usize {
    host.index + 1
}
