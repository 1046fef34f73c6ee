//! How promises stand, against tables computed by hand. 6 July 2026 is a Monday, and in Berlin it is summer.

use super::*;
use crate::clock::HOUR_US;
use crate::record::{Priority, TicketKind};
use crate::sla::samples::{MINUTE_US, at, incident, promises};
use crate::sla::{Change, Entry};
use Change::{Acknowledged, Assigned, Moved, Prioritised, Replied, Service};
use Phase::{Closed, InProgress, OnHold, Reopened, Resolved};

const URGENT: &str =
    "[[rules]]\nname = \"urgent\"\npriority = [\"P1\"]\ncalendar = \"always\"\nfirst_response = \"15m\"\nresolution = \"4h\"\n";
const OFFICE: &str =
    "[[rules]]\nname = \"normal\"\ncalendar = \"office\"\nfirst_response = \"2h\"\nupdate = \"4h\"\nresolution = \"16h\"\nola = \"8h\"\n";
const WAITS_FOR_USER: Phase = OnHold(Some(Hold::User));
const WAITS_FOR_SUPPLIER: Phase = OnHold(Some(Hold::Supplier));

fn both() -> Promises {
    promises(&format!("{URGENT}{OFFICE}"))
}

/// The last clock of a promise.
fn clock(timeline: &Timeline, promise: Promise, now: &str) -> SlaClock {
    clocks(timeline, &both(), at(now)).into_iter().rfind(|clock| clock.promise == promise).unwrap()
}

fn used(clock: &SlaClock) -> (Verdict, i64, Option<TimestampUs>, bool) {
    (clock.verdict, clock.elapsed_us / MINUTE_US, clock.due_at_us, clock.paused)
}

#[test]
fn a_new_ticket_has_its_clocks_running() {
    let ticket = incident("2026-07-06T16:00+02", &[]);
    let found = clocks(&ticket, &both(), at("2026-07-06T16:00+02"));
    let due: Vec<_> = found.iter().map(|clock| (clock.promise, clock.due_at_us, clock.warn_at_us)).collect();
    let expected = [
        (Promise::Response, Some(at("2026-07-07T10:00+02")), Some(at("2026-07-07T09:30+02"))),
        (Promise::Update, Some(at("2026-07-07T12:00+02")), Some(at("2026-07-07T11:00+02"))),
        (Promise::Resolution, Some(at("2026-07-08T16:00+02")), Some(at("2026-07-08T12:00+02"))),
    ];
    assert_eq!(due, expected);
    assert!(found.iter().all(|clock| clock.verdict == Verdict::Running && !clock.paused && clock.rule == "normal"));
}

#[test]
fn what_counts_as_a_response() {
    let ten = at("2026-07-06T10:00+02");
    for change in [Replied, Acknowledged, Moved(InProgress), Moved(Resolved), Moved(Closed)] {
        let ticket = incident("2026-07-06T09:00+02", &[("2026-07-06T10:00+02", change.clone())]);
        let clock = clock(&ticket, Promise::Response, "2026-07-09T09:00+02");
        assert_eq!(used(&clock), (Verdict::Met { at_us: ten }, 60, Some(at("2026-07-06T11:00+02")), false), "{change:?}");
        assert_eq!(clock.stopped_at_us, Some(ten));
    }
    for change in [Assigned, Moved(Phase::Assigned), Moved(WAITS_FOR_SUPPLIER), Prioritised(Priority::P2), Service(None)] {
        let ticket = incident("2026-07-06T09:00+02", &[("2026-07-06T10:00+02", change.clone())]);
        let clock = clock(&ticket, Promise::Response, "2026-07-06T12:00+02");
        assert_eq!(clock.verdict, Verdict::Breached { at_us: at("2026-07-06T11:00+02") }, "{change:?}");
    }
}

