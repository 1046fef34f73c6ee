//! `POST /api/v1/sql`: the query gate over HTTP.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use serde::Deserialize;
use serde_json::Value;

use super::query_error::{encode_error, query_error};
use super::{ApiError, ApiState};
use crate::clock::Stopwatch;
use crate::query::{Encoder, Format, LimitOverrides, Parameters, QueryRequest, QueryRun};
use crate::self_metrics::{QUERIES, QUERY_FAILURES, QUERY_SECONDS};

/// The request's body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SqlRequest {
    query: String,
    #[serde(default)]
    parameters: Value,
    format: Option<String>,
    #[serde(default)]
    truncate: bool,
    timeout_ms: Option<u64>,
    max_rows: Option<u64>,
    at_version: Option<BTreeMap<String, i64>>,
}

/// Runs a statement and streams its rows. Until the first rows are there, an error is a status of its own; after that it is
/// told at the end of the stream, in the way of the format.
pub(super) async fn run(State(state): State<ApiState>, body: Bytes) -> Result<Response, ApiError> {
    let request: SqlRequest = serde_json::from_slice(&body).map_err(|error| {
        let hint = "send JSON: {\"query\": \"SELECT ...\", \"parameters\": [...], \"format\": \"json\"}";
        ApiError::bad_request(format!("the body is not a query: {error}"), hint)
    })?;
    let format = parse_format(request.format.as_deref())?;
    let parameters = parse_parameters(request.parameters)?;
    let limits = LimitOverrides { timeout_ms: request.timeout_ms, max_rows: request.max_rows, ..LimitOverrides::default() };
    let request = QueryRequest {
        states: None,
        sql: request.query,
        parameters,
        limits,
        truncate: request.truncate,
        selective: false,
        background: false,
        at_version: request.at_version,
    };
    QUERIES.add(1);
    let result = start(&state, request, format).await;
    if result.is_err() {
        QUERY_FAILURES.add(1);
    }
    result
}

async fn start(state: &ApiState, request: QueryRequest, format: Format) -> Result<Response, ApiError> {
    let watch = Stopwatch::start();
    let mut run = state.queries.run(request).await.map_err(query_error)?;
    let encoder = Encoder::new(format, &run.schema()).map_err(encode_error)?;
    // The first rows are waited for, so that what fails early fails with a status.
    let first = match run.next().await {
        None => None,
        Some(batch) => Some(batch.map_err(query_error)?),
    };
    let versions = serde_json::to_string(run.versions()).unwrap_or_default();
    let cut = run.cut_tables().iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let pieces = encoded(run, encoder, first, watch);
    let headers = [(header::CONTENT_TYPE, format.media_type()), (header::CACHE_CONTROL, "no-store")];
    let mut response = (headers, Body::from_stream(pieces)).into_response();
    if let Ok(versions) = versions.parse() {
        response.headers_mut().insert("x-watchroom-delta-versions", versions);
    }
    if let Some(cut) = cut.parse().ok().filter(|_| !cut.is_empty()) {
        response.headers_mut().insert("x-watchroom-cut-tables", cut);
    }
    Ok(response)
}

/// Encodes batch by batch; dropping the stream (the client went away) drops the run, which ends the query.
fn encoded(
    run: QueryRun,
    encoder: Encoder,
    first: Option<arrow::array::RecordBatch>,
    watch: Stopwatch,
) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> {
    stream::unfold(Some((run, encoder, first)), move |state| async move {
        let (mut run, mut encoder, first) = state?;
        let next = match first {
            Some(batch) => Some(Ok(batch)),
            None => run.next().await,
        };
        match next {
            Some(Ok(batch)) => match encoder.encode(&batch) {
                Ok(piece) => Some((Ok(piece), Some((run, encoder, None)))),
                Err(error) => Some((Err(std::io::Error::other(error)), None)),
            },
            Some(Err(error)) => {
                QUERY_FAILURES.add(1);
                // Where the format has no words for it, the connection is broken off: a short answer must not look whole.
                let end = encoder.finish_with_error(&error).ok_or_else(|| std::io::Error::other(error.to_string()));
                Some((end, None))
            }
            None => {
                QUERY_SECONDS.record(watch.elapsed());
                Some((encoder.finish().map_err(std::io::Error::other), None))
            }
        }
    })
}

fn parse_format(word: Option<&str>) -> Result<Format, ApiError> {
    word.unwrap_or("json").parse().map_err(|error: String| ApiError::bad_request(error, "without `format` the answer is json"))
}

fn parse_parameters(value: Value) -> Result<Parameters, ApiError> {
    match value {
        Value::Null => Ok(Parameters::None),
        Value::Array(values) => Ok(Parameters::Positional(values)),
        Value::Object(values) => Ok(Parameters::Named(values.into_iter().collect())),
        _ => Err(ApiError::bad_request(
            "`parameters` is neither a list nor an object",
            "send [1, \"x\"] for $1, $2 or {\"name\": 1} for $name",
        )),
    }
}
