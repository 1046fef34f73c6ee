//! Swaps and everything that can be wrong with one.

use super::test_rotas::{at, away, hours, layer, overridden, rota, table};
use super::*;

fn end(person: &str, from: &str, to: &str) -> SwapEnd {
    SwapEnd { person: person.into(), from_us: at(from), to_us: at(to) }
}

/// Ines has the week from 5 January, Tom that from the 12th, Ada that from the 19th; hand-over at 08:00 UTC.
fn weekly() -> Rota {
    rota("Europe/Berlin", vec![layer(Rotation::Weekly)])
}

fn ines() -> SwapEnd {
    end("ines", "2026-01-05T08:00:00Z", "2026-01-12T08:00:00Z")
}

fn ada() -> SwapEnd {
    end("ada", "2026-01-19T08:00:00Z", "2026-01-26T08:00:00Z")
}

#[test]
fn two_weeks_change_hands() {
    let mut rota = weekly();
    let overrides = swap(&rota, &[], &ines(), &ada()).unwrap();
    let want = [
        overridden("2026-01-05T09:00:00+01:00", "2026-01-12T09:00:00+01:00", "ada", Some("ines")),
        overridden("2026-01-19T09:00:00+01:00", "2026-01-26T09:00:00+01:00", "ines", Some("ada")),
    ];
    assert_eq!(overrides, want);
    rota.overrides.extend(overrides);
    let want = ["01-05 08:00 ada 168", "01-12 08:00 tom 168", "01-19 08:00 ines 168", "01-26 08:00 ines 168"];
    assert_eq!(table(&rota, &[], "2026-01-05T08:00:00Z", "2026-02-02T08:00:00Z"), want);
    // And back again.
    let back = swap(&rota, &[], &SwapEnd { person: "ada".into(), ..ines() }, &SwapEnd { person: "ines".into(), ..ada() }).unwrap();
    rota.overrides.extend(back);
    assert_eq!(table(&rota, &[], "2026-01-05T08:00:00Z", "2026-01-06T00:00:00Z"), ["01-05 08:00 ines 168"]);
}

#[test]
fn only_the_nights_of_a_layer_change_hands() {
    let mut rota = weekly();
    rota.layers[0].hours = vec![hours(&[], "22:00", "06:00")];
    rota.layers.insert(0, Layer { people: vec!["desk".into()], ..layer(Rotation::Weekly) });
    rota.overrides.extend(swap(&rota, &[], &ines(), &ada()).unwrap());
    let want = ["01-05 08:00 desk 13", "01-05 21:00 ada 8", "01-06 05:00 desk 16"];
    assert_eq!(table(&rota, &[], "2026-01-05T08:00:00Z", "2026-01-06T20:00:00Z"), want);
}

#[test]
fn what_is_wrong_is_said() {
    let said = |absences: &[Absence], one: &SwapEnd, other: &SwapEnd| swap(&weekly(), absences, one, other).unwrap_err().to_string();
    assert_eq!(said(&[], &ines(), &ines()), "ines cannot swap with themselves; name another person");
    let overlapping = end("ada", "2026-01-12T07:59:00Z", "2026-01-26T08:00:00Z");
    assert!(said(&[], &ines(), &overlapping).contains("overlap"));
    let too_early = end("ada", "2026-01-12T08:00:00Z", "2026-01-19T08:00:00Z");
    let want = "ada is not on call between 2026-01-12T09:00:00+01:00 and 2026-01-19T09:00:00+01:00; choose a period with a shift of theirs";
    assert_eq!(said(&[], &ines(), &too_early), want);
    // Ada is away for an hour of Ines's week; Tom would stand in, but that is not what Ines was promised.
    let absences = [away("ada", "2026-01-07T00:00:00Z", "2026-01-07T01:00:00Z")];
    assert!(said(&absences, &ines(), &ada()).starts_with("ada cannot take over all of the time between 2026-01-05T09:00:00+01:00"));
    let absences = [away("ines", "2026-01-25T00:00:00Z", "2026-01-25T01:00:00Z")];
    assert!(said(&absences, &ines(), &ada()).starts_with("ines cannot take over"));
    let years = end("ines", "2026-01-05T08:00:00Z", "2029-01-05T08:00:00Z");
    assert!(said(&[], &years, &end("ada", "2029-02-19T08:00:00Z", "2029-02-26T08:00:00Z")).contains("longer than an answer may be"));
    let backwards = end("ines", "2026-01-12T08:00:00Z", "2026-01-05T08:00:00Z");
    assert!(said(&[], &backwards, &ada()).contains("ines is not on call"));
}

#[test]
fn a_rota_that_is_wrong_or_full_takes_no_swap() {
    let wrong = Rota { time_zone: "Nowhere".into(), ..weekly() };
    assert!(matches!(swap(&wrong, &[], &ines(), &ada()), Err(SwapError::Invalid(complaints)) if complaints[0].field == "time_zone"));
    let mut full = weekly();
    full.overrides = vec![overridden("2020-01-01T00:00", "2020-01-02T00:00", "zoe", None); 999];
    let error = swap(&full, &[], &ines(), &ada()).unwrap_err().to_string();
    assert!(error.contains("`overrides`: 1001 are too many"), "{error}");
}

#[test]
fn the_ends_of_time_swap_nothing() {
    let ends = SwapEnd { person: "ines".into(), from_us: i64::MAX - 1, to_us: i64::MAX };
    assert!(matches!(swap(&weekly(), &[], &ends, &ada()), Err(SwapError::NotOnCall { .. })));
}
