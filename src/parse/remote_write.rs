//! Prometheus remote write 1.0: the protobuf message `prometheus.WriteRequest`, read in place and handed on series by series.
//!
//! ```text
//! WriteRequest    1 repeated TimeSeries · 3 repeated MetricMetadata
//! TimeSeries      1 repeated Label · 2 repeated Sample · 3 exemplars, 4 histograms (not kept; histograms are counted)
//! Label           1 name · 2 value
//! Sample          1 double value · 2 int64 timestamp in ms
//! MetricMetadata  1 type · 2 metric family name · 4 help · 5 unit
//! ```
//!
//! Nothing is copied: labels borrow from the request, and one buffer each for labels and samples serves all series. The specification
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec/>) asks for the valid samples to be written and the invalid ones to be
//! refused: a series that it forbids is counted by reason and left out, the others are visited.

use super::wire::{Fields, Value, WireError};
use crate::record::Label;

/// The label that holds a metric's name.
const NAME: &str = "__name__";

/// Takes what a request holds, in its order.
pub trait WriteVisitor {
    /// A series: its labels, sorted by name, each once, none with an empty value; and its samples as (timestamp in ms, value), at least one.
    fn series(&mut self, labels: &[Label<'_>], samples: &[(i64, f64)]);

    /// What a metric family is: `counter`, `gauge`, ... and its unit, which is often empty. Most receivers have no use for it.
    fn metadata(&mut self, _name: &str, _kind: &'static str, _unit: &str) {}
}

/// Samples that were left out, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InvalidSamples {
    /// The series has no `__name__`.
    pub no_metric_name: u64,
    /// A label has no name, or one with a NUL.
    pub bad_label_name: u64,
    /// Two labels have the same name.
    pub duplicate_label: u64,
    /// A label is not UTF-8.
    pub not_utf8: u64,
}

impl InvalidSamples {
    /// All samples that were left out.
    pub fn total(&self) -> u64 {
        self.no_metric_name + self.bad_label_name + self.duplicate_label + self.not_utf8
    }
}

/// What a request held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteSummary {
    /// Series visited.
    pub series: u64,
    /// Samples visited.
    pub samples: u64,
    /// Samples left out.
    pub invalid: InvalidSamples,
    /// Native histograms, which are not kept.
    pub histograms: u64,
    /// Entries of metadata visited.
    pub metadata: u64,
}

/// A request that cannot be read at all; nothing behind the place of the error was visited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteWriteError {
    /// The body is not the protobuf message.
    #[error(
        "the body is not a Prometheus remote write 1.0 request ({0}); check that the sender uses protobuf message prometheus.WriteRequest"
    )]
    Malformed(&'static str),
    /// The body is not snappy.
    #[error("the body is not snappy-compressed ({0}); send it with Content-Encoding: snappy, block format")]
    Snappy(String),
    /// The body says that it is larger, decompressed, than is allowed.
    #[error("the body is {claimed} bytes decompressed, more than the limit of {limit}; send smaller batches (max_samples_per_send)")]
    TooLarge {
        /// Decompressed size that the body claims.
        claimed: usize,
        /// Decompressed size that is allowed.
        limit: usize,
    },
}

impl From<WireError> for RemoteWriteError {
    fn from(WireError(detail): WireError) -> Self {
        Self::Malformed(detail)
    }
}

/// Decompresses a request body (snappy block format). The length that its head claims is checked against `max_bytes` before anything is
/// allocated.
pub fn decompress_snappy(compressed: &[u8], max_bytes: usize) -> Result<Vec<u8>, RemoteWriteError> {
    let claimed = snap::raw::decompress_len(compressed).map_err(|error| RemoteWriteError::Snappy(error.to_string()))?;
    if claimed > max_bytes {
        return Err(RemoteWriteError::TooLarge { claimed, limit: max_bytes });
    }
    snap::raw::Decoder::new().decompress_vec(compressed).map_err(|error| RemoteWriteError::Snappy(error.to_string()))
}

