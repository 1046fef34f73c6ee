//! `watchroom token`.
//!
//! Works on the data folder's store itself, beside a running server: whoever may read that file is the administrator.

use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;

use super::server_options::{ConfigOptions, ListenOptions};
use super::terminal;
use crate::clock::{Clock, SECOND_US};
use crate::document::duration_us;
use crate::people::{Scopes, Tokens};
use crate::store::{AuditEntry, DESK_FILE, Store, WriteTransaction, append_audit};

/// Options of `token`.
#[derive(Debug, Args)]
pub(super) struct TokenOptions {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    config: ConfigOptions,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token and print it; this is the only time it is shown
    Create {
        /// What it allows: ingest, query, desk, admin, with commas between them
        #[arg(long, value_name = "SCOPES", value_parser = parse_scopes)]
        scope: Scopes,
        /// What it is for
        #[arg(long, default_value = "unnamed")]
        name: String,
        /// When it ends, such as 90d; without it, never
        #[arg(long, value_name = "TIME", value_parser = parse_duration)]
        expires_in: Option<i64>,
    },
    /// List the tokens, without their secrets
    List,
    /// Take a token back
    Revoke {
        /// Its id, as `list` shows it
        id: String,
    },
}

fn parse_scopes(text: &str) -> Result<Scopes, String> {
    text.parse()
}

fn parse_duration(text: &str) -> Result<i64, String> {
    duration_us(text)
}

/// Makes, lists or revokes.
pub(super) async fn run(options: TokenOptions) -> anyhow::Result<ExitCode> {
    let settings = options.config.settings(&ListenOptions::default()).map_err(|error| anyhow!("the configuration is wrong\n{error}"))?;
    if !settings.data.dir.is_dir() {
        bail!("there is no data folder {}; start the server once, or name the folder with --data", settings.data.dir.display());
    }
    let store = Store::open(&settings.data.dir.join(DESK_FILE)).await?;
    let tokens = Tokens::new(store.clone(), Clock::System);
    match options.action {
        Action::Create { scope, name, expires_in } => {
            let expires_at_us = expires_in.map(|duration_us| Clock::System.now_us() + duration_us);
            let mut write = store.write().await?;
            let made = tokens.create_in(&mut write, &name, scope, None, expires_at_us).await?;
            audited(write, "token.create", &made.token.id).await?;
            terminal::print(&format!("{}\n", made.reveal()))?;
        }
        Action::List => list(&tokens).await?,
        Action::Revoke { id } => {
            let mut write = store.write().await?;
            tokens.revoke_in(&mut write, &id).await?;
            audited(write, "token.revoke", &id).await?;
            terminal::print(&format!("The token {id} is revoked.\n"))?;
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Writes into the audit what was done in this transaction, and commits both.
async fn audited(mut write: WriteTransaction, action: &str, id: &str) -> anyhow::Result<()> {
    let object = format!("token/{id}");
    let (actor, origin) = ("command line", "this machine");
    let entry = AuditEntry { at_us: Clock::System.now_us(), actor, origin, action, object: &object, detail: None };
    append_audit(&mut write, entry).await?;
    Ok(write.commit().await?)
}

async fn list(tokens: &Tokens) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(["id", "name", "scopes", "created", "expires", "last used", "revoked"]);
    for token in tokens.all().await.context("the tokens cannot be read")? {
        let day = |at_us: Option<i64>| at_us.map_or_else(|| "–".to_owned(), show_time);
        table.add_row([
            token.id,
            token.name,
            token.scopes.to_string(),
            show_time(token.created_at_us),
            day(token.expires_at_us),
            day(token.last_used_at_us),
            day(token.revoked_at_us),
        ]);
    }
    terminal::print(&format!("{table}\n"))?;
    Ok(())
}

/// A moment to the second, UTC.
fn show_time(at_us: i64) -> String {
    jiff::Timestamp::from_second(at_us / SECOND_US).map_or_else(|_| at_us.to_string(), |time| time.to_string())
}
