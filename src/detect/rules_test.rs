//! The shipped rules over made-up rows: each fires when it should and is quiet when it should not.

use super::Window;
use super::rules_test_tables::{Line, Measure, Tables, line, measure, rule};
use crate::clock::{DAY_US, HOUR_US, SECOND_US, TimestampUs};
use crate::sql_file::Header;

const MINUTE_US: i64 = 60 * SECOND_US;

/// Noon of 20 November 2026.
const NOON: TimestampUs = 1_795_176_000 * SECOND_US;

fn logs(lines: Vec<Line>) -> Tables {
    Tables { lines, measures: Vec::new() }
}

/// `count` errors, evenly over the time.
fn errors(app: &'static str, from_us: TimestampUs, to_us: TimestampUs, count: i64) -> Vec<Line> {
    (0..count).map(|n| line(from_us + (to_us - from_us) * n / count, "web01", app, 3, format!("error {n}"))).collect()
}

async fn titles(tables: &Tables, name: &str, end_us: TimestampUs) -> Vec<String> {
    tables.findings(&rule(name), end_us).await.into_iter().map(|finding| finding.title).collect()
}

#[tokio::test]
async fn a_burst_of_errors_stands_out_from_the_past_hour() {
    let mut lines = errors("shop", NOON - 65 * MINUTE_US, NOON - 5 * MINUTE_US, 60);
    lines.extend(errors("shop", NOON - 5 * MINUTE_US, NOON, 40));
    let tables = logs(lines);
    let rule = rule("error_burst");
    let findings = tables.findings(&rule, NOON).await;
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].title, "shop on web01 logged 40 errors in 5 minutes (usual: 5)");
    let evidence = tables.evidence(&rule, &findings[0]).await;
    assert_eq!((evidence.len(), evidence[0]["message"].as_str()), (20, Some("error 0")));
}

#[tokio::test]
async fn an_application_without_a_past_can_burst() {
    let tables = logs(errors("new", NOON - 3 * MINUTE_US, NOON, 25));
    assert_eq!(titles(&tables, "error_burst", NOON).await, ["new on web01 logged 25 errors in 5 minutes (usual: 0)"]);
    let few = logs(errors("new", NOON - 3 * MINUTE_US, NOON, 19));
    assert!(titles(&few, "error_burst", NOON).await.is_empty(), "nineteen errors wake nobody");
}

#[tokio::test]
async fn an_application_that_is_always_bad_is_no_burst() {
    let steady = logs(errors("cron", NOON - 65 * MINUTE_US, NOON, 65 * 20));
    assert!(titles(&steady, "error_burst", NOON).await.is_empty());
    let every_five_minutes = (0..13).flat_map(|n| errors("check", NOON - (5 * n + 2) * MINUTE_US, NOON - (5 * n + 1) * MINUTE_US, 30));
    assert!(titles(&logs(every_five_minutes.collect()), "error_burst", NOON).await.is_empty());
    let mut warnings = errors("chatty", NOON - 4 * MINUTE_US, NOON, 500);
    warnings.iter_mut().for_each(|line| line.severity = Some(4));
    assert!(titles(&logs(warnings), "error_burst", NOON).await.is_empty());
}

#[tokio::test]
async fn a_burst_half_an_hour_ago_does_not_hide_this_one() {
    let mut lines = errors("shop", NOON - 35 * MINUTE_US, NOON - 25 * MINUTE_US, 2_000);
    lines.extend(errors("shop", NOON - 5 * MINUTE_US, NOON, 60));
    let tables = logs(lines);
    let findings = tables.findings_between(&rule("error_burst"), NOON - HOUR_US, NOON).await;
    let ends: Vec<_> = findings.iter().map(|finding| (finding.window_end_us - NOON) / MINUTE_US).collect();
    assert_eq!(ends, [-30, -25, 0]);
}

#[tokio::test]
async fn lines_without_host_or_app_burst_too() {
    let mut lines = errors("x", NOON - 4 * MINUTE_US, NOON, 30);
    lines.iter_mut().for_each(|line| (line.host, line.app) = (None, None));
    let (tables, rule) = (logs(lines), rule("error_burst"));
    let findings = tables.findings(&rule, NOON).await;
    assert_eq!(findings[0].entity["host"], "-");
    assert_eq!(tables.evidence(&rule, &findings[0]).await.len(), 20);
}

/// A line a minute from `host` between two moments.
fn heartbeat(host: &'static str, from_us: TimestampUs, to_us: TimestampUs) -> Vec<Line> {
    (from_us / MINUTE_US..to_us / MINUTE_US).map(|minute| line(minute * MINUTE_US, host, "cron", 6, "tick")).collect()
}

