//! The relational store: one SQLite file that holds what is not a time series.
//!
//! Tickets, their history, findings, the state of rules, people, what they set up, the inventory, what is to be sent, the
//! audit, the ingest ledger and tokens stand in `desk.sqlite` in the data folder. The rooms above write through
//! [`Store::write`], which lets one write at a time, and read through [`Store::read`], which gives a snapshot that no writer
//! disturbs.
//!
//! Invariants:
//! * A committed transaction is on the disk (write-ahead mode, `synchronous = FULL`); one that was not committed left nothing.
//! * There is one writer connection, and it begins with `BEGIN IMMEDIATE`: a transaction never fails halfway because
//!   another one wrote first. Those who write at the same time share a commit; nobody is answered before it.
//! * The schema only goes forward, one numbered file of `migrations/` after the other. A file written by a newer program is
//!   refused, not guessed at.
//! * The file is readable by its owner only, because it holds the hashes of tokens.

mod audit;
mod budget_book;
mod capacity_views;
mod checkpoint;
mod copy;
mod documents;
mod error;
mod files;
mod finding;
mod group_commit;
#[cfg(test)]
mod group_commit_test;
mod ingest_ledger;
mod inventory;
mod inventory_views;
mod migrations;
mod pool;
mod request_keys;
mod secrets;
mod view_scan;
mod views;

pub use audit::{AuditEntry, append_audit, set_up_since};
pub use budget_book::{BudgetEntry, BudgetSums, append_budget_entry, budget_sums, committed_for, load_budget_entries};
pub use copy::{attached_files, copy_database};
pub use documents::{Document, load_document, load_documents, load_documents_of, remove_document, save_document};
pub use error::StoreError;
pub use files::{ATTACHMENTS_FOLDER, FileStore};
pub use finding::{Evidence, Finding, FindingSeverity, MAX_CELL_CHARS, MAX_EVIDENCE_LINES, bounded_cell, bounded_row};
pub use group_commit::WriteTransaction;
pub use ingest_ledger::{LedgerEntry, add_to_ledger, read_ledger};
pub use inventory::{
    RecordVersion, StoredRecord, hosts_of_services, last_version, load_asset_of_host, load_assets_named, load_assets_of_kind,
    load_dependencies, load_history, load_record, load_records, load_records_at, record_names, referrers_of_asset, referrers_of_document,
    referrers_of_supplier, remove_record, save_record,
};
pub use migrations::LATEST_SCHEMA;
#[cfg(test)]
pub(crate) use migrations::database_of_version;
pub use pool::{DESK_FILE, Store};
pub use request_keys::{KnownRequest, RequestKey, known_request, remember_request};
pub use secrets::{load_secret, save_secret, secret_names};
pub use view_scan::{Comparison, ViewCondition, ViewScan, ViewValue, WrittenConditions};
pub use views::{MAX_VIEW_ROWS, StoreView, VIEWS, ViewColumn, ViewType, view, view_schema};
