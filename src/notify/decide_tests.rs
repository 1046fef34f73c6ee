use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::document::Weekday;

fn us(text: &str) -> TimestampUs {
    text.parse::<Timestamp>().unwrap().as_microsecond()
}

fn preferences(rules: &str) -> Preferences {
    let contacts = "time_zone = 'Europe/Vienna'\ncontacts = [{ channel = 'email', address = 'ines@example.org' }]\n";
    let preferences: Preferences = toml::from_str(&format!("{contacts}{rules}")).unwrap();
    assert_eq!(preferences.check(), []);
    preferences
}

/// When the one contact is told, as text; `off` if it is not.
fn told(preferences: &Preferences, event: EventKind, urgency: Urgency, now: &str) -> String {
    match decide(preferences, event, urgency, us(now)).as_slice() {
        [] => "off".to_owned(),
        [one] => {
            assert_eq!(one.digest_key.is_none(), one.due_at_us == us(now), "what waits waits for a digest");
            Timestamp::from_microsecond(one.due_at_us).unwrap().to_string()
        }
        several => panic!("{several:?}"),
    }
}

const QUIET: &str = "[[rules]]\nfrom = '20:00'\nto = '07:00'\naction = 'digest'\ndigest_at = '07:00'\n";

#[test]
fn quiet_hours_are_hours_on_the_wall() {
    let person = preferences(QUIET);
    // Vienna is an hour east of UTC in winter, two in summer.
    for (now, due) in [
        ("2026-12-24T18:59:59Z", "2026-12-24T18:59:59Z"),
        ("2026-12-24T19:00:00Z", "2026-12-25T06:00:00Z"),
        ("2026-12-25T05:59:59.999999Z", "2026-12-25T06:00:00Z"),
        ("2026-12-25T06:00:00Z", "2026-12-25T06:00:00Z"),
        ("2026-06-24T17:59:59Z", "2026-06-24T17:59:59Z"),
        ("2026-06-24T18:00:00Z", "2026-06-25T05:00:00Z"),
        // The night in which the clock goes forward has an hour less.
        ("2026-03-28T19:00:00Z", "2026-03-29T05:00:00Z"),
        ("2026-10-24T18:00:00Z", "2026-10-25T06:00:00Z"),
    ] {
        assert_eq!(told(&person, EventKind::Commented, Urgency::Normal, now), due, "{now}");
        assert_eq!(told(&person, EventKind::Escalated, Urgency::Page, now), now, "a page is never held back");
    }
}

#[test]
fn a_time_that_the_clock_skips_or_repeats_is_met_once() {
    let person = preferences("[[rules]]\naction = 'digest'\ndigest_at = '02:30'\n");
    for (now, due) in [
        ("2026-03-28T23:30:00Z", "2026-03-29T01:30:00Z"),
        ("2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"),
        ("2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z"),
        ("2026-10-25T00:45:00Z", "2026-10-26T01:30:00Z"),
        ("2026-10-25T01:15:00Z", "2026-10-26T01:30:00Z"),
    ] {
        assert_eq!(told(&person, EventKind::Commented, Urgency::Normal, now), due, "{now}");
    }
}

#[test]
fn hours_past_midnight_belong_to_the_day_on_which_they_begin() {
    let person = preferences("[[rules]]\ndays = ['fri']\nfrom = '22:00'\nto = '07:00'\naction = 'off'\n");
    for (now, off) in [
        ("2026-12-24T21:30:00Z", false), // Thursday 22:30
        ("2026-12-25T02:00:00Z", false), // Friday 03:00, still Thursday's night
        ("2026-12-25T21:00:00Z", true),  // Friday 22:00
        ("2026-12-26T02:00:00Z", true),  // Saturday 03:00
        ("2026-12-26T21:30:00Z", false), // Saturday 22:30
    ] {
        assert_eq!(told(&person, EventKind::Commented, Urgency::Normal, now) == "off", off, "{now}");
    }
    let whole_day = preferences("[[rules]]\ndays = ['sun']\naction = 'off'\n");
    assert_eq!(told(&whole_day, EventKind::Commented, Urgency::Normal, "2026-12-26T22:59:59Z"), "2026-12-26T22:59:59Z");
    assert_eq!(told(&whole_day, EventKind::Commented, Urgency::Normal, "2026-12-26T23:00:00Z"), "off");
}

#[test]
fn the_first_rule_that_fits_decides() {
    let person = preferences(
        "[[rules]]\nevents = ['mentioned']\naction = 'now'\n[[rules]]\nurgency = ['low']\naction = 'off'\n[[rules]]\naction = 'digest'\ndigest_every = '30m'\n",
    );
    let now = "2026-12-24T10:10:00Z";
    assert_eq!(told(&person, EventKind::Mentioned, Urgency::Low, now), now);
    assert_eq!(told(&person, EventKind::Commented, Urgency::Low, now), "off");
    assert_eq!(told(&person, EventKind::Commented, Urgency::Normal, now), "2026-12-24T10:30:00Z");
    assert_eq!(told(&person, EventKind::Commented, Urgency::Normal, "2026-12-24T10:30:00Z"), "2026-12-24T11:00:00Z");
}

#[test]
fn without_rules_low_notices_come_in_the_morning() {
    let person = preferences("");
    let now = "2026-12-24T10:10:00Z";
    assert_eq!(told(&person, EventKind::Commented, Urgency::Low, now), "2026-12-25T07:00:00Z");
    assert_eq!(told(&person, EventKind::Commented, Urgency::Normal, now), now);
}

