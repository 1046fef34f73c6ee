//! Changes are carried out to their end, also when whoever asked for them has gone.
//!
//! What is committed and what is known of it in memory (who may do what, which findings belong together) change one after the other;
//! a handler that is cut off in between would leave them apart until the next start. A handler is cut off when its connection ends.

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::Semaphore;

use super::ApiError;

/// Changes of a kind that are carried out at the same time; others wait as long as their connections do.
const AT_ONCE: usize = 64;

/// The places of those that are carried out.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// Carries out a request that changes something. Its body is read before it takes a place: who sends slowly keeps nobody waiting.
pub(super) async fn to_the_end(State(Places(places)): State<Places>, request: Request, next: Next) -> Response {
    if [Method::GET, Method::HEAD].contains(request.method()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let body = match Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await {
        Ok(body) => body,
        Err(refused) => return refused.into_response(),
    };
    let Ok(place) = places.acquire_owned().await else { return broke_off() };
    #[allow(clippy::disallowed_methods, reason = "it must outlive the request; whoever asked hears of its end, also of a panic")]
    let work = tokio::spawn(async move {
        let _place = place;
        next.run(Request::from_parts(parts, body.into())).await
    });
    work.await.unwrap_or_else(|_| broke_off())
}

fn broke_off() -> Response {
    let hint = "the server's log has more; look whether the change was made before you send it again";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "BUG: the change broke off", hint).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::DefaultBodyLimit;
    use axum::routing::post;
    use axum::{Router, middleware};
    use futures::poll;
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
    use tower::ServiceExt;

    use super::*;

    /// Changes that wait for the gate and then tell what was sent.
    fn gated() -> (Router, Arc<Semaphore>, UnboundedReceiver<Bytes>) {
        let (done, told) = unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        let change = {
            let gate = gate.clone();
            move |body: Bytes| carry_out(gate.clone(), done.clone(), body)
        };
        let layer = middleware::from_fn_with_state(Places::default(), to_the_end);
        let app = Router::new().route("/", post(change.clone()).get(change)).route_layer(layer).layer(DefaultBodyLimit::max(8));
        (app, gate, told)
    }

    async fn carry_out(gate: Arc<Semaphore>, done: UnboundedSender<Bytes>, body: Bytes) {
        assert_ne!(body, "panic", "as it was asked for");
        gate.acquire().await.unwrap().forget();
        done.send(body).unwrap();
    }

    fn request(method: Method, body: impl Into<Body>) -> Request {
        Request::builder().method(method).uri("/").body(body.into()).unwrap()
    }

    #[tokio::test]
    async fn a_change_goes_on_when_its_caller_has_gone_and_a_question_does_not() {
        let (app, gate, mut told) = gated();
        for (method, body) in [(Method::GET, "asked"), (Method::POST, "changed")] {
            let mut asked = Box::pin(app.clone().oneshot(request(method, body)));
            assert!(poll!(asked.as_mut()).is_pending(), "it waits at the gate");
        }
        gate.add_permits(2);
        assert_eq!(told.recv().await.unwrap(), "changed");
        assert!(told.try_recv().is_err(), "the question was cut off");
    }

    #[tokio::test]
    async fn who_sends_too_much_or_slowly_takes_no_place() {
        let (app, gate, mut told) = gated();
        let refused = app.clone().oneshot(request(Method::POST, "more than eight")).await.unwrap();
        assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let never = || Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let mut waiting: Vec<_> = (0..2 * AT_ONCE).map(|_| Box::pin(app.clone().oneshot(request(Method::POST, never())))).collect();
        for slow in &mut waiting {
            assert!(poll!(slow.as_mut()).is_pending());
        }
        gate.add_permits(1);
        assert_eq!(app.oneshot(request(Method::POST, "abc")).await.unwrap().status(), StatusCode::OK);
        assert_eq!(told.recv().await.unwrap(), "abc");
    }

    #[tokio::test]
    async fn a_panic_is_told_and_frees_its_place() {
        let (app, ..) = gated();
        for _ in 0..=AT_ONCE {
            let answer = app.clone().oneshot(request(Method::POST, "panic")).await.unwrap();
            assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
}
