//! One job of the rayon pool: blocks in, Arrow batches out.

use std::borrow::Cow;
use std::collections::HashSet;

use arrow::array::RecordBatch;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::shard::StoredBlock;
use super::tables::KnownSeries;
use super::templates::{JobTemplates, Templates};
use crate::batch::{LogColumns, SampleColumns, SeriesColumns, SeriesDescription};
use crate::clock::{DAY_US, Stopwatch};
use crate::parse::remote_write::{self, WriteVisitor};
use crate::parse::{Context, JsonFields, parse_json_line, parse_syslog};
use crate::record::{BlockKind, FrameBlock, Label, LineError, LogRecord, Receipt, SeriesId, series_id};
use crate::self_metrics::{self, Outcome, PARSE_ERRORS, PARSE_SECONDS, PARSED_ROWS};
use crate::wal;

/// Line errors told to one sender: enough to see what is wrong, without an answer as large as the request.
const MAX_REPORTED_ERRORS: usize = 100;

/// What became of a run of blocks.
#[derive(Debug)]
pub(super) struct ParsedBlocks {
    pub(super) logs: Option<RecordBatch>,
    pub(super) samples: Option<RecordBatch>,
    pub(super) series: Option<RecordBatch>,
    pub(super) last_sequence: wal::Sequence,
    pub(super) permits: Vec<OwnedSemaphorePermit>,
    pub(super) reports: Vec<(oneshot::Sender<Receipt>, Receipt)>,
}

/// Parses blocks of one shard, which are all logs or all metrics. Without `templates` lines get no `template_id`.
pub(super) fn parse_blocks(blocks: Vec<StoredBlock>, known_series: &KnownSeries, templates: Option<&Templates>) -> ParsedBlocks {
    let started = Stopwatch::start();
    let last_sequence = blocks.last().map_or(0, |stored| stored.sequence);
    let mut parsed = ParsedBlocks { logs: None, samples: None, series: None, last_sequence, permits: Vec::new(), reports: Vec::new() };
    let frames = blocks.iter().map(|stored| stored.block.frames.len()).sum();
    if blocks.first().is_some_and(|stored| stored.block.kind.is_metrics()) {
        let mut metrics = MetricColumns::new(known_series);
        for stored in blocks {
            let receipt = metrics.add_block(&stored.block);
            parsed.permits.push(stored.permit);
            parsed.reports.extend(stored.report.map(|report| (report, receipt)));
        }
        (parsed.samples, parsed.series) = metrics.finish();
    } else {
        let mut columns = LogColumns::with_capacity(frames);
        let received_at_us = blocks.iter().map(|stored| stored.block.received_at_us).max().unwrap_or(0);
        let mut lines = templates.map(|templates| templates.job(received_at_us));
        for stored in blocks {
            let receipt = add_log_block(&mut columns, lines.as_mut(), &stored.block);
            parsed.permits.push(stored.permit);
            parsed.reports.extend(stored.report.map(|report| (report, receipt)));
        }
        if let (Some(lines), Some(templates)) = (lines, templates) {
            columns.set_template_ids(lines.learn(templates));
        }
        PARSED_ROWS.add(columns.len() as u64);
        parsed.logs = finished(columns.finish());
    }
    PARSE_SECONDS.record(started.elapsed());
    parsed
}

/// Column builders fail only when their columns differ in length.
fn finished(batch: Result<RecordBatch, arrow::error::ArrowError>) -> Option<RecordBatch> {
    match batch {
        Ok(batch) => Some(batch),
        Err(error) => unreachable!("BUG: a batch does not fit its own schema: {error}"),
    }
}

/// Outcomes of one block's lines, for the ledger.
#[derive(Debug, Default)]
struct Outcomes {
    accepted: (u64, u64),
    parse_error: (u64, u64),
    truncated: (u64, u64),
    future: (u64, u64),
}

impl Outcomes {
    fn add(tally: &mut (u64, u64), frame: &[u8]) {
        tally.0 += 1;
        tally.1 += frame.len() as u64;
    }

    fn account(&self, source: &str) {
        for (outcome, (items, bytes)) in [
            (Outcome::Accepted, self.accepted),
            (Outcome::ParseError, self.parse_error),
            (Outcome::Truncated, self.truncated),
            (Outcome::Future, self.future),
        ] {
            self_metrics::account(source, outcome, items, bytes);
        }
        PARSE_ERRORS.add(self.parse_error.0);
    }
}

