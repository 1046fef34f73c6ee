//! Nights on the ladder, with the clock moved by hand, against tables.

use super::*;
use crate::clock::{HOUR_US, SECOND_US, TimestampUs};

const MINUTE_US: i64 = 60 * SECOND_US;

/// Two o'clock in the night of 6 January 2026, UTC.
const TWO: TimestampUs = 1_767_664_800 * SECOND_US;

/// First line at once, second line and Tom after ten minutes, the managers after twenty more; twice, an hour apart.
const POLICY: &str = r#"
only_priorities = ["P1", "P2"]
repeat = 1
repeat_after = "1h"
ack_timeout = "45m"

[[steps]]
notify = ["rota:first line"]

[[steps]]
after = "10m"
notify = ["rota:second line", "user:tom"]

[[steps]]
after = "20m"
notify = ["team:managers"]
"#;

fn policy() -> EscalationPolicy {
    toml::from_str(POLICY).unwrap()
}

fn everybody(target: &Target) -> Vec<String> {
    let people: &[&str] = match target.to_string().as_str() {
        "rota:first line" => &["ines"],
        "rota:second line" => &["ada"],
        "user:tom" => &["tom"],
        "team:managers" => &["eva", "kim"],
        _ => &[],
    };
    people.iter().map(|one| (*one).to_owned()).collect()
}

/// Minutes after two, cycle, level, person and lateness of each page.
fn lines(pages: &[Page]) -> Vec<String> {
    let line = |page: &Page| {
        let late = if page.late { " late" } else { "" };
        format!("{} c{} l{} {}{late}", (page.due_us - TWO) / MINUTE_US, page.cycle, page.level, page.person)
    };
    pages.iter().map(line).collect()
}

/// A ticket's escalation in a test: state, pages and notes so far.
struct Night {
    ladder: Ladder,
    state: Escalation,
    pages: Vec<Page>,
    notes: Vec<String>,
}

impl Night {
    fn new(policy: &EscalationPolicy) -> Self {
        Self { ladder: policy.ladder().unwrap(), state: Escalation::begin(7, TWO), pages: Vec::new(), notes: Vec::new() }
    }

    /// One step so many minutes after two.
    fn at(&mut self, minute: i64, people: impl Fn(&Target) -> Vec<String>) {
        let outcome = step(&self.ladder, &self.state, TWO + minute * MINUTE_US, people);
        self.state = outcome.state;
        self.pages.extend(outcome.pages);
        self.notes.extend(outcome.notes.iter().map(|note| note.to_string()));
    }

    /// A step every minute.
    fn pass(&mut self, minutes: std::ops::RangeInclusive<i64>) {
        minutes.for_each(|minute| self.at(minute, everybody));
    }

    fn next_minute(&self) -> Option<i64> {
        next_step_us(&self.ladder, &self.state).map(|at_us| (at_us - TWO) / MINUTE_US)
    }
}

#[test]
fn thirty_minutes_in_which_nobody_answers_and_on_to_the_end() {
    let mut night = Night::new(&policy());
    assert_eq!(night.next_minute(), Some(0));
    night.pass(0..=9);
    assert_eq!(lines(&night.pages), ["0 c1 l1 ines"]);
    assert_eq!(night.next_minute(), Some(10));
    night.pass(10..=30);
    let first = ["0 c1 l1 ines", "10 c1 l2 ada", "10 c1 l2 tom", "30 c1 l3 eva", "30 c1 l3 kim"];
    assert_eq!(lines(&night.pages), first);
    assert_eq!(night.next_minute(), Some(90));
    night.pass(31..=600);
    assert_eq!(lines(&night.pages[5..]), ["90 c2 l1 ines", "100 c2 l2 ada", "100 c2 l2 tom", "120 c2 l3 eva", "120 c2 l3 kim"]);
    assert_eq!(night.notes, ["the escalation has come to its end, and nobody took the ticket"]);
    assert_eq!((night.next_minute(), night.state.status.clone()), (None, Status::Exhausted { at_us: TWO + 120 * MINUTE_US }));
    let reasons: Vec<String> = night.pages.iter().map(|page| page.reason.to_string()).collect();
    assert_eq!(reasons[0], "the ticket needs somebody");
    assert_eq!(reasons[1], "level 1 has not answered");
    assert_eq!(reasons[5], "nobody has answered in run 1 of the ladder");
}

#[test]
fn the_second_acknowledges_and_works() {
    let mut night = Night::new(&policy());
    night.pass(0..=12);
    night.state = night.state.acknowledge("tom", TWO + 12 * MINUTE_US);
    night.pass(12..=40);
    assert_eq!(night.pages.len(), 3, "nobody else is paged");
    assert_eq!(night.next_minute(), Some(57), "45 minutes after the acknowledgement");
    night.state = night.state.take_up("tom", TWO + 40 * MINUTE_US);
    night.pass(41..=3_000);
    assert_eq!((night.pages.len(), night.next_minute()), (3, None));
    // Taken up stays taken up, whatever link is clicked later.
    assert_eq!(night.state.acknowledge("ines", TWO + HOUR_US), night.state);
    night.state = night.state.resolve(TWO + 2 * HOUR_US);
    for after in
        [night.state.acknowledge("ines", TWO), night.state.take_up("ines", TWO), night.state.reassign(TWO), night.state.resolve(TWO + 1)]
    {
        assert_eq!(after, night.state, "resolved stays resolved");
    }
    night.state = night.state.reopen(TWO + 180 * MINUTE_US);
    night.pass(180..=190);
    assert_eq!(lines(&night.pages[3..]), ["180 c2 l1 ines", "190 c2 l2 ada", "190 c2 l2 tom"]);
    assert_eq!(night.state.reopen(TWO + 200 * MINUTE_US), night.state, "only what was resolved is reopened");
}

