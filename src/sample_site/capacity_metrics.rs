//! What only questions about capacity read: licences, runs of the backup, volume of the logs, certificates, and volumes with a past
//! of their own.

use super::dice::key;
use super::hosts::HostKind;
use super::metrics::{Layout, Lifetime};
use super::shape::Ramp;
use super::signal::{Gauge, Load, Renewal, Signal};
use super::slow_change::SlowChange;
use super::volume::{Filling, GIB, MOVE_BEFORE_US};
use crate::clock::{DAY_US, HOUR_US, TimestampUs};

/// A volume of a young project is measured since this long before the end of the period.
const YOUNG_US: i64 = 9 * DAY_US;

/// What says how much there is of two resources is not measured any more since this long before the end of the period.
const LIMIT_LOST_US: i64 = 21 * DAY_US;

/// A Sunday: 1970 began on a Thursday.
const SUNDAY_US: TimestampUs = 3 * DAY_US;

pub(super) fn lay_out(layout: &mut Layout<'_>) {
    match layout.host.kind {
        HostKind::DatabasePrimary | HostKind::DatabaseReplica => {
            layout.job("postgres", 9_187);
            layout.add("pg_settings_max_connections", &[], Signal::Constant(200.0));
        }
        HostKind::Api if layout.host.name == "api01" => young_volume(layout),
        HostKind::Mail => mailboxes(layout),
        HostKind::Monitoring => {
            certificates(layout);
            log_volume(layout);
        }
        HostKind::Backup => backup_runs(layout),
        HostKind::WindowsDomainController => licences(layout),
        HostKind::VmwareHost => templates_store(layout),
        _ => {}
    }
}

fn volume(layout: &mut Layout<'_>, mount: &str, gib: f64, lifetime: Lifetime, filling: Filling) {
    layout.job("node", 9_100);
    let labels = [("device", "/dev/mapper/vg2-data"), ("fstype", "xfs"), ("mountpoint", mount)];
    layout.add_for(lifetime, "node_filesystem_size_bytes", &labels, Signal::Constant(gib * GIB));
    let free = Signal::Gauge(filling.free(layout, gib * GIB, mount));
    layout.add_for(lifetime, "node_filesystem_avail_bytes", &labels, free);
}

/// Filled from an old server within six days, and quiet from then on: a straight line through it is wrong.
fn young_volume(layout: &mut Layout<'_>) {
    let from_us = layout.end_us() - YOUNG_US;
    let copied = Ramp { start_us: from_us, rise_us: 6 * DAY_US, fall_us: i64::MAX, fall_for_us: 1 };
    let level = Load::steady(0.06).with_surge(Some(copied), 0.34);
    let filling = Filling { level, trend_per_week: 0.002, saw_per_day: 0.0, changes: Vec::new() };
    volume(layout, "/srv/attachments", 200.0, Lifetime { from_us, until_us: i64::MAX }, filling);
}

fn mailboxes(layout: &mut Layout<'_>) {
    let moved = Ramp { start_us: layout.end_us() - MOVE_BEFORE_US, rise_us: 4 * DAY_US, fall_us: i64::MAX, fall_for_us: 1 };
    let filling = Filling::steady(layout, 0.58, 0.001_2).with(SlowChange::LessBefore { ramp: moved, amount: 0.25 });
    volume(layout, "/srv/mailboxes", 500.0, Lifetime::ALWAYS, filling);
}

fn templates_store(layout: &mut Layout<'_>) {
    layout.job("vmware", 9_272);
    let (labels, bytes) = ([("datastore", "nfs-templates")], 1_024.0 * GIB);
    let free = Filling::steady(layout, 0.57, 0.001).free(layout, bytes, "templates");
    layout.add("vmware_datastore_free_bytes", &labels, Signal::Gauge(Gauge { grain: 1_048_576.0, ..free }));
    let known = Lifetime { from_us: i64::MIN, until_us: layout.end_us() - LIMIT_LOST_US };
    layout.add_for(known, "vmware_datastore_capacity_bytes", &labels, Signal::Constant(bytes));
}

