//! SQL over the tables: one gate, whoever asks.
//!
//! HTTP, the command line, saved questions and rules all hand a [`QueryRequest`] to [`QueryEngine::run`] and read a
//! [`QueryRun`]. What this room promises, each kept by a test of its own:
//!
//! * **Read only, tables only.** A statement is parsed, looked through and planned before anything runs; nothing that
//!   writes, sets, or names a file or an address gets past `gate`, and the engine knows no object store but the folders
//!   of its own tables.
//! * **Every row once.** Each table's snapshot is taken once for a query: rows in files and rows still in memory are
//!   seen together, exactly once, and a table joined to itself meets the same rows. Samples are taken before series, so
//!   that a sample's series, written first, is always there.
//! * **Limits hold for the whole stream.** Time, rows, bytes, memory and spill are bounded from the wait for a place to
//!   the last batch. A query that hits a limit ends with a [`QueryError`] that says which, and what to do.
//! * **Others go on.** Queries plan and run on threads of their own: however hard a statement works, those that receive
//!   and store are scheduled beside it, not behind it. Dropping a [`QueryRun`] ends its work.
//!
//! What a query read is reported with it ([`QueryRun::versions`]), so that it can be run again over the same rows
//! ([`QueryRequest::at_version`]).

mod admission;
mod batch_bytes;
mod catalog;
mod column_names;
mod columnar_rows;
mod config;
mod csv_rows;
mod engine;
mod error;
mod file_pruning;
mod forecast_tables;
mod functions;
mod gate;
mod json_rows;
mod memory_share;
mod plan_size;
mod relational_view;
mod request;
mod result_stream;
mod run;
mod saved_queries;
mod table_provider;
mod table_text;
mod view_condition;
mod views;
mod yielding;

#[cfg(test)]
mod engine_tests;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod forecast_functions_tests;
#[cfg(test)]
mod format_tests;
#[cfg(test)]
mod hostile_statements;
#[cfg(test)]
mod scan_tests;
#[cfg(test)]
mod series_functions_tests;

pub use column_names::{ResultColumn, result_columns};
pub use config::Config;
pub use csv_rows::write_csv_text;
pub use engine::{QueryEngine, Tables};
pub use error::QueryError;
pub use relational_view::{RelationalView, ViewError};
pub use request::{LimitOverrides, Parameters, QueryRequest};
pub use result_stream::{EncodeError, Encoder, Format};
pub use run::QueryRun;
pub use saved_queries::{SAVED_QUERIES, SavedQuery};
pub use table_text::TableText;
