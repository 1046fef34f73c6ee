//! ArcSight's CEF (Common Event Format, version 0 and 1) and IBM's LEEF (Log Event Extended Format, 1.0 and 2.0).
//!
//! `msgid` is the event class (CEF: device event class id; LEEF: event id), `app` the product where the header names no program. The
//! extension's fields become attributes; CEF's header fields too, as `device_vendor`, `device_version`, `name` and `severity`.

use std::borrow::Cow;

use nom::IResult;
use nom::Parser;
use nom::bytes::complete::{tag, take_until};
use nom::error::{Error, ErrorKind};
use nom::multi::count;
use nom::sequence::{preceded, terminated};

use super::body::plain_attribute;
use super::key_value::is_name;
use super::syslog::stated;
use super::{Context, timestamp};
use crate::clock::TimestampUs;
use crate::record::{Attribute, LogRecord};

/// A header field up to the next bar that no backslash stands before.
fn header_field(input: &str) -> IResult<&str, &str> {
    let bytes = input.as_bytes();
    let mut from = 0;
    while let Some(step) = memchr::memchr(b'|', &bytes[from..]) {
        let at = from + step;
        if at == 0 || bytes[at - 1] != b'\\' {
            return Ok((&input[at + 1..], &input[..at]));
        }
        from = at + 1;
    }
    Err(nom::Err::Error(Error::new(input, ErrorKind::TakeUntil)))
}

fn cef(input: &str) -> IResult<&str, Vec<&str>> {
    preceded((tag("CEF:"), header_field), count(header_field, 6)).parse(input)
}

fn leef(input: &str) -> IResult<&str, (&str, Vec<&str>)> {
    (preceded(tag("LEEF:"), terminated(take_until("|"), tag("|"))), count(header_field, 4)).parse(input)
}

/// Reads `CEF:0|vendor|product|version|class|name|severity|extension`.
pub(super) fn read_cef<'a>(message: &'a str, context: &Context, record: &mut LogRecord<'a>) {
    let Ok((extension, header)) = cef(message) else {
        record.parse_error = Some(Cow::Borrowed("CEF header ends early"));
        return;
    };
    record.dialect = "cef";
    record.app = record.app.take().or_else(|| stated(header[1]));
    record.msgid = stated(header[3]);
    for (name, value) in [("device_vendor", header[0]), ("device_version", header[2]), ("name", header[4]), ("severity", header[5])] {
        record.attributes.push(Attribute { namespace: Cow::Borrowed(""), name: Cow::Borrowed(name), value: unescape(value) });
    }
    let mut host = None;
    let mut rest = extension.trim_start_matches(' ');
    while let Some((name, value, behind)) = extension_field(rest) {
        match name {
            "rt" | "end" | "start" if record.timestamp_us.is_none() => record.timestamp_us = moment(value, context),
            "dvchost" | "deviceHostName" | "dvc" => host = host.or(stated(value)),
            _ => {}
        }
        if !value.is_empty() {
            record.attributes.push(Attribute { namespace: Cow::Borrowed(""), name: Cow::Borrowed(name), value: unescape(value) });
        }
        rest = behind;
    }
    record.host = record.host.take().or(host);
}

/// The first `name=value` and what follows: a value may hold blanks and ends where the next `name=` begins.
fn extension_field(text: &str) -> Option<(&str, &str, &str)> {
    let (name, behind) = text.split_once('=')?;
    let name = name.trim_start_matches(' ');
    if !is_name(name) {
        return None;
    }
    let bytes = behind.as_bytes();
    let mut from = 0;
    while let Some(step) = memchr::memchr(b'=', &bytes[from..]) {
        let at = from + step;
        let word = behind[..at].rfind(' ').map_or(0, |blank| blank + 1);
        // `\=` is an equals sign; a word with anything but letters and digits is no name but part of a value (an URL, say).
        if word > 0 && is_name(&behind[word..at]) {
            return Some((name, behind[..word].trim_end_matches(' '), &behind[word..]));
        }
        from = at + 1;
    }
    Some((name, behind.trim_end_matches(' '), ""))
}

/// `\|`, `\=`, `\\`, `\n` and `\r` of CEF.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some(other @ ('|' | '=' | '\\')) => plain.push(other),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    Cow::Owned(plain)
}

/// A time within an event: Unix time or a stamp.
fn moment(value: &str, context: &Context) -> Option<TimestampUs> {
    timestamp::read_unix_time(value).or_else(|| timestamp::read(value)?.0.resolve(context))
}

