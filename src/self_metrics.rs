//! What Watchroom tells about itself: every metric's name stands in this file.
//!
//! Counters and gauges are atomics; latencies are HDR histograms (three significant digits, 1 µs to 5 min) and are shown
//! as Prometheus summaries. [`render`] writes the text format 0.0.4.
//!
//! The ledger is the record of what became of every item that reached a source: [`account`] adds to it, `/metrics` shows
//! the sums since the start, and the pipeline moves what is new to the store ([`drain_ledger`]), where SQL finds it as
//! `ingest_ledger`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

/// A number that only grows.
#[derive(Debug)]
pub struct Counter {
    name: &'static str,
    help: &'static str,
    value: AtomicU64,
}

impl Counter {
    const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help, value: AtomicU64::new(0) }
    }

    /// Adds `by`.
    pub fn add(&self, by: u64) {
        self.value.fetch_add(by, Ordering::Relaxed);
    }

    /// The sum since the start.
    pub fn get(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug)]
pub struct Gauge(Counter);

impl Gauge {
    const fn new(name: &'static str, help: &'static str) -> Self {
        Self(Counter::new(name, help))
    }

    /// Sets the present value.
    pub fn set(&self, value: u64) {
        self.0.value.store(value, Ordering::Relaxed);
    }

    /// Adds one, and gives the value after it.
    pub fn increment(&self) -> u64 {
        self.0.value.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes one away.
    pub fn decrement(&self) {
        self.0.value.fetch_sub(1, Ordering::Relaxed);
    }

    /// The present value.
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

/// How long something takes, as a distribution.
#[derive(Debug)]
pub struct Latency {
    name: &'static str,
    help: &'static str,
    microseconds: LazyLock<Mutex<Histogram<u64>>>,
}

impl Latency {
    const fn new(name: &'static str, help: &'static str) -> Self {
        // 1 µs to 300 s at three digits is a valid range, so the fallback histogram is never used.
        Self { name, help, microseconds: LazyLock::new(|| Mutex::new(new_histogram())) }
    }

    /// Records one duration; more than five minutes count as five.
    pub fn record(&self, duration: Duration) {
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        locked(&self.microseconds).saturating_record(microseconds.max(1));
    }

    /// The value below which the share `quantile` (0 to 1) of the durations lies, in seconds.
    pub fn quantile_seconds(&self, quantile: f64) -> f64 {
        locked(&self.microseconds).value_at_quantile(quantile) as f64 / 1e6
    }
}

fn new_histogram() -> Histogram<u64> {
    match Histogram::new_with_bounds(1, 300_000_000, 3) {
        Ok(histogram) => histogram,
        Err(error) => unreachable!("BUG: the bounds of the latency histogram are wrong: {error}"),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while counting leaves numbers that are still numbers.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

macro_rules! counters {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $help:literal;)*) => {
        $($(#[$doc])* #[doc = $help] pub static $id: Counter = Counter::new($name, $help);)*
        static COUNTERS: &[&Counter] = &[$(&$id),*];
    };
}
macro_rules! gauges {
    ($($id:ident = $name:literal, $help:literal;)*) => {
        $(#[doc = $help] pub static $id: Gauge = Gauge::new($name, $help);)*
        static GAUGES: &[&Gauge] = &[$(&$id),*];
    };
}
macro_rules! latencies {
    ($($id:ident = $name:literal, $help:literal;)*) => {
        $(#[doc = $help] pub static $id: Latency = Latency::new($name, $help);)*
        static LATENCIES: &[&Latency] = &[$(&$id),*];
    };
}

counters! {
    WAL_BYTES = "watchroom_wal_appended_bytes_total", "Bytes appended to the write-ahead log.";
    WAL_RECORDS = "watchroom_wal_appended_records_total", "Blocks appended to the write-ahead log.";
    WAL_SYNCS = "watchroom_wal_syncs_total", "Group commits (one fdatasync each).";
    PARSED_ROWS = "watchroom_parsed_rows_total", "Rows made from frames.";
    PARSE_ERRORS = "watchroom_parse_errors_total", "Rows that no grammar took wholly; they are kept, with parse_error set.";
    FLUSHED_ROWS = "watchroom_flushed_rows_total", "Rows committed to the Delta tables.";
    FLUSHED_BYTES = "watchroom_flushed_bytes_total", "Bytes of the Parquet files committed.";
    FLUSH_FAILURES = "watchroom_flush_failures_total", "Flushes that failed; their rows stay in memory and in the log, and are tried again.";
    QUERIES = "watchroom_queries_total", "SQL statements run.";
    QUERY_FAILURES = "watchroom_query_failures_total", "SQL statements that ended with an error or were refused.";
    RULE_RUNS = "watchroom_rule_runs_total", "Runs of detection rules.";
    RULE_FAILURES = "watchroom_rule_failures_total", "Runs of detection rules that failed.";
    RULE_ROWS_CUT = "watchroom_rule_rows_cut_total", "Runs of detection rules whose answer was cut for length.";
    DETECTOR_SERIES_DROPPED = "watchroom_detector_series_dropped_total", "Series whose detector was not kept because a rule has too many.";
    FINDINGS = "watchroom_findings_total", "Findings recorded.";
    TICKETS_OPENED = "watchroom_tickets_opened_total", "Tickets opened by findings.";
    HTTP_REQUESTS = "watchroom_http_requests_total", "HTTP requests answered.";
    HTTP_REFUSED = "watchroom_http_connections_refused_total", "HTTP connections refused at a connection limit.";
    UDP_KERNEL_DROPS = "watchroom_syslog_udp_kernel_drops_total", "Datagrams that the kernel dropped because the receive buffer was full.";
}

gauges! {
    SYSLOG_CONNECTIONS = "watchroom_syslog_tcp_connections", "Open syslog TCP connections.";
    HTTP_CONNECTIONS = "watchroom_http_connections", "Open HTTP connections.";
    INGEST_QUEUE_BYTES = "watchroom_ingest_queue_bytes", "Bytes taken from sources and not yet rows.";
    FRESH_BYTES = "watchroom_fresh_rows_bytes", "Memory of the rows that are not committed yet.";
    WAL_DISK_BYTES = "watchroom_wal_disk_bytes", "Size of the write-ahead log on disk.";
    SERIES = "watchroom_metric_series", "Metric series known.";
    START_TIME = "watchroom_start_time_seconds", "When the process started, Unix time.";
}

latencies! {
    WAL_SYNC_SECONDS = "watchroom_wal_sync_duration_seconds", "Duration of one group commit's fdatasync.";
    INGEST_ACK_SECONDS = "watchroom_ingest_ack_duration_seconds", "Time from a block's arrival at the pipeline to its acknowledgement.";
    PARSE_SECONDS = "watchroom_parse_duration_seconds", "Duration of one parse job (up to about 1 MiB of frames).";
    FLUSH_SECONDS = "watchroom_flush_duration_seconds", "Duration of one flush: sort, encode, sync, commit.";
    COMMIT_SECONDS = "watchroom_commit_duration_seconds", "Duration of one Delta commit.";
    QUERY_SECONDS = "watchroom_query_duration_seconds", "Duration of one SQL statement, to its last row.";
    RULE_SECONDS = "watchroom_rule_duration_seconds", "Duration of one run of a detection rule.";
}

const LEDGER_NAME: &str = "watchroom_ingest_items_total";
const LEDGER_BYTES_NAME: &str = "watchroom_ingest_bytes_total";

/// What became of an item that reached a source. The words are the `outcome` column of `ingest_ledger`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Stored, and understood by a grammar.
    Accepted,
    /// Stored whole, but no grammar took it.
    ParseError,
    /// Stored, cut to the longest line allowed.
    Truncated,
    /// Stored; its time lies more than 24 h in the future.
    Future,
    /// Refused with an error that the sender saw; nothing stored.
    Rejected,
    /// Invalid beyond keeping (a sample without a name); the sender was told.
    Invalid,
    /// Lost: the sender cannot be held back and the queue was full.
    Dropped,
}

impl Outcome {
    /// The word in labels and columns.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::ParseError => "parse_error",
            Self::Truncated => "truncated",
            Self::Future => "future",
            Self::Rejected => "rejected",
            Self::Invalid => "invalid",
            Self::Dropped => "dropped",
        }
    }
}

/// A count of items and of their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines, samples or datagrams.
    pub items: u64,
    /// Their bytes as received.
    pub bytes: u64,
}

/// A source's name (`syslog_tcp`) and what became of its items.
pub type LedgerKey = (String, Outcome);

#[derive(Debug, Default)]
struct Ledger {
    total: BTreeMap<LedgerKey, Tally>,
    new: BTreeMap<LedgerKey, Tally>,
}

static LEDGER: LazyLock<Mutex<Ledger>> = LazyLock::new(Mutex::default);

/// Adds items of a source to the ledger.
pub fn account(source: &str, outcome: Outcome, items: u64, bytes: u64) {
    if items == 0 {
        return;
    }
    let mut ledger = locked(&LEDGER);
    let Ledger { total, new } = &mut *ledger;
    for side in [total, new] {
        let tally = side.entry((source.to_owned(), outcome)).or_default();
        tally.items += items;
        tally.bytes += bytes;
    }
}

/// Takes what was added since the last call, to be written to the store.
pub fn drain_ledger() -> BTreeMap<LedgerKey, Tally> {
    std::mem::take(&mut locked(&LEDGER).new)
}

/// Gives back what could not be written, so that the next [`drain_ledger`] has it again.
pub fn return_to_ledger(unwritten: BTreeMap<LedgerKey, Tally>) {
    let mut ledger = locked(&LEDGER);
    for (key, tally) in unwritten {
        let entry = ledger.new.entry(key).or_default();
        entry.items += tally.items;
        entry.bytes += tally.bytes;
    }
}

/// Items of all sources with this outcome since the start.
pub fn ledger_items(outcome: Outcome) -> u64 {
    locked(&LEDGER).total.iter().filter(|((_, o), _)| *o == outcome).map(|(_, tally)| tally.items).sum()
}

/// Everything in the Prometheus text format 0.0.4.
pub fn render() -> String {
    let mut out = String::with_capacity(8 * 1024);
    // Writing to a String cannot fail.
    let _ = render_into(&mut out);
    out
}

fn render_into(out: &mut String) -> std::fmt::Result {
    for counter in COUNTERS {
        writeln!(out, "# HELP {0} {1}\n# TYPE {0} counter\n{0} {2}", counter.name, counter.help, counter.get())?;
    }
    for Gauge(gauge) in GAUGES {
        writeln!(out, "# HELP {0} {1}\n# TYPE {0} gauge\n{0} {2}", gauge.name, gauge.help, gauge.get())?;
    }
    for latency in LATENCIES {
        let histogram = locked(&latency.microseconds);
        writeln!(out, "# HELP {0} {1}\n# TYPE {0} summary", latency.name, latency.help)?;
        for quantile in [0.5, 0.9, 0.99, 0.999] {
            let seconds = histogram.value_at_quantile(quantile) as f64 / 1e6;
            writeln!(out, "{}{{quantile=\"{quantile}\"}} {seconds}", latency.name)?;
        }
        let count = histogram.len();
        writeln!(out, "{0}_sum {1}\n{0}_count {count}", latency.name, histogram.mean() * count as f64 / 1e6)?;
    }
    let ledger = locked(&LEDGER);
    for (name, help, bytes) in
        [(LEDGER_NAME, "What became of the items that reached a source.", false), (LEDGER_BYTES_NAME, "Their bytes as received.", true)]
    {
        writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter")?;
        for ((source, outcome), tally) in &ledger.total {
            let value = if bytes { tally.bytes } else { tally.items };
            let source = source.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            writeln!(out, "{name}{{source=\"{source}\",outcome=\"{}\"}} {value}", outcome.as_str())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_drains_once_and_keeps_its_totals() {
        account("test_source", Outcome::Dropped, 3, 30);
        let drained = drain_ledger();
        let key = ("test_source".to_owned(), Outcome::Dropped);
        assert_eq!(drained[&key], Tally { items: 3, bytes: 30 });
        return_to_ledger(drained);
        account("test_source", Outcome::Dropped, 1, 1);
        assert_eq!(drain_ledger()[&key], Tally { items: 4, bytes: 31 });
        assert!(render().contains("watchroom_ingest_items_total{source=\"test_source\",outcome=\"dropped\"} 4"));
    }

    #[test]
    fn the_text_format_has_a_help_and_a_type_for_every_name() {
        QUERY_SECONDS.record(Duration::from_millis(20));
        let text = render();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let base = name.trim_end_matches("_sum").trim_end_matches("_count");
            assert!(text.contains(&format!("# TYPE {base} ")), "{name} has no type");
        }
    }
}
