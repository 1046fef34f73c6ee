//! What a message says about its event in formats that many devices share, whatever header it came under.
//!
//! The message keeps its text; what is found becomes `msgid`, attributes, and those columns that the header left empty. A time in
//! the message counts where the header has none, or where it is the same second told more exactly.

use std::borrow::Cow;

use memchr::memmem;

use super::syslog::stated;
use super::{Context, cisco, event_format, key_value, palo_alto, snare, syslog_rfc3164, timestamp};
use crate::clock::SECOND_US;
use crate::record::{Attribute, LogRecord};

/// How far into a JSON message its time stamp is looked for: the first fields of an event, not those of its payload.
const JSON_WINDOW: usize = 320;

/// Whether the text begins with a format's own first word, which is then no tag.
pub(super) fn begins_with_format(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'C') => text.starts_with("CEF:") || is_ise(text),
        Some(b'L') => text.starts_with("LEEF:"),
        Some(b'M') => text.starts_with("MSWinEventLog"),
        Some(b'd' | b'i' | b'l' | b't') => key_value::begins(text),
        Some(b'{') => true,
        Some(b'0'..=b'9') => palo_alto::begins(text),
        _ => false,
    }
}

/// A line that is all body: no stamp in front.
pub(super) fn read_alone<'a>(rest: &'a str, context: &Context, record: &mut LogRecord<'a>) {
    record.message = Cow::Borrowed(rest);
    let text = rest.trim_start_matches(' ');
    if begins_with_format(text) {
        read_within(text, context, record);
        record.message = Cow::Borrowed(text);
    } else if record.facility.is_some() {
        syslog_rfc3164::read_without_stamp(text, context, record);
    }
}

/// Reads the formats within a message that a grammar has cut out of its line.
pub(super) fn read_within<'a>(message: &'a str, context: &Context, record: &mut LogRecord<'a>) {
    // Some relays put one blank more between header and message; the formats begin behind it.
    let message = message.trim_start_matches(' ');
    let Some(first) = message.as_bytes().first() else { return };
    match first {
        b'C' if message.starts_with("CEF:") => event_format::read_cef(message, context, record),
        b'C' if is_ise(message) => read_ise(message, context, record),
        b'L' if message.starts_with("LEEF:") => event_format::read_leef(message, context, record),
        b'M' if message.starts_with("MSWinEventLog") => snare::read(message, context, record),
        b'd' | b'i' | b'l' | b't' if key_value::begins(message) => key_value::read(message, context, record),
        b'0'..=b'9' if palo_alto::begins(message) => palo_alto::read(message, context, record),
        b'0'..=b'9' => {
            refine_time(message, context, record);
            read_f5_code(message, record);
        }
        b'{' => refine_time_from_json(message, context, record),
        b'[' => read_bracketed(message, context, record),
        b'%' => read_mnemonic(message, record),
        b'A'..=b'Z' => read_junos_event(message, record),
        b'a'..=b'z' => {
            read_vmware(message, record);
            read_junos_routine(message, record);
        }
        _ => {}
    }
}

fn is_ise(text: &str) -> bool {
    text.starts_with("CISE_") || text.starts_with("CSCOacs_")
}

/// Cisco ISE, and ACS before it: category, message number, segments, segment, and a stamp with milliseconds and zone.
fn read_ise<'a>(message: &'a str, context: &Context, record: &mut LogRecord<'a>) {
    let mut words = message.splitn(5, ' ');
    record.msgid = words.next().and_then(stated);
    record.dialect = "cisco_ise";
    let numbers = words.by_ref().take(3).filter(|word| word.bytes().all(|byte| byte.is_ascii_digit())).count();
    if let Some(behind) = words.next().filter(|_| numbers == 3) {
        refine_time(behind, context, record);
    }
}

/// Takes the time at the start of `text` if the header has none, or if it is the header's second with a fraction.
fn refine_time(text: &str, context: &Context, record: &mut LogRecord<'_>) {
    let exact = timestamp::read_iso(text).and_then(|(stamp, _)| stamp.resolve(context));
    if let (Some(told), Some(exact)) = (record.timestamp_us, exact)
        && told % SECOND_US == 0
        && told == exact - exact.rem_euclid(SECOND_US)
    {
        record.timestamp_us = Some(exact);
    }
}

/// The same for a JSON message with a field `timestamp` among its first.
fn refine_time_from_json(message: &str, context: &Context, record: &mut LogRecord<'_>) {
    if record.timestamp_us.is_none_or(|told| told % SECOND_US != 0) {
        return;
    }
    let window = &message.as_bytes()[..message.len().min(JSON_WINDOW)];
    let Some(at) = memmem::find(window, b"imestamp\"") else { return };
    let value = message[at + 9..].trim_start_matches([' ', ':']);
    if let Some(text) = value.strip_prefix('"') {
        refine_time(text, context, record);
    }
}