#[test]
fn an_acknowledgement_that_nobody_follows_up_escalates_again() {
    let mut night = Night::new(&policy());
    night.pass(0..=5);
    night.state = night.state.acknowledge("ines", TWO + 5 * MINUTE_US);
    night.state = night.state.acknowledge("ines", TWO + 15 * MINUTE_US);
    night.state = night.state.acknowledge("ines", TWO + 10 * MINUTE_US);
    night.pass(6..=59);
    assert_eq!((lines(&night.pages), night.next_minute()), (vec!["0 c1 l1 ines".to_owned()], Some(60)), "the latest counts");
    night.pass(60..=70);
    assert_eq!(lines(&night.pages[1..]), ["60 c2 l1 ines", "70 c2 l2 ada", "70 c2 l2 tom"]);
    assert_eq!(night.pages[1].reason.to_string(), "ines acknowledged the ticket, and nobody took it up in time");
    assert_eq!(night.notes, ["acknowledged by ines and not taken up in time: the escalation begins again"]);
    let patient = EscalationPolicy { ack_timeout: None, ..policy() };
    let mut night = Night::new(&patient);
    night.pass(0..=5);
    night.state = night.state.acknowledge("ines", TWO + 5 * MINUTE_US);
    night.pass(6..=5_000);
    assert_eq!((night.pages.len(), night.next_minute()), (1, None));
}

#[test]
fn somebody_else_gets_the_ticket() {
    let mut night = Night::new(&policy());
    night.pass(0..=12);
    night.state = night.state.reassign(TWO + 12 * MINUTE_US);
    night.pass(13..=22);
    assert_eq!(lines(&night.pages[3..]), ["12 c2 l1 ines", "22 c2 l2 ada", "22 c2 l2 tom"]);
    // Answered and handed on: the new people have not answered yet.
    night.state = night.state.acknowledge("ada", TWO + 23 * MINUTE_US).reassign(TWO + 25 * MINUTE_US);
    night.pass(25..=26);
    assert_eq!(lines(&night.pages[6..]), ["25 c3 l1 ines"]);
}

#[test]
fn after_an_outage_the_missed_levels_come_in_order_and_say_that_they_are_late() {
    let mut night = Night::new(&policy());
    night.at(0, everybody);
    night.at(101, everybody);
    let want = [
        "0 c1 l1 ines",
        "10 c1 l2 ada late",
        "10 c1 l2 tom late",
        "30 c1 l3 eva late",
        "30 c1 l3 kim late",
        "90 c2 l1 ines late",
        "100 c2 l2 ada",
        "100 c2 l2 tom",
    ];
    assert_eq!(lines(&night.pages), want);
    night.at(101, everybody);
    assert_eq!(night.pages.len(), want.len(), "the same time again changes nothing");
    let mut steady = Night::new(&policy());
    steady.pass(0..=101);
    let ids = |night: &Night| night.pages.iter().map(|page| page.page_id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&night), ids(&steady));
    assert_eq!(night.state, steady.state);
}

#[test]
fn a_level_without_anybody_goes_up_at_once() {
    let mut night = Night::new(&policy());
    let no_first_and_second = |target: &Target| if matches!(target, Target::Team(_)) { everybody(target) } else { Vec::new() };
    night.at(0, no_first_and_second);
    assert_eq!(lines(&night.pages), ["0 c1 l3 eva", "0 c1 l3 kim"]);
    assert_eq!(night.pages[0].reason, PageReason::NobodyBelow { from_level: 1 });
    let want = [
        "rota:first line has nobody to page at level 1",
        "there is nobody to page at level 1",
        "rota:second line has nobody to page at level 2",
        "user:tom has nobody to page at level 2",
        "there is nobody to page at level 2",
    ];
    assert_eq!(night.notes, want);
    assert_eq!(night.next_minute(), Some(60), "and the ladder begins again from when its last level was paged");
    // A level with somebody is not skipped, but what it lacks is said.
    let mut night = Night::new(&policy());
    let no_tom = |target: &Target| if matches!(target, Target::User(_)) { Vec::new() } else { everybody(target) };
    (0..=10).for_each(|minute| night.at(minute, no_tom));
    assert_eq!(lines(&night.pages), ["0 c1 l1 ines", "10 c1 l2 ada"]);
    assert_eq!(night.notes, ["user:tom has nobody to page at level 2"]);
}

