//! Windows events as Snare (and NXLog's `to_syslog_snare`) sends them: `MSWinEventLog` and thirteen or more columns with tabs between.

use super::body::plain_attribute;
use super::syslog::stated;
use super::{Context, timestamp};
use crate::record::LogRecord;

/// Names of the columns behind the first word, in order; the expanded text, which comes last, stays in the message only.
const COLUMNS: [&str; 11] =
    ["criticality", "channel", "counter", "event_time", "event_id", "provider", "user", "user_type", "event_type", "computer", "category"];

/// Reads a message that begins with `MSWinEventLog`. `msgid` is the event id; the computer is the host where the header names none.
pub(super) fn read<'a>(message: &'a str, context: &Context, record: &mut LogRecord<'a>) {
    let mut columns = message.split('\t');
    if columns.next() != Some("MSWinEventLog") {
        return;
    }
    record.dialect = "windows_snare";
    for (name, value) in COLUMNS.into_iter().zip(columns) {
        match name {
            "event_id" => record.msgid = record.msgid.take().or_else(|| stated(value)),
            "computer" => record.host = record.host.take().or_else(|| stated(value)),
            "event_time" if record.timestamp_us.is_none() => {
                record.timestamp_us = timestamp::read(value).and_then(|(stamp, _)| stamp.resolve(context));
            }
            _ => {}
        }
        if !value.is_empty() && value != "N/A" {
            record.attributes.push(plain_attribute(name, value));
        }
    }
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

    const BODY: &str = "MSWinEventLog\t1\tSecurity\t77\tTue Dec 30 08:00:01 2025\t4625\tMicrosoft-Windows-Security-Auditing\tN/A\tN/A\tFailure Audit\tdc1\tLogon\t\tAn account failed to log on.";

    #[test]
    fn columns_of_an_event() {
        for (header, host) in
            [("<13>Dec 30 08:00:01 relay ", "relay"), ("<13>1 2025-12-30T08:00:01Z relay - - - - ", "relay"), ("<13>", "dc1")]
        {
            let record = parse(&format!("{header}{BODY}"));
            assert_eq!(
                (record.dialect, record.host.as_deref(), record.msgid.as_deref()),
                ("windows_snare", Some(host), Some("4625")),
                "{header}"
            );
            assert_eq!((record.timestamp_us, &*record.message, record.app), (Some(1_767_081_601_000_000), BODY, None));
            assert!(record.attributes.contains(&plain_attribute("channel", "Security")));
        }
    }
}
