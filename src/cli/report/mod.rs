//! `watchroom report`: what the desk did in a period.
//!
//! A report is a few tables. Most of them are questions of `queries/report`, asked of the server like any other; who is on
//! call how much is asked of each rota. Here they are only put side by side: as text, as a page, as JSON and as CSV.

mod capacity;
mod inventory;
mod made;
mod on_call;
mod outline;
mod page;
mod period;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::connection::{Connection, error_text};
use super::server_options::ClientOptions;
use super::terminal;
use crate::clock::Clock;
use crate::query::SavedQuery;
use outline::Section;
use period::Period;
use table::Table;

/// Options of `report`.
#[derive(Debug, Args)]
pub(super) struct ReportOptions {
    /// What to report on
    #[arg(value_enum)]
    report: Report,
    /// Beginning: a date, a moment (RFC 3339), or a span before the end such as 7d
    #[arg(long, value_name = "TIME", default_value = "30d")]
    from: String,
    /// End, which is not part of the period: a date or a moment (RFC 3339); now if not given
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Where the days of --from and --to begin: a name such as Europe/Vienna
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// Day that a report of capacity or inventory is about, as it would have been told then; the last day if not given
    #[arg(long, value_name = "DATE")]
    as_of: Option<jiff::civil::Date>,
    /// Format of the report
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

/// What there is to report on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Report {
    /// Promises that were kept, and how long tickets waited
    Sla,
    /// Who was called how often, at night too, and whether somebody is always there
    Oncall,
    /// Which rules cost attention, and which never speak
    Noise,
    /// The backlog, how long tickets waited, and what came back
    Desk,
    /// What runs out and when, what can be done about it, and what it costs
    Capacity,
    /// What there is, and whose warranty, support or contract ends
    Inventory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    /// One page with plots
    Html,
    Json,
    Csv,
}

/// A report that is ready to be shown.
#[derive(Debug)]
struct Filled {
    report: Report,
    period: Period,
    tables: Vec<(Section, Table)>,
}

/// Asks and shows.
pub(super) async fn run(options: ReportOptions) -> anyhow::Result<ExitCode> {
    let now = Timestamp::from_microsecond(Clock::System.now_us())?;
    let period = Period::read(&options.from, options.to.as_deref(), &options.time_zone, now)?;
    let connection = Connection::open(&options.client).await?;
    let shown = shown(&connection, &options, period).await;
    connection.close().await;
    let shown = shown?;
    match &options.output {
        Some(path) => std::fs::write(path, shown).with_context(|| format!("{} cannot be written", path.display()))?,
        None => terminal::print(&shown)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The report in the form that was asked for.
async fn shown(connection: &Connection, options: &ReportOptions, period: Period) -> anyhow::Result<String> {
    let as_of = options.as_of.map(|day| day.to_string());
    let text_of_made: Option<fn(&Value, Option<u16>) -> String> = match options.report {
        Report::Capacity => Some(capacity::text),
        Report::Inventory => Some(inventory::text),
        Report::Sla | Report::Oncall | Report::Noise | Report::Desk => None,
    };
    if let Some(text) = text_of_made {
        let text = |report: &Value| text(report, terminal::width());
        return made::shown(connection, options.report.word(), options.format, as_of.as_deref(), text).await;
    }
    if as_of.is_some() {
        bail!("--as-of is for reports of capacity and inventory; give --from and --to instead");
    }
    let filled = fill(connection, options.report, period).await?;
    Ok(match options.format {
        Format::Text => filled.text(terminal::width()),
        Format::Html => page::html(&filled),
        Format::Json => format!("{}\n", filled.json()),
        Format::Csv => filled.csv(),
    })
}

async fn fill(connection: &Connection, report: Report, period: Period) -> anyhow::Result<Filled> {
    let mut tables = Vec::new();
    for section in report.sections() {
        tables.push((*section, ask(connection, section, &period).await?));
    }
    if report == Report::Oncall {
        tables.extend(on_call::tables(connection, &period).await?);
    }
    Ok(Filled { report, period, tables })
}

/// Asks a question that ships with the program about the period.
async fn ask(connection: &Connection, section: &Section, period: &Period) -> anyhow::Result<Table> {
    let Some(query) = SavedQuery::find(section.name) else { bail!("BUG: there is no question `{}`", section.name) };
    let parameters = json!({ "window_start": period.from.to_string(), "window_end": period.to.to_string() });
    let body = json!({ "query": query.sql, "parameters": parameters, "format": "json" });
    let answer = connection.post("/api/v1/sql", "application/json", body.to_string().into()).await?;
    let cut = answer.headers().get("x-watchroom-cut-tables").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let answer = json_of(answer).await?;
    if let Some(why) = answer["error"]["message"].as_str() {
        bail!("the question `{}` broke off: {why}; ask about a shorter period", section.name);
    }
    let mut description = query.header("description").unwrap_or_default().to_owned();
    if let Some(cut) = cut {
        description
            .push_str(&format!(" Not complete: there is more in {cut} than a question looks at, and what is missing is the oldest."));
    }
    Table::of_answer(section.name, &description, &answer)
}

/// The document of a good answer; the words of one that is not.
async fn json_of(answer: reqwest::Response) -> anyhow::Result<Value> {
    if !answer.status().is_success() {
        bail!("{}", error_text(answer).await);
    }
    serde_json::from_slice(&answer.bytes().await.context("the answer broke off")?).context("the answer is no JSON")
}

impl Filled {
    fn text(&self, width: Option<u16>) -> String {
        let mut shown = format!("{}\n{}\n", self.report.title(), self.period.told());
        for (section, table) in &self.tables {
            shown.push_str(&format!("\n{}\n{}\n{}\n", section.title, table.description, table.text(width)));
        }
        shown
    }

    /// `{"report", "from", "to", "tables": [{"name", "title", "description", "columns": [{"name", "type"}], "rows": [{...}]}]}`.
    fn json(&self) -> Value {
        let tables: Vec<Value> = self.tables.iter().map(|(section, table)| table.json(section.title)).collect();
        json!({ "report": self.report.word(), "from": self.period.from.to_string(), "to": self.period.to.to_string(), "tables": tables })
    }

    fn csv(&self) -> String {
        table::csv(&self.tables.iter().map(|(_, table)| table).collect::<Vec<_>>())
    }
}
