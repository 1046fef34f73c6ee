//! Plays the site's devices: syslog over TCP in both framings, and a metrics agent that writes remotely.

use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::net::TcpStream;

use crate::app::App;
use crate::cli::connection::{Connection, error_text};
use crate::clock::{DAY_US, HOUR_US, Stopwatch, TimestampUs};
use crate::query::QueryRequest;
use crate::sample_site::{MAX_HISTORY_DAYS, Site, encode_series_runs, encode_write_request, series_runs};

/// Connections that the hosts share; half of them count octets, half end lines.
const CONNECTIONS: usize = 4;

/// Uncompressed size at which a remote-write request is sent.
const REQUEST_BYTES: usize = 4 << 20;

/// Days of the past in a remote-write request: below 2 MiB.
const HISTORY_DAYS_A_REQUEST: i64 = 14;

/// What went out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sent {
    pub(super) log_lines: u64,
    pub(super) log_bytes: u64,
    pub(super) samples: u64,
    /// Samples of the time before the week, and how long they took.
    pub(super) history_samples: u64,
    pub(super) history_seconds: f64,
}

/// Open connections to the server.
pub(super) struct Sender {
    syslog: Vec<BufWriter<TcpStream>>,
    http: Connection,
}

impl Sender {
    pub(super) async fn connect(app: &App) -> anyhow::Result<Self> {
        let address = app.listening.syslog_tcp.as_deref().context("the server does not listen for syslog")?;
        let mut syslog = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            syslog.push(BufWriter::with_capacity(256 << 10, TcpStream::connect(address).await?));
        }
        Ok(Self { syslog, http: Connection::to(&app.listening.http)? })
    }

    /// Sends the past of what capacity is asked about, up to the beginning of the period. Returns the number of samples.
    pub(super) async fn send_history(&mut self, site: &Site, progress: impl Fn(u64)) -> anyhow::Result<u64> {
        let mut samples = 0;
        let mut history = site.capacity_history(MAX_HISTORY_DAYS).peekable();
        while let Some(first) = history.peek() {
            let end_us = first.time_us + HISTORY_DAYS_A_REQUEST * DAY_US;
            let mut scrapes = Vec::new();
            while let Some(scrape) = history.next_if(|scrape| scrape.time_us < end_us) {
                samples += scrape.series.len() as u64;
                scrapes.push(scrape);
            }
            self.write_remotely(encode_series_runs(&series_runs(&scrapes))).await?;
            let left_us = site.config().start_us - end_us;
            progress(u64::from(MAX_HISTORY_DAYS).saturating_sub((left_us / DAY_US).max(0).unsigned_abs()));
        }
        Ok(samples)
    }

    /// Sends the whole period, an hour at a time, as fast as the server takes it.
    pub(super) async fn send_past(&mut self, site: &Site, progress: impl Fn(u64)) -> anyhow::Result<Sent> {
        let mut total = Sent::default();
        let (mut from_us, end_us) = (site.config().start_us, site.end_us());
        let mut hours = 0;
        while from_us < end_us {
            let to_us = (from_us + HOUR_US).min(end_us);
            let sent = self.send(site, from_us, to_us).await?;
            total.log_lines += sent.log_lines;
            total.log_bytes += sent.log_bytes;
            total.samples += sent.samples;
            from_us = to_us;
            hours += 1;
            progress(hours);
        }
        Ok(total)
    }

    /// Sends what the site says in `[from_us, to_us)`.
    pub(super) async fn send(&mut self, site: &Site, from_us: TimestampUs, to_us: TimestampUs) -> anyhow::Result<Sent> {
        let mut sent = Sent::default();
        for event in site.events(from_us, to_us) {
            let host = site.hosts().iter().position(|host| host.name == event.host).unwrap_or(0);
            let index = host % self.syslog.len();
            let connection = &mut self.syslog[index];
            if index.is_multiple_of(2) {
                connection.write_all(&event.line).await?;
                connection.write_all(b"\n").await?;
            } else {
                connection.write_all(format!("{} ", event.line.len()).as_bytes()).await?;
                connection.write_all(&event.line).await?;
            }
            sent.log_lines += 1;
            sent.log_bytes += event.line.len() as u64;
        }
        for connection in &mut self.syslog {
            connection.flush().await?;
        }
        let mut request = Vec::new();
        for scrape in site.metrics(from_us, to_us) {
            sent.samples += scrape.series.len() as u64;
            // Requests are lists of series: one after the other they are a longer list.
            request.extend_from_slice(&encode_write_request(&scrape));
            if request.len() >= REQUEST_BYTES {
                self.write_remotely(std::mem::take(&mut request)).await?;
            }
        }
        if !request.is_empty() {
            self.write_remotely(request).await?;
        }
        Ok(sent)
    }

    async fn write_remotely(&self, request: Vec<u8>) -> anyhow::Result<()> {
        let body: bytes::Bytes = snap::raw::Encoder::new().compress_vec(&request)?.into();
        loop {
            let answer = self.http.post("/api/v1/write", "application/x-protobuf", body.clone()).await?;
            match answer.status().as_u16() {
                200..300 => return Ok(()),
                503 => tokio::time::sleep(Duration::from_millis(200)).await,
                _ => bail!("the server refused metrics: {}", error_text(answer).await),
            }
        }
    }
}

/// Syslog has no acknowledgement: this long after the last line all of it must be visible.
const VISIBLE_WITHIN: Duration = Duration::from_secs(60);

impl Sent {
    /// Waits until SQL sees every line that was sent.
    pub(super) async fn wait_until_stored(&self, app: &App) -> anyhow::Result<()> {
        let waiting = Stopwatch::start();
        loop {
            let stored = count(app, "SELECT count(*) FROM logs").await?;
            if stored >= self.log_lines {
                return Ok(());
            }
            if waiting.elapsed() > VISIBLE_WITHIN {
                bail!("only {stored} of {} lines are in the table `logs` after {} s", self.log_lines, VISIBLE_WITHIN.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The one number that a statement answers.
pub(super) async fn count(app: &App, sql: &str) -> anyhow::Result<u64> {
    let batches = app.queries.run(QueryRequest::new(sql)).await?.collect().await?;
    let column = batches.first().context("the statement answered nothing")?.column(0).clone();
    let value = datafusion::common::ScalarValue::try_from_array(&column, 0)?;
    value.to_string().parse().context("the answer is no number")
}
