//! Accepts HTTP connections: TLS, limits against slow and many clients, an ordered end.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use futures::TryFutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::lingering::Lingering;
use super::timed_body::with_deadline;
use crate::self_metrics::{HTTP_CONNECTIONS, HTTP_REFUSED, HTTP_REQUESTS};
use crate::shutdown::Shutdown;

/// Longest head of a request.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Open requests get this long to end when the server stops.
const DRAIN_TIME: Duration = Duration::from_secs(3);

/// After the last answer on a connection, what is still sent is read for this long: the largest body on a local network
/// takes less, and a stop can wait for it.
const LINGER: Duration = Duration::from_secs(2);

/// Limits of the HTTP listener.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Connections open at the same time.
    pub max_connections: u64,
    /// Connections open at the same time from one address.
    pub max_connections_per_peer: usize,
    /// For a request's head.
    pub header_timeout: Duration,
    /// For a request's body.
    pub body_timeout: Duration,
}

/// A certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up with {path}: {detail}; give PEM files of a certificate chain and its private key")]
pub struct TlsError {
    path: String,
    detail: String,
}

/// Reads certificate chain and key (PEM).
pub fn tls_acceptor(certificates: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let failed = |path: &Path, detail: String| TlsError { path: path.display().to_string(), detail };
    let chain = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| failed(certificates, error.to_string()))?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| failed(key, error.to_string()))?;
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(certificates, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map_err(|error| failed(key, error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until the sources are to stop; open requests are then finished, idle connections closed.
pub async fn serve_http(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, config: ServerConfig, shutdown: Shutdown) {
    let server = Arc::new(Server { tls, router, config, shutdown, per_peer: Mutex::default() });
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = server.shutdown.sources_stopping() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(place) = Place::take(&server, peer.ip()) {
                    connections.spawn(place.serve(stream, peer));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "an HTTP connection cannot be accepted; trying again in 100 ms");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_TIME, drained).await.is_err() {
        tracing::warn!("some HTTP requests did not end in {} s and were cut off", DRAIN_TIME.as_secs());
    }
}

struct Server {
    tls: Option<TlsAcceptor>,
    router: Router,
    config: ServerConfig,
    shutdown: Shutdown,
    per_peer: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place among the allowed ones.
struct Place {
    server: Arc<Server>,
    peer: IpAddr,
}

impl Place {
    fn take(server: &Arc<Server>, peer: IpAddr) -> Option<Self> {
        let mut per_peer = server.per_peer.lock().unwrap_or_else(PoisonError::into_inner);
        let count = per_peer.entry(peer).or_default();
        if HTTP_CONNECTIONS.get() >= server.config.max_connections || *count >= server.config.max_connections_per_peer {
            HTTP_REFUSED.add(1);
            return None;
        }
        *count += 1;
        HTTP_CONNECTIONS.increment();
        drop(per_peer);
        Some(Self { server: server.clone(), peer })
    }

    async fn serve(self, stream: TcpStream, peer: SocketAddr) {
        // Answers are small: waiting to fill a segment would only delay acknowledgements.
        let _ = stream.set_nodelay(true);
        match &self.server.tls {
            None => self.serve_stream(stream, peer).await,
            Some(tls) => match tokio::time::timeout(self.server.config.header_timeout, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.serve_stream(stream, peer).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
            },
        }
    }

    async fn serve_stream(&self, stream: impl AsyncRead + AsyncWrite + Unpin, peer: SocketAddr) {
        let router = self.server.router.clone();
        let body_timeout = self.server.config.body_timeout;
        let service = service_fn(move |request: Request<Incoming>| {
            HTTP_REQUESTS.add(1);
            let (mut request, end) = with_deadline(request.map(Body::new), body_timeout);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request).map_ok(move |response| end.announce(response))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.server.config.header_timeout)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(Lingering::new(stream, LINGER)), service);
        tokio::pin!(connection);
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = self.server.shutdown.sources_stopping() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%peer, %error, "HTTP connection ended early");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        HTTP_CONNECTIONS.decrement();
        let mut per_peer = self.server.per_peer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = per_peer.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                per_peer.remove(&self.peer);
            }
        }
    }
}
