//! The site as files. Compression and folders are the caller's.

use std::io::{self, Write};

use serde::Serialize;

use super::hosts::Host;
use super::incident::Incident;
use super::metrics::Scrape;
use super::site::Site;
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
        let mut scrapes: Vec<Scrape> = site.metrics(hour_start_us, hour_end_us).collect();
        // Stable, so each host's scrapes stay in the order of time.
        scrapes.sort_by_key(|scrape| scrape.host);
        for of_host in scrapes.chunk_by(|a, b| a.host == b.host) {
            for index in 0..of_host[0].series.len() {
                write_series(out, of_host, index)?;
                samples += of_host.len() as u64;
            }
        }
        hour_start_us = hour_end_us;
    }
    Ok(samples)
}

/// One line of JSON: the series at `index` in each of the scrapes, which are of one host.
fn write_series(out: &mut impl Write, scrapes: &[Scrape], index: usize) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        metric: serde_json::Map<String, serde_json::Value>,
        values: Vec<Number>,
        timestamps: &'a [i64],
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
    let labels = &scrapes[0].series[index].labels;
    let timestamps: Vec<i64> = scrapes.iter().map(|scrape| scrape.time_us / 1_000).collect();
    let line = Line {
        metric: labels.pairs().iter().map(|(name, value)| (name.clone(), value.clone().into())).collect(),
        values: scrapes.iter().map(|scrape| number(scrape.series[index].value)).collect(),
        timestamps: &timestamps,
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

/// Writes `labels.json`: what the site was made from, its hosts, and the planted incidents with their traces.
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
    };
    serde_json::to_writer_pretty(&mut *out, &labels)?;
    out.write_all(b"\n")
}