/// Reads `LEEF:1.0|vendor|product|version|event|` with tabs between the fields, and `LEEF:2.0|vendor|product|version|event|^|` with the
/// delimiter named. The event's own `devTime` is its time.
pub(super) fn read_leef<'a>(message: &'a str, context: &Context, record: &mut LogRecord<'a>) {
    let Ok((rest, (version, header))) = leef(message) else {
        record.parse_error = Some(Cow::Borrowed("LEEF header ends early"));
        return;
    };
    record.dialect = "leef";
    record.app = record.app.take().or_else(|| stated(header[1]));
    record.msgid = stated(header[3]);
    record.attributes.push(Attribute {
        namespace: Cow::Borrowed(""),
        name: Cow::Borrowed("device_vendor"),
        value: Cow::Borrowed(header[0]),
    });
    let (delimiter, fields) = if version.starts_with('2') { delimiter(rest) } else { ('\t', rest) };
    for field in fields.split(delimiter) {
        let Some((name, value)) = field.trim_start_matches(' ').split_once('=') else { continue };
        if name == "devTime" {
            record.timestamp_us = moment(value, context).or(record.timestamp_us);
        }
        if is_name(name) && !value.is_empty() {
            record.attributes.push(plain_attribute(name, value));
        }
    }
}

/// LEEF 2.0's delimiter field: one character, `x09` or `0x09`, or nothing for a tab.
fn delimiter(rest: &str) -> (char, &str) {
    match rest.split_once('|') {
        Some(("", fields)) => ('\t', fields),
        Some((named, fields)) if named.chars().count() == 1 => (named.chars().next().unwrap_or('\t'), fields),
        Some((named, fields)) if named.len() <= 6 => {
            let code = named.trim_start_matches('0').strip_prefix(['x', 'X']).and_then(|hex| u32::from_str_radix(hex, 16).ok());
            match code.and_then(char::from_u32) {
                Some(character) => (character, fields),
                None => ('\t', rest),
            }
        }
        _ => ('\t', rest),
    }
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

    fn fields(record: &LogRecord<'_>) -> Vec<String> {
        record.attributes.iter().map(|a| format!("{}={}", a.name, a.value)).collect()
    }

    #[test]
    fn cef_behind_a_header() {
        let record = parse(
            "<134>Dec 30 08:00:01 fw1 CEF:0|Acme|Wall\\|Gate|1.2|77|Port scan|8|src=10.0.0.9 msg=a b\\=c d request=http://x/?a\\=b&c=d cn1= act=drop",
        );
        assert_eq!((record.dialect, record.host.as_deref(), record.msgid.as_deref()), ("cef", Some("fw1"), Some("77")));
        assert_eq!(
            fields(&record),
            [
                "device_vendor=Acme",
                "device_version=1.2",
                "name=Port scan",
                "severity=8",
                "src=10.0.0.9",
                "msg=a b=c d",
                "request=http://x/?a=b&c=d",
                "act=drop"
            ]
        );
        assert!(record.message.starts_with("CEF:0|"));
    }

    #[test]
    fn cef_alone_names_its_host_and_time() {
        let record = parse("<134>CEF:0|Acme|Wall|1.2|77|Port scan|8|rt=1767081601250 dvchost=fw1");
        assert_eq!((record.host.as_deref(), record.timestamp_us), (Some("fw1"), Some(1_767_081_601_250_000)));
        let record = parse("<134>CEF:0|Acme|Wall|1.2|77|Port scan|8|rt=Dec 30 2025 08:00:01 UTC dvchost=fw1");
        assert_eq!(record.timestamp_us, Some(1_767_081_601_000_000));
    }

    #[test]
    fn leef_in_both_versions() {
        let record = parse("<134>Dec 30 08:00:01 fw1 LEEF:1.0|Acme|Wall|1.2|deny|src=10.0.0.9\tcat=net scan");
        assert_eq!((record.dialect, record.msgid.as_deref(), record.app.as_deref()), ("leef", Some("deny"), Some("Wall")));
        assert_eq!(fields(&record), ["device_vendor=Acme", "src=10.0.0.9", "cat=net scan"]);
        for named in ["^", "x5E", "0x5e"] {
            let record = parse(&format!("<134>Dec 30 08:00:01 fw1 LEEF:2.0|Acme|Wall|1.2|deny|{named}|src=10.0.0.9^devTime=1767081602"));
            assert_eq!(fields(&record), ["device_vendor=Acme", "src=10.0.0.9", "devTime=1767081602"], "{named}");
            assert_eq!(record.timestamp_us, Some(1_767_081_602_000_000));
        }
    }

    #[test]
    fn a_cut_header_is_told() {
        let record = parse("<134>Dec 30 08:00:01 fw1 CEF:0|Acme|Wall");
        assert_eq!((&*record.message, record.parse_error.as_deref()), ("CEF:0|Acme|Wall", Some("CEF header ends early")));
    }
}