#[test]
fn due_means_up_to_the_last_microsecond_and_not_the_next_morning() {
    let opened = "2026-07-06T15:00+02";
    let due_us = at("2026-07-06T17:00+02");
    for (late_us, verdict) in
        [(-1, Verdict::Met { at_us: due_us - 1 }), (0, Verdict::Met { at_us: due_us }), (1, Verdict::Breached { at_us: due_us })]
    {
        let mut ticket = incident(opened, &[]);
        ticket.entries.push(Entry { at_us: due_us + late_us, change: Replied });
        let clock = clock(&ticket, Promise::Response, "2026-07-07T09:00+02");
        assert_eq!(clock.verdict, verdict, "{late_us}");
    }
    // Answered at eight in the evening: no business time has passed since, but five was promised.
    let evening = incident(opened, &[("2026-07-06T20:00+02", Replied)]);
    assert_eq!(
        used(&clock(&evening, Promise::Response, "2026-07-07T09:00+02")),
        (Verdict::Breached { at_us: due_us }, 120, Some(due_us), false)
    );
    let running = clock(&incident(opened, &[]), Promise::Response, "2026-07-06T17:00+02");
    assert_eq!((running.verdict, running.next_event_us(due_us)), (Verdict::Running, Some(due_us + 1)));
}

#[test]
fn waiting_for_the_user_stops_the_clock_and_for_a_part_does_not() {
    let ticket =
        incident("2026-07-06T09:00+02", &[("2026-07-06T11:00+02", Moved(WAITS_FOR_USER)), ("2026-07-07T11:00+02", Moved(InProgress))]);
    assert_eq!(used(&clock(&ticket, Promise::Resolution, "2026-07-07T10:00+02")), (Verdict::Running, 120, None, true));
    assert_eq!(
        used(&clock(&ticket, Promise::Resolution, "2026-07-07T12:00+02")),
        (Verdict::Running, 180, Some(at("2026-07-08T17:00+02")), false)
    );
    for reason in [Some(Hold::Part), Some(Hold::Supplier), None] {
        let ticket = incident("2026-07-06T09:00+02", &[("2026-07-06T11:00+02", Moved(OnHold(reason)))]);
        let clock = clock(&ticket, Promise::Resolution, "2026-07-07T10:00+02");
        assert_eq!(used(&clock), (Verdict::Running, 9 * 60, Some(at("2026-07-07T17:00+02")), false), "{reason:?}");
    }
}

#[test]
fn what_was_broken_before_a_pause_stays_broken_in_it() {
    let ticket =
        incident("2026-07-06T09:00+02", &[("2026-07-06T12:00+02", Moved(WAITS_FOR_USER)), ("2026-07-08T12:00+02", Moved(InProgress))]);
    let clock = clock(&ticket, Promise::Response, "2026-07-07T10:00+02");
    assert_eq!(used(&clock), (Verdict::Breached { at_us: at("2026-07-06T11:00+02") }, 180, Some(at("2026-07-06T11:00+02")), true));
}

#[test]
fn a_pause_at_the_very_end_of_the_time_breaks_nothing() {
    // Two hours are used up at eleven sharp, when the ticket starts to wait; a microsecond after it goes on it is broken.
    let ticket =
        incident("2026-07-06T09:00+02", &[("2026-07-06T11:00+02", Moved(WAITS_FOR_USER)), ("2026-07-06T15:00+02", Moved(Phase::Assigned))]);
    assert_eq!(used(&clock(&ticket, Promise::Response, "2026-07-06T14:00+02")), (Verdict::Running, 120, None, true));
    let resumed = clock(&ticket, Promise::Response, "2026-07-06T15:00+02");
    assert_eq!(used(&resumed), (Verdict::Running, 120, Some(at("2026-07-06T15:00+02")), false));
    assert_eq!(clock(&ticket, Promise::Response, "2026-07-06T15:00:01+02").verdict, Verdict::Breached { at_us: at("2026-07-06T15:00+02") });
}

