//! Every route with its scope, and the router made of them.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};

use super::{ApiError, FrontDoor, access, error, health, incidents, openapi, rules, sql, tickets};
use crate::desk::Desk;
pub(super) use crate::people::Scope;
use crate::pipeline::{FlushHandle, Incidents, RuleBook};
use crate::query::QueryEngine;
use crate::source::http_push::{self, PushState};

/// A route and who may call it.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path, parameters in braces.
    pub path: &'static str,
    /// Scope that a token needs; `None` is open to everybody.
    pub scope: Option<Scope>,
}

const fn route(method: &'static str, path: &'static str, scope: Option<Scope>) -> Route {
    Route { method, path, scope }
}

/// The table of access. A route that is not in it is refused to everybody.
pub const ROUTES: &[Route] = &[
    route("GET", "/", None),
    route("GET", "/health", None),
    route("GET", "/ready", None),
    route("GET", "/api/v1/openapi.json", None),
    route("GET", "/metrics", Some(Scope::Query)),
    route("POST", "/insert/jsonline", Some(Scope::Ingest)),
    route("POST", "/insert/syslog", Some(Scope::Ingest)),
    route("POST", "/api/v1/write", Some(Scope::Ingest)),
    route("POST", "/api/v1/sql", Some(Scope::Query)),
    route("GET", "/api/v1/tickets", Some(Scope::Desk)),
    route("GET", "/api/v1/tickets/{number}", Some(Scope::Desk)),
    route("PATCH", "/api/v1/tickets/{number}", Some(Scope::Desk)),
    route("POST", "/api/v1/tickets/{number}/merge", Some(Scope::Desk)),
    route("POST", "/api/v1/tickets/{number}/split", Some(Scope::Desk)),
    route("POST", "/api/v1/findings/{id}/verdict", Some(Scope::Desk)),
    route("POST", "/api/v1/changes", Some(Scope::Desk)),
    route("GET", "/api/v1/rules", Some(Scope::Desk)),
    route("POST", "/api/v1/backtest", Some(Scope::Query)),
    route("POST", "/api/v1/flush", Some(Scope::Admin)),
];

/// Largest body of a request that is no push: a statement or a change.
const MAX_COMMAND_BYTES: usize = 1 << 20;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct ApiState {
    /// The query gate.
    pub queries: Arc<QueryEngine>,
    /// The desk.
    pub desk: Desk,
    /// The incidents behind the tickets.
    pub incidents: Arc<Incidents>,
    /// The detection rules.
    pub rules: Arc<RuleBook>,
    /// Commits fresh rows.
    pub flush: FlushHandle,
}

/// The whole API.
pub fn router(state: ApiState, push: PushState, door: Arc<FrontDoor>, console: Router) -> Router {
    let commands = Router::new()
        .route("/api/v1/sql", post(sql::run))
        .route("/api/v1/tickets", get(tickets::list))
        .route("/api/v1/tickets/{number}", get(tickets::get).patch(tickets::change))
        .route("/api/v1/tickets/{number}/merge", post(incidents::merge))
        .route("/api/v1/tickets/{number}/split", post(incidents::split))
        .route("/api/v1/findings/{id}/verdict", post(incidents::judge))
        .route("/api/v1/changes", post(incidents::note_change))
        .route("/api/v1/rules", get(rules::list))
        .route("/api/v1/backtest", post(rules::backtest))
        .route("/api/v1/flush", post(health::flush))
        .layer(DefaultBodyLimit::max(MAX_COMMAND_BYTES))
        .with_state(state);
    let open = Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/api/v1/openapi.json", get(openapi::document));
    Router::new()
        .merge(commands)
        .merge(open)
        .merge(http_push::routes(push))
        .merge(console)
        .fallback(ApiError::no_such_route)
        .method_not_allowed_fallback(ApiError::no_such_method)
        .route_layer(middleware::from_fn_with_state(door, access::check))
        .layer(middleware::map_response(error::as_problem))
}
