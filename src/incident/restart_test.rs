//! A restart in the middle of anything changes nothing, and nothing that comes in brings it down.

use proptest::prelude::*;

use super::test_signals::{MINUTE, signal, topology};
use super::{
    Direction, Grouper, Maintenance, MaintenanceScope, MaintenanceTimes, Passing, Placement, STATE_VERSION, Settings, Signal, StateError,
    Topology,
};
use crate::store::FindingSeverity;

#[derive(Debug, Clone)]
enum Act {
    Place { rule: usize, host: usize, surprise: i64 },
    Step,
    Merge(u64, u64),
    Split(u64, usize, usize),
}

fn acts() -> impl Strategy<Value = Vec<(i64, Act)>> {
    let act = prop_oneof![
        12 => (0..4_usize, 0..12_usize, 0..6_000_i64).prop_map(|(rule, host, surprise)| Act::Place { rule, host, surprise }),
        4 => Just(Act::Step),
        1 => (1..8_u64, 1..8_u64).prop_map(|(a, b)| Act::Merge(a, b)),
        1 => (1..8_u64, 0..4_usize, 0..12_usize).prop_map(|(id, rule, host)| Act::Split(id, rule, host)),
    ];
    prop::collection::vec((0..6_i64, act), 1..120)
}

const RULES: [&str; 4] = ["disk slow", "requests slow", "link down", "agent silent"];

fn host(at: usize) -> String {
    ["web01", "web02", "db01", "mail01"].get(at).map_or_else(|| format!("h{at}"), |name| (*name).to_owned())
}

fn windows() -> Vec<Maintenance> {
    let scope = MaintenanceScope { hosts: vec!["mail01".to_owned()], ..MaintenanceScope::default() };
    vec![Maintenance { name: "mail".to_owned(), scope, times: MaintenanceTimes::At(vec![(20 * MINUTE, 60 * MINUTE)]) }]
}

fn settings() -> Settings {
    Settings { storm_openings: 4, flap_returns: 2, ..Settings::default() }
}

fn act_on(grouper: &mut Grouper, minute: i64, act: &Act) -> (Option<Placement>, Vec<Passing>, String) {
    match act {
        Act::Place { rule, host: at, surprise } => {
            let one = Signal { holds_us: 0, surprise_milli: *surprise, ..signal(RULES[*rule], &host(*at), minute) };
            (Some(grouper.place(one, (minute + 1) * MINUTE)), Vec::new(), String::new())
        }
        Act::Step => (None, grouper.step(minute * MINUTE), String::new()),
        Act::Merge(a, b) => (None, Vec::new(), format!("{:?}", grouper.merge(*a, *b, minute * MINUTE))),
        Act::Split(id, rule, at) => {
            let named = [format!("{}/{}", RULES[*rule], host(*at))];
            (None, Vec::new(), format!("{:?}", grouper.split(*id, &named, minute * MINUTE)))
        }
    }
}

fn fresh() -> Grouper {
    let mut grouper = Grouper::new(settings(), topology());
    grouper.set_maintenance(windows(), 0);
    grouper
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_restart_at_any_point_gives_the_same_answers(acts in acts(), restart in 0..120_usize) {
        let (mut one, mut other) = (fresh(), fresh());
        let mut minute = 0;
        for (at, (later, act)) in acts.iter().enumerate() {
            minute += later;
            if at == restart {
                other = Grouper::from_bytes(&other.to_bytes(), settings(), topology(), windows()).unwrap();
            }
            prop_assert_eq!(act_on(&mut one, minute, act), act_on(&mut other, minute, act));
        }
        prop_assert_eq!(one.to_bytes(), other.to_bytes());
        for id in one.incidents().map(|incident| incident.id) {
            prop_assert_eq!(one.causes(id), other.causes(id));
        }
    }

    #[test]
    fn no_finding_is_lost_and_none_is_in_two_incidents(acts in acts()) {
        let mut grouper = fresh();
        let mut minute = 0;
        for (later, act) in &acts {
            minute += later;
            let (placement, ..) = act_on(&mut grouper, minute, act);
            if let Some(Placement { incident: Some(id), .. }) = placement {
                prop_assert!(grouper.incident(id).is_some_and(super::Incident::is_open) || placement.is_some_and(|one| !one.is_news()));
            }
            let members = grouper.incidents().filter(|one| one.is_open()).flat_map(|one| &one.members);
            let mut prints: Vec<&str> = members.map(|one| one.signal.fingerprint.as_str()).collect();
            let all = prints.len();
            prints.sort_unstable();
            prints.dedup();
            prop_assert_eq!(prints.len(), all);
        }
    }

    #[test]
    fn nothing_that_comes_in_panics(
        findings in prop::collection::vec((any::<[String; 2]>(), any::<[i64; 5]>()), 1..40),
    ) {
        let mut grouper = fresh();
        for ([rule, host], [onset_us, window_end_us, cadence_us, surprise_milli, now_us]) in findings {
            let one = Signal {
                fingerprint: rule.clone(), rule, onset_us, window_end_us, cadence_us, surprise_milli,
                entity: [("host".to_owned(), host.clone())].into(), subject: host.clone(), text: host,
                direction: Direction::Other, severity: FindingSeverity::Info, holds_us: 0,
            };
            let placement = grouper.place(one, now_us);
            prop_assert!(!placement.total.is_nan());
            grouper.step(now_us);
            placement.incident.map(|id| grouper.causes(id));
        }
        prop_assert!(Grouper::from_bytes(&grouper.to_bytes(), settings(), Topology::default(), Vec::new()).is_ok());
    }
}

#[test]
fn damaged_and_foreign_state_is_refused() {
    let read = |bytes: &[u8]| Grouper::from_bytes(bytes, settings(), Topology::default(), Vec::new()).map(|_| ());
    assert!(matches!(read(b""), Err(StateError::Damaged(_))));
    assert!(matches!(read(b"{\"version\":1}"), Err(StateError::Damaged(_))));
    assert_eq!(read(b"{\"version\":99}"), Err(StateError::Version(99)));
    assert!(StateError::Version(99).to_string().contains(&STATE_VERSION.to_string()));
}
