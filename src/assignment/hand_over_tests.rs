//! What moves at the end of a shift.

use proptest::prelude::*;

use super::assignment_tests::person;
use super::*;
use crate::clock::{DAY_US, HOUR_US};
use crate::record::Priority;

const NOW: i64 = 1_000 * DAY_US;
const MINUTE_US: i64 = HOUR_US / 60;

fn ticket(number: i64, priority: Priority) -> HeldTicket {
    HeldTicket { number, need: Need::of(priority), waiting: false }
}

fn until(name: &str, minutes: i64) -> Candidate {
    Candidate { shift_ends_at_us: Some(NOW + minutes * MINUTE_US), ..person(name) }
}

fn run(tickets: &[HeldTicket], candidates: &[Candidate]) -> HandOver {
    hand_over(&AssignmentPolicy::default(), "ana", tickets, candidates, &Fallbacks::default(), NOW)
}

fn moved(done: &HandOver) -> Vec<(i64, &str)> {
    done.moves.iter().map(|one| (one.number, one.to.as_str())).collect()
}

#[test]
fn only_what_cannot_wait_moves() {
    let mut chosen = ticket(4, Priority::P1);
    chosen.need.chosen_by_person = Some("ana".to_owned());
    let waiting = HeldTicket { waiting: true, ..ticket(5, Priority::P1) };
    let tickets = [ticket(1, Priority::P3), ticket(2, Priority::P2), ticket(3, Priority::P1), chosen, waiting];
    let done = run(&tickets, &[until("ana", 10), until("ben", 480)]);
    assert_eq!(moved(&done), [(3, "ben"), (2, "ben")], "the most urgent first");
    let stays: Vec<(i64, &str)> = done.stays.iter().map(|stay| (stay.number, stay.sentence.as_str())).collect();
    let expected = [
        (4, "a person chose ana, which always wins"),
        (5, "it is on hold: nothing has to be done now"),
        (1, "a P3 can wait for the next shift"),
    ];
    assert_eq!(stays, expected);
    assert!(done.stays.iter().all(|stay| !stay.stranded));
    assert!(done.moves[0].sentence.starts_with("the shift of ana ends, and a P1 does not wait; ben is the only one who fits"));
}

#[test]
fn nothing_moves_in_the_middle_of_a_shift_and_everything_urgent_after_it() {
    let tickets = [ticket(1, Priority::P1)];
    assert!(run(&tickets, &[until("ana", 16), person("ben")]).moves.is_empty());
    assert!(run(&tickets, &[person("ana"), person("ben")]).moves.is_empty(), "no end of the shift is known");
    for ana in [until("ana", 15), until("ana", 0), until("ana", -60), Candidate { on_shift: false, ..person("ana") }] {
        assert_eq!(moved(&run(&tickets, &[ana, person("ben")])), [(1, "ben")]);
    }
    let away = Candidate { on_leave: true, ..person("ana") };
    assert_eq!(moved(&run(&tickets, &[away, person("ben")])), [(1, "ben")]);
    assert_eq!(moved(&run(&tickets, &[person("ben")])), [(1, "ben")], "somebody who has left the department");
}

#[test]
fn each_move_counts_as_load_for_the_next() {
    let tickets: Vec<HeldTicket> = (1..=4).map(|number| ticket(number, Priority::P2)).collect();
    let done = run(&tickets, &[until("ana", 0), person("ben"), person("cleo")]);
    assert_eq!(moved(&done), [(1, "ben"), (2, "cleo"), (3, "ben"), (4, "cleo")]);
}

#[test]
fn it_goes_to_nobody_who_leaves_too_or_is_not_there() {
    let mut policy = AssignmentPolicy { off_shift_for: Priority::ALL.to_vec(), ..AssignmentPolicy::default() };
    let tickets = [ticket(1, Priority::P1)];
    let candidates = [until("ana", 5), until("ben", 15), Candidate { on_shift: false, ..person("cleo") }];
    let nobody = Fallbacks::default();
    let done = hand_over(&policy, "ana", &tickets, &candidates, &nobody, NOW);
    assert!(done.moves.is_empty() && done.stays[0].stranded);
    assert!(
        done.stays[0].sentence.contains("the shift of ana ends, and a P1 does not wait, but nobody fits"),
        "{}",
        done.stays[0].sentence
    );
    let on_call = Fallbacks { on_call: Some("otto".to_owned()), lead: None };
    assert_eq!(moved(&hand_over(&policy, "ana", &tickets, &candidates, &on_call, NOW)), [(1, "otto")]);
    let herself = Fallbacks { on_call: Some("ana".to_owned()), lead: None };
    assert!(hand_over(&policy, "ana", &tickets, &candidates, &herself, NOW).moves.is_empty());
    policy.hand_over.priorities.clear();
    assert!(!hand_over(&policy, "ana", &tickets, &candidates, &on_call, NOW).stays[0].stranded, "the policy wants nothing moved");
}

#[test]
fn a_heap_of_tickets_is_bounded_and_says_so() {
    let tickets: Vec<HeldTicket> = (1..=MAX_HANDED_OVER as i64 + 5).map(|number| ticket(number, Priority::P1)).collect();
    let done = run(&tickets, &[until("ana", 0), person("ben")]);
    assert_eq!((done.moves.len(), done.stays.len()), (MAX_HANDED_OVER, 5));
    assert!(done.stays.iter().all(|stay| stay.stranded));
}

proptest! {
    #[test]
    fn every_ticket_moves_once_or_stays_with_a_reason(
        kinds in prop::collection::vec((0_usize..5, any::<bool>(), any::<bool>()), 0..20),
        ends in prop::collection::vec(-30_i64..60, 1..5),
    ) {
        let tickets: Vec<HeldTicket> = kinds.iter().enumerate().map(|(at, (priority, waiting, chosen))| {
            let mut one = HeldTicket { waiting: *waiting, ..ticket(at as i64 + 1, Priority::ALL[*priority]) };
            one.need.chosen_by_person = chosen.then(|| "ana".to_owned());
            one
        }).collect();
        let candidates: Vec<Candidate> =
            ends.iter().enumerate().map(|(at, end)| until(["ana", "ben", "cleo", "dan"][at], *end)).collect();
        let done = run(&tickets, &candidates);
        let mut seen: Vec<i64> = done.moves.iter().map(|one| one.number).chain(done.stays.iter().map(|one| one.number)).collect();
        seen.sort_unstable();
        prop_assert_eq!(seen, (1..=tickets.len() as i64).collect::<Vec<_>>());
        for one in &done.moves {
            let held = &tickets[one.number as usize - 1];
            prop_assert!(one.to != "ana" && !held.waiting && held.need.chosen_by_person.is_none());
            prop_assert!(held.need.priority <= Priority::P2);
        }
        prop_assert!(done.stays.iter().all(|stay| !stay.sentence.is_empty()));
    }
}
