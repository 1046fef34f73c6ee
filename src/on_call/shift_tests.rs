//! Layers, overrides and leave, against tables computed by hand.

use super::test_rotas::{at, away, hours, layer, overridden, rota, table};
use super::*;
use crate::clock::TimestampUs;
use crate::document::Weekday;

fn weekly() -> Rota {
    rota("UTC", vec![layer(Rotation::Weekly)])
}

/// Person, layer and reason in words at a moment.
fn why(rota: &Rota, absences: &[Absence], moment: &str) -> Option<(String, Option<usize>, String)> {
    on_call_at(&rota.plan().unwrap(), absences, at(moment)).map(|shift| (shift.person, shift.layer, shift.reason.to_string()))
}

#[test]
fn shifts_are_whole_whatever_period_is_asked_for() {
    let whole = ["01-12 09:00 tom 168"];
    assert_eq!(table(&weekly(), &[], "2026-01-13T00:00:00Z", "2026-01-13T00:01:00Z"), whole);
    assert_eq!(table(&weekly(), &[], "2026-01-12T09:00:00Z", "2026-01-19T09:00:00Z"), whole);
    assert_eq!(table(&weekly(), &[], "2026-01-12T08:59:59Z", "2026-01-12T09:00:00Z"), ["01-05 09:00 ines 168"]);
    assert!(table(&weekly(), &[], "2026-01-13T00:00:00Z", "2026-01-13T00:00:00Z").is_empty());
    assert!(table(&weekly(), &[], "2026-01-14T00:00:00Z", "2026-01-13T00:00:00Z").is_empty());
}

#[test]
fn nobody_before_the_first_turn_and_after_the_last() {
    let mut rota = weekly();
    rota.layers[0].ends_on = Some("2026-01-15".into());
    let all = ["01-05 09:00 ines 168", "01-12 09:00 tom 72"];
    assert_eq!(table(&rota, &[], "2025-06-01T00:00:00Z", "2027-01-01T00:00:00Z"), all);
    assert_eq!(why(&rota, &[], "2026-01-05T08:59:59Z"), None);
    assert_eq!(why(&rota, &[], "2026-01-05T09:00:00Z").unwrap().0, "ines");
    assert_eq!(why(&rota, &[], "2026-01-15T09:00:00Z"), None);
}

#[test]
fn the_last_layer_that_covers_wins() {
    let mut rota = weekly();
    rota.layers.push(Layer {
        people: vec!["bob".into()],
        hours: vec![hours(&[Weekday::Sat, Weekday::Sun], "00:00", "24:00")],
        ..layer(Rotation::Weekly)
    });
    // The weekend cuts Tom's week in two; on Monday until nine it is his again.
    let want = ["01-12 09:00 tom 111", "01-17 00:00 bob 48", "01-19 00:00 tom 9", "01-19 09:00 ada 111"];
    assert_eq!(table(&rota, &[], "2026-01-12T09:00:00Z", "2026-01-19T10:00:00Z"), want);
    assert_eq!(why(&rota, &[], "2026-01-17T12:00:00Z"), Some(("bob".into(), Some(1), "their turn in the rotation".into())));
}

#[test]
fn hours_that_pass_midnight_belong_to_the_day_on_which_they_begin() {
    let mut rota = weekly();
    rota.layers[0].hours = vec![hours(&[Weekday::Fri], "22:00", "06:00"), hours(&[Weekday::Mon], "08:00", "08:00")];
    // Monday from eight to eight is cut by the hand-over at nine.
    let want = ["01-09 22:00 ines 8", "01-12 08:00 ines 1", "01-12 09:00 tom 23", "01-16 22:00 tom 8"];
    assert_eq!(table(&rota, &[], "2026-01-06T09:00:00Z", "2026-01-17T12:00:00Z"), want);
}

#[test]
fn an_override_takes_the_time_even_where_nobody_is() {
    let mut rota = weekly();
    rota.overrides = vec![overridden("2026-01-04T12:00", "2026-01-06T09:00", "zoe", None)];
    let want = ["01-04 12:00 zoe 45", "01-06 09:00 ines 144"];
    assert_eq!(table(&rota, &[], "2026-01-01T00:00:00Z", "2026-01-12T00:00:00Z"), want);
    assert_eq!(why(&rota, &[], "2026-01-05T12:00:00Z"), Some(("zoe".into(), None, "put on call by an override".into())));
}

#[test]
fn an_override_of_one_persons_shifts_leaves_the_others_alone() {
    let mut rota = rota("UTC", vec![layer(Rotation::Daily)]);
    rota.overrides = vec![overridden("2026-01-05T00:00", "2026-01-12T00:00", "zoe", Some("tom"))];
    let want = [
        "01-05 09:00 ines 24",
        "01-06 09:00 zoe 24",
        "01-07 09:00 ada 24",
        "01-08 09:00 ines 24",
        "01-09 09:00 zoe 24",
        "01-10 09:00 ada 24",
        "01-11 09:00 ines 24",
    ];
    assert_eq!(table(&rota, &[], "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z"), want);
    assert_eq!(why(&rota, &[], "2026-01-06T12:00:00Z"), Some(("zoe".into(), None, "takes over from tom".into())));
    // A later override sees what the earlier one made.
    rota.overrides.push(overridden("2026-01-06T12:00:00+00:00", "2026-01-06T13:00:00Z", "ida", Some("zoe")));
    let want = ["01-06 09:00 zoe 3", "01-06 12:00 ida 1", "01-06 13:00 zoe 20"];
    assert_eq!(table(&rota, &[], "2026-01-06T09:00:00Z", "2026-01-07T09:00:00Z"), want);
}

