//! Logging in and out, one's own password and tokens.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::SESSION_COOKIE;
use super::caller::Caller;
use super::error::store_hint;
use super::page::{Asked, NamesPage, NamesQuery, cut};
use super::{ApiError, ApiState};
use crate::clock::DAY_US;
use crate::document::duration_us;
use crate::people::{Attempt, LoginError, Role, Scopes, TokenError, TokenPlace, scopes_for};
use crate::store::{AuditEntry, StoreError, WriteTransaction, append_audit};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    user: String,
    password: String,
    new_password: Option<String>,
}

/// Opens a session and gives it as a cookie that no script can read.
pub(super) async fn log_in(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let login: Login = parse(&body, "{\"user\": \"ines\", \"password\": \"...\"}")?;
    let setup = state.register.setup();
    let known = setup.users.get(&login.user);
    let attempt =
        Attempt { user: &login.user, password: &login.password, new_password: login.new_password.as_deref(), origin: &caller.actor.origin };
    let result = state.logins.log_in(&attempt, known).await;
    // Attempts that are refused unseen would fill the audit, and what is typed as an unknown name may be a password.
    if !matches!(result, Err(LoginError::TooMany { .. })) {
        let outcome = if result.is_ok() { "login" } else { "login.refused" };
        let (actor, object) = match known {
            Some(_) => (format!("user {}", login.user), format!("user/{}", login.user)),
            None => ("anonymous".to_owned(), "user/(unknown)".to_owned()),
        };
        note(&state, &actor, &caller.actor.origin, outcome, &object, None).await?;
    }
    let new = result.map_err(login_error)?;
    // Behind TLS the cookie must never leave it.
    let secure = if state.tls || headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https") { "; Secure" } else { "" };
    let cookie = format!("{SESSION_COOKIE}={}; Path=/; HttpOnly; SameSite=Strict{secure}", new.reveal());
    let role = known.map_or(Role::Requester, |user| user.role);
    let body = json!({ "user": new.session.user, "role": role, "expires_at_us": new.session.expires_at_us });
    Ok(([(header::SET_COOKIE, cookie), (header::CACHE_CONTROL, "no-store".to_owned())], axum::Json(body)).into_response())
}

