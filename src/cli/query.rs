//! `watchroom query`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use arrow::ipc::reader::StreamReader;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::connection::{Connection, error_text};
use super::server_options::ClientOptions;
use super::terminal;
use crate::clock::{Clock, rfc3339};
use crate::document::duration_us;
use crate::query::{SAVED_QUERIES, SavedQuery, TableText};

/// Options of `query`.
#[derive(Debug, Args)]
pub(super) struct QueryOptions {
    /// The statement; `-` reads it from stdin
    #[arg(required_unless_present = "named")]
    sql: Option<String>,
    /// Ask a question that ships with the program, such as filesystem_days_left, about the window that ends now
    #[arg(long, value_name = "NAME", conflicts_with_all = ["sql", "parameters"])]
    named: Option<String>,
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
    let (sql, parameters) = match (&options.named, options.sql.as_deref().unwrap_or_default()) {
        (Some(name), _) => named(name)?,
        (None, "-") => (std::io::read_to_string(std::io::stdin()).context("the statement cannot be read from stdin")?, given(&options)),
        (None, sql) => (sql.to_owned(), given(&options)),
    };
    let connection = Connection::open(&options.client).await?;
    let result = ask(&connection, &sql, &parameters, &options).await;
    connection.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

/// The parameters of the command line, in their order.
fn given(options: &QueryOptions) -> Value {
    options.parameters.iter().map(|text| serde_json::from_str(text).unwrap_or_else(|_| json!(text))).collect()
}

/// The text of a question that ships with the program, and the window it is asked about.
fn named(name: &str) -> anyhow::Result<(String, Value)> {
    let Some(query) = SavedQuery::find(name) else {
        let known = SAVED_QUERIES.map(|query| query.name).join(", ");
        bail!("there is no question `{name}`; those that ship with the program are: {known}");
    };
    let window = query.header("window").unwrap_or("1d");
    let window_us = duration_us(window).map_err(|error| anyhow!("the window of {name} is wrong: {error}"))?;
    let now_us = Clock::System.now_us();
    Ok((query.sql.to_owned(), json!({ "window_start": rfc3339(now_us - window_us), "window_end": rfc3339(now_us) })))
}

async fn ask(connection: &Connection, sql: &str, parameters: &Value, options: &QueryOptions) -> anyhow::Result<()> {
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
