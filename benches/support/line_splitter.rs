//! Splits the workload's lines into records: just enough for benchmarks that start after the parser.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::borrow::Cow;

use watchroom::record::{Attribute, LogRecord};

/// The record of a line of [`super::syslog_workload::SyslogWorkload`]; text borrows from the line.
pub(crate) fn split(line: &str, year: i64) -> LogRecord<'_> {
    let (priority, rest) = line.strip_prefix('<').and_then(|line| line.split_once('>')).unwrap_or(("13", line));
    let priority: u8 = priority.parse().unwrap_or(13);
    let record = LogRecord { facility: Some(priority / 8), severity: Some(priority % 8), ..LogRecord::default() };
    match rest.strip_prefix("1 ") {
        Some(rest) => split_rfc5424(rest, record),
        None => split_rfc3164(rest, record, year),
    }
}

fn split_rfc5424<'a>(rest: &'a str, mut record: LogRecord<'a>) -> LogRecord<'a> {
    let mut words = rest.splitn(6, ' ');
    let mut word = || words.next().filter(|word| *word != "-").map(Cow::Borrowed);
    record.timestamp_us = word().and_then(|text| time_rfc3339(&text));
    record.host = word();
    record.app = word();
    record.pid = word();
    record.msgid = word();
    let mut rest = words.next().unwrap_or_default();
    while let Some((element, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let (id, parameters) = element.split_once(' ').unwrap_or((element, ""));
        for parameter in parameters.split_inclusive("\" ") {
            let Some((name, value)) = parameter.split_once("=\"") else { continue };
            let value = value.trim_end_matches(' ').trim_end_matches('"');
            record.attributes.push(Attribute { namespace: id.into(), name: name.into(), value: value.into() });
        }
        rest = after;
    }
    record.message = rest.strip_prefix("- ").or_else(|| rest.strip_prefix(' ')).unwrap_or(rest).into();
    record.dialect = "rfc5424";
    record
}

fn split_rfc3164<'a>(rest: &'a str, mut record: LogRecord<'a>, year: i64) -> LogRecord<'a> {
    let (stamp, rest) = rest.split_at_checked(16).unwrap_or((rest, ""));
    record.timestamp_us = time_rfc3164(stamp, year);
    let (host, rest) = rest.split_once(' ').unwrap_or(("", rest));
    let (tag, message) = rest.split_once(": ").unwrap_or(("", rest));
    record.host = Some(host.into());
    match tag.split_once('[') {
        Some((app, pid)) => {
            record.app = Some(app.into());
            record.pid = Some(pid.trim_end_matches(']').into());
        }
        None => record.app = Some(tag.into()),
    }
    record.message = message.into();
    record.dialect = "rfc3164";
    record
}

fn number(text: Option<&str>) -> Option<i64> {
    text?.trim().parse().ok()
}

fn time_rfc3339(text: &str) -> Option<i64> {
    let at = |range: std::ops::Range<usize>| number(text.get(range));
    let days = days_since_1970(at(0..4)?, at(5..7)?, at(8..10)?);
    Some((((days * 24 + at(11..13)?) * 60 + at(14..16)?) * 60 + at(17..19)?) * 1_000_000 + at(20..26)?)
}

fn time_rfc3164(text: &str, year: i64) -> Option<i64> {
    let at = |range: std::ops::Range<usize>| number(text.get(range));
    let month = "JanFebMarAprMayJunJulAugSepOctNovDec".find(text.get(0..3)?)? as i64 / 3 + 1;
    Some((((days_since_1970(year, month, at(4..6)?) * 24 + at(7..9)?) * 60 + at(10..12)?) * 60 + at(13..15)?) * 1_000_000)
}

/// Number of a civil day, years counted from March so that the leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}
