//! Which findings end up together.

use super::test_signals::{MINUTE, signal, topology};
use super::{
    Asset, ChangeEvent, ChangeKind, CorrectionError, Dependency, Grouper, IncidentId, Outcome, Placement, Relation, Settings, Signal,
    Topology,
};

fn grouper() -> Grouper {
    Grouper::new(Settings::default(), topology())
}

fn place(grouper: &mut Grouper, signal: Signal) -> Placement {
    let now_us = signal.window_end_us;
    grouper.place(signal, now_us)
}

fn id_of(placement: &Placement) -> IncidentId {
    placement.incident.unwrap()
}

#[test]
fn a_fault_that_spreads_along_dependencies_is_one_incident_with_its_terms() {
    let mut grouper = grouper();
    let first = place(&mut grouper, signal("disk slow", "db01", 0));
    let second = place(&mut grouper, signal("requests slow", "web01", 1));
    let third = place(&mut grouper, signal("requests slow", "web02", 1));
    assert_eq!((first.outcome, second.outcome, third.outcome), (Outcome::Opened, Outcome::Joined, Outcome::Joined));
    assert_eq!((id_of(&second), id_of(&third)), (id_of(&first), id_of(&first)));
    assert_eq!(second.with.as_deref(), Some("disk slow/db01"));
    assert!(matches!(second.relation, Relation::DependsOn { hops: 1, .. }));
    assert_eq!(second.terms.iter().map(|term| term.name).collect::<Vec<_>>(), ["time", "topology", "words", "learned"]);
    assert!((second.total - second.terms.iter().map(super::Term::share).sum::<f64>()).abs() < 1e-12);
}

#[test]
fn unrelated_hosts_and_distant_times_stay_apart_and_say_how_near_they_came() {
    let mut grouper = grouper();
    let first = place(&mut grouper, signal("disk slow", "db01", 0));
    let elsewhere = place(&mut grouper, signal("disk slow", "printer7", 0));
    let later = place(&mut grouper, signal("requests slow", "web01", 12));
    assert_eq!((elsewhere.outcome, later.outcome), (Outcome::Opened, Outcome::Opened));
    assert_ne!(id_of(&elsewhere), id_of(&first));
    assert!(elsewhere.total > 0.5 && elsewhere.total < grouper.settings().join_at, "{}", elsewhere.total);
    assert_eq!(elsewhere.relation, Relation::None);
}

#[test]
fn the_order_of_findings_does_not_matter_once_a_link_shows() {
    let mut grouper = grouper();
    let web01 = place(&mut grouper, signal("requests slow", "web01", 0));
    let san = place(&mut grouper, signal("volume degraded", "san01", 0));
    assert_ne!(id_of(&web01), id_of(&san), "two steps and no word in common are not enough");
    let link = place(&mut grouper, signal("volume slow", "db01", 0));
    assert_eq!((link.incident, link.merged), (web01.incident, vec![id_of(&san)]));
    assert_eq!(grouper.incidents().count(), 1);
    let again = place(&mut grouper, signal("volume degraded", "san01", 1));
    assert_eq!((again.incident, again.outcome), (web01.incident, Outcome::Repeated));
}

#[test]
fn a_finding_told_twice_counts_once_and_one_that_goes_on_is_told_every_half_hour() {
    let mut grouper = grouper();
    let id = id_of(&place(&mut grouper, signal("disk slow", "db01", 0)));
    place(&mut grouper, signal("disk slow", "db01", 0));
    assert_eq!(grouper.incident(id).unwrap().findings, 1);
    let outcomes: Vec<Outcome> = (1..=60).map(|minute| place(&mut grouper, signal("disk slow", "db01", minute)).outcome).collect();
    assert_eq!(grouper.incident(id).unwrap().findings, 61);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Continued).count(), 2);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Repeated | Outcome::Continued)));
}

