//! Errors as RFC 9457 problem documents: what happened, the detail, what to do about it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::document::Complaint;

/// An error as the caller sees it.
#[derive(Debug, Clone, Serialize)]
pub struct ApiError {
    /// The status's own words.
    pub title: String,
    /// HTTP status code.
    pub status: u16,
    /// What happened.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// Each thing that is wrong, by its field, where a document was sent that has many.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub complaints: Vec<Complaint>,
    /// When to come again, in seconds, as the header says.
    #[serde(skip)]
    pub retry_after_s: Option<u64>,
}

impl ApiError {
    /// An error with this status.
    pub fn new(status: StatusCode, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error").to_owned();
        Self { title, status: status.as_u16(), detail: detail.into(), hint: hint.into(), complaints: Vec::new(), retry_after_s: None }
    }

    /// 400: the request is not what the route takes.
    pub fn bad_request(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail, hint)
    }

    /// 404 for a path that is no route.
    pub(super) async fn no_such_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is nothing at this path", "GET /api/v1/openapi.json lists the routes")
    }

    /// 405 for a method that a path does not have.
    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not have this method", "GET /api/v1/openapi.json lists the routes")
    }

    /// The same as a handler.
    pub(super) async fn no_such_method() -> Self {
        Self::method_not_allowed()
    }
}

/// Longest answer of the framework's own; its words are a line.
const MAX_FRAMEWORK_TEXT: usize = 4 << 10;

/// Gives the errors that the framework answers by itself (a body over its limit, one that broke off) the form of all
/// others.
pub(super) async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_plain = content_type.is_none_or(|value| value.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !is_plain {
        return response;
    }
    let text = axum::body::to_bytes(response.into_body(), MAX_FRAMEWORK_TEXT).await.unwrap_or_default();
    let detail = match String::from_utf8_lossy(&text).trim() {
        "" => "the request was refused".to_owned(),
        text => text.to_owned(),
    };
    let hint = if status == StatusCode::PAYLOAD_TOO_LARGE { "send it in smaller pieces" } else { "" };
    ApiError::new(status, detail, hint).into_response()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let retry_after_s = self.retry_after_s.or((status == StatusCode::SERVICE_UNAVAILABLE).then_some(1));
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
