//! Which rule fits, and what is wrong with one.

use super::*;
use crate::sla::samples::{CALENDARS, promises};

const POLICY: &str = r#"
    [[rules]]
    name = "shop"
    service = ["shop", "till"]
    priority = ["P1", "P2"]
    kind = ["incident", "problem"]
    calendar = "always"
    first_response = "15m"

    [[rules]]
    name = "requests"
    kind = ["request"]
    calendar = "office"
    resolution = "40h"

    [[rules]]
    name = "urgent"
    priority = ["P1"]
    calendar = "always"
    resolution = "4h"
    pauses_in = ["user", "supplier"]
    ola = "2h"
    ola_calendar = "Asia/Kolkata"
    warn_at_percent = 50
"#;

#[test]
fn the_first_rule_that_fits_holds() {
    let promises = promises(POLICY);
    for (kind, priority, service, rule) in [
        (TicketKind::Incident, Priority::P1, Some("shop"), Some("shop")),
        (TicketKind::Problem, Priority::P2, Some("till"), Some("shop")),
        (TicketKind::Incident, Priority::P3, Some("shop"), None),
        (TicketKind::Incident, Priority::P1, Some("mail"), Some("urgent")),
        (TicketKind::Incident, Priority::P1, None, Some("urgent")),
        (TicketKind::Request, Priority::P1, Some("shop"), Some("requests")),
        (TicketKind::Change, Priority::P2, Some("shop"), None),
        (TicketKind::Change, Priority::P1, Some("shop"), Some("urgent")),
        (TicketKind::Incident, Priority::P5, None, None),
    ] {
        assert_eq!(promises.rule_name(kind, priority, service), rule, "{kind:?} {priority} {service:?}");
    }
}

#[test]
fn policies_read_back_and_unknown_words_are_refused() {
    let policy: SlaPolicy = toml::from_str(POLICY).unwrap();
    assert_eq!((policy.rules[0].warn_at_percent, &policy.rules[0].pauses_in), (75, &vec![Hold::User]));
    assert_eq!(toml::from_str::<SlaPolicy>(&toml::to_string(&policy).unwrap()).unwrap(), policy);
    assert_eq!(serde_json::from_str::<SlaPolicy>(&serde_json::to_string(&policy).unwrap()).unwrap(), policy);
    assert_eq!(toml::from_str::<SlaPolicy>("").unwrap(), SlaPolicy::default());
    for (wrong, says) in [("resolution = \"4h\"", "resolutoin = \"4h\""), ("\"supplier\"", "\"vendor\""), ("\"problem\"", "\"trouble\"")] {
        let error = toml::from_str::<SlaPolicy>(&POLICY.replace(wrong, says)).unwrap_err().to_string();
        assert!(error.contains(says.split('"').find(|part| part.len() > 3).unwrap().split(' ').next().unwrap()), "{error}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let wrong = SlaRule {
        priority: vec!["P1".to_owned(), "high".to_owned()],
        first_response: Some("2d".to_owned()),
        resolution: Some(String::new()),
        ola_calendar: Some("theirs".to_owned()),
        warn_at_percent: 100,
        ..SlaRule::new(" ", "nights")
    };
    let policy = SlaPolicy { rules: vec![SlaRule::new("a", "office"), SlaRule::new("a", "always"), wrong] };
    let complaints = policy.resolve(&CALENDARS).unwrap_err();
    let fields: Vec<&str> = complaints.iter().map(|complaint| complaint.field.as_str()).collect();
    let expected = [
        "rules[1].name",
        "rules[2].name",
        "rules[2].priority[1]",
        "rules[2].warn_at_percent",
        "rules[2].first_response",
        "rules[2].resolution",
        "rules[2].ola_calendar",
        "rules[2].calendar",
        "rules[2].ola_calendar",
    ];
    assert_eq!(fields, expected);
    assert!(complaints[7].why.contains("`nights`") && complaints[7].why.contains("office"), "{}", complaints[7]);
}

#[test]
fn lists_are_bounded() {
    let rules = (0..=MAX_RULES).map(|number| SlaRule::new(number.to_string(), "office")).collect();
    assert_eq!(SlaPolicy { rules }.resolve(&CALENDARS).unwrap_err().len(), 1);
    let many = SlaRule { service: vec![String::new(); MAX_SERVICES + 1], ..SlaRule::new("a", "office") };
    assert_eq!(SlaPolicy { rules: vec![many] }.check()[0].field, "rules[0].service");
    let long = SlaPolicy { rules: vec![SlaRule::new("x".repeat(1_000_000), "y".repeat(1_000_000))] };
    assert!(long.resolve(&CALENDARS).unwrap_err().iter().all(|complaint| complaint.why.len() < 1_000));
}

#[test]
fn the_example_of_the_documentation_is_right() {
    let text = r#"
        [[rules]]
        name = "urgent"
        priority = ["P1", "P2"]
        calendar = "always"
        first_response = "15m"
        resolution = "4h"
        pauses_in = ["user", "supplier"]
        ola = "2h"
    "#;
    assert_eq!(toml::from_str::<SlaPolicy>(text).unwrap().check(), []);
}
