//! Bounds for functions whose result can be much longer than their arguments.
//!
//! The memory pool counts what sorts, groups and joins hold, not what an expression returns: `repeat('x', 1000000000)`
//! takes its gigabyte past all limits. So the functions that can multiply are wrapped, and the length of the result is
//! computed from the arguments before they run.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::series_bound::series_rows;
use crate::query::QueryError;

/// Names of the wrapped functions.
pub(in crate::query) const GROWING: [&str; 18] = [
    "repeat",
    "lpad",
    "rpad",
    "concat",
    "concat_ws",
    "text_concat",
    "replace",
    "regexp_replace",
    "overlay",
    "array_repeat",
    "array_resize",
    "range",
    "generate_series",
    "array_concat",
    "array_to_string",
    "make_array",
    "encode",
    "translate",
];

/// Bytes that one call may return for one batch of rows. 8,192 rows of 4 KiB, well over the length of a log line.
pub(super) const MAX_GROWN_BYTES: u64 = 32 << 20;

/// Bytes that one value may have. A constant is copied to every row of a batch, so this times 8,192 rows is what a single
/// one can come to.
const MAX_VALUE_BYTES: u64 = 64 << 10;

/// Wraps `function` if it is one that grows.
pub(super) fn bounded(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    match GROWING.contains(&function.name()) {
        true => Arc::new(ScalarUDF::new_from_impl(Bounded { inner: function })),
        false => function,
    }
}

