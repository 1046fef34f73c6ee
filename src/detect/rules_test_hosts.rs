//! The shipped rules about hosts, over lines as kernels, daemons and devices write them, and over a node exporter's series.

use std::collections::BTreeSet;

use super::rules_test_tables::{Line, MINUTE_US, Measure, NOON, Tables, line, measure, rule, said, titles};
use crate::clock::{HOUR_US, SECOND_US, TimestampUs};

const GIB: f64 = 1_073_741_824.0;

fn kernel(messages: &[&str]) -> Tables {
    said("db01", "kernel", 3, messages)
}

fn measured(measures: Vec<Measure>) -> Tables {
    Tables { lines: Vec::new(), measures }
}

/// A file system's space every two minutes between two moments.
fn space(mountpoint: &'static str, from_us: TimestampUs, to_us: TimestampUs, avail_gib: impl Fn(f64) -> f64) -> Vec<Measure> {
    let labels = vec![("device", "/dev/mapper/vg1-data"), ("fstype", "xfs"), ("mountpoint", mountpoint)];
    (from_us / MINUTE_US..to_us / MINUTE_US)
        .step_by(2)
        .map(|minute| {
            let hours = (minute * MINUTE_US - from_us) as f64 / HOUR_US as f64;
            let value = (avail_gib(hours) * GIB).floor();
            Measure {
                at_us: minute * MINUTE_US + 20 * SECOND_US,
                name: "node_filesystem_avail_bytes",
                host: "mail01",
                labels: labels.clone(),
                value,
            }
        })
        .collect()
}

/// A little up and down, as every file system has it.
fn breath(hours: f64) -> f64 {
    0.05 * (hours * 7.0).sin()
}

#[tokio::test]
async fn a_file_system_that_fills_is_found_within_ten_minutes() {
    let start_us = NOON - 20 * HOUR_US;
    // From the twentieth hour on, 250 GiB fill by 1.2 % an hour, as far as 70 % is full already.
    let filling = |hours: f64| 75.0 + breath(hours) - 3.0 * (hours - 20.0).max(0.0);
    let tables = measured(space("/var/mail", start_us, NOON + HOUR_US, filling));
    let findings = tables.findings_between(&rule("filesystem_filling"), NOON - 2 * MINUTE_US, NOON + 16 * MINUTE_US).await;
    let first = findings.first().unwrap();
    assert!((6..=10).contains(&((first.window_end_us - NOON) / MINUTE_US)), "found at {}", first.window_end_us - NOON);
    assert!(first.title.starts_with("/var/mail on mail01 fills by "), "{}", first.title);
    assert!(findings.len() >= 4, "it goes on, and so do the findings: {}", findings.len());
    assert_eq!(tables.evidence(&rule("filesystem_filling"), first).await.len(), 20);
}

#[tokio::test]
async fn ordinary_growth_dumps_and_upgrades_fill_nothing() {
    let start_us = NOON - 26 * HOUR_US;
    let until_us = NOON + HOUR_US;
    let slow = |hours: f64| 100.0 + breath(hours) - 0.4 * hours;
    // One large file in three minutes.
    let upgrade = |hours: f64| 20.0 + breath(hours) - (20.0 * (hours - 26.2)).clamp(0.0, 1.0);
    // Space comes back.
    let clean_up = |hours: f64| 20.0 + breath(hours) + (3.0 * (hours - 26.2)).clamp(0.0, 9.0);
    // A dump of 40 minutes at the same hour of every day, deleted after an hour; and one that nobody knows from yesterday.
    let dump = |hours: f64| 30.0 * ((hours % 24.0) - 2.1).clamp(0.0, 0.7) * f64::from((hours % 24.0) < 3.1);
    let mut measures = space("/slow", start_us, until_us, slow);
    measures.extend(space("/upgrade", start_us, until_us, upgrade));
    measures.extend(space("/clean", start_us, until_us, clean_up));
    measures.extend(space("/dump", start_us, until_us, |hours| 50.0 + breath(hours) - dump(hours)));
    measures.extend(space("/once", start_us, until_us, |hours| 50.0 + breath(hours) - dump((hours - 20.0).max(0.0) + 20.0)));
    let tables = measured(measures);
    let findings = tables.findings_between(&rule("filesystem_filling"), NOON + 8 * MINUTE_US, NOON + 24 * MINUTE_US).await;
    let found: BTreeSet<_> = findings.iter().map(|finding| finding.entity["mountpoint"].as_str()).collect();
    assert_eq!(found, BTreeSet::from(["/once"]));
}