fn add_log_block(columns: &mut LogColumns, mut lines: Option<&mut JobTemplates>, block: &FrameBlock) -> Receipt {
    let context = Context { received_at_us: block.received_at_us, zone: block.origin.zone };
    let json_fields = (block.kind == BlockKind::JsonLines).then(|| JsonFields::from_hints(&block.origin.hints));
    let mut outcomes = Outcomes::default();
    let mut errors = Vec::new();
    let mut cut = block.cut.iter().peekable();
    let mut scratch = String::new();
    columns.begin_block(&block.data, &block.origin, block.received_at_us);
    for (index, frame) in block.iter().enumerate() {
        let mut record = match &json_fields {
            Some(fields) => parse_json_line(frame, &context, fields),
            None => parse_syslog(frame, &context, &mut scratch),
        };
        if let Some(cut) = cut.next_if(|cut| cut.frame as usize == index) {
            mark_cut(&mut record, frame.len(), cut.original_length);
            Outcomes::add(&mut outcomes.truncated, frame);
        } else if let Some(error) = &record.parse_error {
            Outcomes::add(&mut outcomes.parse_error, frame);
            if errors.len() < MAX_REPORTED_ERRORS {
                errors.push(LineError { line: index as u64 + 1, error: error.to_string() });
            }
        } else if record.timestamp_us.is_some_and(|at_us| at_us > block.received_at_us + DAY_US) {
            Outcomes::add(&mut outcomes.future, frame);
        } else {
            Outcomes::add(&mut outcomes.accepted, frame);
        }
        columns.push(&record, frame);
        if let Some(lines) = &mut lines {
            let at_us = record.timestamp_us.unwrap_or(block.received_at_us);
            lines.push(record.app.as_deref().unwrap_or(""), &record.message, at_us, record.severity);
        }
    }
    outcomes.account(&block.origin.source);
    Receipt { accepted: block.frames.len() as u64, errors }
}

/// A cut line keeps what arrived of it, and says how long it was.
fn mark_cut(record: &mut LogRecord<'_>, kept: usize, original_length: u64) {
    record.parse_error = Some(Cow::Owned(format!("cut at {kept} of {original_length} bytes")));
}

/// Samples, and the series that were not known when they were met; the append settles which of those are new.
struct MetricColumns<'k> {
    samples: SampleColumns,
    series: SeriesColumns,
    known: &'k KnownSeries,
    new: HashSet<SeriesId>,
    received_at_us: i64,
}

impl<'k> MetricColumns<'k> {
    fn new(known: &'k KnownSeries) -> Self {
        Self { samples: SampleColumns::default(), series: SeriesColumns::default(), known, new: HashSet::new(), received_at_us: 0 }
    }

    fn add_block(&mut self, block: &FrameBlock) -> Receipt {
        self.received_at_us = block.received_at_us;
        let before = self.samples.len();
        for request in block.iter() {
            // The request was checked before it was stored; what the check counted as invalid is left out again here.
            if let Err(error) = remote_write::decode_write_request(request, self) {
                tracing::error!(%error, "BUG: a stored remote-write request cannot be read");
            }
        }
        let samples = (self.samples.len() - before) as u64;
        self_metrics::account(&block.origin.source, Outcome::Accepted, samples, block.data.len() as u64);
        PARSED_ROWS.add(samples);
        Receipt { accepted: samples, errors: Vec::new() }
    }

    fn finish(mut self) -> (Option<RecordBatch>, Option<RecordBatch>) {
        let series = (!self.new.is_empty()).then(|| finished(self.series.finish())).flatten();
        (finished(self.samples.finish()), series)
    }
}

impl WriteVisitor for MetricColumns<'_> {
    fn series(&mut self, labels: &[Label<'_>], samples: &[(i64, f64)]) {
        let id = series_id(labels);
        let known = |known: &KnownSeries| known.read().unwrap_or_else(std::sync::PoisonError::into_inner).contains(&id);
        if !self.new.contains(&id) && !known(self.known) {
            // Remote write 1.0 tells kinds and units only now and then, apart from the samples.
            let series = SeriesDescription { series_id: id, labels, kind: None, unit: None, first_seen_us: self.received_at_us };
            if self.series.push(&series) {
                self.new.insert(id);
            }
        }
        for (timestamp_ms, value) in samples {
            self.samples.push(id, timestamp_ms.saturating_mul(1000), *value);
        }
    }
}
