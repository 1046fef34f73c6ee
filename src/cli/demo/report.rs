//! What the demonstration tells, for people and as JSON.

use std::path::Path;

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use serde_json::json;

use super::outcome::{Outcome, Outcomes};
use super::planning::Plan;
use super::sender::{Sent, count};
use crate::app::App;
use crate::cli::terminal;
use crate::clock::{SECOND_US, TimestampUs};
use crate::desk::{Ticket, TicketFilter};
use crate::sample_site::{MAX_HISTORY_DAYS, Site};

/// Everything that is told at the end of the week.
#[derive(Debug)]
pub(super) struct Summary {
    sent: Sent,
    send_seconds: f64,
    judge_seconds: f64,
    rules: usize,
    stored_lines: u64,
    stored_samples: u64,
    parse_errors: u64,
    log_bytes_on_disk: u64,
    sample_bytes_on_disk: u64,
    findings: u64,
    tickets: Vec<Ticket>,
    outcomes: Outcomes,
    data: String,
}

/// The first lines.
pub(super) fn opening(site: &Site, seed: u64, app: &App, folder: &Path) -> String {
    format!(
        "Watchroom demo: a week at a made-up site of {} hosts (seed {seed}).\n\
         A server runs in {} on http://{}, syslog on {}.\n\n",
        site.hosts().len(),
        folder.display(),
        app.listening.http,
        app.listening.syslog_tcp.as_deref().unwrap_or("no port"),
    )
}

impl Summary {
    pub(super) async fn collect(
        app: &App,
        site: &Site,
        sent: &Sent,
        send_seconds: f64,
        judge_seconds: f64,
        rules: usize,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let tickets = app.desk.list(&TicketFilter { limit: 1_000, ..TicketFilter::default() }).await?.tickets;
        let outcomes = Outcomes::of(app, site.incidents()).await?;
        let tables = folder.join("data/tables");
        Ok(Self {
            sent: *sent,
            send_seconds,
            judge_seconds,
            rules,
            stored_lines: count(app, "SELECT count(*) FROM logs").await?,
            stored_samples: count(app, "SELECT count(*) FROM samples").await?,
            parse_errors: count(app, "SELECT count(*) FROM logs WHERE parse_error IS NOT NULL").await?,
            log_bytes_on_disk: parquet_bytes(&tables.join("logs")),
            sample_bytes_on_disk: parquet_bytes(&tables.join("samples")),
            findings: count(app, "SELECT count(*) FROM findings").await?,
            tickets,
            outcomes,
            data: folder.join("data").display().to_string(),
        })
    }

    /// One JSON object.
    pub(super) fn to_json(&self, plan: &Plan) -> String {
        let incidents: Vec<_> = self
            .outcomes
            .planted
            .iter()
            .map(|outcome| {
                json!({
                    "id": outcome.incident.id, "kind": outcome.incident.kind, "host": outcome.incident.host,
                    "entity": outcome.incident.entity, "start": outcome.incident.start, "end": outcome.incident.end,
                    "ticket": outcome.found.map(|found| found.0), "found_after_minutes": outcome.found.map(|found| found.1),
                    "tickets": outcome.tickets,
                })
            })
            .collect();
        json!({
            "sent": {
                "log_lines": self.sent.log_lines, "log_bytes": self.sent.log_bytes, "samples": self.sent.samples, "seconds": self.send_seconds,
                "history_samples": self.sent.history_samples, "history_seconds": self.sent.history_seconds,
            },
            "stored": {
                "log_lines": self.stored_lines, "samples": self.stored_samples, "parse_errors": self.parse_errors,
                "log_bytes_on_disk": self.log_bytes_on_disk, "sample_bytes_on_disk": self.sample_bytes_on_disk,
            },
            "analysis": { "rules": self.rules, "seconds": self.judge_seconds, "findings": self.findings },
            "capacity": {
                "resources": plan.report.summary.resources, "days": plan.days, "seconds": plan.seconds,
                "crossing": plan.report.summary.crossing_within_horizon, "proposals": plan.report.summary.proposals_open,
            },
            "incidents": incidents,
            "other_tickets": self.outcomes.others,
            "tickets": self.tickets,
        })
        .to_string()
    }

    /// A few lines that a manager understands.
    pub(super) fn to_text(&self, app: &App, once: bool, plan: &Plan) -> String {
        let per_line = self.log_bytes_on_disk as f64 / self.stored_lines.max(1) as f64;
        let per_sample = self.sample_bytes_on_disk as f64 / self.stored_samples.max(1) as f64;
        let found = self.outcomes.planted.iter().filter(|outcome| outcome.found.is_some()).count();
        let mut text = format!(
            "Came in   {} log lines over syslog and {} measurements over remote write, in {:.1} s\n\
             Before    {} measurements of {} days before the week, for questions about capacity, in {:.1} s\n\
             Stored    in open Delta Lake tables: {per_line:.0} bytes a line, {per_sample:.1} bytes a measurement; {} lines not understood, kept as they came\n\
             Watched   by {} rules, the whole week judged in {:.1} s: {} findings became {} tickets\n\
             Found     {found} of the {} incidents that were planted in the week; {} tickets are about something else\n\n",
            grouped(self.sent.log_lines),
            grouped(self.sent.samples),
            self.send_seconds,
            grouped(self.sent.history_samples),
            MAX_HISTORY_DAYS,
            self.sent.history_seconds,
            self.parse_errors,
            self.rules,
            self.judge_seconds,
            grouped(self.findings),
            self.tickets.len(),
            self.outcomes.planted.len(),
            self.outcomes.others.len(),
        );
        text.push_str(&format!("What was planted, and what became of it\n{}\n\n", self.incident_table()));
        text.push_str(&format!("Tickets\n{}\n\n", self.ticket_table()));
        text.push_str(&planned(plan, once));
        text.push_str(&self.next_steps(app, once));
        text
    }

