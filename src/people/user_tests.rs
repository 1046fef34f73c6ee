//! People's documents: how they are written, what is wrong with them, and when their person is there.

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::json;

use super::{Leave, Presence, Role, User};
use crate::clock::{DAY_US, HOUR_US, TimestampUs};
use crate::document::Weekday;

fn at(text: &str) -> TimestampUs {
    text.parse::<Timestamp>().unwrap().as_microsecond()
}

fn leave(from: &str, to: &str) -> Leave {
    Leave { from: from.to_owned(), to: to.to_owned(), note: String::new() }
}

fn away(time_zone: &str, leave: Vec<Leave>) -> User {
    User { display_name: "Anna".to_owned(), time_zone: time_zone.to_owned(), leave, ..User::default() }
}

const ANNA: &str = r#"
display_name = "Anna Huber"
email = "anna.huber@example.com"
role = "lead"
teams = ["network", "on call"]
time_zone = "Europe/Vienna"

[skills]
bgp = 5
"fibre splicing" = 2

[working_hours]
mon = ["08:00-12:00", "13:00-17:00"]
fri = ["22:00-06:00"]

[[leave]]
from = "2026-12-24"
to = "2027-01-06"
note = "Christmas"

[notifications]
night = { channel = "webhook", after = "15m" }
"#;

#[test]
fn a_document_goes_through_toml_and_json_and_back() {
    let anna: User = toml::from_str(ANNA).unwrap();
    assert_eq!(anna.check(), []);
    assert_eq!((anna.role, anna.capacity, anna.disabled, anna.working_hours[&Weekday::Fri].len()), (Role::Lead, 20, false, 1));
    for user in [anna, User::default()] {
        assert_eq!(toml::from_str::<User>(&toml::to_string(&user).unwrap()).unwrap(), user);
        assert_eq!(serde_json::from_str::<User>(&serde_json::to_string(&user).unwrap()).unwrap(), user);
        assert_eq!(serde_json::from_value::<User>(serde_json::to_value(&user).unwrap()).unwrap(), user);
    }
}