/// Reads a decompressed request and hands every valid series to `visitor`.
///
/// On a structural error the visitor has seen the series before it: a caller that must take all or nothing keeps them aside until the end.
pub fn decode_write_request(body: &[u8], visitor: &mut impl WriteVisitor) -> Result<WriteSummary, RemoteWriteError> {
    let mut summary = WriteSummary::default();
    let mut buffers = Buffers { labels: Vec::with_capacity(32), samples: Vec::with_capacity(16) };
    let mut request = Fields(body);
    while let Some((number, value)) = request.next()? {
        match (number, value) {
            (1, Value::Bytes(series)) => buffers.read_series(series, visitor, &mut summary)?,
            (3, Value::Bytes(metadata)) => {
                read_metadata(metadata, visitor)?;
                summary.metadata += 1;
            }
            _ => {}
        }
    }
    Ok(summary)
}

/// What is wrong with a series' labels.
#[derive(Debug, Clone, Copy)]
enum Fault {
    NoMetricName,
    BadLabelName,
    DuplicateLabel,
    NotUtf8,
}

/// Reused from series to series.
struct Buffers<'a> {
    labels: Vec<Label<'a>>,
    samples: Vec<(i64, f64)>,
}

impl<'a> Buffers<'a> {
    fn read_series(&mut self, body: &'a [u8], visitor: &mut impl WriteVisitor, summary: &mut WriteSummary) -> Result<(), RemoteWriteError> {
        self.labels.clear();
        self.samples.clear();
        let mut fault = None;
        let mut fields = Fields(body);
        while let Some((number, value)) = fields.next()? {
            match (number, value) {
                (1, Value::Bytes(label)) => match read_label(label)? {
                    Ok(label) => self.labels.push(label),
                    Err(bad) => fault = fault.or(Some(bad)),
                },
                (2, Value::Bytes(sample)) => self.samples.push(read_sample(sample)?),
                (4, Value::Bytes(_)) => summary.histograms += 1,
                _ => {}
            }
        }
        let count = self.samples.len() as u64;
        match fault.or_else(|| self.order_labels().err()) {
            Some(Fault::NoMetricName) => summary.invalid.no_metric_name += count,
            Some(Fault::BadLabelName) => summary.invalid.bad_label_name += count,
            Some(Fault::DuplicateLabel) => summary.invalid.duplicate_label += count,
            Some(Fault::NotUtf8) => summary.invalid.not_utf8 += count,
            None if count == 0 => {}
            None => {
                visitor.series(&self.labels, &self.samples);
                summary.series += 1;
                summary.samples += count;
            }
        }
        Ok(())
    }

    /// Sorts the labels if the sender has not, and checks them as a set. A label with an empty value is the same as none.
    fn order_labels(&mut self) -> Result<(), Fault> {
        let ascending = |labels: &[Label<'_>]| labels.windows(2).all(|pair| pair[0].name < pair[1].name);
        if !ascending(&self.labels) {
            self.labels.sort_unstable_by(|a, b| a.name.cmp(b.name));
            if !ascending(&self.labels) {
                return Err(Fault::DuplicateLabel);
            }
        }
        if self.labels.iter().any(|label| label.value.is_empty()) {
            self.labels.retain(|label| !label.value.is_empty());
        }
        if self.labels.iter().any(|label| label.name == NAME) { Ok(()) } else { Err(Fault::NoMetricName) }
    }
}

#[inline]
fn read_label(body: &[u8]) -> Result<Result<Label<'_>, Fault>, WireError> {
    let (mut name, mut value) = (&[][..], &[][..]);
    let mut fields = Fields(body);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Value::Bytes(bytes)) => name = bytes,
            (2, Value::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    let (Ok(name), Ok(value)) = (std::str::from_utf8(name), std::str::from_utf8(value)) else {
        return Ok(Err(Fault::NotUtf8));
    };
    // The identity of a series is a hash of names and values with NULs between them.
    let sound = !name.is_empty() && !name.as_bytes().contains(&0);
    Ok(if sound { Ok(Label { name, value }) } else { Err(Fault::BadLabelName) })
}

