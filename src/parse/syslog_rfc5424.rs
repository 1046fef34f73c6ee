//! RFC 5424: `<34>1 2003-10-11T22:14:15.003Z host app pid msgid [sd] message`.
//!
//! Also taken: any version up to 999, a stamp without zone or with a blank in the middle, no version at all (where the fields after the stamp
//! show the standard's shape), a header that ends early, Meraki's Unix time in the stamp's place. Lengths are not limited.

use std::borrow::Cow;

use memchr::memchr;
use nom::IResult;
use nom::Parser;
use nom::bytes::complete::take_while_m_n;
use nom::character::complete::char;
use nom::combinator::verify;
use nom::error::{Error, ErrorKind};
use nom::sequence::{pair, terminated};

use super::structured_data::{self, Elements};
use super::syslog::stated;
use super::{Context, body, syslog_rfc3164, timestamp};
use crate::record::LogRecord;

const DIALECT: &str = "rfc5424";

/// APP-NAME, PROCID, MSGID, each with the blank behind it.
type Names<'a> = ((&'a str, &'a str), &'a str);

/// VERSION and the blank behind it.
fn version(input: &str) -> IResult<&str, &str> {
    let digits = take_while_m_n(1, 3, |c: char| c.is_ascii_digit());
    terminated(verify(digits, |digits: &str| !digits.starts_with('0')), char(' ')).parse(input)
}

/// A header field and the blank behind it.
fn field(input: &str) -> IResult<&str, &str> {
    match memchr(b' ', input.as_bytes()) {
        Some(end) if end > 0 => Ok((&input[end + 1..], &input[..end])),
        _ => Err(nom::Err::Error(Error::new(input, ErrorKind::TakeTill1))),
    }
}

fn names(input: &str) -> IResult<&str, Names<'_>> {
    pair(pair(field, field), field).parse(input)
}

/// Reads what follows the priority, if it is RFC 5424; else leaves `record` alone and returns false.
pub(super) fn read<'a>(rest: &'a str, context: &Context, record: &mut LogRecord<'a>) -> bool {
    let (behind_version, versioned) = match version(rest) {
        Ok((behind, _)) => (behind, true),
        Err(_) => (rest, false),
    };
    let stamp = timestamp::read_iso(behind_version).filter(|(_, behind)| behind.is_empty() || behind.starts_with(' '));
    let Some((stamp, behind_stamp)) = stamp else {
        return versioned && record.facility.is_some() && without_stamp(behind_version, context, record);
    };
    let header = behind_stamp.trim_start_matches(' ');
    if !versioned && !looks_standard(header) {
        return false;
    }
    record.timestamp_us = stamp.resolve(context);
    read_fields(header, context, record);
    true
}

/// Whether fields behind a stamp without version can only be the standard's: host, app, process id or `-`, msgid, and then `-` or an element.
fn looks_standard(header: &str) -> bool {
    let Ok((rest, (_, ((app, pid), _)))) = pair(field, names).parse(header) else { return false };
    let ends = |mark: &str| rest.strip_prefix(mark).is_some_and(|behind| behind.is_empty() || behind.starts_with(' '));
    let data = ends("-") || matches!(structured_data::read(rest, &mut Vec::new()), Elements::WellFormed(_));
    data && !app.ends_with([':', ']']) && (pid == "-" || pid.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A version and then no readable stamp: NILVALUE, Unix time, or a date that does not exist.
fn without_stamp<'a>(rest: &'a str, context: &Context, record: &mut LogRecord<'a>) -> bool {
    let (behind, stamp) = field(rest).unwrap_or(("", rest));
    let dated = stamp.len() >= 10 && stamp.as_bytes()[4] == b'-' && stamp.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    if stamp == "-" || dated {
        read_fields(behind, context, record);
        if dated {
            record.parse_error = Some(Cow::Borrowed("time stamp names no moment"));
        }
        return true;
    }
    if stamp.contains('.') && stamp.len() >= 12 && !behind.is_empty() {
        record.timestamp_us = timestamp::read_unix_time(stamp);
        return record.timestamp_us.is_some() && read_meraki(behind, record);
    }
    false
}

/// Cisco Meraki: `1 1563249630.774247467 appliance_name flows src=...`.
fn read_meraki<'a>(rest: &'a str, record: &mut LogRecord<'a>) -> bool {
    let (message, host) = field(rest).unwrap_or(("", rest));
    record.host = stated(host);
    record.msgid = field(message).ok().and_then(|(_, kind)| stated(kind));
    record.message = Cow::Borrowed(message);
    record.dialect = "cisco_meraki";
    true
}

fn read_fields<'a>(header: &'a str, context: &Context, record: &mut LogRecord<'a>) {
    record.dialect = DIALECT;
    let (rest, host) = field(header).unwrap_or(("", header));
    record.host = stated(host);
    // Some senders write the header's start by the standard and go on in the old way.
    let app_ends = memchr(b' ', rest.as_bytes()).unwrap_or(rest.len());
    if body::begins_with_format(rest) || (app_ends > 1 && rest.as_bytes()[app_ends - 1] == b':' && !rest.starts_with('[')) {
        syslog_rfc3164::read_content(rest, context, record);
        return;
    }
    let Ok((rest, ((app, pid), msgid))) = names(rest) else {
        read_short_header(rest, record);
        return;
    };
    (record.app, record.pid, record.msgid) = (stated(app), stated(pid), stated(msgid));
    if [host, app, pid, msgid].iter().any(|field| field.bytes().any(|byte| byte < b' ')) {
        record.parse_error = Some(Cow::Borrowed("control character in the header"));
    }
    read_data_and_message(rest, context, record);
}

