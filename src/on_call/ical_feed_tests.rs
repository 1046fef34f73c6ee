//! The feed, read back by another implementation of RFC 5545.

use std::collections::{BTreeMap, HashSet};

use icalendar::{Calendar, CalendarDateTime, Component, DatePerhapsTime};
use proptest::prelude::*;

use super::test_rotas::{at, away, layer, overridden, rota};
use super::*;
use crate::clock::TimestampUs;

fn feed(person: Option<&str>) -> Feed<'_> {
    Feed { rota: "first line", domain: "watchroom.example.org", person, stamp_us: at("2026-01-01T00:00:00Z") }
}

fn january(rota: &Rota, absences: &[Absence]) -> Vec<Shift> {
    shifts(&rota.plan().unwrap(), absences, at("2026-01-05T09:00:00Z"), at("2026-02-02T09:00:00Z")).unwrap()
}

fn moment(time: Option<DatePerhapsTime>) -> TimestampUs {
    match time {
        Some(DatePerhapsTime::DateTime(CalendarDateTime::Utc(time))) => time.timestamp_micros(),
        other => panic!("{other:?} is no time in UTC"),
    }
}

/// UID, beginning, end and summary of every event, as the other implementation reads them.
fn events(text: &str) -> Vec<(String, TimestampUs, TimestampUs, String)> {
    let calendar: Calendar = text.parse().unwrap();
    let events = calendar.components.iter().filter_map(|component| component.as_event());
    let read = |event: &icalendar::Event| {
        let summary = event.get_summary().unwrap().to_owned();
        (event.get_uid().unwrap().to_owned(), moment(event.get_start()), moment(event.get_end()), summary)
    };
    events.map(read).collect()
}

#[test]
fn the_text() {
    let rota = rota("Europe/Berlin", vec![layer(Rotation::Weekly)]);
    let text = ical_feed(&january(&rota, &[])[..1], &feed(None));
    let uid = text.lines().find_map(|line| line.strip_prefix("UID:")).unwrap();
    assert!(uid.len() == 32 + "@watchroom.example.org".len() && uid.ends_with("@watchroom.example.org"), "{uid}");
    let want = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Watchroom//On call//EN\r\nCALSCALE:GREGORIAN\r\nMETHOD:PUBLISH\r\n\
         NAME:On call: first line\r\nX-WR-CALNAME:On call: first line\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\r\nX-PUBLISHED-TTL:PT1H\r\n\
         BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260105T080000Z\r\nDTEND:20260112T080000Z\r\n\
         SUMMARY:On call: ines (first line)\r\nDESCRIPTION:ines: their turn in the rotation\r\nTRANSP:TRANSPARENT\r\nEND:VEVENT\r\n\
         END:VCALENDAR\r\n"
    );
    assert_eq!(text, want);
    assert_eq!(ical_feed(&[], &feed(None)).matches("VEVENT").count(), 0);
}

#[test]
fn another_reader_finds_the_shifts() {
    let rota = rota("America/St_Johns", vec![layer(Rotation::Daily)]);
    let shifts = january(&rota, &[]);
    let found = events(&ical_feed(&shifts, &feed(None)));
    let times: Vec<_> = found.iter().map(|(_, from, to, _)| (*from, *to)).collect();
    assert_eq!(times, shifts.iter().map(|shift| (shift.from_us, shift.to_us)).collect::<Vec<_>>());
    assert_eq!(found.iter().map(|(uid, ..)| uid).collect::<HashSet<_>>().len(), shifts.len(), "every event has its own UID");
}

#[test]
fn one_persons_feed_has_the_same_events() {
    let rota = rota("UTC", vec![layer(Rotation::Weekly)]);
    let shifts = january(&rota, &[]);
    let all: Vec<_> = events(&ical_feed(&shifts, &feed(None))).into_iter().filter(|(.., summary)| summary.contains("tom")).collect();
    assert_eq!(events(&ical_feed(&shifts, &feed(Some("tom")))), all);
    assert_eq!(all.len(), 1);
}

#[test]
fn a_shift_keeps_its_uid_when_it_changes_hands() {
    let mut rota = rota("UTC", vec![layer(Rotation::Weekly)]);
    let uids = |rota: &Rota, absences: &[Absence]| -> BTreeMap<TimestampUs, (String, String)> {
        events(&ical_feed(&january(rota, absences), &feed(None)))
            .into_iter()
            .map(|(uid, from, _, summary)| (from, (uid, summary)))
            .collect()
    };
    let before = uids(&rota, &[]);
    rota.overrides = vec![overridden("2026-01-12T09:00", "2026-01-19T09:00", "zoe", None)];
    let after = uids(&rota, &[away("ines", "2026-01-26T09:00:00Z", "2026-02-02T09:00:00Z")]);
    assert_eq!(before.len(), after.len());
    let changed: Vec<_> =
        before.iter().zip(&after).filter(|(before, after)| before != after).map(|(before, after)| (&before.1.1, &after.1.1)).collect();
    assert_eq!(changed.len(), 2, "{changed:?}");
    assert!(before.values().map(|(uid, _)| uid).eq(after.values().map(|(uid, _)| uid)));
    let other = Feed { rota: "second line", ..feed(None) };
    assert!(events(&ical_feed(&january(&rota, &[]), &other)).iter().all(|(uid, ..)| before.values().all(|(known, _)| known != uid)));
}

#[test]
fn moments_that_a_calendar_cannot_say_are_left_out() {
    let shift = |from_us, to_us| Shift { from_us, to_us, person: "ines".into(), layer: None, reason: Reason::Rotation };
    let shifts = [shift(TimestampUs::MIN, 0), shift(0, TimestampUs::MAX), shift(0, 999_999), shift(0, 1_000_000)];
    assert_eq!(events(&ical_feed(&shifts, &feed(None))).len(), 1);
    assert_eq!(ical_feed(&shifts, &Feed { stamp_us: TimestampUs::MAX, ..feed(None) }).matches("BEGIN:VEVENT").count(), 0);
}

proptest! {
    #[test]
    fn no_name_breaks_out_of_its_line(rota in "(?s).{0,200}", person in "(?s).{0,200}", domain in ".{0,40}") {
        let shift = Shift { from_us: 0, to_us: 1_000_000, person, layer: None, reason: Reason::StandIn { for_person: rota.clone() } };
        let text = ical_feed(&[shift], &Feed { rota: &rota, domain: &domain, person: None, stamp_us: 0 });
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 75));
        prop_assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        let unfolded = text.replace("\r\n ", "");
        let names: Vec<&str> = unfolded.lines().map(|line| line.split([':', ';']).next().unwrap()).collect();
        prop_assert_eq!(names, [
            "BEGIN", "VERSION", "PRODID", "CALSCALE", "METHOD", "NAME", "X-WR-CALNAME", "REFRESH-INTERVAL", "X-PUBLISHED-TTL",
            "BEGIN", "UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "TRANSP", "END", "END",
        ]);
    }

    #[test]
    fn text_reads_back(person in "[a-zäöü,;:\\\\\" 漢🦀]{1,120}") {
        let person = person.trim().to_owned();
        let shift = Shift { from_us: 0, to_us: 1_000_000, person: person.clone(), layer: None, reason: Reason::Rotation };
        let text = ical_feed(&[shift], &feed(None));
        let summary = events(&text).remove(0).3;
        prop_assert_eq!(summary, format!("On call: {person} (first line)"));
    }
}
