//! Bodies of lines: cutting them into frames, and `POST /insert/syslog`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;

use super::{PushError, PushState, decoded_body, receipt_json, store_once};
use crate::record::{BlockKind, CutFrame, FrameBlock, FrameRange, Origin, Receipt, Zone, ZoneError};
use crate::source::body::BodyError;

/// `POST /insert/syslog`: syslog messages, one a line; what `watchroom ingest` sends.
pub(super) async fn insert_syslog(
    State(state): State<PushState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PushError> {
    let body = decoded_body(&headers, body, state.limits).await?;
    let receipt = store_lines(&state, Lines { kind: BlockKind::Syslog, source: "syslog_http", peer, query, body }, &headers).await?;
    Ok(receipt_json(&receipt))
}

/// A request with lines.
pub(super) struct Lines {
    pub(super) kind: BlockKind,
    pub(super) source: &'static str,
    pub(super) peer: SocketAddr,
    pub(super) query: Option<String>,
    pub(super) body: Bytes,
}

/// Lines of one request: each takes room in the block's table, and a body of newlines must not take more than its bytes.
const MAX_LINES: usize = 1_000_000;

/// The URL's parameter for the zone of stamps that state none: `_time_zone=Europe/Vienna`.
const TIME_ZONE: &str = "_time_zone";

/// Stores the lines of a body as one block and waits for the acknowledgement.
pub(super) async fn store_lines(state: &PushState, lines: Lines, headers: &HeaderMap) -> Result<Receipt, PushError> {
    let Lines { kind, source, peer, query, body } = lines;
    let (frames, cut) = split_lines(&body, state.max_line_bytes);
    if frames.len() > MAX_LINES {
        return Err(BodyError::TooLarge { what: "the number of lines", limit: MAX_LINES }.into());
    }
    if frames.is_empty() {
        return Ok(Receipt::default());
    }
    let zone = match stated_zone(query.as_deref()) {
        Some(zone) => zone.map_err(|error| PushError::Invalid(format!("{TIME_ZONE}: {error}")))?,
        None => state.zones.of(peer.ip()),
    };
    let origin = Arc::new(Origin {
        source: source.into(),
        peer: peer.ip().to_canonical().to_string().into(),
        zone,
        hints: query.unwrap_or_default().into(),
    });
    let received_at_us = state.context.clock.now_us();
    let block = FrameBlock { kind, origin, received_at_us, data: body, frames, cut };
    store_once(state, source, headers, block).await
}

/// The zone that the request says for stamps that state none.
fn stated_zone(query: Option<&str>) -> Option<Result<Zone, ZoneError>> {
    let (_, zone) = url::form_urlencoded::parse(query?.as_bytes()).find(|(key, _)| key == TIME_ZONE)?;
    Some(zone.parse())
}

/// The non-empty lines of a body; too long ones are cut.
fn split_lines(body: &[u8], max_line_bytes: usize) -> (Vec<FrameRange>, Vec<CutFrame>) {
    let (mut frames, mut cut) = (Vec::new(), Vec::new());
    let mut start = 0;
    // The position one past the end stands for the newline that the last line may lack.
    for end in memchr::memchr_iter(b'\n', body).chain([body.len()]) {
        let trailing = body[start..end].iter().rev().take_while(|b| **b == b'\r').count();
        let length = end - trailing - start;
        if length > 0 {
            if length > max_line_bytes {
                cut.push(CutFrame { frame: frames.len() as u32, original_length: length as u64 });
            }
            frames.push(FrameRange { start: start as u32, end: (start + length.min(max_line_bytes)) as u32 });
        }
        start = end + 1;
        if start > body.len() {
            break;
        }
    }
    (frames, cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_and_without_a_last_newline() {
        for body in [&b"one\r\n\ntwo\nthree"[..], b"one\n\r\ntwo\nthree\n"] {
            let (frames, cut) = split_lines(body, 100);
            let lines: Vec<_> = frames.iter().map(|f| &body[f.start as usize..f.end as usize]).collect();
            assert_eq!(lines, [&b"one"[..], b"two", b"three"]);
            assert!(cut.is_empty());
        }
        assert!(split_lines(b"", 100).0.is_empty());
    }

    #[test]
    fn a_long_line_is_cut() {
        let (frames, cut) = split_lines(b"a\nabcdefgh\nb", 4);
        assert_eq!(frames[1], FrameRange { start: 2, end: 6 });
        assert_eq!(cut, [CutFrame { frame: 1, original_length: 8 }]);
        assert_eq!(frames.len(), 3);
    }
}
