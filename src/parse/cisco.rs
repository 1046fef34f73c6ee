//! Cisco's mnemonics and the heads in front of them: IOS, IOS XE, IOS XR, NX-OS, ASA, UCS, and Arista EOS, which writes the same.
//!
//! ```text
//! <189>1432: sw01: *Jun  1 12:50:26.172 CEST: %LINEPROTO-5-UPDOWN: Line protocol ...       IOS: sequence, host, stamp
//! <190>40: xr1 RP/0/RP0/CPU0:Oct  4 22:52:47.441 : config[67310]: %MGBL-SYS-5-CONFIG_I : ...    IOS XR: node, process
//! <190>: 2026 Apr 20 13:15:07 UTC: %ETHPORT-5-IF_UP: ...                                   NX-OS
//! <166>Jul 15 2026 10:11:12 fw01 : %ASA-6-302013: ...                                      ASA
//! <131>wlc1: *emWeb: May 19 04:33:10.123: %CLI-3-CANCELLED: ...                             wireless controller: task
//! <165>Feb  7 22:22:35 leaf3 Bfd: %BFD-5-STATE_CHANGE: ...                                 EOS
//! ```
//!
//! `msgid` is the mnemonic without the percent sign; the message begins with it, as in the vendor's documents. The severity in the
//! mnemonic counts only where the line has no priority.

use std::borrow::Cow;

use memchr::memchr2_iter;
use nom::IResult;
use nom::Parser;
use nom::bytes::complete::take_while1;
use nom::character::complete::one_of;
use nom::combinator::verify;
use nom::sequence::preceded;

use super::syslog::stated;
use super::syslog_rfc3164::is_host;
use super::timestamp::{self, Stamp};
use super::{Context, timestamp::read_bsd};
use crate::record::{Attribute, LogRecord};

/// A head longer than this is text that happens to hold a mnemonic.
const HEAD_LENGTH: usize = 200;

/// The severity within `FACILITY-5-NAME`, if the word is one.
fn severity_in(word: &str) -> Option<u8> {
    let bytes = word.as_bytes();
    let at = bytes.windows(3).position(|window| window[0] == b'-' && window[1].is_ascii_digit() && window[2] == b'-')?;
    (at > 0 && bytes.len() > at + 3 && bytes[at + 1] < b'8').then(|| bytes[at + 1] - b'0')
}

/// `%FACILITY-5-NAME` without the percent sign; older wireless controllers write `#`.
pub(super) fn mnemonic(input: &str) -> IResult<&str, &str> {
    let word = take_while1(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    preceded(one_of("%#"), verify(word, |word: &str| severity_in(word).is_some())).parse(input)
}

/// What stands in front of the mnemonic.
#[derive(Default)]
struct Head<'a> {
    sequence: Option<&'a str>,
    host: Option<&'a str>,
    stamp: Option<Stamp>,
    year_first: bool,
    node: Option<&'a str>,
    app: Option<&'a str>,
    pid: Option<&'a str>,
    /// The process is the task of a wireless controller, in front of the stamp.
    task: bool,
}

/// Reads a line with a mnemonic behind a head of known pieces; else leaves `record` alone and returns false.
pub(super) fn read<'a>(text: &'a str, context: &Context, record: &mut LogRecord<'a>) -> bool {
    let Some((start, name)) = find_mnemonic(text) else { return false };
    let Some(mut head) = read_head(&text[..start]) else { return false };
    let security = ["ASA", "FTD", "PIX", "FWSM"].iter().any(|family| name.starts_with(family));
    if security {
        // A firewall has no process in its head: the last name there is its own.
        head.host = head.app.take().or(head.host);
    }
    if head.host.is_none() {
        head.host = viptela_host(name);
    }
    record.timestamp_us = head.stamp.and_then(|stamp| stamp.resolve(context));
    record.host = head.host.and_then(stated);
    record.app = head.app.and_then(stated);
    record.pid = head.pid.and_then(stated);
    record.msgid = stated(name);
    if record.severity.is_none() {
        record.severity = severity_in(name);
    }
    record.message = Cow::Borrowed(&text[start..]);
    let further = [("sequence", head.sequence), ("node", head.node)];
    record.attributes.extend(further.into_iter().filter_map(|(name, value)| Some(attribute(name, value?))));
    record.dialect = match &head {
        _ if security => "cisco_asa",
        Head { task: true, .. } => "cisco_wlc",
        Head { node: Some(_), .. } => "cisco_ios_xr",
        Head { app: Some(_), .. } => "arista_eos",
        Head { year_first: true, .. } => "cisco_nx_os",
        _ => "cisco_ios",
    };
    true
}

