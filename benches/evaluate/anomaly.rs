//! The metric detector on the labelled development series and on simulated clean ones, with the shipped defaults.

use std::io;
use std::path::Path;
use std::time::Instant;

use watchroom::anomaly::{DEFAULT_THRESHOLD, Detector, Reading, infer_period, threshold_for};

use crate::clean::{self, Dice, Shape};
use crate::labelled_series::{self, LabelledSeries};
use crate::nab::{self, Outcome};
use crate::vus;

/// Weeks of a simulated series (a year, so that both clock changes fall into it) and their number: 10,036 series-weeks.
const CLEAN_WEEKS: i64 = 52;
const CLEAN_SERIES: u64 = 193;
/// Thresholds of the curve.
const CURVE: [f64; 11] = [2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.1, DEFAULT_THRESHOLD, 3.3, 3.5, 4.0];
/// One SMD metric in this many, to keep the run short.
const SMD_STEP: usize = 2;

/// Prints all tables.
///
/// # Errors
/// When the data cannot be read.
pub(crate) fn run(data: &Path) -> io::Result<()> {
    println!("metric detector, default threshold {DEFAULT_THRESHOLD}");
    let series = labelled_series::nab(data)?;
    let readings: Vec<Vec<Reading>> = series.iter().map(read_all).collect();
    nab_table(&series, &readings);
    println!("\nother sets, at the default threshold (rows after the training part; alarms outside labels are false)");
    other_set("cloud-monitoring", &labelled_series::row_labelled(data, "cloud-monitoring")?);
    other_set("kpi", &labelled_series::row_labelled(data, "kpi")?);
    other_set("asd, by metric", &labelled_series::machines(data, "asd", 300)?);
    let smd: Vec<_> = labelled_series::machines(data, "smd", 60)?.into_iter().step_by(SMD_STEP).collect();
    other_set("smd, by metric", &smd);
    clean_table(&series, &readings);
    steps();
    throughput();
    Ok(())
}

fn read_all(series: &LabelledSeries) -> Vec<Reading> {
    let mut detector = Detector::new(infer_period(&series.points));
    series.points.iter().map(|point| detector.update(point.0, point.1)).collect()
}

/// Alarms at any threshold: the bar only reads the evidence, so that readings can be used again.
fn alarms(readings: &[Reading], threshold: f64) -> Vec<bool> {
    let mut detector = Detector::new(300);
    readings.iter().map(|reading| detector.alarm(reading, threshold)).collect()
}