#[test]
fn what_shows_up_late_at_a_host_joins_while_its_trouble_goes_on_and_not_after() {
    let mut grouper = grouper();
    let first = place(&mut grouper, signal("disk slow", "db01", 0));
    for minute in 1..60 {
        place(&mut grouper, signal("disk slow", "db01", minute));
    }
    let late = place(&mut grouper, signal("writes failed", "db01", 60));
    assert_eq!((late.outcome, late.incident), (Outcome::Joined, first.incident));
    let elsewhere = place(&mut grouper, signal("requests slow", "web01", 45));
    assert_eq!(elsewhere.outcome, Outcome::Opened);
    let after = place(&mut grouper, signal("fan failed", "db01", 70));
    assert_eq!(after.outcome, Outcome::Opened);
}

#[test]
fn the_same_trouble_on_many_unrelated_hosts_is_a_storm() {
    let mut grouper = Grouper::new(Settings::default(), Topology::default());
    let storm_at = grouper.settings().storm_openings;
    for host in 0..200 {
        let placement = place(&mut grouper, signal("agent silent", &format!("h{host}"), host as i64 / 60));
        assert_eq!(placement.opened(), host < storm_at, "host {host}");
        assert_eq!(placement.merged.len(), if host == storm_at { storm_at - 1 } else { 0 });
        assert_eq!(placement.terms.iter().any(|term| term.name == "storm"), host >= storm_at);
    }
    let incident = grouper.incidents().next().unwrap();
    assert_eq!((grouper.incidents().count(), incident.findings), (1, 200));
    assert_eq!(incident.members.len() as u64 + incident.more_members, 200);
}

#[test]
fn five_thousand_unrelated_troubles_stay_within_bounds() {
    let mut grouper = Grouper::new(Settings::default(), Topology::default());
    for at in 0..5_000 {
        place(&mut grouper, signal(&format!("rule {at}"), &format!("h{at}"), 0));
    }
    let open = grouper.incidents().count();
    let ended = grouper.step(MINUTE).len();
    assert_eq!(open + ended, 5_000, "those that had to go are named");
    assert!(open <= 4_096);
}

#[test]
fn what_is_merged_by_hand_joins_by_itself_the_next_time() {
    let mut grouper = grouper();
    let faults = [signal("certificate expired", "proxy1", 0), signal("login failed", "ldap1", 2)];
    let ids: Vec<IncidentId> = faults.iter().map(|one| id_of(&place(&mut grouper, one.clone()))).collect();
    assert_ne!(ids[0], ids[1]);
    grouper.merge(ids[0], ids[1], 3 * MINUTE).unwrap();
    assert_eq!(grouper.merge(ids[0], ids[1], 3 * MINUTE), Err(CorrectionError::NoSuchIncident(ids[1])));
    assert_eq!(grouper.incident(ids[0]).unwrap().members.len(), 2);
    let week = 7 * 24 * 60;
    grouper.step(week * MINUTE);
    let first = place(&mut grouper, signal("certificate expired", "proxy2", week));
    let second = place(&mut grouper, signal("login failed", "ldap2", week + 2));
    assert_eq!((second.outcome, second.incident), (Outcome::Joined, first.incident));
    assert_eq!(grouper.memory().lessons().count(), 1);
}

#[test]
fn what_is_split_by_hand_stays_apart_the_next_time_even_with_a_link_between() {
    let mut grouper = grouper();
    let faults = |grouper: &mut Grouper, minute: i64| {
        let disk = place(grouper, signal("disk slow", "db01", minute));
        let fan = place(grouper, signal("fan failed", "db01", minute));
        (id_of(&disk), id_of(&fan))
    };
    let (disk, fan) = faults(&mut grouper, 0);
    assert_eq!(disk, fan);
    assert_eq!(grouper.split(disk, &["nothing".to_owned()], MINUTE), Err(CorrectionError::NoSuchMember));
    let part = grouper.split(disk, &["fan failed/db01".to_owned()], MINUTE).unwrap();
    assert_eq!(place(&mut grouper, signal("fan failed", "db01", 1)).incident, Some(part));
    grouper.step(600 * MINUTE);
    grouper.step(1_200 * MINUTE);
    let (disk, fan) = faults(&mut grouper, 2_000);
    assert_ne!(disk, fan);
    let link = place(&mut grouper, signal("load high", "db01", 2_000));
    assert!(link.merged.is_empty(), "what was taught apart is not merged by a third finding");
    assert_eq!(grouper.split(disk, &["disk slow/db01".to_owned(), "load high/db01".to_owned()], MINUTE), Err(CorrectionError::NothingLeft));
}

