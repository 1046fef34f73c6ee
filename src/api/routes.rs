//! Every route with its scope, and the router made of them.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{delete, get, post, put};

use super::alerts::RefusedKeys;
use super::to_the_end::{Places, to_the_end};
use super::{
    ApiError, FrontDoor, access, acknowledge, alerts, capacity, error, health, incidents, inventory, on_call, openapi, reports, rules,
    sessions, setup, sql, ticket_parts, tickets,
};
use crate::clock::Clock;
use crate::desk::Desk;
use crate::operations::{Alerts, Capacity, Inventory, Register, ScheduledReports};
pub(super) use crate::people::Scope;
use crate::people::{Logins, Role, Tokens};
use crate::pipeline::{FlushHandle, Incidents, RuleBook};
use crate::query::QueryEngine;
use crate::source::http_push::{self, PushState};
use crate::store::{FileStore, Store};

/// A route and who may call it.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path, parameters in braces.
    pub path: &'static str,
    /// Scope that a token needs; `None` is open to everybody.
    pub scope: Option<Scope>,
    /// The least role of a person.
    pub least: Role,
}

const fn open(method: &'static str, path: &'static str) -> Route {
    Route { method, path, scope: None, least: Role::Requester }
}

const fn route(method: &'static str, path: &'static str, scope: Scope, least: Role) -> Route {
    Route { method, path, scope: Some(scope), least }
}

use Role::{Administrator, Lead, Manager, Requester, Technician};
use Scope::{Admin, Desk as Tickets, Ingest, Query};

