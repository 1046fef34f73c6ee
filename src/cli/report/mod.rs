//! `watchroom report`: what the desk did in a period.
//!
//! A report is a few tables. Most of them are questions of `queries/report`, asked of the server like any other; who is on
//! call how much is asked of each rota. Here they are only put side by side: as text, as a page, as JSON and as CSV.

mod capacity;
mod inventory;
mod made;
mod on_call;
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
use crate::report::{DataTable, PeriodReport, PeriodReportKind, ReportedPeriod, Section, described, period_csv, period_html, period_json};

/// What a report is about if nothing is said.
const USUAL_SPAN: &str = "30d";

/// Options of `report`.
#[derive(Debug, Args)]
pub(super) struct ReportOptions {
    /// What to report on
    #[arg(value_enum)]
    report: Report,
    /// Beginning: a date, a moment (RFC 3339), or a span before the end such as 7d; 30d if not given
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// End, which is not part of the period: a date or a moment (RFC 3339); now if not given
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Where the days of --from and --to begin: a name such as Europe/Vienna
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// Day that a report of capacity or inventory is about, as it would have been told then; the last day if not given
    #[arg(long, value_name = "DATE", value_parser = period::day)]
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

impl Report {
    /// Which it is of those about a period; the server makes the others whole.
    fn of_period(self) -> Option<PeriodReportKind> {
        match self {
            Self::Sla => Some(PeriodReportKind::Sla),
            Self::Oncall => Some(PeriodReportKind::Oncall),
            Self::Noise => Some(PeriodReportKind::Noise),
            Self::Desk => Some(PeriodReportKind::Desk),
            Self::Capacity | Self::Inventory => None,
        }
    }

    /// The word for it on the command line.
    fn word(self) -> &'static str {
        match self {
            Self::Capacity => "capacity",
            Self::Inventory => "inventory",
            Self::Sla | Self::Oncall | Self::Noise | Self::Desk => self.of_period().map_or("", PeriodReportKind::word),
        }
    }
}

/// Asks and shows.
pub(super) async fn run(options: ReportOptions) -> anyhow::Result<ExitCode> {
    let now = Timestamp::from_microsecond(Clock::System.now_us())?;
    let period = period::read(options.from.as_deref().unwrap_or(USUAL_SPAN), options.to.as_deref(), &options.time_zone, now)?;
    options.check()?;
    let connection = Connection::open_what_is_there(&options.client).await?;
    let shown = shown(&connection, &options, period).await;
    connection.close().await;
    let shown = shown?;
    match &options.output {
        Some(path) => std::fs::write(path, shown).with_context(|| format!("{} cannot be written", path.display()))?,
        None => terminal::print(&shown)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl ReportOptions {
    /// Refuses what the report would not follow: of which day or period it is must not be a matter of luck.
    fn check(&self) -> anyhow::Result<()> {
        let is_of_a_day = self.report.of_period().is_none();
        if is_of_a_day && (self.from.is_some() || self.to.is_some()) {
            bail!("a report of {} is of one day; give --as-of instead of --from and --to", self.report.word());
        }
        if !is_of_a_day && self.as_of.is_some() {
            bail!("--as-of is for reports of capacity and inventory; give --from and --to instead");
        }
        Ok(())
    }
}

/// The report in the form that was asked for.
async fn shown(connection: &Connection, options: &ReportOptions, period: ReportedPeriod) -> anyhow::Result<String> {
    let Some(kind) = options.report.of_period() else {
        let as_of = options.as_of.map(|day| day.to_string());
        let text = if options.report == Report::Capacity { capacity::text } else { inventory::text };
        let text = |report: &Value| text(report, terminal::width());
        return made::shown(connection, options.report.word(), options.format, as_of.as_deref(), text).await;
    };
    let filled = fill(connection, kind, period).await?;
    Ok(match options.format {
        Format::Text => text(&filled, terminal::width()),
        Format::Html => period_html(&filled),
        Format::Json => format!("{}\n", period_json(&filled)),
        Format::Csv => period_csv(&filled),
    })
}

async fn fill(connection: &Connection, kind: PeriodReportKind, period: ReportedPeriod) -> anyhow::Result<PeriodReport> {
    let mut tables = Vec::new();
    for section in kind.sections() {
        tables.push((*section, ask(connection, section, &period).await?));
    }
    if kind == PeriodReportKind::Oncall {
        tables.extend(on_call::tables(connection, &period).await?);
    }
    Ok(PeriodReport { kind, period, tables })
}

/// Asks a question that ships with the program about the period.
async fn ask(connection: &Connection, section: &Section, period: &ReportedPeriod) -> anyhow::Result<DataTable> {
    let Some(query) = SavedQuery::find(section.name) else { bail!("BUG: there is no question `{}`", section.name) };
    let parameters = json!({ "window_start": period.from.to_string(), "window_end": period.to.to_string() });
    let body = json!({ "query": query.sql, "parameters": parameters, "format": "json" });
    let answer = connection.post("/api/v1/sql", "application/json", body.to_string().into()).await?;
    let cut = answer.headers().get("x-watchroom-cut-tables").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let answer = json_of(answer).await?;
    if let Some(why) = answer["error"]["message"].as_str() {
        bail!("the question `{}` broke off: {why}; ask about a shorter period", section.name);
    }
    DataTable::of_answer(section.name, &described(query.header("description"), cut.as_deref()), &answer).map_err(anyhow::Error::msg)
}

/// The document of a good answer; the words of one that is not.
async fn json_of(answer: reqwest::Response) -> anyhow::Result<Value> {
    if !answer.status().is_success() {
        bail!("{}", error_text(answer).await);
    }
    serde_json::from_slice(&answer.bytes().await.context("the answer broke off")?).context("the answer is no JSON")
}

fn text(report: &PeriodReport, width: Option<u16>) -> String {
    let mut shown = format!("{}\n{}\n", report.kind.title(), report.period.told());
    for (section, table) in &report.tables {
        shown.push_str(&format!("\n{}\n{}\n{}\n", section.title, table.description, table::text(table, width)));
    }
    shown
}
