use super::*;

/// The example of the documentation, and a rule that turns pages off.
const EXAMPLE: &str = r#"
time_zone = "Europe/Vienna"
contacts = [
    { channel = "email", address = "ines@example.org" },
    { channel = "webhook", address = "https://chat.example.org/hook/1", shape = "slack", secret = "chat" },
]
[[rules]]
urgency = ["page"]
channels = ["email"]
action = "off"
reason = "pages reach me by chat"
[[rules]]
urgency = ["normal", "low"]
events = ["sla_warning", "commented"]
days = ["mon", "sun"]
from = "20:00"
to = "07:00"
action = "digest"
digest_at = "07:00"
"#;

fn example() -> Preferences {
    toml::from_str(EXAMPLE).unwrap()
}

fn fields(preferences: &Preferences) -> Vec<String> {
    preferences.check().into_iter().map(|complaint| complaint.field).collect()
}

fn with_rule(toml: &str) -> Preferences {
    toml::from_str(&format!("[[rules]]\n{toml}")).unwrap()
}

#[test]
fn a_document_reads_back_from_toml_and_json() {
    let document = example();
    assert_eq!(document.check(), []);
    assert_eq!(toml::from_str::<Preferences>(&toml::to_string(&document).unwrap()).unwrap(), document);
    assert_eq!(serde_json::from_str::<Preferences>(&serde_json::to_string(&document).unwrap()).unwrap(), document);
    assert_eq!(serde_json::from_str::<Preferences>("{}").unwrap(), Preferences::default());
    assert_eq!(Preferences::default().check(), []);
}

#[test]
fn what_nobody_knows_is_refused() {
    for wrong in [
        "timezone = 'UTC'",
        "contacts = [{ channel = 'sms', address = '1' }]",
        "contacts = [{ channel = 'email', address = 'a@b.org', name = 'x' }]",
        "rules = [{ action = 'later' }]",
        "rules = [{ action = 'now', hours = '1' }]",
        "rules = [{}]",
        "rules = [{ action = 'now', days = ['monday'] }]",
    ] {
        assert!(toml::from_str::<Preferences>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn complaints_name_the_field() {
    let mut document = example();
    document.time_zone = "Mars/Olympus".into();
    document.contacts[0].address = "Ines <ines@example.org>".into();
    document.contacts[1].address = "https://user:secret@chat.example.org/".into();
    assert_eq!(fields(&document), ["time_zone", "contacts[0].address", "contacts[1].address"]);
    for address in ["ftp://example.org", "javascript:alert(1)", "//example.org", "https://", "", "https://[::1", &"x".repeat(2_000)] {
        document = example();
        document.contacts[1].address = address.to_owned();
        assert_eq!(fields(&document), ["contacts[1].address"], "{address}");
    }
    document = example();
    document.contacts.push(document.contacts[0].clone());
    document.contacts[0].shape = Shape::Teams;
    assert_eq!(fields(&document), ["contacts[0].shape", "contacts[2].address"]);
    document.contacts = vec![document.contacts[0].clone(); 1_000];
    document.rules = vec![document.rules[0].clone(); 1_000];
    assert!(fields(&document).starts_with(&["contacts".to_owned(), "rules".to_owned()]));
}

#[test]
fn rules_that_contradict_themselves_are_refused() {
    for (rule, field) in [
        ("action = 'digest'", "digest_at"),
        ("action = 'digest'\ndigest_at = '7:00'", "digest_at"),
        ("action = 'digest'\ndigest_at = '07:00'\ndigest_every = '1h'", "digest_every"),
        ("action = 'digest'\ndigest_every = '30s'", "digest_every"),
        ("action = 'digest'\ndigest_every = '25h'", "digest_every"),
        ("action = 'digest'\ndigest_every = 'often'", "digest_every"),
        ("action = 'now'\ndigest_at = '07:00'", "digest_at"),
        ("action = 'off'\ndigest_every = '1h'", "digest_every"),
        ("action = 'now'\nfrom = '20:00'", "to"),
        ("action = 'now'\nto = '20:00'", "from"),
        ("action = 'now'\nfrom = '20:00'\nto = '20:00'", "to"),
        ("action = 'now'\nfrom = '25:00'\nto = '20:00'", "from"),
        ("action = 'off'\nurgency = ['page']", "reason"),
        ("action = 'off'\nurgency = ['page']\nreason = ' '", "reason"),
        ("action = 'digest'\nurgency = ['page']\ndigest_every = '1h'", "action"),
        ("action = 'now'\ndays = ['mon', 'mon', 'mon', 'mon', 'mon', 'mon', 'mon', 'mon']", "days"),
    ] {
        assert_eq!(fields(&with_rule(rule)), [format!("rules[0].{field}")], "{rule}");
    }
    assert_eq!(fields(&with_rule(&format!("action = 'off'\nreason = '{}'", "x".repeat(501)))), ["rules[0].reason"]);
}
