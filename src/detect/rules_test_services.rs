//! The shipped rules about services: systemd, certificates, backups, PostgreSQL, web servers, HAProxy and mail.

use super::rules_test_tables::{Line, MINUTE_US, Measure, NOON, Tables, line, measure, rule, said, titles};
use crate::clock::{DAY_US, HOUR_US, SECOND_US, TimestampUs};

fn measured(measures: Vec<Measure>) -> Tables {
    Tables { lines: Vec::new(), measures }
}

fn logs(lines: Vec<Line>) -> Tables {
    Tables { lines, measures: Vec::new() }
}

/// The same message again and again, evenly over the five minutes before noon.
fn repeated(host: &'static str, app: &'static str, severity: i8, count: i64, message: impl Fn(i64) -> String) -> Vec<Line> {
    (0..count).map(|n| line(NOON - 5 * MINUTE_US + n * 5 * MINUTE_US / count, host, app, severity, message(n))).collect()
}

fn systemd(at_us: TimestampUs, text: &str) -> Line {
    line(at_us, "app01", "systemd", 5, text)
}

#[tokio::test]
async fn a_unit_that_stays_down_has_failed() {
    let tables = logs(vec![
        systemd(NOON - 3 * MINUTE_US, "backup.service: Failed with result 'exit-code'."),
        systemd(NOON - 3 * MINUTE_US + 1, "Unit ntpd.service entered failed state."),
        // Started again by systemd.
        systemd(NOON - 3 * MINUTE_US, "shop.service: Failed with result 'signal'."),
        systemd(NOON - 3 * MINUTE_US + 100_000, "shop.service: Scheduled restart job, restart counter is at 1."),
        systemd(NOON - 3 * MINUTE_US, "user@1000.service: Failed with result 'exit-code'."),
        systemd(NOON - 3 * MINUTE_US, "session-4.scope: Failed with result 'resources'."),
        systemd(NOON - 3 * MINUTE_US, "fstrim.service: Deactivated successfully."),
    ]);
    let rule = rule("systemd_unit_failed");
    let findings = tables.findings_between(&rule, NOON - 10 * MINUTE_US, NOON + 10 * MINUTE_US).await;
    let found: Vec<_> = findings.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(found, ["backup.service on app01 has failed", "ntpd.service on app01 has failed"]);
    assert_eq!(tables.evidence(&rule, &findings[0]).await.len(), 1);
}

#[tokio::test]
async fn a_restart_may_come_after_the_border_of_a_bin() {
    let lines = |restart_us| {
        vec![
            systemd(NOON - SECOND_US, "shop.service: Failed with result 'signal'."),
            systemd(NOON + restart_us, "shop.service: Scheduled restart job, restart counter is at 1."),
        ]
    };
    let rule = rule("systemd_unit_failed");
    for (restart_us, count) in [(5 * SECOND_US, 0), (3 * MINUTE_US, 1)] {
        let findings = logs(lines(restart_us)).findings_between(&rule, NOON - 10 * MINUTE_US, NOON + 10 * MINUTE_US).await;
        assert_eq!(findings.len(), count, "restarted after {restart_us} µs");
    }
}

#[tokio::test]
async fn a_failed_unit_is_measured_too() {
    let state = |ago: i64, unit, state, value| {
        measure(NOON - ago * MINUTE_US, "app01", "node_systemd_unit_state", &[("name", unit), ("state", state)], value)
    };
    let mut measures: Vec<_> = (1..=5).map(|ago| state(ago, "backup.service", "failed", 1.0)).collect();
    measures.extend((1..=5).map(|ago| state(ago, "shop.service", "failed", 0.0)));
    measures.extend((1..=5).map(|ago| state(ago, "shop.service", "active", 1.0)));
    assert_eq!(titles(&measured(measures), "systemd_unit_failed").await, ["backup.service on app01 has failed"]);
}

