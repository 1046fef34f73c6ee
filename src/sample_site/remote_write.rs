//! Scrapes as Prometheus remote write 1.0 requests.
//!
//! `WriteRequest { repeated TimeSeries timeseries = 1 }`, `TimeSeries { repeated Label labels = 1; repeated Sample
//! samples = 2 }`, `Label { string name = 1; string value = 2 }`, `Sample { double value = 1; int64 timestamp = 2 }`, with
//! time stamps in milliseconds and labels sorted by name (Prometheus remote-write specification 1.0). The encoder is
//! written by hand because four messages do not earn a code generator.

use super::metrics::{LabelSet, Scrape};
use super::series_run::SeriesRun;
use crate::clock::TimestampUs;

/// Field 1, length-delimited: `WriteRequest.timeseries`, `TimeSeries.labels`, `Label.name`.
const FIELD_1_BYTES: u8 = 0x0A;
/// Field 2, length-delimited: `TimeSeries.samples`, `Label.value`.
const FIELD_2_BYTES: u8 = 0x12;
/// Field 1, 64 bits: `Sample.value`.
const FIELD_1_FIXED64: u8 = 0x09;
/// Field 2, varint: `Sample.timestamp`.
const FIELD_2_VARINT: u8 = 0x10;

/// Field 1, fixed 64 bits, and field 2, a varint: a `Sample` without its time stamp.
const SAMPLE_BYTES: usize = 1 + 8 + 1;

/// One uncompressed `WriteRequest` with a series for each sample of the scrape. The HTTP body is this, compressed as one
/// Snappy block.
pub fn encode_write_request(scrape: &Scrape) -> Vec<u8> {
    let mut out = Vec::with_capacity(scrape.series.iter().map(|sample| sample.labels.encoded.len() + 32).sum());
    for sample in &scrape.series {
        encode_series(&mut out, &sample.labels, &[(scrape.time_us, sample.value)]);
    }
    out
}

/// One uncompressed `WriteRequest` with all samples of each series.
pub fn encode_series_runs(runs: &[SeriesRun]) -> Vec<u8> {
    let mut out = Vec::new();
    for run in runs {
        encode_series(&mut out, &run.labels, &run.samples);
    }
    out
}

fn encode_series(out: &mut Vec<u8>, labels: &LabelSet, samples: &[(TimestampUs, f64)]) {
    let millis = |time_us: TimestampUs| (time_us / 1_000) as u64;
    let sample_length = |time_us: TimestampUs| SAMPLE_BYTES + varint_length(millis(time_us));
    let framed = |length: usize| 1 + varint_length(length as u64) + length;
    let length = labels.encoded.len() + samples.iter().map(|sample| framed(sample_length(sample.0))).sum::<usize>();
    out.push(FIELD_1_BYTES);
    varint(out, length as u64);
    out.extend_from_slice(&labels.encoded);
    for (time_us, value) in samples {
        out.push(FIELD_2_BYTES);
        varint(out, sample_length(*time_us) as u64);
        out.push(FIELD_1_FIXED64);
        out.extend_from_slice(&value.to_le_bytes());
        out.push(FIELD_2_VARINT);
        varint(out, millis(*time_us));
    }
}

/// The label fields of a `TimeSeries`, which are the same in every request.
pub(super) fn encode_labels(sorted: &[(String, String)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in sorted {
        let field_length = |text: &str| 1 + varint_length(text.len() as u64) + text.len();
        out.push(FIELD_1_BYTES);
        varint(&mut out, (field_length(name) + field_length(value)) as u64);
        for (field, text) in [(FIELD_1_BYTES, name), (FIELD_2_BYTES, value)] {
            out.push(field);
            varint(&mut out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
    }
    out
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn varint_length(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample_site::{Site, SiteConfig, series_runs};

    /// Reads a message into its fields: number, and bytes or integer.
    fn fields(mut bytes: &[u8]) -> Vec<(u64, Result<&[u8], u64>)> {
        fn read(bytes: &mut &[u8]) -> u64 {
            let mut number = 0;
            for shift in (0..64).step_by(7) {
                let byte = bytes[0];
                *bytes = &bytes[1..];
                number |= u64::from(byte & 0x7F) << shift;
                if byte < 0x80 {
                    break;
                }
            }
            number
        }
        let mut all = Vec::new();
        while !bytes.is_empty() {
            let key = read(&mut bytes);
            let value = match key & 7 {
                0 => Err(read(&mut bytes)),
                1 => {
                    let (head, tail) = bytes.split_at(8);
                    bytes = tail;
                    Ok(head)
                }
                2 => {
                    let length = read(&mut bytes) as usize;
                    let (head, tail) = bytes.split_at(length);
                    bytes = tail;
                    Ok(head)
                }
                other => panic!("wire type {other}"),
            };
            all.push((key >> 3, value));
        }
        all
    }

    #[test]
    fn a_request_reads_back_as_the_scrape() {
        let config = SiteConfig { seed: 5, start_us: 1_791_158_400_000_000, days: 1, metrics_step_s: 60, log_rate: 1.0 };
        let site = Site::new(config.clone()).unwrap();
        let scrape = site.metrics(config.start_us, site.end_us()).nth(40).unwrap();
        let request = encode_write_request(&scrape);
        let series = fields(&request);
        assert_eq!(series.len(), scrape.series.len());
        for ((number, body), sample) in series.into_iter().zip(&scrape.series) {
            assert_eq!(number, 1);
            let parts = fields(body.unwrap());
            let (last, labels) = parts.split_last().unwrap();
            let pairs: Vec<(String, String)> = labels
                .iter()
                .map(|(number, label)| {
                    assert_eq!(*number, 1);
                    let text = |part: &(u64, Result<&[u8], u64>)| String::from_utf8(part.1.unwrap().to_vec()).unwrap();
                    let parts = fields(label.unwrap());
                    (text(&parts[0]), text(&parts[1]))
                })
                .collect();
            assert_eq!(pairs, sample.labels.pairs());
            assert!(pairs.is_sorted());
            let measured = fields(last.1.unwrap());
            assert_eq!(f64::from_le_bytes(measured[0].1.unwrap().try_into().unwrap()), sample.value);
            assert_eq!(measured[1].1, Err((scrape.time_us / 1_000) as u64));
        }
    }

    #[test]
    fn a_request_with_runs_reads_back_as_their_samples() {
        let config = SiteConfig { seed: 5, start_us: 1_791_158_400_000_000, days: 1, metrics_step_s: 60, log_rate: 1.0 };
        let site = Site::new(config).unwrap();
        let scrapes: Vec<Scrape> = site.capacity_history(2).collect();
        let runs = series_runs(&scrapes);
        let request = encode_series_runs(&runs);
        let series = fields(&request);
        assert!(series.len() == runs.len() && runs.len() > 100);
        for ((number, body), run) in series.into_iter().zip(&runs) {
            assert_eq!(number, 1);
            let parts = fields(body.unwrap());
            let (labels, samples) = parts.split_at(run.labels.pairs().len());
            assert!(labels.iter().all(|part| part.0 == 1));
            let read: Vec<(i64, f64)> = samples
                .iter()
                .map(|(number, sample)| {
                    assert_eq!(*number, 2);
                    let parts = fields(sample.unwrap());
                    (parts[1].1.unwrap_err() as i64 * 1_000, f64::from_le_bytes(parts[0].1.unwrap().try_into().unwrap()))
                })
                .collect();
            assert_eq!(read, run.samples);
        }
    }
}
