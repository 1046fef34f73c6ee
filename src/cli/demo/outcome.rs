//! What became of what was planted: the findings held against the labels.

use std::collections::BTreeSet;

use anyhow::Context as _;
use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use crate::app::App;
use crate::clock::{SECOND_US, TimestampUs};
use crate::query::QueryRequest;
use crate::sample_site::Incident;

const MINUTE_US: i64 = 60 * SECOND_US;

/// A finding may come this long after the planted incident has ended: some rules look back.
const AFTER_END_US: i64 = 30 * MINUTE_US;

/// What became of a planted incident.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) incident: Incident,
    /// The ticket of its first finding, and the minutes from its beginning to the end of that finding's window.
    pub(super) found: Option<(i64, i64)>,
    /// All tickets with findings of it.
    pub(super) tickets: BTreeSet<i64>,
}

/// Findings against labels.
#[derive(Debug)]
pub(super) struct Outcomes {
    pub(super) planted: Vec<Outcome>,
    /// Tickets that have nothing to do with what was planted.
    pub(super) others: BTreeSet<i64>,
}

struct Found {
    ticket: i64,
    host: Option<String>,
    window_end_us: TimestampUs,
}

impl Outcomes {
    /// A finding is of an incident if it is about one of the hosts that show it, while it goes on or shortly after. A ticket
    /// is of an incident if one of its findings is.
    pub(super) async fn of(app: &App, incidents: &[Incident]) -> anyhow::Result<Self> {
        let findings = findings(app).await?;
        let mut others: BTreeSet<i64> = findings.iter().map(|found| found.ticket).collect();
        let mut planted = Vec::new();
        for incident in incidents {
            let of_it: Vec<&Found> = findings.iter().filter(|found| belongs(found, incident)).collect();
            let first = of_it.iter().min_by_key(|found| found.window_end_us);
            let found = first.map(|first| (first.ticket, (first.window_end_us - incident.start_us + MINUTE_US - 1) / MINUTE_US));
            let tickets: BTreeSet<i64> = of_it.iter().map(|found| found.ticket).collect();
            others = others.difference(&tickets).copied().collect();
            planted.push(Outcome { incident: incident.clone(), found, tickets });
        }
        Ok(Self { planted, others })
    }
}

fn belongs(found: &Found, incident: &Incident) -> bool {
    let shows_it = |host: &str| host == incident.host || incident.traces.iter().any(|trace| trace.host == host);
    found.host.as_deref().is_some_and(shows_it) && (incident.start_us..incident.end_us + AFTER_END_US).contains(&(found.window_end_us - 1))
}

async fn findings(app: &App) -> anyhow::Result<Vec<Found>> {
    let request = QueryRequest::new("SELECT ticket, host, window_end FROM findings WHERE ticket IS NOT NULL");
    let mut found = Vec::new();
    for batch in app.queries.run(request).await?.collect().await? {
        let ticket = batch.column(0).as_primitive::<Int64Type>();
        let host = batch.column(1).as_string_view_opt().context("host is text")?;
        let window_end = batch.column(2).as_primitive::<TimestampMicrosecondType>();
        found.extend((0..batch.num_rows()).map(|row| Found {
            ticket: ticket.value(row),
            host: host.is_valid(row).then(|| host.value(row).to_owned()),
            window_end_us: window_end.value(row),
        }));
    }
    Ok(found)
}