#[tokio::test]
async fn a_service_that_ends_again_and_again_is_in_a_loop() {
    let restart = |unit: &'static str| move |n: i64| format!("{unit}: Scheduled restart job, restart counter is at {n}.");
    let mut lines = repeated("app01", "systemd", 6, 7, restart("shop.service"));
    lines.extend(repeated("app01", "systemd", 6, 3, restart("mail.service")));
    lines.push(systemd(NOON - MINUTE_US, "getty.service: Start request repeated too quickly."));
    let pod = |_| {
        "E1120 pod_workers.go:1300] \"Error syncing pod\" err=\"back-off 5m0s restarting failed container=orders pod=orders-1\"".to_owned()
    };
    lines.extend(repeated("k8s01", "kubelet", 3, 6, pod));
    let says = ["getty.service on app01 was restarted 0 times in 10 minutes", "orders on k8s01 was restarted 6 times in 10 minutes"];
    let found = titles(&logs(lines), "service_restart_loop").await;
    assert_eq!(found, [says[0], says[1], "shop.service on app01 was restarted 7 times in 10 minutes"]);
}

#[tokio::test]
async fn certificates_that_end_soon_are_found() {
    let ends = |instance, days: i64| {
        let seconds = ((NOON + days * DAY_US) / SECOND_US) as f64;
        measure(NOON - 10 * MINUTE_US, "mon01", "probe_ssl_earliest_cert_expiry", &[("instance", instance)], seconds)
    };
    let failed = measure(NOON - 9 * MINUTE_US, "mon01", "probe_ssl_earliest_cert_expiry", &[("instance", "https://down")], 0.0);
    let mut tables = measured(vec![ends("https://shop.example", 9), ends("https://mail.example", 30), failed]);
    tables.lines = said("lb01", "certbot", 3, &["Failed to renew certificate www.example.net with error: timeout"]).lines;
    let counted =
        ["The certificate for vpn.example.net expires in 6 days", "Certificate api.example.net is valid for 80 days, expiry is far"];
    tables.lines.extend(said("fw01", "sslvpn", 4, &counted).lines);
    let expected = [
        "The certificate https://shop.example on mon01 has 9 days left",
        "The certificate vpn.example.net on fw01 has 6 days left",
        "The certificate www.example.net on lb01 has 0 days left",
    ];
    assert_eq!(titles(&tables, "certificate_expiring").await, expected);
}

#[tokio::test]
async fn backups_of_many_makers_fail() {
    let bad = [
        ("borg", "terminating with error status, rc 2"),
        ("borg", "Archive web01-2026-11-20 done: 3 files, exit status 2"),
        ("borgmatic", "ERROR: Error running configuration file"),
        ("restic", "Fatal: unable to open repository at sftp:backup: connection refused"),
        ("vzdump", "ERROR: Backup of VM 101 failed - vma_queue_write: write error - Broken pipe"),
        ("bacula-dir", "Error: Bacula: *** Backup Error ***"),
        ("pgbackrest", "ERROR: [082]: WAL segment was not archived before the 60000ms timeout"),
        ("Veeam_MP", "Backup job 'Daily' finished with Failed."),
        ("rsnapshot", "ERROR: /usr/bin/rsnapshot daily: completed, but with errors"),
        ("Microsoft-Windows-Backup", "The backup operation that started at '2026-11-20' has failed with following error code"),
    ];
    for (app, message) in bad {
        let found = titles(&said("backup01", app, 3, &[message]), "backup_failed").await;
        assert_eq!(found, [format!("A backup failed on backup01: {app} reported 1 errors")], "{message}");
    }
    let good = [
        ("borg", "Archive web01-2026-11-20 done: 90000 files, 2.40 GB new after deduplication, exit status 0"),
        ("restic", "snapshot 40dc1520 saved, 0 errors"),
        ("Veeam_MP", "Backup job 'Daily' finished with Success: 12 succeeded, 0 failed"),
        ("borg", "/var/log/syslog: file changed while we backed it up"),
        ("shop", "ERROR: the backup of the cart failed"),
    ];
    for (app, message) in good {
        assert!(titles(&said("backup01", app, 6, &[message]), "backup_failed").await.is_empty(), "{message}");
    }
}

