//! `watchroom query`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use arrow::ipc::reader::StreamReader;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::connection::{Connection, error_text};
use super::server_options::ClientOptions;
use super::terminal;
use crate::query::TableText;

/// Options of `query`.
#[derive(Debug, Args)]
pub(super) struct QueryOptions {
    /// The statement; `-` reads it from stdin
    sql: String,
    /// Format of the answer
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Write to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Value for $1, $2, ... (JSON, or plain text); may be repeated
    #[arg(short, long = "parameter", value_name = "VALUE")]
    parameters: Vec<String>,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Csv,
    Json,
    Ndjson,
    Parquet,
}

impl Output {
    /// The format asked of the server: a table is drawn here, from Arrow.
    fn format(self) -> &'static str {
        match self {
            Self::Table => "arrow",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

/// Asks and prints.
pub(super) async fn run(options: QueryOptions) -> anyhow::Result<ExitCode> {
    let sql = match options.sql.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()).context("the statement cannot be read from stdin")?,
        sql => sql.to_owned(),
    };
    let connection = Connection::open(&options.client).await?;
    let result = ask(&connection, &sql, &options).await;
    connection.close().await?;
    result.map(|()| ExitCode::SUCCESS)
}

async fn ask(connection: &Connection, sql: &str, options: &QueryOptions) -> anyhow::Result<()> {
    let parameters: Vec<serde_json::Value> =
        options.parameters.iter().map(|text| serde_json::from_str(text).unwrap_or_else(|_| json!(text))).collect();
    let body = json!({ "query": sql, "parameters": parameters, "format": options.output.format() });
    let mut response = connection.post("/api/v1/sql", "application/json", body.to_string().into()).await?;
    if !response.status().is_success() {
        bail!("{}", error_text(response).await);
    }
    if options.output == Output::Table {
        return print_table(&response.bytes().await.context("the answer broke off")?);
    }
    let mut out: Box<dyn Write> = match &options.to {
        Some(path) => Box::new(std::fs::File::create(path).with_context(|| format!("{} cannot be written", path.display()))?),
        None if options.output == Output::Parquet && std::io::IsTerminal::is_terminal(&std::io::stdout()) => {
            bail!("Parquet is not for terminals; write it to a file with --to FILE or `> FILE`")
        }
        None => Box::new(std::io::stdout().lock()),
    };
    while let Some(piece) = response.chunk().await.context("the answer broke off; what was written is not whole")? {
        match out.write_all(&piece) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            result => result?,
        }
    }
    Ok(out.flush()?)
}

fn print_table(stream: &[u8]) -> anyhow::Result<()> {
    let reader = StreamReader::try_new(stream, None).context("the answer is not an Arrow stream")?;
    let mut table = TableText::new(&reader.schema(), terminal::width());
    for batch in reader {
        table.push(&batch.context("the answer broke off; ask for fewer rows")?)?;
    }
    terminal::print(&table.finish())?;
    Ok(())
}
