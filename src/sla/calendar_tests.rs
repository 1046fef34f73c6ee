//! Business time against tables computed by hand.

use super::*;
use crate::clock::{DAY_US, HOUR_US, SECOND_US};
use crate::sla::WeekHours;
use crate::sla::samples::{MINUTE_US, always, at, holiday, office, sundays};

fn laid_out(calendar: &Calendar) -> OpeningHours {
    calendar.resolve().unwrap()
}

#[test]
fn a_deadline_over_the_weekend_in_which_the_clocks_change() {
    // Zone, from, business minutes, until. Offices are open from 9 to 17.
    let table = [
        // Summer time begins on Sunday, 29 March 2026, and ends on Sunday, 25 October.
        ("Europe/Berlin", "2026-03-27T16:00+01", 120, "2026-03-30T10:00+02"),
        ("Europe/Berlin", "2026-10-23T16:00+02", 120, "2026-10-26T10:00+01"),
        // Sunday, 8 March, and Sunday, 1 November 2026.
        ("America/New_York", "2026-03-06T16:00-05", 120, "2026-03-09T10:00-04"),
        ("America/New_York", "2026-10-30T16:30-04", 60, "2026-11-02T09:30-05"),
        // No summer time; half an hour off.
        ("Asia/Kolkata", "2026-07-01T16:45+05:30", 30, "2026-07-02T09:15+05:30"),
        ("Asia/Kolkata", "2026-07-03T12:00+05:30", 8 * 60, "2026-07-06T12:00+05:30"),
        // Half an hour of summer time until Sunday, 5 April 2026, and from Sunday, 4 October.
        ("Australia/Lord_Howe", "2026-04-03T16:00+11", 120, "2026-04-06T10:00+10:30"),
        ("Australia/Lord_Howe", "2026-10-02T16:00+10:30", 120, "2026-10-05T10:00+11"),
        // Friday, 30 December 2011, did not take place in Samoa.
        ("Pacific/Apia", "2011-12-29T16:00-10", 120, "2012-01-02T10:00+14"),
        ("America/St_Johns", "2026-03-06T16:00-03:30", 120, "2026-03-09T10:00-02:30"),
        ("America/St_Johns", "2026-10-30T16:00-02:30", 120, "2026-11-02T10:00-03:30"),
    ];
    for (zone, from, minutes, until) in table {
        let hours = laid_out(&office(zone));
        assert_eq!(hours.deadline(at(from), minutes * MINUTE_US), Some(at(until)), "{zone} from {from}");
        assert_eq!(hours.business_between(at(from), at(until)), minutes * MINUTE_US, "{zone} from {from}");
    }
}

#[test]
fn the_night_in_which_the_clocks_change() {
    // Zone, hours on Sundays, the Sunday (UTC, generously), minutes that it is open.
    let table = [
        ("Europe/Berlin", "01:00-05:00", "2026-03-29", 180),
        ("Europe/Berlin", "01:00-05:00", "2026-10-25", 300),
        ("Europe/Berlin", "00:00-24:00", "2026-03-29", 23 * 60),
        ("Europe/Berlin", "00:00-24:00", "2026-10-25", 25 * 60),
        // Hours that the clock leaves out, wholly or in part.
        ("Europe/Berlin", "02:00-03:00", "2026-03-29", 0),
        ("Europe/Berlin", "02:30-05:00", "2026-03-29", 120),
        ("Europe/Berlin", "01:00-02:30", "2026-03-29", 60),
        // Hours that it shows twice, wholly or in part: from 1:00 to 2:30, closed, and from 2:00 to 2:30 again.
        ("Europe/Berlin", "02:00-03:00", "2026-10-25", 120),
        ("Europe/Berlin", "01:00-02:30", "2026-10-25", 120),
        ("Europe/Berlin", "02:30-04:00", "2026-10-25", 120),
        ("America/New_York", "00:00-04:00", "2026-03-08", 180),
        ("America/New_York", "00:00-04:00", "2026-11-01", 300),
        ("Asia/Kolkata", "00:00-24:00", "2026-03-29", 24 * 60),
        ("Australia/Lord_Howe", "00:00-24:00", "2026-04-05", 24 * 60 + 30),
        ("Australia/Lord_Howe", "00:00-24:00", "2026-10-04", 23 * 60 + 30),
        ("Australia/Lord_Howe", "01:00-01:45", "2026-04-05", 60),
        ("Australia/Lord_Howe", "01:30-01:45", "2026-04-05", 30),
        ("Australia/Lord_Howe", "02:00-02:30", "2026-10-04", 0),
        ("Australia/Lord_Howe", "02:15-03:00", "2026-10-04", 30),
        ("America/St_Johns", "00:00-04:00", "2026-03-08", 180),
        ("America/St_Johns", "00:00-04:00", "2026-11-01", 300),
    ];
    for (zone, text, sunday, minutes) in table {
        let hours = sundays(zone, &[text]);
        // Two days around it hold the local Sunday in every zone, and no other.
        let midnight = at(&format!("{sunday}T00:00Z"));
        assert_eq!(hours.business_between(midnight - DAY_US, midnight + 2 * DAY_US), minutes * MINUTE_US, "{zone} {text} on {sunday}");
    }
}

