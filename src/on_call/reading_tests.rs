//! Documents, good and bad.

use proptest::prelude::*;

use super::test_rotas::{hours, layer, overridden, rota};
use super::*;

/// The document of `document.rs`.
const DOCUMENT: &str = r#"
time_zone = "Europe/Berlin"

[[layers]]
name = "first line"
people = ["ines", "tom", "ada"]
rotation = "weekly"
starts_on = "2026-01-05"
hand_over = "09:00"

[[layers]]
people = ["jo", "may"]
rotation = { hours = 12 }
starts_on = "2026-01-05"
hours = [{ weekdays = ["sat", "sun"], from = "22:00", to = "06:00" }, { from = "12:00" }]
ends_on = "2026-06-01"

[[overrides]]
from = "2026-12-24T09:00"
to = "2026-12-25T09:00:00+01:00"
person = "tom"
in_place_of = "ines"
"#;

#[test]
fn a_document_reads_with_its_defaults_and_round_trips() {
    let rota: Rota = toml::from_str(DOCUMENT).unwrap();
    assert_eq!(rota.check(), []);
    assert_eq!(rota.layers[0].hand_over, "09:00");
    assert_eq!((rota.layers[1].rotation, rota.layers[1].hand_over.as_str()), (Rotation::Hours(12), "09:00"));
    assert_eq!(rota.layers[1].hours[1], hours(&[], "12:00", "24:00"));
    assert_eq!(rota.plan().unwrap().people(), ["ines", "tom", "ada", "jo", "may"]);
    assert_eq!(toml::from_str::<Rota>(&toml::to_string(&rota).unwrap()).unwrap(), rota);
    assert_eq!(serde_json::from_value::<Rota>(serde_json::to_value(&rota).unwrap()).unwrap(), rota);
    let least: Rota = serde_json::from_str(r#"{"layers": [{"people": ["ines"], "starts_on": "2026-01-05"}]}"#).unwrap();
    assert_eq!((least.time_zone.as_str(), least.layers[0].rotation, least.check()), ("UTC", Rotation::Weekly, vec![]));
}

#[test]
fn keys_and_words_that_are_unknown_are_refused() {
    let changes = [
        ("hand_over", "handover"),
        ("person =", "persons ="),
        ("time_zone", "timezone"),
        ("\"sat\"", "\"saturday\""),
        ("weekly", "monthly"),
        ("hours = 12", "days = 12"),
        ("{ from", "{ form"),
    ];
    for (right, wrong) in changes {
        assert!(DOCUMENT.contains(right));
        assert!(toml::from_str::<Rota>(&DOCUMENT.replace(right, wrong)).is_err(), "{wrong}");
    }
}

/// A rota with one thing changed.
fn changed(change: impl FnOnce(&mut Rota)) -> Rota {
    let mut rota = rota(
        "Europe/Berlin",
        vec![Layer { hours: vec![hours(&[], "08:00", "16:00")], ends_on: Some("2026-06-01".into()), ..layer(Rotation::Weekly) }],
    );
    rota.overrides = vec![overridden("2026-12-24T09:00", "2026-12-25T09:00", "tom", Some("ines"))];
    change(&mut rota);
    rota
}

#[test]
fn each_mistake_is_named_with_its_field() {
    assert_eq!(changed(|_| {}).check(), []);
    let long = "x".repeat(255);
    let table: Vec<(&str, Rota)> = vec![
        ("time_zone", changed(|r| r.time_zone = "Europe/Wien".into())),
        ("layers", changed(|r| r.layers.clear())),
        ("layers", changed(|r| r.layers = vec![r.layers[0].clone(); 11])),
        ("layers[0].name", changed(|r| r.layers[0].name = "a\nb".into())),
        ("layers[0].people", changed(|r| r.layers[0].people.clear())),
        ("layers[0].people", changed(|r| r.layers[0].people = vec!["ines".into(); 101])),
        ("layers[0].people[1]", changed(|r| r.layers[0].people[1] = " ".into())),
        ("layers[0].people[2]", changed(|r| r.layers[0].people[2] = long.clone())),
        ("layers[0].rotation", changed(|r| r.layers[0].rotation = Rotation::Hours(0))),
        ("layers[0].rotation", changed(|r| r.layers[0].rotation = Rotation::Hours(u32::MAX))),
        ("layers[0].starts_on", changed(|r| r.layers[0].starts_on = "5.1.2026".into())),
        ("layers[0].hand_over", changed(|r| r.layers[0].hand_over = "24:00".into())),
        ("layers[0].ends_on", changed(|r| r.layers[0].ends_on = Some("never".into()))),
        ("layers[0].ends_on", changed(|r| r.layers[0].ends_on = Some("2026-01-05".into()))),
        ("layers[0].hours", changed(|r| r.layers[0].hours = vec![hours(&[], "08:00", "16:00"); 51])),
        ("layers[0].hours[0].from", changed(|r| r.layers[0].hours[0].from = "24:00".into())),
        ("layers[0].hours[0].to", changed(|r| r.layers[0].hours[0].to = "8".into())),
        ("overrides", changed(|r| r.overrides = vec![r.overrides[0].clone(); 1_001])),
        ("overrides[0].from", changed(|r| r.overrides[0].from = "tomorrow".into())),
        ("overrides[0].to", changed(|r| r.overrides[0].to = "2026-12-24T09:00".into())),
        ("overrides[0].to", changed(|r| r.overrides[0].to = "2027-12-26T09:00".into())),
        ("overrides[0].to", changed(|r| r.overrides[0].to = "2026-12-24T08:00:00Z".into())),
        ("overrides[0].person", changed(|r| r.overrides[0].person = String::new())),
        ("overrides[0].in_place_of", changed(|r| r.overrides[0].in_place_of = Some("tom".into()))),
    ];
    for (field, rota) in table {
        let complaints = rota.check();
        assert_eq!(complaints.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), [field], "{complaints:?}");
        assert!(
            complaints[0].why.contains("write")
                || complaints[0].why.contains("name ")
                || complaints[0].why.contains("change")
                || complaints[0].why.contains("add"),
            "{}",
            complaints[0].why
        );
    }
}

#[test]
fn all_mistakes_are_named_at_once_and_shown_on_one_short_line() {
    let rota = changed(|r| {
        r.time_zone = "\u{1b}[2J".repeat(100);
        r.layers[0].starts_on = "\n".repeat(100_000);
        r.overrides[0].to = "é".repeat(500);
    });
    let complaints = rota.check();
    assert_eq!(
        complaints.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(),
        ["time_zone", "layers[0].starts_on", "overrides[0].to"]
    );
    assert!(complaints.iter().all(|one| one.why.len() < 400 && !one.why.contains(char::is_control)), "{complaints:?}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_complained_about(texts in prop::collection::vec("(?s)[0-9T:+Z\\-]{0,20}|.{0,30}", 8), turn in any::<u32>()) {
        let rota = changed(|r| {
            r.time_zone = texts[0].clone();
            r.layers[0].starts_on = texts[1].clone();
            r.layers[0].hand_over = texts[2].clone();
            r.layers[0].ends_on = Some(texts[3].clone());
            r.layers[0].hours[0].from = texts[4].clone();
            r.layers[0].rotation = Rotation::Hours(turn);
            r.overrides[0].from = texts[5].clone();
            r.overrides[0].to = texts[6].clone();
            r.overrides[0].person = texts[7].clone();
        });
        prop_assert_eq!(rota.check().is_empty(), rota.plan().is_ok());
    }
}
