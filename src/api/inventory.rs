//! What the department has, from whom, under which contracts, what it is offered, and what it may spend.

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::store_hint;
use super::request_head::RequestHead;
use super::sessions::parse;
use super::tickets::expected_version;
use super::{ApiError, ApiState};
use crate::document::Complaint;
use crate::inventory::{
    CsvOptions, ImportedRecord, InventoryKind, MAX_RECORDS, Place, Record, bounded_complaints, check_name, read_csv, write_csv,
};
use crate::operations::{ImportOptions, InventoryError, NewBudgetEntry};
use crate::people::Role;

/// Largest import: a hundred thousand assets are some 15 MB of CSV.
pub(super) const MAX_IMPORT_BYTES: usize = 16 << 20;

/// Records or versions of a page, unless the query says.
const USUAL_LIMIT: i64 = 100;

/// The least role that may change records of a kind.
pub(super) fn changed_by(kind: InventoryKind) -> Role {
    match kind {
        InventoryKind::Asset => Role::Technician,
        InventoryKind::Supplier | InventoryKind::Contract | InventoryKind::Offer => Role::Lead,
        InventoryKind::Budget => Role::Manager,
    }
}

/// The query of `GET /api/v1/inventory/{kind}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    after: String,
    limit: Option<i64>,
    format: Option<Form>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    Json,
    Csv,
}

/// A page of records by name, or all of them as CSV.
pub(super) async fn list(
    State(state): State<ApiState>,
    Path(kind): Path<String>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let kind = kind_of(&kind)?;
    let Query(query) = query.map_err(|error| ApiError::bad_request(error.body_text(), "the parameters are after, limit, format"))?;
    if query.format != Some(Form::Csv) {
        let page = state.inventory.list(kind, &query.after, query.limit.unwrap_or(USUAL_LIMIT)).await.map_err(inventory_error)?;
        return Ok(axum::Json(page).into_response());
    }
    let records = state.inventory.all(kind).await.map_err(inventory_error)?;
    let text = write_csv(kind, records.iter().map(|(name, record)| (name.as_str(), record)));
    let hint = "leave `format` out: pages of JSON have the same records";
    let text = text.map_err(|error| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), hint))?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

/// A record; its version is the ETag.
pub(super) async fn get(State(state): State<ApiState>, Path((kind, name)): Path<(String, String)>) -> Result<Response, ApiError> {
    let stored = state.inventory.get(kind_of(&kind)?, &name).await.map_err(inventory_error)?;
    Ok(([(header::ETAG, etag(stored.version))], axum::Json(stored)).into_response())
}

