//! Watchroom: logs and metrics in, durable when acknowledged, in open tables, answered in SQL, and turned into tickets.
//!
//! ARCHITECTURE.md holds the map of the modules and the invariants they keep.

pub mod alert;
pub mod anomaly;
pub mod api;
pub mod app;
pub mod assignment;
pub mod backup;
pub mod batch;
pub mod capacity;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod data_folder;
pub mod desk;
pub mod detect;
pub mod document;
pub mod escalation;
pub mod forecast;
pub mod incident;
pub mod inventory;
pub mod notify;
pub mod on_call;
pub mod operations;
pub mod parse;
pub mod people;
pub mod pipeline;
pub mod purchase;
pub mod query;
pub mod record;
pub mod report;
pub mod sample_site;
pub mod self_metrics;
pub mod shutdown;
pub mod sla;
pub mod source;
pub mod sql_file;
pub mod store;
pub mod table;
pub mod template;
pub mod wal;