/// Ends the session, at once.
pub(super) async fn log_out(State(state): State<ApiState>, Extension(caller): Extension<Caller>) -> Result<Response, ApiError> {
    if let (Some(user), Some(session)) = (&caller.user, &caller.session) {
        state.logins.log_out(user, session).await.map_err(login_error)?;
        note(&state, &caller.actor.name, &caller.actor.origin, "logout", &format!("user/{user}"), None).await?;
    }
    let cookie = format!("{SESSION_COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok(([(header::SET_COOKIE, cookie)], StatusCode::NO_CONTENT).into_response())
}

/// Who I am.
pub(super) async fn me(State(state): State<ApiState>, Extension(caller): Extension<Caller>) -> Result<Response, ApiError> {
    let setup = state.register.setup();
    let user = caller.user.as_ref().and_then(|name| setup.users.get(name));
    let body = json!({ "name": caller.actor.name, "user": caller.user, "role": caller.role, "document": user });
    Ok(axum::Json(body).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    password: String,
    new_password: String,
}

/// Changes one's own password; all other sessions end.
pub(super) async fn change_password(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let change: NewPassword = parse(&body, "{\"password\": \"...\", \"new_password\": \"...\"}")?;
    let user = caller.name()?;
    let setup = state.register.setup();
    let attempt = Attempt { user, password: &change.password, new_password: None, origin: &caller.actor.origin };
    state.logins.confirm(&attempt, setup.users.get(user)).await.map_err(login_error)?;
    let prepared = state.logins.prepare_password(user, &change.new_password).await.map_err(login_error)?;
    let mut write = state.store.write().await.map_err(|error| ApiError::unavailable(&error))?;
    state.logins.apply_password(&mut write, user, prepared, caller.session.as_deref()).await.map_err(login_error)?;
    audited(write, &state, &caller, "password.change", &format!("user/{user}")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a user a one-time password; their sessions end.
pub(super) async fn reset_password(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(user): Path<String>,
) -> Result<Response, ApiError> {
    if !state.register.setup().users.contains_key(&user) {
        let detail = format!("there is no user `{user}`");
        return Err(ApiError::new(StatusCode::NOT_FOUND, detail, "write it first with PUT /api/v1/setup/user/NAME"));
    }
    let reset = state.logins.prepare_reset().await.map_err(login_error)?;
    let mut write = state.store.write().await.map_err(|error| ApiError::unavailable(&error))?;
    let secret = state.logins.apply_reset(&mut write, &user, reset).await.map_err(login_error)?;
    audited(write, &state, &caller, "password.reset", &format!("user/{user}")).await?;
    let body = json!({ "user": user, "one_time_password": secret.reveal() });
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
    scopes: String,
    expires_in: Option<String>,
}

/// Makes a token for oneself, with no more scopes than one's role has.
pub(super) async fn make_token(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let new: NewToken = parse(&body, "{\"name\": \"laptop\", \"scopes\": \"query,desk\", \"expires_in\": \"90d\"}")?;
    let scopes: Scopes = new.scopes.parse().map_err(|why: String| ApiError::bad_request(why, "send `scopes` such as \"query,desk\""))?;
    // A token that made tokens would outgrow its own scopes and outlive its own end.
    if caller.came_by_token() {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "a token makes no tokens", "log in, and make it then"));
    }
    let most = scopes_for(caller.role);
    if !scopes.within(&most) {
        let detail = format!("a {} may give a token no more than {most}", caller.role);
        return Err(ApiError::new(StatusCode::FORBIDDEN, detail, "ask for fewer scopes"));
    }
    let lasts_us = new.expires_in.as_deref().map(duration_us).transpose();
    let lasts_us = lasts_us.map_err(|why| ApiError::bad_request(why, "send `expires_in` such as \"90d\", or leave it out for 365 days"))?;
    let expires_at_us = state.clock.now_us() + lasts_us.unwrap_or(365 * DAY_US);
    let mut write = state.store.write().await.map_err(|error| ApiError::unavailable(&error))?;
    let made = state.tokens.create_in(&mut write, &new.name, scopes, caller.user.as_deref(), Some(expires_at_us)).await;
    let made = made.map_err(|error| token_error(&error))?;
    audited(write, &state, &caller, "token.create", &format!("token/{}", made.token.id)).await?;
    let body = json!({ "token": made.reveal(), "id": made.token.id, "scopes": made.token.scopes, "expires_at_us": expires_at_us });
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response())
}

/// A page of one's own tokens; an administrator sees all.
pub(super) async fn tokens(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    query: Asked<NamesQuery>,
) -> Result<Response, ApiError> {
    let page = NamesPage::of(query)?;
    let place = Some(page.after.as_str()).filter(|after| !after.is_empty()).map(str::parse).transpose();
    let place: Option<TokenPlace> = place.map_err(|why| ApiError::bad_request(why, "without `after` the list begins at its beginning"))?;
    let tokens = match &caller.user {
        _ if caller.role == Role::Administrator => state.tokens.list(None, place.as_ref(), page.one_more()).await,
        Some(user) => state.tokens.list(Some(user), place.as_ref(), page.one_more()).await,
        None => Ok(Vec::new()),
    };
    let mut tokens = tokens.map_err(|error| token_error(&error))?;
    let next = cut(&mut tokens, page.limit, |last| TokenPlace::of(last).to_string());
    Ok(axum::Json(json!({ "tokens": tokens, "next": next })).into_response())
}

/// Takes a token back: one's own, or, as an administrator, any.
pub(super) async fn revoke_token(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    if caller.role < Role::Administrator {
        let owner = state.tokens.owner(&id).await.map_err(|error| token_error(&error))?;
        if owner.is_none() || owner != caller.user {
            return Err(token_error(&TokenError::NotFound(id)));
        }
    }
    let mut write = state.store.write().await.map_err(|error| ApiError::unavailable(&error))?;
    state.tokens.revoke_in(&mut write, &id).await.map_err(|error| token_error(&error))?;
    audited(write, &state, &caller, "token.revoke", &format!("token/{id}")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes into the audit what the caller has done in this transaction, and commits both.
pub(super) async fn audited(
    mut write: WriteTransaction,
    state: &ApiState,
    caller: &Caller,
    action: &str,
    object: &str,
) -> Result<(), ApiError> {
    let (actor, origin) = (caller.actor.name.as_str(), caller.actor.origin.as_str());
    let entry = AuditEntry { at_us: state.clock.now_us(), actor, origin, action, object, detail: None };
    append_audit(&mut write, entry).await.map_err(|error| ApiError::unavailable(&error))?;
    write.commit().await.map_err(|error| ApiError::unavailable(&error))
}

/// Writes into the audit what has no transaction of its own.
pub(super) async fn note(
    state: &ApiState,
    actor: &str,
    origin: &str,
    action: &str,
    object: &str,
    detail: Option<&Value>,
) -> Result<(), ApiError> {
    let written = async {
        let mut write = state.store.write().await?;
        let entry = AuditEntry { at_us: state.clock.now_us(), actor, origin, action, object, detail };
        append_audit(&mut write, entry).await?;
        write.commit().await
    };
    written.await.map_err(|error: StoreError| ApiError::unavailable(&error))
}

/// Reads a JSON object; the error shows what one looks like.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8], example: &str) -> Result<T, ApiError> {
    // A list of values would be read as the fields in their order, which no client should come to depend on.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::bad_request("the body is no JSON object", format!("send JSON such as {example}")));
    }
    serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!("the body is not what this route takes: {error}"), format!("send JSON such as {example}"))
    })
}

