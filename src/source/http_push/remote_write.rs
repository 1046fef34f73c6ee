//! `POST /api/v1/write`: Prometheus remote write 1.0 (protobuf `prometheus.WriteRequest`, snappy block format).

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::{PushError, PushState, store_once};
use crate::record::{BlockKind, FrameBlock, FrameRange, IntakeError, Origin, Zone};
use crate::self_metrics::{self, Outcome};

/// What is stored for a request: its protobuf, decompressed.
pub type Decompress = Result<Vec<u8>, String>;

/// The parser's view of a request before it is stored. Sources know no parser, so the pipeline hands one in.
pub trait RequestCheck: Send + Sync + std::fmt::Debug {
    /// Decompresses a body, which must not grow over `max_bytes`; the error is for the sender.
    fn decompress(&self, body: &[u8], max_bytes: usize) -> Decompress;

    /// Samples that can be stored and why others cannot; a structural fault is an error for the sender.
    fn check(&self, request: &[u8]) -> Result<RequestSummary, String>;
}

/// What a request holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestSummary {
    /// Samples that will be stored.
    pub valid_samples: u64,
    /// Samples that cannot be.
    pub invalid_samples: u64,
    /// Why, for the first kind of fault found.
    pub reason: Option<String>,
}

/// Stores the valid samples; then 204, or 400 if there were invalid ones (the specification's rule, so that the sender
/// does not send the valid ones again).
pub(super) async fn write(
    State(state): State<PushState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PushError> {
    check_headers(&headers)?;
    let (check, max_bytes) = (state.remote_write.clone(), state.limits.decompressed_bytes);
    let (request, summary) = match tokio::task::spawn_blocking(move || decode(check.as_ref(), &body, max_bytes)).await {
        Ok(decoded) => decoded.map_err(PushError::Invalid)?,
        Err(_) => return Err(IntakeError::ShuttingDown.into()),
    };
    let RequestSummary { valid_samples, invalid_samples, reason } = summary;
    if !request.is_empty() {
        let origin = Arc::new(Origin {
            source: "remote_write".into(),
            peer: peer.ip().to_canonical().to_string().into(),
            zone: Zone::UTC,
            hints: "".into(),
        });
        let frames = vec![FrameRange { start: 0, end: request.len() as u32 }];
        let received_at_us = state.context.clock.now_us();
        let block = FrameBlock { kind: BlockKind::RemoteWrite, origin, received_at_us, data: request.into(), frames, cut: Vec::new() };
        store_once(&state, "remote_write", &headers, block).await?;
    }
    if invalid_samples > 0 {
        self_metrics::account("remote_write", Outcome::Invalid, invalid_samples, 0);
        let reason = reason.unwrap_or_default();
        return Err(PushError::Invalid(format!(
            "{invalid_samples} samples were not stored ({reason}), {valid_samples} were; mend the labels at the sender"
        )));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn decode(check: &dyn RequestCheck, body: &[u8], max_bytes: usize) -> Result<(Vec<u8>, RequestSummary), String> {
    let request = check.decompress(body, max_bytes)?;
    let summary = check.check(&request)?;
    Ok((request, summary))
}

fn check_headers(headers: &HeaderMap) -> Result<(), PushError> {
    let value = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").trim().to_owned();
    let encoding = value(header::CONTENT_ENCODING);
    if !matches!(encoding.as_str(), "" | "snappy") {
        return Err(PushError::Invalid(format!("Content-Encoding is `{encoding}`; remote write 1.0 is sent with `snappy`")));
    }
    let content_type = value(header::CONTENT_TYPE);
    if content_type.contains("io.prometheus.write.v2") {
        let advice = "this server takes remote write 1.0; set `protobuf_message: prometheus.WriteRequest` at the sender";
        return Err(PushError::Invalid(advice.to_owned()));
    }
    Ok(())
}