#[test]
fn the_cause_is_what_the_others_need_and_what_was_changed() {
    let mut grouper = grouper();
    let id = id_of(&place(&mut grouper, signal("requests slow", "web01", 0)));
    for signal in [signal("requests slow", "web02", 0), signal("disk slow", "db01", 0)] {
        place(&mut grouper, signal);
    }
    let causes = grouper.causes(id);
    assert_eq!(causes[0].place, "db01");
    assert_eq!(causes[0].terms.iter().map(|term| term.name).collect::<Vec<_>>(), ["onset", "upstream", "surprise", "change"]);
    assert_eq!(grouper.member_causes(id).len(), 3);
    let change =
        |at_us, place: &str| ChangeEvent { at_us, place: place.to_owned(), kind: ChangeKind::Deployment, title: format!("to {place}") };
    grouper.note_change(change(-40 * MINUTE, "web02"));
    assert!(grouper.causes(id).iter().all(|cause| cause.change.is_none()), "too long ago");
    grouper.note_change(change(-2 * MINUTE, "web02"));
    let web02 = |grouper: &Grouper| grouper.causes(id).into_iter().find(|cause| cause.place == "web02").unwrap();
    assert_eq!(web02(&grouper).change.as_deref(), Some("to web02"));
    assert!(web02(&grouper).terms[3].value > 0.8);
}

#[test]
fn a_cycle_of_dependencies_and_a_thing_that_needs_itself_do_no_harm() {
    let need = |a: &str, b: &str| Dependency { dependent: a.to_owned(), upstream: b.to_owned() };
    let topology = Topology::new(&[Asset::default()], &[need("a", "b"), need("b", "c"), need("c", "a"), need("a", "a")]);
    let relation = |a: &str, b: &str| topology.relation(&topology.place_named(a), &topology.place_named(b));
    assert_eq!(relation("a", "A"), Relation::SameHost);
    assert!(matches!(relation("a", "b"), Relation::DependsOn { hops: 1, .. }));
    assert!(matches!(relation("b", "a"), Relation::DependsOn { hops: 1, .. }));
    assert_eq!(relation("a", "elsewhere"), Relation::None);
}

#[test]
fn relations_are_found_by_service_rack_and_neighbour() {
    let asset =
        |name: &str, service: &str, rack: &str| Asset { name: name.into(), services: vec![service.into()], rack: Some(rack.into()) };
    let need = |a: &str, b: &str| Dependency { dependent: a.to_owned(), upstream: b.to_owned() };
    let assets = [
        asset("h1", "shop", "r1"),
        asset("h2", "shop", "r2"),
        asset("h3", "mail", "r1"),
        asset("h4", "ldap", "r4"),
        asset("h5", "dns", "r5"),
    ];
    let topology = Topology::new(&assets, &[need("shop", "ldap"), need("mail", "ldap"), need("h9", "h4"), need("h9", "h5")]);
    let relation = |a: &str, b: &str| topology.relation(&topology.place_named(a), &topology.place_named(b));
    assert_eq!(relation("h1", "h2"), Relation::SameService);
    assert_eq!(relation("h1", "h3"), Relation::SameUpstream);
    assert_eq!(relation("h4", "h5"), Relation::SameDependent);
    assert!(matches!(relation("h1", "h4"), Relation::DependsOn { upstream: super::Side::Second, hops: 1 }));
    assert!(matches!(relation("h4", "h1"), Relation::DependsOn { upstream: super::Side::First, hops: 1 }));
}
