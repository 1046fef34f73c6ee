//! What the department sets up: documents, their export and import, and secrets.

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::alerts::{MIN_ROUTING_KEY_CHARS, ROUTING_KEYS};
use super::caller::Caller;
use super::error::store_hint;
use super::page::{Asked, NamesPage, NamesQuery, cut};
use super::sessions::{audited, parse};
use super::tickets::expected_version;
use super::{ApiError, ApiState};
use crate::operations::{RegisterError, hide_addresses, kind_of};
use crate::people::Role;
use crate::store::{Document, save_secret, secret_names};

/// Largest export that is taken back: five hundred people, and a few dozen calendars with holidays, are some megabytes.
pub(super) const MAX_SETUP_BYTES: usize = 16 << 20;

/// A page of the documents of a kind, by name.
pub(super) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(kind): Path<String>,
    query: Asked<NamesQuery>,
) -> Result<Response, ApiError> {
    let page = NamesPage::of(query)?;
    let mut documents = state.register.list(&kind, &page.after, page.one_more()).await.map_err(register_error)?;
    let next = cut(&mut documents, page.limit, |last| last.name.clone());
    documents.iter_mut().for_each(|it| hide_from(&caller, &it.kind, &it.name, &mut it.document));
    Ok(axum::Json(json!({ "documents": documents, "next": next })).into_response())
}

/// A document; its version is the ETag.
pub(super) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path((kind, name)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let mut document = state.register.get(&kind, &name).await.map_err(register_error)?;
    hide_from(&caller, &kind, &name, &mut document.document);
    Ok(with_etag(document))
}

/// Addresses of webhooks are for administrators and the person themselves.
fn hide_from(caller: &Caller, kind: &str, name: &str, document: &mut Value) {
    if kind == "user" && caller.role != Role::Administrator && caller.user.as_deref() != Some(name) {
        hide_addresses(document);
    }
}

/// Writes a document. `If-Match` with the ETag changes it only if nobody was faster, `If-None-Match: *` only makes a new one.
pub(super) async fn put(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path((kind, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    check_role(&caller, &kind)?;
    let document: Value = parse(&body, "the document; GET /api/v1/openapi.json describes the kinds")?;
    let expected = if headers.contains_key(header::IF_NONE_MATCH) { Some(0) } else { expected_version(&headers)? };
    let stored = state.register.put(&kind, &name, &document, expected, &caller.actor).await.map_err(register_error)?;
    if kind == "user" && stored.document["disabled"] == true {
        end_logins(&state, &name).await?;
    }
    Ok(with_etag(stored))
}

/// What people change of their own document. Role, teams, skills and how much work they take are for others to say.
const OWN_FIELDS: [&str; 4] = ["time_zone", "working_hours", "leave", "notifications"];

/// Changes one's own document: the fields that are sent, `null` takes one away.
pub(super) async fn change_me(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let name = caller.name()?;
    // It says where messages with links that acknowledge go: a token that was found must not lead them elsewhere.
    if caller.came_by_token() {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "a token changes nobody's ways to be told", "log in, and change it then"));
    }
    let changes: Map<String, Value> = parse(&body, "{\"leave\": [{\"from\": \"2026-12-24\", \"to\": \"2026-12-31\"}]}")?;
    if let Some(other) = changes.keys().find(|field| !OWN_FIELDS.contains(&field.as_str())) {
        let detail = format!("`{other}` is not yours to change; yours are {}", OWN_FIELDS.join(", "));
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail, "ask an administrator"));
    }
    Ok(with_etag(change_user(&state, &caller, name, changes, &headers).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLeave {
    leave: Value,
}

/// Says when somebody is away.
pub(super) async fn put_leave(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let NewLeave { leave } = parse(&body, "{\"leave\": [{\"from\": \"2026-12-24\", \"to\": \"2026-12-31\"}]}")?;
    // Whoever is away is called for nothing: a token that was found must not send a department home.
    if caller.came_by_token() {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "a token says of nobody that they are away", "log in, and write it then"));
    }
    let mut stored = change_user(&state, &caller, &name, Map::from_iter([("leave".to_owned(), leave)]), &headers).await?;
    hide_from(&caller, "user", &name, &mut stored.document);
    Ok(with_etag(stored))
}

/// Changes fields of a person's document as it stands, unless somebody else was faster.
async fn change_user(
    state: &ApiState,
    caller: &Caller,
    name: &str,
    changes: Map<String, Value>,
    headers: &HeaderMap,
) -> Result<Document, ApiError> {
    let stored = state.register.get("user", name).await.map_err(register_error)?;
    let expected = expected_version(headers)?.unwrap_or(stored.version);
    let mut document = stored.document;
    if let Some(table) = document.as_object_mut() {
        table.extend(changes);
        table.retain(|_, value| !value.is_null());
    }
    state.register.put("user", name, &document, Some(expected), &caller.actor).await.map_err(register_error)
}

