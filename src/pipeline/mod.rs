//! The only place where stages meet.
//!
//! ```text
//! sources ─> Ingest (room, shard) ─> WAL (fsync, acknowledge) ─> parse_stage (rayon) ─> fresh rows ─> Flusher ─> Delta, release of the WAL
//! ```
//!
//! What holds it up:
//!
//! * A block is acknowledged after the fsync that covers it, and becomes visible only after that.
//! * Blocks of one shard become rows in the order of its log; a table's commit names the last block that it completes, and
//!   the log is released up to there, never further.
//! * Everything between socket and table is counted in permits of one queue; when it is full, senders wait or are told to.
//! * Time-driven work (rules, ledger) is in `analysis` and `bookkeeping`; both read through the query gate and write to the
//!   desk's store only.

mod analysis;
mod backtest;
mod bookkeeping;
mod detector_states;
mod flush;
mod fresh_room;
mod incidents;
mod ingest;
mod known_series;
mod parse_job;
mod parse_stage;
mod recovery;
mod remote_write_check;
mod rule_query;
mod running;
mod shard;
pub mod stage;
mod state_file;
mod tables;
mod template_file;
mod template_sources;
mod template_view;
mod templates;

use crate::detect::Rule;
use crate::sql_file::Book;

/// The detection rules.
pub type RuleBook = Book<Rule>;

pub use analysis::{Analysis, AnalysisParts};
pub use backtest::{Backtest, backtest};
pub use bookkeeping::{desk_views, keep_ledger};
pub use flush::FlushConfig;
pub use incidents::{Incidents, IncidentsError, SiteConfig, Windows};
pub use ingest::Ingest;
pub use recovery::PipelineError;
pub use remote_write_check::RemoteWriteCheck;
pub use running::{FlushHandle, Pipeline, PipelineConfig};
