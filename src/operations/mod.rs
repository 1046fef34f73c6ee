//! The desk at work: where tickets, people, promises, calls and messages meet.
//!
//! [`Register`] keeps what a department set up as documents and reads it into a [`Setup`]. [`Clockwork`] acts on what happens
//! to tickets and on the passing of time: it gives tickets to people, calls who is on call, warns of promises in danger, and
//! puts what is to be told into the outbox. [`Deliveries`] empties the outbox. [`Alerts`] turns what other programs report
//! into tickets. [`Inventory`] keeps what the department has, is bound to, is offered and may spend.
//!
//! ```text
//! desk (events) ─> event feed ─> Clockwork ─> desk (assigned, paged, warned) + outbox ─> Deliveries ─> mail, webhooks
//!                     time ────────┘
//! ```
//!
//! Invariants:
//! * Every event of a ticket is acted on: the feed is written by the event's own transaction and emptied by the transaction of
//!   what follows from it. A crash in between repeats nothing and loses nothing.
//! * A person is called only while a ticket is open, unacknowledged and nobody has taken it up.
//! * Promises are computed from the events each time; the table `promises` only says when to look next.
//! * What a person chose is left alone.

mod alerts;
mod alerts_at_rest;
#[cfg(test)]
mod alerts_test;
mod assigning;
mod budget;
mod calendar_links;
mod calling;
#[cfg(test)]
mod calling_test;
mod capacity;
mod capacity_days;
#[cfg(test)]
mod capacity_days_test;
mod capacity_report;
mod capacity_report_parts;
mod capacity_rows;
#[cfg(test)]
mod capacity_test;
mod clean_ups;
mod clockwork;
mod combined_orders;
mod computed_views;
mod contract_reminders;
mod deliveries;
mod documents;
mod error;
mod feed;
#[cfg(test)]
mod hand_over_test;
mod hidden_addresses;
mod inventory;
mod inventory_references;
mod inventory_report;
#[cfg(test)]
mod inventory_test;
mod judging;
mod kept_reports;
mod late_days;
mod local_cron;
mod maintenance;
mod market;
#[cfg(test)]
mod night_test;
mod pages;
mod past_proposals;
mod period_reports;
mod placed_orders;
mod promises;
mod proposal_delivery;
mod proposal_making;
mod proposal_rows;
mod proposal_words;
mod proposals;
#[cfg(test)]
mod proposals_test;
mod register;
#[cfg(test)]
mod register_test;
mod report_schedule;
mod rooms;
mod scheduled_reports;
#[cfg(test)]
mod scheduled_reports_test;
mod setup;
mod sla_clocks;
mod surroundings;
mod telling;
#[cfg(test)]
mod telling_test;
mod timeline;
#[cfg(test)]
mod zones_test;

pub use alerts::{Alerts, Filed};
pub use budget::{BudgetBook, BudgetStanding, NewBudgetEntry, budget_standing};
pub use calendar_links::{LinksOf, link_generation, revoke_links};
pub use calling::answer_call;
pub use capacity::{Capacity, CapacityParts, CapacityRun, ResourceDetail};
pub use capacity_days::{CapacityDays, CapacityError, CaughtUp, Part, Progress};
pub use capacity_rows::{KnownStanding, StandingFilter, StandingPlace};
pub use clean_ups::NewCleanUp;
pub use clockwork::Clockwork;
pub use combined_orders::{CombinedDecision, CombinedOrders, CombinedOutcome, ToldOrder, Versions};
pub use computed_views::computed_views;
pub use deliveries::{Deliveries, DeliveryConfig};
pub use documents::{DeskPolicy, DocumentKind, KINDS, Service, kind_of, preferences_of};
pub use error::OperationsError;
pub use hidden_addresses::hide_addresses;
pub use inventory::{ImportOptions, ImportReport, Inventory, InventoryError, RecordChange, RecordPage, WrittenRecord};
pub use judging::{Judged, Standing, date_of, date_text, day_of};
pub use kept_reports::{KeptReport, ReportForm};
pub use maintenance::{ConfiguredWindows, MaintenancePeriod, MaintenanceWindow, MaintenanceWindows};
pub use period_reports::{PeriodReportError, PeriodReports};
pub use promises::{StandingPromise, promises_of, what_if};
pub use proposal_rows::{Proposal, ProposalEvent, ProposalFacts, ProposalState};
pub use proposals::{Decision, NewDelivery, ProposalDetail, ProposalError, Proposals, RepairQuestion, proposal_in_short};
pub use register::{Imported, Register, RegisterError};
pub use report_schedule::{ReportSchedule, ScheduledReport};
pub use scheduled_reports::{ReportParts, ScheduledReportError, ScheduledReports};
pub use setup::{Documents, SINGLE, Setup};
