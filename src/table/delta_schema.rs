//! A table's columns in the words of Delta Lake.

use arrow::datatypes::{DataType as ArrowType, Field, TimeUnit};
use deltalake_core::kernel::{DataType, MapType, PrimitiveType, StructField, StructType};

use super::error::TableError;
use super::table_kind::TableKind;
use crate::record::arrow_schema::DATE;

/// Version of the Delta protocol that readers of our tables need; every reader knows it.
pub(super) const READER_VERSION: i32 = 1;
/// Version of the Delta protocol that writers of our tables need.
pub(super) const WRITER_VERSION: i32 = 2;

/// The columns of a new table: those of its batches, then the partition column.
pub(super) fn delta_fields(kind: TableKind) -> Result<Vec<StructField>, TableError> {
    let mut fields = Vec::new();
    for field in kind.schema().fields() {
        let data_type = delta_type(field).ok_or_else(|| TableError::Unsupported {
            table: kind.name(),
            detail: format!("column `{}` has type {}, which Delta Lake does not know", field.name(), field.data_type()),
        })?;
        fields.push(StructField::new(field.name(), data_type, field.is_nullable()));
    }
    if kind.partitioned() {
        fields.push(StructField::new(DATE, DataType::Primitive(PrimitiveType::Date), true));
    }
    Ok(fields)
}

/// Fails if the table on disk lacks a column that we write, or gives it another type. Further columns are no harm: files
/// without them read as null.
pub(super) fn check_columns(kind: TableKind, found: &StructType) -> Result<(), TableError> {
    for expected in delta_fields(kind)? {
        let actual = found.field(expected.name()).map(StructField::data_type);
        if actual != Some(expected.data_type()) {
            let actual = actual.map_or_else(|| "is missing".to_owned(), |other| format!("is {other}"));
            let detail = format!("its column `{}` {actual} where {} is expected", expected.name(), expected.data_type());
            return Err(TableError::Unsupported { table: kind.name(), detail });
        }
    }
    Ok(())
}

/// The Delta type of an Arrow column, or `None` if there is none.
///
/// Only µs in UTC is taken for time stamps: other units would be cut, and a time stamp without zone raises the protocol
/// to versions that many readers lack.
fn delta_type(field: &Field) -> Option<DataType> {
    Some(match field.data_type() {
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => DataType::Primitive(PrimitiveType::String),
        ArrowType::Binary | ArrowType::LargeBinary | ArrowType::BinaryView => DataType::Primitive(PrimitiveType::Binary),
        ArrowType::Boolean => DataType::Primitive(PrimitiveType::Boolean),
        ArrowType::Int8 => DataType::Primitive(PrimitiveType::Byte),
        ArrowType::Int16 => DataType::Primitive(PrimitiveType::Short),
        ArrowType::Int32 => DataType::Primitive(PrimitiveType::Integer),
        ArrowType::Int64 => DataType::Primitive(PrimitiveType::Long),
        ArrowType::Float32 => DataType::Primitive(PrimitiveType::Float),
        ArrowType::Float64 => DataType::Primitive(PrimitiveType::Double),
        ArrowType::Date32 => DataType::Primitive(PrimitiveType::Date),
        ArrowType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC" => DataType::Primitive(PrimitiveType::Timestamp),
        ArrowType::Map(entry, _) => {
            let ArrowType::Struct(pair) = entry.data_type() else { return None };
            let [key, value] = pair.as_ref() else { return None };
            DataType::Map(Box::new(MapType::new(delta_type(key)?, delta_type(value)?, value.is_nullable())))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_delta_type() {
        for kind in TableKind::ALL {
            let fields = delta_fields(kind).unwrap();
            assert_eq!(fields.len(), kind.schema().fields().len() + usize::from(kind.partitioned()));
            check_columns(kind, &StructType::try_new(fields).unwrap()).unwrap();
        }
    }

    #[test]
    fn views_bytes_and_maps_read_as_plain_types() {
        let fields = delta_fields(TableKind::Logs).unwrap();
        let shown = |name: &str| fields.iter().find(|f| f.name() == name).map(|f| f.data_type().to_string()).unwrap();
        assert_eq!(shown("message"), "string");
        assert_eq!(shown("severity"), "byte");
        assert_eq!(shown("timestamp"), "timestamp");
        assert_eq!(shown("attributes"), "map<string, string>");
        assert_eq!(shown("raw"), "binary");
        assert_eq!(shown("date"), "date");
    }

    #[test]
    fn a_changed_or_missing_column_is_told() {
        let mut fields = delta_fields(TableKind::Samples).unwrap();
        fields[2] = StructField::new("value", DataType::Primitive(PrimitiveType::String), true);
        let error = check_columns(TableKind::Samples, &StructType::try_new(fields.clone()).unwrap()).unwrap_err();
        assert!(error.to_string().contains("`value` is string"), "{error}");
        fields.remove(2);
        let error = check_columns(TableKind::Samples, &StructType::try_new(fields).unwrap()).unwrap_err();
        assert!(error.to_string().contains("`value` is missing"), "{error}");
    }
}
