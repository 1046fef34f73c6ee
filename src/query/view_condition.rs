//! From the filters of a plan to conditions that the store can judge. What it cannot is left to the filter above: a condition never keeps
//! out a row that is wanted.

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::store::{Comparison, ViewCondition, ViewValue};

/// Comparisons and values of one scan. SQLite takes expressions of a thousand levels and some thousand parameters; a scan with more than
/// this reads everything.
const MAX_PARTS: usize = 500;

/// The filters of a scan; none where there are too many of them.
pub(super) fn conditions_of(filters: &[Expr], schema: &Schema) -> Vec<ViewCondition> {
    let conditions: Vec<ViewCondition> = filters.iter().filter_map(|filter| condition_of(filter, schema)).collect();
    if conditions.iter().map(parts).sum::<usize>() > MAX_PARTS { Vec::new() } else { conditions }
}

fn parts(condition: &ViewCondition) -> usize {
    match condition {
        ViewCondition::Compare { .. } | ViewCondition::IsNull { .. } => 1,
        ViewCondition::OneOf { values, .. } => values.len(),
        ViewCondition::All(conditions) | ViewCondition::Any(conditions) => conditions.iter().map(parts).sum(),
    }
}

/// What holds wherever a filter holds; `None` if nothing of it can be said.
pub(super) fn condition_of(filter: &Expr, schema: &Schema) -> Option<ViewCondition> {
    let place = |expression: &Expr| match expression {
        Expr::Column(Column { name, .. }) => schema.index_of(name).ok().filter(|place| is_exact(schema.field(*place).data_type())),
        _ => None,
    };
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            match (condition_of(left, schema), condition_of(right, schema)) {
                (Some(left), Some(right)) => Some(ViewCondition::All(vec![left, right])),
                (left, right) => left.or(right),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(ViewCondition::Any(vec![condition_of(left, schema)?, condition_of(right, schema)?]))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (place(left), place(right)) {
            (Some(column), None) => Some(ViewCondition::Compare { column, comparison: comparison(*op)?, value: value(right)? }),
            (None, Some(column)) => Some(ViewCondition::Compare { column, comparison: comparison(op.swap()?)?, value: value(left)? }),
            _ => None,
        },
        Expr::InList(InList { expr, list, negated: false }) => {
            Some(ViewCondition::OneOf { column: place(expr)?, values: list.iter().map(value).collect::<Option<_>>()? })
        }
        Expr::IsNull(column) => Some(ViewCondition::IsNull { column: place(column)?, negated: false }),
        Expr::IsNotNull(column) => Some(ViewCondition::IsNull { column: place(column)?, negated: true }),
        _ => None,
    }
}

/// Types whose values compare alike here and there.
fn is_exact(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int64 | DataType::Utf8View | DataType::Timestamp(TimeUnit::Microsecond, Some(_)))
}

fn comparison(operator: Operator) -> Option<Comparison> {
    Some(match operator {
        Operator::Eq => Comparison::Equal,
        Operator::NotEq => Comparison::NotEqual,
        Operator::Lt => Comparison::Less,
        Operator::LtEq => Comparison::AtMost,
        Operator::Gt => Comparison::Greater,
        Operator::GtEq => Comparison::AtLeast,
        _ => return None,
    })
}

fn value(expression: &Expr) -> Option<ViewValue> {
    let Expr::Literal(value, _) = expression else { return None };
    match value {
        ScalarValue::Int64(Some(value)) | ScalarValue::TimestampMicrosecond(Some(value), _) => Some(ViewValue::Integer(*value)),
        ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => {
            Some(ViewValue::Text(text.clone()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;
    use datafusion::logical_expr::{col, lit};

    use super::*;

    fn schema() -> Schema {
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let fields = [("number", DataType::Int64), ("state", DataType::Utf8View), ("at", time), ("part", DataType::Float64)];
        Schema::new(fields.map(|(name, kind)| Field::new(name, kind, true)).to_vec())
    }

    fn compare(column: usize, comparison: Comparison, value: i64) -> ViewCondition {
        ViewCondition::Compare { column, comparison, value: ViewValue::Integer(value) }
    }

    #[test]
    fn what_can_be_said_exactly_is_said() {
        let at = |us: i64| lit(ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into())));
        let cases = [
            (col("at").gt_eq(at(5)), Some(compare(2, Comparison::AtLeast, 5))),
            (at(5).lt(col("at")), Some(compare(2, Comparison::Greater, 5))),
            (col("part").eq(lit(1.5)), None),
            (col("number").eq(lit(1_i64)).and(col("part").gt(lit(1.0))), Some(compare(0, Comparison::Equal, 1))),
            (col("number").eq(lit(1_i64)).or(col("part").gt(lit(1.0))), None),
            (col("number").eq(col("number")), None),
            (col("state").is_not_null(), Some(ViewCondition::IsNull { column: 1, negated: true })),
            (col("number").in_list(vec![lit(1_i64)], true), None),
            (
                col("state").in_list(vec![lit("new"), lit("open")], false),
                Some(ViewCondition::OneOf { column: 1, values: ["new", "open"].map(|word| ViewValue::Text(word.into())).to_vec() }),
            ),
            (col("state").in_list(vec![lit("new"), lit(ScalarValue::Utf8View(None))], false), None),
            (col("state").like(lit("n%")), None),
        ];
        for (filter, condition) in cases {
            assert_eq!(condition_of(&filter, &schema()), condition, "{filter}");
        }
    }

    #[test]
    fn too_much_reads_everything() {
        let list = |length: i64| vec![col("number").in_list((0..length).map(lit).collect(), false)];
        assert_eq!(conditions_of(&list(500), &schema()).len(), 1);
        assert_eq!(conditions_of(&list(501), &schema()), []);
    }
}
