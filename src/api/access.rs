//! Who may call what.
//!
//! The table of routes says of each the scope that a token needs and the least role of a person. A person comes with a session
//! (the cookie of a login) or with a token that belongs to them, which is good for what both its scopes and their role allow.
//! A token of nobody stands for the installation: with `admin` for an administrator, without for a lead.
//!
//! On loopback without `access.require_token` a request needs neither: whoever can reach it is on this machine, and counts as
//! an administrator. Two checks keep web pages out, whose scripts run on this machine too: the `Host` header must name the
//! loopback (DNS rebinding), and a foreign `Origin` is refused. What is sent is always checked, also where none is needed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::ApiError;
use super::caller::Caller;
use super::routes::{ROUTES, Route, Scope};
use crate::desk::Actor;
use crate::operations::Register;
use crate::people::{LoginError, Logins, Role, Token, TokenError, Tokens, scopes_for};

/// Name of the cookie that holds a session.
pub(super) const SESSION_COOKIE: &str = "watchroom_session";

/// The rule of the house, made at the start.
#[derive(Debug)]
pub struct FrontDoor {
    /// Nothing asks for a token.
    open: bool,
    tokens: Tokens,
    logins: Logins,
    register: Arc<Register>,
}

impl FrontDoor {
    /// `open` only when every listener is on loopback and the configuration does not ask for tokens.
    pub fn new(open: bool, tokens: Tokens, logins: Logins, register: Arc<Register>) -> Self {
        Self { open, tokens, logins, register }
    }

    async fn judge(&self, request: &Parts) -> Result<Caller, ApiError> {
        let origin = request.extensions.get::<ConnectInfo<std::net::SocketAddr>>().map_or_else(String::new, |peer| peer.ip().to_string());
        let Some(route) = route_of(request)? else { return Ok(Caller::anonymous(origin)) };
        let Some(scope) = route.scope else { return Ok(Caller::anonymous(origin)) };
        let caller = if let Some(bearer) = bearer(&request.headers)? {
            let token = self.tokens.verify(bearer).await.map_err(|error| token_error(&error))?;
            self.token_caller(&token, scope, origin)?
        } else if let Some(session) = session_cookie(&request.headers) {
            check_origin(&request.headers)?;
            let session = self.logins.verify_session(session).await.map_err(|error| session_error(&error))?;
            let role = self.role_of(&session.user)?;
            Caller::user(&session.user, role, origin, Some(session.id))
        } else if self.open {
            check_local(&request.headers)?;
            Caller { actor: Actor { name: "local".into(), origin }, role: Role::Administrator, user: None, session: None }
        } else {
            return Err(unauthorized("this route needs a token or a login"));
        };
        if caller.role < route.least {
            let detail = format!("{} is a {}, and this route is for a {} or above", caller.actor.name, caller.role, route.least);
            return Err(ApiError::new(StatusCode::FORBIDDEN, detail, "ask an administrator for another role, or for a token that may"));
        }
        Ok(caller)
    }

    fn token_caller(&self, token: &Token, scope: Scope, origin: String) -> Result<Caller, ApiError> {
        allowed(token, scope)?;
        let Some(owner) = &token.owner else {
            let role = if token.allows(Scope::Admin) { Role::Administrator } else { Role::Lead };
            let actor = Actor { name: format!("token {}", token.name), origin };
            return Ok(Caller { actor, role, user: None, session: None });
        };
        let role = self.role_of(owner)?;
        if !scopes_for(role).allow(scope) {
            let detail = format!("the token `{}` belongs to {owner}, whose role no longer has the scope `{}`", token.name, scope.word());
            return Err(ApiError::new(StatusCode::FORBIDDEN, detail, "ask an administrator"));
        }
        Ok(Caller::user(owner, role, origin, None))
    }

    /// A user who was taken away or disabled is nobody from that moment.
    fn role_of(&self, user: &str) -> Result<Role, ApiError> {
        let setup = self.register.setup();
        let known = setup.users.get(user).filter(|user| !user.disabled);
        known.map(|user| user.role).ok_or_else(|| unauthorized("the login or token is not valid"))
    }
}

