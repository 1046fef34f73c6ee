//! Hand-over over changes of the clocks, against tables computed by hand from the tz database's changes of 2026.

use super::test_rotas::{at, hours, layer, rota, table};
use super::*;
use crate::clock::DAY_US;

#[test]
fn weekly_turns_hand_over_at_nine_by_the_wall_clock_in_five_zones() {
    // Weeks are counted from 2026-01-05: Ines has weeks 0, 3, 6, ..., Tom 1, 4, 7, ..., Ada 2, 5, 8, ...
    let weeks: [(&str, &str, &str, [&str; 3]); 10] = [
        ("Europe/Berlin", "2026-03-17", "2026-04-06", ["03-16 08:00 tom 168", "03-23 08:00 ada 167", "03-30 07:00 ines 168"]),
        ("Europe/Berlin", "2026-10-13", "2026-11-02", ["10-12 07:00 tom 168", "10-19 07:00 ada 169", "10-26 08:00 ines 168"]),
        ("America/New_York", "2026-02-24", "2026-03-16", ["02-23 14:00 tom 168", "03-02 14:00 ada 167", "03-09 13:00 ines 168"]),
        ("America/New_York", "2026-10-20", "2026-11-09", ["10-19 13:00 ada 168", "10-26 13:00 ines 169", "11-02 14:00 tom 168"]),
        ("Asia/Kolkata", "2026-03-17", "2026-04-06", ["03-16 03:30 tom 168", "03-23 03:30 ada 168", "03-30 03:30 ines 168"]),
        ("Asia/Kolkata", "2026-10-13", "2026-11-02", ["10-12 03:30 tom 168", "10-19 03:30 ada 168", "10-26 03:30 ines 168"]),
        ("Australia/Lord_Howe", "2026-03-24", "2026-04-12", ["03-22 22:00 ada 168", "03-29 22:00 ines 168.5", "04-05 22:30 tom 168"]),
        ("Australia/Lord_Howe", "2026-09-22", "2026-10-11", ["09-20 22:30 tom 168", "09-27 22:30 ada 167.5", "10-04 22:00 ines 168"]),
        ("America/St_Johns", "2026-02-24", "2026-03-16", ["02-23 12:30 tom 168", "03-02 12:30 ada 167", "03-09 11:30 ines 168"]),
        ("America/St_Johns", "2026-10-20", "2026-11-09", ["10-19 11:30 ada 168", "10-26 11:30 ines 169", "11-02 12:30 tom 168"]),
    ];
    for (zone, from, to, want) in weeks {
        let rota = rota(zone, vec![layer(Rotation::Weekly)]);
        assert_eq!(table(&rota, &[], &format!("{from}T00:00:00Z"), &format!("{to}T00:00:00Z")), want, "{zone} {from}");
    }
}

#[test]
fn a_hand_over_in_the_hour_of_the_change() {
    // Zone, days, and the daily turns that hand over at a time which the clocks leave out or show twice. Days are counted
    // from 2026-01-05: 28 March is day 82, so Tom's (82 = 3 × 27 + 1), 31 October day 299, Ada's, and 4 April day 89, Ada's.
    let days: [(&str, &str, &str, &str, [&str; 3]); 6] = [
        // 02:30 is left out on 29 March: the turn begins with the jump at 01:00 UTC.
        (
            "Europe/Berlin",
            "02:30",
            "2026-03-28T02",
            "2026-03-31T00",
            ["03-28 01:30 tom 23.5", "03-29 01:00 ada 23.5", "03-30 00:30 ines 24"],
        ),
        // 02:30 comes twice on 25 October: the first one counts.
        ("Europe/Berlin", "02:30", "2026-10-24T01", "2026-10-27T01", ["10-24 00:30 tom 24", "10-25 00:30 ada 25", "10-26 01:30 ines 24"]),
        (
            "America/New_York",
            "02:30",
            "2026-03-07T08",
            "2026-03-10T06",
            ["03-07 07:30 tom 23.5", "03-08 07:00 ada 23.5", "03-09 06:30 ines 24"],
        ),
        (
            "America/New_York",
            "01:30",
            "2026-10-31T06",
            "2026-11-03T06",
            ["10-31 05:30 ada 24", "11-01 05:30 ines 25", "11-02 06:30 tom 24"],
        ),
        // Half an hour: 02:00 to 02:30 is left out on 4 October, 01:30 to 02:00 comes twice on 5 April.
        (
            "Australia/Lord_Howe",
            "02:15",
            "2026-10-02T16",
            "2026-10-05T15",
            ["10-02 15:45 tom 23.75", "10-03 15:30 ada 23.75", "10-04 15:15 ines 24"],
        ),
        (
            "Australia/Lord_Howe",
            "01:45",
            "2026-04-03T15",
            "2026-04-06T15",
            ["04-03 14:45 ada 24", "04-04 14:45 ines 24.5", "04-05 15:15 tom 24"],
        ),
    ];
    for (zone, hand_over, from, to, want) in days {
        let rota = rota(zone, vec![Layer { hand_over: hand_over.into(), ..layer(Rotation::Daily) }]);
        assert_eq!(table(&rota, &[], &format!("{from}:00:00Z"), &format!("{to}:00:00Z")), want, "{zone} {hand_over} {from}");
    }
}

