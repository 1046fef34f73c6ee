//! What belongs to a ticket: links, watchers, files, promises, evidence, messages.

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::page::{Asked, cut};
use super::query_error::{encode_error, query_error};
use super::request_head::RequestHead;
use super::sessions::parse;
use super::tickets::{check_sees, check_user, desk_error, etag, parse_number};
use super::{ApiError, ApiState};
use crate::desk::{DeskError, Link, NewAttachment, Ticket};
use crate::detect::THRESHOLD;
use crate::document::{Complaint, in_words};
use crate::notify::{NotifyError, deliveries_of, notice, notices_of_ticket};
use crate::operations::{OperationsError, promises_of, what_if};
use crate::query::{Encoder, Format, LimitOverrides, Parameters, QueryRequest};
use crate::sla::SlaPolicy;
use crate::store::{Evidence, MAX_EVIDENCE_LINES, bounded_row};

/// Largest file: a screen recording or a support bundle.
pub(super) const MAX_ATTACHMENT_BYTES: usize = 25 << 20;

/// Longest name of a file.
const MAX_NAME_CHARS: usize = 200;

/// What may be attached. What a browser would run as a page (HTML, SVG, scripts) may not, and all of it is only ever offered
/// for saving.
const MEDIA_TYPES: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "text/plain",
    "text/csv",
    "application/pdf",
    "application/json",
    "application/zip",
    "application/gzip",
    "application/zstd",
    "application/x-tar",
    "application/octet-stream",
    "application/vnd.tcpdump.pcap",
    "message/rfc822",
    "video/mp4",
    "video/webm",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
];

/// Somebody has seen the ticket and takes care.
pub(super) async fn acknowledge(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
) -> Result<Response, ApiError> {
    answer(state.desk.acknowledge(parse_number(&number)?, "api", &caller.actor).await)
}

/// Links a ticket to another.
pub(super) async fn link(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let link: Link = parse(&body, "{\"link\": \"caused_by\", \"ticket\": 17}")?;
    answer(state.desk.link(parse_number(&number)?, link, &caller.actor).await)
}

/// Takes a link away.
pub(super) async fn unlink(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let link: Link = parse(&body, "{\"link\": \"caused_by\", \"ticket\": 17}")?;
    answer(state.desk.unlink(parse_number(&number)?, link, &caller.actor).await)
}

/// Lets somebody hear of a ticket.
pub(super) async fn watch(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path((number, person)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    check_user(&state, "person", Some(&person))?;
    answer(state.desk.watch(parse_number(&number)?, &person, true, &caller.actor).await)
}

/// Lets somebody no longer hear of it.
pub(super) async fn unwatch(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path((number, person)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    answer(state.desk.watch(parse_number(&number)?, &person, false, &caller.actor).await)
}

fn answer(result: Result<Ticket, DeskError>) -> Result<Response, ApiError> {
    let ticket = result.map_err(desk_error)?;
    Ok(([(header::ETAG, etag(&ticket))], axum::Json(ticket)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttachQuery {
    name: String,
    #[serde(default)]
    internal: bool,
}

/// Attaches the body as a file.
pub(super) async fn attach(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
    Query(query): Query<AttachQuery>,
    headers: HeaderMap,
    head: RequestHead,
    body: Bytes,
) -> Result<Response, ApiError> {
    let number = parse_number(&number)?;
    let ticket = state.desk.get(number).await.map_err(desk_error)?.ticket;
    check_sees(&caller, &ticket)?;
    let key = head.key(&body)?;
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/octet-stream");
    let media_type = media_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if !MEDIA_TYPES.contains(&media_type.as_str()) {
        let detail = format!("files of type `{}` are not taken", media_type.chars().take(100).collect::<String>());
        let hint = format!("send one of {}, or pack it into a zip archive", MEDIA_TYPES.join(", "));
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail, hint));
    }
    if body.is_empty() {
        return Err(ApiError::bad_request("the file is empty", "send its bytes as the body"));
    }
    let bytes = i64::try_from(body.len()).unwrap_or(i64::MAX);
    let files = state.files.clone();
    let stored = tokio::task::spawn_blocking(move || files.put(&body)).await;
    let sha256 = stored.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    let internal = query.internal && !caller.only_asks();
    let new = NewAttachment { name: file_name(&query.name), media_type, bytes, sha256, internal };
    let attachment = state.desk.attach(number, new, &caller.actor, key.as_ref()).await.map_err(desk_error)?;
    Ok((StatusCode::CREATED, axum::Json(attachment)).into_response())
}

/// A name for people: never a path, no control characters, and never empty.
fn file_name(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or("");
    let name: String = last.chars().filter(|c| !c.is_control() && *c != '"').take(MAX_NAME_CHARS).collect();
    let name = name.trim().trim_start_matches('.').to_owned();
    if name.is_empty() { "file".to_owned() } else { name }
}

/// A file, for saving.
pub(super) async fn attachment(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path((number, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let number = parse_number(&number)?;
    let hint = "GET /api/v1/tickets/NUMBER lists the ticket's files under `attachments`, each with its `id`";
    let id = id.parse().map_err(|_| ApiError::bad_request(format!("`{id}` is no number of a file"), hint))?;
    let ticket = state.desk.get(number).await.map_err(desk_error)?.ticket;
    check_sees(&caller, &ticket)?;
    let attachment = state.desk.attachment(number, id).await.map_err(desk_error)?;
    if attachment.internal && caller.only_asks() {
        return Err(desk_error(DeskError::NoAttachment { ticket: number, id }));
    }
    let files = state.files.clone();
    let sha256 = attachment.sha256.clone();
    let bytes = tokio::task::spawn_blocking(move || files.get(&sha256)).await;
    let bytes = bytes.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    let ascii: String = attachment.name.chars().map(|c| if c.is_ascii_graphic() && c != '"' && c != '\\' { c } else { '_' }).collect();
    let disposition = format!("attachment; filename=\"{ascii}\"");
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_str(&attachment.media_type).unwrap_or(HeaderValue::from_static("application/octet-stream")),
        ),
        (header::CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).unwrap_or(HeaderValue::from_static("attachment"))),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")),
    ];
    Ok((headers, bytes).into_response())
}

fn failed(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, format!("the file could not be stored or read: {error}"), "see that the disk has room")
}

/// How the ticket's promises stand now.
pub(super) async fn promises(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
) -> Result<Response, ApiError> {
    let number = parse_number(&number)?;
    let ticket = state.desk.get(number).await.map_err(desk_error)?.ticket;
    check_sees(&caller, &ticket)?;
    let promises = promises_of(&state.desk, &state.register.setup(), number, state.clock.now_us()).await.map_err(operations_error)?;
    Ok(axum::Json(json!({ "promises": promises })).into_response())
}

/// Which promises of open tickets, the newest 50,000 of them, another policy would change.
pub(super) async fn what_if_policy(State(state): State<ApiState>, body: Bytes) -> Result<Response, ApiError> {
    let policy: SlaPolicy = parse(&body, "a document of the kind sla_policy")?;
    let setup = state.register.setup();
    let hint = "GET /api/v1/setup/calendar lists the calendars; GET /api/v1/openapi.json describes a policy";
    let unprocessable = |complaints: Vec<Complaint>| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, in_words(&complaints), hint);
    let promises = policy.resolve(&setup.calendars).map_err(unprocessable)?;
    // Computed for every open ticket: not on a thread that serves others.
    let runtime = tokio::runtime::Handle::current();
    let tried = tokio::task::spawn_blocking(move || runtime.block_on(what_if(&state.desk, &setup, &promises, state.clock.now_us())));
    let tried = tried.await.map_err(|error| ApiError::broke_off(error.to_string()))?;
    let changes = tried.map_err(operations_error)?;
    Ok(axum::Json(json!({ "changes": changes })).into_response())
}

