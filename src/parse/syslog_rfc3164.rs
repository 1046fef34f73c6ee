//! RFC 3164 as it is really sent: `<34>Oct 11 22:14:15 host tag[pid]: message`, with everything but the stamp optional.
//!
//! The standard's rules where they leave a choice: the word behind the stamp is the host unless it is a tag (it ends in a colon or
//! has a process id in brackets); the word behind the host is the tag (APP-NAME) if it ends so, or if it is one plain word without colon
//! (section 4.1.3: the tag ends at the first character that is not alphanumeric). A message that repeats a header behind the host, as relays
//! produce it, gives the inner header.

use std::borrow::Cow;

use memchr::memchr;
use nom::IResult;
use nom::Parser;
use nom::bytes::complete::{tag, take_until1};
use nom::sequence::{delimited, preceded};

use super::structured_data::{self, Elements};
use super::syslog::stated;
use super::{Context, body, cisco, timestamp};
use crate::record::LogRecord;

const DIALECT: &str = "rfc3164";

/// A tag longer than this is text; names of programs stay far below it.
const TAG_LENGTH: usize = 128;

/// Reads what follows the priority, if a stamp or a vendor's head stands there; else leaves `record` alone and returns false.
pub(super) fn read<'a>(rest: &'a str, context: &Context, record: &mut LogRecord<'a>) -> bool {
    let text = rest.trim_start_matches(' ');
    if cisco::read(text, context, record) {
        return true;
    }
    let Some((stamp, behind)) = timestamp::read(text) else { return false };
    // `12:33:04, ...` or `[2026-...]` is a column of something else; a missing blank before the host is seen in the wild.
    let content = match behind.as_bytes().first() {
        None => behind,
        Some(b' ' | b'\t') => behind.trim_start_matches([' ', '\t']),
        Some(b':') => behind[1..].trim_start_matches(' '),
        Some(byte) if byte.is_ascii_alphanumeric() => behind,
        Some(_) => return false,
    };
    record.timestamp_us = stamp.resolve(context);
    record.dialect = DIALECT;
    read_origin(content, true, context, record);
    true
}

/// Reads a line that has a priority but no stamp, if it starts with a tag and its colon; else returns false.
pub(super) fn read_without_stamp<'a>(text: &'a str, context: &Context, record: &mut LogRecord<'a>) -> bool {
    let word = first_word(text);
    // Without stamp and host before it, a number and a colon are no program.
    let tagged = read_tag(word).is_some_and(|tag| tag.colon && tag.app.bytes().any(|byte| byte.is_ascii_alphabetic()));
    if tagged {
        record.dialect = DIALECT;
        read_content(text, context, record);
    }
    tagged
}

/// The host, and then tag and message. `outer` is false for a header within a header.
fn read_origin<'a>(content: &'a str, outer: bool, context: &Context, record: &mut LogRecord<'a>) {
    if let Ok((rest, host)) = forwarded(content) {
        record.host = stated(host);
        return read_content(rest, context, record);
    }
    let word = first_word(content);
    let rest = content[word.len()..].trim_start_matches(' ');
    let Some(host) = host_in(word, rest) else {
        return read_content(content, context, record);
    };
    record.host = stated(host);
    if let Some((stamp, inner)) = timestamp::read_bsd(rest).filter(|(_, inner)| outer && inner.starts_with(' ')) {
        record.timestamp_us = stamp.resolve(context);
        return read_origin(inner.trim_start_matches(' '), false, context, record);
    }
    read_content(rest, context, record);
}

/// AIX: `Message forwarded from cdaix66: sshd[679960]: ...`.
fn forwarded(input: &str) -> IResult<&str, &str> {
    delimited(tag("Message forwarded from "), take_until1(": "), tag(": ")).parse(input)
}