fn login_error(error: LoginError) -> ApiError {
    let status = match &error {
        LoginError::Refused | LoginError::NoSession => StatusCode::UNAUTHORIZED,
        LoginError::NewPasswordNeeded => StatusCode::FORBIDDEN,
        LoginError::Weak(_) | LoginError::BadName(_) => StatusCode::UNPROCESSABLE_ENTITY,
        LoginError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        LoginError::NoRandomness(_) | LoginError::Hashing(_) | LoginError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let retry_after_s = if let LoginError::TooMany { retry_after_s } = &error { Some(*retry_after_s) } else { None };
    let mut refused = ApiError::new(status, error.to_string(), login_hint(&error));
    refused.retry_after_s = retry_after_s;
    refused
}

fn login_hint(error: &LoginError) -> &'static str {
    match error {
        LoginError::Refused => "POST /api/v1/users/NAME/reset-password makes a one-time password, for an administrator",
        LoginError::NewPasswordNeeded => "send {\"user\": \"ines\", \"password\": \"...\", \"new_password\": \"...\"}",
        LoginError::Weak(_) => "send another as `new_password`",
        LoginError::TooMany { .. } => "the header Retry-After says how long to wait",
        LoginError::NoSession => "POST /api/v1/login logs in",
        LoginError::BadName(_) => "GET /api/v1/setup/user lists the users",
        LoginError::NoRandomness(_) => "nothing was changed; try again when that is mended",
        LoginError::Hashing(_) => "the header Retry-After says when to come again; the server's log has more",
        LoginError::Store(error) => store_hint(error),
    }
}

fn token_error(error: &TokenError) -> ApiError {
    let status = match error {
        TokenError::NotFound(_) => StatusCode::NOT_FOUND,
        TokenError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let hint = match error {
        TokenError::NotFound(_) => "GET /api/v1/tokens lists yours",
        TokenError::Invalid(_) => {
            "send JSON such as {\"name\": \"laptop\", \"scopes\": \"query,desk\"}; GET /api/v1/tokens lists those that you have"
        }
        TokenError::Refused | TokenError::Expired(_) | TokenError::Revoked(_) => "POST /api/v1/tokens makes another",
        TokenError::NoRandomness(_) => "no token was made; try again when that is mended",
        TokenError::Store(error) => store_hint(error),
    };
    ApiError::new(status, error.to_string(), hint)
}
