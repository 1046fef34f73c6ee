//! A seeded stream of syslog lines as a site with some dozens of hosts sends them, for the benchmarks.
//!
//! About twenty programs write web access lines, gateway requests with random trace ids, database, proxy, mail, login,
//! kernel and firewall events. What varies in life varies here: clients come from a skewed pool with strangers in
//! between, latencies and sizes have long tails, ids are random. Half of the hosts speak RFC 5424 (some programs with
//! structured data), the others RFC 3164. The same seed gives the same bytes.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

#[macro_use]
mod drawing;
mod syslog_messages;
mod text_pools;

pub(crate) use drawing::Random;
use drawing::{address, client, hex, number, padded, text};
use text_pools::{AGENTS, MONTHS};

/// The generator; every call of [`SyslogWorkload::write_line`] moves its clock on.
#[derive(Debug)]
pub(crate) struct SyslogWorkload {
    random: Random,
    hosts: Vec<Host>,
    /// Time of the next event, nanoseconds since the epoch.
    now_ns: i64,
    mean_gap_ns: f64,
    calendar: Calendar,
    message: Vec<u8>,
    mail_queue: [u64; 64],
    visitors: Vec<Visitor>,
    sessions: u64,
}

#[derive(Debug)]
struct Host {
    name: String,
    address: [u8; 4],
    modern: bool,
    /// Programs with the running sum of all shares of the site's lines up to and with theirs.
    programs: Vec<(Program, u32)>,
    uptime_base_us: u64,
}

/// Somebody who is on the web site.
#[derive(Debug, Clone, Copy)]
struct Visitor {
    address: [u8; 4],
    agent: usize,
}

impl Visitor {
    fn new(random: &mut Random) -> Self {
        Self { address: client(random), agent: random.skewed(AGENTS.len() as u64) as usize }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Nginx,
    Gateway,
    Orders,
    Postgres,
    Haproxy,
    Sshd,
    Sudo,
    Kernel,
    Firewall,
    Cron,
    Systemd,
    Dhcpd,
    Named,
    Postfix,
    Dovecot,
    Dockerd,
    Chronyd,
    Audit,
    Snmpd,
    Backup,
    NetworkManager,
}

/// The civil time of the second last written, so that a second's lines share one conversion.
#[derive(Debug, Default)]
struct Calendar {
    second: i64,
    year: i64,
    month: usize,
    day: u32,
    hour: u32,
    minute: u32,
    sec: u32,
}

const ROLES: [&str; 8] = ["web", "api", "db", "lb", "mail", "fw", "app", "infra"];

impl Calendar {
    fn set(&mut self, second: i64) {
        if second == self.second {
            return;
        }
        self.second = second;
        let (days, rest) = (second.div_euclid(86_400), second.rem_euclid(86_400) as u32);
        (self.hour, self.minute, self.sec) = (rest / 3_600, rest / 60 % 60, rest % 60);
        // Civil date of a day number in the proleptic Gregorian calendar, years counted from March.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * of_year + 2) / 153;
        self.day = (of_year - (153 * march_month + 2) / 5 + 1) as u32;
        self.month = ((march_month + 2) % 12) as usize;
        self.year = year_of_era + era * 400 + i64::from(march_month >= 10);
    }
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Gateway => "api-gateway",
            Self::Orders => "orders-service",
            Self::Postgres => "postgres",
            Self::Haproxy => "haproxy",
            Self::Sshd => "sshd",
            Self::Sudo => "sudo",
            Self::Kernel | Self::Firewall => "kernel",
            Self::Cron => "CRON",
            Self::Systemd => "systemd",
            Self::Dhcpd => "dhcpd",
            Self::Named => "named",
            Self::Postfix => "postfix/smtp",
            Self::Dovecot => "dovecot",
            Self::Dockerd => "dockerd",
            Self::Chronyd => "chronyd",
            Self::Audit => "audispd",
            Self::Snmpd => "snmpd",
            Self::Backup => "backup-agent",
            Self::NetworkManager => "NetworkManager",
        }
    }

    fn facility(self) -> u8 {
        match self {
            Self::Kernel | Self::Firewall => 0,
            Self::Postfix | Self::Dovecot => 2,
            Self::Sshd | Self::Sudo => 10,
            Self::Cron => 9,
            Self::Audit => 13,
            Self::Nginx => 23,
            Self::Haproxy | Self::Postgres => 16,
            Self::Gateway | Self::Orders => 17,
            _ => 3,
        }
    }

    /// Programs that start a process an event have a new process id each time.
    fn forks(self) -> bool {
        matches!(self, Self::Sshd | Self::Cron | Self::Postgres | Self::Postfix | Self::Sudo)
    }
}