/// Messages of a page at most, each with its log.
const MAX_NOTICES: usize = 200;

/// The query of a page of messages.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NoticesQuery {
    /// The last message of the page before.
    before: Option<String>,
    limit: Option<usize>,
}

/// A page of what was sent about the ticket to whom, and what became of it, newest first.
pub(super) async fn notices(
    State(state): State<ApiState>,
    Path(number): Path<String>,
    query: Asked<NoticesQuery>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|error| ApiError::bad_request(error.body_text(), "the parameters are before, limit"))?;
    let limit = query.limit.unwrap_or(MAX_NOTICES).clamp(1, MAX_NOTICES);
    let number = parse_number(&number)?;
    state.desk.get(number).await.map_err(desk_error)?;
    let loaded = async {
        let mut read = state.store.read().await?;
        if let Some(before) = &query.before
            && notice(&mut read, before).await?.is_none_or(|known| known.ticket != Some(number))
        {
            return Ok(None);
        }
        let mut found = notices_of_ticket(&mut read, number, query.before.as_deref(), limit as i64 + 1).await?;
        let next = cut(&mut found, limit, |last| last.id.clone());
        let mut notices = Vec::new();
        for notice in found {
            let deliveries = deliveries_of(&mut read, &notice.id).await?;
            let deliveries: Vec<Value> = deliveries
                .iter()
                .map(|it| json!({ "at_us": it.at_us, "attempt": it.attempt, "outcome": it.outcome, "detail": it.detail }))
                .collect();
            // The address of a webhook is a secret.
            notices.push(json!({
                "id": notice.id, "person": notice.person, "channel": notice.channel.word(), "event": notice.event.word(),
                "urgency": notice.urgency.word(), "subject": notice.subject, "state": notice.state.word(), "created_at_us": notice.created_at_us,
                "due_at_us": notice.due_at_us, "sent_at_us": notice.sent_at_us, "deliveries": deliveries,
            }));
        }
        Ok::<_, NotifyError>(Some((notices, next)))
    };
    let loaded = loaded.await.map_err(|error| operations_error(OperationsError::Notify(error)))?;
    let wrong = || ApiError::bad_request("`before` is no message about this ticket", "send `next` of the page before");
    let (notices, next) = loaded.ok_or_else(wrong)?;
    Ok(axum::Json(json!({ "notices": notices, "next": next })).into_response())
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EvidenceQuery {
    rerun: bool,
}

