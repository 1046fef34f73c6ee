//! The command line.

use clap::{Parser, Subcommand};

use super::{
    backtest, backup, check, demo, detect, forecast, ingest, inventory, parse, query, report, sample_data, serve, setup, templates, token,
    user,
};

/// Logs, metrics, detection and tickets for the person who runs an IT department.
#[derive(Debug, Parser)]
#[command(name = "watchroom", version, about, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server: take syslog, JSON lines and metrics, store them, answer SQL, watch
    Serve(serve::ServeOptions),
    /// Validate a configuration: names file, key, what is wrong and what to write instead
    Check(check::CheckOptions),
    /// Send log files or stdin (gzip, zstd or plain) to the server; goes on where it stopped
    Ingest(ingest::IngestOptions),
    /// Parse syslog lines and print one JSON object a line; needs no server
    Parse(parse::ParseOptions),
    /// Find the anomalies in a series (CSV with timestamp and value); needs no server
    Detect(detect::DetectOptions),
    /// Forecast a series (CSV with timestamp and value) with intervals; needs no server
    Forecast(forecast::ForecastOptions),
    /// Find the templates of log lines and print one JSON object a line; needs no server
    Templates(templates::TemplatesOptions),
    /// Run a rule over the past and show what it would have found; records nothing
    Backtest(backtest::BacktestOptions),
    /// Ask in SQL; prints a table, CSV, JSON, NDJSON or Parquet
    Query(query::QueryOptions),
    /// Save the desk (tickets, people, files) in a folder, while the server runs or not
    Backup(backup::BackupOptions),
    /// Bring a saved desk into a data folder on which no server runs
    Restore(backup::RestoreOptions),
    /// Write what is set up to a file for version control, or set up what such a file says
    Setup(setup::SetupOptions),
    /// Import, export and list assets, suppliers, contracts, offers and budgets
    Inventory(inventory::InventoryOptions),
    /// Report on promises kept, calls at night, noise, backlog, capacity or inventory; prints a table,
    /// HTML, JSON or CSV
    Report(report::ReportOptions),
    /// Make, list and revoke the tokens of the API
    Token(token::TokenOptions),
    /// Help users who cannot log in
    User(user::UserOptions),
    /// Make the logs and metrics of a believable site, with planted and labelled incidents
    SampleData(sample_data::SampleDataOptions),
    /// Show everything: a server in a temporary folder, a sample week through real sockets, then live
    Demo(demo::DemoOptions),
}
