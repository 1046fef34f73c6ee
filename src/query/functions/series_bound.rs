//! `generate_series` and `range` in a FROM clause, with a bound on the rows they make.

use std::sync::Arc;

use datafusion::catalog::{TableFunction, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Expr;

use crate::query::QueryError;

/// Rows that one call may make: a year of seconds is 31.5 million and too many, four months of seconds fit.
const MAX_ROWS: u64 = 10_000_000;

const DAY_NS: i128 = 86_400_000_000_000;

#[derive(Debug)]
struct BoundedSeries(Arc<dyn TableFunctionImpl>);

/// The same function, refusing calls that would make more than ten million rows.
pub(super) fn bounded(function: &TableFunction) -> TableFunction {
    TableFunction::new(function.name().to_owned(), Arc::new(BoundedSeries(Arc::clone(function.function()))))
}

impl TableFunctionImpl for BoundedSeries {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        if rows(args.exprs()).is_some_and(|rows| rows > MAX_ROWS) {
            let detail = format!("the series would have more than {MAX_ROWS} rows");
            return Err(QueryError::refused(detail, "Give a shorter span or a larger step").into());
        }
        self.0.call_with_args(args)
    }
}

fn rows(args: &[Expr]) -> Option<u64> {
    let literal = |expr: &Expr| match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        _ => None,
    };
    series_rows(&args.iter().map(literal).collect::<Option<Vec<_>>>()?)
}

/// Rows that `range(end)`, `range(start, end)` or `range(start, end, step)` make, roughly; `None` where the arguments are
/// of no such kind (the function itself says so). A step of zero or away from the end makes an error or no rows.
pub(super) fn series_rows(args: &[ScalarValue]) -> Option<u64> {
    let bounds: Vec<i128> = args.iter().map(position).collect::<Option<_>>()?;
    let (start, end, step) = match bounds[..] {
        [end] => (0, end, 1),
        [start, end] => (start, end, 1),
        [start, end, step] => (start, end, step),
        _ => return None,
    };
    let steps = (end - start).checked_div(step)?;
    Some(u64::try_from(steps.max(0)).unwrap_or(u64::MAX))
}

/// A value as a number: integers as they are, moments and spans in nanoseconds.
fn position(value: &ScalarValue) -> Option<i128> {
    match value {
        ScalarValue::Int64(Some(value)) | ScalarValue::TimestampNanosecond(Some(value), _) => Some(i128::from(*value)),
        ScalarValue::TimestampMicrosecond(Some(value), _) => Some(i128::from(*value) * 1_000),
        ScalarValue::Date32(Some(days)) => Some(i128::from(*days) * DAY_NS),
        ScalarValue::IntervalMonthDayNano(Some(span)) => {
            Some(i128::from(span.nanoseconds) + (i128::from(span.days) + 28 * i128::from(span.months)) * DAY_NS)
        }
        other => match other.cast_to(&arrow::datatypes::DataType::Int64) {
            Ok(ScalarValue::Int64(Some(value))) if other.data_type().is_integer() => Some(i128::from(value)),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_known_before_any_is_made() {
        let int = |value: i64| ScalarValue::Int64(Some(value));
        assert_eq!(series_rows(&[int(1), int(1_000_000_000_000)]), Some(999_999_999_999));
        assert_eq!(series_rows(&[int(i64::MIN), int(i64::MAX)]), Some(u64::MAX));
        assert_eq!(series_rows(&[int(5), int(1)]), Some(0));
        assert_eq!(series_rows(&[int(1), int(5), int(0)]), None);
        let second = ScalarValue::new_interval_mdn(0, 0, 1_000_000_000);
        assert_eq!(series_rows(&[ScalarValue::Date32(Some(0)), ScalarValue::Date32(Some(365)), second]), Some(31_536_000));
    }
}
