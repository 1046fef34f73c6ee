//! `watchroom serve`.

use std::process::ExitCode;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::server_options::{ConfigOptions, ListenOptions};
use super::{check, terminal};
use crate::app::App;
use crate::clock::Clock;

/// Options of `serve`.
#[derive(Debug, Args)]
pub(super) struct ServeOptions {
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    listen: ListenOptions,
}

/// Runs until SIGTERM or SIGINT.
pub(super) async fn run(options: ServeOptions) -> anyhow::Result<ExitCode> {
    let settings = match options.config.settings(&options.listen) {
        Ok(settings) => settings,
        Err(error) => {
            terminal::complain(&format!("the configuration is wrong\n{error}"));
            return Ok(ExitCode::from(2));
        }
    };
    let problems = check::problems(&settings);
    if !problems.is_empty() {
        return Ok(check::refuse(&problems));
    }
    terminal::start_logging(&settings.log.level)?;
    // Before anything is opened, so that a signal during a long recovery ends it cleanly.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let app = tokio::select! {
        app = App::start(&settings, Clock::System) => app?,
        _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
        _ = interrupt.recv() => return Ok(ExitCode::SUCCESS),
    };
    terminal::print(&format!("{}\n", serde_json::to_string(&app.listening)?))?;
    if let Some(password) = &app.first_password {
        // Not through the log, which is often sent elsewhere and kept.
        terminal::complain(&format!(
            "first start: log in as `admin` with the one-time password {}, and choose your own with it (POST /api/v1/login); \
             `watchroom user reset-password admin` makes another",
            password.reveal()
        ));
    }
    tracing::info!(data = %settings.data.dir.display(), http = app.listening.http, "Watchroom is ready");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        // A stage panicked.
        () = app.shutdown.sources_stopping() => {
            app.stop().await;
            return Ok(ExitCode::FAILURE);
        }
    }
    tracing::info!("stopping: no more is taken, what was taken is written");
    app.stop().await;
    Ok(ExitCode::SUCCESS)
}
