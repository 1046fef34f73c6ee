//! The lines of the planted incidents. Their number does not depend on the log rate.

use super::civil::Civil;
use super::database_logs::{postgres, slow_statement};
use super::dice::Dice;
use super::events::Minute;
use super::hosts::{Host, HostKind};
use super::incident::{Detail, Incident, IncidentKind};
use super::syslog_line::{Said, cisco_asa, facility, severity};
use crate::clock::{HOUR_US, SECOND_US, TimestampUs};

const STREAM: u64 = 0x1C1D;

const GUESSES: [&str; 10] = ["root", "admin", "test", "oracle", "ubuntu", "git", "postgres", "pi", "backup", "ftpuser"];

pub(super) fn write(minute: &mut Minute<'_>) {
    let (site, start_us) = (minute.site, minute.start_us);
    // An incident may begin or end within the minute; one that ended in the minute before still boots or rolls back.
    let near = |one: &&Incident| one.start_us < start_us + 60 * SECOND_US && (!one.resolved || one.end_us + 60 * SECOND_US > start_us);
    for incident in site.planted().filter(near) {
        let Some(host) = site.host(incident.host) else { continue };
        let mut dice = minute.dice(STREAM + incident.kind as u64, host);
        match incident.kind {
            IncidentKind::DiskFilling => disk_filling(minute, host, incident, &mut dice),
            IncidentKind::SshBruteForce => brute_force(minute, host, incident, &mut dice),
            IncidentKind::DatabaseSlow => database_slow(minute, host, incident, &mut dice),
            IncidentKind::HostSilent => host_silent(minute, host, incident),
            IncidentKind::DeploymentErrors => deployment_errors(minute, incident, &mut dice),
            // The switch writes these with its other links.
            IncidentKind::LinkFlapping => {}
        }
    }
}

/// `mean` moments of this minute, in the order of time, as far as the incident covers them.
fn moments(minute: &Minute<'_>, incident: &Incident, dice: &mut Dice, mean: f64) -> Vec<TimestampUs> {
    let count = dice.count(mean);
    let mut moments: Vec<TimestampUs> = (0..count).map(|_| minute.moment(dice)).filter(|at_us| incident.covers(*at_us)).collect();
    moments.sort_unstable();
    moments
}

fn disk_filling(minute: &mut Minute<'_>, host: &Host, incident: &Incident, dice: &mut Dice) {
    let left_us = incident.end_us - minute.start_us;
    // From 90 % on, which the ramp reaches about five hours before the end, a check complains every half hour.
    if left_us < 5 * HOUR_US && minute.of_day() % 30 == 3 {
        let said = Said::new(facility::DAEMON, severity::WARNING, "disk-check", dice.range(4_000, 32_000) as u32);
        let text = format_args!("file system {} has free space below the minimum of 10 percent", incident.entity);
        minute.say(minute.start_us + 7 * SECOND_US, host, &said, text);
    }
    if left_us > 2 * HOUR_US {
        return;
    }
    // From once in ten minutes to three a minute.
    let mean = 0.1 + 2.9 * (1.0 - left_us.max(0) as f64 / (2 * HOUR_US) as f64);
    for at_us in moments(minute, incident, dice, mean) {
        let pid = dice.range(4_000, 32_000) as u32;
        let number = dice.range(10_000, 99_999);
        match host.kind {
            HostKind::DatabaseReplica => {
                let text = format_args!(
                    "[7-1] user=report,db=orders,app=reports ERROR:  could not write to file \
                     \"base/pgsql_tmp/pgsql_tmp{pid}.{number}\": No space left on device"
                );
                minute.say(at_us, host, &postgres(severity::ERROR, pid), text);
            }
            HostKind::Mail => {
                let said = Said::new(facility::MAIL, severity::CRITICAL, "dovecot", minute.site.daemon_pid(host, "dovecot", at_us));
                let text = format_args!("lmtp({pid}): Error: write(/var/mail/tmp/{number}.mail01) failed: No space left on device");
                minute.say(at_us, host, &said, text);
            }
            _ => {
                let said = Said::new(facility::DAEMON, severity::ERROR, "prometheus", minute.site.daemon_pid(host, "prometheus", at_us));
                let text = format_args!(
                    "level=error component=tsdb msg=\"Failed to write\" err=\"write /var/lib/prometheus/wal/000{number}: no \
                     space left on device\""
                );
                minute.say(at_us, host, &said, text);
            }
        }
    }
}

