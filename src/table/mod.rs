//! The tables on disk, and the rows on their way there.
//!
//! A [`Table`] is one Delta Lake table plus the rows that arrived since its last commit. Rows are appended to memory and
//! seen by the next [`Table::snapshot`]; a flush writes them as Parquet files and commits these to the Delta log together
//! with the WAL positions that they stand for. Any program that reads Delta Lake can read the folder meanwhile.
//!
//! ```text
//! append ─> fresh ──freeze──> frozen ──write_parquet──> files ──commit──> Delta version n+1
//!             └────────────────┴───── snapshot() ────────────────────────────┘   each row in exactly one of the three
//! ```
//!
//! Contract of the positions. An app id names one WAL shard, a sequence number a block in it. All rows of a sequence are
//! handed over in one append, in ascending order of the sequence; a sequence that was seen before is refused. A sequence
//! without rows for this table is appended with no batches, so that the WAL can be released past it. At the start the
//! pipeline replays what the WAL holds after [`Table::committed`].
//!
//! Invariants:
//!
//! 1. *Each row once.* A snapshot holds every appended row exactly once, whatever flush runs (`flush.rs`).
//! 2. *Each position once.* Rows and the positions they stand for become part of the table in one Delta commit
//!    (`commit.rs`, which lists what a commit promises).
//! 3. *Durable before reported.* A [`FlushReport`] names positions only after files, folders, log entry and log folder
//!    are synced to disk, in that order (`synced_store.rs`).
//! 4. *Failure keeps the rows.* Whatever fails, the rows stay visible, and a later flush can succeed.

mod app_versions;
mod checkpoint;
mod commit;
#[cfg(test)]
mod commit_tests;
mod config;
mod delta_schema;
mod error;
mod flush;
mod fresh_rows;
mod live_table;
mod log_replay;
mod open;
mod parquet_writer;
mod snapshot;
mod sort;
mod statistics;
mod synced_store;
mod table_kind;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod test_rows;

pub use config::Config;
pub use error::TableError;
pub use flush::FlushReport;
pub use fresh_rows::Position;
pub use live_table::Table;
pub use parquet_writer::{Layout, WriteError, WrittenFile, write_parquet};
pub use snapshot::{DataFile, TableSnapshot};
pub use statistics::{ColumnRange, FileStatistics, Value};
pub use table_kind::TableKind;
