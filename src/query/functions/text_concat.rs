//! The operator `||` as a function, so that its growth is bounded like that of `concat`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{ColumnarValue, ExprSchemable, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::bounded_growth::bounded_udf;

/// Two texts joined; null when either is null, as the SQL standard has it (`concat` skips nulls).
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TextConcat {
    signature: Signature,
}

impl TextConcat {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for TextConcat {
    fn name(&self) -> &str {
        "text_concat"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let sides = ColumnarValue::values_to_arrays(&args.args)?;
        let (left, right) = (cast(&sides[0], &DataType::Utf8)?, cast(&sides[1], &DataType::Utf8)?);
        let mut joined = StringBuilder::new();
        for (left, right) in left.as_string::<i32>().iter().zip(right.as_string::<i32>()) {
            match (left, right) {
                (Some(left), Some(right)) => {
                    use std::fmt::Write;
                    // Writing into a builder in memory does not fail.
                    let _ = joined.write_str(left);
                    joined.append_value(right);
                }
                _ => joined.append_null(),
            }
        }
        Ok(ColumnarValue::Array(Arc::new(joined.finish()) as ArrayRef))
    }
}

/// Plans `||` between anything but lists as [`TextConcat`].
#[derive(Debug)]
pub(super) struct ConcatPlanner;

impl ExprPlanner for ConcatPlanner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if expr.op != BinaryOperator::StringConcat {
            return Ok(PlannerResult::Original(expr));
        }
        let of_lists = |side: &datafusion::logical_expr::Expr| {
            side.get_type(schema).is_ok_and(|kind| {
                matches!(
                    kind,
                    DataType::List(_)
                        | DataType::LargeList(_)
                        | DataType::FixedSizeList(_, _)
                        | DataType::ListView(_)
                        | DataType::LargeListView(_)
                )
            })
        };
        if of_lists(&expr.left) || of_lists(&expr.right) {
            return Ok(PlannerResult::Original(expr));
        }
        let call = Arc::new(bounded_udf(TextConcat::new())).call(vec![expr.left, expr.right]);
        Ok(PlannerResult::Planned(call))
    }
}