fn licences(layout: &mut Layout<'_>) {
    layout.job("licences", 9_345);
    let hired = SlowChange::Hiring { now_us: layout.config.start_us, amount: 7.0 };
    let used = |layout: &Layout<'_>, product: &str, level: Load, wander: f64, changes: Vec<SlowChange>| {
        Signal::Gauge(Gauge { wander, changes, ..Gauge::new(level, layout.uneven(product)) })
    };
    let office = used(layout, "office", Load::steady(229.5), 0.0, vec![hired]);
    layout.add("license_used", &[("product", "office-suite")], office);
    layout.add("license_total", &[("product", "office-suite")], Signal::Constant(250.0));
    let cad = used(layout, "cad", Load::new(2.0, 14.0, 0.0), 1.5, Vec::new());
    layout.add("license_used", &[("product", "cad-floating")], cad);
    layout.add("license_total", &[("product", "cad-floating")], Signal::Constant(25.0));
    let agents = used(layout, "agents", Load::steady(41.5).growing(0.001), 0.0, Vec::new());
    layout.add("license_used", &[("product", "backup-agent")], agents);
    let known = Lifetime { from_us: i64::MIN, until_us: layout.end_us() - LIMIT_LOST_US };
    layout.add_for(known, "license_total", &[("product", "backup-agent")], Signal::Constant(60.0));
}

fn backup_runs(layout: &mut Layout<'_>) {
    layout.job("backup", 9_346);
    // Ends and lengths are those of the nightly window of the rest of the site.
    let runs = [("nightly", 5_400.0, 2 * HOUR_US + HOUR_US / 2, DAY_US), ("weekly-full", 10_500.0, SUNDAY_US + 4 * HOUR_US, 7 * DAY_US)];
    for (number, (job_name, seconds, end_us, every_us)) in runs.into_iter().enumerate() {
        let key = key(&[layout.config.seed, 0xBAC7, number as u64]);
        let run = Signal::LastRun { seconds, growth_per_week: 0.004, end_us, every_us, key };
        layout.add("backup_last_duration_seconds", &[("job_name", job_name)], run);
    }
}

fn certificates(layout: &mut Layout<'_>) {
    layout.job("blackbox", 9_115);
    let end_us = layout.end_us();
    let noon_after = |left_us: i64| (end_us + left_us).div_euclid(DAY_US) * DAY_US + 12 * HOUR_US;
    let by_itself = Renewal { every_us: 60 * DAY_US, ahead_us: 30 * DAY_US, by_hand: false };
    let by_hand = Renewal { every_us: 351 * DAY_US, ahead_us: 14 * DAY_US, by_hand: true };
    let ends = [
        ("https://www.example.net", noon_after(41 * DAY_US), by_itself),
        ("https://vpn.example.net", noon_after(33 * DAY_US), by_hand),
        ("smtp://mail.example.net", noon_after(200 * DAY_US), by_hand),
    ];
    for (target, end_us, renewal) in ends {
        layout.add("probe_ssl_earliest_cert_expiry", &[("target", target)], Signal::Expiry { end_us, renewal });
    }
}

/// Bytes of messages by the program that sent them: about what the site's lines have.
fn log_volume(layout: &mut Layout<'_>) {
    layout.job("log-collector", 9_598);
    // Bytes a second: always, and in the busiest hour on top.
    let apps = [("nginx", 1.5, 16.0), ("haproxy", 1.2, 15.0), ("postgres", 6.0, 12.0), ("orders-api", 0.8, 4.0), ("postfix", 1.0, 5.5)];
    for (app, steady, business) in apps {
        let load = Load::new(steady, business, 0.0).scaled(layout.config.log_rate).growing(0.003);
        let signal = Signal::Counter { load, uneven: layout.uneven(&format!("volume {app}")), grain: 1.0 };
        layout.add("log_received_bytes_total", &[("app", app)], signal);
    }
}
