//! `watchroom ingest`: files and stdin, at least once, from where it stopped.
//!
//! Lines are sent in pieces of some megabytes; each is on the server's disk before the position in the file is noted. So a
//! run that is cut off goes on where it stopped, and repeats at most the one piece whose answer it did not see.

mod lines;
mod positions;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use self::lines::{LineReader, Piece};
use self::positions::Positions;
use super::connection::{Connection, error_text};
use super::server_options::ClientOptions;
use super::terminal;
use crate::clock::Stopwatch;
use crate::record::Zone;

/// A server that stays overloaded or away for this long ends the command; the position is kept.
const PATIENCE: Duration = Duration::from_secs(120);

/// Options of `ingest`.
#[derive(Debug, Args)]
pub(super) struct IngestOptions {
    /// Log files, plain, gzip or zstd; `-` reads stdin
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What a line is
    #[arg(long, value_enum, default_value_t = LineFormat::Auto)]
    format: LineFormat,
    /// Zone of time stamps that state none: Europe/Vienna, +02:00 [default: the server's `syslog.time_zone`]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<Zone>,
    /// Begin at the start of each file, whatever was sent before
    #[arg(long)]
    from_start: bool,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LineFormat {
    /// JSON where a piece's first line begins with `{`, else syslog
    Auto,
    Syslog,
    Json,
}

/// What was sent.
#[derive(Debug, Default)]
struct Sent {
    lines: u64,
    bytes: u64,
    not_understood: u64,
    resumed_bytes: u64,
}

/// Sends the files, one after the other.
pub(super) async fn run(options: IngestOptions) -> anyhow::Result<ExitCode> {
    let connection = Connection::open(&options.client).await?;
    let started = Stopwatch::start();
    let mut sent = Sent::default();
    let result = send_all(&connection, &options, &mut sent).await;
    connection.close().await;
    report(&sent, started.elapsed_seconds());
    result.map(|()| ExitCode::SUCCESS)
}

fn report(sent: &Sent, seconds: f64) {
    let rate = sent.lines as f64 / seconds.max(1e-3);
    let mut text = format!("{} lines ({} bytes) stored in {seconds:.1} s, {rate:.0} lines/s", sent.lines, sent.bytes);
    if sent.not_understood > 0 {
        text.push_str(&format!("; {} or more of them no grammar took: SELECT parse_error, raw FROM logs", sent.not_understood));
    }
    if sent.resumed_bytes > 0 {
        text.push_str(&format!("; {} bytes were sent before and skipped (--from-start sends them again)", sent.resumed_bytes));
    }
    let _ = terminal::print(&format!("{text}\n"));
}

async fn send_all(connection: &Connection, options: &IngestOptions, sent: &mut Sent) -> anyhow::Result<()> {
    let mut positions = Positions::load(connection.name());
    for file in &options.files {
        let name = file.display().to_string();
        send_file(connection, options, file, &mut positions, sent).await.with_context(|| format!("{name} was not sent to its end"))?;
    }
    Ok(())
}

async fn send_file(
    connection: &Connection,
    options: &IngestOptions,
    file: &Path,
    positions: &mut Positions,
    sent: &mut Sent,
) -> anyhow::Result<()> {
    let mut reader = LineReader::open(file)?;
    let key = reader.key().cloned();
    let start = match &key {
        Some(key) if !options.from_start => positions.get(key),
        _ => 0,
    };
    let progress = terminal::byte_progress(reader.size_bytes());
    progress.set_message(file.display().to_string());
    // A compressed file is read up to the position: there is no other way in.
    reader.skip_to(start)?;
    sent.resumed_bytes += start;
    loop {
        let piece = tokio::task::spawn_blocking(move || {
            let piece = reader.next_piece();
            (reader, piece)
        });
        let (back, piece) = piece.await?;
        reader = back;
        let Some(Piece { lines, end }) = piece? else { break };
        progress.set_position(reader.read_bytes());
        send_piece(connection, options, lines, &progress, sent).await?;
        if let Some(key) = &key {
            positions.set(key, end)?;
        }
    }
    progress.finish_and_clear();
    Ok(())
}

async fn send_piece(
    connection: &Connection,
    options: &IngestOptions,
    lines: Bytes,
    progress: &ProgressBar,
    sent: &mut Sent,
) -> anyhow::Result<()> {
    let is_json = match options.format {
        LineFormat::Json => true,
        LineFormat::Syslog => false,
        LineFormat::Auto => lines.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{'),
    };
    let (path, content_type) = if is_json { ("/insert/jsonline", "application/x-ndjson") } else { ("/insert/syslog", "text/plain") };
    let path = match options.time_zone {
        Some(zone) => {
            format!("{path}?{}", url::form_urlencoded::Serializer::new(String::new()).append_pair("_time_zone", &zone.to_string()).finish())
        }
        None => path.to_owned(),
    };
    let waiting = Stopwatch::start();
    let receipt = loop {
        let why = match connection.post(&path, content_type, lines.clone()).await {
            Ok(answer) if answer.status().is_success() => break answer.json_value().await?,
            Ok(answer) if answer.status().as_u16() == 503 || answer.status().as_u16() == 429 => anyhow!(error_text(answer).await),
            Ok(answer) => bail!("{}", error_text(answer).await),
            Err(error) => error,
        };
        if waiting.elapsed() > PATIENCE {
            return Err(why.context(format!("the server did not take it for {} s; run the command again to go on", PATIENCE.as_secs())));
        }
        progress.suspend(|| tracing::debug!(%why, "trying again"));
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    sent.bytes += lines.len() as u64;
    sent.lines += receipt["accepted"].as_u64().unwrap_or(0);
    sent.not_understood += receipt["errors"].as_array().map_or(0, |errors| errors.len() as u64);
    Ok(())
}

/// Reads an answer's body as JSON; the client is built without that feature.
trait JsonValue {
    async fn json_value(self) -> anyhow::Result<serde_json::Value>;
}

impl JsonValue for reqwest::Response {
    async fn json_value(self) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.bytes().await?)?)
    }
}