/// A header that ends before the structured data: the fields it has.
fn read_short_header<'a>(rest: &'a str, record: &mut LogRecord<'a>) {
    let mut fields = rest.split(' ');
    let mut next = || stated(fields.next().unwrap_or(""));
    (record.app, record.pid, record.msgid) = (next(), next(), next());
    if fields.next().is_some() || rest.split(' ').count() < 3 {
        record.parse_error = Some(Cow::Borrowed("header ends early"));
    }
}

fn read_data_and_message<'a>(rest: &'a str, context: &Context, record: &mut LogRecord<'a>) {
    let behind_data = match rest.strip_prefix('-') {
        Some(behind) if behind.is_empty() || behind.starts_with(' ') => behind,
        _ => match structured_data::read(rest, &mut record.attributes) {
            Elements::WellFormed(behind) => behind,
            Elements::Tolerated(behind) => {
                record.parse_error = Some(Cow::Borrowed("structured data not by the standard"));
                behind
            }
            Elements::Malformed if body::read_check_point_data(rest, record) => return,
            Elements::Malformed => {
                record.parse_error = Some(Cow::Borrowed("no structured data where it must be"));
                record.message = Cow::Borrowed(rest);
                return;
            }
        },
    };
    let message = behind_data.strip_prefix(' ').unwrap_or(behind_data);
    let message = message.strip_prefix('\u{feff}').unwrap_or(message);
    record.message = Cow::Borrowed(message);
    body::read_within(message, context, record);
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

    fn columns<'a>(record: &'a LogRecord<'_>) -> [Option<&'a str>; 4] {
        [record.host.as_deref(), record.app.as_deref(), record.pid.as_deref(), record.msgid.as_deref()]
    }

    #[test]
    fn every_field_of_a_full_line() {
        let record = parse(
            "<165>1 2026-01-02T03:04:05.678901234+01:00 db01.example.net postgres 811 LOG [origin ip=\"10.0.0.1\"] \u{feff}checkpoint done",
        );
        assert_eq!(columns(&record), [Some("db01.example.net"), Some("postgres"), Some("811"), Some("LOG")]);
        assert_eq!((record.facility, record.severity, record.timestamp_us), (Some(20), Some(5), Some(1_767_319_445_678_901)));
        assert_eq!((&*record.message, record.dialect, &record.parse_error), ("checkpoint done", "rfc5424", &None));
        assert_eq!(record.attributes.len(), 1);
    }

    #[test]
    fn nil_values_are_absent() {
        let record = parse("<14>1 - - - - - -");
        assert_eq!((columns(&record), record.timestamp_us, &*record.message), ([None; 4], None, ""));
        assert_eq!(record.parse_error, None);
    }

    #[test]
    fn the_standards_shape_is_known_without_priority_or_version() {
        for line in [
            "1 2026-01-02T03:04:05Z web01 nginx 5 - - up",
            "2026-01-02T03:04:05Z web01 nginx 5 - - up",
            "<13>2026-01-02 03:04:05 web01 nginx 5 - [a b=\"c\"] up",
            "<13>1 2026-01-02 03:04:05 web01 nginx 5 - - up",
        ] {
            let record = parse(line);
            assert_eq!(columns(&record), [Some("web01"), Some("nginx"), Some("5"), None], "{line}");
            assert_eq!((&*record.message, record.dialect, record.timestamp_us), ("up", "rfc5424", Some(1_767_323_045_000_000)), "{line}");
        }
    }

    #[test]
    fn the_old_form_with_a_new_stamp_is_not_the_standard() {
        let record = parse("<13>2026-01-02T03:04:05Z web01 nginx[5]: link down - carrier lost");
        assert_eq!((columns(&record), record.dialect), ([Some("web01"), Some("nginx"), Some("5"), None], "rfc3164"));
    }

    #[test]
    fn a_header_that_ends_early_keeps_what_it_has() {
        let record = parse("<13>1 2026-01-02T03:04:05Z web01 nginx");
        assert_eq!(columns(&record), [Some("web01"), Some("nginx"), None, None]);
        assert_eq!(record.parse_error.as_deref(), Some("header ends early"));
        assert_eq!(parse("<13>1 2026-01-02T03:04:05Z web01 nginx 5 UP").parse_error, None);
    }

    #[test]
    fn a_date_that_does_not_exist_is_told_and_the_rest_is_read() {
        let record = parse("<13>1 2025-02-29T03:04:05Z web01 nginx 5 - - up");
        assert_eq!((columns(&record)[0], record.timestamp_us), (Some("web01"), None));
        assert_eq!(record.parse_error.as_deref(), Some("time stamp names no moment"));
    }

    #[test]
    fn brackets_that_are_no_structured_data_stay_in_the_message() {
        let record = parse("<13>1 2026-01-02T03:04:05Z web01 nginx 5 - [a b=\"c\"\"] up");
        assert_eq!(record.message, "[a b=\"c\"\"] up");
        assert!(record.parse_error.is_some() && record.attributes.is_empty());
    }

    #[test]
    fn meraki_writes_a_unix_time() {
        let record = parse("<134>1 1767323045.250000000 mx84_attic urls src=10.1.1.7:51000 dst=192.0.2.9:443");
        assert_eq!((record.timestamp_us, record.dialect), (Some(1_767_323_045_250_000), "cisco_meraki"));
        assert_eq!(columns(&record), [Some("mx84_attic"), None, None, Some("urls")]);
    }
}
