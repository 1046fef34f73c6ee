//! What is taken from iCalendar texts, and what is refused.

use proptest::prelude::*;

use super::*;

/// One event with these lines.
fn event(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:Day\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
}

fn taken(text: &str) -> Vec<Closure> {
    let mut complaints = Vec::new();
    let closures = read(text, &mut complaints);
    assert_eq!(complaints, [], "{text}");
    closures
}

fn refused(text: &str) -> String {
    let mut complaints = Vec::new();
    read(text, &mut complaints);
    assert_eq!(complaints.len(), 1, "{text}: {complaints:?}");
    assert_eq!(complaints[0].field, "ical");
    complaints.remove(0).why
}

fn once(year: i16, month: i8, day: i8, days: i64) -> Closure {
    Closure { first: Date::constant(year, month, day), days, yearly: None }
}

#[test]
fn days_ranges_and_years() {
    assert_eq!(taken(&event("DTSTART;VALUE=DATE:20261003")), [once(2026, 10, 3, 1)]);
    assert_eq!(taken(&event("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20270102")), [once(2026, 12, 24, 9)]);
    assert_eq!(taken(&event("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261224")), [once(2026, 12, 24, 1)]);
    for (rule, yearly) in [
        ("FREQ=YEARLY", Yearly::default()),
        ("FREQ=YEARLY;INTERVAL=1;WKST=MO", Yearly::default()),
        ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25", Yearly::default()),
        ("freq=yearly;count=5", Yearly { count: Some(5), until: None }),
        ("FREQ=YEARLY;UNTIL=20301225", Yearly { count: None, until: Some(Date::constant(2030, 12, 25)) }),
    ] {
        let found = taken(&event(&format!("DTSTART;VALUE=DATE:20261225\r\nRRULE:{rule}")));
        assert_eq!(found, [Closure { yearly: Some(yearly), ..once(2026, 12, 25, 1) }], "{rule}");
    }
}

#[test]
fn what_programs_write_around_it_is_passed_over() {
    let text = concat!(
        "\u{feff}BEGIN:VCALENDAR\nPRODID:-//x//EN\nX-WR-CALNAME:Feiertage\nBEGIN:VTIMEZONE\nTZID:Europe/Berlin\n",
        "BEGIN:STANDARD\nDTSTART:19701025T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE\n",
        "BEGIN:VEVENT\nUID:1@x\nDTSTAMP:20260101T000000Z\nSUMMARY;LANGUAGE=de:Tag der \n Deutschen Einheit\\, BEGIN:VEVENT\n",
        "DTSTART;VALUE=DATE:2026\n\t1003\nTRANSP:TRANSPARENT\nBEGIN:VALARM\nTRIGGER:-PT15M\nDURATION:PT5M\nEND:VALARM\n",
        "no property at all\nEND:VEVENT\nbegin:vevent\nSTATUS:CANCELLED\nDTSTART:20260101T100000\nend:VEVENT\n\n",
        "BEGIN:X-PRIVATE\nDTSTART:20260101T100000\nEND:X-PRIVATE\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270101\nEND:VEVENT\nEND:VCALENDAR",
    );
    assert_eq!(taken(text), [once(2026, 10, 3, 1), once(2027, 1, 1, 1)]);
    assert_eq!(taken(" \r\n"), []);
    assert_eq!(taken("BEGIN:VCALENDAR\nEND:VCALENDAR"), []);
}

