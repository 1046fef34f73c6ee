//! The M4 competition's measures (Makridakis, Spiliotis and Assimakopoulos, "The M4 Competition: 100,000 time series and 61 forecasting methods", 2020).

use std::io::Read;
use std::path::Path;

use rayon::prelude::*;
use watchroom::forecast::{Options, forecast};

struct Series {
    train: Vec<f64>,
    test: Vec<f64>,
}

/// What one series adds to the table.
#[derive(Clone, Copy, Default)]
struct Score {
    smape: f64,
    mase: f64,
    naive_smape: f64,
    naive_mase: f64,
    inside: f64,
    msis: f64,
    seconds: f64,
}

pub(crate) fn text(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

fn load(path: &Path) -> Vec<Series> {
    let numbers = |field: &str| field.split(' ').map(|number| number.parse().unwrap()).collect();
    text(path)
        .lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split(',');
            fields.next();
            Series { train: numbers(fields.next().unwrap()), test: numbers(fields.next().unwrap()) }
        })
        .collect()
}

/// The seasonality test of Naive2: autocorrelation at the season against 90 % of Bartlett's bound.
fn is_seasonal(values: &[f64], season: usize) -> bool {
    if season < 2 || values.len() < 3 * season {
        return false;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let r = |lag: usize| values.iter().zip(&values[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / variance;
    let squares: f64 = (1..season).map(|lag| r(lag).powi(2)).sum();
    r(season).abs() > 1.645 * ((1.0 + 2.0 * squares) / values.len() as f64).sqrt()
}

/// Multiplicative seasonal indices by classical decomposition.
fn indices(values: &[f64], season: usize) -> Vec<f64> {
    let half = season / 2;
    let mut sums = vec![(0.0, 0.0); season];
    for t in half..values.len() - half {
        let window = &values[t - half..=t + half];
        let trend = if season.is_multiple_of(2) {
            (window.iter().sum::<f64>() - 0.5 * (window[0] + window[2 * half])) / season as f64
        } else {
            window.iter().sum::<f64>() / season as f64
        };
        sums[t % season].0 += values[t] / trend;
        sums[t % season].1 += 1.0;
    }
    let raw: Vec<f64> = sums.iter().map(|(sum, count)| sum / count).collect();
    let mean = raw.iter().sum::<f64>() / season as f64;
    raw.iter().map(|index| index / mean).collect()
}

fn naive2(values: &[f64], season: usize, horizon: usize) -> Vec<f64> {
    let n = values.len();
    if !is_seasonal(values, season) {
        return vec![values[n - 1]; horizon];
    }
    let index = indices(values, season);
    let level = values[n - 1] / index[(n - 1) % season];
    (0..horizon).map(|h| level * index[(n + h) % season]).collect()
}

fn smape(said: &[f64], came: &[f64]) -> f64 {
    said.iter().zip(came).map(|(s, c)| 2.0 * (s - c).abs() / (s.abs() + c.abs())).sum::<f64>() / came.len() as f64 * 100.0
}

fn score(series: &Series, horizon: usize, season: usize, step_us: i64) -> Score {
    let (train, test) = (&series.train, &series.test);
    let started = std::time::Instant::now();
    let said = forecast(train, step_us, &Options::new(horizon)).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let naive = naive2(train, season, horizon);
    let scale = train.iter().zip(&train[season..]).map(|(a, b)| (a - b).abs()).sum::<f64>() / (train.len() - season) as f64;
    let mae = |said: &[f64]| said.iter().zip(test).map(|(s, c)| (s - c).abs()).sum::<f64>() / horizon as f64;
    let (mut inside, mut width) = (0.0, 0.0);
    for ((&low, &high), &came) in said.lower.iter().zip(&said.upper).zip(test) {
        inside += f64::from((low..=high).contains(&came));
        width += high - low + 40.0 * ((low - came).max(0.0) + (came - high).max(0.0));
    }
    Score {
        smape: smape(&said.mean, test),
        mase: mae(&said.mean) / scale,
        naive_smape: smape(&naive, test),
        naive_mase: mae(&naive) / scale,
        inside: inside / horizon as f64,
        msis: width / horizon as f64 / scale,
        seconds,
    }
}

fn table(name: &str, scores: &[Score]) {
    let n = scores.len() as f64;
    let mean = |part: fn(&Score) -> f64| scores.iter().map(part).sum::<f64>() / n;
    let (smape, mase, msis) = (mean(|s| s.smape), mean(|s| s.mase), mean(|s| s.msis));
    let owa = 0.5 * (smape / mean(|s| s.naive_smape) + mase / mean(|s| s.naive_mase));
    println!(
        "{name:22} n={n:4} OWA {owa:.3}  sMAPE {smape:6.3} ({:.3})  MASE {mase:.3} ({:.3})  coverage {:.1} %  MSIS {msis:6.2}  {:.1} ms",
        mean(|s| s.naive_smape),
        mean(|s| s.naive_mase),
        100.0 * mean(|s| s.inside),
        1000.0 * mean(|s| s.seconds)
    );
}

pub(crate) fn run(data: &Path, part: &str, horizon: usize, season: usize) {
    let mut series = load(&data.join(format!("m4_{part}.csv.gz")));
    if let Some(keep) = std::env::args().nth(3).and_then(|s| s.parse::<usize>().ok()) {
        for one in &mut series {
            let from = one.train.len().saturating_sub(keep);
            one.train.drain(..from);
        }
    }
    let step_us = if part == "hourly" { 3_600_000_000 } else { 7 * 86_400_000_000 };
    let scores: Vec<Score> = series.par_iter().map(|one| score(one, horizon, season, step_us)).collect();
    table(&format!("M4 {part}"), &scores);
    // Two halves by a fixed shuffle show how much the figures vary. Both were looked at while the method was built: neither is a test of it.
    let (one, other): (Vec<_>, Vec<_>) = scores.iter().enumerate().partition(|(i, _)| (i.wrapping_mul(2_654_435_761) >> 16) & 1 == 0);
    table("  first half", &one.iter().map(|(_, s)| **s).collect::<Vec<_>>());
    table("  second half", &other.iter().map(|(_, s)| **s).collect::<Vec<_>>());
}