#[test]
fn a_corrected_kind_counts_from_the_opening_and_leaves_what_was_kept() {
    let requests =
        "[[rules]]\nname = \"requests\"\nkind = [\"request\"]\ncalendar = \"always\"\nfirst_response = \"24h\"\nresolution = \"120h\"\n";
    let policy = promises(&format!("{requests}{OFFICE}"));
    let corrected = ("2026-07-06T12:00+02", Change::Kind(TicketKind::Request));
    let rule = |changes: &[(&str, Change)], promise: Promise| {
        let found = clocks(&incident("2026-07-06T09:00+02", changes), &policy, at("2026-07-06T13:00+02"));
        let clock = found.into_iter().rfind(|clock| clock.promise == promise).unwrap();
        (clock.rule, clock.due_at_us)
    };
    let late = Some(at("2026-07-07T09:00+02"));
    assert_eq!(rule(std::slice::from_ref(&corrected), Promise::Response), ("requests".to_owned(), late));
    // What was answered before was answered as an incident.
    let answered = [("2026-07-06T10:00+02", Replied), corrected];
    assert_eq!(rule(&answered, Promise::Response), ("normal".to_owned(), Some(at("2026-07-06T11:00+02"))));
    assert_eq!(rule(&answered, Promise::Resolution), ("requests".to_owned(), Some(at("2026-07-11T09:00+02"))));
}

#[test]
fn a_higher_priority_counts_from_the_opening() {
    let raised = |when: &str| incident("2026-07-06T09:00+02", &[("2026-07-06T10:00+02", Replied), (when, Prioritised(Priority::P1))]);
    let at_noon = raised("2026-07-06T12:00+02");
    let clock_at_noon = clock(&at_noon, Promise::Resolution, "2026-07-06T12:30+02");
    assert_eq!(used(&clock_at_noon), (Verdict::Running, 210, Some(at("2026-07-06T13:00+02")), false));
    assert!(clock_at_noon.is_warning(at("2026-07-06T12:30+02")) && clock_at_noon.rule == "urgent");
    let before = clock(&at_noon, Promise::Resolution, "2026-07-06T11:59+02");
    assert_eq!((before.rule.as_str(), before.due_at_us), ("normal", Some(at("2026-07-07T17:00+02"))));
    let late = clock(&raised("2026-07-06T14:00+02"), Promise::Resolution, "2026-07-06T14:00:01+02");
    assert_eq!(late.verdict, Verdict::Breached { at_us: at("2026-07-06T13:00+02") });
    // The response came after an hour, when two were promised: the fifteen minutes of P1 do not undo that.
    let response = clock(&at_noon, Promise::Response, "2026-07-06T12:30+02");
    assert_eq!((response.rule.as_str(), response.verdict), ("normal", Verdict::Met { at_us: at("2026-07-06T10:00+02") }));
    // And back: nothing is left of what P1 asked for.
    let mut lowered = raised("2026-07-06T14:00+02");
    lowered.entries.push(Entry { at_us: at("2026-07-06T15:00+02"), change: Prioritised(Priority::P4) });
    assert_eq!(clock(&lowered, Promise::Resolution, "2026-07-06T16:00+02").verdict, Verdict::Running);
}

#[test]
fn another_service_brings_another_calendar() {
    let policy = promises(
        r#"
        rules = [
            { name = "india", service = ["erp"], calendar = "Asia/Kolkata", resolution = "8h" },
            { name = "berlin", calendar = "office", resolution = "8h" },
        ]
        "#,
    );
    let ticket = incident("2026-07-06T08:00+02", &[("2026-07-06T12:00+02", Service(Some("erp".to_owned())))]);
    let due = |now: &str| clocks(&ticket, &policy, at(now))[0].due_at_us;
    assert_eq!(due("2026-07-06T11:00+02"), Some(at("2026-07-06T17:00+02")));
    // Eight in Berlin is half past eleven in Kolkata: five and a half hours are left of Monday, two and a half go to Tuesday.
    assert_eq!(due("2026-07-06T12:00+02"), Some(at("2026-07-07T11:30+05:30")));
    let nowhere = promises(URGENT);
    assert_eq!(clocks(&ticket, &nowhere, at("2026-07-06T12:00+02")), []);
}