/// The table of access. A route that is not in it is refused to everybody. Which documents of `setup` a role may change is in
/// the table of kinds ([`crate::operations::KINDS`]), and which records of the inventory in `inventory::changed_by`.
pub const ROUTES: &[Route] = &[
    open("GET", "/"),
    open("GET", "/tickets/{number}"),
    open("GET", "/health"),
    open("GET", "/ready"),
    open("GET", "/api/v1/openapi.json"),
    open("POST", "/api/v1/login"),
    open("GET", "/acknowledge/{token}"),
    open("POST", "/acknowledge/{token}"),
    open("GET", "/calendar/{token}"),
    open("POST", "/v2/enqueue"),
    route("GET", "/metrics", Query, Technician),
    route("POST", "/insert/jsonline", Ingest, Lead),
    route("POST", "/insert/syslog", Ingest, Lead),
    route("POST", "/api/v1/write", Ingest, Lead),
    route("POST", "/api/v1/alertmanager", Ingest, Lead),
    route("POST", "/api/v2/alerts", Ingest, Lead),
    route("POST", "/api/v1/heartbeats/{name}", Ingest, Lead),
    route("POST", "/api/v1/sql", Query, Technician),
    route("POST", "/api/v1/backtest", Query, Technician),
    route("POST", "/api/v1/logout", Tickets, Requester),
    route("GET", "/api/v1/me", Tickets, Requester),
    route("PATCH", "/api/v1/me", Tickets, Technician),
    route("PUT", "/api/v1/me/password", Tickets, Requester),
    route("PUT", "/api/v1/users/{name}/leave", Tickets, Lead),
    route("GET", "/api/v1/tokens", Tickets, Requester),
    route("POST", "/api/v1/tokens", Tickets, Requester),
    route("DELETE", "/api/v1/tokens/{id}", Tickets, Requester),
    route("GET", "/api/v1/tickets", Tickets, Requester),
    route("POST", "/api/v1/tickets", Tickets, Requester),
    route("POST", "/api/v1/tickets/bulk", Tickets, Technician),
    route("GET", "/api/v1/tickets/{number}", Tickets, Requester),
    route("PATCH", "/api/v1/tickets/{number}", Tickets, Requester),
    route("GET", "/api/v1/tickets/{number}/history", Tickets, Requester),
    route("POST", "/api/v1/tickets/{number}/acknowledge", Tickets, Technician),
    route("POST", "/api/v1/tickets/{number}/merge", Tickets, Technician),
    route("POST", "/api/v1/tickets/{number}/split", Tickets, Technician),
    route("POST", "/api/v1/tickets/{number}/links", Tickets, Technician),
    route("DELETE", "/api/v1/tickets/{number}/links", Tickets, Technician),
    route("PUT", "/api/v1/tickets/{number}/watchers/{person}", Tickets, Technician),
    route("DELETE", "/api/v1/tickets/{number}/watchers/{person}", Tickets, Technician),
    route("POST", "/api/v1/tickets/{number}/attachments", Tickets, Requester),
    route("GET", "/api/v1/tickets/{number}/attachments/{id}", Tickets, Requester),
    route("GET", "/api/v1/tickets/{number}/promises", Tickets, Requester),
    route("GET", "/api/v1/tickets/{number}/evidence", Tickets, Technician),
    route("GET", "/api/v1/tickets/{number}/notices", Tickets, Technician),
    route("POST", "/api/v1/findings/{id}/verdict", Tickets, Technician),
    route("POST", "/api/v1/changes", Tickets, Technician),
    route("GET", "/api/v1/rules", Tickets, Technician),
    route("POST", "/api/v1/promises/what-if", Tickets, Lead),
    route("GET", "/api/v1/on-call", Tickets, Technician),
    route("GET", "/api/v1/rotas/{name}/shifts", Tickets, Technician),
    route("GET", "/api/v1/rotas/{name}/coverage", Tickets, Technician),
    route("GET", "/api/v1/rotas/{name}/calendar.ics", Tickets, Technician),
    route("POST", "/api/v1/rotas/{name}/calendar-link", Tickets, Technician),
    route("DELETE", "/api/v1/rotas/{name}/calendar-link", Tickets, Lead),
    route("DELETE", "/api/v1/users/{name}/calendar-links", Tickets, Technician),
    route("POST", "/api/v1/rotas/{name}/swap", Tickets, Technician),
    route("GET", "/api/v1/capacity", Tickets, Technician),
    route("POST", "/api/v1/capacity/run", Tickets, Lead),
    route("GET", "/api/v1/capacity/{id}", Tickets, Technician),
    route("GET", "/api/v1/reports/capacity", Tickets, Technician),
    route("GET", "/api/v1/reports/inventory", Tickets, Technician),
    route("GET", "/api/v1/reports/kept", Tickets, Technician),
    route("GET", "/api/v1/reports/kept/{id}", Tickets, Technician),
    route("POST", "/api/v1/reports/schedules/{name}/run", Tickets, Manager),
    route("GET", "/api/v1/proposals", Tickets, Technician),
    route("GET", "/api/v1/proposals/combined", Tickets, Technician),
    route("POST", "/api/v1/proposals/combined/{offer}/decision", Tickets, Manager),
    route("GET", "/api/v1/proposals/{number}", Tickets, Technician),
    route("POST", "/api/v1/proposals/{number}/decision", Tickets, Manager),
    route("POST", "/api/v1/proposals/{number}/delivery", Tickets, Lead),
    route("POST", "/api/v1/proposals/{number}/agreed-clean-up", Tickets, Technician),
    route("DELETE", "/api/v1/proposals/{number}/agreed-clean-up", Tickets, Technician),
    route("GET", "/api/v1/proposals/{number}/negotiation/{offer}", Tickets, Lead),
    route("POST", "/api/v1/inventory/assets/{name}/repair-or-replace", Tickets, Technician),
    route("GET", "/api/v1/inventory/{kind}", Tickets, Technician),
    route("PUT", "/api/v1/inventory/{kind}", Tickets, Technician),
    route("GET", "/api/v1/inventory/{kind}/{name}", Tickets, Technician),
    route("PUT", "/api/v1/inventory/{kind}/{name}", Tickets, Technician),
    route("DELETE", "/api/v1/inventory/{kind}/{name}", Tickets, Technician),
    route("GET", "/api/v1/inventory/{kind}/{name}/history", Tickets, Technician),
    route("GET", "/api/v1/budgets/{name}/entries", Tickets, Technician),
    route("POST", "/api/v1/budgets/{name}/entries", Tickets, Manager),
    route("GET", "/api/v1/setup", Admin, Manager),
    route("PUT", "/api/v1/setup", Admin, Administrator),
    route("GET", "/api/v1/setup/{kind}", Tickets, Technician),
    route("GET", "/api/v1/setup/{kind}/{name}", Tickets, Technician),
    route("PUT", "/api/v1/setup/{kind}/{name}", Tickets, Lead),
    route("DELETE", "/api/v1/setup/{kind}/{name}", Tickets, Lead),
    route("POST", "/api/v1/users/{name}/reset-password", Admin, Administrator),
    route("GET", "/api/v1/secrets", Admin, Administrator),
    route("PUT", "/api/v1/secrets/{name}", Admin, Administrator),
    route("DELETE", "/api/v1/secrets/{name}", Admin, Administrator),
    route("POST", "/api/v1/flush", Admin, Administrator),
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
    /// What the department has set up.
    pub register: Arc<Register>,
    /// Who logs in.
    pub logins: Logins,
    /// Bearer tokens.
    pub tokens: Tokens,
    /// The store, for what has no room of its own: audit, secrets, messages.
    pub store: Store,
    /// Attached files.
    pub files: FileStore,
    /// What other programs report.
    pub alerts: Alerts,
    /// What the department has, is bound to, is offered and may spend.
    pub inventory: Inventory,
    /// Resources, how they stand, and what is proposed about them.
    pub capacity: Arc<Capacity>,
    /// Reports that are made by themselves, and kept.
    pub reports: Arc<ScheduledReports>,
    /// The time.
    pub clock: Clock,
    /// The listener speaks TLS.
    pub tls: bool,
    /// Signs the links that acknowledge calls and open calendars.
    pub link_secret: Arc<[u8]>,
    /// Where people reach this server; empty: links begin with their path.
    pub public_url: Arc<str>,
    /// Wrong routing keys of the present minute.
    pub refused_keys: Arc<RefusedKeys>,
}