#[test]
fn an_hour_that_comes_twice_closes_and_opens_again() {
    let hours = sundays("Europe/Berlin", &["01:00-02:30"]);
    assert!(hours.is_open_at(at("2026-10-25T02:29:59+02")) && !hours.is_open_at(at("2026-10-25T02:30+02")));
    assert_eq!(hours.next_opening(at("2026-10-25T02:30+02")), Some(at("2026-10-25T02:00+01")));
    assert!(hours.is_open_at(at("2026-10-25T02:29:59+01")) && !hours.is_open_at(at("2026-10-25T02:30+01")));
}

#[test]
fn holidays_of_the_list_and_of_the_feed() {
    let mut calendar = office("Europe/Berlin");
    calendar.holidays = vec![holiday("2026-12-24", &["09:00-12:00"]), Holiday { yearly: true, ..holiday("2001-12-31", &[]) }];
    calendar.ical =
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
            .to_owned();
    let hours = laid_out(&calendar);
    // One hour on Wednesday, three on Christmas Eve, none on Friday, four on Monday.
    assert_eq!(hours.deadline(at("2026-12-23T16:00+01"), 8 * HOUR_US), Some(at("2026-12-28T13:00+01")));
    // Eight hours on each of Monday to Wednesday; New Year's Eve is closed, and every year; New Year is nobody's holiday here.
    assert_eq!(hours.business_between(at("2026-12-28T00:00+01"), at("2027-01-02T00:00+01")), 32 * HOUR_US);
    assert_eq!(hours.next_opening(at("2026-12-24T12:00+01")), Some(at("2026-12-28T09:00+01")));
    assert!(!hours.is_open_at(at("2029-12-31T12:00+01")) && hours.is_open_at(at("2029-12-28T12:00+01")));
}

#[test]
fn one_year_wins_over_every_year() {
    let mut calendar = office("Europe/Berlin");
    calendar.holidays = vec![holiday("2026-05-01", &["10:00-11:00"]), Holiday { yearly: true, ..holiday("2026-05-01", &[]) }];
    let hours = laid_out(&calendar);
    assert_eq!(hours.business_between(at("2026-05-01T00:00+02"), at("2026-05-02T00:00+02")), HOUR_US);
    assert_eq!(hours.business_between(at("2028-05-01T00:00+02"), at("2028-05-02T00:00+02")), 0);
}

#[test]
fn around_the_clock_is_real_time_and_holidays_close_it() {
    let mut calendar = Calendar { time_zone: "Europe/Berlin".to_owned(), ..always() };
    let hours = laid_out(&calendar);
    assert_eq!(hours.business_between(at("2026-01-01T00:00Z"), at("2027-01-01T00:00Z")), 365 * DAY_US);
    calendar.holidays = vec![holiday("2026-10-25", &[])];
    let closed = laid_out(&calendar);
    assert_eq!(closed.business_between(at("2026-01-01T00:00Z"), at("2027-01-01T00:00Z")), 365 * DAY_US - 25 * HOUR_US);
}

#[test]
fn closing_time_is_a_deadline_and_an_opening_is_none() {
    let hours = laid_out(&office("Europe/Berlin"));
    let (nine, five) = (at("2026-07-01T09:00+02"), at("2026-07-01T17:00+02"));
    assert_eq!(hours.deadline(nine, 8 * HOUR_US), Some(five));
    assert_eq!(hours.deadline(nine, 8 * HOUR_US + 1), Some(at("2026-07-02T09:00+02") + 1));
    assert_eq!((hours.deadline(five, 0), hours.deadline(five, -5)), (Some(five), Some(five)));
    assert!(hours.is_open_at(nine) && !hours.is_open_at(five) && hours.is_open_at(five - 1));
    assert_eq!(hours.next_opening(nine), Some(nine));
    assert_eq!(hours.business_between(five, nine), 0);
}

#[test]
fn times_without_end_are_answered() {
    let hours = laid_out(&office("Europe/Berlin"));
    let extremes = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    for from_us in extremes {
        for other in extremes {
            assert!(hours.business_between(from_us, other) >= 0);
            let _ = (hours.deadline(from_us, other), hours.is_open_at(from_us), hours.next_opening(from_us));
        }
    }
    assert_eq!(hours.business_between(i64::MIN, at("2000-01-03T10:00+01")), HOUR_US, "time before 2000 counts nothing");
    // Ten years of 40 hours a week are some 20,900 hours; the layout ends with 2069.
    let start = at("2026-07-01T09:00+02");
    assert!(hours.deadline(start, 20_800 * HOUR_US).is_some() && hours.deadline(start, 21_000 * HOUR_US).is_none());
    assert_eq!(hours.deadline(at("2069-12-31T16:00+01"), 2 * HOUR_US), None);
    assert_eq!((hours.next_opening(0), hours.next_opening(at("2070-01-01T00:00Z"))), (None, None));
}