#[test]
fn handing_on_changes_nothing() {
    let opened = "2026-07-06T09:00+02";
    let kept = incident(opened, &[("2026-07-06T10:00+02", Moved(InProgress))]);
    let mut handed = incident(
        opened,
        &[("2026-07-06T09:20+02", Assigned), ("2026-07-06T10:00+02", Moved(InProgress)), ("2026-07-06T11:00+02", Assigned)],
    );
    handed.entries.push(Entry { at_us: at("2026-07-06T11:00+02"), change: Moved(Phase::Assigned) });
    handed.entries.push(Entry { at_us: at("2026-07-07T15:00+02"), change: Moved(InProgress) });
    for now in ["2026-07-06T12:00+02", "2026-07-07T17:00+02", "2026-07-09T09:00+02"] {
        assert_eq!(clocks(&kept, &both(), at(now)), clocks(&handed, &both(), at(now)), "{now}");
    }
}

#[test]
fn a_reopened_ticket_goes_on_where_it_stood() {
    let ticket = incident(
        "2026-07-06T09:00+02",
        &[
            ("2026-07-06T12:00+02", Moved(Resolved)),
            ("2026-07-08T12:00+02", Moved(Reopened)),
            ("2026-07-08T14:00+02", Moved(Resolved)),
            ("2026-07-10T14:00+02", Moved(Closed)),
        ],
    );
    let resolution = |now| clock(&ticket, Promise::Resolution, now);
    let first = resolution("2026-07-07T12:00+02");
    assert_eq!(used(&first), (Verdict::Met { at_us: at("2026-07-06T12:00+02") }, 180, Some(at("2026-07-07T17:00+02")), false));
    // Three hours are used; thirteen are left on Wednesday noon.
    assert_eq!(used(&resolution("2026-07-08T13:00+02")), (Verdict::Running, 240, Some(at("2026-07-09T17:00+02")), false));
    let last = resolution("2026-07-20T12:00+02");
    assert_eq!((last.verdict, last.elapsed_us), (Verdict::Met { at_us: at("2026-07-08T14:00+02") }, 5 * HOUR_US));
    // The first silence ended with the resolution, another begins when it comes back; the response was given once for all.
    assert_eq!(clock(&ticket, Promise::Update, "2026-07-08T13:00+02").started_at_us, at("2026-07-08T12:00+02"));
    assert_eq!(clock(&ticket, Promise::Response, "2026-07-20T12:00+02").stopped_at_us, Some(at("2026-07-06T12:00+02")));
}

#[test]
fn every_silence_that_was_too_long_is_kept() {
    let ticket = incident(
        "2026-07-06T09:00+02",
        &[
            ("2026-07-06T12:00+02", Replied),
            ("2026-07-07T10:00+02", Replied),
            ("2026-07-07T11:00+02", Replied),
            ("2026-07-07T12:00+02", Acknowledged),
        ],
    );
    let updates: Vec<_> =
        clocks(&ticket, &both(), at("2026-07-07T13:00+02")).into_iter().filter(|clock| clock.promise == Promise::Update).collect();
    // From Monday noon to Tuesday ten: five hours and one.
    assert_eq!((updates.len(), updates[0].verdict), (2, Verdict::Breached { at_us: at("2026-07-06T16:00+02") }));
    assert_eq!((updates[0].started_at_us, updates[0].stopped_at_us), (at("2026-07-06T12:00+02"), Some(at("2026-07-07T10:00+02"))));
    assert_eq!(used(&updates[1]), (Verdict::Running, 120, Some(at("2026-07-07T15:00+02")), false));
}