fn attribute<'a>(name: &'static str, value: &'a str) -> Attribute<'a> {
    Attribute { namespace: Cow::Borrowed(""), name: Cow::Borrowed(name), value: Cow::Borrowed(value) }
}

fn find_mnemonic(text: &str) -> Option<(usize, &str)> {
    let bytes = text.as_bytes();
    let window = &bytes[..bytes.len().min(HEAD_LENGTH)];
    memchr2_iter(b'%', b'#', window)
        .filter(|at| *at == 0 || matches!(bytes[at - 1], b' ' | b':'))
        .find_map(|at| mnemonic(&text[at..]).ok().map(|(_, name)| (at, name)))
}

/// Cisco SD-WAN: `Viptela-<host>-<daemon>-6-INFO-1400002`.
fn viptela_host(name: &str) -> Option<&str> {
    let behind = name.strip_prefix("Viptela-")?;
    // The severity is the last such part: hosts end in numbers too.
    let at = behind.as_bytes().windows(3).rposition(|window| window[0] == b'-' && window[1].is_ascii_digit() && window[2] == b'-')?;
    behind[..at].rsplit_once('-').map(|(host, _daemon)| host)
}

/// The pieces of a head, in whatever order and number the device is configured to send them; `None` if one is unknown.
fn read_head(text: &str) -> Option<Head<'_>> {
    let mut head = Head::default();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', ':']);
        if rest.is_empty() {
            return Some(head);
        }
        // `*`: the clock is not set; `.`: it is set but has lost its server.
        let unmarked = rest.trim_start_matches(['*', '.']);
        if let Some((stamp, behind)) = timestamp::read(unmarked) {
            head.year_first = unmarked.starts_with(|c: char| c.is_ascii_digit()) && read_bsd(unmarked.get(5..)?).is_some();
            if head.stamp.replace(stamp).is_some() {
                // A relay's header came first; the name behind it is the device's.
                head.host = head.app.take().or(head.host);
            }
            rest = behind;
            continue;
        }
        rest = read_piece(rest, &mut head)?;
    }
}

fn read_piece<'a>(rest: &'a str, head: &mut Head<'a>) -> Option<&'a str> {
    let mut end = rest.find(' ').unwrap_or(rest.len());
    let mut word = &rest[..end];
    if is_node(word) {
        end = rest.find(':')?;
        head.node = Some(&rest[..end]);
        return Some(&rest[end..]);
    }
    let colon = word.ends_with(':') || rest[end..].starts_with(" :");
    word = word.trim_end_matches(':');
    if word.bytes().all(|byte| byte.is_ascii_digit()) && colon {
        head.sequence.get_or_insert(word);
    } else if let Some(task) = word.strip_prefix('*').filter(|_| colon && head.app.is_none()) {
        (head.app, head.task) = (Some(task), true);
    } else if is_uptime(word) {
        // Time since the start says nothing about the moment.
    } else if head.stamp.is_some() && colon && head.app.is_none() {
        read_process(word, head)?;
    } else if head.host.is_none() && is_host(word) {
        head.host = Some(word);
    } else {
        return None;
    }
    Some(&rest[end..])
}

