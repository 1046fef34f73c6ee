//! The time zone of stamps that state none.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::clock::{SECOND_US, TimestampUs};

/// Names kept: the tz database has some 600, and every one that was ever asked for stays for the life of the process.
const MAX_NAMES: usize = 2_048;

/// Named zones seen so far; leaked, so that a [`Zone`] can be copied into every record's context.
static NAMED: Mutex<Vec<&'static NamedZone>> = Mutex::new(Vec::new());

/// Where a clock stands whose stamps say neither offset nor zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Zone {
    /// A fixed distance from UTC, in seconds east of it.
    Offset(i32),
    /// A zone of the tz database, with its summer times.
    Named(&'static NamedZone),
}

/// A zone of the tz database.
#[derive(Debug)]
pub struct NamedZone {
    name: Box<str>,
    rules: TimeZone,
}

/// Text that names no zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time zone; write a name such as Europe/Vienna, an offset such as +02:00, or Z")]
pub struct ZoneError(String);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self::Offset(0);

    /// The moment of a local time, given as if it were UTC. In the hour that the change from summer time repeats it is the
    /// earlier one; in the hour that is left out the clock is taken to have gone on by the old offset.
    pub fn to_utc(self, local_us: TimestampUs) -> TimestampUs {
        let offset_s = match self {
            Self::Offset(offset_s) => offset_s,
            Self::Named(zone) => zone.offset_s(local_us),
        };
        local_us - i64::from(offset_s) * SECOND_US
    }
}

impl NamedZone {
    fn offset_s(&self, local_us: TimestampUs) -> i32 {
        // Years that the calendar of the tz database does not know fall back to UTC, as a stamp out of range would anyway.
        let Ok(local) = jiff::Timestamp::from_microsecond(local_us) else { return 0 };
        let local = TimeZone::UTC.to_datetime(local);
        match self.rules.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
            AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before.seconds(),
        }
    }
}

impl PartialEq for NamedZone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for NamedZone {}

impl std::hash::Hash for NamedZone {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(0) => f.write_str("Z"),
            Self::Offset(offset_s) => {
                let (sign, size) = (if *offset_s < 0 { '-' } else { '+' }, offset_s.unsigned_abs());
                write!(f, "{sign}{:02}:{:02}", size / 3600, size / 60 % 60)
            }
            Self::Named(zone) => f.write_str(&zone.name),
        }
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    /// Reads `Z`, `+hh:mm`, `-hh:mm` (at most 14 hours, as far as zones go), or a name of the tz database.
    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let text = text.trim();
        if matches!(text, "Z" | "z" | "UTC" | "") {
            return Ok(Self::UTC);
        }
        if text.starts_with(['+', '-']) {
            return fixed_offset_s(text).map(Self::Offset).ok_or_else(|| ZoneError(text.to_owned()));
        }
        named(text).map(Self::Named).ok_or_else(|| ZoneError(text.to_owned()))
    }
}

fn fixed_offset_s(text: &str) -> Option<i32> {
    let (sign, rest) = if let Some(rest) = text.strip_prefix('-') { (-1, rest) } else { (1, text.strip_prefix('+')?) };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |part: &str, most: i32| -> Option<i32> {
        let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        part.parse().ok().filter(|value| digits && *value <= most)
    };
    Some(sign * (number(hours, 14)? * 3600 + number(minutes, 59)? * 60))
}

fn named(name: &str) -> Option<&'static NamedZone> {
    let mut known = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(zone) = known.iter().find(|zone| *zone.name == *name) {
        return Some(zone);
    }
    if known.len() >= MAX_NAMES {
        return None;
    }
    let rules = TimeZone::get(name).ok()?;
    // Names are found in any case of letters; one zone is kept once.
    let name = rules.iana_name()?.to_owned();
    if let Some(zone) = known.iter().find(|zone| *zone.name == *name) {
        return Some(zone);
    }
    let zone: &'static NamedZone = Box::leak(Box::new(NamedZone { name: name.into(), rules }));
    known.push(zone);
    Some(zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> TimestampUs {
        text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
    }

    #[test]
    fn zones_read_and_print_alike() {
        for text in ["Z", "+02:00", "-05:30", "Europe/Vienna", "America/New_York"] {
            let zone: Zone = text.parse().unwrap();
            assert_eq!(zone.to_string(), text);
            assert_eq!(zone.to_string().parse(), Ok(zone));
        }
        for wrong in ["2", "+2:00", "+15:00", "02:00", "+02:60", "Europe/Wien", "+é:00", "Nowhere"] {
            let error = wrong.parse::<Zone>().unwrap_err().to_string();
            assert!(error.contains(wrong) && error.contains("Europe/Vienna"), "{error}");
        }
    }

    #[test]
    fn the_offset_is_that_of_the_stamp_and_not_of_today() {
        let vienna: Zone = "Europe/Vienna".parse().unwrap();
        assert_eq!(vienna.to_utc(at("2026-07-01T12:00:00Z")), at("2026-07-01T10:00:00Z"));
        assert_eq!(vienna.to_utc(at("2026-12-01T12:00:00Z")), at("2026-12-01T11:00:00Z"));
        assert_eq!(Zone::Offset(-19_800).to_utc(at("2026-12-01T12:00:00Z")), at("2026-12-01T17:30:00Z"));
    }

    #[test]
    fn the_hours_of_the_change() {
        let vienna: Zone = "Europe/Vienna".parse().unwrap();
        // 29 March 2026, 2:00 to 3:00 does not exist; 25 October 2026, 2:00 to 3:00 comes twice.
        assert_eq!(vienna.to_utc(at("2026-03-29T02:30:00Z")), at("2026-03-29T01:30:00Z"));
        assert_eq!(vienna.to_utc(at("2026-10-25T02:30:00Z")), at("2026-10-25T00:30:00Z"));
        assert_eq!(vienna.to_utc(i64::MAX / 2), i64::MAX / 2);
    }
}
