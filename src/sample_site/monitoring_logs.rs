//! The monitoring host: Prometheus, Grafana, and the prober that notices when a host is gone.

use super::events::Minute;
use super::hosts::HostKind;
use super::incident::IncidentKind;
use super::syslog_line::{Said, facility, severity};
use crate::clock::SECOND_US;

const STREAM: u64 = 0x303;

pub(super) fn write(minute: &mut Minute<'_>) {
    let site = minute.site;
    let Some(host) = site.host_of(HostKind::Monitoring) else { return };
    let mut dice = minute.dice(STREAM, host);
    let start_us = minute.start_us;
    let prometheus = Said::new(facility::DAEMON, severity::INFO, "prometheus", site.daemon_pid(host, "prometheus", start_us));
    if minute.of_day() % 120 == 61 {
        let at_us = minute.moment(&mut dice);
        let (blocks, seconds) = (dice.range(1, 4), dice.skewed(2.1));
        let text = format_args!("level=info component=tsdb msg=\"write block\" mint={} duration={seconds:.3}s", at_us / 1_000 - 7_200_000);
        minute.say(at_us, host, &prometheus, text);
        let text = format_args!("level=info component=tsdb msg=\"WAL checkpoint complete\" first={blocks} duration={:.3}s", seconds / 3.0);
        minute.say(at_us + 2 * SECOND_US, host, &prometheus, text);
    }
    let busy = site.busy(start_us);
    let grafana = site.daemon_pid(host, "grafana", start_us);
    for at_us in minute.moments(&mut dice, 0.55 * busy) {
        let data = format!("[web@32473 user=\"{}\"]", dice.pick(&["m.okafor", "s.lind", "wallboard"]));
        let said = Said { data: &data, ..Said::new(facility::DAEMON, severity::INFO, "grafana", grafana) };
        let (board, ms) = (dice.pick(&["hosts", "orders", "network", "databases"]), dice.skewed(70.0));
        let text = format_args!(
            "logger=context msg=\"Request Completed\" method=POST path=/api/ds/query board={board} status=200 time_ms={ms:.0}"
        );
        minute.say(at_us, host, &said, text);
    }
    let prober = site.daemon_pid(host, "blackbox_exporter", start_us);
    for at_us in minute.moments(&mut dice, 0.01) {
        let target = dice.pick(&["mail01", "fw02", "files01", "esx01"]);
        let said = Said::new(facility::DAEMON, severity::WARNING, "blackbox_exporter", prober);
        minute.say(
            at_us,
            host,
            &said,
            format_args!("level=warn module=icmp msg=\"slow answer\" to={target} duration_ms={:.0}", dice.skewed(400.0)),
        );
    }
    if let Some(incident) = site.ongoing(IncidentKind::HostSilent, start_us + 59 * SECOND_US) {
        let at_us = start_us + 59 * SECOND_US;
        let said = Said::new(facility::DAEMON, severity::ERROR, "blackbox_exporter", prober);
        minute.say(
            at_us,
            host,
            &said,
            format_args!("level=error module=icmp target={} msg=\"Probe failed\" duration_seconds=5.001", incident.host),
        );
    }
}