#[tokio::test]
async fn a_host_that_falls_silent_is_reported_once() {
    let mut lines = heartbeat("web01", NOON - 7 * HOUR_US, NOON + HOUR_US);
    lines.extend(heartbeat("web02", NOON - 7 * HOUR_US, NOON + HOUR_US));
    lines.extend(heartbeat("db01", NOON - 7 * HOUR_US, NOON - 20 * MINUTE_US));
    let tables = logs(lines);
    let rule = rule("host_silent");
    let findings = tables.findings_between(&rule, NOON - 30 * MINUTE_US, NOON + 30 * MINUTE_US).await;
    let said: Vec<_> = findings.iter().map(|finding| (finding.window_end_us, finding.entity["host"].as_str())).collect();
    // The last line came at 11:39: at 11:54 it has been silent for a quarter of an hour, and that bin ends at 11:55.
    assert_eq!(said, [(NOON - 5 * MINUTE_US, "db01")]);
    assert_eq!(tables.evidence(&rule, &findings[0]).await.len(), 20);
}

#[tokio::test]
async fn a_host_with_pauses_is_given_three_times_the_longest() {
    let mut lines = heartbeat("web01", NOON - 7 * HOUR_US, NOON + HOUR_US);
    // A line every ten minutes until noon: the pause may be half an hour.
    lines.extend((0..42).map(|n| line(NOON - (n + 1) * 10 * MINUTE_US, "fw01", "kernel", 6, "drop")));
    let tables = logs(lines);
    let findings = tables.findings_between(&rule("host_silent"), NOON - HOUR_US, NOON + HOUR_US).await;
    let said: Vec<_> = findings.iter().map(|finding| (finding.window_end_us - NOON) / MINUTE_US).collect();
    assert_eq!(said, [25], "the last line came ten minutes before noon");
}

#[tokio::test]
async fn silence_of_everybody_is_not_about_hosts() {
    let hosts = ["a", "b", "c", "d", "e", "f"];
    let stopped: Vec<Line> = hosts.iter().flat_map(|host| heartbeat(host, NOON - 7 * HOUR_US, NOON - 16 * MINUTE_US)).collect();
    assert!(titles(&logs(stopped.clone()), "host_silent", NOON).await.is_empty());
    let mut almost = stopped;
    almost.extend(heartbeat("f", NOON - 16 * MINUTE_US, NOON));
    assert!(titles(&logs(almost), "host_silent", NOON).await.is_empty(), "one of six is hardly anybody");
}

#[tokio::test]
async fn a_host_that_speaks_rarely_is_not_silent() {
    let mut lines = heartbeat("web01", NOON - 7 * HOUR_US, NOON);
    lines.extend((0..6).map(|hour| line(NOON - (6 * HOUR_US - hour * HOUR_US) + MINUTE_US, "printer", "lpd", 6, "page")));
    lines.extend(heartbeat("new", NOON - 100 * MINUTE_US, NOON - 20 * MINUTE_US));
    assert!(titles(&logs(lines), "host_silent", NOON).await.is_empty(), "neither a rare talker nor a guest of an hour");
}

const GIB: f64 = 1_073_741_824.0;

fn filesystem(
    at_us: TimestampUs,
    host: &'static str,
    mountpoint: &'static str,
    fstype: &'static str,
    size: f64,
    avail: f64,
) -> Vec<Measure> {
    let measure = |name, value| {
        let labels = vec![("device", "/dev/sda1"), ("fstype", fstype), ("instance", "x:9100"), ("mountpoint", mountpoint)];
        Measure { at_us, name, host, labels, value }
    };
    vec![measure("node_filesystem_size_bytes", size), measure("node_filesystem_avail_bytes", avail)]
}

#[tokio::test]
async fn a_file_system_over_ninety_percent_is_full() {
    let mut measures = filesystem(NOON - MINUTE_US, "db01", "/var", "xfs", 100.0 * GIB, 6.5 * GIB);
    measures.extend(filesystem(NOON - 9 * MINUTE_US, "db01", "/var", "xfs", 100.0 * GIB, 50.0 * GIB));
    measures.extend(filesystem(NOON - MINUTE_US, "db01", "/", "ext4", 40.0 * GIB, 4.1 * GIB));
    measures.extend(filesystem(NOON - MINUTE_US, "db01", "/run", "tmpfs", GIB, 0.0));
    measures.extend(filesystem(NOON - MINUTE_US, "db01", "/snap/core/1", "squashfs", GIB, 0.0));
    measures.extend(filesystem(NOON - MINUTE_US, "db01", "/boot/efi", "vfat", 0.05 * GIB, 0.0));
    measures.extend(filesystem(NOON - MINUTE_US, "db01", "/cdrom", "udf", 4.0 * GIB, 0.0));
    measures.push(Measure {
        at_us: NOON - MINUTE_US,
        name: "node_filesystem_readonly",
        host: "db01",
        labels: vec![("device", "/dev/sda1"), ("fstype", "udf"), ("mountpoint", "/cdrom")],
        value: 1.0,
    });
    let tables = Tables { lines: Vec::new(), measures };
    let rule = rule("filesystem_full");
    let findings = tables.findings(&rule, NOON).await;
    let said: Vec<_> = findings.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(said, ["/var on db01 is 93.5 % full, 6.50 GiB left"]);
    assert_eq!(tables.evidence(&rule, &findings[0]).await.len(), 2);
}