fn outcome(series: &[LabelledSeries], readings: &[Vec<Reading>], rows: &[usize], threshold: f64) -> Outcome {
    let mut sum = Outcome::default();
    for &row in rows {
        sum.add(&nab::score(&series[row], &alarms(&readings[row], threshold)));
    }
    sum
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn vus_of(series: &LabelledSeries, readings: &[Reading]) -> f64 {
    let from = series.unlabelled_rows;
    let scores: Vec<f64> = readings[from..].iter().map(|reading| reading.score).collect();
    let windows: Vec<_> = series.windows.iter().map(|window| (window.0 - from, window.1 - from)).collect();
    vus::vus_pr(&scores, &windows)
}

fn print_outcome(name: &str, outcome: &Outcome, vus: f64) {
    let [standard, low_positives, low_negatives] = outcome.scores();
    println!(
        "{name:<26} {standard:6.1} {low_positives:6.1} {low_negatives:6.1}  {:3}/{:<3} {:8.3}  {:5.2} {vus:6.3}",
        outcome.caught,
        outcome.windows,
        outcome.false_alarms_a_week(),
        outcome.median_delay()
    );
}

fn nab_table(series: &[LabelledSeries], readings: &[Vec<Reading>]) {
    println!("\nNAB                       standard low FP low FN  windows false/wk delay  VUS-PR (borders to {})", vus::LONGEST_BORDER);
    let every: Vec<usize> = (0..series.len()).collect();
    let print = |name: &str, rows: &[usize]| {
        let labelled = rows.iter().filter(|row| !series[**row].windows.is_empty());
        let vus: Vec<f64> = labelled.map(|row| vus_of(&series[*row], &readings[*row])).collect();
        print_outcome(name, &outcome(series, readings, rows, DEFAULT_THRESHOLD), mean(&vus));
    };
    print("all development files", &every);
    for seed in 0..3 {
        let mut rows = every.clone();
        let mut dice = Dice::new(seed);
        for place in (1..rows.len()).rev() {
            rows.swap(place, (dice.bits() % (place as u64 + 1)) as usize);
        }
        let (one, other) = rows.split_at(rows.len() / 2);
        print(&format!("random half {seed}a"), one);
        print(&format!("random half {seed}b"), other);
    }
    for folder in ["artificial", "realAdExchange", "realAWS", "realTraffic"] {
        let rows: Vec<usize> = every.iter().copied().filter(|row| series[*row].name.contains(folder)).collect();
        print(folder, &rows);
    }
}

fn other_set(name: &str, set: &[LabelledSeries]) {
    let (mut sum, mut vus) = (Outcome::default(), Vec::new());
    for series in set {
        let readings = read_all(series);
        sum.add(&nab::score(series, &alarms(&readings, DEFAULT_THRESHOLD)));
        vus.push(vus_of(series, &readings));
    }
    let (one, other): (Vec<_>, Vec<_>) = vus.iter().enumerate().partition(|(at, _)| at % 2 == 0);
    let half = |part: Vec<(usize, &f64)>| mean(&part.into_iter().map(|(_, vus)| *vus).collect::<Vec<_>>());
    println!(
        "{name:<26} {:4} series  VUS-PR {:.3} (halves {:.3} {:.3})  labelled spans with an alarm {}/{}  false/wk {:.3}",
        set.len(),
        mean(&vus),
        half(one),
        half(other),
        sum.caught,
        sum.windows,
        sum.false_alarms_a_week()
    );
}

/// Alarms of one simulated series by threshold, in the first week and after.
fn clean_counts(seed: u64) -> Vec<[usize; 2]> {
    let mut dice = Dice::new(seed);
    let shape = Shape::draw(&mut dice, CLEAN_WEEKS);
    let points = shape.points(&mut dice, CLEAN_WEEKS, clean::STEP_S);
    let mut detector = Detector::new(clean::STEP_S as u32);
    let readings: Vec<Reading> = points.iter().map(|point| detector.update(point.0, point.1)).collect();
    let week = |row: usize| usize::from(points[row].0 - points[0].0 >= 604_800);
    CURVE
        .iter()
        .map(|threshold| {
            let mut counts = [0; 2];
            let raised = alarms(&readings, *threshold);
            raised.iter().enumerate().filter(|(_, alarm)| **alarm).for_each(|(row, _)| counts[week(row)] += 1);
            counts
        })
        .collect()
}

fn clean_table(series: &[LabelledSeries], readings: &[Vec<Reading>]) {
    println!("\nclean series: {CLEAN_SERIES} of {CLEAN_WEEKS} weeks, alarms a series-week; NAB beside it at the same threshold");
    println!("threshold    all  first week   later   NAB standard low FP low FN  windows false/wk");
    let run = |from: u64| (from..CLEAN_SERIES).step_by(2).map(clean_counts).collect::<Vec<_>>();
    let counts: Vec<_> = std::thread::scope(|scope| {
        let other = scope.spawn(|| run(1));
        let mut counts = run(0);
        counts.extend(other.join().unwrap_or_default());
        counts
    });
    let rows: Vec<usize> = (0..series.len()).collect();
    for (at, threshold) in CURVE.iter().enumerate() {
        let first: usize = counts.iter().map(|count| count[at][0]).sum();
        let later: usize = counts.iter().map(|count| count[at][1]).sum();
        let (series_count, weeks) = (CLEAN_SERIES as f64, CLEAN_WEEKS as f64);
        let outcome = outcome(series, readings, &rows, *threshold);
        let [standard, low_positives, low_negatives] = outcome.scores();
        println!(
            "{threshold:8.2}  {:6.4} {:9.3} {:9.4}          {standard:6.1} {low_positives:6.1} {low_negatives:6.1}  {:3}/{:<3} {:8.3}",
            (first + later) as f64 / series_count / weeks,
            first as f64 / series_count,
            later as f64 / series_count / (weeks - 1.0),
            outcome.caught,
            outcome.windows,
            outcome.false_alarms_a_week()
        );
    }
    let words = [1.0, 4.0, 20.0, 52.0].map(|weeks| format!("{weeks} weeks {:.2}", threshold_for(weeks, 300)));
    println!("threshold_for at 300 s: {}", words.join(", "));
}

/// Delay after a step of five standard deviations of the noise, in the fifth week of clean series.
fn steps() {
    let (mut delays, mut missed) = (Vec::new(), 0);
    for seed in 0..200 {
        let mut dice = Dice::new(10_000 + seed);
        let shape = Shape::draw(&mut dice, 5);
        let mut points = shape.points(&mut dice, 5, clean::STEP_S);
        let at = points.len() * 9 / 10 + (seed as usize * 7) % 200;
        points[at..].iter_mut().for_each(|point| point.1 += 5.0 * shape.deviation());
        let mut detector = Detector::new(clean::STEP_S as u32);
        let alarms: Vec<bool> = points
            .iter()
            .map(|point| {
                let reading = detector.update(point.0, point.1);
                detector.alarm(&reading, DEFAULT_THRESHOLD)
            })
            .collect();
        match alarms[at..].iter().take(288).position(|alarm| *alarm) {
            Some(delay) => delays.push(delay + 1),
            None => missed += 1,
        }
    }
    delays.sort_unstable();
    let place = |share: f64| delays.get((delays.len() as f64 * share) as usize).copied().unwrap_or(0);
    println!("\nsteps of 5 sigma: median delay {} samples, 90 % within {}, not within a day {missed} of 200", place(0.5), place(0.9));
}

#[allow(clippy::disallowed_methods)]
fn throughput() {
    let mut dice = Dice::new(77);
    let shape = Shape::draw(&mut dice, 8);
    let points = shape.points(&mut dice, 8, clean::STEP_S);
    let mut detectors: Vec<Detector> = (0..64).map(|_| Detector::new(clean::STEP_S as u32)).collect();
    let mut alarms = 0;
    let begin = Instant::now();
    for point in &points {
        for detector in &mut detectors {
            let reading = detector.update(point.0, point.1);
            alarms += usize::from(detector.alarm(&reading, DEFAULT_THRESHOLD));
        }
    }
    let count = (points.len() * detectors.len()) as f64;
    let rate = count / begin.elapsed().as_secs_f64() / 1e6;
    let saved = detectors[0].to_bytes().len();
    println!(
        "throughput on one core: {rate:.2} M points/s over 64 series in turn ({alarms} alarms); state {} bytes in memory, {saved} saved",
        size_of::<Detector>()
    );
}