    fn incident_table(&self) -> Table {
        let mut table = new_table(&["began (UTC)", "where", "what", "found"]);
        for Outcome { incident, found, .. } in &self.outcomes.planted {
            let found = found.map_or_else(|| "not found".to_owned(), |(number, minutes)| format!("ticket {number}, after {minutes} min"));
            table.add_row([
                show_minute(incident.start_us),
                format!("{} {}", incident.host, incident.entity),
                incident.description.clone(),
                found,
            ]);
        }
        table
    }

    fn ticket_table(&self) -> Table {
        let mut table = new_table(&["ticket", "priority", "state", "title", "last seen (UTC)", "findings"]);
        for ticket in self.tickets.iter().rev() {
            table.add_row([
                ticket.number.to_string(),
                ticket.priority.word().to_owned(),
                ticket.state.word().to_owned(),
                ticket.title.clone(),
                ticket.last_finding_at_us.map_or_else(String::new, show_minute),
                ticket.findings.to_string(),
            ]);
        }
        table
    }

    fn next_steps(&self, app: &App, once: bool) -> String {
        if once {
            return String::new();
        }
        let http = &app.listening.http;
        let data = &self.data;
        format!(
            "The site now goes on live; Ctrl-C ends it. In another terminal try\n  \
             watchroom query --server http://{http} \"SELECT host, count(*) AS errors FROM logs WHERE severity <= 3 GROUP BY host ORDER BY errors DESC\"\n  \
             watchroom query --server http://{http} \"SELECT number, priority, state, title FROM tickets\"\n  \
             curl -s http://{http}/api/v1/tickets/1\n  \
             curl -s -X PATCH http://{http}/api/v1/tickets/1 -d '{{\"assignee\": \"me\", \"comment\": \"looking\"}}'\n  \
             python3 -c 'import deltalake; print(deltalake.DeltaTable(\"{data}/tables/logs\").to_pandas())'\n\
             or open http://{http}/ in a browser. (`watchroom` is target/release/watchroom if it is not installed.)\n"
        )
    }
}

/// Resources told of: the report has all.
const PLANNED_ROWS: usize = 8;

/// What must be decided next, and where the whole report is.
fn planned(plan: &Plan, once: bool) -> String {
    let summary = &plan.report.summary;
    let mut table = new_table(&["resource", "kind", "full or over (median)", "decide by"]);
    let date = |day: Option<jiff::civil::Date>| day.map_or_else(String::new, |day| day.to_string());
    for resource in plan.report.resources.iter().filter(|it| it.order_by.is_some()).take(PLANNED_ROWS) {
        let median = resource.crossing.as_ref().and_then(|crossing| crossing.median);
        table.add_row([resource.name.clone(), resource.kind.replace('_', " "), date(median), date(resource.order_by)]);
    }
    let page = if once { String::new() } else { format!("The whole report, with plots, offers and budgets: {}\n", plan.page.display()) };
    format!(
        "What runs out: {} resources, {} days of them judged in {:.1} s; {} reach their threshold within a year, {} proposals wait\n{table}\n{page}\n",
        summary.resources,
        grouped(plan.days as u64),
        plan.seconds,
        summary.crossing_within_horizon,
        summary.proposals_open,
    )
}

fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(header);
    if let Some(width) = terminal::width() {
        table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic).set_width(width);
    }
    table
}

/// The number of the newest ticket, 0 without one.
pub(super) async fn newest_ticket(app: &App) -> anyhow::Result<i64> {
    let page = app.desk.list(&TicketFilter { limit: 1, ..TicketFilter::default() }).await?;
    Ok(page.tickets.first().map_or(0, |ticket| ticket.number))
}

/// Prints tickets that are newer than `known`, and gives the newest number.
pub(super) async fn announce_new(app: &App, known: i64) -> anyhow::Result<i64> {
    let page = app.desk.list(&TicketFilter { limit: 50, ..TicketFilter::default() }).await?;
    for ticket in page.tickets.iter().filter(|ticket| ticket.number > known).rev() {
        terminal::print(&format!("new ticket {}: {} ({})\n", ticket.number, ticket.title, ticket.priority.word()))?;
    }
    Ok(page.tickets.first().map_or(known, |ticket| ticket.number.max(known)))
}

/// Bytes of the Parquet files below a folder.
fn parquet_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| {
            let path = entry.path();
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() && entry.file_name() != "_delta_log" => parquet_bytes(&path),
                Ok(metadata) if path.extension().is_some_and(|extension| extension == "parquet") => metadata.len(),
                _ => 0,
            }
        })
        .sum()
}

fn show_minute(at_us: TimestampUs) -> String {
    let time = jiff::Timestamp::from_second(at_us / SECOND_US).unwrap_or_default();
    time.strftime("%a %d %b %H:%M").to_string()
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 12, 123, 1_234, 1_234_567].map(grouped), ["0", "12", "123", "1,234", "1,234,567"]);
    }
}
