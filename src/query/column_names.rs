//! Names and types of result columns, as every format reports them.

use std::collections::HashSet;

use arrow::datatypes::{DataType, Schema};
use serde::Serialize;

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResultColumn {
    /// Its name, unlike that of any other column of the result.
    pub name: String,
    /// Its type in words: `timestamp`, `date`, `time`, `interval`, `duration`, `text`, `integer`, `float`, `decimal`,
    /// `boolean`, `binary`, `list`, `struct`, `map` or `null`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// The columns of a result. SQL lets two columns have one name; the second becomes `name_2`, and so on.
pub fn result_columns(schema: &Schema) -> Vec<ResultColumn> {
    let given: HashSet<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut taken: HashSet<String> = HashSet::new();
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let mut name = field.name().clone();
        let mut number = 2;
        while taken.contains(&name) || (number > 2 && given.contains(name.as_str())) {
            name = format!("{}_{number}", field.name());
            number += 1;
        }
        taken.insert(name.clone());
        columns.push(ResultColumn { name, kind: type_name(field.data_type()) });
    }
    columns
}

/// The word for a type.
fn type_name(kind: &DataType) -> &'static str {
    match kind {
        DataType::Null => "null",
        DataType::Boolean => "boolean",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "float",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => "decimal",
        kind if kind.is_integer() => "integer",
        DataType::Timestamp(..) => "timestamp",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Duration(_) => "duration",
        DataType::Interval(_) => "interval",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Map(..) => "map",
        DataType::Struct(_) | DataType::Union(..) => "struct",
        DataType::List(_) | DataType::LargeList(_) | DataType::ListView(_) | DataType::LargeListView(_) | DataType::FixedSizeList(..) => {
            "list"
        }
        DataType::Dictionary(_, value) => type_name(value),
        DataType::RunEndEncoded(_, value) => type_name(value.data_type()),
        _ => "binary",
    }
}

/// Whether values of the type are written without quotes in JSON and without a prefix in CSV, and stand right in tables.
pub(super) fn is_number(kind: &DataType) -> bool {
    matches!(type_name(kind), "integer" | "float" | "decimal")
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;

    use super::*;
    use crate::record::arrow_schema::{LOGS, SAMPLES};

    #[test]
    fn types_have_the_words_of_sql() {
        let kinds = |schema: &Schema| result_columns(schema).into_iter().map(|column| column.kind).collect::<Vec<_>>();
        assert_eq!(kinds(&SAMPLES), ["integer", "timestamp", "float"]);
        assert_eq!(
            kinds(&LOGS),
            [
                "timestamp",
                "timestamp",
                "text",
                "text",
                "integer",
                "integer",
                "text",
                "text",
                "text",
                "map",
                "text",
                "text",
                "integer",
                "text",
                "binary"
            ]
        );
        let more = Schema::new(vec![Field::new("a", DataType::Boolean, true), Field::new("b", DataType::Date32, true)]);
        assert_eq!(kinds(&more), ["boolean", "date"]);
    }

    #[test]
    fn no_two_columns_keep_one_name() {
        let names = |given: &[&str]| {
            let fields: Vec<Field> = given.iter().map(|name| Field::new(*name, DataType::Null, true)).collect();
            result_columns(&Schema::new(fields)).into_iter().map(|column| column.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&["a", "a", "b", "a"]), ["a", "a_2", "b", "a_3"]);
        assert_eq!(names(&["a", "a", "a_2"]), ["a", "a_3", "a_2"]);
    }
}