#[tokio::test]
async fn a_file_system_that_was_freed_since_is_not_full() {
    let mut measures = filesystem(NOON - 9 * MINUTE_US, "db01", "/var", "xfs", 100.0 * GIB, GIB);
    measures.extend(filesystem(NOON - MINUTE_US, "db01", "/var", "xfs", 100.0 * GIB, 50.0 * GIB));
    assert!(titles(&Tables { lines: Vec::new(), measures }, "filesystem_full", NOON).await.is_empty());
}

#[tokio::test]
async fn guessed_passwords_are_counted_by_address() {
    let mut lines = Vec::new();
    for n in 0..12 {
        let at_us = NOON - 4 * MINUTE_US + n * SECOND_US;
        lines.push(line(at_us, "web01", "sshd", 6, format!("Invalid user u{n} from 203.0.113.9 port 40{n:02}")));
        lines.push(line(at_us, "web01", "sshd", 6, format!("Failed password for invalid user u{n} from 203.0.113.9 port 40{n:02} ssh2")));
    }
    lines.push(line(
        NOON - MINUTE_US,
        "web01",
        "sshd-session",
        6,
        "message repeated 15 times: [ Failed password for root from 2001:db8::7 port 1 ssh2]",
    ));
    lines.extend((0..9).map(|n| line(NOON - n * SECOND_US - 1, "web01", "sshd", 6, "Failed password for ines from 10.0.0.8 port 9 ssh2")));
    lines.extend(
        (0..30).map(|n| line(NOON - n * SECOND_US - 1, "web01", "sshd", 6, "Accepted password for ines from 10.0.0.9 port 9 ssh2")),
    );
    let tables = logs(lines);
    let rule = rule("ssh_bruteforce");
    let findings = tables.findings_between(&rule, NOON - 5 * MINUTE_US, NOON).await;
    let said: Vec<_> = findings.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(
        said,
        [
            "203.0.113.9 failed 12 times in 5 minutes to log in on web01 by SSH",
            "2001:db8::7 failed 15 times in 5 minutes to log in on web01 by SSH"
        ]
    );
    assert_eq!(tables.evidence(&rule, &findings[0]).await.len(), 20);
    assert_eq!(tables.evidence(&rule, &findings[1]).await.len(), 1);
}

#[tokio::test]
async fn an_interface_that_goes_up_and_down_is_named_whoever_says_it() {
    let says = |n: i64, host, text: &str| line(NOON - 9 * MINUTE_US + n * 60 * SECOND_US, host, "net", 3, text);
    let mut lines = Vec::new();
    for n in 0..5 {
        lines.push(says(n, "sw01", "Interface GigabitEthernet1/0/13, changed state to down"));
        lines.push(says(n, "sw01", "Line protocol on Interface GigabitEthernet1/0/13, changed state to down"));
        lines.push(says(n, "sw01", "Interface GigabitEthernet1/0/13, changed state to up"));
        lines.push(says(n, "sw01", "Interface GigabitEthernet1/0/14, changed state to administratively down"));
        lines.push(says(n, "srv01", "e1000e 0000:00:19.0 eno1: NIC Link is Down"));
        lines.push(says(n, "r01", "SNMP_TRAP_LINK_DOWN: ifIndex 531, ifAdminStatus up(1), ifOperStatus down(2), ifName ge-0/0/1"));
    }
    lines.extend((0..3).map(|n| says(n, "srv02", "r8169 0000:02:00.0 eth0: Link is Down")));
    let findings = logs(lines).findings_between(&rule("interface_flapping"), NOON - 10 * MINUTE_US, NOON).await;
    let said: Vec<_> = findings.iter().map(|finding| ((finding.window_end_us - NOON) / MINUTE_US, finding.title.as_str())).collect();
    assert_eq!(
        said,
        [
            (-5, "GigabitEthernet1/0/13 on sw01 went down 4 times in 10 minutes"),
            (-5, "eno1 on srv01 went down 4 times in 10 minutes"),
            (-5, "ge-0/0/1 on r01 went down 4 times in 10 minutes"),
            (-4, "GigabitEthernet1/0/13 on sw01 went down 5 times in 10 minutes"),
            (-4, "eno1 on srv01 went down 5 times in 10 minutes"),
            (-4, "ge-0/0/1 on r01 went down 5 times in 10 minutes"),
        ]
    );
}

