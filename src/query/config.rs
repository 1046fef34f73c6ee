//! The limits of the query engine, and why each is what it is.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Limits of all queries together and of each one. A request may ask for less, never for more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Queries that run at the same time. Eight people of one department, or a console page with its panels, fit; more would
    /// only share the same cores and memory in thinner slices.
    pub max_concurrent: usize,
    /// Milliseconds a query waits for a place before it is told to come again. Two seconds outlast a burst of panels and are
    /// still short of what a person takes for a hang.
    pub max_wait_ms: u64,
    /// Milliseconds from the place to the last row. Half a minute is what people wait for, and what proxies in front let pass.
    pub timeout_ms: u64,
    /// Milliseconds for a question of this process itself, such as the days of all resources: ten minutes, for nobody waits.
    pub background_timeout_ms: u64,
    /// Rows of a result. A hundred thousand rows are more than a screen or a spreadsheet needs; larger answers are exports,
    /// which ask for the columns and the day they want.
    pub max_rows: u64,
    /// Bytes of a result's values, before encoding. 256 MiB are 100,000 rows of 2.5 KiB, longer than any ordinary log line.
    pub max_result_bytes: u64,
    /// Bytes of memory all queries share for sorting, grouping and joining: an eighth of a 4 GiB machine, the smallest that
    /// the product is meant for. What does not fit is spilled, so a larger pool buys speed and not answers.
    pub memory_bytes: usize,
    /// Bytes of that memory a single query may hold. Half of it: one heavy query leaves room for the light ones.
    pub query_memory_bytes: usize,
    /// Threads that plan and run queries, and the number of parts a plan is split into. Half the cores (at least one): the
    /// other half belongs to receiving and storing.
    pub target_partitions: usize,
    /// Folder for what sorting and grouping spill; created when missing. `None` takes a folder of the system's temporary one.
    pub spill_dir: Option<PathBuf>,
    /// Bytes of spilled data of all queries together. Eight times the memory: a sort of some gigabytes ends, a runaway
    /// query cannot fill the disk that the log is written to.
    pub max_spill_bytes: u64,
    /// Bytes of a statement's text. 64 KiB hold a statement of a thousand lines; what is longer is generated, and costs
    /// planning time that no limit of the stream covers.
    pub max_query_bytes: usize,
    /// Words and signs of a statement. 8,192 are a list of four thousand values; parsing and planning take time with them.
    pub max_query_tokens: usize,
    /// Tables a statement may read once common table expressions are written out. Ten lines of `WITH` that each join the
    /// line before with itself read 1,024.
    pub max_relations: usize,
    /// Bytes of decoded Parquet footers kept for each table; the least recently used go first. Three tables of 32 MiB are
    /// twice what DataFusion keeps for all, because here every query reads the same three.
    pub footer_cache_bytes: usize,
    /// Bytes of each relational view a query may read. The desk's tables count thousands of rows, not millions.
    pub max_view_bytes: usize,
    /// Evaluates filters while Parquet is decoded instead of after. See the measurement in `table_provider`.
    pub pushdown_filters: bool,
}

impl Default for Config {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            max_concurrent: 8,
            max_wait_ms: 2_000,
            timeout_ms: 30_000,
            background_timeout_ms: 600_000,
            max_rows: 100_000,
            max_result_bytes: 256 << 20,
            memory_bytes: 512 << 20,
            query_memory_bytes: 256 << 20,
            target_partitions: (cores / 2).max(1),
            spill_dir: None,
            max_spill_bytes: 4 << 30,
            max_query_bytes: 64 << 10,
            max_query_tokens: 8_192,
            max_relations: 256,
            footer_cache_bytes: 32 << 20,
            max_view_bytes: 64 << 20,
            pushdown_filters: false,
        }
    }
}
