//! What is planted: kinds, places, times, and the labels to check a detection against.

use std::net::Ipv4Addr;

use serde::Serialize;

use super::civil::Civil;
use super::dice::{Dice, key};
use super::shape::Ramp;
use crate::clock::{DAY_US, HOUR_US, SECOND_US, TimestampUs};

const MINUTE_US: i64 = 60 * SECOND_US;

/// The kinds of trouble that are planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// A file system fills from 70 to 96 % within a day and nobody looks.
    DiskFilling,
    /// Passwords are tried on sshd for twenty minutes.
    SshBruteForce,
    /// The primary database slows down tenfold for three quarters of an hour.
    DatabaseSlow,
    /// A host sends nothing for forty minutes, then boots.
    HostSilent,
    /// A switch port goes down and up thirty times in twenty minutes.
    LinkFlapping,
    /// A release answers with errors until it is rolled back.
    DeploymentErrors,
}

/// Where a trace is to be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceTable {
    /// The lines of the host.
    Logs,
    /// The series of the host.
    Metrics,
}

/// One visible sign of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// Logs or metrics.
    pub table: TraceTable,
    /// The host whose lines or series show it: not always the one in trouble.
    pub host: &'static str,
    /// Text that the lines contain, or the name of the metric.
    pub shows: String,
    /// What to see there, in words.
    pub how: &'static str,
}

/// A planted incident, with its labels.
#[derive(Debug, Clone, Serialize)]
pub struct Incident {
    /// `planted-1`, counted in the order of time.
    pub id: String,
    /// What happens.
    pub kind: IncidentKind,
    /// The host in trouble.
    pub host: &'static str,
    /// The part of it: mount point, service, interface.
    pub entity: String,
    /// First moment at which it can be seen.
    pub start_us: TimestampUs,
    /// Moment at which it is over; the end of the period where nobody has repaired it.
    pub end_us: TimestampUs,
    /// `start_us`, to be read by people (RFC 3339).
    pub start: String,
    /// `end_us`, to be read by people (RFC 3339).
    pub end: String,
    /// False where it is still there at the end of the period.
    pub resolved: bool,
    /// What happens, in words.
    pub description: String,
    /// The detection rule that should find it.
    pub rule: &'static str,
    /// Its signs; two or more.
    pub traces: Vec<Trace>,
    #[serde(skip)]
    pub(super) detail: Detail,
}

/// What the writers of lines and samples need to know beyond the labels.
#[derive(Debug, Clone)]
pub(super) enum Detail {
    None,
    /// Where the attempts come from.
    Sources(Vec<Ipv4Addr>),
    /// When the port changes, beginning with down.
    Changes {
        port: usize,
        at_us: Vec<TimestampUs>,
    },
}

impl Incident {
    /// Whether it is going on. What is not resolved goes on after the period.
    pub(super) fn covers(&self, at_us: TimestampUs) -> bool {
        at_us >= self.start_us && (at_us < self.end_us || !self.resolved)
    }

    /// Its outline in the metrics.
    pub(super) fn ramp(&self) -> Ramp {
        let (rise_us, fall_for_us) = match self.kind {
            IncidentKind::DiskFilling => (self.end_us - self.start_us - 30 * MINUTE_US, MINUTE_US),
            IncidentKind::DatabaseSlow => (10 * MINUTE_US, 5 * MINUTE_US),
            _ => (MINUTE_US, MINUTE_US),
        };
        let fall_us = if self.resolved { self.end_us - fall_for_us } else { i64::MAX };
        Ramp { start_us: self.start_us, rise_us, fall_us, fall_for_us }
    }
}

/// The period that incidents are planted in.
#[derive(Debug, Clone, Copy)]
struct Period {
    seed: u64,
    start_us: TimestampUs,
    end_us: TimestampUs,
}

/// The hours (UTC) in which an incident of a kind begins, and how long it lasts. The windows do not overlap, so that
/// even on a single day no incident hides another.
fn timing(kind: IncidentKind) -> (i64, i64, i64) {
    let (from_minute, to_minute, minutes) = match kind {
        IncidentKind::SshBruteForce => (150, 270, 20),
        IncidentKind::HostSilent => (330, 450, 40),
        IncidentKind::DeploymentErrors => (540, 630, 25),
        IncidentKind::DatabaseSlow => (690, 870, 45),
        IncidentKind::LinkFlapping => (960, 1_140, 20),
        IncidentKind::DiskFilling => (0, 0, 0),
    };
    (from_minute * MINUTE_US, to_minute * MINUTE_US, minutes * MINUTE_US)
}

/// The incidents of a period, in the order of their starts: each kind once a week (once in all for less), and a disk
/// that fills up over the last day.
pub(super) fn plant(seed: u64, start_us: TimestampUs, end_us: TimestampUs) -> Vec<Incident> {
    use IncidentKind::*;
    let period = Period { seed, start_us, end_us };
    let weeks = ((end_us - start_us) / (7 * DAY_US)).max(1);
    let mut all = vec![disk_filling(period)];
    for week in 0..weeks {
        let part = Period {
            start_us: start_us + (end_us - start_us) / weeks * week,
            end_us: start_us + (end_us - start_us) / weeks * (week + 1),
            ..period
        };
        let kinds = [SshBruteForce, HostSilent, DeploymentErrors, DatabaseSlow, LinkFlapping];
        all.extend(kinds.into_iter().filter_map(|kind| planted(part, kind)));
    }
    all.sort_by_key(|incident| (incident.start_us, incident.host));
    for (index, incident) in all.iter_mut().enumerate() {
        incident.id = format!("planted-{}", index + 1);
    }
    all
}

