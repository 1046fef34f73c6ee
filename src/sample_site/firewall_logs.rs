//! The two firewalls: a Cisco ASA before the public servers, a FortiGate before the offices.

use super::events::Minute;
use super::hosts::{Host, HostKind};
use super::syslog_line::{cisco_asa, fortigate, severity};

const STREAM: u64 = 0xF13E;

pub(super) fn write(minute: &mut Minute<'_>) {
    for host in minute.site.hosts() {
        match host.kind {
            HostKind::AsaFirewall => asa(minute, host),
            HostKind::FortigateFirewall => forti(minute, host),
            _ => {}
        }
    }
}

fn asa(minute: &mut Minute<'_>, host: &Host) {
    let mut dice = minute.dice(STREAM, host);
    let busy = minute.site.busy(minute.start_us);
    for at_us in minute.moments(&mut dice, 0.1 + 1.5 * busy) {
        let connection = (at_us - minute.site.config().start_us).div_euclid(1_000) + 70_000_000;
        let client = format!("198.18.{}.{}", dice.range(0, 40), dice.range(1, 255));
        let port = dice.range(32_768, 61_000);
        let text = format!(
            "Built inbound TCP connection {connection} for outside:{client}/{port} ({client}/{port}) to dmz:lb01/443 (198.51.100.10/443)"
        );
        minute.send(at_us, host, cisco_asa(at_us, host, severity::INFO, 302_013, &text));
        let seconds = (dice.skewed(6.0) as i64).min(50);
        let (end_us, bytes) = (minute.within(at_us + seconds * 1_000_000), dice.skewed(18_000.0) as i64);
        let text = format!(
            "Teardown TCP connection {connection} for outside:{client}/{port} to dmz:lb01/443 duration 0:00:{seconds:02} \
             bytes {bytes} TCP FINs"
        );
        minute.send(end_us, host, cisco_asa(end_us, host, severity::INFO, 302_014, &text));
    }
    for at_us in minute.moments(&mut dice, 0.45) {
        let (from, port) = (format!("192.0.2.{}", dice.range(2, 254)), dice.pick(&[22, 23, 445, 1433, 3389, 5900, 8080]));
        let text = format!(
            "Deny tcp src outside:{from}/{} dst dmz:198.51.100.{}/{port} by access-group \"outside_in\" [0x0, 0x0]",
            dice.range(32_768, 61_000),
            dice.range(8, 31)
        );
        minute.send(at_us, host, cisco_asa(at_us, host, severity::WARNING, 106_023, &text));
    }
}

fn forti(minute: &mut Minute<'_>, host: &Host) {
    let mut dice = minute.dice(STREAM, host);
    let busy = minute.site.busy(minute.start_us);
    for at_us in minute.moments(&mut dice, 0.1 + 2.2 * busy) {
        let (service, port) = dice.pick(&[("HTTPS", 443), ("HTTPS", 443), ("DNS", 53), ("NTP", 123), ("SMTPS", 465)]);
        let pairs = format!(
            "logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" srcip=10.20.{}.{} srcport={} srcintf=\"offices\" \
             dstip=198.51.100.{} dstport={port} \
             dstintf=\"wan1\" policyid={} proto={} action=\"{}\" service=\"{service}\" duration={} sentbyte={} rcvdbyte={}",
            dice.range(20, 24),
            dice.range(10, 250),
            dice.range(32_768, 61_000),
            dice.range(64, 250),
            dice.range(4, 9),
            if port == 443 || port == 465 { 6 } else { 17 },
            if dice.chance(0.94) { "close" } else { "deny" },
            dice.skewed(12.0) as i64,
            dice.skewed(2_100.0) as i64,
            dice.skewed(15_000.0) as i64
        );
        minute.send(at_us, host, fortigate(at_us, host, severity::NOTICE, "notice", &pairs));
    }
    if minute.of_day() % 5 == 2 {
        let at_us = minute.moment(&mut dice);
        let pairs = format!(
            "logid=\"0100040704\" type=\"event\" subtype=\"system\" logdesc=\"System performance statistics\" \
             action=\"perf-stats\" cpu={} mem={} \
             totalsession={} disk=0 bandwidth=\"{}/{}\" msg=\"Performance statistics\"",
            (8.0 + 22.0 * busy) as i64,
            dice.range(46, 52),
            (380.0 + 4_000.0 * busy) as i64,
            (9_000.0 * busy) as i64,
            (46_000.0 * busy) as i64
        );
        minute.send(at_us, host, fortigate(at_us, host, severity::NOTICE, "notice", &pairs));
    }
    for at_us in minute.moments(&mut dice, 0.01 + 0.02 * busy) {
        let pairs = format!(
            "logid=\"0101039424\" type=\"event\" subtype=\"vpn\" logdesc=\"SSL VPN tunnel up\" action=\"tunnel-up\" \
             user=\"{}\" remip=198.18.7.{} \
             msg=\"SSL tunnel established\"",
            dice.pick(&["a.berg", "j.ndiaye", "k.sato", "r.alvarez"]),
            dice.range(2, 250)
        );
        minute.send(at_us, host, fortigate(at_us, host, severity::INFO, "information", &pairs));
    }
}