/// The whole API.
pub fn router(state: ApiState, push: PushState, door: Arc<FrontDoor>, console: Router) -> Router {
    // Each group has places of its own: a flood of alerts keeps no acknowledgement waiting.
    let changes = |routes: Router<ApiState>, max_bytes| {
        let layer = middleware::from_fn_with_state(Places::default(), to_the_end);
        routes.route_layer(layer).layer(DefaultBodyLimit::max(max_bytes))
    };
    let small = desk_routes().merge(setup_routes()).merge(inventory_routes()).merge(capacity_routes());
    let attachments = Router::new().route("/api/v1/tickets/{number}/attachments", post(ticket_parts::attach));
    let whole_setup = Router::new().route("/api/v1/setup", get(setup::export).put(setup::import));
    let whole_inventory = Router::new().route("/api/v1/inventory/{kind}", get(inventory::list).put(inventory::import));
    let reports = Router::new()
        .route("/api/v1/alertmanager", post(alerts::alertmanager))
        .route("/api/v2/alerts", post(alerts::prometheus))
        .route("/v2/enqueue", post(alerts::pagerduty))
        .route("/api/v1/heartbeats/{name}", post(alerts::heartbeat));
    // What nobody waits for any more ends with its connection: statements, arithmetic, and runs that are as well begun again. Logins, which
    // anybody may try, have a queue of their own.
    let cut_short = Router::new()
        .route("/api/v1/login", post(sessions::log_in))
        .route("/api/v1/promises/what-if", post(ticket_parts::what_if_policy))
        .route("/api/v1/capacity/run", post(capacity::run))
        .route("/api/v1/reports/schedules/{name}/run", post(reports::make_now))
        .route("/api/v1/inventory/assets/{name}/repair-or-replace", post(capacity::repair_or_replace))
        .route("/api/v1/sql", post(sql::run))
        .route("/api/v1/rules", get(rules::list))
        .route("/api/v1/backtest", post(rules::backtest))
        .route("/api/v1/flush", post(health::flush))
        .layer(DefaultBodyLimit::max(MAX_COMMAND_BYTES));
    let commands = cut_short
        .merge(changes(small, MAX_COMMAND_BYTES))
        .merge(changes(attachments, ticket_parts::MAX_ATTACHMENT_BYTES))
        .merge(changes(whole_setup, setup::MAX_SETUP_BYTES))
        .merge(changes(whole_inventory, inventory::MAX_IMPORT_BYTES))
        .merge(changes(reports, alerts::MAX_ALERT_BYTES))
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

fn desk_routes() -> Router<ApiState> {
    Router::new()
        .route("/api/v1/tickets", get(tickets::list).post(tickets::create))
        .route("/api/v1/tickets/bulk", post(tickets::bulk))
        .route("/api/v1/tickets/{number}", get(tickets::get).patch(tickets::change))
        .route("/api/v1/tickets/{number}/history", get(tickets::history))
        .route("/api/v1/tickets/{number}/acknowledge", post(ticket_parts::acknowledge))
        .route("/api/v1/tickets/{number}/merge", post(incidents::merge))
        .route("/api/v1/tickets/{number}/split", post(incidents::split))
        .route("/api/v1/tickets/{number}/links", post(ticket_parts::link).delete(ticket_parts::unlink))
        .route("/api/v1/tickets/{number}/watchers/{person}", put(ticket_parts::watch).delete(ticket_parts::unwatch))
        .route("/api/v1/tickets/{number}/attachments/{id}", get(ticket_parts::attachment))
        .route("/api/v1/tickets/{number}/promises", get(ticket_parts::promises))
        .route("/api/v1/tickets/{number}/evidence", get(ticket_parts::evidence))
        .route("/api/v1/tickets/{number}/notices", get(ticket_parts::notices))
        .route("/api/v1/findings/{id}/verdict", post(incidents::judge))
        .route("/api/v1/changes", post(incidents::note_change))
        .route("/api/v1/on-call", get(on_call::now))
        .route("/api/v1/rotas/{name}/shifts", get(on_call::rota_shifts))
        .route("/api/v1/rotas/{name}/coverage", get(on_call::rota_coverage))
        .route("/api/v1/rotas/{name}/calendar.ics", get(on_call::rota_calendar))
        .route("/api/v1/rotas/{name}/calendar-link", post(on_call::rota_calendar_link).delete(on_call::revoke_rota_links))
        .route("/api/v1/users/{name}/calendar-links", delete(on_call::revoke_person_links))
        .route("/calendar/{token}", get(on_call::linked_calendar))
        .route("/api/v1/rotas/{name}/swap", post(on_call::rota_swap))
        .route("/acknowledge/{token}", get(acknowledge::show).post(acknowledge::acknowledge))
}

fn setup_routes() -> Router<ApiState> {
    Router::new()
        .route("/api/v1/logout", post(sessions::log_out))
        .route("/api/v1/me", get(sessions::me).patch(setup::change_me))
        .route("/api/v1/users/{name}/leave", put(setup::put_leave))
        .route("/api/v1/me/password", put(sessions::change_password))
        .route("/api/v1/tokens", get(sessions::tokens).post(sessions::make_token))
        .route("/api/v1/tokens/{id}", delete(sessions::revoke_token))
        .route("/api/v1/users/{name}/reset-password", post(sessions::reset_password))
        .route("/api/v1/setup/{kind}", get(setup::list))
        .route("/api/v1/setup/{kind}/{name}", get(setup::get).put(setup::put).delete(setup::delete))
        .route("/api/v1/secrets", get(setup::secrets))
        .route("/api/v1/secrets/{name}", put(setup::put_secret).delete(setup::delete_secret))
}

fn capacity_routes() -> Router<ApiState> {
    Router::new()
        .route("/api/v1/capacity", get(capacity::list))
        .route("/api/v1/capacity/{id}", get(capacity::get))
        .route("/api/v1/reports/capacity", get(reports::capacity))
        .route("/api/v1/reports/inventory", get(reports::inventory))
        .route("/api/v1/reports/kept", get(reports::kept))
        .route("/api/v1/reports/kept/{id}", get(reports::kept_file))
        .route("/api/v1/proposals", get(capacity::proposals))
        .route("/api/v1/proposals/combined", get(capacity::combined))
        .route("/api/v1/proposals/combined/{offer}/decision", post(capacity::decide_together))
        .route("/api/v1/proposals/{number}", get(capacity::proposal))
        .route("/api/v1/proposals/{number}/decision", post(capacity::decide))
        .route("/api/v1/proposals/{number}/delivery", post(capacity::deliver))
        .route("/api/v1/proposals/{number}/agreed-clean-up", post(capacity::agree_clean_up).delete(capacity::take_back_clean_up))
        .route("/api/v1/proposals/{number}/negotiation/{offer}", get(capacity::sheet))
}

fn inventory_routes() -> Router<ApiState> {
    Router::new()
        .route("/api/v1/inventory/{kind}/{name}", get(inventory::get).put(inventory::put).delete(inventory::delete))
        .route("/api/v1/inventory/{kind}/{name}/history", get(inventory::history))
        .route("/api/v1/budgets/{name}/entries", get(inventory::budget_book).post(inventory::enter))
}
