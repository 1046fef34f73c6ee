//! Postfix and Dovecot: every mail is a story of five lines under one queue id.

use super::dice::Dice;
use super::events::Minute;
use super::hosts::{Host, HostKind};
use super::syslog_line::{Said, facility, severity};
use crate::clock::TimestampUs;

const STREAM: u64 = 0x3A11;

const PEOPLE: [&str; 12] =
    ["a.berg", "j.ndiaye", "m.okafor", "s.lind", "t.moreau", "k.sato", "r.alvarez", "e.novak", "orders", "invoices", "support", "it"];
const ELSEWHERE: [&str; 5] = ["supplier.example", "customer.example", "partner.example.org", "news.example.com", "bank.example"];

pub(super) fn write(minute: &mut Minute<'_>) {
    let Some(host) = minute.site.host_of(HostKind::Mail) else { return };
    let mut dice = minute.dice(STREAM, host);
    let busy = minute.site.busy(minute.start_us);
    for at_us in minute.moments(&mut dice, 0.06 + 0.55 * busy) {
        mail(minute, host, &mut dice, at_us);
    }
    for at_us in minute.moments(&mut dice, 0.05 + 0.5 * busy) {
        let pid = minute.site.daemon_pid(host, "dovecot", at_us);
        let (user, session) = (dice.pick(&PEOPLE[..8]), dice.word());
        let client = format!("10.20.{}.{}", dice.range(20, 24), dice.range(10, 250));
        let said = Said::new(facility::MAIL, severity::INFO, "dovecot", pid);
        let text = format_args!("imap-login: Login: user=<{user}>, method=PLAIN, rip={client}, lip=10.20.5.11, TLS, session=<{session:x}>");
        minute.say(at_us, host, &said, text);
    }
    for at_us in minute.moments(&mut dice, 0.06) {
        let pid = dice.range(4_000, 32_000) as u32;
        let client = format!("192.0.2.{}", dice.range(2, 254));
        let said = Said::new(facility::MAIL, severity::INFO, "postfix/smtpd", pid);
        minute.say(at_us, host, &said, format_args!("connect from unknown[{client}]"));
        let text = format_args!(
            "NOQUEUE: reject: RCPT from unknown[{client}]: 554 5.7.1 Service unavailable; client [{client}] blocked by reputation list"
        );
        minute.say(at_us + 400_000, host, &said.with_severity(severity::NOTICE), text);
        minute.say(
            at_us + 700_000,
            host,
            &said,
            format_args!("disconnect from unknown[{client}] ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4"),
        );
    }
}

fn mail(minute: &mut Minute<'_>, host: &Host, dice: &mut Dice, at_us: TimestampUs) {
    let queue_id = format!("{:011X}", dice.word() & 0xFFF_FFFF_FFFF);
    let inside = format!("{}@example.net", dice.pick(&PEOPLE));
    let outside = format!("contact{}@{}", dice.range(1, 90), dice.pick(&ELSEWHERE));
    let incoming = dice.chance(0.6);
    let (from, to) = if incoming { (&outside, &inside) } else { (&inside, &outside) };
    let (size, relay) = (dice.skewed(14_000.0) as i64, format!("mx{}.{}", dice.range(1, 3), dice.pick(&ELSEWHERE)));
    let delay = dice.skewed(0.6);
    let said = |app| Said::new(facility::MAIL, severity::INFO, app, 0);
    let pids: [u32; 3] = [(); 3].map(|()| dice.range(4_000, 32_000) as u32);
    let with_pid = |app, pid| Said { pid: Some(pid), ..said(app) };
    let qmgr = minute.site.daemon_pid(host, "qmgr", at_us);
    minute.say(at_us, host, &with_pid("postfix/smtpd", pids[0]), format_args!("{queue_id}: client={relay}[198.51.100.25]"));
    let cleanup = format_args!("{queue_id}: message-id=<{:x}.{size}@mail.example.net>", at_us / 1_000);
    minute.say(at_us + 60_000, host, &with_pid("postfix/cleanup", pids[1]), cleanup);
    minute.say(
        at_us + 90_000,
        host,
        &with_pid("postfix/qmgr", qmgr),
        format_args!("{queue_id}: from=<{from}>, size={size}, nrcpt=1 (queue active)"),
    );
    let bounced = !incoming && dice.chance(0.03);
    let (dsn, status, answer) =
        if bounced { ("4.2.1", "deferred", "450 4.2.1 mailbox busy, try again later") } else { ("2.0.0", "sent", "250 2.0.0 Ok: queued") };
    let (agent, next) =
        if incoming { ("postfix/lmtp", "mail01.example.net[private/dovecot-lmtp]") } else { ("postfix/smtp", relay.as_str()) };
    let sent_us = at_us + (delay * 1_000_000.0) as i64;
    let text = format_args!("{queue_id}: to=<{to}>, relay={next}, delay={delay:.2}, dsn={dsn}, status={status} ({answer})");
    minute.say(sent_us, host, &with_pid(agent, pids[2]), text);
    if !bounced {
        minute.say(sent_us + 10_000, host, &with_pid("postfix/qmgr", qmgr), format_args!("{queue_id}: removed"));
    }
}
