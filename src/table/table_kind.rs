//! The tables there are.

use arrow::datatypes::SchemaRef;

use super::parquet_writer::Layout;
use crate::record::arrow_schema;

/// A table by what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableKind {
    /// One row a log event.
    Logs,
    /// One row a metric series.
    Series,
    /// One row a measurement.
    Samples,
    /// One row a day of a resource.
    CapacityDays,
}

impl TableKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Logs, Self::Series, Self::Samples, Self::CapacityDays];

    /// The table's name in SQL and its folder below `tables/`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Series => "series",
            Self::Samples => "samples",
            Self::CapacityDays => "capacity_days",
        }
    }

    /// What the table is for, as other programs show it.
    pub fn description(self) -> &'static str {
        match self {
            Self::Logs => "Log events, one a row, partitioned by the UTC day of the event",
            Self::Series => "Metric series: the labels behind each series_id of the table samples",
            Self::Samples => "Measurements of metric series, partitioned by the UTC day of the measurement",
            Self::CapacityDays => "How much of each resource was used, one row a UTC day and resource",
        }
    }

    /// The columns of its batches; the partition column is not among them.
    pub fn schema(self) -> SchemaRef {
        match self {
            Self::Logs => arrow_schema::LOGS.clone(),
            Self::Series => arrow_schema::SERIES.clone(),
            Self::Samples => arrow_schema::SAMPLES.clone(),
            Self::CapacityDays => arrow_schema::CAPACITY_DAYS.clone(),
        }
    }

    /// How its files are sorted and encoded.
    pub fn layout(self) -> Layout {
        match self {
            Self::Logs => Layout::Logs,
            Self::Series => Layout::Series,
            Self::Samples => Layout::Samples,
            Self::CapacityDays => Layout::CapacityDays,
        }
    }

    /// Whether the table is partitioned by [`arrow_schema::DATE`].
    pub fn partitioned(self) -> bool {
        match self {
            Self::Logs | Self::Samples => true,
            Self::Series | Self::CapacityDays => false,
        }
    }

    /// Columns whose range in each file stands in the Delta log. Free text is left out: its range prunes nothing, and
    /// checkpoints carry the statistics of every file.
    pub(super) fn statistics_columns(self) -> &'static str {
        match self {
            Self::Logs => "timestamp,received_at,host,app,severity,facility,source,peer,template_id",
            Self::Series => "series_id,name,host,first_seen",
            Self::Samples => "series_id,timestamp,value",
            Self::CapacityDays => "day,question,resource",
        }
    }
}
