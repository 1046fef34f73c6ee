//! smd and asd: metrics of single servers, with labelled stretches and the metrics that show each.

use std::collections::BTreeMap;
use std::path::Path;

use watchroom::incident::{Asset, Signal, surprise_milli};
use watchroom::store::FindingSeverity;

use super::case::{Case, Site};
use super::spotter::Usual;
use super::table_file::{entries, name, number, text};

/// Rows played after a labelled stretch ends, and at most of one: incidents are made in their first minutes.
const MOST_ROWS: usize = 60;

/// Rows played before a labelled stretch begins: what is found there is noise that the stretch has to live with.
const LEAD_ROWS: usize = 10;

/// Of the fault-free values this share is usual.
const USUAL_SHARE: f64 = 0.998;

pub(super) fn cases(data_dir: &Path, set: &str, step_s: i64) -> Vec<Case> {
    let folder = data_dir.join(set);
    let names = entries(&folder).into_iter().filter_map(|path| name(&path).strip_suffix(".causes.csv").map(str::to_owned));
    names.flat_map(|server| of_server(&folder, &server, step_s)).collect()
}

fn of_server(folder: &Path, server: &str, step_s: i64) -> Vec<Case> {
    let (names, train) = read(&folder.join(format!("{server}.train.csv")));
    let (_, test) = read(&folder.join(format!("{server}.test.csv")));
    let usual: Vec<Option<Usual>> =
        (0..names.len()).map(|at| Usual::of(&train.iter().map(|row| row[at]).collect::<Vec<_>>(), USUAL_SHARE)).collect();
    let causes = text(&folder.join(format!("{server}.causes.csv")));
    let labelled = causes.lines().skip(1).filter_map(|line| {
        let mut cells = line.split(',');
        let (start, end): (usize, usize) = (cells.next()?.parse().ok()?, cells.next()?.parse().ok()?);
        let columns: Vec<usize> = cells.next()?.split(' ').filter_map(|one| one.parse().ok()).collect();
        Some((start, end, columns))
    });
    let mut cases = Vec::new();
    for (start, end, columns) in labelled {
        let mut signals = Vec::new();
        for (row, values) in test.iter().enumerate().take((end + 1).min(start + MOST_ROWS)).skip(start.saturating_sub(LEAD_ROWS)) {
            let from_us = (row as i64 - start as i64) * step_s * 1_000_000;
            for (at, value) in values.iter().enumerate() {
                let Some((direction, surprise)) = usual[at].as_ref().and_then(|usual| usual.judge(*value)) else { continue };
                let metric = &names[at];
                signals.push(Signal {
                    fingerprint: format!("{metric}/{server}"),
                    rule: "metric_unusual".to_owned(),
                    entity: BTreeMap::from([("host".to_owned(), server.to_owned()), ("metric".to_owned(), metric.clone())]),
                    subject: metric.clone(),
                    text: format!("{metric} of {server} is unusual"),
                    direction,
                    severity: FindingSeverity::Medium,
                    onset_us: from_us,
                    window_end_us: from_us + step_s * 1_000_000,
                    cadence_us: step_s * 1_000_000,
                    holds_us: 0,
                    surprise_milli: surprise_milli(surprise),
                });
            }
        }
        let subjects = columns.iter().filter_map(|at| names.get(at.wrapping_sub(1)).cloned()).collect();
        let site = Site { assets: vec![Asset { name: server.to_owned(), ..Asset::default() }], dependencies: Vec::new() };
        cases.extend(Case::new(format!("{server}/{start}"), signals, Vec::new(), subjects, site));
    }
    cases
}

fn read(path: &Path) -> (Vec<String>, Vec<Vec<f64>>) {
    let text = text(path);
    let mut lines = text.lines();
    let names: Vec<String> = lines.next().unwrap_or_default().split(',').map(str::to_owned).collect();
    let rows = lines.map(|line| line.split(',').map(number).collect::<Vec<_>>()).filter(|row| row.len() == names.len()).collect();
    (names, rows)
}