/// What each kind of host runs: programs with their share of its lines, out of 1,000.
fn programs_of(role: &str) -> &'static [(Program, u32)] {
    use Program::*;
    match role {
        "web" => &[(Nginx, 700), (Sshd, 60), (Systemd, 110), (Cron, 80), (Kernel, 20), (Firewall, 20), (Audit, 10)],
        "api" => &[(Gateway, 640), (Orders, 160), (Systemd, 90), (Dockerd, 60), (Cron, 35), (Sshd, 15)],
        "db" => &[(Postgres, 720), (Systemd, 90), (Kernel, 30), (Cron, 90), (Backup, 30), (Sshd, 40)],
        "lb" => &[(Haproxy, 900), (Systemd, 25), (Sshd, 30), (Snmpd, 45)],
        "mail" => &[(Postfix, 560), (Dovecot, 330), (Sshd, 50), (Cron, 30), (Systemd, 30)],
        "fw" => &[(Firewall, 900), (Sshd, 30), (Snmpd, 40), (Chronyd, 30)],
        "app" => &[(Orders, 480), (Dockerd, 120), (Systemd, 150), (Sudo, 40), (Cron, 150), (Audit, 60)],
        _ => &[(Dhcpd, 300), (Named, 400), (Chronyd, 60), (Systemd, 80), (Sshd, 60), (Snmpd, 60), (NetworkManager, 40)],
    }
}

/// How much of the site's traffic one host of a role makes, in relation to the others.
fn traffic_of(role: &str) -> u32 {
    match role {
        "web" => 30,
        "api" => 20,
        "lb" => 10,
        "fw" => 5,
        "app" => 20,
        "db" => 16,
        "mail" => 4,
        _ => 9,
    }
}

impl SyslogWorkload {
    /// A site of `hosts` machines whose first event is at `start_us` (µs since the epoch, UTC), with
    /// `events_per_second` events on average, at random distances.
    pub(crate) fn new(seed: u64, hosts: usize, start_us: i64, events_per_second: u32) -> Self {
        let mut random = Random(seed ^ 0x5745_4C4C_0000_0001);
        let mut share = 0;
        let hosts = (0..hosts.max(1)).map(|index| Host::new(index, &mut share, &mut random)).collect();
        let visitors = (0..120).map(|_| Visitor::new(&mut random)).collect();
        let mail_queue = std::array::from_fn(|_| random.next());
        Self {
            random,
            hosts,
            now_ns: start_us * 1_000,
            mean_gap_ns: 1e9 / f64::from(events_per_second.max(1)),
            calendar: Calendar { second: i64::MIN, ..Calendar::default() },
            message: Vec::with_capacity(1_024),
            mail_queue,
            visitors,
            sessions: 40_000,
        }
    }

    /// Time of the line written last, µs since the epoch.
    pub(crate) fn now_us(&self) -> i64 {
        self.now_ns / 1_000
    }

