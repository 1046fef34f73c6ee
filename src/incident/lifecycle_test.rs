//! How incidents end, come back and flap, and what maintenance windows hold.

use super::test_signals::{MINUTE, signal, topology};
use super::{Ending, Grouper, Maintenance, MaintenanceScope, MaintenanceTimes, Outcome, Passing, Settings, Signal};
use crate::store::FindingSeverity;

fn grouper() -> Grouper {
    Grouper::new(Settings::default(), topology())
}

fn place(grouper: &mut Grouper, signal: Signal) -> super::Placement {
    let now_us = signal.window_end_us;
    grouper.place(signal, now_us)
}

/// Steps every minute from `from` to `to`; the minutes at which incidents were resolved.
fn resolved(grouper: &mut Grouper, from: i64, to: i64) -> Vec<i64> {
    let is_resolved = |passing: &Passing| matches!(passing, Passing::Resolved { ending: Ending::Quiet { .. }, .. });
    (from..=to).filter(|minute| grouper.step(minute * MINUTE).iter().any(is_resolved)).collect()
}

#[test]
fn an_incident_ends_after_its_quiet_time_and_never_between_two_runs_of_its_rule() {
    let mut grouper = grouper();
    place(&mut grouper, signal("disk slow", "db01", 0));
    assert_eq!(resolved(&mut grouper, 1, 60), [11], "ten minutes after the end of its window");
    let hourly = Signal { cadence_us: 60 * MINUTE, ..signal("backup late", "db01", 100) };
    place(&mut grouper, hourly);
    assert_eq!(resolved(&mut grouper, 101, 400), [221], "two hours: one run may be late");
    let low = Signal { severity: FindingSeverity::Low, ..signal("disk filling", "web01", 500) };
    place(&mut grouper, low);
    assert_eq!(resolved(&mut grouper, 501, 700), [561]);
}

#[test]
fn what_comes_back_soon_reopens_and_what_comes_back_late_is_another_incident() {
    let mut grouper = grouper();
    let first = place(&mut grouper, signal("disk slow", "db01", 0));
    assert_eq!(resolved(&mut grouper, 1, 20), [11]);
    let late = grouper.place(signal("disk slow", "db01", 2), 21 * MINUTE);
    assert_eq!((late.outcome, late.incident), (Outcome::Repeated, first.incident), "about a time before the end: nothing new");
    let back = place(&mut grouper, signal("disk slow", "db01", 30));
    assert_eq!((back.outcome, back.incident), (Outcome::Reopened, first.incident));
    let joined = place(&mut grouper, signal("requests slow", "web01", 30));
    assert_eq!(joined.incident, first.incident, "a reopened incident takes new members while findings go on");
    assert_eq!(resolved(&mut grouper, 31, 60).len(), 1);
    resolved(&mut grouper, 61, 300);
    let other = place(&mut grouper, signal("disk slow", "db01", 301));
    assert_eq!(other.outcome, Outcome::Opened);
    assert_ne!(other.incident, first.incident);
}

#[test]
fn one_symptom_of_several_that_comes_back_opens_another_incident_that_follows_the_first() {
    let mut grouper = grouper();
    let first = place(&mut grouper, signal("requests slow", "web01", 0));
    assert_eq!(place(&mut grouper, signal("disk slow", "db01", 0)).incident, first.incident);
    assert_eq!(resolved(&mut grouper, 1, 20), [11]);
    let back = place(&mut grouper, signal("requests slow", "web01", 20));
    assert_eq!((back.outcome, back.follows), (Outcome::Opened, first.incident));
    let other_cause = place(&mut grouper, signal("link down", "db01", 21));
    assert_eq!((other_cause.incident, other_cause.follows), (back.incident, None));
}

#[test]
fn what_comes_and_goes_is_one_incident_that_says_so_and_waits_longer() {
    let mut grouper = grouper();
    let mut incidents = Vec::new();
    for at in 0..12 {
        let placement = place(&mut grouper, signal("link down", "sw1", at * 4));
        assert_eq!(placement.flapping.is_some(), at as usize >= grouper.settings().flap_returns, "return {at}");
        incidents.extend(placement.incident);
        resolved(&mut grouper, at * 4 + 1, at * 4 + 3);
    }
    incidents.dedup();
    assert_eq!(incidents.len(), 1);
    let ended = resolved(&mut grouper, 46, 400);
    assert_eq!(ended, [45 + 16 * 10], "sixteen quiet times after eleven returns");
}

#[test]
fn a_finding_that_goes_on_without_a_gap_never_flaps() {
    let mut grouper = grouper();
    for minute in 0..200 {
        assert!(place(&mut grouper, signal("disk slow", "db01", minute)).flapping.is_none());
    }
}

fn window(scope: MaintenanceScope, times: MaintenanceTimes) -> Vec<Maintenance> {
    vec![Maintenance { name: "patch day".to_owned(), scope, times }]
}

