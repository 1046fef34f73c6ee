//! `watchroom detect`: the metric detector over a file, without a server.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::{input, series_file};
use crate::anomaly::detect_series;

/// Options of `detect`.
#[derive(Debug, Args)]
pub(super) struct DetectOptions {
    /// CSV file with a header and the columns `timestamp` (ISO 8601 or Unix time) and `value`, one series; `-` reads stdin
    file: PathBuf,
    /// Seconds between two points; the median spacing if not given
    #[arg(long, value_name = "SECONDS")]
    period: Option<u32>,
}

/// Prints `timestamp,value,score,alarm`, a row for each of the file, in its order. `score` is comparable across series,
/// `alarm` is 1 where the one default threshold is passed.
pub(super) fn run(options: &DetectOptions) -> anyhow::Result<ExitCode> {
    let rows = series_file::read(input::open(&options.file)?).with_context(|| format!("{} cannot be judged", options.file.display()))?;
    let points: Vec<(i64, f64)> = rows.iter().map(|row| (row.timestamp_s, row.value)).collect();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut print = || -> std::io::Result<()> {
        writeln!(out, "timestamp,value,score,alarm")?;
        for (row, (score, alarm)) in rows.iter().zip(detect_series(&points, options.period)) {
            writeln!(out, "{},{},{score:.4},{}", row.timestamp, row.text, u8::from(alarm))?;
        }
        out.flush()
    };
    match print() {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        result => result.map(|()| ExitCode::SUCCESS).context("the answer cannot be written"),
    }
}