/// The host, if the first word behind the stamp names one.
fn host_in<'a>(word: &'a str, rest: &str) -> Option<&'a str> {
    if let Some(quoted) = word.strip_prefix("(\"").and_then(|word| word.strip_suffix("\")")) {
        return Some(quoted); // UniFi access points: ("model,address,version")
    }
    if let Some(address) = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) {
        let numeric = address.len() > 2 && address.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'));
        return numeric.then_some(address).filter(|address| address.contains(['.', ':']));
    }
    if let Some(name) = word.strip_suffix(':').filter(|_| !word.ends_with("::")) {
        // A colon makes a tag, unless the message proves by its own format that it needs none, or the name is UniFi's.
        let host = is_common_event(rest) || name.split(',').count() == 3;
        return host.then_some(name);
    }
    let told = word == "last" && rest.starts_with("message repeated");
    (!told && !body::begins_with_format(word) && is_host(word) && read_tag(word).is_none_or(|tag| tag.pid.is_none())).then_some(word)
}

fn is_common_event(text: &str) -> bool {
    text.starts_with("CEF:") || text.starts_with("LEEF:")
}

/// Whether a word can be a host: a name, an IPv4 or an IPv6 address, or the `-` of a missing one.
pub(super) fn is_host(word: &str) -> bool {
    let bytes = word.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'/' | b'@' | b'#') || *byte >= 0x80;
    let starts = bytes.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'#') || *byte >= 0x80);
    word == "-" || (starts && bytes.len() <= 255 && bytes.iter().all(plain))
}

fn first_word(text: &str) -> &str {
    &text[..memchr(b' ', text.as_bytes()).unwrap_or(text.len())]
}

/// A tag as it stands in the first word of the content.
struct Tag<'a> {
    app: &'a str,
    pid: Option<&'a str>,
    /// Whether a colon ends it, so that it can be nothing else.
    colon: bool,
    /// How many bytes of the word it takes.
    length: usize,
}

fn read_tag(word: &str) -> Option<Tag<'_>> {
    if word.is_empty() || word.starts_with(['[', '(', '{', '"', '<', '*']) || word.starts_with("%%") {
        return None;
    }
    // `sshd[12]:text` has no blank behind the colon; everything else ends with the word.
    let (stem, colon, length) = match (word.strip_suffix(':'), glued_bracket(word)) {
        (Some(stem), _) => (stem, true, word.len()),
        (None, Some(at)) => (&word[..=at], true, at + 2),
        (None, None) => (word, false, word.len()),
    };
    let (app, pid) = match stem.strip_suffix(']').and_then(|open| open.rsplit_once('[')) {
        Some((app, pid)) => (app, Some(pid)),
        None => (stem, None),
    };
    let named = match pid {
        Some(_) => !app.is_empty(),
        None if colon => {
            app.bytes().any(|byte| byte.is_ascii_alphabetic()) || (!app.is_empty() && app.bytes().all(|byte| byte.is_ascii_digit()))
        }
        None => is_plain_name(app),
    };
    (named && app.len() <= TAG_LENGTH).then_some(Tag { app, pid, colon, length })
}

/// Where `]:` stands within a word.
fn glued_bracket(word: &str) -> Option<usize> {
    let at = memchr(b']', word.as_bytes())?;
    (word.as_bytes().get(at + 1) == Some(&b':')).then_some(at)
}

/// Whether a word without colon can be a tag.
fn is_plain_name(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-');
    word.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '_' | '%')) && word.bytes().skip(1).all(plain)
}

/// Tag, process id and message: everything behind the host.
pub(super) fn read_content<'a>(content: &'a str, context: &Context, record: &mut LogRecord<'a>) {
    let content = behind_level(content);
    let message = match read_tag(first_word(content)) {
        Some(tag) if !body::begins_with_format(content) && !content.starts_with("last message repeated") => {
            let message = behind_tag(&content[tag.length..], &tag);
            match read_tag(first_word(message)) {
                // UniFi: `788a20aabbcc,U7LT-6.0.21: hostapd[12]: ...`, the device where the tag should be.
                Some(inner) if inner.colon && tag.app.contains(',') => {
                    record.attributes.push(body::plain_attribute("device", tag.app));
                    take_tag(&inner, record);
                    behind_tag(&message[inner.length..], &inner)
                }
                _ => {
                    take_tag(&tag, record);
                    message
                }
            }
        }
        _ => content,
    };
    let message = read_leading_data(message, record);
    record.message = Cow::Borrowed(message);
    body::read_within(message, context, record);
}

