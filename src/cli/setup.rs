//! `watchroom setup`: what the department has set up, as a file for version control.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::connection::{Connection, error_text};
use super::server_options::{ClientOptions, ListenOptions};
use super::terminal;
use crate::store::DESK_FILE;

/// Where the server keeps it.
const SETUP: &str = "/api/v1/setup";

/// The form of the file.
const TOML: &str = "application/toml";

/// Options of `setup`.
#[derive(Debug, Args)]
pub(super) struct SetupOptions {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write users (without passwords, tokens and addresses of webhooks), teams, calendars, policies and rotas as TOML
    Export {
        /// File to write; without it, stdout
        file: Option<PathBuf>,
        /// Write the addresses of webhooks too, to take everything to another machine; keep the file as you would keep a password
        #[arg(long)]
        with_addresses: bool,
        #[command(flatten)]
        client: ClientOptions,
    },
    /// Set up what such a file says, all of it or nothing; what it does not name stays as it is
    Import {
        /// File to read; `-` reads stdin
        file: PathBuf,
        /// Only say what would change, or what is wrong
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        client: ClientOptions,
    },
}

/// Exports or imports.
pub(super) async fn run(options: SetupOptions) -> anyhow::Result<ExitCode> {
    match options.action {
        Action::Export { file, with_addresses, client } => {
            let connection = open(&client).await?;
            let text = export(&connection, with_addresses).await;
            connection.close().await;
            write(file.as_deref(), &text?)?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Import { file, dry_run, client } => {
            let text = read(&file)?;
            let connection = open(&client).await?;
            let answer = import(&connection, text, dry_run).await;
            connection.close().await;
            report(&answer?)
        }
    }
}

/// A folder without a desk is refused: one would be made in it, with an administrator whose password nobody is told.
pub(super) async fn open(client: &ClientOptions) -> anyhow::Result<Connection> {
    if client.server.is_none() {
        let settings = client.config.settings(&ListenOptions::default()).map_err(|error| anyhow!("the configuration is wrong\n{error}"))?;
        if !settings.data.dir.join(DESK_FILE).try_exists()? {
            bail!(
                "there is no desk in the data folder {}; start the server once, or name the folder with --data or the server with --server",
                settings.data.dir.display()
            );
        }
    }
    Connection::open(client).await
}

async fn export(connection: &Connection, with_addresses: bool) -> anyhow::Result<String> {
    let answer = connection.get(&format!("{SETUP}?with_addresses={with_addresses}"), TOML).await?;
    if !answer.status().is_success() {
        bail!("{}", plain(&error_text(answer).await));
    }
    answer.text().await.context("the export broke off; try again")
}

/// Writes a file whole or not at all; without a name, to stdout.
pub(super) fn write(file: Option<&Path>, text: &str) -> anyhow::Result<()> {
    let Some(file) = file else { return Ok(terminal::print(text)?) };
    let failed = || format!("{} cannot be written", file.display());
    // Whole or not at all: a file under version control must not end in the middle because a disk is full.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    temporary.write_all(text.as_bytes()).with_context(failed)?;
    temporary.persist(file).map_err(|error| error.error).with_context(failed)?;
    Ok(())
}

/// Reads a file; `-` is stdin.
pub(super) fn read(file: &Path) -> anyhow::Result<Bytes> {
    let mut bytes = Vec::new();
    match file.as_os_str() == "-" {
        true => drop(std::io::stdin().read_to_end(&mut bytes).context("stdin cannot be read")?),
        false => bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?,
    }
    Ok(bytes.into())
}

/// What the server answered to an import: what changed, or what is wrong.
#[derive(Debug)]
enum Answer {
    Taken { changes: Vec<String>, dry_run: bool },
    Refused(Vec<String>),
}

async fn import(connection: &Connection, text: Bytes, dry_run: bool) -> anyhow::Result<Answer> {
    let path = format!("{SETUP}?dry_run={dry_run}");
    let answer = connection.put(&path, TOML, text).await?;
    let (status, body) = (answer.status(), answer.bytes().await.context("the answer broke off; export to see what is set up")?);
    let document: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status.is_success() {
        let changes = document["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let line = |change: &Value| {
            let text = |key: &str| plain(change[key].as_str().unwrap_or("?"));
            format!("{} {}/{}", text("change"), text("kind"), text("name"))
        };
        return Ok(Answer::Taken { changes: changes.iter().map(line).collect(), dry_run });
    }
    let complaints = document["complaints"].as_array().map(Vec::as_slice).unwrap_or_default();
    if complaints.is_empty() {
        bail!("{}", plain(document["detail"].as_str().unwrap_or(&format!("the server answered {status}"))));
    }
    let line = |complaint: &Value| {
        let text = |key: &str| plain(complaint[key].as_str().unwrap_or("?"));
        format!("{}: {}", text("field"), text("why"))
    };
    Ok(Answer::Refused(complaints.iter().map(line).collect()))
}

fn report(answer: &Answer) -> anyhow::Result<ExitCode> {
    match answer {
        Answer::Refused(complaints) => {
            terminal::complain("nothing was set up; mend this first:");
            complaints.iter().for_each(|line| terminal::complain(line));
            Ok(ExitCode::FAILURE)
        }
        Answer::Taken { changes, dry_run } => {
            let lines: String = changes.iter().map(|line| format!("{line}\n")).collect();
            let summary = match (changes.len(), dry_run) {
                (0, _) => "Nothing differs from what is set up.".to_owned(),
                (count, true) => format!("{count} would change; nothing was changed."),
                (count, false) => format!("{count} changed."),
            };
            terminal::print(&format!("{lines}{summary}\n"))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The server repeats words of the file, which may hold what a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
