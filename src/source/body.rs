//! Reads request bodies: compressed or not, always bounded.
//!
//! A bomb is stopped by three limits: compressed size, decompressed size, and their ratio (CVE-2024-36129). The ratio
//! counts only from 1 MiB of output on, because a few kilobytes of blanks compress honestly by more than a hundred.

use std::io::Read;

use bytes::Bytes;

/// Limits of one request's body.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// As received, in bytes.
    pub compressed_bytes: usize,
    /// After decompression, in bytes.
    pub decompressed_bytes: usize,
    /// Largest ratio of the two.
    pub ratio: usize,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { compressed_bytes: 16 << 20, decompressed_bytes: 64 << 20, ratio: 100 }
    }
}

const RATIO_COUNTS_FROM_BYTES: usize = 1 << 20;

/// A body that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Over a limit.
    #[error("the request is too large: {what} is over {limit}; send it in smaller pieces")]
    TooLarge {
        /// Which size.
        what: &'static str,
        /// Its limit.
        limit: usize,
    },
    /// Not what `Content-Encoding` says.
    #[error("the body cannot be decompressed as {encoding}: {detail}; check the Content-Encoding header")]
    Corrupt {
        /// The encoding tried.
        encoding: &'static str,
        /// What the decoder said.
        detail: String,
    },
    /// An encoding that is not spoken here.
    #[error("Content-Encoding `{0}` is not supported; use gzip, zstd or none")]
    UnknownEncoding(String),
}

/// Undoes `Content-Encoding` within the limits.
pub(super) fn decompress(body: Bytes, encoding: Option<&str>, limits: &BodyLimits) -> Result<Bytes, BodyError> {
    if body.len() > limits.compressed_bytes {
        return Err(BodyError::TooLarge { what: "the body as sent", limit: limits.compressed_bytes });
    }
    match encoding.map(str::trim) {
        None | Some("" | "identity") => Ok(body),
        Some("gzip" | "x-gzip") => read_bounded(flate2::read::MultiGzDecoder::new(&body[..]), body.len(), "gzip", limits),
        Some("zstd") => {
            let corrupt = |error: std::io::Error| BodyError::Corrupt { encoding: "zstd", detail: error.to_string() };
            let mut decoder = zstd::stream::read::Decoder::new(&body[..]).map_err(corrupt)?;
            // A frame may ask for a window of its own choice: 2^27 is what the format recommends decoders to support.
            decoder.window_log_max(27).map_err(corrupt)?;
            read_bounded(decoder, body.len(), "zstd", limits)
        }
        Some(other) => Err(BodyError::UnknownEncoding(other.chars().take(40).collect())),
    }
}

fn read_bounded(mut decoder: impl Read, compressed: usize, encoding: &'static str, limits: &BodyLimits) -> Result<Bytes, BodyError> {
    let by_ratio = compressed.saturating_mul(limits.ratio).max(RATIO_COUNTS_FROM_BYTES);
    let limit = limits.decompressed_bytes.min(by_ratio);
    let mut out = Vec::with_capacity(limit.min(compressed.saturating_mul(4)));
    decoder
        .by_ref()
        .take(limit as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|error| BodyError::Corrupt { encoding, detail: error.to_string() })?;
    if out.len() > limit {
        return Err(BodyError::TooLarge { what: "the body after decompression", limit });
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(data: &[u8]) -> Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn round_trips() {
        let text = b"one\ntwo\n".repeat(1000);
        let limits = BodyLimits::default();
        assert_eq!(decompress(gzip(&text), Some("gzip"), &limits).unwrap(), text);
        let zstd = zstd::encode_all(&text[..], 3).unwrap();
        assert_eq!(decompress(zstd.into(), Some("zstd"), &limits).unwrap(), text);
        assert_eq!(decompress(text.clone().into(), None, &limits).unwrap(), text);
    }

    #[test]
    fn bombs_are_stopped_at_the_ratio() {
        let zeros = vec![0u8; 200 << 20];
        let limits = BodyLimits::default();
        for (bomb, encoding) in [(gzip(&zeros), "gzip"), (zstd::encode_all(&zeros[..], 3).unwrap().into(), "zstd")] {
            assert!(bomb.len() < 1 << 20);
            assert!(matches!(decompress(bomb, Some(encoding), &limits), Err(BodyError::TooLarge { .. })), "{encoding}");
        }
    }

    #[test]
    fn rubbish_and_unknown_encodings_are_named() {
        let limits = BodyLimits::default();
        assert!(matches!(decompress(Bytes::from_static(b"nonsense"), Some("gzip"), &limits), Err(BodyError::Corrupt { .. })));
        assert!(matches!(decompress(Bytes::from_static(b"x"), Some("br"), &limits), Err(BodyError::UnknownEncoding(_))));
        let cut = gzip(&b"text ".repeat(1000));
        assert!(matches!(decompress(cut.slice(..cut.len() / 2), Some("gzip"), &limits), Err(BodyError::Corrupt { .. })));
    }
}