#[test]
fn who_is_on_leave_is_skipped_by_the_next_in_order() {
    let absences =
        [away("tom", "2026-01-14T00:00:00Z", "2026-01-15T00:00:00Z"), away("ada", "2026-01-14T12:00:00Z", "2026-01-14T18:00:00Z")];
    let want = ["01-12 09:00 tom 39", "01-14 00:00 ada 12", "01-14 12:00 ines 6", "01-14 18:00 ada 6", "01-15 00:00 tom 105"];
    assert_eq!(table(&weekly(), &absences, "2026-01-12T09:00:00Z", "2026-01-19T09:00:00Z"), want);
    let reason = why(&weekly(), &absences, "2026-01-14T13:00:00Z");
    assert_eq!(reason, Some(("ines".into(), Some(0), "stands in for tom, who is on leave".into())));
}

#[test]
fn where_a_whole_layer_is_away_the_one_below_shows_through_or_nobody_is_on_call() {
    let week = |person| away(person, "2026-01-12T09:00:00Z", "2026-01-13T09:00:00Z");
    let absences = ["ines", "tom", "ada"].map(week);
    assert_eq!(
        table(&weekly(), &absences, "2026-01-12T00:00:00Z", "2026-01-14T00:00:00Z"),
        ["01-05 09:00 ines 168", "01-13 09:00 tom 144"]
    );
    let mut rota = weekly();
    rota.layers.insert(0, Layer { people: vec!["boss".into()], ..layer(Rotation::Weekly) });
    assert_eq!(why(&rota, &absences, "2026-01-12T10:00:00Z").unwrap().0, "boss");
    assert_eq!(why(&rota, &absences, "2026-01-13T09:00:00Z").unwrap().0, "tom");
}

#[test]
fn an_override_does_not_hold_while_its_person_is_away() {
    let mut rota = weekly();
    rota.overrides = vec![overridden("2026-01-12T09:00", "2026-01-13T09:00", "zoe", Some("tom"))];
    let absences = [away("zoe", "2026-01-12T12:00:00Z", "2026-01-12T15:00:00Z")];
    let want = ["01-12 09:00 zoe 3", "01-12 12:00 tom 3", "01-12 15:00 zoe 18", "01-13 09:00 tom 144"];
    assert_eq!(table(&rota, &absences, "2026-01-12T09:00:00Z", "2026-01-14T00:00:00Z"), want);
}

#[test]
fn somebody_may_have_two_turns_of_a_round() {
    let mut rota = rota("UTC", vec![layer(Rotation::Daily)]);
    rota.layers[0].people = ["ines", "ines", "tom"].map(str::to_owned).to_vec();
    // Two turns that meet stay two, and Tom stands in for both.
    let want = ["01-05 09:00 ines 24", "01-06 09:00 ines 24", "01-07 09:00 tom 24"];
    assert_eq!(table(&rota, &[], "2026-01-05T09:00:00Z", "2026-01-08T09:00:00Z"), want);
    let absences = [away("ines", "2026-01-05T00:00:00Z", "2026-01-07T00:00:00Z")];
    assert_eq!(why(&rota, &absences, "2026-01-05T12:00:00Z").unwrap().0, "tom");
    assert_eq!(why(&rota, &absences, "2026-01-06T12:00:00Z").unwrap().2, "stands in for ines, who is on leave");
}

#[test]
fn too_much_is_refused_and_said() {
    let hourly = rota("UTC", vec![layer(Rotation::Hours(1))]).plan().unwrap();
    let (from, year) = (at("2026-02-01T00:00:00Z"), 365 * crate::clock::DAY_US);
    assert_eq!(shifts(&hourly, &[], from, from + year).unwrap().len(), 8_760);
    let error = shifts(&hourly, &[], from, from + 2 * year).unwrap_err();
    assert_eq!(error.to_string(), "the period has more than 10000 shifts; ask for a shorter one");
    assert_eq!(shifts(&hourly, &[], from, from + 3 * year), Err(PeriodError::TooLong { days: 1_095 }));
    assert_eq!(shifts(&hourly, &[], TimestampUs::MIN, TimestampUs::MAX), Err(PeriodError::TooLong { days: 106_751_991 }));
    assert_eq!(coverage(&hourly, &[], &Wanted::default(), from, from + 2 * year).unwrap_err(), PeriodError::TooManyShifts);
}

#[test]
fn the_ends_of_time_have_nobody_and_no_panic() {
    let mut rota = weekly();
    rota.layers[0].hours = vec![hours(&[], "22:00", "06:00")];
    let absence = Absence { person: "ines".into(), from_us: TimestampUs::MIN, to_us: TimestampUs::MAX };
    for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        rota.time_zone = zone.into();
        let plan = rota.plan().unwrap();
        for moment in [TimestampUs::MIN, -1, 0, at("2200-06-01T00:00:00Z"), TimestampUs::MAX - 1, TimestampUs::MAX] {
            assert_eq!(on_call_at(&plan, std::slice::from_ref(&absence), moment), None);
            assert_eq!(shifts(&plan, &[], moment, moment.saturating_add(1)), Ok(vec![]));
            assert_eq!(coverage(&plan, &[], &Wanted::default(), moment, moment.saturating_add(1)).unwrap().covered_us, 0);
        }
        assert!(on_call_at(&plan, std::slice::from_ref(&absence), at("2199-12-31T00:00:00Z")).is_none_or(|shift| shift.person != "ines"));
    }
}
