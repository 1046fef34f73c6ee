//! Policies, good and bad.

use proptest::prelude::*;

use super::*;
use crate::record::Priority;

/// The document of `document.rs`.
const DOCUMENT: &str = r#"
only_priorities = ["P1", "P2"]
repeat = 2
repeat_after = "30m"
ack_timeout = "1h"

[[steps]]
after = "0m"
notify = ["rota:first line"]

[[steps]]
after = "10m"
notify = ["rota:second line", "user:tom"]
"#;

fn changed(change: impl FnOnce(&mut EscalationPolicy)) -> EscalationPolicy {
    let mut policy: EscalationPolicy = toml::from_str(DOCUMENT).unwrap();
    change(&mut policy);
    policy
}

#[test]
fn a_document_reads_with_its_defaults_and_round_trips() {
    let policy = changed(|_| {});
    assert_eq!(policy.check(), []);
    assert_eq!(toml::from_str::<EscalationPolicy>(&toml::to_string(&policy).unwrap()).unwrap(), policy);
    assert_eq!(serde_json::from_value::<EscalationPolicy>(serde_json::to_value(&policy).unwrap()).unwrap(), policy);
    assert_eq!(policy.targets().map(Target::to_string).collect::<Vec<_>>(), ["rota:first line", "rota:second line", "user:tom"]);
    assert_eq!([Priority::P1, Priority::P2, Priority::P3].map(|priority| policy.applies_to(priority)), [true, true, false]);
    let least: EscalationPolicy = serde_json::from_str(r#"{"steps": [{"notify": ["team:all"]}]}"#).unwrap();
    assert_eq!(least.check(), []);
    assert_eq!(
        (least.repeat, least.repeat_after.as_str(), least.steps[0].after.as_str(), least.ack_timeout.as_deref()),
        (0, "30m", "0m", None)
    );
    assert!(least.applies_to(Priority::P5));
}

#[test]
fn keys_and_targets_that_are_unknown_are_refused() {
    let wrongs = [
        ("repeat_after", "repeat_afterwards"),
        ("notify", "notifies"),
        ("user:tom", "tom"),
        ("user:tom", "person:tom"),
        ("user:tom", "user:"),
        ("user:tom", "user:to\\nm"),
    ];
    for (right, wrong) in wrongs {
        assert!(DOCUMENT.contains(right));
        assert!(toml::from_str::<EscalationPolicy>(&DOCUMENT.replace(right, wrong)).is_err(), "{wrong}");
    }
    let error = "tom".parse::<Target>().unwrap_err().to_string();
    assert_eq!(error, "`tom` names nobody to page; write `rota:NAME`, `team:NAME` or `user:NAME`");
    assert_eq!("team:a:b".parse::<Target>(), Ok(Target::Team("a:b".into())), "names may have colons");
}

#[test]
fn each_mistake_is_named_with_its_field() {
    let table: Vec<(&str, EscalationPolicy)> = vec![
        ("only_priorities[1]", changed(|p| p.only_priorities[1] = "urgent".into())),
        ("only_priorities", changed(|p| p.only_priorities = vec!["P1".into(); 6])),
        ("repeat", changed(|p| p.repeat = 21)),
        ("repeat_after", changed(|p| p.repeat_after = "half an hour".into())),
        ("repeat_after", changed(|p| p.repeat_after = "59s".into())),
        ("ack_timeout", changed(|p| p.ack_timeout = Some("1".into()))),
        ("ack_timeout", changed(|p| p.ack_timeout = Some("0m".into()))),
        ("steps", changed(|p| p.steps.clear())),
        ("steps", changed(|p| p.steps = vec![p.steps[0].clone(); 21])),
        ("steps[1].after", changed(|p| p.steps[1].after = "31d".into())),
        ("steps[0].notify", changed(|p| p.steps[0].notify.clear())),
        ("steps[1].notify", changed(|p| p.steps[1].notify = vec![Target::User("tom".into()); 21])),
    ];
    for (field, policy) in table {
        let complaints = policy.check();
        assert_eq!(complaints.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), [field], "{complaints:?}");
        assert!(["write", "add", "name"].iter().any(|word| complaints[0].why.contains(word)), "{}", complaints[0].why);
    }
    assert_eq!(changed(|p| (p.repeat, p.repeat_after) = (0, "0m".into())).check(), [], "what is not used need not be long");
}

proptest! {
    #[test]
    fn any_text_is_read_or_complained_about(texts in prop::collection::vec("(?s)[0-9dhms]{0,12}|.{0,30}", 4), repeat in any::<u32>()) {
        let policy = changed(|p| {
            p.only_priorities[0] = texts[0].clone();
            p.repeat = repeat;
            p.repeat_after = texts[1].clone();
            p.ack_timeout = Some(texts[2].clone());
            p.steps[0].after = texts[3].clone();
        });
        let complaints = policy.check();
        prop_assert_eq!(complaints.is_empty(), policy.ladder().is_ok());
        prop_assert!(complaints.iter().all(|one| !one.why.contains(char::is_control)));
    }

    #[test]
    fn targets_print_and_read_alike(text in "(rota|user|team|x):?.{0,20}") {
        if let Ok(target) = text.parse::<Target>() {
            prop_assert_eq!(target.to_string(), text);
        }
    }
}
