//! Which open tickets another policy changes.

use std::collections::BTreeMap;

use super::*;
use crate::clock::HOUR_US;
use crate::record::Hold;
use crate::sla::samples::{at, holiday, incident, office, promises};
use crate::sla::{Calendar, Calendars, Change, Phase, SlaPolicy, SlaRule};

const POLICY: &str = "[[rules]]\nname = \"normal\"\ncalendar = \"office\"\nfirst_response = \"2h\"\nresolution = \"16h\"\n";

#[test]
fn only_open_tickets_that_change_are_named() {
    let now_us = at("2026-07-06T13:00+02");
    let open = incident("2026-07-06T09:00+02", &[("2026-07-06T10:00+02", Change::Replied)]);
    let resolved = incident("2026-07-06T09:00+02", &[("2026-07-06T10:00+02", Change::Moved(Phase::Resolved))]);
    let waiting = incident("2026-07-06T09:00+02", &[("2026-07-06T09:30+02", Change::Moved(Phase::OnHold(Some(Hold::User))))]);
    let tickets = || [(1, &open), (2, &resolved), (3, &waiting)];
    let before = promises(POLICY);
    assert_eq!(what_if(tickets(), &before, &before.clone(), now_us), []);

    let stricter = promises(&POLICY.replace("16h", "3h").replace("\"normal\"", "\"strict\""));
    let differences = what_if(tickets(), &before, &stricter, now_us);
    // The first would be broken at noon; the third waits under both, with half an hour used.
    assert_eq!(differences.len(), 1);
    let (old, new) = (differences[0].before.clone().unwrap(), differences[0].after.clone().unwrap());
    assert_eq!((differences[0].ticket, differences[0].promise), (1, Promise::Resolution));
    assert_eq!(
        (old.rule.as_str(), old.target_us, old.due_at_us, old.breached),
        ("normal", 16 * HOUR_US, Some(at("2026-07-07T17:00+02")), false)
    );
    assert_eq!(
        (new.rule.as_str(), new.target_us, new.due_at_us, new.breached),
        ("strict", 3 * HOUR_US, Some(at("2026-07-06T12:00+02")), true)
    );
}

#[test]
fn promises_come_and_go_and_pauses_count() {
    let now_us = at("2026-07-06T13:00+02");
    let waiting = incident("2026-07-06T09:00+02", &[("2026-07-06T09:30+02", Change::Moved(Phase::OnHold(Some(Hold::User))))]);
    let before = promises(POLICY);
    let with_updates = promises(&format!("{POLICY}update = \"4h\"\n"));
    let added = what_if([(7, &waiting)], &before, &with_updates, now_us);
    assert!(added.len() == 1 && added[0].promise == Promise::Update && added[0].before.is_none() && added[0].after.is_some());
    let removed = what_if([(7, &waiting)], &with_updates, &before, now_us);
    assert!(removed.len() == 1 && removed[0].after.is_none());
    let unstopped = what_if([(7, &waiting)], &before, &promises(&format!("{POLICY}pauses_in = []\n")), now_us);
    let breached: Vec<_> = unstopped.iter().map(|difference| (difference.promise, difference.after.as_ref().unwrap().breached)).collect();
    assert_eq!(breached, [(Promise::Response, true), (Promise::Resolution, false)]);
}

#[test]
fn another_calendar_is_another_policy() {
    let ticket = incident("2026-07-06T16:00+02", &[]);
    let abroad = promises(&POLICY.replace("\"office\"", "\"always\""));
    let differences = what_if([(1, &ticket)], &promises(POLICY), &abroad, at("2026-07-06T16:30+02"));
    let due: Vec<_> = differences.iter().map(|difference| difference.after.as_ref().unwrap().due_at_us).collect();
    assert_eq!(due, [Some(at("2026-07-06T18:00+02")), Some(at("2026-07-07T08:00+02"))]);
}

#[test]
fn a_holiday_that_was_forgotten_mends_the_past() {
    // From Monday noon to Wednesday noon nobody wrote: sixteen hours, or eight if Tuesday was a holiday. The clock that runs now
    // is the same.
    let ticket = incident("2026-07-06T12:00+02", &[("2026-07-08T12:00+02", Change::Replied)]);
    let with = |holidays| {
        let calendar = Calendar { holidays, ..office("Europe/Berlin") };
        let calendars = Calendars::resolve(&BTreeMap::from([("office".to_owned(), calendar)])).unwrap();
        let rule = SlaRule { update: Some("10h".to_owned()), ..SlaRule::new("updates", "office") };
        SlaPolicy { rules: vec![rule] }.resolve(&calendars).unwrap()
    };
    let differences = what_if([(4, &ticket)], &with(Vec::new()), &with(vec![holiday("2026-07-07", &[])]), at("2026-07-08T13:00+02"));
    assert_eq!(differences.len(), 1);
    let (old, new) = (differences[0].before.clone().unwrap(), differences[0].after.clone().unwrap());
    assert_eq!((old.due_at_us, old.breached), (Some(at("2026-07-09T14:00+02")), true));
    assert_eq!((new.due_at_us, new.breached), (Some(at("2026-07-09T14:00+02")), false));
}