/// Writes a record. `If-Match` with the ETag changes it only if nobody was faster, `If-None-Match: *` only makes a new one.
pub(super) async fn put(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path((kind, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let kind = changed_kind(&caller, &kind)?;
    let document: Value = parse(&body, "the record; GET /api/v1/openapi.json describes the kinds")?;
    let expected = if headers.contains_key(header::IF_NONE_MATCH) { Some(0) } else { expected_version(&headers)? };
    let written = state.inventory.put(kind, &name, document, expected, &caller.actor).await.map_err(inventory_error)?;
    Ok(([(header::ETAG, etag(written.stored.version))], axum::Json(written)).into_response())
}

/// Removes a record that nothing refers to.
pub(super) async fn delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path((kind, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let kind = changed_kind(&caller, &kind)?;
    state.inventory.delete(kind, &name, expected_version(&headers)?, &caller.actor).await.map_err(inventory_error)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The query of `PUT /api/v1/inventory/{kind}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ImportQuery {
    /// `true`: only say what would change, or what is wrong.
    dry_run: bool,
    /// `allow`: offers that have expired are taken too.
    expired: Option<Expired>,
    /// What separates the cells: `,`, `;` or `tab`.
    delimiter: Option<String>,
    /// How bytes are characters: `utf-8` or `latin-1`.
    charset: Option<String>,
    /// What stands before decimals: `.` or `,`.
    decimal: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expired {
    Allow,
    Refuse,
}

/// Takes records in, as CSV or as a JSON list; all of them or none.
pub(super) async fn import(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(kind): Path<String>,
    query: Result<Query<ImportQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let kind = changed_kind(&caller, &kind)?;
    let Query(query) = query
        .map_err(|error| ApiError::bad_request(error.body_text(), "the parameters are dry_run, expired, delimiter, charset, decimal"))?;
    let csv = csv_options(&query)?;
    let is_json = headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().windows(4).any(|part| part == b"json"));
    // A file of megabytes takes tens of milliseconds to read: other requests go on meanwhile.
    let read = move || if is_json { read_list(kind, &body) } else { read_csv(kind, &body, csv) };
    let records = tokio::task::spawn_blocking(read).await.map_err(|error| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the import broke off: {error}"), "nothing was imported")
    })?;
    let records = records.map_err(|complaints| inventory_error(InventoryError::Invalid(complaints)))?;
    let options = ImportOptions { dry_run: query.dry_run, take_expired: query.expired == Some(Expired::Allow) };
    let report = state.inventory.import(kind, &records, options, &caller.actor).await.map_err(inventory_error)?;
    Ok(axum::Json(report).into_response())
}

fn csv_options(query: &ImportQuery) -> Result<CsvOptions, ApiError> {
    let wrong = |why: String| ApiError::bad_request(why, "such as ?delimiter=%3B&charset=latin-1&decimal=,");
    let mut options = CsvOptions::default();
    if let Some(word) = &query.delimiter {
        options.delimiter = word.parse().map_err(wrong)?;
    }
    if let Some(word) = &query.charset {
        options.charset = word.parse().map_err(wrong)?;
    }
    if let Some(word) = &query.decimal {
        options.decimal = word.parse().map_err(wrong)?;
    }
    Ok(options)
}

/// A record of a list, in the form in which a page has it. What a page says besides is not taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    name: String,
    record: Value,
    #[serde(default, rename = "kind")]
    _kind: Option<String>,
    #[serde(default, rename = "version")]
    _version: Option<i64>,
    #[serde(default, rename = "updated_at_us")]
    _updated_at_us: Option<i64>,
    #[serde(default, rename = "updated_by")]
    _updated_by: Option<String>,
}

/// Reads a JSON list of records, or everything that is wrong with it.
fn read_list(kind: InventoryKind, body: &[u8]) -> Result<Vec<ImportedRecord>, Vec<Complaint>> {
    let whole = |why: String| vec![Complaint::new("", why)];
    let list: Vec<Value> = serde_json::from_slice(body)
        .map_err(|error| whole(format!("the body is no JSON list: {error}; send [{{\"name\": ..., \"record\": ...}}]")))?;
    if list.len() > MAX_RECORDS {
        return Err(whole(format!("the list has more than {MAX_RECORDS} records; import it in parts")));
    }
    let (mut records, mut complaints) = (Vec::new(), Vec::new());
    let mut seen = std::collections::BTreeMap::new();
    for (at, value) in list.into_iter().enumerate() {
        let place = Place::Entry(at);
        let listed: Listed = match serde_json::from_value(value) {
            Ok(listed) => listed,
            Err(error) => {
                complaints.push(place.complaint(kind, "", error.to_string()));
                continue;
            }
        };
        if let Err(why) = check_name(&listed.name) {
            complaints.push(place.complaint(kind, "name", why));
        }
        if let Some(before) = seen.insert(listed.name.clone(), at) {
            complaints.push(place.complaint(kind, "name", format!("it is the name of [{before}] too; keep one of the two")));
        }
        match Record::read(kind, listed.record) {
            Ok(record) => records.push(ImportedRecord { place, name: listed.name, record }),
            Err(wrong) => complaints.extend(wrong.into_iter().map(|it| place.complaint(kind, &it.field, it.why))),
        }
    }
    if complaints.is_empty() { Ok(records) } else { Err(bounded_complaints(complaints)) }
}

/// The query of routes that give what was before, newest first.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PastQuery {
    before: Option<i64>,
    limit: Option<i64>,
}

fn past(query: Result<Query<PastQuery>, QueryRejection>) -> Result<PastQuery, ApiError> {
    query.map(|Query(query)| query).map_err(|error| ApiError::bad_request(error.body_text(), "the parameters are before, limit"))
}

/// The versions of a record, newest first, also of one that was removed.
pub(super) async fn history(
    State(state): State<ApiState>,
    Path((kind, name)): Path<(String, String)>,
    query: Result<Query<PastQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let (kind, query) = (kind_of(&kind)?, past(query)?);
    let limit = query.limit.unwrap_or(USUAL_LIMIT);
    let versions = state.inventory.history(kind, &name, query.before, limit).await.map_err(inventory_error)?;
    // A record's versions run from 1 without gaps.
    let next = versions.last().map(|last| last.version).filter(|version| *version > 1);
    Ok(axum::Json(json!({ "versions": versions, "next": next })).into_response())
}

/// The entries of a budget, newest first, and how it stands.
pub(super) async fn budget_book(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    query: Result<Query<PastQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let query = past(query)?;
    let book = state.inventory.budget_book(&name, query.before, query.limit.unwrap_or(USUAL_LIMIT)).await.map_err(inventory_error)?;
    Ok(axum::Json(book).into_response())
}

/// Writes an entry into the book of a budget.
pub(super) async fn enter(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    head: RequestHead,
    body: Bytes,
) -> Result<Response, ApiError> {
    let example = "{\"kind\": \"spent\", \"minor\": 129950, \"currency\": \"EUR\", \"note\": \"disk for db01, bill 4711\"}";
    let new: NewBudgetEntry = parse(&body, example)?;
    let (entry, standing) = state.inventory.enter(&name, &new, &caller.actor, head.key(&body)?.as_ref()).await.map_err(inventory_error)?;
    Ok((StatusCode::CREATED, axum::Json(json!({ "entry": entry, "standing": standing }))).into_response())
}

fn kind_of(word: &str) -> Result<InventoryKind, ApiError> {
    let hint = "GET /api/v1/openapi.json describes the records of each kind";
    word.parse().map_err(|why: String| ApiError::new(StatusCode::NOT_FOUND, why, hint))
}

/// The kind, if the caller may change records of it.
fn changed_kind(caller: &Caller, word: &str) -> Result<InventoryKind, ApiError> {
    let kind = kind_of(word)?;
    let least = changed_by(kind);
    if caller.role >= least {
        return Ok(kind);
    }
    let detail = format!("a {} may not change {}; that is for a {least} or above", caller.role, kind.word());
    Err(ApiError::new(StatusCode::FORBIDDEN, detail, "ask one of them"))
}

fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

pub(super) fn inventory_error(error: InventoryError) -> ApiError {
    let status = match &error {
        InventoryError::NotFound { .. } => StatusCode::NOT_FOUND,
        InventoryError::Conflict { .. } => StatusCode::PRECONDITION_FAILED,
        InventoryError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        InventoryError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let hint = match &error {
        InventoryError::NotFound { kind, .. } => format!("PUT /api/v1/inventory/{}/NAME writes one", kind.word()),
        InventoryError::Conflict { .. } => "GET it, and send its ETag as If-Match".to_owned(),
        InventoryError::Invalid(_) => "mend what `complaints` lists; GET /api/v1/openapi.json describes the records".to_owned(),
        InventoryError::Store(error) => store_hint(error).to_owned(),
    };
    let detail = error.to_string();
    let complaints = if let InventoryError::Invalid(complaints) = error { complaints } else { Vec::new() };
    ApiError { complaints, ..ApiError::new(status, detail, hint) }
}
