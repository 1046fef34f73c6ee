//! Palo Alto Networks PAN-OS: comma-separated, `1,2026/01/02 03:04:05,serial,TYPE,subtype,...`.
//!
//! `msgid` is the type and subtype's first part of the mnemonic, the log type (`TRAFFIC`, `THREAT`, `SYSTEM`); the columns that all traffic-like
//! types have in common become attributes by their documented names.

use std::borrow::Cow;

use super::body::plain_attribute;
use super::syslog::stated;
use super::{Context, timestamp};
use crate::record::LogRecord;

/// Names of columns 7 to 17 of TRAFFIC and THREAT logs; empty where the column is not worth keeping.
const TRAFFIC_COLUMNS: [&str; 11] = ["src", "dst", "natsrc", "natdst", "rule", "srcuser", "dstuser", "app", "vsys", "from", "to"];

/// Whether the text begins as a PAN-OS log: one or more digits, a comma, and the time of receipt with slashes.
pub(super) fn begins(text: &str) -> bool {
    let Some((number, behind)) = text.split_once(',') else { return false };
    number.len() <= 2
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && behind.as_bytes().get(4) == Some(&b'/')
        && timestamp::read_iso(behind).is_some()
}

/// Cuts the next column; quotes around it fall away, and commas within them do not count.
fn next_column(text: &str) -> (&str, &str) {
    if let Some((value, behind)) = text.strip_prefix('"').and_then(|open| open.split_once("\",")) {
        return (value, behind);
    }
    text.split_once(',').unwrap_or((text, ""))
}

/// Reads the columns of a text that [`begins`] so.
pub(super) fn read<'a>(text: &'a str, context: &Context, record: &mut LogRecord<'a>) {
    let mut columns = [""; 18];
    let mut rest = text;
    for column in &mut columns {
        (*column, rest) = next_column(rest);
    }
    record.dialect = "palo_alto";
    record.msgid = stated(columns[3]);
    if record.timestamp_us.is_none() {
        let generated = [columns[6], columns[1]];
        record.timestamp_us = generated.into_iter().find_map(|column| timestamp::read_iso(column)?.0.resolve(context));
    }
    let mut add = |name: &'static str, value: &'a str| {
        if !value.is_empty() {
            record.attributes.push(plain_attribute(name, value));
        }
    };
    add("serial", columns[2]);
    add("subtype", columns[4]);
    if matches!(columns[3], "TRAFFIC" | "THREAT") {
        for (name, value) in TRAFFIC_COLUMNS.into_iter().zip(&columns[7..]) {
            add(name, value);
        }
    }
    record.message = Cow::Borrowed(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_syslog;
    use crate::record::Zone;

    #[test]
    fn columns_of_a_traffic_log() {
        let line = "<14>Dec 30 08:00:01 pa1 1,2025/12/30 08:00:01,007051000012345,TRAFFIC,end,2049,2025/12/30 08:00:00,10.0.0.9,192.0.2.1,,,\"allow, all\",,,dns,vsys1,trust,untrust,ae1";
        let context = Context { received_at_us: 1_767_225_600_000_000, zone: Zone::UTC };
        let mut scratch = String::new();
        let record = parse_syslog(line.as_bytes(), &context, &mut scratch);
        assert_eq!(
            (record.dialect, record.host.as_deref(), record.msgid.as_deref(), &record.app),
            ("palo_alto", Some("pa1"), Some("TRAFFIC"), &None)
        );
        let fields: Vec<_> = record.attributes.iter().map(|a| format!("{}={}", a.name, a.value)).collect();
        let expected = [
            "serial=007051000012345",
            "subtype=end",
            "src=10.0.0.9",
            "dst=192.0.2.1",
            "rule=allow, all",
            "app=dns",
            "vsys=vsys1",
            "from=trust",
            "to=untrust",
        ];
        assert_eq!(fields, expected);
        assert!(record.message.starts_with("1,2025"));
    }

    #[test]
    fn without_header_the_generated_time_counts() {
        let context = Context { received_at_us: 1_767_225_600_000_000, zone: Zone::Offset(3_600) };
        let mut scratch = String::new();
        let record =
            parse_syslog(b"<14>1,2025/12/30 09:00:09,0070,SYSTEM,general,0,2025/12/30 09:00:01,,auth-fail", &context, &mut scratch);
        assert_eq!(record.timestamp_us, Some(1_767_081_601_000_000));
    }

    #[test]
    fn other_numbers_are_text() {
        assert!(!begins("1,2 and 3"));
        assert!(!begins("2026/01/02 03:04:05,x"));
    }
}
