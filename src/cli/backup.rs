//! `watchroom backup` and `watchroom restore`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;

use super::server_options::{ConfigOptions, ListenOptions};
use super::terminal;
use crate::backup::{Missing, make_backup, restore_backup};
use crate::clock::Clock;

/// Options of `backup`.
#[derive(Debug, Args)]
#[command(after_help = "The backup holds the hashes of passwords and tokens, and the secrets of webhooks: keep it where only \
                        administrators can read it. Logs and metrics are not in it; the README says how to copy them.")]
pub(super) struct BackupOptions {
    /// Folder to make: must not exist yet, or be empty
    folder: PathBuf,
    #[command(flatten)]
    config: ConfigOptions,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub(super) struct RestoreOptions {
    /// Folder that `watchroom backup` made
    folder: PathBuf,
    /// Keep the desk that is there as desk.sqlite.before-restore-<time>, instead of refusing
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    config: ConfigOptions,
}

/// Makes a backup; ends with 1 if something attached to a ticket could not be saved.
pub(super) async fn run(options: BackupOptions) -> anyhow::Result<ExitCode> {
    let data = data_folder(&options.config)?;
    let bar = terminal::byte_progress(None);
    bar.set_message("copying the desk");
    let made = make_backup(&data, &options.folder, &Clock::System, &|bytes| bar.inc(bytes)).await;
    bar.finish_and_clear();
    let made = made?;
    let manifest = &made.manifest;
    terminal::print(&format!(
        "The desk is saved in {}: its database, {} attached files, {} bytes, schema version {}.\n",
        options.folder.display(),
        manifest.attachments.len(),
        made.bytes,
        manifest.schema
    ))?;
    terminal::complain("it holds the hashes of passwords and tokens, and secrets: keep it where only administrators can read it");
    Ok(missing_files(&manifest.missing, "could not be saved"))
}

/// Restores a backup; ends with 1 if it was made without something that is attached to a ticket.
pub(super) async fn restore(options: RestoreOptions) -> anyhow::Result<ExitCode> {
    let data = data_folder(&options.config)?;
    let bar = terminal::byte_progress(None);
    bar.set_message("restoring the desk");
    let restored = restore_backup(&options.folder, &data, options.replace, &Clock::System, &|bytes| bar.inc(bytes)).await;
    bar.finish_and_clear();
    let restored = restored?;
    terminal::print(&format!(
        "The desk of {} is restored in {}: {} tickets. Everybody logs in again; passwords and tokens are those of then.\n",
        plain(&restored.made_at),
        data.display(),
        restored.tickets
    ))?;
    if let Some(kept) = &restored.kept {
        terminal::print(&format!("The desk that was there is kept as {}.\n", kept.display()))?;
    }
    Ok(missing_files(&restored.missing, "was not in the backup"))
}

fn data_folder(config: &ConfigOptions) -> anyhow::Result<PathBuf> {
    let settings = config.settings(&ListenOptions::default()).map_err(|error| anyhow!("the configuration is wrong\n{error}"))?;
    Ok(settings.data.dir)
}

fn missing_files(missing: &[Missing], what: &str) -> ExitCode {
    for file in missing {
        terminal::complain(&format!("the attached file {} {what}: {}", plain(&file.sha256), plain(&file.why)));
    }
    if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a manifest says may have been written by anybody; a terminal obeys control characters.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