fn brute_force(minute: &mut Minute<'_>, host: &Host, incident: &Incident, dice: &mut Dice) {
    let Detail::Sources(sources) = &incident.detail else { return };
    let site = minute.site;
    for (number, at_us) in moments(minute, incident, dice, 30.0).into_iter().enumerate() {
        let source = dice.pick(sources);
        let (port, pid) = (dice.range(32_768, 61_000), dice.range(4_000, 32_000) as u32);
        let user = dice.pick(&GUESSES);
        let said = Said::new(facility::AUTHPRIV, severity::INFO, "sshd", pid);
        let known = matches!(user, "root" | "backup" | "postgres");
        if !known {
            minute.say(at_us - 200_000, host, &said, format_args!("Invalid user {user} from {source} port {port}"));
        }
        let whom = if known { user.to_owned() } else { format!("invalid user {user}") };
        minute.say(at_us, host, &said, format_args!("Failed password for {whom} from {source} port {port} ssh2"));
        if number % 3 > 0 {
            continue;
        }
        let text = format_args!(
            "Connection closed by {} {source} port {port} [preauth]",
            if known { "authenticating user root" } else { "invalid user" }
        );
        minute.say(at_us + 300_000, host, &said, text);
        if let Some(firewall) = site.host_of(HostKind::AsaFirewall) {
            let connection = (at_us - site.config().start_us).div_euclid(1_000) + 70_000_000;
            let built_us = minute.within(at_us - SECOND_US);
            let text = format!(
                "Built inbound TCP connection {connection} for outside:{source}/{port} ({source}/{port}) to dmz:{}/22 (198.51.100.{}/22)",
                host.name,
                10 + host.index
            );
            minute.send(built_us, firewall, cisco_asa(built_us, firewall, severity::INFO, 302_013, &text));
        }
    }
}

fn database_slow(minute: &mut Minute<'_>, host: &Host, incident: &Incident, dice: &mut Dice) {
    let strength = incident.ramp().at(minute.start_us + 30 * SECOND_US);
    for at_us in moments(minute, incident, dice, 14.0 * strength) {
        slow_statement(minute, host, dice, at_us, 1.0 + 9.0 * strength);
    }
    for at_us in moments(minute, incident, dice, 4.0 * strength) {
        let said = postgres(severity::ERROR, dice.range(4_000, 32_000) as u32);
        minute.say(at_us, host, &said, "[6-1] user=shop,db=orders,app=orders-api ERROR:  canceling statement due to statement timeout");
    }
    let full = if strength > 0.7 { 3.0 * strength } else { 0.0 };
    for at_us in moments(minute, incident, dice, full) {
        let said = postgres(severity::CRITICAL, dice.range(4_000, 32_000) as u32);
        let text = "[2-1] user=shop,db=orders,app=orders-api FATAL:  remaining connection slots are reserved for roles with \
            the SUPERUSER attribute";
        minute.say(at_us, host, &said, text);
    }
}

