//! The page at `/`, and those of tickets, which messages lead to.
//!
//! The web console is not part of this build yet: the page says so and shows what can be done without it.

use axum::Router;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// No script, no foreign content: the page is text.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What all visitors are shown begins with this.
const REST: &str = "<h2>Look around</h2>";

/// The routes of the console.
pub fn routes() -> Router {
    Router::new().route("/", get(async || page(String::new()))).route("/tickets/{number}", get(ticket))
}

/// Where the ticket of a message is to be found. The page knows the number alone: who may see the ticket says the API.
async fn ticket(Path(number): Path<u64>) -> Response {
    page(format!(
        "<h2>Ticket {number}</h2>\n<p><a href=\"/api/v1/tickets/{number}\">Everything that is known of it</a> (log in first), or at a \
         terminal:</p>\n<pre>watchroom query \"SELECT * FROM tickets WHERE number = {number}\"\nwatchroom query \"SELECT at, actor, kind, \
         detail FROM ticket_events WHERE ticket = {number} ORDER BY seq\"</pre>\n"
    ))
}

/// The page with what stands before the rest.
fn page(first: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, include_str!("console.html").replacen(REST, &format!("{first}{REST}"), 1)).into_response()
}