/// The one thing that happens after the end of the period: five minutes of guessed passwords, for a live demonstration.
pub(super) fn plant_live(seed: u64, period_end_us: TimestampUs) -> Incident {
    let mut dice = Dice::new(key(&[seed, 0x11FE]));
    let start_us = period_end_us + dice.range(6, 12) * MINUTE_US;
    let mut incident = brute_force(&mut dice, start_us, start_us + 5 * MINUTE_US);
    incident.id = "live-1".to_owned();
    incident
}

/// Finds a start for the kind within the period and makes it.
fn planted(period: Period, kind: IncidentKind) -> Option<Incident> {
    let mut dice = Dice::new(key(&[period.seed, kind as u64, period.start_us as u64]));
    let (from_us, to_us, length_us) = timing(kind);
    let first_day = period.start_us.div_euclid(DAY_US);
    let last_day = (period.end_us - 1).div_euclid(DAY_US);
    // Half an hour of peace before the first one, ten minutes after the last; a detector learns on the first day
    // where there are days enough.
    let quiet_us = if period.end_us - period.start_us >= 3 * DAY_US { DAY_US } else { HOUR_US / 2 };
    let fitting: Vec<(TimestampUs, TimestampUs)> = (first_day..=last_day)
        .map(|day| {
            let low = (day * DAY_US + from_us).max(period.start_us + quiet_us);
            let high = (day * DAY_US + to_us).min(period.end_us - length_us - 10 * MINUTE_US);
            (low, high)
        })
        .filter(|(low, high)| low < high)
        .filter(|(low, _)| !people_cause(kind) || Civil::new(*low).weekday < 5 || last_day - first_day < 3)
        .collect();
    if fitting.is_empty() {
        return None;
    }
    let (low, high) = dice.pick(&fitting);
    // Whole seconds: the stamps of most hosts know no others.
    let start_us = dice.range(low, high) / SECOND_US * SECOND_US;
    let end_us = start_us + length_us;
    Some(match kind {
        IncidentKind::SshBruteForce => brute_force(&mut dice, start_us, end_us),
        IncidentKind::HostSilent => host_silent(&mut dice, start_us, end_us),
        IncidentKind::DeploymentErrors => deployment_errors(start_us, end_us),
        IncidentKind::LinkFlapping => link_flapping(&mut dice, start_us, end_us),
        IncidentKind::DatabaseSlow => database_slow(start_us, end_us),
        // Fills up over the last day; it is not drawn.
        IncidentKind::DiskFilling => return None,
    })
}

/// Releases and load come from people at work.
fn people_cause(kind: IncidentKind) -> bool {
    matches!(kind, IncidentKind::DeploymentErrors | IncidentKind::DatabaseSlow)
}

fn labelled(kind: IncidentKind, host: &'static str, entity: &str, times: (TimestampUs, TimestampUs), rule: &'static str) -> Incident {
    let (start_us, end_us) = times;
    Incident {
        id: String::new(),
        kind,
        host,
        entity: entity.to_owned(),
        start_us,
        end_us,
        start: Civil::new(start_us).iso(),
        end: Civil::new(end_us).iso(),
        resolved: true,
        description: String::new(),
        rule,
        traces: Vec::new(),
        detail: Detail::None,
    }
}

fn in_logs(host: &'static str, shows: impl Into<String>, how: &'static str) -> Trace {
    Trace { table: TraceTable::Logs, host, shows: shows.into(), how }
}

fn in_metrics(host: &'static str, shows: impl Into<String>, how: &'static str) -> Trace {
    Trace { table: TraceTable::Metrics, host, shows: shows.into(), how }
}

fn disk_filling(period: Period) -> Incident {
    let mut dice = Dice::new(key(&[period.seed, IncidentKind::DiskFilling as u64]));
    let (host, mount, error) = dice.pick(&[
        ("db02", "/var/lib/postgresql", "No space left on device"),
        ("mail01", "/var/mail", "No space left on device"),
        ("mon01", "/var/lib/prometheus", "no space left on device"),
    ]);
    let length_us = (22 * HOUR_US).min((period.end_us - period.start_us) * 9 / 10);
    let start_us = (period.end_us - length_us).div_euclid(MINUTE_US) * MINUTE_US;
    let mut incident = labelled(IncidentKind::DiskFilling, host, mount, (start_us, period.end_us), "filesystem_full");
    incident.resolved = false;
    incident.description = format!(
        "{mount} on {host} fills from 70 % to 96 % within a day; writes begin to fail in the last two hours and nobody has repaired it"
    );
    incident.traces = vec![
        in_metrics(host, "node_filesystem_avail_bytes", "falls from 30 % to 4 % of the size, in a straight line"),
        in_logs(host, error, "in the last two hours, more and more often"),
        in_logs(host, "below the minimum of 10 percent", "a warning every half hour once a tenth is left"),
    ];
    incident
}

