//! Real series from machines and networks: error against the value a season ago, and coverage, from cuts that the forecaster has not seen.

use std::path::Path;

use rayon::prelude::*;
use watchroom::forecast::{Options, forecast};

use super::m4::text;

/// File, column, season that a person would name, horizon, seconds a step.
const SERIES: [(&str, usize, usize, usize, i64); 13] = [
    ("isp_eu_transatlantic_5min", 1, 288, 288, 300),
    ("isp_eu_transatlantic_hourly", 1, 24, 48, 3_600),
    ("alibaba2018_cluster_5min", 0, 288, 288, 300),
    ("alibaba2018_cluster_5min", 1, 288, 288, 300),
    ("alibaba2018_cluster_5min", 2, 288, 288, 300),
    ("alibaba2018_cluster_5min", 3, 288, 288, 300),
    ("alibaba2018_cluster_5min", 4, 288, 288, 300),
    ("azure_v2_fleet_5min", 1, 288, 288, 300),
    ("azure_v2_fleet_5min", 2, 288, 288, 300),
    ("google2011_job_cpu_mem_5min", 1, 288, 288, 300),
    ("google2011_job_cpu_mem_5min", 2, 288, 288, 300),
    ("storage_growth_bitcoin_chain_daily", 1, 7, 28, 86_400),
    ("wikipedia_R_daily_log", 1, 7, 28, 86_400),
];
/// Cuts of each series, spread over its second half.
const CUTS: usize = 12;

fn column(data: &Path, file: &str, column: usize) -> Vec<f64> {
    let content = text(&data.join(format!("{file}.csv.gz")));
    let mut rows: Vec<(&str, f64)> = content
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (fields[0], fields.get(column).and_then(|field| field.trim_matches('"').parse().ok()).unwrap_or(f64::NAN))
        })
        .collect();
    // The pages of the encyclopaedia's log are not in the order of time.
    if file.contains("daily") {
        rows.sort_by(|a, b| a.0.cmp(b.0));
    }
    rows.into_iter().map(|(_, value)| value).collect()
}

pub(crate) fn run(data: &Path) {
    for (file, place, season, horizon, step_s) in SERIES {
        let values = column(data, file, place);
        let n = values.len();
        let cuts: Vec<usize> = (0..CUTS).map(|cut| n / 2 + cut * (n / 2 - horizon) / (CUTS - 1)).collect();
        let rows: Vec<[f64; 5]> = cuts
            .par_iter()
            .filter_map(|&cut| {
                let started = std::time::Instant::now();
                let said = forecast(&values[..cut], step_s * 1_000_000, &Options::new(horizon))
                    .map_err(|error| println!("{file}: {error}"))
                    .ok()?;
                let seconds = started.elapsed().as_secs_f64();
                let steps = || (0..horizon).filter(|h| values[cut + h].is_finite());
                let count = steps().count() as f64;
                let error = steps().map(|h| (said.mean[h] - values[cut + h]).abs()).sum::<f64>() / count;
                let naive = steps()
                    .map(|h| values[cut - season + h % season])
                    .zip(steps())
                    .filter(|(v, _)| v.is_finite())
                    .map(|(v, h)| (v - values[cut + h]).abs())
                    .sum::<f64>()
                    / count;
                let inside = steps().filter(|&h| (said.lower[h]..=said.upper[h]).contains(&values[cut + h])).count() as f64 / count;
                Some([error, naive, inside, seconds, said.backtest.coverage])
            })
            .collect();
        let mean = |part: usize| rows.iter().map(|row| row[part]).sum::<f64>() / rows.len() as f64;
        let seasons = forecast(&values, step_s * 1_000_000, &Options::new(horizon)).map(|said| said.season).unwrap_or_default();
        println!(
            "{file:36} column {place}: error {:.3} of seasonal naive, coverage {:.1} % (own back-test {:.1} %), seasons {seasons:?}, {:.0} ms",
            mean(0) / mean(1),
            100.0 * mean(2),
            100.0 * mean(4),
            1000.0 * mean(3)
        );
    }
}