#[tokio::test]
async fn connections_run_out() {
    let refusals = [
        ("postgres", "[2-1] user=shop,db=orders FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute"),
        ("postgresql", "FATAL:  sorry, too many clients already"),
        ("pgbouncer", "C-0x1: (nodb)/(nouser)@10.0.0.1:55 closing because: no more connections allowed (max_client_conn)"),
    ];
    for (app, message) in refusals {
        let found = titles(&said("db01", app, 2, &[message]), "postgres_connections_exhausted").await;
        assert_eq!(found, ["PostgreSQL on db01 has run out of connections"], "{message}");
    }
    let asked = said("db01", "postgres", 6, &["LOG:  statement: SELECT 'sorry, too many clients already'"]);
    assert!(titles(&asked, "postgres_connections_exhausted").await.is_empty());
    let mut measures = Vec::new();
    for (host, active) in [("db02", 170.0), ("db03", 90.0)] {
        for at_us in (1..=5).map(|ago| NOON - ago * MINUTE_US) {
            measures.push(measure(at_us, host, "pg_stat_activity_count", &[("state", "active")], active));
            measures.push(measure(at_us, host, "pg_stat_activity_count", &[("state", "idle")], 20.0));
            measures.push(measure(at_us, host, "pg_settings_max_connections", &[], 200.0));
        }
    }
    let found = titles(&measured(measures), "postgres_connections_exhausted").await;
    assert_eq!(found, ["PostgreSQL on db02 has run out of connections"]);
}

#[tokio::test]
async fn deadlocks_are_counted_in_log_and_counter() {
    let lock = |_| "[3-1] user=shop,db=orders ERROR:  deadlock detected".to_owned();
    let mut tables = logs(repeated("db01", "postgres", 3, 12, lock));
    tables.lines.extend(repeated("db02", "postgres", 3, 3, lock));
    let counter =
        |ago: i64, host, value| measure(NOON - ago * MINUTE_US, host, "pg_stat_database_deadlocks", &[("datname", "orders")], value);
    // The one of db04 was reset in between, and its first value ever is no growth.
    tables.measures = vec![counter(20, "db03", 100.0), counter(2, "db03", 115.0), counter(20, "db04", 900.0), counter(2, "db04", 4.0)];
    tables.measures.push(counter(2, "db05", 5_000.0));
    let says = |host, count| format!("PostgreSQL on {host} broke {count} deadlocks in 15 minutes");
    assert_eq!(titles(&tables, "postgres_deadlocks").await, [says("db01", 12), says("db03", 15)]);
}

#[tokio::test]
async fn a_replica_that_falls_behind_is_found() {
    let lag = |host, ago: i64, value| measure(NOON - ago * MINUTE_US, host, "pg_replication_lag_seconds", &[], value);
    let mut measures: Vec<_> = (1..=10).map(|ago| lag("db02", ago, 900.0 - 10.0 * ago as f64)).collect();
    measures.extend((1..=10).map(|ago| lag("db03", ago, if ago == 9 { 2.0 } else { 400.0 })));
    let lost = "FATAL:  could not receive data from WAL stream: ERROR:  requested WAL segment 000000010000004C has already been removed";
    let mut tables = measured(measures);
    tables.lines = said("db04", "postgres", 2, &[lost]).lines;
    let found = titles(&tables, "postgres_replication_lag").await;
    assert_eq!(found, ["The replica db02 is 800 seconds behind", "The replica db04 is - seconds behind"]);
}

/// Answers of a web server, every `nth` with the status 502.
fn answers(app: &'static str, host: &'static str, count: i64, nth: i64) -> Vec<Line> {
    let text = |n: i64| {
        let status = if n % nth == 0 { 502 } else { 200 };
        format!("198.18.0.7 - - [20/Nov/2026:11:58:00 +0000] \"GET /shop/{n} HTTP/1.1\" {status} 512 \"-\" \"Mozilla/5.0\" rt=0.012")
    };
    repeated(host, app, 6, count, text)
}

#[tokio::test]
async fn server_errors_are_a_share_of_the_answers() {
    let mut lines = answers("nginx", "web01", 300, 10);
    lines.extend(answers("httpd", "web02", 300, 10));
    lines.extend(answers("nginx", "fine01", 3_000, 100));
    lines.extend(answers("nginx", "night01", 10, 2));
    // This one has its share of errors all day.
    lines.extend(answers("nginx", "bad01", 300, 10));
    let earlier: Vec<_> =
        answers("nginx", "bad01", 900, 12).into_iter().map(|one| Line { at_us: one.at_us - 2 * HOUR_US, ..one }).collect();
    lines.extend(earlier);
    let says = |host: &str| format!("10 % of the answers of {host} are server errors (usual: 0 %)");
    assert_eq!(titles(&logs(lines), "nginx_server_errors").await, [says("web01"), says("web02")]);
}

