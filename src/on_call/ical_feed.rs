//! The rota as a calendar that people subscribe to: RFC 5545, with the names of RFC 7986.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::shift::Shift;
use crate::clock::{SECOND_US, TimestampUs};

/// Longest line of a calendar, in octets without the line break (RFC 5545 §3.1).
const MAX_LINE_OCTETS: usize = 75;

/// What a feed is called and whom it is for.
#[derive(Debug, Clone, Copy)]
pub struct Feed<'a> {
    /// The rota's name. It is part of every event's UID: a rota that is renamed is a new calendar.
    pub rota: &'a str,
    /// The right side of UIDs, such as `watchroom.example.org`: what keeps them apart from those of other desks.
    pub domain: &'a str,
    /// Only this person's shifts; all without it.
    pub person: Option<&'a str>,
    /// When the feed was made. The caller's clock says so, so that the same plan gives the same text.
    pub stamp_us: TimestampUs,
}

/// Writes shifts as a calendar. Times are UTC, which needs no `VTIMEZONE` and which no client can misread; clients show
/// them in their own zone.
///
/// A shift's UID is made of the rota's name and the shift's beginning, which no other shift of the rota has: whoever takes
/// the shift over, it stays the same event and changes its summary. Shifts of less than a second are left out, because a
/// calendar cannot express them.
pub fn ical_feed(shifts: &[Shift], feed: &Feed<'_>) -> String {
    let mut text = Calendar(String::new());
    let name = feed.person.map_or_else(|| format!("On call: {}", feed.rota), |person| format!("On call: {}, {person}", feed.rota));
    text.line("BEGIN:VCALENDAR");
    text.line("VERSION:2.0");
    text.line("PRODID:-//Watchroom//On call//EN");
    text.line("CALSCALE:GREGORIAN");
    text.line("METHOD:PUBLISH");
    text.value("NAME", &name);
    // What calendars understood before RFC 7986 gave the name and the interval properties of their own.
    text.value("X-WR-CALNAME", &name);
    text.line("REFRESH-INTERVAL;VALUE=DURATION:PT1H");
    text.line("X-PUBLISHED-TTL:PT1H");
    for shift in shifts.iter().filter(|shift| feed.person.is_none_or(|person| person == shift.person)) {
        let (Some(from), Some(to), Some(stamp)) = (utc(shift.from_us), utc(shift.to_us), utc(feed.stamp_us)) else { continue };
        if from == to {
            continue;
        }
        text.line("BEGIN:VEVENT");
        text.line(&format!("UID:{}", uid(feed, shift)));
        text.line(&format!("DTSTAMP:{stamp}"));
        text.line(&format!("DTSTART:{from}"));
        text.line(&format!("DTEND:{to}"));
        text.value("SUMMARY", &format!("On call: {} ({})", shift.person, feed.rota));
        text.value("DESCRIPTION", &format!("{}: {}", shift.person, shift.reason));
        // To be on call does not make people busy for those who want to meet them.
        text.line("TRANSP:TRANSPARENT");
        text.line("END:VEVENT");
    }
    text.line("END:VCALENDAR");
    text.0
}

/// `20261224T080000Z` (RFC 5545 §3.3.5, form 2); `None` outside the years that have four digits.
fn utc(at_us: TimestampUs) -> Option<String> {
    let at = jiff::Timestamp::from_second(at_us.div_euclid(SECOND_US)).ok()?;
    let at = jiff::tz::TimeZone::UTC.to_datetime(at);
    (0..=9999).contains(&at.year()).then(|| at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// Names may hold anything, so the UID is a hash of them. 128 bits of it are unique enough (RFC 7986 §5.3 asks for a UUID's worth).
fn uid(feed: &Feed<'_>, shift: &Shift) -> String {
    let mut hash = Sha256::new();
    hash.update((feed.rota.len() as u64).to_be_bytes());
    hash.update(feed.rota);
    hash.update(shift.from_us.to_be_bytes());
    let mut uid = String::with_capacity(MAX_LINE_OCTETS);
    for byte in hash.finalize().iter().take(16) {
        // Writing into a string does not fail.
        let _ = write!(uid, "{byte:02x}");
    }
    // A domain has no other characters; whatever else somebody configures cannot end the line.
    let domain = feed.domain.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    uid.push('@');
    uid.extend(domain);
    uid
}

/// The text so far.
struct Calendar(String);

impl Calendar {
    /// Appends a line, folded at 75 octets: a fold is a line break and a space that readers take out again (§3.1). Between
    /// characters, not within one, so that the text stays UTF-8 for those who look at it unfolded.
    fn line(&mut self, line: &str) {
        let mut octets = 0;
        for character in line.chars() {
            if octets + character.len_utf8() > MAX_LINE_OCTETS {
                self.0.push_str("\r\n ");
                octets = 1;
            }
            self.0.push(character);
            octets += character.len_utf8();
        }
        self.0.push_str("\r\n");
    }

    /// Appends a property whose value is text (§3.3.11): separators escaped, control characters left out.
    fn value(&mut self, property: &str, text: &str) {
        let mut line = format!("{property}:");
        for character in text.chars() {
            match character {
                '\\' | ';' | ',' => line.extend(['\\', character]),
                '\n' => line.push_str("\\n"),
                control if control.is_control() => {}
                other => line.push(other),
            }
        }
        self.line(&line);
    }
}
