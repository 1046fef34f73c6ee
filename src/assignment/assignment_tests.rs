//! Who is chosen, against examples computed by hand, and what holds for any people and any ticket.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::clock::{DAY_US, HOUR_US, SECOND_US};
use crate::record::Priority;

const NOW: i64 = 1_000 * DAY_US;

fn skills(pairs: &[(&str, u8)]) -> BTreeMap<String, u8> {
    pairs.iter().map(|(skill, level)| (skill.to_string(), *level)).collect()
}

/// On shift, capacity 20, nothing open, never assigned anything.
pub(super) fn person(name: &str) -> Candidate {
    Candidate { name: name.to_owned(), capacity: 20, on_shift: true, ..Candidate::default() }
}

fn names(ranking: &Ranking) -> Vec<&str> {
    ranking.ranked.iter().map(|ranked| ranked.name.as_str()).collect()
}

fn reasons(ranking: &Ranking, name: &str) -> Vec<RefusalReason> {
    let refused = ranking.refused.iter().find(|refused| refused.name == name).unwrap();
    refused.reasons.iter().map(|refusal| refusal.reason).collect()
}

#[test]
fn the_terms_of_a_choice_computed_by_hand() {
    let policy = AssignmentPolicy::default();
    let mut need = Need::of(Priority::P2);
    need.skills = skills(&[("linux", 3), ("postgres", 2)]);
    need.service = Some("shop".to_owned());
    need.asset = Some("db01".to_owned());
    need.asset_history.insert("ana".to_owned(), AssetHistory { handled: 1, last_at_us: Some(NOW - 9 * DAY_US), open: 0 });
    let ana = Candidate {
        skills: skills(&[("linux", 4), ("postgres", 2), ("shop", 1)]),
        open_weight: 5,
        shift_ends_at_us: Some(NOW + HOUR_US / 2),
        ..person("ana")
    };
    let ranking = rank(&policy, &need, &[ana], NOW);
    let terms: Vec<(TermName, i64, u32)> = ranking.ranked[0].terms.iter().map(|term| (term.name, term.value_milli, term.weight)).collect();
    let expected = [
        // (4 + 2) / (2 · 5)
        (TermName::Skill, 600, 3),
        // 1 / 5
        (TermName::Service, 200, 1),
        // 1 − (5 + 5) / 20
        (TermName::Load, 500, 4),
        // half of the hour that is wished for
        (TermName::Shift, 500, 2),
        // 1 / 2 · (90 − 9) / 90
        (TermName::SameAsset, 450, 2),
    ];
    assert_eq!(terms, expected);
    // 3 · 600 + 200 + 4 · 500 + 2 · 500 + 2 · 450 = 5,900 of 12 weights.
    assert_eq!(ranking.ranked[0].score_milli, 491);
    let sentences: Vec<&str> = ranking.ranked[0].terms.iter().map(|term| term.sentence.as_str()).collect();
    let told = [
        "has linux 4 (needed 3), postgres 2 (needed 2)",
        "knows shop at level 1",
        "has 5 of 20 open work, 10 with this ticket",
        "is on shift for another 30 min",
        "resolved one ticket of db01 before",
    ];
    assert_eq!(sentences, told);
}

#[test]
fn everybody_who_cannot_is_told_all_reasons() {
    let policy = AssignmentPolicy::default();
    let mut need = Need::of(Priority::P3);
    need.team = Some("servers".to_owned());
    need.skills = skills(&[("linux", 3)]);
    need.excluded = vec![Excluded { person: "ed".to_owned(), why: "sent it back".to_owned() }];
    let able = |name: &str| Candidate { teams: vec!["servers".to_owned()], skills: skills(&[("linux", 3)]), ..person(name) };
    let candidates = [
        able("ann"),
        Candidate { on_leave: true, on_shift: false, ..able("bob") },
        Candidate { capacity: 0, ..able("cid") },
        Candidate { open_weight: 18, ..able("dan") },
        able("ed"),
        Candidate { on_shift: false, skills: skills(&[("linux", 2)]), ..person("fay") },
        Candidate { shift_ends_at_us: Some(NOW), ..able("gus") },
        Candidate { skills: skills(&[("linux", 0)]), ..able("hal") },
    ];
    let ranking = rank(&policy, &need, &candidates, NOW);
    assert_eq!(names(&ranking), ["ann"]);
    assert_eq!(reasons(&ranking, "bob"), [RefusalReason::OnLeave]);
    assert_eq!(reasons(&ranking, "cid"), [RefusalReason::TakesNone]);
    assert_eq!(reasons(&ranking, "dan"), [RefusalReason::TooMuchWork]);
    assert_eq!(reasons(&ranking, "ed"), [RefusalReason::Excluded]);
    assert_eq!(reasons(&ranking, "fay"), [RefusalReason::OtherTeam, RefusalReason::Skill, RefusalReason::OffShift]);
    assert_eq!(reasons(&ranking, "gus"), [RefusalReason::OffShift], "a shift that ends now has ended");
    assert_eq!(reasons(&ranking, "hal"), [RefusalReason::Skill], "level 0 is not having it");
    let dan = &ranking.refused.iter().find(|refused| refused.name == "dan").unwrap().reasons[0];
    assert_eq!(dan.sentence, "would have 21 of 20 open work, more than 100 %");
}