#[test]
fn what_is_wrong_is_named() {
    let week = WeekHours { mon: vec!["8-12".to_owned()], ..WeekHours::default() };
    let calendar = Calendar {
        time_zone: "Europe/Wien".to_owned(),
        ical: "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Party\nDTSTART:20261224T180000\nEND:VEVENT\nEND:VCALENDAR".to_owned(),
        hours: Hours::Week(Box::new(week)),
        holidays: vec![holiday("24.12.2026", &[]), holiday("2206-12-24", &["9"]), holiday("2026-12-26", &[]), holiday("2026-12-26", &[])],
    };
    let complaints = calendar.check();
    let fields: Vec<&str> = complaints.iter().map(|complaint| complaint.field.as_str()).collect();
    let expected =
        ["time_zone", "hours.mon[0]", "ical", "holidays[0].date", "holidays[1].hours[0]", "holidays[1].date", "holidays[3].date"];
    assert_eq!(fields, expected);
    assert!(complaints[2].why.contains("Party"), "{}", complaints[2]);
    assert_eq!(office("Asia/Kolkata").check(), []);
}

#[test]
fn a_calendar_that_never_opens_is_refused() {
    let never = Calendar { hours: Hours::Week(Box::default()), ..office("UTC") };
    assert_eq!(never.check()[0].field, "hours");
    // Open on Mondays, and every day of every year is a holiday: six blocks of 61 or 62 days.
    let blocks = ["0101", "0303", "0503", "0703", "0902", "1102"].map(|day| {
        let first = format!("1999{day}");
        format!("BEGIN:VEVENT\nDTSTART:{first}\nDTEND:{}\nRRULE:FREQ=YEARLY\nEND:VEVENT\n", {
            let date: jiff::civil::Date = first.parse().unwrap();
            date.checked_add(jiff::Span::new().days(62)).unwrap().strftime("%Y%m%d")
        })
    });
    let shut = Calendar { ical: format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", blocks.concat()), ..office("UTC") };
    let complaints = shut.check();
    assert!(complaints.len() == 1 && complaints[0].why.contains("ten years"), "{complaints:?}");
}

#[test]
fn documents_read_back_and_unknown_keys_are_refused() {
    let mut calendar = office("Pacific/Apia");
    calendar.holidays = vec![Holiday { text: "Christmas".to_owned(), yearly: true, ..holiday("2026-12-25", &["10:00-12:00"]) }];
    calendar.ical = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".to_owned();
    for document in [calendar.clone(), always()] {
        let json = serde_json::to_string(&document).unwrap();
        assert_eq!(serde_json::from_str::<Calendar>(&json).unwrap(), document, "{json}");
        let toml = toml::to_string(&document).unwrap();
        assert_eq!(toml::from_str::<Calendar>(&toml).unwrap(), document, "{toml}");
    }
    let unknown = toml::to_string(&calendar).unwrap().replace("yearly", "annually");
    assert!(toml::from_str::<Calendar>(&unknown).unwrap_err().to_string().contains("annually"));
    assert!(toml::from_str::<Calendar>("hours = \"24x7\"").unwrap_err().to_string().contains("time_zone"));
}

#[test]
fn the_example_of_the_documentation_is_right() {
    let text = r#"
        time_zone = "Europe/Berlin"
        [hours]
        mon = ["08:00-12:00", "13:00-17:00"]
        fri = ["08:00-14:00"]
        [[holidays]]
        date = "2026-12-24"
        text = "Christmas Eve"
        hours = ["08:00-12:00"]
    "#;
    let hours = laid_out(&toml::from_str(text).unwrap());
    assert_eq!(hours.business_between(at("2026-12-21T00:00+01"), at("2026-12-28T00:00+01")), 18 * HOUR_US);
}

#[test]
fn calendars_are_named_in_complaints_and_bounded() {
    let documents = BTreeMap::from([("ok".to_owned(), always()), ("bad".to_owned(), office("Nowhere"))]);
    let complaints = Calendars::resolve(&documents).unwrap_err();
    assert_eq!(complaints.iter().map(|complaint| complaint.field.as_str()).collect::<Vec<_>>(), ["calendar/bad.time_zone"]);
    let many = (0..=MAX_CALENDARS).map(|number| (number.to_string(), always())).collect();
    assert!(Calendars::resolve(&many).unwrap_err()[0].why.contains("64"));
}

#[test]
fn odd_names_of_zones_are_refused_without_harm() {
    for zone in ["", " ", "Europe/Berlin ", "../../etc/passwd", "/etc/localtime", "Europe/\0Berlin", "+02:00", &"x".repeat(100_000)] {
        let complaints = office(zone).check();
        assert!(complaints.len() == 1 && complaints[0].field == "time_zone" && complaints[0].why.len() < 500, "{complaints:?}");
    }
    assert_eq!(laid_out(&office("UTC")).business_between(0, at("2000-01-04T00:00Z")), 8 * HOUR_US);
    assert_eq!(SECOND_US * 3600, HOUR_US);
}
