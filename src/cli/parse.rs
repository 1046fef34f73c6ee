//! `watchroom parse`.

use std::io::{BufRead, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::input;
use crate::clock::Clock;
use crate::parse::{Context, parse_syslog, structured_json};
use crate::record::Zone;

/// Longest line read whole; the rest of a longer one is parsed as a line of its own.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Options of `parse`.
#[derive(Debug, Args)]
pub(super) struct ParseOptions {
    /// File with a message a line, plain, gzip or zstd; `-` or nothing reads stdin
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Time of receipt (RFC 3339), which settles the year of stamps without one; default is now
    #[arg(long, value_name = "TIME")]
    received_at: Option<jiff::Timestamp>,
    /// Zone of stamps that state none: Europe/Vienna, +02:00
    #[arg(long, value_name = "ZONE", default_value = "Z")]
    time_zone: Zone,
}

/// Prints `facility severity timestamp host app pid msgid structured_data message parse_error dialect` of each line.
pub(super) fn run(options: &ParseOptions) -> anyhow::Result<ExitCode> {
    let context = Context {
        received_at_us: options.received_at.map_or_else(|| Clock::System.now_us(), jiff::Timestamp::as_microsecond),
        zone: options.time_zone,
    };
    match print_lines(input::open(&options.file)?, &context) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        result => result.map(|()| ExitCode::SUCCESS).context("parsing stopped"),
    }
}

fn print_lines(mut input: impl BufRead, context: &Context) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let (mut line, mut scratch) = (Vec::new(), String::new());
    loop {
        line.clear();
        if input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return out.flush();
        }
        let end = line.strip_suffix(b"\n").map_or(line.len(), <[u8]>::len);
        let record = parse_syslog(&line[..end], context, &mut scratch);
        serde_json::to_writer(&mut out, &structured_json(&record))?;
        out.write_all(b"\n")?;
    }
}
