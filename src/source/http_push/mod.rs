//! Endpoints that take events over HTTP: a file a protocol, the same limits and answers for all.
//!
//! An answer of 2xx means that everything in the request is on disk. 503 with `Retry-After` means that nothing of it was
//! stored and it may be sent again whole; 413 and 400 mean that sending it again will not help.

mod idempotency;
mod jsonline;
mod lines;
mod remote_write;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;

use super::body::{self, BodyError, BodyLimits};
use super::{MAX_LINE_BYTES_CEILING, SourceContext, TimeZones};
use crate::record::{FrameBlock, IntakeError, Receipt};

pub use idempotency::IdempotencyKeys;
pub use remote_write::{Decompress, RequestCheck, RequestSummary};

/// What the endpoints need.
#[derive(Debug, Clone)]
pub struct PushState {
    /// Where blocks go.
    pub context: SourceContext,
    /// Limits of one request.
    pub limits: BodyLimits,
    /// Longest line kept whole, in bytes.
    pub max_line_bytes: usize,
    /// Zones of time stamps that state none.
    pub zones: std::sync::Arc<TimeZones>,
    /// Checks a remote-write request before it is stored (the parser's own code, given by the pipeline).
    pub remote_write: std::sync::Arc<dyn RequestCheck>,
    /// Requests that were stored a moment ago.
    pub keys: std::sync::Arc<IdempotencyKeys>,
}

/// The routes `POST /insert/jsonline`, `POST /insert/syslog` and `POST /api/v1/write`.
pub fn routes(state: PushState) -> Router {
    // The extractor's own limit is one byte above ours, so that ours answers, with a reason.
    let body_limit = DefaultBodyLimit::max(state.limits.compressed_bytes + 1);
    debug_assert!(state.max_line_bytes <= MAX_LINE_BYTES_CEILING);
    Router::new()
        .route("/insert/jsonline", post(jsonline::insert))
        .route("/insert/syslog", post(lines::insert_syslog))
        .route("/api/v1/write", post(remote_write::write))
        .layer(body_limit)
        .with_state(state)
}

/// Why a push was not taken. `Display` is for the sender's log: what happened, the detail, what to do.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The body cannot be read.
    #[error("{0}")]
    Body(#[from] BodyError),
    /// The pipeline did not take it.
    #[error("{0}")]
    Intake(#[from] IntakeError),
    /// The content is not what the protocol says.
    #[error("{0}")]
    Invalid(String),
}

impl IntoResponse for PushError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Body(BodyError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyError::UnknownEncoding(_)) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(BodyError::Corrupt { .. }) | Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Intake(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let retry_after = match &self {
            Self::Intake(IntakeError::Overloaded { retry_after_seconds }) => Some(*retry_after_seconds),
            Self::Intake(_) => Some(5),
            _ => None,
        };
        let body = serde_json::json!({ "title": status.canonical_reason(), "status": status.as_u16(), "detail": self.to_string() });
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The body without its `Content-Encoding`, decompressed away from the runtime's threads when it is large.
async fn decoded_body(headers: &HeaderMap, body: Bytes, limits: BodyLimits) -> Result<Bytes, PushError> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("unreadable").to_owned());
    if encoding.is_none() {
        return Ok(body::decompress(body, None, &limits)?);
    }
    let decompressed = tokio::task::spawn_blocking(move || body::decompress(body, encoding.as_deref(), &limits)).await;
    match decompressed {
        Ok(result) => Ok(result?),
        // The task is cancelled only when the runtime ends.
        Err(_) => Err(IntakeError::ShuttingDown.into()),
    }
}

/// Stores a block, unless the request's key says that it is stored already.
async fn store_once(state: &PushState, path: &str, headers: &HeaderMap, block: FrameBlock) -> Result<Receipt, PushError> {
    let SourceContext { intake, clock, .. } = &state.context;
    let stored = match IdempotencyKeys::of(path, headers) {
        Some(key) => state.keys.store_once(key, block, intake.clone(), clock.now_us()).await,
        None => intake.take_durably(block).await,
    };
    Ok(stored?)
}

/// `{"accepted": n, "errors": [{"line", "error"}]}`.
fn receipt_json(receipt: &Receipt) -> Response {
    let body = serde_json::json!({ "accepted": receipt.accepted, "errors": receipt.errors });
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
