//! A request body that must arrive in time: a sender that trickles bytes holds a connection no longer than this.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::header::{CONNECTION, HeaderValue};
use axum::http::{Request, Response};
use futures::StreamExt;
use futures::stream;

/// Whether a request's body was read to its end.
#[derive(Debug, Clone)]
pub(super) struct BodyEnd(Arc<AtomicBool>);

impl BodyEnd {
    /// The answer, and with it the news that the connection closes if part of the request was left unread: a sender that is
    /// not told would put its next request on a connection that is going away.
    pub(super) fn announce(&self, mut response: Response<Body>) -> Response<Body> {
        if !self.0.load(Ordering::Relaxed) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Ends the body with an error when `limit` has passed since the request's head.
pub(super) fn with_deadline(request: Request<Body>, limit: Duration) -> (Request<Body>, BodyEnd) {
    let (parts, body) = request.into_parts();
    let end = BodyEnd(Arc::new(AtomicBool::new(body.is_end_stream())));
    let state = (body.into_data_stream(), Box::pin(tokio::time::sleep(limit)), end.clone());
    let pieces = stream::unfold(Some(state), |state| async move {
        let (mut pieces, mut deadline, end) = state?;
        tokio::select! {
            biased;
            piece = pieces.next() => match piece {
                Some(piece) => Some((piece.map_err(std::io::Error::other), Some((pieces, deadline, end)))),
                None => {
                    end.0.store(true, Ordering::Relaxed);
                    None
                }
            },
            () = &mut deadline => {
                let late = std::io::Error::new(std::io::ErrorKind::TimedOut, "the request's body did not arrive in time");
                Some((Err(late), None))
            }
        }
    });
    (Request::from_parts(parts, Body::from_stream(pieces)), end)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn closes(body: Body, read: bool) -> bool {
        let (request, end) = with_deadline(Request::new(body), Duration::from_secs(5));
        if read {
            axum::body::to_bytes(request.into_body(), 100).await.unwrap();
        }
        end.announce(Response::new(Body::empty())).headers().contains_key(CONNECTION)
    }

    #[tokio::test]
    async fn an_answer_before_the_end_of_the_body_closes_the_connection_and_says_so() {
        assert!(closes(Body::from("unread"), false).await);
        assert!(!closes(Body::from("read"), true).await);
        assert!(!closes(Body::empty(), false).await);
    }
}
