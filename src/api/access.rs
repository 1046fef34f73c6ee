//! Who may call what.
//!
//! On loopback without `access.require_token` a request needs no token: whoever can reach it is on this machine. Two
//! checks keep web pages out, whose scripts run on this machine too: the `Host` header must name the loopback (DNS
//! rebinding), and a foreign `Origin` is refused. Everywhere else a bearer token with the route's scope is needed. A token
//! that is sent is always checked, also where none is needed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::ApiError;
use super::routes::{ROUTES, Scope};
use crate::desk::Actor;
use crate::people::{Token, TokenError, Tokens};

/// The rule of the house, made at the start.
#[derive(Debug)]
pub struct FrontDoor {
    /// Nothing asks for a token.
    open: bool,
    tokens: Tokens,
}

impl FrontDoor {
    /// `open` only when every listener is on loopback and the configuration does not ask for tokens.
    pub fn new(open: bool, tokens: Tokens) -> Self {
        Self { open, tokens }
    }

    async fn judge(&self, request: &Parts) -> Result<Actor, ApiError> {
        let origin = request.extensions.get::<ConnectInfo<std::net::SocketAddr>>().map_or_else(String::new, |peer| peer.ip().to_string());
        let Some(scope) = route_scope(request)? else { return Ok(Actor { name: "anonymous".into(), origin }) };
        if let Some(bearer) = bearer(&request.headers)? {
            let token = self.tokens.verify(bearer).await.map_err(|error| token_error(&error))?;
            return allowed(&token, scope).map(|()| Actor { name: format!("token {}", token.name), origin });
        }
        if !self.open {
            return Err(unauthorized("this route needs a token"));
        }
        check_local(&request.headers)?;
        Ok(Actor { name: "local".into(), origin })
    }
}

/// The middleware: refuses, or passes on with the [`Actor`] in the request.
pub(super) async fn check(State(door): State<Arc<FrontDoor>>, request: Request<Body>, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    match door.judge(&head).await {
        Ok(actor) => {
            head.extensions.insert(actor);
            next.run(Request::from_parts(head, body)).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// The scope of the route that the request matched; paths without a route answer 404 to everybody. What the table does not
/// have is no route, whoever asks: what was forgotten there must not be open.
fn route_scope(request: &Parts) -> Result<Option<Scope>, ApiError> {
    let Some(path) = request.extensions.get::<MatchedPath>() else { return Ok(None) };
    // HEAD runs the handler of GET.
    let method = if request.method == Method::HEAD { "GET" } else { request.method.as_str() };
    let route = ROUTES.iter().find(|route| route.method == method && route.path == path.as_str());
    route.map(|route| route.scope).ok_or_else(ApiError::method_not_allowed)
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
        TokenError::Store(error) => ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string(), ""),
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
    let origin = headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or("unreadable"));
    match origin.map(|origin| origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))) {
        None => Ok(()),
        Some(Some(authority)) if authority.eq_ignore_ascii_case(host) => Ok(()),
        Some(_) => Err(ApiError::new(StatusCode::FORBIDDEN, "a web page of another origin may not call this server", "")),
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
    fn a_bearer_header_is_read_strictly() {
        assert_eq!(bearer(&headers(&[(header::AUTHORIZATION, "Bearer wr_1_x")])).unwrap(), Some("wr_1_x"));
        assert_eq!(bearer(&HeaderMap::new()).unwrap(), None);
        assert_eq!(bearer(&headers(&[(header::AUTHORIZATION, "Basic eA==")])).unwrap_err().status, 401);
    }
}