/// The middleware: refuses, or passes on with the [`Caller`] and the [`Actor`] in the request.
pub(super) async fn check(State(door): State<Arc<FrontDoor>>, request: Request<Body>, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    match door.judge(&head).await {
        Ok(caller) => {
            head.extensions.insert(caller.actor.clone());
            head.extensions.insert(caller);
            next.run(Request::from_parts(head, body)).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// The route that the request matched; paths without a route answer 404 to everybody. What the table does not have is no
/// route, whoever asks: what was forgotten there must not be open.
fn route_of(request: &Parts) -> Result<Option<&'static Route>, ApiError> {
    let Some(path) = request.extensions.get::<MatchedPath>() else { return Ok(None) };
    // HEAD runs the handler of GET.
    let method = if request.method == Method::HEAD { "GET" } else { request.method.as_str() };
    let route = ROUTES.iter().find(|route| route.method == method && route.path == path.as_str());
    route.map(Some).ok_or_else(ApiError::method_not_allowed)
}

/// The session of the cookie, if there is one.
pub(super) fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(';'));
    cookies.filter_map(|cookie| cookie.trim().split_once('=')).find(|(name, _)| *name == SESSION_COOKIE).map(|(_, value)| value)
}

fn session_error(error: &LoginError) -> ApiError {
    match error {
        LoginError::Store(error) => ApiError::unavailable(error),
        _ => unauthorized("the login has ended; log in again"),
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
    token.map(|token| Some(token.trim())).ok_or_else(|| unauthorized("the Authorization header is not `Bearer <token>`"))
}

fn unauthorized(detail: &str) -> ApiError {
    let hint = "make a token with `watchroom token create --scope ingest,query,desk` and send it as `Authorization: Bearer <token>`";
    ApiError::new(StatusCode::UNAUTHORIZED, detail, hint)
}

fn token_error(error: &TokenError) -> ApiError {
    match error {
        TokenError::Store(error) => ApiError::unavailable(error),
        // Unknown, wrong, expired and revoked look alike from outside.
        _ => unauthorized("the token is not valid"),
    }
}

fn allowed(token: &Token, scope: Scope) -> Result<(), ApiError> {
    if token.allows(scope) {
        return Ok(());
    }
    let detail = format!("the token `{}` does not have the scope `{}`", token.name, scope.word());
    Err(ApiError::new(StatusCode::FORBIDDEN, detail, "use a token that has it, or make one with `watchroom token create`"))
}

/// On the open loopback: the request must mean this machine, and must not come from a foreign web page.
fn check_local(headers: &HeaderMap) -> Result<(), ApiError> {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !names_loopback(host) {
        let detail = format!("the Host header `{}` does not name this machine's loopback", host.chars().take(100).collect::<String>());
        return Err(ApiError::new(StatusCode::FORBIDDEN, detail, "call it as 127.0.0.1 or localhost"));
    }
    check_origin(headers)
}

/// Scripts of other web pages may not call, whatever cookies the browser sends along.
fn check_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("");
    let origin = headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or("unreadable"));
    match origin.map(|origin| origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))) {
        None => Ok(()),
        Some(Some(authority)) if authority.eq_ignore_ascii_case(host) => Ok(()),
        Some(_) => {
            let hint = "call it from this server's own page, or with a program that sends no Origin header";
            Err(ApiError::new(StatusCode::FORBIDDEN, "a web page of another origin may not call this server", hint))
        }
    }
}

fn names_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_the_loopback_is_local() {
        for host in ["127.0.0.1:8514", "localhost", "LOCALHOST:1", "[::1]:8514", "127.8.8.8"] {
            assert!(names_loopback(host), "{host}");
        }
        for host in ["", "evil.example", "127.0.0.1.evil.example:8514", "10.0.0.1", "[2001:db8::1]:80", "localhost.evil.example"] {
            assert!(!names_loopback(host), "{host}");
        }
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let local = (header::HOST, "127.0.0.1:8514");
        assert!(check_local(&headers(std::slice::from_ref(&local))).is_ok());
        assert!(check_local(&headers(&[local.clone(), (header::ORIGIN, "http://127.0.0.1:8514")])).is_ok());
        assert!(check_local(&headers(&[local.clone(), (header::ORIGIN, "https://evil.example")])).is_err());
        assert!(check_local(&headers(&[local, (header::ORIGIN, "null")])).is_err());
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let with = |text: &str| headers(&[(header::COOKIE, text)]);
        assert_eq!(session_cookie(&with("a=b; watchroom_session=ws_1_2; c=d")), Some("ws_1_2"));
        assert_eq!(session_cookie(&with("not_watchroom_session=ws_1_2")), None);
    }

    #[test]
    fn a_bearer_header_is_read_strictly() {
        assert_eq!(bearer(&headers(&[(header::AUTHORIZATION, "Bearer wr_1_x")])).unwrap(), Some("wr_1_x"));
        assert_eq!(bearer(&HeaderMap::new()).unwrap(), None);
        assert_eq!(bearer(&headers(&[(header::AUTHORIZATION, "Basic eA==")])).unwrap_err().status, 401);
    }
}
