//! Makes reports by themselves: keeps them, and puts them into the outbox of those who want them.
//!
//! A report and the messages about it are one transaction under the moment at which it was due: whatever breaks off in between, it is
//! made once. After a pause of the server the latest one that was missed is made, not all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::capacity::Capacity;
use super::kept_reports::{Identity, KeptReport, Made, MadeFile, ReportForm, keep_report, latest_of, list_kept, load_file, load_kept};
use super::report_schedule::{ReportSchedule, ScheduledReport};
use super::{CapacityError, Inventory, OperationsError, PeriodReportError, PeriodReports, Register};
use crate::clock::{Clock, HOUR_US, TimestampUs};
use crate::desk::Desk;
use crate::notify::{EventKind, NewNotice, Urgency, decide, enqueue};
use crate::report;
use crate::shutdown::Shutdown;
use crate::store::{Store, StoreError, set_up_since};

/// How often it is looked whether one is due.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// A report that could not be made is tried again after so long.
const RETRY_AFTER_US: i64 = HOUR_US / 4;

/// Why a report was not made.
#[derive(Debug, thiserror::Error)]
pub enum ScheduledReportError {
    /// There is no such schedule.
    #[error("there is no report schedule `{0}`; `GET /api/v1/setup/report_schedule` lists those that there are")]
    NoSchedule(String),
    /// It could not be filled.
    #[error(transparent)]
    Capacity(#[from] CapacityError),
    /// A question that it asks broke off.
    #[error(transparent)]
    Period(#[from] PeriodReportError),
    /// It could not be drawn, or is too large.
    #[error("the report cannot be kept: {0}")]
    NotKept(String),
    /// The desk refuses the messages.
    #[error(transparent)]
    Operations(#[from] OperationsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What they are made of.
#[derive(Debug, Clone)]
pub struct ReportParts {
    /// Resources, and how they stand.
    pub capacity: Arc<Capacity>,
    /// What the department has.
    pub inventory: Inventory,
    /// What the desk did.
    pub periods: PeriodReports,
    /// What was set up.
    pub register: Arc<Register>,
    /// Keeps them.
    pub store: Store,
    /// The outbox is emptied after its changes.
    pub desk: Desk,
    /// The time.
    pub clock: Clock,
    /// Where people reach this server; empty: messages carry no address.
    pub public_url: String,
}

/// Reports that are made by themselves.
#[derive(Debug)]
pub struct ScheduledReports {
    parts: ReportParts,
    /// Until when a schedule whose report failed waits.
    waiting: tokio::sync::Mutex<BTreeMap<String, TimestampUs>>,
}

impl ScheduledReports {
    /// Over its parts.
    pub fn new(parts: ReportParts) -> Self {
        Self { parts, waiting: tokio::sync::Mutex::default() }
    }

    /// Runs until the stop.
    pub async fn keep(self: Arc<Self>, shutdown: Shutdown) {
        let rounds = async {
            loop {
                self.round().await;
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        // A report that is being made is given up: it is one transaction, and is made after the next start.
        tokio::select! {
            () = shutdown.sources_stopping() => {}
            () = rounds => {}
        }
    }

    /// Makes those that are due; gives how many. One that fails is told and tried again later, and the others are made.
    pub async fn round(&self) -> usize {
        let mut waiting = self.waiting.lock().await;
        let (setup, now_us) = (self.parts.register.setup(), self.parts.clock.now_us());
        waiting.retain(|name, until_us| *until_us > now_us && setup.reports.contains_key(name));
        let mut made = 0;
        for (name, schedule) in setup.reports.iter().filter(|(_, schedule)| !schedule.paused) {
            if waiting.contains_key(name) {
                continue;
            }
            match self.make_if_due(name, schedule, now_us).await {
                Ok(is_made) => made += usize::from(is_made),
                Err(error) => {
                    tracing::error!(schedule = name, %error, "a report could not be made by itself; it is tried again in a quarter of an hour");
                    waiting.insert(name.clone(), now_us + RETRY_AFTER_US);
                }
            }
        }
        made
    }

    async fn make_if_due(&self, name: &str, schedule: &ReportSchedule, now_us: TimestampUs) -> Result<bool, ScheduledReportError> {
        let Some(due_us) = schedule.latest_us(now_us) else { return Ok(false) };
        let mut read = self.parts.store.read().await?;
        let latest_us = latest_of(&mut read, name).await?;
        // What was due before anybody wanted it is not made; a change of the schedule leaves out nothing.
        let since_us = set_up_since(&mut read, "report_schedule", name).await?;
        drop(read);
        if latest_us.or(since_us).is_none_or(|done_us| due_us <= done_us) {
            return Ok(false);
        }
        Ok(self.make(name, schedule, (due_us, false)).await?.is_some())
    }

    /// Makes the report of a schedule now.
    ///
    /// # Errors
    /// There is no such schedule, or its report cannot be made.
    pub async fn make_now(&self, name: &str) -> Result<KeptReport, ScheduledReportError> {
        // Not while the schedule itself makes one.
        let _one = self.waiting.lock().await;
        let missing = || ScheduledReportError::NoSchedule(name.to_owned());
        let schedule = self.parts.register.setup().reports.get(name).cloned().ok_or_else(missing)?;
        let mut at_us = self.parts.clock.now_us();
        loop {
            if let Some(id) = self.make(name, &schedule, (at_us, true)).await? {
                let kept = load_kept(&mut *self.parts.store.read().await?, id).await?;
                return kept.ok_or_else(missing);
            }
            at_us += 1;
        }
    }

    async fn make(
        &self,
        name: &str,
        schedule: &ReportSchedule,
        (at_us, asked_for): (TimestampUs, bool),
    ) -> Result<Option<i64>, ScheduledReportError> {
        let latest_us = latest_of(&mut *self.parts.store.read().await?, name).await?;
        let made = self.filled(schedule, at_us, latest_us).await?;
        let setup = self.parts.register.setup();
        let mut writing = self.parts.desk.writing().await.map_err(OperationsError::from)?;
        let now_us = writing.now_us();
        let identity = Identity { schedule: name, report: schedule.report.word(), at_us, asked_for };
        let id = keep_report(writing.connection(), identity, &made, schedule.keep).await?;
        if let Some(id) = id {
            let subject = format!("{} of {}", schedule.report.title(), made.as_of);
            let address = |form: ReportForm| match self.parts.public_url.as_str() {
                "" => None,
                public_url => Some(format!("{public_url}/api/v1/reports/kept/{id}?format={}", form.word())),
            };
            let body = match address(ReportForm::Html) {
                Some(address) => format!("{}\n\n{address}", made.summary),
                None => made.summary.clone(),
            };
            for person in &schedule.to {
                let Some(preferences) = setup.preferences.get(person) else { continue };
                let addresses: BTreeMap<&str, Option<String>> = ReportForm::ALL.map(|form| (form.word(), address(form))).into();
                let notice = NewNotice {
                    ticket: None,
                    person: person.clone(),
                    event: EventKind::Notice,
                    urgency: Urgency::Normal,
                    subject: subject.clone(),
                    body: body.clone(),
                    payload: json!({ "report": {
                        "id": id, "schedule": name, "report": schedule.report.word(), "as_of": made.as_of, "made_at_us": at_us, "addresses": addresses,
                    } }),
                };
                for mut planned in decide(preferences, notice.event, notice.urgency, now_us) {
                    // In a digest it would lose its file.
                    planned.digest_key = None;
                    enqueue(writing.connection(), &notice, &planned, now_us).await.map_err(OperationsError::from)?;
                }
            }
        }
        writing.commit().await.map_err(OperationsError::from)?;
        Ok(id)
    }

    /// A report as of a moment. `latest_us`: when the schedule made one before.
    async fn filled(
        &self,
        schedule: &ReportSchedule,
        at_us: TimestampUs,
        latest_us: Option<TimestampUs>,
    ) -> Result<Made, ScheduledReportError> {
        let site = &self.parts.public_url;
        let as_of;
        let draw: Box<dyn FnOnce() -> (String, [String; 3]) + Send> = match schedule.report {
            ScheduledReport::Capacity => {
                // After a pause of the server, or right after a day's end, resources stand as they were judged before.
                self.parts.capacity.be_up_to_date().await?;
                let filled = self.parts.capacity.report(site, None).await?;
                as_of = filled.as_of;
                Box::new(move || {
                    let json = serde_json::to_string_pretty(&filled).unwrap_or_default();
                    (report::capacity_summary(&filled), [report::html(&filled), json, report::csv(&filled)])
                })
            }
            ScheduledReport::Inventory => {
                let filled = self.parts.inventory.report(site, None).await?;
                as_of = filled.as_of;
                Box::new(move || {
                    let json = serde_json::to_string_pretty(&filled).unwrap_or_default();
                    (report::inventory_summary(&filled), [report::inventory_html(&filled), json, report::inventory_csv(&filled)])
                })
            }
            ScheduledReport::Sla | ScheduledReport::Oncall | ScheduledReport::Noise | ScheduledReport::Desk => {
                let unreadable = || ScheduledReportError::NotKept(format!("it is not known what `{}` is about", schedule.cron));
                let (kind, period) = schedule.report.of_period().zip(schedule.period(at_us, latest_us)).ok_or_else(unreadable)?;
                as_of = period.to.to_zoned(period.zone.clone()).date();
                let filled = self.parts.periods.fill(kind, period).await?;
                Box::new(move || {
                    let json = serde_json::to_string_pretty(&report::period_json(&filled)).unwrap_or_default();
                    (report::period_summary(&filled), [report::period_html(&filled), json, report::period_csv(&filled)])
                })
            }
        };
        // Plots of sixty resources take a moment: others go on meanwhile.
        let made = tokio::task::spawn_blocking(move || {
            let (summary, texts) = draw();
            let files = ReportForm::ALL.into_iter().zip(&texts).map(|(form, text)| MadeFile::of(form, text));
            Ok(Made { as_of, summary, files: files.collect::<Result<_, String>>()? })
        });
        made.await.map_err(|error| error.to_string()).flatten().map_err(ScheduledReportError::NotKept)
    }

    /// Reports that are kept, newest first: of one schedule or all, before a number; at most a hundred and one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn list(&self, schedule: Option<&str>, before: Option<i64>, limit: u32) -> Result<Vec<KeptReport>, StoreError> {
        list_kept(&mut *self.parts.store.read().await?, schedule, before, limit.clamp(1, 101)).await
    }

    /// A report that is kept, in a form; `None` if there is none.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn file(&self, id: i64, form: ReportForm) -> Result<Option<Vec<u8>>, StoreError> {
        load_file(&mut *self.parts.store.read().await?, id, form).await
    }
}
