//! What every Linux host says by itself: cron, systemd, sshd, time keeping, upgrades, the nightly backup.

use super::civil::Civil;
use super::dice::Dice;
use super::events::Minute;
use super::hosts::{Host, HostKind};
use super::syslog_line::{Said, facility, severity};
use crate::clock::SECOND_US;

const STREAM: u64 = 0x575;

const ADMINS: [&str; 3] = ["m.okafor", "s.lind", "netops"];
const PACKAGES: [&str; 8] = ["libssl3", "openssh-server", "curl", "tzdata", "libc6", "vim-common", "sudo", "python3.12"];

pub(super) fn write(minute: &mut Minute<'_>) {
    for host in minute.site.hosts().iter().filter(|host| host.kind.is_linux()) {
        let mut dice = minute.dice(STREAM, host);
        cron(minute, host, &mut dice);
        systemd(minute, host, &mut dice);
        sshd(minute, host, &mut dice);
        daily(minute, host, &mut dice);
        if host.kind == HostKind::Backup {
            backup(minute, host);
        }
    }
}

/// Jobs at fixed minutes: they come at the same times whatever the scale.
fn cron(minute: &mut Minute<'_>, host: &Host, dice: &mut Dice) {
    let in_hour = minute.of_day() % 60;
    let job = match in_hour {
        5 | 15 | 25 | 35 | 45 | 55 => "(root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)",
        17 => "(root) CMD (cd / && run-parts --report /etc/cron.hourly)",
        _ => return,
    };
    let pid = dice.range(4_000, 32_000) as u32;
    let said = Said::new(facility::CRON, severity::INFO, "CRON", pid);
    let at_us = minute.start_us + SECOND_US + host.index as i64 * 13_000;
    minute.say(at_us, host, &said, job);
    if in_hour == 17 {
        let said = Said::new(facility::AUTHPRIV, severity::INFO, "CRON", pid);
        minute.say(at_us - 200_000, host, &said, "pam_unix(cron:session): session opened for user root(uid=0) by root(uid=0)");
        minute.say(at_us + 300_000, host, &said, "pam_unix(cron:session): session closed for user root");
    }
}

fn systemd(minute: &mut Minute<'_>, host: &Host, dice: &mut Dice) {
    let said = Said::new(facility::DAEMON, severity::INFO, "systemd", 1);
    for at_us in minute.moments(dice, 0.045) {
        let unit = dice.pick(&["fstrim", "man-db", "apt-daily", "motd-news", "systemd-tmpfiles-clean", "phpsessionclean", "fwupd-refresh"]);
        minute.say(at_us, host, &said, format_args!("Starting {unit}.service..."));
        let ms = dice.skewed(350.0) as i64;
        minute.say(at_us + ms * 1_000, host, &said, format_args!("{unit}.service: Deactivated successfully."));
        minute.say(at_us + ms * 1_000 + 900, host, &said, format_args!("Finished {unit}.service."));
    }
    for at_us in minute.moments(dice, 0.008) {
        let pid = minute.site.daemon_pid(host, "chronyd", at_us);
        let said = Said::new(facility::DAEMON, severity::INFO, "chronyd", pid);
        minute.say(at_us, host, &said, format_args!("Selected source 10.20.0.1 (edge-rtr01), offset {:.6} s", dice.unit() * 0.002 - 0.001));
    }
    for at_us in minute.moments(dice, 0.004) {
        let uptime = (at_us - minute.site.booted_us(host, at_us)) as f64 / SECOND_US as f64;
        let text = dice.pick(&[
            "TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies.",
            "perf: interrupt took too long (3142 > 3132), lowering kernel.perf_event_max_sample_rate to 63500",
            "audit: type=1400 apparmor=\"DENIED\" operation=\"open\" profile=\"/usr/sbin/chronyd\" name=\"/etc/ssl/openssl.cnf\"",
        ]);
        let grave = if text.starts_with("audit") { severity::NOTICE } else { severity::WARNING };
        minute.say(at_us, host, &Said::without_pid(facility::KERN, grave, "kernel"), format_args!("[{uptime:.6}] {text}"));
    }
}

