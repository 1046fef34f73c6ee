//! Firewalls that write the whole event as `key=value`: FortiGate and FortiWeb, SonicWall, Sophos, and Check Point with bars between.
//!
//! Host, time, `app` and `msgid` come from the fields that each family has for them; every other field becomes an attribute.

use std::borrow::Cow;

use memchr::{memchr_iter, memchr2};

use super::body::plain_attribute;
use super::syslog::stated;
use super::{Context, time_zone, timestamp};
use crate::clock::TimestampUs;
use crate::record::{LogRecord, Zone};

/// Which family a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Fortinet,
    SonicWall,
    Sophos,
    CheckPoint,
}

fn family(text: &str) -> Option<Family> {
    let begins = |with: &str| text.starts_with(with);
    if ["date=", "logver=", "timestamp=", "devname="].into_iter().any(begins)
        && (text.contains("devname=") || text.contains(" devid=") || text.contains(" device_id="))
    {
        Some(Family::Fortinet)
    } else if begins("id=firewall ") || (begins("id=") && text.contains(" fw=")) {
        Some(Family::SonicWall)
    } else if begins("device=\"") || begins("device_name=\"") {
        Some(Family::Sophos)
    } else if begins("time=") && text.contains("|hostname=") {
        Some(Family::CheckPoint)
    } else {
        None
    }
}

/// Whether the text begins as one of these families does.
pub(super) fn begins(text: &str) -> bool {
    family(text).is_some()
}

/// Whether a word can be a field's name.
pub(super) fn is_name(word: &str) -> bool {
    (1..=64).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// The first `key=value`, and what follows the separator behind it. A value in quotes ends at the quote that a separator or the end follows.
fn next_pair(text: &str, separator: u8) -> Option<(&str, &str, &str)> {
    let (name, behind) = text.split_once('=')?;
    let name = name.trim_start_matches([' ', '|']);
    let (value, rest) = match behind.strip_prefix('"') {
        Some(open) => {
            let bytes = open.as_bytes();
            let closes = |at: &usize| bytes.get(at + 1).is_none_or(|next| *next == separator) && (*at == 0 || bytes[at - 1] != b'\\');
            let end = memchr_iter(b'"', bytes).find(closes)?;
            (&open[..end], &open[end + 1..])
        }
        None => {
            let end = memchr2(separator, separator, behind.as_bytes()).unwrap_or(behind.len());
            behind.split_at(end)
        }
    };
    Some((name, value, rest))
}

/// What the fields say about the columns.
#[derive(Default)]
struct Columns<'a> {
    date: &'a str,
    time: &'a str,
    zone: &'a str,
    event_time: &'a str,
    host: Option<&'a str>,
    app: Option<&'a str>,
    msgid: Option<&'a str>,
}

impl<'a> Columns<'a> {
    /// Takes a field that is a column's; false for all others, and for columns that stay readable as attributes.
    fn take(&mut self, family: Family, name: &'a str, value: &'a str) -> bool {
        match (family, name) {
            (_, "date") => self.date = value,
            (_, "time") => self.time = value,
            (Family::Fortinet, "devname")
            | (Family::Sophos, "device_name")
            | (Family::SonicWall, "fw")
            | (Family::CheckPoint, "hostname") => {
                self.host = Some(value);
            }
            (Family::Fortinet, "type") | (Family::Sophos, "log_type") | (Family::CheckPoint, "product") => self.app = Some(value),
            (Family::Fortinet, "subtype") | (Family::Sophos, "log_id") | (Family::SonicWall, "m") => self.msgid = Some(value),
            (Family::Fortinet, "eventtime") => {
                self.event_time = value;
                return false;
            }
            (Family::Fortinet, "tz") | (Family::Sophos, "timezone") => {
                self.zone = value;
                return false;
            }
            _ => return false,
        }
        true
    }

    fn moment(&self, context: &Context) -> Option<TimestampUs> {
        let zone = time_zone::read_after(self.zone, 0).0.or_else(|| time_zone::abbreviation(self.zone));
        let zoned = Context { zone: zone.map_or(context.zone, Zone::Offset), ..*context };
        timestamp::read_unix_time(self.event_time)
            .or_else(|| timestamp::read_unix_time(self.time))
            .or_else(|| timestamp::read_iso(self.time)?.0.resolve(&zoned))
            .or_else(|| {
                // `date=2026-01-02 time=03:04:05`: two fields, one stamp.
                let mut joined = String::with_capacity(self.date.len() + 1 + self.time.len());
                joined.extend([self.date, "T", self.time]);
                timestamp::read_iso(&joined)?.0.resolve(&zoned)
            })
    }
}