#[test]
fn urgent_tickets_go_to_full_people_and_slow_ones_to_absent_ones() {
    let policy = AssignmentPolicy::default();
    let full = Candidate { open_weight: 40, ..person("full") };
    let absent = Candidate { on_shift: false, ..person("absent") };
    let candidates = [full, absent];
    let who = |priority| {
        let ranking = rank(&policy, &Need::of(priority), &candidates, NOW);
        names(&ranking).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(who(Priority::P1), ["full"]);
    assert_eq!(who(Priority::P2), Vec::<String>::new());
    assert_eq!(who(Priority::P4), ["absent"]);
}

#[test]
fn equal_people_take_turns_and_then_go_by_name() {
    let policy = AssignmentPolicy::default();
    let at = |name: &str, at_us| Candidate { last_assigned_at_us: at_us, ..person(name) };
    let candidates = [at("dora", Some(2)), at("carl", Some(1)), at("bert", None), at("anna", None)];
    assert_eq!(names(&rank(&policy, &Need::of(Priority::P3), &candidates, NOW)), ["anna", "bert", "carl", "dora"]);
}

#[test]
fn who_has_the_machine_in_hand_gets_it_unless_the_policy_says_otherwise() {
    let mut policy = AssignmentPolicy::default();
    let mut need = Need::of(Priority::P3);
    need.asset = Some("web01".to_owned());
    need.asset_history.insert("busy".to_owned(), AssetHistory { handled: 0, last_at_us: None, open: 2 });
    let candidates = [person("free"), Candidate { open_weight: 17, ..person("busy") }];
    let choice = choose(&policy, &need, &candidates, &Fallbacks::default(), NOW);
    assert_eq!((choice.person.as_deref(), choice.because), (Some("busy"), Because::Best));
    assert_eq!(choice.sentence, "busy has web01 in hand already");
    policy.sticky_same_asset = false;
    let choice = choose(&policy, &need, &candidates, &Fallbacks::default(), NOW);
    assert_eq!(choice.person.as_deref(), Some("free"));
    assert_eq!(choice.sentence, "free is the best of 2 who fit: has 0 of 20 open work, 3 with this ticket");
}

#[test]
fn when_nobody_fits_the_policy_says_who_stands_in() {
    let mut policy = AssignmentPolicy::default();
    let mut need = Need::of(Priority::P1);
    need.skills = skills(&[("mainframe", 5)]);
    let candidates = [person("ana"), Candidate { on_leave: true, ..person("lee") }];
    let fallbacks = Fallbacks { on_call: Some("otto".to_owned()), lead: Some("lee".to_owned()) };
    let choice = choose(&policy, &need, &candidates, &fallbacks, NOW);
    assert_eq!((choice.person.as_deref(), choice.because), (Some("otto"), Because::OnCall));
    assert_eq!(choice.sentence, "nobody fits; otto is on call");
    policy.when_nobody_fits = vec![Fallback::Lead];
    let choice = choose(&policy, &need, &candidates, &fallbacks, NOW);
    assert_eq!((choice.person, choice.because), (None, Because::Nobody), "the lead is on leave");
    assert_eq!(choice.refused.len(), 2);
    need.excluded = vec![Excluded { person: "otto".to_owned(), why: "reported it".to_owned() }];
    let choice = choose(&AssignmentPolicy::default(), &need, &candidates, &fallbacks, NOW);
    assert_eq!(choice.because, Because::Nobody, "the person on call is excluded");
}

#[test]
fn a_stored_choice_is_short_and_counts_what_it_leaves_out() {
    let mut need = Need::of(Priority::P3);
    need.team = Some("t".to_owned());
    let candidates: Vec<Candidate> = (0..500)
        .map(|at| Candidate { teams: if at % 2 == 0 { vec!["t".to_owned()] } else { Vec::new() }, ..person(&format!("p{at:03}")) })
        .collect();
    let choice = choose(&AssignmentPolicy::default(), &need, &candidates, &Fallbacks::default(), NOW).for_history();
    assert_eq!((choice.ranked.len(), choice.ranked_not_shown), (MAX_STORED_RANKED, 250 - MAX_STORED_RANKED));
    assert_eq!((choice.refused.len(), choice.refused_not_shown), (MAX_STORED_REFUSED, 250 - MAX_STORED_REFUSED));
    let json = serde_json::to_string(&choice).unwrap();
    assert_eq!(serde_json::from_str::<Choice>(&json).unwrap(), choice);
    assert!(json.len() < 16 << 10, "{} bytes", json.len());
}

/// Mostly people who fit and few different values, so that close races and equal people are common; and now and then extremes.
fn any_candidate() -> impl Strategy<Value = Candidate> {
    let capacity = prop_oneof![10 => prop::sample::select(vec![10_u32, 20, 40]), 1 => Just(0), 1 => Just(u32::MAX)];
    let open_weight = prop_oneof![10 => prop::sample::select(vec![0_u32, 3, 10]), 1 => Just(30), 1 => Just(u32::MAX)];
    let time = || {
        prop_oneof![
            4 => Just(None),
            4 => (-1_i64..4).prop_map(|hours| Some(NOW + hours * HOUR_US / 2)),
            1 => prop::sample::select(vec![Some(i64::MIN), Some(i64::MAX)]),
        ]
    };
    let teams = prop_oneof![4 => Just(vec!["t".to_owned()]), 1 => Just(Vec::new())];
    let level = || prop_oneof![6 => 2_u8..6, 1 => prop::sample::select(vec![0, 1, 9])];
    let skills = (level(), level(), level(), 0_usize..20).prop_map(|(a, b, c, without)| {
        let mut skills = skills(&[("a", a), ("b", b), ("c", c)]);
        skills.remove(["a", "b", "c"].get(without).copied().unwrap_or_default());
        skills
    });
    (teams, skills, capacity, open_weight, prop::bool::weighted(0.9), prop::bool::weighted(0.05), time(), time()).prop_map(
        |(teams, skills, capacity, open_weight, on_shift, on_leave, shift_ends_at_us, last_assigned_at_us)| Candidate {
            name: String::new(),
            teams,
            skills,
            capacity,
            open_weight,
            on_shift,
            on_leave,
            shift_ends_at_us,
            last_assigned_at_us,
        },
    )
}

fn any_people() -> impl Strategy<Value = Vec<Candidate>> {
    prop::collection::vec(any_candidate(), 1..7).prop_map(|mut people| {
        people.iter_mut().enumerate().for_each(|(at, one)| one.name = format!("p{at}"));
        people
    })
}

fn any_need() -> impl Strategy<Value = Need> {
    let skills = prop::collection::btree_map(prop::sample::select(vec!["a".to_owned(), "b".to_owned()]), 1_u8..4, 0..2);
    let history = (0_u32..5, prop::option::of((0_i64..200).prop_map(|days| NOW - days * DAY_US)), 0_u32..2)
        .prop_map(|(handled, last_at_us, open)| AssetHistory { handled, last_at_us, open });
    let histories = prop::collection::btree_map((0_usize..7).prop_map(|at| format!("p{at}")), history, 0..3);
    let excluded = prop::collection::vec((0_usize..7).prop_map(|at| format!("p{at}")), 0..2);
    (prop::sample::select(Priority::ALL.to_vec()), prop::option::of(Just("t".to_owned())), skills, histories, excluded).prop_map(
        |(priority, team, skills, asset_history, excluded)| Need {
            team,
            skills,
            asset_history,
            service: Some("c".to_owned()),
            excluded: excluded.into_iter().map(|person| Excluded { person, why: "reported it".to_owned() }).collect(),
            ..Need::of(priority)
        },
    )
}

/// Weights go beyond what `check` allows: that must be survived too.
fn any_policy() -> impl Strategy<Value = AssignmentPolicy> {
    let weights = prop::array::uniform5(prop_oneof![9 => 0_u32..4, 1 => Just(u32::MAX)]);
    let list = || prop::collection::vec(prop::sample::select(Priority::ALL.to_vec()), 0..3);
    (weights, list(), list(), any::<bool>(), any::<u16>(), 50_u16..300).prop_map(
        |(w, off_shift_for, overload_for, sticky, days, percent)| AssignmentPolicy {
            weights: TermWeights { skill: w[0], service: w[1], load: w[2], shift: w[3], same_asset: w[4] },
            off_shift_for,
            overload_for,
            sticky_same_asset: sticky,
            same_asset_days: days,
            max_load_percent: percent,
            ..AssignmentPolicy::default()
        },
    )
}

/// Place in the ranking, 0 is best; those who are refused come after everybody.
fn place(ranking: &Ranking, name: &str) -> usize {
    ranking.ranked.iter().position(|ranked| ranked.name == name).unwrap_or(usize::MAX)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn more_load_never_raises(policy in any_policy(), need in any_need(), people in any_people(), who in any::<prop::sample::Index>(), more in 1_u32..100) {
        let who = who.index(people.len());
        let before = rank(&policy, &need, &people, NOW);
        let mut loaded = people.clone();
        loaded[who].open_weight = loaded[who].open_weight.saturating_add(more);
        let after = rank(&policy, &need, &loaded, NOW);
        prop_assert!(place(&after, &people[who].name) >= place(&before, &people[who].name));
    }

    #[test]
    fn less_skill_never_raises(policy in any_policy(), need in any_need(), people in any_people(), who in any::<prop::sample::Index>(), skill in "[abc]", less in 1_u8..6) {
        let who = who.index(people.len());
        let before = rank(&policy, &need, &people, NOW);
        let mut lower = people.clone();
        if let Some(level) = lower[who].skills.get_mut(&skill) {
            *level = level.saturating_sub(less);
        }
        let mut without = people.clone();
        without[who].skills.remove(&skill);
        let lower = place(&rank(&policy, &need, &lower, NOW), &people[who].name);
        let without = place(&rank(&policy, &need, &without, NOW), &people[who].name);
        prop_assert!(lower >= place(&before, &people[who].name));
        prop_assert!(without >= lower);
    }

    #[test]
    fn a_stricter_need_never_lets_more_people_in(policy in any_policy(), need in any_need(), people in any_people(), level in 1_u8..6) {
        let before = rank(&policy, &need, &people, NOW);
        let mut stricter = need;
        let known = stricter.skills.entry("a".to_owned()).or_insert(0);
        *known = (*known).max(level);
        let after = rank(&policy, &stricter, &people, NOW);
        prop_assert!(names(&after).iter().all(|name| names(&before).contains(name)));
    }

    #[test]
    fn the_order_of_the_candidates_does_not_matter(policy in any_policy(), need in any_need(), people in any_people(), turn in 0_usize..7) {
        let mut turned = people.clone();
        turned.rotate_left(turn % people.len());
        turned.reverse();
        prop_assert_eq!(rank(&policy, &need, &turned, NOW), rank(&policy, &need, &people, NOW));
    }

    #[test]
    fn everybody_is_ranked_or_refused_with_a_reason(policy in any_policy(), need in any_need(), people in any_people(), now in prop_oneof![4 => Just(NOW), 1 => any::<i64>()]) {
        let ranking = rank(&policy, &need, &people, now);
        prop_assert_eq!(ranking.ranked.len() + ranking.refused.len(), people.len());
        prop_assert!(ranking.refused.iter().all(|refused| !refused.reasons.is_empty()));
        for ranked in &ranking.ranked {
            prop_assert!((-1_000..=1_000).contains(&ranked.score_milli));
            prop_assert!(ranked.terms.iter().all(|term| !term.sentence.is_empty() && (-1_000..=1_000).contains(&term.value_milli)));
        }
    }

    #[test]
    fn whom_a_person_chose_gets_it(policy in any_policy(), mut need in any_need(), people in any_people(), who in "p[0-9]") {
        need.chosen_by_person = Some(who.clone());
        let choice = choose(&policy, &need, &people, &Fallbacks { on_call: Some("p0".to_owned()), lead: None }, NOW);
        prop_assert_eq!(choice.person, Some(who));
        prop_assert_eq!(choice.because, Because::ChosenByPerson);
    }

    #[test]
    fn nobody_gets_what_they_must_not_have(policy in any_policy(), need in any_need(), people in any_people(), on_call in 0_usize..7) {
        let fallbacks = Fallbacks { on_call: Some(format!("p{on_call}")), lead: Some("p1".to_owned()) };
        let choice = choose(&policy, &need, &people, &fallbacks, NOW);
        if let Some(name) = &choice.person {
            prop_assert!(need.excluded.iter().all(|excluded| excluded.person != *name));
            let away = people.iter().any(|one| one.name == *name && one.on_leave);
            prop_assert!(!away);
        }
        prop_assert_eq!(choice.because == Because::Best, !choice.ranked.is_empty());
        prop_assert_eq!(choice.because == Because::Nobody, choice.person.is_none());
    }
}

#[test]
fn a_department_is_ranked_in_no_time() {
    let people: Vec<Candidate> = (0..500)
        .map(|at| Candidate { skills: skills(&[("linux", 1 + (at % 5) as u8)]), open_weight: at % 15, ..person(&format!("p{at}")) })
        .collect();
    let mut need = Need::of(Priority::P2);
    need.skills = skills(&[("linux", 2)]);
    let clock = crate::clock::Stopwatch::start();
    let ranking = rank(&AssignmentPolicy::default(), &need, &people, NOW);
    let elapsed = clock.elapsed();
    assert_eq!(ranking.ranked.len(), 400);
    // A debug build takes some milliseconds; a second would be something quadratic.
    assert!(elapsed.as_micros() < SECOND_US as u128, "{elapsed:?}");
}