#[inline]
fn read_sample(body: &[u8]) -> Result<(i64, f64), WireError> {
    let mut sample = (0, 0.0); // proto3 leaves zeros out
    let mut fields = Fields(body);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Value::Fixed64(bytes)) => sample.1 = f64::from_le_bytes(bytes),
            (2, Value::Varint(timestamp_ms)) => sample.0 = timestamp_ms.cast_signed(),
            _ => {}
        }
    }
    Ok(sample)
}

fn read_metadata(body: &[u8], visitor: &mut impl WriteVisitor) -> Result<(), WireError> {
    let (mut name, mut kind, mut unit) = ("", "unknown", "");
    let mut fields = Fields(body);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Value::Varint(code)) => kind = kind_name(code),
            (2, Value::Bytes(bytes)) => name = std::str::from_utf8(bytes).unwrap_or(""),
            (5, Value::Bytes(bytes)) => unit = std::str::from_utf8(bytes).unwrap_or(""),
            _ => {}
        }
    }
    visitor.metadata(name, kind, unit);
    Ok(())
}

/// The words of `MetricMetadata.MetricType`.
fn kind_name(code: u64) -> &'static str {
    match code {
        1 => "counter",
        2 => "gauge",
        3 => "histogram",
        4 => "gaugehistogram",
        5 => "summary",
        6 => "info",
        7 => "stateset",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Labels and samples.
    type SeenSeries = (Vec<(String, String)>, Vec<(i64, f64)>);

    #[derive(Default)]
    struct Seen {
        series: Vec<SeenSeries>,
        metadata: Vec<(String, &'static str, String)>,
    }

    impl WriteVisitor for Seen {
        fn series(&mut self, labels: &[Label<'_>], samples: &[(i64, f64)]) {
            let labels = labels.iter().map(|label| (label.name.to_owned(), label.value.to_owned())).collect();
            self.series.push((labels, samples.to_vec()));
        }

        fn metadata(&mut self, name: &str, kind: &'static str, unit: &str) {
            self.metadata.push((name.to_owned(), kind, unit.to_owned()));
        }
    }

    fn varint(mut value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
        out
    }

    fn message(number: u64, body: &[u8]) -> Vec<u8> {
        [varint(number << 3 | 2), varint(body.len() as u64), body.to_vec()].concat()
    }

    fn label(name: &[u8], value: &[u8]) -> Vec<u8> {
        message(1, &[message(1, name), message(2, value)].concat())
    }

    fn sample(timestamp_ms: i64, value: f64) -> Vec<u8> {
        message(2, &[vec![0x09], value.to_le_bytes().to_vec(), vec![0x10], varint(timestamp_ms.cast_unsigned())].concat())
    }

    fn decode(body: &[u8]) -> (Result<WriteSummary, RemoteWriteError>, Seen) {
        let mut seen = Seen::default();
        (decode_write_request(body, &mut seen), seen)
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn series_come_with_sorted_labels_and_all_samples() {
        let first = [
            label(b"job", b"node"),
            label(b"__name__", b"up"),
            label(b"empty", b""),
            sample(1_700_000_000_000, 1.0),
            sample(-5, f64::INFINITY),
        ];
        let second = [label(b"__name__", b"load1"), message(2, &[])];
        let body = [message(1, &first.concat()), message(1, &second.concat()), message(9, b"future"), vec![0x10, 7]].concat();
        let (summary, seen) = decode(&body);
        assert_eq!(summary.unwrap(), WriteSummary { series: 2, samples: 3, ..WriteSummary::default() });
        assert_eq!(seen.series[0].0, pairs(&[("__name__", "up"), ("job", "node")]));
        assert_eq!(seen.series[0].1, [(1_700_000_000_000, 1.0), (-5, f64::INFINITY)]);
        assert_eq!(seen.series[1].1, [(0, 0.0)], "an empty sample message is a zero at the epoch");
    }

    #[test]
    fn forbidden_series_are_counted_and_the_others_visited() {
        let series = |labels: &[Vec<u8>]| message(1, &[labels.concat(), sample(1, 1.0), sample(2, 2.0)].concat());
        let body = [
            series(&[label(b"job", b"x")]),
            series(&[label(b"__name__", b"")]),
            series(&[label(b"__name__", b"a"), label(b"", b"x")]),
            series(&[label(b"__name__", b"a"), label(b"a\0", b"x")]),
            series(&[label(b"__name__", b"a"), label(b"j", b"x"), label(b"j", b"y")]),
            series(&[label(b"__name__", b"a\xff")]),
            series(&[label(b"__name__", b"good")]),
        ];
        let (summary, seen) = decode(&body.concat());
        let invalid = InvalidSamples { no_metric_name: 4, bad_label_name: 4, duplicate_label: 2, not_utf8: 2 };
        assert_eq!(summary.unwrap(), WriteSummary { series: 1, samples: 2, invalid, ..WriteSummary::default() });
        assert_eq!(invalid.total(), 12);
        assert_eq!(seen.series[0].0, pairs(&[("__name__", "good")]));
    }

    #[test]
    fn stale_markers_keep_their_bits() {
        let stale = f64::from_bits(0x7ff0_0000_0000_0002);
        let body = message(1, &[label(b"__name__", b"up"), sample(1, stale)].concat());
        assert_eq!(decode(&body).1.series[0].1[0].1.to_bits(), 0x7ff0_0000_0000_0002);
    }

    #[test]
    fn metadata_and_histograms_are_told() {
        let metadata = [vec![0x08, 1], message(2, b"http_requests_total"), message(4, b"help"), message(5, b"requests")].concat();
        let series = [label(b"__name__", b"h"), message(4, b"")].concat();
        let (summary, seen) = decode(&[message(3, &metadata), message(1, &series)].concat());
        assert_eq!(summary.unwrap(), WriteSummary { metadata: 1, histograms: 1, ..WriteSummary::default() });
        assert_eq!(seen.metadata, [("http_requests_total".to_owned(), "counter", "requests".to_owned())]);
    }

    #[test]
    fn a_cut_body_is_an_error() {
        let body = message(1, &[label(b"__name__", b"up"), sample(1, 1.0)].concat());
        assert!(matches!(decode(&body[..body.len() - 1]).0, Err(RemoteWriteError::Malformed(_))));
    }

    #[test]
    fn a_claimed_size_is_refused_before_it_is_allocated() {
        // 4 GiB - 1, claimed in five bytes.
        let bomb = [0xff, 0xff, 0xff, 0xff, 0x0f, 0];
        assert_eq!(decompress_snappy(&bomb, 1 << 20), Err(RemoteWriteError::TooLarge { claimed: 0xffff_ffff, limit: 1 << 20 }));
        let text = b"the same, the same, the same".repeat(20);
        let compressed = snap::raw::Encoder::new().compress_vec(&text).unwrap();
        assert_eq!(decompress_snappy(&compressed, text.len()).unwrap(), text);
        assert!(matches!(decompress_snappy(&compressed, text.len() - 1), Err(RemoteWriteError::TooLarge { .. })));
        assert!(matches!(decompress_snappy(b"\x05hello", 100), Err(RemoteWriteError::Snappy(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&body);
            let _ = decompress_snappy(&body, 4_096);
        }

        #[test]
        fn what_was_written_is_read(values in prop::collection::vec((any::<i64>(), -1e300..1e300_f64), 1..20), name in "[a-z]{1,9}", value in "\\PC{1,9}") {
            let mut series = [label(b"__name__", b"m"), label(name.as_bytes(), value.as_bytes())].concat();
            for (at, number) in &values {
                series.extend(sample(*at, *number));
            }
            let (summary, seen) = decode(&message(1, &series));
            prop_assert_eq!(summary.unwrap().samples, values.len() as u64);
            prop_assert_eq!(&seen.series[0].1, &values);
            prop_assert_eq!(&seen.series[0].0, &pairs(&[("__name__", "m"), (&name, &value)]));
        }
    }
}
