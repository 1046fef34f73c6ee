//! What holds for every policy and every order of steps and actions.

use std::collections::{BTreeSet, HashSet};

use proptest::prelude::*;

use super::*;
use crate::clock::{SECOND_US, TimestampUs};

const MINUTE_US: i64 = 60 * SECOND_US;

/// Something that happens to the ticket, at a minute.
#[derive(Debug, Clone, Copy)]
enum Action {
    Acknowledge,
    TakeUp,
    Resolve,
    Reopen,
    Reassign,
}

fn some_policy() -> impl Strategy<Value = EscalationPolicy> {
    let target = prop_oneof![Just("rota:first"), Just("rota:empty"), Just("user:tom"), Just("team:all"), Just("team:nobody")];
    let notify = prop::collection::vec(target.prop_map(|text| text.parse().unwrap()), 1..4);
    let step = (0..30, notify).prop_map(|(minutes, notify)| Step { after: format!("{minutes}m"), notify });
    (prop::collection::vec(step, 1..6), 0..4_u32, 1..60, prop::option::of(1..60)).prop_map(|(steps, repeat, after, ack)| EscalationPolicy {
        only_priorities: Vec::new(),
        repeat,
        repeat_after: format!("{after}m"),
        ack_timeout: ack.map(|minutes| format!("{minutes}m")),
        steps,
    })
}

fn people(target: &Target) -> Vec<String> {
    let people: &[&str] = match target.to_string().as_str() {
        "rota:first" => &["ines"],
        "user:tom" => &["tom"],
        "team:all" => &["ines", "tom", "ada"],
        _ => &[],
    };
    people.iter().map(|one| (*one).to_owned()).collect()
}

fn some_actions() -> impl Strategy<Value = Vec<(i64, Action)>> {
    let action = prop::sample::select(vec![Action::Acknowledge, Action::TakeUp, Action::Resolve, Action::Reopen, Action::Reassign]);
    prop::collection::vec((0..600_i64, action), 0..8).prop_map(|mut actions| {
        actions.sort_by_key(|(minute, _)| *minute);
        actions
    })
}

fn act(state: &Escalation, action: Action, at_us: TimestampUs) -> Escalation {
    match action {
        Action::Acknowledge => state.acknowledge("tom", at_us),
        Action::TakeUp => state.take_up("tom", at_us),
        Action::Resolve => state.resolve(at_us),
        Action::Reopen => state.reopen(at_us),
        Action::Reassign => state.reassign(at_us),
    }
}

/// Steps at the given minutes, until nothing is due at each of them.
fn step_until(ladder: &Ladder, state: &mut Escalation, minute: i64, pages: &mut Vec<Page>) {
    loop {
        let outcome = step(ladder, state, minute * MINUTE_US, people);
        *state = outcome.state;
        pages.extend(outcome.pages);
        if next_step_us(ladder, state).is_none_or(|at_us| at_us > minute * MINUTE_US) {
            return;
        }
    }
}

/// The whole life of a ticket: steps at some minutes, and right before every action.
fn life(ladder: &Ladder, minutes: &BTreeSet<i64>, actions: &[(i64, Action)]) -> (Escalation, Vec<Page>) {
    let (mut state, mut pages) = (Escalation::begin(42, 0), Vec::new());
    let mut minutes = minutes.iter().copied().peekable();
    for (at, action) in actions {
        while let Some(minute) = minutes.next_if(|minute| minute < at) {
            step_until(ladder, &mut state, minute, &mut pages);
        }
        step_until(ladder, &mut state, *at, &mut pages);
        state = act(&state, *action, at * MINUTE_US);
    }
    minutes.for_each(|minute| step_until(ladder, &mut state, minute, &mut pages));
    (state, pages)
}

