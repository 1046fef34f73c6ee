//! What can be set about the tables.

/// Settings of the tables' upkeep.
#[derive(Debug, Clone)]
pub struct Config {
    /// Commits between two checkpoints of the Delta log. Opening a table reads the log entries since the last checkpoint
    /// (5,000 entries took 4.7 s on two busy cores, the same table from its checkpoint 0.7 s); writing a checkpoint costs
    /// work in proportion to all files of the table.
    pub checkpoint_interval: u32,
    /// Days for which older versions of a table stay readable, and so for which evidence can be run again as it was.
    pub log_retention_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { checkpoint_interval: 50, log_retention_days: 30 }
    }
}