/// A sample a step from a host between two moments.
fn pulse(host: &'static str, name: &'static str, from_us: TimestampUs, to_us: TimestampUs, step_us: i64) -> Vec<Measure> {
    (from_us / step_us..to_us / step_us).map(|n| measure(n * step_us + 10 * SECOND_US, host, name, &[], 1.0)).collect()
}

#[tokio::test]
async fn a_host_whose_measurements_stop_is_found_once_within_ten_minutes() {
    let (from_us, until_us) = (NOON - 3 * HOUR_US, NOON + HOUR_US);
    let mut measures = pulse("web01", "node_load1", from_us, until_us, MINUTE_US);
    measures.extend(pulse("db01", "node_load1", from_us, until_us, MINUTE_US));
    measures.extend(pulse("web02", "node_load1", from_us, NOON, MINUTE_US));
    // What the collector makes up about a target that is gone.
    measures.extend(pulse("web02", "up", NOON, until_us, MINUTE_US));
    // Every five minutes is this one's habit, and a restart of four minutes is nobody's silence.
    measures.extend(pulse("ups01", "upsBatteryStatus", from_us, until_us, 5 * MINUTE_US));
    measures.extend(pulse("app01", "node_load1", from_us, NOON, MINUTE_US));
    measures.extend(pulse("app01", "node_load1", NOON + 4 * MINUTE_US, until_us, MINUTE_US));
    let tables = measured(measures);
    let rule = rule("host_metrics_silent");
    let findings = tables.findings_between(&rule, NOON - 2 * MINUTE_US, NOON + 12 * MINUTE_US).await;
    let found: Vec<_> =
        findings.iter().map(|finding| ((finding.window_end_us - NOON) / MINUTE_US, finding.entity["host"].as_str())).collect();
    assert_eq!(found, [(6, "web02")]);
    assert_eq!(tables.evidence(&rule, &findings[0]).await.len(), 20);
}

#[tokio::test]
async fn when_all_measurements_stop_the_collector_is_silent_and_not_the_hosts() {
    let hosts = ["a", "b", "c", "d", "e", "f"];
    let mut measures = Vec::new();
    for (place, host) in hosts.into_iter().enumerate() {
        let own_us = place as i64 * 9 * SECOND_US;
        measures.extend((0..180).map(|minute| measure(NOON - 3 * HOUR_US + minute * MINUTE_US + own_us, host, "node_load1", &[], 1.0)));
    }
    let findings = measured(measures).findings_between(&rule("host_metrics_silent"), NOON, NOON + 12 * MINUTE_US).await;
    assert!(findings.is_empty(), "{} findings", findings.len());
}

#[tokio::test]
async fn inodes_run_out_while_space_is_left() {
    let filesystem = |mountpoint, inodes, free| {
        let labels = [("device", "/dev/sda1"), ("fstype", "ext4"), ("mountpoint", mountpoint)];
        [("node_filesystem_files", inodes), ("node_filesystem_files_free", free)]
            .map(|(name, value)| measure(NOON - MINUTE_US, "mail01", name, &labels, value))
    };
    let measures = [filesystem("/var/spool", 1e6, 4e4), filesystem("/", 1e6, 6e4), filesystem("/btrfs", 0.0, 0.0)];
    let tables = measured(measures.into_iter().flatten().collect());
    assert_eq!(titles(&tables, "filesystem_inodes").await, ["/var/spool on mail01 has used 96 % of its inodes"]);
}

#[tokio::test]
async fn a_file_system_that_turns_read_only_is_found_in_log_and_metrics() {
    let tables = kernel(&[
        "[81.2] EXT4-fs (sda1): Remounting filesystem read-only",
        "XFS (dm-3): Corruption of in-memory data (0x8) detected at xfs_trans_cancel. Shutting down filesystem.",
        "BTRFS info (device sdc: state E): forced readonly",
        "EXT4-fs (sdd1): mounted filesystem with ordered data mode. Opts: (null). Quota mode: none.",
        "EXT4-fs (sde1): re-mounted. Opts: errors=remount-ro",
    ]);
    let says = |device: &str| format!("The file system on {device} of db01 can no longer be written");
    assert_eq!(titles(&tables, "filesystem_readonly").await, ["dm-3", "sda1", "sdc"].map(says));
    let state = |at_us, device, value| {
        measure(at_us, "db01", "node_filesystem_readonly", &[("device", device), ("fstype", "xfs"), ("mountpoint", "/x")], value)
    };
    let turned = [state(NOON - HOUR_US, "/dev/sdb1", 0.0), state(NOON - MINUTE_US, "/dev/sdb1", 1.0)];
    let always = [state(NOON - HOUR_US, "/dev/sr0", 1.0), state(NOON - MINUTE_US, "/dev/sr0", 1.0)];
    let tables = measured(turned.into_iter().chain(always).collect());
    assert_eq!(titles(&tables, "filesystem_readonly").await, [says("sdb1")]);
}