#[test]
fn turns_of_twelve_hours_stay_at_eight_and_twenty() {
    let rota = rota("Europe/Berlin", vec![Layer { hand_over: "08:00".into(), ..layer(Rotation::Hours(12)) }]);
    let spring = ["03-28 07:00 ada 12", "03-28 19:00 ines 11", "03-29 06:00 tom 12"];
    assert_eq!(table(&rota, &[], "2026-03-28T08:00:00Z", "2026-03-29T17:00:00Z"), spring);
    let autumn = ["10-24 06:00 ada 12", "10-24 18:00 ines 13", "10-25 07:00 tom 12"];
    assert_eq!(table(&rota, &[], "2026-10-24T08:00:00Z", "2026-10-25T18:00:00Z"), autumn);
}

#[test]
fn nights_of_a_layer_have_seven_and_nine_hours() {
    let nights = Layer { hand_over: "12:00".into(), hours: vec![hours(&[], "22:00", "06:00")], ..layer(Rotation::Weekly) };
    let rota = rota("Europe/Berlin", vec![nights]);
    assert_eq!(
        table(&rota, &[], "2026-03-27T20:00:00Z", "2026-03-30T20:00:00Z"),
        ["03-27 21:00 ada 8", "03-28 21:00 ada 7", "03-29 20:00 ada 8"]
    );
    assert_eq!(table(&rota, &[], "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"), ["10-24 20:00 ada 9", "10-25 21:00 ada 8"]);
}

#[test]
fn whose_day_it_is_follows_the_calendar_for_years() {
    // At local noon, days after the start decide, whatever the clocks have done since.
    let people = ["ines", "tom", "ada"];
    for zone in ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"] {
        let plan = rota(zone, vec![layer(Rotation::Daily)]).plan().unwrap();
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        let start = jiff::civil::date(2026, 1, 5);
        for day in (0..3 * 365).step_by(7) {
            let noon = start.checked_add(jiff::Span::new().days(day)).unwrap().at(12, 0, 0, 0).to_zoned(zone.clone()).unwrap();
            let shift = on_call_at(&plan, &[], noon.timestamp().as_microsecond()).unwrap();
            assert_eq!(shift.person, people[day as usize % 3], "{noon}");
            assert!((DAY_US - shift.to_us + shift.from_us).abs() <= 3_600_000_000, "{noon}: a day has 23 to 25 hours");
        }
    }
}

#[test]
fn a_day_that_a_zone_left_out_has_no_turn() {
    // Samoa went from 29 to 31 December 2011: Ada's turn of the 30th does not exist, and the order goes on.
    let samoa = Layer { starts_on: "2011-12-28".into(), hand_over: "00:00".into(), ..layer(Rotation::Daily) };
    let rota = rota("Pacific/Apia", vec![samoa]);
    // Midnight of the 28th is 10:00 UTC of that day, midnight of the 31st, on the other side of the date line, 10:00 UTC of the 30th.
    let want = ["12-28 10:00 ines 24", "12-29 10:00 tom 24", "12-30 10:00 ines 24"];
    assert_eq!(table(&rota, &[], "2011-12-28T10:00:00Z", "2011-12-31T10:00:00Z"), want);
}

#[test]
fn follow_the_sun_leaves_no_hour_out() {
    // Three places, each by day, all written in one zone: the hours meet at every change of that zone's clocks.
    let place = |people: &str, from: &str, to: &str| Layer {
        people: vec![people.into()],
        hand_over: "00:00".into(),
        hours: vec![hours(&[], from, to)],
        ..layer(Rotation::Daily)
    };
    let rota = rota(
        "Europe/Berlin",
        vec![place("berlin", "08:00", "16:00"), place("boston", "16:00", "02:30"), place("manila", "02:30", "08:00")],
    );
    let plan = rota.plan().unwrap();
    let (from, to) = (at("2026-02-01T00:00:00Z"), at("2026-12-01T00:00:00Z"));
    let cover = coverage(&plan, &[], &Wanted::default(), from, to).unwrap();
    assert_eq!((cover.gaps, cover.double_cover, cover.covered_us), (vec![], vec![], to - from));
    let change = table(&rota, &[], "2026-03-28T15:00:00Z", "2026-03-29T06:00:00Z");
    assert_eq!(change, ["03-28 15:00 boston 8", "03-28 23:00 boston 2", "03-29 01:00 manila 5"]);
}
