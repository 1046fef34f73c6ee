//! A request body that must arrive in time: a sender that trickles bytes holds a connection no longer than this.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures::StreamExt;
use futures::stream;

/// Ends the body with an error when `limit` has passed since the request's head.
pub(super) fn with_deadline(request: Request<Body>, limit: Duration) -> Request<Body> {
    let (parts, body) = request.into_parts();
    let deadline = tokio::time::sleep(limit);
    let pieces = stream::unfold((body.into_data_stream(), Box::pin(deadline), false), |(mut pieces, mut deadline, over)| async move {
        if over {
            return None;
        }
        tokio::select! {
            biased;
            piece = pieces.next() => piece.map(|piece| (piece.map_err(std::io::Error::other), (pieces, deadline, false))),
            () = &mut deadline => {
                let late = std::io::Error::new(std::io::ErrorKind::TimedOut, "the request's body did not arrive in time");
                Some((Err(late), (pieces, deadline, true)))
            }
        }
    });
    Request::from_parts(parts, Body::from_stream(pieces))
}