/// F5: `01010028:5: text`, eight hexadecimal digits and the severity.
fn read_f5_code<'a>(message: &'a str, record: &mut LogRecord<'a>) {
    let bytes = message.as_bytes();
    if bytes.len() > 12
        && bytes[..8].iter().all(u8::is_ascii_hexdigit)
        && matches!(bytes[8..12], [b':', b'0'..=b'7', b':', b' '])
        && record.app.is_some()
    {
        record.msgid = record.msgid.take().or_else(|| stated(&message[..8]));
        record.dialect = "f5_big_ip";
    }
}

/// `[ID 702911 user.error] text` (Solaris), `[node:event.name:severity]: text` (NetApp ONTAP), or a stamp in brackets.
fn read_bracketed<'a>(message: &'a str, context: &Context, record: &mut LogRecord<'a>) {
    if let Some(id) = message.strip_prefix("[ID ") {
        let number = &id[..id.bytes().take_while(u8::is_ascii_digit).count()];
        record.msgid = record.msgid.take().or_else(|| stated(number));
        return;
    }
    refine_time(&message[1..], context, record);
    let Some((inner, text)) = message[1..].split_once("]: ") else { return };
    let mut parts = inner.split(':');
    if let (Some(node), Some(event), Some(severity), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        && event.contains('.')
        && syslog_rfc3164::is_host(node)
        && super::json_line::severity_code(severity).is_some()
    {
        record.host = record.host.take().or_else(|| stated(node));
        record.msgid = stated(event);
        record.message = Cow::Borrowed(text);
        record.dialect = "netapp_ontap";
    }
}

/// Cisco's `%FACILITY-5-NAME` behind another header, or `%%10SHELL/5/LOGIN(l): text` of Comware (H3C, HPE) and Huawei's VRP.
fn read_mnemonic<'a>(message: &'a str, record: &mut LogRecord<'a>) {
    if let Some(behind) = message.strip_prefix("%%") {
        let end = behind.find(['(', ':', '[', ' ']).unwrap_or(0);
        let name = behind[..end].trim_start_matches(|c: char| c.is_ascii_digit());
        if name.split('/').count() == 3 {
            record.msgid = stated(name);
            record.dialect = "comware";
        }
    } else if let Ok((_, name)) = cisco::mnemonic(message) {
        record.msgid = record.msgid.take().or_else(|| stated(name));
    }
}

/// Daemons of Junos whose events may be in small letters.
const JUNOS_DAEMONS: [&str; 14] =
    ["rpd", "mgd", "mib2d", "chassisd", "dcd", "eswd", "lacpd", "l2ald", "l2cpd", "pfed", "bfdd", "cosd", "dfwd", "kernel"];

/// Junos in small letters: `bgp_recv: text` of a known daemon, and of the kernel, which Junos calls `/kernel`.
fn read_junos_routine<'a>(message: &'a str, record: &mut LogRecord<'a>) {
    let Some(Cow::Borrowed(app)) = record.app else { return };
    let daemon = app.trim_start_matches('/');
    if !JUNOS_DAEMONS.contains(&daemon) || app == "kernel" {
        return;
    }
    let end = message.bytes().position(|byte| !(byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')).unwrap_or(0);
    let name = &message[..end];
    if message[end..].starts_with(':') && name.contains('_') && record.msgid.is_none() {
        (record.app, record.msgid, record.dialect) = (stated(daemon), stated(name), "junos");
    }
}

/// Junos: `UI_COMMIT_COMPLETED: text`, the event's name in capitals with an underscore.
fn read_junos_event<'a>(message: &'a str, record: &mut LogRecord<'a>) {
    let end = message.bytes().position(|byte| !(byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')).unwrap_or(0);
    let name = &message[..end];
    if message[end..].starts_with(": ") && name.contains('_') && record.app.is_some() && record.msgid.is_none() {
        record.msgid = Some(Cow::Borrowed(name));
        record.dialect = "junos";
    }
}

fn read_vmware<'a>(message: &'a str, record: &mut LogRecord<'a>) {
    if let Some(pid) = syslog_rfc3164::vmware_process(message) {
        record.pid = record.pid.take().or_else(|| stated(pid));
        record.dialect = "vmware_esxi";
    }
}

/// Check Point's log exporter puts `[action:"Accept"; ifname:"eth0"; ...]` where RFC 5424 has structured data.
pub(super) fn read_check_point_data<'a>(text: &'a str, record: &mut LogRecord<'a>) -> bool {
    let Some(mut rest) = text.strip_prefix('[') else { return false };
    let before = record.attributes.len();
    while let Some((name, behind)) = rest.split_once(":\"") {
        let Some((value, behind)) = behind.split_once('"') else { break };
        if !key_value::is_name(name) {
            break;
        }
        record.attributes.push(plain_attribute(name, value));
        rest = behind.trim_start_matches([';', ' ']);
    }
    let complete = rest.trim_end_matches(' ') == "]" && record.attributes.len() > before;
    if complete {
        record.message = Cow::Borrowed(text);
        record.dialect = "check_point";
    } else {
        record.attributes.truncate(before);
    }
    complete
}

