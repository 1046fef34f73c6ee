//! Gaps, double cover and fairness, by hand.

use super::test_rotas::{at, away, hours, layer, overridden, rota};
use super::*;
use crate::clock::HOUR_US;
use crate::document::Weekday;

fn look(rota: &Rota, absences: &[Absence], wanted: &Wanted, from: &str, to: &str) -> Coverage {
    coverage(&rota.plan().unwrap(), absences, wanted, at(from), at(to)).unwrap()
}

fn gap(from: &str, to: &str, cause: GapCause) -> Gap {
    Gap { from_us: at(from), to_us: at(to), cause }
}

/// Shifts, hours, and hours at night, on weekends and on holidays of everybody.
fn loads(cover: &Coverage) -> Vec<(&str, u32, [f64; 4])> {
    let load = |one: &PersonLoad| [one.hours, one.night_hours, one.weekend_hours, one.holiday_hours];
    cover.people.iter().map(|one| (one.person.as_str(), one.shifts, load(one))).collect()
}

fn two_by_turns(zone: &str) -> Rota {
    let people = vec!["ines".into(), "tom".into()];
    rota(zone, vec![Layer { people, hand_over: "00:00".into(), ..layer(Rotation::Daily) }])
}

#[test]
fn two_weeks_of_two_people() {
    // Monday 5 to Monday 19 January, a day each. Weekends: 10 (Tom's), 11, 17 (Ines's), 18 (Tom's). The 6th, Epiphany, is Tom's.
    let wanted = Wanted::of(&[], &[jiff::civil::date(2026, 1, 6)]).unwrap();
    let cover = look(&two_by_turns("UTC"), &[], &wanted, "2026-01-05T00:00:00Z", "2026-01-19T00:00:00Z");
    assert_eq!((cover.wanted_us, cover.covered_us), (14 * 24 * HOUR_US, 14 * 24 * HOUR_US));
    assert!(cover.gaps.is_empty() && cover.double_cover.is_empty());
    assert_eq!(loads(&cover), [("ines", 7, [168.0, 56.0, 48.0, 0.0]), ("tom", 7, [168.0, 56.0, 48.0, 24.0])]);
    assert_eq!(cover.spread, Spread { hours: 0.0, night_hours: 0.0, weekend_hours: 0.0, holiday_hours: 2.0 });
}

#[test]
fn nights_and_days_have_their_real_length() {
    // Saturday 28 and Sunday 29 March 2026 in Berlin: the night from 28 to 29 has seven hours, two before midnight.
    let cover = look(&two_by_turns("Europe/Berlin"), &[], &Wanted::default(), "2026-03-27T23:00:00Z", "2026-03-29T22:00:00Z");
    // 28 March is 82 days after the start, so Ines's, and has 24 hours; the 29th is Tom's and has 23, five and two of them at night.
    assert_eq!(loads(&cover), [("ines", 1, [24.0, 8.0, 24.0, 0.0]), ("tom", 1, [23.0, 7.0, 23.0, 0.0])]);
    assert!((cover.spread.hours - 1.0 / 23.5).abs() < 1e-12);
    let cover = look(&two_by_turns("Europe/Berlin"), &[], &Wanted::default(), "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    // 25 October is day 293, Tom's, with 25 hours; Ines is counted with nothing.
    assert_eq!(loads(&cover), [("ines", 0, [0.0; 4]), ("tom", 1, [25.0, 9.0, 25.0, 0.0])]);
    assert_eq!(cover.spread.hours, 2.0);
}

#[test]
fn a_period_cuts_the_shifts_at_its_edges() {
    let cover = look(&two_by_turns("UTC"), &[], &Wanted::default(), "2026-01-05T20:00:00Z", "2026-01-06T05:00:00Z");
    assert_eq!(loads(&cover), [("ines", 1, [4.0, 2.0, 0.0, 0.0]), ("tom", 1, [5.0, 5.0, 0.0, 0.0])]);
}

#[test]
fn gaps_say_why() {
    let mut rota = two_by_turns("UTC");
    rota.layers[0].hours = vec![hours(&[Weekday::Mon, Weekday::Tue], "06:00", "18:00")];
    let leave = |person| away(person, "2026-01-06T10:00:00Z", "2026-01-06T20:00:00Z");
    let absences = [leave("ines"), leave("tom")];
    let day = |wanted: &Wanted| look(&rota, &absences, wanted, "2026-01-05T00:00:00Z", "2026-01-07T00:00:00Z");
    let cover = day(&Wanted::default());
    let want = [
        gap("2026-01-05T00:00:00Z", "2026-01-05T06:00:00Z", GapCause::NobodyPlanned),
        gap("2026-01-05T18:00:00Z", "2026-01-06T06:00:00Z", GapCause::NobodyPlanned),
        gap("2026-01-06T10:00:00Z", "2026-01-06T18:00:00Z", GapCause::EverybodyAway),
        gap("2026-01-06T18:00:00Z", "2026-01-07T00:00:00Z", GapCause::NobodyPlanned),
    ];
    assert_eq!(cover.gaps, want);
    assert_eq!((cover.wanted_us, cover.covered_us), (48 * HOUR_US, 16 * HOUR_US));
    let office = Wanted::of(&[hours(&[], "08:00", "20:00")], &[]).unwrap();
    let cover = day(&office);
    let want = [
        gap("2026-01-05T18:00:00Z", "2026-01-05T20:00:00Z", GapCause::NobodyPlanned),
        gap("2026-01-06T10:00:00Z", "2026-01-06T18:00:00Z", GapCause::EverybodyAway),
        gap("2026-01-06T18:00:00Z", "2026-01-06T20:00:00Z", GapCause::NobodyPlanned),
    ];
    assert_eq!(cover.gaps, want);
    assert_eq!((cover.wanted_us, cover.covered_us), (24 * HOUR_US, 12 * HOUR_US));
}

#[test]
fn double_cover_is_shown_and_a_replacement_is_none() {
    let mut rota = two_by_turns("UTC");
    rota.layers.push(Layer { people: vec!["tom".into()], hours: vec![hours(&[Weekday::Mon], "08:00", "10:00")], ..rota.layers[0].clone() });
    rota.overrides = vec![overridden("2026-01-05T12:00", "2026-01-05T13:00", "zoe", None)];
    let cover = look(&rota, &[], &Wanted::default(), "2026-01-05T00:00:00Z", "2026-01-08T00:00:00Z");
    let people = vec!["ines".to_owned(), "tom".to_owned()];
    assert_eq!(cover.double_cover, [DoubleCover { from_us: at("2026-01-05T08:00:00Z"), to_us: at("2026-01-05T10:00:00Z"), people }]);
    // The hour of the override is Zoe's, and she is counted after the people of the layers.
    assert_eq!(
        cover.people.iter().map(|one| (one.person.as_str(), one.hours)).collect::<Vec<_>>(),
        [("ines", 45.0), ("tom", 26.0), ("zoe", 1.0)]
    );
}

#[test]
fn wanted_hours_are_checked() {
    let wrong = Wanted::of(&[hours(&[], "8:00", "25:00")], &[]).unwrap_err();
    assert_eq!(wrong.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), ["hours[0].from", "hours[0].to"]);
}

#[test]
fn an_answer_is_a_json_document() {
    let cover = look(&two_by_turns("UTC"), &[], &Wanted::default(), "2026-01-04T00:00:00Z", "2026-01-06T00:00:00Z");
    let json = serde_json::to_value(&cover).unwrap();
    assert_eq!(json["gaps"][0]["cause"], "nobody_planned");
    assert_eq!(json["people"][0]["night_hours"], 8.0);
}
