//! `watchroom user`.

use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};

use super::server_options::{ConfigOptions, ListenOptions};
use super::terminal;
use crate::clock::Clock;
use crate::people::Logins;
use crate::store::{AuditEntry, DESK_FILE, Store, append_audit, load_document};

/// Options of `user`.
#[derive(Debug, Args)]
pub(super) struct UserOptions {
    #[command(flatten)]
    config: ConfigOptions,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Give a user a one-time password and end their logins; the way out if nobody can log in any more
    ResetPassword {
        /// The user's name, such as `admin`
        name: String,
    },
}

/// Works on the store itself, also while a server runs.
pub(super) async fn run(options: UserOptions) -> anyhow::Result<ExitCode> {
    let settings = options.config.settings(&ListenOptions::default()).map_err(|error| anyhow!("the configuration is wrong\n{error}"))?;
    if !settings.data.dir.is_dir() {
        bail!("there is no data folder {}; start the server once, or name the folder with --data", settings.data.dir.display());
    }
    let Action::ResetPassword { name } = options.action;
    let store = Store::open(&settings.data.dir.join(DESK_FILE)).await?;
    let mut read = store.read().await?;
    if load_document(&mut read, "user", &name).await?.is_none() {
        bail!("there is no user `{name}`; the first one is called `admin`");
    }
    drop(read);
    let logins = Logins::new(store.clone(), Clock::System);
    let reset = logins.prepare_reset().await?;
    let mut write = store.write().await?;
    let secret = logins.apply_reset(&mut write, &name, reset).await?;
    let object = format!("user/{name}");
    let entry = AuditEntry {
        at_us: Clock::System.now_us(),
        actor: "command line",
        origin: "this machine",
        action: "password.reset",
        object: &object,
        detail: None,
    };
    append_audit(&mut write, entry).await?;
    write.commit().await?;
    terminal::print(&format!("{}\n", secret.reveal()))?;
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