fn take_tag<'a>(tag: &Tag<'a>, record: &mut LogRecord<'a>) {
    record.app = stated(tag.app);
    record.pid = tag.pid.and_then(stated);
}

/// F5 writes the severity as a word in front of the tag: `notice tmm1[20300]: ...`.
fn behind_level(content: &str) -> &str {
    let word = first_word(content);
    if !matches!(word, "emerg" | "alert" | "crit" | "err" | "warning" | "notice" | "info" | "debug") {
        return content;
    }
    let behind = content[word.len()..].trim_start_matches(' ');
    if read_tag(first_word(behind)).is_some_and(|tag| tag.colon) { behind } else { content }
}

fn behind_tag<'a>(rest: &'a str, tag: &Tag<'_>) -> &'a str {
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    if tag.colon {
        return rest;
    }
    // `name : text`, and `name -: text` from templates whose process id is missing.
    [": ", "-: "].iter().find_map(|mark| rest.strip_prefix(mark)).unwrap_or(rest)
}

/// Structured data in front of an old-style message, as rsyslog writes it about itself. Brackets without parameters (`[12.345]` of the
/// kernel) are text.
fn read_leading_data<'a>(message: &'a str, record: &mut LogRecord<'a>) -> &'a str {
    let text = message.trim_start_matches(' ');
    if !text.starts_with('[') {
        return message;
    }
    let before = record.attributes.len();
    match structured_data::read(text, &mut record.attributes) {
        Elements::WellFormed(rest) if record.attributes[before..].iter().all(|parameter| !parameter.name.is_empty()) => {
            rest.strip_prefix(' ').unwrap_or(rest)
        }
        _ => {
            record.attributes.truncate(before);
            message
        }
    }
}

