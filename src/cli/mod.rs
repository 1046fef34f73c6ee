//! The commands: a file each. Only these write to stdout.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.

mod arguments;
mod backtest;
mod backup;
mod check;
mod connection;
mod demo;
mod detect;
mod forecast;
mod ingest;
mod input;
mod inventory;
mod parse;
mod query;
mod report;
mod sample_data;
mod series_file;
mod serve;
mod server_options;
mod setup;
mod templates;
mod terminal;
mod token;
mod user;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::complain(&format!("threads cannot be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let result = match arguments.command {
        Command::Serve(options) => runtime.block_on(serve::run(options)),
        Command::Check(options) => check::run(&options),
        Command::Ingest(options) => runtime.block_on(ingest::run(options)),
        Command::Parse(options) => parse::run(&options),
        Command::Detect(options) => detect::run(&options),
        Command::Forecast(options) => forecast::run(&options),
        Command::Templates(options) => templates::run(&options),
        Command::Backtest(options) => runtime.block_on(backtest::run(options)),
        Command::Query(options) => runtime.block_on(query::run(options)),
        Command::Backup(options) => runtime.block_on(backup::run(options)),
        Command::Restore(options) => runtime.block_on(backup::restore(options)),
        Command::Setup(options) => runtime.block_on(setup::run(options)),
        Command::Inventory(options) => runtime.block_on(inventory::run(options)),
        Command::Report(options) => runtime.block_on(report::run(options)),
        Command::Token(options) => runtime.block_on(token::run(options)),
        Command::User(options) => runtime.block_on(user::run(options)),
        Command::SampleData(options) => sample_data::run(&options),
        Command::Demo(options) => runtime.block_on(demo::run(options)),
    };
    // A command that reads stdin may leave a thread waiting there; nobody waits for it.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(error) => {
            terminal::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
