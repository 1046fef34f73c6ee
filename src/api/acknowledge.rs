//! The page behind the link of a call: `GET` shows it, only its button acknowledges. Mail scanners and previews open links.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::ApiState;
use crate::desk::DeskError;
use crate::notify::acknowledge_link::{Acknowledgement, verify};
use crate::operations::{OperationsError, answer_call};

/// Nothing but a form of our own; no script, no frame.
const POLICY: &str = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Shows the ticket and a button.
pub(super) async fn show(State(state): State<ApiState>, Path(token): Path<String>) -> Response {
    let what = match verify(&state.link_secret, &token, state.clock.now_us()) {
        Ok(what) => what,
        Err(error) => return page(StatusCode::NOT_FOUND, "Not valid", &escaped(&error.to_string())),
    };
    match state.desk.get(what.ticket).await {
        Ok(detail) => {
            let ticket = detail.ticket;
            let done = ticket.acknowledged_by.as_ref().map(|by| format!("<p>Acknowledged by {}.</p>", escaped(by)));
            let button = "<form method=\"post\"><button type=\"submit\" autofocus>I take care of it</button></form>";
            let body = format!(
                "<p>{}</p><p>{} · {}</p>{}{button}",
                escaped(&ticket.title),
                ticket.priority,
                ticket.state,
                done.unwrap_or_default()
            );
            page(StatusCode::OK, &format!("Ticket {}", ticket.number), &body)
        }
        Err(error) => page(StatusCode::NOT_FOUND, "Not found", &escaped(&error.to_string())),
    }
}

/// Acknowledges, in the name of whom the call was for.
pub(super) async fn acknowledge(State(state): State<ApiState>, Path(token): Path<String>) -> Response {
    let what = match verify(&state.link_secret, &token, state.clock.now_us()) {
        Ok(what) => what,
        Err(error) => return page(StatusCode::NOT_FOUND, "Not valid", &escaped(&error.to_string())),
    };
    let Acknowledgement { ticket, person, page_id, .. } = what;
    match answer_call(&state.desk, ticket, &page_id, &person).await {
        Ok(ticket) => {
            let by = escaped(ticket.acknowledged_by.as_deref().unwrap_or(""));
            page(StatusCode::OK, &format!("Ticket {}", ticket.number), &format!("<p>Acknowledged by {by}. Nobody else is called.</p>"))
        }
        Err(OperationsError::Desk(DeskError::Invalid { field: "page", why })) => {
            page(StatusCode::CONFLICT, "This call is over", &escaped(&why))
        }
        Err(OperationsError::Desk(error @ DeskError::Invalid { .. })) => {
            page(StatusCode::CONFLICT, "Not open", &escaped(&error.to_string()))
        }
        Err(OperationsError::Desk(error @ DeskError::NotFound(_))) => {
            page(StatusCode::NOT_FOUND, "Not found", &escaped(&error.to_string()))
        }
        Err(error) => page(StatusCode::SERVICE_UNAVAILABLE, "Not done", &escaped(&error.to_string())),
    }
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title} · Watchroom</title></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, html).into_response()
}

/// Text as HTML shows it: titles come from log lines.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_title_is_text_and_never_markup() {
        assert_eq!(escaped("<script>\u{1b}\"'&"), "&lt;script&gt; &quot;&#39;&amp;");
    }
}