/// Removes a document that nothing refers to.
pub(super) async fn delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path((kind, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    check_role(&caller, &kind)?;
    state.register.delete(&kind, &name, expected_version(&headers)?, &caller.actor).await.map_err(register_error)?;
    if kind == "user" {
        end_logins(&state, &name).await?;
        forget_password(&state, &name).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The query of `GET /api/v1/setup`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ExportQuery {
    /// `true`: with the addresses of webhooks, to take everything to another machine. For administrators.
    with_addresses: bool,
}

/// Everything, for version control: without the addresses of webhooks, which are secrets, unless they are asked for.
pub(super) async fn export(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<ExportQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(ExportQuery { with_addresses }) =
        query.map_err(|error| ApiError::bad_request(error.body_text(), "the parameter is with_addresses, true or false"))?;
    if with_addresses && caller.role != Role::Administrator {
        let detail = "whoever knows the address of somebody's webhook can write to them as if it came from here";
        return Err(ApiError::new(StatusCode::FORBIDDEN, detail, "ask an administrator, or export without addresses"));
    }
    let mut all = state.register.export().await.map_err(register_error)?;
    if !with_addresses {
        let users = all.get_mut("user").and_then(Value::as_object_mut);
        users.into_iter().flat_map(Map::values_mut).for_each(hide_addresses);
    }
    let wants_toml = headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().windows(4).any(|part| part == b"toml"));
    if !wants_toml {
        return Ok(axum::Json(all).into_response());
    }
    let hint = "ask without `Accept: application/toml`: JSON has the same documents";
    let text = toml::to_string_pretty(&all).map_err(|error| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), hint))?;
    Ok(([(header::CONTENT_TYPE, "application/toml")], text).into_response())
}

/// The query of `PUT /api/v1/setup`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ImportQuery {
    /// `true`: only say what would change, or what is wrong.
    dry_run: bool,
}

/// Takes an export back, as JSON or TOML; all of it or nothing.
pub(super) async fn import(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<ImportQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let Query(ImportQuery { dry_run }) =
        query.map_err(|error| ApiError::bad_request(error.body_text(), "the parameter is dry_run, true or false"))?;
    let is_toml = headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().windows(4).any(|part| part == b"toml"));
    let all: Value = if is_toml {
        let text = std::str::from_utf8(&body).map_err(|error| ApiError::bad_request(error.to_string(), "send UTF-8"))?;
        let hint = "GET /api/v1/setup with `Accept: application/toml` shows how it looks";
        let table = toml::from_str(text).map_err(|error| ApiError::bad_request(format!("the body is no TOML: {error}"), hint))?;
        json_of(toml::Value::Table(table))
    } else {
        parse(&body, "what GET /api/v1/setup gives")?
    };
    let changes = state.register.import(&all, dry_run, &caller.actor).await.map_err(register_error)?;
    let kept_out = changes.iter().filter(|it| !dry_run && it.kind == "user" && it.document["disabled"] == true);
    for user in kept_out {
        end_logins(&state, &user.name).await?;
    }
    Ok(axum::Json(json!({ "dry_run": dry_run, "changed": changes.len(), "changes": changes })).into_response())
}

/// TOML as JSON. A date that somebody wrote without quotes is the text that it would be with them.
fn json_of(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        toml::Value::Array(list) => list.into_iter().map(json_of).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, entry)| (key, json_of(entry))).collect(),
    }
}

/// Beginning of the names of the program's own secrets.
const PROGRAM_SECRETS: &str = "program.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSecret {
    secret: String,
}

/// A page of the names of the secrets; never the secrets.
pub(super) async fn secrets(State(state): State<ApiState>, query: Asked<NamesQuery>) -> Result<Response, ApiError> {
    let page = NamesPage::of(query)?;
    let mut read = state.store.read().await.map_err(|error| ApiError::unavailable(&error))?;
    let mut names = secret_names(&mut read, &page.after, page.one_more()).await.map_err(|error| ApiError::unavailable(&error))?;
    let next = cut(&mut names, page.limit, |(name, _)| name.clone());
    let names: Vec<Value> = names.into_iter().map(|(name, set_at_us)| json!({ "name": name, "set_at_us": set_at_us })).collect();
    Ok(axum::Json(json!({ "secrets": names, "next": next })).into_response())
}

