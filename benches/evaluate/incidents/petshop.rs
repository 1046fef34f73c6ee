//! petshop: issues of a shop of some forty services, five minutes a row, with the call graph.

use std::collections::BTreeMap;
use std::path::Path;

use watchroom::incident::{Asset, Dependency, Direction, Signal, surprise_milli};
use watchroom::store::FindingSeverity;

use super::case::{Case, Site};
use super::spotter::Usual;
use super::table_file::{entries, name, number, text};

const STEP_US: i64 = 300_000_000;

struct Metrics {
    /// Service and metric of each column; a metric comes with several statistics.
    columns: Vec<(String, String, String)>,
    times: Vec<f64>,
    rows: Vec<Vec<f64>>,
}

pub(super) fn cases(data_dir: &Path) -> Vec<Case> {
    entries(&data_dir.join("petshop")).iter().filter(|path| path.is_dir()).flat_map(|scenario| of_scenario(scenario)).collect()
}

fn of_scenario(scenario: &Path) -> Vec<Case> {
    let mut reference = read(&scenario.join("noissue/metrics.csv"));
    if reference.rows.is_empty() {
        // One scenario has no fault-free part of its own: the other's stands in.
        reference = read(&scenario.with_file_name("low_traffic").join("noissue/metrics.csv"));
    }
    let mut usual: BTreeMap<(String, String, String), Usual> = BTreeMap::new();
    for (at, column) in reference.columns.iter().enumerate() {
        let values: Vec<f64> = reference.rows.iter().map(|row| row[at]).collect();
        Usual::of(&values, 1.0).map(|one| usual.insert(column.clone(), one));
    }
    let site = site(&scenario.join("graph.csv"));
    let folders = ["train", "test"].into_iter().flat_map(|part| entries(&scenario.join(part)));
    folders.filter_map(|folder| case(&folder, scenario, &usual, &site)).collect()
}

fn case(folder: &Path, scenario: &Path, usual: &BTreeMap<(String, String, String), Usual>, site: &Site) -> Option<Case> {
    let target: serde_json::Value = serde_json::from_str(&text(&folder.join("target.json"))).ok()?;
    let cause = target["root_cause"]["node"].as_str()?.to_owned();
    let metrics = read(&folder.join("metrics.csv"));
    // The first row that holds the moment for which the symptom is stated; what comes before it is noise.
    let symptom = target["target"]["timestamp"].as_f64()?;
    let start = *metrics.times.iter().rev().find(|time| **time <= symptom)?;
    let mut signals = Vec::new();
    for (time, row) in metrics.times.iter().zip(&metrics.rows) {
        // One finding for a service and metric: its most surprising statistic.
        let mut found: BTreeMap<(&str, &str), (Direction, f64)> = BTreeMap::new();
        for (column, value) in metrics.columns.iter().zip(row) {
            let Some((direction, surprise)) = usual.get(column).and_then(|usual| usual.judge(*value)) else { continue };
            let entry = found.entry((&column.0, &column.1)).or_insert((direction, surprise));
            if surprise > entry.1 {
                *entry = (direction, surprise);
            }
        }
        let from_us = ((time - start) * 1e6) as i64;
        signals.extend(found.into_iter().map(|((service, metric), (direction, surprise))| Signal {
            fingerprint: format!("{metric}/{service}"),
            rule: format!("{metric}_unusual"),
            entity: BTreeMap::from([("service".to_owned(), service.to_owned())]),
            subject: metric.to_owned(),
            text: format!("{metric} of {service} is unusual"),
            direction,
            severity: FindingSeverity::Medium,
            onset_us: from_us,
            window_end_us: from_us + STEP_US,
            cadence_us: STEP_US,
            holds_us: 0,
            surprise_milli: surprise_milli(surprise),
        }));
    }
    let part = folder.parent().map(name).unwrap_or_default();
    let name = format!("petshop/{}/{part}/{}", name(scenario), name(folder));
    Case::new(name, signals, vec![cause], Vec::new(), site.clone())
}

fn read(path: &Path) -> Metrics {
    let text = text(path);
    let mut lines = text.lines();
    let mut head = || lines.next().unwrap_or_default().split(',').skip(1).map(str::to_owned).collect::<Vec<_>>();
    let (services, metrics, statistics) = (head(), head(), head());
    let columns = services.into_iter().zip(metrics).zip(statistics).map(|((a, b), c)| (a, b, c)).collect();
    let mut read = Metrics { columns, times: Vec::new(), rows: Vec::new() };
    for line in lines {
        let mut cells = line.split(',').map(number);
        let time = cells.next().unwrap_or(f64::NAN);
        let row: Vec<f64> = cells.collect();
        if time.is_finite() && row.len() == read.columns.len() {
            read.times.push(time);
            read.rows.push(row);
        }
    }
    read
}

/// The call graph: a row calls the columns that have a one, so the row needs the column.
fn site(path: &Path) -> Site {
    let text = text(path);
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').skip(1).collect();
    let mut site = Site::default();
    for line in lines {
        let mut cells = line.split(',');
        let dependent = cells.next().unwrap_or_default();
        site.assets.push(Asset { name: dependent.to_owned(), ..Asset::default() });
        for (upstream, cell) in names.iter().zip(cells) {
            if number(cell) > 0.0 {
                site.dependencies.push(Dependency { dependent: dependent.to_owned(), upstream: (*upstream).to_owned() });
            }
        }
    }
    site
}
