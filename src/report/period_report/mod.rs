//! Reports about a period: what the desk did, as tables, and what of them is drawn.
//!
//! A [`PeriodReport`] is a few [`DataTable`]s, one for each [`Section`]. Most of them are answers to questions of `queries/report`; how the
//! rotas cover the period is laid out by [`coverage_tables`]. Whoever fills it (the command over HTTP, the server when one is due) puts the
//! same tables side by side, so that a report says the same wherever it is made.

mod coverage;
mod outline;
mod page;
mod summary;
mod table;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

pub use coverage::coverage_tables;
pub use outline::{Bars, PeriodReportKind, Section};
pub use page::{PLAIN_STYLE, period_html};
pub use summary::period_summary;
pub use table::{DataColumn, DataTable, cell, described};

/// From a moment up to another, which is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedPeriod {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// By whose clock people read it.
    pub zone: TimeZone,
}

impl ReportedPeriod {
    /// For people: on the clock of the zone, to the minute.
    pub fn told(&self) -> String {
        let at = |moment: Timestamp| moment.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        format!("{} to {} ({})", at(self.from), at(self.to), self.zone.iana_name().unwrap_or("UTC"))
    }
}

/// A report that is filled.
#[derive(Debug, Clone)]
pub struct PeriodReport {
    /// Which.
    pub kind: PeriodReportKind,
    /// What it is about.
    pub period: ReportedPeriod,
    /// Its tables, in order.
    pub tables: Vec<(Section, DataTable)>,
}

/// `{"report", "from", "to", "tables": [{"name", "title", "description", "columns": [{"name", "type"}], "rows": [{...}]}]}`.
pub fn period_json(report: &PeriodReport) -> Value {
    let tables: Vec<Value> = report.tables.iter().map(|(section, table)| table.json(section.title)).collect();
    let (from, to) = (report.period.from.to_string(), report.period.to.to_string());
    json!({ "report": report.kind.word(), "from": from, "to": to, "tables": tables })
}

/// All tables as one, the first column of which says whose row it is.
pub fn period_csv(report: &PeriodReport) -> String {
    table::tables_csv(&report.tables.iter().map(|(_, table)| table).collect::<Vec<_>>())
}