/// What the ticket rests on; with `rerun=true` the statement that gave its lines is run again on the same versions of the tables.
pub(super) async fn evidence(
    State(state): State<ApiState>,
    Path(number): Path<String>,
    Query(query): Query<EvidenceQuery>,
) -> Result<Response, ApiError> {
    let detail = state.desk.get(parse_number(&number)?).await.map_err(desk_error)?;
    let mut found = Vec::new();
    for (which, evidence) in [("first", detail.first_evidence), ("latest", detail.latest_evidence)] {
        let Some(evidence) = evidence else { continue };
        let mut rows = if query.rerun && !evidence.sql.is_empty() { rerun(&state, &evidence).await? } else { Value::Null };
        let same = is_same(&mut rows, &evidence);
        found.push(json!({ "finding": which, "evidence": evidence, "rows": rows, "same": same }));
    }
    Ok(axum::Json(json!({ "evidence": found })).into_response())
}

/// Cuts the rows of an answer as those of evidence are, and tells whether they are the same, in whichever order; `None` without an answer.
fn is_same(answer: &mut Value, evidence: &Evidence) -> Option<bool> {
    let rows = answer.get_mut("rows")?.as_array_mut()?;
    for row in rows.iter_mut() {
        if let Value::Object(cells) = row {
            *cells = bounded_row(std::mem::take(cells));
        }
    }
    let mut then: Vec<String> = evidence.lines.iter().map(|row| Value::Object(row.clone()).to_string()).collect();
    let mut now: Vec<String> = rows.iter().map(Value::to_string).collect();
    then.sort_unstable();
    now.sort_unstable();
    Some(then == now)
}

async fn rerun(state: &ApiState, evidence: &Evidence) -> Result<Value, ApiError> {
    let typed = |name: &str, value: &str| match value.parse::<f64>() {
        Ok(number) if name == THRESHOLD => Value::from(number),
        _ => Value::from(value),
    };
    let parameters = evidence.parameters.iter().map(|(name, value)| (name.clone(), typed(name, value))).collect();
    let request = QueryRequest {
        states: None,
        sql: if evidence.lines_sql.is_empty() { evidence.sql.clone() } else { evidence.lines_sql.clone() },
        parameters: Parameters::Named(parameters),
        limits: LimitOverrides { max_rows: Some(MAX_EVIDENCE_LINES as u64), ..LimitOverrides::default() },
        truncate: true,
        // As when it was asked first.
        selective: true,
        background: false,
        at_version: Some(evidence.delta_versions.clone()),
    };
    let mut run = state.queries.run(request).await.map_err(query_error)?;
    let mut encoder = Encoder::new(Format::Json, &run.schema()).map_err(encode_error)?;
    let mut text = Vec::new();
    while let Some(batch) = run.next().await {
        text.extend(encoder.encode(&batch.map_err(query_error)?).map_err(encode_error)?);
    }
    text.extend(encoder.finish().map_err(encode_error)?);
    serde_json::from_slice(&text).map_err(|error| ApiError::broke_off(error.to_string()))
}

pub(super) fn operations_error(error: OperationsError) -> ApiError {
    match error {
        OperationsError::Desk(error) => desk_error(error),
        OperationsError::Store(error) | OperationsError::Notify(NotifyError::Store(error)) => ApiError::unavailable(&error),
        OperationsError::Notify(error) => {
            let hint =
                "nothing was stored; `smtp` and `webhooks` of the configuration say how messages are sent, and the server's log has more";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string(), hint)
        }
        OperationsError::Unreadable(_) => {
            let hint = "another version of the program wrote it: start that one, or restore a backup of this one";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string(), hint)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_same_in_any_order_and_cut_as_those_that_were_frozen() {
        let row = |message: &str| json!({ "message": message }).as_object().cloned().unwrap();
        let long = "x".repeat(3_000);
        let frozen = Evidence { lines: vec![row(&long), row("a"), row("a")], ..Evidence::default() }.bounded();
        let same = |rows: &[&str]| {
            let rows: Vec<Value> = rows.iter().map(|message| Value::Object(row(message))).collect();
            is_same(&mut json!({ "rows": rows }), &frozen)
        };
        assert_eq!(same(&["a", &long, "a"]), Some(true));
        assert_eq!((same(&["a", &long, &long]), same(&["a", &long]), is_same(&mut Value::Null, &frozen)), (Some(false), Some(false), None));
    }

    #[test]
    fn no_name_of_a_file_is_a_path_or_breaks_a_header() {
        for (sent, kept) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\y.png", "y.png"),
            ("..", "file"),
            ("", "file"),
            ("a\r\nb\".txt", "ab.txt"),
            (".bashrc", "bashrc"),
        ] {
            assert_eq!(file_name(sent), kept, "{sent}");
        }
    }

    #[test]
    fn nothing_that_a_browser_runs_may_be_attached() {
        for bad in ["text/html", "image/svg+xml", "application/javascript", "application/xhtml+xml", "text/xml"] {
            assert!(!MEDIA_TYPES.contains(&bad));
        }
    }
}