#[test]
fn our_clock_pauses_and_theirs_runs() {
    let policy = promises(
        r#"
        [[rules]]
        name = "hardware"
        calendar = "always"
        resolution = "4h"
        pauses_in = ["user", "supplier"]
        ola = "2h"
        ola_calendar = "office"
        "#,
    );
    // A night: opened at two, with the supplier from three; they open at nine, and need an hour and a half, and half an hour later.
    let ticket = incident(
        "2026-07-06T02:00+02",
        &[
            ("2026-07-06T02:30+02", Moved(InProgress)),
            ("2026-07-06T03:00+02", Moved(WAITS_FOR_SUPPLIER)),
            ("2026-07-06T10:30+02", Moved(InProgress)),
            ("2026-07-06T11:00+02", Moved(WAITS_FOR_SUPPLIER)),
            ("2026-07-06T11:45+02", Moved(InProgress)),
        ],
    );
    let of = |now: &str| {
        let found = clocks(&ticket, &policy, at(now));
        found.iter().map(|clock| (clock.promise, used(clock))).collect::<Vec<_>>()
    };
    let (ours, theirs) = (Promise::Resolution, Promise::Supplier);
    assert_eq!(of("2026-07-06T02:59+02").len(), 1, "no supplier's clock before there is one");
    assert_eq!(
        of("2026-07-06T08:00+02"),
        [(ours, (Verdict::Running, 60, None, true)), (theirs, (Verdict::Running, 0, Some(at("2026-07-06T11:00+02")), false))]
    );
    let delivered = Verdict::Met { at_us: at("2026-07-06T10:30+02") };
    assert_eq!(of("2026-07-06T10:45+02")[1], (theirs, (delivered, 90, Some(at("2026-07-06T11:00+02")), false)));
    assert_eq!(of("2026-07-06T10:45+02")[0], (ours, (Verdict::Running, 75, Some(at("2026-07-06T13:30+02")), false)));
    // Half an hour is left of the supplier's two, and they take three quarters.
    assert_eq!(of("2026-07-06T11:10+02")[1], (theirs, (Verdict::Running, 100, Some(at("2026-07-06T11:30+02")), false)));
    let late = Verdict::Breached { at_us: at("2026-07-06T11:30+02") };
    assert_eq!(of("2026-07-06T12:00+02")[1], (theirs, (late, 135, Some(at("2026-07-06T11:30+02")), false)));
}

#[test]
fn the_same_promise_in_five_zones_over_the_change_of_the_clocks() {
    // Rule and calendar of a zone, opened, waits for the user from and until, due. Eight hours of business time.
    let table = [
        ("Europe/Berlin", "2026-03-27T13:00+01", "2026-03-27T15:00+01", "2026-03-30T10:00+02", "2026-03-30T16:00+02"),
        ("Europe/Berlin", "2026-10-23T13:00+02", "2026-10-23T15:00+02", "2026-10-26T10:00+01", "2026-10-26T16:00+01"),
        ("America/New_York", "2026-03-06T13:00-05", "2026-03-06T15:00-05", "2026-03-09T10:00-04", "2026-03-09T16:00-04"),
        ("America/New_York", "2026-10-30T13:00-04", "2026-10-30T15:00-04", "2026-11-02T10:00-05", "2026-11-02T16:00-05"),
        ("Asia/Kolkata", "2026-03-27T13:00+05:30", "2026-03-27T15:00+05:30", "2026-03-30T12:30+05:30", "2026-03-31T10:30+05:30"),
        ("Australia/Lord_Howe", "2026-04-03T13:00+11", "2026-04-03T15:00+11", "2026-04-06T10:00+10:30", "2026-04-06T16:00+10:30"),
        ("Australia/Lord_Howe", "2026-10-02T13:00+10:30", "2026-10-02T15:00+10:30", "2026-10-05T10:00+11", "2026-10-05T16:00+11"),
        ("Pacific/Apia", "2011-12-29T13:00-10", "2011-12-29T15:00-10", "2012-01-02T10:00+14", "2012-01-02T16:00+14"),
        ("America/St_Johns", "2026-03-06T13:00-03:30", "2026-03-06T15:00-03:30", "2026-03-09T10:00-02:30", "2026-03-09T16:00-02:30"),
    ];
    for (zone, opened, from, until, due) in table {
        let policy = promises(&format!("[[rules]]\nname = \"x\"\ncalendar = \"{zone}\"\nresolution = \"8h\"\n"));
        let ticket = incident(opened, &[(from, Moved(WAITS_FOR_USER)), (until, Moved(InProgress))]);
        let clock = &clocks(&ticket, &policy, at(until))[0];
        assert_eq!((clock.due_at_us, clock.elapsed_us), (Some(at(due)), 2 * HOUR_US), "{zone} {opened}");
    }
}

