//! One SMTP session: connect, protect, log in, hand over a mail.
//!
//! The dialogue itself is the mail library's. What is added is how bytes come to it: line by line and not without end. A
//! server, or somebody on the way to it, may put further answers behind the one to `STARTTLS`, still in the clear. Read
//! ahead into a buffer, they would be taken for answers that came through TLS, and a mail for accepted that never was (see
//! Poddebniak and others, "Why TLS is better without STARTTLS", USENIX Security 2021; CVE-2011-0411). Handed out a line at a
//! time, they are what the TLS handshake reads next, and it fails.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Most bytes that a server may say in a session: certificates and some dozen answers are a tenth of it. Without a limit a
/// line that never ends would fill the memory.
const MAX_SAID_BYTES: usize = 256 * 1024;

/// Bytes that are read at a time.
const READ_BYTES: usize = 4 * 1024;

/// How long a server may take to say goodbye. The mail was accepted before; nobody waits for this.
const GOODBYE_WITHIN: Duration = Duration::from_secs(2);

/// Everything that a session needs to know.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) hello: ClientId,
    pub(super) protection: Protection,
    pub(super) credentials: Option<Credentials>,
    /// How long making the connection may take, and with `protection` from the first byte, TLS too.
    pub(super) connect_within: Duration,
}

/// When TLS begins.
#[derive(Clone)]
pub(super) enum Protection {
    Never,
    FirstByte(TlsParameters),
    Starttls(TlsParameters),
}

/// Why a session failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("the connection could not be made: {0}")]
    Connect(#[from] io::Error),
    #[error(transparent)]
    Smtp(#[from] lettre::transport::smtp::Error),
}

impl Session {
    /// Hands a mail over. The answer is the one to the mail's end: with it the server has taken charge of it (RFC 5321
    /// section 4.2.5).
    pub(super) async fn hand_over(&self, mail: &lettre::Message) -> Result<Response, SessionError> {
        let mut connection = self.connect().await?;
        let taken = self.say(&mut connection, mail).await?;
        // Whatever is said now changes nothing any more. After a failure the connection is only dropped: the library must not
        // be asked to speak through a TLS that did not come about.
        let _ = tokio::time::timeout(GOODBYE_WITHIN, connection.abort()).await;
        Ok(taken)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SessionError> {
        let server = (self.host.as_str(), self.port);
        if let Protection::FirstByte(tls) = &self.protection {
            let within = Some(self.connect_within);
            return Ok(AsyncSmtpConnection::connect_tokio1(server, within, &self.hello, Some(tls.clone()), None).await?);
        }
        let socket = tokio::time::timeout(self.connect_within, TcpStream::connect(server)).await.map_err(io::Error::from)??;
        Ok(AsyncSmtpConnection::connect_with_transport(Box::new(LineByLine::new(socket)), &self.hello).await?)
    }

    async fn say(&self, connection: &mut AsyncSmtpConnection, mail: &lettre::Message) -> Result<Response, SessionError> {
        if let Protection::Starttls(tls) = &self.protection {
            // Fails where the server does not offer it, before anything that matters is said.
            connection.starttls(tls.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection.send(mail.envelope(), &mail.formatted()).await?)
    }
}

/// A connection that never gives more than the rest of a line to one read, and ends after [`MAX_SAID_BYTES`].
#[derive(Debug)]
struct LineByLine {
    socket: TcpStream,
    read: Vec<u8>,
    given: usize,
    room: usize,
}

impl LineByLine {
    fn new(socket: TcpStream) -> Self {
        Self { socket, read: Vec::new(), given: 0, room: MAX_SAID_BYTES }
    }

    /// Reads from the socket if everything that was read has been given out; afterwards nothing is left at the end only.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.given < self.read.len() {
            return Poll::Ready(Ok(()));
        }
        if self.room == 0 {
            return Poll::Ready(Err(io::Error::other(format!("the server said more than {MAX_SAID_BYTES} bytes"))));
        }
        self.read.resize(READ_BYTES.min(self.room), 0);
        self.given = 0;
        let mut buffer = ReadBuf::new(&mut self.read);
        let polled = Pin::new(&mut self.socket).poll_read(context, &mut buffer);
        let count = if polled.is_ready() { buffer.filled().len() } else { 0 };
        self.read.truncate(count);
        self.room -= count;
        polled
    }
}

impl AsyncRead for LineByLine {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_fill(context))?;
        let waiting = &self.read[self.given..];
        let line = waiting.iter().position(|byte| *byte == b'\n').map_or(waiting.len(), |at| at + 1);
        let count = line.min(buffer.remaining());
        buffer.put_slice(&waiting[..count]);
        self.given += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineByLine {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

impl AsyncTokioStream for LineByLine {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.peer_addr()
    }
}
