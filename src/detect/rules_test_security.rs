//! The shipped rules about break-ins, over lines as sshd, sudo and su write them.

use super::rules_test_tables::{MINUTE_US, NOON, Tables, line, rule, said, titles};
use crate::clock::SECOND_US;

/// Failures of an address on web01, one a second, the first so many minutes before noon.
fn failures(address: &str, count: i64, minutes_ago: i64) -> Tables {
    let text = |n: i64| format!("Failed password for root from {address} port {} ssh2", 40_000 + n);
    let lines = (0..count).map(|n| line(NOON - minutes_ago * MINUTE_US + n * SECOND_US, "web01", "sshd", 6, text(n)));
    Tables { lines: lines.collect(), measures: Vec::new() }
}

#[tokio::test]
async fn a_login_after_many_failures_is_a_break_in() {
    let rule = rule("ssh_login_after_failures");
    let mut tables = failures("203.0.113.9", 14, 25);
    tables.lines.push(line(NOON - 90 * SECOND_US, "web01", "sshd", 6, "Accepted password for root from 203.0.113.9 port 5 ssh2"));
    let repeated = "message repeated 12 times: [ Failed password for invalid user pi from 2001:db8::7 port 1 ssh2]";
    tables.lines.push(line(NOON - 4 * MINUTE_US, "web01", "sshd-session", 6, repeated));
    let accepted = "Accepted keyboard-interactive/pam for pi from 2001:db8::7 port 2 ssh2";
    tables.lines.push(line(NOON - 30 * SECOND_US, "web01", "sshd-session", 6, accepted));
    let findings = tables.findings_between(&rule, NOON - 10 * MINUTE_US, NOON).await;
    let found: Vec<_> = findings.iter().map(|finding| finding.title.as_str()).collect();
    let expected = ["203.0.113.9 logged in on web01 as root after 14 failures", "2001:db8::7 logged in on web01 as pi after 12 failures"];
    assert_eq!(found, expected);
    assert_eq!(tables.evidence(&rule, &findings[0]).await.len(), 15);
}

#[tokio::test]
async fn mistakes_keys_and_other_addresses_are_no_break_in() {
    let rule = rule("ssh_login_after_failures");
    let mut tables = failures("10.20.20.11", 9, 5);
    tables.lines.extend(failures("203.0.113.9", 30, 5).lines);
    tables.lines.extend(failures("198.51.100.4", 30, 5).lines);
    tables.lines.extend(failures("192.0.2.80", 30, 45).lines);
    let at_us = NOON - 30 * SECOND_US;
    for text in [
        "Accepted password for m.okafor from 10.20.20.11 port 4 ssh2",
        "Accepted password for s.lind from 10.20.20.12 port 4 ssh2",
        "Accepted publickey for deploy from 198.51.100.4 port 4 ssh2: ED25519 SHA256:abc",
        "Accepted password for s.lind from 192.0.2.80 port 4 ssh2",
    ] {
        tables.lines.push(line(at_us, "web01", "sshd", 6, text));
    }
    tables.lines.push(line(at_us, "web02", "sshd", 6, "Accepted password for root from 203.0.113.9 port 4 ssh2"));
    let findings = tables.findings_between(&rule, NOON - 10 * MINUTE_US, NOON).await;
    assert!(findings.is_empty(), "{:?}", findings.iter().map(|finding| &finding.title).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_may_not_become_root_is_named() {
    let mut tables = said(
        "web01",
        "sudo",
        1,
        &[
            "   www-data : user NOT in sudoers ; TTY=unknown ; PWD=/var/www ; USER=root ; COMMAND=/bin/sh",
            "t.moreau : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home/t.moreau ; USER=root ; COMMAND=/usr/bin/id",
            "t.moreau : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home/t.moreau ; USER=root ; COMMAND=/usr/bin/id",
            "t.moreau : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home/t.moreau ; USER=root ; COMMAND=/usr/bin/id",
            "s.lind : 3 incorrect password attempts ; TTY=pts/1 ; PWD=/home/s.lind ; USER=root ; COMMAND=/usr/bin/id",
            "netops : TTY=pts/0 ; PWD=/home/netops ; USER=root ; COMMAND=/usr/bin/systemctl status",
        ],
    );
    tables.lines.extend(said("web01", "su", 5, &["FAILED SU (to root) k.sato on pts/3"]).lines);
    let says = |who: &str, times| format!("{who} tried {times} times to become another user on web01");
    assert_eq!(titles(&tables, "sudo_failures").await, [says("t.moreau", 9), says("www-data", 1)]);
}