#[test]
fn findings_in_a_window_are_counted_and_what_goes_on_at_its_end_is_told() {
    let mut grouper = grouper();
    let scope = MaintenanceScope { hosts: vec!["db*".to_owned()], ..MaintenanceScope::default() };
    grouper.set_maintenance(window(scope, MaintenanceTimes::At(vec![(10 * MINUTE, 30 * MINUTE)])), 0);
    let before = place(&mut grouper, signal("link down", "db01", 5));
    assert_eq!(before.outcome, Outcome::Opened);
    for minute in 10..30 {
        let held = place(&mut grouper, signal("disk slow", "db02", minute));
        assert_eq!((held.outcome, held.incident, held.held_by.as_deref()), (Outcome::Held, None, Some("patch day")));
    }
    assert_eq!(place(&mut grouper, signal("host restarted", "db02", 11)).outcome, Outcome::Held);
    assert_eq!(place(&mut grouper, signal("disk slow", "web01", 12)).outcome, Outcome::Opened, "another host");
    assert_eq!(place(&mut grouper, signal("link down", "db01", 12)).outcome, Outcome::Repeated, "open before the window");
    assert!(grouper.step(29 * MINUTE).iter().all(|passing| !matches!(passing, Passing::MaintenanceEnded { .. })));
    let passed = grouper.step(30 * MINUTE);
    let Some(Passing::MaintenanceEnded { findings, going_on, .. }) = passed.first() else { panic!("{passed:?}") };
    assert_eq!((*findings, going_on.len()), (21, 1));
    assert_eq!((going_on[0].0.fingerprint.as_str(), going_on[0].1.outcome), ("disk slow/db02", Outcome::Opened));
    assert!(grouper.held().is_empty());
    assert_eq!(place(&mut grouper, signal("disk slow", "db02", 30)).outcome, Outcome::Repeated);
}

#[test]
fn what_is_known_of_held_findings_decides_and_not_their_time() {
    let mut grouper = grouper();
    grouper.set_maintenance(window(MaintenanceScope::default(), MaintenanceTimes::At(vec![(0, 300 * MINUTE)])), 0);
    let presumed = |host| Signal { holds_us: 60 * MINUTE, window_end_us: 71 * MINUTE, ..signal("agent silent", host, 10) };
    grouper.place(presumed("db01"), 11 * MINUTE);
    grouper.place(presumed("db02"), 11 * MINUTE);
    place(&mut grouper, signal("disk slow", "web01", 299));
    let known = |signal: &Signal| match signal.host() {
        Some("db01") => Some(true),
        Some("web01") => Some(false),
        _ => None,
    };
    grouper.tell_held(200 * MINUTE, |_| panic!("the window has not ended"));
    grouper.tell_held(300 * MINUTE, known);
    let passed = grouper.step(300 * MINUTE);
    let Some(Passing::MaintenanceEnded { findings: 3, going_on, .. }) = passed.first() else { panic!("{passed:?}") };
    let hosts: Vec<_> = going_on.iter().filter_map(|(signal, _)| signal.host()).collect();
    assert_eq!(hosts, ["db01"], "the one that said nothing of its end, long ago, is taken to be over");
    assert_eq!((going_on[0].1.outcome, grouper.held().len()), (Outcome::Opened, 0));
}

#[test]
fn scopes_ask_for_all_that_they_name() {
    let finding = signal("disk slow", "DB01", 0);
    let covers = |scope: MaintenanceScope| scope.covers(&finding);
    let names = |name: &str| vec![name.to_owned()];
    assert!(covers(MaintenanceScope::default()));
    assert!(covers(MaintenanceScope { hosts: names("db01"), rules: names("disk*"), ..MaintenanceScope::default() }));
    assert!(!covers(MaintenanceScope { hosts: names("db01"), rules: names("net*"), ..MaintenanceScope::default() }));
    assert!(!covers(MaintenanceScope { services: names("shop"), ..MaintenanceScope::default() }));
    assert!(covers(MaintenanceScope { labels: vec![("host".into(), "d*".into())], ..MaintenanceScope::default() }));
}

#[test]
fn weekly_windows_keep_to_local_time_also_over_midnight() {
    let hour = 60 * MINUTE;
    // Saturday 23:00 to Sunday 03:00 at UTC+2; the epoch was a Thursday, so that Saturday began 46 hours after it.
    let times = MaintenanceTimes::Weekly { days: vec![5], start_s: 23 * 3_600, length_s: 4 * 3_600, utc_offset_s: 7_200 };
    let (from, until) = (69 * hour, 73 * hour);
    assert_eq!(times.interval_at(from), Some((from, until)));
    assert_eq!(times.interval_at(until - 1), Some((from, until)));
    assert_eq!((times.interval_at(from - 1), times.interval_at(until)), (None, None));
    let week = 7 * 24 * hour;
    assert_eq!(times.interval_at(until + 999 * week - 1), Some((from + 999 * week, until + 999 * week)));
    assert_eq!(times.interval_at(from - week), Some((from - week, until - week)), "before 1970 too");
    for extreme in [i64::MIN, i64::MAX] {
        let _ = times.interval_at(extreme);
    }
}
