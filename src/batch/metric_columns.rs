//! Builders of the tables `samples` and `series`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::error::ArrowError;

use super::attribute_column::AttributeColumn;
use super::text_column::{Block, TextColumn, fit};
use crate::clock::TimestampUs;
use crate::record::arrow_schema::{SAMPLES, SERIES};
use crate::record::{Label, SeriesId};

/// The label that names the metric itself.
const METRIC_NAME: &str = "__name__";

/// Labels that name a machine, in the order of preference; `instance` carries a port, which is cut off.
const HOST_LABELS: [&str; 4] = ["instance", "host", "hostname", "node"];

/// Collects measurements into the columns of [`SAMPLES`].
#[derive(Debug, Default)]
pub struct SampleColumns {
    series_id: Vec<SeriesId>,
    timestamp: Vec<TimestampUs>,
    value: Vec<f64>,
}

impl SampleColumns {
    /// A builder with room for `rows` rows; it grows when they are more.
    pub fn with_capacity(rows: usize) -> Self {
        Self { series_id: Vec::with_capacity(rows), timestamp: Vec::with_capacity(rows), value: Vec::with_capacity(rows) }
    }

    /// Adds a measurement; the value's bits are kept, those of the various NaN (stale markers) too.
    pub fn push(&mut self, series_id: SeriesId, timestamp_us: TimestampUs, value: f64) {
        self.series_id.push(series_id);
        self.timestamp.push(timestamp_us);
        self.value.push(value);
    }

    /// Rows pushed since the last [`SampleColumns::finish`].
    pub fn len(&self) -> usize {
        self.value.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }

    /// Bytes the rows keep in memory.
    pub fn byte_size(&self) -> usize {
        24 * self.value.len()
    }

    /// The rows as a batch of [`SAMPLES`]; the builder is empty afterwards.
    ///
    /// # Errors
    /// Only where a column contradicts the schema, which would be a fault of this room.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let rows = std::mem::take(self);
        let timestamp = TimestampMicrosecondArray::from(rows.timestamp).with_timezone("UTC");
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Int64Array::from(rows.series_id)), Arc::new(timestamp), Arc::new(Float64Array::from(rows.value))];
        RecordBatch::try_new(SAMPLES.clone(), columns)
    }
}

/// A metric series as it is first seen.
#[derive(Debug, Clone, Copy)]
pub struct SeriesDescription<'a> {
    /// Its identity: [`crate::record::series_id`] of `labels`.
    pub series_id: SeriesId,
    /// All labels with the metric's name among them, sorted by name.
    pub labels: &'a [Label<'a>],
    /// `counter`, `gauge`, `histogram`, ... where the sender says so.
    pub kind: Option<&'a str>,
    /// The unit where the sender says so.
    pub unit: Option<&'a str>,
    /// Time of the first sample, µs UTC.
    pub first_seen_us: TimestampUs,
}

/// Collects series into the columns of [`SERIES`].
///
/// `name` is the label `__name__` (empty without one); `host` is the label `instance` without its port, else `host`,
/// `hostname` or `node`; `labels` holds every label but `__name__`.
#[derive(Debug)]
pub struct SeriesColumns {
    series_id: Vec<SeriesId>,
    name: TextColumn,
    host: TextColumn,
    labels: AttributeColumn,
    kind: TextColumn,
    unit: TextColumn,
    first_seen: Vec<TimestampUs>,
}

impl Default for SeriesColumns {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl SeriesColumns {
    /// A builder with room for `rows` rows; it grows when they are more.
    pub fn with_capacity(rows: usize) -> Self {
        let text = || TextColumn::with_capacity(rows);
        Self {
            series_id: Vec::with_capacity(rows),
            name: text(),
            host: text(),
            labels: AttributeColumn::with_capacity(rows, false),
            kind: text(),
            unit: text(),
            first_seen: Vec::with_capacity(rows),
        }
    }

    /// Adds a series. Returns `false`, and adds nothing, where the batch holds 2 GiB of labels already.
    pub fn push(&mut self, series: &SeriesDescription<'_>) -> bool {
        let text = series.labels.iter().map(|label| label.name.len() + label.value.len()).sum();
        if !self.labels.has_room(text, series.labels.len()) {
            return false;
        }
        let none = Block::default();
        self.series_id.push(series.series_id);
        self.name.push(Some(fit(label(series.labels, METRIC_NAME).unwrap_or_default()).as_bytes()), &none);
        self.host.push(host_of(series.labels).map(|host| fit(host).as_bytes()), &none);
        for label in series.labels.iter().filter(|label| label.name != METRIC_NAME) {
            self.labels.entry("", label.name, label.value);
        }
        self.labels.end_row();
        self.kind.push(series.kind.map(|kind| fit(kind).as_bytes()), &none);
        self.unit.push(series.unit.map(|unit| fit(unit).as_bytes()), &none);
        self.first_seen.push(series.first_seen_us);
        true
    }

