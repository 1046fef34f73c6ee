//! Closes a connection so that its last answer arrives.
//!
//! A request may be answered before all of it was read: its body is over the limit, or it has no token. Closing the
//! socket then, with bytes still unread, makes the kernel answer those with a reset, and the reset makes the sender's
//! kernel throw the answer away: instead of "413, send smaller pieces" the sender sees a broken connection and tries again
//! for ever. So after the answer only our side is closed, and what the sender still sends is read and dropped for a while.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A stream whose shutdown waits until the other side has closed too, or some time has passed.
#[derive(Debug)]
pub(super) struct Lingering<S> {
    stream: S,
    at_most: Duration,
    /// Set when our side is closed.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Lingering<S> {
    pub(super) fn new(stream: S, at_most: Duration) -> Self {
        Self { stream, at_most, deadline: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.deadline.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        let Self { stream, at_most, deadline } = &mut *self;
        let deadline = deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(*at_most)));
        let mut dropped = [0; 16 << 10];
        loop {
            if deadline.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut dropped);
            // A broken connection is closed as well.
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::clock::Stopwatch;

    #[tokio::test]
    async fn the_answer_goes_out_first_and_the_rest_is_read_until_the_other_side_closes() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut ours = Lingering::new(ours, Duration::from_secs(60));
        let our_side = async {
            ours.write_all(b"413").await.unwrap();
            ours.shutdown().await.unwrap();
        };
        let other_side = async move {
            let mut answer = String::new();
            theirs.read_to_string(&mut answer).await.unwrap();
            theirs.write_all(&[b'x'; 10_000]).await.unwrap();
            answer
        };
        assert_eq!(tokio::join!(our_side, other_side).1, "413");
    }

    #[tokio::test]
    async fn a_side_that_never_closes_is_not_waited_for_longer() {
        let (ours, theirs) = tokio::io::duplex(64);
        let started = Stopwatch::start();
        Lingering::new(ours, Duration::from_millis(30)).shutdown().await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(30));
        drop(theirs);
    }
}
