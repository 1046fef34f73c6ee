//! `POST /insert/jsonline`: JSON objects, one a line.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;

use super::lines::{Lines, store_lines};
use super::{PushError, PushState, decoded_body, receipt_json};
use crate::record::BlockKind;

/// Longest URL query taken: it is stored with every block.
const MAX_QUERY_BYTES: usize = 4096;

/// Stores the lines; those that are no JSON object are kept as they are and named in the answer.
pub(super) async fn insert(
    State(state): State<PushState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PushError> {
    if query.as_ref().is_some_and(|query| query.len() > MAX_QUERY_BYTES) {
        return Err(PushError::Invalid(format!("the URL's query is over {MAX_QUERY_BYTES} bytes; name fewer fields in it")));
    }
    let body = decoded_body(&headers, body, state.limits).await?;
    let receipt = store_lines(&state, Lines { kind: BlockKind::JsonLines, source: "jsonline", peer, query, body }, &headers).await?;
    Ok(receipt_json(&receipt))
}
