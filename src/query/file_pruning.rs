//! Which files of a snapshot can hold rows that a filter lets through, told by the ranges in the Delta log; and which batches
//! in memory can, told by a look at their time stamps.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, PrimitiveArray, RecordBatch, UInt64Array};
use arrow::compute::{max, min};
use arrow::datatypes::{DataType, SchemaRef, TimestampMicrosecondType};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, Result, ScalarValue, Statistics};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;

use crate::record::arrow_schema::DATE;
use crate::table::{DataFile, Value};

/// The files that may hold rows for which `predicate` is true; `schema` is the table's with [`DATE`].
pub(super) fn prune(files: &[Arc<DataFile>], predicate: &Arc<dyn PhysicalExpr>, schema: &SchemaRef) -> Result<Vec<Arc<DataFile>>> {
    let pruning = PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema)).try_build(Arc::clone(predicate))?;
    let keep = pruning.prune(&FileRanges { files, schema })?;
    Ok(files.iter().zip(keep).filter(|(_, keep)| *keep).map(|(file, _)| Arc::clone(file)).collect())
}

/// The batches that may hold rows for which `predicate` is true, as far as their column `timestamp` tells. A rule asks of some
/// minutes; in a flood most rows in memory are younger than those, or of a sender that makes up for hours.
pub(super) fn prune_fresh<'a>(
    batches: &'a [RecordBatch],
    predicate: &Arc<dyn PhysicalExpr>,
    schema: &SchemaRef,
) -> Result<Vec<&'a RecordBatch>> {
    let pruning = PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema)).try_build(Arc::clone(predicate))?;
    let keep = pruning.prune(&TimeRanges { batches })?;
    Ok(batches.iter().zip(keep).filter(|(_, keep)| *keep).map(|(batch, _)| batch).collect())
}

/// What the scan may know of a file: exact counts, and ranges that hold every value.
///
/// The ranges may be wider than the values (text is cut in the log, moments are rounded there), yet they are marked as
/// exact: only then does the scan skip a file by what a join or a top-k has learnt. It takes nothing else from them but
/// columns that have one value, and a range that holds every value and has one point is that value.
pub(super) fn file_statistics(file: &DataFile, file_schema: &SchemaRef) -> Statistics {
    let columns = file_schema.fields().iter().map(|field| {
        let Some(range) = file.statistics.columns.get(field.name()) else { return ColumnStatistics::new_unknown() };
        let end = |value: &Option<Value>| {
            let value = value.as_ref().and_then(|value| bound(value, field.data_type()));
            value.map_or(Precision::Absent, Precision::Exact)
        };
        ColumnStatistics {
            null_count: Precision::Exact(range.null_count as usize),
            min_value: end(&range.min),
            max_value: end(&range.max),
            ..ColumnStatistics::new_unknown()
        }
    });
    Statistics {
        num_rows: Precision::Exact(file.rows as usize),
        total_byte_size: Precision::Inexact(file.size_bytes as usize),
        column_statistics: columns.collect(),
    }
}

/// What the planner may know of all files together; it answers `min` and `max` from ranges that are exact. Those of
/// integers and dates are; those of the other types may be wider than the values.
pub(super) fn table_statistics<'a>(files: impl Iterator<Item = &'a Statistics>, schema: &SchemaRef) -> Result<Statistics> {
    let mut all = Statistics::try_merge_iter(files, schema)?;
    for (column, field) in all.column_statistics.iter_mut().zip(schema.fields()) {
        if !field.data_type().is_integer() && *field.data_type() != DataType::Date32 {
            column.min_value = std::mem::take(&mut column.min_value).to_inexact();
            column.max_value = std::mem::take(&mut column.max_value).to_inexact();
        }
    }
    Ok(all)
}

fn bound(value: &Value, kind: &DataType) -> Option<ScalarValue> {
    let value = match value {
        Value::Int(value) => ScalarValue::Int64(Some(*value)),
        Value::Float(value) => ScalarValue::Float64(Some(*value)),
        Value::Text(value) => ScalarValue::Utf8View(Some(value.clone())),
        Value::TimestampUs(value) => ScalarValue::TimestampMicrosecond(Some(*value), Some("UTC".into())),
        Value::Boolean(value) => ScalarValue::Boolean(Some(*value)),
    };
    value.cast_to(kind).ok()
}

/// The ranges of all files as columns, one row a file.
struct FileRanges<'a> {
    files: &'a [Arc<DataFile>],
    schema: &'a SchemaRef,
}

impl FileRanges<'_> {
    fn bounds(&self, column: &Column, of: impl Fn(&DataFile, &DataType) -> Option<ScalarValue>) -> Option<ArrayRef> {
        let kind = self.schema.field_with_name(&column.name).ok()?.data_type();
        let unknown = ScalarValue::try_new_null(kind).ok()?;
        let values = self.files.iter().map(|file| match column.name.as_str() {
            DATE => ScalarValue::Date32(file.day),
            _ => of(file, kind).unwrap_or_else(|| unknown.clone()),
        });
        ScalarValue::iter_to_array(values).ok()
    }
}

impl PruningStatistics for FileRanges<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |file, kind| bound(file.statistics.columns.get(&column.name)?.min.as_ref()?, kind))
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |file, kind| bound(file.statistics.columns.get(&column.name)?.max.as_ref()?, kind))
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let counts = self.files.iter().map(|file| match column.name.as_str() {
            DATE => Some(0),
            name => file.statistics.columns.get(name).map(|range| range.null_count),
        });
        Some(Arc::new(UInt64Array::from_iter(counts)))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(self.files.iter().map(|file| file.rows))))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

/// The ranges of the time stamps of batches, one row a batch; of no other column is anything known.
struct TimeRanges<'a> {
    batches: &'a [RecordBatch],
}

impl TimeRanges<'_> {
    fn bounds(&self, column: &Column, of: impl Fn(&PrimitiveArray<TimestampMicrosecondType>) -> Option<i64>) -> Option<ArrayRef> {
        if column.name != "timestamp" {
            return None;
        }
        let values = self.batches.iter().map(|batch| {
            let times = batch.column_by_name("timestamp").and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
            ScalarValue::TimestampMicrosecond(times.and_then(&of), Some("UTC".into()))
        });
        ScalarValue::iter_to_array(values).ok()
    }
}

impl PruningStatistics for TimeRanges<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, min)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, max)
    }

    fn num_containers(&self) -> usize {
        self.batches.len()
    }

    fn null_counts(&self, _: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(self.batches.iter().map(|batch| batch.num_rows() as u64))))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