/// What the balancer sees, and how the host comes back.
fn host_silent(minute: &mut Minute<'_>, host: &Host, incident: &Incident) {
    let site = minute.site;
    if let Some(balancer) = site.host_of(HostKind::LoadBalancer) {
        let said = Said::new(facility::LOCAL0, severity::CRITICAL, "haproxy", site.daemon_pid(balancer, "haproxy", incident.start_us));
        let pool = if host.kind == HostKind::Web { "web_back" } else { "api_back" };
        let (down_us, up_us) = (incident.start_us + 6 * SECOND_US, incident.end_us + 45 * SECOND_US);
        if minute.holds(down_us) {
            let text = format_args!(
                "Server {pool}/{} is DOWN, reason: Layer4 timeout, check duration: 2001ms. 1 active and 0 backup servers left.",
                host.name
            );
            minute.say(down_us, balancer, &said, text);
        }
        if minute.holds(up_us) {
            let text = format_args!(
                "Server {pool}/{} is UP, reason: Layer7 check passed, code: 200. 2 active and 0 backup servers online.",
                host.name
            );
            minute.say(up_us, balancer, &said.with_severity(severity::NOTICE), text);
        }
    }
    let kernel = Said::without_pid(facility::KERN, severity::INFO, "kernel");
    let systemd = Said::new(facility::DAEMON, severity::INFO, "systemd", 1);
    let service = if host.kind == HostKind::Web { "nginx.service" } else { "orders-api.service" };
    let boot = [
        (0, &kernel, "[    0.000000] Linux version 6.8.0-48-generic (builder@example.net) #48 SMP PREEMPT_DYNAMIC".to_owned()),
        (1, &kernel, "[    0.000000] Command line: BOOT_IMAGE=/vmlinuz-6.8.0-48-generic root=/dev/mapper/vg0-root ro".to_owned()),
        (2, &kernel, "[    1.412087] EXT4-fs (dm-0): recovery complete".to_owned()),
        (3, &kernel, "[    2.008431] systemd[1]: System was not shut down cleanly, journal will be rotated".to_owned()),
        (900, &systemd, "Reached target network-online.target - Network is Online.".to_owned()),
        (1_400, &systemd, format!("Started {service}.")),
        (2_100, &systemd, "Startup finished in 3.214s (kernel) + 16.870s (userspace) = 20.084s.".to_owned()),
    ];
    for (after_ms, said, text) in boot {
        let at_us = incident.end_us + after_ms * 1_000;
        if minute.holds(at_us) {
            minute.say(at_us, host, said, text);
        }
    }
}

fn deployment_errors(minute: &mut Minute<'_>, incident: &Incident, dice: &mut Dice) {
    let site = minute.site;
    let release = 400 + incident.start_us.div_euclid(24 * HOUR_US) % 90;
    for api in site.hosts().iter().filter(|one| one.kind == HostKind::Api) {
        let deployd = Said {
            msgid: "deploy",
            ..Said::new(facility::DAEMON, severity::NOTICE, "deployd", site.daemon_pid(api, "deployd", minute.start_us))
        };
        let own_us = api.index as i64 * 400_000;
        if minute.holds(incident.start_us + own_us) {
            minute.say(
                incident.start_us + own_us,
                api,
                &deployd,
                format_args!("orders-api: activated release 5.{release}.0 (was 5.{}.3)", release - 1),
            );
        }
        if minute.holds(incident.end_us - own_us) {
            minute.say(
                incident.end_us - own_us,
                api,
                &deployd,
                format_args!("orders-api: rolled back to release 5.{}.3, reason: error rate", release - 1),
            );
        }
        for at_us in moments(minute, incident, dice, 7.0) {
            let data = format!("[http@32473 trace=\"{:016x}\" release=\"5.{release}.0\"]", dice.word());
            let pid = site.daemon_pid(api, "orders-api", at_us);
            let said = Said { msgid: "error", data: &data, ..Said::new(facility::LOCAL0, severity::ERROR, "orders-api", pid) };
            let order = dice.range(1_000, 9_999);
            let text = format_args!(
                "unhandled error in GET /api/v1/orders/{order}: column \"delivery_slot\" of relation \"orders\" does not exist"
            );
            minute.say(at_us, api, &said, text);
        }
    }
    let Some(balancer) = site.host_of(HostKind::LoadBalancer) else { return };
    let said = Said::new(facility::LOCAL0, severity::ERROR, "haproxy", site.daemon_pid(balancer, "haproxy", minute.start_us));
    for at_us in moments(minute, incident, dice, 5.0) {
        let stamp = Civil::new(at_us).web();
        let (client, port, order) = (dice.range(1, 255), dice.range(32_768, 61_000), dice.range(1_000, 9_999));
        let text = format_args!(
            "198.18.4.{client}:{port} [{stamp}.000] api~ api_back/<NOSRV> 0/-1/-1/-1/0 503 217 - - SC-- 21/21/0/0/3 0/0 \
             \"GET /api/v1/orders/{order} HTTP/1.1\""
        );
        minute.say(at_us, balancer, &said, text);
    }
}
