//! Starts the tasks of the pipeline, so that none ends unnoticed.

use std::future::Future;

use tokio::task::JoinHandle;

use crate::shutdown::{Phase, Shutdown};

/// Starts a task that lasts until the stop. If it panics, the server is told to stop: half a pipeline that goes on taking
/// would be worse than a restart, and everything acknowledged is in the log.
#[allow(clippy::disallowed_methods, reason = "the one place that spawns")]
pub fn spawn(name: &'static str, shutdown: &Shutdown, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        if let Err(error) = tokio::spawn(task).await
            && error.is_panic()
        {
            tracing::error!(stage = name, "BUG: a stage of the pipeline panicked; stopping, start again to recover from the log");
            shutdown.advance(Phase::SourcesStopping);
        }
    })
}
