//! Errors as RFC 9457 problem documents: what happened, the detail, what to do about it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::document::Complaint;
use crate::store::StoreError;

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
        let (detail, hint): (String, String) = (detail.into(), hint.into());
        debug_assert!(!hint.is_empty(), "an error says what to do about it: {detail}");
        Self { title, status: status.as_u16(), detail, hint, complaints: Vec::new(), retry_after_s: None }
    }

    /// 400: the request is not what the route takes.
    pub fn bad_request(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail, hint)
    }

    /// 503: the desk's database could not be read or written.
    pub(super) fn unavailable(error: &StoreError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string(), store_hint(error))
    }

    /// 500: something ended that the request is not to blame for.
    pub(super) fn broke_off(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail, "the server's log has more; report it with that if it happens again")
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

/// What to do about the desk's database, beyond what the error says itself.
pub(super) fn store_hint(error: &StoreError) -> &'static str {
    match error {
        StoreError::DiskFull(_) => "nothing was changed; it is the disk of the folder that `data.dir` of the configuration names",
        StoreError::Busy(_) => "nothing was changed; the header Retry-After says when to come again",
        StoreError::Corrupt(_) | StoreError::Unreadable(_) => "`watchroom restore --help` says how a backup is put back",
        StoreError::NewerSchema { .. } | StoreError::ChangedMigration { .. } => {
            "`watchroom --version` says which program this is, `watchroom restore --help` how a backup is put back"
        }
        StoreError::Open { .. } => "`data.dir` of the configuration names the folder; `watchroom check` reads the configuration",
        StoreError::Other(_) => "the server's log has more",
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
    let hint = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "send it in smaller pieces",
        _ if status.is_client_error() => "GET /api/v1/openapi.json says what this route takes",
        _ => "the server's log has more",
    };
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::api::inventory::inventory_error;
    use crate::api::query_error::query_error;
    use crate::api::setup::register_error;
    use crate::api::ticket_parts::operations_error;
    use crate::api::tickets::desk_error;
    use crate::desk::{DeskError, TicketKind, TicketState};
    use crate::inventory::InventoryKind;
    use crate::operations::{InventoryError, OperationsError, RegisterError};
    use crate::query::QueryError;

    fn text() -> String {
        "text".to_owned()
    }

    fn store_errors() -> Vec<StoreError> {
        vec![
            StoreError::DiskFull(text()),
            StoreError::Busy(text()),
            StoreError::Corrupt(text()),
            StoreError::NewerSchema { found: 2, known: 1 },
            StoreError::ChangedMigration { version: 1 },
            StoreError::Open { path: "desk.sqlite".into(), detail: text() },
            StoreError::Unreadable(text()),
            StoreError::Other(text()),
        ]
    }

    fn desk_errors() -> Vec<DeskError> {
        let (number, why) = (1, text());
        let errors = vec![
            DeskError::NotFound(number),
            DeskError::NoFinding(1),
            DeskError::NoAttachment { ticket: number, id: 1 },
            DeskError::IllegalMove { from: TicketState::Closed, to: TicketState::New, allowed: &[] },
            DeskError::IllegalMove { from: TicketState::Resolved, to: TicketState::New, allowed: &[TicketState::Closed] },
            DeskError::KindStays { number, kind: TicketKind::Incident, to: TicketKind::Request, why },
            DeskError::NotOpen { number, state: TicketState::Closed },
            DeskError::Conflict { number, expected: 1, current: 2 },
            DeskError::Invalid { field: "title", why: text() },
            DeskError::Invalid { field: "Idempotency-Key", why: text() },
        ];
        let in_bulk = DeskError::InBulk { number, error: Box::new(DeskError::NotFound(number)) };
        errors.into_iter().chain([in_bulk]).chain(store_errors().into_iter().map(DeskError::Store)).collect()
    }

    fn query_errors() -> Vec<QueryError> {
        let (detail, advice, name) = (text(), text(), text());
        vec![
            QueryError::Refused { detail: detail.clone(), advice: advice.clone() },
            QueryError::Syntax { detail: detail.clone() },
            QueryError::UnknownColumn { name: name.clone(), suggestions: Vec::new(), known: Vec::new() },
            QueryError::UnknownTable { name, suggestions: Vec::new() },
            QueryError::Invalid { detail: detail.clone(), advice },
            QueryError::TimedOut { limit_ms: 1 },
            QueryError::TooManyRows { limit: 1 },
            QueryError::TooLarge { limit_bytes: 1 },
            QueryError::OutOfMemory { detail: detail.clone() },
            QueryError::Busy { limit: 1, waited_ms: 1 },
            QueryError::Internal { detail },
        ]
    }

    fn setup_errors() -> Vec<ApiError> {
        let (kind, name, complaints) = (InventoryKind::Asset, "db01".to_owned(), vec![Complaint::new("lead", "there is no such user")]);
        let of_documents = [
            RegisterError::NoKind(text()),
            RegisterError::NotFound { kind: text(), name: text() },
            RegisterError::Conflict { kind: text(), name: text(), current: 2 },
            RegisterError::Invalid(complaints.clone()),
            RegisterError::Store(StoreError::Other(text())),
        ];
        let of_records = [
            InventoryError::NotFound { kind, name: name.clone() },
            InventoryError::Conflict { kind, name, current: 2 },
            InventoryError::Invalid(complaints),
            InventoryError::Store(StoreError::Other(text())),
        ];
        of_documents.into_iter().map(register_error).chain(of_records.into_iter().map(inventory_error)).collect()
    }

    #[test]
    fn every_error_says_what_happened_and_what_to_do() {
        let passed_on = [
            OperationsError::Desk(DeskError::NotFound(1)),
            OperationsError::Store(StoreError::Other(text())),
            OperationsError::Notify(crate::notify::NotifyError::Invalid { field: "person", why: text() }),
            OperationsError::Unreadable(serde_json::from_str::<u8>("no number").unwrap_err()),
        ];
        let told = desk_errors().into_iter().map(desk_error);
        let told = told.chain(passed_on.into_iter().map(operations_error)).chain(query_errors().into_iter().map(query_error));
        for error in told.chain(setup_errors()) {
            assert!(!error.detail.is_empty() && !error.hint.is_empty(), "{error:?}");
            assert!(error.status >= 400 && !error.hint.ends_with('.') && !error.detail.ends_with('.'), "{error:?}");
        }
    }

    #[test]
    fn no_handler_leaves_out_what_to_do() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join("api");
        // In two parts, so that this file passes.
        let no_hint = [", \"", "\")"].concat();
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.lines().filter(|line| line.contains("ApiError::") && line.contains(&no_hint));
            found.extend(lines.map(|line| format!("{}: {}", path.display(), line.trim())));
        }
        assert!(found.is_empty(), "errors without a hint: {found:#?}");
    }
}
