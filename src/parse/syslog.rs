//! The way through the syslog grammars: bytes, priority, and then each grammar in turn.

use std::borrow::Cow;

use super::{Context, body, priority, priority::Priority, syslog_rfc3164, syslog_rfc5424};
use crate::record::LogRecord;

/// Dialect of what no grammar took, and of free text behind a priority.
pub(super) const PLAIN: &str = "plain";

/// Reads one syslog frame of any dialect. Never fails: see the module's story for what becomes of what.
///
/// Text borrows from `frame`. Only where the frame is not UTF-8, its lossy text (invalid bytes as U+FFFD) goes to `scratch`, the record borrows
/// from there, and `lossy` is set.
pub fn parse_syslog<'a>(frame: &'a [u8], context: &Context, scratch: &'a mut String) -> LogRecord<'a> {
    match std::str::from_utf8(frame) {
        Ok(text) => parse_text(text, context),
        Err(_) => {
            scratch.clear();
            for chunk in frame.utf8_chunks() {
                scratch.push_str(chunk.valid());
                if !chunk.invalid().is_empty() {
                    scratch.push(char::REPLACEMENT_CHARACTER);
                }
            }
            let mut record = parse_text(scratch, context);
            record.lossy = true;
            record
        }
    }
}

fn parse_text<'a>(text: &'a str, context: &Context) -> LogRecord<'a> {
    // Datagrams often end with the line end or the NUL of the string that was sent; neither is part of the message.
    let text = text.trim_end_matches(['\n', '\r', '\0']);
    let line = without_octet_count(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut record = LogRecord { dialect: PLAIN, message: Cow::Borrowed(""), ..LogRecord::default() };
    let rest = match priority::read(line) {
        Priority::Stated { facility, severity, rest } => {
            record.facility = Some(facility);
            record.severity = Some(severity);
            rest
        }
        Priority::Absent => line,
        Priority::Unreadable(reason) => return unread(record, text, reason),
    };
    if line.is_empty() {
        return unread(record, text, "empty line");
    }
    if syslog_rfc5424::read(rest, context, &mut record) || syslog_rfc3164::read(rest, context, &mut record) {
        return record;
    }
    body::read_alone(rest, context, &mut record);
    if record.dialect == PLAIN && record.facility.is_none() {
        return unread(record, text, "no priority and no time stamp");
    }
    record
}

/// The whole text as the message, with the reason.
fn unread<'a>(mut record: LogRecord<'a>, text: &'a str, reason: &'static str) -> LogRecord<'a> {
    record.message = Cow::Borrowed(text);
    record.parse_error = Some(Cow::Borrowed(reason));
    record
}

/// `215 <34>...`: the octet count of RFC 6587 that a relay left in front of the message.
fn without_octet_count(line: &str) -> &str {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    match line.get(digits..digits + 2) {
        Some(" <") if (1..=7).contains(&digits) => &line[digits + 1..],
        _ => line,
    }
}