/// An attribute without namespace, borrowed whole.
pub(super) fn plain_attribute<'a>(name: &'a str, value: &'a str) -> Attribute<'a> {
    Attribute { namespace: Cow::Borrowed(""), name: Cow::Borrowed(name), value: Cow::Borrowed(value) }
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

    fn shown(line: &str) -> [String; 4] {
        let record = parse(line);
        let own = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or("").to_owned();
        [record.dialect.to_owned(), own(&record.host), own(&record.app), own(&record.msgid)]
    }

    #[test]
    fn formats_are_known_by_their_first_word() {
        let cases = [
            (
                "<172>Dec 30 08:00:01 mx1 rpd[7]: BGP_PREFIX_LIMIT_EXCEEDED: 192.0.2.1: 500",
                ["junos", "mx1", "rpd", "BGP_PREFIX_LIMIT_EXCEEDED"],
            ),
            ("<4>Dec 30 08:00:01 mx1 /kernel: tcp_auth_ok: wrong digest", ["junos", "mx1", "kernel", "tcp_auth_ok"]),
            ("<4>Dec 30 08:00:01 web1 kernel: nf_conntrack: table full", ["rfc3164", "web1", "kernel", ""]),
            ("<134>Dec 30 08:00:01 lb1 notice tmm1[20]: 01010028:5: no members", ["f5_big_ip", "lb1", "tmm1", "01010028"]),
            ("<38>Dec 30 08:00:01 sun1 sshd[8]: [ID 800047 auth.info] Failed none", ["rfc3164", "sun1", "sshd", "800047"]),
            ("<187>Dec 30 2025 08:00:01 ne40 %%01BFD/4/STACHG_TODWN(l)[88]:Down", ["comware", "ne40", "", "BFD/4/STACHG_TODWN"]),
            ("<29>Dec 30 08:00:01 sw9 %%10SHELL/5/SHELL_LOGIN(l): admin logged in", ["comware", "sw9", "", "SHELL/5/SHELL_LOGIN"]),
            ("<13>Dec 30 08:00:01 [nas1:wafl.vol.full:notice]: volume data is full", ["netapp_ontap", "nas1", "", "wafl.vol.full"]),
            ("<14>2025-12-30T08:00:01Z esx3 Vpxa: verbose vpxa[16] [Originator@6876 sub=x] y", ["vmware_esxi", "esx3", "Vpxa", ""]),
            ("<165>Dec 30 08:00:01 ise1 CISE_Alarm WARN: queue link down", ["cisco_ise", "ise1", "", "CISE_Alarm"]),
            ("<189>1 2025-12-30T08:00:01Z rt1 - - - - %SYS-5-CONFIG_I: by admin", ["rfc5424", "rt1", "", "SYS-5-CONFIG_I"]),
        ];
        for (line, expected) in cases {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    #[test]
    fn the_same_second_told_more_exactly_is_taken() {
        for line in [
            "<14>Dec 30 08:00:01 ids1 suricata[5]: {\"timestamp\": \"2025-12-30T08:00:01.250+00:00\"}",
            "<14>Dec 30 08:00:01 ids1 [2025-12-30 08:00:01,250: worker] done",
            "<14>Dec 30 08:00:01 ise1 CISE_RADIUS 0000000007 1 0 2025-12-30 09:00:01.250 +01:00 0 3002 NOTICE",
        ] {
            assert_eq!(parse(line).timestamp_us, Some(1_767_081_601_250_000), "{line}");
        }
    }

    #[test]
    fn another_second_in_the_message_changes_nothing() {
        let record = parse("<14>Dec 30 08:00:01 ids1 app: 2025-12-30 08:00:09.250 done");
        assert_eq!(record.timestamp_us, Some(1_767_081_601_000_000));
    }

    #[test]
    fn check_points_fields_in_the_place_of_structured_data() {
        let record = parse("<134>1 2025-12-30T08:00:01Z gw1 CheckPoint 77 - [action:\"Drop\"; src:\"10.0.0.9\"; ]");
        assert_eq!(record.attributes, [plain_attribute("action", "Drop"), plain_attribute("src", "10.0.0.9")]);
        assert_eq!((record.dialect, &record.parse_error), ("check_point", &None));
    }
}