#[test]
fn only_a_named_and_reasoned_rule_turns_pages_off() {
    let now = "2026-12-24T23:00:00Z";
    for rule in ["action = 'off'", "action = 'digest'\ndigest_at = '07:00'", "action = 'off'\nreason = 'quiet please'"] {
        assert_eq!(told(&preferences(&format!("[[rules]]\n{rule}\n")), EventKind::Escalated, Urgency::Page, now), now, "{rule}");
    }
    let off = "[[rules]]\nurgency = ['page']\naction = 'off'\nreason = 'not on call this year'\n";
    assert_eq!(told(&preferences(off), EventKind::Escalated, Urgency::Page, now), "off");
    // The same without a reason is refused by `check`; if it comes here all the same, the page goes out.
    let mut unreasoned = preferences(off);
    unreasoned.rules[0].reason = Some("  ".into());
    assert_eq!(told(&unreasoned, EventKind::Escalated, Urgency::Page, now), now);
}

#[test]
fn every_contact_is_told_once_and_rules_may_choose_among_them() {
    let mut person = preferences("[[rules]]\nchannels = ['email']\nevents = ['commented']\naction = 'off'\n");
    let chat =
        Contact { channel: Channel::Webhook, address: "https://c.example.org".into(), shape: Shape::Slack, secret: Some("s".into()) };
    person.contacts.push(chat.clone());
    person.contacts.push(chat.clone());
    let now_us = us("2026-12-24T10:10:00Z");
    let planned = decide(&person, EventKind::Commented, Urgency::Normal, now_us);
    let wanted = Planned {
        channel: chat.channel,
        address: chat.address,
        shape: chat.shape,
        secret: chat.secret,
        due_at_us: now_us,
        digest_key: None,
    };
    assert_eq!(planned, [wanted]);
    assert_eq!(decide(&person, EventKind::Assigned, Urgency::Normal, now_us).len(), 2);
    person.contacts.clear();
    assert_eq!(decide(&person, EventKind::Assigned, Urgency::Page, now_us), []);
}

#[test]
fn a_document_that_was_never_checked_does_no_harm() {
    let mut person = preferences("[[rules]]\nfrom = '22:00'\nto = '07:00'\naction = 'digest'\ndigest_at = '07:00'\n");
    let now = "2026-12-24T23:00:00Z";
    person.rules[0].to = Some("late".into());
    assert_eq!(told(&person, EventKind::Commented, Urgency::Normal, now), now, "hours that cannot be read are never");
    person.rules[0].from = None;
    person.rules[0].to = None;
    person.rules[0].digest_at = Some("noon".into());
    assert_eq!(told(&person, EventKind::Commented, Urgency::Normal, now), now);
    person.time_zone = "Nowhere".into();
    person.contacts = vec![person.contacts[0].clone(); 100_000];
    assert_eq!(decide(&person, EventKind::Commented, Urgency::Normal, us(now)).len(), 1);
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let times = prop_oneof![Just(None), "([01][0-9]|2[0-3]):[0-5][0-9]".prop_map(Some), ".{0,6}".prop_map(Some)];
    let every = prop_oneof![Just(None), "[1-9][0-9]?[smhd]".prop_map(Some), ".{0,6}".prop_map(Some)];
    let actions = prop_oneof![Just(Action::Now), Just(Action::Digest), Just(Action::Off)];
    let days = proptest::collection::vec(prop_oneof![Just(Weekday::Mon), Just(Weekday::Thu), Just(Weekday::Sun)], 0..3);
    (actions, days, times.clone(), times.clone(), times, every).prop_map(|(action, days, from, to, digest_at, digest_every)| Rule {
        urgency: Vec::new(),
        events: Vec::new(),
        channels: Vec::new(),
        days,
        from,
        to,
        action,
        digest_at,
        digest_every,
        reason: None,
    })
}

proptest! {
    #[test]
    fn nothing_panics_nothing_is_early_and_pages_are_never_late(
        rules in proptest::collection::vec(any_rule(), 0..4),
        zone in prop_oneof![Just("Australia/Lord_Howe"), Just("America/St_Johns"), Just("Asia/Kolkata"), Just("x")],
        now_us in prop_oneof![any::<i64>(), 0..4_102_444_800_000_000_i64],
    ) {
        let mut person = preferences("");
        person.rules = rules;
        person.time_zone = zone.to_owned();
        for urgency in Urgency::ALL {
            let planned = decide(&person, EventKind::Commented, *urgency, now_us);
            if *urgency == Urgency::Page {
                prop_assert_eq!(planned.len(), 1);
                prop_assert_eq!(planned[0].due_at_us, now_us);
            }
            for one in planned {
                prop_assert!(one.due_at_us >= now_us);
                prop_assert!(one.digest_key.is_none() || one.due_at_us > now_us);
            }
        }
    }

    #[test]
    fn those_with_the_same_key_go_out_together(first in 0..10_000_000_000_000_i64, later in 0..4_000_000_000_i64) {
        let person = preferences("[[rules]]\naction = 'digest'\ndigest_every = '15m'\n");
        let at = |now_us| decide(&person, EventKind::Commented, Urgency::Normal, now_us).remove(0);
        let (one, other) = (at(first), at(first + later));
        prop_assert_eq!(one.digest_key == other.digest_key, one.due_at_us == other.due_at_us);
        prop_assert!(one.due_at_us - first <= 900_000_000);
    }
}