#[test]
fn a_document_may_be_short_but_not_misspelt() {
    let ben: User = serde_json::from_value(json!({ "display_name": "Ben" })).unwrap();
    assert_eq!((ben.check(), ben.role, ben.capacity, ben.time_zone.as_str()), (vec![], Role::Requester, 20, "UTC"));
    for wrong in [
        json!({ "display_nam": "Ben" }),
        json!({ "role": "boss" }),
        json!({ "working_hours": { "monday": [] } }),
        json!({ "skills": { "bgp": 300 } }),
        json!({ "capacity": -1 }),
        json!({ "leave": [{ "from": "2026-12-24" }] }),
        json!({ "leave": [{ "from": "2026-12-24", "to": "2026-12-24", "why": "" }] }),
    ] {
        assert!(serde_json::from_value::<User>(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn every_wrong_field_is_named_with_what_to_write() {
    let user: User = serde_json::from_value(json!({
        "display_name": "", "email": "nobody", "capacity": 5_000, "time_zone": "Europe/Wien",
        "teams": ["network", "", "network"], "skills": { "bgp": 0, "ospf": 6, "x\ny": 1 },
        "working_hours": { "tue": ["08:00-12:00", "8-12"] },
        "leave": [{ "from": "2026-12-24", "to": "2026-12-23" }, { "from": "2026-02-29", "to": "2026-03-01", "note": "\u{1b}[2J" },
            { "from": "2026-12-24T10:00", "to": "2026-12-24" }],
    }))
    .unwrap();
    let complaints = user.check();
    let fields: Vec<&str> = complaints.iter().map(|complaint| complaint.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "display_name",
            "email",
            "capacity",
            "time_zone",
            "teams[1]",
            "teams[2]",
            "skills.bgp",
            "skills.ospf",
            "skills.x y",
            "working_hours.tue[1]",
            "leave[0]",
            "leave[1]",
            "leave[1].note",
            "leave[2]",
        ]
    );
    assert!(complaints.iter().all(|complaint| complaint.why.len() > 20 && !complaint.to_string().contains(char::is_control)));
    assert!(complaints[3].to_string().contains("Europe/Wien") && complaints[3].why.contains("Europe/Vienna"));
}

#[test]
fn long_lists_are_refused_and_not_walked() {
    let many = User {
        display_name: "Ben".to_owned(),
        teams: vec![String::new(); 100_000],
        leave: vec![leave("", ""); 100_000],
        skills: (0..1_000).map(|n| (n.to_string(), 9)).collect(),
        ..User::default()
    };
    let complaints = many.check();
    assert!(complaints.len() <= 50 + 1 + 200 + 1 + 100 + 1, "{}", complaints.len());
    assert_eq!(complaints[0].field, "teams");
}

#[test]
fn leave_is_whole_days_of_the_persons_own_zone() {
    let anna = away("Europe/Vienna", vec![leave("2026-12-24", "2026-12-26")]);
    assert_eq!(anna.absences().first(), Some(&(at("2026-12-23T23:00:00Z")..at("2026-12-26T23:00:00Z"))));
    let presence = |text| anna.presence(at(text));
    assert_eq!(presence("2026-12-23T22:59:59Z"), Presence::HoursUnknown);
    assert_eq!(presence("2026-12-23T23:00:00Z"), Presence::OnLeave);
    assert_eq!(presence("2026-12-26T22:59:59Z"), Presence::OnLeave);
    assert_eq!(presence("2026-12-26T23:00:00Z"), Presence::HoursUnknown);
    assert!(anna.at_work(at("2026-12-27T03:00:00Z")) && !anna.at_work(at("2026-12-25T12:00:00Z")));
}

#[test]
fn days_of_the_change_have_23_and_25_hours_or_begin_late() {
    let length = |zone, day| {
        let absences = away(zone, vec![leave(day, day)]).absences();
        absences.iter().map(|absence| absence.end - absence.start).sum::<i64>()
    };
    assert_eq!(length("Europe/Vienna", "2026-03-29"), 23 * HOUR_US);
    assert_eq!(length("Europe/Vienna", "2026-10-25"), 25 * HOUR_US);
    assert_eq!(length("Australia/Lord_Howe", "2026-04-05"), 24 * HOUR_US + HOUR_US / 2);
    assert_eq!(length("Asia/Kolkata", "2026-03-29"), DAY_US);
    // In Cairo summer time begins at midnight: 24 April 2026 begins at 01:00, which is 22:00 UTC.
    assert_eq!(
        away("Africa/Cairo", vec![leave("2026-04-24", "2026-04-24")]).absences()[0],
        at("2026-04-23T22:00:00Z")..at("2026-04-24T21:00:00Z")
    );
    // Samoa had no 30 December 2011.
    assert_eq!(length("Pacific/Apia", "2011-12-30"), 0);
}

#[test]
fn absences_are_in_order_and_those_that_touch_are_one() {
    let user = away(
        "UTC",
        vec![
            leave("2026-05-04", "2026-05-05"),
            leave("2026-03-01", "2026-03-02"),
            leave("2026-05-01", "2026-05-03"),
            leave("2026-05-02", "2026-05-02"),
            leave("nonsense", "2026-05-09"),
            leave("2026-06-02", "2026-06-01"),
        ],
    );
    assert_eq!(
        user.absences(),
        [at("2026-03-01T00:00:00Z")..at("2026-03-03T00:00:00Z"), at("2026-05-01T00:00:00Z")..at("2026-05-06T00:00:00Z")]
    );
    let whole = away("UTC", vec![leave("0000-01-01", "9999-12-31")]);
    assert_eq!(
        (whole.absences().len(), whole.presence(i64::MAX - 1), whole.presence(i64::MIN)),
        (1, Presence::OnLeave, Presence::HoursUnknown)
    );
}

#[test]
fn hours_go_by_the_clock_on_the_wall_through_the_change() {
    let anna: User = toml::from_str(ANNA).unwrap();
    let presence = |text| anna.presence(at(text));
    // Monday 8:00 in Vienna: 7:00 UTC in winter, 6:00 in summer.
    assert_eq!([presence("2026-03-23T06:59:59Z"), presence("2026-03-23T07:00:00Z")], [Presence::OffHours, Presence::AtWork]);
    assert_eq!([presence("2026-03-30T05:59:59Z"), presence("2026-03-30T06:00:00Z")], [Presence::OffHours, Presence::AtWork]);
    assert_eq!([presence("2026-03-30T10:30:00Z"), presence("2026-03-30T11:00:00Z")], [Presence::OffHours, Presence::AtWork]);
    // The night from Friday to Saturday.
    assert_eq!([presence("2026-07-03T19:59:59Z"), presence("2026-07-03T20:00:00Z")], [Presence::OffHours, Presence::AtWork]);
    assert_eq!([presence("2026-07-04T03:59:59Z"), presence("2026-07-04T04:00:00Z")], [Presence::AtWork, Presence::OffHours]);
    // A night of 9 hours when summer time ends on Sunday, 25 October 2026.
    let night = User { working_hours: [(Weekday::Sat, vec!["22:00-06:00".to_owned()])].into(), ..away("Europe/Vienna", vec![]) };
    let from = at("2026-10-24T00:00:00Z");
    assert_eq!((0..48 * 60).filter(|minute| night.at_work(from + minute * HOUR_US / 60)).count(), 9 * 60);
    assert_eq!(anna.presence(at("2026-12-28T08:00:00Z")), Presence::OnLeave);
}

#[test]
fn who_is_disabled_gets_no_work_and_who_has_no_hours_does() {
    let at_us = at("2026-07-04T03:00:00Z");
    let disabled = User { disabled: true, ..away("UTC", vec![]) };
    assert_eq!((disabled.presence(at_us), disabled.at_work(at_us)), (Presence::Disabled, false));
    let unknown = User { working_hours: [(Weekday::Mon, vec![])].into(), ..away("Nowhere/At_All", vec![]) };
    assert_eq!((unknown.presence(at_us), unknown.at_work(at_us)), (Presence::HoursUnknown, true));
    let known = User { working_hours: [(Weekday::Mon, vec!["00:00-24:00".to_owned()])].into(), ..away("UTC", vec![]) };
    assert!([i64::MIN, i64::MAX, at_us].into_iter().all(|at_us| known.presence(at_us) == Presence::OffHours));
}

proptest! {
    #[test]
    fn presence_and_absences_agree(
        zone in prop::sample::select(vec!["UTC", "Europe/Vienna", "America/St_Johns", "Africa/Cairo", "America/Havana", "Pacific/Apia"]),
        spans in prop::collection::vec((0..400i64, 0..10i64), 0..6),
        hour in 0..24 * 420i64,
    ) {
        let first = date(2026, 1, 1);
        let day = |n: i64| first.saturating_add(jiff::Span::new().days(n)).to_string();
        let user = away(zone, spans.into_iter().map(|(from, days)| leave(&day(from), &day(from + days))).collect());
        let at_us = first.to_zoned(TimeZone::UTC).unwrap().timestamp().as_microsecond() + hour * HOUR_US;
        let absences = user.absences();
        prop_assert!(absences.windows(2).all(|pair| pair[0].end < pair[1].start));
        prop_assert_eq!(absences.iter().any(|absence| absence.contains(&at_us)), user.presence(at_us) == Presence::OnLeave);
        // The same by the calendar: the local date lies between the two dates.
        let local = Timestamp::from_microsecond(at_us).unwrap().in_tz(zone).unwrap().date().to_string();
        prop_assert_eq!(user.leave.iter().any(|leave| leave.from <= local && local <= leave.to), user.presence(at_us) == Presence::OnLeave);
    }

    #[test]
    fn no_document_panics(texts in prop::collection::vec("\\PC{0,12}|[0-9:-]{8,11}", 8), level in any::<u8>(), at_us in any::<i64>()) {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().unwrap_or_default();
        let user = User {
            display_name: next(), time_zone: next(), email: Some(next()), skills: [(next(), level)].into(),
            working_hours: [(Weekday::Sun, vec![next()])].into(), leave: vec![leave(&next(), &next())], teams: vec![next()],
            ..User::default()
        };
        user.check();
        user.absences();
        user.presence(at_us);
    }
}