    /// Appends one line without framing or line end.
    pub(crate) fn write_line(&mut self, out: &mut Vec<u8>) {
        self.now_ns += (-(1.0 - self.random.unit()).ln() * self.mean_gap_ns) as i64;
        self.calendar.set(self.now_ns.div_euclid(1_000_000_000));
        let (host, program) = self.choose();
        let mut message = std::mem::take(&mut self.message);
        message.clear();
        let severity = self.write_message(program, host, &mut message);
        let pid = match program {
            Program::Kernel | Program::Firewall => None,
            Program::Systemd => Some(1),
            _ if program.forks() => Some(self.random.range(200_000, 900_000)),
            // A service keeps its process id; web servers and gateways have a few workers.
            _ => Some(900 + (host as u64 * 37 + program as u64 * 911) % 30_000 + self.random.below(4)),
        };
        let priority = u64::from(program.facility()) * 8 + severity;
        if self.hosts[host].modern {
            self.write_rfc5424(host, program, priority, pid, out);
        } else {
            self.write_rfc3164(host, program, priority, pid, out);
        }
        out.extend_from_slice(&message);
        self.message = message;
    }

    fn choose(&mut self) -> (usize, Program) {
        let total = self.hosts.last().and_then(|host| host.programs.last()).map_or(1, |last| last.1);
        let draw = self.random.below(u64::from(total)) as u32;
        let host = self.hosts.partition_point(|host| host.programs.last().is_some_and(|last| last.1 <= draw));
        let program = self.hosts[host].programs.iter().find(|entry| draw < entry.1).map_or(Program::Systemd, |entry| entry.0);
        (host, program)
    }

    fn write_rfc5424(&mut self, host: usize, program: Program, priority: u64, pid: Option<u64>, out: &mut Vec<u8>) {
        let Calendar { year, month, day, hour, minute, sec, .. } = self.calendar;
        put!(out, "<{priority}>1 {year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{sec:02}.", month + 1);
        padded(out, (self.now_ns / 1_000).rem_euclid(1_000_000) as u64, 6);
        text(out, "Z ");
        text(out, &self.hosts[host].name);
        out.push(b' ');
        text(out, program.name());
        out.push(b' ');
        match pid {
            Some(pid) => number(out, pid),
            None => out.push(b'-'),
        }
        match program {
            Program::Gateway => {
                text(out, " ACCESS [trace@32473 span=\"");
                hex(out, self.random.next(), 16);
                put!(out, "\" sampled=\"{}\"] ", u8::from(self.random.one_in(8)));
            }
            Program::Orders => {
                put!(out, " EVENT [app@32473 version=\"4.{}.2\" zone=\"{}\"] ", 11 + host % 2, ["eu-a", "eu-b", "eu-c"][host % 3]);
            }
            Program::Postgres => text(out, " LOG - "),
            _ if self.hosts[host].modern && host.is_multiple_of(5) => {
                text(out, " - [origin ip=\"");
                address(out, self.hosts[host].address);
                text(out, "\" software=\"rsyslogd\"] ");
            }
            _ => text(out, " - - "),
        }
    }

    fn write_rfc3164(&mut self, host: usize, program: Program, priority: u64, pid: Option<u64>, out: &mut Vec<u8>) {
        let Calendar { month, day, hour, minute, sec, .. } = self.calendar;
        put!(out, "<{priority}>{} {day:2} {hour:02}:{minute:02}:{sec:02} ", MONTHS[month]);
        text(out, &self.hosts[host].name);
        out.push(b' ');
        text(out, program.name());
        if let Some(pid) = pid {
            out.push(b'[');
            number(out, pid);
            out.push(b']');
        }
        text(out, ": ");
    }
}

impl Host {
    fn new(index: usize, share: &mut u32, random: &mut Random) -> Self {
        // The first forty cover every role; more hosts repeat the pattern.
        let role = ROLES[index % ROLES.len()];
        let earlier = index / ROLES.len();
        let traffic = traffic_of(role) * (50 + random.below(100) as u32) / 10;
        let programs = programs_of(role)
            .iter()
            .map(|&(program, of_host)| {
                *share += of_host * traffic;
                (program, *share)
            })
            .collect();
        Self {
            name: format!("{role}-{:02}", earlier + 1) + if index.is_multiple_of(3) { ".fra.harbour.example" } else { "" },
            address: [10, 20, (index / 200) as u8, (index % 200) as u8 + 10],
            // Half of the hosts of every role.
            modern: (index + earlier).is_multiple_of(2),
            programs,
            uptime_base_us: random.below(40_000_000_000_000),
        }
    }
}
