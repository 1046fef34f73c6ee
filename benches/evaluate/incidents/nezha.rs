//! nezha: faults injected into two microservice systems, one minute a row.

use std::collections::BTreeMap;
use std::path::Path;

use watchroom::incident::{Asset, Dependency, Settings, Signal, surprise_milli};
use watchroom::store::FindingSeverity;

use super::case::{Case, Site};
use super::play::{Figures, play_timeline};
use super::spotter::Usual;
use super::table_file::{entries, name, number, text};

const MINUTE_US: i64 = 60_000_000;
/// Findings this long after an injection count as the fault's: injections last about three minutes and then wear off.
const FAULT_US: i64 = 6 * MINUTE_US;
/// Played before an injection.
const LEAD_US: i64 = 2 * MINUTE_US;
/// Of the minutes outside all faults this share is usual.
const USUAL_SHARE: f64 = 0.999;

struct Day {
    name: String,
    signals: Vec<Signal>,
    /// Time, pod and kind.
    faults: Vec<(i64, String, String)>,
    site: Site,
}

pub(super) fn cases(data_dir: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for day in days(data_dir) {
        for (at_us, pod, kind) in &day.faults {
            let near = day.signals.iter().filter(|one| (*at_us - LEAD_US..at_us + FAULT_US).contains(&one.onset_us));
            let mut signals: Vec<Signal> = near.cloned().collect();
            for signal in &mut signals {
                (signal.onset_us, signal.window_end_us) = (signal.onset_us - at_us, signal.window_end_us - at_us);
            }
            let name = format!("nezha/{}/{pod}/{kind}/{at_us}", day.name);
            cases.extend(Case::new(name, signals, vec![pod.clone()], Vec::new(), day.site.clone()));
        }
    }
    cases
}

/// The days as they were: one axis, faults within minutes of each other.
pub(super) fn as_it_was(data_dir: &Path, settings: &Settings) -> Vec<(String, Figures)> {
    let of_day = |day: Day| {
        let fault_of =
            |signal: &Signal| day.faults.iter().position(|(at_us, ..)| (*at_us - MINUTE_US..at_us + FAULT_US).contains(&signal.onset_us));
        let labelled: Vec<(Option<usize>, Signal)> = day.signals.iter().map(|signal| (fault_of(signal), signal.clone())).collect();
        let truth: Vec<Vec<String>> = day.faults.iter().map(|(_, pod, _)| vec![pod.clone()]).collect();
        let figures = play_timeline(labelled, &truth, &day.site, settings);
        (day.name, figures)
    };
    days(data_dir).into_iter().map(of_day).collect()
}

fn days(data_dir: &Path) -> Vec<Day> {
    entries(&data_dir.join("nezha")).iter().filter(|path| path.is_dir()).map(|folder| day(folder)).collect()
}

fn day(folder: &Path) -> Day {
    let text_of = |file: &str| text(&folder.join(file));
    let metrics = text_of("metrics.csv");
    let mut lines = metrics.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').skip(2).filter(|name| !name.starts_with("Node")).collect();
    let mut rows: Vec<(i64, &str, Vec<f64>)> = Vec::new();
    for line in lines {
        let mut cells = line.split(',');
        let (Some(time), Some(pod)) = (cells.next().and_then(time_us), cells.next()) else { continue };
        rows.push((time, pod, cells.take(names.len()).map(number).collect()));
    }
    let injected = text_of("faults.csv");
    let faults = injected.lines().skip(1).filter_map(|line| {
        let mut cells = line.split(',');
        Some((time_us(cells.next()?)?, cells.next()?.to_owned(), cells.next()?.to_owned()))
    });
    let faults: Vec<(i64, String, String)> = faults.collect();
    let is_quiet = |time_us: i64| !faults.iter().any(|(at_us, ..)| (*at_us..at_us + FAULT_US).contains(&time_us));
    let mut usual: BTreeMap<&str, Vec<Option<Usual>>> = BTreeMap::new();
    for (_, pod, _) in &rows {
        if !usual.contains_key(pod) {
            let of_metric =
                |at: usize| -> Vec<f64> { rows.iter().filter(|row| row.1 == *pod && is_quiet(row.0)).map(|row| row.2[at]).collect() };
            usual.insert(pod, (0..names.len()).map(|at| Usual::of(&of_metric(at), USUAL_SHARE)).collect());
        }
    }
    let mut signals = Vec::new();
    for (time_us, pod, values) in &rows {
        for (at, value) in values.iter().enumerate() {
            let Some((direction, surprise)) = usual[pod][at].as_ref().and_then(|usual| usual.judge(*value)) else { continue };
            let metric = names[at];
            let entity = [("pod", *pod), ("service", service_of(pod))].map(|(column, value)| (column.to_owned(), value.to_owned()));
            signals.push(Signal {
                fingerprint: format!("{metric}/{pod}"),
                rule: format!("{metric}_unusual"),
                entity: BTreeMap::from(entity),
                subject: metric.to_owned(),
                text: format!("{metric} of {pod} is unusual"),
                direction,
                severity: FindingSeverity::Medium,
                onset_us: time_us - MINUTE_US,
                window_end_us: *time_us,
                cadence_us: MINUTE_US,
                holds_us: 0,
                surprise_milli: surprise_milli(surprise),
            });
        }
    }
    signals.sort_by_key(|signal| signal.window_end_us);
    Day { name: name(folder), signals, faults, site: site(&text_of("dependency.csv"), usual.keys().copied()) }
}

/// Calls between services, where the day has them; a pod is of a service and on a node, which is taken as its rack.
fn site<'a>(calls: &str, pods: impl Iterator<Item = &'a str>) -> Site {
    let pairs: Vec<(&str, &str)> =
        calls.lines().skip(1).filter_map(|line| line.split_once(',')).map(|(a, b)| (a, b.split(',').next().unwrap_or_default())).collect();
    let is_node = |name: &str| name.starts_with(|c: char| c.is_ascii_digit());
    let node_of = |service: &str| pairs.iter().find(|(from, to)| *from == service && is_node(to)).map(|(_, node)| (*node).to_owned());
    let assets = pods.map(|pod| Asset { name: pod.to_owned(), services: vec![service_of(pod).to_owned()], rack: node_of(service_of(pod)) });
    let calls = pairs.iter().filter(|(_, to)| !is_node(to));
    let dependencies = calls.map(|(from, to)| Dependency { dependent: (*from).to_owned(), upstream: (*to).to_owned() });
    Site { assets: assets.collect(), dependencies: dependencies.collect() }
}

/// A pod's name less the hash of its version and its own.
fn service_of(pod: &str) -> &str {
    pod.rsplitn(3, '-').nth(2).unwrap_or(pod)
}

/// `2022-08-22T03:53:54Z` in microseconds, counted from 2000 (only differences matter here).
fn time_us(text: &str) -> Option<i64> {
    let field = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    let days = (year - 2_000) * 372 + month * 31 + day;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000)
}