proptest! {
    #[test]
    fn small_and_large_steps_give_the_same_pages(policy in some_policy(), actions in some_actions(), some in prop::collection::btree_set(0..1_000_i64, 0..40)) {
        let ladder = policy.ladder().unwrap();
        let end = 2_000;
        let every = life(&ladder, &(0..=end).collect(), &actions);
        let few = life(&ladder, &some.into_iter().chain([end]).collect(), &actions);
        let content = |pages: &[Page]| pages.iter().map(|page| Page { late: false, ..page.clone() }).collect::<Vec<_>>();
        prop_assert_eq!(content(&every.1), content(&few.1));
        prop_assert_eq!(every.0, few.0);
        prop_assert!(every.1.iter().all(|page| !page.late));
    }

    #[test]
    fn one_page_for_each_person_cycle_and_level_in_the_order_of_time(policy in some_policy(), actions in some_actions()) {
        let ladder = policy.ladder().unwrap();
        let (_, pages) = life(&ladder, &(0..2_000).collect(), &actions);
        let ids: HashSet<_> = pages.iter().map(|page| &page.page_id).collect();
        let places: HashSet<_> = pages.iter().map(|page| (&page.person, page.cycle, page.level)).collect();
        prop_assert_eq!((ids.len(), places.len()), (pages.len(), pages.len()));
        prop_assert!(pages.is_sorted_by_key(|page| (page.due_us, page.cycle, page.level)));
        prop_assert!(pages.iter().all(|page| people(&page.target).contains(&page.person)));
    }

    #[test]
    fn nothing_is_paged_once_somebody_has_it(policy in some_policy(), before in 0..300_i64, taken in any::<bool>()) {
        let policy = EscalationPolicy { ack_timeout: None, ..policy };
        let ladder = policy.ladder().unwrap();
        let action = if taken { Action::TakeUp } else { Action::Acknowledge };
        let (state, pages) = life(&ladder, &(0..2_000).collect(), &[(before, action)]);
        prop_assert!(pages.iter().all(|page| page.due_us <= before * MINUTE_US));
        prop_assert_eq!(next_step_us(&ladder, &state), None);
    }

    #[test]
    fn an_acknowledgement_holds_for_its_time(policy in some_policy(), before in 0..300_i64, timeout in 1..60_i64) {
        let policy = EscalationPolicy { ack_timeout: Some(format!("{timeout}m")), ..policy };
        let ladder = policy.ladder().unwrap();
        let (state, pages) = life(&ladder, &(0..5_000).collect(), &[(before, Action::Acknowledge)]);
        let quiet = before * MINUTE_US + 1..(before + timeout) * MINUTE_US;
        prop_assert!(pages.iter().all(|page| !quiet.contains(&page.due_us)));
        let ended = matches!(state.status, Status::Exhausted { .. });
        prop_assert!(ended, "{state:?}");
        prop_assert!(state.cycle > 1);
    }

    #[test]
    fn it_always_ends_when_the_time_it_names_is_waited_for(policy in some_policy()) {
        let ladder = policy.ladder().unwrap();
        let (mut state, mut pages, mut steps) = (Escalation::begin(1, 0), 0, 0);
        while let Some(at_us) = next_step_us(&ladder, &state) {
            let early = step(&ladder, &state, at_us - 1, people);
            prop_assert!(early.pages.is_empty() && early.notes.is_empty() && early.state == state, "nothing is due before");
            let outcome = step(&ladder, &state, at_us, people);
            prop_assert!(outcome.state != state, "the time that is named is not named in vain");
            let again = step(&ladder, &outcome.state, at_us, people);
            prop_assert!(next_step_us(&ladder, &outcome.state) <= Some(at_us) || (again.pages.is_empty() && again.state == outcome.state));
            (state, pages, steps) = (outcome.state, pages + outcome.pages.len(), steps + 1);
            prop_assert!(steps <= 4 * 6, "at most four cycles of five levels");
        }
        prop_assert_eq!(state.cycle, policy.repeat + 1);
        let a_cycle: usize = policy.steps.iter().map(|step| step.notify.iter().flat_map(people).collect::<HashSet<_>>().len()).sum();
        prop_assert_eq!(pages, a_cycle * (policy.repeat as usize + 1));
    }

    #[test]
    fn documents_round_trip(policy in some_policy()) {
        prop_assert_eq!(&serde_json::from_str::<EscalationPolicy>(&serde_json::to_string(&policy).unwrap()).unwrap(), &policy);
        prop_assert_eq!(&toml::from_str::<EscalationPolicy>(&toml::to_string(&policy).unwrap()).unwrap(), &policy);
    }
}
