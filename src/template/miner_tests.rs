//! What the miner promises: old ids stay good, a restart changes nothing, memory is bounded, nothing panics.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::template::WILDCARD;

fn learned(lines: &[&str]) -> (Miner, Vec<TemplateId>) {
    let mut miner = Miner::new();
    let ids = lines.iter().map(|line| miner.learn(line.as_bytes())).collect();
    miner.settle();
    (miner, ids)
}

fn texts(lines: &[&str]) -> Vec<String> {
    let (miner, ids) = learned(lines);
    ids.into_iter().map(|id| miner.template(id).unwrap()).collect()
}

#[test]
fn numbers_addresses_and_paths_are_values() {
    assert_eq!(
        texts(&[
            "Accepted password for root from 10.0.0.1 port 22 ssh2",
            "Accepted password for root from fe80::1 port 9 ssh2",
            "wrote /var/log/x in 5 ms"
        ])[..2],
        ["Accepted password for <*> from <*> port <*> <*>", "Accepted password for <*> from <*> port <*> <*>"]
    );
    assert_eq!(texts(&["wrote /var/log/x in 5 ms"]), ["wrote <*> in <*> ms"]);
}

#[test]
fn names_become_values_and_their_old_ids_stay_good() {
    let mut miner = Miner::new();
    let lines: Vec<String> =
        ["alice", "bob", "carol", "dave"].iter().map(|name| format!("Invalid user {name} from 10.0.0.7 port 22")).collect();
    let early: Vec<TemplateId> = lines.iter().map(|line| miner.learn(line.as_bytes())).collect();
    assert_ne!(early[0], early[1]);
    miner.settle();
    let now = miner.canonical(early[0]);
    assert!(early.iter().all(|id| miner.canonical(*id) == now));
    assert_eq!(miner.template(early[0]).unwrap(), "Invalid user <*> from <*> port <*>");
    assert_eq!(miner.learn(b"Invalid user mallory from 10.1.1.1 port 9"), now, "a name never seen belongs to it at once");
}

#[test]
fn a_handful_of_common_events_stays_apart() {
    let lines: Vec<String> = (0..90).map(|at| format!("unit nginx {} after {at} ms", ["started", "stopped", "reloaded"][at % 3])).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (miner, _) = learned(&lines);
    assert_eq!(miner.len(), 3);
}

#[test]
fn units_that_change_and_optional_values_are_part_of_the_value() {
    let lines = ["freed 12 KB of memory (5 pages)", "freed 3 MB of memory (7 pages)", "freed 1 MB of memory ()"];
    assert_eq!(texts(&lines[..1]), ["freed <*> KB of memory (<*> pages)"]);
    assert_eq!(texts(&lines[..2])[0], "freed <*> of memory (<*> pages)");
}

#[test]
fn ids_do_not_depend_on_the_order_of_lines() {
    let names = ["ann", "ben", "cat", "dan", "eve", "fay"];
    let lines: Vec<String> =
        (0..60).map(|at| format!("{} {} by {}", ["login", "logout"][at % 2], ["granted", "refused"][at / 2 % 2], names[at % 6])).collect();
    let forward: Vec<&str> = lines.iter().map(String::as_str).collect();
    let backward: Vec<&str> = forward.iter().rev().copied().collect();
    let canonical = |lines: &[&str]| -> HashMap<String, TemplateId> {
        let (miner, ids) = learned(lines);
        lines.iter().map(|line| (*line).to_owned()).zip(ids.into_iter().map(|id| miner.canonical(id))).collect()
    };
    assert_eq!(canonical(&forward), canonical(&backward));
}

#[test]
fn a_flood_of_templates_overflows_and_then_old_ones_make_room() {
    let mut miner = Miner::new();
    let word = |mut at: usize| {
        let mut word = String::from("w");
        while at > 0 {
            word.push(char::from(b'g' + (at % 19) as u8));
            at /= 19;
        }
        word
    };
    // No two lines share a word, so nothing can be generalised.
    let line = |at: usize| format!("{} {} {} failed", word(3 * at), word(3 * at + 1), word(3 * at + 2));
    let mut overflowed = 0;
    for at in 0..MAX_TEMPLATES + 5_000 {
        overflowed += usize::from(miner.learn(line(at).as_bytes()) == TemplateId::OVERFLOW);
        assert!(miner.len() <= MAX_TEMPLATES);
    }
    assert_eq!(overflowed, 5_000);
    assert_eq!(miner.template(TemplateId::OVERFLOW).unwrap(), WILDCARD);
    miner.learn_skeleton(skeleton_id(line(0).as_bytes()), line(0).as_bytes(), 2 * IN_USE);
    assert_ne!(miner.learn(b"something else entirely"), TemplateId::OVERFLOW);
    assert!(miner.template(TemplateId(skeleton_id(line(0).as_bytes()))).is_some(), "the one in use stayed");
}

/// Lines of a small vocabulary, so that many of them share templates and generalise.
fn message() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        "(user|for|from|failed|opened|closed|session|at|Jun|KB)",
        "[a-e]{1,2}",
        "[0-9]{1,3}",
        "(=|: |, |\\(|\\)|\\[|\"|'|\\.\\.\\.|#|/a/b|10\\.0\\.0\\.1:80|x@y|a\\.b\\.c)",
    ];
    prop::collection::vec((token, "( |)"), 0..8).prop_map(|tokens| tokens.into_iter().map(|(token, space)| token + &space).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_restart_changes_nothing(before in prop::collection::vec(message(), 0..150), after in prop::collection::vec(message(), 0..80)) {
        let mut unbroken = Miner::new();
        for line in &before {
            unbroken.learn(line.as_bytes());
        }
        let mut restored = Miner::from_bytes(&unbroken.to_bytes()).unwrap();
        for line in &after {
            prop_assert_eq!(unbroken.learn(line.as_bytes()), restored.learn(line.as_bytes()));
        }
        unbroken.settle();
        restored.settle();
        prop_assert_eq!(unbroken.to_bytes(), restored.to_bytes());
    }

    #[test]
    fn every_id_given_resolves_to_a_text(lines in prop::collection::vec(message(), 0..200)) {
        let mut miner = Miner::new();
        let ids: Vec<TemplateId> = lines.iter().map(|line| miner.learn(line.as_bytes())).collect();
        miner.settle();
        for (line, id) in lines.iter().zip(ids) {
            prop_assert!(miner.template(id).is_some());
            prop_assert_eq!(miner.canonical(miner.canonical(id)), miner.canonical(id));
            prop_assert_eq!(miner.learn(line.as_bytes()), miner.canonical(id), "the line itself gets what its old id stands for");
        }
    }

    #[test]
    fn any_bytes_are_a_line(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..40)) {
        let mut miner = Miner::new();
        for line in &lines {
            let id = miner.learn(line);
            prop_assert!(miner.template(id).is_some());
        }
        miner.settle();
        prop_assert!(Miner::from_bytes(&miner.to_bytes()).is_ok());
    }

    #[test]
    fn damaged_bytes_are_refused_or_read_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0usize..400, lines in prop::collection::vec(message(), 1..30)) {
        let _ = Miner::from_bytes(&bytes);
        let mut miner = Miner::new();
        for line in &lines {
            miner.learn(line.as_bytes());
        }
        let mut state = miner.to_bytes();
        let at = at % state.len();
        state[at] ^= 0x55;
        if let Ok(mut read) = Miner::from_bytes(&state) {
            for line in &lines {
                read.learn(line.as_bytes());
            }
            read.settle();
        }
        prop_assert!(Miner::from_bytes(&state[..at]).is_err());
    }
}