/// `verbose vpxa[1608] [Originator@6876 ...`: VMware's own head behind the tag; gives the process id.
pub(super) fn vmware_process(message: &str) -> Option<&str> {
    fn head(input: &str) -> IResult<&str, &str> {
        let (input, _level) = take_until1(" ").parse(input)?;
        preceded((tag(" "), take_until1("["), tag("[")), nom::sequence::terminated(take_until1("]"), tag("] [Originator@"))).parse(input)
    }
    let level = first_word(message);
    let known = matches!(level, "verbose" | "info" | "warning" | "error" | "trivia" | "panic");
    if known { head(message).ok().map(|(_, pid)| pid).filter(|pid| pid.len() <= 16) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_syslog;
    use crate::record::Zone;

    fn parse(line: &str) -> LogRecord<'static> {
        let context = Context { received_at_us: 1_767_225_600_000_000, zone: Zone::UTC };
        parse_syslog(line.as_bytes().to_vec().leak(), &context, Box::leak(Box::default()))
    }

    /// Host, app, pid and message of a line.
    fn parts(line: &str) -> (Option<String>, Option<String>, Option<String>, String) {
        let record = parse(line);
        assert_eq!(record.parse_error, None, "{line}");
        let own = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        (own(record.host), own(record.app), own(record.pid), record.message.into_owned())
    }

    fn expected(host: &str, app: &str, pid: &str, message: &str) -> (Option<String>, Option<String>, Option<String>, String) {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (some(host), some(app), some(pid), message.to_owned())
    }

    #[test]
    fn hosts_tags_and_process_ids_in_all_their_forms() {
        let cases = [
            ("<38>Dec 30 08:00:01 gate1 sshd[411]: session opened", expected("gate1", "sshd", "411", "session opened")),
            ("<38>Dec 30 08:00:01 gate1.lan postfix/smtpd[9]: connect", expected("gate1.lan", "postfix/smtpd", "9", "connect")),
            ("<38>Dec 30 08:00:01 gate1 su(pam_unix)[77]: opened", expected("gate1", "su(pam_unix)", "77", "opened")),
            ("<38>Dec 30 08:00:01 gate1 CRON[1]:no blank", expected("gate1", "CRON", "1", "no blank")),
            ("<38>Dec 30 08:00:01 2001:db8::7 dhcpd: ack", expected("2001:db8::7", "dhcpd", "", "ack")),
            ("<38>Dec 30 08:00:01 syslogd: restart", expected("", "syslogd", "", "restart")),
            ("<38>Dec 30 08:00:01 sudo[12]: done", expected("", "sudo", "12", "done")),
            ("Dec 30 08:00:01 gate1 last message repeated 3 times", expected("gate1", "", "", "last message repeated 3 times")),
            ("Dec 30 08:00:01 last message repeated 3 times", expected("", "", "", "last message repeated 3 times")),
            ("<38>Dec 30 08:00:01 Message forwarded from aix7: su: root", expected("aix7", "su", "", "root")),
            ("<38>Dec 30 08:00:01 gate1", expected("gate1", "", "", "")),
            ("<38>Dec 30 08:00:01", expected("", "", "", "")),
            ("<38>Dec 30 08:00:01 gate1 myapp text without colon", expected("gate1", "myapp", "", "text without colon")),
            ("<38>Dec 30 08:00:01 gate1 inventory : text", expected("gate1", "inventory", "", "text")),
            ("<38>Dec 30 08:00:01 gate1 kernel: [   12.345678] eth0: up", expected("gate1", "kernel", "", "[   12.345678] eth0: up")),
            ("<38>Dec 30 08:00:01 relay9 Dec 30 08:00:00 gate1 sshd[411]: closed", expected("gate1", "sshd", "411", "closed")),
            ("<38>2025-12-30T08:00:01.5+01:00 gate1 sshd[411]: closed", expected("gate1", "sshd", "411", "closed")),
            ("<38>Dec 30 08:00:01 ap7 788a20aabbcc,U7LT-6.0.21: hostapd[12]: up", expected("ap7", "hostapd", "12", "up")),
            (
                "<38>Dec 30 08:00:01 lb1 notice tmm1[20300]: 01010028:5: no members",
                expected("lb1", "tmm1", "20300", "01010028:5: no members"),
            ),
            ("<38>Dec 30 08:00:01 2025 [192.0.2.7] stm[34]: up", expected("192.0.2.7", "stm", "34", "up")),
            ("<38>Dec 30 08:00:01 gate1 4711: up", expected("gate1", "4711", "", "up")),
            ("<38>Dec 30 08:00:01 - app: text", expected("", "app", "", "text")),
            ("<38> openvpn[2]: restart", expected("", "openvpn", "2", "restart")),
            ("<38>Dec 30 08:00:01 (\"U7LT,788a20aabbcc,v4.0\") hostapd: up", expected("U7LT,788a20aabbcc,v4.0", "hostapd", "", "up")),
        ];
        for (line, expected) in cases {
            assert_eq!(parts(line), expected, "{line}");
        }
    }

    #[test]
    fn structured_data_of_rsyslog_is_read_in_the_old_form_too() {
        let record = parse("<46>Dec 30 08:00:01 gate1 rsyslogd:  [origin software=\"rsyslogd\" x-pid=\"7\"] start");
        assert_eq!((&*record.message, record.attributes.len()), ("start", 2));
    }

    #[test]
    fn a_second_header_gives_its_own_time() {
        let record = parse("<38>Dec 30 08:00:09 relay9 Dec 30 08:00:00 gate1 sshd[411]: closed");
        assert_eq!(record.timestamp_us, Some(1_767_081_600_000_000));
    }

    #[test]
    fn vmware_puts_the_process_behind_the_tag() {
        assert_eq!(vmware_process("verbose vpxa[1608] [Originator@6876 sub=x] y"), Some("1608"));
        assert_eq!(vmware_process("verbose text [Originator@6876"), None);
        assert_eq!(vmware_process("sent vpxa[1608] [Originator@6876"), None);
    }
}
