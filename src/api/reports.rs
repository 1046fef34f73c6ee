//! Reports: made now, and those that were made by themselves and are kept.

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::capacity::capacity_error;
use super::page::{Asked, cut};
use super::{ApiError, ApiState};
use crate::operations::{CapacityError, ReportForm, ScheduledReportError};
use crate::report;
use crate::store::StoreError;

/// Reports of a page, unless the query says.
const USUAL_LIMIT: u32 = 50;

/// A page may do nothing but show itself.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The query of a report that is made now.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ReportQuery {
    as_of: Option<Date>,
    format: Option<ReportForm>,
}

fn read(query: Asked<ReportQuery>) -> Result<ReportQuery, ApiError> {
    let read = query.map(|Query(query)| query);
    read.map_err(|error| ApiError::bad_request(error.body_text(), "the parameters are as_of, a date, and format: json, html or csv"))
}

/// The capacity report: one page for the manager, then a section a resource.
pub(super) async fn capacity(State(state): State<ApiState>, query: Asked<ReportQuery>) -> Result<Response, ApiError> {
    let query = read(query)?;
    let filled = state.capacity.report(&state.public_url, query.as_of).await.map_err(capacity_error)?;
    answer(filled, query.format, report::html, report::csv).await
}

/// The inventory, and what of it comes to an end.
pub(super) async fn inventory(State(state): State<ApiState>, query: Asked<ReportQuery>) -> Result<Response, ApiError> {
    let query = read(query)?;
    let filled = state.inventory.report(&state.public_url, query.as_of).await.map_err(capacity_error)?;
    answer(filled, query.format, report::inventory_html, report::inventory_csv).await
}

async fn answer<T: Serialize + Send + 'static>(
    filled: T,
    form: Option<ReportForm>,
    html: fn(&T) -> String,
    csv: fn(&T) -> String,
) -> Result<Response, ApiError> {
    let form = form.unwrap_or(ReportForm::Json);
    let write = move || match form {
        ReportForm::Html => Ok(html(&filled)),
        ReportForm::Csv => Ok(csv(&filled)),
        ReportForm::Json => serde_json::to_string(&filled),
    };
    // Hundreds of plots take a moment: other requests go on meanwhile.
    let written = tokio::task::spawn_blocking(write).await.map_err(|error| error.to_string());
    let broke_off = |error: String| ApiError::broke_off(format!("the report broke off: {error}"));
    let text = written.map_err(broke_off)?.map_err(|error| broke_off(error.to_string()))?;
    Ok(shown(form, text))
}

fn shown(form: ReportForm, body: impl IntoResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, form.media_type()),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, body).into_response()
}

/// The query of `GET /api/v1/reports/kept`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct KeptQuery {
    schedule: Option<String>,
    before: Option<i64>,
    limit: Option<u32>,
}

/// A page of the reports that are kept, newest first.
pub(super) async fn kept(State(state): State<ApiState>, query: Asked<KeptQuery>) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|error| ApiError::bad_request(error.body_text(), "the parameters are schedule, before, limit"))?;
    let limit = query.limit.unwrap_or(USUAL_LIMIT).clamp(1, 100);
    let mut reports = state.reports.list(query.schedule.as_deref(), query.before, limit + 1).await.map_err(store_error)?;
    let next = cut(&mut reports, limit as usize, |last| last.id);
    Ok(axum::Json(json!({ "reports": reports, "next": next })).into_response())
}

/// The query of `GET /api/v1/reports/kept/{id}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct FileQuery {
    format: Option<ReportForm>,
}

/// A report as it was made.
pub(super) async fn kept_file(State(state): State<ApiState>, Path(id): Path<i64>, query: Asked<FileQuery>) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|error| ApiError::bad_request(error.body_text(), "format is json, html or csv"))?;
    let form = query.format.unwrap_or(ReportForm::Html);
    let bytes = state.reports.file(id, form).await.map_err(store_error)?;
    let hint = "GET /api/v1/reports/kept lists those that are kept";
    let bytes =
        bytes.ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, format!("there is no report {id} any more, or never was"), hint))?;
    Ok(shown(form, bytes))
}

/// Makes the report of a schedule now, beside those that it makes by itself.
pub(super) async fn make_now(State(state): State<ApiState>, Path(name): Path<String>) -> Result<Response, ApiError> {
    match state.reports.make_now(&name).await {
        Ok(kept) => Ok((StatusCode::CREATED, axum::Json(kept)).into_response()),
        Err(error @ ScheduledReportError::NoSchedule(_)) => {
            Err(ApiError::new(StatusCode::NOT_FOUND, error.to_string(), "PUT /api/v1/setup/report_schedule/NAME sets one up"))
        }
        Err(ScheduledReportError::Capacity(error)) => Err(capacity_error(error)),
        Err(ScheduledReportError::Store(error)) => Err(store_error(error)),
        Err(error) => Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), "the log of the server has more")),
    }
}

fn store_error(error: StoreError) -> ApiError {
    capacity_error(CapacityError::Store(error))
}
