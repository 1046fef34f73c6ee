//! Calendars, policies and histories that the tests of this room share.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{Calendar, Calendars, Change, Entry, Holiday, Hours, OpeningHours, Promises, SlaPolicy, Timeline, WeekHours};
use crate::clock::TimestampUs;
use crate::record::{Priority, TicketKind};

pub(super) const MINUTE_US: i64 = 60 * crate::clock::SECOND_US;

/// A moment with its distance from UTC, such as `2026-03-27T16:00+01`.
pub(super) fn at(text: &str) -> TimestampUs {
    text.parse::<jiff::Timestamp>().unwrap_or_else(|error| panic!("{text}: {error}")).as_microsecond()
}

/// Monday to Friday, 9 to 17.
pub(super) fn office(zone: &str) -> Calendar {
    let hours = Hours::Week(Box::new(WeekHours::working_days(&["09:00-17:00"])));
    Calendar { time_zone: zone.to_owned(), ical: String::new(), hours, holidays: Vec::new() }
}

/// Open on Sundays only, which is when clocks are changed.
pub(super) fn sundays(zone: &str, hours: &[&str]) -> OpeningHours {
    let sun = hours.iter().map(|&text| text.to_owned()).collect();
    let hours = Hours::Week(Box::new(WeekHours { sun, ..WeekHours::default() }));
    Calendar { hours, ..office(zone) }.resolve().unwrap()
}

pub(super) fn always() -> Calendar {
    Calendar { hours: Hours::RoundTheClock, ..office("UTC") }
}

pub(super) fn holiday(date: &str, hours: &[&str]) -> Holiday {
    Holiday { date: date.to_owned(), hours: hours.iter().map(|&text| text.to_owned()).collect(), ..Holiday::default() }
}

/// `office` in Berlin, `always`, and an office in each of the zones of the tables, under the zone's name.
pub(super) static CALENDARS: LazyLock<Calendars> = LazyLock::new(|| {
    let mut documents = BTreeMap::from([("always".to_owned(), always()), ("office".to_owned(), office("Europe/Berlin"))]);
    for zone in ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns"] {
        documents.insert(zone.to_owned(), office(zone));
    }
    Calendars::resolve(&documents).unwrap()
});

/// A policy from TOML, with these calendars.
pub(super) fn promises(toml: &str) -> Promises {
    toml::from_str::<SlaPolicy>(toml).unwrap().resolve(&CALENDARS).unwrap()
}

/// An incident of priority P3 with this history.
pub(super) fn incident(opened: &str, changes: &[(&str, Change)]) -> Timeline {
    let entries = changes.iter().map(|(when, change)| Entry { at_us: at(when), change: change.clone() }).collect();
    Timeline { opened_at_us: at(opened), kind: TicketKind::Incident, priority: Priority::P3, service: None, entries }
}