#[test]
fn what_is_not_understood_names_the_event() {
    for (lines, says) in [
        ("DTSTART:20261224T180000Z", "whole day"),
        ("DTSTART;TZID=Europe/Berlin:20261224T000000", "whole day"),
        ("DTSTART;VALUE=DATE:20260229", "whole day"),
        ("DTSTART;VALUE=DATE:20261224\r\nDTEND:20261225T120000", "DTEND"),
        ("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261220", "before it begins"),
        ("DTSTART;VALUE=DATE:20260101\r\nDTEND;VALUE=DATE:20270101", "365 days"),
        ("DTSTART;VALUE=DATE:20261224\r\nDURATION:P2D", "DURATION"),
        ("DTSTART;VALUE=DATE:20261224\r\nRDATE;VALUE=DATE:20271224", "RDATE"),
        ("DTSTART;VALUE=DATE:20261224\r\nRRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20271224", "EXDATE"),
        ("DTSTART;VALUE=DATE:20261126\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "BYDAY=4TH"),
        ("DTSTART;VALUE=DATE:20261126\r\nRRULE:FREQ=MONTHLY", "FREQ=MONTHLY"),
        ("DTSTART;VALUE=DATE:20261126\r\nRRULE:FREQ=YEARLY;INTERVAL=2", "INTERVAL=2"),
        ("DTSTART;VALUE=DATE:20261126\r\nRRULE:FREQ=YEARLY;BYMONTH=12", "BYMONTH=12"),
        ("DTSTART;VALUE=DATE:20261126\r\nRRULE:FREQ=YEARLY;COUNT=0", "COUNT=0"),
        ("DTSTART;VALUE=DATE:20261126\r\nRRULE:FREQ=YEARLY;UNTIL=20301125T230000Z", "UNTIL"),
        ("DTSTART;VALUE=DATE:20261126\r\nRRULE:COUNT=2", "FREQ=YEARLY"),
        ("DTSTART;VALUE=DATE:20261126\r\nDTSTART;VALUE=DATE:20261127", "twice"),
        ("DESCRIPTION:nothing", "no DTSTART"),
    ] {
        let why = refused(&event(lines));
        assert!(why.contains("VEVENT `Day`") && why.contains(says), "{lines}: {why}");
    }
    let todo = event("DTSTART;VALUE=DATE:20261224").replace("VEVENT", "VTODO");
    assert!(refused(&todo).contains("VTODO `Day` (20261224): only events"));
}

#[test]
fn one_wrong_event_does_not_hide_another() {
    let events = ["SUMMARY:A", "UID:b", "DTSTART:20261224"].map(|line| format!("BEGIN:VEVENT\n{line}\nEND:VEVENT\n"));
    let text = format!("BEGIN:VCALENDAR\n{}END:VCALENDAR", events.concat());
    let mut complaints = Vec::new();
    assert_eq!(read(&text, &mut complaints), [once(2026, 12, 24, 1)]);
    assert!(complaints.len() == 2 && complaints[0].why.contains("`A`") && complaints[1].why.contains("`b`"));
}

#[test]
fn broken_texts_say_where() {
    for (text, says) in [
        ("24.12.2026", "line 1"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261224", "stops within VEVENT"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR", "line 3"),
        ("BEGIN:VEVENT\nEND:VEVENT", "line 1"),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\nx:y", "line 3"),
        ("BEGIN:VCALENDAR\nBEGIN:VCALENDAR", "line 2"),
    ] {
        let why = refused(text);
        assert!(why.contains(says) && why.contains(".ics"), "{text}: {why}");
    }
}

#[test]
fn hostile_texts_are_bounded() {
    let deep = format!("BEGIN:VCALENDAR\n{}", "BEGIN:X\n".repeat(100_000));
    assert!(refused(&deep).contains("too deep"));
    assert!(refused(&"x".repeat(MAX_BYTES + 1)).contains("bytes"));
    let many = format!("BEGIN:VCALENDAR\n{}END:VCALENDAR", "BEGIN:VEVENT\nEND:VEVENT\n".repeat(MAX_EVENTS + 1));
    assert!(refused(&many).contains("more than 2000 events"));
    let wrong = format!("BEGIN:VCALENDAR\n{}END:VCALENDAR", "BEGIN:VEVENT\nEND:VEVENT\n".repeat(MAX_EVENTS));
    let mut complaints = Vec::new();
    read(&wrong, &mut complaints);
    assert!(complaints.len() == MAX_COMPLAINTS + 1 && complaints[MAX_COMPLAINTS].why.contains("1950 more"));
}

/// Lines that are right alone and wrong together, or wrong in themselves.
const LINES: [&str; 19] = [
    "BEGIN:VCALENDAR",
    "END:VCALENDAR",
    "BEGIN:VEVENT",
    "END:VEVENT",
    "BEGIN:",
    "END:",
    "BEGIN",
    "DTSTART:20261224",
    "DTSTART;VALUE=DATE",
    "DTEND:99999999",
    "DTEND;X=\"",
    "RRULE:FREQ=YEARLY;COUNT=99999999999",
    "RRULE:;;=",
    "RRULE:FREQ=YEARLY;UNTIL=é1234567",
    "SUMMARY:é\\",
    ";=:",
    " x",
    "\t",
    "\r",
];

proptest! {
    #[test]
    fn no_text_breaks_the_reading(text in "\\PC{0,60}", lines in prop::collection::vec(prop::sample::select(LINES.to_vec()), 0..12)) {
        let mut complaints = Vec::new();
        read(&text, &mut complaints);
        read(&lines.join("\n"), &mut complaints);
        read(&event(&lines.join("\r\n")), &mut complaints);
        read(&event(&text), &mut complaints);
        prop_assert!(complaints.iter().all(|complaint| complaint.field == "ical" && complaint.why.len() < 1_000));
    }
}