/// A header field as a column: absent where it is empty or the NILVALUE `-`.
pub(super) fn stated(field: &str) -> Option<Cow<'_, str>> {
    (!field.is_empty() && field != "-").then_some(Cow::Borrowed(field))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::Zone;

    const CONTEXT: Context = Context { received_at_us: 1_767_225_600_000_000, zone: Zone::UTC };

    fn parse(frame: &[u8]) -> LogRecord<'static> {
        let scratch = Box::leak(Box::default());
        parse_syslog(frame.to_vec().leak(), &CONTEXT, scratch)
    }

    #[test]
    fn free_text_behind_a_priority_is_plain_and_no_error() {
        let record = parse(b"<13>hello\n");
        assert_eq!((record.facility, record.severity, &*record.message, record.dialect), (Some(1), Some(5), "hello", PLAIN));
        assert_eq!(record.parse_error, None);
    }

    #[test]
    fn what_no_grammar_takes_is_kept_whole() {
        for (line, reason) in [
            ("just some text", "no priority and no time stamp"),
            ("\tat com.example.Main(Main.java:1)", "no priority and no time stamp"),
            ("<192>Oct 11 22:14:15 host app: text", "priority over 191"),
            ("<>text", "priority is not a number in brackets"),
            ("<00013>text", "priority with leading zeros"),
            ("", "empty line"),
        ] {
            let record = parse(line.as_bytes());
            assert_eq!((&*record.message, record.parse_error.as_deref(), record.dialect), (line, Some(reason), PLAIN), "{line}");
            assert_eq!((record.facility, record.timestamp_us), (None, None), "{line}");
        }
    }

    #[test]
    fn marks_around_the_line_fall_away() {
        assert_eq!(parse("\u{feff}<13>hello\r\n".as_bytes()).message, "hello");
        assert_eq!(parse(b"<13>hello\n\0").message, "hello");
        assert_eq!(parse(b"9 <13>hello").message, "hello");
        assert_eq!(parse(b"<13>a\0b").message, "a\0b");
        assert_eq!(parse(b"<13>Jan  1 00:00:00 web01 app: first\n  second\n").message, "first\n  second");
    }

    #[test]
    fn invalid_bytes_are_replaced_and_told() {
        let record = parse(b"<13>Jan  1 00:00:00 web01 app: caf\xe9");
        assert_eq!((&*record.message, record.lossy, record.host.as_deref()), ("caf\u{fffd}", true, Some("web01")));
    }

    /// Pieces that the grammars know, so that random lines reach deep into them.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("<13>".to_owned()),
            Just("1 ".to_owned()),
            Just("2026-01-01T00:00:00.5Z".to_owned()),
            Just("Jan  1 00:00:00".to_owned()),
            Just(" host ".to_owned()),
            Just("app[12]: ".to_owned()),
            Just(": ".to_owned()),
            Just("- ".to_owned()),
            Just("[a b=\"c\"]".to_owned()),
            Just("%SYS-5-CONFIG_I: ".to_owned()),
            Just("CEF:0|a|b|c|d|e|5|".to_owned()),
            Just("LEEF:2.0|a|b|c|d|^|".to_owned()),
            Just("k=v ".to_owned()),
            Just("date=2026-01-01 time=00:00:00 ".to_owned()),
            Just("MSWinEventLog\t".to_owned()),
            Just("1,2026/01/01 00:00:00,0,".to_owned()),
            Just("RP/0/RP0/CPU0:".to_owned()),
            Just("{\"timestamp\":\"".to_owned()),
            Just("time=1|hostname=".to_owned()),
            Just("CISE_A 1 1 0 ".to_owned()),
            "\\PC{0,4}",
            "[ -~]{0,8}",
        ]
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_and_none_are_lost(frame in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut scratch = String::new();
            let record = parse_syslog(&frame, &CONTEXT, &mut scratch);
            prop_assert!(!record.dialect.is_empty());
            if record.dialect == PLAIN && !record.lossy {
                let text = std::str::from_utf8(&frame).unwrap();
                prop_assert!(text.contains(&*record.message));
            }
        }

        #[test]
        fn lines_near_the_grammars_keep_their_text_and_borrow_it(pieces in prop::collection::vec(piece(), 0..12)) {
            let line = pieces.concat();
            let mut scratch = String::new();
            let record = parse_syslog(line.as_bytes(), &CONTEXT, &mut scratch);
            prop_assert!(line.contains(&*record.message));
            let columns = [&record.host, &record.app, &record.pid, &record.msgid];
            for text in columns.into_iter().flatten().chain([&record.message]) {
                prop_assert!(matches!(text, Cow::Borrowed(_)), "{text} is a copy");
                prop_assert!(line.contains(&**text));
            }
            if record.parse_error.is_none() && record.dialect == PLAIN {
                prop_assert!(line.trim_end_matches(['\n', '\r', '\0']).ends_with(&*record.message));
            }
        }
    }
}