#[test]
fn where_nobody_is_at_all_it_is_tried_again_and_ends() {
    let mut night = Night::new(&policy());
    night.at(0, |_| Vec::new());
    assert_eq!((night.pages.len(), night.next_minute()), (0, Some(60)));
    night.at(60, |_| Vec::new());
    assert_eq!((night.pages.len(), night.next_minute()), (0, None));
    assert_eq!(night.notes.last().unwrap(), "the escalation has come to its end, and nobody took the ticket");
    let mut night = Night::new(&policy());
    night.at(0, |_| Vec::new());
    night.at(60, everybody);
    assert_eq!(lines(&night.pages), ["60 c2 l1 ines"], "somebody was put on call in the meantime");
}

#[test]
fn whoever_is_found_twice_is_paged_once_and_a_level_has_its_limit() {
    let ladder = policy().ladder().unwrap();
    let outcome = step(&ladder, &Escalation::begin(1, TWO), TWO + 10 * MINUTE_US, |_| vec!["tom".into(), "tom".into()]);
    assert_eq!(outcome.pages.iter().map(|page| page.target.to_string()).collect::<Vec<_>>(), ["rota:first line", "rota:second line"]);
    let crowd = |_: &Target| (0..60).map(|number| format!("user{number}")).collect();
    let outcome = step(&ladder, &Escalation::begin(1, TWO), TWO, crowd);
    assert_eq!((outcome.pages.len(), outcome.notes.len()), (50, 1));
    assert_eq!(outcome.notes[0].to_string(), "10 people of level 1 were not paged, because it has too many");
}

#[test]
fn a_policy_that_changes_under_a_ticket_counts_from_then_on() {
    let mut night = Night::new(&policy());
    night.pass(0..=10);
    // The third level comes five minutes after the second now.
    let mut sooner = policy();
    sooner.steps[2].after = "5m".into();
    night.ladder = sooner.ladder().unwrap();
    assert_eq!(night.next_minute(), Some(15));
    // Or there is none any more: the end of the ladder has been reached, and the next cycle is an hour later.
    let mut shorter = policy();
    shorter.steps.truncate(2);
    night.ladder = shorter.ladder().unwrap();
    assert_eq!(night.next_minute(), Some(10));
    night.at(11, everybody);
    assert_eq!((night.pages.len(), night.next_minute()), (3, Some(70)));
}

#[test]
fn a_long_outage_is_caught_up_with_in_bounded_steps() {
    let levels = vec![Step { after: "1m".into(), notify: vec![Target::User("tom".into())] }; 20];
    let policy = EscalationPolicy { repeat: 20, repeat_after: "1m".into(), steps: levels, ack_timeout: None, only_priorities: Vec::new() };
    let mut night = Night::new(&policy);
    let mut steps = 0;
    while night.state.status == Status::Escalating {
        night.at(1_000_000, |_| vec!["tom".into()]);
        steps += 1;
        assert_eq!(night.pages.len(), (steps * 50).min(420));
    }
    assert_eq!(steps, 9, "420 levels, 50 a step");
    assert!(night.pages.is_sorted_by_key(|page| page.due_us));
}

#[test]
fn the_ends_of_time() {
    let ladder = policy().ladder().unwrap();
    for begun in [TimestampUs::MIN, -1, 0, TimestampUs::MAX] {
        for now in [TimestampUs::MIN, 0, TimestampUs::MAX] {
            let state = Escalation::begin(1, begun);
            let outcome = step(&ladder, &state, now, everybody);
            assert_eq!(outcome.pages.is_empty(), now < begun);
            step(&ladder, &state.acknowledge("tom", now), now, everybody);
        }
    }
    assert!(step(&ladder, &Escalation::begin(1, TimestampUs::MIN), TimestampUs::MAX, everybody).pages[0].late);
}

#[test]
fn states_are_stored_and_other_versions_refused() {
    let state = Escalation::begin(7, TWO).acknowledge("ines", TWO + 1);
    let text = serde_json::to_string(&state).unwrap();
    let want = r#"{"version":1,"ticket":7,"status":{"kind":"acknowledged","by":"ines","at_us":1767664800000001},"cycle":1,"repeats":0,"level":1,"since_us":1767664800000000}"#;
    assert_eq!(text, want);
    assert_eq!(serde_json::from_str::<Escalation>(&text).unwrap(), state);
    let error = serde_json::from_str::<Escalation>(&text.replace("\"version\":1", "\"version\":2")).unwrap_err().to_string();
    assert!(error.contains("version 2") && error.contains("start the newer release"), "{error}");
    assert!(serde_json::from_str::<Escalation>(&text.replace("\"ticket\"", "\"number\"")).is_err());
    // A level that does not exist, from a hand that edited the store, neither stops the ladder nor breaks it.
    let ladder = policy().ladder().unwrap();
    for level in [0, u32::MAX] {
        let text = serde_json::to_string(&{
            let mut state = Escalation::begin(7, TWO);
            (state.level, state.cycle) = (level, u32::MAX);
            state
        })
        .unwrap();
        let state: Escalation = serde_json::from_str(&text).unwrap();
        assert!(step(&ladder, &state, TimestampUs::MAX, everybody).state.status != Status::Escalating);
    }
}