/// Sets a secret.
pub(super) async fn put_secret(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let new: NewSecret = parse(&body, "{\"secret\": \"...\"}")?;
    if name.starts_with(PROGRAM_SECRETS) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            format!("secrets named `{PROGRAM_SECRETS}...` are the program's own"),
            "choose another name",
        ));
    }
    if name.len() > 100 || new.secret.is_empty() || new.secret.len() > 4_096 {
        let detail = "the name is longer than 100 bytes, or the secret is empty or longer than 4096";
        return Err(ApiError::bad_request(detail, "write a name of 1 to 100 bytes and a `secret` of 1 to 4096"));
    }
    if name.starts_with(ROUTING_KEYS) && new.secret.chars().count() < MIN_ROUTING_KEY_CHARS {
        let detail = format!("a routing key has at least {MIN_ROUTING_KEY_CHARS} characters");
        return Err(ApiError::bad_request(detail, "make one with `openssl rand -hex 16`"));
    }
    set_secret(&state, &caller, &name, Some(&new.secret)).await
}

/// Takes a secret away.
pub(super) async fn delete_secret(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    if name.starts_with(PROGRAM_SECRETS) {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "the program needs it", "links in messages that were sent would end"));
    }
    set_secret(&state, &caller, &name, None).await
}

async fn set_secret(state: &ApiState, caller: &Caller, name: &str, secret: Option<&str>) -> Result<StatusCode, ApiError> {
    let mut write = state.store.write().await.map_err(|error| ApiError::unavailable(&error))?;
    save_secret(&mut write, name, secret, state.clock.now_us()).await.map_err(|error| ApiError::unavailable(&error))?;
    let action = if secret.is_some() { "secret.put" } else { "secret.delete" };
    audited(write, state, caller, action, &format!("secret/{name}")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The table of kinds says who may change each.
fn check_role(caller: &Caller, kind: &str) -> Result<(), ApiError> {
    let known = kind_of(kind).ok_or_else(|| register_error(RegisterError::NoKind(kind.to_owned())))?;
    // A user's token may have less than `admin`; what only administrators change needs the person.
    if known.changed_by == Role::Administrator && caller.user.is_some() && caller.came_by_token() {
        return Err(ApiError::new(StatusCode::FORBIDDEN, format!("a token of a user changes no {kind}"), "log in, and change it then"));
    }
    if caller.role >= known.changed_by {
        return Ok(());
    }
    let detail = format!("a {} may not change a {kind}; that is for a {} or above", caller.role, known.changed_by);
    Err(ApiError::new(StatusCode::FORBIDDEN, detail, "ask one of them"))
}

async fn end_logins(state: &ApiState, user: &str) -> Result<(), ApiError> {
    let ended = async {
        let mut write = state.store.write().await.map_err(|error| error.to_string())?;
        state.logins.end_all(&mut write, user).await.map_err(|error| error.to_string())?;
        state.tokens.revoke_all(&mut write, user).await.map_err(|error| error.to_string())?;
        write.commit().await.map_err(|error| error.to_string())
    };
    let hint = "the user is changed; write them again as disabled, so that their logins and tokens end too";
    ended.await.map_err(|error| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error, hint))
}

/// Another person of the same name must not be let in by the old password.
async fn forget_password(state: &ApiState, user: &str) -> Result<(), ApiError> {
    let mut write = state.store.write().await.map_err(|error| ApiError::unavailable(&error))?;
    let forgotten = state.logins.forget(&mut write, user).await;
    let hint = "the user is removed; if the name is given again, POST /api/v1/users/NAME/reset-password replaces the old password";
    forgotten.map_err(|error| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string(), hint))?;
    write.commit().await.map_err(|error| ApiError::unavailable(&error))
}

fn with_etag(document: Document) -> Response {
    let etag = format!("\"{}\"", document.version);
    ([(header::ETAG, etag)], axum::Json(document)).into_response()
}

pub(super) fn register_error(error: RegisterError) -> ApiError {
    let status = match &error {
        RegisterError::NoKind(_) | RegisterError::NotFound { .. } => StatusCode::NOT_FOUND,
        RegisterError::Conflict { .. } => StatusCode::PRECONDITION_FAILED,
        RegisterError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        RegisterError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let hint = match &error {
        RegisterError::NoKind(_) => "GET /api/v1/openapi.json describes the document of each kind".to_owned(),
        RegisterError::NotFound { kind, .. } => format!("PUT /api/v1/setup/{kind}/NAME writes one"),
        RegisterError::Conflict { .. } => "GET it, and send its ETag as If-Match".to_owned(),
        RegisterError::Invalid(_) => "mend what `complaints` lists; GET /api/v1/openapi.json describes the documents".to_owned(),
        RegisterError::Store(error) => store_hint(error).to_owned(),
    };
    let detail = error.to_string();
    let complaints = if let RegisterError::Invalid(complaints) = error { complaints } else { Vec::new() };
    ApiError { complaints, ..ApiError::new(status, detail, hint) }
}
