//! `/health`, `/ready`, `/metrics` and `POST /api/v1/flush`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{ApiError, ApiState};
use crate::self_metrics;

/// The process answers.
pub(super) async fn health() -> Response {
    json(r#"{"status":"ok"}"#)
}

/// The process takes work. The listener opens only after the log was replayed, so an answer means ready.
pub(super) async fn ready() -> Response {
    json(r#"{"status":"ready"}"#)
}

/// Prometheus text format.
pub(super) async fn metrics() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], self_metrics::render()).into_response()
}

/// Writes and commits all fresh rows, and answers when other programs can read them.
pub(super) async fn flush(State(state): State<ApiState>) -> Result<Response, ApiError> {
    match state.flush.flush().await {
        Ok(()) => Ok(json(r#"{"status":"committed"}"#)),
        Err(detail) => Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, detail, "the rows are safe in the log and are tried again")),
    }
}

fn json(body: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