#[test]
fn four_hours_around_the_clock_are_four_hours_in_any_night() {
    let mut ticket = incident("2026-10-25T01:30+02", &[]);
    ticket.priority = Priority::P1;
    // Half past one and four hours of a night in which three becomes two: half past four.
    assert_eq!(clock(&ticket, Promise::Resolution, "2026-10-25T01:30+02").due_at_us, Some(at("2026-10-25T04:30+01")));
    ticket.opened_at_us = at("2026-03-29T01:30+01");
    assert_eq!(clock(&ticket, Promise::Resolution, "2026-03-29T01:30+01").due_at_us, Some(at("2026-03-29T06:30+02")));
}

#[test]
fn the_scheduler_sleeps_until_the_next_warning_or_breach() {
    let ticket = incident("2026-07-06T09:00+02", &[]);
    let policy =
        promises("[[rules]]\nname = \"x\"\ncalendar = \"office\"\nfirst_response = \"2h\"\nresolution = \"4h\"\nwarn_at_percent = 50\n");
    let mut now_us = ticket.opened_at_us;
    let mut woken = Vec::new();
    while let Some(next_us) = next_event_us(&clocks(&ticket, &policy, now_us), now_us) {
        woken.push(next_us);
        now_us = next_us;
    }
    assert_eq!(woken, [at("2026-07-06T10:00+02"), at("2026-07-06T11:00+02"), at("2026-07-06T11:00+02") + 1, at("2026-07-06T13:00+02") + 1]);
    let waiting = incident("2026-07-06T09:00+02", &[("2026-07-06T09:30+02", Moved(WAITS_FOR_USER))]);
    let now_us = at("2026-07-06T09:40+02");
    assert_eq!(next_event_us(&clocks(&waiting, &policy, now_us), now_us), None, "what waits breaks nothing by itself");
}

#[test]
fn the_present_comes_before_the_history_or_long_after() {
    let ticket = incident("2026-07-06T09:00+02", &[("2026-07-06T10:00+02", Moved(Resolved))]);
    let early = clock(&ticket, Promise::Resolution, "2026-07-05T09:00+02");
    assert_eq!((early.verdict, early.elapsed_us, early.due_at_us), (Verdict::Running, 0, Some(at("2026-07-07T17:00+02"))));
    for extreme in [i64::MIN, 0, i64::MAX] {
        for opened_at_us in [i64::MIN, 0, i64::MAX] {
            let entries = vec![Entry { at_us: extreme, change: Moved(WAITS_FOR_SUPPLIER) }, Entry { at_us: 0, change: Replied }];
            for now_us in [i64::MIN, 0, i64::MAX] {
                let found = clocks(&Timeline { opened_at_us, entries: entries.clone(), ..ticket.clone() }, &both(), now_us);
                assert!(found.iter().all(|clock| clock.elapsed_us >= 0));
                let _ = next_event_us(&found, now_us);
            }
        }
    }
}

#[test]
fn a_clock_as_json() {
    let ticket = incident("2026-07-06T09:00+02", &[("2026-07-06T10:00+02", Replied)]);
    let json = serde_json::to_value(clock(&ticket, Promise::Response, "2026-07-06T10:00+02")).unwrap();
    assert_eq!(
        (json["promise"].as_str(), json["verdict"].as_str(), json["at_us"].as_i64()),
        (Some("response"), Some("met"), Some(at("2026-07-06T10:00+02")))
    );
    for promise in Promise::ALL {
        assert_eq!(serde_json::to_value(promise).unwrap(), promise.word());
    }
}