    /// Rows pushed since the last [`SeriesColumns::finish`].
    pub fn len(&self) -> usize {
        self.series_id.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.series_id.is_empty()
    }

    /// Bytes the rows keep in memory.
    pub fn byte_size(&self) -> usize {
        let texts: usize = [&self.name, &self.host, &self.kind, &self.unit].iter().map(|column| column.byte_size()).sum();
        texts + self.labels.byte_size() + 16 * self.len()
    }

    /// The rows as a batch of [`SERIES`]; the builder is empty afterwards.
    ///
    /// # Errors
    /// Only where a column contradicts the schema, which would be a fault of this room.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut rows = std::mem::take(self);
        let schema = &*SERIES;
        let type_of = |column: usize| schema.field(column).data_type();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(rows.series_id)),
            rows.name.finish(type_of(1))?,
            rows.host.finish(type_of(2))?,
            rows.labels.finish(type_of(3))?,
            rows.kind.finish(type_of(4))?,
            rows.unit.finish(type_of(5))?,
            Arc::new(TimestampMicrosecondArray::from(rows.first_seen).with_timezone("UTC")),
        ];
        RecordBatch::try_new(schema.clone(), columns)
    }
}

fn label<'a>(labels: &[Label<'a>], name: &str) -> Option<&'a str> {
    labels.iter().find(|label| label.name == name).map(|label| label.value)
}

/// The machine a series speaks of.
fn host_of<'a>(labels: &[Label<'a>]) -> Option<&'a str> {
    let (name, value) =
        HOST_LABELS.iter().find_map(|name| label(labels, name).filter(|value| !value.is_empty()).map(|value| (*name, value)))?;
    Some(if name == "instance" { without_port(value) } else { value })
}

/// `db01:9100` to `db01`, `[fe80::1]:9100` to `fe80::1`; an IPv6 address without brackets has no port to cut.
fn without_port(instance: &str) -> &str {
    if let Some((address, _)) = instance.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    match instance.split_once(':') {
        Some((host, port)) if !host.is_empty() && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => instance,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};

    use super::super::text_column::texts;
    use super::*;

    #[test]
    fn samples_keep_the_bits_of_their_values() {
        let stale = f64::from_bits(0x7ff0_0000_0000_0002);
        let mut columns = SampleColumns::with_capacity(2);
        columns.push(-5, 1_000, stale);
        columns.push(7, -1, -0.0);
        let batch = columns.finish().unwrap();
        assert!(columns.is_empty());
        let values = batch.column(2).as_primitive::<arrow::datatypes::Float64Type>();
        assert_eq!(values.value(0).to_bits(), stale.to_bits());
        assert_eq!(values.value(1).to_bits(), (-0.0_f64).to_bits());
    }

    #[test]
    fn a_series_takes_name_and_host_from_its_labels() {
        let labels = [
            Label { name: "__name__", value: "node_cpu_seconds_total" },
            Label { name: "cpu", value: "0" },
            Label { name: "instance", value: "db01:9100" },
        ];
        let mut columns = SeriesColumns::with_capacity(1);
        assert!(columns.push(&SeriesDescription { series_id: 9, labels: &labels, kind: Some("counter"), unit: None, first_seen_us: 3 }));
        let batch = columns.finish().unwrap();
        assert_eq!(texts(batch.column(1)), [Some("node_cpu_seconds_total")]);
        assert_eq!(texts(batch.column(2)), [Some("db01")]);
        let entries = batch.column(3).as_map().value(0);
        let keys: Vec<_> = entries.column(0).as_string::<i32>().iter().flatten().collect();
        assert_eq!(keys, ["cpu", "instance"]);
        assert!(batch.column(5).is_null(0));
    }

    #[test]
    fn ports_are_cut_and_addresses_are_not() {
        for (instance, host) in [
            ("db01:9100", "db01"),
            ("db01", "db01"),
            ("[fe80::1]:9100", "fe80::1"),
            ("fe80::1", "fe80::1"),
            (":9100", ":9100"),
            ("http://x:80/", "http://x:80/"),
        ] {
            assert_eq!(without_port(instance), host, "{instance}");
        }
        assert_eq!(host_of(&[Label { name: "node", value: "n1" }, Label { name: "host", value: "h1" }]), Some("h1"));
        assert_eq!(host_of(&[Label { name: "job", value: "x" }]), None);
    }
}