/// Reads the fields of a text that [`begins`] so.
pub(super) fn read<'a>(text: &'a str, context: &Context, record: &mut LogRecord<'a>) {
    let Some(family) = family(text) else { return };
    let separator = if family == Family::CheckPoint { b'|' } else { b' ' };
    let mut columns = Columns::default();
    let mut rest = text;
    while let Some((name, value, behind)) = next_pair(rest, separator) {
        if is_name(name) && !columns.take(family, name, value) && !value.is_empty() {
            record.attributes.push(plain_attribute(name, value));
        }
        rest = behind;
    }
    // The device's own name and time say more than those of the relay that sent the line on.
    record.host = columns.host.and_then(stated).or_else(|| record.host.take());
    record.timestamp_us = columns.moment(context).or(record.timestamp_us);
    record.app = columns.app.and_then(stated).or_else(|| record.app.take());
    record.msgid = columns.msgid.and_then(stated).or_else(|| record.msgid.take());
    record.message = Cow::Borrowed(text);
    record.dialect = match family {
        Family::Fortinet => "fortinet",
        Family::SonicWall => "sonicwall",
        Family::Sophos => "sophos",
        Family::CheckPoint => "check_point",
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_syslog;

    fn parse(line: &str) -> LogRecord<'static> {
        let context = Context { received_at_us: 1_767_225_600_000_000, zone: Zone::UTC }; // 2026-01-01
        parse_syslog(line.as_bytes().to_vec().leak(), &context, Box::leak(Box::default()))
    }

    fn shown(record: &LogRecord<'_>) -> [String; 4] {
        let own = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or("").to_owned();
        [record.dialect.to_owned(), own(&record.host), own(&record.app), own(&record.msgid)]
    }

    #[test]
    fn every_family_has_its_own_columns() {
        let cases = [
            (
                "<189>date=2025-12-30 time=08:00:01 devname=fg1 type=traffic subtype=forward action=accept",
                ["fortinet", "fg1", "traffic", "forward"],
            ),
            (
                "<189>Dec 30 08:00:09 relay date=2025-12-30 time=08:00:01 devname=\"fg1\" type=event subtype=vpn",
                ["fortinet", "fg1", "event", "vpn"],
            ),
            (
                "<134>id=firewall sn=0017 time=\"2025-12-30 08:00:01 UTC\" fw=192.0.2.1 pri=6 m=537 msg=\"Closed\"",
                ["sonicwall", "192.0.2.1", "", "537"],
            ),
            (
                "<30>device=\"SFW\" date=2025-12-30 time=09:00:01 timezone=\"CET\" device_name=\"xg1\" log_id=0101 log_type=\"Firewall\"",
                ["sophos", "xg1", "Firewall", "0101"],
            ),
            ("time=1767081601|hostname=gw1|product=Firewall|action=Drop", ["check_point", "gw1", "Firewall", ""]),
        ];
        for (line, expected) in cases {
            let record = parse(line);
            assert_eq!(shown(&record), expected, "{line}");
            assert_eq!(record.timestamp_us, Some(1_767_081_601_000_000), "{line}");
            assert_eq!(record.parse_error, None, "{line}");
        }
    }

    #[test]
    fn quotes_may_hold_blanks_and_quotes() {
        let record = parse("<189>date=2025-12-30 time=08:00:01 devname=fg1 msg=\"a \\\"b\\\" c\" url=\"\" n=5");
        let fields: Vec<_> = record.attributes.iter().map(|a| (&*a.name, &*a.value)).collect();
        assert_eq!(fields, [("msg", "a \\\"b\\\" c"), ("n", "5")]);
    }

    #[test]
    fn the_event_time_is_finer_than_date_and_time() {
        let record = parse("<189>date=2025-12-30 time=10:00:01 tz=\"+0200\" devname=fg1 eventtime=1767081601250000000");
        assert_eq!(record.timestamp_us, Some(1_767_081_601_250_000));
        let record = parse("<189>date=2025-12-30 time=10:00:01 tz=\"+0200\" devname=fg1");
        assert_eq!(record.timestamp_us, Some(1_767_081_601_000_000));
    }
}
