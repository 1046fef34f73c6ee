//! Ten thousand findings of five causes in a minute.

use std::collections::{BTreeMap, BTreeSet};

use watchroom::clock::Stopwatch;
use watchroom::incident::{Asset, Dependency, Direction, Grouper, Settings, Signal, Topology};
use watchroom::store::FindingSeverity;

use super::case::Dice;

const FINDINGS: usize = 10_000;
const CAUSES: usize = 5;
const MINUTE_US: i64 = 60_000_000;

pub(super) fn run() {
    println!("\nburst: {FINDINGS} findings, {CAUSES} causes, one minute");
    for (what, hosts_a_cause, with_topology, rules) in [
        ("switches fail, hosts behind them known", 500, true, 4),
        ("switches fail, every finding a host of its own", 2_000, true, 1),
        ("nothing known of the site, one rule a cause", 2_000, false, 1),
        ("nothing known of the site, four rules a cause", 500, false, 4),
    ] {
        one(what, hosts_a_cause, with_topology, rules);
    }
}

fn one(what: &str, hosts: usize, with_topology: bool, rules: usize) {
    let mut dice = Dice::new(3);
    let mut signals: Vec<(usize, Signal)> = (0..FINDINGS)
        .map(|at| {
            let (cause, rest) = (at % CAUSES, at / CAUSES);
            (cause, signal(cause, rest % hosts, rest / hosts % rules, dice.below(60) as i64 * 1_000_000))
        })
        .collect();
    signals.sort_by_key(|(_, signal)| signal.onset_us);
    let hosts_of = |cause: usize| (0..hosts).map(move |host| format!("c{cause}-h{host}"));
    let assets: Vec<Asset> = (0..CAUSES).flat_map(hosts_of).map(|name| Asset { name, ..Asset::default() }).collect();
    let edge = |cause: usize| hosts_of(cause).map(move |dependent| Dependency { dependent, upstream: format!("switch{cause}") });
    let dependencies: Vec<Dependency> = (0..CAUSES).flat_map(edge).collect();
    let topology = if with_topology { Topology::new(&assets, &dependencies) } else { Topology::default() };
    let mut grouper = Grouper::new(Settings::default(), topology);
    let mut of_cause: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
    let mut opened = 0;
    let mut slowest = 0_u128;
    let begun = Stopwatch::start();
    for (cause, signal) in signals {
        let (now_us, one) = (MINUTE_US, Stopwatch::start());
        let placement = grouper.place(signal, now_us);
        if let Some(id) = placement.incident {
            opened += usize::from(placement.opened());
            of_cause.entry(id).or_default().insert(cause);
            for gone in placement.merged {
                let causes = of_cause.remove(&gone).unwrap_or_default();
                of_cause.entry(id).or_default().extend(causes);
            }
        }
        slowest = slowest.max(one.elapsed().as_micros());
    }
    let took = begun.elapsed_seconds();
    let bytes = grouper.to_bytes().len();
    let mixed = of_cause.values().filter(|causes| causes.len() > 1).count();
    println!(
        "  {what}: {} incidents ({mixed} mixed, {opened} opened on the way), {:.0} ms in all, slowest {slowest} µs, {} KB saved",
        of_cause.len(),
        took * 1e3,
        bytes / 1_024
    );
}

fn signal(cause: usize, host: usize, rule: usize, onset_us: i64) -> Signal {
    let names = ["host unreachable by ping", "agent sends nothing", "backup client lost its connection", "log stream ended early"];
    let name = format!("{} {}", ["alpha", "beta", "gamma", "delta", "epsilon"][cause], names[rule]);
    let host = format!("c{cause}-h{host}");
    Signal {
        fingerprint: format!("{name}/{host}"),
        rule: name.clone(),
        entity: BTreeMap::from([("host".to_owned(), host.clone())]),
        subject: String::new(),
        text: format!("{host}: {name}"),
        direction: Direction::Other,
        severity: FindingSeverity::High,
        onset_us,
        window_end_us: onset_us + MINUTE_US,
        cadence_us: MINUTE_US,
        holds_us: 0,
        surprise_milli: 3_000,
    }
}
