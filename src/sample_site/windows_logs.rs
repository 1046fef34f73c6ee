//! Two Windows servers: the domain controller's security log through NXLog, the file server's through Snare.

use super::civil::Civil;
use super::dice::Dice;
use super::events::Minute;
use super::hosts::{Host, HostKind};
use super::syslog_line::{Said, facility, severity};
use crate::clock::{SECOND_US, TimestampUs};

const STREAM: u64 = 0x31D05;

const PEOPLE: [&str; 9] = ["a.berg", "j.ndiaye", "m.okafor", "s.lind", "t.moreau", "k.sato", "r.alvarez", "svc-backup", "svc-print"];

pub(super) fn write(minute: &mut Minute<'_>) {
    for host in minute.site.hosts() {
        match host.kind {
            HostKind::WindowsDomainController => domain_controller(minute, host),
            HostKind::WindowsFileServer => file_server(minute, host),
            _ => {}
        }
    }
}

fn domain_controller(minute: &mut Minute<'_>, host: &Host) {
    let mut dice = minute.dice(STREAM, host);
    let busy = minute.site.busy(minute.start_us);
    for at_us in minute.moments(&mut dice, 0.15 + 1.3 * busy) {
        let user = dice.pick(&PEOPLE);
        let from = format!("10.20.{}.{}", dice.range(20, 24), dice.range(10, 250));
        let (event, text) = match dice.range(0, 10) {
            0..4 => (4624, "An account was successfully logged on."),
            4..7 => (4634, "An account was logged off."),
            7..9 => (4769, "A Kerberos service ticket was requested."),
            _ => (4672, "Special privileges assigned to new logon."),
        };
        security(minute, host, &mut dice, at_us, (event, "AUDIT_SUCCESS", user, &from), text);
    }
    for at_us in minute.moments(&mut dice, 0.015 + 0.02 * busy) {
        let user = dice.pick(&PEOPLE[..7]);
        let from = format!("10.20.{}.{}", dice.range(20, 24), dice.range(10, 250));
        security(minute, host, &mut dice, at_us, (4625, "AUDIT_FAILURE", user, &from), "An account failed to log on. Status: 0xC000006D");
    }
    if minute.of_day() % 5 == 1 {
        let at_us = minute.moment(&mut dice);
        security(
            minute,
            host,
            &mut dice,
            at_us,
            (4624, "AUDIT_SUCCESS", "svc-monitor", "10.20.6.11"),
            "An account was successfully logged on.",
        );
    }
    if minute.of_day() % 60 == 17 {
        let said = Said { msgid: "37", ..Said::new(facility::DAEMON, severity::INFO, "Microsoft-Windows-Time-Service", 1_084) };
        let at_us = minute.moment(&mut dice);
        minute.say(at_us, host, &said, "The time provider NtpClient is currently receiving valid time data from edge-rtr01.example.net.");
    }
}

/// An event of the security log, as NXLog writes RFC 5424: the event's fields are structured data.
fn security(minute: &mut Minute<'_>, host: &Host, dice: &mut Dice, at_us: TimestampUs, event: (u32, &str, &str, &str), text: &str) {
    let (number, kind, user, from) = event;
    // Only ever grows, as the log's own record number does.
    let record = (at_us - minute.site.config().start_us).div_euclid(SECOND_US / 5) + 8_800_000;
    let data = format!(
        "[NXLOG@14506 EventID=\"{number}\" EventType=\"{kind}\" RecordNumber=\"{record}\" TargetUserName=\"{user}\" \
         TargetDomainName=\"EXAMPLE\" \
         IpAddress=\"{from}\" LogonType=\"3\" LogonId=\"0x{:x}\"]",
        dice.range(0x10_0000, 0xFFF_FFFF)
    );
    let grave = if kind == "AUDIT_FAILURE" { severity::WARNING } else { severity::INFO };
    let said = Said { data: &data, ..Said::new(facility::USER, grave, "Microsoft-Windows-Security-Auditing", 724) };
    minute.say(at_us, host, &said, text);
}

fn file_server(minute: &mut Minute<'_>, host: &Host) {
    let mut dice = minute.dice(STREAM + 1, host);
    let busy = minute.site.busy(minute.start_us);
    for at_us in minute.moments(&mut dice, 0.05 + 0.6 * busy) {
        let user = dice.pick(&PEOPLE[..7]);
        let folder = dice.pick(&["Accounts", "Drawings", "Contracts", "Photos", "Stock"]);
        let text = format!("A network share object was accessed. Share: \\\\files01\\{folder} Account: EXAMPLE\\{user}");
        snare(
            minute,
            host,
            &mut dice,
            at_us,
            ("Security", 5_140, "Microsoft-Windows-Security-Auditing", "Success Audit", severity::NOTICE),
            &text,
        );
    }
    if minute.of_day() % 10 == 8 {
        let at_us = minute.moment(&mut dice);
        let text = "An account was successfully logged on. Account: EXAMPLE\\svc-monitor Source: 10.20.6.11";
        snare(
            minute,
            host,
            &mut dice,
            at_us,
            ("Security", 4_624, "Microsoft-Windows-Security-Auditing", "Success Audit", severity::NOTICE),
            text,
        );
    }
    for at_us in minute.moments(&mut dice, 0.03 + 0.03 * busy) {
        let (service, state) = (dice.pick(&["Windows Update", "Volume Shadow Copy", "Print Spooler"]), dice.pick(&["running", "stopped"]));
        let text = format!("The {service} service entered the {state} state.");
        snare(minute, host, &mut dice, at_us, ("System", 7_036, "Service Control Manager", "Information", severity::INFO), &text);
    }
    for at_us in minute.moments(&mut dice, 0.003) {
        let text = "The driver detected that the device D: has its write cache enabled. Data corruption may occur.";
        snare(minute, host, &mut dice, at_us, ("System", 32, "disk", "Warning", severity::WARNING), text);
    }
}

/// An event as Snare sends it: fields between tabs.
fn snare(minute: &mut Minute<'_>, host: &Host, dice: &mut Dice, at_us: TimestampUs, event: (&str, u32, &str, &str, u8), text: &str) {
    let (log, number, source, kind, grave) = event;
    let civil = Civil::new(at_us);
    let record = (at_us - minute.site.config().start_us).div_euclid(SECOND_US / 5) + 2_200_000;
    let criticality = if grave <= severity::WARNING { 2 } else { 1 };
    let line = format!(
        "<{}>{} {} \
         MSWinEventLog\t{criticality}\t{log}\t{record}\t{}\t{number}\t{source}\tEXAMPLE\\SYSTEM\tN/A\t{kind}\tfiles01.example.net\tNone\t\t{text}\t{}",
        u16::from(facility::USER) * 8 + u16::from(grave),
        civil.bsd(),
        host.name,
        civil.c_time(),
        dice.range(10, 9_999)
    );
    minute.send(at_us, host, line);
}
