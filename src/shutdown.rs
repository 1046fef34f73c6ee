//! One signal that tells every part to stop, and in which order.
//!
//! A stop has two phases: first the sources stop taking ([`Shutdown::sources_stopping`]), then, when the pipeline has
//! flushed what they took, the rest ends ([`Shutdown::all_stopping`]).

use tokio::sync::watch;

/// How far the stop has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Work as usual.
    Running,
    /// Listeners close, open requests are answered, nothing new is taken.
    SourcesStopping,
    /// Everything is flushed; whoever still runs ends now.
    AllStopping,
}

/// The switch and the view of it; clones share the state.
#[derive(Debug, Clone)]
pub struct Shutdown {
    phase: watch::Sender<Phase>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// A switch that stands at [`Phase::Running`].
    pub fn new() -> Self {
        Self { phase: watch::Sender::new(Phase::Running) }
    }

    /// Moves on to `phase`; a stop never goes back.
    pub fn advance(&self, phase: Phase) {
        self.phase.send_if_modified(|current| {
            let later = phase > *current;
            if later {
                *current = phase;
            }
            later
        });
    }

    /// Where the stop stands.
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Resolves when the sources are to stop.
    pub async fn sources_stopping(&self) {
        self.reached(Phase::SourcesStopping).await;
    }

    /// Resolves when everything is to stop.
    pub async fn all_stopping(&self) {
        self.reached(Phase::AllStopping).await;
    }

    async fn reached(&self, phase: Phase) {
        let mut seen = self.phase.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = seen.wait_for(|current| *current >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn phases_only_go_forward() {
        let shutdown = Shutdown::new();
        shutdown.advance(Phase::AllStopping);
        shutdown.advance(Phase::SourcesStopping);
        assert_eq!(shutdown.phase(), Phase::AllStopping);
        shutdown.sources_stopping().await;
        shutdown.all_stopping().await;
    }
}