/// `count` statements of about `ms` milliseconds, evenly over the time.
fn statements(from_us: TimestampUs, to_us: TimestampUs, count: i64, ms: i64) -> Vec<Line> {
    let text = |n: i64| format!("[4-1] user=shop,db=orders LOG:  duration: {}.250 ms  statement: SELECT {n}", ms + n % 20);
    (0..count).map(|n| line(from_us + (to_us - from_us) * n / count, "db01", "postgres", 6, text(n))).collect()
}

#[tokio::test]
async fn a_database_that_slows_down_is_compared_with_its_own_past() {
    let past = statements(NOON - 370 * MINUTE_US, NOON - 10 * MINUTE_US, 400, 200);
    let with = |now: Vec<Line>| logs(past.iter().cloned().chain(now).collect());
    let slow = with(statements(NOON - 10 * MINUTE_US, NOON, 50, 2_000));
    let findings = slow.findings(&rule("database_slow"), NOON).await;
    assert_eq!(findings.len(), 1);
    let (value, expected) = (findings[0].result["value"].as_f64().unwrap(), findings[0].result["expected"].as_f64().unwrap());
    assert!((2_000.0..2_020.0).contains(&value) && (200.0..220.0).contains(&expected), "{value} {expected}");
    assert_eq!(slow.evidence(&rule("database_slow"), &findings[0]).await.len(), 20);
    for quiet in [statements(NOON - 10 * MINUTE_US, NOON, 50, 400), statements(NOON - 10 * MINUTE_US, NOON, 5, 9_000)] {
        assert!(titles(&with(quiet), "database_slow", NOON).await.is_empty(), "twice as slow, or five statements");
    }
    let no_past = logs(statements(NOON - 10 * MINUTE_US, NOON, 50, 9_000));
    assert!(titles(&no_past, "database_slow", NOON).await.is_empty());
}

#[tokio::test]
async fn days_left_follow_the_straight_line() {
    let mut measures = Vec::new();
    for hour in 0..96 {
        let at_us = NOON - 4 * DAY_US + hour * HOUR_US;
        let days = hour as f64 / 24.0;
        measures.extend(filesystem(at_us, "db01", "/growing", "xfs", 100.0 * GIB, (50.0 - 5.0 * days) * GIB));
        measures.extend(filesystem(at_us, "db01", "/steady", "xfs", 100.0 * GIB, 50.0 * GIB));
        measures.extend(filesystem(at_us, "db01", "/shrinking", "xfs", 100.0 * GIB, (10.0 + days) * GIB));
    }
    for hour in 0..12 {
        measures.extend(filesystem(NOON - (12 - hour) * HOUR_US, "db01", "/young", "xfs", 100.0 * GIB, (50 - hour) as f64 * GIB));
    }
    let text = include_str!("../../queries/report/filesystem_days_left.sql");
    let header = Header::parse("filesystem_days_left.sql", text, &["name", "description", "window"]).unwrap();
    let window = Window { read_start_us: NOON - 14 * DAY_US, start_us: NOON - 14 * DAY_US, end_us: NOON };
    let rows = Tables { lines: Vec::new(), measures }.rows(header.body, &window, &[]).await;
    let days: Vec<_> = rows.iter().map(|row| (row["mountpoint"].as_str().unwrap(), row["days_left"].as_f64())).collect();
    // At the last sample 30.2 of 50 GiB are left, and 5 go a day.
    assert_eq!(days, [("/growing", Some(6.0)), ("/shrinking", None), ("/steady", None), ("/young", None)]);
    assert_eq!((rows[0]["growth_gib_per_day"].as_f64(), rows[0]["r2"].as_f64()), (Some(5.0), Some(1.0)));
}

#[tokio::test]
async fn a_silence_is_over_when_something_is_heard_after_it() {
    let end_us = NOON + 10 * MINUTE_US;
    let window = |rule: &super::Rule| rule.window(NOON, end_us);
    for name in ["host_silent", "host_metrics_silent"] {
        let rule = rule(name);
        for (at_us, host, over) in [(NOON - 1, "web01", 0), (NOON, "web01", 1), (end_us, "web01", 0), (NOON, "db01", 0)] {
            let lines = vec![line(at_us, host, "shop", 6, "here")];
            let tables = Tables { lines, measures: vec![measure(at_us, host, "node_load5", &[], 1.0)] };
            let rows = tables.rows(rule.over_sql.as_deref().unwrap(), &window(&rule), &[("host", "web01".into())]).await;
            assert_eq!(rows.len(), over, "{name} {at_us} {host}");
        }
    }
}