fn read_process<'a>(word: &'a str, head: &mut Head<'a>) -> Option<()> {
    match word.strip_suffix(']').and_then(|open| open.rsplit_once('[')) {
        Some((app, pid)) => (head.app, head.pid) = (Some(app), Some(pid)),
        None if is_host(word) => head.app = Some(word),
        None => return None,
    }
    Some(())
}

/// `RP/0/RSP0/CPU0:...`: the node of a distributed router.
fn is_node(word: &str) -> bool {
    let node = word.starts_with("RP/") || word.starts_with("LC/") || word.as_bytes().get(1) == Some(&b'/');
    node && word.contains("/CPU") && word.contains(':')
}

/// `00:01:01`, `1w2d`, `2y10w`: the time since the start, from devices without a clock.
fn is_uptime(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'y' | b'w' | b'd' | b'h' | b'.'))
        && word.bytes().any(|byte| matches!(byte, b':' | b'y' | b'w' | b'd' | b'h'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_syslog;
    use crate::record::Zone;

    fn parse(line: &str) -> LogRecord<'static> {
        let context = Context { received_at_us: 1_767_225_600_000_000, zone: Zone::UTC }; // 2026-01-01
        parse_syslog(line.as_bytes().to_vec().leak(), &context, Box::leak(Box::default()))
    }

    /// A line, then what it gives: dialect, host, app, pid, msgid, second of 2025-12-30.
    type Case = (&'static str, &'static str, [&'static str; 4], Option<i64>);

    const CASES: [Case; 20] = [
        ("<189>7: Dec 30 08:00:01.5: %SYS-5-CONFIG_I: by admin", "cisco_ios", ["", "", "", "SYS-5-CONFIG_I"], Some(28_801)),
        ("<189>7: rt1: *Dec 30 08:00:01.5: %SYS-5-CONFIG_I: by admin", "cisco_ios", ["rt1", "", "", "SYS-5-CONFIG_I"], Some(28_801)),
        ("<189>7: rt1: 000812: .Dec 30 09:00:01 CET: %SYS-5-CONFIG_I: x", "cisco_ios", ["rt1", "", "", "SYS-5-CONFIG_I"], Some(28_801)),
        ("<189>rt1: Dec 30 08:00:01: %SYS-5-CONFIG_I: x", "cisco_ios", ["rt1", "", "", "SYS-5-CONFIG_I"], Some(28_801)),
        ("<189>Dec 30 08:00:01 rt1 %SYS-5-CONFIG_I: x", "cisco_ios", ["rt1", "", "", "SYS-5-CONFIG_I"], Some(28_801)),
        ("<189>Dec 30 08:00:09 rt1 7: Dec 30 08:00:01.5: %SYS-5-CONFIG_I: x", "cisco_ios", ["rt1", "", "", "SYS-5-CONFIG_I"], Some(28_801)),
        ("<189>7: 00:01:01: %SYS-5-RESTART: x", "cisco_ios", ["", "", "", "SYS-5-RESTART"], None),
        ("<189>7: 2w1d: %SYS-5-RESTART: x", "cisco_ios", ["", "", "", "SYS-5-RESTART"], None),
        ("<190>: 2025 Dec 30 08:00:01 UTC: %ETHPORT-5-IF_UP: x", "cisco_nx_os", ["", "", "", "ETHPORT-5-IF_UP"], Some(28_801)),
        ("<190>2025 Dec 30 08:00:01 nx1 %ETHPORT-5-IF_UP: x", "cisco_nx_os", ["nx1", "", "", "ETHPORT-5-IF_UP"], Some(28_801)),
        (
            "<190>40: xr1 RP/0/RP0/CPU0:Dec 30 08:00:01.5 : cfg[67]: %MGBL-CONFIG-6-DB_COMMIT : x",
            "cisco_ios_xr",
            ["xr1", "cfg", "67", "MGBL-CONFIG-6-DB_COMMIT"],
            Some(28_801),
        ),
        (
            "<190>RP/0/RSP0/CPU0:Dec 30 08:00:01: ntpd[2]: %IP-NTP-5-SYNC : x",
            "cisco_ios_xr",
            ["", "ntpd", "2", "IP-NTP-5-SYNC"],
            Some(28_801),
        ),
        ("<166>Dec 30 2025 08:00:01 fw1 : %ASA-6-302013: Built", "cisco_asa", ["fw1", "", "", "ASA-6-302013"], Some(28_801)),
        ("<166>Dec 30 2025 08:00:01: %ASA-6-302013: Built", "cisco_asa", ["", "", "", "ASA-6-302013"], Some(28_801)),
        ("<166>%ASA-6-302013: Built", "cisco_asa", ["", "", "", "ASA-6-302013"], None),
        ("<131>wl1: *emWeb: Dec 30 08:00:01.5: %CLI-3-CANCELLED: x", "cisco_wlc", ["wl1", "emWeb", "", "CLI-3-CANCELLED"], Some(28_801)),
        (
            "<166>Dec 30 08:00:09 relay9 Dec 30 2025 08:00:01 fw1 : %ASA-6-302013: x",
            "cisco_asa",
            ["fw1", "", "", "ASA-6-302013"],
            Some(28_801),
        ),
        ("<189>Dec 30 08:00:09 relay9 7: rt1: Dec 30 08:00:01: %SYS-5-A_B: x", "cisco_ios", ["rt1", "", "", "SYS-5-A_B"], Some(28_801)),
        ("<165>Dec 30 08:00:01 leaf3 Bfd: %BFD-5-STATE_CHANGE: up", "arista_eos", ["leaf3", "Bfd", "", "BFD-5-STATE_CHANGE"], Some(28_801)),
        (
            "<189>Dec 30 08:00:01 SYSMGR[9]: %Viptela-edge-7-sysmgrd-6-INFO-1400002: x",
            "arista_eos",
            ["edge-7", "SYSMGR", "9", "Viptela-edge-7-sysmgrd-6-INFO-1400002"],
            Some(28_801),
        ),
    ];

    #[test]
    fn heads_of_every_family() {
        for (line, dialect, [host, app, pid, msgid], second) in CASES {
            let record = parse(line);
            let columns = [&record.host, &record.app, &record.pid, &record.msgid].map(|column| column.as_deref().unwrap_or(""));
            assert_eq!(columns, [host, app, pid, msgid], "{line}");
            assert_eq!(record.dialect, dialect, "{line}");
            assert_eq!(record.timestamp_us.map(|us| us / 1_000_000 - 1_767_052_800), second, "{line}");
            assert!(record.message.starts_with('%'), "{line}");
        }
    }

    #[test]
    fn the_sequence_number_is_an_attribute() {
        let record = parse("<189>1432: sw01: 000812: Dec 30 08:00:01: %SYS-5-CONFIG_I: x");
        assert_eq!(record.attributes, [attribute("sequence", "1432")]);
    }

    #[test]
    fn the_mnemonic_states_the_severity_where_no_priority_does() {
        assert_eq!(parse("Dec 30 08:00:01 fw1 %ASA-3-106014: Deny").severity, Some(3));
        assert_eq!(parse("<166>Dec 30 08:00:01 fw1 %ASA-3-106014: Deny").severity, Some(6));
    }

    #[test]
    fn a_percent_sign_in_a_message_is_text() {
        let record = parse("<38>Dec 30 08:00:01 gate1 app[3]: disk is full, see %SYS-5-CONFIG_I: x");
        assert_eq!((record.dialect, record.app.as_deref()), ("rfc3164", Some("app")));
        assert_eq!(parse("<38>Dec 30 08:00:01 gate1 app: %d items").dialect, "rfc3164");
    }
}
