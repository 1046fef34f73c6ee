//! `watchroom backtest`: what a rule would have found.

mod page;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use serde_json::{Value, json};

use super::connection::{Connection, error_text};
use super::server_options::ClientOptions;
use super::terminal;
use crate::clock::Clock;

/// Findings that the terminal shows; the page and JSON have them all.
const SHOWN: usize = 20;

/// Options of `backtest`.
#[derive(Debug, Args)]
pub(super) struct BacktestOptions {
    /// Name of a rule that runs, or a rule file that is to be tried
    rule: String,
    /// First moment (RFC 3339), or a span before now such as 7d
    #[arg(long, value_name = "TIME", default_value = "7d")]
    from: String,
    /// Last moment; now if not given
    #[arg(long, value_name = "TIME")]
    to: Option<jiff::Timestamp>,
    /// Format of the answer
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Write to this file instead of stdout
    #[arg(long = "write", value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    /// One page with plots
    Html,
    Json,
}

/// Runs the rule over the past and shows what came of it. Nothing is recorded.
pub(super) async fn run(options: BacktestOptions) -> anyhow::Result<ExitCode> {
    let to = options.to.unwrap_or(jiff::Timestamp::from_microsecond(Clock::System.now_us())?);
    let from = beginning(&options.from, to)?;
    let (rule, text) = rule_of(&options.rule)?;
    let connection = Connection::open(&options.client).await?;
    let body = json!({ "rule": rule, "text": text, "from": from.to_string(), "to": to.to_string() });
    let answer = ask(&connection, &body).await;
    connection.close().await;
    let answer = answer?;
    let shown = match options.output {
        Output::Text => text_of(&answer),
        Output::Html => page::html(&answer),
        Output::Json => format!("{answer}\n"),
    };
    match &options.file {
        Some(path) => std::fs::write(path, shown).with_context(|| format!("{} cannot be written", path.display()))?,
        None => terminal::print(&shown)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn ask(connection: &Connection, body: &Value) -> anyhow::Result<Value> {
    let response = connection.post("/api/v1/backtest", "application/json", body.to_string().into()).await?;
    if !response.status().is_success() {
        bail!("{}", error_text(response).await);
    }
    serde_json::from_slice(&response.bytes().await.context("the answer broke off")?).context("the answer is no JSON")
}

/// A moment, or a span before the end.
fn beginning(text: &str, to: jiff::Timestamp) -> anyhow::Result<jiff::Timestamp> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    match crate::document::duration_us(text) {
        Ok(span_us) => Ok(jiff::Timestamp::from_microsecond(to.as_microsecond() - span_us)?),
        Err(_) => bail!("--from `{text}` is neither a time nor a span; write 2026-11-01T00:00:00Z or 7d"),
    }
}

/// Name of the rule, and its text if it is a file.
fn rule_of(argument: &str) -> anyhow::Result<(String, Option<String>)> {
    let Some(name) = argument.strip_suffix(".sql") else { return Ok((argument.to_owned(), None)) };
    let text = std::fs::read_to_string(argument).with_context(|| format!("{argument} cannot be read"))?;
    Ok((name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned(), Some(text)))
}

fn text_of(answer: &Value) -> String {
    let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    let mut shown = format!(
        "{}: {}\nfrom {} to {}\n{} findings would have been {} incidents, {:.1} a week\n",
        text("rule"),
        text("description"),
        text("from"),
        text("to"),
        answer["found"],
        answer["incidents"],
        answer["incidents_a_week"].as_f64().unwrap_or(0.0),
    );
    let findings = answer["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    if findings.is_empty() {
        return shown;
    }
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(["until (UTC)", "finding", "score"]);
    if let Some(width) = terminal::width() {
        table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic).set_width(width);
    }
    for finding in findings.iter().take(SHOWN) {
        let cell = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let score = finding["result"]["score"].as_f64().map_or_else(String::new, |score| format!("{score:.1}"));
        table.add_row([cell(&finding["to"]), cell(&finding["title"]), score]);
    }
    shown.push_str(&format!("{table}\n"));
    if findings.len() > SHOWN {
        shown.push_str(&format!("... and {} more: -o html --write FILE shows all of them\n", findings.len() - SHOWN));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_a_time_or_a_span() {
        let to: jiff::Timestamp = "2026-11-08T00:00:00Z".parse().unwrap();
        assert_eq!(beginning("7d", to).unwrap().to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(beginning("2026-11-02T00:00:00Z", to).unwrap().to_string(), "2026-11-02T00:00:00Z");
        assert!(beginning("lately", to).unwrap_err().to_string().contains("write 2026-11-01"));
    }

    #[test]
    fn a_file_is_told_from_a_name() {
        assert_eq!(rule_of("error_burst").unwrap(), ("error_burst".to_owned(), None));
        assert!(rule_of("missing/mine.sql").unwrap_err().to_string().contains("missing/mine.sql"));
    }
}