#[tokio::test]
async fn who_was_killed_for_memory_is_named() {
    let tables = kernel(&[
        "[12.5] Out of memory: Killed process 4242 (java) total-vm:9123456kB, anon-rss:8123456kB, file-rss:0kB, UID:998",
        "Out of Memory: Killed process 2910 (httpd).",
        "Out of memory: Kill process 77 (mysqld) score 811 or sacrifice child",
        "Memory cgroup out of memory: Killed process 99 (node) total-vm:1kB",
        "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    ]);
    let found = titles(&tables, "oom_kill").await;
    assert_eq!(found, ["Memory ran out on db01: httpd, java, mysqld, node killed (4 in 5 minutes)"]);
    let talk = said("db01", "shop", 3, &["Out of memory: Killed process 1 (x) said the kernel"]);
    assert!(titles(&talk, "oom_kill").await.is_empty(), "only the kernel kills");
}

/// A gauge once a minute over the last quarter of an hour.
fn quarter(host: &'static str, name: &'static str, value: impl Fn(i64) -> f64) -> Vec<Measure> {
    (1..=15).map(|ago| measure(NOON - ago * MINUTE_US, host, name, &[], value(ago))).collect()
}

#[tokio::test]
async fn memory_is_low_when_it_stays_low() {
    let mut measures = Vec::new();
    for (host, available) in [("db01", 3.0), ("web01", 6.0)] {
        measures.extend(quarter(host, "node_memory_MemTotal_bytes", |_| 100.0));
        measures.extend(quarter(host, "node_memory_MemAvailable_bytes", |_| available));
    }
    measures.extend(quarter("peak01", "node_memory_MemTotal_bytes", |_| 100.0));
    measures.extend(quarter("peak01", "node_memory_MemAvailable_bytes", |ago| if ago == 13 { 20.0 } else { 2.0 }));
    measures.extend(quarter("files01", "windows_memory_physical_total_bytes", |_| 100.0));
    measures.extend(quarter("files01", "windows_memory_available_bytes", |_| 1.0));
    let says = ["db01 has only 3 % of its memory available", "files01 has only 1 % of its memory available"];
    assert_eq!(titles(&measured(measures), "memory_low").await, says);
}

/// Idle counters of two processors and the load over the last quarter of an hour.
fn processors(host: &'static str, idle: f64, load: f64, boots: bool) -> Vec<Measure> {
    let mut measures = quarter(host, "node_load5", |_| load);
    for cpu in ["0", "1"] {
        measures.extend((1..=15).map(|ago| {
            let since_s = if boots && ago < 8 { (8 - ago) * 60 } else { 900_000 - ago * 60 };
            measure(NOON - ago * MINUTE_US, host, "node_cpu_seconds_total", &[("cpu", cpu), ("mode", "idle")], since_s as f64 * idle)
        }));
    }
    measures
}

#[tokio::test]
async fn processors_are_saturated_for_a_quarter_of_an_hour() {
    let mut measures = processors("busy01", 0.01, 2.5, false);
    measures.extend(processors("waits01", 0.60, 9.0, false));
    measures.extend(processors("fine01", 0.10, 5.0, false));
    measures.extend(processors("boots01", 0.01, 2.5, true));
    let found = titles(&measured(measures), "cpu_saturated").await;
    assert_eq!(
        found,
        ["busy01 is overloaded: 1 % idle, 1.30 tasks a processor", "waits01 is overloaded: 60 % idle, 4.50 tasks a processor"]
    );
}

#[tokio::test]
async fn disks_that_die_say_so_in_many_ways() {
    let mut tables = kernel(&[
        "[9.1] I/O error, dev sdb, sector 190876 op 0x0:(READ) flags 0x80700 phys_seg 4 prio class 2",
        "[9.2] Buffer I/O error on dev sdb1, logical block 23859, async page read",
        "[9.3] blk_update_request: I/O error, dev sdb, sector 190880",
        "[9.4] blk_update_request: critical medium error, dev sdc, sector 88",
        "[9.5] ata3.00: error: { UNC }",
        "I/O error, dev sdf, sector 1",
        "I/O error, dev sr0, sector 1",
        "I/O error, dev sr0, sector 2",
        "I/O error, dev sr0, sector 3",
        "I/O error, dev fd0, sector 0",
    ]);
    tables.lines.extend(
        said(
            "db01",
            "smartd",
            2,
            &[
                "Device: /dev/sdd [SAT], 8 Currently unreadable (pending) sectors",
                "Device: /dev/nvme0, Critical Warning (0x04): reliability",
                "Device: /dev/sda [SAT], SMART Usage Attribute: 194 Temperature_Celsius changed from 65 to 64",
            ],
        )
        .lines,
    );
    let windows = said("files01", "disk", 3, &["The device, \\Device\\Harddisk1\\DR1, has a bad block."]);
    tables.lines.extend(windows.lines);
    let devices = ["Harddisk1 on files01", "ata3 on db01", "nvme0 on db01", "sdb on db01", "sdc on db01", "sdd on db01"];
    let found: Vec<_> =
        titles(&tables, "disk_errors").await.iter().map(|title| title.split(" reports").next().unwrap().to_owned()).collect();
    assert_eq!(found, devices);
}

#[tokio::test]
async fn arrays_that_lost_a_member_are_named() {
    let mut tables = said(
        "db01",
        "mdadm",
        2,
        &[
            "DegradedArray event detected on md device /dev/md0",
            "Fail event detected on md device /dev/md1, component device /dev/sdb1",
            "RebuildFinished event detected on md device /dev/md2",
        ],
    );
    tables.lines.extend(kernel(&["[5.0] md/raid1:md3: Disk failure on sdb1, disabling device."]).lines);
    tables.lines.extend(said("db01", "zed", 4, &["eid=12 class=statechange pool='tank' vdev=sdc vdev_state=FAULTED"]).lines);
    tables.lines.extend(
        said(
            "nas01",
            "Server_Administrator",
            3,
            &["Virtual Disk 0 on Integrated RAID Controller 1 has become degraded.", "Virtual Disk 1 state: degraded to optimal"],
        )
        .lines,
    );
    tables.lines.extend(said("web01", "shop", 4, &["search is running in degraded mode"]).lines);
    let found = titles(&tables, "raid_degraded").await;
    let names = ["Virtual Disk 0 on nas01", "md0 on db01", "md1 on db01", "md3 on db01", "tank on db01"];
    assert_eq!(found, names.map(|name| format!("{name} is degraded")));
    let disks = |device, state, value| measure(NOON - MINUTE_US, "db02", "node_md_disks", &[("device", device), ("state", state)], value);
    let tables =
        measured(vec![disks("md0", "failed", 1.0), disks("md0", "active", 1.0), disks("md1", "failed", 0.0), disks("md1", "active", 2.0)]);
    assert_eq!(titles(&tables, "raid_degraded").await, ["md0 on db02 is degraded"]);
}

#[tokio::test]
async fn hardware_of_many_makers_fails() {
    let bad = [
        ("%HARDWARE-2-FAN_ERROR: Fan Failure", 2, "fan"),
        ("%PLATFORM_ENV-1-FAN: Faulty fan detected", 1, "fan"),
        ("%ENVMON-2-FAN_FAILED: Fan 2 had a rotation error: it has failed", 2, "fan"),
        ("Alarm set: Pwr supply color=RED, class=CHASSIS, reason=PEM 1 Not OK", 4, "power supply"),
        ("Power supply 2 has lost its input.", 3, "power supply"),
        ("The system inlet temperature is greater than the upper critical threshold.", 2, "temperature"),
        ("EDAC MC0: 1 UE memory read error on CPU_SrcID#0_Ha#0_Chan#1_DIMM#0", 3, "memory"),
        ("Multi-bit memory errors detected on a memory device at location DIMM_A1.", 2, "memory"),
        ("mce: [Hardware Error]: Machine check events logged", 3, "processor"),
    ];
    for (message, severity, component) in bad {
        let app = if message.starts_with("EDAC") || message.starts_with("mce") { "kernel" } else { "alarmd" };
        let found = titles(&said("sw01", app, severity, &[message]), "hardware_failure").await;
        assert_eq!(found, [format!("sw01 reports trouble with its {component}")], "{message}");
    }
    let fine = [
        ("Alarm cleared: Pwr supply color=YELLOW, class=CHASSIS, reason=PEM 1 Fan Failed", 4),
        ("Power supply redundancy is regained: no longer lost", 4),
        ("CPU3: Core temperature above threshold, cpu clock throttled (total events = 7)", 4),
        ("Device: /dev/sda, SMART Usage Attribute: 194 Temperature_Celsius changed from 64 to 65", 4),
        ("GET /shop/Fan-heater-failed-once HTTP/1.1 200", 6),
        ("login of user Fanny failed", 4),
    ];
    let lines = fine.iter().flat_map(|(message, severity)| said("sw01", "kernel", *severity, &[*message]).lines);
    let found = titles(&Tables { lines: lines.collect(), measures: Vec::new() }, "hardware_failure").await;
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn kernels_that_fail_are_told_by_their_fault() {
    let mut tables = kernel(&[
        "[1.0] Kernel panic - not syncing: Fatal exception in interrupt",
        "[1.1] watchdog: BUG: soft lockup - CPU#2 stuck for 23s! [kworker/2:1:5520]",
        "[1.2] INFO: task jbd2/sda1-8:412 blocked for more than 120 seconds.",
        "[1.3] BUG: unable to handle page fault for address: ffffffffc0",
        "[1.4] rcu: INFO: rcu_sched self-detected stall on CPU",
        "[1.5] perf: interrupt took too long (3142 > 3132), lowering kernel.perf_event_max_sample_rate to 63500",
    ]);
    let crash =
        |name: &str, n: i64| format!("[869507.505196] {name}[14{n}]: segfault at 7f1f ip 00007f1f sp 00007ffd error 6 in libc.so.6");
    tables.lines.extend((0..6).map(|n| line(NOON - 2 * MINUTE_US + n, "db01", "kernel", 6, crash("php-fpm", n))));
    tables.lines.extend((0..2).map(|n| line(NOON - 2 * MINUTE_US + n, "db01", "kernel", 6, crash("su", n))));
    let faults =
        ["crashes of php-fpm (6", "hung tasks (1", "kernel oops (1", "kernel panic (1", "locked processor (1", "stalled processor (1"];
    let says = faults.map(|fault| format!("db01 reports: {fault} lines in 5 minutes)"));
    assert_eq!(titles(&tables, "kernel_fault").await, says);
}

#[tokio::test]
async fn clocks_that_stay_wrong_are_found() {
    let wrong = "System clock wrong by 2.351402 seconds";
    let at = |ago: i64, host, text: &str| line(NOON - ago * MINUTE_US, host, "chronyd", 4, text);
    let mut lines: Vec<Line> = [3, 20, 40].iter().map(|ago| at(*ago, "app01", wrong)).collect();
    lines.extend([3, 20, 40].map(|ago| line(NOON - ago * MINUTE_US, "old01", "ntpd", 5, "time reset +4.250000 s")));
    lines.push(at(2, "boots01", "System clock wrong by -12.1 seconds"));
    lines.push(at(1, "fine01", "Selected source 10.20.0.1 (edge-rtr01), offset 0.000600 s"));
    let mut measures = quarter("db01", "node_timex_offset_seconds", |_| -0.9);
    measures.extend(quarter("web01", "node_timex_offset_seconds", |ago| if ago == 2 { 0.01 } else { 0.8 }));
    let tables = Tables { lines, measures };
    let found = titles(&tables, "clock_skew").await;
    assert_eq!(
        found,
        [
            "The clock of app01 is wrong by 2.35 seconds",
            "The clock of db01 is wrong by 0.90 seconds",
            "The clock of old01 is wrong by 4.25 seconds"
        ]
    );
}

#[tokio::test]
async fn only_an_unclean_restart_is_unexpected() {
    let unclean = [
        ("kernel", "[    2.008431] systemd[1]: System was not shut down cleanly, journal will be rotated"),
        ("systemd-journald", "File /var/log/journal/4f/system.journal corrupted or uncleanly shut down, renaming and replacing."),
        ("kernel", "[3.1] EXT4-fs (dm-0): recovery complete"),
        ("EventLog", "The previous system shutdown at 03:12:44 on 11/20/2026 was unexpected."),
    ];
    for (app, message) in unclean {
        let found = titles(&said("web02", app, 4, &[message]), "unexpected_reboot").await;
        assert_eq!(found, ["web02 has restarted after an unclean shutdown"], "{message}");
    }
    let clean = [
        ("systemd-journald", "File /var/log/journal/4f/user-1000.journal corrupted or uncleanly shut down, renaming and replacing."),
        ("kernel", "[    0.000000] Linux version 6.8.0-48-generic (builder@example.net)"),
        ("systemd", "Reached target shutdown.target - System Shutdown."),
    ];
    for (app, message) in clean {
        assert!(titles(&said("web02", app, 4, &[message]), "unexpected_reboot").await.is_empty(), "{message}");
    }
}
