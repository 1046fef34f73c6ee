//! The parser's view of a remote-write request before it is stored.

use crate::parse::remote_write::{self, InvalidSamples, WriteVisitor};
use crate::record::Label;
use crate::source::http_push::{Decompress, RequestCheck, RequestSummary};

/// Lets the push endpoint refuse what the parser could not read later.
#[derive(Debug, Clone, Copy)]
pub struct RemoteWriteCheck;

struct Ignore;

impl WriteVisitor for Ignore {
    fn series(&mut self, _labels: &[Label<'_>], _samples: &[(i64, f64)]) {}
}

impl RequestCheck for RemoteWriteCheck {
    fn decompress(&self, body: &[u8], max_bytes: usize) -> Decompress {
        remote_write::decompress_snappy(body, max_bytes).map_err(|error| error.to_string())
    }

    fn check(&self, request: &[u8]) -> Result<RequestSummary, String> {
        let summary = remote_write::decode_write_request(request, &mut Ignore).map_err(|error| error.to_string())?;
        Ok(RequestSummary { valid_samples: summary.samples, invalid_samples: summary.invalid.total(), reason: reason(&summary.invalid) })
    }
}

/// The commonest reason among the samples that were left out.
fn reason(invalid: &InvalidSamples) -> Option<String> {
    let reasons = [
        (invalid.no_metric_name, "no label `__name__`"),
        (invalid.bad_label_name, "a label without a name, or with a NUL in it"),
        (invalid.duplicate_label, "two labels of the same name"),
        (invalid.not_utf8, "a label that is not UTF-8"),
    ];
    reasons.into_iter().filter(|(count, _)| *count > 0).max().map(|(_, reason)| reason.to_owned())
}
