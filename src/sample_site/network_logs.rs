//! The core switch (Cisco IOS) and the edge router (Junos).

use super::events::Minute;
use super::hosts::{Host, HostKind, switch_port};
use super::incident::{Detail, IncidentKind};
use super::syslog_line::{Said, cisco_ios, facility, severity};
use crate::clock::{SECOND_US, TimestampUs};

const STREAM: u64 = 0x4E7;

/// Ports of the meeting rooms and desks, above those of the servers.
const DESK_PORTS: std::ops::Range<i64> = 25..49;

pub(super) fn write(minute: &mut Minute<'_>) {
    for host in minute.site.hosts() {
        match host.kind {
            HostKind::CiscoSwitch => switch(minute, host),
            HostKind::JuniperRouter => router(minute, host),
            _ => {}
        }
    }
}

fn switch(minute: &mut Minute<'_>, host: &Host) {
    let site = minute.site;
    let mut dice = minute.dice(STREAM, host);
    // Somebody plugs a laptop in or out: single changes of desk ports are no incident.
    for at_us in minute.moments(&mut dice, 0.012 + 0.11 * site.busy(minute.start_us)) {
        let port = dice.range(DESK_PORTS.start, DESK_PORTS.end) as usize;
        link(minute, host, port, at_us, dice.chance(0.5));
    }
    for at_us in minute.moments(&mut dice, 0.012) {
        let text = format!(
            "Host 00a0.c9{:02x}.{:04x} in vlan 20 is flapping between port Gi1/0/31 and port Gi1/0/44",
            dice.range(0, 255),
            dice.range(0, 65_535)
        );
        minute.send(at_us, host, cisco_ios(site, at_us, host, "SW_MATM-4-MACFLAP_NOTIF", &text));
    }
    if minute.of_day() == 7 * 60 + 30 {
        let at_us = minute.moment(&mut dice);
        let text = "Configured from console by netops on vty0 (10.20.6.11)";
        minute.send(at_us, host, cisco_ios(site, at_us, host, "SYS-5-CONFIG_I", text));
    }
    if minute.of_day() % 10 == 4 {
        let at_us = minute.moment(&mut dice);
        let text = "Login Success [user: poller] [Source: 10.20.6.11] [localport: 22]";
        minute.send(at_us, host, cisco_ios(site, at_us, host, "SEC_LOGIN-5-LOGIN_SUCCESS", text));
    }
    for incident in site.incidents() {
        match &incident.detail {
            Detail::Changes { port, at_us } => {
                for (index, at_us) in at_us.iter().enumerate() {
                    if minute.holds(*at_us) {
                        link(minute, host, *port, *at_us, index % 2 == 1);
                    }
                }
            }
            // A host that dies takes its port down with it.
            _ if incident.kind == IncidentKind::HostSilent => {
                let Some(gone) = site.host(incident.host) else { continue };
                for (at_us, up) in [(incident.start_us + SECOND_US, false), (incident.end_us - 40 * SECOND_US, true)] {
                    if minute.holds(at_us) {
                        link(minute, host, switch_port(gone), at_us, up);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The two lines of a port that changes: the link, and a second later the protocol on it.
fn link(minute: &mut Minute<'_>, host: &Host, port: usize, at_us: TimestampUs, up: bool) {
    let state = if up { "up" } else { "down" };
    let text = format!("Interface GigabitEthernet1/0/{port}, changed state to {state}");
    minute.send(at_us, host, cisco_ios(minute.site, at_us, host, "LINK-3-UPDOWN", &text));
    let later_us = minute.within(at_us + SECOND_US);
    let text = format!("Line protocol on Interface GigabitEthernet1/0/{port}, changed state to {state}");
    minute.send(later_us, host, cisco_ios(minute.site, later_us, host, "LINEPROTO-5-UPDOWN", &text));
}

fn router(minute: &mut Minute<'_>, host: &Host) {
    let site = minute.site;
    let mut dice = minute.dice(STREAM, host);
    let start_us = minute.start_us;
    let pid = |program| site.daemon_pid(host, program, start_us);
    let rpd = Said::new(facility::DAEMON, severity::NOTICE, "rpd", pid("rpd"));
    let mib2d = Said::new(facility::DAEMON, severity::INFO, "mib2d", pid("mib2d"));
    for at_us in minute.moments(&mut dice, 0.05) {
        let peer = dice.pick(&["198.51.100.1", "198.51.100.5"]);
        let prefixes = dice.range(1, 40);
        let data = format!("[junos@2636.1.1.1.2.58 peer-name=\"{peer}\" prefixes=\"{prefixes}\"]");
        let said = Said { msgid: "RPD_BGP_UPDATE", data: &data, ..rpd };
        minute.say(at_us, host, &said, format_args!("bgp_recv_update: peer {peer} (External AS 64500) announced {prefixes} prefixes"));
    }
    for at_us in minute.moments(&mut dice, 0.03) {
        let data = format!("[junos@2636.1.1.1.2.58 interface-name=\"ge-0/0/{}\"]", dice.range(0, 3));
        let said = Said { msgid: "SNMP_GET_ERROR1", data: &data, ..mib2d };
        minute.say(at_us, host, &said, "get_next of ifHCInOctets: no such instance");
    }
    if minute.of_day() % 5 == 0 {
        let said = Said::new(facility::CRON, severity::INFO, "cron", dice.range(4_000, 32_000) as u32);
        minute.say(minute.start_us + SECOND_US, host, &said, "(root) CMD (/usr/libexec/atrun)");
    }
    if minute.of_day() % 180 == 45 {
        let said = Said {
            msgid: "UI_CMDLINE_READ_LINE",
            data: "[junos@2636.1.1.1.2.58 username=\"netops\" command=\"show interfaces terse\"]",
            ..Said::new(facility::LOCAL7, severity::INFO, "mgd", pid("mgd"))
        };
        let at_us = minute.moment(&mut dice);
        minute.say(at_us, host, &said, "User 'netops', command 'show interfaces terse'");
    }
}
