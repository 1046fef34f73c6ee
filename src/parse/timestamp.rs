//! Time stamps, read by position because every line has one and a general parser is five times slower.
//!
//! Each reader takes text that starts with a stamp and gives back what was read and the rest. Fractions are cut to µs; second 60
//! (a leap second) is taken and counts into the next minute.

use super::{Context, time_zone};
use crate::clock::{DAY_US, SECOND_US, TimestampUs};
use crate::record::Zone;

/// A stamp as it is written: year and offset only where they are stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Year, if stated.
    pub(super) year: Option<i32>,
    /// 1 to 12.
    pub(super) month: u32,
    /// 1 to 31, valid in the month (and in the year, where there is one).
    pub(super) day: u32,
    /// 0 to 86,400 (with a leap second at the end of the day).
    pub(super) second_of_day: u32,
    /// 0 to 999,999.
    pub(super) micros: u32,
    /// Offset from UTC in seconds, if stated.
    pub(super) offset_s: Option<i32>,
}

impl Stamp {
    /// The moment that the stamp names for this receiver. `None` only where a 29 February has no leap year within reach.
    pub(super) fn resolve(&self, context: &Context) -> Option<TimestampUs> {
        let zone = self.offset_s.map_or(context.zone, Zone::Offset);
        let within_day = i64::from(self.second_of_day) * SECOND_US + i64::from(self.micros);
        let at = |year: i32| zone.to_utc(days_from_civil(year, self.month, self.day) * DAY_US + within_day);
        if let Some(year) = self.year {
            return Some(at(year));
        }
        let received_year = civil_from_days(context.received_at_us.div_euclid(DAY_US)).0;
        let nearest = |reach: i32| {
            (received_year.saturating_sub(reach)..=received_year.saturating_add(reach))
                .filter(|year| self.day <= days_in_month(*year, self.month))
                .map(at)
                .min_by_key(|candidate| candidate.abs_diff(context.received_at_us))
        };
        // The neighbouring years decide, except for 29 February: between 1896 and 1904 leap years are eight years apart.
        nearest(1).or_else(|| nearest(8))
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar (Howard Hinnant's `days_from_civil`).
pub(super) fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a day since 1970-01-01; the inverse of [`days_from_civil`].
pub(super) fn civil_from_days(days: i64) -> (i32, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u32;
    // i64 microseconds span 292,000 years: the year fits an i32.
    ((year_of_era + era * 400 + i64::from(month <= 2)) as i32, month, day)
}

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn date(year: Option<i32>, month: u32, day: u32) -> Option<(u32, u32)> {
    // Without a year any leap year will do.
    ((1..=12).contains(&month) && (1..=days_in_month(year.unwrap_or(2000), month)).contains(&day)).then_some((month, day))
}

/// Any stamp that syslog lines begin with: RFC 3339 and its relaxations, RFC 3164 with all its years and zones, `2016 Mar  6 12:53:10 UTC`
/// (NX-OS), `05/21/2017:00:00:00 GMT` (NetScaler), each also behind a weekday.
pub(super) fn read(text: &str) -> Option<(Stamp, &str)> {
    let bytes = text.as_bytes();
    if bytes.first()?.is_ascii_digit() {
        return match bytes.get(4)? {
            b'-' | b'/' => read_iso(text),
            b' ' => read_year_first(text),
            _ => read_slashed(text),
        };
    }
    read_bsd(text).or_else(|| read_bsd(after_weekday(text)?))
}

fn after_weekday(text: &str) -> Option<&str> {
    let (day, rest) = text.split_at_checked(3)?;
    let known = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().any(|name| day.eq_ignore_ascii_case(name));
    let rest = rest.strip_prefix(',').unwrap_or(rest);
    (known && rest.starts_with(' ')).then(|| rest.trim_start_matches(' '))
}

/// RFC 3339 (`2003-10-11T22:14:15.003Z`), with the liberties that senders take: blank or lower-case `t`, slashes, comma before the
/// fraction, no seconds, no zone, `Z+00:00`, `-07`, zone after a blank.
pub(super) fn read_iso(text: &str) -> Option<(Stamp, &str)> {
    let bytes = text.as_bytes();
    let separator = *bytes.get(4)?;
    if !matches!(separator, b'-' | b'/') || *bytes.get(7)? != separator || !matches!(bytes.get(10)?, b'T' | b't' | b' ') {
        return None;
    }
    let year = Some((pair(bytes, 0)? * 100 + pair(bytes, 2)?) as i32);
    let (month, day) = date(year, pair(bytes, 5)?, pair(bytes, 8)?)?;
    let (second_of_day, end) = match read_clock(bytes, 11) {
        Some(clock) => clock,
        // Minutes are enough where a zone proves that nothing is missing.
        None if bytes.get(16) == Some(&b'Z') => (hours_and_minutes(bytes, 11)?, 16),
        None => return None,
    };
    let (micros, end) = read_fraction(bytes, end);
    let (offset_s, end) = time_zone::read_after(text, end);
    Some((Stamp { year, month, day, second_of_day, micros, offset_s }, text.get(end..)?))
}

/// The stamp of RFC 3164, section 4.1.2 (`Oct  9 22:14:15`), with the day padded in any way or not at all, a year before or after the time, a
/// fraction, and a zone.
pub(super) fn read_bsd(text: &str) -> Option<(Stamp, &str)> {
    let bytes = text.as_bytes();
    let month = month(bytes.get(..3)?)?;
    let (day, at) = read_day(bytes, 3)?;
    let mut year = None;
    let mut at = skip_blanks(bytes, at)?;
    if bytes.get(at + 2) != Some(&b':') {
        year = Some(read_year(bytes, at)?);
        at = skip_blanks(bytes, at + 4)?;
    }
    let (second_of_day, end) = read_clock(bytes, at)?;
    let (micros, mut end) = read_fraction(bytes, end);
    let mut offset_s = None;
    for _ in 0..2 {
        // Year and zone come in either order: `Oct 08 09:51:33 2026`, `Mon Jan 2 15:04:05 UTC 2006`.
        if year.is_none()
            && let Some(stated) = read_year_after(bytes, end)
        {
            (year, end) = (Some(stated), end + 5);
        }
        if offset_s.is_some() {
            break;
        }
        (offset_s, end) = time_zone::read_after(text, end);
    }
    let (month, day) = date(year, month, day)?;
    Some((Stamp { year, month, day, second_of_day, micros, offset_s }, text.get(end..)?))
}

fn read_year_first(text: &str) -> Option<(Stamp, &str)> {
    let year = read_year(text.as_bytes(), 0)?;
    let (mut stamp, rest) = read_bsd(text.get(5..)?)?;
    stamp.year = Some(year);
    date(stamp.year, stamp.month, stamp.day)?;
    Some((stamp, rest))
}

fn read_slashed(text: &str) -> Option<(Stamp, &str)> {
    let bytes = text.as_bytes();
    if bytes.get(2) != Some(&b'/') || bytes.get(5) != Some(&b'/') || !matches!(bytes.get(10)?, b':' | b' ') {
        return None;
    }
    let year = Some(read_year(bytes, 6)?);
    let (first, second) = (pair(bytes, 0)?, pair(bytes, 3)?);
    // Month first, as NetScaler writes by default; a first number over 12 shows that the day comes first.
    let (month, day) = date(year, first, second).or_else(|| date(year, second, first))?;
    let (second_of_day, end) = read_clock(bytes, 11)?;
    let (micros, end) = read_fraction(bytes, end);
    let (offset_s, end) = time_zone::read_after(text, end);
    Some((Stamp { year, month, day, second_of_day, micros, offset_s }, text.get(end..)?))
}

/// A Unix time whose unit shows in its size: seconds until the year 5138, then ms, µs and ns. Zero means "not known" to the programs
/// that send it and gives `None`, as does anything that is not a number.
pub(super) fn read_unix_time(text: &str) -> Option<TimestampUs> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let units: i64 = whole.parse().ok()?;
    let (per_unit, divisor) = match units.unsigned_abs() {
        0 => return None,
        1..100_000_000_000 => (SECOND_US, 1),
        100_000_000_000..100_000_000_000_000 => (1_000, 1),
        100_000_000_000_000..100_000_000_000_000_000 => (1, 1),
        _ => (1, 1_000),
    };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut part = 0;
    let mut scale = per_unit / 10;
    for digit in fraction.bytes() {
        part += i64::from(digit - b'0') * scale;
        scale /= 10;
    }
    let part = if whole.starts_with('-') { -part } else { part };
    Some(units * per_unit / divisor + part)
}

fn pair(bytes: &[u8], at: usize) -> Option<u32> {
    let tens = bytes.get(at)?.wrapping_sub(b'0');
    let ones = bytes.get(at + 1)?.wrapping_sub(b'0');
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

fn read_year(bytes: &[u8], at: usize) -> Option<i32> {
    let year = pair(bytes, at)? * 100 + pair(bytes, at + 2)?;
    (1970..2200).contains(&year).then_some(year as i32)
}

/// A year behind one blank, if the word ends there: `2001:db8::7` is a host.
fn read_year_after(bytes: &[u8], at: usize) -> Option<i32> {
    let ends = match bytes.get(at + 5) {
        None | Some(b' ') => true,
        Some(b':') => matches!(bytes.get(at + 6), None | Some(b' ')),
        Some(_) => false,
    };
    (ends && bytes.get(at) == Some(&b' ')).then(|| read_year(bytes, at + 1)).flatten()
}

fn hours_and_minutes(bytes: &[u8], at: usize) -> Option<u32> {
    let (hour, minute) = (pair(bytes, at)?, pair(bytes, at + 3)?);
    (hour < 24 && minute < 60 && bytes.get(at + 2) == Some(&b':')).then_some(hour * 3_600 + minute * 60)
}

/// `22:14:15` at a position; the second of the day and the position behind it.
fn read_clock(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let second = pair(bytes, at + 6)?;
    if bytes.get(at + 5) != Some(&b':') || second > 60 {
        return None;
    }
    Some((hours_and_minutes(bytes, at)? + second, at + 8))
}

/// `.003` at a position, in µs; zero where there is none. A comma counts only before 3, 6 or 9 digits: else it separates columns.
fn read_fraction(bytes: &[u8], at: usize) -> (u32, usize) {
    let comma = match bytes.get(at) {
        Some(b'.') => false,
        Some(b',') => true,
        _ => return (0, at),
    };
    let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || (comma && !matches!(digits, 3 | 6 | 9)) {
        return (0, at);
    }
    let shown = &bytes[at + 1..at + 1 + digits.min(6)];
    let micros = shown.iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'));
    (micros * 10_u32.pow(6 - shown.len() as u32), at + 1 + digits)
}

fn month(name: &[u8]) -> Option<u32> {
    let folded = [name[0] | 0x20, name[1] | 0x20, name[2] | 0x20];
    Some(match &folded {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return None,
    })
}

/// At least one blank at a position; the position of what follows.
fn skip_blanks(bytes: &[u8], at: usize) -> Option<usize> {
    let blanks = bytes.get(at..)?.iter().take_while(|byte| **byte == b' ').count();
    (blanks > 0).then_some(at + blanks)
}

fn read_day(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let at = skip_blanks(bytes, at)?;
    if let Some(day) = pair(bytes, at) {
        return Some((day, at + 2));
    }
    let digit = bytes.get(at)?.wrapping_sub(b'0');
    (digit < 10).then_some((u32::from(digit), at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(received: &str) -> Context {
        let (stamp, _) = read_iso(received).unwrap();
        let received_at_us = stamp.resolve(&Context { received_at_us: 0, zone: Zone::UTC }).unwrap();
        Context { received_at_us, zone: Zone::UTC }
    }

    fn moment(text: &str, received: &str) -> String {
        let context = context(received);
        let (stamp, _) = read(text).unwrap();
        let us = stamp.resolve(&context).unwrap();
        let (year, month, day) = civil_from_days(us.div_euclid(DAY_US));
        let second = us.rem_euclid(DAY_US) / SECOND_US;
        format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
    }

    #[test]
    fn every_way_to_write_the_same_moment() {
        for text in [
            "2024-06-03T10:08:33Z",
            "2024-06-03t10:08:33z",
            "2024-06-03T12:08:33+02:00",
            "2024-06-03T12:08:33+0200",
            "2024-06-03T12:08:33+02",
            "2024-06-03T10:08:33Z+00:00",
            "2024-06-03 10:08:33",
            "2024-06-03 10:08:33,999 host",
            "2024/06/03 12:08:33 +0200 host",
            "2024-06-03T10:08:33.123456789Z",
            "Jun  3 10:08:33",
            "Jun 3 10:08:33",
            "Jun 03 10:08:33",
            "JUN 03 10:08:33.25",
            "Jun  3 2024 10:08:33",
            "Jun  3 10:08:33 2024 host",
            "Jun  3 12:08:33 CEST: text",
            "Jun  3 12:08:33 +0200 host",
            "Mon Jun  3 10:08:33 UTC 2024",
            "2024 Jun  3 10:08:33",
            "06/03/2024:10:08:33 GMT host",
        ] {
            assert_eq!(moment(text, "2024-06-04T00:00:00Z"), "2024-06-03 10:08:33", "{text}");
        }
    }

    #[test]
    fn the_year_is_the_one_nearest_to_receipt() {
        assert_eq!(moment("Dec 31 23:59:59", "2026-01-01T00:00:02Z"), "2025-12-31 23:59:59");
        assert_eq!(moment("Jan  1 00:00:01", "2025-12-31T23:59:58Z"), "2026-01-01 00:00:01");
        assert_eq!(moment("Feb 29 12:00:00", "2024-03-01T00:00:00Z"), "2024-02-29 12:00:00");
        assert_eq!(moment("Feb 29 12:00:00", "2027-06-01T00:00:00Z"), "2028-02-29 12:00:00");
        assert_eq!(moment("Feb 29 12:00:00", "2025-06-01T00:00:00Z"), "2024-02-29 12:00:00");
        assert_eq!(moment("Jul  1 00:00:00", "2026-12-30T00:00:00Z"), "2026-07-01 00:00:00");
    }

    #[test]
    fn the_offset_of_the_source_counts_only_where_the_stamp_has_none() {
        let context = Context { received_at_us: 1_717_410_000_000_000, zone: Zone::Offset(7_200) };
        let at = |text| read(text).unwrap().0.resolve(&context).unwrap() / SECOND_US;
        assert_eq!(at("Jun  3 12:08:33"), 1_717_409_313);
        assert_eq!(at("2024-06-03T12:08:33"), 1_717_409_313);
        assert_eq!(at("2024-06-03T12:08:33Z"), 1_717_416_513);
    }

    #[test]
    fn a_new_year_in_the_sources_zone_is_still_the_old_year_in_utc() {
        let context = Context { received_at_us: 1_767_222_000_000_000, zone: Zone::Offset(7_200) }; // 2025-12-31T23:00:00Z
        let us = read("Jan  1 00:59:59").unwrap().0.resolve(&context).unwrap();
        assert_eq!(us / SECOND_US, 1_767_221_999);
    }

    #[test]
    fn what_is_no_date_is_no_stamp() {
        for text in [
            "2023-02-29T00:00:00Z",
            "2003-09-31T22:14:15Z",
            "Foo  3 12:08:33",
            "Jun 31 12:08:33",
            "Jun  3 24:00:00",
            "2024-13-01 00:00:00",
            "Jun",
            "",
            "Feb 29 2023 00:00:00",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_leap_second_counts_into_the_next_minute() {
        assert_eq!(moment("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"), "2017-01-01 00:00:00");
    }

    #[test]
    fn the_unit_of_a_unix_time_shows_in_its_size() {
        let expected = Some(1_700_000_000_123_456);
        assert_eq!(read_unix_time("1700000000.123456"), expected);
        assert_eq!(read_unix_time("1700000000123.456"), expected);
        assert_eq!(read_unix_time("1700000000123456"), expected);
        assert_eq!(read_unix_time("1700000000123456789"), expected);
        assert_eq!(read_unix_time("-1.5"), Some(-1_500_000));
        assert_eq!(read_unix_time("0"), None);
        assert_eq!(read_unix_time("12:30"), None);
        assert_eq!(read_unix_time("9223372036854775807"), Some(9_223_372_036_854_775));
    }

    #[test]
    fn dates_and_days_are_inverse() {
        for days in (-800_000..800_000).step_by(17) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
        assert_eq!(days_from_civil(1970, 1, 1), 0);
    }
}
