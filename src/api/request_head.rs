//! What a request says beside its body, for what must be carried out once.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Uri};
use sha2::{Digest, Sha256};

use super::ApiError;
use crate::store::RequestKey;

/// Longest name that a request may give itself.
const MAX_KEY_CHARS: usize = 200;

/// Method, address and `Idempotency-Key` of a request.
#[derive(Debug)]
pub(super) struct RequestHead {
    method: Method,
    uri: Uri,
    key: Option<HeaderValue>,
}

impl<S: Sync> FromRequestParts<S> for RequestHead {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let key = parts.headers.get("idempotency-key").cloned();
        Ok(Self { method: parts.method.clone(), uri: parts.uri.clone(), key })
    }
}

impl RequestHead {
    /// The name that the request gave itself, if it did, bound to what it asks for.
    pub(super) fn key(&self, body: &[u8]) -> Result<Option<RequestKey>, ApiError> {
        let Some(key) = &self.key else { return Ok(None) };
        let wrong = |detail: String| ApiError::bad_request(detail, "send a UUID");
        let key = key.to_str().map_err(|_| wrong("the Idempotency-Key is no text".to_owned()))?;
        if key.is_empty() || key.len() > MAX_KEY_CHARS {
            return Err(wrong(format!("the Idempotency-Key has {} characters; write 1 to {MAX_KEY_CHARS}", key.len())));
        }
        let mut hasher = Sha256::new();
        for part in [self.method.as_str().as_bytes(), self.uri.to_string().as_bytes()] {
            hasher.update(part);
            hasher.update(b"\n");
        }
        hasher.update(body);
        Ok(Some(RequestKey { key: key.to_owned(), request_sha256: hasher.finalize().into() }))
    }
}