/// Administrators and their tools log in, and once in a while somebody mistypes a password.
fn sshd(minute: &mut Minute<'_>, host: &Host, dice: &mut Dice) {
    let busy = minute.site.busy(minute.start_us);
    for at_us in minute.moments(dice, 0.012 + 0.05 * busy) {
        let pid = dice.range(4_000, 32_000) as u32;
        let said = Said::new(facility::AUTHPRIV, severity::INFO, "sshd", pid);
        let (user, from) = if dice.chance(0.6) {
            ("deploy", "10.20.6.11".to_owned())
        } else {
            (dice.pick(&ADMINS), format!("10.20.20.{}", dice.range(10, 40)))
        };
        let port = dice.range(32_768, 61_000);
        let accepted = format_args!("Accepted publickey for {user} from {from} port {port} ssh2: ED25519 SHA256:{:016x}", dice.word());
        minute.say(at_us, host, &said, accepted);
        minute.say(at_us + 40_000, host, &said, format_args!("pam_unix(sshd:session): session opened for user {user} by (uid=0)"));
        let ended_us = at_us + (dice.skewed(9.0) * SECOND_US as f64) as i64;
        minute.say(ended_us, host, &said, format_args!("Received disconnect from {from} port {port}:11: disconnected by user"));
        minute.say(ended_us + 9_000, host, &said, format_args!("pam_unix(sshd:session): session closed for user {user}"));
        if user != "deploy" && dice.chance(0.5) {
            let said = Said::without_pid(facility::AUTHPRIV, severity::NOTICE, "sudo");
            let command =
                dice.pick(&["/usr/bin/systemctl status", "/usr/bin/journalctl -n 100", "/usr/bin/apt-get update", "/usr/sbin/ss -ltnp"]);
            minute.say(
                at_us + 3 * SECOND_US,
                host,
                &said,
                format_args!("{user} : TTY=pts/0 ; PWD=/home/{user} ; USER=root ; COMMAND={command}"),
            );
        }
    }
    for at_us in minute.moments(dice, 0.0006 + 0.0015 * busy) {
        let said = Said::new(facility::AUTHPRIV, severity::INFO, "sshd", dice.range(4_000, 32_000) as u32);
        let (user, from) = (dice.pick(&ADMINS), dice.range(10, 40));
        let text = format_args!("Failed password for {user} from 10.20.20.{from} port {} ssh2", dice.range(32_768, 61_000));
        minute.say(at_us, host, &said, text);
    }
}

/// Rotation at midnight and upgrades in the morning, at minutes of each host's own.
fn daily(minute: &mut Minute<'_>, host: &Host, dice: &mut Dice) {
    let of_day = minute.of_day();
    let own = host.index as i64;
    let daemon = Said::new(facility::DAEMON, severity::INFO, "systemd", 1);
    if of_day == own % 4 {
        let at_us = minute.moment(dice);
        minute.say(at_us, host, &daemon, "Starting logrotate.service - Rotate log files...");
        minute.say(at_us + 700_000, host, &daemon, "Finished logrotate.service - Rotate log files.");
    }
    if of_day == 6 * 60 + 5 + own * 2 {
        let said = Said::new(facility::USER, severity::INFO, "unattended-upgrade", dice.range(4_000, 32_000) as u32);
        let at_us = minute.start_us + 2 * SECOND_US;
        minute.say(at_us, host, &said, "Checking for new package versions");
        let count = dice.range(-2, 4).max(0);
        for number in 0..count {
            let package = dice.pick(&PACKAGES);
            let said = Said::without_pid(facility::USER, severity::INFO, "dpkg");
            let text = format_args!("upgrade {package}:amd64 1.{0}-{1}ubuntu1 1.{0}-{2}ubuntu1", dice.range(0, 30), number + 3, number + 4);
            minute.say(at_us + (8 + 9 * number) * SECOND_US, host, &said, text);
        }
        let text = if count == 0 {
            "No packages found that can be upgraded unattended".to_owned()
        } else {
            format!("All upgrades installed: {count}")
        };
        minute.say(at_us + 50 * SECOND_US, host, &said, text);
    }
}

/// The nightly window: every Linux host in turn, a line when it begins and one when it ends.
fn backup(minute: &mut Minute<'_>, host: &Host) {
    const FIRST_MINUTE: i64 = 65;
    const MINUTES_EACH: i64 = 9;
    let site = minute.site;
    let since = minute.of_day() - FIRST_MINUTE;
    let sources: Vec<&Host> = site.hosts().iter().filter(|host| host.kind.is_linux() && host.kind != HostKind::Backup).collect();
    if since < 0 || since >= MINUTES_EACH * sources.len() as i64 {
        return;
    }
    let mut dice = minute.dice(STREAM + 1, host);
    let source = sources[(since / MINUTES_EACH) as usize];
    let said = Said::new(facility::USER, severity::INFO, "borg", site.daemon_pid(host, source.name, minute.start_us));
    let archive = format!("{}-{}", source.name, Civil::new(minute.start_us).date());
    match since % MINUTES_EACH {
        0 => minute.say(minute.start_us + 5 * SECOND_US, host, &said, format_args!("Creating archive at \"/srv/backup/repo::{archive}\"")),
        step if step == MINUTES_EACH - 1 => {
            let (files, gigabytes) = (dice.skewed(90_000.0) as i64, dice.skewed(2.4));
            let text = format_args!("Archive {archive} done: {files} files, {gigabytes:.2} GB new after deduplication, exit status 0");
            minute.say(minute.start_us + 41 * SECOND_US, host, &said, text);
        }
        _ => {
            let at_us = minute.moment(&mut dice);
            minute.say(
                at_us,
                host,
                &said.with_severity(severity::DEBUG),
                format_args!("{archive}: {} files so far", dice.skewed(30_000.0) as i64),
            );
        }
    }
}
