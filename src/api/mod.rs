//! The HTTP API: routes, who may call them, and how errors look.
//!
//! [`routes::ROUTES`] is the one table of method, path, scope and role; the access check, the OpenAPI document's test and the
//! documentation all read it. Handlers translate between HTTP and the rooms below; they decide nothing.

mod access;
mod acknowledge;
mod alerts;
mod caller;
mod capacity;
mod error;
mod health;
mod incidents;
mod inventory;
mod lingering;
mod on_call;
mod openapi;
mod page;
mod query_error;
mod reports;
mod request_head;
mod routes;
mod rules;
mod server;
mod sessions;
mod setup;
mod sql;
mod ticket_parts;
mod tickets;
mod timed_body;
mod to_the_end;

pub use access::FrontDoor;
pub use alerts::RefusedKeys;
pub use error::ApiError;
pub use routes::{ApiState, ROUTES, Route, router};
pub use server::{ServerConfig, TlsError, serve_http, tls_acceptor};