/// Wraps a function of our own.
pub(super) fn bounded_udf(function: impl ScalarUDFImpl + 'static) -> ScalarUDF {
    ScalarUDF::new_from_impl(Bounded { inner: Arc::new(ScalarUDF::new_from_impl(function)) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        // What `concat` and `concat_ws` simplify to would be their unwrapped selves.
        match self.name() {
            "concat" | "concat_ws" => Ok(ExprSimplifyResult::Original(args)),
            _ => self.inner.simplify(args, info),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (total, longest) = grown_bytes(self.name(), &args.args, args.number_rows);
        if total > MAX_GROWN_BYTES || longest > MAX_VALUE_BYTES {
            let detail = format!("{} would return {longest} bytes for a row and {total} for a batch", self.name());
            let advice = format!("A value may have {MAX_VALUE_BYTES} bytes; cut the arguments with substr or left first");
            return Err(QueryError::refused(detail, advice).into());
        }
        self.inner.invoke_with_args(args)
    }
}

/// The most bytes that the call can return for the batch, and for the longest row.
fn grown_bytes(name: &str, args: &[ColumnarValue], rows: usize) -> (u64, u64) {
    // Constants stay one row: the result is one value too.
    let constant = args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    let (mut total, mut longest) = (0u64, 0u64);
    let columns: Vec<Measure> = args.iter().map(Measure::of).collect();
    for row in 0..if constant { 1 } else { rows } {
        let length = |at: usize| columns.get(at).map_or(0, |column| column.length(row));
        let number = |at: usize| columns.get(at).map_or(0, |column| column.number(row));
        let bytes = match name {
            "repeat" => length(0).saturating_mul(count(number(1))),
            // Characters of up to four bytes.
            "lpad" | "rpad" => count(number(1)).saturating_mul(4),
            "replace" => length(0).saturating_add((length(0) / length(1).max(1)).saturating_mul(length(2))),
            "regexp_replace" => length(0).saturating_add(regex_growth(length(0), length(2))),
            "array_repeat" => length(0).max(8).saturating_mul(count(number(1))),
            "array_resize" => length(2).max(8).saturating_mul(count(number(1))).saturating_add(length(0)),
            "range" | "generate_series" => series_rows(&arguments_of(args, row)).unwrap_or(0).saturating_mul(8),
            "array_to_string" | "translate" | "encode" => (0..columns.len()).map(length).sum::<u64>().saturating_mul(4),
            _ => (0..columns.len()).map(length).sum(),
        };
        total = total.saturating_add(bytes);
        longest = longest.max(bytes);
    }
    (total, longest)
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A match may be empty, so every position can bring the whole replacement; short ones are left to the total's bound.
fn regex_growth(text: u64, replacement: u64) -> u64 {
    match replacement {
        0..=16 => text,
        _ => text.saturating_mul(replacement),
    }
}

/// The arguments of one row as literals.
fn arguments_of(args: &[ColumnarValue], row: usize) -> Vec<ScalarValue> {
    let value = |arg: &ColumnarValue| match arg {
        ColumnarValue::Scalar(value) => value.clone(),
        ColumnarValue::Array(array) => ScalarValue::try_from_array(array, row).unwrap_or(ScalarValue::Null),
    };
    args.iter().map(value).collect()
}

/// One argument, ready to be asked for the length and the number in a row.
enum Measure {
    Same { length: u64, number: i64 },
    Each { array: ArrayRef, numbers: Option<ArrayRef> },
}

impl Measure {
    fn of(arg: &ColumnarValue) -> Self {
        match arg {
            ColumnarValue::Scalar(value) => Self::Same { length: scalar_length(value), number: scalar_number(value) },
            ColumnarValue::Array(array) => {
                let numbers = array.data_type().is_integer().then(|| cast(array, &DataType::Int64).ok()).flatten();
                Self::Each { array: Arc::clone(array), numbers }
            }
        }
    }

    fn length(&self, row: usize) -> u64 {
        match self {
            Self::Same { length, .. } => *length,
            Self::Each { array, .. } => value_length(array.as_ref(), row),
        }
    }

    fn number(&self, row: usize) -> i64 {
        match self {
            Self::Same { number, .. } => *number,
            Self::Each { numbers: Some(numbers), .. } if !numbers.is_null(row) => numbers.as_primitive::<Int64Type>().value(row),
            Self::Each { .. } => 0,
        }
    }
}

fn scalar_length(value: &ScalarValue) -> u64 {
    match value.try_as_str().flatten() {
        Some(text) => text.len() as u64,
        None => value.to_array().map_or(8, |array| value_length(array.as_ref(), 0)),
    }
}

fn scalar_number(value: &ScalarValue) -> i64 {
    match value.cast_to(&DataType::Int64) {
        Ok(ScalarValue::Int64(Some(number))) => number,
        _ => 0,
    }
}

/// Bytes of one value; lists by what they hold.
fn value_length(array: &dyn Array, row: usize) -> u64 {
    if row >= array.len() || array.is_null(row) {
        return 0;
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value_length(row).unsigned_abs().into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value_length(row).unsigned_abs(),
        DataType::Utf8View => array.as_string_view().value(row).len() as u64,
        DataType::Binary => array.as_binary::<i32>().value_length(row).unsigned_abs().into(),
        DataType::BinaryView => array.as_binary_view().value(row).len() as u64,
        DataType::List(_) => list_length(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list_length(&array.as_list::<i64>().value(row)),
        _ => 8,
    }
}

fn list_length(values: &ArrayRef) -> u64 {
    (0..values.len()).map(|row| value_length(values.as_ref(), row)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[&str]) -> ColumnarValue {
        ColumnarValue::Array(Arc::new(arrow::array::StringViewArray::from(values.to_vec())))
    }

    fn number(value: i64) -> ColumnarValue {
        ColumnarValue::Scalar(ScalarValue::Int64(Some(value)))
    }

    #[test]
    fn the_length_is_known_before_the_call() {
        assert_eq!(grown_bytes("repeat", &[texts(&["ab", "c"]), number(10)], 2), (30, 20));
        assert_eq!(grown_bytes("lpad", &[texts(&["a"]), number(1_000)], 1), (4_000, 4_000));
        assert_eq!(grown_bytes("concat", &[texts(&["ab"]), texts(&["cde"])], 1), (5, 5));
        assert_eq!(grown_bytes("range", &[number(i64::MIN), number(i64::MAX), number(1)], 1).1, u64::MAX);
        assert_eq!(grown_bytes("repeat", &[texts(&["ab"]), number(-1)], 1), (0, 0));
    }
}