#[tokio::test]
async fn upstreams_that_do_not_answer_are_named() {
    let text = |address: &'static str| {
        move |n: i64| {
            format!(
                "{n}#0: *{n} connect() failed (111: Connection refused) while connecting to upstream, client: 198.18.0.7, server: shop, \
                 request: \"GET / HTTP/1.1\", upstream: \"http://{address}/\", host: \"shop\""
            )
        }
    };
    let mut lines = repeated("web01", "nginx", 3, 30, text("10.20.3.11:8080"));
    lines.extend(repeated("web01", "nginx", 3, 5, text("10.20.3.12:8080")));
    lines.extend(repeated("web01", "nginx", 4, 30, |n| {
        format!("{n}#0: *1 a client request body is buffered, upstream: \"http://10.20.3.12/\"")
    }));
    let found = titles(&logs(lines), "nginx_upstream_failures").await;
    assert_eq!(found, ["web01 failed 30 times to get an answer from 10.20.3.11:8080"]);
}

#[tokio::test]
async fn a_server_that_stays_out_of_service_is_told_after_two_minutes() {
    let haproxy = |at_us, text: &str| line(at_us, "lb01", "haproxy", 1, text);
    let tables = logs(vec![
        haproxy(
            NOON - 8 * MINUTE_US,
            "Server web_back/web02 is DOWN, reason: Layer4 timeout, check duration: 2001ms. 1 active servers left.",
        ),
        haproxy(NOON - 8 * MINUTE_US, "Server web_back/web03 is DOWN, reason: Layer7 wrong status, code: 503. 1 active servers left."),
        haproxy(NOON - 7 * MINUTE_US, "Server web_back/web03 is UP, reason: Layer7 check passed, code: 200. 2 active servers online."),
        haproxy(NOON - 4 * MINUTE_US, "backend api_back has no server available!"),
        haproxy(NOON - 3 * MINUTE_US, "198.18.0.1:5 [20/Nov/2026] www~ web_back/web01 0/0 200 \"GET /is DOWN HTTP/1.1\""),
    ]);
    let rule = rule("haproxy_server_down");
    let findings = tables.findings_between(&rule, NOON - 10 * MINUTE_US, NOON).await;
    let found: Vec<_> = findings.iter().map(|finding| ((finding.window_end_us - NOON) / MINUTE_US, finding.title.as_str())).collect();
    let says = [(-5, "lb01 has taken web_back/web02 out of service"), (-3, "lb01 has taken api_back out of service")];
    assert_eq!(found, says);
    assert_eq!(tables.evidence(&rule, &findings[0]).await.len(), 1);
}

#[tokio::test]
async fn mail_that_piles_up_is_found() {
    let quarter = |host, level: f64, usual: f64| {
        (0..720).map(move |ago| {
            let value = if ago < 15 { level } else { usual };
            measure(NOON - (ago + 1) * MINUTE_US, host, "postfix_queue_length", &[("queue", "active")], value)
        })
    };
    let mut measures: Vec<_> = quarter("mail01", 2_000.0, 20.0).collect();
    measures.extend(quarter("lists01", 2_000.0, 1_500.0));
    measures.extend(quarter("mail02", 400.0, 5.0));
    let delivery = |status: &'static str| move |n: i64| format!("4F{n:03X}: to=<a@customer.example>, dsn=4.4.1, status={status} (...)");
    let mut tables = measured(measures);
    tables.lines = repeated("mail03", "postfix/smtp", 6, 60, delivery("deferred"));
    tables.lines.extend(repeated("mail03", "postfix/smtp", 6, 10, delivery("sent")));
    tables.lines.extend(repeated("mail04", "postfix/smtp", 6, 60, delivery("deferred")));
    tables.lines.extend(repeated("mail04", "postfix/smtp", 6, 500, delivery("sent")));
    let says = |host, count| format!("Mail piles up on {host}: {count} messages wait or were put off");
    assert_eq!(titles(&tables, "mail_queue").await, [says("mail01", 2_000), says("mail03", 60)]);
}
