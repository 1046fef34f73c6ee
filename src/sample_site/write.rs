//! The site as files. Compression and folders are the caller's.

use std::io::{self, Write};

use serde::Serialize;

use super::capacity_label::CapacityLabel;
use super::hosts::Host;
use super::incident::Incident;
use super::metrics::Scrape;
use super::series_run::{SeriesRun, series_runs};
use super::site::Site;
use super::slow_change::WEEK_US;
use crate::clock::{HOUR_US, TimestampUs};

/// Writes the log events of `[from_us, to_us)`, one syslog message a line, in the order of time. Returns their number.
///
/// # Errors
/// What the writer reports.
pub fn write_logs(site: &Site, from_us: TimestampUs, to_us: TimestampUs, out: &mut impl Write) -> io::Result<u64> {
    let mut lines = 0;
    for event in site.events(from_us, to_us) {
        out.write_all(&event.line)?;
        out.write_all(b"\n")?;
        lines += 1;
    }
    Ok(lines)
}

/// Writes the scrapes of `[from_us, to_us)` as JSON lines, one series and hour a line, in the order of time:
/// `{"metric":{"__name__":"up",...},"values":[1,...],"timestamps":[1791158400000,...]}` with time stamps in
/// milliseconds, as VictoriaMetrics exports and imports them. Returns the number of samples.
///
/// # Errors
/// What the writer reports.
pub fn write_metrics_jsonl(site: &Site, from_us: TimestampUs, to_us: TimestampUs, out: &mut impl Write) -> io::Result<u64> {
    let mut samples = 0;
    let mut hour_start_us = from_us;
    while hour_start_us < to_us {
        let hour_end_us = (hour_start_us + HOUR_US).min(to_us);
        samples += write_runs(site.metrics(hour_start_us, hour_end_us).collect(), out)?;
        hour_start_us = hour_end_us;
    }
    Ok(samples)
}

/// Writes the past of what capacity is asked about in the same form, one series and four weeks a line. Returns the number of samples.
///
/// # Errors
/// What the writer reports.
pub fn write_capacity_jsonl(site: &Site, days: u32, out: &mut impl Write) -> io::Result<u64> {
    let mut samples = 0;
    let mut history = site.capacity_history(days).peekable();
    while let Some(first) = history.peek() {
        let end_us = first.time_us + 4 * WEEK_US;
        let mut scrapes = Vec::new();
        while let Some(scrape) = history.next_if(|scrape| scrape.time_us < end_us) {
            scrapes.push(scrape);
        }
        samples += write_runs(scrapes, out)?;
    }
    Ok(samples)
}

/// Writes a line for each series, in the order of the hosts' names. Returns the number of samples.
fn write_runs(mut scrapes: Vec<Scrape>, out: &mut impl Write) -> io::Result<u64> {
    // Stable, so each host's scrapes stay in the order of time.
    scrapes.sort_by_key(|scrape| scrape.host);
    let mut samples = 0;
    for run in series_runs(&scrapes) {
        write_run(&run, out)?;
        samples += run.samples.len() as u64;
    }
    Ok(samples)
}

/// One line of JSON.
fn write_run(run: &SeriesRun, out: &mut impl Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line {
        metric: serde_json::Map<String, serde_json::Value>,
        values: Vec<Number>,
        timestamps: Vec<i64>,
    }
    /// Whole numbers without the `.0`.
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Number {
        Whole(i64),
        Broken(f64),
    }
    let number = |value: f64| {
        // Below 2^53 every whole f64 is an i64.
        if value.fract() == 0.0 && value.abs() < 9e15 { Number::Whole(value as i64) } else { Number::Broken(value) }
    };
    let line = Line {
        metric: run.labels.pairs().iter().map(|(name, value)| (name.clone(), value.clone().into())).collect(),
        values: run.samples.iter().map(|sample| number(sample.1)).collect(),
        timestamps: run.samples.iter().map(|sample| sample.0 / 1_000).collect(),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

/// Writes a scrape in the text format of Prometheus, with time stamps in milliseconds.
///
/// # Errors
/// What the writer reports.
pub fn write_metrics_text(scrape: &Scrape, out: &mut impl Write) -> io::Result<()> {
    for sample in &scrape.series {
        // No label of the site holds a quotation mark, a backslash or a line break: nothing to escape.
        let labels: Vec<String> =
            sample.labels.pairs().iter().filter(|pair| pair.0 != "__name__").map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        writeln!(out, "{}{{{}}} {} {}", sample.labels.name(), labels.join(","), sample.value, scrape.time_us / 1_000)?;
    }
    Ok(())
}

/// Writes `labels.json`: what the site was made from, its hosts, the planted incidents with their traces, and what a report on
/// capacity must find.
///
/// # Errors
/// What the writer reports.
pub fn write_labels_json(site: &Site, out: &mut impl Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Labels<'a> {
        seed: u64,
        start_us: TimestampUs,
        end_us: TimestampUs,
        metrics_step_s: u32,
        log_rate: f64,
        hosts: &'a [Host],
        incidents: &'a [Incident],
        capacity: Vec<CapacityLabel>,
    }
    let config = site.config();
    let labels = Labels {
        seed: config.seed,
        start_us: config.start_us,
        end_us: site.end_us(),
        metrics_step_s: config.metrics_step_s,
        log_rate: config.log_rate,
        hosts: site.hosts(),
        incidents: site.incidents(),
        capacity: site.capacity_labels(),
    };
    serde_json::to_writer_pretty(&mut *out, &labels)?;
    out.write_all(b"\n")
}
