//! `watchroom sample-data`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::terminal;
use crate::sample_site::{MAX_HISTORY_DAYS, Site, SiteConfig, write_capacity_jsonl, write_labels_json, write_logs, write_metrics_jsonl};

/// Options of `sample-data`.
#[derive(Debug, Args)]
pub(super) struct SampleDataOptions {
    /// The same seed makes the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Days to make
    #[arg(long, default_value_t = 7)]
    days: u32,
    /// Folder for the files
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// First moment (RFC 3339)
    #[arg(long, value_name = "TIME", default_value = "2026-03-02T00:00:00Z")]
    start: jiff::Timestamp,
    /// Seconds between two scrapes of the metrics
    #[arg(long, default_value_t = 60)]
    metrics_step: u32,
    /// Scale of the number of log lines; 1 makes about 200,000 a week
    #[arg(long, default_value_t = 1.0)]
    log_rate: f64,
    /// Days before the first moment for which `capacity.jsonl.zst` tells the past of what capacity is asked about
    #[arg(long, value_name = "DAYS", default_value_t = MAX_HISTORY_DAYS, value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_HISTORY_DAYS)))]
    capacity_days: u32,
    /// Compression of the files (zstd): from 15 on they are a quarter smaller and take ten times as long
    #[arg(long, value_name = "LEVEL", default_value_t = 12, value_parser = clap::value_parser!(i32).range(1..=19))]
    compression: i32,
}

/// Writes `logs.syslog.zst`, `metrics.jsonl.zst`, `capacity.jsonl.zst` and `labels.json`.
pub(super) fn run(options: &SampleDataOptions) -> anyhow::Result<ExitCode> {
    let config = SiteConfig {
        seed: options.seed,
        start_us: options.start.as_microsecond(),
        days: options.days,
        metrics_step_s: options.metrics_step,
        log_rate: options.log_rate,
    };
    let site = Site::new(config)?;
    let (from_us, to_us) = (site.config().start_us, site.end_us());
    std::fs::create_dir_all(&options.out).with_context(|| format!("the folder {} cannot be made", options.out.display()))?;
    let file = |name: &str| (options.out.join(name), options.compression);
    let lines = compressed(file("logs.syslog.zst"), |out| write_logs(&site, from_us, to_us, out))?;
    let samples = compressed(file("metrics.jsonl.zst"), |out| write_metrics_jsonl(&site, from_us, to_us, out))?;
    let past = compressed(file("capacity.jsonl.zst"), |out| write_capacity_jsonl(&site, options.capacity_days, out))?;
    let labels = options.out.join("labels.json");
    write_labels_json(&site, &mut File::create(&labels)?).with_context(|| format!("{} cannot be written", labels.display()))?;
    terminal::print(&format!(
        "{lines} log lines, {samples} samples of {} hosts and {} planted incidents are in {}, with {past} samples of the {} days before them\n",
        site.hosts().len(),
        site.incidents().len(),
        options.out.display(),
        options.capacity_days
    ))?;
    Ok(ExitCode::SUCCESS)
}

type Compressor = zstd::Encoder<'static, BufWriter<File>>;

fn compressed((path, level): (PathBuf, i32), write: impl FnOnce(&mut Compressor) -> std::io::Result<u64>) -> anyhow::Result<u64> {
    let cannot = || format!("{} cannot be written", path.display());
    let file = BufWriter::new(File::create(&path).with_context(cannot)?);
    let mut encoder = zstd::Encoder::new(file, level).with_context(cannot)?;
    let result = write(&mut encoder).with_context(cannot)?;
    encoder.finish().and_then(|mut file| file.flush()).with_context(cannot)?;
    Ok(result)
}
