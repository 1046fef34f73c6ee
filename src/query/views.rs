//! Views over the tables that belong to the product.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::JoinType;
use datafusion::common::Result;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::{LogicalPlanBuilder, col, lit};

use crate::record::arrow_schema::DATE;

/// Columns of `metrics`, in their order.
const COLUMNS: [&str; 9] = [
    "samples.timestamp",
    "series.name",
    "series.host",
    "series.labels",
    "samples.value",
    "series.kind",
    "series.unit",
    "samples.series_id",
    "samples.date",
];

/// What `information_schema.views` tells of it.
const DEFINITION: &str = "SELECT samples.timestamp, series.name, series.host, series.labels, samples.value, series.kind, series.unit, \
     samples.series_id, samples.date FROM series JOIN samples ON series.series_id = samples.series_id \
     WHERE samples.value BETWEEN '-Infinity' AND 'Infinity'";

/// The view `metrics`: each measurement with the name and the labels of its series.
///
/// A filter on `name`, `host` or `labels` goes to the small side, `series`, which is read first; what it finds (the series
/// ids, or their range when they are many) becomes a filter of the large side before its files are opened. Values that are
/// not a number are left out: the markers that say a series has ended are NaN, and one of them would spoil every average.
/// `samples` has them all.
pub(super) fn metrics(series: Arc<dyn TableProvider>, samples: Arc<dyn TableProvider>) -> Result<ViewTable> {
    debug_assert!(COLUMNS[8].ends_with(DATE));
    let numbers = col("samples.value").between(lit(f64::NEG_INFINITY), lit(f64::INFINITY));
    let samples = LogicalPlanBuilder::scan("samples", provider_as_source(samples), None)?.filter(numbers)?.build()?;
    let plan = LogicalPlanBuilder::scan("series", provider_as_source(series), None)?
        .join(samples, JoinType::Inner, (vec!["series.series_id"], vec!["samples.series_id"]), None)?
        .project(COLUMNS.map(col))?
        .build()?;
    Ok(ViewTable::new(plan, Some(DEFINITION.to_owned())))
}