fn brute_force(dice: &mut Dice, start_us: TimestampUs, end_us: TimestampUs) -> Incident {
    let host = dice.pick(&["web01", "web03", "lb01", "backup01"]);
    let sources: Vec<Ipv4Addr> = (0..dice.range(1, 5)).map(|_| Ipv4Addr::new(203, 0, 113, dice.range(2, 254) as u8)).collect();
    let mut incident = labelled(IncidentKind::SshBruteForce, host, "sshd", (start_us, end_us), "ssh_bruteforce");
    let from: Vec<String> = sources.iter().map(Ipv4Addr::to_string).collect();
    incident.description = format!("Passwords are tried on sshd of {host} from {}; none succeeds", from.join(", "));
    incident.traces = vec![
        in_logs(host, "Failed password for", "about thirty a minute; a few a day otherwise"),
        in_logs("fw01", format!("dmz:{host}/22"), "a connection for every three attempts"),
        in_metrics(host, "node_netstat_Tcp_PassiveOpens", "the rate rises with the connections"),
    ];
    incident.detail = Detail::Sources(sources);
    incident
}

fn host_silent(dice: &mut Dice, start_us: TimestampUs, end_us: TimestampUs) -> Incident {
    let host = dice.pick(&["web02", "api02"]);
    let mut incident = labelled(IncidentKind::HostSilent, host, "host", (start_us, end_us), "host_silent");
    incident.description = format!("{host} stops without a word: no line and no sample for 40 minutes, then it boots");
    incident.traces = vec![
        in_metrics(host, "up", "no sample of any series; counters begin at zero after the boot"),
        in_logs(host, "Linux version", "the first line after the silence"),
        in_logs("lb01", format!("{host} is DOWN"), "the balancer takes it out of service"),
        in_logs("mon01", format!("target={host}"), "probes fail, every minute"),
    ];
    incident
}

fn deployment_errors(start_us: TimestampUs, end_us: TimestampUs) -> Incident {
    let mut incident = labelled(IncidentKind::DeploymentErrors, "api01", "orders-api", (start_us, end_us), "error_burst");
    incident.description = "A new release of orders-api answers a third of its requests with errors until it is rolled back".to_owned();
    incident.traces = vec![
        in_logs("api01", "activated release", "the cause, at the start"),
        in_logs("api01", "unhandled error", "errors of the new release"),
        in_logs("lb01", "/<NOSRV> ", "requests that no API server would take"),
        in_metrics("api01", "http_requests_total", "the rate of code=\"500\" rises from nearly nothing to a third"),
        in_logs("api01", "rolled back to release", "the repair, at the end"),
    ];
    incident
}

fn database_slow(start_us: TimestampUs, end_us: TimestampUs) -> Incident {
    let mut incident = labelled(IncidentKind::DatabaseSlow, "db01", "postgres", (start_us, end_us), "database_slow");
    incident.description =
        "A query without an index reads the orders again and again: statements take ten times as long, connections run out".to_owned();
    incident.traces = vec![
        in_logs("db01", "duration:", "ten times as many slow statements, ten times as slow"),
        in_logs("db01", "canceling statement due to statement timeout", "errors"),
        in_logs("db01", "remaining connection slots are reserved", "the connections have run out"),
        in_metrics("db01", "pg_stat_activity_count", "rises from about 30 to the limit of 200"),
        in_metrics("db01", "node_cpu_seconds_total", "mode=\"iowait\" rises"),
        in_metrics("api01", "http_request_duration_seconds_sum", "the mean duration of a request rises with it"),
    ];
    incident
}

fn link_flapping(dice: &mut Dice, start_us: TimestampUs, end_us: TimestampUs) -> Incident {
    const CHANGES: i64 = 30;
    // A port whose host is not in trouble otherwise: the two Windows servers and the VMware host.
    let port = dice.pick(&[12_usize, 13, 14]);
    let step_us = (end_us - start_us) / CHANGES;
    let at_us = (0..CHANGES).map(|n| start_us + n * step_us + dice.range(0, step_us * 2 / 3)).collect();
    let entity = format!("GigabitEthernet1/0/{port}");
    let mut incident = labelled(IncidentKind::LinkFlapping, "core-sw01", &entity, (start_us, end_us), "interface_flapping");
    incident.description =
        format!("{entity} on core-sw01 changes its state {CHANGES} times in 20 minutes: a cable or a transceiver is dying");
    incident.traces = vec![
        in_logs("core-sw01", "%LINK-3-UPDOWN", "thirty changes of one interface"),
        in_logs("core-sw01", "%LINEPROTO-5-UPDOWN", "the protocol follows the link"),
        in_metrics("core-sw01", "ifOperStatus", "switches between 1 (up) and 2 (down)"),
        in_metrics("core-sw01", "ifInErrors", "rises on that interface only"),
    ];
    incident.detail = Detail::Changes { port, at_us };
    incident
}
